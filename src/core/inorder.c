#include "core/inorder.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* So little that it does no harm, so much that a late datagram can still be found to be one. */
#define LATENESS_MIN_NS LP_NS_PER_MS
/* So far a place is searched for one that is held. Who makes it longer gets no order. */
#define SEARCH_MAX 64
#define WORD_BITS  64
#define WAYS       4 /* flows whose tags lead to the same place */
#define SETS       (LP_INORDER_FLOWS / WAYS)

static_assert(LP_INORDER_WINDOW % WORD_BITS == 0 &&
                  (LP_INORDER_WINDOW & (LP_INORDER_WINDOW - 1)) == 0,
              "numbers are found in the window by their lower bits");

struct flow {
    struct flow *gap_next; /* in the list of flows that hold something */
    struct flow *gap_prev;
    struct lp_packet *held; /* in the order of their numbers */
    struct lp_packet *held_tail;
    struct lp_packet *held_last; /* that came, while it is held */
    uint64_t heard_ns;
    uint16_t tag;
    bool begun;
    bool jumped;      /* the last number was out of the window */
    uint16_t jump_to; /* and this would follow it */
    uint16_t top;     /* behind the highest number seen */
    uint16_t next;    /* what goes next; top when nothing is held */
    uint64_t seen[LP_INORDER_WINDOW / WORD_BITS];
};

struct lp_inorder {
    struct lp_packet_pool *pool;
    struct flow *gaps;
    struct lp_packet *ready;
    struct lp_packet *ready_tail;
    uint64_t lateness_ns; /* of what is sent again, as far as it is known */
    struct lp_inorder_stats stats;
    struct flow flow[SETS][WAYS];
};

struct lp_inorder *lp_inorder_new(struct lp_packet_pool *pool)
{
    struct lp_inorder *inorder = calloc(1, sizeof(*inorder));

    if (inorder == NULL)
        return NULL;
    inorder->pool = pool;
    inorder->lateness_ns = LP_INORDER_WAIT_MAX_NS;
    return inorder;
}

static void give_all(struct lp_packet_pool *pool, struct lp_packet *packet)
{
    while (packet != NULL) {
        struct lp_packet *next = packet->next;

        lp_packet_give(pool, packet);
        packet = next;
    }
}

void lp_inorder_free(struct lp_inorder *inorder)
{
    if (inorder == NULL)
        return;
    for (struct flow *flow = inorder->gaps; flow != NULL; flow = flow->gap_next)
        give_all(inorder->pool, flow->held);
    give_all(inorder->pool, inorder->ready);
    free(inorder);
}

/* ---- how long to wait ---- */

static uint64_t wait_of(const struct lp_inorder *inorder)
{
    return lp_time_min(inorder->lateness_ns + inorder->lateness_ns / 4 + LATENESS_MIN_NS,
                       LP_INORDER_WAIT_MAX_NS);
}

static void set_lateness(struct lp_inorder *inorder, uint64_t lateness_ns)
{
    if (lateness_ns < LATENESS_MIN_NS)
        lateness_ns = LATENESS_MIN_NS;
    inorder->lateness_ns = lp_time_min(lateness_ns, LP_INORDER_WAIT_MAX_NS);
}

/* The longest of late counts, and fades slowly. */
static void learn_filled(struct lp_inorder *inorder, uint64_t lateness_ns)
{
    uint64_t faded = inorder->lateness_ns - inorder->lateness_ns / 32;

    inorder->stats.filled++;
    set_lateness(inorder, lateness_ns > faded ? lateness_ns : faded);
}

static void learn_given_up(struct lp_inorder *inorder)
{
    inorder->stats.given_up++;
    set_lateness(inorder, inorder->lateness_ns - inorder->lateness_ns / 8);
}

/* It would have been worth more patience; how much nobody has noted. */
static void learn_late(struct lp_inorder *inorder)
{
    inorder->stats.late++;
    set_lateness(inorder, 3 * inorder->lateness_ns);
}

