#include "hostile.h"

#include <stdlib.h>
#include <string.h>

#include "attack.h"
#include "base/wire.h"
#include "proto/control.h"
#include "traffic.h"

#define STREAM_HOSTILE  0x424144
#define QUEUE_MAX       256
#define INTERVAL_MAX_NS (250 * LP_NS_PER_MS)
#define JOIN_TIME_NS                                                                           \
    (2 * LP_NS_PER_S) /* nobody joins while the maps of the room are compared */
#define FIRST_PIECES  256
#define RETURN_MAX_NS (1500 * LP_NS_PER_MS)

struct datagram {
    size_t len;
    uint8_t bytes[SIM_ATTACK_DATAGRAM_MAX];
};

/* A first piece that came lately and whose second has not. */
struct first_piece {
    uint32_t peer_id; /* 0 = free */
    uint16_t id;
};

struct sim_hostile {
    struct sim_party *party;
    struct sim_prng prng;
    struct lp_quic *quic;
    struct lp_quic_conn *conn;
    bool joined;
    bool touched;
    bool impersonates; /* this connection's hello claimed somebody else's seat */
    bool leaves_at_once;
    struct sim_attacker attacker;
    struct first_piece first[FIRST_PIECES];
    unsigned first_at;
    struct datagram queue[QUEUE_MAX];
    unsigned queue_at;
    unsigned queue_count;
};

/* ---- control
 * ------------------------------------------------------------------------------------ */

static void send_message(struct sim_hostile *hostile, const struct lp_control *message,
                         bool hello)
{
    uint8_t frame[4096];
    int len = lp_control_encode(message, frame, sizeof(frame));

    if (len < 0)
        sim_fail(hostile->party, "the hostile player cannot encode its message");
    else if (hello)
        lp_quic_send_hello(hostile->conn, frame, (size_t)len);
    else
        lp_quic_send_control(hostile->conn, frame, (size_t)len);
}

static void send_text(struct sim_hostile *hostile, bool hello, const char *body)
{
    size_t len = strlen(body);
    uint8_t frame[512];

    lp_store_be32(frame, (uint32_t)len);
    memcpy(frame + LP_CONTROL_PREFIX_LEN, body, len);
    if (hello)
        lp_quic_send_hello(hostile->conn, frame, len + LP_CONTROL_PREFIX_LEN);
    else
        lp_quic_send_control(hostile->conn, frame, len + LP_CONTROL_PREFIX_LEN);
}

/* In the time of trouble it also tries to sit on others' seats. */
static void send_hello(struct sim_hostile *hostile)
{
    struct sim_party *party = hostile->party;
    struct lp_control message = {
        .type = LP_CONTROL_HELLO,
        .hello =
            {
                .version = LP_CONTROL_VERSION,
                .role = LP_ROLE_CLIENT,
                .has_mac = true,
                .mac = sim_station_mac(SIM_HOSTILE),
                .datagram_budget = 65535,
                .capabilities = LP_CAP_PIECES,
                .name = SIM_HOSTILE_NAME " \"player\" room=bravo",
            },
    };

    strcpy(message.hello.room, sim_room_code(party->plan.hostile_room));
    switch (party->healed ? 11 : sim_prng_below(&hostile->prng, 12)) {
    case 0:
        send_text(hostile, true, "{\"type\":\"hello\",\"version\":1,");
        return;
    case 1:
        send_text(hostile, true, "{\"type\":\"stats\",\"rtt_us\":1,\"counters\":{}}");
        return;
    case 2: /* nothing at all */
        return;
    case 3:
        hostile->impersonates = true;
        message.hello.mac = sim_station_mac((unsigned)sim_prng_below(&hostile->prng, 4));
        message.hello.has_seat_secret = true;
        sim_prng_fill(&hostile->prng, message.hello.seat_secret, LP_SEAT_SECRET_LEN);
        break;
    case 4:
        hostile->impersonates = true;
        message.hello.role = LP_ROLE_GATEWAY;
        message.hello.has_mac = false;
        break;
    case 5: /* takes less than the room's frames need, and no pieces */
        message.hello.datagram_budget = 700;
        message.hello.capabilities = 0;
        break;
    case 6:
        hostile->leaves_at_once = true;
        break;
    default:
        break;
    }
    send_message(hostile, &message, true);
}

