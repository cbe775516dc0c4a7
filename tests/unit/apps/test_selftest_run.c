/* The self-test's runner: one that does not end costs itself alone, and what was changed is put back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <uv.h>

#include "apps/client-win/selftest/run.h"

#define SHORT_MS 40
#define LONG_MS  20000

struct bed {
    uv_sem_t gate;               /* what a check waits for that does not end by itself */
    const char *interrupt_after; /* the check; NULL */
    char said[512];
};

static void bed_init(struct bed *bed)
{
    memset(bed, 0, sizeof(*bed));
    assert_int_equal(uv_sem_init(&bed->gate, 0), 0);
}

/* ---- probes ---- */

static void probe_ok(void *user, struct lp_selftest_result *ret_result)
{
    lp_selftest_say(ret_result, LP_SELFTEST_OK, "fine");
}

static void probe_failed(void *user, struct lp_selftest_result *ret_result)
{
    lp_selftest_say(ret_result, LP_SELFTEST_FAILED, "broken");
}

static void probe_silent(void *user, struct lp_selftest_result *ret_result)
{
}

static void probe_hangs(void *user, struct lp_selftest_result *ret_result)
{
    struct bed *bed = user;

    uv_sem_wait(&bed->gate);
    lp_selftest_say(ret_result, LP_SELFTEST_OK, "late");
}

static void probe_lets_go(void *user, struct lp_selftest_result *ret_result)
{
    struct bed *bed = user;

    uv_sem_post(&bed->gate);
    lp_selftest_say(ret_result, LP_SELFTEST_OK, "let go");
}

/* ---- running ---- */

static void on_report(void *user, const struct lp_selftest_check *check,
                      const struct lp_selftest_result *result)
{
    struct bed *bed = user;
    size_t at = strlen(bed->said);

    snprintf(bed->said + at, sizeof(bed->said) - at, "%s %s: %.12s\n", check->id,
             lp_selftest_status_text(result->status), result->finding);
    if (bed->interrupt_after != NULL && strcmp(bed->interrupt_after, check->id) == 0)
        raise(SIGINT);
}

static struct lp_selftest_progress run(struct bed *bed, const struct lp_selftest_check checks[],
                                       lp_selftest_probe *const probes[], unsigned count,
                                       bool expected_running)
{
    const struct lp_selftest_plan plan = {.checks = checks,
                                          .probes = probes,
                                          .count = count,
                                          .user = bed,
                                          .report = on_report,
                                          .report_user = bed};
    struct lp_selftest_progress progress;
    struct lp_selftest_running *running = NULL;

    assert_true(lp_selftest_run(&plan, &progress, &running));
    assert_int_equal(running != NULL, expected_running);
    if (running != NULL)
        uv_sem_post(&bed->gate);
    lp_selftest_wait(running);
    uv_sem_destroy(&bed->gate);
    return progress;
}

static void test_in_order(void **state)
{
    static const struct lp_selftest_check checks[] = {
        {.id = "a", .limit_ms = LONG_MS, .gives = LP_SELFTEST_ADAPTER},
        {.id = "b", .limit_ms = LONG_MS, .gives = LP_SELFTEST_DRIVER},
        {.id = "c", .limit_ms = LONG_MS, .needs = LP_SELFTEST_ADAPTER},
        {.id = "d", .limit_ms = LONG_MS, .needs = LP_SELFTEST_DRIVER}};
    lp_selftest_probe *const probes[] = {probe_ok, probe_failed, probe_ok, probe_ok};
    struct bed bed;
    struct lp_selftest_progress progress;

    bed_init(&bed);
    progress = run(&bed, checks, probes, 4, false);
    assert_string_equal(bed.said, "a ok: fine\nb failed: broken\nc ok: fine\n"
                                  "d not tested: the adapter'\n");
    assert_int_equal(progress.count[LP_SELFTEST_OK], 2);
    assert_int_equal(lp_selftest_exit(&progress), LP_EXIT_FAILURE);
}

static void test_nothing_to_do(void **state)
{
    static const struct lp_selftest_check checks[] = {{.id = "a", .needs = LP_SELFTEST_ADMIN}};
    lp_selftest_probe *const probes[] = {probe_ok};
    struct bed bed;

    bed_init(&bed);
    run(&bed, checks, probes, 1, false);
    assert_string_equal(bed.said, "a not tested: it needs adm\n");
    bed_init(&bed);
    run(&bed, checks, probes, 0, false);
    assert_string_equal(bed.said, "");
}

