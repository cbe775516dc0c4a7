#include "relay/relay.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "base/err.h"
#include "relay/session.h"

/* Second pieces wait 500 ms at most; they are only counted late when looked at this rarely. */
#define HOUSEKEEPING_NS LP_NS_PER_S

#define REFUSALS_TOLD_NS LP_NS_PER_S

void lp_relay_config_defaults(struct lp_relay_config *config)
{
    *config = (struct lp_relay_config){
        .mtu = LP_ROOM_MTU_DEFAULT,
        .max_clients = LP_RELAY_MAX_CLIENTS_DEFAULT,
        .max_peers = LP_RELAY_MAX_PEERS_DEFAULT,
        .max_rooms = LP_RELAY_MAX_ROOMS_DEFAULT,
        .max_joining = LP_RELAY_MAX_JOINING_DEFAULT,
        .pool_packets = LP_RELAY_POOL_PACKETS_DEFAULT,
        .duplicate = LP_DUPLICATE_AUTO,
        .limits =
            {
                .broadcast_burst_frames = LP_RELAY_BROADCAST_BURST,
                .broadcast_rate_frames = LP_RELAY_BROADCAST_RATE,
                .unknown_burst_frames = LP_RELAY_UNKNOWN_BURST,
                .unknown_rate_frames = LP_RELAY_UNKNOWN_RATE,
                .burst_bytes = LP_RELAY_CLIENT_BURST_BYTES,
                .rate_bytes = LP_RELAY_CLIENT_RATE_BYTES,
            },
    };
}

struct lp_relay_event lp_session_event(const struct lp_session *session,
                                       enum lp_relay_event_kind kind)
{
    struct lp_relay_event event = {
        .kind = kind,
        .room = session->room != NULL ? session->room->room.code : "",
        .room_id = session->room != NULL ? session->room->room.id : 0,
        .mtu = session->room != NULL ? session->room->room.mtu : 0,
        .peer_id = session->member.peer_id,
        .role = session->member.role,
        .mac = session->member.role == LP_ROLE_CLIENT ? &session->member.mac : NULL,
        .name = session->name,
        .text = "",
    };
    struct lp_quic_conn_info info;

    lp_quic_conn_info(session->conn, &info);
    event.remote = info.remote;
    return event;
}

void lp_relay_emit(const struct lp_relay *relay, const struct lp_relay_event *event)
{
    if (relay->config.event != NULL)
        relay->config.event(relay->config.user, event);
}

static int on_accept(void *user, struct lp_quic_conn *conn, uint64_t now_ns)
{
    struct lp_relay *relay = user;
    struct lp_session *session = calloc(1, sizeof(*session));

    if (session == NULL)
        return LP_ERR_NOMEM;
    session->relay = relay;
    session->conn = conn;
    session->state = LP_SESSION_AWAITS_HELLO;
    session->accepted_ns = now_ns;
    lp_bucket_init(&session->control, LP_RELAY_CONTROL_RATE, LP_RELAY_CONTROL_BURST, now_ns);
    lp_egress_init(&session->egress, &relay->pool, &session->counters, LP_EGRESS_BYTES_MAX,
                   LP_EGRESS_AGE_MAX_NS);
    /* The upper half of the piece ids is the relay's: see docs/protocol.md. */
    lp_sender_init(&session->sender, &session->egress, &relay->pool, &session->counters,
                   LP_PIECE_ID_RELAY, relay->config.duplicate);
    DL_APPEND(relay->sessions, session);
    lp_quic_conn_set_user(conn, session);
    return 0;
}

static void on_control(void *user, struct lp_quic_conn *conn, bool hello_stream,
                       const uint8_t *body, size_t len, uint64_t now_ns)
{
    struct lp_session *session = lp_quic_conn_user(conn);

    (void)user;
    if (session != NULL && session->state != LP_SESSION_CLOSING)
        lp_session_on_control(session, hello_stream, body, len, now_ns);
}

static void on_datagram(void *user, struct lp_quic_conn *conn, const uint8_t *bytes, size_t len,
                        uint64_t now_ns)
{
    struct lp_session *session = lp_quic_conn_user(conn);

    (void)user;
    if (session != NULL && session->state == LP_SESSION_JOINED)
        lp_session_on_datagram(session, bytes, len, now_ns);
}

/* Of a peer that has not left its room yet: what its connection's end says. */
static enum lp_leave_reason reason_of_app_code(uint64_t app_code)
{
    switch (app_code) {
    case LP_QUIC_APP_PROTOCOL_ERROR:
        return LP_LEAVE_PROTOCOL_ERROR;
    case LP_QUIC_APP_REPLACED:
        return LP_LEAVE_REPLACED;
    case LP_QUIC_APP_SHUTDOWN:
        return LP_LEAVE_SHUTDOWN;
    case LP_QUIC_APP_TIMED_OUT:
        return LP_LEAVE_TIMED_OUT;
    default:
        return LP_LEAVE_NORMAL;
    }
}

