/*
 * The switch of a room: the order in which a datagram is judged, and the table of who gets it
 * (docs/internals/core.md).
 */
#include "core/room.h"

#include "core/pieces.h"
#include "core/policy.h"

/* A bucket that only players have: the party's LAN is not limited. */
static bool within_bucket(const struct lp_member *member, struct lp_bucket *bucket,
                          uint64_t cost, uint64_t now_ns)
{
#ifdef LP_FAULT_NO_BUCKET
    /* planted: nobody is limited */
    return true;
#endif
    return member->role != LP_ROLE_CLIENT || lp_bucket_take(bucket, cost, now_ns);
}

static enum lp_drop judge_overlay(const struct lp_room *room, const struct lp_member *member,
                                  const uint8_t *datagram, size_t len,
                                  struct lp_overlay *overlay)
{
    if (lp_overlay_decode(datagram, len, member->overlay_flags, overlay) < 0)
        return LP_DROP_REASON_BAD_OVERLAY;
    if (overlay->room_id != room->id)
        return LP_DROP_REASON_WRONG_ROOM;
    if (overlay->peer_id != member->peer_id)
        return LP_DROP_REASON_WRONG_PEER;
    return LP_FORWARD;
}

static enum lp_drop judge_source(const struct lp_room *room, const struct lp_member *member,
                                 const struct lp_mac *src)
{
    if (!lp_mac_is_valid_source(src))
        return LP_DROP_REASON_BAD_SOURCE;
#ifdef LP_FAULT_NO_SOURCE_CHECK
    /* planted: anybody may use any address */
    return LP_FORWARD;
#endif
    if (member->role == LP_ROLE_CLIENT ? !lp_mac_equal(src, &member->mac)
                                       : lp_room_find_mac(room, src) != NULL)
        return LP_DROP_REASON_SOURCE_NOT_AUTHORISED;
    return LP_FORWARD;
}

static enum lp_drop judge_safety(const struct lp_member *member, const struct lp_decision *d)
{
    enum lp_policy_origin origin =
        member->role == LP_ROLE_CLIENT ? LP_ORIGIN_REMOTE : LP_ORIGIN_LAN;
    enum lp_drop verdict = lp_policy_judge(&d->eth, d->frame_len, origin);

    /* What cannot be judged in a first piece is for want of the second one. */
    if (verdict == LP_DROP_REASON_OPAQUE && (d->overlay.flags & LP_OVERLAY_FLAG_PIECE)) {
#ifdef LP_FAULT_SHORT_FIRST_PIECE
        /* planted: a first piece passes without the headers to judge it by */
        return LP_FORWARD;
#endif
        return LP_DROP_REASON_PIECE_SHORT;
    }
    return verdict;
}

static struct lp_peer_set everyone_else(const struct lp_room *room,
                                        const struct lp_member *member)
{
    struct lp_peer_set set = room->clients;

    if (room->gateway != NULL)
        lp_peer_set_add(&set, room->gateway->slot);
    lp_peer_set_remove(&set, member->slot);
#ifdef LP_FAULT_REFLECT
    /* planted: a broadcast comes back to its sender */
    lp_peer_set_add(&set, member->slot);
#endif
    return set;
}

static enum lp_drop find_group(const struct lp_room *room, struct lp_member *member,
                               struct lp_peer_set *targets, uint64_t now_ns)
{
    if (!within_bucket(member, &member->broadcast, 1, now_ns))
        return LP_DROP_REASON_RATE_BROADCAST;
    *targets = everyone_else(room, member);
    return lp_peer_set_count(targets) > 0 ? LP_FORWARD : LP_DROP_REASON_ALONE;
}

/* A player's unicast to nobody in the room: the gateway's, if the LAN may know the address. */
static enum lp_drop find_on_lan(const struct lp_room *room, struct lp_member *member,
                                const struct lp_mac *dst, struct lp_peer_set *targets,
                                uint64_t now_ns)
{
    if (room->gateway == NULL)
        return LP_DROP_REASON_NO_GATEWAY;
    if (!lp_fdb_knows(&room->fdb, dst, now_ns) &&
        !within_bucket(member, &member->unknown, 1, now_ns))
        return LP_DROP_REASON_RATE_UNKNOWN;
    lp_peer_set_add(targets, room->gateway->slot);
    return LP_FORWARD;
}

