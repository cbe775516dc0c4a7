#include "core/egress.h"

#include <assert.h>
#include <string.h>

#include "proto/ecn.h"

void lp_egress_init(struct lp_egress *queue, struct lp_packet_pool *pool,
                    struct lp_counters *counters, size_t bytes_max, uint64_t age_max_ns)
{
    static_assert(LP_EGRESS_BYTES_MAX / LP_EGRESS_PACKET_COST <= INT16_MAX, "backlog");
    static_assert(LP_EGRESS_WAYS == 16, "a set is 16 bits");
    static_assert(sizeof(*queue) <= 16 * 1024, "that much for each peer");
    assert(bytes_max <= LP_EGRESS_BYTES_MAX);
    *queue = (struct lp_egress){
        .pool = pool,
        .counters = counters,
        .bytes_max = bytes_max,
        .age_max_ns = age_max_ns,
        .fresh = {.head = LP_EGRESS_NO_FLOW},
        .old = {.head = LP_EGRESS_NO_FLOW},
        .chosen = LP_EGRESS_NO_FLOW,
    };
}

/* ---- which flows have their turn ---- */

static void append(struct lp_egress *queue, struct lp_egress_list *list, unsigned f)
{
    queue->next[f] = LP_EGRESS_NO_FLOW;
    if (list->head == LP_EGRESS_NO_FLOW)
        list->head = (uint16_t)f;
    else
        queue->next[list->tail] = (uint16_t)f;
    list->tail = (uint16_t)f;
}

static void take_first(struct lp_egress *queue, struct lp_egress_list *list)
{
    list->head = queue->next[list->head];
}

/*
 * What a flow gets for one round. All flows of one origin share a quantum, as host isolation
 * does it elsewhere: to open more of them gains nothing.
 */
static int32_t share_of(const struct lp_egress *queue, unsigned f)
{
    unsigned origin = queue->origin[f];

    return origin == 0 ? LP_EGRESS_QUANTUM : LP_EGRESS_QUANTUM / queue->places[origin];
}

/* A flow that has frames, but none a moment ago. */
static void enlist(struct lp_egress *queue, unsigned f, uint16_t origin)
{
    uint16_t bit = (uint16_t)(1u << f % LP_EGRESS_WAYS);
    uint16_t *taken = &queue->taken[f / LP_EGRESS_WAYS];

    if ((*taken & bit) != 0)
        return;
    *taken |= bit;
    queue->origin[f] = origin;
    queue->places[origin]++;
    queue->flow[f].deficit = share_of(queue, f);
    append(queue, &queue->fresh, f);
}

/* Its place may become another flow's. */
static void delist(struct lp_egress *queue, unsigned f)
{
    queue->places[queue->origin[f]]--;
    queue->taken[f / LP_EGRESS_WAYS] &= (uint16_t) ~(1u << f % LP_EGRESS_WAYS);
}

/* ---- the place of a flow ---- */

/* The way of the set that this tag has, else `otherwise`. */
static unsigned find_tag(const uint32_t *set, uint32_t tag, unsigned otherwise)
{
    unsigned found = 0;

    for (unsigned way = 0; way < LP_EGRESS_WAYS; way++)
        found |= (set[way] == tag ? 1u : 0u) << way;
    return found != 0 ? (unsigned)__builtin_ctz(found) : otherwise;
}

/*
 * A flow stays in one set: the origin's, or the one that its hash says. There it has its place
 * from the last time, a free one, or, when all are taken, shares one.
 */
static unsigned find_place(struct lp_egress *queue, const struct lp_flow *flow)
{
    unsigned way = flow->hash % LP_EGRESS_WAYS;
    unsigned set = flow->origin > 0 ? (flow->origin - 1u) % LP_EGRESS_SETS
                                    : flow->hash / LP_EGRESS_WAYS % LP_EGRESS_SETS;
    uint32_t tag = flow->hash ^ flow->origin * UINT32_C(0x9e3779b1);
    unsigned at = set * LP_EGRESS_WAYS;
    unsigned free_ways = ~(unsigned)queue->taken[set] & 0xffff;
    unsigned known;

    if (queue->tag[at + way] == tag)
        return at + way;
    known = find_tag(&queue->tag[at], tag, LP_EGRESS_WAYS);
    if (known < LP_EGRESS_WAYS)
        return at + known;
    if (free_ways == 0)
        return at + way;
    if ((free_ways >> way & 1) == 0)
        way = (unsigned)__builtin_ctz(free_ways);
    queue->tag[at + way] = tag;
    queue->flow[at + way].codel = (struct lp_codel){0};
    return at + way;
}

/* ---- packets of a flow ---- */

static bool is_piece(const struct lp_packet *packet, bool second)
{
    return (packet->overlay.flags & LP_OVERLAY_FLAG_PIECE) != 0 &&
           packet->overlay.piece.second == second;
}

