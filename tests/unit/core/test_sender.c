/* What a connection sends next, and the numbers that its origin gives. */
#include "core/sender.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/fragment.h"

#define T0       (100 * LP_NS_PER_S)
#define MS       LP_NS_PER_MS
#define BUDGET   1168 /* of a 1200-octet QUIC packet */
#define PIECE    LP_OVERLAY_FLAG_PIECE
#define SEQUENCE LP_OVERLAY_FLAG_SEQUENCE
#define ALL      (PIECE | SEQUENCE)

struct bed {
    struct lp_packet_pool pool;
    struct lp_counters counters;
    struct lp_egress queue;
    struct lp_sender sender;
    uint16_t number[LP_SEQUENCE_TAGS];
};

static void start(struct bed *bed, enum lp_duplicate duplicate)
{
    lp_sender_deinit(&bed->sender);
    lp_sender_init(&bed->sender, &bed->queue, &bed->pool, &bed->counters, 0, duplicate);
}

static int set_up(void **state)
{
    struct bed *bed = calloc(1, sizeof(*bed));

    assert_non_null(bed);
    lp_packet_pool_init(&bed->pool, 100);
    lp_egress_init(&bed->queue, &bed->pool, &bed->counters, LP_EGRESS_BYTES_MAX,
                   LP_EGRESS_AGE_MAX_NS);
    lp_sender_init(&bed->sender, &bed->queue, &bed->pool, &bed->counters, 0, LP_DUPLICATE_OFF);
    *state = bed;
    return 0;
}

static int tear_down(void **state)
{
    struct bed *bed = *state;

    lp_egress_clear(&bed->queue);
    lp_sender_deinit(&bed->sender);
    lp_packet_pool_deinit(&bed->pool); /* asserts that every packet came back */
    free(bed);
    return 0;
}

static void be_origin(struct bed *bed)
{
    lp_cutter_number(&bed->sender.cutter, bed->number);
}

static void push_flags(struct bed *bed, uint8_t flags, uint16_t tag, size_t len)
{
    uint8_t frame[LP_ETH_FRAME_MAX] = {0};
    struct lp_overlay overlay = {
        .type = LP_OVERLAY_FRAME,
        .flags = flags,
        .room_id = 1,
        .peer_id = 7,
        .sequence = {.flow = tag, .number = 777},
        .payload = frame,
        .payload_len = len,
    };

    assert_int_equal(lp_egress_push(&bed->queue, &overlay, &(struct lp_flow){.hash = tag}, T0),
                     LP_FORWARD);
}

static void push(struct bed *bed, uint16_t tag, size_t len)
{
    push_flags(bed, SEQUENCE, tag, len);
}

struct seen {
    struct lp_overlay overlay;
    uint64_t id;
    bool apart;
};

/* As it would travel; the payload is not kept. */
static bool peek(struct bed *bed, uint8_t allowed, struct seen *seen, uint64_t now_ns)
{
    uint8_t bytes[2048];
    struct lp_sending next;

    if (!lp_sender_next(&bed->sender, BUDGET, allowed, &next, now_ns))
        return false;
    assert_true(next.header_len + next.body_len <= BUDGET);
    memcpy(bytes, next.header, next.header_len);
    memcpy(bytes + next.header_len, next.body, next.body_len);
    assert_int_equal(
        lp_overlay_decode(bytes, next.header_len + next.body_len, allowed, &seen->overlay), 0);
    seen->id = next.id;
    seen->apart = next.apart;
    return true;
}

static bool send(struct bed *bed, uint8_t allowed, struct seen *seen, uint64_t now_ns)
{
    if (!peek(bed, allowed, seen, now_ns))
        return false;
    lp_sender_sent(&bed->sender, now_ns);
    return true;
}

static void assert_sends(struct bed *bed, uint16_t tag, uint16_t number, uint64_t now_ns)
{
    struct seen seen;

    assert_true(send(bed, ALL, &seen, now_ns));
    assert_int_equal(seen.overlay.flags & SEQUENCE, SEQUENCE);
    assert_int_equal(seen.overlay.sequence.flow, tag);
    assert_int_equal(seen.overlay.sequence.number, number);
}

static void assert_quiet(struct bed *bed, uint64_t now_ns)
{
    struct seen seen;

    assert_false(peek(bed, ALL, &seen, now_ns));
}

/* ---- numbers ---- */

static void each_tag_counts_for_itself(void **state)
{
    struct bed *bed = *state;

    be_origin(bed);
    bed->number[3] = 65535;
    bed->number[LP_SEQUENCE_TAGS - 1] = 40;
    for (unsigned i = 0; i < 3; i++) {
        push(bed, 3, 100);
        assert_sends(bed, 3, (uint16_t)(65535 + i), T0);
        push(bed, LP_SEQUENCE_TAGS - 1, 100);
        assert_sends(bed, LP_SEQUENCE_TAGS - 1, (uint16_t)(40 + i), T0);
    }
}

