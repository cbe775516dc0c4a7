/* lanparty-relay: options, certificate, sockets and signals around the relay's engine. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apps/common/endpoint.h"
#include "apps/common/exit.h"
#include "apps/common/file.h"
#include "apps/common/framelog.h"
#include "apps/common/log.h"
#include "apps/relay/certificate.h"
#include "apps/relay/events.h"
#include "apps/relay/options.h"
#include "base/err.h"
#include "base/hex.h"
#include "loop/driver.h"
#include "relay/relay.h"

/* Each port shorthand is one socket for IPv4 and one for IPv6. */
#define LISTEN_MAX LP_DRIVER_SOCKETS_MAX

struct app {
    struct lp_relay_options options;
    struct lp_addr listen[LISTEN_MAX];
    bool listen_optional[LISTEN_MAX]; /* the IPv6 half of a shorthand */
    unsigned listen_count;
    struct lp_output output; /* frame log, standard output */
    char state_dir[LP_PATH_LEN];
    struct lp_tls *tls;
    uint8_t static_secret[LP_QUIC_SECRET_LEN];
    struct lp_relay *relay;
    struct lp_driver *driver;
};

/* ---- engine ---- */

static void receive(void *engine, const struct lp_addr *local, const struct lp_addr *remote,
                    uint8_t ecn, const uint8_t *bytes, size_t len, uint64_t now_ns)
{
    lp_relay_receive(((struct app *)engine)->relay, local, remote, ecn, bytes, len, now_ns);
}

static void flush(void *engine, uint64_t now_ns)
{
    lp_relay_flush(((struct app *)engine)->relay, now_ns);
}

static void on_writable(void *engine, uint64_t now_ns)
{
    lp_relay_on_writable(((struct app *)engine)->relay, now_ns);
}

static uint64_t next_deadline(const void *engine)
{
    return lp_relay_next_deadline(((const struct app *)engine)->relay);
}

static void on_deadline(void *engine, uint64_t now_ns)
{
    lp_relay_on_deadline(((struct app *)engine)->relay, now_ns);
}

static const struct lp_engine_ops engine_ops = {
    .receive = receive,
    .edge_receive = NULL, /* a relay has no link */
    .flush = flush,
    .on_writable = on_writable,
    .next_deadline = next_deadline,
    .on_deadline = on_deadline,
};

static int on_transmit(void *user, const struct lp_quic_tx *tx)
{
    return lp_driver_transmit(((struct app *)user)->driver, tx);
}

static void on_random(void *user, void *bytes, size_t len)
{
    (void)user;
    lp_random_bytes(bytes, len);
}

static void on_event(void *user, const struct lp_relay_event *event)
{
    (void)user;
    lp_relay_log_event(event);
}

/* A relay that carries people's games does not end because its log is not read any more. */
static void on_frame(void *user, const struct lp_frame_event *event)
{
    struct app *app = user;

    if (app->output.closed)
        return;
    if (!lp_framelog_print(&app->output, event, strcmp(app->options.log_frames, "json") == 0))
        lp_log(LP_LOG_WARNING, "nobody reads the frame log any more: it is off");
}

/* ---- signals ---- */

/* The peers are told and the connections closed by the flush of this turn, the last one. */
static void on_stop(void *user, uint64_t now_ns)
{
    struct app *app = user;

    lp_log(LP_LOG_INFO, "stopping: %u peers in %u rooms are told",
           lp_relay_peer_count(app->relay), lp_relay_room_count(app->relay));
    lp_relay_shutdown(app->relay, now_ns);
    lp_driver_end(app->driver);
}

/* "c.pem, k.pem: the private key does not belong to the certificate" */
static void name_files(const struct app *app, const char *what, char why[LP_FILE_WHY_LEN])
{
    snprintf(why, LP_FILE_WHY_LEN, "%.120s, %.120s: %.240s", app->options.cert,
             app->options.key, what);
}

static void log_fingerprint(const struct lp_certificate *certificate, const char *what)
{
    uint8_t fingerprint[LP_TLS_FINGERPRINT_LEN];
    char hex[2 * LP_TLS_FINGERPRINT_LEN + 1];

    if (lp_tls_fingerprint(certificate->der, certificate->der_len, fingerprint) < 0)
        return;
    lp_log(LP_LOG_INFO, "%s, fingerprint for --relay-pin: %s", what,
           lp_hex_encode(fingerprint, sizeof(fingerprint), hex));
}

