/* When two subnets overlap, at the prefix lengths where a shift could go wrong. */
#include "waiting.h"

#include <string.h>

#include "platform/subnet.h"

static struct lp_subnet subnet(const char *ip, unsigned prefix_len)
{
    struct lp_subnet made = {.prefix_len = prefix_len};

    assert_int_equal(lp_addr_parse_ip(ip, 0, &made.addr), 0);
    return made;
}

static void overlap_is_by_the_shorter_prefix(void **state)
{
    static const struct {
        const char *a;
        unsigned a_len;
        const char *b;
        unsigned b_len;
        bool expected;
    } cases[] = {
        {"192.168.1.5", 24, "192.168.1.77", 24, true},
        {"192.168.1.5", 24, "192.168.2.5", 24, false},
        {"192.168.1.5", 24, "192.168.2.5", 16, true},
        {"192.168.0.5", 23, "192.168.1.5", 24, true},
        {"192.168.0.5", 23, "192.168.2.5", 24, false},
        {"10.0.0.1", 32, "10.0.0.1", 32, true},
        {"10.0.0.1", 32, "10.0.0.0", 32, false},
        {"10.0.0.1", 31, "10.0.0.0", 32, true},
        {"10.0.0.1", 0, "203.0.113.9", 32, true},
        {"127.255.255.255", 1, "128.0.0.0", 1, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct lp_subnet a = subnet(cases[i].a, cases[i].a_len);
        struct lp_subnet b = subnet(cases[i].b, cases[i].b_len);

        assert_int_equal(lp_subnet_overlap(&a, &b), cases[i].expected);
        assert_int_equal(lp_subnet_overlap(&b, &a), cases[i].expected);
    }
}

static void the_sentence_names_both_networks(void **state)
{
    struct lp_subnet own = subnet("192.168.1.77", 24), other = subnet("192.168.200.9", 16);
    char text[LP_WHY_LEN];

    (void)state;
    lp_subnet_describe("SoftLAN", &own, "Ethernet 2", &other, text);
    assert_string_equal(
        text, "the party's network 192.168.1.0/24 on SoftLAN overlaps 192.168.0.0/16 on "
              "Ethernet 2, so some hosts of the party cannot be reached: disconnect Ethernet 2 "
              "while you play, or move one of the two networks to another range");
}

/* Names as long as they get leave room for the remedy. */
static void long_names_do_not_hide_the_remedy(void **state)
{
    struct lp_subnet all = subnet("255.255.255.255", 32);
    char name[LP_IF_NAME_LEN + 100], text[LP_WHY_LEN];

    (void)state;
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    lp_subnet_describe(name, &all, name, &all, text);
    assert_non_null(strstr(text, "to another range"));
}

/* Cut between characters, at 32 octets: half a character would be no UTF-8. */
static void a_name_is_cut_between_characters(void **state)
{
#define UE8 "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"
    struct lp_subnet all = subnet("10.0.0.0", 8);
    char text[LP_WHY_LEN];

    (void)state;
    lp_subnet_describe(UE8 UE8 UE8, &all, "e", &all, text);
    assert_non_null(strstr(text, " on " UE8 UE8 " overlaps "));
    lp_subnet_describe("." UE8 UE8 UE8, &all, "e", &all, text);
    assert_non_null(strstr(text, "\xbc overlaps "));
    assert_non_null(strstr(text, " on ." UE8));
    lp_subnet_describe(UE8 UE8, &all, "e", &all, text);
    assert_non_null(strstr(text, " on " UE8 UE8 " overlaps "));
#undef UE8
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(overlap_is_by_the_shorter_prefix),
        cmocka_unit_test(the_sentence_names_both_networks),
        cmocka_unit_test(long_names_do_not_hide_the_remedy),
        cmocka_unit_test(a_name_is_cut_between_characters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
