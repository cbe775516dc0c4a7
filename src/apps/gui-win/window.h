/*
 * The main window: a child control for each element of the view, kept as the model says. Controls
 * are Windows' own, so that keyboard and screen readers work as everywhere; only their looks are
 * drawn here. One thread, the one that made it.
 *
 * The window changes the model by what the player does, and calls `effect` for what is then to be
 * done; whoever changes the model otherwise calls lp_window_refresh.
 */
#ifndef LP_APPS_GUI_WIN_WINDOW_H
#define LP_APPS_GUI_WIN_WINDOW_H

#include "apps/gui-win/layout.h"
#include "apps/gui-win/theme.h"

#define LP_WINDOW_CLASS L"SoftLAN.Window"
#define LP_WINDOW_TITLE L"SoftLAN"

/* Sent to the window's thread: */
#define LP_WM_ENGINE (WM_APP + 1) /* the engine has news */
#define LP_WM_TRAY   (WM_APP + 2) /* the tray icon */
#define LP_WM_SHOT   (WM_APP + 3) /* a picture is asked for; in softlan-shots alone */

struct lp_window;

struct lp_window_hooks {
    void (*effect)(void *user, enum lp_gui_effect effect);
    void (*engine_news)(void *user);
    /* Windows ends the session: the last call, and there is little time. */
    void (*session_ends)(void *user);
    /* LP_WM_SHOT; NULL: none */
    void (*shot)(void *user);
};

/* Fixed instead of what the system says, for pictures; zeroes: as the system says. */
struct lp_window_look {
    int dpi;
    bool fixed_theme;
    bool dark;
};

/* `model` is borrowed. NULL when Windows makes no window. */
struct lp_window *lp_window_new(HINSTANCE instance, struct lp_gui_model *model,
                                const struct lp_window_look *look,
                                const struct lp_window_hooks *hooks, void *user);
void lp_window_free(struct lp_window *window);

HWND lp_window_handle(const struct lp_window *window);
void lp_window_show(struct lp_window *window);

/* Makes the window show the model as it is now. */
void lp_window_refresh(struct lp_window *window);
/* Another look: everything is made anew. */
void lp_window_set_look(struct lp_window *window, const struct lp_window_look *look);
/* The edit fields get what stands in model.form. */
void lp_window_fill_form(struct lp_window *window);
/* Text onto the clipboard. */
void lp_window_copy(struct lp_window *window, const char *text);

/* Runs until the window is gone. */
void lp_window_run(struct lp_window *window);

#endif
