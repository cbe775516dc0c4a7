/*
 * What a connection sends next: what has to be sent again or twice (core/repair.h), then the head
 * of its queue, whole or in pieces (core/cutter.h). Shared by relay, client and gateway.
 *
 * A datagram that _next gave stays the next one until it is _sent or _refused. Borrows queue,
 * pool and counters. Time is a parameter.
 */
#ifndef LP_CORE_SENDER_H
#define LP_CORE_SENDER_H

#include "core/cutter.h"
#include "core/repair.h"

struct lp_sender {
    struct lp_egress *queue;
    struct lp_cutter cutter;
    struct lp_repair repair;
    struct lp_cut cut; /* of the last _next, unless it is a repair */
    bool repairing;
};

/* Borrowed until _sent or _refused. */
struct lp_sending {
    uint64_t id;
    bool apart; /* in no packet with an earlier one */
    const uint8_t *header;
    size_t header_len;
    const uint8_t *body;
    size_t body_len;
};

void lp_sender_init(struct lp_sender *sender, struct lp_egress *queue,
                    struct lp_packet_pool *pool, struct lp_counters *counters,
                    uint16_t first_piece_id, enum lp_duplicate duplicate);
void lp_sender_deinit(struct lp_sender *sender);
/* As lp_repair_expire. */
void lp_sender_expire(struct lp_sender *sender, uint64_t now_ns);
/* The connection is over: nothing more is heard of what was sent. The queue stays. */
void lp_sender_clear(struct lp_sender *sender);

/* As lp_cutter_next. */
bool lp_sender_next(struct lp_sender *sender, size_t budget, uint8_t allowed_flags,
                    struct lp_sending *ret_sending, uint64_t now_ns);
void lp_sender_sent(struct lp_sender *sender, uint64_t now_ns);
void lp_sender_refused(struct lp_sender *sender);

/* What QUIC tells of an id. _lost returns whether there is something to send again. */
void lp_sender_acked(struct lp_sender *sender, uint64_t id);
bool lp_sender_lost(struct lp_sender *sender, uint64_t id, uint64_t now_ns);

#endif
