#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "node/internal.h"

#define MESSAGE_MAX 8192 /* the largest that a node sends is stats with every counter */

static int send_message(struct lp_node *node, const struct lp_control *message, bool hello)
{
    uint8_t frame[MESSAGE_MAX];
    int len = lp_control_encode(message, frame, sizeof(frame));

    if (len < 0)
        return len;
    return hello ? lp_quic_send_hello(node->conn, frame, (size_t)len)
                 : lp_quic_send_control(node->conn, frame, (size_t)len);
}

void lp_node_send_hello(struct lp_node *node, uint64_t now_ns)
{
    const struct lp_node_config *config = &node->config;
    struct lp_control message = {
        .type = LP_CONTROL_HELLO,
        .hello =
            {
                .version = LP_CONTROL_VERSION,
                .role = config->role,
                .has_mac = config->role == LP_ROLE_CLIENT,
                .mac = config->mac,
                .datagram_budget = config->datagram_budget,
                .capabilities = config->capabilities,
                .has_seat_secret = config->has_seat_secret,
            },
    };
    int err;

    memcpy(message.hello.room, config->room, sizeof(message.hello.room));
    memcpy(message.hello.name, config->name, sizeof(message.hello.name));
    memcpy(message.hello.seat_secret, config->seat_secret, LP_SEAT_SECRET_LEN);
    err = send_message(node, &message, true);
    if (err < 0)
        lp_node_give_up(node, LP_QUIC_APP_PROTOCOL_ERROR, lp_err_text(err), now_ns);
}

void lp_node_send_disconnect(struct lp_node *node, enum lp_leave_reason reason)
{
    struct lp_control message = {.type = LP_CONTROL_DISCONNECT, .disconnect.reason = reason};

    (void)send_message(node, &message, false); /* the close that follows says it too */
}

static void add_counter(void *user, const char *name, uint64_t value)
{
    struct lp_stats *stats = user;

    if (stats->count >= LP_STATS_COUNTERS_MAX)
        return;
    snprintf(stats->counter[stats->count].name, sizeof(stats->counter[0].name), "%s", name);
    stats->counter[stats->count].value = value;
    stats->count++;
}

void lp_node_send_stats(struct lp_node *node)
{
    struct lp_control message = {.type = LP_CONTROL_STATS};
    struct lp_quic_conn_info info;

    lp_quic_conn_info(node->conn, &info);
    message.stats.rtt_us = (uint32_t)(info.srtt_ns / LP_NS_PER_US);
    lp_counters_each(&node->counters, add_counter, &message.stats);
    (void)send_message(node, &message, false); /* the next one says more */
}

/* ---- what the relay says
 * ------------------------------------------------------------------------ */

static void protocol_error(struct lp_node *node, const char *what, uint64_t now_ns)
{
    lp_node_emit_text(node, LP_NODE_EVENT_PROTOCOL, what);
    lp_node_give_up(node, LP_QUIC_APP_PROTOCOL_ERROR, what, now_ns);
}

/* Told once for each gateway: what follows (DHCP asked again) is not for every message about
 * it. */
static void check_gateway(struct lp_node *node, uint32_t gateway_peer_id)
{
    if (gateway_peer_id == node->gateway_peer_id)
        return;
    node->gateway_peer_id = gateway_peer_id;
    lp_node_emit(node, &(struct lp_node_event){.kind = LP_NODE_EVENT_GATEWAY_CHANGED,
                                               .gateway_peer_id = gateway_peer_id});
}

static uint32_t gateway_in_map(const struct lp_node *node)
{
    return node->room.gateway != NULL ? node->room.gateway->peer_id : 0;
}

/*
 * Messages of their own about the gateway may have come before the welcome, and then are newer;
 * or they follow: either way it is known from now on.
 */
static uint32_t gateway_at_welcome(const struct lp_node *node)
{
    const struct lp_welcome *welcome = &node->welcome;

    if (node->room.gateway != NULL)
        return node->room.gateway->peer_id;
    if (!welcome->gateway_connected ||
        lp_roommap_has_left(&node->room, welcome->gateway_peer_id))
        return 0;
    return welcome->gateway_peer_id;
}

