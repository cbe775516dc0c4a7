/*
 * lanparty-client-win.exe: a player's adapter in the party's LAN, on Windows.
 *
 * Order of the start: options and identity, the adapter's MAC address, media disconnected, the
 * relay's address, its route pinned and verified, QUIC, MTU and metric and no default routes,
 * media connected, the route verified again; then frames flow. What fails undoes what was done
 * before; so does the end, in reverse.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/client-win/adapters.h"
#include "apps/client-win/options.h"
#include "apps/common/log.h"
#include "apps/tunnel/tunnel.h"
#include "base/err.h"
#include "platform/windows/errno.h"
#include "platform/windows/win.h"
#include "platform/windows/wincfg.h"

#include <shellapi.h>

#define CHECK_S 5
/* How long the cable is out when it is pulled for the DHCP client's sake. */
#define MEDIA_PAUSE_MS 200

struct app {
    struct lp_client_win_options options;
    struct lp_tunnel tunnel;
    struct lp_tap_adapter adapter;
    struct lp_wincfg *cfg;
    struct lp_wincfg_status status;
    struct lp_mac mac;
    unsigned mtu; /* configured; 0 before the first welcome */
    struct lp_addr pinned;
    unsigned check_s;
    uv_timer_t media_timer;
    bool media_timer_open;
    uint32_t gateway_peer_id;           /* the one that was there last, 0 = none yet */
    char gateway_name[LP_NAME_MAX + 1]; /* its name */
    bool gateway_is_new;                /* its name is still to be compared */
    struct lp_if_address address;       /* IPv4, from the party */
    bool has_address;
    bool overlap_told;
    bool check_failed_told;
    bool adapter_missing_told;
};

/* ---- the adapter ---- */

static int open_tap(void *arg, uv_loop_t *loop, lp_ready_fn *ready, void *user,
                    struct lp_link **ret_link, char why[LP_WHY_LEN])
{
    const struct app *app = arg;
    struct lp_tap_options tap = {
        .name = app->adapter.instance, .mac = app->mac, .mtu = app->mtu};

    return lp_link_open_tap(loop, &tap, ready, user, ret_link, why);
}

/* Opened as it stays until the relay lets us in: with the media disconnected. */
static int open_adapter(struct app *app, char why[LP_WHY_LEN])
{
    return lp_driver_open_link(app->tunnel.driver, open_tap, app, why);
}

static int connect_media(struct app *app, char why[LP_WHY_LEN])
{
    int err = lp_link_set_media(lp_driver_link(app->tunnel.driver), true);

    if (err < 0)
        snprintf(why, LP_WHY_LEN, "the adapter's driver does not connect the media: %s",
                 lp_err_text(err));
    return err;
}

static void on_media_timer(uv_timer_t *timer)
{
    struct app *app = timer->data;
    char why[LP_WHY_LEN];

    if (lp_driver_link(app->tunnel.driver) != NULL && connect_media(app, why) < 0)
        lp_log_sentence(LP_LOG_WARNING, "", why);
}

/* The cable out and in again: Windows's DHCP client then asks at once. */
static void toggle_media(struct app *app)
{
    struct lp_link *link = lp_driver_link(app->tunnel.driver);

    if (link == NULL || app->mtu == 0)
        return;
    if (lp_link_set_media(link, false) == 0)
        uv_timer_start(&app->media_timer, on_media_timer, MEDIA_PAUSE_MS, 0);
}

/* MTU, metric and routes first, so that nothing goes wrong from the first packet on. */
static int bring_up(struct app *app, char why[LP_WHY_LEN])
{
    struct lp_wincfg_settings settings = {.mtu = app->mtu,
                                          .metric = (unsigned)app->options.tap_metric};
    char mac[LP_MAC_TEXT_LEN];
    int err = lp_wincfg_configure(app->cfg, &settings, why);

    if (err == 0)
        err = connect_media(app, why);
    if (err == 0)
        err = lp_wincfg_check(app->cfg, &app->status, why);
    if (err < 0)
        return err;
    if (!app->status.route_pinned) {
        snprintf(why, LP_WHY_LEN,
                 "the relay's route left its interface when the adapter came up");
        return LP_ERR_BUSY;
    }
    lp_log(LP_LOG_INFO, "the adapter is up: MAC %s, MTU %u", lp_mac_format(&app->mac, mac),
           app->mtu);
    return 0;
}

