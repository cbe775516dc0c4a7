#include "apps/gui-win/draw.h"
#include "apps/gui-win/graph.h"
#include "apps/gui-win/window_internal.h"

void lp_window_paint(struct lp_window *window)
{
    struct lp_canvas canvas;
    PAINTSTRUCT paint;
    RECT client;
    HDC dc = BeginPaint(window->handle, &paint);

    GetClientRect(window->handle, &client);
    lp_canvas_begin(&canvas, dc, &client);
    lp_draw_background(canvas.dc, &client, &window->theme, window->view, &window->layout,
                       window->focused);
    lp_canvas_end(&canvas);
    EndPaint(window->handle, &paint);
}

static bool is_on_card(const struct lp_window *window, enum lp_element e)
{
    for (unsigned i = 0; i < window->layout.card_count; i++) {
        const struct lp_rect *card = &window->layout.card[i], *rect = &window->layout.at[e];

        if (rect->y >= card->y && rect->y < card->y + card->height)
            return true;
    }
    return false;
}

void lp_window_draw_item(struct lp_window *window, const DRAWITEMSTRUCT *item)
{
    enum lp_element e = lp_controls_of_window(&window->controls, item->hwndItem);
    const struct lp_theme *theme = &window->theme;
    LRESULT state = SendMessageW(window->handle, WM_QUERYUISTATE, 0, 0);

    if (e == LP_ELEMENTS)
        return;
    if (e == LP_ELEMENT_GRAPH) {
        lp_graph_draw(theme, window->model, item->hDC, &item->rcItem);
        return;
    }
    lp_draw_text(theme, item, lp_element_font(e),
                 theme->colour[window->view->dim[e] ? LP_COLOUR_DIM : LP_COLOUR_TEXT],
                 theme->colour[is_on_card(window, e) ? LP_COLOUR_CARD : LP_COLOUR_BACK],
                 lp_element_kind(e) == LP_KIND_LABEL, (state & UISF_HIDEACCEL) == 0);
    if (e == LP_ELEMENT_GRAPH_LABEL)
        lp_graph_draw_legend(theme, item->hDC, &item->rcItem);
}

LRESULT lp_window_field_colours(struct lp_window *window, HDC dc)
{
    SetTextColor(dc, window->theme.colour[LP_COLOUR_TEXT]);
    SetBkColor(dc, window->theme.colour[LP_COLOUR_CARD]);
    return (LRESULT)window->theme.card_brush;
}

/* The frame around the field that has the focus is drawn by the window. */
void lp_window_set_focused(struct lp_window *window, enum lp_element element)
{
    window->focused = element;
    InvalidateRect(window->handle, NULL, FALSE);
}
