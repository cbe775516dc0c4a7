/*
 * Egress queues as a queue: bounds in octets, in age and by the pool, the head, pieces; every
 * frame is counted once. How flows share it: test_fq.c.
 */
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

/* As a frame of flow `hash` of nobody in particular. */
static enum lp_drop push_flow(struct fixture *f, uint32_t hash, uint8_t mark, size_t len,
                              uint64_t now_ns)
{
    const struct lp_flow flow = {.hash = hash};
    uint8_t frame[LP_ETH_FRAME_MAX];
    struct lp_overlay overlay = {
        .type = LP_OVERLAY_FRAME,
        .room_id = 1,
        .peer_id = mark,
        .payload = frame,
        .payload_len = len,
    };

    memset(frame, mark, sizeof(frame));
    return lp_egress_push(&f->queue, &overlay, &flow, now_ns);
}

static enum lp_drop push(struct fixture *f, uint8_t mark, size_t len, uint64_t now_ns)
{
    return push_flow(f, 1, mark, len, now_ns);
}

static enum lp_drop push_piece(struct fixture *f, uint16_t id, bool second, uint64_t now_ns)
{
    static const uint8_t bytes[600];
    const struct lp_flow flow = {.hash = 1};
    struct lp_overlay overlay = {
        .type = LP_OVERLAY_FRAME,
        .flags = LP_OVERLAY_FLAG_PIECE,
        .room_id = 1,
        .peer_id = 9,
        .piece = {.id = id, .second = second, .frame_len = 1200},
        .payload = bytes,
        .payload_len = sizeof(bytes),
    };

    return lp_egress_push(&f->queue, &overlay, &flow, now_ns);
}

/* Sends the head; the mark of what it was, 0 for nothing. */
static unsigned send(struct fixture *f, uint64_t now_ns)
{
    const struct lp_packet *packet = lp_egress_head(&f->queue, now_ns);
    unsigned was;

    if (packet == NULL)
        return 0;
    was = packet->overlay.peer_id;
    lp_egress_pop(&f->queue, LP_FORWARD);
    return was;
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

    set_up(&f, 10, 4 * LP_EGRESS_PACKET_COST - 1);
    assert_int_equal(push(&f, 1, 1000, T0), LP_FORWARD);
    assert_int_equal(push(&f, 2, 1514, T0), LP_FORWARD);
    assert_int_equal(push(&f, 3, 60, T0), LP_FORWARD);
    assert_int_equal(f.queue.bytes, 3 * LP_EGRESS_PACKET_COST);
    assert_int_equal(push(&f, 4, 1, T0), LP_FORWARD);
    assert_int_equal(f.queue.bytes, 3 * LP_EGRESS_PACKET_COST);
    assert_int_equal(f.counters.tx_drop[LP_DROP_REASON_QUEUE_OVERLOAD], 1);
    assert_int_equal(counted(&f, LP_COUNTER_TX_FRAMES), 4);
    assert_int_equal(send(&f, T0), 2);
    assert_int_equal(push(&f, 5, 1000, T0), LP_FORWARD);
    for (unsigned mark = 3; mark <= 5; mark++)
        assert_int_equal(send(&f, T0), mark);
    assert_int_equal(f.queue.bytes, 0);
    tear_down(&f);
}

/* Every flow has one frame: none is worth more than another. */
static void nothing_to_make_room_with(void **state)
{
    struct fixture f;

    set_up(&f, 10, 3 * LP_EGRESS_PACKET_COST);
    for (uint8_t i = 1; i <= 3; i++)
        assert_int_equal(push_flow(&f, i, i, 60, T0), LP_FORWARD);
    assert_int_equal(push_flow(&f, 4, 4, 60, T0), LP_DROP_REASON_QUEUE_FULL);
    assert_int_equal(push_flow(&f, 1, 5, 60, T0), LP_DROP_REASON_QUEUE_FULL);
    assert_int_equal(f.counters.tx_drop[LP_DROP_REASON_QUEUE_FULL], 2);
    assert_int_equal(counted(&f, LP_COUNTER_TX_FRAMES), 5);
    for (unsigned mark = 1; mark <= 3; mark++)
        assert_int_equal(send(&f, T0), mark);
    tear_down(&f);

    set_up(&f, 10, LP_EGRESS_PACKET_COST - 1);
    assert_int_equal(push(&f, 1, 60, T0), LP_DROP_REASON_QUEUE_FULL);
    tear_down(&f);
}