/* ---- while it runs ---- */

/* A name of the party's subnet on another adapter: then games look in the wrong place. */
static void check_overlap(struct app *app)
{
    char sentence[LP_WHY_LEN];
    bool overlaps = lp_interface_find_overlap(app->adapter.instance, sentence) == 1;

    if (overlaps && !app->overlap_told)
        lp_log_sentence(LP_LOG_WARNING, "", sentence);
    app->overlap_told = overlaps;
}

static void check_address(struct app *app)
{
    struct lp_if_address addresses[LP_IF_ADDRESSES_MAX];
    char text[LP_ADDR_TEXT_LEN];
    bool had = app->has_address;
    int count = lp_interface_addresses(app->adapter.instance, addresses, LP_IF_ADDRESSES_MAX);

    app->has_address = false;
    for (int i = 0; i < count && !app->has_address; i++) {
        if (addresses[i].addr.family != LP_ADDR_IPV4 || addresses[i].link_local)
            continue;
        app->has_address = true;
        app->address = addresses[i];
    }
    if (app->has_address == had)
        return;
    app->tunnel.report_due = true;
    if (app->has_address)
        lp_log(LP_LOG_INFO, "address from the party: %s/%u",
               lp_addr_format_ip(&app->address.addr, text), app->address.prefix_len);
    else
        lp_log(LP_LOG_WARNING, "the party's address is gone");
}

/* What Windows or another program changed is put back; the relay's name may mean another address. */
static void check_settings(struct app *app)
{
    char why[LP_WHY_LEN];
    int err = 0;

    if (!lp_addr_equal(&app->pinned, &app->tunnel.relay)) {
        app->pinned = app->tunnel.relay;
        err = lp_wincfg_pin(app->cfg, &app->pinned, why);
    }
    if (err == 0)
        err = lp_wincfg_check(app->cfg, &app->status, why);
    if (err == 0 && !app->status.route_pinned) {
        snprintf(why, sizeof(why),
                 "the route to the relay is not pinned: the tunnel may break");
        err = LP_ERR_NOTFOUND;
    }
    if (err < 0 && !app->check_failed_told)
        lp_log_sentence(LP_LOG_WARNING, "", why);
    if (err == 0 && app->status.reasserted > 0)
        lp_log(LP_LOG_INFO, "%u settings of the adapter had been changed and were put back",
               app->status.reasserted);
    app->check_failed_told = err < 0;
}

/* Once a second while it is away; why it does not open is said once. */
static void reopen_adapter(struct app *app)
{
    char why[LP_WHY_LEN];
    bool open = open_adapter(app, why) == 0 && bring_up(app, why) == 0;

    if (!open && !app->adapter_missing_told)
        lp_log_sentence(LP_LOG_WARNING, "", why);
    if (!open)
        lp_driver_close_link(app->tunnel.driver);
    app->adapter_missing_told = !open;
}

/*
 * A player with an address keeps the cable in when the same gateway comes back (it or the relay was
 * restarted): pulling it would end the player's connections for nothing. Another gateway is another
 * LAN. Peer ids begin anew with the relay, so the name tells, as soon as it is known.
 */
static void check_gateway(struct app *app)
{
    const struct lp_room_peer *gateway;
    struct lp_node_view view;

    lp_node_view(app->tunnel.node, &view);
    gateway = view.room->gateway;
    if (gateway == NULL)
        return;
    if (app->gateway_is_new && strcmp(gateway->name, app->gateway_name) != 0)
        toggle_media(app);
    app->gateway_is_new = false;
    snprintf(app->gateway_name, sizeof(app->gateway_name), "%s", gateway->name);
}

/* ---- hooks ---- */

static enum lp_exit on_resolved(void *user)
{
    struct app *app = user;
    char why[LP_WHY_LEN];

    app->pinned = app->tunnel.relay;
    if (lp_wincfg_pin(app->cfg, &app->pinned, why) < 0)
        return lp_tunnel_say(LP_EXIT_RESOURCE, why);
    return LP_EXIT_OK;
}

