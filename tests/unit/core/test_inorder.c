#include "core/inorder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/wire.h"

#define T0      (100 * LP_NS_PER_S)
#define MS      LP_NS_PER_MS
#define OUT_MAX 20000

struct bed {
    struct lp_packet_pool pool;
    struct lp_inorder *inorder;
    uint16_t out[OUT_MAX]; /* numbers in the order in which they came out */
    unsigned out_count;
};

static int set_up(void **state)
{
    struct bed *bed = calloc(1, sizeof(*bed));

    assert_non_null(bed);
    lp_packet_pool_init(&bed->pool, 4096);
    bed->inorder = lp_inorder_new(&bed->pool);
    assert_non_null(bed->inorder);
    *state = bed;
    return 0;
}

static int tear_down(void **state)
{
    struct bed *bed = *state;

    lp_inorder_free(bed->inorder);
    lp_packet_pool_deinit(&bed->pool); /* asserts that all came back */
    free(bed);
    return 0;
}

static struct lp_inorder_stats stats_of(const struct bed *bed)
{
    struct lp_inorder_stats stats;

    lp_inorder_stats(bed->inorder, &stats);
    return stats;
}

static void came_out(struct bed *bed, uint16_t number)
{
    assert_true(bed->out_count < OUT_MAX);
    bed->out[bed->out_count++] = number;
}

static void drain(struct bed *bed)
{
    struct lp_packet *packet;

    while ((packet = lp_inorder_pop(bed->inorder)) != NULL) {
        assert_int_equal(packet->overlay.payload_len, 60);
        assert_ptr_equal(packet->overlay.payload, packet->bytes);
        assert_int_equal(lp_load_be16(packet->bytes), packet->overlay.sequence.number);
        came_out(bed, packet->overlay.sequence.number);
        lp_packet_give(&bed->pool, packet);
    }
}

static enum lp_inorder_result push_tag(struct bed *bed, uint16_t tag, uint16_t number,
                                       bool hold, uint64_t now_ns)
{
    uint8_t payload[60] = {0};
    struct lp_overlay overlay = {
        .type = LP_OVERLAY_FRAME,
        .flags = LP_OVERLAY_FLAG_SEQUENCE,
        .peer_id = 7,
        .sequence = {.flow = tag, .number = number},
        .payload = payload,
        .payload_len = sizeof(payload),
    };
    enum lp_inorder_result result;

    lp_store_be16(payload, number);
    result = lp_inorder_push(bed->inorder, &overlay, hold, now_ns);
    if (result == LP_INORDER_PASS)
        came_out(bed, number);
    drain(bed);
    if (result == LP_INORDER_PASS_LAST)
        came_out(bed, number);
    return result;
}

static enum lp_inorder_result push(struct bed *bed, uint16_t number, uint64_t now_ns)
{
    return push_tag(bed, 3, number, true, now_ns);
}

static void pass_deadlines(struct bed *bed, uint64_t now_ns)
{
    while (lp_inorder_next_deadline(bed->inorder) <= now_ns) {
        lp_inorder_on_deadline(bed->inorder, now_ns);
        drain(bed);
    }
}

static void assert_out(struct bed *bed, const uint16_t want[], unsigned count)
{
    assert_int_equal(bed->out_count, count);
    assert_memory_equal(bed->out, want, count * sizeof(want[0]));
    bed->out_count = 0;
}

#define OUT(...)                                                                               \
    assert_out(bed, (const uint16_t[]){__VA_ARGS__},                                           \
               sizeof((const uint16_t[]){__VA_ARGS__}) / sizeof(uint16_t))

static void in_order_passes_at_once(void **state)
{
    struct bed *bed = *state;

    for (unsigned i = 0; i < 70000 % OUT_MAX; i++)
        assert_int_equal(push(bed, (uint16_t)(65000 + i), T0 + i), LP_INORDER_PASS);
    assert_int_equal(lp_inorder_next_deadline(bed->inorder), LP_TIME_NEVER);
    assert_int_equal(stats_of(bed).given_up + stats_of(bed).filled + stats_of(bed).late, 0);
}

static void what_overtakes_is_held_until_the_gap_fills(void **state)
{
    struct bed *bed = *state;

    push(bed, 65534, T0);
    assert_int_equal(push(bed, 0, T0 + 1 * MS), LP_INORDER_HELD);
    assert_int_equal(push(bed, 2, T0 + 2 * MS), LP_INORDER_HELD);
    assert_int_equal(push(bed, 3, T0 + 2 * MS), LP_INORDER_HELD);
    OUT(65534);
    assert_int_equal(push(bed, 65535, T0 + 20 * MS), LP_INORDER_PASS);
    OUT(65535, 0);
    assert_int_equal(push(bed, 1, T0 + 21 * MS), LP_INORDER_PASS);
    OUT(1, 2, 3);
    assert_int_equal(stats_of(bed).filled, 2);
    assert_int_equal(stats_of(bed).held, 0);
    assert_int_equal(lp_inorder_next_deadline(bed->inorder), LP_TIME_NEVER);
}

