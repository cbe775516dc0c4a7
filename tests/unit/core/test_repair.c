#include "core/repair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define T0     (100 * LP_NS_PER_S)
#define MS     LP_NS_PER_MS
#define BUDGET 1400

struct bed {
    struct lp_packet_pool pool;
    struct lp_counters counters;
    struct lp_repair repair;
};

static void set_mode(struct bed *bed, enum lp_duplicate duplicate)
{
    lp_repair_deinit(&bed->repair);
    lp_repair_init(&bed->repair, &bed->pool, &bed->counters, duplicate);
}

static int set_up(void **state)
{
    struct bed *bed = calloc(1, sizeof(*bed));

    assert_non_null(bed);
    lp_packet_pool_init(&bed->pool, 8192);
    lp_repair_init(&bed->repair, &bed->pool, &bed->counters, LP_DUPLICATE_OFF);
    *state = bed;
    return 0;
}

static int tear_down(void **state)
{
    struct bed *bed = *state;

    lp_repair_deinit(&bed->repair);
    lp_packet_pool_deinit(&bed->pool); /* asserts that every packet came back */
    free(bed);
    return 0;
}

/* A frame of `len` octets that is handed to QUIC and no longer queued. `part` 0 = whole. */
static uint64_t send_part(struct bed *bed, uint16_t number, size_t len, unsigned part,
                          uint64_t now_ns)
{
    struct lp_packet *packet = lp_packet_take(&bed->pool);
    struct lp_repair_datagram datagram = {.header = {(uint8_t)number},
                                          .header_len = 16,
                                          .body_len = len,
                                          .piece = part != 0,
                                          .sent_ns = now_ns};
    uint64_t id;

    assert_non_null(packet);
    packet->overlay = (struct lp_overlay){.flags = LP_OVERLAY_FLAG_SEQUENCE,
                                          .peer_id = 7,
                                          .sequence = {.flow = 3, .number = number},
                                          .payload = packet->bytes,
                                          .payload_len = len};
    datagram.packet = packet;
    datagram.body = packet->bytes;
    assert_int_equal(lp_repair_next_id(&bed->repair), bed->repair.next_id);
    id = lp_repair_sent(&bed->repair, &datagram, now_ns);
    assert_int_equal(lp_repair_next_id(&bed->repair), id + 1);
    lp_packet_give(&bed->pool, packet); /* by the queue */
    return id;
}

static uint64_t send(struct bed *bed, uint16_t number, size_t len, uint64_t now_ns)
{
    return send_part(bed, number, len, 0, now_ns);
}

static void assert_next(struct bed *bed, uint16_t number, bool copy, uint64_t now_ns)
{
    const struct lp_repair_datagram *next = lp_repair_next(&bed->repair, BUDGET, now_ns);

    assert_non_null(next);
    assert_int_equal(next->packet->overlay.sequence.number, number);
    assert_int_equal(next->header[0], (uint8_t)number);
    assert_int_equal(next->copy, copy);
}

static void assert_none(struct bed *bed, uint64_t now_ns)
{
    assert_null(lp_repair_next(&bed->repair, BUDGET, now_ns));
}

static uint64_t counted(const struct bed *bed, enum lp_counter which)
{
    return bed->counters.value[which];
}

/* ---- sent again ---- */

static void what_is_lost_is_sent_again(void **state)
{
    struct bed *bed = *state;
    uint64_t first = send(bed, 1, 1300, T0), second = send(bed, 2, 1300, T0), again;

    assert_none(bed, T0);
    lp_repair_acked(&bed->repair, second);
    lp_repair_lost(&bed->repair, first, T0 + 40 * MS);
    assert_next(bed, 1, false, T0 + 40 * MS);
    assert_next(bed, 1, false, T0 + 40 * MS); /* until it is sent */
    again = lp_repair_resent(&bed->repair, T0 + 40 * MS);
    assert_none(bed, T0 + 40 * MS);
    assert_int_equal(again, 3);
    assert_int_equal(counted(bed, LP_COUNTER_TX_REPAIRED), 1);
    assert_int_equal(counted(bed, LP_COUNTER_TX_REPAIR_BYTES), 1316);
    assert_int_equal(counted(bed, LP_COUNTER_TX_DATAGRAMS), 1);
    assert_int_equal(counted(bed, LP_COUNTER_TX_BYTES), 1316);
    lp_repair_lost(&bed->repair, again, T0 + 90 * MS); /* and again */
    assert_next(bed, 1, false, T0 + 90 * MS);
    again = lp_repair_resent(&bed->repair, T0 + 90 * MS);
    lp_repair_acked(&bed->repair, again);
    assert_int_equal(bed->repair.bytes, 0);
}

