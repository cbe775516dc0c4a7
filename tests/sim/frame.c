#include "frame.h"

#include <assert.h>
#include <string.h>

#include "base/hash.h"
#include "base/wire.h"
#include "proto/fragment.h"
#include "proto/ip.h"

#define TOKEN_MAGIC        0x50415254 /* "PART" */
#define SUM_LEN            8
#define TYPE_TEST          0x88b6 /* IEEE 802 local experimental, not the one of the CAM refresh */
#define GAME_PORT          27015
#define SHORT_FRAGMENT_LEN 38
#define DEEP_OPTIONS_LEN   1152

static const struct {
    const char *name;
    enum sim_verdict verdict;
    size_t header;
} kinds[] = {
#define X(name, verdict, header) {#name, verdict, header},
    SIM_FRAME_TABLE(X)
#undef X
};

const char *sim_frame_name(enum sim_frame_kind kind)
{
    return kinds[kind].name;
}

enum sim_verdict sim_frame_verdict(enum sim_frame_kind kind)
{
    return kinds[kind].verdict;
}

size_t sim_frame_min(enum sim_frame_kind kind)
{
    return kinds[kind].header;
}

/* ---- headers
 * ------------------------------------------------------------------------------------ */

static void put_type(struct sim_frame *frame, uint16_t type)
{
    lp_store_be16(frame->bytes + 2 * LP_MAC_LEN, type);
}

/* Returns where the packet's own header ends. */
static uint8_t *put_ipv4(struct sim_frame *frame, uint16_t fragment, uint8_t protocol)
{
    uint8_t *ip = frame->bytes + LP_ETH_HEADER_LEN;

    put_type(frame, LP_ETHERTYPE_IPV4);
    memset(ip, 0, LP_IPV4_HEADER_MIN);
    ip[0] = 0x45;
    lp_store_be16(ip + 2, (uint16_t)(frame->len - LP_ETH_HEADER_LEN));
    lp_store_be16(ip + 6, fragment);
    ip[8] = 64;
    ip[9] = protocol;
    return ip + LP_IPV4_HEADER_MIN;
}

static uint8_t *put_ipv6(struct sim_frame *frame, uint8_t next)
{
    uint8_t *ip = frame->bytes + LP_ETH_HEADER_LEN;

    put_type(frame, LP_ETHERTYPE_IPV6);
    memset(ip, 0, LP_IPV6_HEADER_LEN);
    ip[0] = 0x60;
    lp_store_be16(ip + 4, (uint16_t)(frame->len - LP_ETH_HEADER_LEN - LP_IPV6_HEADER_LEN));
    ip[6] = next;
    ip[7] = 255;
    return ip + LP_IPV6_HEADER_LEN;
}

static void put_udp(uint8_t *udp, const uint8_t *end, uint16_t port)
{
    lp_store_be16(udp, GAME_PORT);
    lp_store_be16(udp + 2, port);
    lp_store_be16(udp + 4, (uint16_t)(end - udp));
    lp_store_be16(udp + 6, 0);
}

/* A segment in the middle of a connection. */
static void put_tcp(uint8_t *tcp)
{
    memset(tcp, 0, LP_TCP_HEADER_MIN);
    lp_store_be16(tcp, GAME_PORT);
    lp_store_be16(tcp + 2, GAME_PORT);
    tcp[LP_TCP_DATA_OFFSET_AT] = LP_TCP_HEADER_MIN / 4 << 4;
    tcp[LP_TCP_FLAGS_AT] = LP_TCP_ACK;
}

static void put_icmpv6(uint8_t *icmp, uint8_t type)
{
    icmp[0] = type;
    icmp[1] = 0;
    lp_store_be16(icmp + 2, 0);
}

static void put_tag(struct sim_frame *frame, uint16_t vlan)
{
    put_type(frame, LP_ETHERTYPE_VLAN);
    lp_store_be16(frame->bytes + LP_ETH_HEADER_LEN, vlan);
    lp_store_be16(frame->bytes + LP_ETH_HEADER_LEN + 2, TYPE_TEST);
}

