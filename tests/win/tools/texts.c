/*
 * texts CLASS SECONDS WORD...: waits until the window of that class shows each of the words (its own text and its
 * visible controls'), then writes all that it shows, one text a line. Exit status 1: it does not, or there is none.
 * texts CLASS SECONDS, without words: waits until there is no such window. "waiting" on standard error: it has begun.
 */
#include <windows.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_LEN  2048
#define TEXTS_LEN 65536
#define TRY_MS    50
#define ASK_MS    2000

static void append_text(HWND window, char *texts)
{
    wchar_t wide[TEXT_LEN] = L"";
    size_t at = strlen(texts);
    DWORD_PTR got = 0;
    int len;

    if (SendMessageTimeoutW(window, WM_GETTEXT, TEXT_LEN, (LPARAM)wide, SMTO_ABORTIFHUNG,
                            ASK_MS, &got) == 0 ||
        got == 0)
        return;
    len = WideCharToMultiByte(CP_UTF8, 0, wide, -1, texts + at, (int)(TEXTS_LEN - at - 2), NULL,
                              NULL);
    if (len > 0)
        strcat(texts, "\n");
}

static BOOL CALLBACK on_child(HWND window, LPARAM user)
{
    if (IsWindowVisible(window))
        append_text(window, (char *)user);
    return TRUE;
}

static BOOL has_all(const char *texts, char **words)
{
    for (; *words != NULL; words++) {
        if (strstr(texts, *words) == NULL)
            return FALSE;
    }
    return TRUE;
}

int main(int argc, char **argv)
{
    static char texts[TEXTS_LEN];
    ULONGLONG end;

    if (argc < 3)
        return 2;
    fputs("waiting\n", stderr);
    fflush(stderr);
    end = GetTickCount64() + 1000ull * strtoul(argv[2], NULL, 10);
    for (;;) {
        HWND window = FindWindowA(argv[1], NULL);

        texts[0] = '\0';
        if (window != NULL) {
            append_text(window, texts);
            EnumChildWindows(window, on_child, (LPARAM)texts);
        }
        if (argc == 3 ? window == NULL : window != NULL && has_all(texts, argv + 3))
            break;
        if (GetTickCount64() > end) {
            fputs(texts, stdout);
            return 1;
        }
        Sleep(TRY_MS);
    }
    fputs(texts, stdout);
    return 0;
}
