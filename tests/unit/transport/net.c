#include "net.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/wire.h"

static struct net_side *peer_of(struct net_side *side)
{
    return side->server ? &side->net->client : &side->net->server;
}

uint64_t net_random(struct net *net)
{
    net->random ^= net->random << 13;
    net->random ^= net->random >> 7;
    net->random ^= net->random << 17;
    return net->random;
}

static void fill_random(void *user, void *bytes, size_t len)
{
    struct net_side *side = user;

    for (size_t i = 0; i < len; i++)
        ((uint8_t *)bytes)[i] = (uint8_t)(net_random(side->net) >> 11);
}

static int on_accept(void *user, struct lp_quic_conn *conn, uint64_t now_ns)
{
    struct net_side *side = user;

    (void)now_ns;
    side->accepted++;
    side->conn = conn;
    lp_quic_conn_set_user(conn, side);
    return side->accept_result;
}

static void on_connected(void *user, struct lp_quic_conn *conn, uint64_t now_ns)
{
    struct net_side *side = user;

    (void)now_ns;
    side->connected++;
    side->conn = conn;
}

static void on_control(void *user, struct lp_quic_conn *conn, bool hello, const uint8_t *body,
                       size_t len, uint64_t now_ns)
{
    static uint8_t answer[4 + 65536];
    struct net_side *side = user;

    assert_true(len <= sizeof side->last_control);
    assert_int_equal(now_ns, side->net->now_ns);
    side->controls++;
    side->last_hello = hello;
    side->last_control_len = len;
    memcpy(side->last_control, body, len);
    if (side->answer_len > 0)
        lp_quic_send_hello(conn, answer, net_frame(answer, side->answer_len, 'r'));
    if (side->close_on_control != NULL)
        lp_quic_close(conn, LP_QUIC_APP_REJECTED, side->close_on_control);
}

static void on_datagram(void *user, struct lp_quic_conn *conn, const uint8_t *bytes, size_t len,
                        uint64_t now_ns)
{
    struct net_side *side = user;

    assert_true(len <= sizeof side->last_datagram);
    if (side->timed && len == LP_TIMING_LEN && lp_timing_is_one(bytes, len)) {
        struct lp_timing timing;

        assert_int_equal(lp_timing_decode(bytes, len, 1, 7, &timing), 0);
        lp_quic_timing(conn, &timing, now_ns);
        return;
    }
    side->datagrams++;
    side->datagram_bytes += len;
    memcpy(side->last_datagram, bytes, len);
    side->last_datagram_len = len;
    side->last_heard_ns = now_ns;
    if (side->echo) {
        net_push(side, len);
        lp_quic_wake(conn);
    }
}

static void on_closed(void *user, struct lp_quic_conn *conn,
                      const struct lp_quic_close_info *info, uint64_t now_ns)
{
    struct net_side *side = user;

    (void)now_ns;
    side->closed++;
    side->info = *info;
    if (side->conn == conn)
        side->conn = NULL;
    /* A handler may do this at any time; on what is over it has no effect. */
    lp_quic_close(conn, LP_QUIC_APP_NORMAL, NULL);
    lp_quic_wake(conn);
    assert_int_equal(lp_quic_send_control(conn, (const uint8_t *)"\0\0\0\1{", 5),
                     LP_ERR_CLOSED);
}

static size_t on_timing(void *user, struct lp_quic_conn *conn, const struct lp_timing *timing,
                        uint8_t *bytes, size_t capacity)
{
    struct net_side *side = user;

    (void)conn;
    if (!side->timed)
        return 0;
    side->asked += timing->asks;
    side->answered += timing->answers;
    return (size_t)lp_timing_encode(timing, 1, 7, bytes, capacity);
}

static bool on_egress_next(void *user, struct lp_quic_conn *conn, struct lp_quic_datagram *next,
                           uint64_t now_ns)
{
    struct net_side *side = user;
    size_t size;

    (void)conn;
    (void)now_ns;
    if (side->size_at == side->size_count)
        return false;
    size = side->sizes[side->size_at];
    memset(side->header, (int)(side->size_at & 0xff), sizeof side->header);
    memset(side->body, (int)(side->size_at & 0xff), sizeof side->body);
    next->id = side->size_at + 1;
    next->apart = side->apart;
    next->header = side->header;
    next->header_len = size < 12 ? size : 12;
    next->body = side->body;
    next->body_len = size - next->header_len;
    return true;
}

static void on_egress_taken(void *user, struct lp_quic_conn *conn,
                            enum lp_quic_egress_result result, uint64_t now_ns)
{
    struct net_side *side = user;

