#include "apps/gui-win/window.h"

#include <stdlib.h>
#include <string.h>

#include "apps/gui-win/clipboard.h"
#include "apps/gui-win/draw.h"
#include "apps/gui-win/frame.h"
#include "apps/gui-win/single.h"
#include "apps/gui-win/window_internal.h"

#define STYLE       (WS_OVERLAPPEDWINDOW | WS_CLIPCHILDREN)
#define ICON_NUMBER 1 /* in app.rc */

/* Commands of the accelerator table in app.rc, beside the controls' numbers. */
#define COMMAND_COPY    40
#define COMMAND_DETAILS 41
#define COMMAND_CLOSE   42
#define COMMAND_PASTE   43

/* ---- measures ---- */

static int dpi_of(const struct lp_window *window)
{
    return window->look.dpi != 0 ? window->look.dpi : (int)GetDpiForWindow(window->handle);
}

struct measuring {
    const struct lp_theme *theme;
    HDC dc;
};

static void measure(void *user, enum lp_font font, const char *text, int max_width,
                    int *ret_width, int *ret_height)
{
    const struct measuring *measuring = user;

    lp_draw_measure(measuring->theme, measuring->dc, font, text, max_width, ret_width,
                    ret_height);
}

static void lay_out(struct lp_window *window)
{
    struct measuring measuring = {&window->theme, GetDC(window->handle)};
    struct lp_layout_input input = {.dpi = window->theme.dpi, .measure = measure};
    RECT client;

    GetClientRect(window->handle, &client);
    input.width = client.right;
    input.height = client.bottom;
    input.user = &measuring;
    lp_layout_make(window->view, &input, &window->layout);
    ReleaseDC(window->handle, measuring.dc);
    lp_controls_place(&window->controls, window->view, &window->layout, window->theme.dpi);
    InvalidateRect(window->handle, NULL, FALSE);
}

static SIZE outer_size(const struct lp_window *window, int width, int height)
{
    return lp_frame_outer_size(STYLE, dpi_of(window), width, height);
}

/* As large as what is shown now wants. */
static void grow(struct lp_window *window)
{
    lp_frame_grow(window->handle,
                  outer_size(window, window->layout.need_width, window->layout.want_height));
}

/* ---- the model and what is seen of it ---- */

/*
 * Where the keyboard begins: what is harmless when somebody types on. It stays where it is as long
 * as that is there and means the same.
 */
void lp_window_focus(struct lp_window *window)
{
    static const enum lp_element order[] = {LP_ELEMENT_LINK, LP_ELEMENT_SECONDARY,
                                            LP_ELEMENT_PLAYERS, LP_ELEMENT_DETAILS};
    const struct lp_view *view = window->view;
    enum lp_element now = lp_controls_of_window(&window->controls, GetFocus());
    enum lp_element next = view->has_default ? LP_ELEMENT_PRIMARY : LP_ELEMENT_TOGGLE;
    bool stays = now < LP_ELEMENTS && view->shown[now] &&
                 (lp_element_kind(now) != LP_KIND_BUTTON ||
                  (view->has_default == window->before->has_default &&
                   strcmp(view->text[now], window->before->text[now]) == 0));

    if (GetForegroundWindow() != window->handle || stays)
        return;
    for (unsigned i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        if (view->shown[order[i]] && !(order[i] == LP_ELEMENT_SECONDARY && view->has_default)) {
            next = order[i];
            break;
        }
    }
    SetFocus(window->controls.at[next]);
}

void lp_window_refresh(struct lp_window *window)
{
    struct lp_view *view = window->before;
    bool other_place;

    window->before = window->view;
    window->view = view;
    lp_view_make(window->model, view);
    other_place = memcmp(view->shown, window->before->shown, sizeof(view->shown)) != 0 ||
                  memcmp(view->text, window->before->text, sizeof(view->text)) != 0;
    lp_controls_fill(&window->controls, window->before, view);
    if (other_place) {
        lay_out(window);
        grow(window);
    } else if (view->tone != window->before->tone ||
               view->progress != window->before->progress) {
        InvalidateRect(window->handle, NULL, FALSE);
    }
    if (view->has_default != window->before->has_default)
        SendMessageW(window->controls.at[LP_ELEMENT_PRIMARY], BM_SETSTYLE,
                     view->has_default ? BS_DEFPUSHBUTTON : BS_PUSHBUTTON, TRUE);
    lp_window_focus(window);
    lp_tray_set_tip(&window->tray, view->tip);
}

