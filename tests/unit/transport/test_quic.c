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
#include "transport/internal.h"

#define BUDGET_MIN (1200 - LP_QUIC_OVERHEAD)
#define BUDGET_MAX (1472 - LP_QUIC_OVERHEAD)
#define MS         LP_NS_PER_MS
#define S          LP_NS_PER_S

static struct lp_tls_identity identity;

static int make_identity(void **state)
{
    (void)state;
    return lp_tls_identity_generate(LP_DEV_SERVER_NAME, (int64_t)time(NULL) - 3600, &identity);
}

static int drop_identity(void **state)
{
    (void)state;
    lp_tls_identity_deinit(&identity);
    return 0;
}

static int set_up(void **state)
{
    struct lp_tls_client_config config = {.trust = LP_TLS_TRUST_CERTIFICATE,
                                          .ca_der = identity.cert_der,
                                          .ca_der_len = identity.cert_der_len,
                                          .server_name = LP_DEV_SERVER_NAME};
    struct net *net = net_new();
    char why[LP_TLS_WHY_LEN];

    assert_int_equal(lp_tls_server_new(identity.cert_pem, identity.cert_pem_len,
                                       identity.key_pem, identity.key_pem_len, &net->server_tls,
                                       why),
                     0);
    assert_int_equal(lp_tls_client_new(&config, &net->client_tls, why), 0);
    net_open_server(net);
    net_open_client(net);
    *state = net;
    return 0;
}

static int tear_down(void **state)
{
    net_free(*state);
    return 0;
}

/* ---- handshake ---- */

static void handshake_takes_one_round_trip(void **state)
{
    struct net *net = *state;
    struct lp_quic_conn_info info;

    assert_int_equal(lp_quic_next_deadline(net->client.quic), LP_TIME_NEVER);
    net_connect(net);
    assert_int_equal(lp_quic_datagram_budget(net->client.quic->conns), 0);
    net_run(net, 19 * MS);
    assert_int_equal(net->client.connected, 0);
    net_run(net, 1 * MS);
    assert_int_equal(net->client.connected, 1);
    net_run(net, 10 * MS);
    assert_int_equal(net->server.accepted, 1);
    net_run(net, 100 * MS);
    lp_quic_conn_info(net->server.conn, &info);
    assert_true(lp_addr_equal(&info.remote, &net->client.addr));
    assert_true(lp_addr_equal(&info.local, &net->server.addr));
    assert_int_equal(info.min_rtt_ns, 20 * MS);
    assert_int_equal(info.peer_max_datagram, 65535 - 3);
    assert_ptr_equal(lp_quic_conn_user(net->server.conn), &net->server);
}

static void retry_costs_another_round_trip(void **state)
{
    struct net *net = *state;

    net->retry = true;
    net_open_server(net);
    net_connect(net);
    net_run(net, 20 * MS);
    assert_int_equal(net->server.packets, 1); /* the Retry, and no state for it */
    assert_null(net->server.quic->conns);
    assert_int_equal(net->client.connected, 0);
    net_run(net, 20 * MS);
    assert_int_equal(net->client.connected, 1);
    net_run(net, 20 * MS);
    assert_int_equal(net->server.accepted, 1);
}

static struct net_packet with_token;

/* The first, with the ClientHello. */
static void keep_packet_with_token(struct net *net, struct net_packet *packet)
{
    ngtcp2_pkt_hd header;

    (void)net;
    if (with_token.len == 0 && ngtcp2_accept(&header, packet->bytes, packet->len) == 0 &&
        header.tokenlen > 0)
        with_token = *packet;
}

static void retry_token_of_another_address_is_refused(void **state)
{
    struct net *net = *state;

    net->retry = true;
    net_open_server(net);
    net_connect(net);
    net_run(net, 15 * MS);
    net->client.seen_as.port++;
    net_run(net, 100 * MS);
    assert_int_equal(net->client.connected, 0);
    assert_int_equal(net->client.closed, 1);
    assert_int_equal(net->client.info.kind, LP_QUIC_CLOSE_TRANSPORT);
    assert_string_equal(net->client.info.reason,
                        "peer closed: INVALID_TOKEN: Retry token not valid");
    assert_null(net->server.quic->conns);
}

static void retry_token_expires(void **state)
{
    struct net *net = *state;
    uint64_t made_ns;

    net->retry = true;
    with_token.len = 0;
    net->tamper = keep_packet_with_token;
    net_open_server(net);
    made_ns = net->now_ns + 10 * MS;
    net_handshake(net);
    for (unsigned late = 0; late < 2; late++) {
        net_open_server(net);
        net->server.packets = 0;
        lp_quic_receive(net->server.quic, &net->server.addr, &net->client.addr, 0,
                        with_token.bytes, with_token.len, made_ns + 10 * S - 1 + late);
        assert_int_equal(net->server.quic->conn_count, late == 0 ? 1 : 0);
        assert_int_equal(net->server.packets, late == 0 ? 0 : 1);
    }
}

static void nobody_answers(void **state)
{
    struct net *net = *state;

    net->client.partitioned = true;
    net_connect(net);
    net_run(net, 9900 * MS);
    assert_int_equal(net->client.closed, 0);
    net_run(net, 200 * MS);
    assert_int_equal(net->client.closed, 1);
    assert_int_equal(net->client.info.kind, LP_QUIC_CLOSE_NO_HANDSHAKE);
    assert_false(net->client.info.heard);
    assert_true(net->client.packets > 3);
}

static void half_open_server_connection_goes(void **state)
{
    struct net *net = *state;

    net->server.partitioned = true;
    net_connect(net);
    net_run(net, 15 * MS);
    assert_int_equal(net->server.quic->conn_count, 1);
    net_run(net, 25 * S);
    assert_int_equal(net->server.quic->conn_count, 0);
    assert_int_equal(net->server.accepted, 0);
    assert_int_equal(net->server.closed, 1);
    assert_int_equal(net->server.info.kind, LP_QUIC_CLOSE_NO_HANDSHAKE);
}

