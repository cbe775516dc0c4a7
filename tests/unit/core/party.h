/*
 * A room with three clients and a gateway, and the datagrams that they send. Shared by the
 * tests of the room; peers are named by their index: 0, 1, 2 the clients, GATEWAY.
 */
#ifndef LP_TESTS_CORE_PARTY_H
#define LP_TESTS_CORE_PARTY_H

#include <string.h>

#include "base/wire.h"
#include "core/room.h"

#define T0       (100 * LP_NS_PER_S)
#define ROOM_ID  0x0a0b0c0du
#define GATEWAY  3
#define PEERS    4
#define PIECE    LP_OVERLAY_FLAG_PIECE
#define SEQUENCE LP_OVERLAY_FLAG_SEQUENCE

static const struct lp_mac client_mac[3] = {
    {{0x02, 0, 0, 0, 0, 0x01}}, {{0x02, 0, 0, 0, 0, 0x02}}, {{0x02, 0, 0, 0, 0, 0x03}}};
static const struct lp_mac lan_mac = {{0x00, 0x16, 0x3e, 0, 0, 0x11}};
static const struct lp_mac other_lan_mac = {{0x00, 0x16, 0x3e, 0, 0, 0x22}};
static const struct lp_mac everybody = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

struct party {
    struct lp_room room;
    struct lp_member peer[PEERS];
    struct lp_decision d; /* of the last judgement */
    uint8_t frame[2048];
    uint8_t datagram[2200];
};

static inline struct lp_limits default_limits(void)
{
    return (struct lp_limits){
        .broadcast_burst_frames = 64,
        .broadcast_rate_frames = 32,
        .unknown_burst_frames = 64,
        .unknown_rate_frames = 32,
        .burst_bytes = 4 << 20,
        .rate_bytes = 2 << 20,
    };
}

static inline int party_join(struct party *p, unsigned who, const struct lp_limits *limits)
{
    p->peer[who] = (struct lp_member){
        .role = who == GATEWAY ? LP_ROLE_GATEWAY : LP_ROLE_CLIENT,
        .overlay_flags = PIECE | SEQUENCE,
    };
    if (who != GATEWAY)
        p->peer[who].mac = client_mac[who];
    return lp_room_add(&p->room, &p->peer[who], limits, 16, T0);
}

static inline void party_set_up_limited(struct party *p, const struct lp_limits *limits)
{
    static const struct lp_fdb_salt salt = {.factor = 0x9e3779b97f4a7c15};

    memset(p, 0, sizeof(*p));
    lp_room_init(&p->room, ROOM_ID, "ABCD", 1380, &salt);
    for (unsigned i = 0; i < PEERS; i++)
        (void)party_join(p, i, limits);
}

static inline void party_set_up(struct party *p)
{
    struct lp_limits limits = default_limits();

    party_set_up_limited(p, &limits);
}

static inline void party_tear_down(struct party *p)
{
    for (unsigned i = 0; i < PEERS; i++) {
        if (p->peer[i].peer_id != 0)
            lp_room_remove(&p->room, &p->peer[i]);
    }
    lp_room_deinit(&p->room);
}

/* A frame whose payload counts up; the type is one that no filter looks into. */
static inline void make_frame(struct party *p, const struct lp_mac *src,
                              const struct lp_mac *dst, uint16_t type)
{
    memcpy(p->frame, dst->octet, LP_MAC_LEN);
    memcpy(p->frame + LP_MAC_LEN, src->octet, LP_MAC_LEN);
    lp_store_be16(p->frame + 2 * LP_MAC_LEN, type);
    for (size_t i = LP_ETH_HEADER_LEN; i < sizeof(p->frame); i++)
        p->frame[i] = (uint8_t)(i + i / 256);
}

static inline const struct lp_decision *judge_bytes(struct party *p, unsigned who, size_t len,
                                                    uint64_t now_ns)
{
    lp_room_judge(&p->room, &p->peer[who], p->datagram, len, &p->d, now_ns);
    return &p->d;
}

/* `overlay` and `len` octets from `bytes`, as this peer's datagram. */
static inline const struct lp_decision *judge_overlay(struct party *p, unsigned who,
                                                      const struct lp_overlay *overlay,
                                                      const uint8_t *bytes, size_t len,
                                                      uint64_t now_ns)
{
    int header_len =
        lp_overlay_encode(overlay, PIECE | SEQUENCE, p->datagram, sizeof(p->datagram));

    memcpy(p->datagram + header_len, bytes, len);
    return judge_bytes(p, who, (size_t)header_len + len, now_ns);
}

static inline struct lp_overlay overlay_of(const struct party *p, unsigned who, uint8_t flags)
{
    return (struct lp_overlay){
        .type = LP_OVERLAY_FRAME,
        .flags = flags,
        .room_id = ROOM_ID,
        .peer_id = p->peer[who].peer_id,
    };
}

/* The frame that was made, whole. */
static inline const struct lp_decision *judge_frame_at(struct party *p, unsigned who,
                                                       size_t len, uint64_t now_ns)
{
    struct lp_overlay overlay = overlay_of(p, who, 0);

    return judge_overlay(p, who, &overlay, p->frame, len, now_ns);
}

/* One piece of the frame that was made. */
static inline const struct lp_decision *judge_piece_at(struct party *p, unsigned who,
                                                       uint16_t id, bool second,
                                                       uint16_t frame_len, uint64_t now_ns)
{
    struct lp_overlay overlay = overlay_of(p, who, PIECE);

    overlay.piece =
        (struct lp_overlay_piece){.id = id, .second = second, .frame_len = frame_len};
    return judge_overlay(p, who, &overlay, p->frame + (second ? LP_PIECE_FIRST_LEN : 0),
                         lp_fragment_piece_len(frame_len, second), now_ns);
}

/* The targets as a bit for each peer's index, in the order of joining. */
static inline unsigned targets_of(const struct party *p, const struct lp_peer_set *set)
{
    unsigned found = 0;

    for (unsigned i = 0; i < PEERS; i++) {
        if (p->peer[i].peer_id != 0 && lp_peer_set_has(set, p->peer[i].slot))
            found |= 1u << i;
    }
    return found;
}

#endif