/* ---- what was seen ---- */

static uint64_t *word_of(struct flow *flow, uint16_t number)
{
    return &flow->seen[number % LP_INORDER_WINDOW / WORD_BITS];
}

static bool is_seen(struct flow *flow, uint16_t number)
{
    return (*word_of(flow, number) >> (number % WORD_BITS) & 1) != 0;
}

static void set_seen(struct flow *flow, uint16_t number, bool seen)
{
    uint64_t bit = UINT64_C(1) << (number % WORD_BITS);

    if (seen)
        *word_of(flow, number) |= bit;
    else
        *word_of(flow, number) &= ~bit;
}

/* `number` is at or above top, and within a window of it. */
static void raise_top(struct flow *flow, uint16_t number)
{
    for (; flow->top != number; flow->top++)
        set_seen(flow, flow->top, false);
    set_seen(flow, number, true);
    flow->top++;
}

/* ---- what is held ---- */

static uint16_t number_of(const struct lp_packet *packet)
{
    return packet->overlay.sequence.number;
}

static void leave_gaps(struct lp_inorder *inorder, struct flow *flow)
{
    if (flow->gap_prev != NULL)
        flow->gap_prev->gap_next = flow->gap_next;
    else
        inorder->gaps = flow->gap_next;
    if (flow->gap_next != NULL)
        flow->gap_next->gap_prev = flow->gap_prev;
    flow->gap_next = flow->gap_prev = NULL;
}

static void enter_gaps(struct lp_inorder *inorder, struct flow *flow)
{
    flow->gap_next = inorder->gaps;
    if (inorder->gaps != NULL)
        inorder->gaps->gap_prev = flow;
    inorder->gaps = flow;
}

static void release_first(struct lp_inorder *inorder, struct flow *flow)
{
    struct lp_packet *packet = flow->held;

    flow->held = packet->next;
    if (flow->held_last == packet)
        flow->held_last = NULL;
    packet->next = NULL;
    if (inorder->ready_tail != NULL)
        inorder->ready_tail->next = packet;
    else
        inorder->ready = packet;
    inorder->ready_tail = packet;
    inorder->stats.held--;
    if (flow->held == NULL) {
        flow->held_tail = NULL;
        leave_gaps(inorder, flow);
    }
}

/* Everything up to the next number that is missing. */
static void release_followers(struct lp_inorder *inorder, struct flow *flow)
{
    while (flow->next != flow->top && is_seen(flow, flow->next)) {
        if (flow->held != NULL && number_of(flow->held) == flow->next)
            release_first(inorder, flow);
        flow->next++;
    }
    if (flow->held == NULL)
        flow->next = flow->top; /* nothing waits: gaps may fill late */
}

static void give_up_gap(struct lp_inorder *inorder, struct flow *flow)
{
#ifdef LP_FAULT_HELD_FORGOTTEN
    /* planted fault: what waited for a gap in vain is gone too */
    struct lp_packet *packet = flow->held;

    release_first(inorder, flow);
    give_all(inorder->pool, inorder->ready);
    inorder->ready = inorder->ready_tail = NULL;
    flow->next = (uint16_t)(number_of(packet) + 1);
    return;
#endif
    learn_given_up(inorder);
    flow->next = number_of(flow->held);
    release_followers(inorder, flow);
}

static void release_all(struct lp_inorder *inorder, struct flow *flow)
{
    while (flow->held != NULL)
        give_up_gap(inorder, flow);
}

/*
 * Where one with this number belongs: mostly behind the last, else behind the one that came before it
 * (what was lost together comes again together), else near the first. NULL when it is not found soon.
 */
static struct lp_packet **find_held(struct flow *flow, uint16_t number)
{
    struct lp_packet **at = &flow->held;

