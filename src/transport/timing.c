/*
 * Asking the peer how long our way there is, for delaycap.c, and answering the same. A question needs
 * something that is being sent anyway: an idle connection asks nothing.
 */
#include "transport/internal.h"

/*
 * Once in so many octets: a question takes 23, or some 80 when it gets a packet of its own, so that is
 * half a percent at most. More often while there is a queue to be made, so that a slow link is known
 * as well; and once in a while for a game alone, so that the least delay is known before a download.
 */
#define ASK_OCTETS  16000
#define ASK_NS_MIN  LP_NS_PER_MS
#define ASK_NS_BULK (20 * LP_NS_PER_MS)
#define ASK_NS_GAME LP_NS_PER_S
/* So many within a second are more than keep-alives. */
#define ASK_OCTETS_MIN 1000
#define ASK_WINDOW_NS  LP_NS_PER_S

/* One answer for each question, but not for more of them than somebody of this release asks. */
#define ANSWER_NS_MIN (LP_NS_PER_MS / 2)

static uint32_t clock_us(uint64_t now_ns)
{
    return (uint32_t)(now_ns / LP_NS_PER_US);
}

/* What a keep-alive now and then adds up to is no traffic. */
static bool has_traffic(struct lp_quic_conn *conn, uint64_t now_ns)
{
    struct lp_quic_clock *clock = &conn->clock;

    if (lp_time_since(clock->window_ns, now_ns) > ASK_WINDOW_NS) {
        clock->window_ns = now_ns;
        clock->window_octets = conn->sent;
    }
    return conn->sent - clock->window_octets >= ASK_OCTETS_MIN;
}

static bool asks(struct lp_quic_conn *conn, uint64_t now_ns)
{
    uint64_t octets = conn->sent - conn->clock.asked_octets;
    uint64_t since_ns = lp_time_since(conn->clock.asked_ns, now_ns);
    bool traffic = has_traffic(conn, now_ns);

    if (since_ns < ASK_NS_MIN || !traffic)
        return false;
    return octets >= ASK_OCTETS || since_ns >= ASK_NS_GAME ||
           (since_ns >= ASK_NS_BULK && conn->flight > LP_DELAYCAP_MIN);
}

bool lp_quic_timing_due(struct lp_quic_conn *conn, struct lp_timing *ret_timing,
                        uint64_t now_ns)
{
    struct lp_timing timing = {.asks = asks(conn, now_ns), .answers = conn->clock.owes};

    if (!timing.asks && !timing.answers)
        return false;
    if (timing.asks)
        timing.stamp_us = clock_us(now_ns);
    if (timing.answers)
        timing.delay_us = conn->clock.delay_us;
    *ret_timing = timing;
    return true;
}

void lp_quic_timing_said(struct lp_quic_conn *conn, const struct lp_timing *timing,
                         uint64_t now_ns)
{
    if (timing->asks) {
        conn->clock.asked_ns = now_ns;
        conn->clock.asked_octets = conn->sent;
    }
    conn->clock.owes = false;
}

void lp_quic_timing(struct lp_quic_conn *conn, const struct lp_timing *timing, uint64_t now_ns)
{
    struct lp_quic_clock *clock = &conn->clock;

    if (timing->answers)
        lp_delaycap_one_way(&conn->delaycap, timing->delay_us, now_ns);
    if (!timing->asks || lp_time_since(clock->answered_ns, now_ns) < ANSWER_NS_MIN)
        return;
    clock->answered_ns = now_ns;
    clock->owes = true;
    clock->delay_us = clock_us(now_ns) - timing->stamp_us;
    lp_quic_mark_dirty(conn);
}
