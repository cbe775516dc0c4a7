/* The order of judgement, every filter for both kinds of ingress, and every row of the table.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "party.h"

static const struct lp_mac multicast = {{0x01, 0x00, 0x5e, 0x00, 0x00, 0xfb}};
static const struct lp_mac zero = {{0}};

static void check(const struct party *p, enum lp_drop verdict, unsigned targets)
{
    const struct lp_decision *d = &p->d;

    if (d->verdict != verdict)
        print_error("verdict is %d\n", (int)d->verdict);
    assert_int_equal(d->verdict, verdict);
    assert_int_equal(targets_of(p, &d->targets), targets);
    assert_int_equal(lp_peer_set_count(&d->targets), d->target_count);
    assert_int_equal(d->target_count, __builtin_popcount(targets));
    assert_false(d->waits || d->is_second || d->has_released);
}

/* Rows of the switching table: all four are there, lan_mac was learned, other_lan_mac was not.
 */
static void the_switching_table(void **state)
{
    static const struct {
        unsigned from;
        const struct lp_mac *dst;
        enum lp_drop verdict;
        unsigned targets; /* bit by index */
        unsigned unknown_cost;
        unsigned broadcast_cost;
    } rows[] = {
        {0, &client_mac[1], LP_FORWARD, 0x2, 0, 0},
        {2, &client_mac[0], LP_FORWARD, 0x1, 0, 0},
        {1, &client_mac[1], LP_DROP_REASON_TO_SELF, 0, 0, 0},
        {0, &lan_mac, LP_FORWARD, 0x8, 0, 0},
        {0, &other_lan_mac, LP_FORWARD, 0x8, 1, 0},
        {0, &zero, LP_FORWARD, 0x8, 1, 0},
        {0, &everybody, LP_FORWARD, 0xe, 0, 1},
        {1, &multicast, LP_FORWARD, 0xd, 0, 1},
        {GATEWAY, &client_mac[2], LP_FORWARD, 0x4, 0, 0},
        {GATEWAY, &other_lan_mac, LP_DROP_REASON_NO_TARGET, 0, 0, 0},
        {GATEWAY, &lan_mac, LP_DROP_REASON_NO_TARGET, 0, 0, 0},
        {GATEWAY, &everybody, LP_FORWARD, 0x7, 0, 0},
        {GATEWAY, &multicast, LP_FORWARD, 0x7, 0, 0},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        unsigned from = rows[i].from;
        struct lp_mac src = from == GATEWAY ? lan_mac : client_mac[from];
        struct party p;

        party_set_up(&p);
        make_frame(&p, &lan_mac, &client_mac[0], 0x88b5);
        assert_int_equal(judge_frame_at(&p, GATEWAY, 60, T0)->verdict, LP_FORWARD);
        make_frame(&p, &src, rows[i].dst, 0x88b5);
        judge_frame_at(&p, from, 100, T0 + 1);
        check(&p, rows[i].verdict, rows[i].targets);
        assert_int_equal(p.d.broadcast, lp_mac_is_group(rows[i].dst));
        assert_int_equal(p.d.frame_len, 100);
        assert_true(p.d.has_ethernet && lp_mac_equal(&p.d.eth.src, &src));
        assert_int_equal(p.d.overlay.payload_len, 100);
        assert_memory_equal(p.d.overlay.payload, p.frame, 100);
        assert_int_equal(p.peer[from].unknown.tokens, 64 - rows[i].unknown_cost);
        assert_int_equal(p.peer[from].broadcast.tokens, 64 - rows[i].broadcast_cost);
        assert_int_equal(p.peer[from].bytes.tokens, (4 << 20) - (from == GATEWAY ? 0 : 100));
        party_tear_down(&p);
    }
}

static void without_a_gateway(void **state)
{
    struct party p;

    party_set_up(&p);
    make_frame(&p, &lan_mac, &client_mac[0], 0x88b5);
    judge_frame_at(&p, GATEWAY, 60, T0);
    lp_room_remove(&p.room, &p.peer[GATEWAY]);
    make_frame(&p, &client_mac[0], &lan_mac, 0x88b5);
    judge_frame_at(&p, 0, 60, T0); /* what was learned went with the gateway */
    check(&p, LP_DROP_REASON_NO_GATEWAY, 0);
    assert_int_equal(p.peer[0].unknown.tokens, 64);
    make_frame(&p, &client_mac[0], &everybody, 0x88b5);
    judge_frame_at(&p, 0, 60, T0);
    check(&p, LP_FORWARD, 0x6);
    make_frame(&p, &client_mac[0], &client_mac[2], 0x88b5);
    judge_frame_at(&p, 0, 60, T0);
    check(&p, LP_FORWARD, 0x4);
    party_tear_down(&p);
}

