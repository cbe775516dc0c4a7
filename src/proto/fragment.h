/*
 * Two pieces: how a frame that does not fit a target's datagram budget travels. The first piece
 * is always LP_PIECE_FIRST_LEN octets of the frame, so that it fits a 1200-octet QUIC packet
 * with every extension; the second is the rest. Because the cut does not depend on the path, no
 * hop re-splits.
 *
 * The reassembler holds a bounded number of frames of one sender for LP_PIECE_TIMEOUT_NS at
 * most; what times out or is pushed out is counted by its caller through the return values.
 * Pure; time is a parameter. The reassembler owns its memory, a frame that it returns is
 * borrowed until the next call on it.
 */
#ifndef LP_PROTO_FRAGMENT_H
#define LP_PROTO_FRAGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"
#include "proto/mtu.h"
#include "proto/overlay.h"

#define LP_PIECE_FIRST_LEN                                                                     \
    (LP_QUIC_PAYLOAD_MIN - LP_QUIC_OVERHEAD - LP_OVERLAY_HEADER_MAX) /* 1148 */
#define LP_PIECE_SECOND_MAX (LP_ETH_FRAME_MAX - LP_PIECE_FIRST_LEN)
#define LP_PIECE_TIMEOUT_NS (500 * LP_NS_PER_MS)
#define LP_REASSEMBLY_SLOTS 32

/*
 * A relay that cuts somebody's whole frame stamps the origin's peer id on the pieces, next to
 * pieces that the origin cut itself: the upper half of the id space is the relay's, the lower
 * the origin's.
 */
#define LP_PIECE_ID_RELAY 0x8000

/* Whether a frame of this length can be cut: longer than a first piece, 1514 at most. */
bool lp_fragment_can_cut(size_t frame_len);

/* The length that this piece of a frame must have. */
size_t lp_fragment_piece_len(size_t frame_len, bool second);

enum lp_reassembly_result {
    LP_REASSEMBLY_WAITING,   /* kept, the other piece is missing */
    LP_REASSEMBLY_COMPLETE,  /* *ret_frame is the frame */
    LP_REASSEMBLY_DUPLICATE, /* this piece is already here (or contradicts the one that is):
                                dropped */
};

struct lp_reassembly_slot {
    uint64_t started_ns;
    uint16_t id;
    uint16_t frame_len;
    bool used;
    bool have_second; /* otherwise the first is what is here */
    uint8_t bytes[LP_ETH_FRAME_MAX];
};

struct lp_reassembly {
    struct lp_reassembly_slot slot[LP_REASSEMBLY_SLOTS];
    unsigned used;
};

void lp_reassembly_init(struct lp_reassembly *r);

/*
 * Takes a decoded overlay with LP_OVERLAY_FLAG_PIECE. Frames given up to make room or because
 * they are too old are added to *lost, never reset here.
 */
enum lp_reassembly_result lp_reassembly_push(struct lp_reassembly *r,
                                             const struct lp_overlay *overlay, uint64_t *lost,
                                             const uint8_t **ret_frame, size_t *ret_len,
                                             uint64_t now_ns);

/* Gives up what has waited too long; returns how many frames that were. */
unsigned lp_reassembly_expire(struct lp_reassembly *r, uint64_t now_ns);

/* When the oldest waiting piece times out; LP_TIME_NEVER when none waits. */
uint64_t lp_reassembly_next_deadline(const struct lp_reassembly *r);

#endif
