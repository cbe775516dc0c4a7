#include "proto/flow.h"

#include <string.h>

#include "base/wire.h"
#include "proto/extension.h"
#include "proto/ip.h"

#define LLC_HEADER_LEN 3
#define LLC_SAP_IP     0x06
#define WORDS_MAX      5 /* IPv6: two addresses, and the rest */
#define PORTS_LEN      4
#define ADDRESSES_V4   8 /* octets of both */
#define ADDRESSES_V6   32

/* In the upper half of the word that also holds ports or an EtherType. */
enum kind {
    KIND_LINK = 1,
    KIND_IPV4,
    KIND_IPV6,
};

static uint64_t rest_of(enum kind kind, unsigned protocol, uint32_t ports)
{
    return (uint64_t)kind << 48 | (uint64_t)protocol << 32 | ports;
}

static uint32_t ports_of(unsigned protocol, const uint8_t *upper, size_t len)
{
    if ((protocol != LP_IPPROTO_TCP && protocol != LP_IPPROTO_UDP) || len < PORTS_LEN)
        return 0;
    return lp_load_be32(upper);
}

static uint32_t hash_link(const struct lp_eth *eth, const struct lp_sipkey *key)
{
    uint64_t words[3] = {
        lp_mac_key(&eth->dst),
        lp_mac_key(&eth->src),
        rest_of(KIND_LINK, 0, eth->llc ? eth->ethertype : eth->type_or_len),
    };

    return (uint32_t)lp_siphash(key, words, 3);
}

static uint32_t hash_ipv4(const uint8_t *ip, size_t len, const struct lp_sipkey *key)
{
    size_t header_len = (size_t)(ip[0] & 0x0f) * 4;
    uint16_t fragment_word = lp_load_be16(ip + 6);
    uint64_t words[2];
    uint32_t ports = 0;

    if ((fragment_word & (LP_IPV4_MORE_FRAGMENTS | LP_IPV4_OFFSET_MASK)) == 0 &&
        header_len >= LP_IPV4_HEADER_MIN && len > header_len)
        ports = ports_of(ip[9], ip + header_len, len - header_len);
    memcpy(words, ip + 12, ADDRESSES_V4);
    words[1] = rest_of(KIND_IPV4, ip[9], ports);
    return (uint32_t)lp_siphash(key, words, 2);
}

static uint32_t hash_ipv6(const uint8_t *ip, size_t len, const struct lp_sipkey *key)
{
    struct lp_extension_walk walk =
        lp_extension_walk(ip[6], ip + LP_IPV6_HEADER_LEN, len - LP_IPV6_HEADER_LEN);
    uint64_t words[WORDS_MAX];
    uint8_t protocol = walk.protocol;
    uint32_t ports = 0;

    if (walk.fragment)
        protocol = walk.fragment_protocol;
    else if (walk.end == LP_EXTENSION_UPPER)
        ports = ports_of(protocol, walk.at, walk.len);
    memcpy(words, ip + 8, ADDRESSES_V6);
    words[4] = rest_of(KIND_IPV6, protocol, ports);
    return (uint32_t)lp_siphash(key, words, 5);
}

/* IP over LLC without SNAP (RFC 948) carries no EtherType. */
static uint16_t type_behind_llc(const struct lp_eth *eth, size_t *ret_skip)
{
    if (eth->payload_len < LLC_HEADER_LEN || (eth->payload[0] & ~1) != LLC_SAP_IP)
        return 0;
    *ret_skip = LLC_HEADER_LEN;
    return LP_ETHERTYPE_IPV4;
}

struct lp_flow lp_flow_of(const struct lp_eth *eth, const struct lp_sipkey *key)
{
    struct lp_flow flow = {0};
    uint16_t type = eth->ethertype;
    size_t skip = 0;
    const uint8_t *ip;
    size_t len;

    if (eth->llc && !eth->snap)
        type = type_behind_llc(eth, &skip);
    ip = eth->payload + skip;
    len = eth->payload_len - skip;
    flow.ip_at = (uint8_t)(LP_ETH_HEADER_LEN + (eth->snap ? LP_ETH_SNAP_LEN : 0u) + skip);
    if (type == LP_ETHERTYPE_IPV4 && len >= LP_IPV4_HEADER_MIN && ip[0] >> 4 == 4) {
        flow.hash = hash_ipv4(ip, len, key);
    } else if (type == LP_ETHERTYPE_IPV6 && len >= LP_IPV6_HEADER_LEN && ip[0] >> 4 == 6) {
        flow.hash = hash_ipv6(ip, len, key);
    } else {
        flow.hash = hash_link(eth, key);
        flow.ip_at = 0;
    }
    return flow;
}