static void what_is_old_is_let_go(void **state)
{
    struct bed *bed = *state;
    uint64_t id = send(bed, 1, 1300, T0);

    lp_repair_lost(&bed->repair, id, T0 + LP_REPAIR_AGE_MAX_NS);
    assert_next(bed, 1, false, T0 + LP_REPAIR_AGE_MAX_NS);
    assert_none(bed, T0 + LP_REPAIR_AGE_MAX_NS + 1);
    assert_int_equal(bed->repair.bytes, 0);
}

static void what_does_not_fit_any_more_is_let_go(void **state)
{
    struct bed *bed = *state;

    lp_repair_lost(&bed->repair, send(bed, 1, BUDGET - 16, T0), T0);
    lp_repair_lost(&bed->repair, send(bed, 2, BUDGET - 17, T0), T0);
    assert_null(lp_repair_next(&bed->repair, BUDGET - 2, T0));
    lp_repair_lost(&bed->repair, send(bed, 3, BUDGET - 16, T0), T0);
    assert_next(bed, 3, false, T0);
}

static void strange_news_do_nothing(void **state)
{
    struct bed *bed = *state;
    uint64_t id = send(bed, 1, 1300, T0);

    lp_repair_acked(&bed->repair, 0);
    lp_repair_acked(&bed->repair, id + 1);
    lp_repair_lost(&bed->repair, id + 64, T0);
    lp_repair_lost(&bed->repair, UINT64_MAX, T0);
    assert_none(bed, T0);
    lp_repair_acked(&bed->repair, id);
    lp_repair_acked(&bed->repair, id);
    lp_repair_lost(&bed->repair, id, T0);
    assert_none(bed, T0);
}

static void without_a_number_nothing_is_kept(void **state)
{
    struct bed *bed = *state;
    struct lp_packet *packet = lp_packet_take(&bed->pool);
    struct lp_repair_datagram datagram = {.packet = packet, .body_len = 60, .sent_ns = T0};
    uint64_t id;

    set_mode(bed, LP_DUPLICATE_ON);
    packet->overlay = (struct lp_overlay){.flags = 0, .payload_len = 60};
    id = lp_repair_sent(&bed->repair, &datagram, T0);
    assert_int_equal(lp_repair_next_id(&bed->repair), id + 1);
    lp_packet_give(&bed->pool, packet);
    assert_ptr_equal(bed->pool.free, packet);
    lp_repair_lost(&bed->repair, id, T0);
    assert_none(bed, T0);
}

static uint64_t send_plain(struct bed *bed)
{
    struct lp_packet *packet = lp_packet_take(&bed->pool);
    struct lp_repair_datagram datagram = {.packet = packet, .body_len = 60, .sent_ns = T0};
    uint64_t id;

    assert_non_null(packet);
    packet->overlay = (struct lp_overlay){.flags = 0, .payload_len = 60};
    id = lp_repair_sent(&bed->repair, &datagram, T0);
    lp_packet_give(&bed->pool, packet);
    return id;
}

/* Ids that nothing is kept under must not bring two that are kept to one place. */
static void ids_without_a_number_leave_room(void **state)
{
    struct bed *bed = *state;

    for (unsigned gap = 60; gap < 3 * LP_REPAIR_IDS_MAX; gap += 61) {
        uint64_t first = send(bed, 1, 60, T0), second;

        for (unsigned i = 1; i < gap; i++)
            send_plain(bed);
        second = send(bed, 2, 60, T0);
        assert_int_equal(second, first + gap);
        assert_true(bed->repair.capacity <= LP_REPAIR_IDS_MAX);
        lp_repair_acked(&bed->repair, first);
        lp_repair_lost(&bed->repair, second, T0);
        assert_next(bed, 2, false, T0);
        lp_repair_acked(&bed->repair, lp_repair_resent(&bed->repair, T0));
        assert_int_equal(bed->repair.bytes, 0);
    }
}

