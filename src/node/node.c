#include "node/node.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "node/internal.h"

#define TICK_NS LP_NS_PER_S
/* The current connection and a few that were abandoned in the same turn. */
#define CONNECTIONS_MAX 8

void lp_node_config_defaults(struct lp_node_config *config)
{
    *config = (struct lp_node_config){
        .role = LP_ROLE_CLIENT,
        .datagram_budget = LP_NODE_DATAGRAM_BUDGET_DEFAULT,
        .duplicate = LP_DUPLICATE_AUTO,
        .capabilities = LP_CAP_PIECES | LP_CAP_SEQUENCE | LP_CAP_TIMING,
    };
}

void lp_node_emit(struct lp_node *node, const struct lp_node_event *event)
{
    struct lp_node_event copy = *event;

    if (copy.text == NULL)
        copy.text = "";
    if (node->config.event != NULL)
        node->config.event(node->config.user, &copy);
}

void lp_node_emit_text(struct lp_node *node, enum lp_node_event_kind kind, const char *text)
{
    lp_node_emit(node, &(struct lp_node_event){.kind = kind, .text = text});
}

void lp_node_count_lost(struct lp_node *node)
{
    lp_count_rx_drop(&node->counters, LP_DROP_REASON_PIECE_LOST, node->room.pieces_lost);
    node->room.pieces_lost = 0;
    lp_count_rx_drop(&node->counters, LP_DROP_REASON_QUEUE_CLOSED, node->room.held_lost);
    node->held -= (unsigned)node->room.held_lost;
    node->room.held_lost = 0;
    lp_node_set_order_deadline(node);
}

/* ---- connecting, backing off
 * -------------------------------------------------------------------- */

static void clear_deadlines(struct lp_node *node)
{
    node->tick_deadline_ns = LP_TIME_NEVER;
    node->stats_deadline_ns = LP_TIME_NEVER;
    node->cam_deadline_ns = LP_TIME_NEVER;
    node->attempt_deadline_ns = LP_TIME_NEVER;
    node->order_deadline_ns = LP_TIME_NEVER;
}

/*
 * Nothing of the connection that was is valid any more; the seat and the counters stay. The
 * piece ids go on: in the same seat they must not meet those that a receiver still waits for.
 */
static void forget_connection(struct lp_node *node)
{
    node->conn = NULL;
    node->rejected = false;
    node->greeted = false;
    lp_egress_clear(&node->egress);
    lp_sender_clear(&node->sender);
    lp_roommap_clear(&node->room);
    lp_node_count_lost(node);
    clear_deadlines(node);
}

/* Between half of the delay and all of it, so that a room does not come back in one instant. */
static uint64_t jittered(struct lp_node *node, uint64_t delay_ns)
{
    uint32_t random;

    node->config.random(node->config.user, &random, sizeof(random));
    return delay_ns / 2 + delay_ns / 2 * (random & 0xffff) / 0xffff;
}

static uint64_t backoff_delay(struct lp_node *node)
{
    uint64_t max = node->relay_answers ? LP_NODE_BACKOFF_MAX_NS : LP_NODE_BACKOFF_SILENT_MAX_NS;
    uint64_t delay = LP_NODE_BACKOFF_FIRST_NS;

    if (node->attempts == 0)
        return 0;
    for (unsigned i = 1; i < node->attempts && delay < max; i++)
        delay *= 2;
    return jittered(node, delay < max ? delay : max);
}

static void back_off(struct lp_node *node, uint64_t now_ns)
{
    if (node->joined_ns != LP_TIME_NEVER &&
        lp_time_since(node->joined_ns, now_ns) >= LP_NODE_STABLE_NS)
        node->attempts = 0;
    node->joined_ns = LP_TIME_NEVER;
    node->state = LP_NODE_BACKING_OFF;
    node->backoff_deadline_ns = lp_time_add(now_ns, backoff_delay(node));
}

static void attempt(struct lp_node *node, uint64_t now_ns)
{
    static const struct lp_addr any = {.family = LP_ADDR_NONE};
    int err;

    node->state = LP_NODE_CONNECTING;
    node->backoff_deadline_ns = LP_TIME_NEVER;
    node->attempts++;
    if (node->unanswered_since_ns == LP_TIME_NEVER)
        node->unanswered_since_ns = now_ns;
    err = lp_quic_connect(node->quic, &any, &node->config.relay, &node->conn, now_ns);
    if (err < 0) {
        node->conn = NULL;
        lp_node_emit_text(node, LP_NODE_EVENT_LOST, lp_err_text(err));
        back_off(node, now_ns);
        return;
    }
    node->attempt_deadline_ns = lp_time_add(now_ns, LP_NODE_ATTEMPT_NS);
    lp_node_emit_text(node, LP_NODE_EVENT_CONNECTING, "");
}

