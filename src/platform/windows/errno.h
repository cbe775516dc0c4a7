/*
 * Windows error numbers to enum lp_err, the sentence of an error, UTF-16 and back. For
 * platform/windows and the Windows apps.
 */
#ifndef LP_PLATFORM_WINDOWS_ERRNO_H
#define LP_PLATFORM_WINDOWS_ERRNO_H

#include <stddef.h>
#include <wchar.h>

#include "base/attr.h"

#define LP_WIN_TEXT_LEN 160

/* A GetLastError or IP Helper number; 0 gives LP_OK, an unknown one LP_ERR_IO. */
int lp_err_from_win32(unsigned long number);
/* "Access is denied (error 5)", in English where the system has it. Returns `text`. */
char *lp_win_text(unsigned long number, char text[LP_WIN_TEXT_LEN]);

/* Writes the sentence into why[LP_WHY_LEN], cut to fit, and returns `err`. */
LP_PRINTF(3, 4) int lp_why(int err, char *why, const char *format, ...);

/* LP_ERR_MALFORMED: no valid UTF, LP_ERR_NOSPACE: too long for `capacity` with its NUL. */
int lp_wide_from_utf8(const char *text, wchar_t *wide, size_t capacity);
int lp_utf8_from_wide(const wchar_t *wide, char *text, size_t capacity);

#endif
