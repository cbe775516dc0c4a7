/*
 * Ethernet frames without FCS: limits, EtherTypes, and the one parse of a frame's link header
 * that every judgement starts from. Source: IEEE 802.3-2018 clause 3, IEEE 802.1Q, IEEE 802
 * (SNAP). Pure; the view borrows the frame.
 */
#ifndef LP_PROTO_ETHERNET_H
#define LP_PROTO_ETHERNET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mac.h"

#define LP_ETH_HEADER_LEN 14
#define LP_ETH_MTU_MAX    1500
#define LP_ETH_FRAME_MAX  (LP_ETH_HEADER_LEN + LP_ETH_MTU_MAX) /* 1514, without FCS */
#define LP_ETH_FRAME_MIN  60 /* what a sender pads to; shorter ones are still parsed */
#define LP_ETH_TAG_LEN    4  /* tag control information and the type behind it */
#define LP_ETH_SNAP_LEN   8  /* LLC (3), OUI (3), type (2) */

enum lp_ethertype {
    LP_ETHERTYPE_MIN = 0x0600, /* smaller values are IEEE 802.3 lengths */
    LP_ETHERTYPE_IPV4 = 0x0800,
    LP_ETHERTYPE_ARP = 0x0806,
    LP_ETHERTYPE_VLAN = 0x8100,
    LP_ETHERTYPE_IPV6 = 0x86dd,
    LP_ETHERTYPE_PAUSE = 0x8808,
    LP_ETHERTYPE_SLOW = 0x8809,
    LP_ETHERTYPE_EAPOL = 0x888e,
    LP_ETHERTYPE_QINQ = 0x88a8,
    LP_ETHERTYPE_LOCAL_EXP1 = 0x88b5, /* IEEE 802 local experimental: our CAM refresh */
    LP_ETHERTYPE_LLDP = 0x88cc,
    LP_ETHERTYPE_QINQ_9100 = 0x9100,
    LP_ETHERTYPE_QINQ_9200 = 0x9200,
};

struct lp_eth {
    struct lp_mac dst;
    struct lp_mac src;
    uint16_t type_or_len; /* as on the wire */
    bool vlan; /* type_or_len is a tag protocol id (any of the four, VLAN 0 included) */
    bool llc;  /* type_or_len is a length */
    bool snap; /* LLC/SNAP with OUI 00-00-00 or 00-00-F8: ethertype is the inner one */
    uint16_t ethertype;     /* type after SNAP; 0 for plain LLC and raw 802.3 */
    const uint8_t *payload; /* after the Ethernet (and SNAP) header, borrowed */
    size_t payload_len;     /* octets present */
};

/*
 * `len` octets of the frame are present (a first piece has fewer than the frame). Fails with
 * LP_ERR_TRUNCATED below 14 octets, LP_ERR_RANGE above 1514.
 */
int lp_eth_parse(const uint8_t *frame, size_t len, struct lp_eth *ret_eth);

/* Whether the type announces a VLAN tag: one of the four tag protocol ids in use. */
static inline bool lp_eth_is_tag(uint16_t type)
{
    return type == LP_ETHERTYPE_VLAN || type == LP_ETHERTYPE_QINQ ||
           type == LP_ETHERTYPE_QINQ_9100 || type == LP_ETHERTYPE_QINQ_9200;
}

/* Whether the octets behind a length start with LLC/SNAP of an OUI that carries EtherTypes. */
bool lp_eth_parse_snap(const uint8_t *payload, size_t len, uint16_t *ret_type);

#endif
