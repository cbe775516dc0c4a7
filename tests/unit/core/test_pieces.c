/* Two pieces at the relay: both orders, one judgement, bounds in memory and time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "party.h"

#define FIRST  false
#define SECOND true

static void check(const struct party *p, enum lp_drop verdict, unsigned targets)
{
    if (p->d.verdict != verdict)
        print_error("verdict is %d\n", (int)p->d.verdict);
    assert_int_equal(p->d.verdict, verdict);
    assert_int_equal(targets_of(p, &p->d.targets), targets);
    assert_int_equal(p->d.target_count, __builtin_popcount(targets));
}

static void first_then_second(void **state)
{
    struct party p;

    party_set_up(&p);
    make_frame(&p, &client_mac[0], &client_mac[1], 0x88b5);
    judge_piece_at(&p, 0, 7, FIRST, 1514, T0);
    check(&p, LP_FORWARD, 0x2);
    assert_false(p.d.is_second || p.d.waits || p.d.has_released);
    assert_int_equal(p.d.frame_len, 1514);
    assert_true(p.d.has_ethernet);
    judge_piece_at(&p, 0, 7, SECOND, 1514, T0 + 1);
    check(&p, LP_FORWARD, 0x2);
    assert_true(p.d.is_second);
    assert_false(p.d.waits || p.d.has_released || p.d.has_ethernet);
    assert_int_equal(p.d.overlay.payload_len, 366);
    assert_memory_equal(p.d.overlay.payload, p.frame + LP_PIECE_FIRST_LEN, 366);
    /* charged once, for the whole frame */
    assert_int_equal(p.peer[0].bytes.tokens, (4 << 20) - 1514);
    party_tear_down(&p);
}

static void second_then_first(void **state)
{
    struct party p;

    party_set_up(&p);
    make_frame(&p, &client_mac[0], &everybody, 0x88b5);
    judge_piece_at(&p, 0, 7, SECOND, 1400, T0);
    check(&p, LP_FORWARD, 0);
    assert_true(p.d.waits && p.d.is_second);
    assert_int_equal(p.peer[0].bytes.tokens, 4 << 20);
    memset(p.datagram, 0, sizeof(p.datagram)); /* it is kept as a copy */
    judge_piece_at(&p, 0, 7, FIRST, 1400, T0 + LP_PIECE_TIMEOUT_NS - 1);
    check(&p, LP_FORWARD, 0xe);
    assert_false(p.d.waits || p.d.is_second);
    assert_true(p.d.has_released);
    assert_true(p.d.released.piece.second);
    assert_int_equal(p.d.released.piece.id, 7);
    assert_int_equal(p.d.released.peer_id, 1);
    assert_int_equal(p.d.released.payload_len, 1400 - LP_PIECE_FIRST_LEN);
    assert_memory_equal(p.d.released.payload, p.frame + LP_PIECE_FIRST_LEN, 252);
    assert_int_equal(p.d.pieces_lost, 0);
    assert_int_equal(p.peer[0].bytes.tokens, (4 << 20) - 1400);
    assert_int_equal(p.peer[0].broadcast.tokens, 63);
    assert_int_equal(lp_room_expire_pieces(&p.peer[0], T0 + 10 * LP_NS_PER_S), 0);
    party_tear_down(&p);
}

/* In a target's queue they stay behind each other. */
static void both_are_of_one_flow(void **state)
{
    struct party p;
    struct lp_flow whole;

    party_set_up(&p);
    make_frame(&p, &client_mac[2], &client_mac[1], 0x88b5);
    whole = judge_frame_at(&p, 2, 1514, T0)->flow;
    assert_int_equal(whole.origin, p.peer[2].slot + 1);
    for (unsigned second_comes_first = 0; second_comes_first < 2; second_comes_first++) {
        for (unsigned i = 0; i < 2; i++)
            judge_piece_at(&p, 2, 7, i != second_comes_first, 1514, T0);
        assert_int_equal(p.d.verdict, LP_FORWARD);
        assert_int_equal(p.d.has_released, second_comes_first);
        assert_int_equal(p.d.flow.hash, whole.hash);
        assert_int_equal(p.d.flow.origin, whole.origin);
    }
    party_tear_down(&p);
}

