/* Memory that runs out is an answer here, not the end of the process. */
#define HASH_NONFATAL_OOM 1

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

/*
 * Room for another memory of a peer that left: of those the one that was heard of first goes,
 * so the search passes no more than all who are present. Called before that peer is one of
 * them.
 */
static void make_room_for_gone(struct lp_roommap *map)
{
    struct lp_room_peer *peer, *next;

    if (map->gone < LP_ROOMMAP_GONE_MAX)
        return;
    HASH_ITER (by_id, map->by_id, peer, next) {
        if (peer->present)
            continue;
        HASH_DELETE(by_id, map->by_id, peer);
        free(peer);
        map->gone--;
        return;
    }
}

/* Nobody is present by it yet, or ever was: it counts as gone. */
static struct lp_room_peer *add(struct lp_roommap *map, uint32_t peer_id)
{
    struct lp_room_peer *peer = calloc(1, sizeof(*peer));

    if (peer == NULL)
        return NULL;
    make_room_for_gone(map);
    peer->peer_id = peer_id;
    HASH_ADD(by_id, map->by_id, peer_id, sizeof(peer->peer_id), peer);
    if (peer->by_id.tbl == NULL) {
        free(peer);
        return NULL;
    }
    map->gone++;
    return peer;
}

static void drop_waiting(struct lp_roommap *map, struct lp_room_peer *peer)
{
    struct lp_inorder_stats stats;

    if (peer->inorder != NULL) {
        lp_inorder_stats(peer->inorder, &stats);
        map->held_lost += stats.held;
    }
    lp_inorder_free(peer->inorder);
    peer->inorder = NULL;
    if (peer->pieces != NULL)
        map->pieces_lost += peer->pieces->used;
    free(peer->pieces);
    peer->pieces = NULL;
}

static void depart(struct lp_roommap *map, struct lp_room_peer *peer)
{
    make_room_for_gone(map);
    if (peer->role == LP_ROLE_CLIENT)
        HASH_DELETE(by_mac, map->by_mac, peer);
    if (map->gateway == peer)
        map->gateway = NULL;
    drop_waiting(map, peer);
    peer->present = false;
    map->present--;
    map->gone++;
}

void lp_roommap_clear(struct lp_roommap *map)
{
    struct lp_room_peer *peer, *next;
    uint64_t pieces_lost, held_lost;

    HASH_CLEAR(by_mac, map->by_mac);
    HASH_ITER (by_id, map->by_id, peer, next) {
        /* uthash frees its table with the last one; the analyzer thinks: with the first */
        HASH_DELETE(by_id, map->by_id, peer); /* NOLINT(clang-analyzer-unix.Malloc) */
        drop_waiting(map, peer);
        free(peer);
    }
    pieces_lost = map->pieces_lost;
    held_lost = map->held_lost;
    lp_roommap_init(map);
    map->pieces_lost = pieces_lost;
    map->held_lost = held_lost;
}

/* Takes what the message says of it, but for its presence. */
static void describe(struct lp_room_peer *peer, const struct lp_peer_joined *message)
{
    peer->seq = message->seq;
    peer->role = message->role;
    memcpy(peer->name, message->name, sizeof(peer->name));
    peer->mac = message->mac;
    peer->mac_key = lp_mac_key(&message->mac);
}

/* The newest gateway is the one; the message about an older one that comes late changes
 * nothing. */
static int arrive(struct lp_roommap *map, struct lp_room_peer *peer)
{
    if (peer->role == LP_ROLE_GATEWAY) {
        if (map->gateway == NULL || map->gateway->seq < peer->seq)
            map->gateway = peer;
    } else {
        HASH_ADD(by_mac, map->by_mac, mac_key, sizeof(peer->mac_key), peer);
        if (peer->by_mac.tbl == NULL)
            return LP_ERR_NOMEM;
    }
    peer->present = true;
    map->present++;
    map->gone--;
    return 0;
}

int lp_roommap_joined(struct lp_roommap *map, const struct lp_peer_joined *message,
                      struct lp_room_peer **ret_changed)
{
    struct lp_room_peer *peer = find_any(map, message->peer_id);
    struct lp_room_peer *rival = NULL; /* who has this MAC in the map */
    int err;

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
    if (message->role == LP_ROLE_CLIENT)
        rival = lp_roommap_find_mac(map, &message->mac);
    if (rival == NULL && map->present >= LP_ROOMMAP_PRESENT_MAX)
        return LP_ERR_FULL;
    if (peer == NULL)
        peer = add(map, message->peer_id);
    if (peer == NULL)
        return LP_ERR_NOMEM;
    describe(peer, message);
    /* One of the two has left, only that message is on its way: the older one. */
    if (rival != NULL && rival->seq > message->seq)
        return 0;
    err = arrive(map, peer);
    if (err < 0)
        return err;
    if (rival != NULL)
        depart(map, rival);
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
    /* Left before its arrival was heard of: remembered, so that it stays out. */
    if (peer == NULL)
        peer = add(map, message->peer_id);
    if (peer == NULL)
        return LP_ERR_NOMEM;
    peer->seq = message->seq;
    if (peer->present) {
        depart(map, peer);
        *ret_changed = peer;
    }
    return 0;
}

bool lp_roommap_has_left(const struct lp_roommap *map, uint32_t peer_id)
{
    const struct lp_room_peer *peer = find_any(map, peer_id);

    return peer != NULL && !peer->present;
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
