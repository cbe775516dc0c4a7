/*
 * Segmentation offload in software: turns a super-frame (base/superframe.h) into plain Ethernet
 * frames with real checksums, as a NIC would have done: TCP over IPv4 and IPv6, UDP (USO), and
 * frames that only lack their checksum (CHECKSUM_PARTIAL). Inner VLAN tags are walked over.
 *
 * Sources: virtio 1.2 section 5.1.6.2, kernel
 * Documentation/networking/segmentation-offloads.rst, RFC 9293 3.1, RFC 768, RFC 1071. Pure;
 * allocates nothing. The iterator borrows the super-frame.
 */
#ifndef LP_PROTO_OFFLOAD_H
#define LP_PROTO_OFFLOAD_H

#include <stddef.h>
#include <stdint.h>

#include "base/superframe.h"
#include "proto/ethernet.h"

struct lp_offload_iter {
    const struct lp_superframe *super;
    size_t header_len; /* Ethernet to end of TCP/UDP header, copied before each segment */
    size_t l3_at;      /* offset of the IP header */
    size_t l4_at;      /* offset of the TCP/UDP header */
    size_t packet_end; /* end of the IP packet: Ethernet padding lies behind it */
    size_t offset;     /* next payload octet */
    uint32_t segment;  /* number of the next segment */
    bool single;       /* one frame, no segmentation */
    bool done;
};

/*
 * Checks the super-frame's description against its octets. LP_ERR_UNSUPPORTED for a kind that
 * cannot be segmented; LP_ERR_MALFORMED when headers, gso_size or checksum offsets contradict
 * the frame, or a segment would exceed `frame_max`.
 */
int lp_offload_begin(struct lp_offload_iter *iter, const struct lp_superframe *super,
                     size_t frame_max);

/*
 * Writes the next frame to `frame` (frame_max octets of room) and returns its length, 0 after
 * the last one. A super-frame that needs no change is returned as it is through *ret_frame
 * without a copy; otherwise *ret_frame = `frame`.
 */
size_t lp_offload_next(struct lp_offload_iter *iter, uint8_t *frame, const uint8_t **ret_frame);

#endif
