/* Small files: replaced as a whole, with their mode, never something that is no file. */
#include "bed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apps/common/file.h"
#include "base/err.h"

static void written_and_read(void **state)
{
    uint8_t *bytes = NULL;
    char why[LP_FILE_WHY_LEN];
    size_t len = 0;

    (void)state;
    assert_int_equal(lp_file_write(bed_path("a"), "x\0y", 3, 0600, why), 0);
    assert_int_equal(lp_file_read(bed_path("a"), &bytes, &len, why), 0);
    assert_int_equal(len, 3);
    assert_memory_equal(bytes, "x\0y", 4); /* and a NUL behind it */
    free(bytes);
    assert_int_equal(lp_file_write(bed_path("a"), "", 0, 0600, why), 0);
    assert_int_equal(lp_file_read(bed_path("a"), &bytes, &len, why), 0);
    assert_int_equal(len, 0);
    free(bytes);
}

static unsigned mode_of(const char *path)
{
    struct stat status;

    assert_int_equal(stat(path, &status), 0);
    return (unsigned)status.st_mode & 07777;
}

static void mode_whatever_the_umask_and_the_old_one(void **state)
{
    char why[LP_FILE_WHY_LEN];
    mode_t before = umask(0077);

    (void)state;
    assert_int_equal(lp_file_write(bed_path("mode"), "x", 1, 0644, why), 0);
    assert_int_equal(mode_of(bed_path("mode")), 0644);
    umask(0);
    assert_int_equal(lp_file_write(bed_path("mode"), "x", 1, 0600, why), 0);
    assert_int_equal(mode_of(bed_path("mode")), 0600);
    umask(before);
}

/* Another link to the old file keeps the old text: nothing is written over. */
static void replaced_as_a_whole(void **state)
{
    char why[LP_FILE_WHY_LEN];

    (void)state;
    mkdir(bed_path("whole"), 0755);
    bed_write("whole/file", "old");
    assert_int_equal(link(bed_path("whole/file"), bed_path("whole/link")), 0);
    assert_int_equal(lp_file_write(bed_path("whole/file"), "new", 3, 0600, why), 0);
    assert_string_equal(bed_read("whole/file"), "new");
    assert_string_equal(bed_read("whole/link"), "old");
    assert_int_equal(bed_count("whole"), 2); /* no temporary file stays */
}

static void parents_are_made(void **state)
{
    char why[LP_FILE_WHY_LEN] = "";
    char path[LP_PATH_LEN + 100];

    (void)state;
    assert_int_equal(lp_file_write(bed_path("p/q/r/file"), "x", 1, 0600, why), 0);
    assert_string_equal(bed_read("p/q/r/file"), "x");
    assert_int_equal(lp_file_make_parents(bed_path("p//q/./s"), why), 0);
    assert_int_equal(lp_file_make_parents("name-alone", why), 0);
    bed_write("p/file", "x");
    assert_true(lp_file_write(bed_path("p/file/below"), "x", 1, 0600, why) < 0);
    assert_non_null(strstr(why, "p/file"));
    memset(path, 'x', sizeof(path) - 1);
    path[0] = '/';
    path[sizeof(path) - 1] = '\0';
    assert_int_equal(lp_file_make_parents(path, why), LP_ERR_RANGE);
    assert_non_null(strstr(why, "too long"));
}

static void a_device_or_folder_is_not_replaced(void **state)
{
    char why[LP_FILE_WHY_LEN] = "";

    (void)state;
    assert_int_equal(mkfifo(bed_path("fifo"), 0600), 0);
    assert_int_equal(lp_file_write(bed_path("fifo"), "x", 1, 0600, why), LP_ERR_EXISTS);
    assert_non_null(strstr(why, "fifo is no regular file"));
    mkdir(bed_path("folder"), 0755);
    assert_int_equal(lp_file_write(bed_path("folder"), "x", 1, 0600, why), LP_ERR_EXISTS);
    assert_int_equal(bed_count("folder"), 0);
    assert_int_equal(lp_file_check_regular(bed_path("none"), why), 0);
}

static void what_cannot_be_read(void **state)
{
    uint8_t *bytes = NULL;
    char why[LP_FILE_WHY_LEN] = "";
    size_t len;

    (void)state;
    assert_int_equal(lp_file_read(bed_path("none"), &bytes, &len, why), LP_ERR_NOTFOUND);
    assert_non_null(strstr(why, "none: No such file"));
    mkdir(bed_path("dir"), 0755);
    assert_int_equal(lp_file_read(bed_path("dir"), &bytes, &len, why), LP_ERR_IO);
    assert_non_null(strstr(why, "directory"));
    assert_null(bytes);
}

static void size_has_a_bound(void **state)
{
    uint8_t *bytes = NULL;
    char why[LP_FILE_WHY_LEN] = "";
    size_t len = 0;

    (void)state;
    bed_write("big", "");
    assert_int_equal(truncate(bed_path("big"), LP_FILE_MAX), 0);
    assert_int_equal(lp_file_read(bed_path("big"), &bytes, &len, why), 0);
    assert_int_equal(len, LP_FILE_MAX);
    free(bytes);
    bytes = NULL;
    assert_int_equal(truncate(bed_path("big"), LP_FILE_MAX + 1), 0);
    assert_int_equal(lp_file_read(bed_path("big"), &bytes, &len, why), LP_ERR_RANGE);
    assert_non_null(strstr(why, "big is larger"));
    assert_null(bytes);
}

static void where_state_is_kept(void **state)
{
    char path[LP_PATH_LEN];

    (void)state;
    setenv("HOME", "/home-of-anna", 1);
    setenv("XDG_STATE_HOME", "/state", 1);
    assert_int_equal(lp_state_path("x.json", path), 0);
    assert_string_equal(path, "/state/softlan/x.json");
    setenv("XDG_STATE_HOME", "relative", 1); /* the specification: to be ignored */
    assert_int_equal(lp_state_path("x.json", path), 0);
    assert_string_equal(path, geteuid() == 0 ? "/var/lib/softlan/x.json"
                                             : "/home-of-anna/.local/state/softlan/x.json");
    unsetenv("XDG_STATE_HOME");
    unsetenv("HOME");
    assert_int_equal(lp_state_path("x.json", path), geteuid() == 0 ? 0 : LP_ERR_NOTFOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(written_and_read),
        cmocka_unit_test(mode_whatever_the_umask_and_the_old_one),
        cmocka_unit_test(replaced_as_a_whole),
        cmocka_unit_test(parents_are_made),
        cmocka_unit_test(a_device_or_folder_is_not_replaced),
        cmocka_unit_test(what_cannot_be_read),
        cmocka_unit_test(size_has_a_bound),
        cmocka_unit_test(where_state_is_kept),
    };

    return cmocka_run_group_tests(tests, bed_up, bed_down);
}
