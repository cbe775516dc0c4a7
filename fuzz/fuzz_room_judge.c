/*
 * Arbitrary datagrams in a room of three clients and a gateway. The input is a sequence of
 * steps, each two octets and a datagram:
 *
 *   who|what  length  [datagram]
 *
 * The low two bits of the first octet say which member sends. The others: 0x04 sets the
 * overlay's room and peer ids right, 0x08 the source address, 0x10 lets 10 ms pass, 0x20 lets a
 * second pass, 0x40 tells of a target that refused, 0x80 lets the next client leave and come
 * back. The length counts in units of 8 octets (0xff: the length of a first piece with its
 * header).
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/wire.h"
#include "core/room.h"
#include "diag/counters.h"

#define ROOM_ID   0x0a0b0c0d
#define MEMBERS   4
#define GATEWAY   3
#define SOURCE_AT 6 /* in a frame */

enum {
    SET_IDS = 0x04,
    SET_SOURCE = 0x08,
    PASS_SHORT = 0x10,
    PASS_LONG = 0x20,
    REFUSE = 0x40,
    REJOIN = 0x80,
};

struct party {
    struct lp_room room;
    struct lp_member member[MEMBERS];
    struct lp_counters counters[MEMBERS];
    uint64_t now_ns;
};

static void check(int holds)
{
    if (!holds)
        abort();
}

static struct lp_mac mac_of(unsigned who)
{
    return (struct lp_mac){{who == GATEWAY ? 0x00 : 0x02, 0, 0, 0, 0, (uint8_t)(who + 1)}};
}

static void join(struct party *party, unsigned who)
{
    static const struct lp_limits limits = {
        .broadcast_burst_frames = 8,
        .broadcast_rate_frames = 4,
        .unknown_burst_frames = 8,
        .unknown_rate_frames = 4,
        .burst_bytes = 20000,
        .rate_bytes = 5000,
    };
    struct lp_member *member = &party->member[who];

    *member = (struct lp_member){
        .role = who == GATEWAY ? LP_ROLE_GATEWAY : LP_ROLE_CLIENT,
        .mac = mac_of(who),
        .overlay_flags = LP_OVERLAY_FLAG_PIECE | (who == 0 ? 0 : LP_OVERLAY_FLAG_SEQUENCE),
    };
    party->counters[who] = (struct lp_counters){0};
    check(lp_room_add(&party->room, member, &limits, 3, party->now_ns) == 0);
}

static void check_released(const struct lp_decision *d)
{
    uint8_t sum = 0;

    check(!d->is_second && (d->overlay.flags & LP_OVERLAY_FLAG_PIECE));
    check((d->released.flags & LP_OVERLAY_FLAG_PIECE) && d->released.piece.second);
    check(d->released.piece.id == d->overlay.piece.id);
    check(d->released.piece.frame_len == d->overlay.piece.frame_len);
    check(d->released.payload_len + d->overlay.payload_len == d->overlay.piece.frame_len);
    for (size_t i = 0; i < d->released.payload_len; i++)
        sum ^= d->released.payload[i]; /* the sanitizer sees whether it is there */
    (void)*(volatile uint8_t *)&sum;
}

/* What may be forwarded without a look at the table. */
static void check_source(const struct lp_decision *d, unsigned who)
{
    struct lp_mac own = mac_of(who);

    check(d->has_ethernet);
    check(lp_mac_is_valid_source(&d->eth.src));
    if (who != GATEWAY)
        check(lp_mac_equal(&d->eth.src, &own));
    for (unsigned i = 0; who == GATEWAY && i < GATEWAY; i++) {
        own = mac_of(i);
        check(!lp_mac_equal(&d->eth.src, &own));
    }
    check(d->frame_len <= LP_ETH_FRAME_MAX);
}

static void check_decision(const struct party *party, unsigned who, const struct lp_decision *d,
                           size_t len)
{
    unsigned slot = lp_peer_set_next(&d->targets, 0);

    check(d->target_count == lp_peer_set_count(&d->targets));
    check((d->target_count > 0) == (d->verdict == LP_FORWARD && !d->waits));
    check(!lp_peer_set_has(&d->targets, party->member[who].slot));
    for (; slot < LP_ROOM_SLOTS; slot = lp_peer_set_next(&d->targets, slot + 1))
        check(party->room.member[slot] != NULL && party->room.member[slot]->slot == slot);
    check(!d->waits || d->is_second);
    check(d->pieces_lost <= LP_PIECE_SLOTS);
    if (d->has_released)
        check_released(d);
    if (d->verdict != LP_FORWARD)
        return;
    check(d->overlay.room_id == ROOM_ID);
    check(d->overlay.peer_id == party->member[who].peer_id);
    check(d->overlay.payload_len < len);
    if (!d->is_second)
        check_source(d, who);
}

