/* The child controls of the window: made once, then given text, place and look. */
#ifndef LP_APPS_GUI_WIN_CONTROLS_H
#define LP_APPS_GUI_WIN_CONTROLS_H

#include "apps/gui-win/layout.h"
#include "apps/gui-win/theme.h"

/* Control number of an element in WM_COMMAND and the like. */
#define LP_CONTROL_FIRST 100

struct lp_controls {
    HWND at[LP_ELEMENTS];
};

bool lp_controls_make(struct lp_controls *controls, HWND parent, HINSTANCE instance);

/* The element of a control number or window, LP_ELEMENTS for none. */
enum lp_element lp_controls_of_number(unsigned number);
enum lp_element lp_controls_of_window(const struct lp_controls *controls, HWND window);

/* Fonts, colours, themes. */
void lp_controls_dress(const struct lp_controls *controls, const struct lp_theme *theme);
/* What changed from `before` (zeroes at first) to `view`. */
void lp_controls_fill(const struct lp_controls *controls, const struct lp_view *before,
                      const struct lp_view *view);
void lp_controls_place(const struct lp_controls *controls, const struct lp_view *view,
                       const struct lp_layout *layout, int dpi);

/* What stands in the edit fields, and back. */
void lp_controls_read(const struct lp_controls *controls, struct lp_gui_form *ret_form);
void lp_controls_write(const struct lp_controls *controls, const struct lp_gui_form *form);

/* The row that is chosen in a list, -1 for none. */
int lp_controls_chosen(const struct lp_controls *controls, enum lp_element list);

#endif