/* A peer that answers nothing does not keep packets of a pool that others share for long. */
static void what_is_too_old_is_not_kept(void **state)
{
    struct bed *bed = *state;
    uint64_t id = 0;

    for (unsigned i = 0; i < 100; i++)
        id = send(bed, (uint16_t)i, 1300, T0 + i * MS);
    send(bed, 100, 1300, T0 + LP_REPAIR_AGE_MAX_NS + 51 * MS);
    assert_int_equal(bed->repair.bytes, 50 * LP_REPAIR_PACKET_COST);
    lp_repair_lost(&bed->repair, id, T0 + LP_REPAIR_AGE_MAX_NS + 51 * MS);
    assert_next(bed, 99, false, T0 + LP_REPAIR_AGE_MAX_NS + 51 * MS);
}

static void each_piece_is_repaired_by_itself(void **state)
{
    struct bed *bed = *state;
    uint64_t first = send_part(bed, 1, 1148, 1, T0), second = send_part(bed, 2, 300, 2, T0);

    lp_repair_acked(&bed->repair, first);
    lp_repair_lost(&bed->repair, second, T0);
    assert_next(bed, 2, false, T0);
}

/* ---- bounds ---- */

static void memory_is_bounded_and_the_oldest_go_first(void **state)
{
    struct bed *bed = *state;
    unsigned fit = LP_REPAIR_BYTES_MAX / LP_REPAIR_PACKET_COST;
    uint64_t first = 0;

    for (unsigned i = 0; i < fit + 10; i++) {
        uint64_t id = send(bed, (uint16_t)i, 1400, T0);

        first = i == 0 ? id : first;
        assert_true(bed->repair.bytes <= LP_REPAIR_BYTES_MAX);
    }
    lp_repair_lost(&bed->repair, first + 9, T0);
    assert_none(bed, T0);
    lp_repair_lost(&bed->repair, first + 10, T0);
    assert_non_null(lp_repair_next(&bed->repair, 1416, T0));
}

/* Where nothing but the bound of octets lets go, which is before the ids are used up. */
static void ids_are_bounded(void **state)
{
    struct bed *bed = *state;
    unsigned fit = LP_REPAIR_BYTES_MAX / LP_REPAIR_PACKET_COST;
    uint64_t id = 0;

    for (unsigned i = 0; i < LP_REPAIR_IDS_MAX + 5; i++) {
        id = send(bed, (uint16_t)i, 60, T0);
        if (i % 16 != 0) /* acknowledged but for a few old ones: holes */
            lp_repair_acked(&bed->repair, id);
    }
    assert_true(bed->repair.capacity <= LP_REPAIR_IDS_MAX);
    assert_true(bed->repair.bytes <= fit * LP_REPAIR_PACKET_COST);
    lp_repair_lost(&bed->repair, 1, T0); /* the oldest of all: more ids ago than there are */
    assert_none(bed, T0);
    lp_repair_lost(&bed->repair, 17, T0);
    assert_next(bed, 16, false, T0);
}

/* What stays unanswered for long does not make the table grow past what is in flight. */
static void a_quiet_path_needs_little(void **state)
{
    struct bed *bed = *state;

    for (unsigned i = 0; i < 10000; i++) {
        uint64_t id = send(bed, (uint16_t)i, 60, T0);

        if (i >= 32)
            lp_repair_acked(&bed->repair, id - 32);
    }
    assert_int_equal(bed->repair.capacity, 64);
}

static void what_waits_to_be_sent_again_is_bounded(void **state)
{
    struct bed *bed = *state;
    uint64_t id[LP_REPAIR_PENDING_MAX + 1];

    for (unsigned i = 0; i <= LP_REPAIR_PENDING_MAX; i++)
        id[i] = send(bed, (uint16_t)i, 60, T0);
    for (unsigned i = 0; i <= LP_REPAIR_PENDING_MAX; i++)
        lp_repair_lost(&bed->repair, id[i], T0);
    for (unsigned i = 0; i < LP_REPAIR_PENDING_MAX; i++) {
        assert_next(bed, (uint16_t)i, false, T0);
        lp_repair_acked(&bed->repair, lp_repair_resent(&bed->repair, T0));
    }
    assert_none(bed, T0);
}

