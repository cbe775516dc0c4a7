/*
 * From an egress queue to datagrams: encodes the head of the queue for a target, whole when it
 * fits the datagram budget, else in two pieces. The two pieces of one frame follow each other
 * at once. At the origin it gives each frame that has a flow tag its number (the sequence
 * extension): not before it is sent, so that what the queue drops leaves no gap that a receiver
 * would wait for. The second of two pieces has none, it follows its first. Shared by relay, client
 * and gateway. Borrows queue and counters.
 */
#ifndef LP_CORE_CUTTER_H
#define LP_CORE_CUTTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/egress.h"

struct lp_cutter {
    uint8_t header[LP_OVERLAY_HEADER_MAX];
    uint16_t next_piece_id;
    bool cutting;        /* the head travels in two pieces */
    bool second_next;    /* and its first is sent: the queue holds the head */
    size_t datagram_len; /* of the last _next, 0 once it is sent or refused */
    uint16_t tag;        /* of the last _next */
    bool numbering;      /* whose number is used up when it is sent */
    uint16_t *number;    /* of the next frame of each tag, borrowed; NULL: not the origin */
};

/* One datagram: header (in the cutter) and body (in the packet), borrowed until _sent or
 * _refused. */
struct lp_cut {
    const uint8_t *header;
    size_t header_len;
    const uint8_t *body;
    size_t body_len;
    struct lp_packet *packet; /* that the body is in */
    bool piece;
    bool numbered; /* it has the sequence extension, or is the second piece of one that may */
};

/*
 * Piece ids count up within one half of the id space: from LP_PIECE_ID_RELAY for a relay, from
 * 0 for an origin (the uppermost bit of `first_piece_id` stays as it is when the number wraps).
 */
void lp_cutter_init(struct lp_cutter *cutter, uint16_t first_piece_id);
/*
 * The cutter of an origin. Numbers should begin elsewhere after each start, so that receivers do
 * not take what is new for copies. Borrowed.
 */
void lp_cutter_number(struct lp_cutter *cutter, uint16_t number[LP_SEQUENCE_TAGS]);

/*
 * The next datagram of the queue for a target with this budget and these allowed overlay flags;
 * false when the queue is empty. Frames that fit in no way are dropped (TOO_BIG) on the way.
 */
bool lp_cutter_next(struct lp_cutter *cutter, struct lp_egress *queue, size_t budget,
                    uint8_t allowed_flags, struct lp_cut *ret_cut, uint64_t now_ns);

/* The datagram of the last _next was sent (counts tx_datagrams, tx_bytes, tx_sent, tx_cut). */
void lp_cutter_sent(struct lp_cutter *cutter, struct lp_egress *queue);

/*
 * It was not sent (it did not fit after all, or the window is full): the next call starts from
 * the budget that it is given, perhaps with another frame. A second piece stays one.
 */
void lp_cutter_refused(struct lp_cutter *cutter, struct lp_egress *queue);

#endif
