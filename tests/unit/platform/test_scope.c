/*
 * Scoped settings on a machine in memory: what they do, and what they do when something fails.
 * The power cuts are test_scope_crash.c.
 */
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

static int undo_all(void)
{
    return lp_scope_undo_to(&scope, 0, machine_report, &m);
}

static void test_nothing_to_begin_with(void **state)
{
    assert_int_equal(scope.count, 0);
    assert_string_equal(m.report, "");
    assert_string_equal(m.log, "");
}

static void test_journal_before_setting_and_reverse_undo(void **state)
{
    assert_int_equal(set(LP_SETTING_IPV4_MTU, "1380"), 0);
    assert_int_equal(set(LP_SETTING_IPV4_METRIC, "1"), 0);
    assert_string_equal(m.log, "save;set ipv4_mtu 1380;save;set ipv4_metric 1;");
    m.log[0] = '\0';
    assert_int_equal(undo_all(), 0);
    assert_string_equal(m.log, "set ipv4_metric auto;save;set ipv4_mtu 1500;save;");
    assert_int_equal(m.journal_len, 0);
    assert_originals();
}

static void test_same_value_is_not_ours(void **state)
{
    assert_int_equal(set(LP_SETTING_NETWORK_CATEGORY, "public"), 0);
    assert_int_equal(scope.count, 0);
    assert_string_equal(m.log, "");
    machine_meddle(&m, LP_SETTING_NETWORK_CATEGORY, "private");
    assert_int_equal(undo_all(), 0);
    assert_string_equal(value_of(LP_SETTING_NETWORK_CATEGORY), "private");
}

static void test_set_twice_keeps_the_first_old_value(void **state)
{
    assert_int_equal(set(LP_SETTING_IPV4_MTU, "1380"), 0);
    assert_int_equal(set(LP_SETTING_IPV4_MTU, "1400"), 0);
    assert_int_equal(scope.count, 1);
    assert_string_equal(scope.entry[0].old_value, "1500");
    assert_string_equal(scope.entry[0].new_value, "1400");
    assert_string_equal(scope.entry[0].next_value, "");
    m.log[0] = '\0';
    assert_int_equal(set(LP_SETTING_IPV4_MTU, "1400"), 0);
    assert_string_equal(m.log, "");
    assert_int_equal(undo_all(), 0);
    assert_originals();
}

static void test_set_to_the_original_is_held_too(void **state)
{
    assert_int_equal(set(LP_SETTING_IPV4_MTU, "1380"), 0);
    assert_int_equal(set(LP_SETTING_IPV4_MTU, "1500"), 0);
    machine_meddle(&m, LP_SETTING_IPV4_MTU, "1300");
    assert_int_equal(lp_scope_reassert(&scope, machine_report, &m), 1);
    assert_string_equal(value_of(LP_SETTING_IPV4_MTU), "1500");
    assert_int_equal(undo_all(), 0);
    assert_originals();
}

static void test_undo_leaves_what_is_somebody_elses(void **state)
{
    set(LP_SETTING_IPV4_MTU, "1380");
    set(LP_SETTING_IPV4_METRIC, "1");
    machine_meddle(&m, LP_SETTING_IPV4_METRIC, "25");
    assert_int_equal(undo_all(), 0);
    assert_string_equal(value_of(LP_SETTING_IPV4_METRIC), "25");
    assert_string_equal(value_of(LP_SETTING_IPV4_MTU), "1500");
    assert_non_null(strstr(m.report,
                           "ipv4_metric of {0F6C0C34-52E4-4B5E-9C5C-2C3C0A1B2D3E} was "
                           "changed to 25 by somebody else and is left so\n"));
    assert_int_equal(m.journal_len, 0);
}

static void test_undo_of_what_is_back_says_nothing(void **state)
{
    set(LP_SETTING_IPV4_MTU, "1380");
    machine_meddle(&m, LP_SETTING_IPV4_MTU, "1500");
    m.log[0] = '\0';
    assert_int_equal(undo_all(), 0);
    assert_string_equal(m.log, "save;");
    assert_string_equal(m.report, "");
}

