/*
 * What kind of frame is this, as far as the safety filters of a shared LAN care. One
 * classification for client, relay and gateway; core/policy.h says which classes are dropped
 * where.
 *
 * The walk over IPv6 extension headers is bounded (proto/extension.h); what cannot be
 * walked to its end within the bound, or within the octets present, is classed as opaque rather
 * than let pass. Sources: RFC 6105 and RFC 7113 (RA guard and its evasion), RFC 7610 (DHCPv6
 * shield), RFC 8200, RFC 6980 (fragmented ND), IEEE 802.1Q table 8-1, VU#855201. Pure;
 * allocates nothing.
 */
#ifndef LP_PROTO_SAFETY_H
#define LP_PROTO_SAFETY_H

#include <stddef.h>
#include <stdint.h>

#include "proto/ethernet.h"

/* Bits of the classification; a frame can have several. */
enum lp_frame_class {
    /* filtered in both directions */
    LP_CLASS_BAD_SOURCE = 1u << 0, /* group or zero source address */
    LP_CLASS_OVERSIZE = 1u << 1,   /* above 1514 octets */
    LP_CLASS_LINK_LOCAL = 1u << 2, /* to 01:80:C2:00:00:0X, or Cisco 01:00:0C:CC:CC:CC/CD */
    LP_CLASS_EAPOL = 1u << 3,      /* 0x888E */
    LP_CLASS_LLDP = 1u << 4,       /* 0x88CC */
    LP_CLASS_SLOW = 1u << 5,       /* 0x8809 */
    LP_CLASS_PAUSE = 1u << 6,      /* 0x8808 */
    /* filtered when they come from a remote player */
    LP_CLASS_DHCP4_SERVER = 1u << 7,    /* UDP to port 68, any source port */
    LP_CLASS_DHCP6_SERVER = 1u << 8,    /* UDP to port 546, any source port */
    LP_CLASS_RA = 1u << 9,              /* ICMPv6 134 */
    LP_CLASS_REDIRECT = 1u << 10,       /* ICMPv6 137 */
    LP_CLASS_VLAN = 1u << 11,           /* any tag, priority tag (VLAN 0) included */
    LP_CLASS_FRAGMENTED_ND = 1u << 12,  /* ICMPv6 133..137 behind a fragment header */
    LP_CLASS_SHORT_FRAGMENT = 1u << 13, /* first IP fragment without its whole upper header */
    LP_CLASS_OPAQUE = 1u << 14,         /* header chain too long or cut off: cannot be judged */
};

/* Every class that is filtered on any port. */
#define LP_CLASS_BOTH_DIRECTIONS                                                               \
    (LP_CLASS_BAD_SOURCE | LP_CLASS_OVERSIZE | LP_CLASS_LINK_LOCAL | LP_CLASS_EAPOL |          \
     LP_CLASS_LLDP | LP_CLASS_SLOW | LP_CLASS_PAUSE)

/* Every class that is filtered when a remote player sent the frame. */
#define LP_CLASS_REMOTE                                                                        \
    (LP_CLASS_BOTH_DIRECTIONS | LP_CLASS_DHCP4_SERVER | LP_CLASS_DHCP6_SERVER | LP_CLASS_RA |  \
     LP_CLASS_REDIRECT | LP_CLASS_VLAN | LP_CLASS_FRAGMENTED_ND | LP_CLASS_SHORT_FRAGMENT |    \
     LP_CLASS_OPAQUE)

/*
 * Classes of a parsed frame. `present` octets of the frame can be read (from eth's parse),
 * `frame_len` is the length of the whole frame: they differ for the first of two pieces.
 * A later IP fragment has no upper header and no class; neither has an unknown upper protocol.
 * Tagged frames are classed LP_CLASS_VLAN and judged no deeper than the tag, except for the
 * link types above.
 */
uint32_t lp_safety_classify(const struct lp_eth *eth, size_t frame_len);

#endif
