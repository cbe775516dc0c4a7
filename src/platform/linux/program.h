/*
 * Where programs of the system are found that run as children. PATH is not used: they run as
 * root. Internal to platform/linux.
 */
#ifndef LP_PLATFORM_LINUX_PROGRAM_H
#define LP_PLATFORM_LINUX_PROGRAM_H

#include <stdbool.h>

#define LP_PROGRAM_SEARCH   "/usr/sbin:/sbin:/usr/bin:/bin"
#define LP_PROGRAM_PATH_LEN 64

/* The program's path, false when it is not installed. */
bool lp_program_find(const char *name, char ret_path[LP_PROGRAM_PATH_LEN]);

#endif
