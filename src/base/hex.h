/* Hexadecimal text of octets: MAC addresses, certificate fingerprints, seat secrets. */
#ifndef LP_BASE_HEX_H
#define LP_BASE_HEX_H

#include <stddef.h>
#include <stdint.h>

/*
 * Decodes `text_len` digits of either case into text_len / 2 octets. LP_ERR_MALFORMED when the
 * length is odd or anything is not a digit; `octets` is then undefined.
 */
int lp_hex_decode(const char *text, size_t text_len, uint8_t *octets);

/* Writes 2 * len lower-case digits and a NUL. Returns `text`. */
char *lp_hex_encode(const uint8_t *octets, size_t len, char *text);

#endif
