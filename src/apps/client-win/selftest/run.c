#include "apps/client-win/selftest/run.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/time.h"

/* How long putting back waits for a check that has not ended and has the adapter. */
#define LAST_WAIT_MS 4000

/* libuv's SIGHUP on Windows: the console is being closed. */
#define SIGNALS 3
static const int signals[SIGNALS] = {SIGINT, SIGTERM, SIGHUP};

struct job {
    struct lp_selftest_running *run;
    lp_selftest_probe *probe;
    uv_thread_t thread;
    bool started;
    atomic_bool done;
    struct lp_selftest_result result;
};

struct lp_selftest_running {
    struct lp_selftest_plan plan;
    struct lp_selftest_progress progress;
    uv_loop_t loop;
    uv_async_t ended;
    uv_timer_t limit;
    uv_signal_t signal[SIGNALS];
    uint64_t begun_ms;
    uint64_t job_begun_ms;
    unsigned limit_ms;
    unsigned at;       /* the check that is under way, or waits to be begun */
    bool is_last_wait; /* `at` waits for a check that has not ended */
    bool waited;
    struct job jobs[];
};

static unsigned elapsed_ms(const struct lp_selftest_running *run)
{
    return (unsigned)(uv_hrtime() / LP_NS_PER_MS - run->begun_ms);
}

static void do_probe(void *arg)
{
    struct job *job = arg;

    job->probe(job->run->plan.user, &job->result);
    atomic_store(&job->done, true);
    uv_async_send(&job->run->ended);
}

/* Does a thread still run? */
static bool is_running(const struct lp_selftest_running *run)
{
    for (unsigned i = 0; i < run->plan.count; i++) {
        if (run->jobs[i].started && !atomic_load(&run->jobs[i].done))
            return true;
    }
    return false;
}

/* Is the check still at work that is said to have the adapter? */
static bool adapter_is_held(const struct lp_selftest_running *run)
{
    for (unsigned i = 0; i < run->plan.count; i++) {
        const struct job *job = &run->jobs[i];
        const struct lp_selftest_check *check = &run->plan.checks[i];

        if (job->started && !atomic_load(&job->done) &&
            ((check->needs | check->gives) & LP_SELFTEST_EXCLUSIVE) != 0)
            return true;
    }
    return false;
}

static void report(struct lp_selftest_running *run, const struct lp_selftest_result *result)
{
    run->plan.report(run->plan.report_user, &run->plan.checks[run->at], result);
    run->at++;
}

static void on_limit(uv_timer_t *timer);

static bool begin(struct lp_selftest_running *run)
{
    struct job *job = &run->jobs[run->at];

    run->job_begun_ms = uv_hrtime() / LP_NS_PER_MS;
    run->limit_ms = lp_selftest_limit_ms(&run->plan.checks[run->at], elapsed_ms(run));
    job->run = run;
    job->probe = run->plan.probes[run->at];
    /* what a probe that says nothing found */
    lp_selftest_say(&job->result, LP_SELFTEST_NOT_TESTED, "the check found nothing");
    job->started = uv_thread_create(&job->thread, do_probe, job) == 0;
    if (job->started)
        uv_timer_start(&run->limit, on_limit, run->limit_ms, 0);
    return job->started;
}

static void finish(struct lp_selftest_running *run)
{
    uv_stop(&run->loop);
}

/* From here to the next check that takes its time. */
static void go_on(struct lp_selftest_running *run)
{
    struct lp_selftest_result result = {.status = LP_SELFTEST_FAILED};

    uv_timer_stop(&run->limit);
    while (run->at < run->plan.count) {
        const struct lp_selftest_check *check = &run->plan.checks[run->at];

        if ((check->needs & LP_SELFTEST_ALWAYS) != 0 && run->progress.hung != NULL) {
            if (!adapter_is_held(run)) {
                run->progress.hung = NULL;
            } else if (!run->waited) {
                run->is_last_wait = true;
                uv_timer_start(&run->limit, on_limit, LAST_WAIT_MS, 0);
                return;
            }
        }
        if (lp_selftest_may_run(&run->progress, check, elapsed_ms(run), &result)) {
            if (begin(run))
                return;
            lp_selftest_say(&result, LP_SELFTEST_FAILED,
                            "no thread could be started: close other programs");
        }
        lp_selftest_note(&run->progress, check, &result);
        report(run, &result);
    }
    finish(run);
}

