/*
 * Frames from one thread to one other: a bounded ring without a lock. One thread pushes, one
 * takes; init and deinit happen while neither runs. For platforms whose devices cannot be waited
 * for by the loop. A frame is copied once, in; the taker reads it where it lies.
 *
 * Limits: slots is a power of two; a frame is at most slot_len octets.
 */
#ifndef LP_PLATFORM_RING_H
#define LP_PLATFORM_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LP_RING_LINE 64 /* a cache line: the two ends do not disturb each other */

struct lp_ring {
    uint8_t *bytes;
    uint32_t *len;
    unsigned slots;
    size_t slot_len;
    uint8_t apart[LP_RING_LINE];
    atomic_uint pushed; /* counts for ever, modulo 2^32; written by the pusher alone */
    uint8_t apart_too[LP_RING_LINE - sizeof(atomic_uint)];
    atomic_uint taken; /* written by the taker alone */
};

int lp_ring_init(struct lp_ring *ring, unsigned slots, size_t slot_len);
void lp_ring_deinit(struct lp_ring *ring);

/* The pusher's: false when the ring is full. */
bool lp_ring_push(struct lp_ring *ring, const uint8_t *bytes, size_t len);

/* The taker's: the oldest frame, borrowed until lp_ring_drop; NULL when there is none. */
const uint8_t *lp_ring_peek(struct lp_ring *ring, size_t *ret_len);
/* Gives the slot of the frame that was peeked at back. */
void lp_ring_drop(struct lp_ring *ring);
bool lp_ring_is_empty(const struct lp_ring *ring);

#endif