static void a_gap_is_waited_for_50_ms_at_most(void **state)
{
    struct bed *bed = *state;

    push(bed, 10, T0);
    push(bed, 12, T0 + 1 * MS);
    push(bed, 15, T0 + 30 * MS);
    push(bed, 14, T0 + 40 * MS); /* before 15, for which it must not become later */
    OUT(10);
    assert_int_equal(lp_inorder_next_deadline(bed->inorder), T0 + 51 * MS);
    pass_deadlines(bed, T0 + 51 * MS - 1);
    assert_int_equal(bed->out_count, 0);
    pass_deadlines(bed, T0 + 51 * MS);
    OUT(12);
    pass_deadlines(bed, T0 + 80 * MS);
    OUT(14, 15);
    assert_int_equal(push(bed, 13, T0 + 81 * MS), LP_INORDER_PASS); /* late, still wanted */
    assert_int_equal(push(bed, 13, T0 + 81 * MS), LP_INORDER_DUPLICATE);
    OUT(13);
    assert_int_equal(stats_of(bed).late, 1);
    assert_int_equal(stats_of(bed).given_up, 2);
}

static void copies_are_duplicates_wherever_the_original_is(void **state)
{
    struct bed *bed = *state;

    push(bed, 1, T0);
    assert_int_equal(push(bed, 1, T0), LP_INORDER_DUPLICATE);
    push(bed, 3, T0);
    assert_int_equal(push(bed, 3, T0), LP_INORDER_DUPLICATE); /* held */
    push(bed, 2, T0);
    for (uint16_t number = 1; number <= 3; number++)
        assert_int_equal(push(bed, number, T0), LP_INORDER_DUPLICATE);
    OUT(1, 2, 3);
    assert_int_equal(stats_of(bed).duplicates, 5);
    for (unsigned i = 4; i < 4 + LP_INORDER_WINDOW; i++)
        push(bed, (uint16_t)i, T0);
    bed->out_count = 0;
    assert_int_equal(push(bed, 4, T0), LP_INORDER_DUPLICATE); /* the oldest in the window */
}

static void without_holding_order_is_as_it_comes(void **state)
{
    static const uint16_t order[] = {5, 7, 6, 9, 9, 8, 6};
    struct bed *bed = *state;

    for (unsigned i = 0; i < 7; i++)
        push_tag(bed, 3, order[i], false, T0);
    OUT(5, 7, 6, 9, 8);
    assert_int_equal(stats_of(bed).duplicates, 2);
    assert_int_equal(stats_of(bed).late, 0); /* which would make others wait for longer */
    assert_int_equal(lp_inorder_next_deadline(bed->inorder), LP_TIME_NEVER);
}

/* Two inner flows can share a tag: what does not wait is not kept by what does. */
static void a_tag_may_mix_both(void **state)
{
    struct bed *bed = *state;

    push_tag(bed, 3, 1, true, T0);
    assert_int_equal(push_tag(bed, 3, 3, true, T0), LP_INORDER_HELD);
    assert_int_equal(push_tag(bed, 3, 4, false, T0), LP_INORDER_PASS);
    assert_int_equal(push_tag(bed, 3, 5, true, T0), LP_INORDER_HELD);
    assert_int_equal(push_tag(bed, 3, 2, false, T0), LP_INORDER_PASS);
    OUT(1, 4, 2, 3, 5);
    assert_int_equal(push_tag(bed, 3, 6, true, T0), LP_INORDER_PASS);
}

static void tags_are_apart(void **state)
{
    struct bed *bed = *state;

    push_tag(bed, 0, 1, true, T0);
    push_tag(bed, 65535, 1, true, T0);
    assert_int_equal(push_tag(bed, 0, 3, true, T0), LP_INORDER_HELD);
    assert_int_equal(push_tag(bed, 65535, 2, true, T0), LP_INORDER_PASS);
    OUT(1, 1, 2);
}

