#include "transport/delaycap.h"

/* Shorter round trips tell less about a queue than about when a process was scheduled. */
#define ROUND_MIN_NS LP_NS_PER_MS
/* How far down one round may go, in eighths. */
#define EIGHTHS_MIN 4
#define GROWTH_MIN  1500 /* octets a round */
/* Shrunk to a quarter, and a long queue is hardly shorter. */
#define FUTILE_SHARE    4
#define FUTILE_QUEUE_NS (4 * LP_DELAYCAP_QUEUE_NS)
/* With next to nothing in flight for so many rounds there is no queue of ours. */
#define FUTILE_ROUNDS 8
/* What is sent while the bound is not yet reached may pass it by so much. */
#define PACKET_MAX 1500
/* Growth of a bound that makes no queue doubles from the third such round on, to a quarter a round. */
#define EMPTY_ROUNDS_FREE 2
#define EMPTY_SHIFT_MAX   3

/* So long, and two round trips, a round waits for a sample of our own way; then the round trip must do. */
#define WAY_PATIENCE_NS (200 * LP_NS_PER_MS)
/* The least delay counts as met again when it was, but for this: two clocks drift. */
#define WAY_MET_US 1000

/* Long enough for acknowledgements that come in bunches, and how long the best is remembered. */
#define RATE_SAMPLE_NS (100 * LP_NS_PER_MS)
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

/* The bound at which this queue would be so long, if it were all ours. */
static uint64_t bytes_for(const struct lp_delaycap *cap, uint64_t queue_ns, uint64_t wanted_ns)
{
    /* whole microseconds, so that nothing overflows */
    uint64_t there_ns = cap->rtt_ns - cap->way.back_ns;
    uint64_t wanted_us = (there_ns - queue_ns + wanted_ns) / LP_NS_PER_US;

    return cap->bytes * wanted_us / (there_ns / LP_NS_PER_US + 1);
}

/* What queue we want: of our own way less is enough, but more where an answer takes longer. */
static uint64_t aim_ns(const struct lp_delaycap *cap)
{
    if (!cap->way.measured)
        return LP_DELAYCAP_QUEUE_NS;
    return LP_DELAYCAP_QUEUE_NS * 5 / 8 +
           lp_time_min(cap->least_ns / 8, LP_DELAYCAP_QUEUE_NS / 2);
}

static uint64_t aim(const struct lp_delaycap *cap, uint64_t queue_ns)
{
    return bytes_for(cap, queue_ns, aim_ns(cap));
}

/* What is delivered in so long at the highest rate of late. */
static uint64_t delivered_in(const struct lp_delaycap *cap, uint64_t ns)
{
    uint64_t rate = cap->rate[0] > cap->rate[1] ? cap->rate[0] : cap->rate[1];

    return rate * (ns / LP_NS_PER_US) / (LP_NS_PER_S / LP_NS_PER_US);
}

/* What it may have in flight whatever the queue is. */
static uint64_t least_bytes(const struct lp_delaycap *cap)
{
    uint64_t bytes = delivered_in(cap, cap->least_ns + LP_DELAYCAP_QUEUE_NS / 2);

    return bytes > LP_DELAYCAP_MIN ? bytes : LP_DELAYCAP_MIN;
}

static bool is_futile(const struct lp_delaycap *cap, uint64_t queue_ns)
{
    return queue_ns > FUTILE_QUEUE_NS &&
           cap->bytes + cap->way.back <= cap->first_flight / FUTILE_SHARE &&
           queue_ns > cap->first_queue_ns - cap->first_queue_ns / FUTILE_SHARE;
}

/* The queue has nothing to do with what we send: the path is learned anew. */
static void forget(struct lp_delaycap *cap)
{
    uint64_t least_ns = cap->rtt_ns;

    lp_delaycap_init(cap);
    cap->least_ns = least_ns;
}

static void shrink(struct lp_delaycap *cap, uint64_t queue_ns, uint64_t now_ns)
{
    uint64_t there = cap->flight > cap->way.back ? cap->flight - cap->way.back : 0;

    if (cap->bytes > there)
        cap->bytes = there; /* what makes the queue is what is there */
    if (cap->long_rounds++ == 0) {
        cap->first_queue_ns = queue_ns;
        cap->first_flight = cap->flight;
    }
    if (cap->first_flight <= LP_DELAYCAP_MIN + PACKET_MAX && cap->long_rounds > FUTILE_ROUNDS) {
        forget(cap);
    } else if (is_futile(cap, queue_ns)) {
        lp_delaycap_init(cap);
        cap->yields_until_ns = lp_time_add(now_ns, LP_DELAYCAP_YIELD_NS);
    } else {
        cap->bytes = clamp(aim(cap, queue_ns), cap->bytes * EIGHTHS_MIN / 8, cap->bytes);
        if (cap->bytes < least_bytes(cap))
            cap->bytes = least_bytes(cap);
    }
}

