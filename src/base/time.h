/*
 * Time is a parameter: `now_ns`, nanoseconds of a monotonic clock with an arbitrary start,
 * sampled once per loop turn and handed down. Nothing below platform/ reads a clock. A deadline
 * is a time of the same clock; LP_TIME_NEVER means that there is none.
 */
#ifndef LP_BASE_TIME_H
#define LP_BASE_TIME_H

#include <stdint.h>

#define LP_NS_PER_US  UINT64_C(1000)
#define LP_NS_PER_MS  UINT64_C(1000000)
#define LP_NS_PER_S   UINT64_C(1000000000)
#define LP_TIME_NEVER UINT64_MAX

static inline uint64_t lp_time_min(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* `now + delta`, saturating at LP_TIME_NEVER. */
static inline uint64_t lp_time_add(uint64_t now_ns, uint64_t delta_ns)
{
    return delta_ns > LP_TIME_NEVER - now_ns ? LP_TIME_NEVER : now_ns + delta_ns;
}

/* How long ago `then` was; 0 when it lies in the future. */
static inline uint64_t lp_time_since(uint64_t then_ns, uint64_t now_ns)
{
    return now_ns > then_ns ? now_ns - then_ns : 0;
}

#endif
