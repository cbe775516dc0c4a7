/* lanparty-gateway: the room's port to the party's LAN. */
#include <stdio.h>
#include <string.h>

#include "apps/common/log.h"
#include "apps/tunnel/tunnel.h"
#include "base/err.h"
#include "node/dhcpprobe.h"

struct gateway_options {
    struct lp_tunnel_options tunnel;
    const char *interface;
    const char *bridge;
    bool no_probe;
};

#define AT(field) offsetof(struct gateway_options, field)

static const struct lp_option options[] = {
    LP_TUNNEL_OPTION_ROWS(struct gateway_options),
    {.name = "interface",
     .alias = "iface",
     .argument = "NAME",
     .kind = LP_OPTION_STRING,
     .offset = AT(interface),
     .help =
         "the wired Ethernet interface at the party's switch; this machine's own programs are "
         "not reachable for players through it: for that use --bridge"},
    {.name = "bridge",
     .argument = "NAME",
     .kind = LP_OPTION_STRING,
     .offset = AT(bridge),
     .help = "instead of --interface: a Linux bridge that has the party's LAN as a port; for a "
             "gateway that plays or serves itself"},
    {.name = "no-probe",
     .kind = LP_OPTION_FLAG,
     .offset = AT(no_probe),
     .help = "do not ask the LAN's DHCP server at the start whether it answers strangers"},
};

static const struct lp_program program = {
    .name = "lanparty-gateway",
    .summary = "joins a LAN party's Ethernet to a SoftLAN room",
    .description =
        "Run it on a wired Linux machine at the party. It listens on the interface in "
        "promiscuous "
        "mode, sends what concerns the remote players through the relay, and puts the players' "
        "frames on the LAN: they get their addresses from the party's own router. One gateway "
        "a "
        "room. It needs root, or CAP_NET_RAW and CAP_NET_ADMIN.",
    .example = "  lanparty-gateway --relay relay.example --room SATURDAY --interface eth0\n",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
};

struct app {
    struct gateway_options options;
    struct lp_tunnel tunnel;
    struct lp_dhcp_probe probe;
    bool link_missing_told;
    bool carrier_lost_told;
};

/* ---- the link ---- */

static int open_link(void *arg, uv_loop_t *loop, lp_ready_fn *ready, void *user,
                     struct lp_link **ret_link, char why[LP_WHY_LEN])
{
    const struct gateway_options *values = arg;

    if (values->bridge != NULL)
        return lp_link_open_bridge_port(loop, values->bridge, NULL, ready, user, ret_link, why);
    return lp_link_open_packet(loop, values->interface, ready, user, ret_link, why);
}

static void on_link_lost(void *user)
{
    (void)user;
    lp_log(LP_LOG_WARNING, "the LAN interface went down or away: waiting for it");
}

/* Once a second while there is none; why it does not open is said once. */
static void reopen_link(struct app *app)
{
    char why[LP_WHY_LEN];

    if (lp_driver_open_link(app->tunnel.driver, open_link, &app->options, why) == 0) {
        lp_log(LP_LOG_INFO, "the LAN interface is back");
        app->link_missing_told = false;
    } else if (!app->link_missing_told) {
        lp_log_sentence(LP_LOG_WARNING, "", why);
        app->link_missing_told = true;
    }
}

/* A cable that is pulled does not close the link: it is only silent. */
static void watch_carrier(struct app *app)
{
    struct lp_link_info info;

    lp_link_info(lp_driver_link(app->tunnel.driver), &info);
    if (!info.carrier && !app->carrier_lost_told)
        lp_log(
            LP_LOG_WARNING,
            "%s has no carrier: check the cable and that the switch is on; the players cannot "
            "reach the LAN meanwhile",
            info.name);
    else if (info.carrier && app->carrier_lost_told)
        lp_log(LP_LOG_INFO, "%s has its carrier back", info.name);
    app->carrier_lost_told = !info.carrier;
}

/* ---- does the LAN accept strangers? ---- */

static void tell_probe(const struct lp_dhcp_probe *probe)
{
    char server[LP_ADDR_TEXT_LEN], offered[LP_ADDR_TEXT_LEN];

    if (probe->state == LP_DHCP_PROBE_OFFERED)
        lp_log(LP_LOG_INFO, "the LAN accepts strangers: DHCP server %s offered %s",
               lp_addr_format_ip(&probe->server, server),
               lp_addr_format_ip(&probe->offered, offered));
    else
        lp_log(
            LP_LOG_WARNING,
            "no DHCP server of the LAN answered a stranger's address. Usual causes: port "
            "security on "
            "the switch (allow more MAC addresses on this port), a virtual switch that refuses "
            "forged transmits, a Wi-Fi bridge on the way, or no DHCP server at all (then "
            "players "
            "need addresses set by hand)");
}

