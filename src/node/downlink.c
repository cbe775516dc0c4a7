#include <assert.h>
#include <stdlib.h>

#include "base/err.h"
#include "core/policy.h"
#include "node/internal.h"
#include "proto/offload.h"

static void log_frame(struct lp_node *node, const struct lp_arrival *in, enum lp_drop verdict)
{
    struct lp_frame_event event = {
        .direction = LP_FRAME_FROM_TUNNEL,
        .room = node->config.room,
        .peer_id = in->overlay.peer_id,
        .has_ethernet = in->has_ethernet,
        .frame_len = in->frame_len,
        .reason = verdict,
        .targets = verdict == LP_FORWARD ? 1 : 0,
    };

    if (node->config.frame == NULL)
        return;
    if (in->has_ethernet) {
        event.src = in->eth.src;
        event.dst = in->eth.dst;
        event.type_or_len = in->eth.type_or_len;
    }
    node->config.frame(node->config.user, &event);
}

static enum lp_drop decode(struct lp_node *node, const uint8_t *bytes, size_t len,
                           struct lp_arrival *in)
{
    if (lp_overlay_decode(bytes, len, node->overlay_flags, &in->overlay) < 0)
        return LP_DROP_REASON_BAD_OVERLAY;
    if (in->overlay.room_id != node->welcome.room_id)
        return LP_DROP_REASON_WRONG_ROOM;
    if (in->overlay.peer_id == node->welcome.peer_id)
        return LP_DROP_REASON_WRONG_PEER;
    in->origin = lp_roommap_find(&node->room, in->overlay.peer_id);
    if (in->origin == NULL)
        return LP_DROP_REASON_UNKNOWN_ORIGIN;
    in->frame = in->overlay.payload;
    in->frame_len = in->overlay.payload_len;
    return LP_FORWARD;
}

/* Joins a piece to its other half; *ret_whole tells whether there is a frame now. */
static enum lp_drop join_pieces(struct lp_node *node, struct lp_arrival *in, bool *ret_whole,
                                uint64_t now_ns)
{
    uint64_t lost = 0;
    enum lp_reassembly_result result;

    *ret_whole = false;
    if (in->origin->pieces == NULL) {
        in->origin->pieces = malloc(sizeof(*in->origin->pieces));
        if (in->origin->pieces == NULL)
            return LP_DROP_REASON_PIECE_LOST;
        lp_reassembly_init(in->origin->pieces);
    }
    result = lp_reassembly_push(in->origin->pieces, &in->overlay, &lost, &in->frame,
                                &in->frame_len, now_ns);
    lp_count_rx_drop(&node->counters, LP_DROP_REASON_PIECE_LOST, lost);
    if (result == LP_REASSEMBLY_DUPLICATE)
        return LP_DROP_REASON_PIECE_DUPLICATE;
    *ret_whole = result == LP_REASSEMBLY_COMPLETE;
    return LP_FORWARD;
}

/*
 * The relay has judged the frame already; gateway and client do it again, so that a relay's
 * mistake (or a relay in wrong hands) neither reaches the LAN nor the player's machine.
 */
static enum lp_drop judge(const struct lp_node *node, struct lp_arrival *in)
{
    bool from_client = in->origin->role == LP_ROLE_CLIENT;
    const struct lp_room_peer *owner;
    enum lp_drop verdict;
    int err = lp_eth_parse(in->frame, in->frame_len, &in->eth);

    if (err < 0)
        return err == LP_ERR_RANGE ? LP_DROP_REASON_OVERSIZE : LP_DROP_REASON_BAD_ETHERNET;
    in->has_ethernet = true;
    verdict = lp_policy_judge(&in->eth, in->frame_len,
                              from_client ? LP_ORIGIN_REMOTE : LP_ORIGIN_LAN);
    if (verdict != LP_FORWARD)
        return verdict;
    /* A LAN gets frames from players only, whatever gateways a relay announces. */
    if (node->config.role == LP_ROLE_GATEWAY && !from_client)
        return LP_DROP_REASON_SOURCE_NOT_AUTHORISED;
    owner = lp_roommap_find_mac(&node->room, &in->eth.src);
    if (from_client ? owner != in->origin : owner != NULL)
        return LP_DROP_REASON_SOURCE_NOT_AUTHORISED;
    if (node->config.role == LP_ROLE_CLIENT && lp_mac_equal(&in->eth.src, &node->config.mac))
        return LP_DROP_REASON_SOURCE_NOT_AUTHORISED;
    return LP_FORWARD;
}

static enum lp_drop verdict_of(int err)
{
    if (err == LP_ERR_AGAIN)
        return LP_DROP_REASON_EDGE_FULL;
    return err < 0 ? LP_DROP_REASON_EDGE_ERROR : LP_FORWARD;
}

static enum lp_drop write_plain(const struct lp_node *node, const uint8_t *frame, size_t len)
{
    const struct lp_edge *edge = &node->config.edge;

    return verdict_of(edge->write(edge->user, frame, len));
}

/* They were counted as accepted when they were merged. */
static void count_refused(struct lp_node *node, enum lp_drop verdict, unsigned frames)
{
    if (verdict == LP_FORWARD)
        return;
    node->counters.value[LP_COUNTER_RX_FRAMES] -= frames;
    lp_count_rx_drop(&node->counters, verdict, frames);
}

