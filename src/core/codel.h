/*
 * CoDel (RFC 8289) for one flow: when its standing delay is to be answered by a drop or a mark.
 * The caller asks about the packet at the head and, when that is to go, about the next one.
 * Plain values; time is a parameter, and what a packet waited is the caller's to measure.
 */
#ifndef LP_CORE_CODEL_H
#define LP_CORE_CODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"

#define LP_CODEL_TARGET_NS   (5 * LP_NS_PER_MS)
#define LP_CODEL_INTERVAL_NS (100 * LP_NS_PER_MS)

struct lp_codel {
    uint64_t
        first_above_ns; /* when the delay will have stood for an interval; 0 = it does not */
    uint64_t drop_next_ns;
    uint16_t count;      /* drops since the dropping state began; stays at its limit */
    uint16_t last_count; /* count when it last began */
    bool dropping;
};

/*
 * Whether to drop (or mark) the packet at the head: it has waited `waited_ns`, and `behind`
 * octets wait behind it. With no more than a full frame behind it nothing is dropped. A packet
 * that is marked instead goes out: the next one is asked about in its turn.
 */
bool lp_codel_drops(struct lp_codel *codel, uint64_t waited_ns, size_t behind, uint64_t now_ns);

/* The flow has run empty. */
void lp_codel_empty(struct lp_codel *codel);

/* `from_ns` and an interval divided by the square root of `count` (above 0). */
uint64_t lp_codel_control_law(uint64_t from_ns, uint32_t count);

#endif