/* The switching table. */
static enum lp_drop find_targets(const struct lp_room *room, struct lp_member *member,
                                 const struct lp_mac *dst, struct lp_peer_set *targets,
                                 uint64_t now_ns)
{
    const struct lp_member *client;

    if (lp_mac_is_group(dst))
        return find_group(room, member, targets, now_ns);
    client = lp_room_find_mac(room, dst);
    if (client == member)
        return LP_DROP_REASON_TO_SELF;
    if (client != NULL) {
        lp_peer_set_add(targets, client->slot);
        return LP_FORWARD;
    }
    if (member->role == LP_ROLE_GATEWAY)
        return LP_DROP_REASON_NO_TARGET;
    return find_on_lan(room, member, dst, targets, now_ns);
}

/*
 * A player has a few places in each target's queue, so that one who opens thousands of flows
 * takes no more than those. Behind a gateway there may be a whole party.
 */
static struct lp_flow flow_of(const struct lp_room *room, const struct lp_member *member,
                              const struct lp_eth *eth)
{
    struct lp_flow flow = lp_flow_of(eth, &room->flow_key);

    if (member->role == LP_ROLE_CLIENT)
        flow.origin = (uint16_t)(member->slot + 1);
    return flow;
}

/* Judges a frame, whole or by its first piece, as one of d->frame_len octets. */
static enum lp_drop judge_frame(struct lp_room *room, struct lp_member *member,
                                struct lp_decision *d, uint64_t now_ns)
{
    size_t present = d->overlay.payload_len;
    enum lp_drop verdict;

    /* Too long is for the filters to tell, after the source is known to be the sender's own. */
    if (present > LP_ETH_FRAME_MAX)
        present = LP_ETH_FRAME_MAX;
    if (lp_eth_parse(d->overlay.payload, present, &d->eth) < 0)
        return LP_DROP_REASON_BAD_ETHERNET;
    d->has_ethernet = true;
    d->broadcast = lp_mac_is_group(&d->eth.dst);
    verdict = judge_source(room, member, &d->eth.src);
    if (verdict != LP_FORWARD)
        return verdict;
    member->last_seen_ns = now_ns;
    verdict = judge_safety(member, d);
    if (verdict != LP_FORWARD)
        return verdict;
    /* Without memory the address stays unknown, and costs a token of the bucket for those. */
    if (member->role == LP_ROLE_GATEWAY)
        (void)lp_fdb_learn(&room->fdb, &d->eth.src, now_ns);
    if (!within_bucket(member, &member->bytes, d->frame_len, now_ns))
        return LP_DROP_REASON_RATE_BYTES;
    verdict = find_targets(room, member, &d->eth.dst, &d->targets, now_ns);
    if (verdict == LP_FORWARD)
        d->flow = flow_of(room, member, &d->eth);
    return verdict;
}

static enum lp_drop judge_first_piece(struct lp_room *room, struct lp_member *member,
                                      struct lp_decision *d, uint64_t now_ns)
{
    const struct lp_overlay_piece *piece = &d->overlay.piece;
    struct lp_piece_slot *slot = lp_pieces_find(member, piece->id);
    enum lp_drop verdict;

