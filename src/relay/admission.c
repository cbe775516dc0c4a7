/* Memory that runs out is an answer here, not the end of the process. */
#define HASH_NONFATAL_OOM 1

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "base/err.h"
#include "proto/mtu.h"
#include "relay/session.h"

/* What a relay of this release understands. */
#define RELAY_CAPABILITIES (LP_CAP_PIECES | LP_CAP_SEQUENCE | LP_CAP_TIMING)

static int send_message(struct lp_session *session, const struct lp_control *message,
                        bool hello)
{
    uint8_t frame[4096]; /* everything that a relay says is far smaller */
    int len = lp_control_encode(message, frame, sizeof(frame));

    if (len < 0)
        return len;
    return hello ? lp_quic_send_hello(session->conn, frame, (size_t)len)
                 : lp_quic_send_control(session->conn, frame, (size_t)len);
}

static void reject(struct lp_session *session, enum lp_reject_code code, const char *why)
{
    struct lp_control message = {.type = LP_CONTROL_REJECT, .reject = {.code = code}};
    struct lp_relay_event event = lp_session_event(session, LP_RELAY_PEER_REJECTED);

    snprintf(message.reject.text, sizeof(message.reject.text), "%s", why);
    event.reject_code = code;
    event.text = why;
    lp_relay_emit(session->relay, &event);
    session->state = LP_SESSION_CLOSING;
    send_message(session, &message, true);
    lp_quic_close(session->conn, LP_QUIC_APP_REJECTED, lp_reject_name(code));
}

/* ---- rooms
 * ------------------------------------------------------------------------------------ */

static struct lp_relay_room *find_room(struct lp_relay *relay, const char *code)
{
    struct lp_relay_room *room;

    HASH_FIND(by_code, relay->rooms, code, strlen(code), room);
    return room;
}

static struct lp_relay_room *create_room(struct lp_relay *relay, const char *code, unsigned mtu)
{
    struct lp_relay_room *room = calloc(1, sizeof(*room));
    struct lp_fdb_salt salt;
    struct lp_relay_event event = {.kind = LP_RELAY_ROOM_CREATED, .name = "", .text = ""};

    if (room == NULL)
        return NULL;
    relay->config.random(relay->config.user, &salt, sizeof(salt));
    lp_room_init(&room->room, ++relay->last_room_id, code, mtu, &salt);
    room->room.flow_key = relay->flow_key;
    HASH_ADD_KEYPTR(by_code, relay->rooms, room->room.code, strlen(room->room.code), room);
    if (room->by_code.tbl == NULL) {
        lp_room_deinit(&room->room);
        free(room);
        return NULL;
    }
    relay->room_count++;
    event.room = room->room.code;
    event.room_id = room->room.id;
    event.mtu = mtu;
    lp_relay_emit(relay, &event);
    return room;
}

static void remove_room_if_empty(struct lp_relay *relay, struct lp_relay_room *room)
{
    struct lp_relay_event event = {.kind = LP_RELAY_ROOM_REMOVED, .name = "", .text = ""};

    if (!lp_room_is_empty(&room->room))
        return;
    event.room = room->room.code;
    event.room_id = room->room.id;
    lp_relay_emit(relay, &event);
    HASH_DELETE(by_code, relay->rooms, room);
    relay->room_count--;
    lp_room_deinit(&room->room);
    free(room);
}

/* ---- notices
 * ---------------------------------------------------------------------------------- */

static void notice_lost(struct lp_session *to, int err)
{
    struct lp_relay_event event = lp_session_event(to, LP_RELAY_NOTICE_LOST);

    event.text = lp_err_text(err);
    lp_relay_emit(to->relay, &event);
}

/* Best effort: who is stuck must not keep the others from knowing. */
static void notify_others(struct lp_session *session, const struct lp_control *message)
{
    struct lp_room *room = &session->room->room;

    if (session->relay->shutting_down) /* each is told by the end of its own connection */
        return;
    for (unsigned slot = 0; slot < LP_ROOM_SLOTS; slot++) {
        struct lp_member *member = room->member[slot];
        int err;

        if (member == NULL || member == &session->member)
            continue;
        err = send_message(lp_session_of(member), message, false);
        if (err < 0)
            notice_lost(lp_session_of(member), err);
    }
}