static void on_limit(uv_timer_t *timer)
{
    struct lp_selftest_running *run = timer->data;
    struct lp_selftest_result result = {.status = LP_SELFTEST_FAILED};

    if (run->is_last_wait) {
        run->is_last_wait = false;
        run->waited = true;
        go_on(run);
        return;
    }
    lp_selftest_note_hung(&run->progress, &run->plan.checks[run->at], run->limit_ms, &result);
    report(run, &result);
    go_on(run);
}

static void on_ended(uv_async_t *async)
{
    struct lp_selftest_running *run = async->data;
    struct job *job = run->at < run->plan.count ? &run->jobs[run->at] : NULL;

    if (run->is_last_wait && !adapter_is_held(run)) {
        run->is_last_wait = false;
        go_on(run);
        return;
    }
    if (job == NULL || !job->started || !atomic_load(&job->done))
        return; /* one whose limit has passed */
    job->result.duration_ms = (unsigned)(uv_hrtime() / LP_NS_PER_MS - run->job_begun_ms);
    lp_selftest_note(&run->progress, &run->plan.checks[run->at], &job->result);
    report(run, &job->result);
    go_on(run);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct lp_selftest_running *run = handle->data;

    (void)number;
    run->progress.interrupted = true;
}

static bool open_handles(struct lp_selftest_running *run)
{
    if (uv_async_init(&run->loop, &run->ended, on_ended) != 0)
        return false;
    run->ended.data = run;
    uv_timer_init(&run->loop, &run->limit);
    run->limit.data = run;
    for (unsigned i = 0; i < SIGNALS; i++) {
        uv_signal_init(&run->loop, &run->signal[i]);
        run->signal[i].data = run;
        uv_signal_start(&run->signal[i], on_signal, signals[i]);
    }
    return true;
}

static void close_all(uv_handle_t *handle, void *arg)
{
    (void)arg;
    uv_close(handle, NULL);
}

void lp_selftest_wait(struct lp_selftest_running *run)
{
    if (run == NULL)
        return;
    for (unsigned i = 0; i < run->plan.count; i++) {
        if (run->jobs[i].started)
            uv_thread_join(&run->jobs[i].thread);
    }
    uv_walk(&run->loop, close_all, NULL);
    do { /* a stop that was asked for before the loop ran ends the first of them at once */
        uv_run(&run->loop, UV_RUN_DEFAULT);
    } while (uv_loop_close(&run->loop) == UV_EBUSY);
    free(run);
}

bool lp_selftest_run(const struct lp_selftest_plan *plan,
                     struct lp_selftest_progress *ret_progress,
                     struct lp_selftest_running **ret_running)
{
    struct lp_selftest_running *run =
        calloc(1, sizeof(*run) + plan->count * sizeof(run->jobs[0]));

    if (run == NULL || uv_loop_init(&run->loop) != 0) {
        free(run);
        return false;
    }
    run->plan = *plan;
    run->progress.have = plan->have;
    run->begun_ms = uv_hrtime() / LP_NS_PER_MS;
    if (!open_handles(run)) {
        uv_loop_close(&run->loop);
        free(run);
        return false;
    }
    go_on(run);
    if (run->at < plan->count)
        uv_run(&run->loop, UV_RUN_DEFAULT);
    *ret_progress = run->progress;
    *ret_running = run;
    if (!is_running(run)) {
        lp_selftest_wait(run);
        *ret_running = NULL;
    }
    return true;
}