    if (slot != NULL && slot->frame_len != piece->frame_len)
        return LP_DROP_REASON_BAD_OVERLAY;
    if (slot != NULL && !slot->second_waits)
        return LP_DROP_REASON_PIECE_DUPLICATE;
    if (slot != NULL) {
        d->has_released = true;
        d->released = slot->waiting;
        slot->used = false; /* its octets stay until the next call */
        return judge_frame(room, member, d, now_ns);
    }
    slot = lp_pieces_take(member, piece, &d->pieces_lost, now_ns);
    if (slot == NULL)
        return LP_DROP_REASON_PIECE_LOST;
    verdict = judge_frame(room, member, d, now_ns);
    slot->verdict = verdict;
    slot->targets = d->targets;
    slot->flow = d->flow;
#ifdef LP_FAULT_PIECE_NO_VERDICT
    /* planted: the second piece of a dropped frame goes on */
    if (verdict != LP_FORWARD)
        slot->targets = everyone_else(room, member);
    slot->verdict = LP_FORWARD;
#endif
    return verdict;
}

static enum lp_drop follow_first_piece(struct lp_piece_slot *slot, struct lp_decision *d)
{
    slot->used = false;
    /* No target is left when none took the first piece, or those that did are gone. */
    if (slot->verdict != LP_FORWARD || lp_peer_set_count(&slot->targets) == 0)
        return LP_DROP_REASON_PIECE_REFUSED;
    d->targets = slot->targets;
    d->flow = slot->flow;
    return LP_FORWARD;
}

static enum lp_drop judge_second_piece(struct lp_member *member, struct lp_decision *d,
                                       uint64_t now_ns)
{
    const struct lp_overlay_piece *piece = &d->overlay.piece;
    struct lp_piece_slot *slot = lp_pieces_find(member, piece->id);

    d->is_second = true;
    if (slot == NULL) {
        slot = lp_pieces_take(member, piece, &d->pieces_lost, now_ns);
        if (slot == NULL)
            return LP_DROP_REASON_PIECE_LOST;
        lp_pieces_keep_second(slot, &d->overlay);
        d->waits = true;
        return LP_FORWARD;
    }
    if (slot->frame_len != piece->frame_len)
        return LP_DROP_REASON_BAD_OVERLAY;
    if (slot->second_waits)
        return LP_DROP_REASON_PIECE_DUPLICATE;
    return follow_first_piece(slot, d);
}

static enum lp_drop judge_piece(struct lp_room *room, struct lp_member *member,
                                struct lp_decision *d, uint64_t now_ns)
{
    d->frame_len = d->overlay.piece.frame_len;
    d->pieces_lost = lp_room_expire_pieces(member, now_ns);
    if (d->overlay.piece.second)
        return judge_second_piece(member, d, now_ns);
    return judge_first_piece(room, member, d, now_ns);
}

/*
 * What a player sent twice, or again although it had come, goes on once. Without memory for that it
 * is the receivers who sort it out.
 */
static bool is_copy(struct lp_member *member, const struct lp_overlay *overlay, uint64_t now_ns)
{
    if ((overlay->flags & LP_OVERLAY_FLAG_SEQUENCE) == 0 ||
        overlay->payload_len > LP_ETH_FRAME_MAX)
        return false;
    if (member->numbers == NULL)
        member->numbers = lp_inorder_new(NULL); /* nothing is held here */
    return member->numbers != NULL &&
           lp_inorder_push(member->numbers, overlay, false, now_ns) == LP_INORDER_DUPLICATE;
}

void lp_room_judge(struct lp_room *room, struct lp_member *member, const uint8_t *datagram,
                   size_t len, struct lp_decision *ret_decision, uint64_t now_ns)
{
    struct lp_decision *d = ret_decision;

    *d = (struct lp_decision){0};
    d->verdict = judge_overlay(room, member, datagram, len, &d->overlay);
    if (d->verdict != LP_FORWARD)
        return;
    d->frame_len = d->overlay.payload_len;
    if (is_copy(member, &d->overlay, now_ns))
        d->verdict = LP_DROP_REASON_DUPLICATE;
    else if (d->overlay.flags & LP_OVERLAY_FLAG_PIECE)
        d->verdict = judge_piece(room, member, d, now_ns);
    else
        d->verdict = judge_frame(room, member, d, now_ns);
    if (d->verdict != LP_FORWARD)
        d->targets = (struct lp_peer_set){0};
    d->target_count = lp_peer_set_count(&d->targets);
}
