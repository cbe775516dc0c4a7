/*
 * Who is in the room, from the relay's lifecycle messages. These travel on streams of their own
 * and arrive in any order: each carries a room-wide increasing seq, and one about a peer that
 * is not newer than what is known of it is ignored, also after it has left (peer ids are not
 * used again), so that no ghost comes back. What is remembered of peers that left is bounded
 * (LP_ROOMMAP_GONE_MAX).
 *
 * Of two present players with one MAC, and of two gateways, the one with the newer seq counts:
 * the other has left, only that message is still on its way.
 */
#ifndef LP_NODE_ROOMMAP_H
#define LP_NODE_ROOMMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uthash.h>

#include "base/mac.h"
#include "core/inorder.h"
#include "proto/control.h"
#include "proto/fragment.h"

/* A full room and as many again whose leaving is still on its way. */
#define LP_ROOMMAP_PRESENT_MAX 512
#define LP_ROOMMAP_GONE_MAX    1024

struct lp_room_peer {
    uint32_t peer_id;
    uint64_t seq; /* of the newest message about it */
    bool present;
    enum lp_role role;
    struct lp_mac mac; /* clients */
    char name[LP_NAME_MAX + 1];
    struct lp_reassembly *pieces; /* owned; made when its first piece comes */
    struct lp_inorder *inorder;   /* owned; made when its first numbered datagram comes */
    uint64_t mac_key;
    UT_hash_handle by_id;
    UT_hash_handle by_mac; /* present clients only */
};

struct lp_roommap {
    struct lp_room_peer *by_id;
    struct lp_room_peer *by_mac;
    struct lp_room_peer *gateway; /* present one, NULL when none */
    unsigned present;
    unsigned gone;
    uint64_t pieces_lost; /* frames that missed a piece when their sender left; the caller
                             resets it */
    uint64_t held_lost;   /* datagrams that were held when their sender left, the same */
};

void lp_roommap_init(struct lp_roommap *map);
void lp_roommap_clear(struct lp_roommap *map);

/*
 * The peer that the message changed; NULL when it was outdated, or changed nothing. LP_ERR_FULL
 * and LP_ERR_NOMEM are failures of the join: the map would not be true.
 */
int lp_roommap_joined(struct lp_roommap *map, const struct lp_peer_joined *message,
                      struct lp_room_peer **ret_changed);
int lp_roommap_left(struct lp_roommap *map, const struct lp_peer_left *message,
                    struct lp_room_peer **ret_changed);

/* It is known to have been here, and to be here no more. */
bool lp_roommap_has_left(const struct lp_roommap *map, uint32_t peer_id);

/* Present peers only. */
struct lp_room_peer *lp_roommap_find(const struct lp_roommap *map, uint32_t peer_id);
struct lp_room_peer *lp_roommap_find_mac(const struct lp_roommap *map,
                                         const struct lp_mac *mac);

#endif
