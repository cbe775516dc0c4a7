/* Token buckets: exact to the token and to the nanosecond. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/time.h"
#include "core/bucket.h"

#define T0 (77 * LP_NS_PER_S)

static unsigned take_all(struct lp_bucket *bucket, uint64_t now_ns)
{
    unsigned taken = 0;

    while (taken < 100000 && lp_bucket_take(bucket, 1, now_ns))
        taken++;
    return taken;
}

static void burst_then_rate(void **state)
{
    struct lp_bucket b;

    lp_bucket_init(&b, 32, 64, T0);
    assert_int_equal(take_all(&b, T0), 64);
    /* 1/32 s is 31,250,000 ns */
    assert_false(lp_bucket_take(&b, 1, T0 + 31249999));
    assert_true(lp_bucket_take(&b, 1, T0 + 31250000));
    assert_false(lp_bucket_take(&b, 1, T0 + 31250000));
    assert_int_equal(take_all(&b, T0 + LP_NS_PER_S), 31);
    assert_int_equal(take_all(&b, T0 + 2 * LP_NS_PER_S), 32);
    assert_int_equal(take_all(&b, T0 + 60 * LP_NS_PER_S), 64);
}

static void a_refusal_takes_nothing(void **state)
{
    struct lp_bucket b;

    lp_bucket_init(&b, 1000, 1514, T0);
    assert_true(lp_bucket_take(&b, 1000, T0));
    assert_false(lp_bucket_take(&b, 515, T0));
    assert_true(lp_bucket_take(&b, 514, T0));
    assert_false(lp_bucket_take(&b, 1, T0));
    assert_true(lp_bucket_take(&b, 0, T0));
}

static void rate_zero_is_unlimited(void **state)
{
    struct lp_bucket b;

    lp_bucket_init(&b, 0, 0, T0);
    assert_int_equal(take_all(&b, T0), 100000);
    assert_true(lp_bucket_take(&b, UINT64_MAX, T0));
}

static void burst_zero_gives_nothing(void **state)
{
    struct lp_bucket b;

    lp_bucket_init(&b, 10, 0, T0);
    assert_false(lp_bucket_take(&b, 1, T0));
    assert_false(lp_bucket_take(&b, 1, T0 + 100 * LP_NS_PER_S));
}

/* 3 a second asked every nanosecond-odd step: thirds must add up. */
static void no_token_is_lost_to_rounding(void **state)
{
    struct lp_bucket b;
    unsigned taken = 0;

    lp_bucket_init(&b, 3, 5, T0);
    assert_int_equal(take_all(&b, T0), 5);
    for (uint64_t t = 7; t <= 100 * LP_NS_PER_S; t += 9999991)
        taken += take_all(&b, T0 + t);
    taken += take_all(&b, T0 + 100 * LP_NS_PER_S);
    assert_int_equal(taken, 300);
}

static void many_small_steps_are_one_big_one(void **state)
{
    struct lp_bucket small;
    struct lp_bucket big;

    lp_bucket_init(&small, 1234567891, UINT64_C(1) << 40, T0);
    lp_bucket_take(&small, UINT64_C(1) << 40, T0);
    big = small;
    for (uint64_t t = 0; t <= 3 * LP_NS_PER_S; t += 123457)
        lp_bucket_take(&small, 0, T0 + t);
    lp_bucket_take(&small, 0, T0 + 3 * LP_NS_PER_S);
    lp_bucket_take(&big, 0, T0 + 3 * LP_NS_PER_S);
    assert_true(small.tokens == big.tokens && small.credit == big.credit);
    assert_true(big.tokens == UINT64_C(3703703673));
}

static void a_full_bucket_saves_no_fraction(void **state)
{
    struct lp_bucket b;

    lp_bucket_init(&b, 1, 1, T0);
    assert_true(lp_bucket_take(&b, 1, T0 + LP_NS_PER_S / 2));
    assert_false(lp_bucket_take(&b, 1, T0 + LP_NS_PER_S));
    assert_true(lp_bucket_take(&b, 1, T0 + LP_NS_PER_S * 3 / 2));
}

static void the_bounds_do_not_overflow(void **state)
{
    struct lp_bucket b;

    lp_bucket_init(&b, UINT64_C(1) << 40, UINT64_MAX, 0);
    assert_true(lp_bucket_take(&b, UINT64_MAX, 0));
    /* 16,777,216 s at 2^40 a second is 2^64: full again a nanosecond's worth earlier */
    assert_false(lp_bucket_take(&b, UINT64_MAX, UINT64_C(16777215) * LP_NS_PER_S));
    assert_true(b.tokens == UINT64_C(16777215) << 40);
    assert_true(lp_bucket_take(&b, UINT64_MAX, UINT64_C(16777216) * LP_NS_PER_S));

    lp_bucket_init(&b, 1, 1, 0);
    assert_true(lp_bucket_take(&b, 1, 0));
    assert_true(lp_bucket_take(&b, 1, UINT64_MAX));
}

static void time_does_not_run_back(void **state)
{
    struct lp_bucket b;

    lp_bucket_init(&b, 1, 2, T0);
    assert_int_equal(take_all(&b, T0), 2);
    assert_false(lp_bucket_take(&b, 1, T0 - 10 * LP_NS_PER_S));
    assert_false(lp_bucket_take(&b, 1, T0 + LP_NS_PER_S - 1));
    assert_true(lp_bucket_take(&b, 1, T0 + LP_NS_PER_S));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(burst_then_rate),
        cmocka_unit_test(a_refusal_takes_nothing),
        cmocka_unit_test(rate_zero_is_unlimited),
        cmocka_unit_test(burst_zero_gives_nothing),
        cmocka_unit_test(no_token_is_lost_to_rounding),
        cmocka_unit_test(many_small_steps_are_one_big_one),
        cmocka_unit_test(a_full_bucket_saves_no_fraction),
        cmocka_unit_test(the_bounds_do_not_overflow),
        cmocka_unit_test(time_does_not_run_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
