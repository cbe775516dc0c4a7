/*
 * What an origin numbered comes out once and, where it is TCP, in order: loss repair sends things
 * again and twice (core/repair.h, core/inorder.h). A game's datagrams never wait for each other.
 */
#include "base/wire.h"
#include "node/internal.h"
#include "proto/ip.h"

/* Of all origins together; the rest of the pool is for what we send. */
#define HELD_MAX (LP_NODE_POOL_PACKETS / 2)

/* TCP takes a packet that is overtaken for lost; everybody else is better off without a wait. */
static bool is_tcp(const uint8_t *frame, size_t len)
{
    uint16_t type;

    if (len < LP_ETH_HEADER_LEN + LP_IPV4_HEADER_MIN)
        return false;
    type = lp_load_be16(frame + 2 * LP_MAC_LEN);
    return (type == LP_ETHERTYPE_IPV4 && frame[LP_ETH_HEADER_LEN + 9] == LP_IPPROTO_TCP) ||
           (type == LP_ETHERTYPE_IPV6 && frame[LP_ETH_HEADER_LEN + 6] == LP_IPPROTO_TCP);
}

/*
 * A first piece does not wait: its second has no number, and would take one of the few places where
 * pieces wait for each other meanwhile.
 */
static bool may_wait(const struct lp_node *node, const struct lp_arrival *in)
{
    return (in->overlay.flags & LP_OVERLAY_FLAG_PIECE) == 0 && node->held < HELD_MAX &&
           is_tcp(in->frame, in->frame_len);
}

void lp_node_set_order_deadline(struct lp_node *node)
{
    const struct lp_room_peer *peer;

    node->order_deadline_ns = LP_TIME_NEVER;
    for (peer = node->room.by_id; peer != NULL; peer = peer->by_id.next) {
        if (peer->inorder != NULL)
            node->order_deadline_ns =
                lp_time_min(node->order_deadline_ns, lp_inorder_next_deadline(peer->inorder));
    }
}

static void release(struct lp_node *node, struct lp_room_peer *origin, uint64_t now_ns)
{
    struct lp_packet *packet;

    while ((packet = lp_inorder_pop(origin->inorder)) != NULL) {
        struct lp_arrival in = {
            .overlay = packet->overlay,
            .origin = origin,
            .frame = packet->overlay.payload,
            .frame_len = packet->overlay.payload_len,
        };

        node->held--;
        lp_node_accept(node, &in, LP_FORWARD, now_ns);
        lp_packet_give(&node->pool, packet);
    }
}

void lp_node_on_numbered(struct lp_node *node, struct lp_arrival *in, uint64_t now_ns)
{
    struct lp_room_peer *origin = in->origin;

    if (origin->inorder == NULL)
        origin->inorder = lp_inorder_new(&node->pool);
    if (origin->inorder == NULL) { /* without memory there is no order */
        lp_node_accept(node, in, LP_FORWARD, now_ns);
        return;
    }
    switch (lp_inorder_push(origin->inorder, &in->overlay, may_wait(node, in), now_ns)) {
    case LP_INORDER_PASS:
        lp_node_accept(node, in, LP_FORWARD, now_ns);
        release(node, origin, now_ns);
        return;
    case LP_INORDER_PASS_LAST:
        release(node, origin, now_ns);
        lp_node_accept(node, in, LP_FORWARD, now_ns);
        return;
    case LP_INORDER_DUPLICATE:
        lp_node_accept(node, in, LP_DROP_REASON_DUPLICATE, now_ns);
        return;
    case LP_INORDER_HELD:
        /* When this or another is released before, the deadline finds nothing to do. */
        node->held++;
        node->order_deadline_ns =
            lp_time_min(node->order_deadline_ns, lp_inorder_next_deadline(origin->inorder));
        return;
    }
}

void lp_node_on_order_deadline(struct lp_node *node, uint64_t now_ns)
{
    struct lp_room_peer *peer, *next;

    HASH_ITER (by_id, node->room.by_id, peer, next) {
        if (peer->inorder == NULL)
            continue;
        lp_inorder_on_deadline(peer->inorder, now_ns);
        release(node, peer, now_ns);
    }
    lp_node_set_order_deadline(node);
}

void lp_node_order_stats(const struct lp_node *node, struct lp_inorder_stats *ret_stats)
{
    const struct lp_room_peer *peer;

    *ret_stats = (struct lp_inorder_stats){0};
    for (peer = node->room.by_id; peer != NULL; peer = peer->by_id.next) {
        struct lp_inorder_stats one;

        if (peer->inorder == NULL)
            continue;
        lp_inorder_stats(peer->inorder, &one);
        ret_stats->duplicates += one.duplicates;
        ret_stats->filled += one.filled;
        ret_stats->given_up += one.given_up;
        ret_stats->late += one.late;
        ret_stats->held += one.held;
        if (one.wait_ns > ret_stats->wait_ns)
            ret_stats->wait_ns = one.wait_ns;
    }
}
