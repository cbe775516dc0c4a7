/* Small files of a program: certificates, identities, secrets. */
#ifndef LP_APPS_COMMON_FILE_H
#define LP_APPS_COMMON_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LP_FILE_MAX     (1024 * 1024)
#define LP_PATH_LEN     1024
#define LP_FILE_WHY_LEN 512

/*
 * The whole file, NUL-terminated for convenience; free() it. LP_ERR_NOTFOUND when there is
 * none, LP_ERR_RANGE above LP_FILE_MAX.
 */
int lp_file_read(const char *path, uint8_t **ret_bytes, size_t *ret_len,
                 char why[LP_FILE_WHY_LEN]);

/*
 * Replaces the file as a whole (written beside it, synced, renamed), with this mode; makes
 * parent folders. A crash leaves the old file or the new one.
 */
int lp_file_write(const char *path, const void *bytes, size_t len, unsigned mode,
                  char why[LP_FILE_WHY_LEN]);

/*
 * LP_ERR_EXISTS when there is something else than a file: a device or a folder must not be
 * replaced (/dev/null, say).
 */
int lp_file_check_regular(const char *path, char why[LP_FILE_WHY_LEN]);

/* The folders above this path, as far as they are missing. */
int lp_file_make_parents(const char *path, char why[LP_FILE_WHY_LEN]);

/*
 * Makes the file when it is missing and keeps it locked until lp_file_unlock or the end of the
 * program. Returns the lock, LP_ERR_BUSY when another program has it.
 */
int lp_file_lock(const char *path, char why[LP_FILE_WHY_LEN]);
void lp_file_unlock(int lock);

/*
 * Where a program keeps its state when it is not told: $XDG_STATE_HOME/softlan, for root
 * /var/lib/softlan, else ~/.local/state/softlan; Windows: %LOCALAPPDATA%\SoftLAN.
 */
int lp_state_path(const char *name, char ret_path[LP_PATH_LEN]);

#endif
