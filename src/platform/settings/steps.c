#include "platform/settings/steps.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "base/err.h"
#include "platform/settings/dnsorder.h"
#include "platform/settings/values.h"

#define RESTARTS_MAX 2 /* some drivers read the address only at the second start */

LP_PRINTF(3, 4) static int fail(int err, char *why, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(why, LP_WHY_LEN, format, args);
    va_end(args);
    return err;
}

int lp_steps_open(struct lp_steps *steps, const struct lp_steps_host *host,
                  lp_scope_report_fn *report, void *user, char why[LP_WHY_LEN])
{
    _Static_assert(LP_SCOPE_WHY_LEN <= LP_WHY_LEN, "the scope writes into our why");

    memset(steps, 0, sizeof(*steps));
    steps->host = host;
    steps->report = report;
    steps->report_user = user;
    return lp_scope_open(&steps->scope, host->backend, host->store, report, user, why);
}

static int undo_to(struct lp_steps *steps, unsigned keep)
{
    return lp_scope_undo_to(&steps->scope, keep, steps->report, steps->report_user);
}

/* ---- prepare ---- */

/* 1: the driver has this address; 0: it has another; or an error. */
static int driver_has(struct lp_steps *steps, const char *guid, const struct lp_mac *mac,
                      char *why)
{
    struct lp_mac now;
    int err = steps->host->driver_mac(steps->host->user, guid, &now, why);

    return err < 0 ? err : lp_mac_equal(&now, mac);
}

/*
 * Restarts the adapter until its driver has the address. What the driver says decides: a
 * restart that is said to have failed may have worked.
 */
static int make_driver_take(struct lp_steps *steps, const char *guid, const struct lp_mac *mac,
                            char *why)
{
    char restart_why[LP_WHY_LEN] = "";
    char text[LP_MAC_TEXT_LEN];
    int restart_err = 0;
    int has = driver_has(steps, guid, mac, why);

    /* in use: whoever uses it would lose it by a restart */
    for (int i = 0; i < RESTARTS_MAX && has != 1 && has != LP_ERR_BUSY; i++) {
        restart_err = steps->host->restart(steps->host->user, guid, restart_why);
        has = driver_has(steps, guid, mac, why);
    }
    if (has == 1)
        return 0;
    if (restart_err < 0)
        return fail(restart_err, why, "%s", restart_why);
    if (has < 0)
        return has;
    return fail(LP_ERR_CONFIG, why,
                "the driver did not take the address %s: remove the adapter's own setting of "
                "it, or restart Windows",
                lp_mac_format(mac, text));
}

static bool is_usable_mac(const struct lp_mac *mac)
{
    return lp_mac_is_valid_source(mac) && lp_mac_is_local(mac);
}

int lp_steps_prepare(struct lp_steps *steps, const char *guid, const struct lp_mac *mac,
                     char why[LP_WHY_LEN])
{
    char value[LP_SETTING_VALUE_LEN];
    char text[LP_MAC_TEXT_LEN];
    unsigned keep = steps->scope.count;
    int err;

    if (steps->adapter[0] != '\0')
        return fail(LP_ERR_INVALID, why, "an adapter is prepared already: disconnect first");
    if (!lp_value_is_guid(guid))
        return fail(LP_ERR_INVALID, why,
                    "\"%.38s\" is no adapter's instance id: it has the form "
                    "{8-4-4-4-12}, all hexadecimal digits",
                    guid);
    if (!is_usable_mac(mac))
        return fail(LP_ERR_INVALID, why,
                    "the MAC address %s is not a locally administered unicast one: its "
                    "first octet must end with the bits 10",
                    lp_mac_format(mac, text));
    err = steps->host->adapter(steps->host->user, guid, why);
    if (err < 0)
        return err;
    lp_mac_value(mac, value);
    err = lp_scope_set(&steps->scope, LP_SETTING_MAC_ADDRESS, guid, value, why);
    if (err == 0)
        err = make_driver_take(steps, guid, mac, why);
    if (err < 0) {
        undo_to(steps, keep);
        return err;
    }
    memcpy(steps->adapter, guid, LP_ADAPTER_GUID_LEN);
    return 0;
}

/* ---- pin ---- */

