#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/addr.h"
#include "base/err.h"

static struct lp_addr addr_of(const char *ip, uint16_t port)
{
    struct lp_addr addr;

    assert_int_equal(lp_addr_parse_ip(ip, port, &addr), 0);
    return addr;
}

static void ipv4(void **state)
{
    struct lp_addr addr = addr_of("192.0.2.1", 443);
    char text[LP_ADDR_TEXT_LEN];

    assert_int_equal(addr.family, LP_ADDR_IPV4);
    assert_int_equal(addr.port, 443);
    assert_int_equal(addr.scope, 0);
    assert_memory_equal(addr.ip, "\xc0\x00\x02\x01\0\0\0\0\0\0\0\0\0\0\0\0", 16);
    assert_string_equal(lp_addr_format(&addr, text), "192.0.2.1:443");
    assert_string_equal(lp_addr_format_ip(&addr, text), "192.0.2.1");
}

static void ipv6(void **state)
{
    struct lp_addr addr = addr_of("2001:db8::1", 65535);
    char text[LP_ADDR_TEXT_LEN];

    assert_int_equal(addr.family, LP_ADDR_IPV6);
    assert_string_equal(lp_addr_format(&addr, text), "[2001:db8::1]:65535");
    assert_string_equal(lp_addr_format_ip(&addr, text), "2001:db8::1");
}

static void the_longest_text_fits(void **state)
{
    struct lp_addr addr = addr_of("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", 65535);
    char text[LP_ADDR_TEXT_LEN];

    addr.scope = UINT32_MAX;
    assert_string_equal(lp_addr_format(&addr, text),
                        "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%4294967295]:65535");
}

static void no_address(void **state)
{
    struct lp_addr addr = {.family = LP_ADDR_NONE};
    char text[LP_ADDR_TEXT_LEN];

    assert_string_equal(lp_addr_format(&addr, text), "none:0");
    assert_string_equal(lp_addr_format_ip(&addr, text), "none");
}

static void only_literals_are_read(void **state)
{
    static const char *const texts[] = {
        "",      "relay.example", "192.0.2",    "192.0.2.256",   "192.0.2.1:443",
        "[::1]", "::1%lo",        "192.0.2.1 ", "2001:db8::1::", "0x7f.1",
        "1",
    };
    struct lp_addr addr = addr_of("192.0.2.1", 1);

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_int_equal(lp_addr_parse_ip(texts[i], 2, &addr), LP_ERR_MALFORMED);
    assert_int_equal(addr.port, 1); /* untouched */
}

static void every_part_counts_for_equality(void **state)
{
    struct lp_addr a = addr_of("2001:db8::1", 443);
    struct lp_addr b = a;

    assert_true(lp_addr_equal(&a, &b));
    b.port = 444;
    assert_false(lp_addr_equal(&a, &b));
    b = a;
    b.scope = 2;
    assert_false(lp_addr_equal(&a, &b));
    b = a;
    b.ip[15] = 2;
    assert_false(lp_addr_equal(&a, &b));
    b = a;
    b.family = LP_ADDR_IPV4;
    assert_false(lp_addr_equal(&a, &b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ipv4),
        cmocka_unit_test(ipv6),
        cmocka_unit_test(the_longest_text_fits),
        cmocka_unit_test(no_address),
        cmocka_unit_test(only_literals_are_read),
        cmocka_unit_test(every_part_counts_for_equality),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
