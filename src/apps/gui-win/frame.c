#include "apps/gui-win/frame.h"

SIZE lp_frame_outer_size(DWORD style, int dpi, int width, int height)
{
    RECT rect = {0, 0, width, height};
    SIZE size;

    AdjustWindowRectExForDpi(&rect, style, FALSE, 0, (UINT)dpi);
    size.cx = rect.right - rect.left;
    size.cy = rect.bottom - rect.top;
    return size;
}

static int larger(long a, long b)
{
    return (int)(a > b ? a : b);
}

static int smaller(long a, long b)
{
    return (int)(a < b ? a : b);
}

void lp_frame_grow(HWND window, SIZE least)
{
    MONITORINFO monitor = {.cbSize = sizeof(monitor)};
    int x, y, width, height;
    RECT now;

    GetWindowRect(window, &now);
    if (IsIconic(window) ||
        (now.right - now.left >= least.cx && now.bottom - now.top >= least.cy))
        return;
    GetMonitorInfoW(MonitorFromWindow(window, MONITOR_DEFAULTTONEAREST), &monitor);
    width = larger(least.cx, now.right - now.left);
    height = smaller(larger(least.cy, now.bottom - now.top),
                     monitor.rcWork.bottom - monitor.rcWork.top);
    x = larger(monitor.rcWork.left, smaller(now.left, monitor.rcWork.right - width));
    y = larger(monitor.rcWork.top, smaller(now.top, monitor.rcWork.bottom - height));
    SetWindowPos(window, NULL, x, y, width, height, SWP_NOZORDER | SWP_NOACTIVATE);
}
