#include "party.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/wire.h"

static void fill_random(void *user, void *bytes, size_t len)
{
    struct party *party = user;

    for (size_t i = 0; i < len; i++) {
        party->random ^= party->random << 13;
        party->random ^= party->random >> 7;
        party->random ^= party->random << 17;
        ((uint8_t *)bytes)[i] = (uint8_t)(party->random >> 11);
    }
}

static void fill_random_of_node(void *user, void *bytes, size_t len)
{
    fill_random(((struct party_node *)user)->party, bytes, len);
}

/* ---- the network
 * -------------------------------------------------------------------------------- */

static void carry(struct party *party, const struct lp_addr *from, const struct lp_quic_tx *tx)
{
    for (size_t at = 0; at < tx->len; at += tx->segment_len) {
        unsigned slot = (party->first + party->queued) % PARTY_QUEUE;
        struct party_packet *packet = &party->queue[slot];
        size_t left = tx->len - at;

        assert_true(party->queued < PARTY_QUEUE);
        packet->at_ns = party->now_ns + PARTY_DELAY_NS;
        packet->from = *from;
        packet->to = tx->remote;
        packet->ecn = tx->ecn;
        packet->len = left < tx->segment_len ? left : tx->segment_len;
        assert_true(packet->len <= sizeof(packet->bytes));
        memcpy(packet->bytes, tx->bytes + at, packet->len);
        party->queued++;
    }
}

static int transmit_of_relay(void *user, const struct lp_quic_tx *tx)
{
    struct party *party = user;

    carry(party, &party->relay_addr, tx);
    return 0;
}

static int transmit_of_node(void *user, const struct lp_quic_tx *tx)
{
    struct party_node *node = user;

    carry(node->party, &node->addr, tx);
    return 0;
}

static int transmit_of_stranger(void *user, const struct lp_quic_tx *tx)
{
    struct party *party = user;

    carry(party, &party->stranger.addr, tx);
    return 0;
}

static void deliver(struct party *party, const struct party_packet *p)
{
    if (lp_addr_equal(&p->to, &party->relay_addr)) {
        lp_relay_receive(party->relay, &p->to, &p->from, p->ecn, p->bytes, p->len,
                         party->now_ns);
        return;
    }
    if (party->stranger.quic != NULL && lp_addr_equal(&p->to, &party->stranger.addr)) {
        lp_quic_receive(party->stranger.quic, &p->to, &p->from, p->ecn, p->bytes, p->len,
                        party->now_ns);
        return;
    }
    for (unsigned i = 0; i < PARTY_NODES; i++) {
        struct party_node *node = &party->node[i];

        if (node->node != NULL && lp_addr_equal(&p->to, &node->addr))
            lp_node_receive(node->node, &p->to, &p->from, p->ecn, p->bytes, p->len,
                            party->now_ns);
    }
}

/* ---- time
 * --------------------------------------------------------------------------------------- */

static void flush(struct party *party)
{
    lp_relay_flush(party->relay, party->now_ns);
    if (party->stranger.quic != NULL)
        lp_quic_flush(party->stranger.quic, party->now_ns);
    for (unsigned i = 0; i < PARTY_NODES; i++) {
        if (party->node[i].node != NULL)
            lp_node_flush(party->node[i].node, party->now_ns);
    }
}

static uint64_t next_event(const struct party *party)
{
    uint64_t next = lp_relay_next_deadline(party->relay);

    if (party->queued > 0)
        next = lp_time_min(next, party->queue[party->first].at_ns);
    if (party->stranger.quic != NULL)
        next = lp_time_min(next, lp_quic_next_deadline(party->stranger.quic));
    for (unsigned i = 0; i < PARTY_NODES; i++) {
        if (party->node[i].node != NULL)
            next = lp_time_min(next, lp_node_next_deadline(party->node[i].node));
    }
    return next;
}

static void turn(struct party *party)
{
    while (party->queued > 0 && party->queue[party->first].at_ns <= party->now_ns) {
        deliver(party, &party->queue[party->first]);
        party->first = (party->first + 1) % PARTY_QUEUE;
        party->queued--;
    }
    if (lp_relay_next_deadline(party->relay) <= party->now_ns)
        lp_relay_on_deadline(party->relay, party->now_ns);
    if (party->stranger.quic != NULL)
        lp_quic_on_deadline(party->stranger.quic, party->now_ns);
    for (unsigned i = 0; i < PARTY_NODES; i++) {
        struct lp_node *node = party->node[i].node;

        if (node != NULL && lp_node_next_deadline(node) <= party->now_ns)
            lp_node_on_deadline(node, party->now_ns);
    }
    flush(party);
}

static void run(struct party *party, uint64_t for_ns, const struct party_node *until_decided)
{
    uint64_t end_ns = party->now_ns + for_ns;
    uint64_t next_ns;

    flush(party);
    while ((next_ns = next_event(party)) <= end_ns) {
        if (next_ns > party->now_ns)
            party->now_ns = next_ns;
        turn(party);
        if (until_decided != NULL && until_decided->joined + until_decided->failed > 0)
            return;
    }
    party->now_ns = end_ns;
}

