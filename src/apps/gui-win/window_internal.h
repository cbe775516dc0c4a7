/* Internal to gui-win: the window's struct, and its drawing (paint.c). */
#ifndef LP_APPS_GUI_WIN_WINDOW_INTERNAL_H
#define LP_APPS_GUI_WIN_WINDOW_INTERNAL_H

#include "apps/gui-win/controls.h"
#include "apps/gui-win/tray.h"
#include "apps/gui-win/window.h"

struct lp_window {
    HWND handle;
    HINSTANCE instance;
    struct lp_gui_model *model;
    struct lp_window_look look;
    const struct lp_window_hooks *hooks;
    void *user;
    struct lp_theme theme;
    struct lp_controls controls;
    struct lp_view *view;   /* what the controls show */
    struct lp_view *before; /* scratch: the one before it */
    struct lp_layout layout;
    struct lp_tray tray;
    enum lp_element focused;
    UINT taskbar_created;
    bool quitting; /* hidden; the program ends as soon as the engine has */
};

/* WM_PAINT, WM_DRAWITEM, WM_CTLCOLOR... */
void lp_window_paint(struct lp_window *window);
void lp_window_draw_item(struct lp_window *window, const DRAWITEMSTRUCT *item);
LRESULT lp_window_field_colours(struct lp_window *window, HDC dc);

/* The frame around the field that has the focus is drawn by the window. */
void lp_window_set_focused(struct lp_window *window, enum lp_element element);

/* window.c: the focus goes where the page wants it; what an answer of the model asks for. */
void lp_window_focus(struct lp_window *window);
void lp_window_done(struct lp_window *window, enum lp_gui_effect effect);

/* window_life.c */
void lp_window_bring_to_front(struct lp_window *window);
void lp_window_quit(struct lp_window *window);
void lp_window_close(struct lp_window *window);
void lp_window_timer(struct lp_window *window, WPARAM timer);
void lp_window_tray(struct lp_window *window, LPARAM lparam);
void lp_window_hear_engine(struct lp_window *window);

#endif