void lp_window_fill_form(struct lp_window *window)
{
    lp_controls_write(&window->controls, &window->model->form);
}

void lp_window_done(struct lp_window *window, enum lp_gui_effect effect)
{
    if (effect == LP_GUI_FILL_FORM)
        lp_window_fill_form(window);
    else if (effect != LP_GUI_NOTHING)
        window->hooks->effect(window->user, effect);
    lp_window_refresh(window);
}

static void press(struct lp_window *window, enum lp_element element)
{
    struct lp_gui_form form;

    if (!window->view->shown[element] || !window->view->enabled[element])
        return;
    if (element == LP_ELEMENT_PRIMARY) {
        lp_controls_read(&window->controls, &form);
        lp_window_done(window, lp_gui_primary(window->model, &form));
    } else if (element == LP_ELEMENT_SECONDARY) {
        lp_window_done(window, lp_gui_secondary(window->model));
    } else if (element == LP_ELEMENT_COPY) {
        lp_window_done(window, lp_gui_copy_report(window->model));
    } else if (element == LP_ELEMENT_TOGGLE) {
        lp_gui_toggle_details(window->model);
        lp_window_done(window, LP_GUI_NOTHING);
    }
}

void lp_window_copy(struct lp_window *window, const char *text)
{
    lp_clipboard_put(window->handle, text);
}

/* A link from the clipboard, wherever the focus is; in a field Ctrl+V is the field's. */
static void paste(struct lp_window *window)
{
    char link[LP_INVITE_LINK_MAX + 2];

    if (lp_clipboard_get_line(window->handle, link, sizeof(link)))
        lp_window_done(window, lp_gui_open_link(window->model, link, strlen(link)));
}

/* Another start of the program, with a link or without. It may come from any program. */
static LRESULT on_copied_data(struct lp_window *window, const COPYDATASTRUCT *data)
{
    if (!lp_single_is_ours(data))
        return FALSE;
    if (data->cbData > 0)
        (void)lp_gui_open_link(window->model, data->lpData, data->cbData);
    lp_window_bring_to_front(window);
    lp_window_done(window, LP_GUI_NOTHING);
    return TRUE;
}

/* ---- look ---- */

static void set_theme(struct lp_window *window)
{
    bool dark = window->look.fixed_theme ? window->look.dark : lp_theme_system_is_dark();

    lp_theme_set(&window->theme, dpi_of(window), dark);
    lp_theme_apply_to_frame(&window->theme, window->handle);
    lp_controls_dress(&window->controls, &window->theme);
    lay_out(window);
    RedrawWindow(window->handle, NULL, NULL, RDW_INVALIDATE | RDW_ERASE | RDW_ALLCHILDREN);
}

static void set_first_size(struct lp_window *window)
{
    int dpi = dpi_of(window);
    SIZE size = outer_size(window, lp_layout_scale(LP_LAYOUT_WIDTH, dpi),
                           lp_layout_scale(LP_LAYOUT_HEIGHT, dpi));

    SetWindowPos(window->handle, NULL, 0, 0, size.cx, size.cy,
                 SWP_NOMOVE | SWP_NOZORDER | SWP_NOACTIVATE);
}

void lp_window_set_look(struct lp_window *window, const struct lp_window_look *look)
{
    window->look = *look;
    set_theme(window);
    set_first_size(window);
    lp_window_refresh(window);
    grow(window);
}

