/*
 * FNV-1a, 64 bit, for trace hashes and fingerprints of test data. Not for tables that a
 * stranger can fill: those are bounded in size instead.
 */
#ifndef LP_BASE_HASH_H
#define LP_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define LP_FNV1A_INIT UINT64_C(0xcbf29ce484222325)

static inline uint64_t lp_fnv1a(uint64_t hash, const void *bytes, size_t len)
{
    const uint8_t *p = bytes;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ p[i]) * UINT64_C(0x100000001b3);
    return hash;
}

#endif
