#include "core/packet.h"

#include <assert.h>
#include <stdlib.h>

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

struct lp_packet *lp_packet_take(struct lp_packet_pool *pool)
{
    struct lp_packet *packet = pool->free;

    if (packet != NULL) {
        pool->free = packet->next;
    } else {
        if (pool->allocated == pool->capacity)
            return NULL;
        packet = malloc(sizeof(*packet));
        if (packet == NULL)
            return NULL;
        pool->allocated++;
    }
    packet->keepers = 1;
    packet->in_flight = 0;
    packet->delivered = false;
    return packet;
}

void lp_packet_keep(struct lp_packet *packet)
{
    assert(packet->keepers > 0 && packet->keepers < UINT16_MAX);
    packet->keepers++;
}

void lp_packet_give(struct lp_packet_pool *pool, struct lp_packet *packet)
{
    assert(packet->keepers > 0);
    if (--packet->keepers > 0)
        return;
    packet->next = pool->free;
    pool->free = packet;
}
