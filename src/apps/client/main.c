/* lanparty-client: a player's adapter in the party's LAN, on Linux. */
#include <stdio.h>
#include <string.h>

#include "apps/common/log.h"
#include "apps/tunnel/clientoptions.h"
#include "apps/tunnel/clientreport.h"
#include "apps/tunnel/tunnel.h"
#include "base/err.h"

#define PIN_CHECK_S 5

struct client_options {
    struct lp_tunnel_options tunnel;
    struct lp_client_options client;
    const char *tap;
    bool dhcp;
    bool use_party_dns;
};

#define AT(field) offsetof(struct client_options, field)

static const struct lp_option options[] = {
    LP_TUNNEL_OPTION_ROWS(struct client_options),
    {.name = "tap",
     .argument = "NAME",
     .kind = LP_OPTION_STRING,
     .offset = AT(tap),
     .help = "the virtual adapter; made when it does not exist; default softlan0"},
    LP_CLIENT_OPTION_ROWS(struct client_options),
    {.name = "dhcp",
     .kind = LP_OPTION_FLAG,
     .offset = AT(dhcp),
     .help =
         "get an IPv4 address from the party's DHCP server (needs the package udhcpc); only "
         "the address and its subnet: no default route, no DNS"},
    {.name = "use-party-dns",
     .kind = LP_OPTION_FLAG,
     .offset = AT(use_party_dns),
     .help =
         "with --dhcp: use the party's DNS servers for the adapter (needs systemd-resolved)"},
};

static const struct lp_program program = {
    .name = "lanparty-client",
    .summary = "puts this machine onto a LAN party's Ethernet",
    .description = "Makes a virtual Ethernet adapter that is a port of the party's LAN, "
                   "through a SoftLAN relay. "
                   "Games see a normal LAN: an address from the party's own DHCP server, "
                   "broadcasts, IPv6, "
                   "multicast. The rest of the machine is left alone: no default route and no "
                   "DNS from the "
                   "party, and everything is undone on exit. It needs root, or CAP_NET_ADMIN.",
    .example = "  lanparty-client --relay relay.example --room SATURDAY --name anna --dhcp\n",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
};

struct app {
    struct client_options options;
    struct lp_tunnel tunnel;
    struct lp_mac mac;
    unsigned mtu; /* of the open adapter */
    struct lp_route_pin *pin;
    struct lp_addr pinned;
    unsigned pin_check_s;
    bool pin_lost_told;
    struct lp_dhcp *dhcp;
    struct lp_dhcp_lease lease;
    bool dns_set;
    bool overlap_told;
    bool adapter_missing_told;
};

/* ---- the relay's route ---- */

static int pin_route(struct app *app, char why[LP_WHY_LEN])
{
    lp_route_unpin(app->pin);
    app->pin = NULL;
    app->pinned = app->tunnel.relay;
    return lp_route_pin(&app->pinned, &app->pin, why);
}

/*
 * The name may have another address by now, the pin may not hold any more, or there was no
 * network yet: then it is made anew.
 */
static void check_pin(struct app *app)
{
    char why[LP_WHY_LEN];
    struct lp_route route;

    if (app->pin != NULL && lp_addr_equal(&app->pinned, &app->tunnel.relay) &&
        lp_route_pin_check(app->pin, &route) == 0) {
        app->pin_lost_told = false;
        return;
    }
    if (pin_route(app, why) == 0) {
        if (app->pin_lost_told)
            lp_log(LP_LOG_INFO, "the route to the relay is pinned again");
        app->pin_lost_told = false;
    } else if (!app->pin_lost_told) {
        lp_log_sentence(LP_LOG_WARNING, "the route to the relay is not pinned: ", why);
        app->pin_lost_told = true;
    }
}

/* ---- the adapter ---- */

static int open_tap(void *arg, uv_loop_t *loop, lp_ready_fn *ready, void *user,
                    struct lp_link **ret_link, char why[LP_WHY_LEN])
{
    const struct app *app = arg;
    struct lp_tap_options tap = {.name = app->options.tap, .mac = app->mac, .mtu = app->mtu};

    return lp_link_open_tap(loop, &tap, ready, user, ret_link, why);
}

static void on_lease(void *user, const struct lp_dhcp_lease *lease);

static void start_dhcp(struct app *app)
{
    char why[LP_WHY_LEN];

    if (!app->options.dhcp || app->dhcp != NULL)
        return;
    if (lp_dhcp_start(lp_driver_uv(app->tunnel.driver), app->options.tap, on_lease, app,
                      &app->dhcp, why) < 0)
        lp_log_sentence(LP_LOG_WARNING, "no DHCP: ", why);
}

