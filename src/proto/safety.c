#include "proto/safety.h"

#include "base/wire.h"
#include "proto/extension.h"
#include "proto/ip.h"

#define TAGS_MAX       2
#define LLC_HEADER_LEN 3
#define LLC_UI         0x03
#define LLC_POLL_BIT   0x10
#define SAP_GROUP_BIT  0x01
#define SAP_IP         0x06
#define SAP_SNAP       0xaa

#define ICMP_HEADER_LEN   8
#define ICMPV6_HEADER_LEN 4
#define PORT_DHCP4_CLIENT 68
#define PORT_DHCP6_CLIENT 546

enum {
    ICMPV6_ROUTER_SOLICITATION = 133, /* the first of the ND messages */
    ICMPV6_ROUTER_ADVERTISEMENT = 134,
    ICMPV6_REDIRECT = 137, /* the last */
};

/* What is left of the frame. */
struct octets {
    const uint8_t *at;
    size_t len;
    bool cut; /* the frame has more, in the second piece */
};

static void advance(struct octets *o, size_t len)
{
    o->at += len;
    o->len -= len;
}

/*
 * What a host takes for the packet: it trims what lies behind the IP length (Ethernet padding),
 * so octets there must not pass for a header. A length beyond the frame makes a host discard
 * the packet and is simply not reached here.
 */
static void trim(struct octets *o, size_t packet_len)
{
    if (packet_len > o->len)
        return;
    o->len = packet_len;
    o->cut = false;
}

/* The octets end before the header that decides. */
static uint32_t ends_early(const struct octets *o, bool fragment)
{
    return fragment && !o->cut ? LP_CLASS_SHORT_FRAGMENT : LP_CLASS_OPAQUE;
}

static uint32_t classify_udp(const struct octets *o, bool fragment, uint16_t port,
                             uint32_t found)
{
    if (o->len < LP_UDP_HEADER_LEN)
        return ends_early(o, fragment);
    return lp_load_be16(o->at + 2) == port ? found : 0;
}

/* Only a fragment has to show the whole header; nothing inside it is judged. */
static uint32_t classify_other(const struct octets *o, bool fragment, size_t header_len)
{
    return fragment && o->len < header_len ? ends_early(o, fragment) : 0;
}

/*
 * A later fragment cannot change what was judged in the first one: a fragment offset counts in
 * units of 8 octets, which is all of a UDP header, so the smallest one already lies behind the
 * ports.
 */
static uint32_t classify_ipv4(struct octets o)
{
    size_t header_len;
    size_t total_len;
    uint16_t fragment_word;
    uint8_t protocol;
    bool fragment;

    if (o.len < LP_IPV4_HEADER_MIN || o.at[0] >> 4 != 4)
        return LP_CLASS_OPAQUE;
    header_len = (size_t)(o.at[0] & 0x0f) * 4;
    total_len = lp_load_be16(o.at + 2);
    /* total length 0 included: some offload paths read it as "all there is" */
    if (header_len < LP_IPV4_HEADER_MIN || total_len < header_len || o.len < header_len)
        return LP_CLASS_OPAQUE;
    fragment_word = lp_load_be16(o.at + 6);
    if ((fragment_word & LP_IPV4_OFFSET_MASK) != 0)
        return 0;
    fragment = (fragment_word & LP_IPV4_MORE_FRAGMENTS) != 0;
    protocol = o.at[9];
    trim(&o, total_len);
    advance(&o, header_len);
    switch (protocol) {
    case LP_IPPROTO_UDP:
        return classify_udp(&o, fragment, PORT_DHCP4_CLIENT, LP_CLASS_DHCP4_SERVER);
    case LP_IPPROTO_TCP:
        return classify_other(&o, fragment, LP_TCP_HEADER_MIN);
    case LP_IPPROTO_ICMP:
        return classify_other(&o, fragment, ICMP_HEADER_LEN);
    default:
        return 0;
    }
}

static uint32_t classify_icmpv6(const struct octets *o, bool fragment)
{
    uint32_t classes = 0;
    uint8_t type;

    if (o->len < ICMPV6_HEADER_LEN)
        return ends_early(o, fragment);
    type = o->at[0];
    if (type == ICMPV6_ROUTER_ADVERTISEMENT)
        classes |= LP_CLASS_RA;
    if (type == ICMPV6_REDIRECT)
        classes |= LP_CLASS_REDIRECT;
    if (fragment && type >= ICMPV6_ROUTER_SOLICITATION && type <= ICMPV6_REDIRECT)
        classes |= LP_CLASS_FRAGMENTED_ND;
    return classes;
}

static uint32_t classify_ipv6_upper(const struct octets *o, uint8_t next, bool fragment)
{
    switch (next) {
    case LP_IPPROTO_ICMPV6:
        return classify_icmpv6(o, fragment);
    case LP_IPPROTO_UDP:
        return classify_udp(o, fragment, PORT_DHCP6_CLIENT, LP_CLASS_DHCP6_SERVER);
    case LP_IPPROTO_TCP:
        return classify_other(o, fragment, LP_TCP_HEADER_MIN);
    default:
        return 0; /* ESP, no next header, unknown */
    }
}

/*
 * Any fragment header makes the packet a fragment, an atomic one included (RFC 6980 5). A later
 * fragment that overlaps the first one's headers is left to the hosts, which must discard the
 * whole packet then (RFC 5722).
 */
