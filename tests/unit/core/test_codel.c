/* CoDel's control law (RFC 8289 5), call by call. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/codel.h"
#include "proto/ethernet.h"

#define T0   (7 * LP_NS_PER_S)
#define MS   LP_NS_PER_MS
#define MUCH (100 * LP_ETH_FRAME_MAX)

static void spacing_is_an_interval_over_the_root(void **state)
{
    assert_int_equal(lp_codel_control_law(T0, 1) - T0, 100 * MS);
    assert_int_equal(lp_codel_control_law(T0, 2) - T0, 70710678);
    assert_int_equal(lp_codel_control_law(T0, 3) - T0, 57735026);
    assert_int_equal(lp_codel_control_law(T0, 4) - T0, 50 * MS);
    assert_int_equal(lp_codel_control_law(T0, 100) - T0, 10 * MS);
    assert_int_equal(lp_codel_control_law(T0, 1000000) - T0, 100000);
    assert_int_equal(lp_codel_control_law(T0, UINT16_MAX) - T0, 390627);
}

/* Asks every `step_ns` for a while about packets that waited `waited_ns`; counts drops. */
static unsigned run(struct lp_codel *codel, uint64_t waited_ns, size_t behind, uint64_t from_ns,
                    uint64_t to_ns, uint64_t step_ns)
{
    unsigned drops = 0;

    for (uint64_t now_ns = from_ns; now_ns < to_ns; now_ns += step_ns)
        drops += lp_codel_drops(codel, waited_ns, behind, now_ns) ? 1 : 0;
    return drops;
}

static void below_the_target_nothing_is_dropped(void **state)
{
    struct lp_codel codel = {0};

    assert_int_equal(run(&codel, 5 * MS - 1, MUCH, T0, T0 + 10 * LP_NS_PER_S, MS), 0);
}

/* On a link slower than a frame in 5 ms the delay of one frame is nobody's fault. */
static void a_last_frame_is_not_dropped(void **state)
{
    struct lp_codel codel = {0};

    assert_int_equal(
        run(&codel, 400 * MS, LP_ETH_FRAME_MAX, T0, T0 + 10 * LP_NS_PER_S, 10 * MS), 0);
    assert_int_equal(run(&codel, 400 * MS, LP_ETH_FRAME_MAX + 1, T0, T0 + 101 * MS, 10 * MS),
                     1);
}

static void a_burst_below_an_interval_passes(void **state)
{
    struct lp_codel codel = {0};
    uint64_t now_ns = T0;

    for (unsigned i = 0; i < 50; i++) {
        assert_int_equal(run(&codel, 90 * MS, MUCH, now_ns, now_ns + 99 * MS, MS), 0);
        now_ns += 99 * MS;
        assert_false(lp_codel_drops(&codel, MS, MUCH, now_ns)); /* it has drained */
    }
}

static void drops_come_at_the_times_of_the_law(void **state)
{
    struct lp_codel codel = {0};
    uint64_t due_ns = T0 + 100 * MS; /* above for an interval */
    uint32_t drops = 0;

    for (uint64_t now_ns = T0; now_ns < T0 + 2 * LP_NS_PER_S; now_ns += MS / 10) {
        bool drop = lp_codel_drops(&codel, 20 * MS, MUCH, now_ns);

        assert_int_equal(drop, now_ns >= due_ns);
        if (!drop)
            continue;
        drops++;
        assert_int_equal(codel.count, drops);
        due_ns = lp_codel_control_law(drops == 1 ? now_ns : due_ns, drops);
    }
    /* 100 ms and 100 ms times the sum of 1 / sqrt(n) are below 2 s up to n = 104 */
    assert_int_equal(drops, 105);
}

/* After a pause there may be several at once, each due by its own time. */
static void a_late_caller_catches_up(void **state)
{
    struct lp_codel codel = {0};

    assert_int_equal(run(&codel, 20 * MS, MUCH, T0, T0 + 101 * MS, MS), 1);
    assert_true(lp_codel_drops(&codel, 20 * MS, MUCH, T0 + 300 * MS));  /* due at 200 */
    assert_true(lp_codel_drops(&codel, 20 * MS, MUCH, T0 + 300 * MS));  /* 270.7 */
    assert_false(lp_codel_drops(&codel, 20 * MS, MUCH, T0 + 300 * MS)); /* 328.4 */
}

static void it_ends_below_the_target(void **state)
{
    struct lp_codel codel = {0};

    assert_int_equal(run(&codel, 20 * MS, MUCH, T0, T0 + 150 * MS, MS), 1);
    assert_true(codel.dropping);
    assert_false(lp_codel_drops(&codel, 4 * MS, MUCH, T0 + 150 * MS));
    assert_false(codel.dropping);
    /* above again: an interval passes first */
    assert_int_equal(run(&codel, 20 * MS, MUCH, T0 + 151 * MS, T0 + 251 * MS, MS), 0);
    assert_true(lp_codel_drops(&codel, 20 * MS, MUCH, T0 + 251 * MS));
}

/* A state that begins again soon goes on near the rate that was needed; later it forgets. */
static void re_entry(void **state)
{
    struct lp_codel codel = {0};
    struct lp_codel later;
    uint64_t now_ns = T0 + LP_NS_PER_S;
    uint32_t reached;

    run(&codel, 20 * MS, MUCH, T0, now_ns, MS);
    reached = codel.count;
    assert_true(reached > 20);
    lp_codel_empty(&codel);
    assert_false(codel.dropping);
    later = codel;
    assert_int_equal(run(&codel, 20 * MS, MUCH, now_ns, now_ns + 101 * MS, MS), 1);
    assert_int_equal(codel.count, reached - 1); /* it had begun with 1 */
    assert_int_equal(codel.last_count, reached - 1);
    now_ns += 1600 * MS + 100 * MS; /* the last one was due by now at the latest */
    assert_int_equal(run(&later, 20 * MS, MUCH, now_ns, now_ns + 101 * MS, MS), 1);
    assert_int_equal(later.count, 1);
}

/* Nothing was dropped but the first: the next time starts gently, too. */
static void one_drop_was_enough(void **state)
{
    struct lp_codel codel = {0};

    for (unsigned i = 0; i < 5; i++) {
        uint64_t now_ns = T0 + i * 200 * MS;

        assert_int_equal(run(&codel, 20 * MS, MUCH, now_ns, now_ns + 101 * MS, MS), 1);
        assert_int_equal(codel.count, 1);
        lp_codel_empty(&codel);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spacing_is_an_interval_over_the_root),
        cmocka_unit_test(below_the_target_nothing_is_dropped),
        cmocka_unit_test(a_last_frame_is_not_dropped),
        cmocka_unit_test(a_burst_below_an_interval_passes),
        cmocka_unit_test(drops_come_at_the_times_of_the_law),
        cmocka_unit_test(a_late_caller_catches_up),
        cmocka_unit_test(it_ends_below_the_target),
        cmocka_unit_test(re_entry),
        cmocka_unit_test(one_drop_was_enough),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
