/*
 * A client without manners, for the network tests: joins a room as lanparty-client does, then
 * sends every frame that it reads from standard input (a line of hex digits each) as it is,
 * unfiltered, from whatever source address. What reaches the LAN in spite of it was let through
 * by relay and gateway.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/common/endpoint.h"
#include "apps/common/file.h"
#include "apps/common/log.h"
#include "apps/common/options.h"
#include "base/err.h"
#include "base/hex.h"
#include "core/cutter.h"
#include "loop/driver.h"
#include "proto/control.h"

#define LINE_MAX_LEN (2 * LP_ETH_FRAME_MAX)

struct hostile_options {
    const char *relay;
    const char *room;
    const char *ca_cert;
    const char *server_name;
    const char *mac;
};

#define AT(field) offsetof(struct hostile_options, field)

static const struct lp_option options[] = {
    {.name = "relay",
     .argument = "HOST",
     .kind = LP_OPTION_STRING,
     .required = true,
     .offset = AT(relay),
     .help = "the relay"},
    {.name = "room",
     .argument = "CODE",
     .kind = LP_OPTION_STRING,
     .required = true,
     .offset = AT(room),
     .help = "the room"},
    {.name = "relay-ca-cert",
     .argument = "FILE",
     .kind = LP_OPTION_STRING,
     .required = true,
     .offset = AT(ca_cert),
     .help = "the relay's certificate, DER"},
    {.name = "server-name",
     .argument = "NAME",
     .kind = LP_OPTION_STRING,
     .required = true,
     .offset = AT(server_name),
     .help = "name in that certificate"},
    {.name = "virtual-mac",
     .argument = "MAC",
     .kind = LP_OPTION_STRING,
     .required = true,
     .offset = AT(mac),
     .help = "the address that hello gives"},
};

static const struct lp_program program = {
    .name = "lp-hostile-client",
    .summary = "sends any frame into a room, for tests",
    .description = "Reads frames as lines of hex digits from standard input.",
    .example = "",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
};

struct hostile {
    struct hostile_options options;
    struct lp_mac mac;
    struct lp_driver *driver;
    struct lp_quic *quic;
    struct lp_quic_conn *conn;
    struct lp_welcome welcome;
    struct lp_packet_pool pool;
    struct lp_counters counters;
    struct lp_egress egress;
    struct lp_cutter cutter;
    uv_pipe_t input;
    char line[LINE_MAX_LEN + 2];
    size_t line_len;
};

static void die(const char *what)
{
    fprintf(stderr, "lp-hostile-client: %s\n", what);
    exit(1);
}

/* ---- frames in ---- */

static void send_line(struct hostile *h)
{
    uint8_t frame[LP_ETH_FRAME_MAX];
    struct lp_overlay overlay = {
        .type = LP_OVERLAY_FRAME,
        .room_id = h->welcome.room_id,
        .peer_id = h->welcome.peer_id,
        .payload = frame,
        .payload_len = h->line_len / 2,
    };

    if (lp_hex_decode(h->line, h->line_len, frame) < 0)
        die("a line that is no hex");
    /* One flow, whatever it sends: what the tests say arrives in that order. */
    if (lp_egress_push(&h->egress, &overlay, &(struct lp_flow){0}, lp_driver_now(h->driver)) !=
        LP_FORWARD)
        die("the queue is full");
    lp_quic_wake(h->conn);
    h->line_len = 0;
}

static void on_input(uv_stream_t *stream, ssize_t len, const uv_buf_t *buffer)
{
    struct hostile *h = stream->data;

    for (ssize_t i = 0; i < len; i++) {
        if (buffer->base[i] == '\n')
            send_line(h);
        else if (h->line_len < LINE_MAX_LEN)
            h->line[h->line_len++] = buffer->base[i];
        else
            die("a line longer than a frame");
    }
    free(buffer->base);
    if (len < 0)
        lp_driver_end(h->driver);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buffer)
{
    (void)handle;
    ret_buffer->base = malloc(suggested);
    ret_buffer->len = ret_buffer->base != NULL ? suggested : 0;
}

