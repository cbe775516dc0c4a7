#include "apps/gui-win/controls.h"

#include <commctrl.h>
#include <stdlib.h>
#include <string.h>

#include "apps/gui-win/draw.h"
#include "platform/windows/errno.h"

#define FIELD_MARGIN 4 /* beside the text of a field, at 96 dpi */

struct control_class {
    const wchar_t *name;
    DWORD style;
};

static struct control_class class_of(enum lp_element_kind kind)
{
    static const struct control_class classes[] = {
        [LP_KIND_TEXT] = {L"STATIC", SS_OWNERDRAW | SS_NOPREFIX},
        [LP_KIND_LABEL] = {L"STATIC", SS_OWNERDRAW},
        [LP_KIND_EDIT] = {L"EDIT", WS_TABSTOP | ES_AUTOHSCROLL},
        [LP_KIND_LIST] = {WC_LISTVIEWW, WS_TABSTOP | LVS_REPORT | LVS_SINGLESEL |
                                            LVS_NOCOLUMNHEADER | LVS_SHOWSELALWAYS},
        [LP_KIND_GRAPH] = {L"STATIC", SS_OWNERDRAW | SS_NOPREFIX},
        [LP_KIND_MEMO] = {L"EDIT", WS_TABSTOP | WS_VSCROLL | ES_MULTILINE | ES_READONLY |
                                       ES_AUTOVSCROLL},
        [LP_KIND_BUTTON] = {L"BUTTON", WS_TABSTOP | BS_PUSHBUTTON},
    };

    return classes[kind];
}

/* A field with many lines would keep Tab, Enter and Esc for itself. */
static LRESULT CALLBACK on_memo(HWND window, UINT message, WPARAM wparam, LPARAM lparam,
                                UINT_PTR id, DWORD_PTR data)
{
    (void)id;
    (void)data;
    if (message == WM_GETDLGCODE)
        return DLGC_WANTARROWS | DLGC_HASSETSEL;
    return DefSubclassProc(window, message, wparam, lparam);
}

static void limit(HWND edit, enum lp_element element)
{
    static const struct {
        enum lp_element element;
        size_t size;
    } rows[] = {
        {LP_ELEMENT_LINK, sizeof(((struct lp_gui_form *)0)->link)},
        {LP_ELEMENT_RELAY, sizeof(((struct lp_gui_form *)0)->relay)},
        {LP_ELEMENT_ROOM, sizeof(((struct lp_gui_form *)0)->room)},
        {LP_ELEMENT_NAME, sizeof(((struct lp_gui_form *)0)->name)},
    };

    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].element == element)
            SendMessageW(edit, EM_LIMITTEXT, rows[i].size - 1, 0);
    }
}

static void prepare_list(HWND list)
{
    LVCOLUMNW column = {.mask = LVCF_WIDTH, .cx = 100};

    SendMessageW(list, LVM_SETEXTENDEDLISTVIEWSTYLE, 0,
                 LVS_EX_FULLROWSELECT | LVS_EX_DOUBLEBUFFER);
    SendMessageW(list, LVM_INSERTCOLUMNW, 0, (LPARAM)&column);
    SendMessageW(list, LVM_INSERTCOLUMNW, 1, (LPARAM)&column);
}

bool lp_controls_make(struct lp_controls *controls, HWND parent, HINSTANCE instance)
{
    for (enum lp_element e = 0; e < LP_ELEMENTS; e++) {
        enum lp_element_kind kind = lp_element_kind(e);
        struct control_class class = class_of(kind);

        controls->at[e] =
            CreateWindowExW(0, class.name, L"", WS_CHILD | class.style, 0, 0, 10, 10, parent,
                            (HMENU)(UINT_PTR)(LP_CONTROL_FIRST + e), instance, NULL);
        if (controls->at[e] == NULL)
            return false;
        if (kind == LP_KIND_LIST)
            prepare_list(controls->at[e]);
        else if (kind == LP_KIND_MEMO)
            SetWindowSubclass(controls->at[e], on_memo, 0, 0);
        else if (kind == LP_KIND_EDIT)
            limit(controls->at[e], e);
    }
    SendMessageW(controls->at[LP_ELEMENT_LINK], EM_SETCUEBANNER, TRUE,
                 (LPARAM)L"softlan://join?relay=\x2026&room=\x2026");
    return true;
}

enum lp_element lp_controls_of_number(unsigned number)
{
    return number >= LP_CONTROL_FIRST && number < LP_CONTROL_FIRST + LP_ELEMENTS
               ? (enum lp_element)(number - LP_CONTROL_FIRST)
               : LP_ELEMENTS;
}

enum lp_element lp_controls_of_window(const struct lp_controls *controls, HWND window)
{
    enum lp_element e = 0;

    while (e < LP_ELEMENTS && controls->at[e] != window)
        e++;
    return e;
}

/* ---- look ---- */

