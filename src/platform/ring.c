#include "platform/ring.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

int lp_ring_init(struct lp_ring *ring, unsigned slots, size_t slot_len)
{
    assert(slots > 0 && (slots & (slots - 1)) == 0 && slot_len <= UINT32_MAX);
    memset(ring, 0, sizeof(*ring));
    ring->bytes = calloc(slots, slot_len);
    ring->len = calloc(slots, sizeof(*ring->len));
    if (ring->bytes == NULL || ring->len == NULL) {
        lp_ring_deinit(ring);
        return LP_ERR_NOMEM;
    }
    ring->slots = slots;
    ring->slot_len = slot_len;
    atomic_init(&ring->pushed, 0);
    atomic_init(&ring->taken, 0);
    return 0;
}

void lp_ring_deinit(struct lp_ring *ring)
{
    free(ring->bytes);
    free(ring->len);
    ring->bytes = NULL;
    ring->len = NULL;
}

/*
 * Each end reads its own counter relaxed. What it reads of the other is acquired: the taker then
 * sees the frame that was pushed, the pusher sees that the slot is no longer read.
 */
bool lp_ring_push(struct lp_ring *ring, const uint8_t *bytes, size_t len)
{
    unsigned pushed = atomic_load_explicit(&ring->pushed, memory_order_relaxed);
    unsigned slot = pushed & (ring->slots - 1);

    assert(len <= ring->slot_len);
    if (pushed - atomic_load_explicit(&ring->taken, memory_order_acquire) == ring->slots)
        return false;
    memcpy(ring->bytes + slot * ring->slot_len, bytes, len);
    ring->len[slot] = (uint32_t)len;
    atomic_store_explicit(&ring->pushed, pushed + 1, memory_order_release);
    return true;
}

const uint8_t *lp_ring_peek(struct lp_ring *ring, size_t *ret_len)
{
    unsigned taken = atomic_load_explicit(&ring->taken, memory_order_relaxed);
    unsigned slot = taken & (ring->slots - 1);

    if (atomic_load_explicit(&ring->pushed, memory_order_acquire) == taken)
        return NULL;
    *ret_len = ring->len[slot];
    return ring->bytes + slot * ring->slot_len;
}

void lp_ring_drop(struct lp_ring *ring)
{
    unsigned taken = atomic_load_explicit(&ring->taken, memory_order_relaxed);

    assert(atomic_load_explicit(&ring->pushed, memory_order_relaxed) != taken);
    atomic_store_explicit(&ring->taken, taken + 1, memory_order_release);
}

bool lp_ring_is_empty(const struct lp_ring *ring)
{
    return atomic_load_explicit(&ring->pushed, memory_order_acquire) ==
           atomic_load_explicit(&ring->taken, memory_order_acquire);
}