/* Four find room in a place; a fifth takes that of the one that was silent longest. */
static void more_flows_than_places(void **state)
{
    enum { STEP = LP_INORDER_FLOWS / 4 };
    struct bed *bed = *state;

    for (unsigned i = 0; i < 5; i++)
        push_tag(bed, (uint16_t)(i * STEP), 7, true, T0 + i);
    assert_int_equal(push_tag(bed, 4 * STEP, 7, true, T0 + 5), LP_INORDER_DUPLICATE);
    assert_int_equal(push_tag(bed, 1 * STEP, 7, true, T0 + 5), LP_INORDER_DUPLICATE);
    assert_int_equal(push_tag(bed, 0 * STEP, 7, true, T0 + 6), LP_INORDER_PASS); /* in 2's */
    assert_int_equal(push_tag(bed, 2 * STEP, 9, true, T0 + 7), LP_INORDER_PASS); /* in 3's */
    /* who holds something keeps the place; when all do, others pass as they come */
    push_tag(bed, 0 * STEP, 9, true, T0 + 8);
    push_tag(bed, 1 * STEP, 9, true, T0 + 8);
    push_tag(bed, 2 * STEP, 11, true, T0 + 8);
    push_tag(bed, 4 * STEP, 9, true, T0 + 8);
    assert_int_equal(stats_of(bed).held, 4);
    assert_int_equal(push_tag(bed, 5 * STEP, 1, true, T0 + 9), LP_INORDER_PASS);
    assert_int_equal(push_tag(bed, 5 * STEP, 1, true, T0 + 9), LP_INORDER_PASS);
    assert_int_equal(push_tag(bed, 0 * STEP, 8, true, T0 + 9), LP_INORDER_PASS);
}

static void patience_is_learned(void **state)
{
    struct bed *bed = *state;
    uint64_t now_ns = T0;
    uint16_t number = 1;

    push(bed, number++, now_ns);
    /* nothing is sent again: soon hardly any wait */
    for (unsigned i = 0; i < 60; i++) {
        number++;
        push(bed, number++, now_ns);
        now_ns = lp_time_min(lp_inorder_next_deadline(bed->inorder), now_ns + 60 * MS);
        pass_deadlines(bed, now_ns);
    }
    assert_in_range(stats_of(bed).wait_ns, 1, 3 * MS);
    /* it is, 20 ms later: after a few that came too late they are waited for */
    for (unsigned i = 0; i < 10; i++) {
        push(bed, (uint16_t)(number + 1), now_ns);
        pass_deadlines(bed, now_ns + 20 * MS - 1);
        now_ns += 20 * MS;
        push(bed, number, now_ns);
        pass_deadlines(bed, now_ns);
        number = (uint16_t)(number + 2);
    }
    assert_in_range(stats_of(bed).late, 3, 6);
    assert_in_range(stats_of(bed).filled, 4, 7);
    assert_in_range(stats_of(bed).wait_ns, 20 * MS, 50 * MS);
}

static void an_origin_that_counts_anew(void **state)
{
    struct bed *bed = *state;

    push(bed, 100, T0);
    push(bed, 102, T0); /* held */
    bed->out_count = 0;
    assert_int_equal(push(bed, 30000, T0 + 1), LP_INORDER_PASS); /* a stray, for all we know */
    assert_int_equal(push(bed, 30001, T0 + 2), LP_INORDER_PASS_LAST);
    OUT(30000, 102, 30001);
    assert_int_equal(push(bed, 30002, T0 + 2), LP_INORDER_PASS);
    /* within the window, but after a silence */
    assert_int_equal(push(bed, 29990, T0 + 3 + LP_INORDER_SILENT_NS), LP_INORDER_PASS);
    assert_int_equal(push(bed, 30001, T0 + 4 + LP_INORDER_SILENT_NS), LP_INORDER_HELD);
}

static void a_stray_changes_nothing(void **state)
{
    struct bed *bed = *state;

    push(bed, 100, T0);
    push(bed, 30000, T0);
    push(bed, 101, T0);
    push(bed, 30001, T0); /* not the second in a row */
    push(bed, 102, T0);
    OUT(100, 30000, 101, 30001, 102);
    assert_int_equal(push(bed, 102, T0), LP_INORDER_DUPLICATE);
}

static void too_much_that_waits_is_let_go(void **state)
{
    struct bed *bed = *state;

    push(bed, 0, T0);
    for (unsigned i = 0; i < LP_INORDER_HELD_MAX; i++)
        assert_int_equal(push(bed, (uint16_t)(2 + i), T0), LP_INORDER_HELD);
    assert_int_equal(bed->out_count, 1);
    assert_int_equal(push(bed, 2 + LP_INORDER_HELD_MAX, T0), LP_INORDER_PASS_LAST);
    assert_int_equal(bed->out_count, 2 + LP_INORDER_HELD_MAX);
    for (unsigned i = 1; i < bed->out_count; i++)
        assert_int_equal(bed->out[i], i + 1);
    assert_int_equal(push(bed, 3 + LP_INORDER_HELD_MAX, T0), LP_INORDER_PASS);
}

