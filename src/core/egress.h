/*
 * Egress queue of one peer: frames that wait for the congestion window. It shares the link
 * between flows and keeps each flow's delay short (FQ-CoDel, RFC 8290; why with these figures:
 * docs/internals/egress.md). Bounded in octets and in age.
 *
 * Frames are copied in once, into packets (core/packet.h). Time is a parameter. The queue owns
 * its packets and gives them back to the pool. Every call takes the same time however many frames
 * and flows wait, spread over the frames that pass.
 */
#ifndef LP_CORE_EGRESS_H
#define LP_CORE_EGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"
#include "core/codel.h"
#include "core/packet.h"
#include "diag/counters.h"
#include "proto/flow.h"
#include "proto/overlay.h"

#define LP_EGRESS_BYTES_MAX  (1024 * 1024)
#define LP_EGRESS_AGE_MAX_NS (500 * LP_NS_PER_MS)
/* What a frame is charged, however short: the memory that it holds. */
#define LP_EGRESS_PACKET_COST sizeof(struct lp_packet)

#define LP_EGRESS_SETS    16
#define LP_EGRESS_WAYS    16 /* flows of a set; all that one origin can have */
#define LP_EGRESS_FLOWS   (LP_EGRESS_SETS * LP_EGRESS_WAYS)
#define LP_EGRESS_ORIGINS 256 /* numbers of struct lp_flow's origin above 0 */
#define LP_EGRESS_QUANTUM LP_ETH_FRAME_MAX
#define LP_EGRESS_NO_FLOW LP_EGRESS_FLOWS

/* The place of a flow. While it is in a list it is taken, with packets or without. */
struct lp_egress_flow {
    struct lp_packet *head;
    struct lp_packet *tail;
    struct lp_codel codel;
    uint32_t octets; /* of frames that wait */
    int32_t deficit; /* octets that it may still send in this round */
};

/* Flows that wait for their turn, in order. */
struct lp_egress_list {
    uint16_t head; /* LP_EGRESS_NO_FLOW when empty */
    uint16_t tail;
};

struct lp_egress {
    struct lp_packet_pool *pool;  /* borrowed */
    struct lp_counters *counters; /* borrowed: tx_frames, tx drops */
    size_t bytes;                 /* charged */
    size_t packets;
    size_t bytes_max;
    uint64_t age_max_ns;
    struct lp_egress_list fresh; /* flows that were empty a moment ago: sparse ones */
    struct lp_egress_list old;
    uint16_t chosen;                        /* the flow whose head is the queue's, or NO_FLOW */
    bool held;                              /* a part of that head was sent */
    uint16_t taken[LP_EGRESS_SETS];         /* ways of each set that are in a list */
    uint32_t tag[LP_EGRESS_FLOWS];          /* whose place it is, or was last */
    int16_t backlog[LP_EGRESS_FLOWS];       /* packets; apart, to be searched fast */
    uint16_t next[LP_EGRESS_FLOWS];         /* in its list */
    uint16_t origin[LP_EGRESS_FLOWS];       /* of what is in a list */
    uint16_t places[LP_EGRESS_ORIGINS + 1]; /* that each origin has in a list */
    struct lp_egress_flow flow[LP_EGRESS_FLOWS];
};

/* Not above LP_EGRESS_BYTES_MAX. */
void lp_egress_init(struct lp_egress *queue, struct lp_packet_pool *pool,
                    struct lp_counters *counters, size_t bytes_max, uint64_t age_max_ns);

/*
 * Copies `overlay` and its payload in, as a frame of this flow. When the bound or the pool is
 * used up, the flow with the most frames here loses its oldest (QUEUE_OVERLOAD). LP_FORWARD, or
 * LP_DROP_REASON_QUEUE_FULL (counted as a tx drop) when there is nothing to make room with.
 * tx_frames counts either way, a forwarded piece as a frame. Two pieces of a frame must be given
 * the same flow.
 */
enum lp_drop lp_egress_push(struct lp_egress *queue, const struct lp_overlay *overlay,
                            const struct lp_flow *flow, uint64_t now_ns);

/*
 * The packet to send next, NULL when none. What is too old (QUEUE_STALE), and what CoDel gives
 * up (QUEUE_CODEL), is dropped on the way. It stays the head until it is popped, is too old, or
 * is released; its octets stay where they are.
 */
struct lp_packet *lp_egress_head(struct lp_egress *queue, uint64_t now_ns);

/*
 * A part of the head was sent: it stays the head, however old it grows, until it is popped or
 * the queue is cleared.
 */
void lp_egress_hold(struct lp_egress *queue);

/* The head was not sent: the next call of _head may choose another. A held one stays. */
void lp_egress_release(struct lp_egress *queue);

/* Takes the head off: sent when LP_FORWARD (tx_sent), dropped for `reason` otherwise. */
void lp_egress_pop(struct lp_egress *queue, enum lp_drop reason);

/* Drops everything as LP_DROP_REASON_QUEUE_CLOSED. */
void lp_egress_clear(struct lp_egress *queue);

#endif
