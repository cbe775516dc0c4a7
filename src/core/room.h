/*
 * A room: its members and the switch between them (the whole order and table of the relay). It
 * judges and returns a decision; it sends nothing. Time is a parameter.
 *
 * Members are the caller's memory (a relay's session embeds one) and must be removed before
 * that goes away. A room has LP_ROOM_SLOTS slots; a member keeps its slot while it is there.
 * Peer ids start at 1 and are never used again while the room lives.
 */
#ifndef LP_CORE_ROOM_H
#define LP_CORE_ROOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uthash.h>

#include "base/mac.h"
#include "core/bucket.h"
#include "core/fdb.h"
#include "diag/drop.h"
#include "proto/control.h"
#include "proto/ethernet.h"
#include "core/inorder.h"
#include "proto/flow.h"
#include "proto/fragment.h"
#include "proto/overlay.h"

#define LP_ROOM_SLOTS  256 /* a gateway and up to 255 clients */
#define LP_PIECE_SLOTS 16

/* Slots of a room. */
struct lp_peer_set {
    uint64_t bits[LP_ROOM_SLOTS / 64];
};

static inline void lp_peer_set_add(struct lp_peer_set *set, unsigned slot)
{
    set->bits[slot / 64] |= UINT64_C(1) << slot % 64;
}

static inline void lp_peer_set_remove(struct lp_peer_set *set, unsigned slot)
{
    set->bits[slot / 64] &= ~(UINT64_C(1) << slot % 64);
}

static inline bool lp_peer_set_has(const struct lp_peer_set *set, unsigned slot)
{
    return (set->bits[slot / 64] >> slot % 64 & 1) != 0;
}

/* The first slot in the set that is not below `from`; LP_ROOM_SLOTS when there is none. */
unsigned lp_peer_set_next(const struct lp_peer_set *set, unsigned from);
unsigned lp_peer_set_count(const struct lp_peer_set *set);

/* What is remembered of a frame of which one piece has come. */
struct lp_piece_slot {
    uint64_t started_ns;
    uint16_t id;
    uint16_t frame_len;
    bool used;
    bool
        second_waits; /* bytes hold the second piece; otherwise the first was judged as below */
    enum lp_drop verdict;
    struct lp_peer_set targets;
    struct lp_flow flow;       /* the frame's, for its second piece */
    struct lp_overlay waiting; /* the second piece; its payload is in second[] */
    uint8_t second[LP_PIECE_SECOND_MAX];
};

struct lp_piece_table {
    struct lp_piece_slot slot[LP_PIECE_SLOTS];
};

struct lp_member {
    uint32_t peer_id; /* 0 = in no room */
    unsigned slot;
    enum lp_role role;
    struct lp_mac mac;     /* clients */
    uint8_t overlay_flags; /* those that this peer announced and may use */
    uint64_t last_seen_ns;
    struct lp_bucket bytes;
    struct lp_bucket broadcast;
    struct lp_bucket unknown;
    struct lp_piece_table *pieces; /* owned; made when the first piece comes */
    struct lp_inorder *numbers;    /* owned; made when the first numbered datagram comes */
    UT_hash_handle by_mac;
    uint64_t mac_key;
};

struct lp_room {
    uint32_t id;
    char code[LP_ROOM_CODE_MAX + 1];
    unsigned mtu;
    struct lp_sipkey flow_key; /* secret; the caller's to set */
    struct lp_member *member[LP_ROOM_SLOTS];
    struct lp_member *clients_by_mac; /* uthash */
    struct lp_member *gateway;
    struct lp_peer_set clients;
    unsigned client_count;
    uint32_t last_peer_id;
    uint64_t last_seq;
    struct lp_fdb fdb;
};

void lp_room_init(struct lp_room *room, uint32_t id, const char *code, unsigned mtu,
                  const struct lp_fdb_salt *salt);
/* Every member must have been removed. */
void lp_room_deinit(struct lp_room *room);
bool lp_room_is_empty(const struct lp_room *room);

/*
 * Adds a client or the gateway: assigns slot and peer id, fills the buckets. role, mac and
 * overlay_flags must be set. Returns 0 or the enum lp_reject_code (positive) to answer with:
 * DUPLICATE_MAC, ROOM_FULL (more than max_clients), GATEWAY_PRESENT, RELAY_FULL (out of
 * memory).
 */
int lp_room_add(struct lp_room *room, struct lp_member *member, const struct lp_limits *limits,
                unsigned max_clients, uint64_t now_ns);
void lp_room_remove(struct lp_room *room, struct lp_member *member);

/*
 * A connection takes over a seat: `successor` (zeroed but for overlay_flags) gets slot, peer
 * id, MAC, role and bucket levels of `member`, which is then in no room.
 */
void lp_room_replace(struct lp_room *room, struct lp_member *member,
                     struct lp_member *successor);

struct lp_member *lp_room_find_mac(const struct lp_room *room, const struct lp_mac *mac);

/* The next room-wide sequence number of a lifecycle message, from 1. */
uint64_t lp_room_next_seq(struct lp_room *room);

/* What is to happen with one datagram. */
struct lp_decision {
    enum lp_drop verdict; /* LP_FORWARD: to every slot in targets */
    bool waits;     /* a second piece that came first: kept, neither forwarded nor dropped */
    bool broadcast; /* group destination */
    struct lp_peer_set targets;
    unsigned target_count;
    struct lp_overlay overlay; /* to forward; borrows the datagram */
    struct lp_flow flow;       /* the frame's, with LP_FORWARD; of both its pieces */
    bool has_ethernet;
    struct lp_eth eth; /* valid with has_ethernet */
    size_t frame_len;
    bool is_second; /* follows the judgement of its first piece */
    /*
     * A second piece that had been waiting for this first one: comes right after it, same fate.
     * When the first is dropped this one is, as PIECE_REFUSED.
     */
    bool has_released;
    struct lp_overlay released; /* borrows the member's piece table until the next call */
    unsigned pieces_lost;       /* waiting second pieces given up in this call */
};

/* Judges one datagram from `member`. Never fails; bad input is a verdict. */
void lp_room_judge(struct lp_room *room, struct lp_member *member, const uint8_t *datagram,
                   size_t len, struct lp_decision *ret_decision, uint64_t now_ns);

/*
 * A target did not take the first piece: the second is not to be sent to it either. For a
 * second that was released together with its first the caller leaves the target out itself;
 * this is a no-op then.
 */
void lp_room_piece_refused(struct lp_member *member, uint16_t piece_id, unsigned slot);

/* Second pieces of this member that wait for their first. */
unsigned lp_room_waiting_pieces(const struct lp_member *member);

/* Gives up second pieces that waited too long; returns how many. */
unsigned lp_room_expire_pieces(struct lp_member *member, uint64_t now_ns);

#endif
