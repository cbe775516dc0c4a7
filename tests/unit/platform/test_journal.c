/*
 * The journal's text, octet by octet. Lines are made here by a CRC of the test's own, so that
 * wrong content comes with the right CRC.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/err.h"
#include "platform/settings/scope.h"

static struct lp_scope_entry entries[LP_SCOPE_ENTRIES_MAX + 1];
static bool damaged;

/* In a block of exactly its size. */
static int parse(const char *text, size_t len)
{
    char *exact = malloc(len > 0 ? len : 1);
    int count;

    assert_non_null(exact);
    memcpy(exact, text, len);
    count = lp_journal_parse(exact, len, entries, LP_SCOPE_ENTRIES_MAX, &damaged);
    free(exact);
    return count;
}

static bool same_entry(const struct lp_scope_entry *a, const struct lp_scope_entry *b)
{
    return a->setting.kind == b->setting.kind &&
           strcmp(a->setting.target, b->setting.target) == 0 &&
           strcmp(a->old_value, b->old_value) == 0 && strcmp(a->new_value, b->new_value) == 0 &&
           strcmp(a->next_value, b->next_value) == 0 && a->leftover == b->leftover;
}

/* CRC-32 with the polynomial the other way round: bits from the top, reflected at the ends. */
static uint32_t reflect(uint32_t value, unsigned bits)
{
    uint32_t turned = 0;

    for (unsigned i = 0; i < bits; i++)
        turned |= (value >> i & 1) << (bits - 1 - i);
    return turned;
}

static uint32_t crc_of(const char *text, size_t len)
{
    uint32_t crc = 0xffffffff;

    for (size_t i = 0; i < len; i++) {
        crc ^= reflect((uint8_t)text[i], 8) << 24;
        for (int bit = 0; bit < 8; bit++)
            crc = crc << 1 ^ ((crc & 0x80000000) != 0 ? 0x04c11db7 : 0);
    }
    return ~reflect(crc, 32);
}

static size_t add_octets(char *text, size_t len, const char *body, size_t body_len)
{
    memcpy(text + len, body, body_len);
    return len + body_len +
           (size_t)sprintf(text + len + body_len, "\t%08x\n", (unsigned)crc_of(body, body_len));
}

/* A journal with these lines, which are right by CRC and number. Returns what parse gives. */
static int parse_lines(unsigned count, const char *const lines[])
{
    static char text[2 * LP_JOURNAL_TEXT_MAX];
    char header[64];
    size_t len;

    snprintf(header, sizeof(header), "softlan-settings 1 %u", count);
    len = add_octets(text, 0, header, strlen(header));
    for (unsigned i = 0; i < count; i++)
        len = add_octets(text, len, lines[i], strlen(lines[i]));
    return parse(text, len);
}

static int parse_line(const char *line)
{
    return parse_lines(1, &line);
}

static void test_exact_text(void **state)
{
    static const struct lp_scope_entry two[] = {
        {.setting = {LP_SETTING_IPV4_MTU, "{A}"}, .old_value = "1500", .new_value = "1380"},
        {.setting = {LP_SETTING_HOST_ROUTE, "192.0.2.9/7"},
         .old_value = "none",
         .new_value = "198.51.100.1 5",
         .next_value = "198.51.100.2 5",
         .leftover = true},
    };
    static const char expected[] =
        "softlan-settings 1 2\t28c88fa9\n"
        "ipv4_mtu\t{A}\t1500\t1380\t5d0babdf\n"
        "host_route\t192.0.2.9/7\tnone\t198.51.100.1 5\t198.51.100.2 5"
        "\t2d47ffeb\n";
    char text[1024];
    int len = lp_journal_format(two, 2, text, sizeof(text));

    assert_int_equal(crc_of("123456789", 9), 0xcbf43926);
    assert_int_equal(len, sizeof(expected) - 1);
    assert_memory_equal(text, expected, sizeof(expected) - 1);
    assert_int_equal(parse(text, (size_t)len), 2);
    assert_false(damaged);
    assert_int_equal(entries[0].setting.kind, LP_SETTING_IPV4_MTU);
    assert_string_equal(entries[0].setting.target, "{A}");
    assert_string_equal(entries[0].old_value, "1500");
    assert_string_equal(entries[0].new_value, "1380");
    assert_string_equal(entries[0].next_value, "");
    assert_string_equal(entries[1].next_value, "198.51.100.2 5");
    assert_false(entries[1].leftover);
    for (size_t capacity = 0; capacity <= (size_t)len; capacity++)
        assert_int_equal(lp_journal_format(two, 2, text, capacity), LP_ERR_NOSPACE);
    assert_int_equal(lp_journal_format(two, 2, text, (size_t)len + 1), len);
}