static struct lp_control joined_message(struct lp_session *about)
{
    struct lp_control message = {
        .type = LP_CONTROL_PEER_JOINED,
        .peer_joined =
            {
                .peer_id = about->member.peer_id,
                .seq = lp_room_next_seq(&about->room->room),
                .role = about->member.role,
                .has_mac = about->member.role == LP_ROLE_CLIENT,
                .mac = about->member.mac,
            },
    };

    memcpy(message.peer_joined.name, about->name, sizeof(message.peer_joined.name));
    return message;
}

static void tell_joined(struct lp_session *session)
{
    struct lp_control message = joined_message(session);

    notify_others(session, &message);
}

/* Everyone who is there already, for the newcomer. Mandatory. */
static int catch_up(struct lp_session *session)
{
    struct lp_room *room = &session->room->room;

    for (unsigned slot = 0; slot < LP_ROOM_SLOTS; slot++) {
        struct lp_control message;
        int err;

        if (room->member[slot] == NULL || room->member[slot] == &session->member)
            continue;
        message = joined_message(lp_session_of(room->member[slot]));
        err = send_message(session, &message, false);
        if (err < 0)
            return err;
    }
    return 0;
}

static int send_welcome(struct lp_session *session)
{
    struct lp_room *room = &session->room->room;
    bool limited = session->member.role == LP_ROLE_CLIENT; /* the party's LAN is not */
    struct lp_control message = {
        .type = LP_CONTROL_WELCOME,
        .welcome =
            {
                .peer_id = session->member.peer_id,
                .room_id = room->id,
                .mtu = room->mtu,
                .gateway_connected = room->gateway != NULL,
                .gateway_peer_id = room->gateway != NULL ? room->gateway->peer_id : 0,
                .mode = "relay",
                .has_seat_secret = true,
                .capabilities = RELAY_CAPABILITIES,
                .limits = limited ? session->relay->config.limits : (struct lp_limits){0},
            },
    };

    memcpy(message.welcome.seat_secret, session->seat_secret, LP_SEAT_SECRET_LEN);
    return send_message(session, &message, true);
}

/* ---- joining
 * ---------------------------------------------------------------------------------- */

/* Secrets are compared in constant time: how far a guess was right must not show. */
static bool same_secret(const uint8_t *a, const uint8_t *b)
{
    uint8_t difference = 0;

    for (size_t i = 0; i < LP_SEAT_SECRET_LEN; i++)
        difference = (uint8_t)(difference | (a[i] ^ b[i]));
    return difference == 0;
}

/*
 * The secret of the seat; or the one that the hello for it showed: a peer whose welcome was
 * lost on the way knows no other.
 */
static bool shows_seat(const struct lp_session *session, const struct lp_hello *hello)
{
    return same_secret(session->seat_secret, hello->seat_secret) ||
           (session->has_hello_secret &&
            same_secret(session->hello_secret, hello->seat_secret));
}

/* The session that already sits where this hello wants to, NULL when the secret does not show
 * it. */
static struct lp_session *find_seat(struct lp_relay_room *room, const struct lp_hello *hello)
{
    struct lp_member *member = hello->role == LP_ROLE_GATEWAY
                                   ? room->room.gateway
                                   : lp_room_find_mac(&room->room, &hello->mac);

#ifdef LP_FAULT_SEAT_WITHOUT_SECRET /* planted fault: knowing the MAC is enough */
    return member != NULL ? lp_session_of(member) : NULL;
#endif
    if (member == NULL || !hello->has_seat_secret || !shows_seat(lp_session_of(member), hello))
        return NULL;
    return lp_session_of(member);
}

/* The largest adapter MTU whose frames reach this peer whole. */
static unsigned peer_mtu(const struct lp_session *session)
{
    return (unsigned)lp_mtu_tap(session->receive_ceiling);
}

static bool can_carry(const struct lp_session *session, unsigned mtu)
{
    if (peer_mtu(session) >= mtu)
        return true;
    return (session->member.overlay_flags & LP_OVERLAY_FLAG_PIECE) != 0 &&
           session->receive_ceiling >= LP_OVERLAY_HEADER_MAX + LP_PIECE_FIRST_LEN;
}