static void on_reload(void *user)
{
    struct app *app = user;
    struct lp_certificate certificate;
    char why[LP_FILE_WHY_LEN];
    int err;

    if (app->options.cert == NULL) {
        lp_log(LP_LOG_INFO, "SIGHUP: nothing to read again without --cert");
        return;
    }
    err = lp_certificate_load(app->options.cert, app->options.key, &certificate, why);
    if (err == 0) {
        char tls_why[LP_TLS_WHY_LEN];

        err = lp_tls_server_reload(app->tls, certificate.cert_pem, certificate.cert_pem_len,
                                   certificate.key_pem, certificate.key_pem_len, tls_why);
        if (err < 0)
            name_files(app, tls_why, why);
        else
            log_fingerprint(&certificate, "certificate reloaded; connections go on");
        lp_certificate_deinit(&certificate);
    }
    if (err < 0)
        lp_log_sentence(LP_LOG_ERROR, "certificate not reloaded, the old one stays: ", why);
}

/* ---- set-up ---- */

static enum lp_exit say(enum lp_exit status, const char *why)
{
    lp_log_sentence(LP_LOG_ERROR, "", why);
    return status;
}

static int load_dev_certificate(struct app *app, struct lp_certificate *certificate,
                                char why[LP_FILE_WHY_LEN])
{
    int made;
    int err = lp_certificate_load_dev(app->state_dir, app->options.server_name,
                                      lp_clock_unix_s(), certificate, &made, why);

    if (err < 0)
        return err;
    log_fingerprint(certificate,
                    made ? "development certificate made" : "development certificate");
    if (app->options.dev_cert_der_out != NULL)
        err = lp_file_write(app->options.dev_cert_der_out, certificate->der,
                            certificate->der_len, 0644, why);
    if (err < 0)
        lp_certificate_deinit(certificate);
    return err;
}

static enum lp_exit set_up_tls(struct app *app)
{
    struct lp_certificate certificate;
    char why[LP_FILE_WHY_LEN], tls_why[LP_TLS_WHY_LEN];
    int err;

    if (app->options.cert != NULL)
        err = lp_certificate_load(app->options.cert, app->options.key, &certificate, why);
    else
        err = load_dev_certificate(app, &certificate, why);
    if (err < 0)
        return say(LP_EXIT_RESOURCE, why);
    if (app->options.cert != NULL)
        log_fingerprint(&certificate, "certificate");
    err = lp_tls_server_new(certificate.cert_pem, certificate.cert_pem_len, certificate.key_pem,
                            certificate.key_pem_len, &app->tls, tls_why);
    lp_certificate_deinit(&certificate);
    if (err < 0 && app->options.cert != NULL) {
        name_files(app, tls_why, why);
        return say(LP_EXIT_RESOURCE, why);
    }
    if (err < 0)
        return say(LP_EXIT_RESOURCE, tls_why);
    err = lp_static_secret_load(app->state_dir, app->static_secret, sizeof(app->static_secret),
                                why);
    return err < 0 ? say(LP_EXIT_RESOURCE, why) : LP_EXIT_OK;
}

static enum lp_exit set_up_relay(struct app *app)
{
    const struct lp_relay_options *options = &app->options;
    struct lp_relay_config config;
    int err;

    lp_relay_config_defaults(&config);
    config.tls = app->tls;
    config.mtu = (unsigned)options->mtu;
    (void)lp_duplicate_parse(options->duplicate, &config.duplicate);
    config.max_clients = (unsigned)options->max_clients;
    config.max_peers = (unsigned)options->max_peers;
    config.max_rooms = (unsigned)options->max_rooms;
    config.max_joining = (unsigned)options->max_joining;
    config.limits = (struct lp_limits){
        .broadcast_burst_frames = (uint32_t)options->broadcast_burst,
        .broadcast_rate_frames = (uint32_t)options->broadcast_rate,
        .unknown_burst_frames = (uint32_t)options->unknown_burst,
        .unknown_rate_frames = (uint32_t)options->unknown_rate,
        .burst_bytes = options->client_burst,
        .rate_bytes = options->client_rate,
    };
    config.random = on_random;
    config.transmit = on_transmit;
    config.event = on_event;
    config.frame = options->log_frames != NULL ? on_frame : NULL;
    config.user = app;
    memcpy(config.static_secret, app->static_secret, sizeof(config.static_secret));
    err = lp_relay_new(&config, &app->relay);
    return err < 0 ? say(LP_EXIT_FAILURE, lp_err_text(err)) : LP_EXIT_OK;
}