static unsigned host_prefix_len(const struct lp_addr *addr)
{
    return addr->family == LP_ADDR_IPV6 ? 128 : 32;
}

static int look_up(const struct lp_steps *steps, const struct lp_addr *relay,
                   struct lp_way *ret_way)
{
    int err = steps->host->way(steps->host->user, relay, ret_way);

    /* whatever the routes say: no route is ever set for this machine's own addresses */
    if (err == 0 && lp_addr_is_loopback(relay))
        ret_way->local = true;
    return err;
}

static bool same_way(const struct lp_way *a, const struct lp_way *b)
{
    return lp_value_same_guid(a->guid, b->guid) &&
           lp_addr_equal(&a->route.next_hop, &b->route.next_hop);
}

static bool is_party(const struct lp_steps *steps, const struct lp_way *way)
{
    return lp_value_same_guid(way->guid, steps->adapter);
}

static bool is_host_route(const struct lp_addr *relay, const struct lp_way *way)
{
    return way->local || way->route.prefix_len == host_prefix_len(relay);
}

/* Takes our host route away again; a borrowed one stays. */
static int release(struct lp_steps *steps, char *why)
{
    char target[LP_SETTING_TARGET_LEN];

    if (!steps->ours)
        return 0;
    steps->ours = false;
    lp_route_target(&steps->relay, steps->way.guid, target);
    return lp_scope_set(&steps->scope, LP_SETTING_HOST_ROUTE, target, "none", why);
}

static int set_route(struct lp_steps *steps, const struct lp_addr *relay,
                     const struct lp_way *way, char *why)
{
    char target[LP_SETTING_TARGET_LEN];
    char value[LP_SETTING_VALUE_LEN];

    lp_route_target(relay, way->guid, target);
    lp_route_value(&way->route.next_hop, LP_ROUTE_METRIC, value);
    return lp_scope_set(&steps->scope, LP_SETTING_HOST_ROUTE, target, value, why);
}

static int not_reached(int err, const struct lp_addr *relay, char *why)
{
    char text[LP_ADDR_TEXT_LEN];

    lp_addr_format_ip(relay, text);
    if (err == LP_ERR_NOTFOUND)
        return fail(
            err, why,
            "there is no route to the relay %s: check this machine's network connection", text);
    return fail(err, why, "the route to the relay %s cannot be looked up (%s): %s", text,
                lp_err_text(err), lp_setting_remedy(err));
}

/* The route that was set must be the one that is used. */
static int verify(struct lp_steps *steps, const struct lp_addr *relay,
                  const struct lp_way *wanted, char *why)
{
    char text[LP_ADDR_TEXT_LEN];
    struct lp_way way;
    int err = look_up(steps, relay, &way);

    if (err < 0)
        return not_reached(err, relay, why);
    if (same_way(&way, wanted) && is_host_route(relay, &way)) {
        steps->way = way;
        return 0;
    }
    return fail(LP_ERR_NOTFOUND, why,
                "the route to the relay %s was pinned, but another one is used: end other VPN "
                "programs, which may set routes",
                lp_addr_format_ip(relay, text));
}

static int pin_to(struct lp_steps *steps, const struct lp_addr *relay, const struct lp_way *way,
                  char *why)
{
    int err = 0;

    steps->relay = *relay;
    steps->way = *way;
    steps->ours = false;
    if (is_host_route(relay, way))
        return 0; /* borrowed */
    err = set_route(steps, relay, way, why);
    if (err == LP_ERR_EXISTS)
        return verify(steps, relay, way, why); /* somebody was faster: borrowed */
    if (err < 0)
        return err;
    steps->ours = true;
    err = verify(steps, relay, way, why);
    if (err < 0) {
        char ignored[LP_WHY_LEN];

        release(steps, ignored);
    }
    return err;
}

/* Looks the relay up and pins it to what is found, which must not be the party's adapter. */
static int pin_afresh(struct lp_steps *steps, const struct lp_addr *relay, char *why)
{
    char text[LP_ADDR_TEXT_LEN];
    struct lp_way way;
    int err = look_up(steps, relay, &way);

    if (err < 0)
        return not_reached(err, relay, why);
    if (is_party(steps, &way) && !way.local)
        return fail(LP_ERR_CONFIG, why,
                    "the relay %s lies in the party's own network: give the relay's public "
                    "address, or join from another network",
                    lp_addr_format_ip(relay, text));
    return pin_to(steps, relay, &way, why);
}

