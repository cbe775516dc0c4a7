/* What a start changes of IP: the relay's route, MTU, metric, default routes, and the media after them. */
#include "apps/client-win/selftest/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/common/endpoint.h"
#include "base/err.h"
#include "platform/windows/wincfg.h"

#define TEST_MTU      1380u
#define MEDIA_WAIT_MS 3000u
#define MEDIA_STEP_MS 50u

/* RFC 5737: nobody's. It stands for a relay when none was given; nothing is sent to it. */
static const struct lp_addr nobody = {.family = LP_ADDR_IPV4, .ip = {192, 0, 2, 1}};

/* ---- the relay ---- */

static bool take_address(const struct addrinfo *found, struct lp_addr *ret_addr)
{
    const struct sockaddr_in *v4 = (const void *)found->ai_addr;
    const struct sockaddr_in6 *v6 = (const void *)found->ai_addr;

    memset(ret_addr, 0, sizeof(*ret_addr));
    if (found->ai_family == AF_INET) {
        ret_addr->family = LP_ADDR_IPV4;
        memcpy(ret_addr->ip, &v4->sin_addr, 4);
    } else if (found->ai_family == AF_INET6) {
        ret_addr->family = LP_ADDR_IPV6;
        memcpy(ret_addr->ip, &v6->sin6_addr, 16);
    } else {
        return false;
    }
    return true;
}

/* In this probe's own thread: the system's resolver may take its time. */
static bool resolve(const struct lp_endpoint *endpoint, struct lp_addr *ret_addr)
{
    struct addrinfo hints = {.ai_socktype = SOCK_DGRAM}, *list = NULL;
    bool found = false;
    WSADATA data;

    if (endpoint->literal) {
        lp_endpoint_literal(endpoint, ret_addr);
        return true;
    }
    if (WSAStartup(MAKEWORD(2, 2), &data) != 0)
        return false;
    if (getaddrinfo(endpoint->host, NULL, &hints, &list) == 0) {
        for (struct addrinfo *at = list; at != NULL && !found; at = at->ai_next)
            found = take_address(at, ret_addr);
        freeaddrinfo(list);
    }
    WSACleanup();
    return found;
}

void lp_probe_relay_name(void *user, struct lp_selftest_result *ret_result)
{
    struct lp_selftest_bench *bench = user;
    char why[LP_ENDPOINT_WHY_LEN];
    char text[LP_ADDR_TEXT_LEN];
    struct lp_endpoint endpoint;
    struct lp_addr addr;

    if (lp_endpoint_parse(bench->relay, &endpoint, why) < 0) {
        lp_selftest_say(ret_result, LP_SELFTEST_FAILED, "--relay: %s", why);
        return;
    }
    if (!resolve(&endpoint, &addr)) {
        lp_selftest_say(ret_result, LP_SELFTEST_FAILED,
                        "the name %s cannot be resolved: check its spelling and this PC's "
                        "internet connection",
                        endpoint.host);
        return;
    }
    bench->relay_addr = addr;
    lp_selftest_say(ret_result, LP_SELFTEST_OK, "the relay's address is %s",
                    lp_addr_format_ip(&addr, text));
}

static void say_route(const struct lp_selftest_bench *bench,
                      const struct lp_wincfg_status *status,
                      struct lp_selftest_result *ret_result)
{
    const struct lp_route *route = &status->route;
    char hop[LP_ADDR_TEXT_LEN];

    lp_selftest_say(ret_result, LP_SELFTEST_OK, "%s stays on \"%s\", next hop %s%s",
                    bench->relay_addr.family != LP_ADDR_NONE
                        ? "the way to the relay"
                        : "the way to a relay on the internet (--relay HOST tests yours)",
                    route->interface,
                    route->next_hop.family != LP_ADDR_NONE
                        ? lp_addr_format_ip(&route->next_hop, hop)
                        : "on the same network",
                    status->route_borrowed ? "; a route that was there is used" : "");
}

