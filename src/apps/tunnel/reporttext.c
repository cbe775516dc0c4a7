#include "apps/tunnel/reporttext.h"

#include <inttypes.h>
#include <string.h>

#include "diag/text.h"

#define NAMES_MAX 16

/* ---- looking into the report ---- */

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text != NULL ? text : "";
}

static uint64_t number_of(const json_t *object, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(object, key));
}

static bool is_true(const json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key));
}

static bool has_role(const json_t *object, const char *role)
{
    return strcmp(text_of(object, "role"), role) == 0;
}

/* ---- state and people ---- */

static void put_name(struct lp_text *t, const json_t *peer)
{
    const char *name = text_of(peer, "name");

    if (name[0] != '\0')
        lp_text_value(t, name);
    else
        lp_text_printf(t, "peer %" PRIu64, number_of(peer, "peer_id"));
}

static void put_players(struct lp_text *t, const json_t *peers, bool others)
{
    unsigned count = 0, named = 0;
    const json_t *peer;
    size_t i;

    json_array_foreach(peers, i, peer) count += has_role(peer, "client");
    lp_text_printf(t, ", %s%s%s", count == 0 ? "no " : "", others ? "other " : "",
                   count == 0   ? "players"
                   : count == 1 ? "player"
                                : "players");
    json_array_foreach(peers, i, peer)
    {
        if (!has_role(peer, "client") || named == NAMES_MAX)
            continue;
        lp_text_printf(t, "%s", named++ == 0 ? " " : ", ");
        put_name(t, peer);
    }
    if (count > named)
        lp_text_printf(t, " and %u more", count - named);
}

static void put_gateway(struct lp_text *t, const json_t *room)
{
    const json_t *peer;
    size_t i;

    lp_text_printf(t, is_true(room, "gateway_present") ? ", gateway" : ", no gateway");
    json_array_foreach(json_object_get(room, "peers"), i, peer)
    {
        if (!has_role(peer, "gateway"))
            continue;
        lp_text_printf(t, " ");
        put_name(t, peer);
    }
}

static void put_state(struct lp_text *t, const json_t *report)
{
    const json_t *relay = json_object_get(report, "relay");
    const json_t *room = json_object_get(report, "room");
    const json_t *rtt = json_object_get(relay, "rtt_ms");
    bool joined = strcmp(text_of(report, "state"), "joined") == 0;

    lp_text_printf(t, "state: %s", text_of(report, "state"));
    if (!joined) {
        lp_text_printf(t, ", attempt %" PRIu64 " to reach ", number_of(relay, "attempts"));
        lp_text_value(t, text_of(relay, "name"));
        return;
    }
    if (rtt != NULL)
        lp_text_printf(t, ", round trip %.1f ms", json_real_value(rtt));
    if (has_role(report, "client"))
        put_gateway(t, room);
    put_players(t, json_object_get(room, "peers"), has_role(report, "client"));
}

/* ---- adapter ---- */

static bool is_lease(const json_t *dhcp, const char *address)
{
    size_t len = strcspn(address, "/");
    const char *leased = text_of(dhcp, "address");

    return is_true(dhcp, "bound") && strlen(leased) == len && memcmp(leased, address, len) == 0;
}

static void put_addresses(struct lp_text *t, const json_t *adapter, const json_t *dhcp)
{
    const json_t *entry;
    size_t i;

    json_array_foreach(json_object_get(adapter, "addresses"), i, entry)
    {
        const char *address = json_string_value(entry);

        lp_text_printf(t, ", %s%s", address, is_lease(dhcp, address) ? " (DHCP)" : "");
    }
    if (is_true(dhcp, "asked") && !is_true(dhcp, "bound"))
        lp_text_printf(t, ", no address from DHCP yet");
}

static void put_route(struct lp_text *t, const json_t *route)
{
    const char *next_hop = text_of(route, "next_hop");

    if (text_of(route, "interface")[0] == '\0') {
        lp_text_printf(t, "; no route to the relay");
        return;
    }
    lp_text_printf(t, "; relay by %s", text_of(route, "interface"));
    if (strcmp(next_hop, "on-link") != 0)
        lp_text_printf(t, " via %s", next_hop);
    lp_text_printf(t, is_true(route, "pinned") ? ", pinned" : ", not pinned");
}

static void put_adapter(struct lp_text *t, const json_t *report)
{
    const json_t *adapter = json_object_get(report, "adapter");
    const json_t *route = json_object_get(report, "route");
    const json_t *lan = json_object_get(report, "lan");

    lp_text_printf(t, "adapter: ");
    if (strcmp(text_of(adapter, "status"), "open") != 0)
        lp_text_printf(t, "none now");
    else
        lp_text_printf(t, "%s %s, MTU %" PRIu64, text_of(adapter, "name"),
                       !is_true(adapter, "up")        ? "down"
                       : !is_true(adapter, "carrier") ? "without carrier"
                                                      : "up",
                       number_of(adapter, "mtu"));
    put_addresses(t, adapter, json_object_get(report, "dhcp"));
    if (route != NULL)
        put_route(t, route);
    if (lan != NULL)
        lp_text_printf(t, "; DHCP of the LAN: %s", text_of(lan, "dhcp_probe"));
}

/* ---- traffic ---- */

/* "3 rate_broadcast, 1 queue_full": the counters whose name begins with the prefix. */
static unsigned put_drops(struct lp_text *t, const json_t *counters, const char *prefix,
                          const char *title)
{
    size_t len = strlen(prefix);
    const char *name;
    json_t *value;
    unsigned kinds = 0;

    json_object_foreach((json_t *)(uintptr_t)counters, name, value)
    {
        if (strncmp(name, prefix, len) != 0)
            continue;
        lp_text_printf(t, "%s%lld %s", kinds++ == 0 ? title : ", ",
                       (long long)json_integer_value(value), name + len);
    }
    return kinds;
}

static void put_traffic(struct lp_text *t, const json_t *report)
{
    const json_t *counters = json_object_get(report, "counters");
    bool client = has_role(report, "client");
    unsigned kinds;

    lp_text_printf(t,
                   "traffic: %" PRIu64 " frames from the %s (%" PRIu64 " broadcast), %" PRIu64
                   " to %s (%" PRIu64 " broadcast)",
                   number_of(counters, "rx_frames"), client ? "party" : "players",
                   number_of(counters, "rx_broadcast"), number_of(counters, "tx_frames"),
                   client ? "it" : "them", number_of(counters, "tx_broadcast"));
    kinds = put_drops(t, counters, "rx_dropped_", "; dropped of what came: ");
    kinds += put_drops(t, counters, "tx_dropped_", "; dropped of what went: ");
    if (kinds == 0)
        lp_text_printf(t, "; nothing dropped");
}

void lp_report_text_format(const json_t *report, struct lp_report_text *ret_text)
{
    static void (*const put[LP_REPORT_LINES])(struct lp_text *, const json_t *) = {
        put_state, put_adapter, put_traffic};
    struct lp_text t;

    for (unsigned i = 0; i < LP_REPORT_LINES; i++) {
        lp_text_init(&t, ret_text->line[i], LP_REPORT_LINE_LEN);
        put[i](&t, report);
    }
}
