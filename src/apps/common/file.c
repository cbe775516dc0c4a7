#include "apps/common/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"

static int failed(const char *what, const char *path, char why[LP_FILE_WHY_LEN])
{
    int error = errno;

    snprintf(why, LP_FILE_WHY_LEN, "cannot %s %.300s: %s", what, path, strerror(error));
    if (error == ENOENT)
        return LP_ERR_NOTFOUND;
    return error == EACCES || error == EPERM ? LP_ERR_PERMISSION : LP_ERR_IO;
}

int lp_file_read(const char *path, uint8_t **ret_bytes, size_t *ret_len,
                 char why[LP_FILE_WHY_LEN])
{
    FILE *file = fopen(path, "rbe");
    uint8_t *bytes;
    size_t len;

    if (file == NULL)
        return failed("read", path, why);
    bytes = malloc(LP_FILE_MAX + 1);
    if (bytes == NULL) {
        fclose(file);
        snprintf(why, LP_FILE_WHY_LEN, "out of memory");
        return LP_ERR_NOMEM;
    }
    len = fread(bytes, 1, LP_FILE_MAX + 1, file);
    if (ferror(file)) {
        int err = failed("read", path, why);

        fclose(file);
        free(bytes);
        return err;
    }
    fclose(file);
    if (len > LP_FILE_MAX) {
        free(bytes);
        snprintf(why, LP_FILE_WHY_LEN, "%.300s is larger than any file that belongs here",
                 path);
        return LP_ERR_RANGE;
    }
    bytes[len] = '\0';
    *ret_bytes = bytes;
    *ret_len = len;
    return 0;
}

int lp_file_make_parents(const char *path, char why[LP_FILE_WHY_LEN])
{
    char parent[LP_PATH_LEN];

    if (strlen(path) >= sizeof(parent)) {
        snprintf(why, LP_FILE_WHY_LEN, "path is too long: %.200s...", path);
        return LP_ERR_RANGE;
    }
    for (const char *slash = strchr(path + 1, '/'); slash != NULL;
         slash = strchr(slash + 1, '/')) {
        memcpy(parent, path, (size_t)(slash - path));
        parent[slash - path] = '\0';
        if (mkdir(parent, 0755) != 0 && errno != EEXIST)
            return failed("make folder", parent, why);
    }
    return 0;
}

static int write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t written = write(fd, bytes, len);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -1;
        bytes += written;
        len -= (size_t)written;
    }
    return fsync(fd);
}

int lp_file_check_regular(const char *path, char why[LP_FILE_WHY_LEN])
{
    struct stat old;

    if (stat(path, &old) != 0 || S_ISREG(old.st_mode))
        return 0;
    snprintf(why, LP_FILE_WHY_LEN, "%.300s is no regular file: give another path", path);
    return LP_ERR_EXISTS;
}

int lp_file_write(const char *path, const void *bytes, size_t len, unsigned mode,
                  char why[LP_FILE_WHY_LEN])
{
    char beside[LP_PATH_LEN + 16];
    int err = lp_file_make_parents(path, why);
    int fd;

    if (err == 0)
        err = lp_file_check_regular(path, why);
    if (err < 0)
        return err;
    snprintf(beside, sizeof(beside), "%s.XXXXXX", path);
    fd = mkostemp(beside, O_CLOEXEC);
    if (fd < 0)
        return failed("write", path, why);
    if (fchmod(fd, (mode_t)mode) != 0 || write_all(fd, bytes, len) != 0 ||
        rename(beside, path) != 0) {
        err = failed("write", path, why);
        unlink(beside);
    }
    close(fd);
    return err;
}

int lp_file_lock(const char *path, char why[LP_FILE_WHY_LEN])
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0)
        return failed("write", path, why);
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    close(fd);
    snprintf(why, LP_FILE_WHY_LEN, "%.300s is in use by another program", path);
    return LP_ERR_BUSY;
}

void lp_file_unlock(int lock)
{
    close(lock);
}

int lp_state_path(const char *name, char ret_path[LP_PATH_LEN])
{
    const char *xdg = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    int len;

    if (xdg != NULL && xdg[0] == '/')
        len = snprintf(ret_path, LP_PATH_LEN, "%s/softlan/%s", xdg, name);
    else if (geteuid() == 0)
        len = snprintf(ret_path, LP_PATH_LEN, "/var/lib/softlan/%s", name);
    else if (home != NULL && home[0] == '/')
        len = snprintf(ret_path, LP_PATH_LEN, "%s/.local/state/softlan/%s", home, name);
    else
        return LP_ERR_NOTFOUND;
    return len < LP_PATH_LEN ? 0 : LP_ERR_RANGE;
}