void party_run(struct party *party, uint64_t for_ns)
{
    run(party, for_ns, NULL);
}

/* ---- nodes
 * -------------------------------------------------------------------------------------- */

static void on_event(void *user, const struct lp_node_event *event)
{
    struct party_node *node = user;

    switch (event->kind) {
    case LP_NODE_EVENT_JOINED:
        node->joined++;
        node->resumed += event->resumed;
        break;
    case LP_NODE_EVENT_REJECTED:
        node->rejected++;
        node->reject_code = event->reject_code;
        break;
    case LP_NODE_EVENT_FAILED:
        node->failed++;
        break;
    case LP_NODE_EVENT_PEER_LEFT:
        node->peers_left++;
        break;
    default:
        break;
    }
}

static int write_frame(void *user, const uint8_t *frame, size_t len)
{
    struct party_node *node = user;

    assert_true(len <= sizeof(node->last));
    if (node->write_result < 0)
        return node->write_result;
    node->frames++;
    memcpy(node->last, frame, len);
    node->last_len = len;
    return 0;
}

struct lp_node_config party_config(struct party *party, unsigned index, const char *room)
{
    struct party_node *node = &party->node[index];
    struct lp_node_config config;

    lp_node_config_defaults(&config);
    snprintf(config.room, sizeof(config.room), "%s", room);
    config.mac = node->mac;
    config.tls = party->client_tls;
    config.relay = party->relay_addr;
    config.edge = (struct lp_edge){.write = write_frame, .user = node};
    config.random = fill_random_of_node;
    config.transmit = transmit_of_node;
    config.event = on_event;
    config.user = node;
    return config;
}

void party_start(struct party *party, unsigned index, const struct lp_node_config *config)
{
    struct party_node *node = &party->node[index];

    node->joined = node->failed = node->rejected = 0;
    assert_int_equal(lp_node_new(config, &node->node), 0);
    lp_node_start(node->node, party->now_ns);
    run(party, 5 * LP_NS_PER_S, node);
    party_run(party, 100 * LP_NS_PER_MS); /* what the others are told, and DPLPMTUD */
}

void party_join(struct party *party, unsigned index, const char *room)
{
    struct lp_node_config config = party_config(party, index, room);

    party_start(party, index, &config);
    assert_int_equal(party_view(party, index).state, LP_NODE_JOINED);
}

struct lp_node_view party_view(const struct party *party, unsigned index)
{
    struct lp_node_view view;

    lp_node_view(party->node[index].node, &view);
    return view;
}

void party_send(struct party *party, unsigned from, const struct lp_mac *src,
                const struct lp_mac *dst, size_t len)
{
    uint8_t bytes[2048];
    struct lp_superframe frame = {.bytes = bytes, .len = len, .gso = LP_GSO_NONE};

    memset(bytes, 0x5a, sizeof(bytes));
    memcpy(bytes, dst->octet, LP_MAC_LEN);
    memcpy(bytes + LP_MAC_LEN, src->octet, LP_MAC_LEN);
    lp_store_be16(bytes + 2 * LP_MAC_LEN, LP_ETHERTYPE_LOCAL_EXP1);
    lp_node_edge_receive(party->node[from].node, &frame, party->now_ns);
    party_run(party, 50 * LP_NS_PER_MS);
}

/* ---- a stranger
 * ---------------------------------------------------------------------------------- */

static void stranger_connected(void *user, struct lp_quic_conn *conn, uint64_t now_ns)
{
    (void)conn;
    (void)now_ns;
    ((struct party *)user)->stranger.connected = true;
}

static void stranger_control(void *user, struct lp_quic_conn *conn, bool hello_stream,
                             const uint8_t *body, size_t len, uint64_t now_ns)
{
    (void)conn;
    (void)body;
    (void)len;
    (void)now_ns;
    ((struct party *)user)->stranger.answers += hello_stream;
}

static void stranger_datagram(void *user, struct lp_quic_conn *conn, const uint8_t *bytes,
                              size_t len, uint64_t now_ns)
{
    (void)user;
    (void)conn;
    (void)bytes;
    (void)len;
    (void)now_ns;
}

static void stranger_closed(void *user, struct lp_quic_conn *conn,
                            const struct lp_quic_close_info *info, uint64_t now_ns)
{
    struct party_stranger *stranger = &((struct party *)user)->stranger;

    (void)conn;
    stranger->closed = true;
    stranger->closed_ns = now_ns;
    stranger->close = *info;
    stranger->conn = NULL;
}

static bool stranger_egress_next(void *user, struct lp_quic_conn *conn,
                                 struct lp_quic_datagram *ret_next, uint64_t now_ns)
{
    (void)user;
    (void)conn;
    (void)ret_next;
    (void)now_ns;
    return false;
}

static void stranger_egress_taken(void *user, struct lp_quic_conn *conn,
                                  enum lp_quic_egress_result result, uint64_t now_ns)
{
    (void)user;
    (void)conn;
    (void)result;
    (void)now_ns;
}