static void server_may_not_accept(void **state)
{
    struct net *net = *state;

    net->server.accept_result = LP_ERR_FULL;
    net_connect(net);
    net_run(net, S);
    assert_int_equal(net->client.closed, 1);
    assert_int_equal(net->client.info.kind, LP_QUIC_CLOSE_PEER);
    assert_int_equal(net->client.info.app_code, LP_QUIC_APP_REJECTED);
    assert_int_equal(net->server.closed, 1);
    assert_int_equal(net->server.info.kind, LP_QUIC_CLOSE_LOCAL);
}

static void too_many_connections_are_refused(void **state)
{
    struct net *net = *state;

    net->max_connections = 2;
    net_open_server(net);
    net->max_connections = 8;
    net_open_client(net);
    net_connect(net);
    net_connect(net);
    net_run(net, S);
    assert_int_equal(net->server.accepted, 2);
    net_connect(net);
    net_run(net, S);
    assert_int_equal(net->server.accepted, 2);
    assert_int_equal(net->client.closed, 1);
    assert_int_equal(net->client.info.kind, LP_QUIC_CLOSE_TRANSPORT);
    assert_string_equal(net->client.info.reason,
                        "peer closed: CONNECTION_REFUSED: too many connections");
    lp_quic_close(net->server.conn, LP_QUIC_APP_NORMAL, NULL);
    net_run(net, S);
    net_connect(net);
    net_run(net, S);
    assert_int_equal(net->server.accepted, 3);
}

static void client_bound_is_kept(void **state)
{
    struct net *net = *state;
    struct lp_quic_conn *conn;

    net->max_connections = 1;
    net_open_client(net);
    net_connect(net);
    assert_int_equal(lp_quic_connect(net->client.quic, &net->client.addr, &net->server.addr,
                                     &conn, net->now_ns),
                     LP_ERR_FULL);
    assert_int_equal(lp_quic_connect(net->server.quic, &net->server.addr, &net->client.addr,
                                     &conn, net->now_ns),
                     LP_ERR_INVALID);
}

static void unknown_version_is_negotiated(void **state)
{
    struct net *net = *state;
    uint8_t packet[1200] = {0xc0, 0x1a, 0x2a, 0x3a, 0x4a, 8, 1, 2, 3, 4, 5, 6, 7, 8, 2, 9, 9};

    lp_quic_receive(net->server.quic, &net->server.addr, &net->client.addr, 0, packet, 1199,
                    net->now_ns);
    assert_int_equal(net->server.packets, 0);
    lp_quic_receive(net->server.quic, &net->server.addr, &net->client.addr, 0, packet, 1200,
                    net->now_ns);
    assert_int_equal(net->server.packets, 1);
    assert_int_equal(net->queue[0].len, 7 + 2 + 8 + 4);
    assert_memory_equal(net->queue[0].bytes + 1, "\0\0\0\0\2\t\t\10\1\2\3\4\5\6\7\10\0\0\0\1",
                        20);
    assert_null(net->server.quic->conns);
}

/* ---- control frames ---- */

static uint8_t frame[LP_QUIC_CONTROL_FRAME_MAX + 16];

static void hello_is_answered(void **state)
{
    struct net *net = *state;
    struct lp_quic_conn *conn = net_connect(net);
    size_t len = net_frame(frame, 100, 'h');

    assert_int_equal(lp_quic_send_hello(conn, frame, len), 0); /* waits for the handshake */
    assert_int_equal(lp_quic_send_hello(conn, frame, len), LP_ERR_INVALID);
    net_run(net, 100 * MS);
    assert_int_equal(net->server.controls, 1);
    assert_true(net->server.last_hello);
    assert_int_equal(net->server.last_control_len, 100);
    assert_memory_equal(net->server.last_control, frame + 4, 100);
    len = net_frame(frame, 65536, 'w');
    assert_int_equal(lp_quic_send_hello(net->server.conn, frame, len), 0);
    assert_int_equal(lp_quic_send_hello(net->server.conn, frame, len), LP_ERR_INVALID);
    net_run(net, S);
    assert_int_equal(net->client.controls, 1);
    assert_true(net->client.last_hello);
    assert_int_equal(net->client.last_control_len, 65536);
    assert_memory_equal(net->client.last_control, frame + 4, 65536);
    assert_null(net->server.conn->tx_sent);
    assert_null(net->client.conn->tx_sent);
}

static void server_cannot_answer_before_hello(void **state)
{
    struct net *net = *state;

    net_handshake(net);
    assert_int_equal(lp_quic_send_hello(net->server.conn, frame, net_frame(frame, 1, 'x')),
                     LP_ERR_INVALID);
}

static void control_flows_both_ways(void **state)
{
    struct net *net = *state;

    net_handshake(net);
    /* More than the streams that a peer allows at once. */
    for (unsigned i = 0; i < 200; i++) {
        size_t len = net_frame(frame, 1 + i, (uint8_t)i);

        assert_int_equal(lp_quic_send_control(net->client.conn, frame, len), 0);
        assert_int_equal(lp_quic_send_control(net->server.conn, frame, len), 0);
    }
    net_run(net, 3 * S);
    assert_int_equal(net->client.controls, 200);
    assert_int_equal(net->server.controls, 200);
    assert_false(net->client.last_hello);
    assert_int_equal(net->client.last_control_len, 200);
    assert_int_equal(net->client.conn->tx_bytes, 0);
    assert_int_equal(net->server.conn->tx_bytes, 0);
    assert_null(net->server.conn->rx_frames);
}

static void control_survives_loss_and_reorder(void **state)
{
    struct net *net = *state;
    unsigned given = 0;

    net_handshake(net);
    net->client.loss = 20;
    net->server.loss = 20;
    net->reorder = true;
    for (unsigned round = 0; round < 40; round++) {
        size_t len = net_frame(frame, round % 5 == 0 ? 65536 : 3000, 'c');

        given += lp_quic_send_control(net->client.conn, frame, len) == 0;
        net_run(net, 500 * MS);
    }
    net->client.loss = net->server.loss = 0;
    net_run(net, 5 * S);
    assert_int_equal(given, 40);
    assert_int_equal(net->server.controls, 40);
    assert_int_equal(net->client.closed + net->server.closed, 0);
}