    (void)conn;
    (void)now_ns;
    side->size_at++;
    if (result == LP_QUIC_EGRESS_SENT)
        side->sent++;
    else
        side->too_big++;
}

static void on_datagram_acked(void *user, struct lp_quic_conn *conn, uint64_t id,
                              uint64_t now_ns)
{
    struct net_side *side = user;

    (void)conn;
    (void)now_ns;
    assert_in_range(id, 1, side->size_count);
    side->acked++;
}

static void on_datagram_lost(void *user, struct lp_quic_conn *conn, uint64_t id,
                             uint64_t now_ns)
{
    struct net_side *side = user;

    (void)conn;
    (void)now_ns;
    assert_in_range(id, 1, side->size_count);
    side->lost++;
}

static void carry(struct net_side *side, const struct lp_quic_tx *tx, const uint8_t *bytes,
                  size_t len)
{
    struct net *net = side->net;
    struct net_packet *packet;

    assert_true(len <= sizeof packet->bytes);
    side->packets++;
    if (len > side->largest)
        side->largest = len;
    if (side->partitioned || len > side->mtu ||
        (side->loss > 0 && net_random(net) % side->loss == 0))
        return;
    assert_true(net->queued < NET_PACKETS_MAX);
    packet = &net->queue[net->queued++];
    packet->from = side;
    packet->at_ns = net->now_ns + net->delay_ns;
    if (net->reorder)
        packet->at_ns += net_random(net) % (5 * LP_NS_PER_MS);
    packet->order = net->order++;
    packet->ecn = tx->ecn;
    packet->len = len;
    memcpy(packet->bytes, bytes, len);
    if (net->tamper != NULL)
        net->tamper(net, packet);
}

static int on_transmit(void *user, const struct lp_quic_tx *tx)
{
    struct net_side *side = user;

    if (side->full) {
        side->agains++;
        return LP_ERR_AGAIN;
    }
    assert_true(tx->len > 0 && tx->len <= LP_QUIC_TX_MAX);
    assert_true((tx->len + tx->segment_len - 1) / tx->segment_len <= LP_QUIC_TX_SEGMENTS_MAX);
    assert_true(lp_addr_equal(&tx->local, &side->addr));
    if (!lp_addr_equal(&tx->remote, &peer_of(side)->seen_as))
        return 0; /* the NAT has forgotten that address */
    if (tx->segment_len > side->mtu) {
        side->refused++;
        return LP_ERR_IO; /* as the kernel: nothing of it leaves */
    }
    side->transmits++;
    side->ecn_seen |= tx->ecn;
    for (size_t at = 0; at < tx->len; at += tx->segment_len) {
        size_t left = tx->len - at;

        carry(side, tx, tx->bytes + at, left < tx->segment_len ? left : tx->segment_len);
    }
    return 0;
}