static const struct lp_quic_handler stranger_handler = {
    .connected = stranger_connected,
    .control = stranger_control,
    .datagram = stranger_datagram,
    .closed = stranger_closed,
    .egress_next = stranger_egress_next,
    .egress_taken = stranger_egress_taken,
    .transmit = transmit_of_stranger,
};

void party_connect_stranger(struct party *party)
{
    static const struct lp_addr any = {.family = LP_ADDR_NONE};
    struct party_stranger *stranger = &party->stranger;
    struct lp_quic_config config = {
        .max_connections = 64,
        .tls = party->client_tls,
        .random = fill_random,
        .handler = &stranger_handler,
        .user = party,
    };

    if (stranger->addr.family == LP_ADDR_NONE)
        assert_int_equal(lp_addr_parse_ip("203.0.113.5", 50000, &stranger->addr), 0);
    assert_int_equal(lp_quic_new(&config, &stranger->quic), 0);
    assert_int_equal(lp_quic_connect(stranger->quic, &any, &party->relay_addr, &stranger->conn,
                                     party->now_ns),
                     0);
    party_run(party, 50 * LP_NS_PER_MS);
    assert_true(stranger->connected);
}

void party_say(struct party *party, bool hello_stream, const char *body, uint32_t prefix)
{
    uint8_t frame[512];
    size_t len = strlen(body);
    struct lp_quic_conn *conn = party->stranger.conn;

    assert_true(len + LP_CONTROL_PREFIX_LEN <= sizeof(frame));
    lp_store_be32(frame, prefix != 0 ? prefix : (uint32_t)len);
    memcpy(frame + LP_CONTROL_PREFIX_LEN, body, len);
    len += LP_CONTROL_PREFIX_LEN;
    assert_int_equal(hello_stream ? lp_quic_send_hello(conn, frame, len)
                                  : lp_quic_send_control(conn, frame, len),
                     0);
    party_run(party, 50 * LP_NS_PER_MS);
}

/* ---- the party
 * ---------------------------------------------------------------------------------- */

static void make_tls(struct party *party)
{
    struct lp_tls_client_config client = {.trust = LP_TLS_TRUST_PIN,
                                          .server_name = LP_DEV_SERVER_NAME};
    struct lp_tls_identity id;
    char why[LP_TLS_WHY_LEN];

    assert_int_equal(lp_tls_identity_generate(LP_DEV_SERVER_NAME, 0, &id), 0);
    assert_int_equal(lp_tls_server_new(id.cert_pem, id.cert_pem_len, id.key_pem, id.key_pem_len,
                                       &party->server_tls, why),
                     0);
    assert_int_equal(lp_tls_fingerprint(id.cert_der, id.cert_der_len, client.pin), 0);
    assert_int_equal(lp_tls_client_new(&client, &party->client_tls, why), 0);
    lp_tls_identity_deinit(&id);
}

static void relay_event(void *user, const struct lp_relay_event *event)
{
    struct party *party = user;

    if (event->kind == LP_RELAY_SOURCE_REFUSED) {
        party->refused_events++;
        party->refused += event->count;
        party->refused_from = event->remote;
    }
    if (event->kind != LP_RELAY_PEER_LEFT)
        return;
    party->left++;
    party->left_reason = event->leave_reason;
}

static void relay_frame(void *user, const struct lp_frame_event *event)
{
    (void)event;
    ((struct party *)user)->frame_lines++;
}

struct party *party_new(void)
{
    struct party *party = calloc(1, sizeof(*party));
    struct lp_relay_config config;

    assert_non_null(party);
    party->now_ns = 1000 * LP_NS_PER_S;
    party->random = 0x9e3779b97f4a7c15;
    party->queue = calloc(PARTY_QUEUE, sizeof(*party->queue));
    assert_non_null(party->queue);
    assert_int_equal(lp_addr_parse_ip("192.0.2.1", 443, &party->relay_addr), 0);
    for (unsigned i = 0; i < PARTY_NODES; i++) {
        party->node[i].party = party;
        party->node[i].mac = (struct lp_mac){{0x02, 0, 0, 0, 0, (uint8_t)(i + 1)}};
        assert_int_equal(
            lp_addr_parse_ip("198.51.100.7", (uint16_t)(40000 + i), &party->node[i].addr), 0);
    }
    make_tls(party);
    lp_relay_config_defaults(&config);
    config.tls = party->server_tls;
    config.random = fill_random;
    config.transmit = transmit_of_relay;
    config.event = relay_event;
    config.frame = relay_frame;
    config.user = party;
    fill_random(party, config.static_secret, sizeof(config.static_secret));
    assert_int_equal(lp_relay_new(&config, &party->relay), 0);
    return party;
}

void party_free(struct party *party)
{
    for (unsigned i = 0; i < PARTY_NODES; i++)
        lp_node_free(party->node[i].node);
    lp_quic_free(party->stranger.quic);
    lp_relay_free(party->relay);
    lp_tls_free(party->client_tls);
    lp_tls_free(party->server_tls);
    free(party->queue);
    free(party);
}
