#include "apps/gui-win/draw.h"

#include "platform/windows/errno.h"

#define WRAPPED (DT_WORDBREAK | DT_EDITCONTROL | DT_NOPREFIX)
#define RADIUS  8

/* ---- canvas ---- */

void lp_canvas_begin(struct lp_canvas *canvas, HDC target, const RECT *rect)
{
    canvas->target = target;
    canvas->rect = *rect;
    canvas->dc = CreateCompatibleDC(target);
    canvas->bitmap =
        CreateCompatibleBitmap(target, rect->right - rect->left, rect->bottom - rect->top);
    canvas->before = SelectObject(canvas->dc, canvas->bitmap);
    SetViewportOrgEx(canvas->dc, -rect->left, -rect->top, NULL);
    SetBkMode(canvas->dc, TRANSPARENT);
}

void lp_canvas_end(struct lp_canvas *canvas)
{
    const RECT *rect = &canvas->rect;

    BitBlt(canvas->target, rect->left, rect->top, rect->right - rect->left,
           rect->bottom - rect->top, canvas->dc, rect->left, rect->top, SRCCOPY);
    SelectObject(canvas->dc, canvas->before);
    DeleteObject(canvas->bitmap);
    DeleteDC(canvas->dc);
}

/* ---- shapes ---- */

void lp_draw_fill(HDC dc, const RECT *rect, COLORREF colour)
{
    SetDCBrushColor(dc, colour);
    FillRect(dc, rect, GetStockObject(DC_BRUSH));
}

void lp_draw_panel(HDC dc, const struct lp_rect *rect, int radius, COLORREF fill, COLORREF line)
{
    HGDIOBJ brush = SelectObject(dc, GetStockObject(DC_BRUSH));
    HGDIOBJ pen = SelectObject(dc, GetStockObject(DC_PEN));

    SetDCBrushColor(dc, fill);
    SetDCPenColor(dc, line);
    RoundRect(dc, rect->x, rect->y, rect->x + rect->width, rect->y + rect->height, radius,
              radius);
    SelectObject(dc, brush);
    SelectObject(dc, pen);
}

static void draw_mark(HDC dc, const struct lp_rect *rect, COLORREF colour)
{
    HGDIOBJ brush = SelectObject(dc, GetStockObject(DC_BRUSH));
    HGDIOBJ pen = SelectObject(dc, GetStockObject(DC_PEN));

    SetDCBrushColor(dc, colour);
    SetDCPenColor(dc, colour);
    Ellipse(dc, rect->x, rect->y, rect->x + rect->width, rect->y + rect->height);
    SelectObject(dc, brush);
    SelectObject(dc, pen);
}

static void draw_progress(HDC dc, const struct lp_theme *theme, const struct lp_rect *bar,
                          double progress)
{
    RECT rect = {bar->x, bar->y, bar->x + bar->width, bar->y + bar->height};

    lp_draw_fill(dc, &rect, theme->colour[LP_COLOUR_LINE]);
    rect.right = bar->x + (int)(bar->width * progress);
    lp_draw_fill(dc, &rect, theme->colour[LP_COLOUR_ACCENT]);
}

static bool has_frame(enum lp_element element)
{
    enum lp_element_kind kind = lp_element_kind(element);

    return kind == LP_KIND_EDIT || kind == LP_KIND_LIST || kind == LP_KIND_MEMO;
}

void lp_draw_background(HDC dc, const RECT *client, const struct lp_theme *theme,
                        const struct lp_view *view, const struct lp_layout *layout,
                        enum lp_element focused)
{
    int radius = lp_layout_scale(RADIUS, theme->dpi);

    lp_draw_fill(dc, client, theme->colour[LP_COLOUR_BACK]);
    for (unsigned i = 0; i < layout->card_count; i++)
        lp_draw_panel(dc, &layout->card[i], radius, theme->colour[LP_COLOUR_CARD],
                      theme->colour[LP_COLOUR_LINE]);
    draw_mark(dc, &layout->mark, lp_theme_tone(theme, view->tone));
    if (layout->progress.width > 0)
        draw_progress(dc, theme, &layout->progress, view->progress);
    for (enum lp_element e = 0; e < LP_ELEMENTS; e++) {
        if (view->shown[e] && has_frame(e))
            lp_draw_panel(dc, &layout->at[e], radius, theme->colour[LP_COLOUR_CARD],
                          theme->colour[e == focused ? LP_COLOUR_ACCENT : LP_COLOUR_LINE]);
    }
}

/* ---- texts ---- */

void lp_draw_wide(const char *text, wchar_t *wide, size_t capacity)
{
    if (lp_wide_from_utf8(text, wide, capacity) < 0)
        wide[0] = L'\0';
}