/* Old connection out, new one in; nobody else hears of it. */
static void take_over(struct lp_session *session, struct lp_session *old)
{
    session->room = old->room;
    lp_room_replace(&session->room->room, &old->member, &session->member);
    memcpy(session->seat_secret, old->seat_secret, LP_SEAT_SECRET_LEN);
    session->has_hello_secret = old->has_hello_secret;
    memcpy(session->hello_secret, old->hello_secret, LP_SEAT_SECRET_LEN);
    old->room = NULL;
    old->state = LP_SESSION_CLOSING;
    lp_egress_clear(&old->egress);
    lp_quic_close(old->conn, LP_QUIC_APP_REPLACED, "this seat was taken over by its owner");
}

static void take_hello(struct lp_session *session, const struct lp_hello *hello)
{
    struct lp_quic_conn_info info;

    lp_quic_conn_info(session->conn, &info);
    session->receive_ceiling = hello->datagram_budget < info.peer_max_datagram
                                   ? hello->datagram_budget
                                   : info.peer_max_datagram;
    session->member.role = hello->role;
    if (hello->has_mac)
        session->member.mac = hello->mac;
    if ((hello->capabilities & RELAY_CAPABILITIES & LP_CAP_PIECES) != 0)
        session->member.overlay_flags |= LP_OVERLAY_FLAG_PIECE;
    if ((hello->capabilities & RELAY_CAPABILITIES & LP_CAP_SEQUENCE) != 0)
        session->member.overlay_flags |= LP_OVERLAY_FLAG_SEQUENCE;
    session->has_timing = (hello->capabilities & RELAY_CAPABILITIES & LP_CAP_TIMING) != 0;
    memcpy(session->name, hello->name, sizeof(session->name));
}

/* Finds or makes the room; 0 or the code to reject with. */
static int enter_room(struct lp_session *session, const struct lp_hello *hello, uint64_t now_ns)
{
    struct lp_relay *relay = session->relay;
    const struct lp_relay_config *config = &relay->config;
    struct lp_relay_room *room = find_room(relay, hello->room);
    unsigned mtu = config->mtu;
    int code;

    if (room == NULL) {
        if (peer_mtu(session) < mtu)
            mtu = peer_mtu(session);
        if (mtu < LP_ROOM_MTU_MIN)
            return LP_REJECT_MTU_UNSUPPORTED;
        if (relay->room_count >= config->max_rooms)
            return LP_REJECT_RELAY_FULL;
        room = create_room(relay, hello->room, mtu);
        if (room == NULL)
            return LP_REJECT_RELAY_FULL;
    } else if (!can_carry(session, room->room.mtu)) {
#ifdef LP_FAULT_MTU_CHANGES /* planted fault: the room shrinks for a later peer */
        room->room.mtu = peer_mtu(session);
#else
        return LP_REJECT_MTU_UNSUPPORTED;
#endif
    }
    code = lp_room_add(&room->room, &session->member, &config->limits, config->max_clients,
                       now_ns);
    if (code != 0) {
        remove_room_if_empty(relay, room);
        return code;
    }
    session->room = room;
    config->random(config->user, session->seat_secret, LP_SEAT_SECRET_LEN);
    session->has_hello_secret = hello->has_seat_secret;
    memcpy(session->hello_secret, hello->seat_secret, LP_SEAT_SECRET_LEN);
    return 0;
}

/*
 * The order is deliberate, so that no frame comes from a peer that nobody knows: a client is
 * told to the others before it hears welcome, a gateway knows the clients before they may use
 * it.
 */
static int announce(struct lp_session *session)
{
    int err;

    if (session->member.role == LP_ROLE_CLIENT)
        tell_joined(session);
    err = send_welcome(session);
    if (err == 0)
        err = catch_up(session);
    if (err == 0 && session->member.role == LP_ROLE_GATEWAY)
        tell_joined(session);
    return err;
}

static void join(struct lp_session *session, const struct lp_hello *hello, uint64_t now_ns)
{
    struct lp_relay *relay = session->relay;
    struct lp_relay_room *room = find_room(relay, hello->room);
    struct lp_session *old = room != NULL ? find_seat(room, hello) : NULL;
    struct lp_relay_event event;
    bool resumes;
    int err;

    take_hello(session, hello);
    resumes = old != NULL && can_carry(session, room->room.mtu);
    if (resumes) {
        take_over(session, old);
        session->state = LP_SESSION_JOINED;
        err = send_welcome(session);
        if (err == 0)
            err = catch_up(session);
    } else {
        int code = enter_room(session, hello, now_ns);

        if (code != 0) {
            reject(session, (enum lp_reject_code)code,
                   lp_reject_text((enum lp_reject_code)code));
            return;
        }
        relay->peer_count++;
        session->state = LP_SESSION_JOINED;
        err = announce(session);
    }
    if (err < 0) {
        lp_session_leave(session, LP_LEAVE_JOIN_FAILED, lp_err_text(err));
        lp_quic_close(session->conn, LP_QUIC_APP_PROTOCOL_ERROR, "joining failed");
        return;
    }
    lp_quic_admit(session->conn);
    event = lp_session_event(session, resumes ? LP_RELAY_PEER_RESUMED : LP_RELAY_PEER_JOINED);
    lp_relay_emit(relay, &event);
}

