/*
 * Egress queue of one peer: frames that wait for the congestion window. Bounded in octets and
 * in age. A FIFO for now; the interface (push, head, pop, where head may drop) is the one that
 * a flow-queued AQM (RFC 8290) needs.
 *
 * Packets come from a pool shared by the queues of one loop, so that steady state allocates
 * nothing. A packet holds one frame (or one piece that is only forwarded), copied in once. Time
 * is a parameter. The queue owns its packets and gives them back to the pool.
 */
#ifndef LP_CORE_EGRESS_H
#define LP_CORE_EGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"
#include "diag/counters.h"
#include "proto/ethernet.h"
#include "proto/overlay.h"

#define LP_EGRESS_BYTES_MAX  (1024 * 1024)
#define LP_EGRESS_AGE_MAX_NS (500 * LP_NS_PER_MS)
/* What a frame is charged, however short: the memory that it holds. */
#define LP_EGRESS_PACKET_COST sizeof(struct lp_packet)

struct lp_packet {
    struct lp_packet *next;
    uint64_t queued_ns;
    struct lp_overlay overlay; /* what to stamp; payload points to bytes */
    uint8_t bytes[LP_ETH_FRAME_MAX];
};

/* Free packets of a loop: grows on demand to `capacity`, never shrinks before deinit. */
struct lp_packet_pool {
    struct lp_packet *free;
    size_t allocated;
    size_t capacity;
};

void lp_packet_pool_init(struct lp_packet_pool *pool, size_t capacity);
/* Every packet must have come back. */
void lp_packet_pool_deinit(struct lp_packet_pool *pool);

struct lp_egress {
    struct lp_packet_pool *pool;  /* borrowed */
    struct lp_counters *counters; /* borrowed: tx_frames, tx drops */
    struct lp_packet *head;
    struct lp_packet *tail;
    size_t bytes; /* charged */
    size_t packets;
    size_t bytes_max;
    uint64_t age_max_ns;
    bool held; /* a part of the head was sent */
};

void lp_egress_init(struct lp_egress *queue, struct lp_packet_pool *pool,
                    struct lp_counters *counters, size_t bytes_max, uint64_t age_max_ns);

/*
 * Copies `overlay` and its payload in. LP_FORWARD, or LP_DROP_REASON_QUEUE_FULL (counted as a
 * tx drop) when the bound or the pool is used up. tx_frames counts either way, a forwarded
 * piece as a frame.
 */
enum lp_drop lp_egress_push(struct lp_egress *queue, const struct lp_overlay *overlay,
                            uint64_t now_ns);

/* The packet to send next, NULL when none. What is too old is dropped (counted) on the way. */
const struct lp_packet *lp_egress_head(struct lp_egress *queue, uint64_t now_ns);

/*
 * A part of the head was sent: it stays the head, however old it grows, until it is popped or
 * the queue is cleared.
 */
void lp_egress_hold(struct lp_egress *queue);

/* Takes the head off: sent when LP_FORWARD (tx_sent), dropped for `reason` otherwise. */
void lp_egress_pop(struct lp_egress *queue, enum lp_drop reason);

/* Drops everything as LP_DROP_REASON_QUEUE_CLOSED. */
void lp_egress_clear(struct lp_egress *queue);

#endif
