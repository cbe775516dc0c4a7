/*
 * Counters of one tunnel end. rx is what came out of the tunnel, tx what is to go into it: for
 * a relay's peer rx is what that peer sent, tx what is queued for it; for a client or gateway
 * rx goes to the adapter and tx comes from it. They add up at every moment:
 *
 *   rx_datagrams = rx_frames + rx_pieces + sum(rx drops) + pieces that wait + datagrams held
 *   tx_frames    = tx_sent + sum(tx drops) + frames that are queued
 *
 * where rx_pieces counts datagrams that were joined to (or, at a relay, followed) a first
 * piece. Plain values, no ownership.
 */
#ifndef LP_DIAG_COUNTERS_H
#define LP_DIAG_COUNTERS_H

#include <stddef.h>
#include <stdint.h>

#include "diag/drop.h"

/* X(NAME, text, meaning) */
#define LP_COUNTER_TABLE(X)                                                                    \
    X(RX_DATAGRAMS, "rx_datagrams", "overlay datagrams received")                              \
    X(RX_BYTES, "rx_bytes", "octets of received datagrams")                                    \
    X(RX_FRAMES, "rx_frames", "frames accepted from the tunnel")                               \
    X(RX_PIECES, "rx_pieces", "second pieces that completed or followed a frame")              \
    X(RX_BROADCAST, "rx_broadcast", "accepted frames to a group address")                      \
    X(RX_MALFORMED, "rx_malformed", "datagrams that no correct peer sends")                    \
    X(TX_FRAMES, "tx_frames", "frames offered to the tunnel")                                  \
    X(TX_SENT, "tx_sent", "frames handed to QUIC whole or in two pieces")                      \
    X(TX_DATAGRAMS, "tx_datagrams", "overlay datagrams handed to QUIC")                        \
    X(TX_BYTES, "tx_bytes", "octets of sent datagrams")                                        \
    X(TX_BROADCAST, "tx_broadcast", "offered frames to a group address")                       \
    X(TX_CUT, "tx_cut", "frames that were cut in two pieces")                                  \
    X(TX_REPAIRED, "tx_repaired", "datagrams sent again after QUIC reported them lost")        \
    X(TX_DUPLICATED, "tx_duplicated", "small datagrams sent twice on a lossy path")            \
    X(TX_REPAIR_BYTES, "tx_repair_bytes", "octets of both, the price of repair")               \
    X(RX_SUPERFRAMES, "rx_superframes", "merged frames that the adapter was given at once")    \
    X(TX_ECN_MARKED, "tx_ecn_marked", "frames marked (ECN) in the queue for their delay")      \
    X(TX_SUPERFRAMES, "tx_superframes", "coalesced frames that the kernel handed over")

enum lp_counter {
#define X(name, text, meaning) LP_COUNTER_##name,
    LP_COUNTER_TABLE(X)
#undef X
        LP_COUNTER_COUNT
};

struct lp_counters {
    uint64_t value[LP_COUNTER_COUNT];
    uint64_t rx_drop[LP_DROP_NUMBER_MAX + 1]; /* by enum lp_drop */
    uint64_t tx_drop[LP_DROP_NUMBER_MAX + 1];
};

static inline void lp_count(struct lp_counters *c, enum lp_counter which, uint64_t add)
{
    c->value[which] += add;
}

static inline void lp_count_rx_drop(struct lp_counters *c, enum lp_drop reason, uint64_t add)
{
    c->rx_drop[reason] += add;
}

static inline void lp_count_tx_drop(struct lp_counters *c, enum lp_drop reason, uint64_t add)
{
    c->tx_drop[reason] += add;
}

uint64_t lp_counters_rx_dropped(const struct lp_counters *c);
uint64_t lp_counters_tx_dropped(const struct lp_counters *c);

const char *lp_counter_name(enum lp_counter which);
const char *lp_counter_meaning(enum lp_counter which);

/*
 * Calls `each` for every counter, then for every drop reason that is not zero, with names such
 * as "rx_frames", "tx_dropped_queue_full". The name is valid during the call.
 */
void lp_counters_each(const struct lp_counters *c,
                      void (*each)(void *user, const char *name, uint64_t value), void *user);

#endif
