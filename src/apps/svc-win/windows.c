#include "apps/svc-win/windows.h"

#include "apps/gui-win/window.h"
#include "base/err.h"
#include "platform/windows/errno.h"
#include "platform/windows/win.h"

#define ASK_MS 5000
/* Putting everything back takes a second, and longer when the service hangs. */
#define END_MS      30000
#define WINDOWS_MAX 16

/* The process is ended by nobody but itself: only then is everything put back. */
static bool end_process_of(HWND window)
{
    DWORD_PTR agreed = FALSE, ignored;
    DWORD process_id = 0;
    HANDLE process;
    bool ended;

    GetWindowThreadProcessId(window, &process_id);
    process = OpenProcess(SYNCHRONIZE, FALSE, process_id);
    if (process == NULL)
        return !IsWindow(window);
    if (SendMessageTimeoutW(window, WM_QUERYENDSESSION, 0, ENDSESSION_CLOSEAPP, SMTO_NORMAL,
                            ASK_MS, &agreed) != 0 &&
        agreed != FALSE)
        SendMessageTimeoutW(window, WM_ENDSESSION, TRUE, ENDSESSION_CLOSEAPP, SMTO_NORMAL,
                            END_MS, &ignored);
    ended = WaitForSingleObject(process, agreed != FALSE ? END_MS : 0) == WAIT_OBJECT_0;
    CloseHandle(process);
    return ended;
}

int lp_windows_close(char why[LP_WHY_LEN])
{
    for (int i = 0; i < WINDOWS_MAX; i++) {
        HWND window = FindWindowW(LP_WINDOW_CLASS, NULL);

        if (window == NULL)
            return 0;
        if (!end_process_of(window))
            break;
    }
    return lp_why(LP_ERR_BUSY, why,
                  "SoftLAN's window does not close: quit it by the menu of its icon beside the "
                  "clock, then try again");
}