void lp_probe_relay_route(void *user, struct lp_selftest_result *ret_result)
{
    struct lp_selftest_bench *bench = user;
    bool given = bench->relay_addr.family != LP_ADDR_NONE;
    static const struct lp_addr loopback = {.family = LP_ADDR_IPV4, .ip = {127, 0, 0, 1}};
    struct lp_wincfg_status status;
    char why[LP_WHY_LEN] = "";
    int err = lp_wincfg_pin(bench->cfg, given ? &bench->relay_addr : &nobody, why);

    if (err == 0)
        err = lp_wincfg_check(bench->cfg, &status, why);
    if (err == 0 && status.route_pinned) {
        say_route(bench, &status, ret_result);
        return;
    }
    if (err == 0)
        snprintf(why, sizeof(why),
                 "the route was set and Windows does not use it: end other "
                 "VPN programs");
    lp_selftest_say(ret_result, LP_SELFTEST_FAILED, "%s", why);
    /* The other checks go on where this PC has no network at all. */
    if (err == LP_ERR_NOTFOUND && lp_wincfg_pin(bench->cfg, &loopback, why) == 0)
        lp_selftest_say(ret_result, LP_SELFTEST_WARNING,
                        "this PC reaches nobody outside: check its network connection");
}

/* ---- settings ---- */

void lp_probe_settings(void *user, struct lp_selftest_result *ret_result)
{
    struct lp_selftest_bench *bench = user;
    const struct lp_wincfg_settings settings = {.mtu = TEST_MTU, .metric = 1};
    char why[LP_WHY_LEN] = "";

    if (lp_wincfg_configure(bench->cfg, &settings, why) < 0)
        lp_selftest_say(ret_result, LP_SELFTEST_FAILED, "%s", why);
    else
        lp_selftest_say(ret_result, LP_SELFTEST_OK,
                        "MTU %u, metric 1 and no default routes were set", TEST_MTU);
}

void lp_probe_mtu(void *user, struct lp_selftest_result *ret_result)
{
    struct lp_selftest_bench *bench = user;
    char value[LP_SETTING_VALUE_LEN] = "";

    if (lp_bench_get(bench, LP_SETTING_IPV4_MTU, value) == 0 && atoi(value) == (int)TEST_MTU)
        lp_selftest_say(ret_result, LP_SELFTEST_OK, "the IPv4 MTU is %u", TEST_MTU);
    else
        lp_selftest_say(ret_result, LP_SELFTEST_FAILED,
                        "the IPv4 MTU was set to %u and is \"%s\": end programs that set the "
                        "MTU of adapters (optimizers, other VPNs)",
                        TEST_MTU, value);
}

/* Another interface that is up and whose metric is as low as ours. */
static bool find_rival(const struct lp_selftest_bench *bench, char name[LP_IF_NAME_LEN],
                       unsigned *ret_metric)
{
    IP_ADAPTER_ADDRESSES *list = lp_bench_interfaces();
    bool found = false;

    for (const IP_ADAPTER_ADDRESSES *at = list; at != NULL && !found; at = at->Next) {
        if (at->OperStatus != IfOperStatusUp || at->IfType == IF_TYPE_SOFTWARE_LOOPBACK ||
            _stricmp(at->AdapterName, bench->adapter.instance) == 0)
            continue;
        found = lp_bench_metric(bench, &at->Luid, ret_metric) && *ret_metric <= 1;
        if (found)
            lp_bench_name(at, name);
    }
    free(list);
    return found;
}

void lp_probe_metric(void *user, struct lp_selftest_result *ret_result)
{
    struct lp_selftest_bench *bench = user;
    char value[LP_SETTING_VALUE_LEN] = "";
    char name[LP_IF_NAME_LEN];
    unsigned metric;

    if (lp_bench_get(bench, LP_SETTING_IPV4_METRIC, value) < 0 || strcmp(value, "1") != 0)
        lp_selftest_say(
            ret_result, LP_SELFTEST_FAILED,
            "the adapter's metric was set to 1 and is \"%s\": end programs that set "
            "metrics (other VPNs)",
            value);
    else if (find_rival(bench, name, &metric))
        lp_selftest_say(ret_result, LP_SELFTEST_WARNING,
                        "\"%s\" has the metric %u too, so that broadcasts may leave there: set "
                        "its metric to automatic in the network settings",
                        name, metric);
    else
        lp_selftest_say(ret_result, LP_SELFTEST_OK,
                        "the adapter's metric is 1 and every other one is higher");
}