static void pending_control_is_bounded(void **state)
{
    struct net *net = *state;
    size_t len = net_frame(frame, 65532, 'b');

    net_handshake(net);
    net->client.partitioned = true;
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(lp_quic_send_control(net->client.conn, frame, len), 0);
    assert_int_equal(lp_quic_send_control(net->client.conn, frame, 5), LP_ERR_FULL);
    net->client.partitioned = false;
    net_run(net, 5 * S);
    assert_int_equal(net->server.controls, 4);
    assert_int_equal(lp_quic_send_control(net->client.conn, frame, 4), LP_ERR_INVALID);
    assert_int_equal(
        lp_quic_send_control(net->client.conn, frame, LP_QUIC_CONTROL_FRAME_MAX + 1),
        LP_ERR_INVALID);
}

static void expect_violation(struct net *net, const char *reason)
{
    net_run(net, S);
    assert_int_equal(net->server.closed, 1);
    assert_int_equal(net->server.info.kind, LP_QUIC_CLOSE_LOCAL);
    assert_int_equal(net->server.info.app_code, LP_QUIC_APP_PROTOCOL_ERROR);
    assert_string_equal(net->server.info.reason, reason);
    assert_int_equal(net->client.closed, 1);
    assert_int_equal(net->client.info.kind, LP_QUIC_CLOSE_PEER);
    assert_int_equal(net->client.info.app_code, LP_QUIC_APP_PROTOCOL_ERROR);
    assert_string_equal(net->client.info.reason, reason);
}

static void oversized_frame_closes(void **state)
{
    struct net *net = *state;

    net_handshake(net);
    lp_store_be32(frame, 65537);
    lp_quic_send_control(net->client.conn, frame, 10);
    expect_violation(net, "control frame is empty or over 64 KiB");
    assert_int_equal(net->server.controls, 0);
}

static void empty_frame_closes(void **state)
{
    struct net *net = *state;

    net_handshake(net);
    lp_store_be32(frame, 0);
    lp_quic_send_control(net->client.conn, frame, 5);
    expect_violation(net, "control frame is empty or over 64 KiB");
}

static void two_frames_on_a_stream_close(void **state)
{
    struct net *net = *state;
    size_t len = net_frame(frame, 10, 'a');

    net_handshake(net);
    memcpy(frame + len, frame, len);
    lp_quic_send_control(net->client.conn, frame, 2 * len);
    expect_violation(net, "more than one control frame on a stream");
    assert_int_equal(net->server.controls, 0);
}

static void two_hello_frames_close(void **state)
{
    struct net *net = *state;
    size_t len = net_frame(frame, 10, 'a');

    net_handshake(net);
    memcpy(frame + len, frame, len);
    lp_quic_send_hello(net->client.conn, frame, 2 * len);
    expect_violation(net, "more than one control frame on a stream");
}

static void short_frame_closes(void **state)
{
    struct net *net = *state;

    net_handshake(net);
    lp_quic_send_control(net->client.conn, frame, net_frame(frame, 3000, 'a') - 1);
    expect_violation(net, "control stream ended inside a frame");
}

/* What no API of ours does, written to the client's stream by hand. */
static int64_t raw_write(struct net *net, bool bidi, const char *bytes, size_t len, bool fin)
{
    struct lp_quic *quic = net->client.quic;
    ngtcp2_conn *qc = net->client.conn->qc;
    ngtcp2_vec data = {.base = (uint8_t *)bytes, .len = len};
    ngtcp2_path_storage path;
    ngtcp2_pkt_info pi;
    ngtcp2_ssize taken, n;
    int64_t id;

    assert_int_equal(bidi ? ngtcp2_conn_open_bidi_stream(qc, &id, NULL)
                          : ngtcp2_conn_open_uni_stream(qc, &id, NULL),
                     0);
    ngtcp2_path_storage_zero(&path);
    n = ngtcp2_conn_writev_stream(qc, &path.path, &pi, lp_quic_tx_space(quic), 1472, &taken,
                                  fin ? NGTCP2_WRITE_STREAM_FLAG_FIN : 0, id, &data, 1,
                                  net->now_ns);
    assert_true(n > 0);
    assert_int_equal(taken, len);
    lp_quic_tx_commit(quic, &path.path, 0, (size_t)n, false);
    lp_quic_wake(net->client.conn);
    return id;
}

static void empty_stream_closes(void **state)
{
    struct net *net = *state;

    net_handshake(net);
    raw_write(net, false, "", 0, true);
    expect_violation(net, "control stream ended inside a frame");
}

static void reset_stream_closes(void **state)
{
    struct net *net = *state;
    int64_t id;

    net_handshake(net);
    id = raw_write(net, false, "\0\0\0\10half", 8, false);
    net_run(net, 100 * MS);
    assert_int_equal(net->server.closed, 0);
    assert_int_equal(ngtcp2_conn_shutdown_stream_write(net->client.conn->qc, 0, id, 9), 0);
    lp_quic_wake(net->client.conn);
    expect_violation(net, "control stream reset inside a frame");
}

static void second_bidirectional_stream_is_impossible(void **state)
{
    struct net *net = *state;
    int64_t id;

    net_handshake(net);
    lp_quic_send_hello(net->client.conn, frame, net_frame(frame, 10, 'a'));
    net_run(net, 100 * MS);
    lp_quic_send_hello(net->server.conn, frame, net_frame(frame, 10, 'a'));
    net_run(net, 100 * MS);
    assert_int_equal(net->client.controls, 1);
    /* Even with the first one finished the limit is not raised; ngtcp2 refuses to go past it.
     */
    assert_int_equal(ngtcp2_conn_open_bidi_stream(net->client.conn->qc, &id, NULL),
                     NGTCP2_ERR_STREAM_ID_BLOCKED);
    assert_int_equal(ngtcp2_conn_open_bidi_stream(net->server.conn->qc, &id, NULL),
                     NGTCP2_ERR_STREAM_ID_BLOCKED);
}