/*
 * Beside a game alone a late turn of somebody's loop looks like a queue. A bound of that would be in
 * the way of the download that begins next.
 */
static void shrink_if_ours(struct lp_delaycap *cap, uint64_t queue_ns, uint64_t now_ns)
{
    cap->empty_rounds = 0;
    if (cap->flight > LP_DELAYCAP_MIN)
        shrink(cap, queue_ns, now_ns);
    else if (++cap->idle_long_rounds > FUTILE_ROUNDS)
        forget(cap);
}

/*
 * By our own way a thirty-second a round at first, and less near the aim: a queue on the way back holds
 * up acknowledgements, so that less leaves under the same bound, and comes down as fast as the other
 * end's bound does.
 */
static uint64_t growth_max(const struct lp_delaycap *cap)
{
    unsigned shift =
        cap->empty_rounds > EMPTY_ROUNDS_FREE ? cap->empty_rounds - EMPTY_ROUNDS_FREE : 0;

    if (!cap->way.measured)
        return cap->bytes / 8;
    return (cap->bytes << (shift < EMPTY_SHIFT_MAX ? shift : EMPTY_SHIFT_MAX)) / 32;
}

static void grow(struct lp_delaycap *cap, uint64_t queue_ns)
{
    cap->long_rounds = 0;
    cap->idle_long_rounds = 0;
    if (cap->bytes == LP_DELAYCAP_NONE || !cap->used)
        return;
    cap->empty_rounds = queue_ns < aim_ns(cap) / 4 ? cap->empty_rounds + 1 : 0;
    if (queue_ns < aim_ns(cap) / 2) {
        uint64_t most = cap->bytes + growth_max(cap);

        cap->bytes = cap->empty_rounds > EMPTY_ROUNDS_FREE
                         ? most
                         : clamp(aim(cap, queue_ns), cap->bytes, most);
    }
    cap->bytes +=
        cap->way.measured ? cap->bytes / 64 + GROWTH_MIN / 3 : cap->bytes / 32 + GROWTH_MIN;
}

/* ---- what the peer's clock tells ---- */

static bool is_less(uint32_t a_us, uint32_t b_us)
{
    return (int32_t)(a_us - b_us) < 0;
}

static uint32_t least_us(const struct lp_delaycap_least *least)
{
    return is_less(least->us[1], least->us[0]) ? least->us[1] : least->us[0];
}

static bool period_is_over(const struct lp_delaycap_least *least, uint64_t now_ns)
{
    return lp_time_since(least->since_ns, now_ns) >= LP_DELAYCAP_PERIOD_NS;
}

static void turn_period(struct lp_delaycap_least *least, uint32_t delay_us, uint64_t now_ns)
{
    least->us[1] = least->known ? least->us[0] : delay_us;
    least->us[0] = delay_us;
    least->known = true;
    least->since_ns = now_ns;
}

static void learn(struct lp_delaycap_least *least, uint32_t delay_us, bool may_turn,
                  uint64_t now_ns)
{
    uint32_t sure_us = is_less(delay_us, least->last_us) ? least->last_us : delay_us;

    /* Not heard of for long: what the clocks did meanwhile nobody knows. */
    if (lp_time_since(least->heard_ns, now_ns) > 2 * LP_DELAYCAP_PERIOD_NS)
        least->known = least->begun = false;
    if (least->begun && (!least->known || (may_turn && period_is_over(least, now_ns))))
        turn_period(least, sure_us, now_ns);
    if (least->known && is_less(sure_us, least->us[0]))
        least->us[0] = sure_us;
    least->last_us = delay_us;
    least->begun = true;
    least->heard_ns = now_ns;
}

/* Whether what we keep in flight may be why the least delay was not met in this period. */
static bool has_stood(const struct lp_delaycap *cap)
{
    const struct lp_delaycap_least *least = &cap->way.least;

    return cap->bytes != LP_DELAYCAP_NONE &&
           is_less(least_us(least) + WAY_MET_US, least->us[0]);
}

