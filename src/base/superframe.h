/*
 * A frame as the kernel hands it over: one Ethernet frame, or up to 64 KiB of one that the
 * kernel coalesced (GRO) or left for a NIC to segment (TSO, USO), possibly with a checksum
 * still to fill in. The fields are those of struct virtio_net_hdr (virtio 1.2, 5.1.6), which
 * TAP devices (IFF_VNET_HDR) and packet sockets (PACKET_VNET_HDR) share. proto/offload.h turns
 * one into plain frames.
 */
#ifndef LP_BASE_SUPERFRAME_H
#define LP_BASE_SUPERFRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum lp_gso {
    LP_GSO_NONE = 0,
    LP_GSO_TCPV4,
    LP_GSO_TCPV6,
    LP_GSO_UDP_L4,      /* UDP segmentation offload: each segment its own UDP datagram */
    LP_GSO_UNSUPPORTED, /* a kind that nothing here can segment (UFO, unknown) */
};

struct lp_superframe {
    const uint8_t *bytes; /* borrowed, Ethernet header first, no FCS */
    size_t len;
    enum lp_gso gso;
    bool ecn;             /* TCP CWR belongs to the first segment only */
    bool needs_csum;      /* csum_start and csum_offset are valid: CHECKSUM_PARTIAL */
    uint16_t gso_size;    /* payload bytes of a segment, valid unless LP_GSO_NONE */
    uint16_t csum_start;  /* from bytes[0] */
    uint16_t csum_offset; /* from csum_start */
    bool vlan_tagged;     /* a tag that the kernel stripped from the frame (PACKET_AUXDATA) */
    uint16_t vlan_tci;    /* valid when vlan_tagged */
};

#endif