static void partial_frames_are_bounded(void **state)
{
    struct net *net = *state;
    static char part[1000] = "\0\0\x10\0";
    unsigned opened = 0;

    net_handshake(net);
    while (ngtcp2_conn_get_streams_uni_left(net->client.conn->qc) > 0) {
        raw_write(net, false, part, sizeof part, false);
        opened++;
        net_run(net, 100 * MS);
    }
    assert_int_equal(opened, LP_QUIC_UNI_STREAMS);
    assert_int_equal(net->server.closed, 0);
    assert_int_equal(net->server.controls, 0);
    /* No window is given back for what only waits. */
    assert_int_equal(ngtcp2_conn_get_max_data_left(net->client.conn->qc),
                     LP_QUIC_RX_WINDOW_BYTES - opened * sizeof part);
}

/* ---- datagrams ---- */

static void datagrams_of_every_size(void **state)
{
    struct net *net = *state;
    unsigned count = 0;

    net_handshake(net);
    net_run(net, 5 * S);
    assert_int_equal(lp_quic_datagram_budget(net->client.conn), BUDGET_MAX);
    assert_int_equal(lp_quic_datagram_budget(net->server.conn), BUDGET_MAX);
    for (size_t size = 1; size <= BUDGET_MAX; size += 7) {
        struct net_side *side = size % 2 == 0 ? &net->client : &net->server;
        struct net_side *peer = size % 2 == 0 ? &net->server : &net->client;
        uint8_t wanted[2048];

        memset(wanted, (int)(side->size_at & 0xff), size);
        net_push(side, size);
        lp_quic_wake(side->conn);
        net_run(net, 15 * MS);
        assert_int_equal(peer->last_datagram_len, size);
        assert_memory_equal(peer->last_datagram, wanted, size);
        count++;
    }
    assert_int_equal(net->client.datagrams + net->server.datagrams, count);
    assert_int_equal(net->client.too_big + net->server.too_big, 0);
}

static void budget_is_exact(void **state)
{
    struct net *net = *state;

    net_handshake(net);
    net_run(net, 5 * S);
    net_push(&net->client, BUDGET_MAX + 1);
    net_push(&net->client, BUDGET_MAX);
    net_push(&net->client, BUDGET_MAX + 1);
    lp_quic_wake(net->client.conn);
    net_run(net, S);
    assert_int_equal(net->client.too_big, 2);
    assert_int_equal(net->client.sent, 1);
    assert_int_equal(net->server.datagrams, 1);
    assert_int_equal(net->server.last_datagram_len, BUDGET_MAX);
    assert_int_equal(net->client.largest, 1472);
}

static void budget_starts_at_the_minimum(void **state)
{
    struct net *net = *state;

    net->client.mtu = net->server.mtu = 1200;
    net_handshake(net);
    net_run(net, 5 * S);
    assert_int_equal(lp_quic_datagram_budget(net->client.conn), BUDGET_MIN);
    net_push(&net->client, BUDGET_MIN);
    net_push(&net->client, BUDGET_MIN + 1);
    lp_quic_wake(net->client.conn);
    net_run(net, S);
    assert_int_equal(net->server.datagrams, 1);
    assert_int_equal(net->client.too_big, 1);
}

static void budget_stays_on_a_narrow_path(void **state)
{
    struct net *net = *state;

    net->client.mtu = 1300;
    net->server.mtu = 1452;
    net_handshake(net);
    net_run(net, 20 * S);
    assert_int_equal(lp_quic_datagram_budget(net->client.conn), BUDGET_MIN);
    assert_int_equal(lp_quic_datagram_budget(net->server.conn), 1452 - LP_QUIC_OVERHEAD);
    assert_int_equal(net->client.closed, 0);
}

static void probes_take_no_data_along(void **state)
{
    struct net *net = *state;

    net->client.mtu = 1300;
    net_connect(net);
    /* Data in every turn, those of the probes too. */
    for (unsigned i = 0; i < 4000; i++) {
        if (net->client.conn != NULL) {
            net->client.size_at = net->client.size_count = 0;
            net_push(&net->client, BUDGET_MIN);
            net_push(&net->client, BUDGET_MIN);
            lp_quic_wake(net->client.conn);
        }
        net_turn(net);
        net->now_ns += 5 * MS;
    }
    net_run(net, S);
    assert_true(net->client.sent > 7000);
    assert_int_equal(net->server.datagrams, net->client.sent);
    assert_true(net->client.refused > 0);
}

static void peer_limit_bounds_the_budget(void **state)
{
    struct net *net = *state;
    struct lp_quic_conn_info info;

    net->server.quic->config.max_datagram_frame_size = 503;
    net_handshake(net);
    net_run(net, 5 * S);
    assert_int_equal(lp_quic_datagram_budget(net->client.conn), 500);
    assert_int_equal(lp_quic_datagram_budget(net->server.conn), BUDGET_MAX);
    lp_quic_conn_info(net->client.conn, &info);
    assert_int_equal(info.peer_max_datagram, 500);
    net_push(&net->client, 501);
    net_push(&net->client, 500);
    lp_quic_wake(net->client.conn);
    net_run(net, S);
    assert_int_equal(net->client.too_big, 1);
    assert_int_equal(net->server.datagrams, 1);
}

static void small_datagrams_share_packets(void **state)
{
    struct net *net = *state;
    unsigned before;

    net_handshake(net);
    net_run(net, 5 * S);
    before = net->client.packets;
    for (unsigned i = 0; i < 52; i++)
        net_push(&net->client, 100);
    lp_quic_wake(net->client.conn);
    net_turn(net);
    /* 13 of 100 + 3 octets fill 1440 + 3 */
    assert_int_equal(net->client.sent, 52);
    assert_int_equal(net->client.packets - before, 4);
    net_run(net, S);
    assert_int_equal(net->server.datagrams, 52);
}

