/*
 * The overlay datagram: what one QUIC DATAGRAM (RFC 9221) carries. docs/protocol.md has the
 * layout and golden vectors.
 *
 *   0      1      2             3      4..7      8..11
 *   magic  magic  version|type  flags  room id   peer id   [piece] [sequence]   frame
 *
 * Everything is big-endian. `peer id` names the sender on the way to the relay and, stamped by
 * the relay, the origin on the way out. Extensions follow in the order of their flag bits. A
 * flag outside `allowed_flags` (what both ends announced) is an error on encode and on decode.
 * Pure; a decoded overlay borrows the datagram.
 */
#ifndef LP_PROTO_OVERLAY_H
#define LP_PROTO_OVERLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LP_OVERLAY_MAGIC        0x534c /* "SL" */
#define LP_OVERLAY_VERSION      1
#define LP_OVERLAY_HEADER_LEN   12
#define LP_OVERLAY_PIECE_LEN    4
#define LP_OVERLAY_SEQUENCE_LEN 4
#define LP_OVERLAY_HEADER_MAX                                                                  \
    (LP_OVERLAY_HEADER_LEN + LP_OVERLAY_PIECE_LEN + LP_OVERLAY_SEQUENCE_LEN)

enum lp_overlay_type {
    LP_OVERLAY_FRAME = 1,  /* an Ethernet frame, or a piece of one */
    LP_OVERLAY_TIMING = 2, /* proto/timing.h; the codec here takes frames only */
};

enum lp_overlay_flag {
    LP_OVERLAY_FLAG_PIECE = 0x01,
    LP_OVERLAY_FLAG_SEQUENCE = 0x02,
};

struct lp_overlay_piece {
    uint16_t id;        /* the sender's number of the frame that was cut, wraps */
    bool second;        /* which of the two */
    uint16_t frame_len; /* octets of the whole frame, in both pieces */
};

/* Tags that origins of this release give; flows whose hashes meet share one, and its numbers. */
#define LP_SEQUENCE_TAGS 4096

struct lp_overlay_sequence {
    uint16_t flow;   /* tag of the inner flow, set once by the origin */
    uint16_t number; /* of the frame within the flow, wraps */
};

struct lp_overlay {
    uint8_t type;  /* enum lp_overlay_type */
    uint8_t flags; /* enum lp_overlay_flag */
    uint32_t room_id;
    uint32_t peer_id;                    /* never 0 */
    struct lp_overlay_piece piece;       /* valid with LP_OVERLAY_FLAG_PIECE */
    struct lp_overlay_sequence sequence; /* valid with LP_OVERLAY_FLAG_SEQUENCE */
    const uint8_t *payload;              /* decode only, borrowed */
    size_t payload_len;
};

/* Octets that the header of these flags takes. */
size_t lp_overlay_header_len(uint8_t flags);

/*
 * Writes the header (not the payload). Returns its length, LP_ERR_NOSPACE, or LP_ERR_INVALID
 * for an unknown type, a flag that is not allowed, peer id 0 or piece lengths that no cut
 * makes.
 */
int lp_overlay_encode(const struct lp_overlay *overlay, uint8_t allowed_flags, uint8_t *bytes,
                      size_t capacity);

/*
 * LP_ERR_TRUNCATED; LP_ERR_MALFORMED for a wrong magic, peer id 0, an empty payload, or a piece
 * whose length is not the one that the cut of proto/fragment.h gives; LP_ERR_UNSUPPORTED for an
 * unknown version, type or flag, or one that is not allowed.
 */
int lp_overlay_decode(const uint8_t *bytes, size_t len, uint8_t allowed_flags,
                      struct lp_overlay *ret_overlay);

#endif