/* The worst order to put them into their places: who sends so is let go, and soon. */
static void a_long_search_is_not_made(void **state)
{
    struct bed *bed = *state;
    unsigned held = 0;

    push(bed, 0, T0);
    push(bed, 1500, T0);
    for (uint16_t pair = 0; pair < 300; pair++) { /* each far from the one before it */
        held += push(bed, (uint16_t)(2 + pair), T0) == LP_INORDER_HELD;
        held += push(bed, (uint16_t)(1400 - pair), T0) == LP_INORDER_HELD;
    }
    assert_true(held < 600 && stats_of(bed).given_up > 0);
    pass_deadlines(bed, T0 + LP_INORDER_WAIT_MAX_NS);
    assert_int_equal(bed->out_count, 602);
    assert_int_equal(stats_of(bed).held, 0);
}

/* A burst that was lost comes again behind its own first one, which was lost once more. */
static void a_burst_that_comes_again_finds_its_place(void **state)
{
    struct bed *bed = *state;

    push(bed, 0, T0);
    for (uint16_t number = 500; number < 600; number++)
        assert_int_equal(push(bed, number, T0), LP_INORDER_HELD);
    for (uint16_t number = 2; number < 500; number++)
        assert_int_equal(push(bed, number, T0 + MS), LP_INORDER_HELD);
    push(bed, 1, T0 + 2 * MS);
    assert_int_equal(bed->out_count, 600);
    for (unsigned i = 0; i < 600; i++)
        assert_int_equal(bed->out[i], i);
}

static void an_empty_pool_costs_order_only(void **state)
{
    struct bed *bed = *state;
    struct lp_packet *taken[4096];

    for (unsigned i = 0; i < 4095; i++)
        taken[i] = lp_packet_take(&bed->pool);
    push(bed, 0, T0);
    assert_int_equal(push(bed, 2, T0), LP_INORDER_HELD);
    assert_int_equal(push(bed, 4, T0), LP_INORDER_PASS_LAST);
    OUT(0, 2, 4);
    for (unsigned i = 0; i < 4095; i++)
        lp_packet_give(&bed->pool, taken[i]);
}

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

/*
 * A lossy hop, seen from behind it: some datagrams come 40 ms late, some twice, some never. Each
 * comes out once at most, hardly any out of order, and none is kept for more than
 * 50 ms.
 */
static void a_lossy_hop(void **state)
{
    enum { COUNT = 6000, LATE = 40 };
    static uint64_t at[COUNT], out_at[COUNT];
    static uint8_t out[COUNT];
    struct bed *bed = *state;
    uint32_t seed = 5;
    uint64_t now_ns = T0;
    unsigned unordered = 0, never = 0, delivered = 0, highest = 0;

    for (unsigned i = 0; i < COUNT; i++) {
        uint32_t chance = next_random(&seed) % 1000;

        at[i] = T0 + i * (MS / 2) + (chance < 20 ? LATE * MS : 0);
        if (chance == 999)
            at[i] = 0, never++;
    }
    for (unsigned tick = 0; tick < 2 * (COUNT / 2 + 200); tick++) {
        now_ns = T0 + tick * (MS / 2);
        pass_deadlines(bed, now_ns);
        /* of those that come now the late one may be first or last */
        for (unsigned step = 0; step < 2; step++) {
            unsigned i = step == tick % 2 ? tick : tick - 2 * LATE;

            if (i >= COUNT || at[i] != now_ns)
                continue;
            push(bed, (uint16_t)i, now_ns);
            if (next_random(&seed) % 10 == 0)
                assert_int_equal(push(bed, (uint16_t)i, now_ns), LP_INORDER_DUPLICATE);
        }
        for (unsigned i = 0; i < bed->out_count; i++) {
            unsigned number = bed->out[i];

            assert_int_equal(out[number]++, 0);
            out_at[number] = now_ns;
            unordered += number < highest;
            highest = number > highest ? number : highest;
            delivered++;
        }
        bed->out_count = 0;
    }
    assert_int_equal(delivered, COUNT - never);
    assert_in_range(unordered, 0,
                    COUNT / 1000); /* where patience was short by some that never came */
    assert_true(never > 0 && stats_of(bed).filled > 50);
    for (unsigned i = 0; i < COUNT; i++) {
        if (at[i] != 0)
            assert_in_range(out_at[i] - at[i], 0, LP_INORDER_WAIT_MAX_NS);
    }
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(in_order_passes_at_once),
        CASE(what_overtakes_is_held_until_the_gap_fills),
        CASE(a_gap_is_waited_for_50_ms_at_most),
        CASE(copies_are_duplicates_wherever_the_original_is),
        CASE(without_holding_order_is_as_it_comes),
        CASE(a_tag_may_mix_both),
        CASE(tags_are_apart),
        CASE(more_flows_than_places),
        CASE(patience_is_learned),
        CASE(an_origin_that_counts_anew),
        CASE(a_stray_changes_nothing),
        CASE(too_much_that_waits_is_let_go),
        CASE(a_long_search_is_not_made),
        CASE(a_burst_that_comes_again_finds_its_place),
        CASE(an_empty_pool_costs_order_only),
        CASE(a_lossy_hop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