static void test_every_kind_and_the_longest(void **state)
{
    static struct lp_scope_entry full[LP_SCOPE_ENTRIES_MAX + 1];
    static char text[LP_JOURNAL_TEXT_MAX];
    int len;

    for (unsigned i = 0; i <= LP_SCOPE_ENTRIES_MAX; i++) {
        struct lp_scope_entry *entry = &full[i];

        entry->setting.kind = (enum lp_setting_kind)(1 + i % 10);
        memset(entry->setting.target, '~', LP_SETTING_TARGET_LEN - 1);
        entry->setting.target[0] = (char)('0' + i);
        memset(entry->old_value, ' ', LP_SETTING_VALUE_LEN - 1);
        memset(entry->new_value, 'n', LP_SETTING_VALUE_LEN - 1);
        memset(entry->next_value, 'x', LP_SETTING_VALUE_LEN - 1);
    }
    assert_int_equal(lp_journal_format(full, LP_SCOPE_ENTRIES_MAX + 1, text, sizeof(text)),
                     LP_ERR_INVALID);
    len = lp_journal_format(full, LP_SCOPE_ENTRIES_MAX, text, sizeof(text));
    assert_true(len > 0);
    assert_int_equal(parse(text, (size_t)len), LP_SCOPE_ENTRIES_MAX);
    assert_false(damaged);
    for (unsigned i = 0; i < LP_SCOPE_ENTRIES_MAX; i++)
        assert_true(same_entry(&entries[i], &full[i]));
    assert_int_equal(lp_journal_parse(text, (size_t)len, entries, 3, &damaged), 3);
    assert_true(damaged);
}

static void test_names(void **state)
{
    assert_string_equal(lp_setting_name(LP_SETTING_IPV4_MTU), "ipv4_mtu");
    assert_string_equal(lp_setting_name(LP_SETTING_DNS_SERVERS), "dns_servers");
    assert_string_equal(lp_setting_phrase(LP_SETTING_DNS_SERVERS),
                        "the adapter's IPv4 DNS servers");
    assert_string_equal(lp_setting_phrase((enum lp_setting_kind)0), "a setting");
    assert_string_equal(lp_setting_name((enum lp_setting_kind)0), "unknown");
    assert_string_equal(lp_setting_name((enum lp_setting_kind)12), "unknown");
}

static void test_entries_that_are_not_written(void **state)
{
    static const struct lp_scope_entry good = {
        .setting = {LP_SETTING_IPV4_MTU, "{A}"}, .old_value = "1500", .new_value = "1380"};
    struct lp_scope_entry bad[10];
    char text[4096];

    for (size_t i = 0; i < 10; i++)
        bad[i] = good;
    bad[0].setting.kind = (enum lp_setting_kind)99;
    bad[1].setting.target[0] = '\0';
    bad[2].old_value[0] = '\0';
    bad[3].new_value[0] = '\0';
    bad[4].new_value[1] = '\t';
    bad[5].old_value[1] = '\n';
    bad[6].next_value[0] = '\x7f';
    bad[7].setting.target[1] = '\xe4';
    memset(bad[8].old_value, '1', LP_SETTING_VALUE_LEN);
    memset(bad[9].setting.target, '1', LP_SETTING_TARGET_LEN);
    for (size_t i = 0; i < 10; i++)
        assert_int_equal(lp_journal_format(&bad[i], 1, text, sizeof(text)), LP_ERR_INVALID);
    bad[0] = bad[1] = good;
    assert_int_equal(lp_journal_format(bad, 2, text, sizeof(text)), LP_ERR_INVALID);
    bad[1].setting.kind = LP_SETTING_IPV6_MTU;
    assert_true(lp_journal_format(bad, 2, text, sizeof(text)) > 0);
}

