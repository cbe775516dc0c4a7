/*
 * A bound on what is in flight that keeps the bottleneck's buffer nearly empty: frames then wait
 * in our own queue, where an AQM sees them, and a game's packets do not wait behind a download.
 * It stands beside ngtcp2's congestion control (BBR, which leaves some 25 ms of queue in a path
 * whose round trip is short); the smaller of the two counts.
 *
 * Once in about two round trips the queue is looked at. Above the aim (LP_DELAYCAP_QUEUE_NS) the bound shrinks
 * in proportion, as in FAST TCP; below it grows: by an eighth while there is hardly any queue, by
 * little near the aim. When the peer's clock tells the queue, the aim is five eighths of that and an eighth
 * of the round trip, and growth begins with a thirty-second and becomes a quarter while no queue comes of it.
 * With next to nothing in flight no queue is ours: then it does not shrink.
 *
 * The queue is what our own way there takes beyond the least that it took of late, as the peer's
 * clock tells (lp_delaycap_one_way; LEDBAT, RFC 6817). What was delivered, and waits only to be
 * acknowledged behind a queue on the way back, is let be in flight besides: not for more than the aim,
 * or two ends that mistake a standing queue for their path would raise each other.
 *
 * Without such samples it is what the round
 * trip takes beyond the least one, and no less is believed of the peer: then both ends of a
 * connection feel the sum of both ways' queues. So that the one whose queue is there first does not
 * push the other out of the way, each may always have half of the aim in flight beyond what the
 * path itself holds, by the highest rate at which it was delivered to lately.
 *
 * Clocks drift, so the least delay is forgotten after one or two LP_DELAYCAP_PERIOD_NS. When it was
 * not met again in such a period, because the queue never ran empty, it is made to, for a round.
 *
 * A queue that stays although we send less is not ours: a download beside the tunnel, or a path
 * that has become longer. Then the least round trip is learned anew; who was held back meanwhile
 * sends without a bound for LP_DELAYCAP_YIELD_NS, or he would starve.
 *
 * A peer that lies about delays makes us send to it more or less than is good for it, never more
 * than congestion control allows.
 *
 * Sources: Wei, Jin, Low, Hegde: FAST TCP, IEEE/ACM ToN 14(6), 2006; RFC 6817. Pure; time is a
 * parameter.
 */
#ifndef LP_TRANSPORT_DELAYCAP_H
#define LP_TRANSPORT_DELAYCAP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"

#define LP_DELAYCAP_QUEUE_NS (4 * LP_NS_PER_MS)
#define LP_DELAYCAP_YIELD_NS (10 * LP_NS_PER_S)
#define LP_DELAYCAP_MIN      6000 /* octets: four packets, as BBR's least window */
#define LP_DELAYCAP_NONE     UINT64_MAX
/* 100 ppm between two clocks are 0.8 ms in it. */
#define LP_DELAYCAP_PERIOD_NS (8 * LP_NS_PER_S)

/*
 * The least delay of one way, in microseconds of two clocks that have nothing to do with each other:
 * they wrap, and only their differences mean something. The greater of two neighbours counts: what comes
 * while a turn of the peer's loop runs long seems to have come when that began.
 */
struct lp_delaycap_least {
    bool begun; /* there is a last_us */
    uint32_t last_us;
    bool known;
    uint32_t us[2];    /* of this period and of the last one */
    uint64_t since_ns; /* when this one began */
    uint64_t heard_ns; /* the latest sample */
};

struct lp_delaycap_way {
    struct lp_delaycap_least least;
    bool fresh; /* there are samples since the last update: the least of them is */
    uint32_t sample_us;
    bool measured; /* there were some in this round: the least is */
    uint32_t round_us;
    uint64_t back_ns; /* the queue on the way back, in the latest round */
    uint64_t back;    /* octets that were delivered, and whose acknowledgements wait there */
    uint64_t drained_from; /* the bound before a round that empties the queue, 0: none runs */
};

struct lp_delaycap {
    uint64_t bytes;    /* without way.back; LP_DELAYCAP_NONE: no bound. */
    uint64_t least_ns; /* the path's own round trip, UINT64_MAX: not known */
    /* A round begins when what was sent under the old bound has come back. */
    uint64_t round_begin;  /* octets delivered */
    uint64_t round_end_ns; /* 0: it has not begun */
    uint64_t rtt_ns;       /* the least of this round, UINT64_MAX: none yet */
    uint64_t flight;       /* the most in flight in this round */
    bool used;             /* the bound held something back in this round */
    /* How fast octets leave the path at its other end. */
    uint64_t delivered;      /* up to rate_since_ns */
    uint64_t rate_since_ns;  /* 0: not known */
    uint64_t rate[2];        /* octets a second, the highest of this and of the last period */
    uint64_t rate_period_ns; /* when this one began */
    /* Since the queue was first too long: is shrinking of any use? */
    unsigned long_rounds; /* 0: it is not too long */
    uint64_t first_queue_ns;
    uint64_t first_flight;
    unsigned idle_long_rounds; /* the same, with next to nothing of ours in flight */
    unsigned empty_rounds; /* one after the other that used the bound and made hardly a queue */
    uint64_t yields_until_ns;
    struct lp_delaycap_way way;
};

void lp_delaycap_init(struct lp_delaycap *cap);

/*
 * After acknowledgements: the latest round trip, what is in flight now, and what was sent so far,
 * all in octets.
 */
void lp_delaycap_update(struct lp_delaycap *cap, uint64_t rtt_ns, uint64_t in_flight,
                        uint64_t sent, uint64_t now_ns);

/*
 * How long something that we sent was under way by the peer's clock and ours, in microseconds modulo
 * 2^32. It counts with the next update.
 */
void lp_delaycap_one_way(struct lp_delaycap *cap, uint32_t delay_us, uint64_t now_ns);

/* Whether more may be sent while so much is in flight. */
bool lp_delaycap_allows(struct lp_delaycap *cap, uint64_t in_flight);

#endif
