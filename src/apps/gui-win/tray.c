#include "apps/gui-win/tray.h"

#include <shellapi.h>
#include <stdio.h>
#include <string.h>

#include "apps/gui-win/draw.h"

#define ICON_NUMBER 1

static NOTIFYICONDATAW icon_data(const struct lp_tray *tray, UINT flags)
{
    NOTIFYICONDATAW data = {.cbSize = sizeof(data), .hWnd = tray->window, .uID = ICON_NUMBER};

    data.uFlags = flags;
    data.uCallbackMessage = tray->message;
    data.hIcon = tray->icon;
    lp_draw_wide(tray->tip, data.szTip, sizeof(data.szTip) / sizeof(data.szTip[0]));
    return data;
}

void lp_tray_show(struct lp_tray *tray)
{
    NOTIFYICONDATAW data = icon_data(tray, NIF_MESSAGE | NIF_ICON | NIF_TIP | NIF_SHOWTIP);

    tray->shown = Shell_NotifyIconW(NIM_ADD, &data);
}

void lp_tray_hide(struct lp_tray *tray)
{
    NOTIFYICONDATAW data = icon_data(tray, 0);

    if (tray->shown)
        Shell_NotifyIconW(NIM_DELETE, &data);
    tray->shown = false;
}

void lp_tray_set_tip(struct lp_tray *tray, const char *tip)
{
    NOTIFYICONDATAW data;

    if (strcmp(tray->tip, tip) == 0)
        return;
    snprintf(tray->tip, sizeof(tray->tip), "%s", tip);
    data = icon_data(tray, NIF_TIP | NIF_SHOWTIP);
    if (tray->shown)
        Shell_NotifyIconW(NIM_MODIFY, &data);
}

void lp_tray_hint(struct lp_tray *tray)
{
    NOTIFYICONDATAW data = icon_data(tray, NIF_INFO);

    if (!tray->shown || tray->hinted)
        return;
    tray->hinted = true;
    wcscpy(data.szInfoTitle, L"SoftLAN stays connected");
    wcscpy(data.szInfo, L"Its icon is here; disconnect or quit by its menu.");
    data.dwInfoFlags = NIIF_INFO;
    Shell_NotifyIconW(NIM_MODIFY, &data);
}

static enum lp_tray_choice ask(const struct lp_tray *tray, const struct lp_view *view)
{
    HMENU menu = CreatePopupMenu();
    POINT at;
    int chosen;

    AppendMenuW(menu, MF_STRING, LP_TRAY_OPEN, L"&Open SoftLAN");
    SetMenuDefaultItem(menu, LP_TRAY_OPEN, FALSE);
    if (view->can_disconnect)
        AppendMenuW(menu, MF_STRING, LP_TRAY_DISCONNECT, L"&Disconnect");
    else
        AppendMenuW(menu, (UINT)(view->can_connect ? MF_ENABLED : MF_GRAYED), LP_TRAY_CONNECT,
                    L"&Connect"
                    L"\x2026");
    AppendMenuW(menu, MF_SEPARATOR, 0, NULL);
    AppendMenuW(menu, MF_STRING, LP_TRAY_QUIT, L"&Quit");
    GetCursorPos(&at);
    SetForegroundWindow(tray->window); /* or the menu stays when one clicks elsewhere */
    chosen = TrackPopupMenu(menu, TPM_RETURNCMD | TPM_NONOTIFY | TPM_RIGHTBUTTON, at.x, at.y, 0,
                            tray->window, NULL);
    PostMessageW(tray->window, WM_NULL, 0, 0);
    DestroyMenu(menu);
    return (enum lp_tray_choice)chosen;
}

enum lp_tray_choice lp_tray_on_message(struct lp_tray *tray, const struct lp_view *view,
                                       LPARAM lparam)
{
    switch (LOWORD(lparam)) {
    case WM_LBUTTONUP:
    case NIN_SELECT:
    case NIN_KEYSELECT:
    case NIN_BALLOONUSERCLICK:
        return LP_TRAY_OPEN;
    case WM_RBUTTONUP:
    case WM_CONTEXTMENU:
        return ask(tray, view);
    default:
        return LP_TRAY_NONE;
    }
}