static enum lp_exit on_joined(void *user, const struct lp_welcome *welcome)
{
    struct app *app = user;
    unsigned mtu = app->options.tap_mtu != 0 ? (unsigned)app->options.tap_mtu : welcome->mtu;
    char why[LP_WHY_LEN];

    if (app->mtu == mtu)
        return LP_EXIT_OK; /* the adapter outlived the connection that was lost */
    app->mtu = mtu;
    app->gateway_peer_id = welcome->gateway_peer_id; /* the media comes after it */
    if (bring_up(app, why) < 0)
        return lp_tunnel_say(LP_EXIT_RESOURCE, why);
    return LP_EXIT_OK;
}

/* A player who came before the gateway has no address, and DHCP's next try may be minutes away. */
static void on_gateway_changed(void *user, uint32_t gateway_peer_id)
{
    struct app *app = user;

    if (gateway_peer_id == 0 || gateway_peer_id == app->gateway_peer_id)
        return;
    app->gateway_peer_id = gateway_peer_id;
    check_address(app);
    app->gateway_is_new = app->has_address;
    if (!app->has_address)
        toggle_media(app);
}

static void on_link_lost(void *user)
{
    (void)user;
    lp_log(LP_LOG_WARNING, "the adapter went away: waiting for it");
}

static void on_second(void *user, uint64_t now_ns)
{
    struct app *app = user;

    (void)now_ns;
    if (app->mtu == 0)
        return;
    if (lp_driver_link(app->tunnel.driver) == NULL)
        reopen_adapter(app);
    check_gateway(app);
    if (!app->has_address)
        check_address(app);
    if (++app->check_s < CHECK_S)
        return;
    app->check_s = 0;
    check_settings(app);
    check_address(app);
    if (app->has_address)
        check_overlap(app);
}

static void set_text(json_t *object, const char *key, const char *value)
{
    json_object_set_new(object, key, json_string(value));
}

static json_t *route_report(const struct app *app)
{
    const struct lp_route *route = &app->status.route;
    json_t *object = json_object();
    char text[LP_ADDR_TEXT_LEN];

    json_object_set_new(object, "pinned", json_boolean(app->status.route_pinned));
    if (!app->status.route_pinned)
        return object;
    set_text(object, "source", lp_addr_format_ip(&route->source, text));
    set_text(object, "next_hop",
             route->next_hop.family != LP_ADDR_NONE ? lp_addr_format_ip(&route->next_hop, text)
                                                    : "on-link");
    set_text(object, "interface", route->interface);
    json_object_set_new(object, "prefix_len", json_integer(route->prefix_len));
    json_object_set_new(object, "metric", json_integer(route->metric));
    json_object_set_new(object, "borrowed", json_boolean(app->status.route_borrowed));
    return object;
}

static json_t *settings_report(const struct app *app)
{
    json_t *object = json_object();

    json_object_set_new(object, "hold", json_boolean(app->status.settings_hold));
    json_object_set_new(object, "metric", json_integer((json_int_t)app->options.tap_metric));
    json_object_set_new(object, "category_private", json_boolean(app->status.category_private));
    return object;
}

