/* The adapter: which there are, its driver's answers, its restart with another MAC address, and the undoing. */
#include "apps/client-win/selftest/bench.h"

#include <stdio.h>
#include <string.h>

#include "apps/player-win/adapters.h"
#include "base/err.h"
#include "platform/windows/wincfg.h"

#define DRIVER_MAJOR 9

static const enum lp_setting_kind kept[LP_BENCH_KEPT] = {
    LP_SETTING_MAC_ADDRESS, LP_SETTING_IPV4_MTU, LP_SETTING_IPV4_METRIC,
    LP_SETTING_IPV4_DEFAULT_ROUTES, LP_SETTING_IPV6_DEFAULT_ROUTES};
static const char *const kept_names[LP_BENCH_KEPT] = {
    "MAC address", "IPv4 MTU", "IPv4 metric", "IPv4 default routes", "IPv6 default routes"};

/* ---- which ---- */

/* "others: A, B"; those that do not fit are left out whole. */
static void list_others(const struct lp_tap_adapter *chosen, char *text, size_t capacity)
{
    struct lp_tap_adapter adapters[LP_TAP_ADAPTERS_MAX];
    char why[LP_WHY_LEN];
    int count = lp_tap_adapters(adapters, LP_TAP_ADAPTERS_MAX, why);
    size_t at = 0;

    snprintf(text, capacity, "none");
    for (int i = 0; i < count; i++) {
        if (strcmp(adapters[i].instance, chosen->instance) == 0 ||
            at + strlen(adapters[i].name) + 3 > capacity)
            continue;
        at += (size_t)snprintf(text + at, capacity - at, "%s%s", at > 0 ? ", " : "",
                               adapters[i].name);
    }
}

void lp_probe_adapter(void *user, struct lp_selftest_result *ret_result)
{
    struct lp_selftest_bench *bench = user;
    char why[LP_ADAPTERS_WHY_LEN];
    char others[256];
    int err = lp_adapters_choose(bench->instance, &bench->adapter, why);

    if (err < 0) {
        lp_selftest_say(ret_result, LP_SELFTEST_FAILED, "%s", why);
        return;
    }
    list_others(&bench->adapter, others, sizeof(others));
    if (bench->adapter.own)
        lp_selftest_say(ret_result, LP_SELFTEST_OK,
                        "\"SoftLAN\" is there, %s; other TAP adapters: %s",
                        bench->adapter.instance, others);
    else
        lp_selftest_say(
            ret_result, LP_SELFTEST_WARNING,
            "\"%s\" is used, which another program may use too (others: %s): install "
            "SoftLAN for an adapter of its own",
            bench->adapter.name, others);
}

/* ---- the driver ---- */

static void on_frames(void *user)
{
    (void)user;
}

void lp_probe_driver_answer(void *user, struct lp_selftest_result *ret_result)
{
    struct lp_selftest_bench *bench = user;
    struct lp_tap_version version;
    char why[LP_WHY_LEN] = "";
    char text[LP_MAC_TEXT_LEN];
    struct lp_tap *tap = NULL;
    struct lp_mac mac;
    int err = lp_tap_open(&bench->adapter, on_frames, NULL, &tap, why);

    if (err == LP_ERR_BUSY || err == LP_ERR_PERMISSION) {
        lp_selftest_say(ret_result, LP_SELFTEST_NOT_TESTED, "%s", why);
        return;
    }
    if (err < 0) {
        lp_selftest_say(ret_result, LP_SELFTEST_FAILED,
                        "%s; install the TAP-Windows6 driver again", why);
        return;
    }
    lp_tap_mac(tap, &mac);
    lp_tap_version(tap, &version);
    lp_tap_close(tap);
    if (!lp_mac_is_valid_source(&mac) || version.major < DRIVER_MAJOR)
        lp_selftest_say(
            ret_result, LP_SELFTEST_FAILED,
            "the driver answers with version %u.%u and address %s: install a driver "
            "of version %d or later",
            version.major, version.minor, lp_mac_format(&mac, text), DRIVER_MAJOR);
    else
        lp_selftest_say(ret_result, LP_SELFTEST_OK,
                        "the driver answers: version %u.%u, address %s", version.major,
                        version.minor, lp_mac_format(&mac, text));
}

/* ---- the restart ---- */

static void remember(struct lp_selftest_bench *bench)
{
    for (unsigned i = 0; i < LP_BENCH_KEPT; i++) {
        if (lp_bench_get(bench, kept[i], bench->before[i]) < 0)
            bench->before[i][0] = '\0';
    }
}