static void fail(struct lp_node *node)
{
    node->state = LP_NODE_FAILED;
    lp_node_emit_text(node, LP_NODE_EVENT_FAILED, "");
}

static void heard_from_relay(struct lp_node *node)
{
    node->relay_answers = true;
    node->unanswered_told = false;
    node->unanswered_since_ns = LP_TIME_NEVER;
}

void lp_node_give_up(struct lp_node *node, enum lp_quic_app_code code, const char *why,
                     uint64_t now_ns)
{
    if (node->conn != NULL && code == LP_QUIC_APP_TIMED_OUT)
        lp_quic_abandon(node->conn, why); /* a goodbye that arrives would free the seat */
    else if (node->conn != NULL)
        lp_quic_close(node->conn, code, why);
    forget_connection(node);
    lp_node_emit_text(node, LP_NODE_EVENT_LOST, why);
    back_off(node, now_ns);
}

/* ---- what the transport calls
 * ------------------------------------------------------------------- */

static void on_connected(void *user, struct lp_quic_conn *conn, uint64_t now_ns)
{
    struct lp_node *node = user;

    if (conn != node->conn)
        return;
    heard_from_relay(node);
    node->greeted = true;
    node->attempt_deadline_ns = lp_time_add(now_ns, LP_NODE_WELCOME_TIMEOUT_NS);
    lp_node_send_hello(node, now_ns);
}

static void on_control(void *user, struct lp_quic_conn *conn, bool hello_stream,
                       const uint8_t *body, size_t len, uint64_t now_ns)
{
    struct lp_node *node = user;

    if (conn == node->conn && node->state != LP_NODE_LEAVING)
        lp_node_on_control(node, hello_stream, body, len, now_ns);
}

static void on_datagram(void *user, struct lp_quic_conn *conn, const uint8_t *bytes, size_t len,
                        uint64_t now_ns)
{
    struct lp_node *node = user;

    if (conn == node->conn)
        lp_node_on_datagram(node, bytes, len, now_ns);
}

static const char *close_text(const struct lp_quic_close_info *info)
{
    if (info->reason[0] != '\0')
        return info->reason;
    switch (info->kind) {
    case LP_QUIC_CLOSE_IDLE:
        return "nothing heard from the relay";
    case LP_QUIC_CLOSE_NO_HANDSHAKE:
        return "the relay does not answer";
    case LP_QUIC_CLOSE_RESET:
        return "the relay has forgotten the connection (was it restarted?)";
    case LP_QUIC_CLOSE_PEER:
        return "the relay closed the connection";
    case LP_QUIC_CLOSE_TLS:
        return "the relay's certificate was not accepted";
    case LP_QUIC_CLOSE_LOCAL:
    case LP_QUIC_CLOSE_TRANSPORT:
        break;
    }
    return "the connection broke";
}

static void on_closed(void *user, struct lp_quic_conn *conn,
                      const struct lp_quic_close_info *info, uint64_t now_ns)
{
    struct lp_node *node = user;
    bool was_leaving = node->state == LP_NODE_LEAVING;
    bool was_rejected = node->rejected;

    if (conn != node->conn)
        return; /* abandoned before */
    if (info->heard)
        heard_from_relay(node);
    else
        node->relay_answers = false;
    forget_connection(node);
    if (was_leaving) {
        node->state = LP_NODE_IDLE;
        return;
    }
    if (was_rejected) {
        back_off(node, now_ns);
        return;
    }
    lp_node_emit(node, &(struct lp_node_event){
                           .kind = info->kind == LP_QUIC_CLOSE_TLS ? LP_NODE_EVENT_REFUSED
                                                                   : LP_NODE_EVENT_LOST,
                           .text = close_text(info),
                           .final = info->kind == LP_QUIC_CLOSE_TLS && !node->ever_joined});
    if (info->kind == LP_QUIC_CLOSE_TLS && !node->ever_joined)
        fail(node);
    else
        back_off(node, now_ns);
}

