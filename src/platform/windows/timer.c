/*
 * lp_timer by a high-resolution waitable timer. libuv cannot wait for one, so a small thread
 * does, and wakes the loop. Whether the deadline has come is decided in the loop, by the clock:
 * a wake-up of a deadline that was moved meanwhile, or one that came early, does no harm.
 */
#include "platform/windows/win.h"

#include <process.h>
#include <stdlib.h>
#include <uv.h>

#include "base/err.h"
#include "platform/platform.h"

#ifndef CREATE_WAITABLE_TIMER_HIGH_RESOLUTION
#define CREATE_WAITABLE_TIMER_HIGH_RESOLUTION 0x2 /* Windows 10 1803 */
#endif

/* Relative times are negative 100 ns; an hour bounds them, and is no wake-up that costs. */
#define WAIT_MAX_NS (3600 * LP_NS_PER_S)

struct lp_timer {
    uv_async_t async;
    HANDLE timer;
    HANDLE stop;
    HANDLE thread;
    uint64_t armed_ns;
    lp_due_fn *due;
    void *user;
};

static unsigned __stdcall wait_for_timer(void *arg)
{
    struct lp_timer *timer = arg;
    HANDLE events[2] = {timer->stop, timer->timer};

    while (WaitForMultipleObjects(2, events, FALSE, INFINITE) == WAIT_OBJECT_0 + 1)
        uv_async_send(&timer->async);
    return 0;
}

/* Rounded up: the clock must have reached the deadline at the wake-up. */
static void arm(struct lp_timer *timer, uint64_t now_ns)
{
    uint64_t wait_ns = timer->armed_ns - now_ns;
    LARGE_INTEGER due;

    if (wait_ns > WAIT_MAX_NS)
        wait_ns = WAIT_MAX_NS;
    due.QuadPart = -(LONGLONG)((wait_ns + 99) / 100);
    SetWaitableTimer(timer->timer, &due, 0, NULL, NULL, FALSE);
}

static void on_wake(uv_async_t *async)
{
    struct lp_timer *timer = async->data;
    uint64_t now_ns;

    if (timer->armed_ns == LP_TIME_NEVER)
        return;
    now_ns = lp_clock_now_ns();
    if (now_ns < timer->armed_ns) {
        arm(timer, now_ns);
        return;
    }
    timer->armed_ns = LP_TIME_NEVER;
    timer->due(timer->user);
}

static void close_handles(struct lp_timer *timer)
{
    if (timer->timer != NULL)
        CloseHandle(timer->timer);
    if (timer->stop != NULL)
        CloseHandle(timer->stop);
}

static bool open_handles(struct lp_timer *timer)
{
    timer->stop = CreateEventW(NULL, FALSE, FALSE, NULL);
    timer->timer = CreateWaitableTimerExW(NULL, NULL, CREATE_WAITABLE_TIMER_HIGH_RESOLUTION,
                                          TIMER_ALL_ACCESS);
    if (timer->timer == NULL)
        timer->timer = CreateWaitableTimerExW(NULL, NULL, 0, TIMER_ALL_ACCESS);
    return timer->stop != NULL && timer->timer != NULL;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

int lp_timer_open(struct uv_loop_s *loop, lp_due_fn *due, void *user,
                  struct lp_timer **ret_timer)
{
    struct lp_timer *timer = calloc(1, sizeof(*timer));

    if (timer == NULL)
        return LP_ERR_NOMEM;
    timer->due = due;
    timer->user = user;
    timer->armed_ns = LP_TIME_NEVER;
    timer->async.data = timer;
    if (!open_handles(timer) || uv_async_init(loop, &timer->async, on_wake) != 0) {
        close_handles(timer);
        free(timer);
        return LP_ERR_IO;
    }
    timer->thread = (HANDLE)_beginthreadex(NULL, 0, wait_for_timer, timer, 0, NULL);
    if (timer->thread == NULL) {
        close_handles(timer);
        uv_close((uv_handle_t *)&timer->async, on_closed);
        return LP_ERR_IO;
    }
    /* the pacer's deadlines: a late wake-up is a packet late */
    SetThreadPriority(timer->thread, THREAD_PRIORITY_HIGHEST);
    *ret_timer = timer;
    return 0;
}

void lp_timer_set(struct lp_timer *timer, uint64_t deadline_ns)
{
    uint64_t now_ns;

    if (deadline_ns == timer->armed_ns)
        return;
    timer->armed_ns = deadline_ns;
    if (deadline_ns == LP_TIME_NEVER) {
        CancelWaitableTimer(timer->timer);
        return;
    }
    now_ns = lp_clock_now_ns();
    if (deadline_ns <= now_ns)
        uv_async_send(&timer->async);
    else
        arm(timer, now_ns);
}

void lp_timer_close(struct lp_timer *timer)
{
    if (timer == NULL)
        return;
    SetEvent(timer->stop);
    WaitForSingleObject(timer->thread, INFINITE);
    CloseHandle(timer->thread);
    close_handles(timer);
    uv_close((uv_handle_t *)&timer->async, on_closed);
}
