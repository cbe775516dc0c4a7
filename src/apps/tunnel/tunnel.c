#include "apps/tunnel/tunnel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apps/common/framelog.h"
#include "apps/common/log.h"
#include "base/err.h"
#include "base/hex.h"

#define REPORT_INTERVAL_TEXT_S 60
#define REPORT_INTERVAL_JSON_S 2
#define LOOKUP_NOTICE_S        2
#define PEER_LINES_BURST       300 /* a full room, when its relay was restarted */
#define PEER_LINES_RATE        4

enum lp_exit lp_tunnel_say(enum lp_exit status, const char *why)
{
    lp_log_sentence(LP_LOG_ERROR, "", why);
    return status;
}

void lp_tunnel_end(struct lp_tunnel *tunnel, enum lp_exit status)
{
    if (tunnel->status == LP_EXIT_OK)
        tunnel->status = status;
    tunnel->ending = true;
    lp_driver_end(tunnel->driver);
}

/* `| head -1` has seen enough: that is an end like Ctrl-C. */
static void on_reader_gone(struct lp_tunnel *tunnel)
{
    if (tunnel->ending)
        return;
    lp_log(LP_LOG_INFO, "nobody reads standard output any more: stopping");
    lp_tunnel_end(tunnel, LP_EXIT_OK);
}

/* ---- engine ---- */

static void receive(void *engine, const struct lp_addr *local, const struct lp_addr *remote,
                    uint8_t ecn, const uint8_t *bytes, size_t len, uint64_t now_ns)
{
    lp_node_receive(((struct lp_tunnel *)engine)->node, local, remote, ecn, bytes, len, now_ns);
}

static void edge_receive(void *engine, const struct lp_superframe *frame, uint64_t now_ns)
{
    struct lp_tunnel *tunnel = engine;
    bool (*filter)(void *, const struct lp_superframe *, uint64_t) = tunnel->hooks->edge_filter;

    if (filter != NULL && filter(tunnel->user, frame, now_ns))
        return;
    if (tunnel->node != NULL)
        lp_node_edge_receive(tunnel->node, frame, now_ns);
}

static void flush(void *engine, uint64_t now_ns)
{
    struct lp_tunnel *tunnel = engine;

    if (tunnel->node != NULL)
        lp_node_flush(tunnel->node, now_ns);
}

static void on_writable(void *engine, uint64_t now_ns)
{
    lp_node_on_writable(((struct lp_tunnel *)engine)->node, now_ns);
}

static uint64_t next_deadline(const void *engine)
{
    const struct lp_tunnel *tunnel = engine;

    return tunnel->node != NULL ? lp_node_next_deadline(tunnel->node) : LP_TIME_NEVER;
}

static void on_deadline(void *engine, uint64_t now_ns)
{
    lp_node_on_deadline(((struct lp_tunnel *)engine)->node, now_ns);
}

static const struct lp_engine_ops engine_ops = {
    .receive = receive,
    .edge_receive = edge_receive,
    .flush = flush,
    .on_writable = on_writable,
    .next_deadline = next_deadline,
    .on_deadline = on_deadline,
};

static int on_transmit(void *user, const struct lp_quic_tx *tx)
{
    return lp_driver_transmit(((struct lp_tunnel *)user)->driver, tx);
}

static void on_random(void *user, void *bytes, size_t len)
{
    (void)user;
    lp_random_bytes(bytes, len);
}

static void on_frame(void *user, const struct lp_frame_event *event)
{
    struct lp_tunnel *tunnel = user;

    if (!lp_framelog_print(&tunnel->output, event,
                           strcmp(tunnel->options->log_frames, "json") == 0))
        on_reader_gone(tunnel);
}

/* ---- the relay's name ---- */

static int open_socket(struct lp_tunnel *tunnel, uint8_t family, char why[LP_WHY_LEN])
{
    uint8_t bit = family == LP_ADDR_IPV6 ? 2 : 1;
    struct lp_udp_options options = {.bind = {.family = family}};
    int err;

    if ((tunnel->families & bit) != 0)
        return 0;
    err = lp_driver_add_socket(tunnel->driver, &options, NULL, why);
    if (err == 0)
        tunnel->families |= bit;
    return err;
}

