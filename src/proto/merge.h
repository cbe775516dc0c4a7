/*
 * Receive coalescing in software (GRO), the counterpart of offload.h: neighbouring TCP segments
 * and equally long UDP datagrams of one flow become one super-frame with its checksum left to
 * fill in, so that a TAP or packet socket takes up to 64 KiB in one call and the system's stack
 * walks once. Cut again, by the kernel or by lp_offload_next, it gives the frames that came in,
 * octet for octet but for identifications of packets that must not be fragmented (RFC 6864 4.1).
 *
 * Only what that holds for is merged: no IP options, fragments or extension headers, TCP
 * segments in sequence with equal acknowledgement, window and options and no flag but ACK (and
 * PSH on the last), correct checksums. All else passes as it is, behind what its flow sent before.
 *
 * Sources: kernel Documentation/networking/segmentation-offloads.rst, virtio 1.2 section 5.1.6.2,
 * RFC 9293, RFC 768. Pure but for its memory: LP_MERGE_FLOWS buffers of 64 KiB, taken once.
 */
#ifndef LP_PROTO_MERGE_H
#define LP_PROTO_MERGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/superframe.h"
#include "proto/ethernet.h"

/* Flows that are merged at a time; one more sends the oldest on its way. */
#define LP_MERGE_FLOWS 8
/* The kernel refuses UDP super-frames of more segments (UDP_MAX_SEGMENTS before Linux 6.9). */
#define LP_MERGE_SEGMENTS_MAX 64

struct lp_merge;

/* `super` stands for `frames` pushed ones; with one it is plain. Borrowed for the call. */
typedef void lp_merge_out_fn(void *user, const struct lp_superframe *super, unsigned frames);

int lp_merge_new(lp_merge_out_fn *out, void *user, struct lp_merge **ret_merge);
/* Forgets what has not gone out. NULL is fine. */
void lp_merge_free(struct lp_merge *merge);

/* The receiver of super-frames does not take this kind: its frames pass from now on. */
void lp_merge_disable(struct lp_merge *merge, enum lp_gso kind);

/*
 * Offers a frame with complete checksums. True: copied, goes out with a later call, at the
 * latest lp_merge_flush. False: not for merging, and what came before it in its flow has gone
 * out: the caller sends it on now.
 */
bool lp_merge_push(struct lp_merge *merge, const uint8_t *frame, size_t len);

/* Everything goes out, the oldest flow first. At the end of each turn. */
void lp_merge_flush(struct lp_merge *merge);

#endif
