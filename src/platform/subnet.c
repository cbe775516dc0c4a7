#include "platform/subnet.h"

#include <stdio.h>
#include <string.h>

#define SUBNET_TEXT_LEN 24 /* "255.255.255.255/32" and its NUL */
#define NAME_MAX_SAID   32

static uint32_t network_of(const struct lp_subnet *subnet, unsigned prefix_len)
{
    const uint8_t *ip = subnet->addr.ip;
    uint32_t number =
        (uint32_t)ip[0] << 24 | (uint32_t)ip[1] << 16 | (uint32_t)ip[2] << 8 | ip[3];

    return prefix_len == 0 ? 0 : number & (UINT32_MAX << (32 - prefix_len));
}

bool lp_subnet_overlap(const struct lp_subnet *a, const struct lp_subnet *b)
{
    unsigned shorter = a->prefix_len < b->prefix_len ? a->prefix_len : b->prefix_len;

    return network_of(a, shorter) == network_of(b, shorter);
}

static void format_subnet(const struct lp_subnet *subnet, char text[SUBNET_TEXT_LEN])
{
    uint32_t network = network_of(subnet, subnet->prefix_len);

    snprintf(text, SUBNET_TEXT_LEN, "%u.%u.%u.%u/%u", network >> 24, network >> 16 & 255,
             network >> 8 & 255, network & 255, subnet->prefix_len & 63);
}

/* How much of a name is said: whole UTF-8 characters. */
static int fitting(const char *name)
{
    size_t len = strlen(name);

    if (len <= NAME_MAX_SAID)
        return (int)len;
    for (len = NAME_MAX_SAID; len > 0 && ((uint8_t)name[len] & 0xc0) == 0x80;)
        len--;
    return (int)len;
}

void lp_subnet_describe(const char *name, const struct lp_subnet *own, const char *other_name,
                        const struct lp_subnet *other, char ret_text[LP_WHY_LEN])
{
    char own_text[SUBNET_TEXT_LEN], other_text[SUBNET_TEXT_LEN];

    format_subnet(own, own_text);
    format_subnet(other, other_text);
    snprintf(ret_text, LP_WHY_LEN,
             "the party's network %s on %.*s overlaps %s on %.*s, so some hosts of the party "
             "cannot be reached: disconnect %.*s while you play, or move one of the two "
             "networks to another range",
             own_text, fitting(name), name, other_text, fitting(other_name), other_name,
             fitting(other_name), other_name);
}