static void on_resolved_again(void *user, int err, const struct lp_addr *addr,
                              const char *why_not)
{
    struct lp_tunnel *tunnel = user;
    char why[LP_WHY_LEN], text[LP_ADDR_TEXT_LEN];

    (void)why_not;
    tunnel->resolution = NULL;
    if (err < 0 || lp_addr_equal(addr, &tunnel->relay))
        return; /* the address that was good before is tried on */
    if (open_socket(tunnel, addr->family, why) < 0)
        return;
    tunnel->relay = *addr;
    lp_node_set_relay(tunnel->node, addr);
    lp_log(LP_LOG_INFO, "the relay's name now means %s", lp_addr_format(addr, text));
}

/* A relay may move while we are away: its name is asked again after each loss. */
static void resolve_again(struct lp_tunnel *tunnel)
{
    if (!tunnel->endpoint.literal && tunnel->resolution == NULL)
        (void)lp_endpoint_resolve_start(lp_driver_uv(tunnel->driver), &tunnel->endpoint,
                                        on_resolved_again, tunnel, &tunnel->resolution);
}

/* ---- events ---- */

static enum lp_exit status_of_failure(const struct lp_node_event *event)
{
    return event->kind == LP_NODE_EVENT_REFUSED ? LP_EXIT_TRUST : LP_EXIT_REJECTED;
}

/*
 * The secret is on the disk before hello shows it: should we die before welcome is here, the next start
 * can still take the seat that the relay keeps for us.
 */
static void keep_seat(struct lp_tunnel *tunnel)
{
    struct lp_node_view view;
    char why[LP_FILE_WHY_LEN];

    lp_node_view(tunnel->node, &view);
    if (view.has_seat_secret &&
        lp_identity_keep_seat(&tunnel->identity, tunnel->relay_name, tunnel->options->room,
                              view.seat_secret, why) < 0)
        lp_log_sentence(LP_LOG_WARNING, "the seat could not be saved: ", why);
}

static void on_event(void *user, const struct lp_node_event *event)
{
    struct lp_tunnel *tunnel = user;
    enum lp_exit status;

    if (tunnel->ending)
        return; /* the last line says why */
    lp_tunnel_log_event(tunnel, event);
    if (tunnel->hooks->event != NULL)
        tunnel->hooks->event(tunnel->user, event);
    tunnel->report_due = true;
    switch (event->kind) {
    case LP_NODE_EVENT_JOINED:
        keep_seat(tunnel);
        status = tunnel->hooks->joined(tunnel->user, event->welcome);
        if (status != LP_EXIT_OK)
            lp_tunnel_end(tunnel, status);
        break;
    case LP_NODE_EVENT_GATEWAY_CHANGED:
        tunnel->hooks->gateway_changed(tunnel->user, event->gateway_peer_id);
        break;
    case LP_NODE_EVENT_LOST:
    case LP_NODE_EVENT_UNANSWERED:
        resolve_again(tunnel);
        break;
    case LP_NODE_EVENT_REJECTED:
    case LP_NODE_EVENT_REFUSED:
        if (event->final)
            lp_tunnel_end(tunnel, status_of_failure(event));
        break;
    case LP_NODE_EVENT_CONNECTING:
    case LP_NODE_EVENT_PEER_JOINED:
    case LP_NODE_EVENT_PEER_LEFT:
    case LP_NODE_EVENT_PROTOCOL:
    case LP_NODE_EVENT_FAILED:
        break;
    }
}

/* ---- loop ---- */

static void on_stop(void *user, uint64_t now_ns)
{
    (void)now_ns;
    lp_log(LP_LOG_INFO, "stopping");
    lp_tunnel_end(user, LP_EXIT_OK);
}

static void on_link_lost(void *user)
{
    struct lp_tunnel *tunnel = user;

    tunnel->report_due = true;
    tunnel->hooks->link_lost(tunnel->user);
}

static uint64_t report_interval_ns(const struct lp_tunnel *tunnel)
{
    uint64_t seconds = tunnel->options->report_interval;

    if (seconds == UINT64_MAX)
        seconds = tunnel->options->json ? REPORT_INTERVAL_JSON_S : REPORT_INTERVAL_TEXT_S;
    return seconds == 0 ? LP_TIME_NEVER : seconds * LP_NS_PER_S;
}

