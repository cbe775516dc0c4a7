#include "apps/gui-win/graph.h"

#include <stdio.h>

#include "apps/gui-win/draw.h"

#define LINES 2 /* between bottom and top */

struct plot {
    const struct lp_theme *theme;
    const struct lp_gui_model *model;
    HDC dc;
    RECT area; /* of the lines, within the panel */
    double top_ms;
};

static int scaled(const struct plot *plot, int length)
{
    return lp_layout_scale(length, plot->theme->dpi);
}

static int y_of(const struct plot *plot, double ms)
{
    double share = ms / plot->top_ms;

    return plot->area.bottom -
           (int)((share > 1 ? 1 : share) * (plot->area.bottom - plot->area.top));
}

/* The newest sample stands at the right edge. */
static int x_of(const struct plot *plot, unsigned sample)
{
    unsigned from_right = plot->model->sample_count - 1 - sample;
    int width = plot->area.right - plot->area.left;

    return plot->area.right - MulDiv(width, (int)from_right, LP_GUI_SAMPLES_MAX - 1);
}

static void put_text(const struct plot *plot, const char *text, RECT rect, UINT format,
                     enum lp_colour colour)
{
    wchar_t wide[64];

    lp_draw_wide(text, wide, 64);
    SetTextColor(plot->dc, plot->theme->colour[colour]);
    DrawTextW(plot->dc, wide, -1, &rect, format | DT_SINGLELINE | DT_NOPREFIX | DT_NOCLIP);
}

static void draw_grid(const struct plot *plot)
{
    HGDIOBJ pen = SelectObject(plot->dc, GetStockObject(DC_PEN));

    SetDCPenColor(plot->dc, plot->theme->colour[LP_COLOUR_LINE]);
    for (int i = 0; i <= LINES; i++) {
        int y = y_of(plot, plot->top_ms * i / LINES);

        MoveToEx(plot->dc, plot->area.left, y, NULL);
        LineTo(plot->dc, plot->area.right, y);
    }
    SelectObject(plot->dc, pen);
}

static void draw_line(const struct plot *plot, bool party, enum lp_colour colour)
{
    HPEN pen = CreatePen(PS_SOLID, scaled(plot, 2), plot->theme->colour[colour]);
    HGDIOBJ before = SelectObject(plot->dc, pen);
    bool drawing = false;

    for (unsigned i = 0; i < plot->model->sample_count; i++) {
        const struct lp_gui_sample *sample = &plot->model->sample[i];
        double ms = (double)(party ? sample->party_ms : sample->relay_ms);

        if (ms < 0) {
            drawing = false;
            continue;
        }
        if (!drawing)
            MoveToEx(plot->dc, x_of(plot, i), y_of(plot, ms), NULL);
        LineTo(plot->dc, x_of(plot, i), y_of(plot, ms));
        drawing = true;
    }
    SelectObject(plot->dc, before);
    DeleteObject(pen);
}

/* "20 ms" at the top line, 0 at the bottom one. The lines get the rest. */
static void draw_scale(struct plot *plot, const RECT *panel)
{
    int pad = scaled(plot, 6);
    char text[24];
    wchar_t wide[24];
    SIZE size;
    RECT rect;

    snprintf(text, sizeof(text), "%.0f ms", plot->top_ms);
    lp_draw_wide(text, wide, 24);
    GetTextExtentPoint32W(plot->dc, wide, (int)wcslen(wide), &size);
    rect = (RECT){panel->left + pad, panel->top + pad, panel->left + pad + size.cx + 2,
                  panel->bottom - pad};
    put_text(plot, text, rect, DT_RIGHT | DT_TOP, LP_COLOUR_DIM);
    put_text(plot, "0", rect, DT_RIGHT | DT_BOTTOM, LP_COLOUR_DIM);
    plot->area = (RECT){rect.right + pad, rect.top + size.cy / 2, panel->right - 2 * pad,
                        rect.bottom - size.cy / 2};
}

void lp_graph_draw(const struct lp_theme *theme, const struct lp_gui_model *model, HDC target,
                   const RECT *rect)
{
    struct plot plot = {.theme = theme, .model = model, .top_ms = lp_gui_graph_top_ms(model)};
    struct lp_rect panel = {rect->left, rect->top, rect->right - rect->left,
                            rect->bottom - rect->top};
    struct lp_canvas canvas;
    HGDIOBJ before;

    lp_canvas_begin(&canvas, target, rect);
    plot.dc = canvas.dc;
    before = SelectObject(plot.dc, theme->font[LP_FONT_SMALL]);
    lp_draw_fill(plot.dc, rect, theme->colour[LP_COLOUR_BACK]);
    lp_draw_panel(plot.dc, &panel, lp_layout_scale(8, theme->dpi),
                  theme->colour[LP_COLOUR_CARD], theme->colour[LP_COLOUR_LINE]);
    draw_scale(&plot, rect);
    draw_grid(&plot);
    draw_line(&plot, false, LP_COLOUR_ACCENT);
    draw_line(&plot, true, LP_COLOUR_PARTY);
    SelectObject(plot.dc, before);
    lp_canvas_end(&canvas);
}

/* Returns where the next one to the left may end. */
static int draw_entry(const struct lp_theme *theme, HDC dc, const RECT *rect, int right,
                      const wchar_t *text, enum lp_colour colour)
{
    int gap = lp_layout_scale(6, theme->dpi), width = lp_layout_scale(14, theme->dpi);
    int middle = (rect->top + rect->bottom) / 2, thick = lp_layout_scale(2, theme->dpi);
    RECT words = *rect, swatch;
    SIZE size;

    GetTextExtentPoint32W(dc, text, (int)wcslen(text), &size);
    words.left = right - size.cx;
    words.right = right;
    SetTextColor(dc, theme->colour[LP_COLOUR_DIM]);
    DrawTextW(dc, text, -1, &words, DT_SINGLELINE | DT_NOPREFIX);
    swatch = (RECT){words.left - gap - width, middle, words.left - gap, middle + thick};
    lp_draw_fill(dc, &swatch, theme->colour[colour]);
    return swatch.left - 2 * gap;
}

void lp_graph_draw_legend(const struct lp_theme *theme, HDC dc, const RECT *rect)
{
    HGDIOBJ before = SelectObject(dc, theme->font[LP_FONT_SMALL]);
    int right;

    SetBkMode(dc, TRANSPARENT);
    right = draw_entry(theme, dc, rect, rect->right, L"to party", LP_COLOUR_PARTY);
    draw_entry(theme, dc, rect, right, L"to relay", LP_COLOUR_ACCENT);
    SelectObject(dc, before);
}
