/*
 * Scoped settings and the power: it goes out at every single call of the scope, before its
 * effect and after it, also while the next start restores. What must come out: each setting is
 * again what it was before, unless a stranger has changed it since, whose value then stays and
 * is reported.
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
    return lp_scope_open(&scope, &m.backend, &m.store, machine_report, &m, why);
}

static int set(enum lp_setting_kind kind, const char *value)
{
    return lp_scope_set(&scope, kind, machine_find(&m, kind)->setting.target, value, why);
}

/* A stranger does nothing on a machine without power. */
static void meddle(enum lp_setting_kind kind, const char *value)
{
    if (!m.off)
        machine_meddle(&m, kind, value);
}

/* An evening: set-up, a room with another MTU, Windows meddling, another relay, a failed step.
 */
static void play_evening(void)
{
    unsigned mark;

    if (open_scope() < 0)
        return;
    set(LP_SETTING_HOST_ROUTE, "198.51.100.1 5");
    set(LP_SETTING_IPV4_MTU, "1380");
    set(LP_SETTING_IPV4_METRIC, "1");
    set(LP_SETTING_IPV4_DEFAULT_ROUTES, "disabled");
    set(LP_SETTING_IPV4_MTU, "1400");
    meddle(LP_SETTING_IPV4_METRIC, "25");
    lp_scope_reassert(&scope, machine_report, &m);
    mark = scope.count;
    set(LP_SETTING_NETWORK_CATEGORY, "private");
    set(LP_SETTING_DNS_SERVERS, "192.0.2.53");
    lp_scope_undo_to(&scope, mark, machine_report, &m);
    set(LP_SETTING_HOST_ROUTE, "198.51.100.2 5");
    meddle(LP_SETTING_IPV4_MTU, "1300");
    set(LP_SETTING_IPV4_MTU, "1500");
    set(LP_SETTING_IPV4_MTU, "1420");
    set(LP_SETTING_DNS_SERVERS, "192.0.2.54");
    meddle(LP_SETTING_DNS_SERVERS, "192.0.2.99");
    lp_scope_undo_to(&scope, 0, machine_report, &m);
}

/* Runs what is given until it ends or the power goes out; true when it went out. */
static bool run(void (*play)(void), enum machine_cut cut, unsigned step, bool jumps)
{
    machine_cut_at(&m, cut, step, jumps);
    if (setjmp(m.power_cut) == 0)
        play();
    return m.off;
}

static void play_start(void)
{
    open_scope();
}

static void assert_restored(void)
{
    for (size_t i = 0; i < MACHINE_SETTINGS; i++) {
        const struct machine_setting *s = &m.setting[i];

        if (!s->strangers)
            assert_string_equal(s->value, s->original);
    }
    assert_int_equal(m.journal_len, 0);
    assert_int_equal(scope.count, 0);
}

/* A start with power; what strangers changed must be as they left it. */
static void start_and_check(void)
{
    struct machine before = m;

    machine_restart(&m);
    assert_int_equal(open_scope(), 0);
    assert_restored();
    for (size_t i = 0; i < MACHINE_SETTINGS; i++) {
        if (before.setting[i].strangers)
            assert_string_equal(m.setting[i].value, before.setting[i].value);
    }
    assert_null(strstr(m.report, "cannot"));
    assert_null(strstr(m.report, "damaged"));
    assert_null(strstr(m.report, "not valid"));
}

static unsigned evening_steps(void)
{
    machine_init(&m);
    assert_false(run(play_evening, CUT_NEVER, 0, false));
    assert_restored();
    assert_string_equal(machine_find(&m, LP_SETTING_DNS_SERVERS)->value, "192.0.2.99");
    return m.step;
}

static void test_power_cut_at_every_step(void **state)
{
    unsigned steps = evening_steps();

    assert_true(steps > 50);
    for (unsigned step = 1; step <= steps; step++) {
        for (unsigned way = 0; way < 4; way++) {
            machine_init(&m);
            /* A cut after the effect of a call that fails anyway is no cut. */
            if (run(play_evening, way % 2 == 0 ? CUT_BEFORE : CUT_AFTER, step, way >= 2))
                start_and_check();
            else
                assert_int_equal(way % 2, 1);
        }
    }
}

static void test_power_cut_at_every_step_of_the_recovery(void **state)
{
    unsigned steps = evening_steps();
    unsigned cuts = 0;

    for (unsigned step = 1; step <= steps; step++) {
        for (unsigned way = 0; way < 4; way++) {
            enum machine_cut cut = way % 2 == 0 ? CUT_BEFORE : CUT_AFTER;
            struct machine after_cut;

            machine_init(&m);
            run(play_evening, cut, step, true);
            after_cut = m;
            for (unsigned second = 1;; second++) {
                m = after_cut;
                m.backend.user = m.store.user = &m;
                machine_restart(&m);
                if (!run(play_start, way < 2 ? CUT_BEFORE : CUT_AFTER, second, way % 2 == 0))
                    break;
                cuts++;
                start_and_check();
            }
        }
    }
    assert_true(cuts > 1000);
}