static void test_lines_that_are_not_taken(void **state)
{
    static const char *const bad[] = {
        "",
        "\t",
        "ipv4_mtu",
        "ipv4_mtu\t{A}",
        "ipv4_mtu\t{A}\t1500",
        "ipv4_mtu\t{A}\t1500\t1380\t1400\t1420",
        "ipv4_mtu\t{A}\t1500\t1380\t",
        "ipv4_mtu\t{A}\t1500\t",
        "ipv4_mtu\t{A}\t\t1380",
        "ipv4_mtu\t\t1500\t1380",
        "\t{A}\t1500\t1380",
        "\tipv4_mtu\t{A}\t1500\t1380",
        "ipv4_mt\t{A}\t1500\t1380",
        "ipv4_mtus\t{A}\t1500\t1380",
        "IPV4_MTU\t{A}\t1500\t1380",
        "1\t{A}\t1500\t1380",
        "ipv4_mtu \t{A}\t1500\t1380",
        "ipv4_mtu\t{A}\t1500\t1380\r",
        "ipv4_mtu\t{A}\t15\x1b[0m\t1380",
        "ipv4_mtu\t{A}\t1500\t13\x80",
        "ipv4_mtu\t{A}\t1500\t13\x7f",
        "unknown\t{A}\t1500\t1380",
    };

    assert_int_equal(parse_line("ipv4_mtu\t{A}\t1500\t1380"), 1);
    assert_false(damaged);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(parse_line(bad[i]), 0);
        assert_true(damaged);
    }
}

static void test_bounds_of_fields(void **state)
{
    char line[1024];

    for (int len = 126; len <= 129; len++) {
        snprintf(line, sizeof(line), "dns_servers\t{A}\t%0*d\tautomatic", len, 1);
        assert_int_equal(parse_line(line), len < LP_SETTING_VALUE_LEN);
        snprintf(line, sizeof(line), "dns_servers\t{A}\tautomatic\t1\t%0*d", len, 1);
        assert_int_equal(parse_line(line), len < LP_SETTING_VALUE_LEN);
    }
    for (int len = 78; len <= 81; len++) {
        snprintf(line, sizeof(line), "dns_servers\t%0*d\t1\t2", len, 1);
        assert_int_equal(parse_line(line), len < LP_SETTING_TARGET_LEN);
    }
}

static void test_nul_within(void **state)
{
    char text[256];
    size_t len = add_octets(text, 0, "softlan-settings 1 1", 20);

    len = add_octets(text, len, "ipv4_mtu\t{A}\t15\0\0\t1380", 22);
    assert_int_equal(parse(text, len), 0);
    assert_true(damaged);
}

static void test_two_lines_for_one_setting(void **state)
{
    static const char *const lines[] = {
        "ipv4_mtu\t{A}\t1500\t1380", "ipv4_mtu\t{B}\t1400\t1380", "ipv4_mtu\t{A}\t9000\t1380"};

    assert_int_equal(parse_lines(3, lines), 2);
    assert_true(damaged);
    assert_string_equal(entries[0].old_value, "1500");
    assert_string_equal(entries[1].old_value, "1400");
}

