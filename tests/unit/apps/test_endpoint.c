/* Addresses as people write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "apps/common/endpoint.h"
#include "base/err.h"

static void listens(const char *text, int count, const char *first, const char *second)
{
    struct lp_addr addrs[LP_LISTEN_ADDRS_MAX];
    char why[LP_ENDPOINT_WHY_LEN] = "", shown[LP_ADDR_TEXT_LEN];

    if (lp_endpoint_parse_listen(text, addrs, why) != count)
        fail_msg("--listen %s: %s", text, why);
    assert_string_equal(lp_addr_format(&addrs[0], shown), first);
    if (second != NULL)
        assert_string_equal(lp_addr_format(&addrs[1], shown), second);
}

static void where_a_relay_listens(void **state)
{
    (void)state;
    listens("443/udp", 2, "0.0.0.0:443", "[::]:443");
    listens("443", 2, "0.0.0.0:443", "[::]:443");
    listens("0", 2, "0.0.0.0:0", "[::]:0");
    listens("65535/udp", 2, "0.0.0.0:65535", "[::]:65535");
    listens("192.0.2.1:8443", 1, "192.0.2.1:8443", NULL);
    listens("192.0.2.1:8443/udp", 1, "192.0.2.1:8443", NULL);
    listens("192.0.2.1", 1, "192.0.2.1:443", NULL);
    listens("[2001:db8::1]:8443", 1, "[2001:db8::1]:8443", NULL);
    listens("[2001:db8::1]:8443/udp", 1, "[2001:db8::1]:8443", NULL);
    listens("[::1]", 1, "[::1]:443", NULL);
    listens("2001:db8::1", 1, "[2001:db8::1]:443", NULL);
}

static void where_no_relay_listens(void **state)
{
    static const char *const bad[] = {
        "",
        "/udp",
        "65536",
        "99999",
        "443/tcp",
        "443/udp/udp",
        "-1",
        "+443",
        " 443",
        "443 ",
        "0x1bb",
        "relay.example:443",
        "192.0.2.1:",
        "192.0.2.1:x",
        "192.0.2.256:1",
        "[::1",
        "[::1]x",
        "[::1]:",
        "[::1]:70000",
        "[]:443",
        ":443",
        "[192.0.2.1:443",
        "\x1b[31m",
    };
    struct lp_addr addrs[LP_LISTEN_ADDRS_MAX];
    char why[LP_ENDPOINT_WHY_LEN];

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        why[0] = '\0';
        if (lp_endpoint_parse_listen(bad[i], addrs, why) != LP_ERR_CONFIG)
            fail_msg("accepted: \"%s\"", bad[i]);
        assert_non_null(strstr(why, bad[i]));
        assert_non_null(strstr(why, "443/udp")); /* what would be right */
    }
}

static void a_long_listen_is_cut_in_the_error(void **state)
{
    char text[2000], why[LP_ENDPOINT_WHY_LEN];
    struct lp_addr addrs[LP_LISTEN_ADDRS_MAX];

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(lp_endpoint_parse_listen(text, addrs, why), LP_ERR_CONFIG);
    assert_true(strlen(why) < sizeof(why));
    assert_non_null(strstr(why, "443/udp"));
}

static void names(const char *text, const char *host, uint16_t port, bool literal)
{
    struct lp_endpoint endpoint;
    char why[LP_ENDPOINT_WHY_LEN] = "";

    if (lp_endpoint_parse(text, &endpoint, why) != 0)
        fail_msg("--relay %s: %s", text, why);
    assert_string_equal(endpoint.host, host);
    assert_int_equal(endpoint.port, port);
    assert_int_equal(endpoint.literal, literal);
}

