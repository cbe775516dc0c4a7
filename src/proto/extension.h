/*
 * The walk over a packet's IPv6 extension headers to the upper one, bounded to
 * LP_EXTENSION_WALK_MAX headers. Sources: RFC 8200, RFC 4302 2.2, RFC 6564. Pure; allocates
 * nothing and borrows the octets.
 */
#ifndef LP_PROTO_EXTENSION_H
#define LP_PROTO_EXTENSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LP_EXTENSION_WALK_MAX 8

enum lp_extension_end {
    LP_EXTENSION_UPPER = 1,      /* `at` is the header of `protocol` */
    LP_EXTENSION_LATER_FRAGMENT, /* what lies behind it is no header */
    LP_EXTENSION_SHORT,          /* a header is not all there */
    LP_EXTENSION_TOO_MANY,
};

struct lp_extension_walk {
    enum lp_extension_end end;
    uint8_t protocol;          /* the number of what was reached */
    bool fragment;             /* there was a fragment header, if only an atomic one */
    uint8_t fragment_protocol; /* what follows the first of them: the same in every fragment */
    const uint8_t *at;
    size_t len;
};

/* `next` is the number of what starts at `at`, of which `len` octets are present. */
struct lp_extension_walk lp_extension_walk(uint8_t next, const uint8_t *at, size_t len);

#endif
