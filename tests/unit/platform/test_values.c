/* The texts of settings: what is taken, and what a journal may not say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "platform/settings/values.h"

#define TAP "{410EB49D-2381-4FE7-9B36-498E22619DF0}"
#define ETH "{0a1b2c3d-0000-1111-2222-333344445555}"

static struct lp_addr ip(const char *text)
{
    struct lp_addr addr;

    assert_int_equal(lp_addr_parse_ip(text, 0, &addr), 0);
    return addr;
}

static bool is_valid(enum lp_setting_kind kind, const char *target, const char *value)
{
    struct lp_setting setting = {.kind = kind};

    strcpy(setting.target, target);
    return lp_value_valid(NULL, &setting, value);
}

static void test_guid(void **state)
{
    static const char *const none[] = {
        "",
        "{",
        "410EB49D-2381-4FE7-9B36-498E22619DF0",
        "{410EB49D-2381-4FE7-9B36-498E22619DF0",
        "{410EB49D-2381-4FE7-9B36-498E22619DF0} ",
        "{410EB49D-2381-4FE7-9B36-498E22619DFG}",
        "{410EB49D-2381-4FE7-9B36-498E22619DF0}x",
        "{410EB49D+2381-4FE7-9B36-498E22619DF0}",
        "{410EB49D-2381-4FE7-9B36498E22619DF00}",
    };

    assert_true(lp_value_is_guid(TAP));
    assert_true(lp_value_is_guid(ETH));
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
        assert_false(lp_value_is_guid(none[i]));
    assert_true(lp_value_same_guid(TAP, "{410eb49d-2381-4fe7-9b36-498e22619df0}"));
    assert_false(lp_value_same_guid(TAP, ETH));
    assert_false(lp_value_same_guid("", ""));
}

static void test_number(void **state)
{
    unsigned number = 7;

    assert_int_equal(lp_value_number("0", 10, &number), 0);
    assert_int_equal(number, 0);
    assert_int_equal(lp_value_number("10", 10, &number), 0);
    assert_int_equal(number, 10);
    assert_int_equal(lp_value_number("4294967295", UINT32_MAX, &number), 0);
    assert_int_equal(number, UINT32_MAX);
    assert_int_equal(lp_value_number("11", 10, &number), LP_ERR_RANGE);
    assert_int_equal(lp_value_number("4294967296", UINT32_MAX, &number), LP_ERR_RANGE);
    assert_int_equal(lp_value_number("99999999999999999999999", UINT32_MAX, &number),
                     LP_ERR_RANGE);
    assert_int_equal(lp_value_number("", 10, &number), LP_ERR_MALFORMED);
    assert_int_equal(lp_value_number("01", 10, &number), LP_ERR_MALFORMED);
    assert_int_equal(lp_value_number("+1", 10, &number), LP_ERR_MALFORMED);
    assert_int_equal(lp_value_number("-1", 10, &number), LP_ERR_MALFORMED);
    assert_int_equal(lp_value_number("1 ", 10, &number), LP_ERR_MALFORMED);
    assert_int_equal(lp_value_number("0x1", 10, &number), LP_ERR_MALFORMED);
    assert_int_equal(number, UINT32_MAX);
}

static void test_remote_host(void **state)
{
    static const char *const yes[] = {"192.0.2.1",   "10.0.0.1", "1.0.0.0", "223.255.255.255",
                                      "2001:db8::1", "fd00::1",  "fec0::1", "::1:0:0"};
    static const char *const no[] = {
        "0.0.0.0",     "0.1.2.3",          "127.0.0.1",       "127.255.0.1", "169.254.1.1",
        "224.0.0.1",   "240.0.0.1",        "255.255.255.255", "::",          "::1",
        "::192.0.2.1", "::ffff:192.0.2.1", "fe80::1",         "febf::1",     "ff02::1"};
    struct lp_addr addr = ip("2001:db8::1");

    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
        addr = ip(yes[i]);
        assert_true(lp_addr_is_remote_host(&addr));
    }
    for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
        addr = ip(no[i]);
        assert_false(lp_addr_is_remote_host(&addr));
    }
    addr = ip("2001:db8::1");
    addr.scope = 3;
    assert_false(lp_addr_is_remote_host(&addr));
    addr.family = LP_ADDR_NONE;
    assert_false(lp_addr_is_remote_host(&addr));
}

static void test_route_texts(void **state)
{
    struct lp_addr destination = ip("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff");
    struct lp_addr hop = ip("fe80::1");
    struct lp_addr none = {.family = LP_ADDR_NONE};
    struct lp_host_route route;
    char target[LP_SETTING_TARGET_LEN];
    char value[LP_SETTING_VALUE_LEN];

    lp_route_target(&destination, TAP, target);
    assert_string_equal(target, "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff/" TAP);
    hop.scope = 12;
    lp_route_value(&hop, LP_ROUTE_METRIC, value);
    assert_string_equal(value, "fe80::1/93");
    assert_int_equal(lp_host_route_parse(target, value, &route), 0);
    hop.scope = 0;
    assert_true(lp_addr_equal(&route.destination, &destination));
    assert_true(lp_addr_equal(&route.next_hop, &hop));
    assert_string_equal(route.guid, TAP);
    assert_int_equal(route.metric, LP_ROUTE_METRIC);
    lp_route_value(&none, 5, value);
    assert_string_equal(value, "on-link/5");
    assert_int_equal(lp_host_route_parse("192.0.2.1/" ETH, value, &route), 0);
    assert_int_equal(route.next_hop.family, LP_ADDR_NONE);
    assert_int_equal(route.metric, 5);
    assert_int_equal(lp_host_route_parse("192.0.2.1/" ETH, "none", &route), 0);
}

static void test_route_valid(void **state)
{
    static const char *const targets[] = {"",
                                          "/",
                                          TAP,
                                          "192.0.2.1",
                                          "192.0.2.1/",
                                          "192.0.2.1/" TAP "x",
                                          "192.0.2.1/x" TAP,
                                          "192.0.2.01/" TAP,
                                          "127.0.0.1/" TAP,
                                          "224.0.0.1/" TAP,
                                          "0.0.0.0/" TAP,
                                          "fe80::1/" TAP,
                                          "2001:DB8::1/" TAP,
                                          "2001:db8:0::1/" TAP,
                                          " 192.0.2.1/" TAP,
                                          "relay.example/" TAP};
    static const char *const values[] = {"",
                                         "NONE",
                                         "on-link",
                                         "on-link/",
                                         "on-link/94",
                                         "on-link/093",
                                         "192.0.2.9",
                                         "/93",
                                         "192.0.2.9/1",
                                         "192.0.2.9/93 ",
                                         "2001:db8::1/93",
                                         "127.0.0.1/93",
                                         "0.0.0.0/93",
                                         "224.0.0.1/93",
                                         "none/93",
                                         "192.0.2.9/93/93"};

    char digits[LP_SETTING_VALUE_LEN];

    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
        assert_false(is_valid(LP_SETTING_HOST_ROUTE, targets[i], "none"));
    for (int len = 60; len <= 70; len++) { /* about the room for an address */
        snprintf(digits, sizeof(digits), "%0*d/93", len, 0);
        assert_false(is_valid(LP_SETTING_HOST_ROUTE, "192.0.2.1/" TAP, digits));
    }
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        assert_false(is_valid(LP_SETTING_HOST_ROUTE, "192.0.2.1/" TAP, values[i]));
    assert_true(is_valid(LP_SETTING_HOST_ROUTE, "192.0.2.1/" TAP, "none"));
    assert_true(is_valid(LP_SETTING_HOST_ROUTE, "192.0.2.1/" TAP, "on-link/93"));
    assert_true(is_valid(LP_SETTING_HOST_ROUTE, "192.0.2.1/" TAP, "10.0.0.138/93"));
    assert_true(is_valid(LP_SETTING_HOST_ROUTE, "2001:db8::1/" TAP, "fe80::1/93"));
    assert_false(is_valid(LP_SETTING_HOST_ROUTE, "2001:db8::1/" TAP, "10.0.0.138/93"));
}