/* Else a few stuck peers with tiny frames would hold the whole pool. */
static void small_frames_are_charged_for_their_packet(void **state)
{
    struct fixture f;

    set_up(&f, 1000, 100 * LP_EGRESS_PACKET_COST);
    for (unsigned i = 0; i < 150; i++)
        assert_int_equal(push(&f, 1, 1, T0), LP_FORWARD);
    assert_int_equal(f.queue.packets, 100);
    assert_int_equal(f.counters.tx_drop[LP_DROP_REASON_QUEUE_OVERLOAD], 50);
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
    assert_int_equal(lp_egress_head(&f.queue, T0)->overlay.peer_id, 1);
    lp_egress_hold(&f.queue);
    lp_egress_release(&f.queue); /* held, it stays */
    assert_int_equal(lp_egress_head(&f.queue, T0 + 10 * LP_NS_PER_S)->overlay.peer_id, 1);
    lp_egress_pop(&f.queue, LP_FORWARD);
    assert_null(lp_egress_head(&f.queue, T0 + 10 * LP_NS_PER_S));
    assert_int_equal(f.counters.tx_drop[LP_DROP_REASON_QUEUE_STALE], 1);
    /* a cleared queue holds nothing */
    push(&f, 3, 60, T0);
    assert_non_null(lp_egress_head(&f.queue, T0));
    lp_egress_hold(&f.queue);
    lp_egress_clear(&f.queue);
    assert_int_equal(f.counters.tx_drop[LP_DROP_REASON_QUEUE_CLOSED], 1);
    push(&f, 4, 60, T0);
    assert_null(lp_egress_head(&f.queue, T0 + 10 * LP_NS_PER_S));
    tear_down(&f);
}

/* Its octets are lent out until it is popped. */
static void the_head_stays_whatever_comes(void **state)
{
    struct fixture f;
    const struct lp_packet *head;

    set_up(&f, 100, 4 * LP_EGRESS_PACKET_COST);
    push_flow(&f, 1, 1, 1000, T0);
    push_flow(&f, 1, 2, 1000, T0);
    head = lp_egress_head(&f.queue, T0);
    assert_int_equal(head->overlay.peer_id, 1);
    push_flow(&f, 2, 3, 60, T0); /* a sparse flow */
    for (uint8_t i = 4; i <= 10; i++)
        push_flow(&f, 1, i, 1000, T0); /* the head's flow is the fattest */
    assert_int_equal(f.counters.tx_drop[LP_DROP_REASON_QUEUE_OVERLOAD], 6);
    assert_ptr_equal(lp_egress_head(&f.queue, T0), head);
    assert_int_equal(head->bytes[999], 1);
    lp_egress_pop(&f.queue, LP_FORWARD);
    /* a quantum is more than it sent, so its turn goes on */
    assert_int_equal(send(&f, T0), 9);
    assert_int_equal(send(&f, T0), 3);
    assert_int_equal(send(&f, T0), 10);
    tear_down(&f);
}

static void a_held_head_is_not_dropped_for_room(void **state)
{
    struct fixture f;

    set_up(&f, 100, 2 * LP_EGRESS_PACKET_COST);
    push(&f, 1, 1000, T0);
    push(&f, 2, 1000, T0);
    assert_non_null(lp_egress_head(&f.queue, T0));
    lp_egress_hold(&f.queue);
    for (uint8_t i = 3; i <= 10; i++)
        assert_int_equal(push(&f, i, 1000, T0), LP_FORWARD);
    assert_int_equal(send(&f, T0), 1);
    assert_int_equal(send(&f, T0), 10);
    assert_int_equal(send(&f, T0), 0);
    tear_down(&f);
}

static void a_released_head_lets_another_go_first(void **state)
{
    struct fixture f;

    set_up(&f, 100, 100 * LP_EGRESS_PACKET_COST);
    push_flow(&f, 1, 1, LP_ETH_FRAME_MAX, T0);
    push_flow(&f, 1, 2, LP_ETH_FRAME_MAX, T0);
    assert_int_equal(send(&f, T0), 1);
    assert_int_equal(lp_egress_head(&f.queue, T0)->overlay.peer_id, 2);
    push_flow(&f, 2, 3, 60, T0);
    assert_int_equal(lp_egress_head(&f.queue, T0)->overlay.peer_id, 2);
    lp_egress_release(&f.queue);
    assert_int_equal(lp_egress_head(&f.queue, T0)->overlay.peer_id, 3);
    lp_egress_release(&f.queue);
    lp_egress_release(&f.queue);
    assert_int_equal(send(&f, T0), 3);
    assert_int_equal(send(&f, T0), 2);
    lp_egress_release(&f.queue); /* of an empty queue */
    tear_down(&f);
}

