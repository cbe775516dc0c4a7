/*
 * softlan.exe: one window, one button. The only argument is an invite link; whatever else is given is
 * shown as a link that is not valid, and nothing is done about it.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apps/common/file.h"
#include "apps/gui-win/engine.h"
#include "apps/gui-win/single.h"
#include "apps/gui-win/window.h"
#include "platform/windows/errno.h"

#include <shellapi.h>

#define SETTINGS_FILE "window.txt"
/* Of the five seconds that Windows gives a program. */
#define SESSION_END_MS 4000

struct app {
    struct lp_gui_model model;
    struct lp_window *window;
    struct lp_gui_engine *engine;
    struct lp_gui_snapshot snapshot; /* scratch */
};

/* ---- what is remembered ---- */

static void read_settings(struct lp_settings *settings)
{
    char path[LP_PATH_LEN], why[LP_FILE_WHY_LEN];
    uint8_t *text;
    size_t len;

    memset(settings, 0, sizeof(*settings));
    if (lp_state_path(SETTINGS_FILE, path) < 0 || lp_file_read(path, &text, &len, why) < 0)
        return; /* a first start */
    lp_settings_read((const char *)text, settings);
    free(text);
}

/* That parties are not remembered is no reason to bother anybody. */
static void write_settings(const struct lp_settings *settings)
{
    char path[LP_PATH_LEN], why[LP_FILE_WHY_LEN], text[LP_SETTINGS_LEN + 1];
    int len = lp_settings_write(settings, text, sizeof(text));

    if (len >= 0 && lp_state_path(SETTINGS_FILE, path) == 0)
        (void)lp_file_write(path, text, (size_t)len, 0600, why);
}

/* ---- the engine ---- */

static void start_engine(struct app *app)
{
    write_settings(&app->model.settings);
    app->engine =
        lp_gui_engine_start(&app->model.party, app->model.settings.name, app->model.run,
                            lp_window_handle(app->window), LP_WM_ENGINE);
    if (app->engine != NULL)
        return;
    memset(&app->snapshot, 0, sizeof(app->snapshot));
    app->snapshot.run = app->model.run;
    app->snapshot.news = LP_GUI_NEWS_ENDED;
    app->snapshot.failure = LP_GUI_FAILURE_OTHER;
    (void)lp_gui_apply(&app->model, &app->snapshot);
}

static void on_effect(void *user, enum lp_gui_effect effect)
{
    struct app *app = user;
    char report[LP_VIEW_DETAILS_LEN];

    switch (effect) {
    case LP_GUI_START_ENGINE:
        start_engine(app);
        break;
    case LP_GUI_STOP_ENGINE:
        if (app->engine != NULL)
            lp_gui_engine_stop(app->engine);
        break;
    case LP_GUI_COPY_REPORT:
        lp_view_report(&app->model, report, sizeof(report));
        lp_window_copy(app->window, report);
        break;
    case LP_GUI_NOTHING:
    case LP_GUI_FILL_FORM:
        break;
    }
}

static void on_engine_news(void *user)
{
    struct app *app = user;

    while (app->engine != NULL && lp_gui_engine_take(app->engine, &app->snapshot)) {
        enum lp_gui_effect effect;

        if (app->snapshot.news == LP_GUI_NEWS_ENDED) {
            lp_gui_engine_free(app->engine);
            app->engine = NULL;
        }
        effect = lp_gui_apply(&app->model, &app->snapshot);
        if (effect != LP_GUI_NOTHING)
            on_effect(app, effect);
    }
    lp_window_refresh(app->window);
}

static void on_session_ends(void *user)
{
    struct app *app = user;

    if (app->engine == NULL)
        return;
    lp_gui_engine_stop(app->engine);
    (void)lp_gui_engine_wait(app->engine, SESSION_END_MS);
}

static const struct lp_window_hooks hooks = {
    .effect = on_effect,
    .engine_news = on_engine_news,
    .session_ends = on_session_ends,
    .shot = NULL,
};

/* ---- program ---- */

/* The only argument; "?" (no link) for what is none. False: there is no argument. */
static bool read_link(char link[LP_INVITE_LINK_MAX + 2])
{
    int argc = 0;
    wchar_t **argv = CommandLineToArgvW(GetCommandLineW(), &argc);
    bool given = argv != NULL && argc > 1;

    strcpy(link, given ? "?" : "");
    if (given && argc == 2 && lp_utf8_from_wide(argv[1], link, LP_INVITE_LINK_MAX + 2) < 0)
        strcpy(link, "?");
    LocalFree(argv);
    return given;
}

int WINAPI WinMain(HINSTANCE instance, HINSTANCE before, char *command_line, int show)
{
    struct lp_window_look look = {.dpi = 0};
    struct app *app = calloc(1, sizeof(*app));
    struct lp_settings settings;
    char link[LP_INVITE_LINK_MAX + 2];
    bool given = read_link(link);

    (void)before;
    (void)command_line;
    (void)show;
    if (!lp_single_take() && lp_single_hand_over(LP_WINDOW_CLASS, link))
        return 0;
    if (app == NULL)
        return 1;
    read_settings(&settings);
    lp_gui_init(&app->model, &settings);
    if (given)
        (void)lp_gui_open_link(&app->model, link, strlen(link));
    app->window = lp_window_new(instance, &app->model, &look, &hooks, app);
    if (app->window == NULL)
        return 1;
    lp_window_show(app->window);
    lp_window_run(app->window);
    /* one that did not end in time: nothing may be taken from under its thread */
    if (app->engine != NULL)
        _exit(0);
    lp_window_free(app->window);
    free(app);
    return 0;
}
