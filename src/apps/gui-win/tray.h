/* The icon in the notification area: its tip, its menu, and the one hint that it gives. */
#ifndef LP_APPS_GUI_WIN_TRAY_H
#define LP_APPS_GUI_WIN_TRAY_H

#include "apps/gui-win/view.h"
#include "platform/windows/win.h"

enum lp_tray_choice {
    LP_TRAY_NONE = 0,
    LP_TRAY_OPEN,
    LP_TRAY_CONNECT,
    LP_TRAY_DISCONNECT,
    LP_TRAY_QUIT,
};

struct lp_tray {
    HWND window;
    UINT message;
    HICON icon;
    bool shown;
    bool hinted;
    char tip[sizeof(((struct lp_view *)0)->tip)];
};

/* Also when the taskbar was started anew ("TaskbarCreated"). */
void lp_tray_show(struct lp_tray *tray);
void lp_tray_hide(struct lp_tray *tray);
void lp_tray_set_tip(struct lp_tray *tray, const char *tip);
/* That the program goes on without its window; said once. */
void lp_tray_hint(struct lp_tray *tray);

/* What the message of the icon asks for; shows the menu where that is asked. */
enum lp_tray_choice lp_tray_on_message(struct lp_tray *tray, const struct lp_view *view,
                                       LPARAM lparam);

#endif