static void bounded_by_the_pool(void **state)
{
    struct fixture f;
    struct lp_counters counters = {0};
    struct lp_egress other;
    const struct lp_overlay overlay = {.payload = (const uint8_t *)"x", .payload_len = 1};

    set_up(&f, 3, 100000);
    lp_egress_init(&other, &f.pool, &counters, 100000, LP_EGRESS_AGE_MAX_NS);
    for (uint8_t i = 1; i <= 4; i++)
        assert_int_equal(push(&f, i, 60, T0), LP_FORWARD);
    assert_int_equal(f.queue.packets, 3);
    assert_int_equal(f.counters.tx_drop[LP_DROP_REASON_QUEUE_OVERLOAD], 1);
    /* another queue cannot make room in this one */
    assert_int_equal(lp_egress_push(&other, &overlay, &(struct lp_flow){0}, T0),
                     LP_DROP_REASON_QUEUE_FULL);
    assert_int_equal(send(&f, T0), 2);
    assert_int_equal(lp_egress_push(&other, &overlay, &(struct lp_flow){0}, T0), LP_FORWARD);
    assert_int_equal(f.pool.allocated, 3); /* given back ones serve again */
    lp_egress_clear(&other);
    assert_null(lp_egress_head(&other, T0));
    tear_down(&f);
}

static void drops_tell_their_reason(void **state)
{
    struct fixture f;

    set_up(&f, 10, 10 * LP_EGRESS_PACKET_COST);
    for (uint8_t i = 0; i < 4; i++)
        push_flow(&f, i, 1, 60, T0);
    assert_non_null(lp_egress_head(&f.queue, T0));
    lp_egress_pop(&f.queue, LP_DROP_REASON_TOO_BIG);
    assert_int_equal(f.counters.tx_drop[LP_DROP_REASON_TOO_BIG], 1);
    assert_int_equal(counted(&f, LP_COUNTER_TX_SENT), 0);
    lp_egress_clear(&f.queue);
    assert_int_equal(f.counters.tx_drop[LP_DROP_REASON_QUEUE_CLOSED], 3);
    lp_egress_clear(&f.queue);
    tear_down(&f);
}

/* Half a frame is no use to anybody: both halves go, when both are here. */
static void two_pieces_are_dropped_together(void **state)
{
    struct fixture f;

    set_up(&f, 10, 5 * LP_EGRESS_PACKET_COST);
    for (uint16_t id = 1; id <= 2; id++) {
        push_piece(&f, id, false, T0);
        push_piece(&f, id, true, T0);
    }
    push_piece(&f, 3, false, T0);
    assert_int_equal(push(&f, 1, 60, T0), LP_FORWARD);
    assert_int_equal(f.counters.tx_drop[LP_DROP_REASON_QUEUE_OVERLOAD], 2);
    assert_int_equal(f.queue.packets, 4);
    assert_int_equal(lp_egress_head(&f.queue, T0)->overlay.piece.id, 2);
    assert_int_equal(send(&f, T0), 9);
    assert_true(lp_egress_head(&f.queue, T0)->overlay.piece.second);
    assert_int_equal(send(&f, T0), 9);
    /* a first piece before another frame's goes alone */
    assert_int_equal(lp_egress_head(&f.queue, T0)->overlay.piece.id, 3);
    lp_egress_release(&f.queue);
    push_piece(&f, 4, true, T0);
    push_piece(&f, 4, false, T0);
    push(&f, 2, 60, T0);
    push(&f, 3, 60, T0);
    assert_int_equal(f.counters.tx_drop[LP_DROP_REASON_QUEUE_OVERLOAD], 3);
    assert_int_equal(send(&f, T0), 1);
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
        cmocka_unit_test(nothing_to_make_room_with),
        cmocka_unit_test(small_frames_are_charged_for_their_packet),
        cmocka_unit_test(bounded_in_age),
        cmocka_unit_test(a_held_head_does_not_age),
        cmocka_unit_test(the_head_stays_whatever_comes),
        cmocka_unit_test(a_held_head_is_not_dropped_for_room),
        cmocka_unit_test(a_released_head_lets_another_go_first),
        cmocka_unit_test(bounded_by_the_pool),
        cmocka_unit_test(drops_tell_their_reason),
        cmocka_unit_test(two_pieces_are_dropped_together),
        cmocka_unit_test(the_largest_frame_is_copied_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