static bool open_settings(struct lp_selftest_bench *bench,
                          struct lp_selftest_result *ret_result)
{
    char why[LP_WHY_LEN] = "";
    int err = lp_nic_find(bench->adapter.instance, &bench->nic, why);

    if (err == 0)
        err = lp_wincfg_open_local(NULL, &bench->cfg, why);
    if (err == 0)
        return true;
    lp_selftest_say(ret_result,
                    err == LP_ERR_BUSY ? LP_SELFTEST_NOT_TESTED : LP_SELFTEST_FAILED, "%s",
                    why);
    return false;
}

void lp_probe_mac_restart(void *user, struct lp_selftest_result *ret_result)
{
    struct lp_selftest_bench *bench = user;
    char why[LP_WHY_LEN] = "";
    char text[LP_MAC_TEXT_LEN];
    struct lp_mac now = {{0}};
    int err;

    if (!open_settings(bench, ret_result))
        return;
    remember(bench);
    lp_random_bytes(&bench->mac, sizeof(bench->mac));
    lp_mac_make_local_unicast(&bench->mac);
    err = lp_wincfg_prepare(bench->cfg, bench->adapter.instance, &bench->mac, why);
    if (err == 0)
        err = lp_nic_driver_mac(&bench->nic, &now, why);
    if (err == LP_ERR_BUSY)
        lp_selftest_say(ret_result, LP_SELFTEST_NOT_TESTED, "%s", why);
    else if (err < 0)
        lp_selftest_say(ret_result, LP_SELFTEST_FAILED,
                        "the adapter did not take the test address %s: %s",
                        lp_mac_format(&bench->mac, text), why);
    else if (!lp_mac_equal(&now, &bench->mac))
        lp_selftest_say(ret_result, LP_SELFTEST_FAILED,
                        "the driver took the test address and gave it up again (%s): restart "
                        "Windows, or install SoftLAN again",
                        lp_mac_format(&now, text));
    else
        lp_selftest_say(ret_result, LP_SELFTEST_OK,
                        "the adapter was restarted and its driver has the test address %s",
                        lp_mac_format(&bench->mac, text));
}

/* ---- the undoing ---- */

/* The first setting that is not as it was; NULL when all are. */
static const char *first_change(struct lp_selftest_bench *bench)
{
    for (unsigned i = 0; i < LP_BENCH_KEPT; i++) {
        char now[LP_SETTING_VALUE_LEN];

        if (lp_bench_get(bench, kept[i], now) < 0)
            now[0] = '\0';
        if (strcmp(now, bench->before[i]) != 0)
            return kept_names[i];
    }
    return NULL;
}

/* Our own adapter keeps the address that it has until its next restart: here that is now. */
static int give_mac_back(struct lp_selftest_bench *bench, char why[LP_WHY_LEN])
{
    struct lp_mac now;
    int err = lp_nic_driver_mac(&bench->nic, &now, why);

    if (err == 0 && lp_mac_equal(&now, &bench->mac)) {
        err = lp_nic_restart(&bench->nic, why);
        if (err == 0)
            err = lp_nic_driver_mac(&bench->nic, &now, why);
    }
    if (err == 0 && lp_mac_equal(&now, &bench->mac)) {
        snprintf(why, LP_WHY_LEN, "the driver still has the test address");
        err = LP_ERR_CONFIG;
    }
    return err;
}

void lp_probe_undo(void *user, struct lp_selftest_result *ret_result)
{
    struct lp_selftest_bench *bench = user;
    char why[LP_WHY_LEN] = "";
    const char *changed;

    if (bench->cfg == NULL) {
        lp_selftest_say(ret_result, LP_SELFTEST_NOT_TESTED, "nothing had been changed");
        return;
    }
    lp_tap_close(bench->tap);
    bench->tap = NULL;
    lp_wincfg_close(bench->cfg, why);
    bench->cfg = NULL;
    if (why[0] != '\0') {
        lp_selftest_say(ret_result, LP_SELFTEST_FAILED,
                        "%s: run lanparty-client-win.exe --restore, or restart Windows", why);
        return;
    }
    changed = first_change(bench);
    if (changed != NULL)
        lp_selftest_say(
            ret_result, LP_SELFTEST_FAILED,
            "the %s of the adapter is not what it was before: another program changed "
            "it meanwhile; set it in the network settings",
            changed);
    else if (give_mac_back(bench, why) < 0)
        lp_selftest_say(ret_result, LP_SELFTEST_FAILED, "%s: restart Windows", why);
    else
        lp_selftest_say(ret_result, LP_SELFTEST_OK,
                        "MAC address, MTU, metric, routes and media are as they were before");
}
