/* What the adapter does to the player's other networks: names, subnets, category. */
#include "apps/client-win/selftest/bench.h"

#include <stdlib.h>
#include <string.h>

#include "apps/client-win/selftest/lease.h"
#include "base/err.h"
#include "platform/windows/wincfg.h"

/* ---- DNS ---- */

/* IPv4, or an IPv6 that somebody has set: Windows lists fec0:0:0:ffff::1 to ::3 where there is none. */
static bool is_server(const SOCKET_ADDRESS *address, struct lp_addr *ret_addr)
{
    static const uint8_t placeholder[8] = {0xfe, 0xc0, 0, 0, 0, 0, 0xff, 0xff};

    *ret_addr = lp_addr_from_sockaddr((const SOCKADDR_INET *)(const void *)address->lpSockaddr);
    ret_addr->port = 0;
    return ret_addr->family != LP_ADDR_NONE &&
           !(ret_addr->family == LP_ADDR_IPV6 && memcmp(ret_addr->ip, placeholder, 8) == 0);
}

static bool first_server(const IP_ADAPTER_ADDRESSES *interface_row, struct lp_addr *ret_addr)
{
    for (const IP_ADAPTER_DNS_SERVER_ADDRESS *at = interface_row->FirstDnsServerAddress;
         at != NULL; at = at->Next) {
        if (is_server(&at->Address, ret_addr))
            return true;
    }
    return false;
}

/* Windows asks the servers of the interface with the lowest metric first. */
static const IP_ADAPTER_ADDRESSES *find_first(const struct lp_selftest_bench *bench,
                                              const IP_ADAPTER_ADDRESSES *list,
                                              struct lp_addr *ret_server)
{
    const IP_ADAPTER_ADDRESSES *first = NULL;
    unsigned lowest = 0;

    for (; list != NULL; list = list->Next) {
        struct lp_addr server;
        unsigned metric;

        if (list->OperStatus != IfOperStatusUp || list->IfType == IF_TYPE_SOFTWARE_LOOPBACK ||
            !first_server(list, &server) || !lp_bench_metric(bench, &list->Luid, &metric))
            continue;
        if (first != NULL && metric >= lowest)
            continue;
        first = list;
        lowest = metric;
        *ret_server = server;
    }
    return first;
}

static bool has_server(const IP_ADAPTER_ADDRESSES *interface_row, const struct lp_addr *server)
{
    for (const IP_ADAPTER_DNS_SERVER_ADDRESS *at = interface_row->FirstDnsServerAddress;
         at != NULL; at = at->Next) {
        struct lp_addr other;

        if (is_server(&at->Address, &other) && lp_addr_equal(&other, server))
            return true;
    }
    return false;
}

static bool is_loopback(const struct lp_addr *addr)
{
    static const uint8_t v6[16] = {[15] = 1};

    return addr->family == LP_ADDR_IPV4 ? addr->ip[0] == 127 : memcmp(addr->ip, v6, 16) == 0;
}

/*
 * The settings put the player's own servers onto the adapter, or this PC's loopback where he has none: then
 * the party is asked nothing.
 */
static void judge_adapters_own(const struct lp_selftest_bench *bench,
                               const IP_ADAPTER_ADDRESSES *list, const struct lp_addr *server,
                               struct lp_selftest_result *ret_result)
{
    char name[LP_IF_NAME_LEN], text[LP_ADDR_TEXT_LEN];

    lp_addr_format_ip(server, text);
    for (; list != NULL; list = list->Next) {
        if (_stricmp(list->AdapterName, bench->adapter.instance) == 0 ||
            list->IfType == IF_TYPE_SOFTWARE_LOOPBACK || !has_server(list, server))
            continue;
        lp_selftest_say(ret_result, LP_SELFTEST_OK, "names are asked of %s of \"%s\" first",
                        text, lp_bench_name(list, name));
        return;
    }
    if (is_loopback(server))
        lp_selftest_say(ret_result, LP_SELFTEST_OK,
                        "the party is not asked for names; this PC has no DNS server of its "
                        "own");
    else
        lp_selftest_say(ret_result, LP_SELFTEST_WARNING,
                        "names are asked of the party's server %s first: end the connection if "
                        "names outside are not found",
                        text);
}

