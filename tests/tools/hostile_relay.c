/*
 * A relay in wrong hands, for the tests of clients: takes every connection, and does to whoever says
 * hello what the scenario named on the command line is. It speaks real QUIC and TLS; what it says
 * within them is what no relay of ours says.
 *
 * Standard output has a line for each thing that happens: "listening", "fingerprint HEX",
 * "connection N at MILLISECONDS", "closed N: REASON", and "done N" when a flood has been sent.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/common/endpoint.h"
#include "apps/common/file.h"
#include "apps/common/options.h"
#include "base/err.h"
#include "base/hex.h"
#include "base/wire.h"
#include "loop/driver.h"
#include "proto/control.h"
#include "proto/overlay.h"
#include "hostile_relay.h"

struct relay_options {
    const char *listen;
    const char *scenario;
    const char *cert_out;
};

#define AT(field) offsetof(struct relay_options, field)

static const struct lp_option options[] = {
    {.name = "listen",
     .argument = "PORT",
     .kind = LP_OPTION_STRING,
     .required = true,
     .offset = AT(listen),
     .help = "where it listens"},
    {.name = "scenario",
     .argument = "NAME",
     .kind = LP_OPTION_STRING,
     .required = true,
     .offset = AT(scenario),
     .help = "what it does to a client"},
    {.name = "dev-cert-der-out",
     .argument = "FILE",
     .kind = LP_OPTION_STRING,
     .required = true,
     .offset = AT(cert_out),
     .help = "gets the certificate, DER"},
};

static const struct lp_program program = {
    .name = "lp-hostile-relay",
    .summary = "a relay that means harm, for tests",
    .description = "Does one scenario of hostile_scenarios.c to each client.",
    .example = "",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
};

static void die(const char *what)
{
    fprintf(stderr, "lp-hostile-relay: %s\n", what);
    exit(1);
}

/* ---- what scenarios do ---- */

void hostile_answer(struct lp_quic_conn *conn, const void *body, size_t len, size_t announced)
{
    uint8_t frame[LP_CONTROL_PREFIX_LEN + LP_CONTROL_BODY_MAX];

    lp_store_be32(frame, (uint32_t)announced);
    memcpy(frame + LP_CONTROL_PREFIX_LEN, body, len);
    (void)lp_quic_send_hello(conn, frame, LP_CONTROL_PREFIX_LEN + len);
}

int hostile_tell(struct lp_quic_conn *conn, const char *json)
{
    uint8_t frame[LP_CONTROL_PREFIX_LEN + 4096];
    size_t len = strlen(json);

    lp_store_be32(frame, (uint32_t)len);
    memcpy(frame + LP_CONTROL_PREFIX_LEN, json, len);
    return lp_quic_send_control(conn, frame, LP_CONTROL_PREFIX_LEN + len);
}

size_t hostile_write_open(struct hostile_relay *relay, int64_t stream_id, const uint8_t *bytes,
                          size_t len, uint64_t now_ns)
{
    size_t sent = 0;

    while (sent < len) {
        ngtcp2_vec data = {.base = (uint8_t *)(uintptr_t)(bytes + sent), .len = len - sent};
        uint8_t packet[LP_QUIC_PAYLOAD_MAX];
        struct lp_quic_tx tx = {.bytes = packet};
        ngtcp2_path_storage path;
        ngtcp2_ssize taken = -1, packet_len;
        ngtcp2_pkt_info pi;

        ngtcp2_path_storage_zero(&path);
        packet_len = ngtcp2_conn_writev_stream(relay->conn->qc, &path.path, &pi, packet, 1200,
                                               &taken, NGTCP2_WRITE_STREAM_FLAG_NONE, stream_id,
                                               &data, 1, now_ns);
        if (packet_len <= 0)
            break;
        ngtcp2_conn_update_pkt_tx_time(relay->conn->qc, now_ns);
        tx.remote = lp_quic_addr_from_ngtcp2(&path.path.remote);
        tx.len = tx.segment_len = (size_t)packet_len;
        (void)lp_driver_transmit(relay->driver, &tx);
        if (taken > 0)
            sent += (size_t)taken;
    }
    return sent;
}