static void close_adapter(struct app *app)
{
    lp_dhcp_stop(app->dhcp);
    app->dhcp = NULL;
    memset(&app->lease, 0, sizeof(app->lease));
    if (app->dns_set)
        lp_dns_restore(app->options.tap);
    app->dns_set = false;
    lp_driver_close_link(app->tunnel.driver);
}

/* The option for another name, where that helps. Returns `err`. */
static int name_remedy(int err, char why[LP_WHY_LEN])
{
    static const char remedy[] = " (--tap NAME)";

    if ((err == LP_ERR_BUSY || err == LP_ERR_EXISTS) &&
        strlen(why) + sizeof(remedy) <= LP_WHY_LEN)
        strcat(why, remedy);
    return err;
}

static int open_adapter(struct app *app, char why[LP_WHY_LEN])
{
    char dns_why[LP_WHY_LEN], mac[LP_MAC_TEXT_LEN];
    int err = lp_driver_open_link(app->tunnel.driver, open_tap, app, why);

    if (err < 0)
        return name_remedy(err, why);
    if (lp_interface_refuse_default_route(app->options.tap, dns_why) < 0)
        lp_log_sentence(LP_LOG_WARNING, "", dns_why);
    lp_log(LP_LOG_INFO, "adapter %s is up: MAC %s, MTU %u", app->options.tap,
           lp_mac_format(&app->mac, mac), app->mtu);
    start_dhcp(app);
    return 0;
}

/* The party's subnet is also another adapter's: then games look in the wrong place. */
static void check_overlap(struct app *app)
{
    char sentence[LP_WHY_LEN];
    bool overlaps = lp_interface_find_overlap(app->options.tap, sentence) == 1;

    if (overlaps && !app->overlap_told)
        lp_log_sentence(LP_LOG_WARNING, "", sentence);
    app->overlap_told = overlaps;
}

static void on_lease(void *user, const struct lp_dhcp_lease *lease)
{
    struct app *app = user;
    char address[LP_ADDR_TEXT_LEN], server[LP_ADDR_TEXT_LEN], why[LP_WHY_LEN];

    app->tunnel.report_due = true;
    if (!lease->bound) {
        if (app->lease.bound)
            lp_log(LP_LOG_WARNING, "the party's DHCP lease is gone");
        app->lease = *lease;
        return;
    }
    if (!app->lease.bound || !lp_addr_equal(&app->lease.address, &lease->address))
        lp_log(LP_LOG_INFO, "address from the party: %s/%u, DHCP server %s",
               lp_addr_format_ip(&lease->address, address), lease->prefix_len,
               lp_addr_format_ip(&lease->server, server));
    app->lease = *lease;
    check_overlap(app);
    if (!app->options.use_party_dns || app->dns_set || lease->dns_count == 0)
        return;
    if (lp_dns_use(app->options.tap, lease->dns, lease->dns_count, why) < 0)
        lp_log_sentence(LP_LOG_WARNING, "", why);
    else
        app->dns_set = true;
}

/* ---- hooks ---- */

static enum lp_exit on_resolved(void *user)
{
    struct app *app = user;
    char why[LP_WHY_LEN];
    int err = lp_link_check_tap(app->options.tap, why);

    /* nobody takes a seat in the room who then cannot play */
    if (err < 0) {
        name_remedy(err, why);
        return lp_tunnel_say(LP_EXIT_RESOURCE, why);
    }
    err = pin_route(app, why);
    /* who may not set a route may not make an adapter either: better said before joining */
    if (err == LP_ERR_PERMISSION)
        return lp_tunnel_say(LP_EXIT_RESOURCE, why);
    if (err < 0)
        lp_log_sentence(LP_LOG_WARNING, "the route to the relay is not pinned: ", why);
    app->pin_lost_told = err < 0;
    return LP_EXIT_OK;
}

static enum lp_exit on_joined(void *user, const struct lp_welcome *welcome)
{
    struct app *app = user;
    unsigned mtu =
        app->options.client.mtu != 0 ? (unsigned)app->options.client.mtu : welcome->mtu;
    char why[LP_WHY_LEN];

    if (lp_driver_link(app->tunnel.driver) != NULL && mtu == app->mtu)
        return LP_EXIT_OK; /* it outlived the connection that was lost */
    close_adapter(app);
    app->mtu = mtu;
    return open_adapter(app, why) < 0 ? lp_tunnel_say(LP_EXIT_RESOURCE, why) : LP_EXIT_OK;
}