static void alone(void **state)
{
    struct party p;

    party_set_up(&p);
    for (unsigned i = 0; i < 3; i++)
        lp_room_remove(&p.room, &p.peer[i]);
    make_frame(&p, &lan_mac, &everybody, 0x88b5);
    judge_frame_at(&p, GATEWAY, 60, T0);
    check(&p, LP_DROP_REASON_ALONE, 0);
    party_tear_down(&p);

    party_set_up(&p);
    for (unsigned i = 1; i < PEERS; i++)
        lp_room_remove(&p.room, &p.peer[i]);
    make_frame(&p, &client_mac[0], &everybody, 0x88b5);
    judge_frame_at(&p, 0, 60, T0);
    check(&p, LP_DROP_REASON_ALONE, 0);
    party_tear_down(&p);
}

static void overlays_that_are_not_the_senders(void **state)
{
    struct lp_overlay overlay;
    struct party p;

    party_set_up(&p);
    make_frame(&p, &client_mac[0], &everybody, 0x88b5);
    overlay = overlay_of(&p, 0, 0);
    overlay.room_id++;
    judge_overlay(&p, 0, &overlay, p.frame, 60, T0);
    check(&p, LP_DROP_REASON_WRONG_ROOM, 0);
    overlay = overlay_of(&p, 1, 0);
    judge_overlay(&p, 0, &overlay, p.frame, 60, T0);
    check(&p, LP_DROP_REASON_WRONG_PEER, 0);
    overlay.room_id++; /* both: the room is looked at first */
    judge_overlay(&p, 0, &overlay, p.frame, 60, T0);
    check(&p, LP_DROP_REASON_WRONG_ROOM, 0);
    judge_frame_at(&p, 0, 60, T0);
    for (size_t len = 0; len <= 12; len++) { /* no header, no payload */
        judge_bytes(&p, 0, len, T0);
        check(&p, LP_DROP_REASON_BAD_OVERLAY, 0);
    }
    p.datagram[0] ^= 1;
    judge_bytes(&p, 0, 72, T0);
    check(&p, LP_DROP_REASON_BAD_OVERLAY, 0);
    p.peer[0].overlay_flags = PIECE; /* what this peer did not announce it may not use */
    overlay = overlay_of(&p, 0, SEQUENCE);
    judge_overlay(&p, 0, &overlay, p.frame, 60, T0);
    check(&p, LP_DROP_REASON_BAD_OVERLAY, 0);
    assert_false(p.d.has_ethernet);
    assert_int_equal(p.peer[0].last_seen_ns, T0);
    assert_int_equal(p.peer[0].broadcast.tokens, 63); /* the one good frame */
    party_tear_down(&p);
}

static void frames_that_do_not_parse(void **state)
{
    struct party p;

    party_set_up(&p);
    make_frame(&p, &client_mac[0], &client_mac[1], 0x88b5);
    for (size_t len = 1; len < 14; len++) {
        judge_frame_at(&p, 0, len, T0 + 1);
        check(&p, LP_DROP_REASON_BAD_ETHERNET, 0);
        assert_false(p.d.has_ethernet);
    }
    judge_frame_at(&p, 0, 14, T0 + 1);
    check(&p, LP_FORWARD, 0x2);
    judge_frame_at(&p, 0, 1514, T0 + 1);
    check(&p, LP_FORWARD, 0x2);
    judge_frame_at(&p, 0, 1515, T0 + 1);
    check(&p, LP_DROP_REASON_OVERSIZE, 0);
    assert_int_equal(p.d.frame_len, 1515);
    judge_frame_at(&p, 0, 2048, T0 + 1);
    check(&p, LP_DROP_REASON_OVERSIZE, 0);
    assert_int_equal(p.peer[0].bytes.tokens, (4 << 20) - 14 - 1514);
    make_frame(&p, &lan_mac, &client_mac[1], 0x88b5);
    judge_frame_at(&p, GATEWAY, 1515, T0 + 1);
    check(&p, LP_DROP_REASON_OVERSIZE, 0);
    party_tear_down(&p);
}

