/* What the tests of apps share: a folder of their own, and what a program would print. */
#ifndef LP_TESTS_APPS_BED_H
#define LP_TESTS_APPS_BED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define BED_PATH_LEN 256

/* cmocka's group set-up and tear-down: makes a folder, removes it with all that is in it. */
int bed_up(void **state);
int bed_down(void **state);

/* A path in that folder; valid until the next four calls. */
const char *bed_path(const char *name);
void bed_write(const char *name, const char *text);
/* The whole file as text, "" when there is none; valid until the next call. */
const char *bed_read(const char *name);
unsigned bed_count(const char *name); /* entries of a folder */

/* Descriptor `fd` goes into a file until bed_captured, which returns what was written. */
void bed_capture(int fd);
const char *bed_captured(void);

#endif