static void on_welcome(struct lp_node *node, const struct lp_welcome *welcome, uint64_t now_ns)
{
    /* A restarted relay counts rooms and peers from one again; the secret tells the seats
     * apart. */
    bool resumed =
        node->ever_joined && welcome->has_seat_secret &&
        memcmp(node->config.seat_secret, welcome->seat_secret, LP_SEAT_SECRET_LEN) == 0;

    node->welcome = *welcome;
    node->ever_joined = true;
    node->state = LP_NODE_JOINED;
    node->joined_ns = now_ns;
    node->attempt_deadline_ns = LP_TIME_NEVER;
    node->heard_packets = 0;
    node->heard_ns = now_ns;
    node->tick_deadline_ns = now_ns;
    node->stats_deadline_ns = lp_time_add(now_ns, LP_NODE_STATS_INTERVAL_NS);
    if (node->config.role == LP_ROLE_GATEWAY)
        node->cam_deadline_ns = lp_time_add(now_ns, LP_NODE_CAM_REFRESH_NS);
    node->overlay_flags = 0;
    if ((welcome->capabilities & node->config.capabilities & LP_CAP_PIECES) != 0)
        node->overlay_flags |= LP_OVERLAY_FLAG_PIECE;
    if ((welcome->capabilities & node->config.capabilities & LP_CAP_SEQUENCE) != 0)
        node->overlay_flags |= LP_OVERLAY_FLAG_SEQUENCE;
    node->has_timing = (welcome->capabilities & node->config.capabilities & LP_CAP_TIMING) != 0;
    if (welcome->has_seat_secret) {
        node->config.has_seat_secret = true;
        memcpy(node->config.seat_secret, welcome->seat_secret, LP_SEAT_SECRET_LEN);
    }
    lp_node_emit(node, &(struct lp_node_event){.kind = LP_NODE_EVENT_JOINED,
                                               .welcome = &node->welcome,
                                               .resumed = resumed});
    if (node->config.role == LP_ROLE_CLIENT)
        check_gateway(node, gateway_at_welcome(node));
}

/* Final before the first welcome; later it may be the ghost of our own lost connection. */
static void on_reject(struct lp_node *node, const struct lp_reject *reject)
{
    node->rejected = true;
    lp_node_emit(node, &(struct lp_node_event){.kind = LP_NODE_EVENT_REJECTED,
                                               .text = reject->text,
                                               .reject_code = reject->code,
                                               .final = !node->ever_joined});
    lp_quic_close(node->conn, LP_QUIC_APP_NORMAL, "rejected");
#ifdef LP_FAULT_REJECT_IGNORED /* planted fault: whoever is refused keeps trying */
    return;
#endif
    if (!node->ever_joined) {
        node->conn = NULL;
        node->attempt_deadline_ns = LP_TIME_NEVER;
        node->state = LP_NODE_FAILED;
        lp_node_emit_text(node, LP_NODE_EVENT_FAILED, "");
    }
}

static void emit_lifecycle(struct lp_node *node, const struct lp_control *message,
                           const struct lp_room_peer *peer)
{
    bool joined = message->type == LP_CONTROL_PEER_JOINED;

    lp_node_emit(node, &(struct lp_node_event){
                           .kind = joined ? LP_NODE_EVENT_PEER_JOINED : LP_NODE_EVENT_PEER_LEFT,
                           .peer = peer,
                           .leave_reason = joined ? 0 : message->peer_left.reason});
}

static void on_lifecycle(struct lp_node *node, const struct lp_control *message,
                         uint64_t now_ns)
{
    bool joined = message->type == LP_CONTROL_PEER_JOINED;
    bool about_gateway = !joined && message->peer_left.peer_id == node->gateway_peer_id;
    struct lp_room_peer *peer = NULL;
    int err = joined ? lp_roommap_joined(&node->room, &message->peer_joined, &peer)
                     : lp_roommap_left(&node->room, &message->peer_left, &peer);

    lp_node_count_lost(node);
    if (err < 0) {
        protocol_error(node,
                       err == LP_ERR_FULL
                           ? "the relay announces more peers than a room can hold"
                           : lp_err_text(err),
                       now_ns);
        return;
    }
    if (peer != NULL) {
        about_gateway = about_gateway || peer->role == LP_ROLE_GATEWAY;
        emit_lifecycle(node, message, peer);
    }
    /* The welcome may have named a gateway whose farewell is the first that is heard of it. */
    if (about_gateway && node->config.role == LP_ROLE_CLIENT && node->state == LP_NODE_JOINED)
        check_gateway(node, gateway_in_map(node));
}

void lp_node_on_control(struct lp_node *node, bool hello_stream, const uint8_t *body,
                        size_t len, uint64_t now_ns)
{
    struct lp_control message;
    char why[LP_CONTROL_WHY_LEN];

    if (lp_control_decode(body, len, &message, why, NULL) < 0) {
        protocol_error(node, why, now_ns);
        return;
    }
    if (hello_stream && node->state == LP_NODE_CONNECTING && message.type == LP_CONTROL_WELCOME)
        on_welcome(node, &message.welcome, now_ns);
    else if (hello_stream && node->state == LP_NODE_CONNECTING &&
             message.type == LP_CONTROL_REJECT)
        on_reject(node, &message.reject);
    else if (!hello_stream &&
             (message.type == LP_CONTROL_PEER_JOINED || message.type == LP_CONTROL_PEER_LEFT))
        on_lifecycle(node, &message, now_ns);
    else
        protocol_error(node, "a control message that a relay does not send", now_ns);
}
