/*
 * What UDP is alike on every system: a coalesced read is split into its payloads, and a run of
 * payloads leaves in groups of segments, or one by one where the system refuses to segment. No
 * system call is made here, and nothing is kept.
 *
 * Splitting is inline: it runs for each payload that comes in.
 */
#ifndef LP_PLATFORM_UDP_BATCH_H
#define LP_PLATFORM_UDP_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "platform/platform.h"

/* Limits of one segmented send: Linux's UDP_MAX_SEGMENTS, and an IP packet's length. */
#define LP_UDP_GROUP_SEGMENTS_MAX 64u
#define LP_UDP_GROUP_BYTES_MAX    65000u

/*
 * Hands out payloads of segment_len octets (the last may be shorter; 0 = it is one) from `offset`
 * on, each a copy of `*each` but for its bytes. Returns how many; *offset == len: used up.
 */
static inline unsigned lp_udp_split(const uint8_t *bytes, size_t len, size_t segment_len,
                                    size_t *offset, const struct lp_udp_rx *each,
                                    struct lp_udp_rx rx[], unsigned capacity)
{
    unsigned count = 0;

    if (segment_len == 0)
        segment_len = len;
    while (count < capacity && *offset < len) {
        size_t left = len - *offset;

        rx[count] = *each;
        rx[count].bytes = bytes + *offset;
        rx[count].len = left < segment_len ? left : segment_len;
        *offset += rx[count].len;
        count++;
    }
    return count;
}

/* How a system sends. Its error numbers are its own; 0 is sent. */
struct lp_udp_sender {
    /* One system call; segment_len 0: a single payload. */
    int (*send)(void *user, const uint8_t *bytes, size_t len, size_t segment_len);
    /* Whether this number may mean that segments are not possible. */
    bool (*refuses_segments)(int number);
    int full; /* the number that means: the socket takes nothing now */
};

/*
 * Sends `len` octets in payloads of segment_len. *segments: whether the system segments; cleared
 * when it turns out that it does not. Returns 0 or the number of the send that failed; `full`
 * only when nothing was sent: later it is loss, as the caller could not send the rest alone.
 */
int lp_udp_send_run(const struct lp_udp_sender *sender, void *user, bool *segments,
                    const uint8_t *bytes, size_t len, size_t segment_len);

/* What lp_udp_send refuses before the system sees it: 0, LP_ERR_INVALID or LP_ERR_RANGE. */
int lp_udp_check_send(uint8_t bound_family, const struct lp_addr *local,
                      const struct lp_addr *remote, size_t len, size_t segment_len);

#endif
