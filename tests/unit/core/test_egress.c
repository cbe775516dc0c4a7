/* Egress queues: bounds in octets, in age and by the pool; every frame is counted once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "core/egress.h"

#define T0 (3 * LP_NS_PER_S)

struct fixture {
    struct lp_packet_pool pool;
    struct lp_counters counters;
    struct lp_egress queue;
};

static void set_up(struct fixture *f, size_t packets, size_t bytes_max)
{
    f->counters = (struct lp_counters){0};
    lp_packet_pool_init(&f->pool, packets);
    lp_egress_init(&f->queue, &f->pool, &f->counters, bytes_max, LP_EGRESS_AGE_MAX_NS);
}

static uint64_t counted(const struct fixture *f, enum lp_counter which)
{
    return f->counters.value[which];
}

static void assert_adds_up(const struct fixture *f)
{
    assert_int_equal(counted(f, LP_COUNTER_TX_FRAMES),
                     counted(f, LP_COUNTER_TX_SENT) + lp_counters_tx_dropped(&f->counters) +
                         f->queue.packets);
}

static void tear_down(struct fixture *f)
{
    assert_adds_up(f);
    lp_egress_clear(&f->queue);
    assert_adds_up(f);
    assert_int_equal(f->queue.bytes, 0);
    assert_int_equal(f->queue.packets, 0);
    lp_packet_pool_deinit(&f->pool);
}

static enum lp_drop push(struct fixture *f, uint8_t mark, size_t len, uint64_t now_ns)
{
    uint8_t frame[LP_ETH_FRAME_MAX];
    struct lp_overlay overlay = {
        .type = LP_OVERLAY_FRAME,
        .room_id = 1,
        .peer_id = mark,
        .payload = frame,
        .payload_len = len,
    };

    memset(frame, mark, sizeof(frame));
    return lp_egress_push(&f->queue, &overlay, now_ns);
}

static void first_in_first_out(void **state)
{
    struct fixture f;

    set_up(&f, 10, 10 * LP_EGRESS_PACKET_COST);
    assert_null(lp_egress_head(&f.queue, T0));
    for (uint8_t i = 1; i <= 3; i++)
        assert_int_equal(push(&f, i, 60u + i, T0), LP_FORWARD);
    for (uint8_t i = 1; i <= 3; i++) {
        const struct lp_packet *p = lp_egress_head(&f.queue, T0);

        assert_non_null(p);
        assert_int_equal(p->overlay.peer_id, i);
        assert_int_equal(p->overlay.payload_len, 60 + i);
        assert_ptr_equal(p->overlay.payload, p->bytes); /* a copy of its own */
        assert_int_equal(p->bytes[0], i);
        assert_int_equal(p->bytes[59], i);
        lp_egress_pop(&f.queue, LP_FORWARD);
    }
    assert_null(lp_egress_head(&f.queue, T0));
    assert_int_equal(counted(&f, LP_COUNTER_TX_SENT), 3);
    assert_int_equal(counted(&f, LP_COUNTER_TX_FRAMES), 3);
    tear_down(&f);
}

static void bounded_in_octets(void **state)
{
    struct fixture f;

    set_up(&f, 10, 3 * LP_EGRESS_PACKET_COST - 1);
    assert_int_equal(push(&f, 1, 1000, T0), LP_FORWARD);
    assert_int_equal(push(&f, 2, 1514, T0), LP_FORWARD);
    assert_int_equal(f.queue.bytes, 2 * LP_EGRESS_PACKET_COST);
    assert_int_equal(push(&f, 3, 1, T0), LP_DROP_REASON_QUEUE_FULL);
    assert_int_equal(f.counters.tx_drop[LP_DROP_REASON_QUEUE_FULL], 1);
    assert_int_equal(counted(&f, LP_COUNTER_TX_FRAMES), 3);
    lp_egress_pop(&f.queue, LP_FORWARD);
    assert_int_equal(push(&f, 5, 1000, T0), LP_FORWARD);
    tear_down(&f);
}

/* Else a few stuck peers with tiny frames would hold the whole pool. */
static void small_frames_are_charged_for_their_packet(void **state)
{
    struct fixture f;
    unsigned taken = 0;

    set_up(&f, 1000, 100 * LP_EGRESS_PACKET_COST);
    while (push(&f, 1, 1, T0) == LP_FORWARD)
        taken++;
    assert_int_equal(taken, 100);
    tear_down(&f);
}

