/* The window's outer size, and how it grows. */
#ifndef LP_APPS_GUI_WIN_FRAME_H
#define LP_APPS_GUI_WIN_FRAME_H

#include "platform/windows/win.h"

/* The window's size for a client area. */
SIZE lp_frame_outer_size(DWORD style, int dpi, int width, int height);

/* To `least` at least; never smaller than it was, never beyond the screen that it is on. */
void lp_frame_grow(HWND window, SIZE least);

#endif