static void test_undo_keeps_the_first(void **state)
{
    set(LP_SETTING_IPV4_MTU, "1380");
    set(LP_SETTING_IPV4_METRIC, "1");
    set(LP_SETTING_HOST_ROUTE, "198.51.100.1 5");
    assert_int_equal(lp_scope_undo_to(&scope, 1, NULL, NULL), 0);
    assert_int_equal(scope.count, 1);
    assert_string_equal(value_of(LP_SETTING_IPV4_MTU), "1380");
    assert_string_equal(value_of(LP_SETTING_IPV4_METRIC), "auto");
    assert_string_equal(value_of(LP_SETTING_HOST_ROUTE), "none");
    assert_int_equal(lp_scope_undo_to(&scope, 5, NULL, NULL), 0);
    assert_int_equal(scope.count, 1);
}

static void test_next_start_restores(void **state)
{
    set(LP_SETTING_IPV4_MTU, "1380");
    set(LP_SETTING_IPV4_METRIC, "1");
    assert_int_equal(open_scope(), 0);
    assert_originals();
    assert_string_equal(m.log, "set ipv4_metric auto;save;set ipv4_mtu 1500;save;save;");
    assert_non_null(strstr(m.report, "ipv4_mtu of {0F6C0C34-52E4-4B5E-9C5C-2C3C0A1B2D3E} was "
                                     "restored to 1500\n"));
    assert_int_equal(scope.count, 0);
}

static void test_reassert(void **state)
{
    set(LP_SETTING_IPV4_MTU, "1380");
    set(LP_SETTING_IPV4_METRIC, "1");
    assert_int_equal(lp_scope_reassert(&scope, machine_report, &m), 0);
    assert_string_equal(m.report, "");
    machine_meddle(&m, LP_SETTING_IPV4_MTU, "1500");
    machine_meddle(&m, LP_SETTING_IPV4_METRIC, "35");
    machine_meddle(&m, LP_SETTING_DNS_SERVERS, "192.0.2.53");
    assert_int_equal(lp_scope_reassert(&scope, machine_report, &m), 2);
    assert_string_equal(value_of(LP_SETTING_IPV4_MTU), "1380");
    assert_string_equal(value_of(LP_SETTING_IPV4_METRIC), "1");
    assert_string_equal(value_of(LP_SETTING_DNS_SERVERS), "192.0.2.53");
    assert_non_null(strstr(m.report, "had changed to 35 and was set to 1 again"));
    undo_all();
    assert_string_equal(value_of(LP_SETTING_IPV4_METRIC), "auto");
}

static void test_reassert_that_fails_goes_on(void **state)
{
    set(LP_SETTING_IPV4_MTU, "1380");
    set(LP_SETTING_IPV4_METRIC, "1");
    set(LP_SETTING_NETWORK_CATEGORY, "private");
    machine_meddle(&m, LP_SETTING_IPV4_MTU, "1500");
    machine_meddle(&m, LP_SETTING_NETWORK_CATEGORY, "public");
    machine_find(&m, LP_SETTING_IPV4_MTU)->set_error = LP_ERR_PERMISSION;
    machine_find(&m, LP_SETTING_IPV4_METRIC)->gone = true;
    assert_int_equal(lp_scope_reassert(&scope, machine_report, &m), 1);
    assert_string_equal(value_of(LP_SETTING_NETWORK_CATEGORY), "private");
    assert_non_null(strstr(m.report, "cannot be held at 1380: permission denied"));
    assert_non_null(strstr(m.report, "cannot be held at 1: not found"));
    assert_int_equal(scope.count, 3);
}

