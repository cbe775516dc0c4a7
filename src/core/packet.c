#include "core/packet.h"

#include <assert.h>
#include <stdlib.h>

#include "base/attr.h"

#define BLOCK_MIN 64 /* packets */

struct lp_packet_block {
    struct lp_packet_block *next;
    size_t count;
    struct lp_packet packet[];
};

void lp_packet_pool_init(struct lp_packet_pool *pool, size_t capacity)
{
    *pool = (struct lp_packet_pool){.capacity = capacity};
}

void lp_packet_pool_deinit(struct lp_packet_pool *pool)
{
    assert(pool->out == 0);
    while (pool->blocks != NULL) {
        struct lp_packet_block *block = pool->blocks;

        pool->blocks = block->next;
        free(block);
    }
    lp_packet_pool_init(pool, pool->capacity);
}

static bool add_block(struct lp_packet_pool *pool)
{
    size_t count = pool->allocated > BLOCK_MIN ? pool->allocated : BLOCK_MIN;
    struct lp_packet_block *block;

    if (count > pool->capacity - pool->allocated)
        count = pool->capacity - pool->allocated;
    if (LP_ADDRESS_SANITIZER && count > 1)
        count = 1;
    if (count == 0)
        return false;
    block = malloc(sizeof(*block) + count * sizeof(block->packet[0]));
    if (block == NULL)
        return false;
    block->next = pool->blocks;
    block->count = count;
    pool->blocks = block;
    pool->fresh = count;
    return true;
}

static struct lp_packet *take_fresh(struct lp_packet_pool *pool)
{
    struct lp_packet_block *block;

    if (pool->fresh == 0 && !add_block(pool))
        return NULL;
    block = pool->blocks;
    pool->allocated++;
    return &block->packet[block->count - pool->fresh--];
}

struct lp_packet *lp_packet_take(struct lp_packet_pool *pool)
{
    struct lp_packet *packet = pool->free;

    if (packet != NULL)
        pool->free = packet->next;
    else
        packet = take_fresh(pool);
    if (packet == NULL)
        return NULL;
    pool->out++;
    packet->keepers = 1;
    packet->in_flight = 0;
    packet->delivered = false;
    return packet;
}

void lp_packet_give(struct lp_packet_pool *pool, struct lp_packet *packet)
{
    assert(packet->keepers > 0);
    if (--packet->keepers > 0)
        return;
    assert(pool->out > 0);
    pool->out--;
    packet->next = pool->free;
    pool->free = packet;
}

size_t lp_packet_sent_room(const struct lp_packet_pool *pool)
{
#ifdef LP_FAULT_SENT_FILLS_POOL
    /* planted fault: what was sent takes the place of what has yet to be */
    return pool->capacity - pool->sent_kept;
#endif
    return pool->capacity / 2 - pool->sent_kept;
}

void lp_packet_keep_sent(struct lp_packet_pool *pool, struct lp_packet *packet)
{
    assert(lp_packet_sent_room(pool) > 0);
    assert(packet->keepers > 0 && packet->keepers < UINT16_MAX);
    pool->sent_kept++;
    packet->keepers++;
}

void lp_packet_forget_sent(struct lp_packet_pool *pool, struct lp_packet *packet)
{
    assert(pool->sent_kept > 0);
    pool->sent_kept--;
    lp_packet_give(pool, packet);
}
