/*
 * Timing datagrams: how long datagrams are under way in one direction, between the two ends of one
 * connection. One end asks with its clock, the other answers how much later than that its own
 * clock stood when the question came. The clocks have nothing to do with each other, so a delay
 * alone says nothing; that it grows says that a queue grows (RFC 6817). docs/protocol.md has the
 * layout and golden vectors.
 *
 *   0..11                                   12..15   16..19
 *   overlay header, type 2, with flags      stamp    delay
 *
 * Everything is big-endian. Times are microseconds and wrap after 71 minutes. Pure.
 */
#ifndef LP_PROTO_TIMING_H
#define LP_PROTO_TIMING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LP_TIMING_LEN 20

enum lp_timing_flag {
    LP_TIMING_FLAG_ASKS = 0x01,
    LP_TIMING_FLAG_ANSWERS = 0x02,
};

/* It asks, or answers, or both. */
struct lp_timing {
    bool asks;
    bool answers;
    uint32_t stamp_us; /* with asks: the sender's clock when it was sent, else 0 */
    uint32_t delay_us; /* with answers: what the other's stamp was behind our clock, else 0 */
};

/*
 * Writes the whole datagram under the numbers of the connection's peer, whoever sends it.
 * Returns LP_TIMING_LEN, LP_ERR_NOSPACE, or LP_ERR_INVALID for peer id 0, neither question nor
 * answer, or a time without its flag.
 */
int lp_timing_encode(const struct lp_timing *timing, uint32_t room_id, uint32_t peer_id,
                     uint8_t *bytes, size_t capacity);

/*
 * LP_ERR_UNSUPPORTED for another type, version or flag, a frame's datagram among them;
 * LP_ERR_TRUNCATED; LP_ERR_MALFORMED for a wrong magic, anything behind the delay, other numbers
 * than these, and what _encode refuses.
 */
int lp_timing_decode(const uint8_t *bytes, size_t len, uint32_t room_id, uint32_t peer_id,
                     struct lp_timing *ret_timing);

/* Whether it is of that version and type, whatever the rest of it. */
bool lp_timing_is_one(const uint8_t *bytes, size_t len);

#endif
