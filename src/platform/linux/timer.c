/*
 * lp_timer by timerfd(2), on the clock of lp_clock_now_ns.
 *
 * A deadline that moves away, as QUIC's do with every packet, is left to the old one: that fires,
 * and the timer is set then. Setting it costs more than anything else that a turn of the loop does
 * (a third of the processor time of a busy relay in a virtual machine).
 */
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <uv.h>

#include "base/err.h"
#include "platform/platform.h"

struct lp_timer {
    uv_poll_t poll;
    int fd;
    uint64_t deadline_ns; /* what was asked for last */
    uint64_t armed_ns;    /* what the kernel has: not later */
    lp_due_fn *due;
    void *user;
};

static void arm(struct lp_timer *timer)
{
    struct itimerspec spec = {0};
    uint64_t at_ns = timer->deadline_ns != 0 ? timer->deadline_ns : 1; /* zero would disarm */

    timer->armed_ns = timer->deadline_ns;
    spec.it_value.tv_sec = (time_t)(at_ns / LP_NS_PER_S);
    spec.it_value.tv_nsec = (long)(at_ns % LP_NS_PER_S);
    (void)timerfd_settime(timer->fd, TFD_TIMER_ABSTIME, &spec, NULL);
}

static void on_expired(uv_poll_t *poll, int status, int events)
{
    struct lp_timer *timer = poll->data;
    uint64_t expirations;

    (void)status;
    (void)events;
    if (read(timer->fd, &expirations, sizeof(expirations)) != sizeof(expirations))
        return; /* set anew in the meantime */
    timer->armed_ns = LP_TIME_NEVER;
    if (timer->deadline_ns == LP_TIME_NEVER)
        return;
    if (timer->deadline_ns > lp_clock_now_ns()) {
        arm(timer);
        return;
    }
    timer->deadline_ns = LP_TIME_NEVER;
    timer->due(timer->user);
}

int lp_timer_open(struct uv_loop_s *loop, lp_due_fn *due, void *user,
                  struct lp_timer **ret_timer)
{
    struct lp_timer *timer = calloc(1, sizeof(*timer));

    if (timer == NULL)
        return LP_ERR_NOMEM;
    timer->due = due;
    timer->user = user;
    timer->deadline_ns = timer->armed_ns = LP_TIME_NEVER;
    timer->fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (timer->fd < 0) {
        free(timer);
        return LP_ERR_IO;
    }
    if (uv_poll_init(loop, &timer->poll, timer->fd) != 0) {
        close(timer->fd);
        free(timer);
        return LP_ERR_IO;
    }
    timer->poll.data = timer;
    uv_poll_start(&timer->poll, UV_READABLE, on_expired);
    *ret_timer = timer;
    return 0;
}

void lp_timer_set(struct lp_timer *timer, uint64_t deadline_ns)
{
    timer->deadline_ns = deadline_ns;
    if (deadline_ns < timer->armed_ns)
        arm(timer);
}

static void on_closed(uv_handle_t *handle)
{
    struct lp_timer *timer = handle->data;

    close(timer->fd);
    free(timer);
}

void lp_timer_close(struct lp_timer *timer)
{
    if (timer != NULL)
        uv_close((uv_handle_t *)&timer->poll, on_closed);
}