int lp_steps_pin(struct lp_steps *steps, const struct lp_addr *relay, char why[LP_WHY_LEN])
{
    struct lp_addr address = *relay;
    char text[LP_ADDR_TEXT_LEN];
    int err;

    if (steps->adapter[0] == '\0')
        return fail(LP_ERR_INVALID, why,
                    "the adapter must be prepared before the route to the relay");
    address.port = 0;
    lp_addr_format_ip(&address, text);
    if (!lp_addr_is_relay(&address))
        return fail(LP_ERR_INVALID, why, "%s is no relay's address: give that of one machine",
                    text);
    err = release(steps, why);
    steps->relay.family = LP_ADDR_NONE;
    if (err == 0)
        err = pin_afresh(steps, &address, why);
    if (err < 0)
        steps->relay.family = LP_ADDR_NONE;
    return err;
}

/* ---- configure ---- */

/* What an adapter lacks (IPv6 switched off) can do no harm. */
static int set_if_there(struct lp_steps *steps, enum lp_setting_kind kind, const char *value,
                        char *why)
{
    int err = lp_scope_set(&steps->scope, kind, steps->adapter, value, why);

    return err == LP_ERR_NOTFOUND ? 0 : err;
}

static int set_mtu(struct lp_steps *steps, unsigned mtu, char *why)
{
    char ignored[LP_WHY_LEN];
    char value[LP_SETTING_VALUE_LEN];
    int err;

    snprintf(value, sizeof(value), "%u", mtu);
    err = lp_scope_set(&steps->scope, LP_SETTING_IPV4_MTU, steps->adapter, value, why);
    if (err == 0 && mtu >= LP_MTU_IPV6_MIN) /* best effort: IPv6 works without it */
        lp_scope_set(&steps->scope, LP_SETTING_IPV6_MTU, steps->adapter, value, ignored);
    return err;
}

static int set_all(struct lp_steps *steps, const struct lp_wincfg_settings *settings, char *why)
{
    char metric[LP_SETTING_VALUE_LEN];
    int err = set_mtu(steps, settings->mtu, why);

    if (err < 0)
        return err;
    snprintf(metric, sizeof(metric), "%u", settings->metric);
    err = lp_scope_set(&steps->scope, LP_SETTING_IPV4_METRIC, steps->adapter, metric, why);
    if (err < 0)
        return err;
    err = lp_scope_set(&steps->scope, LP_SETTING_IPV4_DEFAULT_ROUTES, steps->adapter,
                       "disabled", why);
    if (err < 0)
        return err;
    err = set_if_there(steps, LP_SETTING_IPV6_DEFAULT_ROUTES, "disabled", why);
    if (err < 0)
        return err;
    return steps->keeps_dns ? lp_dnsorder_keep(steps, why) : lp_dnsorder_release(steps, why);
}

int lp_steps_configure(struct lp_steps *steps, const struct lp_wincfg_settings *settings,
                       char why[LP_WHY_LEN])
{
    unsigned keep = steps->scope.count;
    bool kept_dns = steps->keeps_dns;
    int err;

    if (steps->adapter[0] == '\0' || steps->relay.family == LP_ADDR_NONE)
        return fail(LP_ERR_INVALID, why,
                    "the route to the relay must be there before the settings");
    if (settings->mtu < LP_MTU_IPV4_MIN || settings->mtu > LP_STEPS_MTU_MAX)
        return fail(LP_ERR_RANGE, why, "the MTU %u is not within %u and %u: give another",
                    settings->mtu, LP_MTU_IPV4_MIN, LP_STEPS_MTU_MAX);
    if (settings->metric < 1 || settings->metric > LP_STEPS_METRIC_MAX)
        return fail(LP_ERR_RANGE, why, "the metric %u is not within 1 and %u: give another",
                    settings->metric, LP_STEPS_METRIC_MAX);
    steps->keeps_dns = !settings->use_party_dns;
    err = set_all(steps, settings, why);
    if (err >= 0)
        return 0;
    undo_to(steps, keep);
    steps->keeps_dns = kept_dns;
    return err;
}

/* ---- check ---- */

