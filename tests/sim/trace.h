/* The trace hash: what happened, in order. Octets go in by base/hash.h, numbers by this. */
#ifndef SIM_TRACE_H
#define SIM_TRACE_H

#include <stdint.h>

#include "base/hash.h"

static inline uint64_t sim_trace_number(uint64_t hash, uint64_t number)
{
    for (unsigned i = 0; i < 8; i++)
        hash = (hash ^ (number >> 8 * i & 0xff)) * UINT64_C(0x100000001b3);
    return hash;
}

#endif