static void test_set_that_fails_leaves_no_trace(void **state)
{
    set(LP_SETTING_IPV4_METRIC, "1");
    machine_find(&m, LP_SETTING_IPV4_MTU)->set_error = LP_ERR_PERMISSION;
    assert_int_equal(set(LP_SETTING_IPV4_MTU, "1380"), LP_ERR_PERMISSION);
    assert_string_equal(why,
                        "the adapter's IPv4 MTU cannot be set to 1380 (permission denied): run "
                        "SoftLAN as an administrator, or look whether a policy or another "
                        "program forbids it");
    assert_int_equal(scope.count, 1);
    assert_false(machine_journal_has(&m, "ipv4_mtu"));
    machine_find(&m, LP_SETTING_IPV4_MTU)->gone = true;
    assert_int_equal(set(LP_SETTING_IPV4_MTU, "1380"), LP_ERR_NOTFOUND);
    assert_int_equal(scope.count, 1);
}

static void test_set_that_fails_and_took_is_put_back(void **state)
{
    struct machine_setting *mtu = machine_find(&m, LP_SETTING_IPV4_MTU);

    mtu->set_error = LP_ERR_IO;
    mtu->set_took = true;
    assert_int_equal(set(LP_SETTING_IPV4_MTU, "1380"), LP_ERR_IO);
    assert_originals();
    assert_int_equal(scope.count, 1); /* putting back failed too, as far as can be known */
    mtu->set_error = 0;
    assert_int_equal(undo_all(), 0);
    assert_int_equal(m.journal_len, 0);
    assert_originals();
}

static void test_second_set_that_fails_keeps_the_first(void **state)
{
    char journal[LP_JOURNAL_TEXT_MAX];

    set(LP_SETTING_IPV4_MTU, "1380");
    memcpy(journal, m.journal, m.journal_len);
    machine_find(&m, LP_SETTING_IPV4_MTU)->set_error = LP_ERR_BUSY;
    assert_int_equal(set(LP_SETTING_IPV4_MTU, "1400"), LP_ERR_BUSY);
    assert_string_equal(value_of(LP_SETTING_IPV4_MTU), "1380");
    assert_string_equal(scope.entry[0].new_value, "1380");
    assert_string_equal(scope.entry[0].next_value, "");
    assert_false(scope.entry[0].leftover);
    assert_memory_equal(m.journal, journal, m.journal_len);
    machine_find(&m, LP_SETTING_IPV4_MTU)->set_error = 0;
    undo_all();
    assert_originals();
}

/* The second set failed, took all the same and could not be put back: both values are ours. */
static void test_third_set_after_a_second_that_took(void **state)
{
    struct machine_setting *mtu = machine_find(&m, LP_SETTING_IPV4_MTU);

    set(LP_SETTING_IPV4_MTU, "1380");
    mtu->set_error = LP_ERR_IO;
    mtu->set_took = true;
    assert_int_equal(set(LP_SETTING_IPV4_MTU, "1400"), LP_ERR_IO);
    assert_string_equal(mtu->value, "1380");
    assert_string_equal(scope.entry[0].next_value, "1400");
    mtu->set_error = 0;
    strcpy(mtu->value, "1400");
    machine_cut_at(&m, CUT_AFTER, 2, false); /* of get, save, set */
    assert_int_equal(set(LP_SETTING_IPV4_MTU, "1420"), LP_ERR_IO);
    assert_true(m.off);
    assert_string_equal(mtu->value, "1400");
    assert_int_equal(open_scope(), 0);
    assert_originals();
}

static void test_nothing_is_set_without_a_journal(void **state)
{
    m.save_error = LP_ERR_IO;
    assert_int_equal(set(LP_SETTING_IPV4_MTU, "1380"), LP_ERR_IO);
    assert_non_null(
        strstr(why, "the journal of settings cannot be written (input/output error)"));
    assert_originals();
    assert_int_equal(scope.count, 0);
    m.save_took = true; /* an entry on the disk for what was not set: harmless */
    assert_int_equal(set(LP_SETTING_IPV4_MTU, "1380"), LP_ERR_IO);
    assert_originals();
    m.save_error = 0;
    assert_int_equal(open_scope(), 0);
    assert_originals();
    assert_string_equal(m.report, "");
    assert_int_equal(m.journal_len, 0);
}

