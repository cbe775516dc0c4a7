/*
 * One caller: first message, who it is, the seat, then one request and one reply at a time until the
 * pipe closes or the service stops. Then everything is undone, and the seat is free again.
 */
#ifndef LP_APPS_SVC_WIN_SESSION_H
#define LP_APPS_SVC_WIN_SESSION_H

#include <stdbool.h>

#include "apps/svc-win/log.h"
#include "platform/windows/win.h"

/* The one session that there may be. */
struct lp_seat {
    CRITICAL_SECTION lock;
    bool taken;
    bool leaving;  /* its caller has gone; what it did is being undone */
    HANDLE vacant; /* event, manual reset: signalled while it is free */
};

void lp_seat_init(struct lp_seat *seat);
void lp_seat_deinit(struct lp_seat *seat);

/* Returns when the caller has gone, was refused, or `stop` is signalled. */
void lp_session_run(HANDLE pipe, HANDLE stop, struct lp_seat *seat, struct lp_svc_log *log);

#endif
