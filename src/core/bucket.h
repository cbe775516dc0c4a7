/*
 * Token bucket: `rate` tokens a second, at most `burst` saved. A token is a frame or an octet.
 * A rate of 0 means unlimited. Integer arithmetic, exact to the nanosecond: no token is lost to
 * rounding.
 */
#ifndef LP_CORE_BUCKET_H
#define LP_CORE_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

struct lp_bucket {
    uint64_t rate; /* tokens per second, at most 2^40 */
    uint64_t burst;
    uint64_t tokens;
    uint64_t credit; /* token fraction saved, in units of 1 / 10^9 token */
    uint64_t updated_ns;
};

/* Starts full. */
void lp_bucket_init(struct lp_bucket *bucket, uint64_t rate, uint64_t burst, uint64_t now_ns);

/* Takes `cost` tokens; false, and nothing taken, when there are fewer. */
bool lp_bucket_take(struct lp_bucket *bucket, uint64_t cost, uint64_t now_ns);

#endif
