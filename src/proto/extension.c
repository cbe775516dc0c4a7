#include "proto/extension.h"

#include "base/wire.h"
#include "proto/ip.h"

#define FRAGMENT_HEADER_LEN  8
#define FRAGMENT_OFFSET_MASK 0xfff8

static bool is_extension(uint8_t next)
{
    switch (next) {
    case LP_IPPROTO_HOPOPTS:
    case LP_IPPROTO_ROUTING:
    case LP_IPPROTO_FRAGMENT:
    case LP_IPPROTO_AH:
    case LP_IPPROTO_DSTOPTS:
    case LP_IPPROTO_MOBILITY:
    case LP_IPPROTO_HIP:
    case LP_IPPROTO_SHIM6:
        return true;
    default:
        return false;
    }
}

/* Length of the extension header that starts here; its first two octets are present. */
static size_t extension_len(uint8_t next, const uint8_t *header)
{
    if (next == LP_IPPROTO_FRAGMENT)
        return FRAGMENT_HEADER_LEN;
    if (next == LP_IPPROTO_AH)
        return ((size_t)header[1] + 2) * 4; /* RFC 4302 2.2 */
    return ((size_t)header[1] + 1) * 8;
}

/* One header further. LP_EXTENSION_UPPER: there may be more. */
static enum lp_extension_end step(struct lp_extension_walk *walk)
{
    bool fragment = walk->protocol == LP_IPPROTO_FRAGMENT;
    size_t header_len;

    if (walk->len < 2)
        return LP_EXTENSION_SHORT;
    header_len = extension_len(walk->protocol, walk->at);
    if (walk->len < header_len)
        return LP_EXTENSION_SHORT;
    if (fragment && !walk->fragment) {
        walk->fragment = true;
        walk->fragment_protocol = walk->at[0];
    }
    if (fragment && (lp_load_be16(walk->at + 2) & FRAGMENT_OFFSET_MASK) != 0)
        return LP_EXTENSION_LATER_FRAGMENT;
    walk->protocol = walk->at[0];
    walk->at += header_len;
    walk->len -= header_len;
    return LP_EXTENSION_UPPER;
}

struct lp_extension_walk lp_extension_walk(uint8_t next, const uint8_t *at, size_t len)
{
    struct lp_extension_walk walk = {
        .end = LP_EXTENSION_UPPER, .protocol = next, .at = at, .len = len};
    unsigned headers = 0;

    while (walk.end == LP_EXTENSION_UPPER && is_extension(walk.protocol))
        walk.end = headers++ < LP_EXTENSION_WALK_MAX ? step(&walk) : LP_EXTENSION_TOO_MANY;
    return walk;
}