static void add_packet(struct lp_egress *queue, unsigned f, struct lp_packet *packet)
{
    struct lp_egress_flow *flow = &queue->flow[f];

    packet->next = NULL;
    if (flow->head != NULL)
        flow->tail->next = packet;
    else
        flow->head = packet;
    flow->tail = packet;
    flow->octets += (uint32_t)packet->overlay.payload_len;
    queue->backlog[f]++;
    queue->bytes += LP_EGRESS_PACKET_COST;
    queue->packets++;
}

/* Unlinks and counts the packet behind `before`, the first one for NULL. It stays the
 * caller's. */
static struct lp_packet *take_packet(struct lp_egress *queue, unsigned f,
                                     struct lp_packet *before, enum lp_drop reason)
{
    struct lp_egress_flow *flow = &queue->flow[f];
    struct lp_packet *packet = before != NULL ? before->next : flow->head;

    if (before != NULL)
        before->next = packet->next;
    else
        flow->head = packet->next;
    if (flow->tail == packet)
        flow->tail = before;
    flow->octets -= (uint32_t)packet->overlay.payload_len;
    queue->backlog[f]--;
    queue->bytes -= LP_EGRESS_PACKET_COST;
    queue->packets--;
    if (reason == LP_FORWARD)
        lp_count(queue->counters, LP_COUNTER_TX_SENT, 1);
    else
        lp_count_tx_drop(queue->counters, reason, 1);
    return packet;
}

static bool is_second_of(const struct lp_packet *second, const struct lp_packet *first)
{
    return is_piece(second, true) && second->overlay.peer_id == first->overlay.peer_id &&
           second->overlay.piece.id == first->overlay.piece.id;
}

/* Drops the packet behind `before`; of a frame in two pieces the second is no use alone. */
static void drop_packet(struct lp_egress *queue, unsigned f, struct lp_packet *before,
                        enum lp_drop reason)
{
    struct lp_packet *packet = take_packet(queue, f, before, reason);
    const struct lp_packet *next = packet->next;

    if (is_piece(packet, false) && next != NULL && is_second_of(next, packet))
        lp_packet_give(queue->pool, take_packet(queue, f, before, reason));
    lp_packet_give(queue->pool, packet);
}

/* ---- push ---- */

/*
 * The flow with the most packets: what is short is memory, of which each takes the same. First
 * the ways of all sets at once, eight in an instruction, then the sets of the best one.
 */
static unsigned find_fattest(const struct lp_egress *queue)
{
    const int16_t *backlog = queue->backlog;
    int16_t most[LP_EGRESS_WAYS] = {0};
    unsigned best = 0;
    unsigned f;

    for (unsigned set = 0; set < LP_EGRESS_SETS; set++, backlog += LP_EGRESS_WAYS) {
        for (unsigned way = 0; way < LP_EGRESS_WAYS; way++)
            most[way] = backlog[way] > most[way] ? backlog[way] : most[way];
    }
    for (unsigned way = 1; way < LP_EGRESS_WAYS; way++)
        best = most[way] > most[best] ? way : best;
    for (f = best; queue->backlog[f] != most[best]; f += LP_EGRESS_WAYS)
        ;
    return f;
}

/* The fattest flow loses its oldest frame, though not one that is being sent. */
static bool make_room(struct lp_egress *queue)
{
    unsigned f = find_fattest(queue);

    if (queue->backlog[f] < 2)
        return false;
    drop_packet(queue, f, f == queue->chosen ? queue->flow[f].head : NULL,
                LP_DROP_REASON_QUEUE_OVERLOAD);
    return true;
}

static struct lp_packet *get_packet(struct lp_egress *queue)
{
    struct lp_packet *packet = NULL;

    if (queue->bytes + LP_EGRESS_PACKET_COST <= queue->bytes_max)
        packet = lp_packet_take(queue->pool);
    if (packet == NULL && make_room(queue))
        packet = lp_packet_take(queue->pool);
    return packet;
}

enum lp_drop lp_egress_push(struct lp_egress *queue, const struct lp_overlay *overlay,
                            const struct lp_flow *flow, uint64_t now_ns)
{
    struct lp_packet *packet;
    unsigned f;

    assert(overlay->payload_len > 0 && overlay->payload_len <= LP_ETH_FRAME_MAX);
    assert(flow->origin <= LP_EGRESS_ORIGINS);
    lp_count(queue->counters, LP_COUNTER_TX_FRAMES, 1);
    packet = get_packet(queue);
    if (packet == NULL) {
        lp_count_tx_drop(queue->counters, LP_DROP_REASON_QUEUE_FULL, 1);
        return LP_DROP_REASON_QUEUE_FULL;
    }
    packet->queued_ns = now_ns;
    packet->overlay = *overlay;
    packet->overlay.payload = packet->bytes;
    packet->ip_at = is_piece(packet, true) ? 0 : flow->ip_at;
    memcpy(packet->bytes, overlay->payload, overlay->payload_len);
    f = find_place(queue, flow);
    add_packet(queue, f, packet);
    enlist(queue, f, flow->origin);
    return LP_FORWARD;
}

