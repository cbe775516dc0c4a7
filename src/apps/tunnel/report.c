#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/common/log.h"
#include "apps/tunnel/reporttext.h"
#include "apps/tunnel/tunnel.h"

static const char *const state_names[] = {
    [LP_NODE_IDLE] = "idle",     [LP_NODE_CONNECTING] = "connecting",
    [LP_NODE_JOINED] = "joined", [LP_NODE_BACKING_OFF] = "waiting",
    [LP_NODE_FAILED] = "failed", [LP_NODE_LEAVING] = "leaving",
};

static void set(json_t *object, const char *key, json_t *value)
{
    json_object_set_new(object, key, value);
}

static void set_number(json_t *object, const char *key, uint64_t value)
{
    set(object, key, json_integer((json_int_t)value));
}

static json_t *relay_report(const struct lp_tunnel *tunnel, const struct lp_node_view *view)
{
    json_t *relay = json_object();
    char addr[LP_ADDR_TEXT_LEN];

    set(relay, "name", json_string(tunnel->relay_name));
    set(relay, "address", json_string(lp_addr_format(&tunnel->relay, addr)));
    set(relay, "reachable", json_boolean(view->connected && view->quic.packets_received > 0));
    if (view->connected && view->quic.srtt_ns != 0) {
        set(relay, "rtt_ms", json_real((double)view->quic.srtt_ns / 1e6));
        set(relay, "min_rtt_ms", json_real((double)view->quic.min_rtt_ns / 1e6));
    }
    set_number(relay, "attempts", view->attempts);
    return relay;
}

static json_t *path_report(const struct lp_node_view *view)
{
    json_t *path = json_object();

    set_number(path, "datagram_budget", view->datagram_budget);
    set_number(path, "cwnd_bytes", view->quic.cwnd_bytes);
    set_number(path, "in_flight_bytes", view->quic.in_flight_bytes);
    set_number(path, "flight_cap_bytes", view->quic.flight_cap_bytes);
    set_number(path, "packets_sent", view->quic.packets_sent);
    set_number(path, "packets_received", view->quic.packets_received);
    set_number(path, "packets_lost", view->quic.packets_lost);
    return path;
}

/* What came out of order or twice; what was sent again or twice is among the counters. */
static json_t *repair_report(const struct lp_node_view *view)
{
    json_t *repair = json_object();

    set_number(repair, "gaps_filled", view->order.filled);
    set_number(repair, "gaps_given_up", view->order.given_up);
    set_number(repair, "late", view->order.late);
    set_number(repair, "duplicates", view->order.duplicates);
    set_number(repair, "held", view->order.held);
    set(repair, "wait_ms", json_real((double)view->order.wait_ns / 1e6));
    return repair;
}

static json_t *room_report(const struct lp_tunnel *tunnel, const struct lp_node_view *view)
{
    json_t *room = json_object(), *peers = json_array();
    const struct lp_room_peer *peer;
    char mac[LP_MAC_TEXT_LEN];

    set(room, "code", json_string(tunnel->options->room));
    set(room, "gateway_present",
        json_boolean(view->gateway_present ||
                     (view->state == LP_NODE_JOINED && tunnel->role == LP_ROLE_GATEWAY)));
    if (view->state == LP_NODE_JOINED) {
        set_number(room, "peer_id", view->peer_id);
        set_number(room, "mtu", view->mtu);
        set_number(room, "client_rate_bytes", view->limits.rate_bytes);
    }
    for (peer = view->room->by_id; peer != NULL; peer = peer->by_id.next) {
        json_t *entry;

        if (!peer->present)
            continue;
        entry = json_object();
        set_number(entry, "peer_id", peer->peer_id);
        set(entry, "role", json_string(lp_role_name(peer->role)));
        set(entry, "name", json_string(peer->name));
        if (peer->role == LP_ROLE_CLIENT)
            set(entry, "mac", json_string(lp_mac_format(&peer->mac, mac)));
        json_array_append_new(peers, entry);
    }
    set(room, "peers", peers);
    return room;
}

static void add_counter(void *user, const char *name, uint64_t value)
{
    set_number(user, name, value);
}

static json_t *link_report(const struct lp_tunnel *tunnel)
{
    struct lp_link *link = lp_driver_link(tunnel->driver);
    struct lp_if_address addresses[LP_IF_ADDRESSES_MAX];
    json_t *object = json_object(), *list = json_array();
    struct lp_link_counters counters;
    struct lp_link_info info;
    char text[LP_ADDR_TEXT_LEN], mac[LP_MAC_TEXT_LEN];
    int count;

    set(object, "status", json_string(link != NULL ? "open" : "closed"));
    if (link != NULL) {
        lp_link_info(link, &info);
        lp_link_counters(link, &counters);
        set(object, "name", json_string(info.name));
        set_number(object, "index", info.index);
        set(object, "mac", json_string(lp_mac_format(&info.mac, mac)));
        set_number(object, "mtu", info.mtu);
        set(object, "up", json_boolean(info.up));
        set(object, "carrier", json_boolean(info.carrier));
        set_number(object, "rx_unsupported", counters.rx_unsupported);
        set_number(object, "rx_kernel_drops", counters.rx_kernel_drops);
        set_number(object, "tx_full", counters.tx_full);
        set_number(object, "tx_errors", counters.tx_errors);
        count = lp_interface_addresses(info.name, addresses, LP_IF_ADDRESSES_MAX);
        for (int i = 0; i < count; i++) {
            char with_prefix[LP_ADDR_TEXT_LEN + 8];

            snprintf(with_prefix, sizeof(with_prefix), "%s/%u",
                     lp_addr_format_ip(&addresses[i].addr, text), addresses[i].prefix_len);
            json_array_append_new(list, json_string(with_prefix));
        }
    }
    set(object, "addresses", list);
    return object;
}

json_t *lp_tunnel_report(const struct lp_tunnel *tunnel)
{
    json_t *report = json_object(), *counters = json_object();
    struct lp_node_view view;

    lp_node_view(tunnel->node, &view);
    set(report, "type", json_string("diagnostics"));
    set(report, "role", json_string(lp_role_name(tunnel->role)));
    set(report, "state", json_string(state_names[view.state]));
    set(report, "relay", relay_report(tunnel, &view));
    set(report, "path", path_report(&view));
    set(report, "repair", repair_report(&view));
    set(report, "room", room_report(tunnel, &view));
    set(report, "adapter", link_report(tunnel));
    lp_counters_each(view.counters, add_counter, counters);
    set(report, "counters", counters);
    tunnel->hooks->report(tunnel->user, report);
    return report;
}

/* ---- printing ---- */

/* ASCII only: nobody's name can put controls on a terminal. */
static void print_json(struct lp_output *output, const json_t *report)
{
    char *text = json_dumps(report, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(6));

    if (text != NULL)
        lp_output_line(output, text, strlen(text));
    free(text);
}

static void print_text(const json_t *report)
{
    struct lp_report_text text;

    lp_report_text_format(report, &text);
    for (unsigned i = 0; i < LP_REPORT_LINES; i++)
        lp_log(LP_LOG_INFO, "%s", text.line[i]);
}

void lp_tunnel_print_report(struct lp_tunnel *tunnel)
{
    json_t *report = lp_tunnel_report(tunnel);

    if (tunnel->options->json)
        print_json(&tunnel->output, report);
    else
        print_text(report);
    json_decref(report);
}
