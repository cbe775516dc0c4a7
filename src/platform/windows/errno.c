#include "platform/windows/errno.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/err.h"
#include "platform/platform.h"
#include "platform/windows/win.h"

int lp_err_from_win32(unsigned long number)
{
    switch (number) {
    case NO_ERROR:
        return LP_OK;
    case ERROR_INVALID_PARAMETER:
    case ERROR_INVALID_HANDLE:
    case ERROR_BAD_ARGUMENTS:
    case ERROR_INVALID_NAME:
    case WSAEINVAL:
        return LP_ERR_INVALID;
    case ERROR_NOT_ENOUGH_MEMORY:
    case ERROR_OUTOFMEMORY:
    case WSAENOBUFS:
        return LP_ERR_NOMEM;
    case ERROR_MORE_DATA:
    case ERROR_INSUFFICIENT_BUFFER:
    case WSAEMSGSIZE:
        return LP_ERR_RANGE;
    case ERROR_OBJECT_ALREADY_EXISTS:
    case ERROR_ALREADY_EXISTS:
    case ERROR_FILE_EXISTS:
        return LP_ERR_EXISTS;
    case ERROR_NOT_FOUND:
    case ERROR_FILE_NOT_FOUND:
    case ERROR_PATH_NOT_FOUND:
    case ERROR_DEV_NOT_EXIST:
    case ERROR_NETWORK_UNREACHABLE:
    case ERROR_HOST_UNREACHABLE:
    case WSAENETUNREACH:
    case WSAEHOSTUNREACH:
    case WSAEADDRNOTAVAIL:
        return LP_ERR_NOTFOUND;
    case WSAEWOULDBLOCK:
    case ERROR_IO_PENDING:
        return LP_ERR_AGAIN;
    case ERROR_BROKEN_PIPE:
    case ERROR_NO_DATA:
    case ERROR_PIPE_NOT_CONNECTED:
    case ERROR_OPERATION_ABORTED:
    case ERROR_DEVICE_NOT_CONNECTED:
    case ERROR_GEN_FAILURE:
        return LP_ERR_CLOSED;
    case ERROR_ACCESS_DENIED:
    case ERROR_PRIVILEGE_NOT_HELD:
    case WSAEACCES:
        return LP_ERR_PERMISSION;
    case ERROR_BUSY:
    case ERROR_PIPE_BUSY:
    case ERROR_SHARING_VIOLATION:
    case ERROR_LOCK_VIOLATION:
    case WSAEADDRINUSE:
        return LP_ERR_BUSY;
    case ERROR_TIMEOUT:
    case WAIT_TIMEOUT:
    case ERROR_SEM_TIMEOUT:
    case WSAETIMEDOUT:
        return LP_ERR_TIMEOUT;
    case ERROR_NOT_SUPPORTED:
    case ERROR_CALL_NOT_IMPLEMENTED:
    case ERROR_PROC_NOT_FOUND:
    case WSAEOPNOTSUPP:
    case WSAENOPROTOOPT:
    case WSAEAFNOSUPPORT:
        return LP_ERR_UNSUPPORTED;
    default:
        return LP_ERR_IO;
    }
}

static DWORD system_text(unsigned long number, DWORD language, wchar_t wide[LP_WIN_TEXT_LEN])
{
    return FormatMessageW(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, NULL,
                          number, language, wide, LP_WIN_TEXT_LEN / 2, NULL);
}

char *lp_win_text(unsigned long number, char text[LP_WIN_TEXT_LEN])
{
    wchar_t wide[LP_WIN_TEXT_LEN];
    char sentence[LP_WIN_TEXT_LEN];
    DWORD len = system_text(number, MAKELANGID(LANG_ENGLISH, SUBLANG_ENGLISH_US), wide);

    /* not every Windows has its messages in English */
    if (len == 0)
        len = system_text(number, 0, wide);
    while (len > 0 && (wide[len - 1] <= L' ' || wide[len - 1] == L'.'))
        len--;
    wide[len] = L'\0';
    if (len == 0 || lp_utf8_from_wide(wide, sentence, sizeof(sentence) - 24) != 0)
        snprintf(text, LP_WIN_TEXT_LEN, "error %lu", number);
    else
        snprintf(text, LP_WIN_TEXT_LEN, "%s (error %lu)", sentence, number);
    return text;
}

int lp_why(int err, char *why, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(why, LP_WHY_LEN, format, args);
    va_end(args);
    return err;
}

static int conversion_error(void)
{
    return GetLastError() == ERROR_INSUFFICIENT_BUFFER ? LP_ERR_NOSPACE : LP_ERR_MALFORMED;
}

int lp_wide_from_utf8(const char *text, wchar_t *wide, size_t capacity)
{
    if (MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text, -1, wide, (int)capacity) == 0)
        return conversion_error();
    return 0;
}

int lp_utf8_from_wide(const wchar_t *wide, char *text, size_t capacity)
{
    if (WideCharToMultiByte(CP_UTF8, WC_ERR_INVALID_CHARS, wide, -1, text, (int)capacity, NULL,
                            NULL) == 0)
        return conversion_error();
    return 0;
}