static void attack_control(struct sim_hostile *hostile)
{
    struct lp_control disconnect = {.type = LP_CONTROL_DISCONNECT,
                                    .disconnect = {.reason = LP_LEAVE_KICKED}};
    struct lp_control joined = {
        .type = LP_CONTROL_PEER_JOINED,
        .peer_joined = {.peer_id = 77, .seq = 1000, .role = LP_ROLE_GATEWAY}};
    struct lp_control stats = {.type = LP_CONTROL_STATS, .stats = {.rtt_us = 1}};
    uint64_t count = sim_prng_between(&hostile->prng, 20, 200);

    switch (sim_prng_below(&hostile->prng, 6)) {
    case 0:
        send_message(hostile, &disconnect, false);
        break;
    case 1:
        send_message(hostile, &joined, false);
        break;
    case 2:
        send_text(hostile, false, "[[[[[[[[[[[[");
        break;
    case 3:
        send_text(hostile, false, "{\"type\":\"open_sesame\"}");
        break;
    default: /* many, each right */
        while (count-- > 0)
            send_message(hostile, &stats, false);
        break;
    }
}

static void on_control(void *user, struct lp_quic_conn *conn, bool hello_stream,
                       const uint8_t *body, size_t len, uint64_t now_ns)
{
    struct sim_hostile *hostile = user;
    struct lp_control message;
    char why[LP_CONTROL_WHY_LEN];

    (void)hello_stream;
    (void)now_ns;
    if (conn != hostile->conn)
        return;
    if (lp_control_decode(body, len, &message, why, NULL) < 0) {
        sim_fail(hostile->party, "the relay sent a bad control message: %s", why);
        return;
    }
    if (message.type != LP_CONTROL_WELCOME)
        return;
    if (hostile->impersonates || hostile->leaves_at_once) {
        lp_quic_close(hostile->conn, LP_QUIC_APP_NORMAL, "");
        return;
    }
    hostile->joined = true;
    hostile->attacker.room_id = message.welcome.room_id;
    hostile->attacker.peer_id = message.welcome.peer_id;
}

/* ---- datagrams
 * ---------------------------------------------------------------------------------- */

static void enqueue(void *user, const uint8_t *datagram, size_t len)
{
    struct sim_hostile *hostile = user;
    struct datagram *slot;

    if (hostile->queue_count == QUEUE_MAX)
        return;
    slot = &hostile->queue[(hostile->queue_at + hostile->queue_count++) % QUEUE_MAX];
    slot->len = len;
    memcpy(slot->bytes, datagram, len);
}

static bool on_egress_next(void *user, struct lp_quic_conn *conn,
                           struct lp_quic_datagram *ret_next, uint64_t now_ns)
{
    struct sim_hostile *hostile = user;
    const struct datagram *head = &hostile->queue[hostile->queue_at];

    (void)now_ns;
    if (conn != hostile->conn || hostile->queue_count == 0)
        return false;
    *ret_next = (struct lp_quic_datagram){.header = head->bytes, .header_len = head->len};
    return true;
}

static void on_egress_taken(void *user, struct lp_quic_conn *conn,
                            enum lp_quic_egress_result result, uint64_t now_ns)
{
    struct sim_hostile *hostile = user;

    (void)conn;
    (void)result;
    (void)now_ns;
    hostile->queue_at = (hostile->queue_at + 1) % QUEUE_MAX;
    hostile->queue_count--;
}

/* Its path keeps the order, so a second piece always comes after its first: none comes alone.
 */