static unsigned count_waiting(const struct lp_member *member)
{
    unsigned waiting = 0;

    for (size_t i = 0; member->pieces != NULL && i < LP_PIECE_SLOTS; i++)
        waiting += member->pieces->slot[i].used && member->pieces->slot[i].second_waits;
    return waiting;
}

/* As a relay counts, and that it adds up: diag/counters.h. */
static void count(struct lp_counters *c, const struct lp_member *member,
                  const struct lp_decision *d)
{
    lp_count(c, LP_COUNTER_RX_DATAGRAMS, 1);
    lp_count_rx_drop(c, LP_DROP_REASON_PIECE_LOST, d->pieces_lost);
    if (d->verdict != LP_FORWARD)
        lp_count_rx_drop(c, d->verdict, 1);
    else if (!d->waits)
        lp_count(c, d->is_second ? LP_COUNTER_RX_PIECES : LP_COUNTER_RX_FRAMES, 1);
    if (d->has_released && d->verdict != LP_FORWARD)
        lp_count_rx_drop(c, LP_DROP_REASON_PIECE_REFUSED, 1);
    else if (d->has_released)
        lp_count(c, LP_COUNTER_RX_PIECES, 1);
    check(c->value[LP_COUNTER_RX_DATAGRAMS] ==
          c->value[LP_COUNTER_RX_FRAMES] + c->value[LP_COUNTER_RX_PIECES] +
              lp_counters_rx_dropped(c) + count_waiting(member));
}

static void play(struct party *party, uint8_t what, uint8_t *datagram, size_t len)
{
    unsigned who = what & 0x03;
    struct lp_member *member = &party->member[who];
    struct lp_mac mac = mac_of(who);
    struct lp_overlay overlay;
    struct lp_decision d;
    uint64_t seen_ns = member->last_seen_ns;

    if ((what & SET_IDS) && len >= LP_OVERLAY_HEADER_LEN) {
        lp_store_be32(datagram + 4, ROOM_ID);
        lp_store_be32(datagram + 8, member->peer_id);
    }
    if ((what & SET_SOURCE) &&
        lp_overlay_decode(datagram, len, member->overlay_flags, &overlay) == 0 &&
        overlay.payload_len >= LP_ETH_HEADER_LEN)
        memcpy(datagram + (len - overlay.payload_len) + SOURCE_AT, mac.octet, LP_MAC_LEN);
    lp_room_judge(&party->room, member, datagram, len, &d, party->now_ns);
    check_decision(party, who, &d, len);
    count(&party->counters[who], member, &d);
    check(member->last_seen_ns == seen_ns || member->last_seen_ns == party->now_ns);
    if ((what & REFUSE) && d.target_count > 0)
        lp_room_piece_refused(member, d.overlay.piece.id, lp_peer_set_next(&d.targets, 0));
}

static void pass_time(struct party *party, uint8_t what)
{
    if (what & PASS_SHORT)
        party->now_ns += 10 * LP_NS_PER_MS;
    if (what & PASS_LONG) {
        party->now_ns += LP_NS_PER_S;
        lp_count_rx_drop(&party->counters[what & 0x03], LP_DROP_REASON_PIECE_LOST,
                         lp_room_expire_pieces(&party->member[what & 0x03], party->now_ns));
    }
    if (what & REJOIN) {
        unsigned next = ((what & 0x03) + 1u) % MEMBERS;

        lp_room_remove(&party->room, &party->member[next]);
        join(party, next);
    }
}

/* A datagram in a block of exactly its size. */
static void step(struct party *party, uint8_t what, const uint8_t *bytes, size_t len)
{
    uint8_t *datagram = malloc(len > 0 ? len : 1);

    check(datagram != NULL);
    if (len > 0)
        memcpy(datagram, bytes, len);
    pass_time(party, what);
    play(party, what, datagram, len);
    free(datagram);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct party party;
    static const struct lp_fdb_salt salt = {.factor = 0x9e3779b97f4a7c15};
    struct lp_wire_reader r = lp_wire_reader_init(data, size);

    party.now_ns = LP_NS_PER_S;
    lp_room_init(&party.room, ROOM_ID, "fuzz", 1380, &salt);
    for (unsigned i = 0; i < MEMBERS; i++)
        join(&party, i);
    while (lp_wire_reader_left(&r) >= 2) {
        uint8_t what = lp_wire_read_u8(&r);
        uint8_t units = lp_wire_read_u8(&r);
        size_t len = units == 0xff
                         ? LP_OVERLAY_HEADER_LEN + LP_OVERLAY_PIECE_LEN + LP_PIECE_FIRST_LEN
                         : (size_t)units * 8;

        if (len > lp_wire_reader_left(&r))
            len = lp_wire_reader_left(&r);
        step(&party, what, lp_wire_read_bytes(&r, len), len);
    }
    for (unsigned i = 0; i < MEMBERS; i++)
        lp_room_remove(&party.room, &party.member[i]);
    lp_room_deinit(&party.room);
    return 0;
}