void lp_delaycap_one_way(struct lp_delaycap *cap, uint32_t delay_us, uint64_t now_ns)
{
    struct lp_delaycap_way *way = &cap->way;

    learn(&way->least, delay_us, !has_stood(cap), now_ns);
    if (!way->fresh || is_less(delay_us, way->sample_us))
        way->sample_us = delay_us;
    way->fresh = way->least.known;
}

/* A sample that came while a round runs tells of what was sent in it. */
static void take_sample(struct lp_delaycap_way *way, bool in_round)
{
    if (way->fresh && in_round && (!way->measured || is_less(way->sample_us, way->round_us)))
        way->round_us = way->sample_us;
    way->measured = way->measured || (way->fresh && in_round);
    way->fresh = false;
}

/* Whether the round can still do better than to believe the round trip. */
static bool awaits_sample(const struct lp_delaycap *cap, uint64_t now_ns)
{
    const struct lp_delaycap_way *way = &cap->way;

    return way->least.known && !way->measured &&
           lp_time_since(way->least.heard_ns, now_ns) < WAY_PATIENCE_NS + 2 * cap->rtt_ns;
}

static uint64_t queue_of_round(const struct lp_delaycap *cap)
{
    const struct lp_delaycap_way *way = &cap->way;
    uint64_t both_ns = cap->rtt_ns - cap->least_ns;
    uint32_t least = least_us(&way->least);

    if (!way->measured)
        return both_ns;
    if (is_less(way->round_us, least))
        return 0;
    return lp_time_min((way->round_us - least) * LP_NS_PER_US, both_ns);
}

/*
 * At the end of a period in which the least delay was not met: a round with less in flight than the
 * path itself holds. True while that, and not the queue, sets the bound.
 */
static bool drain(struct lp_delaycap *cap, uint64_t queue_ns, uint64_t now_ns)
{
    struct lp_delaycap_way *way = &cap->way;

    if (way->drained_from != 0) {
        cap->bytes = way->drained_from;
        way->drained_from = 0;
        turn_period(&way->least, way->least.last_us, now_ns);
        return true;
    }
    if (!way->measured || !period_is_over(&way->least, now_ns) || !has_stood(cap))
        return false;
    way->drained_from = cap->bytes;
    cap->bytes = bytes_for(cap, queue_ns, 0) * 3 / 4;
    if (cap->bytes < LP_DELAYCAP_MIN)
        cap->bytes = LP_DELAYCAP_MIN;
    return true;
}

/* ---- rounds ---- */

static void end_round(struct lp_delaycap *cap, uint64_t sent, uint64_t now_ns)
{
    uint64_t queue_ns = queue_of_round(cap);

    cap->way.back_ns = cap->way.measured
                           ? lp_time_min(cap->rtt_ns - cap->least_ns - queue_ns, aim_ns(cap))
                           : 0;
    if (now_ns >= cap->yields_until_ns && !drain(cap, queue_ns, now_ns)) {
        if (queue_ns > aim_ns(cap))
            shrink_if_ours(cap, queue_ns, now_ns);
        else
            grow(cap, queue_ns);
    }
    cap->round_begin = sent;
    cap->round_end_ns = 0;
    cap->rtt_ns = UINT64_MAX;
    cap->way.measured = false;
    cap->way.back = cap->way.drained_from == 0 ? delivered_in(cap, cap->way.back_ns) : 0;
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
    take_sample(&cap->way, delivered >= cap->round_begin);
    if (delivered < cap->round_begin)
        return;
    if (cap->round_end_ns == 0)
        cap->round_end_ns =
            lp_time_add(now_ns, rtt_ns / 2 > ROUND_MIN_NS ? rtt_ns / 2 : ROUND_MIN_NS);
    if (rtt_ns < cap->rtt_ns)
        cap->rtt_ns = rtt_ns;
    if (in_flight > cap->flight)
        cap->flight = in_flight;
    if (now_ns >= cap->round_end_ns && !awaits_sample(cap, now_ns))
        end_round(cap, sent, now_ns);
}

bool lp_delaycap_allows(struct lp_delaycap *cap, uint64_t in_flight)
{
    if (cap->bytes == LP_DELAYCAP_NONE || in_flight < cap->bytes + cap->way.back)
        return true;
    cap->used = true;
    return false;
}