/* Air between frame and text, left and right; a field's own is two pixels, or none. */
static void set_margins(HWND edit, int dpi)
{
    int margin = lp_layout_scale(FIELD_MARGIN, dpi);

    SendMessageW(edit, EM_SETMARGINS, EC_LEFTMARGIN | EC_RIGHTMARGIN,
                 MAKELPARAM(margin, margin));
}

void lp_controls_dress(const struct lp_controls *controls, const struct lp_theme *theme)
{
    for (enum lp_element e = 0; e < LP_ELEMENTS; e++) {
        enum lp_element_kind kind = lp_element_kind(e);

        SendMessageW(controls->at[e], WM_SETFONT, (WPARAM)theme->font[lp_element_font(e)],
                     TRUE);
        if (kind == LP_KIND_LIST || kind == LP_KIND_MEMO)
            lp_theme_apply_to_scrolling(theme, controls->at[e]);
        if (kind == LP_KIND_EDIT || kind == LP_KIND_MEMO)
            set_margins(controls->at[e], theme->dpi);
        if (kind != LP_KIND_LIST)
            continue;
        SendMessageW(controls->at[e], LVM_SETBKCOLOR, 0, (LPARAM)theme->colour[LP_COLOUR_CARD]);
        SendMessageW(controls->at[e], LVM_SETTEXTBKCOLOR, 0,
                     (LPARAM)theme->colour[LP_COLOUR_CARD]);
        SendMessageW(controls->at[e], LVM_SETTEXTCOLOR, 0,
                     (LPARAM)theme->colour[LP_COLOUR_TEXT]);
    }
}

/* ---- contents ---- */

/* Like the text of a control; with the line ends that edit fields know. */
static void set_text(HWND control, const char *text)
{
    size_t capacity = 2 * strlen(text) + 1, len = 0;
    char *lines = malloc(capacity);
    wchar_t *wide = malloc(capacity * sizeof(*wide));

    for (; lines != NULL && *text != '\0'; text++) {
        if (*text == '\n')
            lines[len++] = '\r';
        lines[len++] = *text;
    }
    if (lines != NULL && wide != NULL) {
        lines[len] = '\0';
        lp_draw_wide(lines, wide, capacity);
        SetWindowTextW(control, wide);
    }
    free(lines);
    free(wide);
}

/* Not under the reader's hands: the place is kept, and nothing changes while text is selected. */
static void fill_memo(HWND memo, const char *text)
{
    DWORD from = 0, to = 0;
    LRESULT line = SendMessageW(memo, EM_GETFIRSTVISIBLELINE, 0, 0);

    SendMessageW(memo, EM_GETSEL, (WPARAM)&from, (LPARAM)&to);
    if (from != to)
        return;
    SendMessageW(memo, WM_SETREDRAW, FALSE, 0);
    set_text(memo, text);
    SendMessageW(memo, EM_LINESCROLL, 0, line);
    SendMessageW(memo, WM_SETREDRAW, TRUE, 0);
    InvalidateRect(memo, NULL, TRUE);
}

static void set_cell(HWND list, int row, int column, const char *text)
{
    wchar_t wide[LP_VIEW_CELL_LEN];
    LVITEMW item = {.mask = LVIF_TEXT, .iItem = row, .iSubItem = column, .pszText = wide};

    lp_draw_wide(text, wide, LP_VIEW_CELL_LEN);
    if (column == 0 && row >= (int)SendMessageW(list, LVM_GETITEMCOUNT, 0, 0))
        SendMessageW(list, LVM_INSERTITEMW, 0, (LPARAM)&item);
    else
        SendMessageW(list, LVM_SETITEMW, 0, (LPARAM)&item);
}

/* `known`: how many rows of `before` the list shows. */
static void fill_list(HWND list, const struct lp_view *before, unsigned known,
                      const struct lp_view *view)
{
    int count = (int)SendMessageW(list, LVM_GETITEMCOUNT, 0, 0);

    for (unsigned i = 0; i < view->row_count; i++) {
        if ((int)i < count && i < known &&
            memcmp(&before->row[i], &view->row[i], sizeof(view->row[i])) == 0)
            continue;
        set_cell(list, (int)i, 0, view->row[i].first);
        set_cell(list, (int)i, 1, view->row[i].second);
    }
    for (int i = count - 1; i >= (int)view->row_count; i--)
        SendMessageW(list, LVM_DELETEITEM, (WPARAM)i, 0);
}

/* Focus must not stay where it cannot be seen. */
static void hide(HWND control)
{
    if (GetFocus() == control)
        SetFocus(GetParent(control));
    ShowWindow(control, SW_HIDE);
}

