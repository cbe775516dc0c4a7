/*
 * softlan-shots.exe: the window with made-up contents, for pictures. A test tool, not installed.
 *
 *   softlan-shots --demo-state NAME[,NAME...] [--dpi N] [--theme light|dark]
 *
 * For each state a line "ready NAME X Y WIDTH HEIGHT" on standard output when it is drawn; a line on
 * standard input asks for the next one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/gui-win/sample.h"
#include "apps/gui-win/window.h"

#define DRAWN_MS 150

struct shots {
    struct lp_gui_model *model;
    struct lp_window *window;
    char *name; /* of the state that is shown */
    char *next;
};

static void on_effect(void *user, enum lp_gui_effect effect)
{
    (void)user;
    (void)effect;
}

static void on_nothing(void *user)
{
    (void)user;
}

/* What was drawn reaches the screen when the program waits for messages: this comes after that. */
static void CALLBACK on_drawn(HWND window, UINT message, UINT_PTR user, DWORD ticks)
{
    const struct shots *shots = (const struct shots *)user;
    const char *name = shots->name;
    RECT client;
    POINT at = {0, 0};

    (void)message;
    (void)ticks;
    KillTimer(window, user);
    GetClientRect(window, &client);
    ClientToScreen(window, &at);
    printf("ready %s %ld %ld %ld %ld\n", name, at.x, at.y, client.right, client.bottom);
    fflush(stdout);
}

static void on_shot(void *user)
{
    struct shots *shots = user;
    char *name = shots->next;

    if (name == NULL || *name == '\0') {
        DestroyWindow(lp_window_handle(shots->window));
        return;
    }
    shots->next = strchr(name, ',');
    if (shots->next != NULL)
        *shots->next++ = '\0';
    if (lp_sample_find(name) == LP_SAMPLES) {
        fprintf(stderr, "no state is called %s\n", name);
        exit(2);
    }
    lp_sample_make(lp_sample_find(name), shots->model);
    lp_window_fill_form(shots->window);
    lp_window_refresh(shots->window);
    shots->name = name;
    SetTimer(lp_window_handle(shots->window), (UINT_PTR)shots, DRAWN_MS, on_drawn);
}

/* Standard input cannot be waited for together with messages. */
static DWORD WINAPI on_input(void *user)
{
    char line[16];

    while (fgets(line, sizeof(line), stdin) != NULL)
        PostMessageW(user, LP_WM_SHOT, 0, 0);
    PostMessageW(user, LP_WM_SHOT, 0, 0);
    return 0;
}

static const struct lp_window_hooks hooks = {
    .effect = on_effect,
    .engine_news = on_nothing,
    .session_ends = on_nothing,
    .shot = on_shot,
};

int main(int argc, char **argv)
{
    struct lp_window_look look = {.dpi = 96, .fixed_theme = true};
    struct shots shots = {.model = calloc(1, sizeof(*shots.model))};

    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--demo-state") == 0)
            shots.next = argv[i + 1];
        else if (strcmp(argv[i], "--dpi") == 0)
            look.dpi = atoi(argv[i + 1]);
        else if (strcmp(argv[i], "--theme") == 0)
            look.dark = strcmp(argv[i + 1], "dark") == 0;
    }
    if (shots.next == NULL || shots.model == NULL || look.dpi < 96 || look.dpi > 384) {
        fprintf(stderr, "usage: softlan-shots --demo-state NAME[,NAME...] [--dpi N] "
                        "[--theme light|dark]\n");
        return 2;
    }
    shots.window = lp_window_new(GetModuleHandleW(NULL), shots.model, &look, &hooks, &shots);
    if (shots.window == NULL)
        return 1;
    SetWindowPos(lp_window_handle(shots.window), NULL, 20, 20, 0, 0, SWP_NOSIZE | SWP_NOZORDER);
    lp_window_show(shots.window);
    PostMessageW(lp_window_handle(shots.window), LP_WM_SHOT, 0, 0);
    CloseHandle(CreateThread(NULL, 0, on_input, lp_window_handle(shots.window), 0, NULL));
    lp_window_run(shots.window);
    lp_window_free(shots.window);
    free(shots.model);
    return 0;
}