/* Each start gets one step further than the one before and loses the power again. */
static void test_power_cut_in_start_after_start(void **state)
{
    unsigned steps = evening_steps();

    for (unsigned step = 1; step <= steps; step++) {
        for (unsigned way = 0; way < 2; way++) {
            machine_init(&m);
            run(play_evening, CUT_BEFORE, step, true);
            for (unsigned start = 1; start < 60; start++) {
                machine_restart(&m);
                run(play_start, way == 0 ? CUT_BEFORE : CUT_AFTER, start / 2 + 1, true);
            }
            start_and_check();
        }
    }
}

static void test_stranger_between_crash_and_start(void **state)
{
    unsigned steps = evening_steps();

    for (unsigned step = 1; step <= steps; step++) {
        bool known;

        machine_init(&m);
        run(play_evening, CUT_BEFORE, step, true);
        machine_meddle(&m, LP_SETTING_HOST_ROUTE, "198.51.100.77 1");
        machine_meddle(&m, LP_SETTING_IPV4_DEFAULT_ROUTES, "by-hand");
        known = machine_journal_has(&m, "host_route");
        start_and_check();
        assert_string_equal(machine_find(&m, LP_SETTING_HOST_ROUTE)->value, "198.51.100.77 1");
        assert_int_equal(strstr(m.report, "changed to 198.51.100.77 1 by somebody else and is "
                                          "left so") != NULL,
                         known);
    }
}

/* ---- anything, by numbers from a seed ---- */

static uint64_t rng_state;

static unsigned below(unsigned n)
{
    rng_state = rng_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(rng_state >> 33) % n;
}

static void play_anything(void)
{
    static const char *const values[MACHINE_SETTINGS][3] = {
        {"1380", "1400", "1500"},
        {"1", "9000", "auto"},
        {"disabled", "enabled", "disabled"},
        {"198.51.100.1", "198.51.100.2", "none"},
        {"private", "public", "private"},
        {"192.0.2.53", "192.0.2.54", "automatic"},
    };
    static const char *const strangers[MACHINE_SETTINGS] = {
        "1300", "77", "by-hand", "198.51.100.77", "domain", "203.0.113.53"};

    if (open_scope() < 0)
        return;
    for (unsigned i = 0; i < 40; i++) {
        unsigned which = below(MACHINE_SETTINGS);
        struct machine_setting *s = &m.setting[which];
        unsigned what = below(20);

        if (what < 12)
            lp_scope_set(&scope, s->setting.kind, s->setting.target, values[which][below(3)],
                         why);
        else if (what < 14)
            lp_scope_undo_to(&scope, below(MACHINE_SETTINGS), NULL, NULL);
        else if (what < 15)
            lp_scope_reassert(&scope, NULL, NULL);
        else if (what < 16)
            meddle(s->setting.kind, strangers[which]);
        else if (what < 17)
            s->get_error = s->get_error < 0 ? 0 : LP_ERR_IO;
        else if (what < 18)
            s->set_error = s->set_error < 0 ? 0 : LP_ERR_BUSY;
        else if (what < 19)
            s->set_took = !s->set_took;
        else
            m.save_error = m.save_error < 0 || below(3) > 0 ? 0 : LP_ERR_IO;
        m.save_took = below(2) == 0;
    }
}

/* Never is one of our values left where a stranger has never been. */
static void test_anything(void **state)
{
    for (unsigned seed = 1; seed <= 20000; seed++) {
        rng_state = seed;
        machine_init(&m);
        for (unsigned starts = below(4); starts > 0; starts--) {
            machine_restart(&m);
            run(play_anything, below(2) == 0 ? CUT_BEFORE : CUT_AFTER, 1 + below(150), true);
        }
        for (size_t i = 0; i < MACHINE_SETTINGS; i++)
            m.setting[i].get_error = m.setting[i].set_error = 0;
        m.save_error = 0;
        machine_restart(&m);
        assert_int_equal(open_scope(), 0);
        assert_int_equal(m.journal_len, 0);
        for (size_t i = 0; i < MACHINE_SETTINGS; i++) {
            if (!m.setting[i].touched && strcmp(m.setting[i].value, m.setting[i].original) != 0)
                fail_msg("seed %u: %s is %s", seed, lp_setting_name(m.setting[i].setting.kind),
                         m.setting[i].value);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_power_cut_at_every_step),
        cmocka_unit_test(test_power_cut_at_every_step_of_the_recovery),
        cmocka_unit_test(test_power_cut_in_start_after_start),
        cmocka_unit_test(test_stranger_between_crash_and_start),
        cmocka_unit_test(test_anything),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