static void sources(void **state)
{
    static const struct lp_mac group = {{0x03, 0, 0, 0, 0, 1}};
    static const struct {
        unsigned from;
        const struct lp_mac *src;
        enum lp_drop verdict;
    } rows[] = {
        {0, &client_mac[0], LP_FORWARD},
        {0, &client_mac[1], LP_DROP_REASON_SOURCE_NOT_AUTHORISED},
        {0, &lan_mac, LP_DROP_REASON_SOURCE_NOT_AUTHORISED},
        {0, &zero, LP_DROP_REASON_BAD_SOURCE},
        {0, &group, LP_DROP_REASON_BAD_SOURCE},
        {0, &everybody, LP_DROP_REASON_BAD_SOURCE},
        {GATEWAY, &lan_mac, LP_FORWARD},
        {GATEWAY, &client_mac[0], LP_DROP_REASON_SOURCE_NOT_AUTHORISED},
        {GATEWAY, &client_mac[1], LP_DROP_REASON_SOURCE_NOT_AUTHORISED},
        {GATEWAY, &zero, LP_DROP_REASON_BAD_SOURCE},
        {GATEWAY, &group, LP_DROP_REASON_BAD_SOURCE},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        unsigned from = rows[i].from;
        struct party p;

        party_set_up(&p);
        make_frame(&p, rows[i].src, &client_mac[2], 0x88b5);
        judge_frame_at(&p, from, 60, T0 + 5);
        check(&p, rows[i].verdict, rows[i].verdict == LP_FORWARD ? 0x4 : 0);
        assert_int_equal(p.peer[from].last_seen_ns,
                         rows[i].verdict == LP_FORWARD ? T0 + 5 : T0);
        assert_int_equal(p.room.fdb.count, from == GATEWAY && rows[i].verdict == LP_FORWARD);
        party_tear_down(&p);
    }
}

/* A frame of each class, as octets behind the addresses; dst NULL is everybody. */
struct filter_row {
    enum lp_drop client;
    enum lp_drop gateway;
    struct lp_mac dst;
    uint8_t len;
    uint8_t bytes[80];
};

#define DST_ALL                                                                                \
    {                                                                                          \
        {                                                                                      \
            0xff, 0xff, 0xff, 0xff, 0xff, 0xff                                                 \
        }                                                                                      \
    }
#define IPV4(flags, protocol)                                                                  \
    0x08, 0x00, 0x45, 0, 0, 40, 0, 1, (flags), 0, 64, (protocol), 0, 0, 10, 0, 0, 1, 10, 0, 0, 2
#define IPV6_(next)                                                                            \
    0x60, 0, 0, 0, 0, 24, (next), 255, 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,   \
        0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1
#define IPV6(next)     0x86, 0xdd, IPV6_(next)
#define UDP(port)      0, 67, (port) >> 8, (port)&0xff, 0, 8, 0, 0
#define BOTH(reason)   LP_DROP_REASON_##reason, LP_DROP_REASON_##reason
#define REMOTE(reason) LP_DROP_REASON_##reason, LP_FORWARD