static void how_a_relay_is_called(void **state)
{
    char longest[LP_HOST_LEN];

    (void)state;
    names("relay.example", "relay.example", 443, false);
    names("relay.example:8443", "relay.example", 8443, false);
    names("relay", "relay", 443, false);
    names("192.0.2.1", "192.0.2.1", 443, true);
    names("192.0.2.1:1", "192.0.2.1", 1, true);
    names("192.0.2.1:65535", "192.0.2.1", 65535, true);
    names("2001:db8::1", "2001:db8::1", 443, true);
    names("[2001:db8::1]", "2001:db8::1", 443, true);
    names("[2001:db8::1]:8443", "2001:db8::1", 8443, true);
    names("[fe80::1%eth0]:8443", "fe80::1%eth0", 8443, false);
    memset(longest, 'a', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    names(longest, longest, 443, false);
}

static void how_no_relay_is_called(void **state)
{
    static const char *const bad[] = {
        "",
        ":443",
        "relay.example:",
        "relay.example:0",
        "relay.example:65536",
        "relay.example:x",
        "relay.example:4 43",
        "https://relay.example",
        "relay.example/room",
        "anna@relay.example",
        "relay example",
        "relay.example\n",
        "relay\x1b[31m",
        "r\xc3\xa4lay.example",
        "relay\"x",
        "a:b:c",
        "2001:db8::1::2",
        "[2001:db8::1",
        "[2001:db8::1]443",
        "[2001:db8::1]:",
        "[]",
        "[]:443",
    };
    struct lp_endpoint endpoint = {.port = 7};
    char why[LP_ENDPOINT_WHY_LEN];
    char too_long[LP_HOST_LEN + 1];

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        why[0] = '\0';
        if (lp_endpoint_parse(bad[i], &endpoint, why) != LP_ERR_CONFIG)
            fail_msg("accepted: \"%s\"", bad[i]);
        assert_non_null(strstr(why, "no relay address"));
    }
    memset(too_long, 'a', sizeof(too_long) - 1);
    too_long[sizeof(too_long) - 1] = '\0';
    assert_int_equal(lp_endpoint_parse(too_long, &endpoint, why), LP_ERR_CONFIG);
    assert_int_equal(endpoint.port, 7); /* written on success only */
}

static void a_literal_needs_no_dns(void **state)
{
    struct lp_endpoint endpoint;
    char why[LP_ENDPOINT_WHY_LEN], shown[LP_ADDR_TEXT_LEN];
    struct lp_addr addr;

    (void)state;
    assert_int_equal(lp_endpoint_parse("[2001:db8::1]:8443", &endpoint, why), 0);
    lp_endpoint_literal(&endpoint, &addr);
    assert_string_equal(lp_addr_format(&addr, shown), "[2001:db8::1]:8443");
}

struct answer {
    int count;
    int err;
    struct lp_addr addr;
    char why[LP_ENDPOINT_WHY_LEN];
};

static void on_answer(void *user, int err, const struct lp_addr *addr, const char *why)
{
    struct answer *answer = user;

    answer->count++;
    answer->err = err;
    answer->addr = *addr;
    snprintf(answer->why, sizeof(answer->why), "%s", why);
}

static struct answer ask(const char *text, bool cancel)
{
    struct answer answer = {.count = 0};
    struct lp_resolution *resolution = NULL;
    struct lp_endpoint endpoint;
    char why[LP_ENDPOINT_WHY_LEN];
    uv_loop_t loop;

    uv_loop_init(&loop);
    assert_int_equal(lp_endpoint_parse(text, &endpoint, why), 0);
    assert_int_equal(
        lp_endpoint_resolve_start(&loop, &endpoint, on_answer, &answer, &resolution), 0);
    if (cancel)
        (void)lp_endpoint_resolve_cancel(resolution);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    return answer;
}

/* From the hosts file; whatever is in it, 127.0.0.1 or ::1. */
static void a_name_is_looked_up(void **state)
{
    struct answer answer = ask("localhost:8443", false);

    (void)state;
    assert_int_equal(answer.count, 1);
    assert_int_equal(answer.err, 0);
    assert_int_equal(answer.addr.port, 8443);
    assert_int_not_equal(answer.addr.family, LP_ADDR_NONE);
}

/* A label of more than 63 octets is refused without asking anybody. */
static void a_name_that_is_none(void **state)
{
    char text[128];
    struct answer answer;

    (void)state;
    memset(text, 'a', 70);
    strcpy(text + 70, ".invalid");
    answer = ask(text, false);
    assert_int_equal(answer.count, 1);
    assert_int_equal(answer.err, LP_ERR_RESOLVE);
    assert_non_null(strstr(answer.why, text));
    assert_non_null(strstr(answer.why, "spelling"));
}

static void a_cancelled_look_up_is_silent(void **state)
{
    (void)state;
    assert_int_equal(ask("localhost", true).count, 0);
    assert_true(lp_endpoint_resolve_cancel(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(where_a_relay_listens),
        cmocka_unit_test(where_no_relay_listens),
        cmocka_unit_test(a_long_listen_is_cut_in_the_error),
        cmocka_unit_test(how_a_relay_is_called),
        cmocka_unit_test(how_no_relay_is_called),
        cmocka_unit_test(a_literal_needs_no_dns),
        cmocka_unit_test(a_name_is_looked_up),
        cmocka_unit_test(a_name_that_is_none),
        cmocka_unit_test(a_cancelled_look_up_is_silent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
