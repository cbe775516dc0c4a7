#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/err.h"
#include "base/mac.h"

static struct lp_mac mac_of(const char *text)
{
    struct lp_mac mac;

    assert_int_equal(lp_mac_parse(text, &mac), 0);
    return mac;
}

static void text_there_and_back(void **state)
{
    struct lp_mac mac = mac_of("02:1A:b3:00:FF:7e");
    char text[LP_MAC_TEXT_LEN];

    assert_memory_equal(mac.octet, "\x02\x1a\xb3\x00\xff\x7e", 6);
    assert_string_equal(lp_mac_format(&mac, text), "02:1a:b3:00:ff:7e");
    mac = mac_of("02-1a-b3-00-ff-7e");
    assert_string_equal(lp_mac_format(&mac, text), "02:1a:b3:00:ff:7e");
    assert_int_equal(lp_mac_key(&mac), 0x021ab300ff7e);
}

static void other_text_is_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "02",
        "021ab300ff7e",
        "02:1a:b3:00:ff:7",
        "02:1a:b3:00:ff:7e:",
        "02:1a:b3:00:ff:7e ",
        " 2:1a:b3:00:ff:7e",
        "02:1a:b3:00:ff-7e",
        "02-1a:b3:00:ff:7e",
        "02.1a.b3.00.ff.7e",
        "0g:1a:b3:00:ff:7e",
        "02:1a:b3:00:ff:+e",
        "0x:1a:b3:00:ff:7e",
        "02 1a b3 00 ff 7e",
        "02:1a:b3:00:ff:7e:00",
    };
    struct lp_mac mac = mac_of("02:00:00:00:00:01");

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_int_equal(lp_mac_parse(texts[i], &mac), LP_ERR_MALFORMED);
    assert_int_equal(lp_mac_key(&mac), 0x020000000001); /* untouched */
}

static void kinds_of_addresses(void **state)
{
    struct lp_mac zero = mac_of("00:00:00:00:00:00");
    struct lp_mac broadcast = mac_of("ff:ff:ff:ff:ff:ff");
    struct lp_mac multicast = mac_of("01:00:5e:00:00:fb");
    struct lp_mac vendor = mac_of("00:1a:b3:00:00:01");
    struct lp_mac local = mac_of("02:00:00:00:00:01");

    assert_true(lp_mac_is_zero(&zero) && !lp_mac_is_valid_source(&zero));
    assert_true(lp_mac_is_broadcast(&broadcast) && lp_mac_is_group(&broadcast));
    assert_false(lp_mac_is_valid_source(&broadcast));
    assert_true(lp_mac_is_group(&multicast) && !lp_mac_is_broadcast(&multicast));
    assert_false(lp_mac_is_valid_source(&multicast));
    assert_true(lp_mac_is_valid_source(&vendor) && !lp_mac_is_local(&vendor));
    assert_true(lp_mac_is_valid_source(&local) && lp_mac_is_local(&local));
    assert_true(lp_mac_equal(&local, &local) && !lp_mac_equal(&local, &vendor));
}

static void any_octets_become_a_local_unicast_address(void **state)
{
    for (unsigned first = 0; first < 256; first++) {
        struct lp_mac mac = {{(uint8_t)first, 1, 2, 3, 4, 5}};

        lp_mac_make_local_unicast(&mac);
        assert_true(lp_mac_is_local(&mac) && lp_mac_is_valid_source(&mac));
        assert_int_equal(mac.octet[0] & 0xfc, first & 0xfc);
        assert_memory_equal(mac.octet + 1, "\1\2\3\4\5", 5);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_there_and_back),
        cmocka_unit_test(other_text_is_refused),
        cmocka_unit_test(kinds_of_addresses),
        cmocka_unit_test(any_octets_become_a_local_unicast_address),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
