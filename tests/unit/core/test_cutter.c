/* From queue to datagrams: whole, in two pieces, not at all, and budgets that change in
 * between. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "core/cutter.h"
#include "proto/fragment.h"

#define T0       (3 * LP_NS_PER_S)
#define PIECE    LP_OVERLAY_FLAG_PIECE
#define SEQUENCE LP_OVERLAY_FLAG_SEQUENCE
#define BUDGET   1168 /* of a 1200-octet QUIC packet */

struct fixture {
    struct lp_packet_pool pool;
    struct lp_counters counters;
    struct lp_egress queue;
    struct lp_cutter cutter;
    uint8_t frame[LP_ETH_FRAME_MAX];
};

static void set_up(struct fixture *f)
{
    f->counters = (struct lp_counters){0};
    lp_packet_pool_init(&f->pool, 100);
    lp_egress_init(&f->queue, &f->pool, &f->counters, LP_EGRESS_BYTES_MAX,
                   LP_EGRESS_AGE_MAX_NS);
    lp_cutter_init(&f->cutter, 0x7ffe);
    for (size_t i = 0; i < sizeof(f->frame); i++)
        f->frame[i] = (uint8_t)(i * 7 + i / 256);
}

static void tear_down(struct fixture *f)
{
    assert_int_equal(f->counters.value[LP_COUNTER_TX_FRAMES],
                     f->counters.value[LP_COUNTER_TX_SENT] +
                         lp_counters_tx_dropped(&f->counters) + f->queue.packets);
    lp_egress_clear(&f->queue);
    lp_packet_pool_deinit(&f->pool);
}

static void push_flags(struct fixture *f, size_t len, uint8_t flags)
{
    struct lp_overlay overlay = {
        .type = LP_OVERLAY_FRAME,
        .flags = flags,
        .room_id = 0x11223344,
        .peer_id = 7,
        .sequence = {.flow = 0xabcd, .number = 9},
        .payload = f->frame,
        .payload_len = len,
    };

    assert_int_equal(lp_egress_push(&f->queue, &overlay, &(struct lp_flow){0}, T0), LP_FORWARD);
}

static void push(struct fixture *f, size_t len)
{
    push_flags(f, len, 0);
}

struct sent {
    uint8_t bytes[2048];
    size_t len;
    struct lp_overlay overlay;
};

/* The next datagram as it would travel, decoded again. */
static bool peek(struct fixture *f, size_t budget, uint8_t allowed, struct sent *sent,
                 uint64_t now_ns)
{
    struct lp_cut cut;

    if (!lp_cutter_next(&f->cutter, &f->queue, budget, allowed, &cut, now_ns))
        return false;
    memcpy(sent->bytes, cut.header, cut.header_len);
    memcpy(sent->bytes + cut.header_len, cut.body, cut.body_len);
    sent->len = cut.header_len + cut.body_len;
    assert_int_equal(lp_overlay_decode(sent->bytes, sent->len, allowed, &sent->overlay), 0);
    return true;
}

static bool send(struct fixture *f, size_t budget, uint8_t allowed, struct sent *sent)
{
    if (!peek(f, budget, allowed, sent, T0))
        return false;
    lp_cutter_sent(&f->cutter, &f->queue);
    return true;
}

static void nothing_from_an_empty_queue(void **state)
{
    struct fixture f;
    struct sent s;

    set_up(&f);
    assert_false(send(&f, BUDGET, PIECE, &s));
    tear_down(&f);
}

static void a_small_frame_goes_whole(void **state)
{
    static const uint8_t golden[] = {0x53, 0x4c, 0x11, 0x00, 0x11, 0x22, 0x33, 0x44,
                                     0x00, 0x00, 0x00, 0x07, 0x00, 0x07, 0x0e, 0x15};
    struct fixture f;
    struct sent s;

    set_up(&f);
    push(&f, 60);
    assert_true(send(&f, 72, 0, &s));
    assert_int_equal(s.len, 72);
    assert_memory_equal(s.bytes, golden, sizeof(golden));
    assert_memory_equal(s.overlay.payload, f.frame, 60);
    assert_int_equal(f.counters.value[LP_COUNTER_TX_DATAGRAMS], 1);
    assert_int_equal(f.counters.value[LP_COUNTER_TX_BYTES], 72);
    assert_int_equal(f.counters.value[LP_COUNTER_TX_SENT], 1);
    assert_int_equal(f.counters.value[LP_COUNTER_TX_CUT], 0);
    assert_false(send(&f, 72, 0, &s));
    tear_down(&f);
}