static void test_more_lines_than_fit(void **state)
{
    static char line[LP_SCOPE_ENTRIES_MAX + 1][32];
    const char *lines[LP_SCOPE_ENTRIES_MAX + 1];

    for (unsigned i = 0; i <= LP_SCOPE_ENTRIES_MAX; i++) {
        snprintf(line[i], sizeof(line[i]), "ipv4_mtu\t{%u}\t1500\t1380", i);
        lines[i] = line[i];
    }
    assert_int_equal(parse_lines(LP_SCOPE_ENTRIES_MAX, lines), LP_SCOPE_ENTRIES_MAX);
    assert_false(damaged);
    assert_int_equal(parse_lines(LP_SCOPE_ENTRIES_MAX + 1, lines), LP_SCOPE_ENTRIES_MAX);
    assert_true(damaged);
}

static int parse_header(const char *header)
{
    char text[256];
    size_t len = add_octets(text, 0, header, strlen(header));

    len =
        add_octets(text, len, "ipv4_mtu\t{A}\t1500\t1380", strlen("ipv4_mtu\t{A}\t1500\t1380"));
    return parse(text, len);
}

static void test_headers(void **state)
{
    static const char *const bad[] = {
        "",
        "softlan-settings 1",
        "softlan-settings 1 ",
        "softlan-settings 1 0",
        "softlan-settings 1 2",
        "softlan-settings 1 01",
        "softlan-settings 1 +1",
        "softlan-settings 2 1",
        "softlan-settings  1 1",
        "softlan-settings 1 1 ",
        "Softlan-settings 1 1",
        "\xef\xbb\xbfsoftlan-settings 1 1",
    };

    assert_int_equal(parse_header("softlan-settings 1 1"), 1);
    assert_false(damaged);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(parse_header(bad[i]), 1);
        assert_true(damaged);
    }
}

static void test_damage_at_every_octet(void **state)
{
    static struct lp_scope_entry three[3] = {
        {.setting = {LP_SETTING_IPV4_MTU, "{A}"}, .old_value = "1500", .new_value = "1380"},
        {.setting = {LP_SETTING_IPV4_METRIC, "{A}"},
         .old_value = "auto",
         .new_value = "1",
         .next_value = "9000"},
        {.setting = {LP_SETTING_HOST_ROUTE, "192.0.2.9/7"},
         .old_value = "none",
         .new_value = "198.51.100.1 5"},
    };
    char text[1024];
    char bad[1024];
    size_t len = (size_t)lp_journal_format(three, 3, text, sizeof(text));

    for (size_t cut = 0; cut < len; cut++) {
        int lines = 0;

        for (size_t i = 0; i < cut; i++)
            lines += text[i] == '\n';
        assert_int_equal(parse(text, cut), lines > 0 ? lines - 1 : 0);
        assert_true(damaged);
    }
    for (size_t bit = 0; bit < 8 * len; bit++) {
        int count;

        memcpy(bad, text, len);
        bad[bit / 8] ^= (char)(1 << bit % 8);
        count = parse(bad, len);
        assert_true(damaged);
        assert_in_range(count, 1, 3);
        for (int i = 0; i < count; i++) {
            bool same = false;

            for (int j = 0; j < 3; j++)
                same = same || same_entry(&entries[i], &three[j]);
            assert_true(same);
        }
    }
    memcpy(bad, text, len);
    memcpy(bad + len, "\n", 1);
    assert_int_equal(parse(bad, len + 1), 3);
    assert_true(damaged);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact_text),
        cmocka_unit_test(test_every_kind_and_the_longest),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_entries_that_are_not_written),
        cmocka_unit_test(test_lines_that_are_not_taken),
        cmocka_unit_test(test_bounds_of_fields),
        cmocka_unit_test(test_nul_within),
        cmocka_unit_test(test_two_lines_for_one_setting),
        cmocka_unit_test(test_more_lines_than_fit),
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_damage_at_every_octet),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