static void write_cut(struct lp_node *node, const struct lp_superframe *super)
{
    struct lp_offload_iter iter;
    const uint8_t *frame;
    size_t len;
    int err = lp_offload_begin(&iter, super, sizeof(node->segment));

    assert(err == 0); /* it was made of such frames */
    (void)err;
    while ((len = lp_offload_next(&iter, node->segment, &frame)) > 0)
        count_refused(node, write_plain(node, frame, len), 1);
}

void lp_node_on_merged(void *user, const struct lp_superframe *super, unsigned frames)
{
    struct lp_node *node = user;
    const struct lp_edge *edge = &node->config.edge;
    int err;

    if (super->gso == LP_GSO_NONE) {
        count_refused(node, write_plain(node, super->bytes, super->len), 1);
        return;
    }
    err = edge->write_super(edge->user, super);
    if (err != LP_ERR_UNSUPPORTED) {
        lp_count(&node->counters, LP_COUNTER_RX_SUPERFRAMES, 1);
        count_refused(node, verdict_of(err), frames);
        return;
    }
    lp_merge_disable(node->merge, super->gso);
    write_cut(node, super);
}

static enum lp_drop write_to_edge(struct lp_node *node, const struct lp_arrival *in)
{
    if (node->merge != NULL && lp_merge_push(node->merge, in->frame, in->frame_len))
        return LP_FORWARD;
    return write_plain(node, in->frame, in->frame_len);
}

void lp_node_accept(struct lp_node *node, struct lp_arrival *in, enum lp_drop verdict,
                    uint64_t now_ns)
{
    struct lp_counters *counters = &node->counters;
    bool piece = verdict == LP_FORWARD && (in->overlay.flags & LP_OVERLAY_FLAG_PIECE) != 0;
    bool whole = true;

    if (piece)
        verdict = join_pieces(node, in, &whole, now_ns);
    if (!whole && verdict == LP_FORWARD)
        return;         /* waits for its other half */
    if (piece && whole) /* two datagrams, one frame */
        lp_count(counters, LP_COUNTER_RX_PIECES, 1);
    if (verdict == LP_FORWARD)
        verdict = judge(node, in);
    if (verdict == LP_FORWARD)
        verdict = write_to_edge(node, in);
    log_frame(node, in, verdict);
    if (verdict != LP_FORWARD) {
#ifdef LP_FAULT_COUNTER_LOST /* planted fault: what the adapter refuses is not counted */
        if (verdict == LP_DROP_REASON_EDGE_ERROR)
            return;
#endif
        lp_count_rx_drop(counters, verdict, 1);
        if (lp_drop_category(verdict) == LP_DROP_MALFORMED)
            lp_count(counters, LP_COUNTER_RX_MALFORMED, 1);
        return;
    }
    lp_count(counters, LP_COUNTER_RX_FRAMES, 1);
    if (lp_mac_is_group(&in->eth.dst))
        lp_count(counters, LP_COUNTER_RX_BROADCAST, 1);
}

/*
 * It is between the relay and us, and no datagram that counters know. The relay may ask before its
 * welcome is here. One that is not as it should be is judged like a frame, which it is not.
 */
static bool take_timing(struct lp_node *node, const uint8_t *bytes, size_t len, uint64_t now_ns)
{
    const struct lp_welcome *welcome = &node->welcome;
    struct lp_timing timing;

    if (node->state != LP_NODE_JOINED)
        return (node->config.capabilities & LP_CAP_TIMING) != 0 && lp_timing_is_one(bytes, len);
    if (!node->has_timing ||
        lp_timing_decode(bytes, len, welcome->room_id, welcome->peer_id, &timing) < 0)
        return false;
    lp_quic_timing(node->conn, &timing, now_ns);
    return true;
}

void lp_node_on_datagram(struct lp_node *node, const uint8_t *bytes, size_t len,
                         uint64_t now_ns)
{
    struct lp_arrival in = {.frame_len = len};
    enum lp_drop verdict;

    if (take_timing(node, bytes, len, now_ns))
        return;
    lp_count(&node->counters, LP_COUNTER_RX_DATAGRAMS, 1);
    lp_count(&node->counters, LP_COUNTER_RX_BYTES, len);
    verdict = node->state == LP_NODE_JOINED ? decode(node, bytes, len, &in)
                                            : LP_DROP_REASON_NOT_JOINED;
    if (verdict == LP_FORWARD && (in.overlay.flags & LP_OVERLAY_FLAG_SEQUENCE) != 0 &&
        in.frame_len <= LP_ETH_FRAME_MAX) /* longer ones are for judge() to refuse */
        lp_node_on_numbered(node, &in, now_ns);
    else
        lp_node_accept(node, &in, verdict, now_ns);
}

void lp_node_expire_pieces(struct lp_node *node, uint64_t now_ns)
{
    struct lp_room_peer *peer, *next;

    HASH_ITER (by_id, node->room.by_id, peer, next) {
        if (peer->pieces != NULL)
            lp_count_rx_drop(&node->counters, LP_DROP_REASON_PIECE_LOST,
                             lp_reassembly_expire(peer->pieces, now_ns));
    }
}

unsigned lp_node_waiting_pieces(const struct lp_node *node)
{
    const struct lp_room_peer *peer;
    unsigned waiting = 0;

    for (peer = node->room.by_id; peer != NULL; peer = peer->by_id.next) {
        if (peer->pieces != NULL)
            waiting += peer->pieces->used;
    }
    return waiting;
}