static void on_dpi(struct lp_window *window, const RECT *suggested)
{
    SetWindowPos(window->handle, NULL, suggested->left, suggested->top,
                 suggested->right - suggested->left, suggested->bottom - suggested->top,
                 SWP_NOZORDER | SWP_NOACTIVATE);
    set_theme(window);
}

/* ---- messages ---- */

static LRESULT on_notify(struct lp_window *window, const NMHDR *header)
{
    enum lp_element e = lp_controls_of_window(&window->controls, header->hwndFrom);

    if (e == LP_ELEMENTS)
        return 0;
    switch (header->code) {
    case NM_CUSTOMDRAW:
        return lp_element_kind(e) == LP_KIND_BUTTON
                   ? lp_draw_button(&window->theme, (const NMCUSTOMDRAW *)header,
                                    e == LP_ELEMENT_PRIMARY)
                   : CDRF_DODEFAULT;
    case NM_SETFOCUS:
        lp_window_set_focused(window, e);
        return 0;
    case NM_KILLFOCUS:
        lp_window_set_focused(window, LP_ELEMENTS);
        return 0;
    case LVN_ITEMACTIVATE:
        if (e == LP_ELEMENT_RECENT)
            lp_window_done(
                window, lp_gui_choose_party(window->model,
                                            (unsigned)((const NMITEMACTIVATE *)header)->iItem));
        return 0;
    default:
        return 0;
    }
}

/*
 * Enter presses the button that has the focus, joins the party that is chosen, and presses the
 * default button elsewhere, where there is one.
 */
static void on_enter(struct lp_window *window)
{
    int chosen = lp_controls_chosen(&window->controls, LP_ELEMENT_RECENT);
    enum lp_element focus = lp_controls_of_window(&window->controls, GetFocus());

    if (focus < LP_ELEMENTS && lp_element_kind(focus) == LP_KIND_BUTTON)
        press(window, focus);
    else if (focus == LP_ELEMENT_RECENT && chosen >= 0)
        lp_window_done(window, lp_gui_choose_party(window->model, (unsigned)chosen));
    else if (window->view->has_default)
        press(window, LP_ELEMENT_PRIMARY);
}

static void on_command(struct lp_window *window, unsigned number, unsigned code)
{
    enum lp_element e = lp_controls_of_number(number);

    if (number == IDOK)
        on_enter(window);
    else if (number == IDCANCEL)
        lp_window_done(window, lp_gui_secondary(window->model));
    else if (number == COMMAND_COPY)
        lp_window_done(window, lp_gui_copy_report(window->model));
    else if (number == COMMAND_DETAILS)
        press(window, LP_ELEMENT_TOGGLE);
    else if (number == COMMAND_CLOSE)
        lp_window_close(window);
    else if (number == COMMAND_PASTE)
        paste(window);
    else if (e == LP_ELEMENTS)
        return;
    else if (lp_element_kind(e) == LP_KIND_BUTTON && code == BN_CLICKED)
        press(window, e);
    else if (code == EN_SETFOCUS)
        lp_window_set_focused(window, e);
    else if (code == EN_KILLFOCUS)
        lp_window_set_focused(window, LP_ELEMENTS);
}

static void on_least_size(const struct lp_window *window, MINMAXINFO *info)
{
    SIZE least = outer_size(window, window->layout.need_width, window->layout.need_height);

    info->ptMinTrackSize.x = least.cx;
    info->ptMinTrackSize.y = least.cy;
}

static void on_settings_changed(struct lp_window *window, const wchar_t *what)
{
    if (what == NULL || wcscmp(what, L"ImmersiveColorSet") == 0)
        set_theme(window);
}