/* The pin as it should be; returns how much was put back. */
static unsigned hold_pin(struct lp_steps *steps, struct lp_wincfg_status *status)
{
    struct lp_addr relay = steps->relay;
    char why[LP_WHY_LEN];
    struct lp_way way;
    int err;

    if (look_up(steps, &relay, &way) < 0)
        return 0; /* no network now: the pin waits for it */
    status->route = way.route;
    if (same_way(&way, &steps->way) && is_host_route(&relay, &way)) {
        status->route_pinned = true;
        return 0;
    }
    if (is_party(steps, &way) || same_way(&way, &steps->way)) {
        struct lp_way bare = steps->way;

        bare.local = false;
        bare.route.prefix_len = 0; /* its host route is what is missing */
        err = pin_to(steps, &relay, &bare, why);
    } else {
        err = release(steps, why);
        if (err == 0 || err == LP_ERR_NOTFOUND)
            err = pin_afresh(steps, &relay, why);
    }
    if (err < 0) {
        if (steps->report != NULL)
            steps->report(steps->report_user, why);
        return 0;
    }
    status->route = steps->way.route;
    status->route_pinned = true;
    return 1;
}

/*
 * A new network is "public" and its firewall eats the game; it becomes private. What is private
 * or of a domain is well.
 */
static bool make_private(struct lp_steps *steps)
{
    const struct lp_settings_backend *backend = steps->host->backend;
    struct lp_setting setting = {.kind = LP_SETTING_NETWORK_CATEGORY};
    char value[LP_SETTING_VALUE_LEN];
    char network[LP_ADAPTER_GUID_LEN];
    char why[LP_WHY_LEN];

    if (steps->host->network(steps->host->user, steps->adapter, network) < 0)
        return false;
    memcpy(setting.target, network, sizeof(network));
    if (backend->get(backend->user, &setting, value) < 0)
        return false;
    if (strcmp(value, "public") != 0)
        return true;
    return lp_scope_set(&steps->scope, setting.kind, setting.target, "private", why) == 0;
}

/* The player's own servers may be others by now. Returns how many lists were changed. */
static unsigned hold_dns(struct lp_steps *steps)
{
    char why[LP_WHY_LEN];
    int changed;

    if (!steps->keeps_dns)
        return 0;
    changed = lp_dnsorder_keep(steps, why);
    if (changed >= 0)
        return (unsigned)changed;
    if (steps->report != NULL)
        steps->report(steps->report_user, why);
    return 0;
}

static bool is_configuration(enum lp_setting_kind kind)
{
    return kind >= LP_SETTING_IPV4_MTU && kind <= LP_SETTING_IPV6_DEFAULT_ROUTES;
}

static bool settings_hold(const struct lp_steps *steps)
{
    const struct lp_settings_backend *backend = steps->host->backend;

    for (unsigned i = 0; i < steps->scope.count; i++) {
        const struct lp_scope_entry *entry = &steps->scope.entry[i];
        char value[LP_SETTING_VALUE_LEN];

        if (!is_configuration(entry->setting.kind) || entry->leftover)
            continue;
        if (backend->get(backend->user, &entry->setting, value) < 0 ||
            strcmp(value, entry->new_value) != 0)
            return false;
    }
    return true;
}

int lp_steps_check(struct lp_steps *steps, struct lp_wincfg_status *ret_status,
                   char why[LP_WHY_LEN])
{
    struct lp_wincfg_status status = {.route_pinned = false};

    if (steps->adapter[0] == '\0')
        return fail(LP_ERR_INVALID, why,
                    "no adapter is prepared that could be checked: connect first");
    if (steps->relay.family != LP_ADDR_NONE)
        status.reasserted = hold_pin(steps, &status);
    status.category_private = make_private(steps);
    status.reasserted += hold_dns(steps);
    status.reasserted +=
        (unsigned)lp_scope_reassert(&steps->scope, steps->report, steps->report_user);
    status.settings_hold = settings_hold(steps);
    status.dns_kept = lp_dnsorder_is_kept(steps);
    status.route_borrowed = status.route_pinned && !steps->ours;
    *ret_status = status;
    return 0;
}

/* ---- close ---- */

int lp_steps_close(struct lp_steps *steps)
{
    return undo_to(steps, 0);
}
