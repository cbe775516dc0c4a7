/*
 * A bound on what is in flight that keeps the bottleneck's buffer nearly empty: frames then wait
 * in our own queue, where an AQM sees them, and a game's packets do not wait behind a download.
 * It stands beside ngtcp2's congestion control (BBR, which leaves some 25 ms of queue in a path
 * whose round trip is short); the smaller of the two counts.
 *
 * Once in about two round trips the round trip is compared with the path's own, the least that was seen.
 * What is longer is queue. Above LP_DELAYCAP_QUEUE_NS the bound shrinks in proportion, as in FAST
 * TCP; below it grows: by an eighth while there is hardly any queue, by little near the aim.
 *
 * Both ends of a connection feel the sum of both ways' queues. So that the one whose queue is there
 * first does not push the other out of the way, each may always have half of the aim in flight
 * beyond what the path itself holds, by the highest rate at which it was delivered to lately.
 *
 * A queue that stays although we send less is not ours: a download beside the tunnel, or a path
 * that has become longer. Then the least round trip is learned anew; who was held back meanwhile
 * sends without a bound for LP_DELAYCAP_YIELD_NS, or he would starve.
 *
 * Source: Wei, Jin, Low, Hegde: FAST TCP, IEEE/ACM ToN 14(6), 2006. Pure; time is a parameter.
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

struct lp_delaycap {
    uint64_t bytes;    /* LP_DELAYCAP_NONE: no bound */
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
    uint64_t first_bytes;
    uint64_t yields_until_ns;
};

void lp_delaycap_init(struct lp_delaycap *cap);

/*
 * After acknowledgements: the latest round trip, what is in flight now, and what was sent so far,
 * all in octets.
 */
void lp_delaycap_update(struct lp_delaycap *cap, uint64_t rtt_ns, uint64_t in_flight,
                        uint64_t sent, uint64_t now_ns);

/* Whether more may be sent while so much is in flight. */
bool lp_delaycap_allows(struct lp_delaycap *cap, uint64_t in_flight);

#endif
