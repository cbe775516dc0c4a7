#include "node/roommap.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"

void lp_roommap_init(struct lp_roommap *map)
{
    memset(map, 0, sizeof(*map));
}

static struct lp_room_peer *find_any(const struct lp_roommap *map, uint32_t peer_id)
{
    struct lp_room_peer *peer;

    HASH_FIND(by_id, map->by_id, &peer_id, sizeof(peer_id), peer);
    return peer;
}

/* The peer that left longest ago makes room for another memory of that kind. */
static void forget_one(struct lp_roommap *map)
{
    struct lp_room_peer *peer, *next;

    HASH_ITER (by_id, map->by_id, peer, next) {
        if (peer->present)
            continue;
        HASH_DELETE(by_id, map->by_id, peer);
        free(peer);
        map->gone--;
        return;
    }
}

static struct lp_room_peer *add(struct lp_roommap *map, uint32_t peer_id)
{
    struct lp_room_peer *peer = calloc(1, sizeof(*peer));

    if (peer == NULL)
        return NULL;
    peer->peer_id = peer_id;
    HASH_ADD(by_id, map->by_id, peer_id, sizeof(peer->peer_id), peer);
    return peer;
}

static void drop_pieces(struct lp_roommap *map, struct lp_room_peer *peer)
{
    if (peer->pieces != NULL)
        map->pieces_lost += peer->pieces->used;
    free(peer->pieces);
    peer->pieces = NULL;
}

static void depart(struct lp_roommap *map, struct lp_room_peer *peer)
{
    if (peer->role == LP_ROLE_CLIENT)
        HASH_DELETE(by_mac, map->by_mac, peer);
    if (map->gateway == peer)
        map->gateway = NULL;
    drop_pieces(map, peer);
    peer->present = false;
    map->present--;
}

void lp_roommap_clear(struct lp_roommap *map)
{
    struct lp_room_peer *peer, *next;
    uint64_t pieces_lost;

    HASH_CLEAR(by_mac, map->by_mac);
    HASH_ITER (by_id, map->by_id, peer, next) {
        HASH_DELETE(by_id, map->by_id, peer);
        drop_pieces(map, peer);
        free(peer);
    }
    pieces_lost = map->pieces_lost;
    lp_roommap_init(map);
    map->pieces_lost = pieces_lost;
}

int lp_roommap_joined(struct lp_roommap *map, const struct lp_peer_joined *message,
                      struct lp_room_peer **ret_changed)
{
    struct lp_room_peer *peer = find_any(map, message->peer_id);
    struct lp_room_peer *same_mac;

    *ret_changed = NULL;
#ifndef LP_FAULT_GHOST_PEER /* planted fault: a late peer_joined brings back a peer that left  \
                             */
    if (peer != NULL && message->seq <= peer->seq)
        return 0;
#endif
    if (peer != NULL && peer->present) {
        peer->seq = message->seq; /* the same peer, announced again */
        return 0;
    }
    if (map->present >= LP_ROOMMAP_PRESENT_MAX)
        return LP_ERR_FULL;
    if (peer == NULL) {
        peer = add(map, message->peer_id);
        if (peer == NULL)
            return LP_ERR_NOMEM;
    } else {
        map->gone--;
    }
    peer->seq = message->seq;
    peer->present = true;
    peer->role = message->role;
    memcpy(peer->name, message->name, sizeof(peer->name));
    map->present++;
    if (peer->role == LP_ROLE_GATEWAY) {
        map->gateway = peer;
    } else {
        /* Whoever had this address before has left, only that message is still on its way. */
        same_mac = lp_roommap_find_mac(map, &message->mac);
        if (same_mac != NULL) {
            depart(map, same_mac);
            map->gone++;
        }
        peer->mac = message->mac;
        peer->mac_key = lp_mac_key(&message->mac);
        HASH_ADD(by_mac, map->by_mac, mac_key, sizeof(peer->mac_key), peer);
    }
    *ret_changed = peer;
    return 0;
}

int lp_roommap_left(struct lp_roommap *map, const struct lp_peer_left *message,
                    struct lp_room_peer **ret_changed)
{
    struct lp_room_peer *peer = find_any(map, message->peer_id);

    *ret_changed = NULL;
    if (peer != NULL && message->seq <= peer->seq)
        return 0;
    if (peer ==
        NULL) { /* left before its arrival was heard of: remembered, so that it stays out */
        peer = add(map, message->peer_id);
        if (peer == NULL)
            return LP_ERR_NOMEM;
        map->gone++;
    } else if (peer->present) {
        depart(map, peer);
        map->gone++;
        *ret_changed = peer;
    }
    peer->seq = message->seq;
    if (map->gone > LP_ROOMMAP_GONE_MAX)
        forget_one(map);
    return 0;
}

struct lp_room_peer *lp_roommap_find(const struct lp_roommap *map, uint32_t peer_id)
{
    struct lp_room_peer *peer = find_any(map, peer_id);

    return peer != NULL && peer->present ? peer : NULL;
}

struct lp_room_peer *lp_roommap_find_mac(const struct lp_roommap *map, const struct lp_mac *mac)
{
    struct lp_room_peer *peer;
    uint64_t key = lp_mac_key(mac);

    HASH_FIND(by_mac, map->by_mac, &key, sizeof(key), peer);
    return peer;
}