/* Both pieces of a frame of each length, through the reassembler. */
static void pieces_make_the_frame_again(void **state)
{
    static const size_t lengths[] = {LP_PIECE_FIRST_LEN + 9, 1200, 1394, LP_ETH_FRAME_MAX};
    struct fixture f;
    static struct lp_reassembly r;
    uint64_t lost = 0;

    set_up(&f);
    lp_reassembly_init(&r);
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        const uint8_t *frame = NULL;
        size_t len = 0;
        struct sent first;
        struct sent second;

        push(&f, lengths[i]);
        assert_true(send(&f, BUDGET, PIECE, &first));
        assert_true(send(&f, BUDGET, PIECE, &second));
        assert_true(first.len <= BUDGET && second.len <= BUDGET);
        assert_false(first.overlay.piece.second);
        assert_true(second.overlay.piece.second);
        assert_int_equal(first.overlay.payload_len, LP_PIECE_FIRST_LEN);
        assert_int_equal(first.overlay.piece.id, second.overlay.piece.id);
        assert_int_equal(first.overlay.piece.frame_len, lengths[i]);
        assert_int_equal(first.overlay.peer_id, 7);
        assert_int_equal(second.overlay.room_id, 0x11223344);
        assert_int_equal(lp_reassembly_push(&r, &first.overlay, &lost, &frame, &len, T0),
                         LP_REASSEMBLY_WAITING);
        assert_int_equal(lp_reassembly_push(&r, &second.overlay, &lost, &frame, &len, T0),
                         LP_REASSEMBLY_COMPLETE);
        assert_int_equal(len, lengths[i]);
        assert_memory_equal(frame, f.frame, len);
        assert_int_equal(f.counters.value[LP_COUNTER_TX_CUT], i + 1);
        assert_int_equal(f.counters.value[LP_COUNTER_TX_SENT], i + 1);
        assert_int_equal(f.counters.value[LP_COUNTER_TX_DATAGRAMS], 2 * (i + 1));
    }
    assert_int_equal(f.counters.value[LP_COUNTER_TX_BYTES],
                     4 * 2 * 16 + LP_PIECE_FIRST_LEN + 9 + 1200 + 1394 + LP_ETH_FRAME_MAX);
    tear_down(&f);
}

static void ids_count_up_and_keep_the_relays_bit(void **state)
{
    static const struct {
        uint16_t first_id;
        uint16_t then[3];
    } rows[] = {
        {0x7ffe, {0x7ffe, 0x7fff, 0x0000}},
        {0xfffe, {0xfffe, 0xffff, 0x8000}},
    };

    for (size_t i = 0; i < 2; i++) {
        struct fixture f;
        struct sent s;

        set_up(&f);
        lp_cutter_init(&f.cutter, rows[i].first_id);
        for (size_t k = 0; k < 3; k++) {
            push(&f, 60); /* a whole one uses no id */
            push(&f, LP_ETH_FRAME_MAX);
            assert_true(send(&f, BUDGET, PIECE, &s));
            assert_int_equal(s.overlay.flags, 0);
            assert_true(send(&f, BUDGET, PIECE, &s));
            assert_int_equal(s.overlay.piece.id, rows[i].then[k]);
            assert_true(send(&f, BUDGET, PIECE, &s));
            assert_int_equal(s.overlay.piece.id, rows[i].then[k]);
        }
        tear_down(&f);
    }
}