static void fill_element(const struct lp_controls *controls, enum lp_element e,
                         const struct lp_view *before, const struct lp_view *view)
{
    HWND control = controls->at[e];
    enum lp_element_kind kind = lp_element_kind(e);

    if (kind == LP_KIND_BUTTON)
        EnableWindow(control, view->enabled[e]);
    if (kind == LP_KIND_LIST)
        fill_list(control, before, before->shown[e] ? before->row_count : 0, view);
    if (kind == LP_KIND_MEMO) {
        if (!before->shown[e] || strcmp(before->details, view->details) != 0)
            fill_memo(control, view->details);
    } else if (kind != LP_KIND_EDIT &&
               (!before->shown[e] || strcmp(before->text[e], view->text[e]) != 0)) {
        /* what is hidden is not kept up to date */
        set_text(control, view->text[e]);
        InvalidateRect(control, NULL, FALSE);
    } else if (kind == LP_KIND_GRAPH || before->dim[e] != view->dim[e]) {
        InvalidateRect(control, NULL, FALSE);
    }
    if (!before->shown[e])
        ShowWindow(control, SW_SHOWNA);
}

void lp_controls_fill(const struct lp_controls *controls, const struct lp_view *before,
                      const struct lp_view *view)
{
    for (enum lp_element e = 0; e < LP_ELEMENTS; e++) {
        if (view->shown[e])
            fill_element(controls, e, before, view);
        else if (before->shown[e])
            hide(controls->at[e]);
    }
}

/* ---- place ---- */

static void place_columns(HWND list, int width, enum lp_element element)
{
    int scroll = GetSystemMetrics(SM_CXVSCROLL), second = (width - scroll) / 3;

    if (element == LP_ELEMENT_RECENT)
        second = (width - scroll) * 3 / 5;
    SendMessageW(list, LVM_SETCOLUMNWIDTH, 0, MAKELPARAM(width - scroll - second, 0));
    SendMessageW(list, LVM_SETCOLUMNWIDTH, 1, MAKELPARAM(second, 0));
}

/* A field puts its line at the top: one that is no higher than its line stands in the middle. */
static void centre_line(HWND edit, struct lp_rect *rect)
{
    HDC dc = GetDC(edit);
    HGDIOBJ before = SelectObject(dc, (HFONT)SendMessageW(edit, WM_GETFONT, 0, 0));
    TEXTMETRICW metrics;
    int spare = 0;

    if (GetTextMetricsW(dc, &metrics))
        spare = rect->height - (int)metrics.tmHeight;
    SelectObject(dc, before);
    ReleaseDC(edit, dc);
    if (spare <= 0)
        return;
    rect->y += spare / 2;
    rect->height -= spare;
}

static void place_element(HWND control, enum lp_element e, const struct lp_rect *frame, int dpi)
{
    enum lp_element_kind kind = lp_element_kind(e);
    bool framed = kind == LP_KIND_EDIT || kind == LP_KIND_LIST || kind == LP_KIND_MEMO;
    struct lp_rect rect = framed ? lp_layout_inside(frame, dpi) : *frame;

    if (kind == LP_KIND_EDIT)
        centre_line(control, &rect);
    /* What was at the old place may have been cut there: it is drawn anew. */
    SetWindowPos(control, NULL, rect.x, rect.y, rect.width, rect.height,
                 SWP_NOZORDER | SWP_NOACTIVATE | SWP_NOCOPYBITS);
    if (kind == LP_KIND_LIST)
        place_columns(control, rect.width, e);
}

void lp_controls_place(const struct lp_controls *controls, const struct lp_view *view,
                       const struct lp_layout *layout, int dpi)
{
    for (enum lp_element e = 0; e < LP_ELEMENTS; e++) {
        if (view->shown[e])
            place_element(controls->at[e], e, &layout->at[e], dpi);
    }
}

/* ---- edit fields ---- */

static void read_edit(const struct lp_controls *controls, enum lp_element element, char *text,
                      size_t capacity)
{
    wchar_t wide[LP_INVITE_LINK_MAX + 8];

    GetWindowTextW(controls->at[element], wide, LP_INVITE_LINK_MAX + 8);
    /* What does not fit stays too long for the model's check, what is no text becomes wrong. */
    if (lp_utf8_from_wide(wide, text, capacity) < 0) {
        memset(text, '?', capacity - 1);
        text[capacity - 1] = '\0';
    }
}

void lp_controls_read(const struct lp_controls *controls, struct lp_gui_form *ret_form)
{
    read_edit(controls, LP_ELEMENT_LINK, ret_form->link, sizeof(ret_form->link));
    read_edit(controls, LP_ELEMENT_RELAY, ret_form->relay, sizeof(ret_form->relay));
    read_edit(controls, LP_ELEMENT_ROOM, ret_form->room, sizeof(ret_form->room));
    read_edit(controls, LP_ELEMENT_NAME, ret_form->name, sizeof(ret_form->name));
}

void lp_controls_write(const struct lp_controls *controls, const struct lp_gui_form *form)
{
    set_text(controls->at[LP_ELEMENT_LINK], form->link);
    set_text(controls->at[LP_ELEMENT_RELAY], form->relay);
    set_text(controls->at[LP_ELEMENT_ROOM], form->room);
    set_text(controls->at[LP_ELEMENT_NAME], form->name);
}

int lp_controls_chosen(const struct lp_controls *controls, enum lp_element list)
{
    return (int)SendMessageW(controls->at[list], LVM_GETNEXTITEM, (WPARAM)-1, LVNI_SELECTED);
}