static void poll_probe(struct app *app, uint64_t now_ns)
{
    enum lp_dhcp_probe_state before = app->probe.state;
    uint8_t frame[LP_ETH_FRAME_MAX];
    size_t len = lp_dhcp_probe_poll(&app->probe, frame, now_ns);

    if (len > 0)
        (void)lp_driver_edge_write(app->tunnel.driver, frame, len); /* sent again after 2 s */
    if (app->probe.state != before)
        tell_probe(&app->probe);
}

/* The offer is for us alone; everything else goes on to the node. */
static bool on_edge_frame(void *user, const struct lp_superframe *frame, uint64_t now_ns)
{
    struct app *app = user;

    (void)now_ns;
    if (app->probe.state != LP_DHCP_PROBE_WAITING ||
        !lp_dhcp_probe_look(&app->probe, frame->bytes, frame->len))
        return false;
    tell_probe(&app->probe);
    return true;
}

static void start_probe(struct app *app)
{
    uint8_t random[10];

    lp_random_bytes(random, sizeof(random));
    lp_dhcp_probe_start(&app->probe, random, lp_driver_now(app->tunnel.driver));
    poll_probe(app, lp_driver_now(app->tunnel.driver));
}

/* ---- hooks ---- */

static enum lp_exit on_resolved(void *user)
{
    (void)user;
    return LP_EXIT_OK;
}

static enum lp_exit on_joined(void *user, const struct lp_welcome *welcome)
{
    (void)user;
    (void)welcome;
    return LP_EXIT_OK;
}

static void on_gateway_changed(void *user, uint32_t gateway_peer_id)
{
    (void)user; /* that is us */
    (void)gateway_peer_id;
}

static void on_second(void *user, uint64_t now_ns)
{
    struct app *app = user;

    if (lp_driver_link(app->tunnel.driver) == NULL)
        reopen_link(app);
    else
        watch_carrier(app);
    poll_probe(app, now_ns);
}

static void on_report(void *user, json_t *object)
{
    static const char *const states[] = {
        [LP_DHCP_PROBE_IDLE] = "not asked",
        [LP_DHCP_PROBE_WAITING] = "waiting",
        [LP_DHCP_PROBE_OFFERED] = "offered",
        [LP_DHCP_PROBE_NO_OFFER] = "no offer",
    };
    const struct app *app = user;
    json_t *lan = json_object();
    char text[LP_ADDR_TEXT_LEN];

    json_object_set_new(lan, "dhcp_probe", json_string(states[app->probe.state]));
    if (app->probe.state == LP_DHCP_PROBE_OFFERED)
        json_object_set_new(lan, "dhcp_server",
                            json_string(lp_addr_format_ip(&app->probe.server, text)));
    json_object_set_new(object, "lan", lan);
}

static const struct lp_tunnel_hooks hooks = {
    .resolved = on_resolved,
    .joined = on_joined,
    .gateway_changed = on_gateway_changed,
    .edge_filter = on_edge_frame,
    .link_lost = on_link_lost,
    .second = on_second,
    .report = on_report,
};

/* ---- program ---- */

/* The LAN side is opened and checked before the relay is contacted. */
static enum lp_exit open_lan(struct app *app, struct lp_mac *ret_mac)
{
    char why[LP_WHY_LEN], mac[LP_MAC_TEXT_LEN];
    struct lp_link_info info;

    if (lp_driver_open_link(app->tunnel.driver, open_link, &app->options, why) < 0)
        return lp_tunnel_say(LP_EXIT_RESOURCE, why);
    lp_link_info(lp_driver_link(app->tunnel.driver), &info);
    lp_log(LP_LOG_INFO, "LAN side open: %s (%s)", info.name, lp_mac_format(&info.mac, mac));
    *ret_mac = info.mac;
    return LP_EXIT_OK;
}

static enum lp_exit run(struct app *app)
{
    char identity_name[LP_ROOM_CODE_MAX + 64];
    enum lp_exit status;
    struct lp_mac mac;

    if ((app->options.interface == NULL) == (app->options.bridge == NULL))
        return lp_tunnel_say(LP_EXIT_USAGE, "give either --interface NAME or --bridge NAME");
    snprintf(identity_name, sizeof(identity_name), "lanparty-gateway-%.64s.json",
             app->options.tunnel.room);
    status = lp_tunnel_prepare(&app->tunnel, LP_ROLE_GATEWAY, &app->options.tunnel,
                               identity_name, &hooks, app);
    if (status == LP_EXIT_OK)
        status = open_lan(app, &mac);
    if (status == LP_EXIT_OK && !app->options.no_probe)
        start_probe(app);
    if (status == LP_EXIT_OK)
        status = lp_tunnel_run(&app->tunnel, &mac);
    return lp_tunnel_finish(&app->tunnel, status);
}

int main(int argc, char **argv)
{
    static struct app app;
    enum lp_exit status;

    lp_tunnel_options_defaults(&app.options.tunnel);
    if (!lp_options_begin(&program, argc, argv, &app.options, &status))
        return (int)status;
    return (int)run(&app);
}
