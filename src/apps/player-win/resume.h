/*
 * Tells the loop that the PC was asleep: the relay has given up the connection by then, and waiting
 * for a time-out costs the player half a minute. Windows calls in a thread of its own; the loop is
 * woken.
 */
#ifndef LP_APPS_PLAYER_WIN_RESUME_H
#define LP_APPS_PLAYER_WIN_RESUME_H

#include <uv.h>

struct lp_resume;
typedef void lp_resume_fn(void *user);

/* Never calls on a system that cannot tell. NULL: out of memory. */
struct lp_resume *lp_resume_open(uv_loop_t *loop, lp_resume_fn *resumed, void *user);
/* Consumes; NULL is fine. */
void lp_resume_close(struct lp_resume *resume);

#endif