static const struct lp_quic_handler handler = {
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

static void open_side(struct net_side *side, struct lp_tls *tls, bool retry)
{
    struct net *net = side->net;
    struct lp_quic_config config = {
        .server = side->server,
        .loop_id = side->server ? 7 : 0,
        .require_retry = retry,
        .max_connections = net->max_connections,
        .max_waiting = net->max_waiting,
        .tls = tls,
        .random = fill_random,
        .handler = &handler,
        .user = side,
    };

    memcpy(config.static_secret, net->secret, sizeof net->secret);
    lp_quic_free(side->quic);
    side->quic = NULL;
    side->conn = NULL;
    assert_int_equal(lp_quic_new(&config, &side->quic), 0);
}

void net_open_server(struct net *net)
{
    open_side(&net->server, net->server_tls, net->retry);
}

void net_open_client(struct net *net)
{
    open_side(&net->client, net->client_tls, false);
}

struct net *net_new(void)
{
    struct net *net = calloc(1, sizeof *net);

    assert_non_null(net);
    net->queue = calloc(NET_PACKETS_MAX, sizeof *net->queue);
    assert_non_null(net->queue);
    net->now_ns = LP_NS_PER_S;
    net->delay_ns = 10 * LP_NS_PER_MS;
    net->random = UINT64_C(0x9e3779b97f4a7c15);
    net->max_connections = 8;
    memset(net->secret, 0x5a, sizeof net->secret);
    net->client = (struct net_side){.net = net, .mtu = 1472};
    net->server = (struct net_side){.net = net, .mtu = 1472, .server = true};
    net->client.addr =
        (struct lp_addr){.family = LP_ADDR_IPV4, .port = 40000, .ip = {192, 0, 2, 1}};
    net->server.addr =
        (struct lp_addr){.family = LP_ADDR_IPV4, .port = 443, .ip = {192, 0, 2, 2}};
    net->client.seen_as = net->client.addr;
    net->server.seen_as = net->server.addr;
    return net;
}

void net_free(struct net *net)
{
    lp_quic_free(net->client.quic);
    lp_quic_free(net->server.quic);
    lp_tls_free(net->client_tls);
    lp_tls_free(net->server_tls);
    free(net->queue);
    free(net);
}

void net_make_tls(struct net *net)
{
    struct lp_tls_client_config config = {.trust = LP_TLS_TRUST_PIN,
                                          .server_name = LP_DEV_SERVER_NAME};
    struct lp_tls_identity id;
    char why[LP_TLS_WHY_LEN];

    assert_int_equal(
        lp_tls_identity_generate(LP_DEV_SERVER_NAME, (int64_t)time(NULL) - 3600, &id), 0);
    assert_int_equal(lp_tls_server_new(id.cert_pem, id.cert_pem_len, id.key_pem, id.key_pem_len,
                                       &net->server_tls, why),
                     0);
    assert_int_equal(lp_tls_fingerprint(id.cert_der, id.cert_der_len, config.pin), 0);
    assert_int_equal(lp_tls_client_new(&config, &net->client_tls, why), 0);
    lp_tls_identity_deinit(&id);
}

struct lp_quic_conn *net_connect(struct net *net)
{
    struct lp_quic_conn *conn = NULL;

    assert_int_equal(lp_quic_connect(net->client.quic, &net->client.addr, &net->server.seen_as,
                                     &conn, net->now_ns),
                     0);
    return conn;
}

static void deliver_due(struct net *net)
{
    for (;;) {
        struct net_packet packet;
        unsigned best = net->queued;
        struct net_side *to;

        for (unsigned i = 0; i < net->queued; i++) {
            const struct net_packet *p = &net->queue[i];

            if (p->at_ns <= net->now_ns &&
                (best == net->queued || p->at_ns < net->queue[best].at_ns ||
                 (p->at_ns == net->queue[best].at_ns && p->order < net->queue[best].order)))
                best = i;
        }
        if (best == net->queued)
            return;
        packet = net->queue[best];
        net->queue[best] = net->queue[--net->queued];
        to = peer_of(packet.from);
        if (to->quic != NULL)
            lp_quic_receive(to->quic, &to->addr, &packet.from->seen_as, packet.ecn,
                            packet.bytes, packet.len, net->now_ns);
    }
}

static void turn(struct net_side *side)
{
    uint64_t now_ns = side->net->now_ns;

    if (side->quic == NULL)
        return;
    if (lp_quic_next_deadline(side->quic) <= now_ns)
        lp_quic_on_deadline(side->quic, now_ns);
    lp_quic_flush(side->quic, now_ns);
}

void net_turn(struct net *net)
{
    deliver_due(net);
    turn(&net->client);
    turn(&net->server);
}

static uint64_t next_event(const struct net *net)
{
    uint64_t next = LP_TIME_NEVER;

    for (unsigned i = 0; i < net->queued; i++)
        next = lp_time_min(next, net->queue[i].at_ns);
    if (net->client.quic != NULL)
        next = lp_time_min(next, lp_quic_next_deadline(net->client.quic));
    if (net->server.quic != NULL)
        next = lp_time_min(next, lp_quic_next_deadline(net->server.quic));
    return next;
}

void net_run(struct net *net, uint64_t for_ns)
{
    uint64_t end_ns = net->now_ns + for_ns;

    for (;;) {
        uint64_t next;

        net_turn(net);
        next = next_event(net);
        if (next > end_ns)
            break;
        assert_true(next > net->now_ns || net->queued > 0);
        if (next > net->now_ns)
            net->now_ns = next;
    }
    net->now_ns = end_ns;
}

void net_handshake(struct net *net)
{
    net_connect(net);
    net_run(net, LP_NS_PER_S);
    assert_int_equal(net->client.connected, 1);
    assert_int_equal(net->server.accepted, 1);
}

void net_push(struct net_side *side, size_t size)
{
    assert_true(side->size_count < NET_QUEUE_MAX);
    side->sizes[side->size_count++] = size;
}

size_t net_frame(uint8_t *frame, size_t body_len, uint8_t fill)
{
    lp_store_be32(frame, (uint32_t)body_len);
    memset(frame + 4, fill, body_len);
    return 4 + body_len;
}
