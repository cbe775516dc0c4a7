#include "base/err.h"
#include "core/policy.h"
#include "node/internal.h"
#include "proto/offload.h"

static void log_frame(struct lp_node *node, const struct lp_eth *eth, size_t len,
                      enum lp_drop verdict)
{
    struct lp_frame_event event = {
        .direction = LP_FRAME_FROM_ADAPTER,
        .room = node->config.room,
        .peer_id = node->welcome.peer_id,
        .has_ethernet = eth != NULL,
        .frame_len = len,
        .reason = verdict,
        .targets = verdict == LP_FORWARD ? 1 : 0,
    };

    if (node->config.frame == NULL)
        return;
    if (eth != NULL) {
        event.src = eth->src;
        event.dst = eth->dst;
        event.type_or_len = eth->type_or_len;
    }
    node->config.frame(node->config.user, &event);
}

/* A frame that does not even reach the queue. */
static void drop(struct lp_node *node, const struct lp_eth *eth, size_t len,
                 enum lp_drop reason)
{
    lp_count(&node->counters, LP_COUNTER_TX_FRAMES, 1);
    lp_count_tx_drop(&node->counters, reason, 1);
    log_frame(node, eth, len, reason);
}

static enum lp_drop judge_client(const struct lp_node *node, const struct lp_eth *eth,
                                 size_t len)
{
    enum lp_drop verdict = lp_policy_judge(eth, len, LP_ORIGIN_REMOTE);

    if (verdict == LP_FORWARD && !lp_mac_equal(&eth->src, &node->config.mac))
        verdict = LP_DROP_REASON_SOURCE_NOT_AUTHORISED;
    return verdict;
}

/*
 * Most of what a promiscuous port hears is between hosts of the LAN: that is sorted out first.
 * A frame with a player's source address is our own, come back by a loop.
 */
static enum lp_drop judge_gateway(const struct lp_node *node, const struct lp_eth *eth,
                                  size_t len)
{
    enum lp_drop verdict;

    if (!lp_mac_is_group(&eth->dst) && lp_roommap_find_mac(&node->room, &eth->dst) == NULL)
        return LP_DROP_REASON_NO_TARGET;
    verdict = lp_policy_judge(eth, len, LP_ORIGIN_LAN);
    if (verdict != LP_FORWARD)
        return verdict;
    if (eth->vlan)
        return LP_DROP_REASON_VLAN;
    if (lp_roommap_find_mac(&node->room, &eth->src) != NULL)
        return LP_DROP_REASON_SOURCE_NOT_AUTHORISED;
    return LP_FORWARD;
}

static void send_frame(struct lp_node *node, const uint8_t *frame, size_t len, uint64_t now_ns)
{
    struct lp_overlay overlay = {
        .type = LP_OVERLAY_FRAME,
        .room_id = node->welcome.room_id,
        .peer_id = node->welcome.peer_id,
        .payload = frame,
        .payload_len = len,
    };
    struct lp_flow flow;
    struct lp_eth eth;
    enum lp_drop verdict;
    int err = lp_eth_parse(frame, len, &eth);

    if (err < 0) {
        drop(node, NULL, len,
             err == LP_ERR_RANGE ? LP_DROP_REASON_OVERSIZE : LP_DROP_REASON_BAD_ETHERNET);
        return;
    }
    verdict = node->config.role == LP_ROLE_CLIENT ? judge_client(node, &eth, len)
                                                  : judge_gateway(node, &eth, len);
    if (verdict != LP_FORWARD) {
        drop(node, &eth, len, verdict);
        return;
    }
    flow = lp_flow_of(&eth, &node->flow_key);
    if ((node->overlay_flags & LP_OVERLAY_FLAG_SEQUENCE) != 0) {
        overlay.flags |= LP_OVERLAY_FLAG_SEQUENCE;
        overlay.sequence.flow = (uint16_t)(flow.hash % LP_SEQUENCE_TAGS);
    }
    verdict = lp_egress_push(&node->egress, &overlay, &flow, now_ns);
    log_frame(node, &eth, len, verdict);
    if (verdict != LP_FORWARD)
        return;
    if (lp_mac_is_group(&eth.dst))
        lp_count(&node->counters, LP_COUNTER_TX_BROADCAST, 1);
    lp_quic_wake(node->conn);
}

/* The kernel took a tag off. VLAN 0 only carries a priority: that frame counts as untagged. */
static bool has_vlan(const struct lp_superframe *super)
{
    return super->vlan_tagged && (super->vlan_tci & 0x0fff) != 0;
}

void lp_node_edge_receive(struct lp_node *node, const struct lp_superframe *super,
                          uint64_t now_ns)
{
    struct lp_offload_iter iter;
    const uint8_t *frame;
    size_t len;

    if (super->gso != LP_GSO_NONE)
        lp_count(&node->counters, LP_COUNTER_TX_SUPERFRAMES, 1);
    if (node->state != LP_NODE_JOINED) {
        drop(node, NULL, super->len, LP_DROP_REASON_NOT_JOINED);
        return;
    }
    if (has_vlan(super)) {
        drop(node, NULL, super->len, LP_DROP_REASON_VLAN);
        return;
    }
    if (lp_offload_begin(&iter, super, sizeof(node->segment)) < 0) {
        drop(node, NULL, super->len,
             super->gso == LP_GSO_NONE && super->len > LP_ETH_FRAME_MAX
                 ? LP_DROP_REASON_OVERSIZE
                 : LP_DROP_REASON_OFFLOAD);
        return;
    }
    while ((len = lp_offload_next(&iter, node->segment, &frame)) > 0)
        send_frame(node, frame, len, now_ns);
}