/* What the queue drops was never counted, so nobody waits for it. */
static void only_what_is_sent_is_counted(void **state)
{
    struct bed *bed = *state;
    uint64_t late_ns = T0 + LP_EGRESS_AGE_MAX_NS + 1;

    be_origin(bed);
    push(bed, 3, 100);
    assert_sends(bed, 3, 0, T0);
    push(bed, 3, 100);
    assert_quiet(bed, late_ns); /* too old */
    push(bed, 3, 100);
    lp_egress_clear(&bed->queue);
    push(bed, 3, 100);
    assert_sends(bed, 3, 1, T0);
}

static void what_is_refused_leaves_no_gap(void **state)
{
    struct bed *bed = *state;
    struct seen seen;

    be_origin(bed);
    push(bed, 3, 100);
    assert_true(peek(bed, ALL, &seen, T0));
    assert_int_equal(seen.overlay.sequence.number, 0);
    lp_sender_refused(&bed->sender);
    assert_true(peek(bed, ALL, &seen, T0));
    assert_int_equal(seen.overlay.sequence.number, 0);
    lp_sender_refused(&bed->sender);
    lp_egress_clear(&bed->queue); /* it never goes */
    push(bed, 3, 100);
    assert_sends(bed, 3, 0, T0);
}

static void a_second_piece_has_no_number(void **state)
{
    struct bed *bed = *state;
    struct seen seen;

    be_origin(bed);
    push(bed, 3, 1500);
    push(bed, 3, 100);
    assert_sends(bed, 3, 0, T0);
    assert_true(peek(bed, ALL, &seen, T0));
    assert_int_equal(seen.overlay.flags, PIECE);
    assert_true(seen.overlay.piece.second);
    lp_sender_refused(&bed->sender);
    assert_true(send(bed, ALL, &seen, T0));
    assert_int_equal(seen.overlay.flags, PIECE);
    assert_sends(bed, 3, 1, T0);
}

static void without_the_capability_nothing_is_counted(void **state)
{
    struct bed *bed = *state;
    struct seen seen;

    be_origin(bed);
    push(bed, 0, 100);
    assert_true(send(bed, PIECE, &seen, T0));
    assert_int_equal(seen.overlay.flags, 0);
    assert_int_equal(seen.id, 0);
    push_flags(bed, 0, 0, 100); /* one that has no tag */
    assert_true(send(bed, ALL, &seen, T0));
    assert_int_equal(seen.overlay.flags, 0);
    push(bed, 0, 100);
    assert_sends(bed, 0, 0, T0);
}

static void a_relay_keeps_the_number(void **state)
{
    struct bed *bed = *state;
    struct seen seen;

    push(bed, 0xabcd, 100);
    assert_sends(bed, 0xabcd, 777, T0);
    push(bed, 0xabcd, 1500); /* cut here */
    assert_sends(bed, 0xabcd, 777, T0);
    assert_true(send(bed, ALL, &seen, T0));
    assert_int_equal(seen.overlay.flags, PIECE);
    push(bed, 0xabcd, 100);
    assert_sends(bed, 0xabcd, 777, T0);
    push(bed, 0xabcd, 100); /* to one who does not know numbers */
    assert_true(send(bed, PIECE, &seen, T0));
    assert_int_equal(seen.overlay.flags, 0);
}

/* ---- repair ---- */

static void what_is_lost_goes_before_the_queue(void **state)
{
    struct bed *bed = *state;
    struct seen first, seen;

    be_origin(bed);
    push(bed, 3, 100);
    assert_true(send(bed, ALL, &first, T0));
    push(bed, 3, 100);
    push(bed, 3, 100);
    assert_sends(bed, 3, 1, T0);
    assert_true(lp_sender_lost(&bed->sender, first.id, T0 + MS));
    assert_true(peek(bed, ALL, &seen, T0 + MS));
    assert_int_equal(seen.overlay.sequence.number, 0);
    assert_int_not_equal(seen.id, first.id);
    assert_false(seen.apart);
    lp_sender_refused(&bed->sender);
    assert_sends(bed, 3, 0, T0 + MS); /* stays the next one */
    assert_sends(bed, 3, 2, T0 + MS); /* and took no number */
    assert_quiet(bed, T0 + MS);
    lp_sender_acked(&bed->sender, seen.id);
    assert_false(lp_sender_lost(&bed->sender, seen.id, T0 + MS));
}