/* A copy: it goes on without its original, and others may come along. */
static void what_goes_apart_begins_a_packet(void **state)
{
    struct net *net = *state;
    unsigned before;

    net_handshake(net);
    net_run(net, 5 * S);
    before = net->client.packets;
    net->client.apart = true;
    for (unsigned i = 0; i < 10; i++)
        net_push(&net->client, 100);
    lp_quic_wake(net->client.conn);
    net_turn(net);
    assert_int_equal(net->client.sent, 10);
    assert_int_equal(net->client.packets - before, 10);
    net_run(net, S);
    assert_int_equal(net->server.datagrams, 10);
    assert_int_equal(net->client.acked, 10);
}

static void equal_packets_leave_in_one_send(void **state)
{
    struct net *net = *state;
    unsigned packets, transmits;

    net_handshake(net);
    net_run(net, 5 * S);
    packets = net->client.packets;
    transmits = net->client.transmits;
    for (unsigned i = 0; i < 10; i++)
        net_push(&net->client, 1400);
    net_push(&net->client, 700);
    lp_quic_wake(net->client.conn);
    net_run(net, S);
    assert_int_equal(net->server.datagrams, 11);
    assert_true(net->client.packets - packets >= 11);
    assert_true(net->client.transmits - transmits <= 4);
}

static void control_and_datagrams_share_a_packet(void **state)
{
    struct net *net = *state;
    unsigned before;

    net_handshake(net);
    net_run(net, 5 * S);
    before = net->client.packets;
    lp_quic_send_control(net->client.conn, frame, net_frame(frame, 200, 'c'));
    lp_quic_send_control(net->client.conn, frame, net_frame(frame, 200, 'd'));
    net_push(&net->client, 300);
    net_turn(net);
    assert_int_equal(net->client.packets - before, 1);
    net_run(net, S);
    assert_int_equal(net->server.controls, 2);
    assert_int_equal(net->server.datagrams, 1);
}

static void echo_from_inside_a_handler(void **state)
{
    struct net *net = *state;

    net_handshake(net);
    net->server.echo = true;
    for (unsigned i = 0; i < 100; i++)
        net_push(&net->client, 50 + i);
    lp_quic_wake(net->client.conn);
    net_run(net, S);
    assert_int_equal(net->server.datagrams, 100);
    assert_int_equal(net->client.datagrams, 100);
}

static void loss_does_not_stop_the_flow(void **state)
{
    struct net *net = *state;
    struct lp_quic_conn_info info;
    unsigned given = 0;

    net_handshake(net);
    net_run(net, 3 * S);
    net->client.loss = net->server.loss = 100;
    for (unsigned round = 0; round < 200; round++) {
        net->client.size_at = net->client.size_count = 0;
        for (unsigned i = 0; i < 40; i++, given++)
            net_push(&net->client, 1400);
        lp_quic_wake(net->client.conn);
        net_run(net, 50 * MS);
        assert_int_equal(net->client.size_at, 40);
    }
    lp_quic_conn_info(net->client.conn, &info);
    assert_true(net->server.datagrams > given * 97 / 100);
    assert_true(net->server.datagrams < given);
    assert_true(info.datagrams_lost > 0);
    assert_int_equal(net->client.lost, info.datagrams_lost);
    assert_int_equal(net->client.acked + net->client.lost, given); /* each has one fate */
    assert_true(net->client.acked <= net->server.datagrams);
    assert_true(info.packets_lost > 0);
    assert_true(info.cwnd_bytes > 40 * 1400);
}

/* A rate far above the window: what does not fit stays with the egress. */
static void queue_stays_with_the_egress(void **state)
{
    struct net *net = *state;

    net_handshake(net);
    net_run(net, 3 * S);
    for (unsigned i = 0; i < 500; i++)
        net_push(&net->client, 1400);
    lp_quic_wake(net->client.conn);
    net_turn(net);
    assert_true(net->client.sent < 200);
    net_run(net, 5 * S);
    assert_int_equal(net->client.sent, 500);
    assert_int_equal(net->server.datagrams, 500);
}

static void ecn_travels(void **state)
{
    struct net *net = *state;

    net_handshake(net);
    for (unsigned i = 0; i < 20; i++)
        net_push(&net->client, 1000);
    lp_quic_wake(net->client.conn);
    net_run(net, S);
    assert_int_equal(net->client.ecn_seen & NGTCP2_ECN_ECT_0, NGTCP2_ECN_ECT_0);
}

/* ---- a full socket ---- */

static void full_socket_loses_nothing(void **state)
{
    struct net *net = *state;
    unsigned agains;

    net_handshake(net);
    net_run(net, 3 * S);
    net->client.full = true;
    for (unsigned i = 0; i < 30; i++)
        net_push(&net->client, i % 3 == 0 ? 1400 : 600);
    lp_quic_wake(net->client.conn);
    net_turn(net);
    agains = net->client.agains;
    assert_int_equal(agains, 1);
    net_turn(net);
    net_turn(net);
    assert_int_equal(net->client.agains, 1); /* not tried again before it is writable */
    lp_quic_on_writable(net->client.quic, net->now_ns);
    assert_int_equal(net->client.agains, 2);
    net->client.full = false;
    lp_quic_on_writable(net->client.quic, net->now_ns);
    net_run(net, S);
    assert_int_equal(net->client.sent, 30);
    assert_int_equal(net->server.datagrams, 30);
    assert_int_equal(net->client.conn->datagrams_lost, 0);
}

static void close_waits_for_the_socket(void **state)
{
    struct net *net = *state;

    net_handshake(net);
    net_run(net, 3 * S);
    net->client.full = true;
    net_push(&net->client, 100);
    lp_quic_close(net->client.conn, LP_QUIC_APP_SHUTDOWN, "bye");
    lp_quic_send_control(net->server.conn, frame, net_frame(frame, 1, 'x'));
    net_run(net, 100 * MS);
    assert_true(net->client.agains > 0);
    net->client.full = false;
    lp_quic_on_writable(net->client.quic, net->now_ns);
    net_run(net, 100 * MS);
    assert_int_equal(net->client.closed, 1);
    assert_int_equal(net->server.closed, 1);
    assert_int_equal(net->server.info.app_code, LP_QUIC_APP_SHUTDOWN);
}