static void test_second_set_without_a_journal(void **state)
{
    set(LP_SETTING_IPV4_MTU, "1380");
    m.save_error = LP_ERR_IO;
    assert_int_equal(set(LP_SETTING_IPV4_MTU, "1400"), LP_ERR_IO);
    assert_string_equal(value_of(LP_SETTING_IPV4_MTU), "1380");
    assert_string_equal(scope.entry[0].new_value, "1380");
    assert_string_equal(scope.entry[0].next_value, "");
}

static void test_undo_without_a_journal_goes_on(void **state)
{
    set(LP_SETTING_IPV4_MTU, "1380");
    set(LP_SETTING_IPV4_METRIC, "1");
    m.save_error = LP_ERR_IO;
    assert_int_equal(undo_all(), 0);
    assert_originals();
    assert_int_equal(scope.count, 0);
    assert_non_null(strstr(m.report, "the journal of settings cannot be written"));
    m.save_error = 0;
    assert_int_equal(open_scope(), 0); /* the old journal is still there */
    assert_originals();
    assert_int_equal(m.journal_len, 0);
}

static void test_undo_that_fails_is_kept_and_tried_again(void **state)
{
    set(LP_SETTING_IPV4_MTU, "1380");
    set(LP_SETTING_IPV4_METRIC, "1");
    set(LP_SETTING_HOST_ROUTE, "198.51.100.1 5");
    machine_find(&m, LP_SETTING_IPV4_METRIC)->set_error = LP_ERR_PERMISSION;
    assert_int_equal(undo_all(), 1);
    assert_int_equal(scope.count, 1);
    assert_true(scope.entry[0].leftover);
    assert_string_equal(value_of(LP_SETTING_IPV4_MTU), "1500");
    assert_string_equal(value_of(LP_SETTING_HOST_ROUTE), "none");
    assert_non_null(strstr(m.report, "cannot be restored to auto: permission denied"));
    assert_int_equal(open_scope(), 0); /* the next start fails too, and keeps it */
    assert_int_equal(scope.count, 1);
    machine_find(&m, LP_SETTING_IPV4_METRIC)->set_error = 0;
    assert_int_equal(open_scope(), 0);
    assert_int_equal(scope.count, 0);
    assert_int_equal(m.journal_len, 0);
    assert_originals();
}

/* A leftover metric "1" in the scope of a new start, and the backend works again. */
static void make_leftover(void)
{
    set(LP_SETTING_IPV4_METRIC, "1");
    machine_find(&m, LP_SETTING_IPV4_METRIC)->get_error = LP_ERR_IO;
    assert_int_equal(open_scope(), 0);
    assert_int_equal(scope.count, 1);
    machine_find(&m, LP_SETTING_IPV4_METRIC)->get_error = 0;
}

static void test_leftover_is_not_reasserted(void **state)
{
    make_leftover();
    machine_meddle(&m, LP_SETTING_IPV4_METRIC, "25");
    assert_int_equal(lp_scope_reassert(&scope, machine_report, &m), 0);
    assert_string_equal(value_of(LP_SETTING_IPV4_METRIC), "25");
}

static void test_leftover_that_is_set_again(void **state)
{
    make_leftover();
    assert_int_equal(set(LP_SETTING_IPV4_METRIC, "1"), 0);
    assert_false(scope.entry[0].leftover);
    machine_meddle(&m, LP_SETTING_IPV4_METRIC, "25");
    assert_int_equal(lp_scope_reassert(&scope, machine_report, &m), 1);
    assert_int_equal(set(LP_SETTING_IPV4_METRIC, "9000"), 0);
    assert_int_equal(undo_all(), 0);
    assert_originals();
}

static void test_leftover_that_somebody_changed(void **state)
{
    make_leftover();
    machine_meddle(&m, LP_SETTING_IPV4_METRIC, "25");
    assert_int_equal(set(LP_SETTING_IPV4_METRIC, "25"), 0);
    assert_true(scope.entry[0].leftover); /* not ours: undoing leaves it */
    assert_int_equal(set(LP_SETTING_IPV4_METRIC, "1"), 0);
    assert_int_equal(scope.count, 1);
    assert_int_equal(undo_all(), 0);
    assert_string_equal(value_of(LP_SETTING_IPV4_METRIC), "25");
}