/* ---- many who share a pool ---- */

#define PEERS 100
#define SMALL 1024 /* packets of their pool: far less than they all would keep */

struct crowd {
    struct bed peer[PEERS]; /* their pools are not used */
    struct lp_packet_pool pool;
};

static struct crowd *crowd_new(void)
{
    struct crowd *crowd = calloc(1, sizeof(*crowd));

    assert_non_null(crowd);
    lp_packet_pool_init(&crowd->pool, SMALL);
    for (unsigned i = 0; i < PEERS; i++) {
        lp_repair_init(&crowd->peer[i].repair, &crowd->pool, &crowd->peer[i].counters,
                       LP_DUPLICATE_ON);
    }
    return crowd;
}

static void crowd_free(struct crowd *crowd)
{
    for (unsigned i = 0; i < PEERS; i++)
        lp_repair_deinit(&crowd->peer[i].repair);
    lp_packet_pool_deinit(&crowd->pool);
    free(crowd);
}

/* A frame of one of the crowd; the pool must have a packet for it. */
static uint64_t crowd_send(struct crowd *crowd, unsigned peer, size_t len, uint64_t now_ns)
{
    struct lp_packet *packet = lp_packet_take(&crowd->pool);
    struct lp_repair_datagram datagram = {.packet = packet, .body_len = len, .sent_ns = now_ns};
    uint64_t id;

    assert_non_null(packet);
    packet->overlay = (struct lp_overlay){
        .flags = LP_OVERLAY_FLAG_SEQUENCE, .payload = packet->bytes, .payload_len = len};
    datagram.body = packet->bytes;
    id = lp_repair_sent(&crowd->peer[peer].repair, &datagram, now_ns);
    lp_packet_give(&crowd->pool, packet);
    return id;
}

static size_t kept_by(const struct crowd *crowd, unsigned peer)
{
    return crowd->peer[peer].repair.bytes / LP_REPAIR_PACKET_COST;
}

/* Who never acknowledges makes nobody's frame be refused, nor takes all the room for repair. */
static void many_who_answer_nothing_leave_half_of_the_pool(void **state)
{
    struct crowd *crowd = crowd_new();

    (void)state;
    for (unsigned i = 0; i < 300; i++) {
        for (unsigned peer = 1; peer < PEERS; peer++) {
            crowd_send(crowd, peer, i % 2 == 0 ? 60 : 1300, T0); /* small ones go twice */
            assert_true(crowd->pool.out <= SMALL / 2);
        }
    }
    for (unsigned peer = 1; peer < PEERS; peer++)
        assert_true(kept_by(crowd, peer) <= SMALL / 2 / 2);
    crowd_send(crowd, 0, 1300, T0);
    assert_true(crowd->pool.out <= SMALL / 2);
    crowd_free(crowd);
}

static void who_keeps_most_forgets_first(void **state)
{
    struct crowd *crowd = crowd_new();

    (void)state;
    for (unsigned i = 0; i < SMALL; i++)
        crowd_send(crowd, 1, 1300, T0);
    assert_int_equal(kept_by(crowd, 1), SMALL / 2 / 2); /* alone: as much as it leaves */
    for (unsigned i = 0; i < SMALL; i++) {
        for (unsigned peer = 1; peer <= 3; peer++)
            crowd_send(crowd, peer, 1300, T0);
    }
    for (unsigned peer = 1; peer <= 3;
         peer++) /* each a fourth, and a fourth for who comes next */
        assert_in_range(kept_by(crowd, peer), SMALL / 2 / 4 - 1, SMALL / 2 / 4 + 1);
    lp_repair_lost(&crowd->peer[4].repair, crowd_send(crowd, 4, 1300, T0), T0);
    assert_non_null(lp_repair_next(&crowd->peer[4].repair, BUDGET, T0));
    crowd_free(crowd);
}