/* The messages that are answered with a value. */
static bool answer(struct lp_window *window, UINT message, WPARAM wparam, LPARAM lparam,
                   LRESULT *ret_result)
{
    *ret_result = 0;
    switch (message) {
    case WM_ERASEBKGND:
        *ret_result = TRUE;
        return true;
    case WM_CTLCOLOREDIT:
    case WM_CTLCOLORSTATIC: /* a field that cannot be written in */
        *ret_result = lp_window_field_colours(window, (HDC)wparam);
        return true;
    case WM_NOTIFY:
        *ret_result = on_notify(window, (const NMHDR *)lparam);
        return true;
    case WM_COPYDATA:
        *ret_result = on_copied_data(window, (const COPYDATASTRUCT *)lparam);
        return true;
    case DM_GETDEFID: /* IsDialogMessage asks what Enter presses */
        *ret_result = MAKELRESULT(IDOK, DC_HASDEFID);
        return true;
    default:
        return false;
    }
}

/* Around the line of a field there is room that is the window's: a click there means the field. */
static void on_click(const struct lp_window *window, int x, int y)
{
    for (enum lp_element e = 0; e < LP_ELEMENTS; e++) {
        const struct lp_rect *at = &window->layout.at[e];

        if (window->view->shown[e] && lp_element_kind(e) == LP_KIND_EDIT && x >= at->x &&
            x < at->x + at->width && y >= at->y && y < at->y + at->height)
            SetFocus(window->controls.at[e]);
    }
}

static bool handle(struct lp_window *window, UINT message, WPARAM wparam, LPARAM lparam)
{
    switch (message) {
    case WM_PAINT:
        lp_window_paint(window);
        return true;
    case WM_DRAWITEM:
        lp_window_draw_item(window, (const DRAWITEMSTRUCT *)lparam);
        return true;
    case WM_LBUTTONDOWN:
        on_click(window, (short)LOWORD(lparam), (short)HIWORD(lparam));
        return true;
    case WM_SIZE:
        if (wparam != SIZE_MINIMIZED)
            lay_out(window);
        return true;
    case WM_GETMINMAXINFO:
        on_least_size(window, (MINMAXINFO *)lparam);
        return true;
    case WM_COMMAND:
        on_command(window, LOWORD(wparam), HIWORD(wparam));
        return true;
    case WM_DPICHANGED:
        on_dpi(window, (const RECT *)lparam);
        return true;
    case WM_SETTINGCHANGE:
        on_settings_changed(window, (const wchar_t *)lparam);
        return false;
    case WM_SYSCOLORCHANGE:
        set_theme(window);
        return false;
    case WM_CLOSE:
        lp_window_close(window);
        return true;
    case WM_ENDSESSION:
        if (wparam != 0 && (lparam & ENDSESSION_CLOSEAPP) != 0)
            lp_window_quit(window); /* an installer asks: nobody else ends us */
        else if (wparam != 0)
            window->hooks->session_ends(window->user);
        return true;
    case WM_TIMER:
        lp_window_timer(window, wparam);
        return true;
    case WM_DESTROY:
        lp_tray_hide(&window->tray);
        PostQuitMessage(0);
        return true;
    case LP_WM_ENGINE:
        lp_window_hear_engine(window);
        return true;
    case LP_WM_TRAY:
        lp_window_tray(window, lparam);
        return true;
    case LP_WM_SHOT:
        if (window->hooks->shot != NULL)
            window->hooks->shot(window->user);
        return true;
    default:
        return false;
    }
}

static LRESULT CALLBACK on_message(HWND handle_of, UINT message, WPARAM wparam, LPARAM lparam)
{
    struct lp_window *window = (struct lp_window *)GetWindowLongPtrW(handle_of, GWLP_USERDATA);
    LRESULT result;

    if (window == NULL)
        return DefWindowProcW(handle_of, message, wparam, lparam);
    if (answer(window, message, wparam, lparam, &result))
        return result;
    if (message == window->taskbar_created) {
        lp_tray_show(&window->tray);
        return 0;
    }
    if (handle(window, message, wparam, lparam))
        return 0;
    return DefWindowProcW(handle_of, message, wparam, lparam);
}

/* ---- life ---- */

static bool register_class(HINSTANCE instance)
{
    WNDCLASSEXW class = {.cbSize = sizeof(class), .lpfnWndProc = on_message};

    class.hInstance = instance;
    class.hIcon = LoadIconW(instance, MAKEINTRESOURCEW(ICON_NUMBER));
    class.hCursor = LoadCursorW(NULL, (const wchar_t *)IDC_ARROW);
    class.lpszClassName = LP_WINDOW_CLASS;
    return RegisterClassExW(&class) != 0;
}

