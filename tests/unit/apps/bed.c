#include "bed.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[BED_PATH_LEN - 64];
static char text[65536];
static int captured_fd, saved_fd = -1;

int bed_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "%s/softlan-apps-XXXXXX", P_tmpdir);
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status;
    (void)kind;
    (void)walk;
    return remove(path);
}

int bed_down(void **state)
{
    (void)state;
    return nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

const char *bed_path(const char *name)
{
    static char path[4][BED_PATH_LEN];
    static unsigned next;
    char *to = path[next++ % 4];

    snprintf(to, BED_PATH_LEN, "%s/%s", folder, name);
    return to;
}

void bed_write(const char *name, const char *what)
{
    FILE *file = fopen(bed_path(name), "w");

    assert_non_null(file);
    fputs(what, file);
    fclose(file);
}

static const char *read_path(const char *path)
{
    FILE *file = fopen(path, "r");
    size_t len = 0;

    if (file != NULL) {
        len = fread(text, 1, sizeof(text) - 1, file);
        fclose(file);
    }
    text[len] = '\0';
    return text;
}

const char *bed_read(const char *name)
{
    return read_path(bed_path(name));
}

unsigned bed_count(const char *name)
{
    DIR *dir = opendir(bed_path(name));
    unsigned count = 0;

    assert_non_null(dir);
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir))
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

void bed_capture(int fd)
{
    int file = open(bed_path("captured"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    fflush(NULL);
    captured_fd = fd;
    saved_fd = dup(fd);
    assert_true(file >= 0 && saved_fd >= 0);
    dup2(file, fd);
    close(file);
}

const char *bed_captured(void)
{
    fflush(NULL);
    dup2(saved_fd, captured_fd);
    close(saved_fd);
    return bed_read("captured");
}
