/* Memory that runs out is an answer here, not the end of the process. */
#define HASH_NONFATAL_OOM 1

#include "core/room.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "core/pieces.h"

#define CLIENTS_MAX (LP_ROOM_SLOTS - 1) /* a gateway always finds a slot */

unsigned lp_peer_set_next(const struct lp_peer_set *set, unsigned from)
{
    while (from < LP_ROOM_SLOTS) {
        uint64_t rest = set->bits[from / 64] >> from % 64;

        if (rest != 0)
            return from + (unsigned)__builtin_ctzll(rest);
        from = (from / 64 + 1) * 64;
    }
    return LP_ROOM_SLOTS;
}

unsigned lp_peer_set_count(const struct lp_peer_set *set)
{
    unsigned count = 0;

    for (size_t i = 0; i < LP_ROOM_SLOTS / 64; i++)
        count += (unsigned)__builtin_popcountll(set->bits[i]);
    return count;
}

void lp_room_init(struct lp_room *room, uint32_t id, const char *code, unsigned mtu,
                  const struct lp_fdb_salt *salt)
{
    assert(strlen(code) <= LP_ROOM_CODE_MAX);
    *room = (struct lp_room){.id = id, .mtu = mtu};
    snprintf(room->code, sizeof(room->code), "%s", code);
    lp_fdb_init(&room->fdb, LP_FDB_CAPACITY, salt);
}

void lp_room_deinit(struct lp_room *room)
{
    assert(lp_room_is_empty(room));
    lp_fdb_deinit(&room->fdb);
}

bool lp_room_is_empty(const struct lp_room *room)
{
    return room->client_count == 0 && room->gateway == NULL;
}

struct lp_member *lp_room_find_mac(const struct lp_room *room, const struct lp_mac *mac)
{
    uint64_t key = lp_mac_key(mac);
    struct lp_member *member;

    HASH_FIND(by_mac, room->clients_by_mac, &key, sizeof(key), member);
    return member;
}

uint64_t lp_room_next_seq(struct lp_room *room)
{
    return ++room->last_seq;
}

static bool add_to_hash(struct lp_room *room, struct lp_member *client)
{
    client->mac_key = lp_mac_key(&client->mac);
    HASH_ADD(by_mac, room->clients_by_mac, mac_key, sizeof(client->mac_key), client);
    return client->by_mac.tbl != NULL;
}

static void remove_from_hash(struct lp_room *room, struct lp_member *client)
{
    HASH_DELETE(by_mac, room->clients_by_mac, client);
}

static int check_admission(const struct lp_room *room, const struct lp_member *member,
                           unsigned max_clients)
{
    if (room->last_peer_id == UINT32_MAX)
        return LP_REJECT_ROOM_FULL;
    if (member->role == LP_ROLE_GATEWAY)
        return room->gateway != NULL ? LP_REJECT_GATEWAY_PRESENT : 0;
    if (lp_room_find_mac(room, &member->mac) != NULL)
        return LP_REJECT_DUPLICATE_MAC;
    if (room->client_count >= max_clients || room->client_count >= CLIENTS_MAX)
        return LP_REJECT_ROOM_FULL;
    return 0;
}

static unsigned free_slot(const struct lp_room *room)
{
    unsigned slot = 0;

    while (room->member[slot] != NULL)
        slot++;
    return slot;
}

static void fill_buckets(struct lp_member *member, const struct lp_limits *limits,
                         uint64_t now_ns)
{
    lp_bucket_init(&member->bytes, limits->rate_bytes, limits->burst_bytes, now_ns);
    lp_bucket_init(&member->broadcast, limits->broadcast_rate_frames,
                   limits->broadcast_burst_frames, now_ns);
    lp_bucket_init(&member->unknown, limits->unknown_rate_frames, limits->unknown_burst_frames,
                   now_ns);
}

int lp_room_add(struct lp_room *room, struct lp_member *member, const struct lp_limits *limits,
                unsigned max_clients, uint64_t now_ns)
{
    int reject = check_admission(room, member, max_clients);

    if (reject != 0)
        return reject;
    if (member->role == LP_ROLE_CLIENT && !add_to_hash(room, member))
        return LP_REJECT_RELAY_FULL;
    member->slot = free_slot(room);
    member->peer_id = ++room->last_peer_id;
    member->last_seen_ns = now_ns;
    member->pieces = NULL;
    member->numbers = NULL;
    fill_buckets(member, limits, now_ns);
    room->member[member->slot] = member;
    if (member->role == LP_ROLE_GATEWAY) {
        room->gateway = member;
        return 0;
    }
    lp_peer_set_add(&room->clients, member->slot);
    room->client_count++;
    /* The address is behind this client now, not behind the gateway. */
    lp_fdb_forget(&room->fdb, &member->mac);
    return 0;
}

/* The next owner of the slot must not get second pieces of frames for the last one. */
static void forget_target(struct lp_room *room, unsigned slot)
{
    for (unsigned i = 0; i < LP_ROOM_SLOTS; i++) {
        if (room->member[i] != NULL)
            lp_pieces_forget_target(room->member[i], slot);
    }
}

void lp_room_remove(struct lp_room *room, struct lp_member *member)
{
    assert(member->peer_id != 0 && room->member[member->slot] == member);
    room->member[member->slot] = NULL;
    if (member->role == LP_ROLE_GATEWAY) {
        room->gateway = NULL;
        lp_fdb_clear(&room->fdb);
    } else {
        remove_from_hash(room, member);
        lp_peer_set_remove(&room->clients, member->slot);
        room->client_count--;
    }
    forget_target(room, member->slot);
    lp_pieces_free(member);
    lp_inorder_free(member->numbers);
    member->numbers = NULL;
    member->peer_id = 0;
}

/*
 * Added before the old one goes, and without growing the table: this needs no memory, so it
 * cannot fail. The two share their key for a moment; uthash removes by element.
 */
static void replace_in_hash(struct lp_room *room, struct lp_member *member,
                            struct lp_member *successor)
{
    UT_hash_table *table = room->clients_by_mac->by_mac.tbl;
    unsigned noexpand = table->noexpand;
    bool added;

    table->noexpand = 1;
    added = add_to_hash(room, successor);
    assert(added);
    (void)added;
    remove_from_hash(room, member);
    table->noexpand = noexpand;
}

void lp_room_replace(struct lp_room *room, struct lp_member *member,
                     struct lp_member *successor)
{
    assert(member->peer_id != 0 && room->member[member->slot] == member);
    assert(successor->peer_id == 0 && successor->pieces == NULL && successor->numbers == NULL);
    successor->peer_id = member->peer_id;
    successor->slot = member->slot;
    successor->role = member->role;
    successor->mac = member->mac;
    successor->last_seen_ns = member->last_seen_ns;
    successor->bytes = member->bytes;
    successor->broadcast = member->broadcast;
    successor->unknown = member->unknown;
    if (member->role == LP_ROLE_GATEWAY)
        room->gateway = successor;
    else
        replace_in_hash(room, member, successor);
    room->member[member->slot] = successor;
    /* Piece ids belong to a connection. */
    lp_pieces_free(member);
    lp_inorder_free(member->numbers);
    member->numbers = NULL;
    member->peer_id = 0;
}
