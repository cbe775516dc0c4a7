/*
 * The receive ring of a packet socket (PACKET_RX_RING, TPACKET_V2): the kernel copies each frame into
 * memory that it shares with us, and reading one costs no system call. A LAN that sends small frames
 * one by one, or bulk over wires that take no segments, is read at half the cost.
 *
 * Slots hold a full frame of an Ethernet wire. A super-frame, which does not fit, waits in the
 * socket's queue as it would without a ring; its slot says so (TP_STATUS_COPY). The third
 * version of the ring, which packs frames of any length, shows them only when a block is full
 * or a millisecond is over: a game's packets cannot wait for that.
 *
 * Owns its mapping; borrows the descriptor. Memory: LP_PACKET_RING_BYTES.
 * Source: kernel Documentation/networking/packet_mmap.rst, packet(7).
 */
#ifndef LP_PLATFORM_LINUX_PACKET_RING_H
#define LP_PLATFORM_LINUX_PACKET_RING_H

#include "base/superframe.h"

#define LP_PACKET_RING_SLOT_BYTES 2048u
#define LP_PACKET_RING_SLOTS      4096u
#define LP_PACKET_RING_BYTES      (LP_PACKET_RING_SLOT_BYTES * LP_PACKET_RING_SLOTS)

struct lp_packet_ring;

/*
 * For a socket with PACKET_VNET_HDR that is not bound yet. NULL when the kernel or its memory does not
 * give one, or when the kernel would drop what its virtio header cannot say (UDP super-frames
 * before Linux 6.2) where a read says that it did: the socket is read without a ring then.
 */
struct lp_packet_ring *lp_packet_ring_new(int fd);
/* NULL is fine. */
void lp_packet_ring_free(struct lp_packet_ring *ring);

enum lp_packet_ring_result {
    LP_PACKET_RING_EMPTY,
    LP_PACKET_RING_FRAME,  /* *ret_frame, borrowed until the next call */
    LP_PACKET_RING_QUEUED, /* the next frame of the socket's queue is next */
    LP_PACKET_RING_CUT,    /* it fitted neither the slot nor the queue */
};

enum lp_packet_ring_result lp_packet_ring_read(struct lp_packet_ring *ring,
                                               struct lp_superframe *ret_frame);

#endif
