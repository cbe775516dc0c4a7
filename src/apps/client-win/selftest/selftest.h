/*
 * The part of `--selftest` that is the same everywhere: which checks may be done, what became of each, how it is
 * written, and the exit status. Makes no system calls; run.h does the checks, the probes ask Windows.
 *
 * A finding is one sentence, in UTF-8: what was found, and what to do when it is not as expected.
 */
#ifndef LP_APPS_CLIENT_WIN_SELFTEST_SELFTEST_H
#define LP_APPS_CLIENT_WIN_SELFTEST_SELFTEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "apps/client-win/selftest/table.h"
#include "apps/common/exit.h"
#include "base/attr.h"

#define LP_SELFTEST_FINDING_LEN 640
#define LP_SELFTEST_LINE_LEN    2048

/* The whole test, and what of that time is kept for putting things back. */
#define LP_SELFTEST_TOTAL_MS   58000u
#define LP_SELFTEST_RESERVE_MS 17000u

enum lp_selftest_status {
    LP_SELFTEST_OK,
    LP_SELFTEST_WARNING,
    LP_SELFTEST_FAILED,
    LP_SELFTEST_NOT_TESTED,
    LP_SELFTEST_STATUSES,
};

struct lp_selftest_check {
    const char *id;
    unsigned needs; /* enum lp_selftest_needs */
    unsigned gives;
    unsigned limit_ms;
    const char *shows;
    const char *expected;
};

extern const struct lp_selftest_check lp_selftest_checks[LP_SELFTEST_COUNT];

struct lp_selftest_result {
    enum lp_selftest_status status;
    unsigned withheld; /* of what the check gives: not given although it is no failure */
    unsigned duration_ms;
    char finding[LP_SELFTEST_FINDING_LEN];
};

/* Writes the result: cut where a character ends, without control characters. */
LP_PRINTF(3, 4)
void lp_selftest_say(struct lp_selftest_result *result, enum lp_selftest_status status,
                     const char *format, ...);

struct lp_selftest_progress {
    unsigned have; /* enum lp_selftest_needs that are there */
    unsigned count[LP_SELFTEST_STATUSES];
    const char *hung; /* the check that did not end and has the adapter; NULL */
    bool interrupted;
};

/* May it be done, so many ms after the start? If not, *ret_result says why. */
bool lp_selftest_may_run(const struct lp_selftest_progress *progress,
                         const struct lp_selftest_check *check, unsigned elapsed_ms,
                         struct lp_selftest_result *ret_result);
/* How long it may take. */
unsigned lp_selftest_limit_ms(const struct lp_selftest_check *check, unsigned elapsed_ms);
/* A check is over. */
void lp_selftest_note(struct lp_selftest_progress *progress,
                      const struct lp_selftest_check *check,
                      const struct lp_selftest_result *result);
/* A check has not ended within its limit: its result, noted. */
void lp_selftest_note_hung(struct lp_selftest_progress *progress,
                           const struct lp_selftest_check *check, unsigned limit_ms,
                           struct lp_selftest_result *ret_result);

/* "ok", "warning", "failed", "not tested". */
const char *lp_selftest_status_text(enum lp_selftest_status status);

/* One line each, without its newline; returns its length. */
size_t lp_selftest_line(const struct lp_selftest_check *check,
                        const struct lp_selftest_result *result, bool json,
                        char ret_line[LP_SELFTEST_LINE_LEN]);
size_t lp_selftest_summary(const struct lp_selftest_progress *progress, bool json,
                           char ret_line[LP_SELFTEST_LINE_LEN]);
/* 0 only when nothing failed and nothing was left out by an interruption. */
enum lp_exit lp_selftest_exit(const struct lp_selftest_progress *progress);

#endif
