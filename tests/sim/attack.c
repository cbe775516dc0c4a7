#include "attack.h"

#include <string.h>

#include "base/wire.h"
#include "proto/fragment.h"
#include "proto/overlay.h"
#include "traffic.h"

static struct sim_sender self(const struct sim_attacker *attacker)
{
    return (struct sim_sender){.station = SIM_HOSTILE,
                               .room = attacker->party->plan.hostile_room};
}

/* A frame of the game with a token in it, so that it cannot be taken for somebody else's. */
static void draw_frame(struct sim_attacker *attacker, struct sim_frame *frame)
{
    struct sim_sender sender = self(attacker);

    sim_traffic_draw(attacker->party, &sender, frame);
    frame->src = sim_station_mac(SIM_HOSTILE);
    if (frame->len < sim_frame_min(frame->kind) + SIM_TOKEN_LEN)
        frame->len = sim_frame_min(frame->kind) + SIM_TOKEN_LEN;
}

static struct lp_overlay overlay_of(const struct sim_attacker *attacker)
{
    return (struct lp_overlay){
        .type = LP_OVERLAY_FRAME, .room_id = attacker->room_id, .peer_id = attacker->peer_id};
}

static void send_overlay(struct sim_attacker *attacker, const struct lp_overlay *overlay,
                         const uint8_t *payload, size_t len)
{
    uint8_t datagram[SIM_ATTACK_DATAGRAM_MAX];
    int header = lp_overlay_encode(overlay, overlay->flags, datagram, sizeof(datagram));

    if (header < 0 || (size_t)header + len > sizeof(datagram))
        return;
    memcpy(datagram + header, payload, len);
    attacker->send(attacker->user, datagram, (size_t)header + len);
}

static void send_piece(struct sim_attacker *attacker, const struct sim_frame *frame,
                       uint16_t id, bool second)
{
    struct lp_overlay overlay = overlay_of(attacker);
    size_t at = second ? LP_PIECE_FIRST_LEN : 0;

    overlay.flags = LP_OVERLAY_FLAG_PIECE;
    overlay.piece = (struct lp_overlay_piece){
        .id = id, .second = second, .frame_len = (uint16_t)frame->len};
    overlay.payload_len = lp_fragment_piece_len(frame->len, second);
    send_overlay(attacker, &overlay, frame->bytes + at, overlay.payload_len);
}

static void send_whole(struct sim_attacker *attacker, const struct sim_frame *frame)
{
    struct lp_overlay overlay = overlay_of(attacker);

    send_overlay(attacker, &overlay, frame->bytes, frame->len);
}

static void enter(struct sim_attacker *attacker, const struct sim_frame *frame)
{
    struct sim_sender sender = self(attacker);

    sim_ledger_enter(attacker->party, &sender, frame, false);
}

/* Whole, or in two pieces in any order. */
static void send_frame(struct sim_attacker *attacker, const struct sim_frame *frame)
{
    bool second_first = sim_prng_chance(attacker->prng, SIM_PPM / 2);

    enter(attacker, frame);
    if (frame->len <= LP_PIECE_FIRST_LEN) {
        send_whole(attacker, frame);
        return;
    }
    send_piece(attacker, frame, attacker->next_piece, second_first);
    send_piece(attacker, frame, attacker->next_piece, !second_first);
    attacker->next_piece++;
}

/* ---- attacks
 * ------------------------------------------------------------------------------------ */

/* The game, with more forbidden kinds than others send. */
static void attack_frames(struct sim_attacker *attacker)
{
    struct sim_frame frame = {0};

    draw_frame(attacker, &frame);
    if (sim_prng_chance(attacker->prng, SIM_PPM / 2)) {
        frame.kind = (enum sim_frame_kind)sim_prng_between(attacker->prng, SIM_FRAME_FIRST_BAD,
                                                           SIM_FRAME_KINDS - 1);
        frame.len = sim_frame_min(frame.kind) + SIM_TOKEN_LEN;
        if (sim_prng_chance(attacker->prng, SIM_PPM / 2))
            frame.len = LP_ETH_FRAME_MAX;
    }
    sim_frame_make(&frame, frame.len);
    send_frame(attacker, &frame);
}

/* In the name of another player, or of a machine on the LAN. */
static void attack_spoof(struct sim_attacker *attacker)
{
    unsigned room = attacker->party->plan.hostile_room;
    struct sim_frame frame = {0};

    draw_frame(attacker, &frame);
    frame.kind = SIM_FRAME_PLAIN;
    frame.src = sim_prng_chance(attacker->prng, SIM_PPM / 2)
                    ? sim_lan_mac(room, 0)
                    : sim_station_mac((unsigned)sim_prng_below(attacker->prng, 4));
    sim_frame_make(&frame, frame.len);
    send_frame(attacker, &frame);
}