    if (flow->held == NULL)
        return at;
    if ((int16_t)(number - number_of(flow->held_tail)) > 0)
        return &flow->held_tail->next;
    if (flow->held_last != NULL && (int16_t)(number - number_of(flow->held_last)) > 0)
        at = &flow->held_last->next;
    for (unsigned i = 0; i < SEARCH_MAX; i++, at = &(*at)->next) {
        if ((int16_t)(number - number_of(*at)) < 0)
            return at; /* at the latest before the last */
    }
    return NULL;
}

static bool hold(struct lp_inorder *inorder, struct flow *flow,
                 const struct lp_overlay *overlay, uint64_t now_ns)
{
    struct lp_packet **at = find_held(flow, overlay->sequence.number);
    struct lp_packet *packet = NULL;

    if (at != NULL && inorder->stats.held < LP_INORDER_HELD_MAX)
        packet = lp_packet_take(inorder->pool);
    if (packet == NULL)
        return false;
    packet->queued_ns = now_ns;
    packet->overlay = *overlay;
    packet->overlay.payload = packet->bytes;
    memcpy(packet->bytes, overlay->payload, overlay->payload_len);
    if (flow->held == NULL)
        enter_gaps(inorder, flow);
    packet->next = *at;
    *at = packet;
    if (packet->next == NULL)
        flow->held_tail = packet;
    else if (packet->next->queued_ns < packet->queued_ns)
        packet->queued_ns = packet->next->queued_ns; /* nobody waits longer for its sake */
    flow->held_last = packet;
    inorder->stats.held++;
    return true;
}

/* ---- arrivals ---- */

static void begin(struct flow *flow, uint16_t tag, uint16_t number)
{
    *flow = (struct flow){.begun = true, .tag = tag, .top = number, .next = number};
}

/* The flow's place, or one that is free or was silent longest; NULL when something is held in all. */
static struct flow *find_flow(struct lp_inorder *inorder, uint16_t tag)
{
    struct flow *set = inorder->flow[tag % SETS];
    struct flow *oldest = NULL;

    for (unsigned i = 0; i < WAYS; i++) {
        if (set[i].begun && set[i].tag == tag)
            return &set[i];
        if (set[i].held == NULL && (oldest == NULL || set[i].heard_ns < oldest->heard_ns))
            oldest = &set[i];
    }
    if (oldest != NULL)
        oldest->begun = false;
    return oldest;
}

/* Beyond all that is missing so far. */
static enum lp_inorder_result push_new(struct lp_inorder *inorder, struct flow *flow,
                                       const struct lp_overlay *overlay, bool may_wait,
                                       uint64_t now_ns)
{
    bool in_order = flow->held == NULL && overlay->sequence.number == flow->top;

    raise_top(flow, overlay->sequence.number);
    if (flow->held == NULL && (in_order || !may_wait)) {
        flow->next = flow->top;
        return LP_INORDER_PASS;
    }
    if (!may_wait)
        return LP_INORDER_PASS;
    if (hold(inorder, flow, overlay, now_ns))
        return LP_INORDER_HELD;
    release_all(inorder, flow);
    flow->next = flow->top;
    return LP_INORDER_PASS_LAST;
}

/* One that was missing. */
static enum lp_inorder_result push_missing(struct lp_inorder *inorder, struct flow *flow,
                                           const struct lp_overlay *overlay, bool may_wait,
                                           uint64_t now_ns)
{
    uint16_t number = overlay->sequence.number;
    int16_t ahead = (int16_t)(number - flow->next);
    bool first;

    set_seen(flow, number, true);
    if (flow->held == NULL || ahead < 0) {
        if (may_wait) /* nobody had waited for one that others do not wait for either */
            learn_late(inorder);
        return LP_INORDER_PASS;
    }
    if (ahead == 0) {
        learn_filled(inorder, lp_time_since(flow->held->queued_ns, now_ns));
        release_followers(inorder, flow);
        return LP_INORDER_PASS;
    }
    if (!may_wait)
        return LP_INORDER_PASS;
    if (hold(inorder, flow, overlay, now_ns))
        return LP_INORDER_HELD;
    first = (int16_t)(number - number_of(flow->held)) < 0;
    release_all(inorder, flow);
    return first ? LP_INORDER_PASS : LP_INORDER_PASS_LAST;
}

