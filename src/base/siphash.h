/*
 * SipHash-1-3 of whole 64-bit words: for tables that strangers fill, who must not be able to aim
 * at a place without the key. The result is that of the octet function for the same words in
 * little-endian order. Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012;
 * one and three rounds as hash tables use it. Not a MAC for anything that leaves the process.
 */
#ifndef LP_BASE_SIPHASH_H
#define LP_BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

struct lp_sipkey {
    uint64_t word[2];
};

static inline uint64_t lp_sip_rotate(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

static inline void lp_sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = lp_sip_rotate(v[1], 13) ^ v[0];
    v[0] = lp_sip_rotate(v[0], 32);
    v[2] += v[3];
    v[3] = lp_sip_rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = lp_sip_rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = lp_sip_rotate(v[1], 17) ^ v[2];
    v[2] = lp_sip_rotate(v[2], 32);
}

static inline void lp_sip_add(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    lp_sip_round(v);
    v[0] ^= word;
}

static inline uint64_t lp_siphash(const struct lp_sipkey *key, const uint64_t *words,
                                  size_t count)
{
    uint64_t v[4] = {
        key->word[0] ^ UINT64_C(0x736f6d6570736575),
        key->word[1] ^ UINT64_C(0x646f72616e646f6d),
        key->word[0] ^ UINT64_C(0x6c7967656e657261),
        key->word[1] ^ UINT64_C(0x7465646279746573),
    };

    for (size_t i = 0; i < count; i++)
        lp_sip_add(v, words[i]);
    lp_sip_add(v, (uint64_t)(count * 8) << 56);
    v[2] ^= 0xff;
    lp_sip_round(v);
    lp_sip_round(v);
    lp_sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

#endif