static void read_input(struct hostile *h)
{
    h->input.data = h;
    if (uv_pipe_init(lp_driver_uv(h->driver), &h->input, 0) != 0 ||
        uv_pipe_open(&h->input, 0) != 0 ||
        uv_read_start((uv_stream_t *)&h->input, on_alloc, on_input) != 0)
        die("standard input must be a pipe");
}

/* ---- QUIC ---- */

static void on_connected(void *user, struct lp_quic_conn *conn, uint64_t now_ns)
{
    struct hostile *h = user;
    struct lp_control hello = {
        .type = LP_CONTROL_HELLO,
        .hello = {.version = LP_CONTROL_VERSION,
                  .role = LP_ROLE_CLIENT,
                  .has_mac = true,
                  .mac = h->mac,
                  .datagram_budget = 65535,
                  .capabilities = LP_CAP_PIECES,
                  .name = "hostile"},
    };
    uint8_t frame[2048];
    int len;

    (void)now_ns;
    snprintf(hello.hello.room, sizeof(hello.hello.room), "%s", h->options.room);
    len = lp_control_encode(&hello, frame, sizeof(frame));
    if (len < 0 || lp_quic_send_hello(conn, frame, (size_t)len) < 0)
        die("hello cannot be sent");
}

static void on_control(void *user, struct lp_quic_conn *conn, bool hello_stream,
                       const uint8_t *body, size_t len, uint64_t now_ns)
{
    struct hostile *h = user;
    struct lp_control message;
    char why[LP_CONTROL_WHY_LEN];

    (void)conn;
    (void)now_ns;
    if (!hello_stream)
        return;
    if (lp_control_decode(body, len, &message, why, NULL) < 0 ||
        message.type != LP_CONTROL_WELCOME)
        die("not let in");
    h->welcome = message.welcome;
    lp_log(LP_LOG_INFO, "joined");
    read_input(h);
}

static void on_datagram(void *user, struct lp_quic_conn *conn, const uint8_t *bytes, size_t len,
                        uint64_t now_ns)
{
    (void)user;
    (void)conn;
    (void)bytes;
    (void)len;
    (void)now_ns;
}

static void on_closed(void *user, struct lp_quic_conn *conn,
                      const struct lp_quic_close_info *info, uint64_t now_ns)
{
    struct hostile *h = user;

    (void)conn;
    (void)now_ns;
    h->conn = NULL;
    lp_log_sentence(LP_LOG_INFO, "closed: ", info->reason);
    lp_driver_end(h->driver);
}

static bool on_egress_next(void *user, struct lp_quic_conn *conn,
                           struct lp_quic_datagram *ret_next, uint64_t now_ns)
{
    struct hostile *h = user;
    struct lp_cut cut;

    if (!lp_cutter_next(&h->cutter, &h->egress, lp_quic_datagram_budget(conn),
                        LP_OVERLAY_FLAG_PIECE, &cut, now_ns))
        return false;
    *ret_next = (struct lp_quic_datagram){
        .header = cut.header,
        .header_len = cut.header_len,
        .body = cut.body,
        .body_len = cut.body_len,
    };
    return true;
}

static void on_egress_taken(void *user, struct lp_quic_conn *conn,
                            enum lp_quic_egress_result result, uint64_t now_ns)
{
    struct hostile *h = user;

    (void)conn;
    (void)now_ns;
    if (result == LP_QUIC_EGRESS_SENT)
        lp_cutter_sent(&h->cutter, &h->egress);
    else
        lp_cutter_refused(&h->cutter, &h->egress);
}

static int on_transmit(void *user, const struct lp_quic_tx *tx)
{
    return lp_driver_transmit(((struct hostile *)user)->driver, tx);
}