static void bounded_in_age(void **state)
{
    struct fixture f;

    set_up(&f, 10, 10 * LP_EGRESS_PACKET_COST);
    push(&f, 1, 60, T0);
    push(&f, 2, 60, T0 + 5);
    push(&f, 3, 60, T0 + 10);
    assert_int_equal(lp_egress_head(&f.queue, T0 + LP_EGRESS_AGE_MAX_NS)->overlay.peer_id, 1);
    assert_int_equal(lp_egress_head(&f.queue, T0 + 6 + LP_EGRESS_AGE_MAX_NS)->overlay.peer_id,
                     3);
    assert_int_equal(f.counters.tx_drop[LP_DROP_REASON_QUEUE_STALE], 2);
    assert_null(lp_egress_head(&f.queue, T0 + 11 + LP_EGRESS_AGE_MAX_NS));
    assert_int_equal(f.counters.tx_drop[LP_DROP_REASON_QUEUE_STALE], 3);
    tear_down(&f);
}

static void a_held_head_does_not_age(void **state)
{
    struct fixture f;

    set_up(&f, 10, 10 * LP_EGRESS_PACKET_COST);
    push(&f, 1, 60, T0);
    push(&f, 2, 60, T0);
    lp_egress_hold(&f.queue);
    assert_int_equal(lp_egress_head(&f.queue, T0 + 10 * LP_NS_PER_S)->overlay.peer_id, 1);
    lp_egress_pop(&f.queue, LP_FORWARD);
    assert_null(lp_egress_head(&f.queue, T0 + 10 * LP_NS_PER_S));
    assert_int_equal(f.counters.tx_drop[LP_DROP_REASON_QUEUE_STALE], 1);
    /* a cleared queue holds nothing */
    push(&f, 3, 60, T0);
    lp_egress_hold(&f.queue);
    lp_egress_clear(&f.queue);
    assert_int_equal(f.counters.tx_drop[LP_DROP_REASON_QUEUE_CLOSED], 1);
    push(&f, 4, 60, T0);
    assert_null(lp_egress_head(&f.queue, T0 + 10 * LP_NS_PER_S));
    tear_down(&f);
}

static void bounded_by_the_pool(void **state)
{
    struct fixture f;
    struct lp_counters counters = {0};
    struct lp_egress other;

    set_up(&f, 2, 100000);
    lp_egress_init(&other, &f.pool, &counters, 100000, LP_EGRESS_AGE_MAX_NS);
    assert_int_equal(push(&f, 1, 60, T0), LP_FORWARD);
    assert_int_equal(push(&f, 2, 60, T0), LP_FORWARD);
    assert_int_equal(push(&f, 3, 60, T0), LP_DROP_REASON_QUEUE_FULL);
    lp_egress_pop(&f.queue, LP_FORWARD);
    assert_int_equal(push(&f, 4, 60, T0), LP_FORWARD);
    assert_int_equal(f.pool.allocated, 2); /* given back ones serve again */
    assert_null(lp_egress_head(&other, T0));
    tear_down(&f);
}

static void drops_tell_their_reason(void **state)
{
    struct fixture f;

    set_up(&f, 10, 10 * LP_EGRESS_PACKET_COST);
    for (uint8_t i = 0; i < 4; i++)
        push(&f, 1, 60, T0);
    lp_egress_pop(&f.queue, LP_DROP_REASON_TOO_BIG);
    assert_int_equal(f.counters.tx_drop[LP_DROP_REASON_TOO_BIG], 1);
    assert_int_equal(counted(&f, LP_COUNTER_TX_SENT), 0);
    lp_egress_clear(&f.queue);
    assert_int_equal(f.counters.tx_drop[LP_DROP_REASON_QUEUE_CLOSED], 3);
    lp_egress_clear(&f.queue);
    tear_down(&f);
}

static void the_largest_frame_is_copied_whole(void **state)
{
    struct fixture f;
    const struct lp_packet *p;

    set_up(&f, 1, LP_EGRESS_BYTES_MAX);
    assert_int_equal(push(&f, 0xa5, LP_ETH_FRAME_MAX, T0), LP_FORWARD);
    p = lp_egress_head(&f.queue, T0);
    assert_int_equal(p->bytes[LP_ETH_FRAME_MAX - 1], 0xa5);
    assert_int_equal(p->overlay.payload_len, LP_ETH_FRAME_MAX);
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_in_first_out),
        cmocka_unit_test(bounded_in_octets),
        cmocka_unit_test(small_frames_are_charged_for_their_packet),
        cmocka_unit_test(bounded_in_age),
        cmocka_unit_test(a_held_head_does_not_age),
        cmocka_unit_test(bounded_by_the_pool),
        cmocka_unit_test(drops_tell_their_reason),
        cmocka_unit_test(the_largest_frame_is_copied_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
