/*
 * Drawing by GDI: what lies behind the controls, texts, buttons. Everything goes through a bitmap
 * first, so that nothing flickers.
 */
#ifndef LP_APPS_GUI_WIN_DRAW_H
#define LP_APPS_GUI_WIN_DRAW_H

#include "apps/gui-win/layout.h"
#include "apps/gui-win/theme.h"

#include <commctrl.h>

/* A bitmap to draw on, shown when it is complete. */
struct lp_canvas {
    HDC dc;
    HDC target;
    RECT rect;
    HBITMAP bitmap;
    HGDIOBJ before;
};

void lp_canvas_begin(struct lp_canvas *canvas, HDC target, const RECT *rect);
void lp_canvas_end(struct lp_canvas *canvas);

void lp_draw_fill(HDC dc, const RECT *rect, COLORREF colour);
/* With round corners; `line` is the colour of its edge. */
void lp_draw_panel(HDC dc, const struct lp_rect *rect, int radius, COLORREF fill,
                   COLORREF line);

/* UTF-8 to UTF-16; what is no text becomes an empty one. */
void lp_draw_wide(const char *text, wchar_t *wide, size_t capacity);

/* As the layout asks for it: the measure of struct lp_layout_input. */
void lp_draw_measure(const struct lp_theme *theme, HDC dc, enum lp_font font, const char *text,
                     int max_width, int *ret_width, int *ret_height);

/* All that is no control: panels, mark, progress, frames around fields. */
void lp_draw_background(HDC dc, const RECT *client, const struct lp_theme *theme,
                        const struct lp_view *view, const struct lp_layout *layout,
                        enum lp_element focused);

/* A static control's own text. `prefix`: & marks an access key, shown when `cues`. */
void lp_draw_text(const struct lp_theme *theme, const DRAWITEMSTRUCT *item, enum lp_font font,
                  COLORREF colour, COLORREF back, bool prefix, bool cues);

/* The answer to NM_CUSTOMDRAW of a button. */
LRESULT lp_draw_button(const struct lp_theme *theme, const NMCUSTOMDRAW *draw, bool primary);

#endif
