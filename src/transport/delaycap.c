#include "transport/delaycap.h"

/* Shorter round trips tell less about a queue than about when a process was scheduled. */
#define ROUND_MIN_NS LP_NS_PER_MS
/* How far one round may go, in eighths. */
#define EIGHTHS_MIN 4
#define EIGHTHS_MAX 9
#define GROWTH_MIN  1500 /* octets a round */
/* Shrunk to a quarter, and a long queue is hardly shorter. */
#define FUTILE_SHARE    4
#define FUTILE_QUEUE_NS (4 * LP_DELAYCAP_QUEUE_NS)
/* With next to nothing in flight for so many rounds there is no queue of ours. */
#define FUTILE_ROUNDS 8

/* Long enough for acknowledgements that come in bunches, and how long the best is remembered. */
#define RATE_SAMPLE_NS (20 * LP_NS_PER_MS)
#define RATE_PERIOD_NS (5 * LP_NS_PER_S)

void lp_delaycap_init(struct lp_delaycap *cap)
{
    *cap = (struct lp_delaycap){
        .bytes = LP_DELAYCAP_NONE,
        .least_ns = UINT64_MAX,
        .rtt_ns = UINT64_MAX,
    };
}

static uint64_t clamp(uint64_t value, uint64_t low, uint64_t high)
{
    return value < low ? low : value > high ? high : value;
}

/* The bound at which the queue would be as long as it should, if it were all ours. */
static uint64_t aim(const struct lp_delaycap *cap)
{
    /* whole microseconds, so that nothing overflows */
    uint64_t wanted_us = (cap->least_ns + LP_DELAYCAP_QUEUE_NS) / LP_NS_PER_US;

    return cap->bytes * wanted_us / (cap->rtt_ns / LP_NS_PER_US + 1);
}

/* What it may have in flight whatever the queue is. */
static uint64_t least_bytes(const struct lp_delaycap *cap)
{
    uint64_t rate = cap->rate[0] > cap->rate[1] ? cap->rate[0] : cap->rate[1];
    uint64_t share_us = (cap->least_ns + LP_DELAYCAP_QUEUE_NS / 2) / LP_NS_PER_US;
    uint64_t bytes = rate * share_us / (LP_NS_PER_S / LP_NS_PER_US);

    return bytes > LP_DELAYCAP_MIN ? bytes : LP_DELAYCAP_MIN;
}

static bool is_futile(const struct lp_delaycap *cap, uint64_t queue_ns)
{
    return queue_ns > FUTILE_QUEUE_NS && cap->bytes <= cap->first_bytes / FUTILE_SHARE &&
           queue_ns > cap->first_queue_ns - cap->first_queue_ns / FUTILE_SHARE;
}

static void shrink(struct lp_delaycap *cap, uint64_t queue_ns, uint64_t now_ns)
{
    uint64_t least_ns = cap->rtt_ns;

    if (cap->bytes > cap->flight)
        cap->bytes = cap->flight; /* what makes the queue is what is there */
    if (cap->long_rounds++ == 0) {
        cap->first_queue_ns = queue_ns;
        cap->first_bytes = cap->bytes;
    }
    if (cap->first_bytes <= LP_DELAYCAP_MIN && cap->long_rounds > FUTILE_ROUNDS) {
        lp_delaycap_init(cap);
        cap->least_ns = least_ns;
    } else if (is_futile(cap, queue_ns)) {
        lp_delaycap_init(cap);
        cap->yields_until_ns = lp_time_add(now_ns, LP_DELAYCAP_YIELD_NS);
    } else {
        cap->bytes = clamp(aim(cap), cap->bytes * EIGHTHS_MIN / 8, cap->bytes);
        if (cap->bytes < least_bytes(cap))
            cap->bytes = least_bytes(cap);
    }
}

static void grow(struct lp_delaycap *cap, uint64_t queue_ns)
{
    cap->long_rounds = 0;
    if (cap->bytes == LP_DELAYCAP_NONE || !cap->used)
        return;
    if (queue_ns < LP_DELAYCAP_QUEUE_NS / 2)
        cap->bytes = clamp(aim(cap), cap->bytes, cap->bytes * EIGHTHS_MAX / 8);
    cap->bytes += cap->bytes / 32 + GROWTH_MIN;
}

static void end_round(struct lp_delaycap *cap, uint64_t sent, uint64_t now_ns)
{
    uint64_t queue_ns = cap->rtt_ns - cap->least_ns;

    if (now_ns >= cap->yields_until_ns) {
        if (queue_ns > LP_DELAYCAP_QUEUE_NS)
            shrink(cap, queue_ns, now_ns);
        else
            grow(cap, queue_ns);
    }
    cap->round_begin = sent;
    cap->round_end_ns = 0;
    cap->rtt_ns = UINT64_MAX;
    cap->flight = 0;
    cap->used = false;
}

static void measure_rate(struct lp_delaycap *cap, uint64_t delivered, uint64_t now_ns)
{
    uint64_t length_ns = lp_time_since(cap->rate_since_ns, now_ns);
    uint64_t rate;

    if (cap->rate_since_ns != 0 && length_ns < RATE_SAMPLE_NS)
        return;
    if (lp_time_since(cap->rate_period_ns, now_ns) > RATE_PERIOD_NS) {
        cap->rate[1] = cap->rate[0];
        cap->rate[0] = 0;
        cap->rate_period_ns = now_ns;
    }
    if (cap->rate_since_ns != 0 && delivered > cap->delivered) {
        rate = (delivered - cap->delivered) * LP_NS_PER_MS / length_ns *
               (LP_NS_PER_S / LP_NS_PER_MS);
        if (rate > cap->rate[0])
            cap->rate[0] = rate;
    }
    cap->delivered = delivered;
    cap->rate_since_ns = now_ns;
}

void lp_delaycap_update(struct lp_delaycap *cap, uint64_t rtt_ns, uint64_t in_flight,
                        uint64_t sent, uint64_t now_ns)
{
    uint64_t delivered = sent > in_flight ? sent - in_flight : 0;

    measure_rate(cap, delivered, now_ns);
    if (rtt_ns < cap->least_ns)
        cap->least_ns = rtt_ns;
    if (delivered < cap->round_begin)
        return;
    if (cap->round_end_ns == 0)
        cap->round_end_ns =
            lp_time_add(now_ns, rtt_ns / 2 > ROUND_MIN_NS ? rtt_ns / 2 : ROUND_MIN_NS);
    if (rtt_ns < cap->rtt_ns)
        cap->rtt_ns = rtt_ns;
    if (in_flight > cap->flight)
        cap->flight = in_flight;
    if (now_ns >= cap->round_end_ns)
        end_round(cap, sent, now_ns);
}

bool lp_delaycap_allows(struct lp_delaycap *cap, uint64_t in_flight)
{
    if (in_flight < cap->bytes)
        return true;
    cap->used = true;
    return false;
}
