/* A node's events as lines: what each says at the start, and what while the program runs on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "apps/common/log.h"
#include "apps/tunnel/tunnel.h"

struct said {
    unsigned lines;
    enum lp_log_level level;
    char line[2048];
};

static struct said said;

static void take_line(void *user, enum lp_log_level level, const char *line)
{
    struct said *to = user;

    to->lines++;
    to->level = level;
    snprintf(to->line, sizeof(to->line), "%s", line);
}

/* The one line of an event. */
static const char *line_of(const struct lp_node_event *event)
{
    static const struct lp_tunnel_options options = {.room = "R"};
    struct lp_tunnel tunnel = {.options = &options, .role = LP_ROLE_GATEWAY};

    memset(&said, 0, sizeof(said));
    lp_tunnel_log_event(&tunnel, event);
    assert_int_equal(said.lines, 1);
    return said.line;
}

static void assert_begins(const char *line, const char *expected)
{
    if (strncmp(line, expected, strlen(expected)) != 0)
        fail_msg("\"%s\" does not begin with \"%s\"", line, expected);
}

/* Before the first welcome the program ends with it; later it tries again, and says so. */
static void a_rejection_says_whether_it_is_the_end(void **state)
{
    static const enum lp_reject_code codes[] = {
#define X(name, number, wire, text) LP_REJECT_##name,
        LP_REJECT_TABLE(X)
#undef X
    };

    (void)state;
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        struct lp_node_event event = {.kind = LP_NODE_EVENT_REJECTED,
                                      .reject_code = codes[i],
                                      .text = "x",
                                      .final = true};
        char expected[512];

        snprintf(expected, sizeof(expected), "%s code=%s relay_says=x",
                 lp_reject_text(codes[i]), lp_reject_name(codes[i]));
        assert_string_equal(line_of(&event), expected);
        assert_int_equal(said.level, LP_LOG_ERROR);
        event.final = false;
        snprintf(expected, sizeof(expected),
                 "not let back into the room, trying again: %s code=%s relay_says=x",
                 lp_reject_text(codes[i]), lp_reject_name(codes[i]));
        assert_string_equal(line_of(&event), expected);
        assert_int_equal(said.level, LP_LOG_WARNING);
    }
}

static void a_relay_that_is_not_accepted_any_more_has_changed(void **state)
{
    struct lp_node_event event = {
        .kind = LP_NODE_EVENT_REFUSED, .text = "certificate not trusted", .final = true};
    const char *line = line_of(&event);

    (void)state;
    assert_begins(line,
                  "the relay is not accepted: certificate not trusted. Is it the right relay?");
    assert_non_null(strstr(line, "--server-name"));
    assert_int_equal(said.level, LP_LOG_ERROR);
    event.final = false;
    line = line_of(&event);
    assert_begins(line, "the relay is not accepted any more, trying again: certificate not "
                        "trusted. Was its certificate changed?");
    assert_null(strstr(line, "--server-name"));
    assert_int_equal(said.level, LP_LOG_WARNING);
}

/* While it runs and tries again by itself, nothing tells people to. */
static void nothing_asks_for_a_start_that_is_not_needed(void **state)
{
    static const enum lp_node_event_kind kinds[] = {LP_NODE_EVENT_UNANSWERED,
                                                    LP_NODE_EVENT_LOST, LP_NODE_EVENT_PROTOCOL};
    static const char *const begins[] = {
        "no answer from the relay for 5 s: ",
        "not connected, trying again: x",
        "the relay broke the protocol: x",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct lp_node_event event = {.kind = kinds[i], .text = "x"};
        const char *line = line_of(&event);

        assert_begins(line, begins[i]);
        assert_null(strstr(line, "start"));
        assert_int_equal(said.level, LP_LOG_WARNING);
    }
}

static void what_another_line_has_said_is_not_said_again(void **state)
{
    static const enum lp_node_event_kind kinds[] = {LP_NODE_EVENT_GATEWAY_CHANGED,
                                                    LP_NODE_EVENT_FAILED};
    struct lp_tunnel tunnel = {.role = LP_ROLE_CLIENT};

    (void)state;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct lp_node_event event = {.kind = kinds[i], .text = ""};

        memset(&said, 0, sizeof(said));
        lp_tunnel_log_event(&tunnel, &event);
        assert_int_equal(said.lines, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rejection_says_whether_it_is_the_end),
        cmocka_unit_test(a_relay_that_is_not_accepted_any_more_has_changed),
        cmocka_unit_test(nothing_asks_for_a_start_that_is_not_needed),
        cmocka_unit_test(what_another_line_has_said_is_not_said_again),
    };

    lp_log_set_sink(take_line, &said);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
