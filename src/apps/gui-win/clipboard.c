#include "apps/gui-win/clipboard.h"

#include <string.h>

#include "apps/gui-win/draw.h"
#include "platform/windows/errno.h"

void lp_clipboard_put(HWND window, const char *text)
{
    size_t capacity = strlen(text) + 1;
    HGLOBAL memory = GlobalAlloc(GMEM_MOVEABLE, capacity * sizeof(wchar_t));

    if (memory == NULL)
        return;
    lp_draw_wide(text, GlobalLock(memory), capacity);
    GlobalUnlock(memory);
    if (!OpenClipboard(window)) {
        GlobalFree(memory);
        return;
    }
    EmptyClipboard();
    if (SetClipboardData(CF_UNICODETEXT, memory) == NULL)
        GlobalFree(memory);
    CloseClipboard();
}

bool lp_clipboard_get_line(HWND window, char *line, size_t capacity)
{
    const wchar_t *text = NULL;
    HANDLE memory;
    size_t units;

    line[0] = '\0';
    if (!OpenClipboard(window))
        return false;
    memory = GetClipboardData(CF_UNICODETEXT);
    text = memory != NULL ? GlobalLock(memory) : NULL;
    if (text != NULL) {
        /* the memory is another program's, and need not end with a NUL */
        units = GlobalSize(memory) / sizeof(*text);
        if (wcsnlen(text, units) == units || lp_utf8_from_wide(text, line, capacity) < 0)
            line[0] = '\0';
        line[strcspn(line, "\r\n")] = '\0';
        GlobalUnlock(memory);
    }
    CloseClipboard();
    return text != NULL;
}
