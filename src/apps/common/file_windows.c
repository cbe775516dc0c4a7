/* file.h on Windows. Paths are UTF-8. A file's mode is its folder's access list: %LOCALAPPDATA% is
 * the user's own. */
#include "apps/common/file.h"

#include <fcntl.h>
#include <io.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "platform/windows/errno.h"
#include "platform/windows/win.h"

static int failed(const char *what, const char *path, char why[LP_FILE_WHY_LEN])
{
    unsigned long error = GetLastError();
    char text[LP_WIN_TEXT_LEN];

    snprintf(why, LP_FILE_WHY_LEN, "cannot %s %.300s: %s", what, path,
             lp_win_text(error, text));
    if (error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND)
        return LP_ERR_NOTFOUND;
    return error == ERROR_ACCESS_DENIED ? LP_ERR_PERMISSION : LP_ERR_IO;
}

static int widen(const char *path, wchar_t wide[LP_PATH_LEN], char why[LP_FILE_WHY_LEN])
{
    int err = lp_wide_from_utf8(path, wide, LP_PATH_LEN);

    if (err < 0)
        snprintf(why, LP_FILE_WHY_LEN, "this is no path: %.200s", path);
    return err;
}

int lp_file_read(const char *path, uint8_t **ret_bytes, size_t *ret_len,
                 char why[LP_FILE_WHY_LEN])
{
    wchar_t wide[LP_PATH_LEN];
    uint8_t *bytes;
    HANDLE file;
    DWORD len;
    int err = widen(path, wide, why);

    if (err < 0)
        return err;
    file = CreateFileW(wide, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_DELETE, NULL,
                       OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, NULL);
    if (file == INVALID_HANDLE_VALUE)
        return failed("read", path, why);
    bytes = malloc(LP_FILE_MAX + 1);
    if (bytes == NULL) {
        snprintf(why, LP_FILE_WHY_LEN, "out of memory");
        err = LP_ERR_NOMEM;
    } else if (!ReadFile(file, bytes, LP_FILE_MAX + 1, &len, NULL)) {
        err = failed("read", path, why);
    } else if (len > LP_FILE_MAX) {
        snprintf(why, LP_FILE_WHY_LEN, "%.300s is larger than any file that belongs here",
                 path);
        err = LP_ERR_RANGE;
    }
    CloseHandle(file);
    if (err < 0) {
        free(bytes);
        return err;
    }
    bytes[len] = '\0';
    *ret_bytes = bytes;
    *ret_len = len;
    return 0;
}

int lp_file_make_parents(const char *path, char why[LP_FILE_WHY_LEN])
{
    wchar_t wide[LP_PATH_LEN];
    int err = widen(path, wide, why);

    if (err < 0)
        return err;
    /* what cannot be made here (a drive, a share) is missed by whoever opens the file */
    for (wchar_t *at = wide; *at != L'\0'; at++) {
        wchar_t here = *at;

        if (at == wide || (here != L'\\' && here != L'/'))
            continue;
        *at = L'\0';
        if (!CreateDirectoryW(wide, NULL) && GetLastError() == ERROR_PATH_NOT_FOUND)
            return failed("make the folders of", path, why);
        *at = here;
    }
    return 0;
}

int lp_file_check_regular(const char *path, char why[LP_FILE_WHY_LEN])
{
    wchar_t wide[LP_PATH_LEN];
    DWORD attributes;
    int err = widen(path, wide, why);

    if (err < 0)
        return err;
    attributes = GetFileAttributesW(wide);
    if (attributes == INVALID_FILE_ATTRIBUTES ||
        (attributes & (FILE_ATTRIBUTE_DIRECTORY | FILE_ATTRIBUTE_DEVICE)) == 0)
        return 0;
    snprintf(why, LP_FILE_WHY_LEN, "%.300s is no regular file: give another path", path);
    return LP_ERR_EXISTS;
}

static bool write_new(const wchar_t *path, const void *bytes, size_t len)
{
    HANDLE file =
        CreateFileW(path, GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, FILE_ATTRIBUTE_NORMAL, NULL);
    DWORD written = 0;
    bool done;

    if (file == INVALID_HANDLE_VALUE)
        return false;
    done = WriteFile(file, bytes, (DWORD)len, &written, NULL) && written == len &&
           FlushFileBuffers(file);
    CloseHandle(file);
    return done;
}

int lp_file_write(const char *path, const void *bytes, size_t len, unsigned mode,
                  char why[LP_FILE_WHY_LEN])
{
    wchar_t wide[LP_PATH_LEN], wide_beside[LP_PATH_LEN];
    char beside[LP_PATH_LEN + 16];
    int err = lp_file_make_parents(path, why);

    (void)mode;
    snprintf(beside, sizeof(beside), "%s.%lu.new", path, GetCurrentProcessId());
    if (err == 0)
        err = lp_file_check_regular(path, why);
    if (err == 0)
        err = widen(path, wide, why);
    if (err == 0)
        err = widen(beside, wide_beside, why);
    if (err < 0)
        return err;
    if (write_new(wide_beside, bytes, len) &&
        MoveFileExW(wide_beside, wide, MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH))
        return 0;
    err = failed("write", path, why);
    DeleteFileW(wide_beside);
    return err;
}

int lp_file_lock(const char *path, char why[LP_FILE_WHY_LEN])
{
    wchar_t wide[LP_PATH_LEN];
    HANDLE file;
    int err = widen(path, wide, why);

    if (err < 0)
        return err;
    file = CreateFileW(wide, GENERIC_WRITE, 0, NULL, OPEN_ALWAYS, FILE_ATTRIBUTE_NORMAL, NULL);
    if (file != INVALID_HANDLE_VALUE)
        return _open_osfhandle((intptr_t)file, _O_NOINHERIT);
    if (GetLastError() != ERROR_SHARING_VIOLATION)
        return failed("write", path, why);
    snprintf(why, LP_FILE_WHY_LEN, "%.300s is in use by another program", path);
    return LP_ERR_BUSY;
}

void lp_file_unlock(int lock)
{
    _close(lock);
}

int lp_state_path(const char *name, char ret_path[LP_PATH_LEN])
{
    wchar_t wide[LP_PATH_LEN];
    char folder[LP_PATH_LEN];
    DWORD wide_len = GetEnvironmentVariableW(L"LOCALAPPDATA", wide, LP_PATH_LEN);
    int len;

    if (wide_len == 0 || wide_len >= LP_PATH_LEN)
        return LP_ERR_NOTFOUND;
    if (lp_utf8_from_wide(wide, folder, sizeof(folder)) < 0)
        return LP_ERR_RANGE;
    len = snprintf(ret_path, LP_PATH_LEN, "%s\\SoftLAN\\%s", folder, name);
    return len < LP_PATH_LEN ? 0 : LP_ERR_RANGE;
}