static void on_report(void *user, json_t *object)
{
    const struct app *app = user;
    json_t *dhcp = json_object();
    char text[LP_ADDR_TEXT_LEN];

    json_object_set_new(object, "route", route_report(app));
    json_object_set_new(object, "settings", settings_report(app));
    json_object_set_new(dhcp, "asked", json_true());
    json_object_set_new(dhcp, "bound", json_boolean(app->has_address));
    if (app->has_address) {
        set_text(dhcp, "address", lp_addr_format_ip(&app->address.addr, text));
        json_object_set_new(dhcp, "prefix_len", json_integer(app->address.prefix_len));
    }
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

static enum lp_exit check_options(struct app *app)
{
    char why[256];

    if (app->options.virtual_mac == NULL)
        return LP_EXIT_OK;
    if (lp_mac_parse(app->options.virtual_mac, &app->mac) == 0 && lp_mac_is_local(&app->mac) &&
        !lp_mac_is_group(&app->mac))
        return LP_EXIT_OK;
    snprintf(why, sizeof(why),
             "--virtual-mac \"%.40s\": must be a locally administered unicast address, such as "
             "02:12:34:56:78:9a",
             app->options.virtual_mac);
    return lp_tunnel_say(LP_EXIT_USAGE, why);
}

static enum lp_exit restore(void)
{
    char why[LP_WHY_LEN] = "";
    int count = lp_wincfg_recover(NULL, why);

    if (count < 0)
        return lp_tunnel_say(LP_EXIT_RESOURCE, why);
    lp_log(LP_LOG_INFO, "%d settings put back", count);
    return why[0] != '\0' ? lp_tunnel_say(LP_EXIT_FAILURE, why) : LP_EXIT_OK;
}

/* Up to the point where the relay's address is looked up. */
static enum lp_exit set_up_adapter(struct app *app)
{
    char why[LP_ADAPTERS_WHY_LEN];
    int err = lp_adapters_choose(app->options.tap_instance_id, &app->adapter, why);

    if (err < 0)
        return lp_tunnel_say(err == LP_ERR_CONFIG ? LP_EXIT_USAGE : LP_EXIT_RESOURCE, why);
    uv_timer_init(lp_driver_uv(app->tunnel.driver), &app->media_timer);
    app->media_timer.data = app;
    app->media_timer_open = true;
    err = lp_wincfg_open_local(NULL, &app->cfg, why);
    if (err == 0)
        err = lp_wincfg_prepare(app->cfg, app->adapter.instance, &app->mac, why);
    if (err == 0)
        err = open_adapter(app, why);
    return err < 0 ? lp_tunnel_say(LP_EXIT_RESOURCE, why) : LP_EXIT_OK;
}

/* The media first: nothing of the party is left on the adapter when its settings go. */
static void undo(struct app *app)
{
    char why[LP_WHY_LEN];

    if (app->media_timer_open)
        uv_close((uv_handle_t *)&app->media_timer, NULL);
    if (app->tunnel.driver != NULL)
        lp_driver_close_link(app->tunnel.driver);
    lp_wincfg_close(app->cfg, why);
    if (why[0] != '\0')
        lp_log_sentence(LP_LOG_WARNING, "", why);
}

static enum lp_exit run(struct app *app)
{
    enum lp_exit status = check_options(app);

    if (status != LP_EXIT_OK)
        return status;
    status = lp_tunnel_prepare(&app->tunnel, LP_ROLE_CLIENT, &app->options.tunnel,
                               "lanparty-client-identity.json", &hooks, app);
    if (app->options.virtual_mac == NULL)
        app->mac = app->tunnel.identity.mac;
    if (status == LP_EXIT_OK)
        status = set_up_adapter(app);
    if (status == LP_EXIT_OK)
        status = lp_tunnel_run(&app->tunnel, &app->mac);
    undo(app);
    return lp_tunnel_finish(&app->tunnel, status);
}

/* The command line in UTF-8, whatever the system's code page is. Lives as long as the program. */
static char **utf8_arguments(int *ret_argc)
{
    wchar_t **wide = CommandLineToArgvW(GetCommandLineW(), ret_argc);
    char **argv = wide != NULL ? calloc((size_t)*ret_argc + 1, sizeof(*argv)) : NULL;

    for (int i = 0; argv != NULL && i < *ret_argc; i++) {
        size_t capacity = 3 * wcslen(wide[i]) + 1;

        argv[i] = malloc(capacity);
        if (argv[i] == NULL || lp_utf8_from_wide(wide[i], argv[i], capacity) < 0)
            return NULL;
    }
    return argv;
}

int main(void)
{
    static struct app app;
    char why[LP_OPTION_WHY_LEN];
    int argc;
    char **argv = utf8_arguments(&argc);

    if (argv == NULL)
        return (int)lp_tunnel_say(LP_EXIT_USAGE, "the command line is no valid text");
    lp_client_win_options_defaults(&app.options);
    switch (lp_options_parse(&lp_client_win_program, argc, argv, &app.options, why)) {
    case LP_OPTIONS_DONE:
        return LP_EXIT_OK;
    case LP_OPTIONS_WRONG:
        return (int)lp_tunnel_say(LP_EXIT_USAGE, why);
    case LP_OPTIONS_RUN:
        break;
    }
    if (app.options.list_tap_adapters)
        return (int)lp_adapters_list(app.options.tunnel.json);
    if (app.options.restore)
        return (int)restore();
    return (int)run(&app);
}
