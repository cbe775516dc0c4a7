/* The self-test's table, which checks are done, what is written of them, and the exit status. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "apps/client-win/selftest/selftest.h"

#define EURO "\xe2\x82\xac"

static const struct lp_selftest_check *check_of(enum lp_selftest_id id)
{
    return &lp_selftest_checks[id];
}

/* ---- the table ---- */

static void test_ids(void **state)
{
    for (unsigned i = 0; i < LP_SELFTEST_COUNT; i++) {
        const struct lp_selftest_check *check = &lp_selftest_checks[i];

        assert_int_equal(strspn(check->id, "abcdefghijklmnopqrstuvwxyz-"), strlen(check->id));
        assert_in_range(strlen(check->id), 3, 16); /* the column of the text */
        assert_true(strlen(check->shows) > 0 && strlen(check->expected) > 0);
        for (unsigned j = 0; j < i; j++)
            assert_string_not_equal(check->id, lp_selftest_checks[j].id);
    }
}

/* What a check needs is given by one before it, else it would never be done. */
static void test_needs_are_given_before(void **state)
{
    unsigned given = LP_SELFTEST_RELAY | LP_SELFTEST_ALWAYS;

    for (unsigned i = 0; i < LP_SELFTEST_COUNT; i++) {
        assert_int_equal(lp_selftest_checks[i].needs & ~given, 0);
        given |= lp_selftest_checks[i].gives;
    }
}

/* Nothing is put back but by the last, and only it is done in any case. */
static void test_only_the_last_is_always_done(void **state)
{
    for (unsigned i = 0; i < LP_SELFTEST_COUNT; i++)
        assert_int_equal((lp_selftest_checks[i].needs & LP_SELFTEST_ALWAYS) != 0,
                         i == LP_SELFTEST_COUNT - 1);
}

static void test_whole_within_a_minute(void **state)
{
    const struct lp_selftest_check *undo = check_of(LP_SELFTEST_ID_UNDO);

    assert_true(LP_SELFTEST_TOTAL_MS <= 60000);
    /* 4 s: how long the runner waits for a check that has not ended */
    assert_true(undo->limit_ms + 4000 <= LP_SELFTEST_RESERVE_MS);
}

/* ---- limits ---- */

static void test_limits(void **state)
{
    const struct lp_selftest_check check = {.id = "x", .limit_ms = 5000};
    const struct lp_selftest_check always = {
        .id = "y", .limit_ms = 7000, .needs = LP_SELFTEST_ALWAYS};
    unsigned last = LP_SELFTEST_TOTAL_MS - LP_SELFTEST_RESERVE_MS;

    assert_int_equal(lp_selftest_limit_ms(&check, 0), 5000);
    assert_int_equal(lp_selftest_limit_ms(&check, last - 5000), 5000);
    assert_int_equal(lp_selftest_limit_ms(&check, last - 4999), 4999);
    assert_int_equal(lp_selftest_limit_ms(&check, last - 1), 1);
    assert_int_equal(lp_selftest_limit_ms(&check, last), 0);
    assert_int_equal(lp_selftest_limit_ms(&check, UINT32_MAX), 0);
    assert_int_equal(lp_selftest_limit_ms(&always, UINT32_MAX), 7000);
}

/* ---- what is done ---- */

static void expect_refusal(const struct lp_selftest_progress *progress,
                           const struct lp_selftest_check *check, unsigned elapsed_ms,
                           enum lp_selftest_status status, const char *part)
{
    struct lp_selftest_result result = {.status = LP_SELFTEST_OK};

    assert_false(lp_selftest_may_run(progress, check, elapsed_ms, &result));
    assert_int_equal(result.status, status);
    assert_non_null(strstr(result.finding, part));
}

static void expect_allowed(const struct lp_selftest_progress *progress,
                           const struct lp_selftest_check *check, unsigned elapsed_ms)
{
    struct lp_selftest_result result;

    assert_true(lp_selftest_may_run(progress, check, elapsed_ms, &result));
}

