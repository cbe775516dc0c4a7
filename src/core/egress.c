#include "core/egress.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void lp_packet_pool_init(struct lp_packet_pool *pool, size_t capacity)
{
    *pool = (struct lp_packet_pool){.capacity = capacity};
}

void lp_packet_pool_deinit(struct lp_packet_pool *pool)
{
    while (pool->free != NULL) {
        struct lp_packet *packet = pool->free;

        pool->free = packet->next;
        free(packet);
        pool->allocated--;
    }
    assert(pool->allocated == 0);
}

static struct lp_packet *pool_take(struct lp_packet_pool *pool)
{
    struct lp_packet *packet = pool->free;

    if (packet != NULL) {
        pool->free = packet->next;
        return packet;
    }
    if (pool->allocated == pool->capacity)
        return NULL;
    packet = malloc(sizeof(*packet));
    if (packet != NULL)
        pool->allocated++;
    return packet;
}

static void pool_give(struct lp_packet_pool *pool, struct lp_packet *packet)
{
    packet->next = pool->free;
    pool->free = packet;
}

void lp_egress_init(struct lp_egress *queue, struct lp_packet_pool *pool,
                    struct lp_counters *counters, size_t bytes_max, uint64_t age_max_ns)
{
    *queue = (struct lp_egress){
        .pool = pool,
        .counters = counters,
        .bytes_max = bytes_max,
        .age_max_ns = age_max_ns,
    };
}

static void append(struct lp_egress *queue, struct lp_packet *packet)
{
    packet->next = NULL;
    if (queue->tail != NULL)
        queue->tail->next = packet;
    else
        queue->head = packet;
    queue->tail = packet;
    queue->bytes += LP_EGRESS_PACKET_COST;
    queue->packets++;
}

enum lp_drop lp_egress_push(struct lp_egress *queue, const struct lp_overlay *overlay,
                            uint64_t now_ns)
{
    struct lp_packet *packet = NULL;

    assert(overlay->payload_len > 0 && overlay->payload_len <= LP_ETH_FRAME_MAX);
    lp_count(queue->counters, LP_COUNTER_TX_FRAMES, 1);
    if (queue->bytes + LP_EGRESS_PACKET_COST <= queue->bytes_max)
        packet = pool_take(queue->pool);
    if (packet == NULL) {
        lp_count_tx_drop(queue->counters, LP_DROP_REASON_QUEUE_FULL, 1);
        return LP_DROP_REASON_QUEUE_FULL;
    }
    packet->queued_ns = now_ns;
    packet->overlay = *overlay;
    packet->overlay.payload = packet->bytes;
    memcpy(packet->bytes, overlay->payload, overlay->payload_len);
    append(queue, packet);
    return LP_FORWARD;
}

const struct lp_packet *lp_egress_head(struct lp_egress *queue, uint64_t now_ns)
{
    while (queue->head != NULL && !queue->held &&
           lp_time_since(queue->head->queued_ns, now_ns) > queue->age_max_ns)
        lp_egress_pop(queue, LP_DROP_REASON_QUEUE_STALE);
    return queue->head;
}

void lp_egress_hold(struct lp_egress *queue)
{
    assert(queue->head != NULL);
    queue->held = true;
}

void lp_egress_pop(struct lp_egress *queue, enum lp_drop reason)
{
    struct lp_packet *packet = queue->head;

    assert(packet != NULL);
    queue->head = packet->next;
    if (queue->head == NULL)
        queue->tail = NULL;
    queue->bytes -= LP_EGRESS_PACKET_COST;
    queue->packets--;
    queue->held = false;
    if (reason == LP_FORWARD)
        lp_count(queue->counters, LP_COUNTER_TX_SENT, 1);
    else
        lp_count_tx_drop(queue->counters, reason, 1);
    pool_give(queue->pool, packet);
}

void lp_egress_clear(struct lp_egress *queue)
{
    while (queue->head != NULL)
        lp_egress_pop(queue, LP_DROP_REASON_QUEUE_CLOSED);
}