static bool make(struct lp_window *window)
{
    INITCOMMONCONTROLSEX common = {.dwSize = sizeof(common),
                                   .dwICC = ICC_STANDARD_CLASSES | ICC_LISTVIEW_CLASSES};

    InitCommonControlsEx(&common);
    if (!register_class(window->instance))
        return false;
    /* WS_EX_CONTROLPARENT and IsDialogMessage: Tab, access keys, Enter and Esc as in a dialog. */
    window->handle = CreateWindowExW(WS_EX_CONTROLPARENT, LP_WINDOW_CLASS, LP_WINDOW_TITLE,
                                     STYLE, CW_USEDEFAULT, CW_USEDEFAULT, 500, 700, NULL, NULL,
                                     window->instance, NULL);
    return window->handle != NULL &&
           lp_controls_make(&window->controls, window->handle, window->instance);
}

struct lp_window *lp_window_new(HINSTANCE instance, struct lp_gui_model *model,
                                const struct lp_window_look *look,
                                const struct lp_window_hooks *hooks, void *user)
{
    struct lp_window *window = calloc(1, sizeof(*window));

    if (window == NULL)
        return NULL;
    window->instance = instance;
    window->model = model;
    window->look = *look;
    window->hooks = hooks;
    window->user = user;
    window->focused = LP_ELEMENTS;
    window->view = calloc(1, sizeof(*window->view));
    window->before = calloc(1, sizeof(*window->before));
    if (window->view == NULL || window->before == NULL || !make(window)) {
        lp_window_free(window);
        return NULL;
    }
    SetWindowLongPtrW(window->handle, GWLP_USERDATA, (LONG_PTR)window);
    set_theme(window);
    set_first_size(window);
    lp_window_fill_form(window);
    window->taskbar_created = RegisterWindowMessageW(L"TaskbarCreated");
    window->tray = (struct lp_tray){.window = window->handle, .message = LP_WM_TRAY};
    window->tray.icon =
        LoadImageW(instance, MAKEINTRESOURCEW(ICON_NUMBER), IMAGE_ICON,
                   GetSystemMetrics(SM_CXSMICON), GetSystemMetrics(SM_CYSMICON), LR_SHARED);
    return window;
}

void lp_window_free(struct lp_window *window)
{
    if (window == NULL)
        return;
    lp_theme_deinit(&window->theme);
    free(window->view);
    free(window->before);
    free(window);
}

HWND lp_window_handle(const struct lp_window *window)
{
    return window->handle;
}

void lp_window_show(struct lp_window *window)
{
    lp_window_refresh(window);
    lp_tray_show(&window->tray);
    ShowWindow(window->handle, SW_SHOWNORMAL);
    SetForegroundWindow(window->handle);
    lp_window_focus(window);
}

/* Ctrl+V in a field is the field's own. */
static bool is_for_field(const MSG *message, const struct lp_window *window)
{
    enum lp_element e = lp_controls_of_window(&window->controls, message->hwnd);

    return e < LP_ELEMENTS &&
           (lp_element_kind(e) == LP_KIND_EDIT || lp_element_kind(e) == LP_KIND_MEMO) &&
           message->message == WM_KEYDOWN && message->wParam == 'V';
}

void lp_window_run(struct lp_window *window)
{
    HACCEL keys = LoadAcceleratorsW(window->instance, MAKEINTRESOURCEW(ICON_NUMBER));
    MSG message;

    while (GetMessageW(&message, NULL, 0, 0) > 0) {
        if (!is_for_field(&message, window) &&
            TranslateAcceleratorW(window->handle, keys, &message))
            continue;
        if (IsDialogMessageW(window->handle, &message))
            continue;
        TranslateMessage(&message);
        DispatchMessageW(&message);
    }
}
