/* Text to and from the clipboard. */
#ifndef LP_APPS_GUI_WIN_CLIPBOARD_H
#define LP_APPS_GUI_WIN_CLIPBOARD_H

#include <stdbool.h>
#include <stddef.h>

#include "platform/windows/win.h"

/* UTF-8 of our own. */
void lp_clipboard_put(HWND window, const char *text);

/*
 * The first line of what is there, UTF-8; "" when that does not fit or is no text. False: no text
 * is on the clipboard. It can be anybody's.
 */
bool lp_clipboard_get_line(HWND window, char *line, size_t capacity);

#endif
