/* The forwarding table: ageing, refresh, and who goes when it is full. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/fdb.h"

#define T0 (9 * LP_NS_PER_S)

static const struct lp_fdb_salt salt = {0x9e3779b97f4a7c15, 0x0123456789abcdef};

static struct lp_mac mac_of(unsigned n)
{
    return (struct lp_mac){
        {0x00, 0x16, 0x3e, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n}};
}

static void learn(struct lp_fdb *fdb, unsigned n, uint64_t now_ns)
{
    struct lp_mac mac = mac_of(n);

    assert_int_equal(lp_fdb_learn(fdb, &mac, now_ns), 0);
}

static bool knows(const struct lp_fdb *fdb, unsigned n, uint64_t now_ns)
{
    struct lp_mac mac = mac_of(n);

    return lp_fdb_knows(fdb, &mac, now_ns);
}

static void knows_what_it_learned(void **state)
{
    struct lp_fdb fdb;

    lp_fdb_init(&fdb, 4, &salt);
    assert_false(knows(&fdb, 1, T0));
    learn(&fdb, 1, T0);
    assert_true(knows(&fdb, 1, T0));
    assert_false(knows(&fdb, 2, T0));
    assert_int_equal(fdb.count, 1);
    lp_fdb_deinit(&fdb);
}

static void forgets_by_age(void **state)
{
    struct lp_fdb fdb;

    lp_fdb_init(&fdb, 4, &salt);
    learn(&fdb, 1, T0);
    assert_true(knows(&fdb, 1, T0 + LP_FDB_AGE_NS - 1));
    assert_false(knows(&fdb, 1, T0 + LP_FDB_AGE_NS));
    /* seen again: 300 s from then */
    learn(&fdb, 1, T0 + 10);
    assert_true(knows(&fdb, 1, T0 + 10 + LP_FDB_AGE_NS - 1));
    assert_false(knows(&fdb, 1, T0 + 10 + LP_FDB_AGE_NS));
    assert_int_equal(fdb.count, 1);
    /* what is too old goes when something new comes */
    learn(&fdb, 2, T0 + 10 + LP_FDB_AGE_NS);
    assert_int_equal(fdb.count, 1);
    assert_true(knows(&fdb, 2, T0 + 10 + LP_FDB_AGE_NS));
    lp_fdb_deinit(&fdb);
}

static void the_one_silent_longest_makes_room(void **state)
{
    struct lp_fdb fdb;

    lp_fdb_init(&fdb, 3, &salt);
    learn(&fdb, 1, T0);
    learn(&fdb, 2, T0 + 1);
    learn(&fdb, 3, T0 + 2);
    learn(&fdb, 1, T0 + 3); /* 2 is the oldest now */
    learn(&fdb, 4, T0 + 4);
    assert_int_equal(fdb.count, 3);
    assert_true(knows(&fdb, 1, T0 + 4));
    assert_false(knows(&fdb, 2, T0 + 4));
    assert_true(knows(&fdb, 3, T0 + 4));
    assert_true(knows(&fdb, 4, T0 + 4));
    learn(&fdb, 5, T0 + 5);
    assert_false(knows(&fdb, 3, T0 + 5));
    lp_fdb_deinit(&fdb);
}

static void capacity_is_4096_a_room(void **state)
{
    struct lp_fdb fdb;

    assert_int_equal(LP_FDB_CAPACITY, 4096);
    lp_fdb_init(&fdb, LP_FDB_CAPACITY, &salt);
    for (unsigned i = 0; i < 10000; i++)
        learn(&fdb, i, T0 + i);
    assert_int_equal(fdb.count, 4096);
    assert_false(knows(&fdb, 10000 - 4096 - 1, T0 + 10000));
    for (unsigned i = 10000 - 4096; i < 10000; i++)
        assert_true(knows(&fdb, i, T0 + 10000));
    lp_fdb_deinit(&fdb);
}

static void forget_and_clear(void **state)
{
    struct lp_fdb fdb;
    struct lp_mac two = mac_of(2);

    lp_fdb_init(&fdb, 8, &salt);
    for (unsigned i = 1; i <= 3; i++)
        learn(&fdb, i, T0);
    lp_fdb_forget(&fdb, &two); /* out of the middle of the list */
    lp_fdb_forget(&fdb, &two);
    assert_int_equal(fdb.count, 2);
    assert_false(knows(&fdb, 2, T0));
    assert_true(knows(&fdb, 1, T0) && knows(&fdb, 3, T0));
    lp_fdb_clear(&fdb);
    lp_fdb_clear(&fdb);
    assert_int_equal(fdb.count, 0);
    assert_false(knows(&fdb, 1, T0));
    learn(&fdb, 1, T0);
    assert_true(knows(&fdb, 1, T0));
    lp_fdb_deinit(&fdb);
}

#define AIMED   200
#define BUCKETS 1024 /* what uthash makes of 4096 addresses, or more */

static unsigned fullest_bucket(const struct lp_fdb_salt *with, const unsigned n[],
                               unsigned count)
{
    unsigned fill[BUCKETS] = {0};
    unsigned fullest = 0;

    for (unsigned i = 0; i < count; i++) {
        struct lp_mac mac = mac_of(n[i]);
        unsigned bucket = lp_fdb_hash(with, &mac) % BUCKETS;

        if (++fill[bucket] > fullest)
            fullest = fill[bucket];
    }
    return fullest;
}

/* Addresses that share a bucket under one salt are spread by any other. */
static void nobody_aims_without_the_salt(void **state)
{
    static const struct lp_fdb_salt others[] = {
        {0xd1342543de82ef95, 1}, {0xc2b2ae3d27d4eb4f, 2}, {0x165667b19e3779f9, 3}};
    unsigned n[AIMED];
    unsigned count = 0;
    struct lp_fdb fdb;

    for (unsigned i = 0; count < AIMED; i++) {
        struct lp_mac mac = mac_of(i);

        if (lp_fdb_hash(&salt, &mac) % BUCKETS == 7)
            n[count++] = i;
    }
    assert_int_equal(fullest_bucket(&salt, n, AIMED), AIMED);
    for (unsigned i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        assert_true(fullest_bucket(&others[i], n, AIMED) <= 8);
        lp_fdb_init(&fdb, AIMED, &others[i]);
        for (unsigned j = 0; j < AIMED; j++)
            learn(&fdb, n[j], T0);
        for (unsigned j = 0; j < AIMED; j++)
            assert_true(knows(&fdb, n[j], T0));
        lp_fdb_deinit(&fdb);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_what_it_learned),
        cmocka_unit_test(forgets_by_age),
        cmocka_unit_test(the_one_silent_longest_makes_room),
        cmocka_unit_test(capacity_is_4096_a_room),
        cmocka_unit_test(forget_and_clear),
        cmocka_unit_test(nobody_aims_without_the_salt),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
