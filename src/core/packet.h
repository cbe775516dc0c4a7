/*
 * A packet holds one frame (or one piece of a frame) that has to wait: for a congestion window, for
 * the news that it was lost, for one that should have come before it. Packets come from a pool
 * that the queues of one loop share, so that steady state allocates nothing. Whoever takes or keeps
 * a packet gives it back or forgets it; with the last one it is free again.
 */
#ifndef LP_CORE_PACKET_H
#define LP_CORE_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/ethernet.h"
#include "proto/overlay.h"

struct lp_packet {
    struct lp_packet *next;
    uint64_t queued_ns;
    uint8_t ip_at; /* as in struct lp_flow; 0 for a second piece */
    uint16_t keepers;
    uint8_t
        in_flight;  /* datagrams with the whole frame that were sent and not heard of since */
    bool delivered; /* one of them was acknowledged */
    struct lp_overlay overlay; /* what to stamp; payload points to bytes */
    uint8_t bytes[LP_ETH_FRAME_MAX];
};

struct lp_packet_block;

/*
 * Free packets of a loop: grows on demand to `capacity`, never shrinks before deinit. It grows by
 * blocks, each as large as all before: a dozen allocations up to the largest pool, and a
 * packet that nobody has had yet is memory that nobody has touched.
 */
struct lp_packet_pool {
    struct lp_packet *free;
    struct lp_packet_block *blocks; /* the newest first */
    size_t fresh;                   /* packets of the newest that nobody has had yet */
    size_t allocated;               /* those that somebody has had: the most that were out */
    size_t out;
    size_t sent_kept; /* keepings of what was sent already */
    size_t capacity;
};

void lp_packet_pool_init(struct lp_packet_pool *pool, size_t capacity);
/* Every packet must have come back. */
void lp_packet_pool_deinit(struct lp_packet_pool *pool);

/* NULL when as many are out as the pool may have, or without memory. Nobody has
 * sent it yet; the rest of its content is not defined. */
struct lp_packet *lp_packet_take(struct lp_packet_pool *pool);
void lp_packet_give(struct lp_packet_pool *pool, struct lp_packet *packet);

/*
 * What was sent may be kept, in case it is lost; but not more than half of the pool, so that it never
 * takes the place of what has yet to be sent. _sent_room tells how many keepings that leaves; at 0
 * there must be none. Each keeping ends with _forget.
 */
size_t lp_packet_sent_room(const struct lp_packet_pool *pool);
void lp_packet_keep_sent(struct lp_packet_pool *pool, struct lp_packet *packet);
void lp_packet_forget_sent(struct lp_packet_pool *pool, struct lp_packet *packet);

#endif
