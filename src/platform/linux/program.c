#include "platform/linux/program.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool lp_program_find(const char *name, char ret_path[LP_PROGRAM_PATH_LEN])
{
    const char *folder = LP_PROGRAM_SEARCH;

    for (;;) {
        size_t len = strcspn(folder, ":");

        snprintf(ret_path, LP_PROGRAM_PATH_LEN, "%.*s/%s", (int)len, folder, name);
        if (access(ret_path, X_OK) == 0)
            return true;
        if (folder[len] == '\0')
            return false;
        folder += len + 1;
    }
}