void lp_draw_measure(const struct lp_theme *theme, HDC dc, enum lp_font font, const char *text,
                     int max_width, int *ret_width, int *ret_height)
{
    HGDIOBJ before = SelectObject(dc, theme->font[font]);
    wchar_t wide[LP_VIEW_TEXT_LEN];
    RECT rect = {0, 0, max_width, 0};

    lp_draw_wide(text, wide, LP_VIEW_TEXT_LEN);
    DrawTextW(dc, wide, -1, &rect,
              DT_CALCRECT | (max_width > 0 ? WRAPPED : DT_SINGLELINE | DT_NOPREFIX));
    SelectObject(dc, before);
    *ret_width = rect.right + 1; /* ClearType smears by one */
    *ret_height = rect.bottom;
}

void lp_draw_text(const struct lp_theme *theme, const DRAWITEMSTRUCT *item, enum lp_font font,
                  COLORREF colour, COLORREF back, bool prefix, bool cues)
{
    UINT format = prefix ? DT_WORDBREAK | (cues ? 0 : DT_HIDEPREFIX) : WRAPPED;
    wchar_t wide[LP_VIEW_TEXT_LEN];
    struct lp_canvas canvas;
    RECT rect = item->rcItem;
    HGDIOBJ before;

    GetWindowTextW(item->hwndItem, wide, LP_VIEW_TEXT_LEN);
    lp_canvas_begin(&canvas, item->hDC, &item->rcItem);
    lp_draw_fill(canvas.dc, &item->rcItem, back);
    before = SelectObject(canvas.dc, theme->font[font]);
    SetTextColor(canvas.dc, colour);
    DrawTextW(canvas.dc, wide, -1, &rect, format);
    SelectObject(canvas.dc, before);
    lp_canvas_end(&canvas);
}

/* ---- buttons ---- */

static void draw_face(const struct lp_theme *theme, HDC dc, const NMCUSTOMDRAW *draw,
                      bool primary)
{
    bool pressed = (draw->uItemState & CDIS_SELECTED) != 0;
    bool hot = (draw->uItemState & CDIS_HOT) != 0;
    bool grey = (draw->uItemState & CDIS_DISABLED) != 0;
    COLORREF fill = theme->colour[LP_COLOUR_BUTTON], line = theme->colour[LP_COLOUR_LINE];
    struct lp_rect rect = {0, 0, draw->rc.right, draw->rc.bottom};

    if (primary && !grey)
        fill = line = theme->colour[pressed || hot ? LP_COLOUR_PRESSED : LP_COLOUR_ACCENT];
    else if (!grey && (pressed || hot))
        fill = theme->colour[LP_COLOUR_LINE];
    lp_draw_fill(dc, &draw->rc, theme->colour[LP_COLOUR_BACK]);
    lp_draw_panel(dc, &rect, lp_layout_scale(RADIUS, theme->dpi), fill, line);
    SetTextColor(dc, theme->colour[grey      ? LP_COLOUR_DIM
                                   : primary ? LP_COLOUR_ON_ACCENT
                                             : LP_COLOUR_TEXT]);
}

static void draw_focus(const struct lp_theme *theme, HDC dc, const NMCUSTOMDRAW *draw,
                       bool primary)
{
    int inset = lp_layout_scale(3, theme->dpi);
    struct lp_rect rect = {inset, inset, draw->rc.right - 2 * inset,
                           draw->rc.bottom - 2 * inset};
    HGDIOBJ brush = SelectObject(dc, GetStockObject(NULL_BRUSH));
    HGDIOBJ pen = SelectObject(dc, GetStockObject(DC_PEN));

    SetDCPenColor(dc, theme->colour[primary ? LP_COLOUR_ON_ACCENT : LP_COLOUR_ACCENT]);
    RoundRect(dc, rect.x, rect.y, rect.x + rect.width, rect.y + rect.height, inset, inset);
    SelectObject(dc, brush);
    SelectObject(dc, pen);
}

LRESULT lp_draw_button(const struct lp_theme *theme, const NMCUSTOMDRAW *draw, bool primary)
{
    LRESULT state = SendMessageW(draw->hdr.hwndFrom, WM_QUERYUISTATE, 0, 0);
    UINT format = DT_CENTER | DT_VCENTER | DT_SINGLELINE;
    struct lp_canvas canvas;
    wchar_t wide[LP_VIEW_TEXT_LEN];
    RECT rect = draw->rc;
    HGDIOBJ before;

    if (theme->high_contrast || draw->dwDrawStage != CDDS_PREERASE)
        return theme->high_contrast ? CDRF_DODEFAULT : CDRF_SKIPDEFAULT;
    GetWindowTextW(draw->hdr.hwndFrom, wide, LP_VIEW_TEXT_LEN);
    lp_canvas_begin(&canvas, draw->hdc, &draw->rc);
    before = SelectObject(canvas.dc, theme->font[LP_FONT_BODY]);
    draw_face(theme, canvas.dc, draw, primary);
    DrawTextW(canvas.dc, wide, -1, &rect,
              format | ((state & UISF_HIDEACCEL) != 0 ? DT_HIDEPREFIX : 0));
    if ((draw->uItemState & CDIS_FOCUS) != 0 && (state & UISF_HIDEFOCUS) == 0)
        draw_focus(theme, canvas.dc, draw, primary);
    SelectObject(canvas.dc, before);
    lp_canvas_end(&canvas);
    return CDRF_SKIPDEFAULT;
}
