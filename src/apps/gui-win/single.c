#include "apps/gui-win/single.h"

#include <string.h>

#include "proto/invite.h"

#define KIND       0x534c414eu /* "SLAN" */
#define MUTEX_NAME L"Local\\SoftLAN.Window"
#define WAIT_MS    3000

bool lp_single_take(void)
{
    HANDLE mutex = CreateMutexW(NULL, FALSE, MUTEX_NAME);

    /* The handle is kept open: its end is the program's. */
    return mutex != NULL && GetLastError() != ERROR_ALREADY_EXISTS;
}

bool lp_single_hand_over(const wchar_t *window_class, const char *link)
{
    COPYDATASTRUCT data = {.dwData = KIND, .cbData = (DWORD)strlen(link)};
    HWND window = FindWindowW(window_class, NULL);
    DWORD_PTR result = FALSE;
    DWORD process = 0;

    if (window == NULL)
        return false;
    data.lpData = (void *)(UINT_PTR)link;
    GetWindowThreadProcessId(window, &process);
    AllowSetForegroundWindow(process);
    return SendMessageTimeoutW(window, WM_COPYDATA, 0, (LPARAM)&data, SMTO_ABORTIFHUNG, WAIT_MS,
                               &result) != 0 &&
           result == TRUE;
}

bool lp_single_is_ours(const COPYDATASTRUCT *data)
{
    return data->dwData == KIND && data->cbData <= LP_INVITE_LINK_MAX + 1 &&
           (data->cbData == 0 || data->lpData != NULL);
}