static void test_mac(void **state)
{
    struct lp_mac mac = {{0x02, 0xab, 0xcd, 0xef, 0x01, 0x23}};
    char value[LP_SETTING_VALUE_LEN];

    lp_mac_value(&mac, value);
    assert_string_equal(value, "02abcdef0123");
    assert_true(is_valid(LP_SETTING_MAC_ADDRESS, TAP, value));
    assert_true(is_valid(LP_SETTING_MAC_ADDRESS, TAP, "none"));
    assert_true(is_valid(LP_SETTING_MAC_ADDRESS, TAP, "00ff12345678")); /* an old one */
    assert_false(is_valid(LP_SETTING_MAC_ADDRESS, TAP, "02ABCDEF0123"));
    assert_false(is_valid(LP_SETTING_MAC_ADDRESS, TAP, "01abcdef0123"));
    assert_false(is_valid(LP_SETTING_MAC_ADDRESS, TAP, "000000000000"));
    assert_false(is_valid(LP_SETTING_MAC_ADDRESS, TAP, "02abcdef012"));
    assert_false(is_valid(LP_SETTING_MAC_ADDRESS, TAP, "02abcdef01234"));
    assert_false(is_valid(LP_SETTING_MAC_ADDRESS, TAP, "02-ab-cd-ef-01-23"));
    assert_false(is_valid(LP_SETTING_MAC_ADDRESS, TAP, ""));
    assert_false(is_valid(LP_SETTING_MAC_ADDRESS, "SoftLAN", "none"));
    assert_int_equal(lp_mac_from_value("02ABCDEF0123", &mac),
                     0); /* as a registry may spell it */
}