static void test_missing_needs(void **state)
{
    const struct lp_selftest_check *check = check_of(LP_SELFTEST_ID_MAC_RESTART);
    struct lp_selftest_progress progress = {.have = 0};

    expect_refusal(&progress, check, 0, LP_SELFTEST_NOT_TESTED, "administrator");
    progress.have = LP_SELFTEST_ADMIN;
    expect_refusal(&progress, check, 0, LP_SELFTEST_NOT_TESTED, "see adapter");
    progress.have |= LP_SELFTEST_ADAPTER;
    expect_refusal(&progress, check, 0, LP_SELFTEST_NOT_TESTED, "see driver-answer");
    progress.have |= LP_SELFTEST_DRIVER;
    expect_allowed(&progress, check, 0);
    check = check_of(LP_SELFTEST_ID_RELAY_NAME);
    expect_refusal(&progress, check, 0, LP_SELFTEST_NOT_TESTED, "--relay HOST");
    progress.have |= LP_SELFTEST_RELAY;
    expect_allowed(&progress, check, 0);
    check = check_of(LP_SELFTEST_ID_BROADCAST);
    expect_refusal(&progress, check, 0, LP_SELFTEST_NOT_TESTED, "see lease");
}

static void test_no_time_left(void **state)
{
    unsigned last = LP_SELFTEST_TOTAL_MS - LP_SELFTEST_RESERVE_MS;
    struct lp_selftest_progress progress = {.have = ~0u};

    expect_allowed(&progress, check_of(LP_SELFTEST_ID_TIMER), last - 1);
    expect_refusal(&progress, check_of(LP_SELFTEST_ID_TIMER), last, LP_SELFTEST_NOT_TESTED,
                   "no time");
    expect_allowed(&progress, check_of(LP_SELFTEST_ID_UNDO), UINT32_MAX);
}

static void test_interrupted(void **state)
{
    struct lp_selftest_progress progress = {.have = ~0u, .interrupted = true};

    expect_refusal(&progress, check_of(LP_SELFTEST_ID_TIMER), 0, LP_SELFTEST_NOT_TESTED,
                   "interrupted");
    expect_allowed(&progress, check_of(LP_SELFTEST_ID_UNDO), 0);
    assert_int_equal(lp_selftest_exit(&progress), LP_EXIT_FAILURE);
}

/* Nobody works at the adapter beside a check that does not end; the others go on. */
static void test_hung(void **state)
{
    struct lp_selftest_progress progress = {.have = ~0u};
    struct lp_selftest_result result = {.status = LP_SELFTEST_OK};

    lp_selftest_note_hung(&progress, check_of(LP_SELFTEST_ID_FIREWALL), 8000, &result);
    assert_null(progress.hung);
    assert_int_equal(result.status, LP_SELFTEST_FAILED);
    assert_non_null(strstr(result.finding, "8.0 s"));
    expect_allowed(&progress, check_of(LP_SELFTEST_ID_BROADCAST), 0);

    lp_selftest_note_hung(&progress, check_of(LP_SELFTEST_ID_MEDIA), 12000, &result);
    assert_string_equal(progress.hung, "media");
    expect_refusal(&progress, check_of(LP_SELFTEST_ID_BROADCAST), 0, LP_SELFTEST_NOT_TESTED,
                   "media has not ended");
    expect_refusal(&progress, check_of(LP_SELFTEST_ID_UNDO), 0, LP_SELFTEST_FAILED,
                   "--restore");
    expect_allowed(&progress, check_of(LP_SELFTEST_ID_TIMER), 0);
    expect_allowed(&progress, check_of(LP_SELFTEST_ID_DNS), 0);
    assert_int_equal(progress.count[LP_SELFTEST_FAILED], 2);
}

