#include "proto/fragment.h"

#include <assert.h>
#include <string.h>

bool lp_fragment_can_cut(size_t frame_len)
{
    return frame_len > LP_PIECE_FIRST_LEN && frame_len <= LP_ETH_FRAME_MAX;
}

size_t lp_fragment_piece_len(size_t frame_len, bool second)
{
    assert(lp_fragment_can_cut(frame_len));
    return second ? frame_len - LP_PIECE_FIRST_LEN : LP_PIECE_FIRST_LEN;
}

void lp_reassembly_init(struct lp_reassembly *r)
{
    for (size_t i = 0; i < LP_REASSEMBLY_SLOTS; i++)
        r->slot[i].used = false;
    r->used = 0;
}

static void release(struct lp_reassembly *r, struct lp_reassembly_slot *slot)
{
    slot->used = false;
    r->used--;
}

static struct lp_reassembly_slot *find(struct lp_reassembly *r, uint16_t id)
{
    for (size_t i = 0; i < LP_REASSEMBLY_SLOTS; i++) {
        if (r->slot[i].used && r->slot[i].id == id)
            return &r->slot[i];
    }
    return NULL;
}

/* A free slot; the oldest one is given up when there is none. */
static struct lp_reassembly_slot *take_slot(struct lp_reassembly *r, uint64_t *lost)
{
    struct lp_reassembly_slot *oldest = &r->slot[0];

    for (size_t i = 0; i < LP_REASSEMBLY_SLOTS; i++) {
        struct lp_reassembly_slot *slot = &r->slot[i];

        if (!slot->used) {
            r->used++;
            return slot;
        }
        if (slot->started_ns < oldest->started_ns)
            oldest = slot;
    }
    ++*lost;
    return oldest;
}

static void store(struct lp_reassembly_slot *slot, const struct lp_overlay *overlay)
{
    size_t at = overlay->piece.second ? LP_PIECE_FIRST_LEN : 0;

    memcpy(slot->bytes + at, overlay->payload, overlay->payload_len);
}

enum lp_reassembly_result lp_reassembly_push(struct lp_reassembly *r,
                                             const struct lp_overlay *overlay, uint64_t *lost,
                                             const uint8_t **ret_frame, size_t *ret_len,
                                             uint64_t now_ns)
{
    const struct lp_overlay_piece *piece = &overlay->piece;
    struct lp_reassembly_slot *slot;

    assert(overlay->flags & LP_OVERLAY_FLAG_PIECE);
    assert(overlay->payload_len == lp_fragment_piece_len(piece->frame_len, piece->second));

    *lost += lp_reassembly_expire(r, now_ns);
    slot = find(r, piece->id);
    if (slot == NULL) {
        slot = take_slot(r, lost);
        slot->used = true;
        slot->started_ns = now_ns;
        slot->id = piece->id;
        slot->frame_len = piece->frame_len;
        slot->have_second = piece->second;
        store(slot, overlay);
        return LP_REASSEMBLY_WAITING;
    }
    if (slot->frame_len != piece->frame_len || slot->have_second == piece->second)
        return LP_REASSEMBLY_DUPLICATE;
    store(slot, overlay);
    release(r, slot);
    *ret_frame = slot->bytes;
    *ret_len = slot->frame_len;
    return LP_REASSEMBLY_COMPLETE;
}

static uint64_t deadline_of(const struct lp_reassembly_slot *slot)
{
    return lp_time_add(slot->started_ns, LP_PIECE_TIMEOUT_NS);
}

unsigned lp_reassembly_expire(struct lp_reassembly *r, uint64_t now_ns)
{
    unsigned expired = 0;

#ifdef LP_FAULT_NO_PIECE_TIMEOUT /* planted fault: half a frame waits for ever */
    return 0;
#endif
    for (size_t i = 0; i < LP_REASSEMBLY_SLOTS && r->used > 0; i++) {
        if (r->slot[i].used && now_ns >= deadline_of(&r->slot[i])) {
            release(r, &r->slot[i]);
            expired++;
        }
    }
    return expired;
}

uint64_t lp_reassembly_next_deadline(const struct lp_reassembly *r)
{
    uint64_t deadline_ns = LP_TIME_NEVER;

    for (size_t i = 0; i < LP_REASSEMBLY_SLOTS && r->used > 0; i++) {
        if (r->slot[i].used)
            deadline_ns = lp_time_min(deadline_ns, deadline_of(&r->slot[i]));
    }
    return deadline_ns;
}