/* A change is told at once with --json, where a program listens; people have the event's own
 * line. */
static void report_when_due(struct lp_tunnel *tunnel, uint64_t now_ns)
{
    bool changed = tunnel->report_due && tunnel->options->json;

    tunnel->report_due = false;
    if (!changed && lp_time_since(tunnel->reported_ns, now_ns) < report_interval_ns(tunnel))
        return;
    tunnel->reported_ns = now_ns;
    lp_tunnel_print_report(tunnel);
    if (tunnel->output.closed)
        on_reader_gone(tunnel);
}

/* The goodbye leaves with the flush of this turn, the last one. */
static void on_turn(void *user, uint64_t now_ns)
{
    struct lp_tunnel *tunnel = user;

    if (tunnel->node == NULL)
        return;
    if (!tunnel->ending)
        report_when_due(tunnel, now_ns);
    if (tunnel->ending)
        lp_node_stop(tunnel->node, now_ns);
}

static void on_second(uv_timer_t *timer)
{
    struct lp_tunnel *tunnel = timer->data;

    if (!lp_output_flush(&tunnel->output))
        on_reader_gone(tunnel);
    if (tunnel->node == NULL && ++tunnel->lookup_s == LOOKUP_NOTICE_S)
        lp_log(LP_LOG_INFO, "looking up the address of %s takes long", tunnel->endpoint.host);
    tunnel->hooks->second(tunnel->user, lp_driver_now(tunnel->driver));
}

static enum lp_exit open_driver(struct lp_tunnel *tunnel)
{
    struct lp_driver_config config = {
        .ops = &engine_ops,
        .engine = tunnel,
        .on_stop = on_stop,
        .on_turn = on_turn,
        .on_link_lost = on_link_lost,
        .user = tunnel,
    };

    if (lp_driver_new(&config, &tunnel->driver) < 0)
        return lp_tunnel_say(LP_EXIT_FAILURE, "cannot make an event loop");
    uv_timer_init(lp_driver_uv(tunnel->driver), &tunnel->second_timer);
    tunnel->second_timer.data = tunnel;
    tunnel->second_timer_open = true;
    uv_timer_start(&tunnel->second_timer, on_second, 1000, 1000);
    return LP_EXIT_OK;
}

/* ---- set-up ---- */

/* DER, or PEM as web servers have it: then the first certificate of it. */
static int read_certificate(const char *path, uint8_t **ret_der, size_t *ret_len,
                            char why[LP_FILE_WHY_LEN])
{
    uint8_t *bytes, *der;
    size_t len, der_len;
    int err = lp_file_read(path, &bytes, &len, why);

    if (err < 0)
        return err;
    if (lp_tls_pem_to_der(bytes, len, &der, &der_len) == 0) {
        free(bytes);
        bytes = der;
        len = der_len;
    }
    *ret_der = bytes;
    *ret_len = len;
    return 0;
}

static enum lp_exit say_of_file(const char *path, const char *what)
{
    char why[LP_FILE_WHY_LEN];

    snprintf(why, sizeof(why), "%.200s: %.250s", path, what);
    return lp_tunnel_say(LP_EXIT_RESOURCE, why);
}

static enum lp_exit set_up_trust(struct lp_tunnel *tunnel)
{
    const struct lp_tunnel_options *options = tunnel->options;
    struct lp_tls_client_config config = {
        .trust = LP_TLS_TRUST_SYSTEM,
        .server_name =
            options->server_name != NULL ? options->server_name : tunnel->endpoint.host,
    };
    char why[LP_FILE_WHY_LEN], tls_why[LP_TLS_WHY_LEN];
    uint8_t *der = NULL;
    int err = 0;