static void put_hidden_advertisement(struct sim_frame *frame)
{
    static const uint8_t hop_by_hop[] = {LP_IPPROTO_ICMPV6, 0, 1, 4, 0, 0, 0, 0};
    uint8_t *at = put_ipv6(frame, LP_IPPROTO_HOPOPTS);

    memcpy(at, hop_by_hop, sizeof(hop_by_hop));
    put_icmpv6(at + sizeof(hop_by_hop), 134);
}

/* Its ICMPv6 header lies behind what a first piece holds. */
static void put_deep_advertisement(struct sim_frame *frame)
{
    uint8_t *at = put_ipv6(frame, LP_IPPROTO_DSTOPTS);

    memset(at, 0, DEEP_OPTIONS_LEN);
    at[0] = LP_IPPROTO_ICMPV6;
    at[1] = DEEP_OPTIONS_LEN / 8 - 1;
    put_icmpv6(at + DEEP_OPTIONS_LEN, 134);
}

static void put_header(struct sim_frame *frame)
{
    const uint8_t *end = frame->bytes + frame->len;

    switch (frame->kind) {
    case SIM_FRAME_IPV4_UDP:
        put_udp(put_ipv4(frame, 0, LP_IPPROTO_UDP), end, GAME_PORT);
        break;
    case SIM_FRAME_IPV4_TCP:
        put_tcp(put_ipv4(frame, 0, LP_IPPROTO_TCP));
        break;
    case SIM_FRAME_IPV4_LATER_FRAGMENT:
        put_ipv4(frame, 0x2003, LP_IPPROTO_UDP);
        break;
    case SIM_FRAME_IPV6_UDP:
        put_udp(put_ipv6(frame, LP_IPPROTO_UDP), end, GAME_PORT);
        break;
    case SIM_FRAME_IPX_RAW:
        put_type(frame, (uint16_t)(frame->len - LP_ETH_HEADER_LEN));
        memset(frame->bytes + LP_ETH_HEADER_LEN, 0xff, 3);
        break;
    case SIM_FRAME_DHCP4_REPLY:
        put_udp(put_ipv4(frame, 0, LP_IPPROTO_UDP), end, 68);
        break;
    case SIM_FRAME_DHCP6_REPLY:
        put_udp(put_ipv6(frame, LP_IPPROTO_UDP), end, 546);
        break;
    case SIM_FRAME_ROUTER_ADVERTISEMENT:
        put_icmpv6(put_ipv6(frame, LP_IPPROTO_ICMPV6), 134);
        break;
    case SIM_FRAME_HIDDEN_ADVERTISEMENT:
        put_hidden_advertisement(frame);
        break;
    case SIM_FRAME_DEEP_ADVERTISEMENT:
        put_deep_advertisement(frame);
        break;
    case SIM_FRAME_REDIRECT:
        put_icmpv6(put_ipv6(frame, LP_IPPROTO_ICMPV6), 137);
        break;
    case SIM_FRAME_SHORT_FIRST_FRAGMENT:
        put_ipv4(frame, 0x2000, LP_IPPROTO_UDP);
        break;
    case SIM_FRAME_VLAN:
        put_tag(frame, 5);
        break;
    case SIM_FRAME_PRIORITY_TAG:
        put_tag(frame, 0);
        break;
    case SIM_FRAME_EAPOL:
        put_type(frame, LP_ETHERTYPE_EAPOL);
        break;
    case SIM_FRAME_LLDP:
        put_type(frame, LP_ETHERTYPE_LLDP);
        break;
    case SIM_FRAME_SLOW:
        put_type(frame, LP_ETHERTYPE_SLOW);
        break;
    case SIM_FRAME_PAUSE:
        put_type(frame, LP_ETHERTYPE_PAUSE);
        break;
    default:
        put_type(frame, TYPE_TEST);
        break;
    }
}