/* ---- life and end ---- */

static void keep_alive_holds_it_open(void **state)
{
    struct net *net = *state;

    net_handshake(net);
    net_run(net, 60 * S);
    assert_int_equal(net->client.closed + net->server.closed, 0);
    net_push(&net->server, 10);
    lp_quic_wake(net->server.conn);
    net_run(net, S);
    assert_int_equal(net->client.datagrams, 1);
}

static void silence_ends_it(void **state)
{
    struct net *net = *state;

    net_handshake(net);
    net_run(net, 2 * S);
    net->client.partitioned = net->server.partitioned = true;
    net_run(net, 9 * S); /* the last keep-alive was at most 5 s before */
    assert_int_equal(net->client.closed + net->server.closed, 0);
    net_run(net, 6 * S);
    assert_int_equal(net->client.closed, 1);
    assert_int_equal(net->server.closed, 1);
    assert_int_equal(net->client.info.kind, LP_QUIC_CLOSE_IDLE);
    assert_int_equal(net->server.info.kind, LP_QUIC_CLOSE_IDLE);
    assert_true(net->client.info.heard);
    assert_int_equal(lp_quic_next_deadline(net->client.quic), LP_TIME_NEVER);
}

static void restarted_server_resets(void **state)
{
    struct net *net = *state;
    uint64_t before;

    net_handshake(net);
    net_run(net, 2 * S);
    net_open_server(net);
    net_push(&net->client, 100);
    lp_quic_wake(net->client.conn);
    before = net->now_ns;
    while (net->client.closed == 0 && net->now_ns < before + S)
        net_run(net, MS);
    assert_int_equal(net->client.closed, 1);
    assert_int_equal(net->client.info.kind, LP_QUIC_CLOSE_RESET);
    assert_int_equal(net->now_ns - before, 20 * MS);
    assert_int_equal(net->server.closed, 0);
}

static void another_secret_resets_nobody(void **state)
{
    struct net *net = *state;

    net_handshake(net);
    net_run(net, 2 * S);
    net->secret[0] ^= 1;
    net_open_server(net);
    net_push(&net->client, 100);
    lp_quic_wake(net->client.conn);
    net_run(net, S);
    assert_int_equal(net->client.closed, 0);
}

static void resets_are_short_and_few(void **state)
{
    struct net *net = *state;
    uint8_t packet[100] = {0x40, 7, 1, 2, 3, 4, 5, 6, 7};

    for (size_t len = 1; len <= sizeof packet; len++) {
        unsigned before = net->queued;

        lp_quic_receive(net->server.quic, &net->server.addr, &net->client.addr, 0, packet, len,
                        net->now_ns);
        assert_int_equal(net->queued - before, len >= 22 ? 1 : 0);
        if (len >= 22)
            assert_int_equal(net->queue[before].len, len - 1 < 43 ? len - 1 : 43);
    }
    assert_int_equal(net->queued, 79);
    for (unsigned i = 0; i < 1000; i++)
        lp_quic_receive(net->server.quic, &net->server.addr, &net->client.addr, 0, packet, 100,
                        net->now_ns);
    assert_int_equal(net->queued, 100);
    lp_quic_receive(net->server.quic, &net->server.addr, &net->client.addr, 0, packet, 100,
                    net->now_ns + 10 * MS);
    assert_int_equal(net->queued, 101);
    packet[1] = 8; /* another loop's connection, which may well be alive */
    lp_quic_receive(net->server.quic, &net->server.addr, &net->client.addr, 0, packet, 100,
                    net->now_ns + S);
    assert_int_equal(net->queued, 101);
}

static void close_reasons_reach_the_peer(void **state)
{
    struct net *net = *state;

    net_handshake(net);
    lp_quic_close(net->client.conn, LP_QUIC_APP_TIMED_OUT, "a\nb\\c\x1b[1m");
    lp_quic_close(net->client.conn, LP_QUIC_APP_NORMAL, "second");
    assert_int_equal(lp_quic_send_control(net->client.conn, frame, 5), LP_ERR_CLOSED);
    assert_int_equal(net->client.closed, 0);
    net_run(net, 100 * MS);
    assert_int_equal(net->client.closed, 1);
    assert_int_equal(net->client.info.kind, LP_QUIC_CLOSE_LOCAL);
    assert_int_equal(net->client.info.app_code, LP_QUIC_APP_TIMED_OUT);
    assert_string_equal(net->client.info.reason, "a\\x0ab\\x5cc\\x1b[1m");
    assert_int_equal(net->server.info.kind, LP_QUIC_CLOSE_PEER);
    assert_int_equal(net->server.info.app_code, LP_QUIC_APP_TIMED_OUT);
    assert_string_equal(net->server.info.reason, "a\\x0ab\\x5cc\\x1b[1m");
    assert_int_equal(net->server.quic->conn_count, 0);
    assert_int_equal(net->client.quic->conn_count, 0);
}

static void abandoned_leaves_without_a_word(void **state)
{
    struct net *net = *state;

    net_handshake(net);
    net_run(net, S);
    lp_quic_abandon(net->client.conn, "seems dead");
    lp_quic_send_control(net->server.conn, frame, net_frame(frame, 1, 'x'));
    net_turn(net);
    assert_int_equal(net->client.closed, 1);
    assert_int_equal(net->client.info.kind, LP_QUIC_CLOSE_LOCAL);
    assert_string_equal(net->client.info.reason, "seems dead");
    net_run(net, S);
    assert_int_equal(net->server.closed, 0);
    net_run(net, 20 * S);
    assert_int_equal(net->server.closed, 1);
    assert_int_equal(net->server.info.kind, LP_QUIC_CLOSE_IDLE);
}