static bool on_egress_next(void *user, struct lp_quic_conn *conn,
                           struct lp_quic_datagram *ret_next, uint64_t now_ns)
{
    struct lp_node *node = user;
    struct lp_sending next;

    if (conn != node->conn || node->state != LP_NODE_JOINED)
        return false;
    if (!lp_sender_next(&node->sender, lp_quic_datagram_budget(conn), node->overlay_flags,
                        &next, now_ns))
        return false;
    *ret_next = (struct lp_quic_datagram){
        .id = next.id,
        .apart = next.apart,
        .header = next.header,
        .header_len = next.header_len,
        .body = next.body,
        .body_len = next.body_len,
    };
    return true;
}

static void on_egress_taken(void *user, struct lp_quic_conn *conn,
                            enum lp_quic_egress_result result, uint64_t now_ns)
{
    struct lp_node *node = user;

    (void)conn;
    if (result == LP_QUIC_EGRESS_SENT)
        lp_sender_sent(&node->sender, now_ns);
    else
        lp_sender_refused(&node->sender);
}

static size_t on_timing(void *user, struct lp_quic_conn *conn, const struct lp_timing *timing,
                        uint8_t *bytes, size_t capacity)
{
    const struct lp_node *node = user;
    int len;

    if (conn != node->conn || node->state != LP_NODE_JOINED || !node->has_timing)
        return 0;
    len =
        lp_timing_encode(timing, node->welcome.room_id, node->welcome.peer_id, bytes, capacity);
    return len > 0 ? (size_t)len : 0;
}

/* A connection that was given up may still hear of what it sent: its ids are no longer known. */
static void on_datagram_acked(void *user, struct lp_quic_conn *conn, uint64_t id,
                              uint64_t now_ns)
{
    struct lp_node *node = user;

    (void)now_ns;
    if (conn == node->conn)
        lp_sender_acked(&node->sender, id);
}

static void on_datagram_lost(void *user, struct lp_quic_conn *conn, uint64_t id,
                             uint64_t now_ns)
{
    struct lp_node *node = user;

    if (conn == node->conn && lp_sender_lost(&node->sender, id, now_ns))
        lp_quic_wake(conn);
}

static int on_transmit(void *user, const struct lp_quic_tx *tx)
{
    struct lp_node *node = user;

    return node->config.transmit(node->config.user, tx);
}

static void on_random(void *user, void *bytes, size_t len)
{
    struct lp_node *node = user;

    node->config.random(node->config.user, bytes, len);
}

static const struct lp_quic_handler quic_handler = {
    .accept = NULL, /* a node is always the client */
    .connected = on_connected,
    .control = on_control,
    .datagram = on_datagram,
    .closed = on_closed,
    .egress_next = on_egress_next,
    .egress_taken = on_egress_taken,
    .timing = on_timing,
    .datagram_acked = on_datagram_acked,
    .datagram_lost = on_datagram_lost,
    .transmit = on_transmit,
};

/* ---- life cycle
 * --------------------------------------------------------------------------------- */

int lp_node_new(const struct lp_node_config *config, struct lp_node **ret_node)
{
    struct lp_node *node;
    struct lp_quic_config quic = {
        .server = false,
        .max_connections = CONNECTIONS_MAX,
        .tls = config->tls,
        .keep_alive_ns = LP_NODE_KEEP_ALIVE_NS,
        .random = on_random,
        .handler = &quic_handler,
    };
    int err;

    if (!lp_room_code_valid(config->room))
        return LP_ERR_INVALID;
    node = calloc(1, sizeof(*node));
    if (node == NULL)
        return LP_ERR_NOMEM;
    node->config = *config;
    quic.user = node;
    config->random(config->user, quic.static_secret, sizeof(quic.static_secret));
    /* Of our own until a relay gives one: it finds our seat again when the welcome was lost. */
    if (!config->has_seat_secret)
        config->random(config->user, node->config.seat_secret, LP_SEAT_SECRET_LEN);
    node->config.has_seat_secret = true;
    err = lp_quic_new(&quic, &node->quic);
    /* The frame log says of each frame what became of it: none can be kept back then. */
    if (err == 0 && config->edge.write_super != NULL && config->frame == NULL)
        err = lp_merge_new(lp_node_on_merged, node, &node->merge);
    if (err < 0) {
        lp_quic_free(node->quic);
        free(node);
        return err;
    }
    lp_packet_pool_init(&node->pool, LP_NODE_POOL_PACKETS);
    config->random(config->user, &node->flow_key, sizeof(node->flow_key));
    lp_egress_init(&node->egress, &node->pool, &node->counters, LP_EGRESS_BYTES_MAX,
                   LP_EGRESS_AGE_MAX_NS);
    lp_sender_init(&node->sender, &node->egress, &node->pool, &node->counters, 0,
                   config->duplicate);
    config->random(config->user, node->number, sizeof(node->number));
    lp_cutter_number(&node->sender.cutter, node->number);
    lp_roommap_init(&node->room);
    node->backoff_deadline_ns = LP_TIME_NEVER;
    node->unanswered_since_ns = LP_TIME_NEVER;
    node->joined_ns = LP_TIME_NEVER;
    forget_connection(node);
    *ret_node = node;
    return 0;
}