/* ---- whole frames
 * ------------------------------------------------------------------------------- */

static bool has_token(const struct sim_frame *frame)
{
    return frame->len >= sim_frame_min(frame->kind) + SIM_TOKEN_LEN;
}

static void put_token(struct sim_frame *frame)
{
    uint8_t *at = frame->bytes + frame->len - SIM_TOKEN_LEN;
    uint64_t sum;

    lp_store_be32(at, TOKEN_MAGIC);
    lp_store_be32(at + 4, frame->number);
    lp_store_be16(at + 8, frame->origin);
    at[10] = frame->room;
    at[11] = (uint8_t)frame->kind;
    sum = lp_fnv1a(LP_FNV1A_INIT, frame->bytes, frame->len - SUM_LEN);
    memcpy(at + 12, &sum, SUM_LEN);
}

void sim_frame_make(struct sim_frame *frame, size_t len)
{
    static const struct lp_mac switch_control = {{0x01, 0x80, 0xc2, 0x00, 0x00, 0x0e}};
    struct sim_prng filler;

    if (frame->kind == SIM_FRAME_SHORT_FIRST_FRAGMENT)
        len = SHORT_FRAGMENT_LEN;
    assert(len >= sim_frame_min(frame->kind) && len <= LP_ETH_FRAME_MAX);
    frame->len = len;
    if (frame->kind == SIM_FRAME_SWITCH_CONTROL)
        frame->dst = switch_control;
    if (frame->kind == SIM_FRAME_BAD_SOURCE)
        frame->src.octet[0] |= 1;
    sim_prng_seed(&filler, frame->number, frame->origin);
    sim_prng_fill(&filler, frame->bytes, len);
    memcpy(frame->bytes, frame->dst.octet, LP_MAC_LEN);
    memcpy(frame->bytes + LP_MAC_LEN, frame->src.octet, LP_MAC_LEN);
    put_header(frame);
    if (has_token(frame))
        put_token(frame);
}

size_t sim_frame_length(struct sim_prng *prng, enum sim_frame_kind kind, size_t max)
{
    static const size_t edges[] = {
        LP_PIECE_FIRST_LEN - 1, LP_PIECE_FIRST_LEN, LP_PIECE_FIRST_LEN + 1, 1394, 1395,
        LP_ETH_FRAME_MAX - 1,   LP_ETH_FRAME_MAX,
    };
    size_t min = sim_frame_min(kind);
    size_t len;

    switch (sim_prng_below(prng, 5)) {
    case 0:
        len = min;
        break;
    case 1:
        len = sim_prng_between(prng, min, LP_ETH_FRAME_MAX);
        break;
    case 2:
        len = edges[sim_prng_below(prng, sizeof(edges) / sizeof(edges[0]))];
        break;
    default:
        len = sim_prng_between(prng, min + SIM_TOKEN_LEN, min + 200);
        break;
    }
    if (len < min)
        len = min;
    return len < max ? len : max;
}

static const uint8_t *find_token(const uint8_t *bytes, size_t len)
{
    const uint8_t *at = bytes + len - SIM_TOKEN_LEN;

    if (len < LP_ETH_HEADER_LEN + SIM_TOKEN_LEN || lp_load_be32(at) != TOKEN_MAGIC)
        return NULL;
    return at;
}

bool sim_token_ok(const uint8_t *bytes, size_t len)
{
    const uint8_t *at = find_token(bytes, len);
    uint64_t sum;

    if (at == NULL)
        return true;
    sum = lp_fnv1a(LP_FNV1A_INIT, bytes, len - SUM_LEN);
    return memcmp(at + 12, &sum, SUM_LEN) == 0;
}

bool sim_token_room(const uint8_t *bytes, size_t len, uint8_t *ret_room)
{
    const uint8_t *at = find_token(bytes, len);

    if (at == NULL)
        return false;
    *ret_room = at[10];
    return true;
}
