#include "core/codel.h"

#include "proto/ethernet.h"

/* RFC 8289 5.5: a dropping state that begins this soon after the last one goes on from its
 * rate. */
#define SOON_NS (16 * LP_CODEL_INTERVAL_NS)

/* Rounded down. Bit by bit: this runs once for a drop, not for a frame. */
static uint64_t square_root(uint64_t x)
{
    uint64_t root = 0;

    for (uint64_t bit = UINT64_C(1) << 31; bit > 0; bit >>= 1) {
        if ((root + bit) * (root + bit) <= x)
            root += bit;
    }
    return root;
}

uint64_t lp_codel_control_law(uint64_t from_ns, uint32_t count)
{
    return from_ns + square_root(LP_CODEL_INTERVAL_NS * LP_CODEL_INTERVAL_NS / count);
}

/* RFC 8289 5.6: the delay has been above the target for an interval. */
static bool stands(struct lp_codel *codel, uint64_t waited_ns, size_t behind, uint64_t now_ns)
{
    if (waited_ns < LP_CODEL_TARGET_NS || behind <= LP_ETH_FRAME_MAX) {
        codel->first_above_ns = 0;
        return false;
    }
    if (codel->first_above_ns == 0) {
        codel->first_above_ns = now_ns + LP_CODEL_INTERVAL_NS;
        return false;
    }
    return now_ns >= codel->first_above_ns;
}

static void begin_dropping(struct lp_codel *codel, uint64_t now_ns)
{
    bool soon = now_ns < codel->drop_next_ns || now_ns - codel->drop_next_ns < SOON_NS;
    uint16_t drops = (uint16_t)(codel->count - codel->last_count);

    codel->dropping = true;
    codel->count = soon && drops > 1 ? drops : 1;
    codel->last_count = codel->count;
    codel->drop_next_ns = lp_codel_control_law(now_ns, codel->count);
}

bool lp_codel_drops(struct lp_codel *codel, uint64_t waited_ns, size_t behind, uint64_t now_ns)
{
    if (!stands(codel, waited_ns, behind, now_ns)) {
        codel->dropping = false;
        return false;
    }
    if (!codel->dropping) {
        begin_dropping(codel, now_ns);
        return true;
    }
    if (now_ns < codel->drop_next_ns)
        return false;
    if (codel->count < UINT16_MAX)
        codel->count++;
    codel->drop_next_ns = lp_codel_control_law(codel->drop_next_ns, codel->count);
    return true;
}

void lp_codel_empty(struct lp_codel *codel)
{
    codel->first_above_ns = 0;
    codel->dropping = false;
}