static void on_gateway_changed(void *user, uint32_t gateway_peer_id)
{
    struct app *app = user;

    if (gateway_peer_id != 0 && app->dhcp != NULL)
        (void)lp_dhcp_restart(app->dhcp);
}

static void on_link_lost(void *user)
{
    struct app *app = user;

    lp_log(LP_LOG_WARNING, "the adapter %s went away: making it anew", app->options.tap);
    close_adapter(app);
}

/* Once a second while there is none; why it does not open is said once. */
static void reopen_adapter(struct app *app)
{
    char why[LP_WHY_LEN];
    bool open = open_adapter(app, why) == 0;

    if (!open && !app->adapter_missing_told)
        lp_log_sentence(LP_LOG_WARNING, "", why);
    app->adapter_missing_told = !open;
}

static void on_second(void *user, uint64_t now_ns)
{
    struct app *app = user;

    (void)now_ns;
    if (app->mtu != 0 && lp_driver_link(app->tunnel.driver) == NULL)
        reopen_adapter(app);
    if (++app->pin_check_s < PIN_CHECK_S)
        return;
    app->pin_check_s = 0;
    check_pin(app);
    if (app->lease.bound)
        check_overlap(app);
}

static json_t *route_report(const struct app *app)
{
    struct lp_route route;
    int err = app->pin != NULL ? lp_route_pin_check(app->pin, &route)
                               : lp_route_lookup(&app->tunnel.relay, &route);

    return lp_client_route_report(err == 0 ? &route : NULL, app->pin != NULL && err == 0);
}

static void on_report(void *user, json_t *object)
{
    const struct app *app = user;
    const struct lp_dhcp_lease *lease = &app->lease;
    json_t *dhcp = lp_client_dhcp_report(
        app->dhcp != NULL, lease->bound ? &lease->address : NULL, lease->prefix_len);
    char text[LP_ADDR_TEXT_LEN];

    if (lease->bound)
        json_object_set_new(dhcp, "server",
                            json_string(lp_addr_format_ip(&lease->server, text)));
    json_object_set_new(object, "route", route_report(app));
    json_object_set_new(object, "dhcp", dhcp);
}

static const struct lp_tunnel_hooks hooks = {
    .resolved = on_resolved,
    .joined = on_joined,
    .gateway_changed = on_gateway_changed,
    .edge_filter = NULL,
    .link_lost = on_link_lost,
    .second = on_second,
    .report = on_report,
};

/* ---- program ---- */

/* The kernel would take "%" for a pattern. */
static bool is_interface_name(const char *name)
{
    size_t len = strlen(name);

    if (len == 0 || len >= LP_IF_NAME_LEN || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return false;
    for (const char *at = name; *at != '\0'; at++) {
        if (*at <= ' ' || *at >= 0x7f || strchr("/:%", *at) != NULL)
            return false;
    }
    return true;
}

static enum lp_exit check_options(struct app *app)
{
    char why[256];

    if (!is_interface_name(app->options.tap)) {
        snprintf(why, sizeof(why),
                 "--tap \"%.80s\": an interface name has 1 to %d letters, digits, '.', '_' or "
                 "'-'",
                 app->options.tap, LP_IF_NAME_LEN - 1);
        return lp_tunnel_say(LP_EXIT_USAGE, why);
    }
    if (app->options.use_party_dns && !app->options.dhcp)
        return lp_tunnel_say(LP_EXIT_USAGE, "--use-party-dns needs --dhcp");
    return lp_client_options_mac(&app->options.client, &app->mac);
}

static enum lp_exit run(struct app *app)
{
    enum lp_exit status = check_options(app);

    if (status != LP_EXIT_OK)
        return status;
    status = lp_tunnel_prepare(&app->tunnel, LP_ROLE_CLIENT, &app->options.tunnel,
                               "lanparty-client-identity.json", &hooks, app);
    if (app->options.client.mac == NULL)
        app->mac = app->tunnel.identity.mac;
    if (status == LP_EXIT_OK)
        status = lp_tunnel_run(&app->tunnel, &app->mac);
    if (app->tunnel.driver != NULL)
        close_adapter(app);
    lp_route_unpin(app->pin);
    return lp_tunnel_finish(&app->tunnel, status);
}

int main(int argc, char **argv)
{
    static struct app app;
    enum lp_exit status;
    int helper_status;

    if (lp_dhcp_is_event_helper(argc, argv, &helper_status))
        return helper_status;
    app.options.tap = "softlan0";
    lp_tunnel_options_defaults(&app.options.tunnel);
    if (!lp_options_begin(&program, argc, argv, &app.options, &status))
        return (int)status;
    return (int)run(&app);
}