void hostile_done(struct hostile_relay *relay)
{
    if (!relay->done)
        printf("done %u\n", relay->connections);
    relay->done = true;
}

/* ---- QUIC ---- */

static int on_accept(void *user, struct lp_quic_conn *conn, uint64_t now_ns)
{
    struct hostile_relay *relay = user;

    if (relay->conn != NULL)
        lp_quic_abandon(relay->conn, "another one came");
    relay->conn = conn;
    relay->connections++;
    relay->greeted = relay->done = relay->hold = false;
    relay->sent = 0;
    printf("connection %u at %llu\n", relay->connections,
           (unsigned long long)(now_ns / LP_NS_PER_MS));
    return 0;
}

static void on_control(void *user, struct lp_quic_conn *conn, bool hello_stream,
                       const uint8_t *body, size_t len, uint64_t now_ns)
{
    struct hostile_relay *relay = user;
    struct lp_control message;
    char why[LP_CONTROL_WHY_LEN];

    (void)now_ns;
    if (conn != relay->conn || !hello_stream)
        return;
    if (lp_control_decode(body, len, &message, why, NULL) < 0 ||
        message.type != LP_CONTROL_HELLO)
        die("that was no hello");
    relay->greeted = true;
    if (relay->scenario->hello != NULL)
        relay->scenario->hello(relay, conn);
}

static void on_closed(void *user, struct lp_quic_conn *conn,
                      const struct lp_quic_close_info *info, uint64_t now_ns)
{
    struct hostile_relay *relay = user;

    (void)now_ns;
    if (conn != relay->conn)
        return;
    relay->conn = NULL;
    printf("closed %u: %s\n", relay->connections, info->reason);
}

static bool on_egress_next(void *user, struct lp_quic_conn *conn,
                           struct lp_quic_datagram *ret_next, uint64_t now_ns)
{
    struct hostile_relay *relay = user;
    size_t len;

    (void)now_ns;
    if (conn != relay->conn || !relay->greeted || relay->hold ||
        relay->scenario->datagram == NULL)
        return false;
    len = relay->scenario->datagram(relay->sent, relay->datagram);
    if (len == 0) {
        hostile_done(relay);
        return false;
    }
    *ret_next = (struct lp_quic_datagram){.header = relay->datagram, .header_len = len};
    return true;
}

/* What is too big for the path is as good as sent: no client ever sees it. */
static void on_egress_taken(void *user, struct lp_quic_conn *conn,
                            enum lp_quic_egress_result result, uint64_t now_ns)
{
    (void)conn;
    (void)result;
    (void)now_ns;
    ((struct hostile_relay *)user)->sent++;
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

static void on_connected(void *user, struct lp_quic_conn *conn, uint64_t now_ns)
{
    (void)user;
    (void)conn;
    (void)now_ns;
}

static int on_transmit(void *user, const struct lp_quic_tx *tx)
{
    struct hostile_relay *relay = user;

    return relay->dead ? 0 : lp_driver_transmit(relay->driver, tx);
}

static void on_random(void *user, void *bytes, size_t len)
{
    (void)user;
    lp_random_bytes(bytes, len);
}

static const struct lp_quic_handler handler = {
    .accept = on_accept,
    .connected = on_connected,
    .control = on_control,
    .datagram = on_datagram,
    .closed = on_closed,
    .egress_next = on_egress_next,
    .egress_taken = on_egress_taken,
    .transmit = on_transmit,
};

/* ---- engine ---- */

/* Who plays dead wakes up when somebody comes anew (RFC 9000 section 17.2.2: an Initial packet). */
static void receive(void *engine, const struct lp_addr *local, const struct lp_addr *remote,
                    uint8_t ecn, const uint8_t *bytes, size_t len, uint64_t now_ns)
{
    struct hostile_relay *relay = engine;

    if (len > 0 && (bytes[0] & 0xf0) == 0xc0)
        relay->dead = false;
    if (!relay->dead)
        lp_quic_receive(relay->quic, local, remote, ecn, bytes, len, now_ns);
}

static void flush(void *engine, uint64_t now_ns)
{
    struct hostile_relay *relay = engine;

    if (relay->conn != NULL && relay->greeted && relay->scenario->pump != NULL)
        relay->scenario->pump(relay, now_ns);
    if (relay->conn != NULL && relay->greeted)
        lp_quic_wake(relay->conn);
    lp_quic_flush(relay->quic, now_ns);
    if (relay->scenario->plays_dead && relay->greeted)
        relay->dead = true;
}

static void on_writable(void *engine, uint64_t now_ns)
{
    lp_quic_on_writable(((struct hostile_relay *)engine)->quic, now_ns);
}

static uint64_t next_deadline(const void *engine)
{
    return lp_quic_next_deadline(((const struct hostile_relay *)engine)->quic);
}

static void on_deadline(void *engine, uint64_t now_ns)
{
    lp_quic_on_deadline(((struct hostile_relay *)engine)->quic, now_ns);
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
    (void)now_ns;
    lp_driver_end(((struct hostile_relay *)user)->driver);
}

static struct lp_tls *make_tls(const char *cert_out)
{
    uint8_t fingerprint[LP_TLS_FINGERPRINT_LEN];
    char hex[2 * LP_TLS_FINGERPRINT_LEN + 1], why[512];
    struct lp_tls_identity identity;
    struct lp_tls *tls;