static void test_valid(void **state)
{
    static const struct {
        enum lp_setting_kind kind;
        const char *value;
        bool valid;
    } row[] = {
        {LP_SETTING_IPV4_MTU, "576", true},
        {LP_SETTING_IPV4_MTU, "575", false},
        {LP_SETTING_IPV4_MTU, "65535", true},
        {LP_SETTING_IPV4_MTU, "65536", false},
        {LP_SETTING_IPV4_MTU, "auto", false},
        {LP_SETTING_IPV6_MTU, "1280", true},
        {LP_SETTING_IPV6_MTU, "1279", false},
        {LP_SETTING_IPV4_METRIC, "auto", true},
        {LP_SETTING_IPV4_METRIC, "1", true},
        {LP_SETTING_IPV4_METRIC, "2147483647", true},
        {LP_SETTING_IPV4_METRIC, "2147483648", false},
        {LP_SETTING_IPV6_METRIC, "AUTO", false},
        {LP_SETTING_IPV4_DEFAULT_ROUTES, "enabled", true},
        {LP_SETTING_IPV6_DEFAULT_ROUTES, "disabled", true},
        {LP_SETTING_IPV4_DEFAULT_ROUTES, "1", false},
        {LP_SETTING_NETWORK_CATEGORY, "public", true},
        {LP_SETTING_NETWORK_CATEGORY, "private", true},
        {LP_SETTING_NETWORK_CATEGORY, "domain", false},
        {LP_SETTING_DNS_SERVERS, "automatic", true},
        {LP_SETTING_DNS_SERVERS, "192.0.2.1", true},
        {LP_SETTING_DNS_SERVERS, "192.0.2.1,192.0.2.2,192.0.2.3", true},
        {LP_SETTING_DNS_SERVERS, "192.0.2.1,192.0.2.2,192.0.2.3,192.0.2.4", false},
        {LP_SETTING_DNS_SERVERS, "192.0.2.1,", false},
        {LP_SETTING_DNS_SERVERS, ",192.0.2.1", false},
        {LP_SETTING_DNS_SERVERS, "192.0.2.1 192.0.2.2", false},
        {LP_SETTING_DNS_SERVERS, "127.0.0.1", true},
        {LP_SETTING_DNS_SERVERS, "169.254.0.1", false},
        {LP_SETTING_DNS_SERVERS, "192.0.2.1,::1", false},
        {LP_SETTING_DNS_SERVERS, "other", false},
        {LP_SETTING_IPV6_DNS_SERVERS, "automatic", true},
        {LP_SETTING_IPV6_DNS_SERVERS, "::1", true},
        {LP_SETTING_IPV6_DNS_SERVERS, "2001:db8::1,fd00::1", true},
        {LP_SETTING_IPV6_DNS_SERVERS, "2001:db8::1,2001:db8::2,2001:db8::3,2001:db8::4", false},
        {LP_SETTING_IPV6_DNS_SERVERS,
         "2001:db8:1111:2222:3333:4444:5555:6661,2001:db8:1111:2222:3333:4444:5555:6662,"
         "2001:db8:1111:2222:3333:4444:5555:6663",
         true},
        {LP_SETTING_IPV6_DNS_SERVERS, "2001:DB8::1", false},
        {LP_SETTING_IPV6_DNS_SERVERS, "fe80::1", false},
        {LP_SETTING_IPV6_DNS_SERVERS, "fec0:0:0:ffff::1", false},
        {LP_SETTING_IPV6_DNS_SERVERS, "::ffff:192.0.2.1", false},
        {LP_SETTING_IPV6_DNS_SERVERS, "192.0.2.1", false},
        {LP_SETTING_IPV6_DNS_SERVERS, "other", false},
        {LP_SETTING_DNS_SERVERS, "2001:db8::1", false},
        {LP_SETTING_DNS_SERVERS, "", false},
        {(enum lp_setting_kind)11, "1", false},
        {(enum lp_setting_kind)0, "1", false},
    };

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        assert_int_equal(is_valid(row[i].kind, TAP, row[i].value), row[i].valid);
        assert_false(is_valid(row[i].kind, "192.0.2.1/" TAP, row[i].value));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_guid),        cmocka_unit_test(test_number),
        cmocka_unit_test(test_remote_host), cmocka_unit_test(test_route_texts),
        cmocka_unit_test(test_route_valid), cmocka_unit_test(test_mac),
        cmocka_unit_test(test_valid),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
