/*
 * The journal of settings on disk: journal.txt in a directory where only SYSTEM and Administrators
 * write. Holding the directory is exclusive: two programs that change the same machine's settings would
 * undo each other's. For platform/windows and the service.
 */
#ifndef LP_PLATFORM_WINDOWS_JOURNAL_STORE_H
#define LP_PLATFORM_WINDOWS_JOURNAL_STORE_H

#include "platform/platform.h"
#include "platform/settings/scope.h"

struct lp_journal_dir;

/*
 * Makes the directory when there is none. `path` NULL: %ProgramData%\SoftLAN. LP_ERR_PERMISSION: it
 * cannot be trusted (somebody else's, or a link) or written; LP_ERR_BUSY: another program holds it.
 */
int lp_journal_dir_open(const char *path, struct lp_journal_dir **ret_dir,
                        char why[LP_WHY_LEN]);
/* Consumes; NULL is fine. */
void lp_journal_dir_close(struct lp_journal_dir *dir);
/* Borrows `dir`. */
struct lp_journal_store lp_journal_dir_store(struct lp_journal_dir *dir);

/*
 * The directory alone, made and checked as above but not held, for other files that belong there.
 * Its path, in `ret_path`.
 */
#define LP_DIR_PATH_MAX 512
int lp_settings_dir(const char *path, wchar_t ret_path[LP_DIR_PATH_MAX], char why[LP_WHY_LEN]);

#endif