/* Of somebody to whom nothing is sent any more, too. */
static void what_is_old_goes_without_a_successor(void **state)
{
    struct bed *bed = *state;

    for (unsigned i = 0; i < 10; i++)
        send(bed, (uint16_t)i, 1300, T0 + i * MS);
    lp_repair_expire(&bed->repair, T0 + LP_REPAIR_AGE_MAX_NS + 5 * MS);
    assert_int_equal(bed->repair.bytes, 5 * LP_REPAIR_PACKET_COST);
    lp_repair_expire(&bed->repair, T0 + LP_REPAIR_AGE_MAX_NS + 100 * MS);
    assert_int_equal(bed->repair.bytes, 0);
    assert_int_equal(bed->pool.out, 0);
    lp_repair_expire(&bed->repair, T0 + LP_NS_PER_S);
    assert_int_equal(send(bed, 10, 1300, T0 + LP_NS_PER_S), 11);
}

static void clearing_forgets_all(void **state)
{
    struct bed *bed = *state;

    lp_repair_lost(&bed->repair, send(bed, 1, 60, T0), T0);
    send(bed, 2, 60, T0);
    lp_repair_clear(&bed->repair);
    assert_none(bed, T0);
    assert_int_equal(lp_repair_next_id(&bed->repair), 1);
    assert_int_equal(send(bed, 3, 60, T0), 1);
}

/* ---- sent twice ---- */

static void small_and_sparse_is_sent_twice(void **state)
{
    struct bed *bed = *state;

    set_mode(bed, LP_DUPLICATE_ON);
    send(bed, 1, LP_REPAIR_SMALL_LEN + 1, T0);
    assert_none(bed, T0);
    send_part(bed, 2, 300, 2, T0);
    assert_none(bed, T0);
    send(bed, 3, LP_REPAIR_SMALL_LEN, T0);
    assert_next(bed, 3, true, T0);
    lp_repair_resent(&bed->repair, T0);
    assert_none(bed, T0); /* not a third time */
    assert_int_equal(counted(bed, LP_COUNTER_TX_DUPLICATED), 1);
    assert_int_equal(counted(bed, LP_COUNTER_TX_REPAIRED), 0);
}

static void a_fast_flow_is_not_sparse(void **state)
{
    struct bed *bed = *state;

    set_mode(bed, LP_DUPLICATE_ON);
    for (unsigned i = 0; i < LP_REPAIR_SPARSE_FPS; i++) {
        send(bed, (uint16_t)i, 60, T0 + i);
        assert_next(bed, (uint16_t)i, true, T0 + i);
        lp_repair_resent(&bed->repair, T0 + i);
    }
    send(bed, 999, 60, T0 + 1000);
    assert_none(bed, T0 + 1000);
    send(bed, 1000, 60, T0 + LP_NS_PER_S);
    assert_next(bed, 1000, true, T0 + LP_NS_PER_S);
}

static void one_of_two_is_enough(void **state)
{
    struct bed *bed = *state;
    uint64_t original, copy;

    set_mode(bed, LP_DUPLICATE_ON);
    original = send(bed, 1, 60, T0);
    copy = lp_repair_resent(&bed->repair, T0);
    lp_repair_lost(&bed->repair, original, T0); /* the copy is on its way */
    assert_none(bed, T0);
    lp_repair_lost(&bed->repair, copy, T0);
    assert_next(bed, 1, false, T0);
    copy = lp_repair_resent(&bed->repair, T0);
    lp_repair_acked(&bed->repair, copy);

    original = send(bed, 2, 60, T0);
    copy = lp_repair_resent(&bed->repair, T0);
    lp_repair_acked(&bed->repair, copy);
    lp_repair_lost(&bed->repair, original, T0);
    assert_none(bed, T0);

    original = send(bed, 3, 60, T0);
    assert_next(bed, 3, true, T0);
    lp_repair_acked(&bed->repair, original); /* before the copy left */
    assert_none(bed, T0);
}