static void test_silent_probe(void **state)
{
    static const struct lp_selftest_check checks[] = {{.id = "a", .limit_ms = LONG_MS}};
    lp_selftest_probe *const probes[] = {probe_silent};
    struct bed bed;

    bed_init(&bed);
    run(&bed, checks, probes, 1, false);
    assert_string_equal(bed.said, "a not tested: the check fo\n");
}

/* It has nothing of the adapter: all others are done. */
static void test_hang_costs_itself(void **state)
{
    static const struct lp_selftest_check checks[] = {
        {.id = "a", .limit_ms = SHORT_MS},
        {.id = "b", .limit_ms = LONG_MS, .gives = LP_SELFTEST_MEDIA},
        {.id = "c", .limit_ms = LONG_MS, .needs = LP_SELFTEST_MEDIA},
        {.id = "undo", .limit_ms = LONG_MS, .needs = LP_SELFTEST_ALWAYS}};
    lp_selftest_probe *const probes[] = {probe_hangs, probe_ok, probe_ok, probe_ok};
    struct bed bed;
    struct lp_selftest_progress progress;

    bed_init(&bed);
    progress = run(&bed, checks, probes, 4, true);
    assert_string_equal(bed.said,
                        "a failed: no answer wi\nb ok: fine\nc ok: fine\nundo ok: fine\n");
    assert_int_equal(progress.count[LP_SELFTEST_FAILED], 1);
}

static const struct lp_selftest_check with_undo[] = {
    {.id = "a", .limit_ms = SHORT_MS, .gives = LP_SELFTEST_PREPARED},
    {.id = "b", .limit_ms = LONG_MS},
    {.id = "c", .limit_ms = LONG_MS, .needs = LP_SELFTEST_PREPARED},
    {.id = "undo", .limit_ms = LONG_MS, .needs = LP_SELFTEST_ALWAYS}};

/* Putting back waits for the one that has the adapter. */
static void test_undo_waits(void **state)
{
    lp_selftest_probe *const probes[] = {probe_hangs, probe_lets_go, probe_ok, probe_ok};
    struct bed bed;

    bed_init(&bed);
    run(&bed, with_undo, probes, 4, false);
    assert_string_equal(bed.said, "a failed: no answer wi\nb ok: let go\n"
                                  "c not tested: a has not en\nundo ok: fine\n");
}

/* One that never ends: that nothing could be put back is said. */
static void test_undo_gives_up(void **state)
{
    lp_selftest_probe *const probes[] = {probe_hangs, probe_ok, probe_ok, probe_ok};
    struct bed bed;
    struct lp_selftest_progress progress;

    bed_init(&bed);
    progress = run(&bed, with_undo, probes, 4, true);
    assert_string_equal(bed.said, "a failed: no answer wi\nb ok: fine\n"
                                  "c not tested: a has not en\nundo failed: a has not en\n");
    assert_int_equal(progress.count[LP_SELFTEST_FAILED], 2);
}

/* The loop hears of a signal after what else has come, so one or two more checks may be done. */
static void test_interrupted(void **state)
{
    static const struct lp_selftest_check checks[] = {
        {.id = "a", .limit_ms = LONG_MS},
        {.id = "b", .limit_ms = LONG_MS},
        {.id = "c", .limit_ms = LONG_MS},
        {.id = "d", .limit_ms = LONG_MS},
        {.id = "undo", .limit_ms = LONG_MS, .needs = LP_SELFTEST_ALWAYS}};
    lp_selftest_probe *const probes[] = {probe_ok, probe_ok, probe_ok, probe_ok, probe_ok};
    struct lp_selftest_progress progress;
    struct bed bed;

    bed_init(&bed);
    bed.interrupt_after = "a";
    progress = run(&bed, checks, probes, 5, false);
    assert_non_null(strstr(bed.said, "\nd not tested: the test was\nundo ok: fine\n"));
    assert_true(progress.interrupted);
    assert_int_equal(lp_selftest_exit(&progress), LP_EXIT_FAILURE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_order),     cmocka_unit_test(test_nothing_to_do),
        cmocka_unit_test(test_silent_probe), cmocka_unit_test(test_hang_costs_itself),
        cmocka_unit_test(test_undo_waits),   cmocka_unit_test(test_undo_gives_up),
        cmocka_unit_test(test_interrupted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
