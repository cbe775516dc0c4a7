#include "core/packet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CAPACITY 1000

static void never_more_than_its_capacity(void **state)
{
    static struct lp_packet *taken[CAPACITY];
    struct lp_packet_pool pool;

    (void)state;
    lp_packet_pool_init(&pool, CAPACITY);
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < CAPACITY; i++) {
            taken[i] = lp_packet_take(&pool);
            assert_non_null(taken[i]);
            memset(taken[i]->bytes, (int)i, sizeof(taken[i]->bytes));
        }
        assert_null(lp_packet_take(&pool));
        assert_int_equal(pool.out, CAPACITY);
        for (unsigned i = 0; i < CAPACITY; i++) {
            assert_int_equal(taken[i]->bytes[sizeof(taken[i]->bytes) - 1], (uint8_t)i);
            lp_packet_give(&pool, taken[i]);
        }
        assert_int_equal(pool.out, 0);
        assert_int_equal(pool.allocated, CAPACITY);
    }
    lp_packet_pool_deinit(&pool);
}

static void those_given_back_serve_first(void **state)
{
    struct lp_packet_pool pool;
    struct lp_packet *first, *second;

    (void)state;
    lp_packet_pool_init(&pool, CAPACITY);
    first = lp_packet_take(&pool);
    second = lp_packet_take(&pool);
    assert_non_null(first);
    assert_non_null(second);
    assert_ptr_not_equal(first, second);
    lp_packet_give(&pool, first);
    assert_ptr_equal(lp_packet_take(&pool), first);
    assert_int_equal(pool.allocated, 2);
    lp_packet_give(&pool, second);
    lp_packet_give(&pool, first);
    lp_packet_pool_deinit(&pool);
}

static void it_is_free_with_the_last_who_keeps_it(void **state)
{
    struct lp_packet_pool pool;
    struct lp_packet *first, *second;

    (void)state;
    lp_packet_pool_init(&pool, 2);
    first = lp_packet_take(&pool);
    second = lp_packet_take(&pool);
    assert_non_null(first);
    assert_non_null(second);
    lp_packet_keep_sent(&pool, first);
    lp_packet_give(&pool, first);
    assert_null(lp_packet_take(&pool));
    lp_packet_forget_sent(&pool, first);
    assert_ptr_equal(lp_packet_take(&pool), first);
    lp_packet_give(&pool, first);
    lp_packet_give(&pool, second);
    lp_packet_pool_deinit(&pool);
}

static void half_may_be_kept(void **state)
{
    static struct lp_packet *taken[CAPACITY];
    struct lp_packet_pool pool;
    unsigned kept = 0;

    (void)state;
    lp_packet_pool_init(&pool, CAPACITY);
    for (; lp_packet_sent_room(&pool) > 0; kept++) {
        taken[kept] = lp_packet_take(&pool);
        assert_non_null(taken[kept]);
        lp_packet_keep_sent(&pool, taken[kept]);
        lp_packet_give(&pool, taken[kept]);
    }
    assert_int_equal(kept, CAPACITY / 2);
    assert_int_equal(pool.out, kept);
    while (kept > 0)
        lp_packet_forget_sent(&pool, taken[--kept]);
    assert_int_equal(pool.out, 0);
    lp_packet_pool_deinit(&pool);
}

static void one_that_may_have_none_gives_none(void **state)
{
    struct lp_packet_pool pool;

    (void)state;
    lp_packet_pool_init(&pool, 0);
    assert_null(lp_packet_take(&pool));
    lp_packet_pool_deinit(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(never_more_than_its_capacity),
        cmocka_unit_test(those_given_back_serve_first),
        cmocka_unit_test(it_is_free_with_the_last_who_keeps_it),
        cmocka_unit_test(half_may_be_kept),
        cmocka_unit_test(one_that_may_have_none_gives_none),
    };

    return cmocka_run_group_tests_name("packet", tests, NULL, NULL);
}
