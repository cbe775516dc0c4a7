#include "apps/svc-win/leftovers.h"

#include <wchar.h>

#include "base/err.h"
#include "platform/windows/errno.h"
#include "platform/windows/journal_store.h"
#include "platform/windows/win.h"
#include "platform/windows/wincfg.h"

#define NAME_LEN 16

/* By name, not whatever is there: nothing else was put there by us. */
static const wchar_t *const names[] = {L"journal.txt", L"journal.new", L"lock", L"log.txt",
                                       L"log.old.txt"};

static DWORD remove_files(const wchar_t *directory)
{
    wchar_t path[LP_DIR_PATH_MAX + NAME_LEN];

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        _snwprintf(path, LP_DIR_PATH_MAX + NAME_LEN, L"%ls\\%ls", directory, names[i]);
        if (!DeleteFileW(path) && GetLastError() != ERROR_FILE_NOT_FOUND)
            return GetLastError();
    }
    return RemoveDirectoryW(directory) ? NO_ERROR : GetLastError();
}

int lp_leftovers_remove(char why[LP_WHY_LEN])
{
    wchar_t directory[LP_DIR_PATH_MAX];
    char text[LP_WIN_TEXT_LEN];
    DWORD number;
    int err = lp_wincfg_recover(NULL, why);

    if (err < 0)
        return err;
    if (why[0] != '\0') /* the journal is still needed */
        return LP_ERR_IO;
    err = lp_settings_dir(NULL, directory, why);
    if (err < 0)
        return err;
    number = remove_files(directory);
    if (number != NO_ERROR)
        return lp_why(lp_err_from_win32(number), why, "%ls could not be removed: %s", directory,
                      lp_win_text(number, text));
    return 0;
}