    if (lp_tls_identity_generate(LP_DEV_SERVER_NAME, lp_clock_unix_s(), &identity) < 0 ||
        lp_tls_fingerprint(identity.cert_der, identity.cert_der_len, fingerprint) < 0)
        die("no certificate");
    if (lp_tls_server_new(identity.cert_pem, identity.cert_pem_len, identity.key_pem,
                          identity.key_pem_len, &tls, why) < 0 ||
        lp_file_write(cert_out, identity.cert_der, identity.cert_der_len, 0644, why) < 0)
        die(why);
    lp_tls_identity_deinit(&identity);
    printf("fingerprint %s\n", lp_hex_encode(fingerprint, sizeof(fingerprint), hex));
    return tls;
}

static void set_up(struct hostile_relay *relay, const struct relay_options *given,
                   struct lp_tls *tls)
{
    struct lp_driver_config config = {
        .ops = &engine_ops, .engine = relay, .on_stop = on_stop, .user = relay};
    struct lp_quic_config quic = {.server = true,
                                  .max_connections = 64,
                                  .tls = tls,
                                  .random = on_random,
                                  .handler = &handler,
                                  .user = relay};
    struct lp_addr addrs[LP_LISTEN_ADDRS_MAX];
    struct lp_udp_options udp = {0};
    char why[LP_ENDPOINT_WHY_LEN + LP_WHY_LEN];

    if (lp_endpoint_parse_listen(given->listen, addrs, why) < 0)
        die(why);
    udp.bind = addrs[0];
    if (lp_driver_new(&config, &relay->driver) < 0 ||
        lp_driver_add_socket(relay->driver, &udp, NULL, why) < 0 ||
        lp_quic_new(&quic, &relay->quic) < 0)
        die("cannot listen there");
    printf("listening\n");
}

int main(int argc, char **argv)
{
    static struct hostile_relay relay;
    struct relay_options given = {0};
    char why[LP_OPTION_WHY_LEN];
    struct lp_tls *tls;

    setvbuf(stdout, NULL, _IONBF, 0);
    if (lp_options_parse(&program, argc, argv, &given, why) != LP_OPTIONS_RUN)
        die(why);
    relay.scenario = hostile_scenario(given.scenario);
    if (relay.scenario == NULL)
        die("no such scenario");
    tls = make_tls(given.cert_out);
    set_up(&relay, &given, tls);
    lp_driver_run(relay.driver);
    lp_driver_free(relay.driver);
    lp_quic_free(relay.quic);
    lp_tls_free(tls);
    return 0;
}
