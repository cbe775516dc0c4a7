#include "proto/ecn.h"

#include "base/wire.h"
#include "proto/ip.h"

#define ECN_MASK 0x03
#define ECN_CE   0x03

#define CHECKSUM_AT 10

/* RFC 1624 eqn. 3: HC' = ~(~HC + ~m + m'). */
static void mend_checksum(uint8_t *ip, uint16_t before, uint16_t after)
{
    uint32_t sum = (uint16_t)~lp_load_be16(ip + CHECKSUM_AT);

    sum += (uint16_t)~before;
    sum += after;
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
#ifdef LP_FAULT_ECN_CHECKSUM
    /* planted fault: the checksum stays that of the unmarked header */
    return;
#endif
    lp_store_be16(ip + CHECKSUM_AT, (uint16_t)~sum);
}

static bool mark_ipv4(uint8_t *ip)
{
    uint16_t before = lp_load_be16(ip);

    if ((ip[1] & ECN_MASK) == 0)
        return false;
    ip[1] |= ECN_CE;
    mend_checksum(ip, before, lp_load_be16(ip));
    return true;
}

/* The field lies across the first two octets' border: version (4), DSCP (6), ECN (2). */
static bool mark_ipv6(uint8_t *ip)
{
    if ((ip[1] >> 4 & ECN_MASK) == 0)
        return false;
    ip[1] |= ECN_CE << 4;
    return true;
}

bool lp_ecn_mark(uint8_t *ip, size_t len)
{
    if (len >= LP_IPV4_HEADER_MIN && ip[0] >> 4 == 4)
        return mark_ipv4(ip);
    if (len >= LP_IPV6_HEADER_LEN && ip[0] >> 4 == 6)
        return mark_ipv6(ip);
    return false;
}