static void check_piece(struct sim_hostile *hostile, const struct lp_overlay *overlay)
{
    if (!overlay->piece.second) {
        hostile->first[hostile->first_at++ % FIRST_PIECES] =
            (struct first_piece){.peer_id = overlay->peer_id, .id = overlay->piece.id};
        return;
    }
    for (unsigned i = 0; i < FIRST_PIECES; i++) {
        struct first_piece *first = &hostile->first[i];

        if (first->peer_id == overlay->peer_id && first->id == overlay->piece.id) {
            first->peer_id = 0;
            return;
        }
    }
    sim_fail(hostile->party,
             "the hostile player got the second half of a frame of peer %u alone",
             overlay->peer_id);
}

/* What the relay gives it must be of its own room. */
static void on_datagram(void *user, struct lp_quic_conn *conn, const uint8_t *bytes, size_t len,
                        uint64_t now_ns)
{
    struct sim_hostile *hostile = user;
    struct lp_overlay overlay;
    uint8_t room;

    (void)now_ns;
    if (conn != hostile->conn)
        return;
    if (lp_overlay_decode(bytes, len, LP_OVERLAY_FLAG_PIECE, &overlay) < 0) {
        sim_fail(hostile->party, "the relay sent a bad overlay datagram");
        return;
    }
    if (hostile->joined && (overlay.room_id != hostile->attacker.room_id ||
                            overlay.peer_id == hostile->attacker.peer_id))
        sim_fail(hostile->party, "the hostile player got a datagram of room %u, peer %u",
                 overlay.room_id, overlay.peer_id);
    if ((overlay.flags & LP_OVERLAY_FLAG_PIECE) != 0)
        check_piece(hostile, &overlay);
    if (sim_token_room(overlay.payload, overlay.payload_len, &room) &&
        room != hostile->party->plan.hostile_room)
        sim_fail(hostile->party, "the hostile player got a frame of room %u", room);
}

/* ---- connection
 * --------------------------------------------------------------------------------- */

static void on_connected(void *user, struct lp_quic_conn *conn, uint64_t now_ns)
{
    struct sim_hostile *hostile = user;

    (void)now_ns;
    if (conn == hostile->conn)
        send_hello(hostile);
}

static void connect_again(void *user, void *data, uint64_t now_ns)
{
    struct sim_hostile *hostile = user;
    struct sim_party *party = hostile->party;
    struct lp_addr relay = sim_net_relay_addr();

    (void)data;
    if (now_ns + JOIN_TIME_NS >= party->plan.quiet_ns || hostile->conn != NULL)
        return;
    if (now_ns + JOIN_TIME_NS >= sim_traffic_end(party) && now_ns < party->plan.probe_ns) {
        sim_agenda_add(&party->agenda, party->plan.probe_ns, connect_again, hostile, NULL);
        return;
    }
    sim_net_attach(&party->net, SIM_HOSTILE_ENDPOINT);
    hostile->impersonates = false;
    hostile->leaves_at_once = false;
    memset(hostile->first, 0, sizeof(hostile->first));
    hostile->queue_count = 0;
    if (lp_quic_connect(hostile->quic, &party->net.addr[SIM_HOSTILE_ENDPOINT], &relay,
                        &hostile->conn, now_ns) < 0) {
        sim_agenda_add(&party->agenda, now_ns + RETURN_MAX_NS, connect_again, hostile, NULL);
        return;
    }
    hostile->touched = true;
}

static void on_closed(void *user, struct lp_quic_conn *conn,
                      const struct lp_quic_close_info *info, uint64_t now_ns)
{
    struct sim_hostile *hostile = user;

    sim_say(hostile->party, "hostile player: connection closed: %s", info->reason);
    if (conn != hostile->conn)
        return;
    hostile->conn = NULL;
    hostile->joined = false;
    sim_agenda_add(&hostile->party->agenda,
                   now_ns + sim_prng_below(&hostile->prng, RETURN_MAX_NS), connect_again,
                   hostile, NULL);
}

