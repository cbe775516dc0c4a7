#include "core/bucket.h"

#include <assert.h>

#include "base/time.h"

#define RATE_MAX (UINT64_C(1) << 40)

void lp_bucket_init(struct lp_bucket *bucket, uint64_t rate, uint64_t burst, uint64_t now_ns)
{
    assert(rate <= RATE_MAX);
    *bucket =
        (struct lp_bucket){.rate = rate, .burst = burst, .tokens = burst, .updated_ns = now_ns};
}

/*
 * Adds what `elapsed_ns` brought. Whole seconds first: compared by division, so that no product
 * overflows however long the silence was. The rest of a second is split in the same way into
 * whole tokens and billionths of one.
 */
static void refill(struct lp_bucket *bucket, uint64_t elapsed_ns)
{
    uint64_t missing = bucket->burst - bucket->tokens;
    uint64_t seconds = elapsed_ns / LP_NS_PER_S;
    uint64_t rest_ns = elapsed_ns % LP_NS_PER_S;
    uint64_t credit;
    uint64_t gained;

    if (seconds > missing / bucket->rate) {
        bucket->tokens = bucket->burst;
        bucket->credit = 0;
        return;
    }
    credit = bucket->credit + bucket->rate % LP_NS_PER_S * rest_ns;
    gained =
        seconds * bucket->rate + bucket->rate / LP_NS_PER_S * rest_ns + credit / LP_NS_PER_S;
    if (gained >= missing) {
        bucket->tokens = bucket->burst;
        bucket->credit = 0;
        return;
    }
    bucket->tokens += gained;
    bucket->credit = credit % LP_NS_PER_S;
}

bool lp_bucket_take(struct lp_bucket *bucket, uint64_t cost, uint64_t now_ns)
{
    if (bucket->rate == 0)
        return true;
    if (now_ns > bucket->updated_ns) {
        refill(bucket, now_ns - bucket->updated_ns);
        bucket->updated_ns = now_ns;
    }
    if (bucket->tokens < cost)
        return false;
    bucket->tokens -= cost;
    return true;
}
