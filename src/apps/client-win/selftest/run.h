/*
 * Does checks one after the other, each in a thread of its own, so that one that does not end costs itself
 * alone. Ctrl-C lets the running check end (or its limit pass), leaves the others out and puts
 * everything back.
 *
 * When a check never ended, its thread still runs after the return: nothing that it may use is freed, and
 * the program ends without waiting for it.
 */
#ifndef LP_APPS_CLIENT_WIN_SELFTEST_RUN_H
#define LP_APPS_CLIENT_WIN_SELFTEST_RUN_H

#include "apps/client-win/selftest/selftest.h"

typedef void lp_selftest_probe(void *user, struct lp_selftest_result *ret_result);
typedef void lp_selftest_report(void *user, const struct lp_selftest_check *check,
                                const struct lp_selftest_result *result);

struct lp_selftest_plan {
    const struct lp_selftest_check *checks;
    lp_selftest_probe *const *probes; /* one for each check; in its own thread */
    unsigned count;
    unsigned have;              /* what is there from the start */
    void *user;                 /* for the probes */
    lp_selftest_report *report; /* in the caller's thread, in the order of the checks */
    void *report_user;
};

struct lp_selftest_running;

/*
 * False: out of memory. *ret_running is NULL, or what still runs: the program ends without it, or
 * waits for it.
 */
bool lp_selftest_run(const struct lp_selftest_plan *plan,
                     struct lp_selftest_progress *ret_progress,
                     struct lp_selftest_running **ret_running);
/* Waits until all threads have ended. Consumes; NULL is fine. */
void lp_selftest_wait(struct lp_selftest_running *running);

#endif