static void automatic_follows_the_path(void **state)
{
    struct bed *bed = *state;
    uint64_t id = 0, now_ns = T0;

    set_mode(bed, LP_DUPLICATE_AUTO);
    for (unsigned i = 0; i < LP_REPAIR_LOSSY_ONE_OF; i++)
        lp_repair_acked(&bed->repair, send(bed, (uint16_t)i, 1300, now_ns));
    assert_false(lp_repair_duplicates(&bed->repair, now_ns));
    id = send(bed, 1, 60, now_ns);
    assert_none(bed, now_ns);
    lp_repair_lost(&bed->repair, id, now_ns);
    assert_false(lp_repair_duplicates(&bed->repair, now_ns)); /* one of 1001 */
    lp_repair_lost(&bed->repair, send(bed, 2, 1300, now_ns), now_ns);
    assert_true(lp_repair_duplicates(&bed->repair, now_ns));
    lp_repair_lost(&bed->repair, 0, now_ns + MS); /* of what has no number nothing is counted */
    assert_true(lp_repair_duplicates(&bed->repair, now_ns + LP_REPAIR_MEMORY_NS));
    assert_false(lp_repair_duplicates(&bed->repair, now_ns + LP_REPAIR_MEMORY_NS + 1));
    /* off is off */
    bed->repair.duplicate = LP_DUPLICATE_OFF;
    assert_false(lp_repair_duplicates(&bed->repair, now_ns));
}

/* A slow flow alone on a path that loses one packet in a hundred. */
static void automatic_notices_a_game_alone(void **state)
{
    struct bed *bed = *state;
    unsigned twice = 0;

    set_mode(bed, LP_DUPLICATE_AUTO);
    for (unsigned i = 0; i < 6000; i++) {
        uint64_t now_ns = T0 + i * (LP_NS_PER_S / 60);
        uint64_t id = send(bed, (uint16_t)i, 100, now_ns);

        while (lp_repair_next(&bed->repair, BUDGET, now_ns) != NULL) {
            twice++;
            lp_repair_acked(&bed->repair, lp_repair_resent(&bed->repair, now_ns));
        }
        if (i % 100 == 50)
            lp_repair_lost(&bed->repair, id, now_ns);
        else
            lp_repair_acked(&bed->repair, id);
    }
    assert_in_range(twice, 5900, 5950); /* from the first loss on */
}

static void the_words_of_the_option(void **state)
{
    enum lp_duplicate duplicate = LP_DUPLICATE_OFF;

    (void)state;
    assert_true(lp_duplicate_parse("on", &duplicate));
    assert_int_equal(duplicate, LP_DUPLICATE_ON);
    assert_true(lp_duplicate_parse("auto", &duplicate));
    assert_int_equal(duplicate, LP_DUPLICATE_AUTO);
    assert_false(lp_duplicate_parse("", &duplicate));
    assert_false(lp_duplicate_parse("ON", &duplicate));
    assert_int_equal(duplicate, LP_DUPLICATE_AUTO);
    assert_true(lp_duplicate_parse("off", &duplicate));
    assert_int_equal(duplicate, LP_DUPLICATE_OFF);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(what_is_lost_is_sent_again),
        CASE(what_is_old_is_let_go),
        CASE(what_does_not_fit_any_more_is_let_go),
        CASE(strange_news_do_nothing),
        CASE(without_a_number_nothing_is_kept),
        CASE(ids_without_a_number_leave_room),
        CASE(what_is_too_old_is_not_kept),
        CASE(each_piece_is_repaired_by_itself),
        CASE(memory_is_bounded_and_the_oldest_go_first),
        CASE(ids_are_bounded),
        CASE(a_quiet_path_needs_little),
        CASE(what_waits_to_be_sent_again_is_bounded),
        CASE(many_who_answer_nothing_leave_half_of_the_pool),
        CASE(who_keeps_most_forgets_first),
        CASE(what_is_old_goes_without_a_successor),
        CASE(clearing_forgets_all),
        CASE(small_and_sparse_is_sent_twice),
        CASE(a_fast_flow_is_not_sparse),
        CASE(one_of_two_is_enough),
        CASE(automatic_follows_the_path),
        CASE(automatic_notices_a_game_alone),
        CASE(the_words_of_the_option),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