static void on_random(void *user, void *bytes, size_t len)
{
    (void)user;
    lp_random_bytes(bytes, len);
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

/* ---- engine ---- */

static void receive(void *engine, const struct lp_addr *local, const struct lp_addr *remote,
                    uint8_t ecn, const uint8_t *bytes, size_t len, uint64_t now_ns)
{
    lp_quic_receive(((struct hostile *)engine)->quic, local, remote, ecn, bytes, len, now_ns);
}

static void flush(void *engine, uint64_t now_ns)
{
    lp_quic_flush(((struct hostile *)engine)->quic, now_ns);
}

static void on_writable(void *engine, uint64_t now_ns)
{
    lp_quic_on_writable(((struct hostile *)engine)->quic, now_ns);
}

static uint64_t next_deadline(const void *engine)
{
    return lp_quic_next_deadline(((const struct hostile *)engine)->quic);
}

static void on_deadline(void *engine, uint64_t now_ns)
{
    lp_quic_on_deadline(((struct hostile *)engine)->quic, now_ns);
}

static const struct lp_engine_ops engine_ops = {
    .receive = receive,
    .flush = flush,
    .on_writable = on_writable,
    .next_deadline = next_deadline,
    .on_deadline = on_deadline,
};

static void on_stop(void *user, uint64_t now_ns)
{
    struct hostile *h = user;

    (void)now_ns;
    if (h->conn != NULL)
        lp_quic_close(h->conn, LP_QUIC_APP_NORMAL, "goodbye");
    lp_driver_end(h->driver);
}

static void set_up(struct hostile *h, struct lp_tls **ret_tls)
{
    struct lp_driver_config config = {
        .ops = &engine_ops, .engine = h, .on_stop = on_stop, .user = h};
    struct lp_tls_client_config trust = {.trust = LP_TLS_TRUST_CERTIFICATE,
                                         .server_name = h->options.server_name};
    struct lp_quic_config quic = {
        .max_connections = 1, .random = on_random, .handler = &handler, .user = h};
    struct lp_udp_options udp = {0};
    struct lp_addr any = {0}, relay;
    struct lp_endpoint endpoint;
    char why[512];
    uint8_t *der;

    if (lp_mac_parse(h->options.mac, &h->mac) < 0)
        die("--virtual-mac is no MAC address");
    if (lp_file_read(h->options.ca_cert, &der, &trust.ca_der_len, why) < 0)
        die(why);
    trust.ca_der = der;
    if (lp_tls_client_new(&trust, ret_tls, why) < 0)
        die(why);
    free(der);
    if (lp_driver_new(&config, &h->driver) < 0 ||
        lp_endpoint_parse(h->options.relay, &endpoint, why) < 0 || !endpoint.literal)
        die("no loop, or --relay is no address");
    lp_endpoint_literal(&endpoint, &relay);
    udp.bind.family = relay.family;
    quic.tls = *ret_tls;
    if (lp_driver_add_socket(h->driver, &udp, NULL, why) < 0 ||
        lp_quic_new(&quic, &h->quic) < 0 ||
        lp_quic_connect(h->quic, &any, &relay, &h->conn, lp_driver_now(h->driver)) < 0)
        die("cannot connect");
}

int main(int argc, char **argv)
{
    static struct hostile h;
    struct lp_tls *tls;
    char why[LP_OPTION_WHY_LEN];

    if (lp_options_parse(&program, argc, argv, &h.options, why) != LP_OPTIONS_RUN)
        die(why);
    lp_packet_pool_init(&h.pool, 256);
    lp_egress_init(&h.egress, &h.pool, &h.counters, LP_EGRESS_BYTES_MAX, LP_EGRESS_AGE_MAX_NS);
    lp_cutter_init(&h.cutter, 0);
    set_up(&h, &tls);
    lp_driver_run(h.driver);
    lp_driver_free(h.driver);
    lp_egress_clear(&h.egress);
    lp_packet_pool_deinit(&h.pool);
    lp_quic_free(h.quic);
    lp_tls_free(tls);
    return 0;
}
