/*
 * IEEE 802 48-bit MAC addresses: value type, tests for the I/G and U/L bits, text form.
 * Source: IEEE 802-2014, clause 8.
 */
#ifndef LP_BASE_MAC_H
#define LP_BASE_MAC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define LP_MAC_LEN      6
#define LP_MAC_TEXT_LEN 18 /* "02:00:00:00:00:01" and its NUL */

struct lp_mac {
    uint8_t octet[LP_MAC_LEN];
};

static inline struct lp_mac lp_mac_from(const uint8_t octets[LP_MAC_LEN])
{
    struct lp_mac mac;

    memcpy(mac.octet, octets, LP_MAC_LEN);
    return mac;
}

/* The address as a number (first octet most significant): a key for hashing and comparing. */
static inline uint64_t lp_mac_key(const struct lp_mac *mac)
{
    uint64_t key = 0;

    for (size_t i = 0; i < LP_MAC_LEN; i++)
        key = key << 8 | mac->octet[i];
    return key;
}

static inline bool lp_mac_equal(const struct lp_mac *a, const struct lp_mac *b)
{
    return memcmp(a->octet, b->octet, LP_MAC_LEN) == 0;
}

static inline bool lp_mac_is_zero(const struct lp_mac *mac)
{
    return lp_mac_key(mac) == 0;
}

/* Group address: multicast, broadcast included (I/G bit). */
static inline bool lp_mac_is_group(const struct lp_mac *mac)
{
    return (mac->octet[0] & 0x01) != 0;
}

static inline bool lp_mac_is_broadcast(const struct lp_mac *mac)
{
    return lp_mac_key(mac) == UINT64_C(0xffffffffffff);
}

/* Locally administered (U/L bit). */
static inline bool lp_mac_is_local(const struct lp_mac *mac)
{
    return (mac->octet[0] & 0x02) != 0;
}

/* What a frame's source address must be: unicast and not zero. */
static inline bool lp_mac_is_valid_source(const struct lp_mac *mac)
{
    return !lp_mac_is_group(mac) && !lp_mac_is_zero(mac);
}

/* Makes any six octets a locally administered unicast address. */
static inline void lp_mac_make_local_unicast(struct lp_mac *mac)
{
    mac->octet[0] = (uint8_t)((mac->octet[0] & 0xfc) | 0x02);
}

/*
 * Exactly "xx:xx:xx:xx:xx:xx" or "xx-xx-xx-xx-xx-xx" with hex digits of either case, nothing
 * before or after. LP_ERR_MALFORMED otherwise; `*ret_mac` is written on success only.
 */
int lp_mac_parse(const char *text, struct lp_mac *ret_mac);

/* Lower case, colons. Returns `text`. */
char *lp_mac_format(const struct lp_mac *mac, char text[LP_MAC_TEXT_LEN]);

#endif
