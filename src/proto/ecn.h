/*
 * Explicit congestion notification in an IP header. Sources: RFC 3168 5 (the field), RFC 1624
 * (mending a checksum), RFC 8290 and RFC 9331 (ECT(1) is marked as ECT(0) is). Pure.
 */
#ifndef LP_PROTO_ECN_H
#define LP_PROTO_ECN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Marks the packet at `ip`, of which `len` octets are present, as having met congestion; an IPv4
 * header's checksum stays as right (or wrong) as it was. False, and nothing has changed, when
 * its sender does not take marks.
 */
bool lp_ecn_mark(uint8_t *ip, size_t len);

#endif