void lp_node_free(struct lp_node *node)
{
    if (node == NULL)
        return;
    lp_egress_clear(&node->egress);
    lp_sender_deinit(&node->sender);
    lp_roommap_clear(&node->room);
    lp_quic_free(node->quic);
    lp_merge_free(node->merge);
    lp_packet_pool_deinit(&node->pool);
    free(node);
}

void lp_node_start(struct lp_node *node, uint64_t now_ns)
{
    if (node->state == LP_NODE_IDLE)
        attempt(node, now_ns);
}

void lp_node_stop(struct lp_node *node, uint64_t now_ns)
{
    (void)now_ns;
    node->backoff_deadline_ns = LP_TIME_NEVER;
    node->unanswered_since_ns = LP_TIME_NEVER;
    node->joined_ns = LP_TIME_NEVER;
    node->rejected = false;
    clear_deadlines(node);
    if (node->conn == NULL) {
        node->state = LP_NODE_IDLE;
        return;
    }
    if (node->state == LP_NODE_JOINED)
        lp_node_send_disconnect(node, LP_LEAVE_NORMAL);
    node->state = LP_NODE_LEAVING;
    lp_quic_close(node->conn, LP_QUIC_APP_NORMAL, "goodbye");
}

void lp_node_set_relay(struct lp_node *node, const struct lp_addr *relay)
{
    node->config.relay = *relay;
}

void lp_node_reconnect(struct lp_node *node, const char *why, uint64_t now_ns)
{
    if (node->state != LP_NODE_CONNECTING && node->state != LP_NODE_JOINED &&
        node->state != LP_NODE_BACKING_OFF)
        return;
    node->attempts = 0;
    lp_node_give_up(node, LP_QUIC_APP_TIMED_OUT, why, now_ns);
}

void lp_node_receive(struct lp_node *node, const struct lp_addr *local,
                     const struct lp_addr *remote, uint8_t ecn, const uint8_t *bytes,
                     size_t len, uint64_t now_ns)
{
    lp_quic_receive(node->quic, local, remote, ecn, bytes, len, now_ns);
}

void lp_node_flush(struct lp_node *node, uint64_t now_ns)
{
    if (node->merge != NULL)
        lp_merge_flush(node->merge);
    lp_quic_flush(node->quic, now_ns);
}

void lp_node_on_writable(struct lp_node *node, uint64_t now_ns)
{
    lp_quic_on_writable(node->quic, now_ns);
}

/* ---- deadlines
 * ---------------------------------------------------------------------------------- */

static uint64_t unanswered_deadline(const struct lp_node *node)
{
    if (node->unanswered_told || node->unanswered_since_ns == LP_TIME_NEVER)
        return LP_TIME_NEVER;
    return lp_time_add(node->unanswered_since_ns, LP_NODE_UNANSWERED_NOTICE_NS);
}

uint64_t lp_node_next_deadline(const struct lp_node *node)
{
    uint64_t deadline = lp_quic_next_deadline(node->quic);

    deadline = lp_time_min(deadline, node->attempt_deadline_ns);
    deadline = lp_time_min(deadline, node->backoff_deadline_ns);
    deadline = lp_time_min(deadline, node->tick_deadline_ns);
    deadline = lp_time_min(deadline, node->stats_deadline_ns);
    deadline = lp_time_min(deadline, node->cam_deadline_ns);
    deadline = lp_time_min(deadline, node->order_deadline_ns);
    return lp_time_min(deadline, unanswered_deadline(node));
}