static void the_bounds_of_each_way(void **state)
{
    static const struct {
        size_t len;
        uint8_t flags;
        size_t budget;
        uint8_t allowed;
        unsigned datagrams; /* 0: too big */
    } rows[] = {
        {1514, 0, 1526, 0, 1},
        {1514, 0, 1525, 0, 0},
        {1514, 0, 1526, PIECE, 1},
        {1514, 0, 1525, PIECE, 2},
        {1514, 0, 1164, PIECE, 2}, /* 16 + 1148 */
        {1514, 0, 1163, PIECE, 0},
        {1514, SEQUENCE, 1529, PIECE | SEQUENCE, 2},
        {1514, SEQUENCE, 1530, PIECE | SEQUENCE, 1},
        {1514, SEQUENCE, 1168, PIECE | SEQUENCE, 2},
        {1514, SEQUENCE, 1167, PIECE | SEQUENCE, 0},
        {1514, SEQUENCE, 1526, PIECE, 1}, /* left out for who does not know it */
        {1514, SEQUENCE, 1164, PIECE, 2},
        {1148, 0, 1160, PIECE, 1},
        {1148, 0, 1159, PIECE, 0}, /* not longer than a first piece */
        {1149, 0, 1160, PIECE, 0}, /* its first piece needs 1164, but whole is 1161 */
        {60, 0, 71, PIECE, 0},
        {60, 0, 0, PIECE, 0},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct fixture f;
        struct sent s;
        unsigned datagrams = 0;

        set_up(&f);
        push_flags(&f, rows[i].len, rows[i].flags);
        while (send(&f, rows[i].budget, rows[i].allowed, &s)) {
            datagrams++;
            assert_true(s.len <= rows[i].budget);
            /* a second piece has no number, it follows its first */
            assert_int_equal(s.overlay.flags & SEQUENCE,
                             datagrams == 2 ? 0 : rows[i].flags & rows[i].allowed & SEQUENCE);
            if (s.overlay.flags & SEQUENCE)
                assert_int_equal(s.overlay.sequence.flow, 0xabcd);
        }
        if (datagrams != rows[i].datagrams)
            print_error("row %zu\n", i);
        assert_int_equal(datagrams, rows[i].datagrams);
        assert_int_equal(f.counters.tx_drop[LP_DROP_REASON_TOO_BIG], datagrams == 0 ? 1 : 0);
        tear_down(&f);
    }
}

static void too_big_ones_do_not_stop_the_rest(void **state)
{
    struct fixture f;
    struct sent s;

    set_up(&f);
    push(&f, 1400);
    push(&f, 1500);
    push(&f, 61);
    assert_true(send(&f, 1000, PIECE, &s));
    assert_int_equal(s.overlay.payload_len, 61);
    assert_int_equal(f.counters.tx_drop[LP_DROP_REASON_TOO_BIG], 2);
    tear_down(&f);
}

static void push_piece(struct fixture *f, bool second)
{
    struct lp_overlay overlay = {
        .type = LP_OVERLAY_FRAME,
        .flags = PIECE,
        .room_id = 1,
        .peer_id = 3,
        .piece = {.id = 0x1234, .second = second, .frame_len = 1514},
        .payload = f->frame + (second ? LP_PIECE_FIRST_LEN : 0),
        .payload_len = lp_fragment_piece_len(1514, second),
    };

    assert_int_equal(lp_egress_push(&f->queue, &overlay, &(struct lp_flow){0}, T0), LP_FORWARD);
}

static void forwarded_pieces_go_as_they_are(void **state)
{
    struct fixture f;
    struct sent s;

    set_up(&f);
    push_piece(&f, false);
    push_piece(&f, true);
    assert_true(send(&f, 1164, PIECE, &s));
    assert_int_equal(s.overlay.piece.id, 0x1234);
    assert_false(s.overlay.piece.second);
    assert_true(send(&f, 1164, PIECE, &s));
    assert_int_equal(s.overlay.piece.id, 0x1234);
    assert_true(s.overlay.piece.second);
    assert_memory_equal(s.overlay.payload, f.frame + LP_PIECE_FIRST_LEN,
                        1514 - LP_PIECE_FIRST_LEN);
    assert_int_equal(f.counters.value[LP_COUNTER_TX_CUT], 0);
    assert_int_equal(f.counters.value[LP_COUNTER_TX_SENT], 2);

    push_piece(&f, false);
    assert_false(send(&f, 1163, PIECE, &s)); /* never cut again */
    push_piece(&f, false);
    assert_false(send(&f, 2000, 0, &s)); /* a target that knows no pieces */
    assert_int_equal(f.counters.tx_drop[LP_DROP_REASON_TOO_BIG], 2);
    tear_down(&f);
}

static void a_second_piece_goes_whatever_the_budget_is(void **state)
{
    struct fixture f;
    struct sent s;

    set_up(&f);
    push(&f, 1514);
    assert_true(send(&f, BUDGET, PIECE, &s));
    assert_true(send(&f, 400, PIECE, &s)); /* shrank */
    assert_true(s.overlay.piece.second);
    assert_int_equal(s.len, 16 + 366);

    push(&f, 1514);
    assert_true(send(&f, BUDGET, PIECE, &s));
    assert_true(send(&f, 2000, PIECE, &s)); /* grew: still the second half */
    assert_true(s.overlay.piece.second);
    assert_false(send(&f, 2000, PIECE, &s));
    assert_int_equal(f.counters.value[LP_COUNTER_TX_CUT], 2);
    tear_down(&f);
}