    if (options->ca_cert != NULL && options->pin != NULL)
        return lp_tunnel_say(LP_EXIT_USAGE,
                             "--relay-ca-cert and --relay-pin exclude each other");
    if (options->pin != NULL) {
        config.trust = LP_TLS_TRUST_PIN;
        if (strlen(options->pin) != 2 * LP_TLS_FINGERPRINT_LEN ||
            lp_hex_decode(options->pin, 2 * LP_TLS_FINGERPRINT_LEN, config.pin) < 0)
            return lp_tunnel_say(LP_EXIT_USAGE,
                                 "--relay-pin takes the 64 hex digits that the relay "
                                 "prints as its fingerprint");
    } else if (options->ca_cert != NULL) {
        config.trust = LP_TLS_TRUST_CERTIFICATE;
        err = read_certificate(options->ca_cert, &der, &config.ca_der_len, why);
        config.ca_der = der;
    }
    if (err < 0)
        return lp_tunnel_say(LP_EXIT_RESOURCE, why);
    err = lp_tls_client_new(&config, &tunnel->tls, tls_why);
    free(der);
    if (err < 0 && options->ca_cert != NULL)
        return say_of_file(options->ca_cert, tls_why);
    return err < 0 ? lp_tunnel_say(LP_EXIT_RESOURCE, tls_why) : LP_EXIT_OK;
}

static enum lp_exit open_identity(struct lp_tunnel *tunnel, const char *name)
{
    char default_path[LP_PATH_LEN], why[LP_FILE_WHY_LEN];
    const char *path = tunnel->options->identity;

    if (path == NULL && lp_state_path(name, default_path) < 0)
        return lp_tunnel_say(LP_EXIT_USAGE, "no folder for the identity: give --identity FILE");
    if (path == NULL)
        path = default_path;
    if (lp_identity_open(&tunnel->identity, path, why) < 0)
        return lp_tunnel_say(LP_EXIT_RESOURCE, why);
    return LP_EXIT_OK;
}

static enum lp_exit check_texts(const struct lp_tunnel_options *options)
{
    char why[256];

    if (!lp_room_code_valid(options->room)) {
        snprintf(why, sizeof(why),
                 "--room \"%.80s\": a room code has 1 to 64 letters, digits, '.', '_' and '-'",
                 options->room);
        return lp_tunnel_say(LP_EXIT_USAGE, why);
    }
    if (options->name != NULL && !lp_name_valid(options->name)) {
        snprintf(why, sizeof(why),
                 "--name \"%.80s\": a name has at most 64 octets of UTF-8 without control "
                 "characters",
                 options->name);
        return lp_tunnel_say(LP_EXIT_USAGE, why);
    }
    return LP_EXIT_OK;
}

enum lp_exit lp_tunnel_prepare(struct lp_tunnel *tunnel, enum lp_role role,
                               const struct lp_tunnel_options *options,
                               const char *identity_name, const struct lp_tunnel_hooks *hooks,
                               void *user)
{
    char why[LP_ENDPOINT_WHY_LEN];
    enum lp_exit status = check_texts(options);

    memset(tunnel, 0, sizeof(*tunnel));
    tunnel->identity.lock_fd = -1;
    tunnel->options = options;
    tunnel->hooks = hooks;
    tunnel->user = user;
    tunnel->role = role;
    lp_output_init(&tunnel->output, STDOUT_FILENO);
    if (status != LP_EXIT_OK)
        return status;
    if (lp_endpoint_parse(options->relay, &tunnel->endpoint, why) < 0)
        return lp_tunnel_say(LP_EXIT_USAGE, why);
    snprintf(tunnel->relay_name, sizeof(tunnel->relay_name), "%s:%u", tunnel->endpoint.host,
             tunnel->endpoint.port);
    status = set_up_trust(tunnel);
    if (status == LP_EXIT_OK)
        status = open_identity(tunnel, identity_name);
    if (status == LP_EXIT_OK)
        status = open_driver(tunnel);
    if (status == LP_EXIT_OK)
        lp_bucket_init(&tunnel->peer_lines, PEER_LINES_RATE, PEER_LINES_BURST,
                       lp_driver_now(tunnel->driver));
    return status;
}

static void fill_name(const struct lp_tunnel *tunnel, char name[LP_NAME_MAX + 1])
{
    size_t size = LP_NAME_MAX + 1;

    if (tunnel->options->name != NULL)
        snprintf(name, LP_NAME_MAX + 1, "%s", tunnel->options->name);
    else if (uv_os_gethostname(name, &size) != 0)
        name[0] = '\0';
    name[LP_NAME_MAX] = '\0';
    if (!lp_name_valid(name))
        name[0] = '\0';
}

