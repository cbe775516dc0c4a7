/*
 * From what a QUIC path carries to what fits a virtual adapter, and back. All figures in octets.
 *
 *   UDP payload = 1-RTT header (1 + DCID + 4) + DATAGRAM frame (1 type + 2 length) + datagram
 *                 + 16 tag
 *   datagram    = overlay header with all extensions (20) + Ethernet frame
 *   frame       = Ethernet header (14) + IP packet (the adapter's MTU)
 *
 * Sources: RFC 9000 17.3.1, RFC 9001 5.3, RFC 9221 4.
 */
#ifndef LP_PROTO_MTU_H
#define LP_PROTO_MTU_H

#include <stddef.h>

#include "proto/ethernet.h"
#include "proto/overlay.h"

#define LP_QUIC_CID_LEN           8 /* every connection id that our endpoints issue */
#define LP_QUIC_PACKET_OVERHEAD   (1 + LP_QUIC_CID_LEN + 4 + 16)
#define LP_QUIC_DATAGRAM_OVERHEAD 3
#define LP_QUIC_OVERHEAD          (LP_QUIC_PACKET_OVERHEAD + LP_QUIC_DATAGRAM_OVERHEAD)
#define LP_QUIC_PAYLOAD_MIN       1200 /* every QUIC path carries it (RFC 9000 14) */
#define LP_QUIC_PAYLOAD_MAX       1472 /* IPv4 over a 1500-octet path */

#define LP_ROOM_MTU_DEFAULT 1380
#define LP_ROOM_MTU_MIN     576

/* The datagram that a path with this UDP payload carries; 0 when none fits. */
size_t lp_mtu_datagram_budget(size_t udp_payload);

/* The UDP payload that a datagram of this size needs. */
size_t lp_mtu_udp_payload(size_t datagram_budget);

/* The largest frame in one datagram, all extensions allowed for; 0 when none fits, 1514 at
 * most. */
size_t lp_mtu_frame(size_t datagram_budget);

/* The datagram budget that carries a frame of this length whole. */
size_t lp_mtu_budget_for_frame(size_t frame_len);

/* The adapter MTU whose frames fit one datagram; 0 when none does, 1500 at most. */
size_t lp_mtu_tap(size_t datagram_budget);

/* The datagram budget that an adapter MTU needs. */
size_t lp_mtu_budget_for_tap(size_t tap_mtu);

#endif