/* ---- head and pop ---- */

static bool is_stale(const struct lp_egress *queue, const struct lp_packet *packet,
                     uint64_t now_ns)
{
    return lp_time_since(packet->queued_ns, now_ns) > queue->age_max_ns;
}

static bool mark(struct lp_egress *queue, struct lp_packet *packet)
{
    size_t at = packet->ip_at;

    if (at == 0 || at >= packet->overlay.payload_len ||
        !lp_ecn_mark(packet->bytes + at, packet->overlay.payload_len - at))
        return false;
    lp_count(queue->counters, LP_COUNTER_TX_ECN_MARKED, 1);
    return true;
}

/* The flow's next packet that is to be sent, NULL when it has run empty. A second piece is
 * always sent: its first one was. */
static struct lp_packet *next_packet(struct lp_egress *queue, unsigned f, uint64_t now_ns)
{
    struct lp_egress_flow *flow = &queue->flow[f];
    struct lp_packet *packet;

    while ((packet = flow->head) != NULL) {
        if (is_stale(queue, packet, now_ns)) {
            drop_packet(queue, f, NULL, LP_DROP_REASON_QUEUE_STALE);
            continue;
        }
        if (is_piece(packet, true) ||
            !lp_codel_drops(&flow->codel, lp_time_since(packet->queued_ns, now_ns),
                            flow->octets - packet->overlay.payload_len, now_ns) ||
            mark(queue, packet))
            return packet;
        drop_packet(queue, f, NULL, LP_DROP_REASON_QUEUE_CODEL);
    }
    lp_codel_empty(&flow->codel);
    return NULL;
}

static struct lp_egress_list *first_list(struct lp_egress *queue)
{
#ifdef LP_FAULT_SPARSE_LAST
    /* planted fault: who has sent all the time goes first */
    if (queue->old.head != LP_EGRESS_NO_FLOW)
        return &queue->old;
#endif
    return queue->fresh.head != LP_EGRESS_NO_FLOW ? &queue->fresh : &queue->old;
}

/* RFC 8290 4.2. */
static struct lp_packet *choose(struct lp_egress *queue, uint64_t now_ns)
{
    struct lp_egress_list *list;
    unsigned f;

    while ((f = (list = first_list(queue))->head) != LP_EGRESS_NO_FLOW) {
        struct lp_packet *packet;

        if (queue->flow[f].deficit <= 0) {
            queue->flow[f].deficit += share_of(queue, f);
            take_first(queue, list);
            append(queue, &queue->old, f);
            continue;
        }
        packet = next_packet(queue, f, now_ns);
        if (packet != NULL) {
            queue->chosen = (uint16_t)f;
            return packet;
        }
        take_first(queue, list);
        /* Not out at once: it would be first again with its next frame, before the others. */
        if (list == &queue->fresh && queue->old.head != LP_EGRESS_NO_FLOW)
            append(queue, &queue->old, f);
        else
            delist(queue, f);
    }
    return NULL;
}

struct lp_packet *lp_egress_head(struct lp_egress *queue, uint64_t now_ns)
{
    if (queue->chosen != LP_EGRESS_NO_FLOW) {
        struct lp_packet *packet = queue->flow[queue->chosen].head;

        if (queue->held || !is_stale(queue, packet, now_ns))
            return packet;
        queue->chosen = LP_EGRESS_NO_FLOW;
    }
    return choose(queue, now_ns);
}

void lp_egress_hold(struct lp_egress *queue)
{
    assert(queue->chosen != LP_EGRESS_NO_FLOW);
    queue->held = true;
}

void lp_egress_release(struct lp_egress *queue)
{
    if (!queue->held)
        queue->chosen = LP_EGRESS_NO_FLOW;
}

void lp_egress_pop(struct lp_egress *queue, enum lp_drop reason)
{
    unsigned f = queue->chosen;
    struct lp_packet *packet;

    assert(f != LP_EGRESS_NO_FLOW);
    packet = take_packet(queue, f, NULL, reason);
    if (reason == LP_FORWARD)
        queue->flow[f].deficit -= (int32_t)packet->overlay.payload_len;
    queue->chosen = LP_EGRESS_NO_FLOW;
    queue->held = false;
    lp_packet_give(queue->pool, packet);
}

static void clear_list(struct lp_egress *queue, struct lp_egress_list *list)
{
    for (; list->head != LP_EGRESS_NO_FLOW; take_first(queue, list)) {
        unsigned f = list->head;

        while (queue->flow[f].head != NULL)
            drop_packet(queue, f, NULL, LP_DROP_REASON_QUEUE_CLOSED);
        queue->flow[f].codel = (struct lp_codel){0};
        delist(queue, f);
    }
}

void lp_egress_clear(struct lp_egress *queue)
{
    queue->chosen = LP_EGRESS_NO_FLOW;
    queue->held = false;
    clear_list(queue, &queue->fresh);
    clear_list(queue, &queue->old);
}