static void test_gone_targets_are_dropped(void **state)
{
    set(LP_SETTING_IPV4_MTU, "1380");
    set(LP_SETTING_HOST_ROUTE, "198.51.100.1 5");
    machine_find(&m, LP_SETTING_HOST_ROUTE)->gone = true;
    machine_find(&m, LP_SETTING_IPV4_MTU)->set_error = LP_ERR_NOTFOUND; /* went just now */
    assert_int_equal(open_scope(), 0);
    assert_int_equal(scope.count, 0);
    assert_int_equal(m.journal_len, 0);
    assert_non_null(strstr(m.report, "host_route of 192.0.2.9/1689399632756736 is gone"));
    assert_non_null(
        strstr(m.report, "ipv4_mtu of {0F6C0C34-52E4-4B5E-9C5C-2C3C0A1B2D3E} is gone"));
}

static void test_what_cannot_be_replayed_is_not_set(void **state)
{
    static const struct {
        enum lp_setting_kind kind;
        const char *target;
        const char *value;
    } bad[] = {
        {LP_SETTING_IPV4_MTU, "{OTHER}", "1380"},
        {LP_SETTING_IPV4_MTU, "", "1380"},
        {LP_SETTING_HOST_ROUTE, "192.0.2.9\t", "none"},
        {LP_SETTING_HOST_ROUTE, "192.0.2.\n", "none"},
        {LP_SETTING_HOST_ROUTE, "192.0.2.\xc3\xa4", "none"},
        {(enum lp_setting_kind)0, "x", "1"},
        {(enum lp_setting_kind)11, "x", "1"},
    };
    char target[LP_SETTING_TARGET_LEN + 1] = "192.0.2.9";
    char value[LP_SETTING_VALUE_LEN + 1] = "198.51.100.9";

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(lp_scope_set(&scope, bad[i].kind, bad[i].target, bad[i].value, why),
                         LP_ERR_INVALID);
    memset(target + strlen(target), '1', LP_SETTING_TARGET_LEN - strlen(target));
    memset(value + strlen(value), '1', LP_SETTING_VALUE_LEN - strlen(value));
    assert_int_equal(lp_scope_set(&scope, LP_SETTING_HOST_ROUTE, target, "none", why),
                     LP_ERR_INVALID);
    assert_int_equal(set(LP_SETTING_HOST_ROUTE, value), LP_ERR_INVALID);
    assert_int_equal(set(LP_SETTING_IPV4_MTU, "575"), LP_ERR_INVALID);
    assert_int_equal(set(LP_SETTING_IPV4_MTU, ""), LP_ERR_INVALID);
    assert_string_equal(m.log, "");
    value[LP_SETTING_VALUE_LEN - 1] = '\0'; /* the longest */
    assert_int_equal(set(LP_SETTING_HOST_ROUTE, value), 0);
    assert_int_equal(open_scope(), 0);
    assert_originals();
}

static void test_what_could_not_be_put_back_is_not_changed(void **state)
{
    strcpy(machine_find(&m, LP_SETTING_IPV4_MTU)->value, "65535");
    assert_int_equal(set(LP_SETTING_IPV4_MTU, "1380"), LP_ERR_INVALID);
    assert_string_equal(value_of(LP_SETTING_IPV4_MTU), "65535");
    assert_string_equal(m.log, "");
    assert_non_null(strstr(why, "could not be put back"));
}

static void test_reading_that_fails(void **state)
{
    machine_find(&m, LP_SETTING_IPV4_MTU)->get_error = LP_ERR_IO;
    assert_int_equal(set(LP_SETTING_IPV4_MTU, "1380"), LP_ERR_IO);
    assert_non_null(strstr(why, "cannot be read (input/output error)"));
    assert_string_equal(m.log, "");
}