static void last_words_come_before_the_close(void **state)
{
    struct net *net = *state;
    size_t len;

    net_connect(net);
    net_run(net, S);
    len = net_frame(frame, 500, 'h');
    lp_quic_send_hello(net->client.conn, frame, len);
    net_run(net, 100 * MS);
    assert_int_equal(net->server.controls, 1);
    lp_quic_send_hello(net->server.conn, frame, len);
    lp_quic_send_control(net->server.conn, frame, len);
    lp_quic_close(net->server.conn, LP_QUIC_APP_REJECTED, "room full");
    net_turn(net);
    assert_int_equal(net->server.closed, 1);
    net_run(net, 100 * MS);
    assert_int_equal(net->client.controls, 2);
    assert_int_equal(net->client.closed, 1);
    assert_string_equal(net->client.info.reason, "room full");
}

/* The usual rejection: all of it in the turn that completed the handshake. */
static void rejection_reaches_a_newcomer(void **state)
{
    struct net *net = *state;

    for (unsigned ms = 0; ms <= 40; ms += 4) {
        net->delay_ns = ms * MS / 4;
        net->server.close_on_control = "room full";
        net->server.answer_len = 900;
        net->client.controls = net->client.closed = 0;
        net_open_client(net);
        lp_quic_send_hello(net_connect(net), frame, net_frame(frame, 700, 'h'));
        net_run(net, S);
        assert_int_equal(net->client.controls, 1);
        assert_int_equal(net->client.last_control_len, 900);
        assert_int_equal(net->client.closed, 1);
        assert_int_equal(net->client.info.app_code, LP_QUIC_APP_REJECTED);
    }
}

static void close_from_inside_a_handler(void **state)
{
    struct net *net = *state;

    net->server.close_on_control = "not you";
    net_handshake(net);
    for (unsigned i = 0; i < 5; i++)
        lp_quic_send_control(net->client.conn, frame, net_frame(frame, 10, 'a'));
    net_run(net, 100 * MS);
    assert_int_equal(net->server.controls, 1);
    assert_int_equal(net->server.closed, 1);
    assert_int_equal(net->client.info.app_code, LP_QUIC_APP_REJECTED);
}

static void close_before_the_handshake(void **state)
{
    struct net *net = *state;
    struct lp_quic_conn *conn = net_connect(net);

    lp_quic_close(conn, LP_QUIC_APP_NORMAL, NULL);
    net_run(net, 15 * S);
    assert_int_equal(net->client.closed, 1);
    assert_int_equal(net->client.info.kind, LP_QUIC_CLOSE_LOCAL);
    assert_int_equal(net->server.accepted, 0);
    assert_int_equal(net->server.quic->conn_count, 0);
}

static void free_sends_nothing(void **state)
{
    struct net *net = *state;
    unsigned packets;

    net_handshake(net);
    lp_quic_send_control(net->client.conn, frame, net_frame(frame, 9000, 'a'));
    net_turn(net);
    lp_quic_send_control(net->client.conn, frame, net_frame(frame, 9000, 'a'));
    packets = net->client.packets;
    lp_quic_free(net->client.quic);
    net->client.quic = NULL;
    assert_int_equal(net->client.packets, packets);
    assert_int_equal(net->client.closed, 0);
    lp_quic_free(NULL);
}

static void ipv6_works(void **state)
{
    struct net *net = *state;

    net->client.addr.family = LP_ADDR_IPV6;
    net->server.addr.family = LP_ADDR_IPV6;
    net->client.addr.ip[15] = 1;
    net->client.addr.scope = 3;
    net->client.seen_as = net->client.addr;
    net->server.seen_as = net->server.addr;
    net_handshake(net);
    net_push(&net->client, 10);
    lp_quic_wake(net->client.conn);
    net_run(net, 5 * S);
    assert_int_equal(net->server.datagrams, 1);
    assert_int_equal(lp_quic_datagram_budget(net->client.conn), BUDGET_MAX);
}

static void local_address_may_be_unknown(void **state)
{
    struct net *net = *state;

    net->client.addr.family = net->server.addr.family = LP_ADDR_NONE;
    net->client.addr.port = net->server.addr.port = 0;
    memset(net->client.addr.ip, 0, 16);
    memset(net->server.addr.ip, 0, 16);
    assert_int_equal(lp_quic_connect(net->client.quic, &net->client.addr, &net->server.seen_as,
                                     &net->client.conn, net->now_ns),
                     0);
    net_run(net, 5 * S);
    assert_int_equal(net->server.accepted, 1);
    assert_int_equal(lp_quic_datagram_budget(net->client.conn), BUDGET_MAX);
}

static void moved_client_is_followed(void **state)
{
    struct net *net = *state;

    net_handshake(net);
    net_run(net, 3 * S);
    net->client.seen_as.port = 50000;
    net_push(&net->client, 10);
    lp_quic_wake(net->client.conn);
    net_run(net, S);
    net_push(&net->server, 10);
    lp_quic_wake(net->server.conn);
    net_run(net, 20 * S);
    assert_int_equal(net->client.datagrams, 1);
    assert_int_equal(net->client.closed + net->server.closed, 0);
    assert_int_equal(lp_quic_datagram_budget(net->server.conn), BUDGET_MAX);
}

static uint64_t earliest(const struct lp_quic *quic)
{
    uint64_t at_ns = LP_TIME_NEVER;

    for (const struct lp_quic_conn *c = quic->conns; c != NULL; c = c->next)
        at_ns = lp_time_min(at_ns, c->deadline_ns);
    return at_ns;
}

static void next_deadline_is_the_earliest(void **state)
{
    struct net *net = *state;

    net->max_connections = 40;
    net_open_server(net);
    net_open_client(net);
    for (unsigned i = 0; i < 40; i++) {
        net_connect(net);
        net_run(net, (1 + net_random(net) % 300) * MS);
    }
    for (unsigned round = 0; round < 2000; round++) {
        for (struct lp_quic_conn *c = net->client.quic->conns; c != NULL; c = c->next) {
            if (net_random(net) % 10 == 0)
                lp_quic_send_control(c, frame, net_frame(frame, 10, 'x'));
        }
        net_turn(net);
        assert_int_equal(lp_quic_next_deadline(net->client.quic), earliest(net->client.quic));
        assert_int_equal(lp_quic_next_deadline(net->server.quic), earliest(net->server.quic));
        net->now_ns += net_random(net) % (20 * MS);
    }
    assert_int_equal(net->client.closed + net->server.closed, 0);
}

