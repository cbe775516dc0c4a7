#include "core/pieces.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct lp_piece_slot *lp_pieces_find(struct lp_member *member, uint16_t id)
{
    if (member->pieces == NULL)
        return NULL;
    for (size_t i = 0; i < LP_PIECE_SLOTS; i++) {
        struct lp_piece_slot *slot = &member->pieces->slot[i];

        if (slot->used && slot->id == id)
            return slot;
    }
    return NULL;
}

/* Gives a slot back; 1 when a second piece is lost by it. */
static unsigned give_up(struct lp_piece_slot *slot)
{
    slot->used = false;
    return slot->second_waits ? 1 : 0;
}

/* A free slot, else the oldest one. */
static struct lp_piece_slot *choose_slot(struct lp_piece_table *table)
{
    struct lp_piece_slot *oldest = &table->slot[0];

    for (size_t i = 0; i < LP_PIECE_SLOTS; i++) {
        struct lp_piece_slot *slot = &table->slot[i];

        if (!slot->used)
            return slot;
        if (slot->started_ns < oldest->started_ns)
            oldest = slot;
    }
    return oldest;
}

struct lp_piece_slot *lp_pieces_take(struct lp_member *member,
                                     const struct lp_overlay_piece *piece, unsigned *lost,
                                     uint64_t now_ns)
{
    struct lp_piece_slot *slot;

    if (member->pieces == NULL)
        member->pieces = calloc(1, sizeof(*member->pieces));
    if (member->pieces == NULL)
        return NULL;
    slot = choose_slot(member->pieces);
    if (slot->used)
        *lost += give_up(slot);
    slot->used = true;
    slot->second_waits = false;
    slot->started_ns = now_ns;
    slot->id = piece->id;
    slot->frame_len = piece->frame_len;
    slot->verdict = LP_FORWARD;
    slot->targets = (struct lp_peer_set){0};
    slot->flow = (struct lp_flow){0};
    return slot;
}

void lp_pieces_keep_second(struct lp_piece_slot *slot, const struct lp_overlay *overlay)
{
    assert(overlay->payload_len <= sizeof(slot->second));
    memcpy(slot->second, overlay->payload, overlay->payload_len);
    slot->waiting = *overlay;
    slot->waiting.payload = slot->second;
    slot->second_waits = true;
}

void lp_pieces_forget_target(struct lp_member *member, unsigned room_slot)
{
    if (member->pieces == NULL)
        return;
    for (size_t i = 0; i < LP_PIECE_SLOTS; i++)
        lp_peer_set_remove(&member->pieces->slot[i].targets, room_slot);
}

void lp_pieces_free(struct lp_member *member)
{
    free(member->pieces);
    member->pieces = NULL;
}

void lp_room_piece_refused(struct lp_member *member, uint16_t piece_id, unsigned slot)
{
    struct lp_piece_slot *piece = lp_pieces_find(member, piece_id);

    if (piece != NULL)
        lp_peer_set_remove(&piece->targets, slot);
}

unsigned lp_room_waiting_pieces(const struct lp_member *member)
{
    unsigned waiting = 0;

    for (unsigned i = 0; member->pieces != NULL && i < LP_PIECE_SLOTS; i++)
        waiting += member->pieces->slot[i].used && member->pieces->slot[i].second_waits;
    return waiting;
}

unsigned lp_room_expire_pieces(struct lp_member *member, uint64_t now_ns)
{
    unsigned lost = 0;

    if (member->pieces == NULL)
        return 0;
    for (size_t i = 0; i < LP_PIECE_SLOTS; i++) {
        struct lp_piece_slot *slot = &member->pieces->slot[i];

        if (slot->used && lp_time_since(slot->started_ns, now_ns) >= LP_PIECE_TIMEOUT_NS)
            lost += give_up(slot);
    }
    return lost;
}
