#include "platform/windows/journal_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "platform/windows/errno.h"
#include "platform/windows/win.h"

#define JOURNAL        L"\\journal.txt"
#define TEMPORARY      L"\\journal.new"
#define LOCK           L"\\lock"
#define PATH_MAX_CHARS (LP_DIR_PATH_MAX + 16)

struct lp_journal_dir {
    wchar_t path[LP_DIR_PATH_MAX];
    HANDLE lock;
};

static void path_of(const struct lp_journal_dir *dir, const wchar_t *name,
                    wchar_t path[PATH_MAX_CHARS])
{
    wcscpy(path, dir->path);
    wcscat(path, name);
}

int lp_journal_dir_open(const char *path, struct lp_journal_dir **ret_dir, char why[LP_WHY_LEN])
{
    struct lp_journal_dir *dir = calloc(1, sizeof(*dir));
    wchar_t lock[PATH_MAX_CHARS];
    char text[LP_WIN_TEXT_LEN];
    DWORD number;
    int err;

    if (dir == NULL)
        return lp_why(LP_ERR_NOMEM, why, "out of memory for the journal: close other programs");
    err = lp_settings_dir(path, dir->path, why);
    if (err < 0) {
        free(dir);
        return err;
    }
    path_of(dir, LOCK, lock);
    /* shared with nobody, and closed with the process however that ends */
    dir->lock = CreateFileW(lock, GENERIC_WRITE, 0, NULL, OPEN_ALWAYS,
                            FILE_FLAG_OPEN_REPARSE_POINT, NULL);
    if (dir->lock != INVALID_HANDLE_VALUE) {
        *ret_dir = dir;
        return 0;
    }
    number = GetLastError();
    free(dir);
    if (number == ERROR_SHARING_VIOLATION)
        return lp_why(LP_ERR_BUSY, why,
                      "SoftLAN is connected already on this computer: disconnect there first");
    return lp_why(lp_err_from_win32(number), why,
                  "the journal of settings cannot be locked, run SoftLAN as an "
                  "administrator: %s",
                  lp_win_text(number, text));
}

void lp_journal_dir_close(struct lp_journal_dir *dir)
{
    if (dir == NULL)
        return;
    CloseHandle(dir->lock);
    free(dir);
}

/* ---- the store ---- */

static HANDLE open_journal(const struct lp_journal_dir *dir)
{
    wchar_t path[PATH_MAX_CHARS];

    path_of(dir, JOURNAL, path);
    return CreateFileW(path, GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING,
                       FILE_FLAG_OPEN_REPARSE_POINT, NULL);
}

/* What is no plain file is damage, not a path to follow. */
static bool is_plain_file(HANDLE file)
{
    FILE_ATTRIBUTE_TAG_INFO info;

    return GetFileInformationByHandleEx(file, FileAttributeTagInfo, &info, sizeof(info)) &&
           (info.FileAttributes & (FILE_ATTRIBUTE_DIRECTORY | FILE_ATTRIBUTE_REPARSE_POINT)) ==
               0;
}

static int read_all(HANDLE file, char *text, size_t capacity)
{
    LARGE_INTEGER size;
    DWORD got = 0;

    if (!is_plain_file(file) || !GetFileSizeEx(file, &size) ||
        (uint64_t)size.QuadPart > capacity)
        return LP_ERR_RANGE;
    if (!ReadFile(file, text, (DWORD)size.QuadPart, &got, NULL))
        return lp_err_from_win32(GetLastError());
    return (int)got;
}

static int load(void *user, char *text, size_t capacity)
{
    HANDLE file = open_journal(user);
    DWORD number;
    int result;

    if (file == INVALID_HANDLE_VALUE) {
        number = GetLastError();
        return number == ERROR_FILE_NOT_FOUND ? 0 : lp_err_from_win32(number);
    }
    result = read_all(file, text, capacity);
    CloseHandle(file);
    return result;
}

static DWORD write_file(const wchar_t *path, const char *text, size_t len)
{
    DWORD number = NO_ERROR;
    DWORD written = 0;
    HANDLE file = CreateFileW(path, GENERIC_WRITE, 0, NULL, CREATE_ALWAYS,
                              FILE_ATTRIBUTE_NORMAL | FILE_FLAG_OPEN_REPARSE_POINT, NULL);

    if (file == INVALID_HANDLE_VALUE)
        return GetLastError();
    if (!WriteFile(file, text, (DWORD)len, &written, NULL) || !FlushFileBuffers(file))
        number = GetLastError();
    else if (written != len)
        number = ERROR_DISK_FULL;
    CloseHandle(file);
    return number;
}

static int save(void *user, const char *text, size_t len)
{
    const struct lp_journal_dir *dir = user;
    wchar_t path[PATH_MAX_CHARS], temporary[PATH_MAX_CHARS];
    DWORD number;

    path_of(dir, JOURNAL, path);
    path_of(dir, TEMPORARY, temporary);
    if (len == 0) { /* one that comes back after a power cut finds everything undone already */
        if (DeleteFileW(path) || GetLastError() == ERROR_FILE_NOT_FOUND)
            return 0;
        return lp_err_from_win32(GetLastError());
    }
    number = write_file(temporary, text, len);
    if (number == NO_ERROR &&
        !MoveFileExW(temporary, path, MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH))
        number = GetLastError();
    return lp_err_from_win32(number);
}

struct lp_journal_store lp_journal_dir_store(struct lp_journal_dir *dir)
{
    return (struct lp_journal_store){.load = load, .save = save, .user = dir};
}