static void a_released_second_keeps_its_sequence(void **state)
{
    struct lp_overlay overlay;
    struct party p;

    party_set_up(&p);
    make_frame(&p, &client_mac[0], &client_mac[1], 0x88b5);
    overlay = overlay_of(&p, 0, PIECE | SEQUENCE);
    overlay.piece = (struct lp_overlay_piece){.id = 1, .second = true, .frame_len = 1514};
    overlay.sequence = (struct lp_overlay_sequence){.flow = 0x55, .number = 0x66};
    judge_overlay(&p, 0, &overlay, p.frame + LP_PIECE_FIRST_LEN, 366, T0);
    assert_true(p.d.waits);
    judge_piece_at(&p, 0, 1, FIRST, 1514, T0);
    assert_true(p.d.has_released);
    assert_int_equal(p.d.released.flags, PIECE | SEQUENCE);
    assert_int_equal(p.d.released.sequence.flow, 0x55);
    assert_int_equal(p.d.released.sequence.number, 0x66);
    party_tear_down(&p);
}

/* What happens to the first happens to the second, whichever comes first. */
static void both_share_every_verdict(void **state)
{
    static const struct {
        unsigned from;
        const struct lp_mac *src;
        const struct lp_mac *dst;
        uint16_t type;
        enum lp_drop verdict;
    } rows[] = {
        {0, &client_mac[1], &everybody, 0x88b5, LP_DROP_REASON_SOURCE_NOT_AUTHORISED},
        {0, &everybody, &everybody, 0x88b5, LP_DROP_REASON_BAD_SOURCE},
        {0, &client_mac[0], &everybody, 0x8100, LP_DROP_REASON_VLAN},
        {0, &client_mac[0], &client_mac[1], 0x888e, LP_DROP_REASON_EAPOL},
        {0, &client_mac[0], &client_mac[0], 0x88b5, LP_DROP_REASON_TO_SELF},
        {GATEWAY, &lan_mac, &other_lan_mac, 0x88b5, LP_DROP_REASON_NO_TARGET},
        {GATEWAY, &client_mac[0], &client_mac[1], 0x88b5, LP_DROP_REASON_SOURCE_NOT_AUTHORISED},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        unsigned from = rows[i].from;
        struct party p;

        party_set_up(&p);
        make_frame(&p, rows[i].src, rows[i].dst, rows[i].type);
        judge_piece_at(&p, from, 1, FIRST, 1514, T0);
        check(&p, rows[i].verdict, 0);
        judge_piece_at(&p, from, 1, SECOND, 1514, T0);
        check(&p, LP_DROP_REASON_PIECE_REFUSED, 0);
        judge_piece_at(&p, from, 2, SECOND, 1514, T0);
        assert_true(p.d.waits);
        judge_piece_at(&p, from, 2, FIRST, 1514, T0);
        check(&p, rows[i].verdict, 0);
        assert_true(p.d.has_released);
        party_tear_down(&p);
    }
}

static void buckets_are_charged_once_and_for_both(void **state)
{
    struct lp_limits limits = default_limits();
    struct party p;

    limits.burst_bytes = 2000;
    limits.rate_bytes = 1;
    limits.broadcast_burst_frames = 1;
    party_set_up_limited(&p, &limits);
    make_frame(&p, &client_mac[0], &everybody, 0x88b5);
    judge_piece_at(&p, 0, 1, FIRST, 1200, T0);
    check(&p, LP_FORWARD, 0xe);
    judge_piece_at(&p, 0, 2, FIRST, 1200, T0); /* 800 left */
    check(&p, LP_DROP_REASON_RATE_BYTES, 0);
    judge_piece_at(&p, 0, 2, SECOND, 1200, T0); /* it would fit */
    check(&p, LP_DROP_REASON_PIECE_REFUSED, 0);
    judge_piece_at(&p, 0, 1, SECOND, 1200, T0); /* paid for */
    check(&p, LP_FORWARD, 0xe);
    assert_int_equal(p.peer[0].bytes.tokens, 800);
    judge_frame_at(&p, 0, 60, T0);
    check(&p, LP_DROP_REASON_RATE_BROADCAST, 0);
    party_tear_down(&p);
}