static void fill_config(struct lp_tunnel *tunnel, struct lp_node_config *config)
{
    const uint8_t *secret =
        lp_identity_find_seat(&tunnel->identity, tunnel->relay_name, tunnel->options->room);

    lp_node_config_defaults(config);
    config->role = tunnel->role;
    snprintf(config->room, sizeof(config->room), "%s", tunnel->options->room);
    fill_name(tunnel, config->name);
    config->mac = tunnel->mac;
    if (secret != NULL) {
        config->has_seat_secret = true;
        memcpy(config->seat_secret, secret, LP_SEAT_SECRET_LEN);
    }
    config->datagram_budget = (uint32_t)tunnel->options->datagram_budget;
    (void)lp_duplicate_parse(tunnel->options->duplicate, &config->duplicate);
    config->tls = tunnel->tls;
    config->relay = tunnel->relay;
    config->edge = (struct lp_edge){.write = lp_driver_edge_write,
                                    .write_super = lp_driver_edge_write_super,
                                    .user = tunnel->driver};
    config->random = on_random;
    config->transmit = on_transmit;
    config->event = on_event;
    config->frame = tunnel->options->log_frames != NULL ? on_frame : NULL;
    config->user = tunnel;
}

static enum lp_exit connect_to(struct lp_tunnel *tunnel, const struct lp_addr *relay)
{
    struct lp_node_config config;
    char why[LP_WHY_LEN];
    enum lp_exit status;

    tunnel->relay = *relay;
    status = tunnel->hooks->resolved(tunnel->user);
    if (status != LP_EXIT_OK)
        return status;
    if (open_socket(tunnel, tunnel->relay.family, why) < 0)
        return lp_tunnel_say(LP_EXIT_RESOURCE, why);
    fill_config(tunnel, &config);
    if (lp_node_new(&config, &tunnel->node) < 0)
        return lp_tunnel_say(LP_EXIT_FAILURE, "out of memory");
    keep_seat(tunnel);
    tunnel->reported_ns = lp_driver_now(tunnel->driver);
    lp_node_start(tunnel->node, lp_driver_now(tunnel->driver));
    return LP_EXIT_OK;
}

static void on_resolved(void *user, int err, const struct lp_addr *addr, const char *why)
{
    struct lp_tunnel *tunnel = user;
    enum lp_exit status;

    tunnel->resolution = NULL;
    if (err < 0)
        status = lp_tunnel_say(LP_EXIT_FAILURE, why);
    else
        status = connect_to(tunnel, addr);
    if (status != LP_EXIT_OK)
        lp_tunnel_end(tunnel, status);
}

/* A look-up can take long; in the loop, Ctrl-C works meanwhile. */
static enum lp_exit start(struct lp_tunnel *tunnel)
{
    struct lp_addr addr;

    if (tunnel->endpoint.literal) {
        lp_endpoint_literal(&tunnel->endpoint, &addr);
        return connect_to(tunnel, &addr);
    }
    if (lp_endpoint_resolve_start(lp_driver_uv(tunnel->driver), &tunnel->endpoint, on_resolved,
                                  tunnel, &tunnel->resolution) < 0)
        return lp_tunnel_say(LP_EXIT_FAILURE, "the relay's name cannot be looked up");
    return LP_EXIT_OK;
}

enum lp_exit lp_tunnel_run(struct lp_tunnel *tunnel, const struct lp_mac *mac)
{
    enum lp_exit status;

    tunnel->mac = *mac;
    status = start(tunnel);
    if (status != LP_EXIT_OK)
        return status;
    lp_driver_run(tunnel->driver);
    return tunnel->status;
}

enum lp_exit lp_tunnel_finish(struct lp_tunnel *tunnel, enum lp_exit status)
{
    if (!lp_endpoint_resolve_cancel(tunnel->resolution)) {
        if (lp_driver_link(tunnel->driver) != NULL)
            lp_driver_close_link(tunnel->driver);
        _exit((int)status);
    }
    if (tunnel->second_timer_open)
        uv_close((uv_handle_t *)&tunnel->second_timer, NULL);
    lp_driver_free(tunnel->driver);
    lp_node_free(tunnel->node);
    lp_tls_free(tunnel->tls);
    lp_identity_close(&tunnel->identity);
    lp_output_flush(&tunnel->output);
    lp_output_deinit(&tunnel->output);
    return status;
}