/* The first that opens the driver has it too, although it needs nothing of it. */
static void test_hung_first(void **state)
{
    struct lp_selftest_progress progress = {.have = ~0u};
    struct lp_selftest_result result = {.status = LP_SELFTEST_OK};

    lp_selftest_note_hung(&progress, check_of(LP_SELFTEST_ID_DRIVER_ANSWER), 8000, &result);
    assert_string_equal(progress.hung, "driver-answer");
}

static void test_what_is_given(void **state)
{
    const struct lp_selftest_check check = {.id = "x", .gives = 0x06};
    struct lp_selftest_result result = {.status = LP_SELFTEST_FAILED};
    struct lp_selftest_progress progress = {.have = 0x01};

    lp_selftest_note(&progress, &check, &result);
    result.status = LP_SELFTEST_NOT_TESTED;
    lp_selftest_note(&progress, &check, &result);
    assert_int_equal(progress.have, 0x01);
    result.status = LP_SELFTEST_WARNING;
    result.withheld = 0x02;
    lp_selftest_note(&progress, &check, &result);
    assert_int_equal(progress.have, 0x05);
    result.status = LP_SELFTEST_OK;
    result.withheld = 0;
    lp_selftest_note(&progress, &check, &result);
    assert_int_equal(progress.have, 0x07);
    for (unsigned i = 0; i < LP_SELFTEST_STATUSES; i++)
        assert_int_equal(progress.count[i], 1);
}

/* ---- texts ---- */

static void test_say_cuts_between_characters(void **state)
{
    struct lp_selftest_result result;
    char text[LP_SELFTEST_FINDING_LEN + 3];

    for (size_t ascii = LP_SELFTEST_FINDING_LEN - 4; ascii < LP_SELFTEST_FINDING_LEN; ascii++) {
        memset(text, 'a', ascii);
        strcpy(text + ascii, EURO);
        lp_selftest_say(&result, LP_SELFTEST_OK, "%s", text);
        assert_string_equal(result.finding + strspn(result.finding, "a"),
                            ascii + 3 < LP_SELFTEST_FINDING_LEN ? EURO : "");
        assert_int_equal(strspn(result.finding, "a"), ascii);
    }
}

static void test_say_keeps_a_line(void **state)
{
    struct lp_selftest_result result;

    lp_selftest_say(&result, LP_SELFTEST_WARNING, "a%sb", "\r\n\t\x1b\x7f" EURO);
    assert_string_equal(result.finding, "a?????" EURO "b");
    assert_int_equal(result.status, LP_SELFTEST_WARNING);
}

static void test_text_line(void **state)
{
    struct lp_selftest_result result = {.status = LP_SELFTEST_OK};
    char line[LP_SELFTEST_LINE_LEN];
    size_t len;

    lp_selftest_say(&result, LP_SELFTEST_NOT_TESTED, "no network");
    len = lp_selftest_line(check_of(LP_SELFTEST_ID_DNS), &result, false, line);
    assert_string_equal(line, "not tested  dns               no network");
    assert_int_equal(len, strlen(line));
    lp_selftest_say(&result, LP_SELFTEST_FAILED, "why: what to do");
    lp_selftest_line(check_of(LP_SELFTEST_ID_DRIVER_SIGNATURE), &result, false, line);
    assert_string_equal(line, "failed      driver-signature  why: what to do");
    assert_string_equal(lp_selftest_status_text(LP_SELFTEST_OK), "ok");
    assert_string_equal(lp_selftest_status_text(LP_SELFTEST_WARNING), "warning");
}

static void assert_member(json_t *object, const char *key, const char *expected)
{
    assert_string_equal(json_string_value(json_object_get(object, key)), expected);
}