static const struct filter_row filter_rows[] = {
    {BOTH(LINK_LOCAL), {{0x01, 0x80, 0xc2, 0, 0, 0x00}}, 2, {0x00, 0x26}},
    {BOTH(LINK_LOCAL), {{0x01, 0x80, 0xc2, 0, 0, 0x0f}}, 2, {0x88, 0xb5}},
    {LP_FORWARD, LP_FORWARD, {{0x01, 0x80, 0xc2, 0, 0, 0x10}}, 2, {0x88, 0xb5}},
    {BOTH(LINK_LOCAL), {{0x01, 0x00, 0x0c, 0xcc, 0xcc, 0xcc}}, 2, {0x88, 0xb5}},
    {BOTH(LINK_LOCAL), {{0x01, 0x00, 0x0c, 0xcc, 0xcc, 0xcd}}, 2, {0x88, 0xb5}},
    {BOTH(EAPOL), DST_ALL, 2, {0x88, 0x8e}},
    {BOTH(LLDP), DST_ALL, 2, {0x88, 0xcc}},
    {BOTH(SLOW_PROTOCOL), DST_ALL, 2, {0x88, 0x09}},
    {BOTH(PAUSE), DST_ALL, 2, {0x88, 0x08}},
    {REMOTE(DHCP4_SERVER), DST_ALL, 30, {IPV4(0, 17), UDP(68)}},
    {LP_FORWARD, LP_FORWARD, DST_ALL, 30, {IPV4(0, 17), UDP(67)}},
    {REMOTE(DHCP4_SERVER), DST_ALL, 30, {IPV4(0x20, 17), UDP(68)}},
    {REMOTE(DHCP4_SERVER), DST_ALL, 38, {0, 36, 0xaa, 0xaa, 3, 0, 0, 0, IPV4(0, 17), UDP(68)}},
    {REMOTE(DHCP6_SERVER), DST_ALL, 50, {IPV6(17), UDP(546)}},
    {LP_FORWARD, LP_FORWARD, DST_ALL, 50, {IPV6(17), UDP(547)}},
    {REMOTE(ROUTER_ADVERTISEMENT), DST_ALL, 58, {IPV6(58), 134, 0, 0, 0}},
    {LP_FORWARD, LP_FORWARD, DST_ALL, 58, {IPV6(58), 135, 0, 0, 0}},
    {REMOTE(REDIRECT), DST_ALL, 58, {IPV6(58), 137, 0, 0, 0}},
    {REMOTE(ROUTER_ADVERTISEMENT),
     DST_ALL,
     62,
     {IPV6(0), 58, 0, 1, 4, 0, 0, 0, 0, 134, 0, 0, 0}},
    {REMOTE(ROUTER_ADVERTISEMENT),
     DST_ALL,
     62,
     {IPV6(43), 58, 0, 0, 0, 0, 0, 0, 0, 134, 0, 0, 0}},
    {REMOTE(ROUTER_ADVERTISEMENT),
     DST_ALL,
     62,
     {IPV6(60), 58, 0, 1, 4, 0, 0, 0, 0, 134, 0, 0, 0}},
    {REMOTE(ROUTER_ADVERTISEMENT),
     DST_ALL,
     62,
     {IPV6(51), 58, 0, 0, 0, 0, 0, 0, 0, 134, 0, 0, 0}},
    {REMOTE(FRAGMENTED_ND), DST_ALL, 62, {IPV6(44), 58, 0, 0, 1, 0, 0, 0, 0, 135, 0, 0, 0}},
    {LP_FORWARD, LP_FORWARD, DST_ALL, 62, {IPV6(44), 58, 0, 1, 1, 0, 0, 0, 0, 134, 0, 0, 0}},
    {REMOTE(VLAN), DST_ALL, 10, {0x81, 0x00, 0, 0, 0x08, 0x06}},
    {REMOTE(VLAN), DST_ALL, 10, {0x88, 0xa8, 0, 5, 0x81, 0x00, 0, 6}},
    {REMOTE(SHORT_FRAGMENT), DST_ALL, 26, {IPV4(0x20, 17), 0, 67, 0, 68}},
    {REMOTE(OPAQUE), DST_ALL, 10, {0x08, 0x00, 0x45}},
    {REMOTE(OPAQUE), DST_ALL, 42, {IPV6(0)}},
    {LP_FORWARD, LP_FORWARD, DST_ALL, 10, {0, 6, 0xff, 0xff}}, /* raw 802.3 IPX */
    {LP_FORWARD, LP_FORWARD, DST_ALL, 22, {IPV4(0, 99)}},      /* unknown upper protocol */
};

static void every_filter(void **state)
{
    for (size_t i = 0; i < sizeof(filter_rows) / sizeof(filter_rows[0]); i++) {
        const struct filter_row *row = &filter_rows[i];
        struct party p;

        party_set_up(&p);
        for (unsigned from = 0; from <= GATEWAY; from += GATEWAY) {
            enum lp_drop verdict = from == GATEWAY ? row->gateway : row->client;
            bool passes = verdict == LP_FORWARD;

            make_frame(&p, from == GATEWAY ? &lan_mac : &client_mac[0], &row->dst, 0);
            memcpy(p.frame + 12, row->bytes, row->len);
            judge_frame_at(&p, from, 12u + row->len, T0 + 7);
            if (p.d.verdict != verdict)
                print_error("row %zu from %u\n", i, from);
            check(&p, verdict, !passes ? 0 : from == GATEWAY ? 0x7 : 0xe);
            /* seen, but nothing charged and nothing learned by a filtered frame */
            assert_int_equal(p.peer[from].last_seen_ns, T0 + 7);
            if (from == GATEWAY)
                assert_int_equal(p.room.fdb.count, passes);
            else
                assert_int_equal(p.peer[0].bytes.tokens,
                                 (4 << 20) - (passes ? 12 + row->len : 0));
        }
        party_tear_down(&p);
    }
}