static enum lp_leave_reason reason_of(const struct lp_quic_close_info *info)
{
    switch (info->kind) {
    case LP_QUIC_CLOSE_LOCAL:
    case LP_QUIC_CLOSE_PEER:
        return reason_of_app_code(info->app_code);
    case LP_QUIC_CLOSE_IDLE:
    case LP_QUIC_CLOSE_NO_HANDSHAKE:
    case LP_QUIC_CLOSE_RESET:
        return LP_LEAVE_TIMED_OUT;
    case LP_QUIC_CLOSE_TRANSPORT:
    case LP_QUIC_CLOSE_TLS:
        break;
    }
    return LP_LEAVE_PROTOCOL_ERROR;
}

static void on_closed(void *user, struct lp_quic_conn *conn,
                      const struct lp_quic_close_info *info, uint64_t now_ns)
{
    struct lp_relay *relay = user;
    struct lp_session *session = lp_quic_conn_user(conn);

    (void)now_ns;
    if (session == NULL)
        return;
    lp_session_leave(session, reason_of(info), info->reason);
    lp_egress_clear(&session->egress);
    lp_sender_deinit(&session->sender);
    DL_DELETE(relay->sessions, session);
    free(session);
}

static bool on_egress_next(void *user, struct lp_quic_conn *conn,
                           struct lp_quic_datagram *ret_next, uint64_t now_ns)
{
    struct lp_session *session = lp_quic_conn_user(conn);

    (void)user;
    return session != NULL && session->state == LP_SESSION_JOINED &&
           lp_session_egress_next(session, ret_next, now_ns);
}

static void on_egress_taken(void *user, struct lp_quic_conn *conn,
                            enum lp_quic_egress_result result, uint64_t now_ns)
{
    (void)user;
    lp_session_egress_taken(lp_quic_conn_user(conn), result, now_ns);
}

static size_t on_timing(void *user, struct lp_quic_conn *conn, const struct lp_timing *timing,
                        uint8_t *bytes, size_t capacity)
{
    struct lp_session *session = lp_quic_conn_user(conn);

    (void)user;
    if (session == NULL || session->state != LP_SESSION_JOINED || !session->has_timing)
        return 0;
    return lp_session_make_timing(session, timing, bytes, capacity);
}

static void on_datagram_acked(void *user, struct lp_quic_conn *conn, uint64_t id,
                              uint64_t now_ns)
{
    struct lp_session *session = lp_quic_conn_user(conn);

    (void)user;
    (void)now_ns;
    if (session != NULL)
        lp_sender_acked(&session->sender, id);
}

static void on_datagram_lost(void *user, struct lp_quic_conn *conn, uint64_t id,
                             uint64_t now_ns)
{
    struct lp_session *session = lp_quic_conn_user(conn);

    (void)user;
    if (session != NULL && lp_sender_lost(&session->sender, id, now_ns))
        lp_quic_wake(conn);
}

static int on_transmit(void *user, const struct lp_quic_tx *tx)
{
    struct lp_relay *relay = user;

    return relay->config.transmit(relay->config.user, tx);
}

static void on_random(void *user, void *bytes, size_t len)
{
    struct lp_relay *relay = user;

    relay->config.random(relay->config.user, bytes, len);
}

/* A relay never connects. */
static void on_connected(void *user, struct lp_quic_conn *conn, uint64_t now_ns)
{
    (void)user;
    (void)conn;
    (void)now_ns;
}

