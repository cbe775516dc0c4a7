/* A start that meets a journal which no run of ours has left, or a disk that fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/err.h"
#include "machine.h"

static struct machine m;
static struct lp_scope scope;
static char why[LP_SCOPE_WHY_LEN];

static int open_scope(void)
{
    machine_restart(&m);
    why[0] = '\0';
    return lp_scope_open(&scope, &m.backend, &m.store, machine_report, &m, why);
}

static int setup(void **state)
{
    machine_init(&m);
    return open_scope();
}

static int set(enum lp_setting_kind kind, const char *value)
{
    return lp_scope_set(&scope, kind, machine_find(&m, kind)->setting.target, value, why);
}

static const char *value_of(enum lp_setting_kind kind)
{
    return machine_find(&m, kind)->value;
}

static void assert_originals(void)
{
    for (size_t i = 0; i < MACHINE_SETTINGS; i++)
        assert_string_equal(m.setting[i].value, m.setting[i].original);
}

static struct lp_scope_entry entry_of(enum lp_setting_kind kind, const char *old_value,
                                      const char *new_value)
{
    struct lp_scope_entry entry = {.setting = machine_find(&m, kind)->setting};

    snprintf(entry.old_value, sizeof(entry.old_value), "%s", old_value);
    snprintf(entry.new_value, sizeof(entry.new_value), "%s", new_value);
    return entry;
}

static void test_hostile_entries_are_refused(void **state)
{
    struct lp_scope_entry entries[] = {
        entry_of(LP_SETTING_IPV4_MTU, "1", "1500"),
        entry_of(LP_SETTING_IPV4_METRIC, "25", "auto"), /* the only good one */
        entry_of(LP_SETTING_IPV4_DEFAULT_ROUTES, "enabled; format c:", "enabled"),
        entry_of(LP_SETTING_HOST_ROUTE, "203.0.113.66", "none"),
        entry_of(LP_SETTING_NETWORK_CATEGORY, "private", "../public"),
        entry_of(LP_SETTING_DNS_SERVERS, "-203.0.113.66", "automatic"),
    };

    machine_write_journal(&m, entries, sizeof(entries) / sizeof(entries[0]));
    assert_int_equal(open_scope(), 0);
    assert_string_equal(m.log, "set ipv4_metric 25;save;save;");
    assert_int_equal(m.journal_len, 0);
    assert_non_null(strstr(m.report,
                           "entry for host_route of 192.0.2.9/1689399632756736 is not "
                           "valid and is not used\n"));
}

static void test_hostile_targets_are_refused(void **state)
{
    struct lp_scope_entry entries[] = {
        entry_of(LP_SETTING_IPV4_MTU, "1500", "1380"),
        entry_of(LP_SETTING_IPV4_MTU, "1500", "1380"),
        entry_of(LP_SETTING_HOST_ROUTE, "none", "198.51.100.1"),
        entry_of(LP_SETTING_IPV4_METRIC, "auto", "1"),
    };

    strcpy(entries[0].setting.target, "{AAAAAAAA-52E4-4B5E-9C5C-2C3C0A1B2D3E}");
    strcpy(entries[1].setting.target, "..\\..\\Parameters");
    strcpy(entries[2].setting.target, "0.0.0.0/1");
    entries[3].setting.kind = LP_SETTING_MAC_ADDRESS;
    machine_write_journal(&m, entries, 4);
    assert_int_equal(open_scope(), 0);
    assert_string_equal(m.log, "save;");
    assert_int_equal(m.journal_len, 0);
    assert_originals();
}

static void test_hostile_next_value_is_refused(void **state)
{
    struct lp_scope_entry entry = entry_of(LP_SETTING_IPV4_MTU, "1400", "1380");

    strcpy(entry.next_value, "99999");
    strcpy(machine_find(&m, LP_SETTING_IPV4_MTU)->value, "1380");
    machine_write_journal(&m, &entry, 1);
    assert_int_equal(open_scope(), 0);
    assert_string_equal(value_of(LP_SETTING_IPV4_MTU), "1380");
}

static void test_too_large_a_journal_is_removed(void **state)
{
    memset(m.journal, 'x', sizeof(m.journal));
    m.journal_len = LP_JOURNAL_TEXT_MAX + 1;
    assert_int_equal(open_scope(), 0);
    assert_string_equal(m.log, "save;");
    assert_int_equal(m.journal_len, 0);
    assert_non_null(strstr(m.report, "damaged: 0 of its entries"));
}

static void test_damaged_journal_at_every_octet(void **state)
{
    char whole[LP_JOURNAL_TEXT_MAX];
    size_t len;

    set(LP_SETTING_IPV4_MTU, "1380");
    set(LP_SETTING_IPV4_METRIC, "1");
    set(LP_SETTING_HOST_ROUTE, "198.51.100.1 5");
    len = m.journal_len;
    memcpy(whole, m.journal, len);
    for (size_t bad = 0; bad < 9 * len; bad++) {
        unsigned restored = 0;

        memcpy(m.journal, whole, len);
        m.journal_len = len;
        if (bad < len)
            m.journal_len = bad; /* cut here */
        else
            m.journal[(bad - len) / 8] ^= (char)(1 << (bad - len) % 8);
        strcpy(machine_find(&m, LP_SETTING_IPV4_MTU)->value, "1380");
        strcpy(machine_find(&m, LP_SETTING_IPV4_METRIC)->value, "1");
        strcpy(machine_find(&m, LP_SETTING_HOST_ROUTE)->value, "198.51.100.1 5");
        assert_int_equal(open_scope(), 0);
        assert_int_equal(m.journal_len, 0);
        assert_int_equal(strstr(m.report, "is damaged") != NULL, bad > 0);
        for (const char *at = m.report; (at = strstr(at, "was restored")) != NULL; at++)
            restored++;
        if (strcmp(value_of(LP_SETTING_IPV4_MTU), "1380") != 0)
            assert_string_equal(value_of(LP_SETTING_IPV4_MTU), "1500");
        if (strcmp(value_of(LP_SETTING_IPV4_METRIC), "1") != 0)
            assert_string_equal(value_of(LP_SETTING_IPV4_METRIC), "auto");
        if (bad >= len)
            assert_true(restored >= 1); /* a flipped line end costs two lines */
    }
}

static void test_store_that_fails(void **state)
{
    m.load_error = LP_ERR_PERMISSION;
    assert_int_equal(open_scope(), LP_ERR_PERMISSION);
    assert_string_equal(why, "the journal of settings cannot be read (permission denied): look "
                             "whether the disk is full, and run SoftLAN as an administrator");
    m.load_error = 0;
    m.journal_len = 1;
    m.save_error = LP_ERR_IO;
    assert_int_equal(open_scope(), LP_ERR_IO);
    assert_string_equal(why,
                        "the journal of settings cannot be written (input/output error): look "
                        "whether the disk is full, and run SoftLAN as an administrator");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_hostile_entries_are_refused, setup),
        cmocka_unit_test_setup(test_hostile_targets_are_refused, setup),
        cmocka_unit_test_setup(test_hostile_next_value_is_refused, setup),
        cmocka_unit_test_setup(test_too_large_a_journal_is_removed, setup),
        cmocka_unit_test_setup(test_damaged_journal_at_every_octet, setup),
        cmocka_unit_test_setup(test_store_that_fails, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