static uint32_t walk_ipv6(struct octets o, uint8_t next)
{
    struct lp_extension_walk walk = lp_extension_walk(next, o.at, o.len);

    o.at = walk.at;
    o.len = walk.len;
    switch (walk.end) {
    case LP_EXTENSION_UPPER:
        return classify_ipv6_upper(&o, walk.protocol, walk.fragment);
    case LP_EXTENSION_LATER_FRAGMENT:
        return 0;
    case LP_EXTENSION_SHORT:
        return ends_early(&o, walk.fragment);
    default:
        return LP_CLASS_OPAQUE;
    }
}

static uint32_t classify_ipv6(struct octets o)
{
    size_t payload_len;
    uint8_t next;

    if (o.len < LP_IPV6_HEADER_LEN || o.at[0] >> 4 != 6)
        return LP_CLASS_OPAQUE;
    payload_len = lp_load_be16(o.at + 4);
    next = o.at[6];
    /*
     * Payload length 0 says jumbogram, which no Ethernet frame can be. Hosts then read the
     * whole frame when a hop-by-hop header comes first and nothing of it otherwise.
     */
    if (payload_len == 0)
        return next == LP_IPPROTO_NONE ? 0 : LP_CLASS_OPAQUE;
    trim(&o, LP_IPV6_HEADER_LEN + payload_len);
    advance(&o, LP_IPV6_HEADER_LEN);
    return walk_ipv6(o, next);
}

static uint32_t link_type_class(uint16_t type)
{
    switch (type) {
    case LP_ETHERTYPE_EAPOL:
        return LP_CLASS_EAPOL;
    case LP_ETHERTYPE_LLDP:
        return LP_CLASS_LLDP;
    case LP_ETHERTYPE_SLOW:
        return LP_CLASS_SLOW;
    case LP_ETHERTYPE_PAUSE:
        return LP_CLASS_PAUSE;
    default:
        return 0;
    }
}

/* From the outer tag's control information on. */
static uint32_t classify_tagged(struct octets o)
{
    uint32_t classes = LP_CLASS_VLAN;

    for (unsigned tags = 0; tags < TAGS_MAX && o.len >= LP_ETH_TAG_LEN; tags++) {
        uint16_t type = lp_load_be16(o.at + 2);

        advance(&o, LP_ETH_TAG_LEN);
        if (type < LP_ETHERTYPE_MIN && lp_eth_parse_snap(o.at, o.len, &type))
            advance(&o, LP_ETH_SNAP_LEN);
        classes |= link_type_class(type);
        if (!lp_eth_is_tag(type))
            break;
    }
    return classes;
}

static uint32_t classify_type(struct octets o, uint16_t type)
{
    if (type < LP_ETHERTYPE_MIN)
        return LP_CLASS_OPAQUE; /* a length behind SNAP: nobody's frame but an evader's */
    if (lp_eth_is_tag(type))
        return classify_tagged(o);
    if (type == LP_ETHERTYPE_IPV4)
        return classify_ipv4(o);
    if (type == LP_ETHERTYPE_IPV6)
        return classify_ipv6(o);
    return link_type_class(type);
}

/*
 * LLC other than SNAP with EtherTypes. IP has a service access point of its own (RFC 948),
 * which some hosts still accept. Everything else, raw 802.3 IPX (FF FF) and foreign OUIs
 * included, carries none of the classes.
 */
static uint32_t classify_llc(struct octets o)
{
    uint8_t dsap;

    if (o.len == 0)
        return LP_CLASS_OPAQUE;
    dsap = (uint8_t)(o.at[0] & ~SAP_GROUP_BIT);
    if (dsap != SAP_SNAP && dsap != SAP_IP)
        return 0;
    if (o.len < LLC_HEADER_LEN || (o.at[2] & ~LLC_POLL_BIT) != LLC_UI)
        return LP_CLASS_OPAQUE;
    if (dsap == SAP_SNAP)
        return o.len < LP_ETH_SNAP_LEN ? LP_CLASS_OPAQUE : 0;
    advance(&o, LLC_HEADER_LEN);
    return classify_ipv4(o);
}

static uint32_t address_classes(const struct lp_eth *eth)
{
    uint64_t dst = lp_mac_key(&eth->dst);
    uint32_t classes = 0;

    if (!lp_mac_is_valid_source(&eth->src))
        classes |= LP_CLASS_BAD_SOURCE;
    if (dst >> 4 == UINT64_C(0x0180c200000) || dst == UINT64_C(0x01000ccccccc) ||
        dst == UINT64_C(0x01000ccccccd))
        classes |= LP_CLASS_LINK_LOCAL;
    return classes;
}

uint32_t lp_safety_classify(const struct lp_eth *eth, size_t frame_len)
{
    size_t header_len = LP_ETH_HEADER_LEN + (eth->snap ? LP_ETH_SNAP_LEN : 0u);
    uint32_t classes = address_classes(eth);
    struct octets o = {
        .at = eth->payload,
        .len = eth->payload_len,
        .cut = frame_len > header_len + eth->payload_len,
    };

    if (frame_len > LP_ETH_FRAME_MAX)
        classes |= LP_CLASS_OVERSIZE;
    if (eth->llc && !eth->snap)
        return classes | classify_llc(o);
    return classes | classify_type(o, eth->ethertype);
}