/* Before anything is made: a wrong command line leaves nothing behind. */
static enum lp_exit add_listen(struct app *app, const char *text)
{
    struct lp_addr addrs[LP_LISTEN_ADDRS_MAX];
    char why[LP_ENDPOINT_WHY_LEN];
    int count = lp_endpoint_parse_listen(text, addrs, why);

    if (count < 0)
        return say(LP_EXIT_USAGE, why);
    if (app->listen_count + (unsigned)count > LISTEN_MAX) {
        snprintf(why, sizeof(why),
                 "--listen: %d sockets at most, and a port alone is two, one for IPv4 and one "
                 "for IPv6",
                 LISTEN_MAX);
        return say(LP_EXIT_USAGE, why);
    }
    for (int i = 0; i < count; i++) {
        app->listen_optional[app->listen_count] = i > 0;
        app->listen[app->listen_count++] = addrs[i];
    }
    return LP_EXIT_OK;
}

static enum lp_exit read_listens(struct app *app)
{
    const struct lp_option_list *listen = &app->options.listen;
    enum lp_exit status = LP_EXIT_OK;

    if (listen->count == 0)
        return add_listen(app, "443/udp");
    for (unsigned i = 0; i < listen->count && status == LP_EXIT_OK; i++)
        status = add_listen(app, listen->value[i]);
    return status;
}

static enum lp_exit set_up_sockets(struct app *app)
{
    char why[LP_WHY_LEN], bound_text[LP_ADDR_TEXT_LEN];

    for (unsigned i = 0; i < app->listen_count; i++) {
        struct lp_udp_options udp = {.bind = app->listen[i]};
        struct lp_addr bound;
        int err = lp_driver_add_socket(app->driver, &udp, &bound, why);

        /* A port shorthand means both families, on machines that have both. */
        if (err == LP_ERR_UNSUPPORTED && app->listen_optional[i])
            continue;
        if (err < 0)
            return say(LP_EXIT_RESOURCE, why);
        lp_log(LP_LOG_INFO, "listening on %s/udp", lp_addr_format(&bound, bound_text));
    }
    return LP_EXIT_OK;
}

static enum lp_exit check_options(struct app *app)
{
    const struct lp_relay_options *options = &app->options;

    if ((options->cert == NULL) != (options->key == NULL))
        return say(LP_EXIT_USAGE, "--cert and --key go together: give both, or none for a "
                                  "certificate that is made");
    if (options->cert != NULL && options->dev_cert_der_out != NULL)
        return say(LP_EXIT_USAGE,
                   "--dev-cert-der-out is for the development certificate: leave it "
                   "out with --cert");
    if (options->state_dir != NULL)
        snprintf(app->state_dir, sizeof(app->state_dir), "%s", options->state_dir);
    else if (lp_state_path("relay", app->state_dir) < 0)
        return say(LP_EXIT_USAGE, "no folder for the state: give --state-dir FOLDER");
    return read_listens(app);
}

static enum lp_exit run(struct app *app)
{
    struct lp_driver_config config = {
        .ops = &engine_ops,
        .engine = app,
        .on_stop = on_stop,
        .on_reload = on_reload,
        .user = app,
    };
    enum lp_exit status = check_options(app);

    lp_output_init(&app->output, STDOUT_FILENO);
    if (status == LP_EXIT_OK)
        status = set_up_tls(app);
    if (status == LP_EXIT_OK)
        status = set_up_relay(app);
    if (status == LP_EXIT_OK && lp_driver_new(&config, &app->driver) < 0)
        status = say(LP_EXIT_FAILURE, "cannot make an event loop");
    if (status == LP_EXIT_OK)
        status = set_up_sockets(app);
    if (status == LP_EXIT_OK) {
        if (app->options.client_rate == 0)
            lp_log(LP_LOG_INFO, "clients' byte rate is not limited (--client-rate 0)");
        lp_driver_run(app->driver);
    }
    lp_driver_free(app->driver);
    lp_relay_free(app->relay);
    lp_tls_free(app->tls);
    lp_output_flush(&app->output);
    lp_output_deinit(&app->output);
    return status;
}

int main(int argc, char **argv)
{
    static struct app app;
    enum lp_exit status;

    lp_relay_options_defaults(&app.options);
    if (!lp_options_begin(&lp_relay_program, argc, argv, &app.options, &status))
        return (int)status;
    return (int)run(&app);
}