static void a_refused_datagram_starts_from_the_new_budget(void **state)
{
    struct fixture f;
    struct sent s;

    set_up(&f);
    push(&f, 1400);
    assert_true(peek(&f, 1412, PIECE, &s, T0));
    assert_int_equal(s.overlay.flags, 0);
    lp_cutter_refused(&f.cutter, &f.queue);
    assert_true(peek(&f, 1300, PIECE, &s, T0));
    assert_int_equal(s.overlay.flags, PIECE);
    lp_cutter_refused(&f.cutter, &f.queue);
    assert_true(peek(&f, 1412, PIECE, &s, T0));
    assert_int_equal(s.overlay.flags, 0);
    lp_cutter_refused(&f.cutter, &f.queue);
    assert_int_equal(f.counters.value[LP_COUNTER_TX_DATAGRAMS], 0);

    assert_true(send(&f, 1300, PIECE, &s));
    assert_true(peek(&f, 1300, PIECE, &s, T0));
    lp_cutter_refused(&f.cutter, &f.queue);
    assert_true(send(&f, 1300, PIECE, &s)); /* the second again */
    assert_true(s.overlay.piece.second);
    assert_int_equal(f.counters.value[LP_COUNTER_TX_DATAGRAMS], 2);
    assert_int_equal(f.counters.value[LP_COUNTER_TX_SENT], 1);
    tear_down(&f);
}

static void half_sent_frames_do_not_go_stale(void **state)
{
    uint64_t late_ns = T0 + LP_EGRESS_AGE_MAX_NS + 1;
    struct fixture f;
    struct sent s;

    set_up(&f);
    push(&f, 1514);
    push(&f, 1514);
    assert_true(send(&f, BUDGET, PIECE, &s));
    assert_true(peek(&f, BUDGET, PIECE, &s, late_ns));
    assert_true(s.overlay.piece.second);
    lp_cutter_sent(&f.cutter, &f.queue);
    assert_false(peek(&f, BUDGET, PIECE, &s, late_ns)); /* the other one is dropped */
    assert_int_equal(f.counters.tx_drop[LP_DROP_REASON_QUEUE_STALE], 1);
    assert_int_equal(f.counters.value[LP_COUNTER_TX_SENT], 1);
    /* seen but refused is not sent */
    push(&f, 1514);
    assert_true(peek(&f, BUDGET, PIECE, &s, T0));
    lp_cutter_refused(&f.cutter, &f.queue);
    assert_false(peek(&f, BUDGET, PIECE, &s, late_ns));
    assert_int_equal(f.counters.tx_drop[LP_DROP_REASON_QUEUE_STALE], 2);
    tear_down(&f);
}

static void a_cleared_queue_starts_a_new_frame(void **state)
{
    struct fixture f;
    struct sent first;
    struct sent s;

    set_up(&f);
    push(&f, 1514);
    assert_true(send(&f, BUDGET, PIECE, &first));
    lp_egress_clear(&f.queue);
    push(&f, 1400);
    assert_true(send(&f, BUDGET, PIECE, &s));
    assert_false(s.overlay.piece.second);
    assert_int_equal(s.overlay.piece.frame_len, 1400);
    assert_int_not_equal(s.overlay.piece.id, first.overlay.piece.id);
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_from_an_empty_queue),
        cmocka_unit_test(a_small_frame_goes_whole),
        cmocka_unit_test(pieces_make_the_frame_again),
        cmocka_unit_test(ids_count_up_and_keep_the_relays_bit),
        cmocka_unit_test(the_bounds_of_each_way),
        cmocka_unit_test(too_big_ones_do_not_stop_the_rest),
        cmocka_unit_test(forwarded_pieces_go_as_they_are),
        cmocka_unit_test(a_second_piece_goes_whatever_the_budget_is),
        cmocka_unit_test(a_refused_datagram_starts_from_the_new_budget),
        cmocka_unit_test(half_sent_frames_do_not_go_stale),
        cmocka_unit_test(a_cleared_queue_starts_a_new_frame),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
