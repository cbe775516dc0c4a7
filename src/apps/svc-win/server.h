/*
 * The service's end of the pipe. One caller at a time has the session; others are told that it is taken.
 * Each caller has a thread, so that one who says nothing keeps nobody else from an answer.
 */
#ifndef LP_APPS_SVC_WIN_SERVER_H
#define LP_APPS_SVC_WIN_SERVER_H

#include "apps/svc-win/log.h"
#include "platform/platform.h"
#include "platform/windows/win.h"

/*
 * Serves until `stop` is signalled, then undoes what a session has done. LP_ERR_BUSY: somebody else has
 * the pipe's name.
 */
int lp_server_run(HANDLE stop, struct lp_svc_log *log, char why[LP_WHY_LEN]);

#endif
