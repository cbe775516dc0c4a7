/*
 * The Internet checksum (RFC 1071): a ones'-complement sum of 16-bit words. A running sum is a
 * 64-bit number in the machine's own byte order, which the arithmetic does not care about
 * (RFC 1071 section 2 B), folded to 16 bits at the end.
 * Pure.
 */
#ifndef LP_PROTO_CHECKSUM_H
#define LP_PROTO_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* Adds octets to a running sum (0 at the start). Only the last part may have an odd length. */
uint64_t lp_checksum_add(uint64_t sum, const uint8_t *bytes, size_t len);

/* Adds one word given in host byte order: a pseudo-header's length or protocol. */
uint64_t lp_checksum_add_be16(uint64_t sum, uint16_t value);

/* The checksum field's value, in host byte order: the complement of the folded sum. */
uint16_t lp_checksum_finish(uint64_t sum);

#endif
