/* A line stays one line, whoever chose the words in it. */
#include "bed.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "apps/common/log.h"

static const char hostile[] =
    "a\n2020-01-01T00:00:00Z info: forged\r\x1b[2J\x7f\xc2\x9b\xe2\x80\xae\"x=1";

/* What stands behind "<time> <level>: ", one line without its newline. */
static const char *said(const char *level)
{
    static char line[4096];
    char *text = (char *)(uintptr_t)bed_captured();
    char *end = strchr(text, '\n');

    assert_non_null(end);
    assert_int_equal(end[1], '\0');
    *end = '\0';
    for (const char *at = text; *at != '\0'; at++)
        assert_in_range(*at, ' ', '~');
    assert_int_equal(text[10], 'T');
    assert_int_equal(text[19], 'Z');
    assert_memory_equal(text + 21, level, strlen(level));
    snprintf(line, sizeof(line), "%s", text + 21 + strlen(level));
    return line;
}

static void plain_lines(void **state)
{
    struct lp_log_line line;

    (void)state;
    bed_capture(STDERR_FILENO);
    lp_log(LP_LOG_INFO, "%d players in %s", 3, "room");
    assert_string_equal(said("info: "), "3 players in room");
    bed_capture(STDERR_FILENO);
    lp_log_begin(&line, LP_LOG_WARNING, "peer left");
    lp_log_field(&line, "room", "SATURDAY");
    lp_log_number(&line, "peer", UINT64_MAX);
    lp_log_field(&line, "name", "");
    lp_log_end(&line);
    assert_string_equal(said("warning: "),
                        "peer left room=SATURDAY peer=18446744073709551615 name=\"\"");
}

static void a_hostile_field(void **state)
{
    struct lp_log_line line;

    (void)state;
    bed_capture(STDERR_FILENO);
    lp_log_begin(&line, LP_LOG_INFO, "peer joined");
    lp_log_field(&line, "name", hostile);
    lp_log_field(&line, "peer", "1");
    lp_log_end(&line);
    assert_string_equal(
        said("info: "),
        "peer joined name=\"a\\x0a2020-01-01T00:00:00Z info: forged\\x0d\\x1b[2J"
        "\\x7f\\xc2\\x9b\\xe2\\x80\\xae\\\"x=1\" peer=1");
}

static void a_hostile_sentence(void **state)
{
    (void)state;
    bed_capture(STDERR_FILENO);
    lp_log_sentence(LP_LOG_ERROR, "the relay says: ", hostile);
    assert_string_equal(said("error: "),
                        "the relay says: a\\x0a2020-01-01T00:00:00Z info: forged\\x0d\\x1b[2J"
                        "\\x7f\\xc2\\x9b\\xe2\\x80\\xae\"x=1");
}

static void long_ones_are_cut(void **state)
{
    struct lp_log_line line;
    char text[5000];

    (void)state;
    memset(text, 0x01, sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    bed_capture(STDERR_FILENO);
    lp_log_sentence(LP_LOG_INFO, "", text);
    assert_in_range(strlen(said("info: ")), 1000, 1024);
    bed_capture(STDERR_FILENO);
    lp_log_begin(&line, LP_LOG_INFO, "many");
    for (int i = 0; i < 20; i++)
        lp_log_field(&line, "key", text);
    lp_log_end(&line);
    assert_in_range(strlen(said("info: ")), 1500, sizeof(line.text) - 1);
    bed_capture(STDERR_FILENO);
    memset(text, 'x', sizeof(text) - 1);
    lp_log(LP_LOG_INFO, "%s", text);
    assert_in_range(strlen(said("info: ")), 1000, 1024);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_lines),
        cmocka_unit_test(a_hostile_field),
        cmocka_unit_test(a_hostile_sentence),
        cmocka_unit_test(long_ones_are_cut),
    };

    return cmocka_run_group_tests(tests, bed_up, bed_down);
}