/* Out of the window: a stray, or an origin that counts anew. */
static enum lp_inorder_result push_far(struct lp_inorder *inorder, struct flow *flow,
                                       uint16_t number, uint64_t now_ns)
{
    bool anew = flow->jumped && number == flow->jump_to;

    flow->jumped = true;
    flow->jump_to = (uint16_t)(number + 1);
    if (!anew)
        return LP_INORDER_PASS;
    release_all(inorder, flow);
    begin(flow, flow->tag, number);
    flow->heard_ns = now_ns;
    raise_top(flow, number);
    flow->next = flow->top;
    return LP_INORDER_PASS_LAST;
}

enum lp_inorder_result lp_inorder_push(struct lp_inorder *inorder,
                                       const struct lp_overlay *overlay, bool hold_it,
                                       uint64_t now_ns)
{
    uint16_t number = overlay->sequence.number;
    struct flow *flow;
    int16_t ahead;

    assert((overlay->flags & LP_OVERLAY_FLAG_SEQUENCE) != 0);
    assert(overlay->payload_len <= LP_ETH_FRAME_MAX);
    flow = find_flow(inorder, overlay->sequence.flow);
    if (flow == NULL)
        return LP_INORDER_PASS;
    if (!flow->begun ||
        (flow->held == NULL && lp_time_since(flow->heard_ns, now_ns) > LP_INORDER_SILENT_NS))
        begin(flow, overlay->sequence.flow, number);
    flow->heard_ns = now_ns;
    ahead = (int16_t)(number - flow->top);
    if (ahead >= LP_INORDER_WINDOW || ahead < -LP_INORDER_WINDOW ||
        (ahead >= 0 && (uint16_t)(number - flow->next) >= LP_INORDER_WINDOW))
        return push_far(inorder, flow, number, now_ns);
    flow->jumped = false;
    if (ahead >= 0)
        return push_new(inorder, flow, overlay, hold_it, now_ns);
#ifdef LP_FAULT_COPY_PASSES
    /* planted fault: what comes twice goes on twice */
    if (is_seen(flow, number))
        return LP_INORDER_PASS;
#endif
    if (is_seen(flow, number)) {
        inorder->stats.duplicates++;
        return LP_INORDER_DUPLICATE;
    }
    return push_missing(inorder, flow, overlay, hold_it, now_ns);
}

struct lp_packet *lp_inorder_pop(struct lp_inorder *inorder)
{
    struct lp_packet *packet = inorder->ready;

    if (packet == NULL)
        return NULL;
    inorder->ready = packet->next;
    if (inorder->ready == NULL)
        inorder->ready_tail = NULL;
    packet->next = NULL;
    return packet;
}

uint64_t lp_inorder_next_deadline(const struct lp_inorder *inorder)
{
    uint64_t first_ns = LP_TIME_NEVER;

    for (const struct flow *flow = inorder->gaps; flow != NULL; flow = flow->gap_next)
        first_ns = lp_time_min(first_ns, flow->held->queued_ns);
    return lp_time_add(first_ns, wait_of(inorder));
}

void lp_inorder_on_deadline(struct lp_inorder *inorder, uint64_t now_ns)
{
    uint64_t wait_ns = wait_of(inorder); /* one for all that are due now */
    struct flow *next;

    for (struct flow *flow = inorder->gaps; flow != NULL; flow = next) {
        next = flow->gap_next;
        while (flow->held != NULL && lp_time_add(flow->held->queued_ns, wait_ns) <= now_ns)
            give_up_gap(inorder, flow);
    }
}

void lp_inorder_stats(const struct lp_inorder *inorder, struct lp_inorder_stats *ret_stats)
{
    *ret_stats = inorder->stats;
    ret_stats->wait_ns = wait_of(inorder);
}
