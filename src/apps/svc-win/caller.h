/* Who is at the other end of a pipe: only a person who works at this computer may ask for anything. */
#ifndef LP_APPS_SVC_WIN_CALLER_H
#define LP_APPS_SVC_WIN_CALLER_H

#include "platform/platform.h"
#include "platform/windows/win.h"

struct lp_caller {
    unsigned long process;
    unsigned long session;
};

/*
 * After the first message has been read (before that a pipe cannot be impersonated). The caller's token
 * must be an interactive logon's of the session that the pipe names, not from the network, at least of
 * medium integrity. LP_ERR_PERMISSION.
 */
int lp_caller_check(HANDLE pipe, struct lp_caller *ret_caller, char why[LP_WHY_LEN]);

#endif