static void test_json_line(void **state)
{
    struct lp_selftest_result result = {.duration_ms = 1234};
    char line[LP_SELFTEST_LINE_LEN];
    size_t len;
    json_t *object;

    lp_selftest_say(&result, LP_SELFTEST_WARNING, "\"%s\" \\ %s", "a", EURO);
    len = lp_selftest_line(check_of(LP_SELFTEST_ID_MTU), &result, true, line);
    assert_int_equal(len, strlen(line));
    object = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(object);
    assert_int_equal(json_object_size(object), 7);
    assert_member(object, "type", "selftest");
    assert_member(object, "id", "mtu");
    assert_member(object, "status", "warning");
    assert_member(object, "shows", check_of(LP_SELFTEST_ID_MTU)->shows);
    assert_member(object, "expected", check_of(LP_SELFTEST_ID_MTU)->expected);
    assert_member(object, "finding", "\"a\" \\ " EURO);
    assert_int_equal(json_integer_value(json_object_get(object, "duration_ms")), 1234);
    json_decref(object);
}

/* The longest and worst findings, also texts that are none, give a line for every check. */
static void test_json_line_of_anything(void **state)
{
    struct lp_selftest_result result = {.duration_ms = UINT32_MAX};
    char text[2 * LP_SELFTEST_FINDING_LEN];
    static const char worst[] = {'"', '\\', '\x01', '\xff', '\x80'};
    char line[LP_SELFTEST_LINE_LEN];

    for (unsigned i = 0; i < LP_SELFTEST_COUNT; i++) {
        for (unsigned j = 0; j < sizeof(worst); j++) {
            json_t *object;

            memset(text, worst[j], sizeof(text) - 1);
            text[sizeof(text) - 1] = '\0';
            lp_selftest_say(&result, LP_SELFTEST_FAILED, "%s", text);
            lp_selftest_line(&lp_selftest_checks[i], &result, true, line);
            object = json_loads(line, 0, NULL);
            assert_non_null(object);
            assert_true(json_is_string(json_object_get(object, "finding")));
            json_decref(object);
            lp_selftest_line(&lp_selftest_checks[i], &result, false, line);
            assert_null(strchr(line, '\x01'));
        }
    }
}

static void test_summary(void **state)
{
    struct lp_selftest_progress progress = {.count = {21, 2, 1, 3}};
    char line[LP_SELFTEST_LINE_LEN];

    lp_selftest_summary(&progress, false, line);
    assert_string_equal(line, "21 ok, 2 warnings, 1 failed, 3 not tested");
    lp_selftest_summary(&progress, true, line);
    assert_string_equal(line, "{\"type\":\"selftest_summary\",\"ok\":21,\"warning\":2,"
                              "\"failed\":1,\"not_tested\":3,\"interrupted\":false}");
    progress.interrupted = true;
    lp_selftest_summary(&progress, false, line);
    assert_string_equal(line, "21 ok, 2 warnings, 1 failed, 3 not tested, interrupted");
}

static void test_exit_status(void **state)
{
    struct lp_selftest_progress progress = {.count = {0, 5, 0, 9}};

    assert_int_equal(lp_selftest_exit(&progress), LP_EXIT_OK);
    progress.count[LP_SELFTEST_FAILED] = 1;
    assert_int_equal(lp_selftest_exit(&progress), LP_EXIT_FAILURE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_needs_are_given_before),
        cmocka_unit_test(test_only_the_last_is_always_done),
        cmocka_unit_test(test_whole_within_a_minute),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_missing_needs),
        cmocka_unit_test(test_no_time_left),
        cmocka_unit_test(test_interrupted),
        cmocka_unit_test(test_hung),
        cmocka_unit_test(test_hung_first),
        cmocka_unit_test(test_what_is_given),
        cmocka_unit_test(test_say_cuts_between_characters),
        cmocka_unit_test(test_say_keeps_a_line),
        cmocka_unit_test(test_text_line),
        cmocka_unit_test(test_json_line),
        cmocka_unit_test(test_json_line_of_anything),
        cmocka_unit_test(test_summary),
        cmocka_unit_test(test_exit_status),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
