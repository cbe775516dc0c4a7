/*
 * The service's log: %ProgramData%\SoftLAN\log.txt, where administrators read it. Bounded: a full file
 * becomes log.old.txt in place of the one before. Any thread may write.
 */
#ifndef LP_APPS_SVC_WIN_LOG_H
#define LP_APPS_SVC_WIN_LOG_H

#include "base/attr.h"

#define LP_SVC_LOG_BYTES_MAX (256u * 1024)

struct lp_svc_log;

/* Never fails: without a file (or memory) what is said goes nowhere. NULL is fine in all calls. */
struct lp_svc_log *lp_svc_log_open(void);
void lp_svc_log_close(struct lp_svc_log *log);
/* One line with the time in front; what is not printable ASCII becomes '?'. */
LP_PRINTF(2, 3) void lp_svc_log(struct lp_svc_log *log, const char *format, ...);

#endif