/* A default route on the adapter, of either family. */
static bool has_default_route(const struct lp_selftest_bench *bench)
{
    const struct lp_iphelper *iph = &bench->settings.iph;
    MIB_IPFORWARD_TABLE2 *table = NULL;
    bool found = false;
    NET_LUID luid;

    if (lp_luid_of(iph, bench->adapter.instance, &luid) != 0 ||
        LP_IPHELPER_CALL(iph, GetIpForwardTable2, AF_UNSPEC, &table) != NO_ERROR)
        return false;
    for (ULONG i = 0; i < table->NumEntries && !found; i++)
        found = table->Table[i].InterfaceLuid.Value == luid.Value &&
                table->Table[i].DestinationPrefix.PrefixLength == 0;
    if (iph->FreeMibTable != NULL)
        iph->FreeMibTable(table);
    return found;
}

void lp_probe_default_routes(void *user, struct lp_selftest_result *ret_result)
{
    struct lp_selftest_bench *bench = user;
    char value4[LP_SETTING_VALUE_LEN] = "", value6[LP_SETTING_VALUE_LEN] = "";
    int err4 = lp_bench_get(bench, LP_SETTING_IPV4_DEFAULT_ROUTES, value4);
    int err6 = lp_bench_get(bench, LP_SETTING_IPV6_DEFAULT_ROUTES, value6);

    if (err4 < 0 || strcmp(value4, "disabled") != 0 ||
        (err6 == 0 && strcmp(value6, "disabled") != 0))
        lp_selftest_say(
            ret_result, LP_SELFTEST_FAILED,
            "default routes of the adapter were disabled and are enabled again: end "
            "programs that change adapters (other VPNs)");
    else if (has_default_route(bench))
        lp_selftest_say(ret_result, LP_SELFTEST_FAILED,
                        "the adapter has a default route all the same: take its gateway out of "
                        "the adapter's own settings");
    else
        lp_selftest_say(ret_result, LP_SELFTEST_OK,
                        "default routes are disabled%s, and there is none on the adapter",
                        err6 == 0 ? " for IPv4 and IPv6" : " for IPv4 (it has no IPv6)");
}

/* ---- media ---- */

static void on_frames(void *user)
{
    const struct lp_selftest_bench *bench = user;

    SetEvent(bench->tap_event);
}

/* Whether Windows sees the cable, now. */
static bool is_up(const struct lp_selftest_bench *bench)
{
    IP_ADAPTER_ADDRESSES *list = lp_bench_interfaces();
    bool up = false;

    for (const IP_ADAPTER_ADDRESSES *at = list; at != NULL; at = at->Next) {
        if (_stricmp(at->AdapterName, bench->adapter.instance) == 0)
            up = at->OperStatus == IfOperStatusUp;
    }
    free(list);
    return up;
}

static bool plug(struct lp_selftest_bench *bench, bool connected, unsigned *ret_ms)
{
    unsigned waited = 0;

    if (lp_tap_set_media(bench->tap, connected) < 0)
        return false;
    while (is_up(bench) != connected && waited < MEDIA_WAIT_MS) {
        Sleep(MEDIA_STEP_MS);
        waited += MEDIA_STEP_MS;
    }
    *ret_ms = waited;
    return is_up(bench) == connected;
}

void lp_probe_media(void *user, struct lp_selftest_result *ret_result)
{
    struct lp_selftest_bench *bench = user;
    unsigned in_ms = 0, out_ms = 0;
    char why[LP_WHY_LEN] = "";
    const char *what;

    bench->tap_event = CreateEventW(NULL, FALSE, FALSE, NULL);
    if (bench->tap_event == NULL ||
        lp_tap_open(&bench->adapter, on_frames, bench, &bench->tap, why) < 0) {
        lp_selftest_say(ret_result, LP_SELFTEST_FAILED, "%s", why);
        return;
    }
    if (!plug(bench, true, &in_ms)) {
        what = "connected";
    } else if (!plug(bench, false, &out_ms)) {
        what = "disconnected";
    } else if (!plug(bench, true, &in_ms)) {
        what = "connected again";
    } else {
        lp_selftest_say(ret_result, LP_SELFTEST_OK,
                        "Windows saw the cable go in within %u ms and out within %u ms",
                        in_ms + MEDIA_STEP_MS, out_ms + MEDIA_STEP_MS);
        return;
    }
    lp_selftest_say(ret_result, LP_SELFTEST_FAILED,
                    "the media was %s and Windows does not see it: enable the adapter, or "
                    "install the TAP-Windows6 driver again",
                    what);
}