/* ---- more than fits: host routes to many hosts ---- */

static char many[LP_SCOPE_ENTRIES_MAX + 1][LP_SETTING_VALUE_LEN];

static char *route_of(const struct lp_setting *setting)
{
    unsigned host = 0;

    sscanf(setting->target, "192.0.2.%u", &host);
    return many[host];
}

static int many_get(void *user, const struct lp_setting *setting,
                    char ret_value[LP_SETTING_VALUE_LEN])
{
    strcpy(ret_value, route_of(setting));
    return 0;
}

static int many_set(void *user, const struct lp_setting *setting, const char *value)
{
    strcpy(route_of(setting), value);
    return 0;
}

static void test_full(void **state)
{
    char target[LP_SETTING_TARGET_LEN];

    m.backend.get = many_get;
    m.backend.set = many_set;
    for (unsigned i = 0; i <= LP_SCOPE_ENTRIES_MAX; i++) {
        int expected = i < LP_SCOPE_ENTRIES_MAX ? 0 : LP_ERR_FULL;

        strcpy(many[i], "none");
        snprintf(target, sizeof(target), "192.0.2.%u", i);
        assert_int_equal(
            lp_scope_set(&scope, LP_SETTING_HOST_ROUTE, target, "198.51.100.1", why), expected);
    }
    assert_string_equal(many[LP_SCOPE_ENTRIES_MAX], "none");
    assert_int_equal(
        lp_scope_set(&scope, LP_SETTING_HOST_ROUTE, "192.0.2.7", "198.51.100.2", why),
        0); /* one that is there already */
    assert_int_equal(open_scope(), 0);
    for (unsigned i = 0; i <= LP_SCOPE_ENTRIES_MAX; i++)
        assert_string_equal(many[i], "none");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_nothing_to_begin_with, setup),
        cmocka_unit_test_setup(test_journal_before_setting_and_reverse_undo, setup),
        cmocka_unit_test_setup(test_same_value_is_not_ours, setup),
        cmocka_unit_test_setup(test_set_twice_keeps_the_first_old_value, setup),
        cmocka_unit_test_setup(test_set_to_the_original_is_held_too, setup),
        cmocka_unit_test_setup(test_undo_leaves_what_is_somebody_elses, setup),
        cmocka_unit_test_setup(test_undo_of_what_is_back_says_nothing, setup),
        cmocka_unit_test_setup(test_undo_keeps_the_first, setup),
        cmocka_unit_test_setup(test_next_start_restores, setup),
        cmocka_unit_test_setup(test_reassert, setup),
        cmocka_unit_test_setup(test_reassert_that_fails_goes_on, setup),
        cmocka_unit_test_setup(test_set_that_fails_leaves_no_trace, setup),
        cmocka_unit_test_setup(test_set_that_fails_and_took_is_put_back, setup),
        cmocka_unit_test_setup(test_second_set_that_fails_keeps_the_first, setup),
        cmocka_unit_test_setup(test_third_set_after_a_second_that_took, setup),
        cmocka_unit_test_setup(test_nothing_is_set_without_a_journal, setup),
        cmocka_unit_test_setup(test_second_set_without_a_journal, setup),
        cmocka_unit_test_setup(test_undo_without_a_journal_goes_on, setup),
        cmocka_unit_test_setup(test_undo_that_fails_is_kept_and_tried_again, setup),
        cmocka_unit_test_setup(test_leftover_is_not_reasserted, setup),
        cmocka_unit_test_setup(test_leftover_that_is_set_again, setup),
        cmocka_unit_test_setup(test_leftover_that_somebody_changed, setup),
        cmocka_unit_test_setup(test_gone_targets_are_dropped, setup),
        cmocka_unit_test_setup(test_what_cannot_be_replayed_is_not_set, setup),
        cmocka_unit_test_setup(test_what_could_not_be_put_back_is_not_changed, setup),
        cmocka_unit_test_setup(test_reading_that_fails, setup),
        cmocka_unit_test_setup(test_full, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