static int on_transmit(void *user, const struct lp_quic_tx *tx)
{
    struct sim_hostile *hostile = user;

    return sim_transmit(hostile->party, SIM_HOSTILE_ENDPOINT, tx);
}

static void on_random(void *user, void *bytes, size_t len)
{
    struct sim_hostile *hostile = user;

    sim_random(hostile->party, bytes, len);
}

static const struct lp_quic_handler handler = {
    .connected = on_connected,
    .control = on_control,
    .datagram = on_datagram,
    .closed = on_closed,
    .egress_next = on_egress_next,
    .egress_taken = on_egress_taken,
    .transmit = on_transmit,
};

/* ---- what it does when
 * -------------------------------------------------------------------------- */

/* Before and after the probes it is quiet, so that what is counted on both ends can be
 * compared. */
static bool is_pause(const struct sim_party *party, uint64_t now_ns)
{
    return now_ns >= sim_traffic_end(party) && now_ns < party->plan.probe_ns;
}

static void on_timer(void *user, void *data, uint64_t now_ns)
{
    struct sim_hostile *hostile = user;
    struct sim_party *party = hostile->party;

    (void)data;
    if (now_ns >= party->plan.quiet_ns)
        return;
    sim_agenda_add(&party->agenda, now_ns + sim_prng_below(&hostile->prng, INTERVAL_MAX_NS),
                   on_timer, hostile, NULL);
    if (!hostile->joined || is_pause(party, now_ns))
        return;
    hostile->touched = true;
    if (sim_prng_chance(&hostile->prng, SIM_PPM / 20)) {
        attack_control(hostile);
        return;
    }
    sim_attack(&hostile->attacker, party->healed);
    lp_quic_wake(hostile->conn);
}

void sim_hostile_new(struct sim_party *party, uint64_t start_ns)
{
    struct sim_hostile *hostile = sim_alloc(sizeof(*hostile));
    struct lp_quic_config config = {
        .max_connections = 4,
        .tls = party->tls->client,
        .random = on_random,
        .handler = &handler,
        .user = hostile,
    };

    hostile->party = party;
    sim_prng_seed(&hostile->prng, party->options.seed, STREAM_HOSTILE);
    hostile->attacker = (struct sim_attacker){
        .party = party, .prng = &hostile->prng, .send = enqueue, .user = hostile};
    party->hostile = hostile;
    if (lp_quic_new(&config, &hostile->quic) < 0) {
        sim_fail(party, "no endpoint for the hostile player");
        return;
    }
    sim_agenda_add(&party->agenda, start_ns, connect_again, hostile, NULL);
    sim_agenda_add(&party->agenda, start_ns, on_timer, hostile, NULL);
}

void sim_hostile_free(struct sim_hostile *hostile)
{
    if (hostile == NULL)
        return;
    lp_quic_free(hostile->quic);
    free(hostile);
}

void sim_hostile_receive(struct sim_hostile *hostile, const struct lp_addr *local,
                         const struct lp_addr *remote, uint8_t ecn, const uint8_t *bytes,
                         size_t len)
{
    lp_quic_receive(hostile->quic, local, remote, ecn, bytes, len, hostile->party->now_ns);
    hostile->touched = true;
}

void sim_hostile_on_writable(struct sim_hostile *hostile)
{
    lp_quic_on_writable(hostile->quic, hostile->party->now_ns);
}

uint64_t sim_hostile_next_deadline(const struct sim_hostile *hostile)
{
    return lp_quic_next_deadline(hostile->quic);
}

void sim_hostile_run(struct sim_hostile *hostile)
{
    uint64_t now_ns = hostile->party->now_ns;

    if (lp_quic_next_deadline(hostile->quic) <= now_ns) {
        lp_quic_on_deadline(hostile->quic, now_ns);
        hostile->touched = true;
    }
    if (hostile->touched)
        lp_quic_flush(hostile->quic, now_ns);
    hostile->touched = false;
}