static const struct lp_quic_handler quic_handler = {
    .accept = on_accept,
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

int lp_relay_new(const struct lp_relay_config *config, struct lp_relay **ret_relay)
{
    struct lp_relay *relay;
    struct lp_quic_config quic = {
        .server = true,
        .loop_id = config->loop_id,
        .require_retry = true,
        .max_connections = config->max_peers,
        .max_waiting = config->max_joining,
        .tls = config->tls,
        .keep_alive_ns = LP_QUIC_KEEP_ALIVE_NS,
        .random = on_random,
        .handler = &quic_handler,
    };
    int err;

    if (config->max_clients < 1 || config->max_clients > LP_RELAY_MAX_CLIENTS_LIMIT ||
        config->mtu < LP_ROOM_MTU_MIN || config->mtu > LP_ETH_MTU_MAX)
        return LP_ERR_RANGE;
    relay = calloc(1, sizeof(*relay));
    if (relay == NULL)
        return LP_ERR_NOMEM;
    relay->config = *config;
    lp_packet_pool_init(&relay->pool, config->pool_packets);
    config->random(config->user, &relay->flow_key, sizeof(relay->flow_key));
    memcpy(quic.static_secret, config->static_secret, sizeof(quic.static_secret));
    quic.user = relay;
    err = lp_quic_new(&quic, &relay->quic);
    if (err < 0) {
        lp_packet_pool_deinit(&relay->pool);
        free(relay);
        return err;
    }
    *ret_relay = relay;
    return 0;
}

void lp_relay_free(struct lp_relay *relay)
{
    struct lp_session *session, *next_session;
    struct lp_relay_room *room, *next_room;

    if (relay == NULL)
        return;
    DL_FOREACH_SAFE (relay->sessions, session, next_session) {
        if (session->room != NULL)
            lp_room_remove(&session->room->room, &session->member);
        lp_egress_clear(&session->egress);
        lp_sender_deinit(&session->sender);
        free(session);
    }
    HASH_ITER (by_code, relay->rooms, room, next_room) {
        /* uthash frees its table with the last one; the analyzer thinks: with the first */
        HASH_DELETE(by_code, relay->rooms, room); /* NOLINT(clang-analyzer-unix.Malloc) */
        lp_room_deinit(&room->room);
        free(room);
    }
    lp_quic_free(relay->quic);
    lp_packet_pool_deinit(&relay->pool);
    free(relay);
}

void lp_relay_receive(struct lp_relay *relay, const struct lp_addr *local,
                      const struct lp_addr *remote, uint8_t ecn, const uint8_t *bytes,
                      size_t len, uint64_t now_ns)
{
    lp_quic_receive(relay->quic, local, remote, ecn, bytes, len, now_ns);
}

void lp_relay_flush(struct lp_relay *relay, uint64_t now_ns)
{
    lp_quic_flush(relay->quic, now_ns);
}

void lp_relay_on_writable(struct lp_relay *relay, uint64_t now_ns)
{
    lp_quic_on_writable(relay->quic, now_ns);
}

static uint64_t untold_refusals(const struct lp_relay *relay, struct lp_addr *ret_latest)
{
    struct lp_quic_refusals refusals;

    lp_quic_refusals(relay->quic, &refusals);
    *ret_latest = refusals.latest;
    return refusals.count - relay->refusals_told;
}

uint64_t lp_relay_next_deadline(const struct lp_relay *relay)
{
    uint64_t deadline = lp_quic_next_deadline(relay->quic);
    struct lp_addr latest;

    if (untold_refusals(relay, &latest) > 0)
        deadline = lp_time_min(deadline, relay->refusals_ns);
    if (relay->sessions != NULL)
        deadline = lp_time_min(deadline, relay->housekeeping_ns);
    return deadline;
}

static void housekeeping(struct lp_relay *relay, uint64_t now_ns)
{
    uint64_t next_ns = lp_time_add(now_ns, HOUSEKEEPING_NS);
    struct lp_session *session;

    DL_FOREACH (relay->sessions, session) {
        uint64_t hello_ns = lp_time_add(session->accepted_ns, LP_RELAY_HELLO_TIMEOUT_NS);

        lp_sender_expire(&session->sender, now_ns);
        if (session->state == LP_SESSION_JOINED)
            lp_session_expire_pieces(session, now_ns);
        else if (session->state == LP_SESSION_AWAITS_HELLO && now_ns >= hello_ns)
            lp_session_protocol_error(session, "no hello within 5 s");
        else if (session->state == LP_SESSION_AWAITS_HELLO)
            next_ns = lp_time_min(next_ns, hello_ns);
    }
    relay->housekeeping_ns = next_ns;
}

/* The first at once, then what came in a second as one number: a flood must not fill the log. */
static void tell_refusals(struct lp_relay *relay, uint64_t now_ns)
{
    struct lp_relay_event event = {.kind = LP_RELAY_SOURCE_REFUSED, .room = "", .name = ""};
    uint64_t count = untold_refusals(relay, &event.remote);

    if (count == 0 || now_ns < relay->refusals_ns)
        return;
    event.text = "";
    event.count = (unsigned)count;
    lp_relay_emit(relay, &event);
    relay->refusals_told += count;
    relay->refusals_ns = lp_time_add(now_ns, REFUSALS_TOLD_NS);
}

void lp_relay_on_deadline(struct lp_relay *relay, uint64_t now_ns)
{
    lp_quic_on_deadline(relay->quic, now_ns);
    tell_refusals(relay, now_ns);
    if (now_ns >= relay->housekeeping_ns)
        housekeeping(relay, now_ns);
}

void lp_relay_shutdown(struct lp_relay *relay, uint64_t now_ns)
{
    struct lp_session *session;

    (void)now_ns;
    relay->shutting_down = true;
    DL_FOREACH (relay->sessions, session)
        lp_quic_close(session->conn, LP_QUIC_APP_SHUTDOWN, "the relay is shutting down");
}

unsigned lp_relay_room_count(const struct lp_relay *relay)
{
    return relay->room_count;
}

unsigned lp_relay_peer_count(const struct lp_relay *relay)
{
    return relay->peer_count;
}

void lp_relay_each_peer(const struct lp_relay *relay,
                        void (*each)(void *user, const struct lp_relay_peer_view *peer),
                        void *user)
{
    const struct lp_session *session;

    DL_FOREACH (relay->sessions, session) {
        struct lp_relay_peer_view view = {
            .peer_id = session->member.peer_id,
            .role = session->member.role,
            .counters = &session->counters,
            .queued_frames = session->egress.packets,
            .stats = session->has_stats ? &session->stats : NULL,
        };

        if (session->state != LP_SESSION_JOINED)
            continue;
        view.room_id = session->room->room.id;
        view.room = session->room->room.code;
        view.room_mtu = session->room->room.mtu;
        view.waiting_pieces = lp_room_waiting_pieces(&session->member);
        each(user, &view);
    }
}