static void a_copy_goes_apart_from_its_original(void **state)
{
    struct bed *bed = *state;
    struct seen original, copy;

    start(bed, LP_DUPLICATE_ON);
    be_origin(bed);
    push(bed, 3, 100);
    assert_true(send(bed, ALL, &original, T0));
    assert_false(original.apart);
    assert_true(send(bed, ALL, &copy, T0));
    assert_true(copy.apart);
    assert_int_equal(copy.overlay.sequence.number, original.overlay.sequence.number);
    assert_int_not_equal(copy.id, original.id);
    assert_quiet(bed, T0);
    assert_int_equal(bed->counters.value[LP_COUNTER_TX_DUPLICATED], 1);
    assert_int_equal(bed->counters.value[LP_COUNTER_TX_SENT], 1);
    assert_int_equal(bed->counters.value[LP_COUNTER_TX_DATAGRAMS], 2);
}

/* Who does not know numbers could not tell a copy. */
static void who_knows_no_numbers_gets_nothing_twice(void **state)
{
    struct bed *bed = *state;
    struct seen seen;

    start(bed, LP_DUPLICATE_ON);
    push(bed, 3, 100);
    assert_true(send(bed, PIECE, &seen, T0));
    assert_false(lp_sender_lost(&bed->sender, seen.id, T0));
    assert_false(peek(bed, PIECE, &seen, T0));
    assert_int_equal(bed->sender.repair.bytes, 0);
}

static void both_pieces_are_repaired(void **state)
{
    struct bed *bed = *state;
    struct seen first, second, seen;

    be_origin(bed);
    push(bed, 3, 1500);
    assert_true(send(bed, ALL, &first, T0));
    assert_true(send(bed, ALL, &second, T0));
    assert_true(lp_sender_lost(&bed->sender, second.id, T0 + MS));
    assert_true(lp_sender_lost(&bed->sender, first.id, T0 + MS));
    assert_true(send(bed, ALL, &seen, T0 + MS));
    assert_true(seen.overlay.piece.second && seen.overlay.flags == PIECE);
    assert_true(send(bed, ALL, &seen, T0 + MS));
    assert_false(seen.overlay.piece.second);
    assert_int_equal(seen.overlay.flags, ALL);
    assert_quiet(bed, T0 + MS);
}

/* Cut by its origin: the number is the first piece's, the loss may be the second's. */
static void forwarded_pieces_are_repaired(void **state)
{
    struct bed *bed = *state;
    uint8_t bytes[LP_PIECE_FIRST_LEN] = {0};
    struct lp_overlay overlay = {.type = LP_OVERLAY_FRAME,
                                 .room_id = 1,
                                 .peer_id = 7,
                                 .piece = {.id = 5, .frame_len = 1500},
                                 .payload = bytes};

    for (unsigned knows = 0; knows < 2; knows++) {
        uint8_t allowed = knows ? ALL : PIECE;
        struct seen seen, again;

        for (unsigned second = 0; second < 2; second++) {
            overlay.flags = second ? PIECE : ALL;
            overlay.piece.second = second;
            overlay.payload_len = lp_fragment_piece_len(1500, second);
            assert_int_equal(lp_egress_push(&bed->queue, &overlay, &(struct lp_flow){0}, T0),
                             LP_FORWARD);
        }
        assert_true(send(bed, allowed, &seen, T0));
        assert_false(seen.overlay.piece.second);
        assert_true(send(bed, allowed, &seen, T0));
        assert_true(seen.overlay.piece.second);
        assert_int_equal(lp_sender_lost(&bed->sender, seen.id, T0 + MS), knows);
        assert_int_equal(peek(bed, allowed, &again, T0 + MS), knows);
        if (knows)
            assert_true(again.overlay.piece.second && again.overlay.flags == PIECE);
    }
}

static void a_new_connection_knows_nothing_of_the_last(void **state)
{
    struct bed *bed = *state;
    struct seen old, seen;

    be_origin(bed);
    push(bed, 3, 100);
    assert_true(send(bed, ALL, &old, T0));
    assert_true(lp_sender_lost(&bed->sender, old.id, T0));
    assert_true(peek(bed, ALL, &seen, T0)); /* in QUIC's hands when the connection ends */
    lp_egress_clear(&bed->queue);
    lp_sender_clear(&bed->sender);
    assert_quiet(bed, T0);
    assert_false(lp_sender_lost(&bed->sender, old.id, T0));
    push(bed, 3, 100);
    assert_sends(bed, 3, 1, T0); /* the numbers go on */
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(each_tag_counts_for_itself),
        CASE(only_what_is_sent_is_counted),
        CASE(what_is_refused_leaves_no_gap),
        CASE(a_second_piece_has_no_number),
        CASE(without_the_capability_nothing_is_counted),
        CASE(a_relay_keeps_the_number),
        CASE(what_is_lost_goes_before_the_queue),
        CASE(a_copy_goes_apart_from_its_original),
        CASE(who_knows_no_numbers_gets_nothing_twice),
        CASE(both_pieces_are_repaired),
        CASE(forwarded_pieces_are_repaired),
        CASE(a_new_connection_knows_nothing_of_the_last),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
