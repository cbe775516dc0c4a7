/* What service and programs keep in %ProgramData%\SoftLAN, for the uninstaller. */
#ifndef LP_APPS_SVC_WIN_LEFTOVERS_H
#define LP_APPS_SVC_WIN_LEFTOVERS_H

#include "platform/platform.h"

/*
 * Restores what an interrupted run has left, then removes journal, logs and their directory. A
 * directory that cannot be trusted (somebody else's, or a link) is left alone, and said so.
 */
int lp_leftovers_remove(char why[LP_WHY_LEN]);

#endif