/* Hears whether anything came; a connection that is silent in spite of keep-alives is dead. */
static void check_silence(struct lp_node *node, uint64_t now_ns)
{
    struct lp_quic_conn_info info;

    lp_quic_conn_info(node->conn, &info);
    if (info.packets_received != node->heard_packets) {
        node->heard_packets = info.packets_received;
        node->heard_ns = now_ns;
    } else if (lp_time_since(node->heard_ns, now_ns) >= LP_NODE_SILENCE_NS) {
        node->relay_answers = false;
        lp_node_give_up(node, LP_QUIC_APP_TIMED_OUT, "nothing heard from the relay for 5 s",
                        now_ns);
    }
}

static void on_attempt_deadline(struct lp_node *node, uint64_t now_ns)
{
    struct lp_quic_conn_info info;

    lp_quic_conn_info(node->conn, &info);
    if (node->greeted) {
        lp_node_give_up(node, LP_QUIC_APP_TIMED_OUT, "the relay does not answer the hello",
                        now_ns);
    } else if (info.packets_received > 0) {
        /* It answers, slowly: the handshake has the transport's own time limit. */
        heard_from_relay(node);
        node->attempt_deadline_ns = LP_TIME_NEVER;
    } else {
        node->relay_answers = false;
        lp_node_give_up(node, LP_QUIC_APP_TIMED_OUT, "the relay does not answer", now_ns);
    }
}

static void on_tick(struct lp_node *node, uint64_t now_ns)
{
    node->tick_deadline_ns = lp_time_add(now_ns, TICK_NS);
    lp_node_expire_pieces(node, now_ns);
    check_silence(node, now_ns);
}

static void on_joined_deadlines(struct lp_node *node, uint64_t now_ns)
{
    if (now_ns >= node->stats_deadline_ns) {
        node->stats_deadline_ns = lp_time_add(now_ns, LP_NODE_STATS_INTERVAL_NS);
        lp_node_send_stats(node);
    }
    if (now_ns >= node->cam_deadline_ns) {
        node->cam_deadline_ns = lp_time_add(now_ns, LP_NODE_CAM_REFRESH_NS);
        lp_node_refresh_cam(node);
    }
    if (now_ns >= node->order_deadline_ns)
        lp_node_on_order_deadline(node, now_ns);
    if (now_ns >= node->tick_deadline_ns)
        on_tick(node, now_ns);
}

void lp_node_on_deadline(struct lp_node *node, uint64_t now_ns)
{
    lp_quic_on_deadline(node->quic, now_ns);
    if (now_ns >= unanswered_deadline(node)) {
        node->unanswered_told = true;
        lp_node_emit_text(node, LP_NODE_EVENT_UNANSWERED, "no answer from the relay for 5 s");
    }
    if (node->conn != NULL && now_ns >= node->attempt_deadline_ns)
        on_attempt_deadline(node, now_ns);
    if (node->state == LP_NODE_JOINED)
        on_joined_deadlines(node, now_ns);
    if (node->state == LP_NODE_BACKING_OFF && now_ns >= node->backoff_deadline_ns)
        attempt(node, now_ns);
}

void lp_node_view(const struct lp_node *node, struct lp_node_view *ret_view)
{
    *ret_view = (struct lp_node_view){
        .state = node->state,
        .peer_id = node->welcome.peer_id,
        .room_id = node->welcome.room_id,
        .mtu = node->welcome.mtu,
        .gateway_present = node->state == LP_NODE_JOINED && node->room.gateway != NULL,
        .gateway_peer_id = node->room.gateway != NULL ? node->room.gateway->peer_id : 0,
        .has_seat_secret = node->config.has_seat_secret,
        .seat_secret = node->config.seat_secret,
        .limits = node->welcome.limits,
        .queued_frames = node->egress.packets,
        .waiting_pieces = lp_node_waiting_pieces(node),
        .repair_waiting = node->sender.repair.pending_count,
        .attempts = node->attempts,
        .counters = &node->counters,
        .room = &node->room,
    };
    lp_node_order_stats(node, &ret_view->order);
    if (node->conn != NULL) {
        ret_view->connected = true;
        ret_view->datagram_budget = lp_quic_datagram_budget(node->conn);
        lp_quic_conn_info(node->conn, &ret_view->quic);
    }
}