/* The filters come before the table: a filtered frame to another client, too. */
static void filters_hold_for_every_target(void **state)
{
    struct party p;

    party_set_up(&p);
    make_frame(&p, &client_mac[0], &client_mac[1], 0x8100);
    judge_frame_at(&p, 0, 60, T0);
    check(&p, LP_DROP_REASON_VLAN, 0);
    make_frame(&p, &client_mac[1], &client_mac[1], 0x888e);
    judge_frame_at(&p, 0, 60, T0); /* the source comes before the filters */
    check(&p, LP_DROP_REASON_SOURCE_NOT_AUTHORISED, 0);
    party_tear_down(&p);
}

static void broadcasts_are_limited(void **state)
{
    struct party p;

    party_set_up(&p);
    make_frame(&p, &client_mac[0], &everybody, 0x88b5);
    for (unsigned i = 0; i < 64; i++) {
        judge_frame_at(&p, 0, 60, T0);
        check(&p, LP_FORWARD, 0xe);
    }
    judge_frame_at(&p, 0, 60, T0);
    check(&p, LP_DROP_REASON_RATE_BROADCAST, 0);
    /* others have buckets of their own, unicast another one, the gateway none */
    make_frame(&p, &client_mac[1], &everybody, 0x88b5);
    judge_frame_at(&p, 1, 60, T0);
    check(&p, LP_FORWARD, 0xd);
    make_frame(&p, &client_mac[0], &client_mac[1], 0x88b5);
    judge_frame_at(&p, 0, 60, T0);
    check(&p, LP_FORWARD, 0x2);
    make_frame(&p, &lan_mac, &everybody, 0x88b5);
    for (unsigned i = 0; i < 1000; i++) {
        judge_frame_at(&p, GATEWAY, 60, T0);
        check(&p, LP_FORWARD, 0x7);
    }
    make_frame(&p, &client_mac[0], &everybody, 0x88b5);
    judge_frame_at(&p, 0, 60, T0 + LP_NS_PER_S / 32 - 1);
    check(&p, LP_DROP_REASON_RATE_BROADCAST, 0);
    judge_frame_at(&p, 0, 60, T0 + LP_NS_PER_S / 32);
    check(&p, LP_FORWARD, 0xe);
    party_tear_down(&p);
}

static void unknown_unicast_is_limited_and_learned_is_not(void **state)
{
    struct party p;

    party_set_up(&p);
    make_frame(&p, &client_mac[0], &lan_mac, 0x88b5);
    for (unsigned i = 0; i < 64; i++) {
        judge_frame_at(&p, 0, 60, T0);
        check(&p, LP_FORWARD, 0x8);
    }
    judge_frame_at(&p, 0, 60, T0);
    check(&p, LP_DROP_REASON_RATE_UNKNOWN, 0);
    make_frame(&p, &lan_mac, &other_lan_mac, 0x88b5);
    judge_frame_at(&p, GATEWAY, 60, T0); /* goes nowhere, but teaches */
    check(&p, LP_DROP_REASON_NO_TARGET, 0);
    make_frame(&p, &client_mac[0], &lan_mac, 0x88b5);
    for (unsigned i = 0; i < 1000; i++) {
        judge_frame_at(&p, 0, 60, T0);
        check(&p, LP_FORWARD, 0x8);
    }
    /* 300 s later it is unknown again; the bucket is full by then */
    for (unsigned i = 0; i < 64; i++)
        judge_frame_at(&p, 0, 60, T0 + LP_FDB_AGE_NS);
    check(&p, LP_FORWARD, 0x8);
    judge_frame_at(&p, 0, 60, T0 + LP_FDB_AGE_NS);
    check(&p, LP_DROP_REASON_RATE_UNKNOWN, 0);
    party_tear_down(&p);
}