/* Header chains that go on in the second piece. */
static void a_first_piece_that_cannot_be_judged(void **state)
{
    static const uint8_t ipv6[] = {0x60, 0, 0, 0, 1476 >> 8, 1476 & 0xff, 60, 64};
    uint8_t *ip;
    struct party p;

    party_set_up(&p);
    make_frame(&p, &client_mac[0], &everybody, LP_ETHERTYPE_IPV6);
    ip = p.frame + 14;
    memcpy(ip, ipv6, sizeof(ipv6));
    ip[40] = 58;  /* destination options, then ICMPv6 ... */
    ip[41] = 143; /* ... 1152 octets later: behind the cut */
    judge_piece_at(&p, 0, 1, FIRST, 1514, T0);
    check(&p, LP_DROP_REASON_PIECE_SHORT, 0);
    judge_piece_at(&p, 0, 1, SECOND, 1514, T0);
    check(&p, LP_DROP_REASON_PIECE_REFUSED, 0);
    /* the same headers from the gateway are no matter */
    memcpy(p.frame + 6, lan_mac.octet, 6);
    judge_piece_at(&p, GATEWAY, 1, FIRST, 1514, T0);
    check(&p, LP_FORWARD, 0x7);
    /* within the first piece they are judged */
    memcpy(p.frame + 6, client_mac[0].octet, 6);
    ip[41] = 0;
    ip[48] = 134;
    judge_piece_at(&p, 0, 2, FIRST, 1514, T0);
    check(&p, LP_DROP_REASON_ROUTER_ADVERTISEMENT, 0);
    ip[48] = 128;
    judge_piece_at(&p, 0, 3, FIRST, 1514, T0);
    check(&p, LP_FORWARD, 0xe);
    /* whole, it is called by its own name */
    ip[41] = 255;
    judge_frame_at(&p, 0, 1514, T0);
    check(&p, LP_DROP_REASON_OPAQUE, 0);
    party_tear_down(&p);
}

static void pieces_that_no_cut_makes(void **state)
{
    struct lp_overlay overlay;
    struct party p;

    party_set_up(&p);
    make_frame(&p, &client_mac[0], &client_mac[1], 0x88b5);
    overlay = overlay_of(&p, 0, PIECE);
    overlay.piece = (struct lp_overlay_piece){.id = 1, .frame_len = 1514};
    judge_overlay(&p, 0, &overlay, p.frame, LP_PIECE_FIRST_LEN - 1, T0);
    check(&p, LP_DROP_REASON_BAD_OVERLAY, 0);
    judge_overlay(&p, 0, &overlay, p.frame, 14, T0);
    check(&p, LP_DROP_REASON_BAD_OVERLAY, 0);
    overlay.piece.second = true;
    judge_overlay(&p, 0, &overlay, p.frame, 367, T0);
    check(&p, LP_DROP_REASON_BAD_OVERLAY, 0);
    /* longer than any frame */
    judge_piece_at(&p, 0, 1, FIRST, 1514, T0);
    lp_store_be16(p.datagram + 14, 1515);
    judge_bytes(&p, 0, 16 + LP_PIECE_FIRST_LEN, T0);
    check(&p, LP_DROP_REASON_BAD_OVERLAY, 0);
    /* not announced */
    p.peer[1].overlay_flags = SEQUENCE;
    make_frame(&p, &client_mac[1], &client_mac[0], 0x88b5);
    judge_piece_at(&p, 1, 1, FIRST, 1514, T0);
    check(&p, LP_DROP_REASON_BAD_OVERLAY, 0);
    assert_null(p.peer[1].pieces);
    party_tear_down(&p);
}

