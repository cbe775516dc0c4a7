/* The window comes, goes into the notification area, and goes for good. */
#include "apps/gui-win/window_internal.h"

/* How long the engine may take to put everything back; then the service does what is left. */
#define QUIT_TIMER 1
#define QUIT_MS    10000

void lp_window_bring_to_front(struct lp_window *window)
{
    /* somebody wants it after all, who had just quit */
    window->quitting = false;
    KillTimer(window->handle, QUIT_TIMER);
    ShowWindow(window->handle, IsIconic(window->handle) ? SW_RESTORE : SW_SHOW);
    SetForegroundWindow(window->handle);
    lp_window_focus(window);
}

/* The window goes at once; the program when the engine has put everything back. */
void lp_window_quit(struct lp_window *window)
{
    ShowWindow(window->handle, SW_HIDE);
    if (!lp_gui_is_running(window->model)) {
        DestroyWindow(window->handle);
        return;
    }
    window->quitting = true;
    SetTimer(window->handle, QUIT_TIMER, QUIT_MS, NULL);
    lp_window_done(window, lp_gui_disconnect(window->model));
}

void lp_window_hear_engine(struct lp_window *window)
{
    window->hooks->engine_news(window->user);
    if (window->quitting && !lp_gui_is_running(window->model))
        DestroyWindow(window->handle);
}

/* The cross keeps the connection; without one there is nothing to keep. */
void lp_window_close(struct lp_window *window)
{
    if (lp_gui_is_running(window->model)) {
        ShowWindow(window->handle, SW_HIDE);
        lp_tray_hint(&window->tray);
    } else {
        lp_window_quit(window);
    }
}

void lp_window_tray(struct lp_window *window, LPARAM lparam)
{
    switch (lp_tray_on_message(&window->tray, window->view, lparam)) {
    case LP_TRAY_OPEN:
    case LP_TRAY_CONNECT:
        lp_window_bring_to_front(window);
        break;
    case LP_TRAY_DISCONNECT:
        lp_window_done(window, lp_gui_disconnect(window->model));
        break;
    case LP_TRAY_QUIT:
        lp_window_quit(window);
        break;
    case LP_TRAY_NONE:
        break;
    }
}

void lp_window_timer(struct lp_window *window, WPARAM timer)
{
    if (timer == QUIT_TIMER && window->quitting)
        DestroyWindow(window->handle);
}