static void many_connections_on_one_endpoint(void **state)
{
    struct net *net = *state;

    net->max_connections = 100;
    net_open_server(net);
    net_open_client(net);
    for (unsigned i = 0; i < 100; i++)
        net_connect(net);
    net_run(net, 5 * S);
    assert_int_equal(net->server.accepted, 100);
    net_run(net, 30 * S);
    assert_int_equal(net->client.closed, 0);
    for (struct lp_quic_conn *c = net->client.quic->conns; c != NULL; c = c->next)
        lp_quic_close(c, LP_QUIC_APP_NORMAL, NULL);
    net_run(net, S);
    assert_int_equal(net->client.closed, 100);
    assert_int_equal(net->server.closed, 100);
    assert_int_equal(HASH_COUNT(net->server.quic->routes), 0);
    assert_int_equal(net->server.quic->heap_len, 0);
}

/* ---- hostile input ---- */

static void mutate(struct net *net, struct net_packet *packet)
{
    if (net_random(net) % 3 != 0)
        return;
    for (unsigned i = 0; i < 1 + net_random(net) % 4; i++)
        packet->bytes[net_random(net) % packet->len] ^= (uint8_t)(1 << net_random(net) % 8);
    if (net_random(net) % 4 == 0)
        packet->len = 1 + net_random(net) % packet->len;
}

static void mutated_packets_harm_nobody(void **state)
{
    struct net *net = *state;

    net->tamper = mutate;
    for (unsigned round = 0; round < 30; round++) {
        net->retry = round % 2 == 0;
        net_open_server(net);
        net_open_client(net);
        net->client.size_at = net->client.size_count = 0;
        lp_quic_send_hello(net_connect(net), frame, net_frame(frame, 300, 'm'));
        for (unsigned i = 0; i < 20; i++)
            net_push(&net->client, 200);
        net_run(net, 12 * S);
    }
    net->tamper = NULL;
    net_open_server(net);
    net_open_client(net);
    net->client.connected = net->server.accepted = 0;
    net_handshake(net);
}

static void garbage_costs_nothing(void **state)
{
    struct net *net = *state;
    uint8_t packet[1500];

    net_handshake(net);
    for (unsigned i = 0; i < 20000; i++) {
        size_t len = net_random(net) % sizeof packet;
        struct net_side *side = i % 2 == 0 ? &net->client : &net->server;

        for (size_t at = 0; at < len; at += 8) {
            uint64_t r = net_random(net);

            memcpy(packet + at, &r, len - at < 8 ? len - at : 8);
        }
        if (i % 3 == 0)
            memcpy(packet, "\xc0\0\0\0\1\10", 6);
        if (i % 5 == 0 && len > 9)
            memcpy(packet + 1, net->server.quic->routes->key, 8);
        lp_quic_receive(side->quic, &side->addr, &net->client.addr, 0, packet, len,
                        net->now_ns);
        lp_quic_flush(side->quic, net->now_ns);
        net->queued = 0;
        net->now_ns += 10 * LP_NS_PER_US;
    }
    net_run(net, S);
    assert_int_equal(net->client.closed + net->server.closed, 0);
    assert_int_equal(net->server.quic->conn_count, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(handshake_takes_one_round_trip),
        TEST(retry_costs_another_round_trip),
        TEST(retry_token_of_another_address_is_refused),
        TEST(retry_token_expires),
        TEST(nobody_answers),
        TEST(half_open_server_connection_goes),
        TEST(server_may_not_accept),
        TEST(too_many_connections_are_refused),
        TEST(client_bound_is_kept),
        TEST(unknown_version_is_negotiated),
        TEST(hello_is_answered),
        TEST(server_cannot_answer_before_hello),
        TEST(control_flows_both_ways),
        TEST(control_survives_loss_and_reorder),
        TEST(pending_control_is_bounded),
        TEST(oversized_frame_closes),
        TEST(empty_frame_closes),
        TEST(two_frames_on_a_stream_close),
        TEST(two_hello_frames_close),
        TEST(short_frame_closes),
        TEST(empty_stream_closes),
        TEST(reset_stream_closes),
        TEST(second_bidirectional_stream_is_impossible),
        TEST(partial_frames_are_bounded),
        TEST(datagrams_of_every_size),
        TEST(budget_is_exact),
        TEST(budget_starts_at_the_minimum),
        TEST(budget_stays_on_a_narrow_path),
        TEST(probes_take_no_data_along),
        TEST(peer_limit_bounds_the_budget),
        TEST(small_datagrams_share_packets),
        TEST(what_goes_apart_begins_a_packet),
        TEST(equal_packets_leave_in_one_send),
        TEST(control_and_datagrams_share_a_packet),
        TEST(echo_from_inside_a_handler),
        TEST(loss_does_not_stop_the_flow),
        TEST(queue_stays_with_the_egress),
        TEST(ecn_travels),
        TEST(full_socket_loses_nothing),
        TEST(close_waits_for_the_socket),
        TEST(keep_alive_holds_it_open),
        TEST(silence_ends_it),
        TEST(restarted_server_resets),
        TEST(another_secret_resets_nobody),
        TEST(resets_are_short_and_few),
        TEST(close_reasons_reach_the_peer),
        TEST(abandoned_leaves_without_a_word),
        TEST(last_words_come_before_the_close),
        TEST(rejection_reaches_a_newcomer),
        TEST(close_from_inside_a_handler),
        TEST(close_before_the_handshake),
        TEST(free_sends_nothing),
        TEST(ipv6_works),
        TEST(local_address_may_be_unknown),
        TEST(moved_client_is_followed),
        TEST(next_deadline_is_the_earliest),
        TEST(many_connections_on_one_endpoint),
        TEST(mutated_packets_harm_nobody),
        TEST(garbage_costs_nothing),
    };

    return cmocka_run_group_tests(tests, make_identity, drop_identity);
}