static void pieces_that_contradict_each_other(void **state)
{
    struct party p;

    party_set_up(&p);
    make_frame(&p, &client_mac[0], &client_mac[1], 0x88b5);
    judge_piece_at(&p, 0, 1, FIRST, 1514, T0);
    judge_piece_at(&p, 0, 1, SECOND, 1513, T0);
    check(&p, LP_DROP_REASON_BAD_OVERLAY, 0);
    judge_piece_at(&p, 0, 1, SECOND, 1514, T0); /* the right one still follows */
    check(&p, LP_FORWARD, 0x2);
    judge_piece_at(&p, 0, 2, SECOND, 1514, T0);
    judge_piece_at(&p, 0, 2, FIRST, 1200, T0);
    check(&p, LP_DROP_REASON_BAD_OVERLAY, 0);
    assert_false(p.d.has_released);
    judge_piece_at(&p, 0, 2, FIRST, 1514, T0);
    check(&p, LP_FORWARD, 0x2);
    assert_true(p.d.has_released);
    assert_int_equal(p.peer[0].bytes.tokens, (4 << 20) - 2 * 1514);
    party_tear_down(&p);
}

static void duplicates(void **state)
{
    struct party p;

    party_set_up(&p);
    make_frame(&p, &client_mac[0], &client_mac[1], 0x88b5);
    judge_piece_at(&p, 0, 1, FIRST, 1514, T0);
    judge_piece_at(&p, 0, 1, FIRST, 1514, T0);
    check(&p, LP_DROP_REASON_PIECE_DUPLICATE, 0);
    assert_int_equal(p.peer[0].bytes.tokens, (4 << 20) - 1514);
    judge_piece_at(&p, 0, 2, SECOND, 1514, T0);
    judge_piece_at(&p, 0, 2, SECOND, 1514, T0);
    check(&p, LP_DROP_REASON_PIECE_DUPLICATE, 0);
    assert_false(p.d.waits);
    /* ids are each sender's own */
    make_frame(&p, &client_mac[1], &client_mac[0], 0x88b5);
    judge_piece_at(&p, 1, 1, FIRST, 1514, T0);
    check(&p, LP_FORWARD, 0x1);
    party_tear_down(&p);
}

static void waiting_ends_after_500_ms(void **state)
{
    struct party p;

    party_set_up(&p);
    make_frame(&p, &client_mac[0], &client_mac[1], 0x88b5);
    assert_int_equal(lp_room_expire_pieces(&p.peer[0], T0), 0); /* no table yet */
    judge_piece_at(&p, 0, 1, SECOND, 1514, T0);
    judge_piece_at(&p, 0, 2, SECOND, 1514, T0 + 1);
    judge_piece_at(&p, 0, 3, FIRST, 1514, T0 + 1); /* a first is not "lost": it went on */
    assert_int_equal(lp_room_expire_pieces(&p.peer[0], T0 + LP_PIECE_TIMEOUT_NS - 1), 0);
    assert_int_equal(lp_room_expire_pieces(&p.peer[0], T0 + LP_PIECE_TIMEOUT_NS), 1);
    assert_int_equal(lp_room_expire_pieces(&p.peer[0], T0 + 10 * LP_NS_PER_S), 1);
    assert_int_equal(lp_room_expire_pieces(&p.peer[0], T0 + 10 * LP_NS_PER_S), 0);
    /* judging gives up by itself; what is too late does not meet */
    judge_piece_at(&p, 0, 4, SECOND, 1514, T0);
    judge_piece_at(&p, 0, 4, FIRST, 1514, T0 + LP_PIECE_TIMEOUT_NS);
    check(&p, LP_FORWARD, 0x2);
    assert_false(p.d.has_released);
    assert_int_equal(p.d.pieces_lost, 1);
    judge_piece_at(&p, 0, 4, SECOND, 1514, T0 + 2 * LP_PIECE_TIMEOUT_NS);
    assert_true(p.d.waits);
    assert_int_equal(p.d.pieces_lost, 0);
    party_tear_down(&p);
}