/* Headers that name what is not its own, or are none. */
static void attack_overlay(struct sim_attacker *attacker)
{
    struct lp_overlay overlay = overlay_of(attacker);
    uint8_t datagram[SIM_ATTACK_DATAGRAM_MAX];
    struct sim_frame frame = {0};

    draw_frame(attacker, &frame);
    if (frame.len > 1000)
        frame.len = 1000;
    frame.kind = SIM_FRAME_PLAIN;
    sim_frame_make(&frame, frame.len);
    switch (sim_prng_below(attacker->prng, 5)) {
    case 0:
        overlay.room_id ^= 3; /* 1 <-> 2 */
        send_overlay(attacker, &overlay, frame.bytes, frame.len);
        break;
    case 1:
        overlay.peer_id = (uint32_t)sim_prng_between(attacker->prng, 1, 8);
        if (overlay.peer_id != attacker->peer_id)
            send_overlay(attacker, &overlay, frame.bytes, frame.len);
        break;
    case 2:
        overlay.flags = LP_OVERLAY_FLAG_SEQUENCE;
        send_overlay(attacker, &overlay, frame.bytes, frame.len);
        break;
    case 3:
        send_overlay(attacker, &overlay, frame.bytes, sim_prng_between(attacker->prng, 1, 13));
        break;
    default:
        sim_prng_fill(attacker->prng, datagram, sizeof(datagram));
        if (sim_prng_chance(attacker->prng, SIM_PPM / 2)) {
            lp_store_be16(datagram, LP_OVERLAY_MAGIC);
            datagram[2] = 0x11;
        }
        attacker->send(attacker->user, datagram, sim_prng_between(attacker->prng, 1, 1100));
        break;
    }
}

/* Pieces that do not belong together: nothing of them may come out but what was a frame. */
static void attack_pieces(struct sim_attacker *attacker)
{
    uint16_t id = attacker->next_piece++;
    struct sim_frame one = {0}, other = {0};

    draw_frame(attacker, &one);
    draw_frame(attacker, &other);
    one.kind = other.kind = SIM_FRAME_PLAIN;
    other.len = LP_ETH_FRAME_MAX;
    sim_frame_make(&one, LP_ETH_FRAME_MAX);
    switch (sim_prng_below(attacker->prng, 5)) {
    case 0: /* one half only */
        send_piece(attacker, &one, id, sim_prng_chance(attacker->prng, SIM_PPM / 2));
        break;
    case 1: /* the first twice, then its second */
        enter(attacker, &one);
        send_piece(attacker, &one, id, false);
        send_piece(attacker, &one, id, false);
        send_piece(attacker, &one, id, true);
        break;
    case 2: /* the second twice, then its first */
        enter(attacker, &one);
        send_piece(attacker, &one, id, true);
        send_piece(attacker, &one, id, true);
        send_piece(attacker, &one, id, false);
        break;
    case 3: /* lengths that contradict each other */
        sim_frame_make(&other, LP_ETH_FRAME_MAX - 7);
        send_piece(attacker, &one, id, false);
        send_piece(attacker, &other, id, true);
        break;
    default: /* a forbidden first piece, its second alone must not come through */
        other.src = sim_station_mac(0);
        sim_frame_make(&other, LP_ETH_FRAME_MAX);
        send_piece(attacker, &other, id, false);
        send_piece(attacker, &other, id, true);
        break;
    }
}

/* Many first halves, so that others' tables fill up. */
static void attack_half_flood(struct sim_attacker *attacker)
{
    uint64_t count = sim_prng_between(attacker->prng, 10, 60);
    struct sim_frame frame = {0};

    draw_frame(attacker, &frame);
    frame.kind = SIM_FRAME_PLAIN;
    sim_frame_make(&frame, LP_ETH_FRAME_MAX);
    while (count-- > 0)
        send_piece(attacker, &frame, attacker->next_piece++,
                   sim_prng_chance(attacker->prng, SIM_PPM / 2));
}

static void attack_flood(struct sim_attacker *attacker)
{
    uint64_t count = sim_prng_between(attacker->prng, 20, 120);
    struct sim_frame frame = {0};

    while (count-- > 0) {
        draw_frame(attacker, &frame);
        frame.kind = SIM_FRAME_PLAIN;
        memset(frame.dst.octet, 0xff, LP_MAC_LEN);
        sim_frame_make(&frame, frame.len);
        send_frame(attacker, &frame);
    }
}

void sim_attack(struct sim_attacker *attacker, bool gentle)
{
    switch (sim_prng_below(attacker->prng, gentle ? 80 : 100)) {
    case 0 ... 29:
        attack_frames(attacker);
        break;
    case 30 ... 49:
        attack_spoof(attacker);
        break;
    case 50 ... 59:
        attack_overlay(attacker);
        break;
    case 60 ... 79:
        attack_pieces(attacker);
        break;
    case 80 ... 89:
        attack_half_flood(attacker);
        break;
    default:
        attack_flood(attacker);
        break;
    }
}