static void bytes_are_limited(void **state)
{
    struct lp_limits limits = default_limits();
    struct party p;

    limits.burst_bytes = 3000;
    limits.rate_bytes = 1000;
    party_set_up_limited(&p, &limits);
    make_frame(&p, &client_mac[0], &client_mac[1], 0x88b5);
    judge_frame_at(&p, 0, 1500, T0);
    check(&p, LP_FORWARD, 0x2);
    judge_frame_at(&p, 0, 1501, T0);
    check(&p, LP_DROP_REASON_RATE_BYTES, 0);
    judge_frame_at(&p, 0, 1500, T0);
    check(&p, LP_FORWARD, 0x2);
    judge_frame_at(&p, 0, 14, T0);
    check(&p, LP_DROP_REASON_RATE_BYTES, 0);
    judge_frame_at(&p, 0, 14, T0 + 14 * LP_NS_PER_MS);
    check(&p, LP_FORWARD, 0x2);
    /* it comes before the other buckets, which lose nothing by it */
    make_frame(&p, &client_mac[0], &everybody, 0x88b5);
    judge_frame_at(&p, 0, 60, T0 + 14 * LP_NS_PER_MS);
    check(&p, LP_DROP_REASON_RATE_BYTES, 0);
    assert_int_equal(p.peer[0].broadcast.tokens, 64);
    make_frame(&p, &lan_mac, &client_mac[0], 0x88b5);
    for (unsigned i = 0; i < 10; i++)
        judge_frame_at(&p, GATEWAY, 1514, T0);
    check(&p, LP_FORWARD, 0x1);
    party_tear_down(&p);
}

static void rate_zero_limits_nothing(void **state)
{
    struct lp_limits limits = {0};
    struct party p;

    party_set_up_limited(&p, &limits);
    for (unsigned i = 0; i < 500; i++) {
        make_frame(&p, &client_mac[0], &everybody, 0x88b5);
        judge_frame_at(&p, 0, 1514, T0);
        check(&p, LP_FORWARD, 0xe);
        make_frame(&p, &client_mac[0], &other_lan_mac, 0x88b5);
        judge_frame_at(&p, 0, 1514, T0);
        check(&p, LP_FORWARD, 0x8);
    }
    party_tear_down(&p);
}

static void extensions_travel_on(void **state)
{
    struct lp_overlay overlay;
    struct party p;

    party_set_up(&p);
    make_frame(&p, &client_mac[0], &client_mac[1], 0x88b5);
    overlay = overlay_of(&p, 0, SEQUENCE);
    overlay.sequence = (struct lp_overlay_sequence){.flow = 3, .number = 4};
    judge_overlay(&p, 0, &overlay, p.frame, 60, T0);
    check(&p, LP_FORWARD, 0x2);
    assert_int_equal(p.d.overlay.flags, SEQUENCE);
    assert_int_equal(p.d.overlay.sequence.flow, 3);
    assert_int_equal(p.d.overlay.sequence.number, 4);
    assert_int_equal(p.d.overlay.peer_id, 1); /* the origin */
    party_tear_down(&p);
}

/* A player's are told apart from everybody else's; the gateway stands for many. */
static void frames_have_a_flow_and_an_origin(void **state)
{
    struct party p;
    struct lp_flow flow;

    party_set_up(&p);
    make_frame(&p, &client_mac[0], &client_mac[1], 0x88b5);
    flow = judge_frame_at(&p, 0, 60, T0)->flow;
    assert_int_equal(flow.origin, p.peer[0].slot + 1);
    p.room.flow_key.word[0]++;
    assert_int_not_equal(judge_frame_at(&p, 0, 60, T0)->flow.hash, flow.hash);
    make_frame(&p, &client_mac[2], &client_mac[1], 0x88b5);
    assert_int_equal(judge_frame_at(&p, 2, 60, T0)->flow.origin, p.peer[2].slot + 1);
    make_frame(&p, &lan_mac, &client_mac[1], 0x88b5);
    assert_int_equal(judge_frame_at(&p, GATEWAY, 60, T0)->flow.origin, 0);
    assert_int_not_equal(p.d.flow.hash, 0);
    party_tear_down(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_switching_table),
        cmocka_unit_test(without_a_gateway),
        cmocka_unit_test(alone),
        cmocka_unit_test(overlays_that_are_not_the_senders),
        cmocka_unit_test(frames_that_do_not_parse),
        cmocka_unit_test(sources),
        cmocka_unit_test(every_filter),
        cmocka_unit_test(filters_hold_for_every_target),
        cmocka_unit_test(broadcasts_are_limited),
        cmocka_unit_test(unknown_unicast_is_limited_and_learned_is_not),
        cmocka_unit_test(bytes_are_limited),
        cmocka_unit_test(rate_zero_limits_nothing),
        cmocka_unit_test(extensions_travel_on),
        cmocka_unit_test(frames_have_a_flow_and_an_origin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