static void the_oldest_makes_room(void **state)
{
    struct party p;

    party_set_up(&p);
    make_frame(&p, &client_mac[0], &client_mac[1], 0x88b5);
    for (uint16_t id = 0; id < LP_PIECE_SLOTS; id++) {
        judge_piece_at(&p, 0, id, id == 1 ? FIRST : SECOND, 1514, T0 + id);
        assert_int_equal(p.d.pieces_lost, 0);
    }
    judge_piece_at(&p, 0, 100, SECOND, 1514, T0 + 100); /* 0 goes: a waiting second */
    assert_int_equal(p.d.pieces_lost, 1);
    judge_piece_at(&p, 0, 101, FIRST, 1514, T0 + 101); /* 1 goes: a judged first */
    check(&p, LP_FORWARD, 0x2);
    assert_int_equal(p.d.pieces_lost, 0);
    judge_piece_at(&p, 0, 2, FIRST, 1514, T0 + 102); /* 2 is still there */
    assert_true(p.d.has_released);
    judge_piece_at(&p, 0, 1, SECOND, 1514, T0 + 103); /* its first is forgotten: waits */
    assert_true(p.d.waits);
    party_tear_down(&p);
}

static void a_target_that_refused_the_first_gets_no_second(void **state)
{
    struct party p;

    party_set_up(&p);
    make_frame(&p, &client_mac[0], &everybody, 0x88b5);
    lp_room_piece_refused(&p.peer[0], 1, p.peer[1].slot); /* nothing known: nothing happens */
    judge_piece_at(&p, 0, 1, FIRST, 1514, T0);
    check(&p, LP_FORWARD, 0xe);
    lp_room_piece_refused(&p.peer[0], 1, p.peer[2].slot);
    lp_room_piece_refused(&p.peer[0], 9, p.peer[1].slot);
    judge_piece_at(&p, 0, 1, SECOND, 1514, T0);
    check(&p, LP_FORWARD, 0xa);
    judge_piece_at(&p, 0, 2, FIRST, 1514, T0);
    for (unsigned i = 1; i < PEERS; i++)
        lp_room_piece_refused(&p.peer[0], 2, p.peer[i].slot);
    judge_piece_at(&p, 0, 2, SECOND, 1514, T0);
    check(&p, LP_DROP_REASON_PIECE_REFUSED, 0);
    party_tear_down(&p);
}

static void the_next_owner_of_a_slot_gets_no_second(void **state)
{
    struct lp_limits limits = default_limits();
    struct party p;

    party_set_up(&p);
    make_frame(&p, &client_mac[0], &everybody, 0x88b5);
    judge_piece_at(&p, 0, 1, FIRST, 1514, T0);
    lp_room_remove(&p.room, &p.peer[1]);
    assert_int_equal(party_join(&p, 1, &limits), 0);
    assert_int_equal(p.peer[1].slot, 1);
    judge_piece_at(&p, 0, 1, SECOND, 1514, T0);
    check(&p, LP_FORWARD, 0xc);
    party_tear_down(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_then_second),
        cmocka_unit_test(second_then_first),
        cmocka_unit_test(both_are_of_one_flow),
        cmocka_unit_test(a_released_second_keeps_its_sequence),
        cmocka_unit_test(both_share_every_verdict),
        cmocka_unit_test(buckets_are_charged_once_and_for_both),
        cmocka_unit_test(a_first_piece_that_cannot_be_judged),
        cmocka_unit_test(pieces_that_no_cut_makes),
        cmocka_unit_test(pieces_that_contradict_each_other),
        cmocka_unit_test(duplicates),
        cmocka_unit_test(waiting_ends_after_500_ms),
        cmocka_unit_test(the_oldest_makes_room),
        cmocka_unit_test(a_target_that_refused_the_first_gets_no_second),
        cmocka_unit_test(the_next_owner_of_a_slot_gets_no_second),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