void lp_probe_dns(void *user, struct lp_selftest_result *ret_result)
{
    const struct lp_selftest_bench *bench = user;
    IP_ADAPTER_ADDRESSES *list = lp_bench_interfaces();
    struct lp_addr server = {.family = LP_ADDR_NONE};
    const IP_ADAPTER_ADDRESSES *first = find_first(bench, list, &server);
    char name[LP_IF_NAME_LEN], text[LP_ADDR_TEXT_LEN];

    if (first == NULL)
        lp_selftest_say(ret_result, LP_SELFTEST_NOT_TESTED,
                        "no adapter has a DNS server: connect this PC to its network");
    else if (_stricmp(first->AdapterName, bench->adapter.instance) == 0)
        judge_adapters_own(bench, list, &server, ret_result);
    else
        lp_selftest_say(ret_result, LP_SELFTEST_OK, "names are asked of %s of \"%s\" first",
                        lp_addr_format_ip(&server, text), lp_bench_name(first, name));
    free(list);
}

/* ---- subnets ---- */

/* Not the one that this test has given it. */
static bool has_party_address(const char *instance)
{
    static const uint8_t given[4] = LP_LEASE_ADDRESS;
    struct lp_if_address addresses[LP_IF_ADDRESSES_MAX];
    int count = lp_interface_addresses(instance, addresses, LP_IF_ADDRESSES_MAX);

    for (int i = 0; i < count; i++) {
        if (addresses[i].addr.family == LP_ADDR_IPV4 && !addresses[i].link_local &&
            memcmp(addresses[i].addr.ip, given, sizeof(given)) != 0)
            return true;
    }
    return false;
}

void lp_probe_overlap(void *user, struct lp_selftest_result *ret_result)
{
    const struct lp_selftest_bench *bench = user;
    char sentence[LP_WHY_LEN] = "";

    if (!has_party_address(bench->adapter.instance))
        lp_selftest_say(
            ret_result, LP_SELFTEST_NOT_TESTED,
            "the adapter has an address only in a party: test again while connected");
    else if (lp_interface_find_overlap(bench->adapter.instance, sentence) == 1)
        lp_selftest_say(ret_result, LP_SELFTEST_WARNING, "%s", sentence);
    else
        lp_selftest_say(ret_result, LP_SELFTEST_OK,
                        "the adapter's subnet is that of no other network");
}

/* ---- category ---- */

/* As the client does it each few seconds: private as soon as Windows knows the network. */
static void make_private(const struct lp_selftest_bench *bench)
{
    struct lp_wincfg_status status;
    char why[LP_WHY_LEN];

    if (bench->cfg != NULL && bench->tap != NULL)
        lp_wincfg_check(bench->cfg, &status, why);
}

void lp_probe_category(void *user, struct lp_selftest_result *ret_result)
{
    struct lp_selftest_bench *bench = user;
    char network[LP_ADAPTER_GUID_LEN];
    char value[LP_SETTING_VALUE_LEN];
    int err;

    make_private(bench);
    err = lp_network_of_adapter(bench->adapter.instance, network);
    if (err == 0)
        err = lp_category_get(network, value);
    if (err == LP_ERR_NOTFOUND)
        lp_selftest_say(ret_result, LP_SELFTEST_NOT_TESTED,
                        "Windows knows no network on the adapter yet: test again while "
                        "connected to a party");
    else if (err < 0)
        lp_selftest_say(ret_result, LP_SELFTEST_NOT_TESTED,
                        "Windows does not tell the categories of networks: %s",
                        lp_err_text(err));
    else if (strcmp(value, "public") == 0)
        lp_selftest_say(ret_result, LP_SELFTEST_WARNING,
                        "the adapter's network is public, where Windows hides this PC from the "
                        "others: set it to private in the network settings");
    else
        lp_selftest_say(ret_result, LP_SELFTEST_OK, "the adapter's network is %s", value);
}