/* ---- leaving
 * ---------------------------------------------------------------------------------- */

void lp_session_leave(struct lp_session *session, enum lp_leave_reason reason,
                      const char *detail)
{
    struct lp_relay *relay = session->relay;
    struct lp_relay_room *room = session->room;
    struct lp_control message = {.type = LP_CONTROL_PEER_LEFT};
    struct lp_relay_event event;

    session->state = LP_SESSION_CLOSING;
    if (room == NULL)
        return;
    event = lp_session_event(session, LP_RELAY_PEER_LEFT);
    event.leave_reason = reason;
    event.text = detail;
    lp_relay_emit(relay, &event);
    message.peer_left.peer_id = session->member.peer_id;
    message.peer_left.seq = lp_room_next_seq(&room->room);
    message.peer_left.reason = reason;
    notify_others(session, &message);
    lp_room_remove(&room->room, &session->member);
    lp_egress_clear(&session->egress);
    session->room = NULL;
    relay->peer_count--;
    remove_room_if_empty(relay, room);
}

void lp_session_protocol_error(struct lp_session *session, const char *what)
{
    struct lp_relay_event event = lp_session_event(session, LP_RELAY_PEER_ERROR);

    event.text = what;
    lp_relay_emit(session->relay, &event);
    lp_session_leave(session, LP_LEAVE_PROTOCOL_ERROR, what);
    lp_quic_close(session->conn, LP_QUIC_APP_PROTOCOL_ERROR, what);
}

/* ---- messages
 * --------------------------------------------------------------------------------- */

static void on_hello_stream(struct lp_session *session, const uint8_t *body, size_t len,
                            uint64_t now_ns)
{
    struct lp_control message;
    enum lp_reject_code code = 0;
    char why[LP_CONTROL_WHY_LEN];

    if (session->state != LP_SESSION_AWAITS_HELLO) {
        lp_session_protocol_error(session, "a second message on the hello stream");
        return;
    }
    if (lp_control_decode(body, len, &message, why, &code) < 0) {
        if (code != 0)
            reject(session, code, why);
        else
            lp_session_protocol_error(session, why);
    } else if (message.type == LP_CONTROL_HELLO) {
        join(session, &message.hello, now_ns);
    } else {
        lp_session_protocol_error(session, "the first message must be hello");
    }
}

static void on_message(struct lp_session *session, const uint8_t *body, size_t len)
{
    struct lp_control message;
    struct lp_relay_event event;
    char why[LP_CONTROL_WHY_LEN];

    if (lp_control_decode(body, len, &message, why, NULL) < 0) {
        lp_session_protocol_error(session, why);
        return;
    }
    switch (message.type) {
    case LP_CONTROL_STATS:
        session->stats = message.stats;
        session->has_stats = true;
        event = lp_session_event(session, LP_RELAY_PEER_STATS);
        event.stats = &session->stats;
        lp_relay_emit(session->relay, &event);
        break;
    case LP_CONTROL_DISCONNECT:
        lp_session_leave(session, message.disconnect.reason, "the peer said goodbye");
        lp_quic_close(session->conn, LP_QUIC_APP_NORMAL, "goodbye");
        break;
    default:
        lp_session_protocol_error(session, "a control message that peers do not send");
        break;
    }
}

void lp_session_on_control(struct lp_session *session, bool hello_stream, const uint8_t *body,
                           size_t len, uint64_t now_ns)
{
    if (hello_stream)
        on_hello_stream(session, body, len, now_ns);
    else if (session->state == LP_SESSION_AWAITS_HELLO)
        lp_session_protocol_error(session, "a control message before hello");
    else if (!lp_bucket_take(&session->control, 1, now_ns)) /* each is parsed and logged */
        lp_session_protocol_error(session, "too many control messages");
    else
        on_message(session, body, len);
}
