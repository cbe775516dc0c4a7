/*
 * The steps of a player's set-up on Windows against a fake machine: their order, what each failure and
 * each crash leaves behind (nothing), and where the pin goes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "platform/settings/steps.h"
#include "platform/settings/values.h"

#define TAP  "{410EB49D-2381-4FE7-9B36-498E22619DF0}"
#define ETH  "{00000000-0000-0000-0000-000000000001}"
#define WIFI "{00000000-0000-0000-0000-000000000002}"
#define NET  "{00000000-0000-0000-0000-0000000000aa}"

#define ROWS_MAX  16
#define DNS_MAX   8
#define TRACE_LEN 4096

struct row {
    struct lp_setting setting;
    char value[LP_SETTING_VALUE_LEN];
};

/* A machine whose settings are texts; `ops` counts what changes it, to fail or crash at any one. */
struct machine {
    struct row row[ROWS_MAX];
    unsigned rows;
    char journal[LP_JOURNAL_TEXT_MAX];
    size_t journal_len;
    struct lp_mac driver_mac, permanent_mac;
    bool no_ipv6, adapter_missing, driver_busy, driver_deaf, network_known;
    const char *default_guid; /* who has the default route; NULL = nobody */
    const char *default_hop;
    const char *captured_by;        /* an interface whose on-link route holds the relay */
    const char *foreign_host_route; /* an interface with somebody else's route to the relay */
    bool ignore_host_routes;
    const char *dns[DNS_MAX]; /* what the player's adapter has; NULL = no more */
    const char *party_subnet; /* the adapter itself leads to what begins so */
    bool dns_denied;          /* setting them fails */
    bool dns_unknown;         /* the player's adapter is gone */
    unsigned ops, fail_at, crash_at;
    jmp_buf crash;
    char trace[TRACE_LEN];
};

static void trace(struct machine *m, const char *what, const char *detail)
{
    size_t at = strlen(m->trace);

    snprintf(m->trace + at, sizeof(m->trace) - at, "%s%s;", what, detail);
}

/* True when this operation is to fail; does not return when the machine crashes at it. */
static bool operation(struct machine *m)
{
    m->ops++;
    if (m->ops == m->crash_at)
        longjmp(m->crash, 1);
    return m->ops == m->fail_at;
}

static struct row *find(struct machine *m, const struct lp_setting *setting)
{
    for (unsigned i = 0; i < m->rows; i++) {
        if (m->row[i].setting.kind == setting->kind &&
            strcmp(m->row[i].setting.target, setting->target) == 0)
            return &m->row[i];
    }
    return NULL;
}

static struct row *row_of(struct machine *m, enum lp_setting_kind kind, const char *target)
{
    struct lp_setting setting = {.kind = kind};

    snprintf(setting.target, sizeof(setting.target), "%s", target);
    return find(m, &setting);
}

static void put(struct machine *m, enum lp_setting_kind kind, const char *target,
                const char *value)
{
    struct row *row = row_of(m, kind, target);

    if (row == NULL) {
        assert_true(m->rows < ROWS_MAX);
        row = &m->row[m->rows++];
        memset(row, 0, sizeof(*row));
        row->setting.kind = kind;
        snprintf(row->setting.target, sizeof(row->setting.target), "%s", target);
    }
    snprintf(row->value, sizeof(row->value), "%s", value);
}

static bool is_ipv6(enum lp_setting_kind kind)
{
    return kind == LP_SETTING_IPV6_MTU || kind == LP_SETTING_IPV6_METRIC ||
           kind == LP_SETTING_IPV6_DEFAULT_ROUTES || kind == LP_SETTING_IPV6_DNS_SERVERS;
}

static int get(void *user, const struct lp_setting *setting,
               char ret_value[LP_SETTING_VALUE_LEN])
{
    struct machine *m = user;
    struct row *row = find(m, setting);

    if (is_ipv6(setting->kind) && m->no_ipv6)
        return LP_ERR_NOTFOUND;
    if (row == NULL && setting->kind != LP_SETTING_HOST_ROUTE)
        return LP_ERR_NOTFOUND;
    snprintf(ret_value, LP_SETTING_VALUE_LEN, "%s", row != NULL ? row->value : "none");
    return 0;
}

static int set(void *user, const struct lp_setting *setting, const char *value)
{
    struct machine *m = user;

    if (operation(m) || (m->dns_denied && setting->kind >= LP_SETTING_DNS_SERVERS))
        return LP_ERR_PERMISSION;
    trace(m, lp_setting_name(setting->kind), value);
    put(m, setting->kind, setting->target, value);
    return 0;
}

static int load(void *user, char *text, size_t capacity)
{
    struct machine *m = user;

    assert_true(m->journal_len <= capacity);
    memcpy(text, m->journal, m->journal_len);
    return (int)m->journal_len;
}

static int save(void *user, const char *text, size_t len)
{
    struct machine *m = user;

    if (operation(m))
        return LP_ERR_IO;
    assert_true(len <= sizeof(m->journal));
    memcpy(m->journal, text, len);
    m->journal_len = len;
    return 0;
}

static int adapter(void *user, const char *guid, char why[LP_WHY_LEN])
{
    struct machine *m = user;

    snprintf(why, LP_WHY_LEN, "no such adapter");
    return m->adapter_missing || strcmp(guid, TAP) != 0 ? LP_ERR_NOTFOUND : 0;
}

static int driver_mac(void *user, const char *guid, struct lp_mac *ret_mac,
                      char why[LP_WHY_LEN])
{
    struct machine *m = user;

    snprintf(why, LP_WHY_LEN, "busy");
    if (m->driver_busy)
        return LP_ERR_BUSY;
    *ret_mac = m->driver_mac;
    return 0;
}

static int restart(void *user, const char *guid, char why[LP_WHY_LEN])
{
    struct machine *m = user;

    snprintf(why, LP_WHY_LEN, "restart refused");
    if (operation(m))
        return LP_ERR_PERMISSION;
    trace(m, "restart", "");
    if (m->driver_deaf)
        return 0;
    if (lp_mac_from_value(row_of(m, LP_SETTING_MAC_ADDRESS, guid)->value, &m->driver_mac) != 0)
        m->driver_mac = m->permanent_mac;
    return 0;
}

static void on_interface(struct lp_way *way, const char *guid, const char *hop,
                         unsigned prefix_len)
{
    memset(way, 0, sizeof(*way));
    strcpy(way->guid, guid);
    if (hop != NULL)
        lp_addr_parse_ip(hop, 0, &way->route.next_hop);
    way->route.prefix_len = prefix_len;
}

static int way(void *user, const struct lp_addr *destination, struct lp_way *ret_way)
{
    struct machine *m = user;
    unsigned host_len = destination->family == LP_ADDR_IPV6 ? 128 : 32;
    struct lp_host_route route;
    char text[LP_ADDR_TEXT_LEN];

    if (destination->ip[0] == 127) {
        on_interface(ret_way, ETH, NULL, 8); /* not said to be local */
        return 0;
    }
    for (unsigned i = 0; i < m->rows && !m->ignore_host_routes; i++) {
        if (m->row[i].setting.kind != LP_SETTING_HOST_ROUTE ||
            strcmp(m->row[i].value, "none") == 0)
            continue;
        assert_int_equal(lp_host_route_parse(m->row[i].setting.target, m->row[i].value, &route),
                         0);
        if (!lp_addr_equal(&route.destination, destination))
            continue;
        lp_addr_format_ip(&route.next_hop, text);
        on_interface(ret_way, route.guid, route.next_hop.family == 0 ? NULL : text, host_len);
        return 0;
    }
    if (m->foreign_host_route != NULL)
        on_interface(ret_way, m->foreign_host_route, "10.0.0.9", host_len);
    else if (m->captured_by != NULL)
        on_interface(ret_way, m->captured_by, NULL, 24);
    else if (m->default_guid != NULL)
        on_interface(ret_way, m->default_guid, m->default_hop, 0);
    else
        return LP_ERR_NOTFOUND;
    return 0;
}

static int network(void *user, const char *guid, char ret_network[LP_ADAPTER_GUID_LEN])
{
    struct machine *m = user;

    if (!m->network_known)
        return LP_ERR_NOTFOUND;
    strcpy(ret_network, NET);
    return 0;
}

static int dns_servers(void *user, const char *guid, struct lp_addr ret_servers[],
                       unsigned capacity)
{
    struct machine *m = user;
    unsigned count = 0;

    assert_string_not_equal(guid, TAP);
    if (m->dns_unknown)
        return LP_ERR_NOTFOUND;
    while (count < capacity && count < DNS_MAX && m->dns[count] != NULL) {
        assert_int_equal(lp_addr_parse_ip(m->dns[count], 53, &ret_servers[count]), 0);
        count++;
    }
    return (int)count;
}

static bool leads_to(void *user, const char *guid, const struct lp_addr *destination)
{
    struct machine *m = user;
    char text[LP_ADDR_TEXT_LEN];

    assert_string_equal(guid, TAP);
    assert_false(lp_addr_is_loopback(destination));
    lp_addr_format_ip(destination, text);
    return m->party_subnet != NULL &&
           strncmp(text, m->party_subnet, strlen(m->party_subnet)) == 0;
}

/* ---- the bed ---- */

struct bed {
    struct machine machine;
    struct lp_settings_backend backend;
    struct lp_journal_store store;
    struct lp_steps_host host;
    struct lp_steps steps;
    char why[LP_WHY_LEN];
};

static struct bed bed;

static const struct lp_mac our_mac = {{0x02, 0x11, 0x22, 0x33, 0x44, 0x55}};
static const struct lp_wincfg_settings ordinary = {.mtu = 1380, .metric = 1};

static void set_up_machine(struct machine *m)
{
    memset(m, 0, sizeof(*m));
    m->permanent_mac = m->driver_mac = (struct lp_mac){{0x00, 0xff, 1, 2, 3, 4}};
    m->default_guid = ETH;
    m->default_hop = "10.0.0.138";
    put(m, LP_SETTING_IPV4_MTU, TAP, "1500");
    put(m, LP_SETTING_IPV6_MTU, TAP, "1500");
    put(m, LP_SETTING_IPV4_METRIC, TAP, "auto");
    put(m, LP_SETTING_IPV4_DEFAULT_ROUTES, TAP, "enabled");
    put(m, LP_SETTING_IPV6_DEFAULT_ROUTES, TAP, "enabled");
    put(m, LP_SETTING_MAC_ADDRESS, TAP, "none");
    put(m, LP_SETTING_NETWORK_CATEGORY, NET, "public");
    put(m, LP_SETTING_DNS_SERVERS, TAP, "automatic");
    put(m, LP_SETTING_IPV6_DNS_SERVERS, TAP, "automatic");
    m->dns[0] = "10.0.0.138";
    m->dns[1] = "2001:db8::53";
}

static int set_up(void **state)
{
    set_up_machine(&bed.machine);
    bed.backend = (struct lp_settings_backend){get, set, lp_value_valid, &bed.machine};
    bed.store = (struct lp_journal_store){load, save, &bed.machine};
    bed.host =
        (struct lp_steps_host){&bed.backend, &bed.store, adapter,     driver_mac, restart,
                               way,          network,    dns_servers, leads_to,   &bed.machine};
    assert_int_equal(lp_steps_open(&bed.steps, &bed.host, NULL, NULL, bed.why), 0);
    return 0;
}

static struct lp_addr relay(const char *text)
{
    struct lp_addr addr;

    assert_int_equal(lp_addr_parse_ip(text, 443, &addr), 0);
    return addr;
}

static int prepare(void)
{
    return lp_steps_prepare(&bed.steps, TAP, &our_mac, bed.why);
}

static int pin(const char *text)
{
    struct lp_addr addr = relay(text);

    return lp_steps_pin(&bed.steps, &addr, bed.why);
}

static struct lp_wincfg_status check(void)
{
    struct lp_wincfg_status status;

    assert_int_equal(lp_steps_check(&bed.steps, &status, bed.why), 0);
    return status;
}

/* The whole start-up; the first error. */
static int start(void)
{
    int err = prepare();

    if (err == 0)
        err = pin("198.51.100.7");
    if (err == 0)
        err = lp_steps_configure(&bed.steps, &ordinary, bed.why);
    return err;
}

static const char *value_of(enum lp_setting_kind kind, const char *target)
{
    struct row *row = row_of(&bed.machine, kind, target);

    return row != NULL ? row->value : "none";
}

static void assert_restored(void)
{
    struct machine fresh;

    set_up_machine(&fresh);
    for (unsigned i = 0; i < bed.machine.rows; i++) {
        struct row *row = &bed.machine.row[i];
        struct row *old = find(&fresh, &row->setting);

        assert_string_equal(row->value, old != NULL ? old->value : "none");
    }
    assert_int_equal(bed.machine.journal_len, 0);
}

/* ---- tests ---- */

static void test_order(void **state)
{
    bed.machine.network_known = true;
    assert_int_equal(start(), 0);
    check();
    assert_string_equal(bed.machine.trace,
                        "mac_address021122334455;restart;host_route10.0.0.138/93;"
                        "ipv4_mtu1380;ipv6_mtu1380;ipv4_metric1;ipv4_default_routesdisabled;"
                        "ipv6_default_routesdisabled;dns_servers10.0.0.138;"
                        "ipv6_dns_servers2001:db8::53;network_categoryprivate;");
    bed.machine.trace[0] = '\0';
    assert_int_equal(lp_steps_close(&bed.steps), 0);
    assert_string_equal(bed.machine.trace,
                        "network_categorypublic;ipv6_dns_serversautomatic;"
                        "dns_serversautomatic;ipv6_default_routesenabled;"
                        "ipv4_default_routesenabled;ipv4_metricauto;ipv6_mtu1500;ipv4_mtu1500;"
                        "host_routenone;mac_addressnone;");
    assert_restored();
}

static void test_steps_ask_for_the_one_before(void **state)
{
    struct lp_wincfg_status status;

    assert_int_equal(pin("198.51.100.7"), LP_ERR_INVALID);
    assert_int_equal(lp_steps_configure(&bed.steps, &ordinary, bed.why), LP_ERR_INVALID);
    assert_int_equal(lp_steps_check(&bed.steps, &status, bed.why), LP_ERR_INVALID);
    assert_int_equal(prepare(), 0);
    assert_int_equal(lp_steps_configure(&bed.steps, &ordinary, bed.why), LP_ERR_INVALID);
    assert_int_equal(prepare(), LP_ERR_INVALID);
    assert_int_equal(pin("198.51.100.7"), 0);
    assert_int_equal(lp_steps_configure(&bed.steps, &ordinary, bed.why), 0);
}

static void test_prepare_refuses(void **state)
{
    static const struct lp_mac bad[] = {{{0x00, 1, 2, 3, 4, 5}},
                                        {{0x03, 1, 2, 3, 4, 5}},
                                        {{0, 0, 0, 0, 0, 0}},
                                        {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(lp_steps_prepare(&bed.steps, TAP, &bad[i], bed.why), LP_ERR_INVALID);
    assert_int_equal(lp_steps_prepare(&bed.steps, "SoftLAN", &our_mac, bed.why),
                     LP_ERR_INVALID);
    assert_int_equal(lp_steps_prepare(&bed.steps, ETH, &our_mac, bed.why), LP_ERR_NOTFOUND);
    bed.machine.driver_busy = true;
    assert_int_equal(prepare(), LP_ERR_BUSY);
    bed.machine.driver_busy = false;
    bed.machine.driver_deaf = true;
    bed.machine.trace[0] = '\0';
    assert_int_equal(prepare(), LP_ERR_CONFIG);
    assert_string_equal(bed.machine.trace,
                        "mac_address021122334455;restart;restart;mac_addressnone;");
    assert_restored();
}

static void test_no_restart_when_the_driver_has_it(void **state)
{
    bed.machine.driver_mac = our_mac;
    assert_int_equal(prepare(), 0);
    assert_string_equal(bed.machine.trace, "mac_address021122334455;");
}

static void test_restart_when_only_the_registry_has_it(void **state)
{
    put(&bed.machine, LP_SETTING_MAC_ADDRESS, TAP, "021122334455");
    assert_int_equal(prepare(), 0);
    assert_string_equal(bed.machine.trace, "restart;");
    assert_int_equal(lp_steps_close(&bed.steps), 0);
    assert_string_equal(value_of(LP_SETTING_MAC_ADDRESS, TAP), "021122334455");
}

static void test_pin_refuses(void **state)
{
    static const char *const bad[] = {
        "0.0.0.0", "224.0.0.1", "255.255.255.255",  "::",
        "fe80::1", "ff02::1",   "::ffff:192.0.2.1", "169.254.0.1"};

    assert_int_equal(prepare(), 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(pin(bad[i]), LP_ERR_INVALID);
    bed.machine.captured_by = TAP;
    assert_int_equal(pin("198.51.100.7"), LP_ERR_CONFIG);
    bed.machine.captured_by = NULL;
    bed.machine.default_guid = NULL;
    assert_int_equal(pin("198.51.100.7"), LP_ERR_NOTFOUND);
    assert_int_equal(lp_steps_configure(&bed.steps, &ordinary, bed.why), LP_ERR_INVALID);
}

static void test_pin_is_verified(void **state)
{
    assert_int_equal(prepare(), 0);
    bed.machine.ignore_host_routes = true;
    assert_int_equal(pin("198.51.100.7"), LP_ERR_NOTFOUND);
    assert_string_equal(value_of(LP_SETTING_HOST_ROUTE, "198.51.100.7/" ETH), "none");
}

static void test_borrowed_route_stays(void **state)
{
    struct lp_wincfg_status status;

    bed.machine.foreign_host_route = WIFI;
    assert_int_equal(start(), 0);
    status = check();
    assert_true(status.route_pinned);
    assert_true(status.route_borrowed);
    assert_null(strstr(bed.machine.trace, "host_route"));
    bed.machine.foreign_host_route = NULL; /* it goes: ours takes its place, by the same way */
    bed.machine.captured_by = TAP;
    status = check();
    assert_true(status.route_pinned);
    assert_false(status.route_borrowed);
    assert_string_equal(value_of(LP_SETTING_HOST_ROUTE, "198.51.100.7/" WIFI), "10.0.0.9/93");
}

static void test_loopback_needs_no_pin(void **state)
{
    assert_int_equal(prepare(), 0);
    assert_int_equal(pin("127.255.255.255"), 0);
    assert_int_equal(pin("127.0.0.1"), 0);
    assert_true(check().route_borrowed);
    assert_null(strstr(bed.machine.trace, "host_route"));
}

static void test_another_relay(void **state)
{
    assert_int_equal(start(), 0);
    assert_int_equal(pin("2001:db8::7"),
                     LP_ERR_INVALID); /* its next hop is of the other family */
    bed.machine.default_hop = "fe80::1";
    assert_int_equal(pin("2001:db8::7"), 0);
    assert_string_equal(value_of(LP_SETTING_HOST_ROUTE, "198.51.100.7/" ETH), "none");
    assert_string_equal(value_of(LP_SETTING_HOST_ROUTE, "2001:db8::7/" ETH), "fe80::1/93");
    assert_int_equal(lp_steps_close(&bed.steps), 0);
    assert_restored();
}

static void test_pin_is_put_back(void **state)
{
    struct lp_wincfg_status status;

    assert_int_equal(start(), 0);
    put(&bed.machine, LP_SETTING_HOST_ROUTE, "198.51.100.7/" ETH, "none");
    status = check();
    assert_true(status.route_pinned);
    assert_false(status.route_borrowed);
    assert_int_equal(status.reasserted, 1);
    assert_string_equal(value_of(LP_SETTING_HOST_ROUTE, "198.51.100.7/" ETH), "10.0.0.138/93");
    put(&bed.machine, LP_SETTING_HOST_ROUTE, "198.51.100.7/" ETH, "none");
    bed.machine.captured_by = TAP; /* the party's subnet holds the relay's address */
    status = check();
    assert_true(status.route_pinned);
    assert_int_equal(status.reasserted, 1);
    assert_int_equal(check().reasserted, 0);
}

static void test_pin_moves_with_the_network(void **state)
{
    struct lp_wincfg_status status;

    assert_int_equal(start(), 0);
    put(&bed.machine, LP_SETTING_HOST_ROUTE, "198.51.100.7/" ETH, "none");
    bed.machine.default_guid = NULL; /* the cable is out */
    status = check();
    assert_false(status.route_pinned);
    bed.machine.default_guid = WIFI;
    bed.machine.default_hop = "192.168.1.1";
    put(&bed.machine, LP_SETTING_HOST_ROUTE, "198.51.100.7/" ETH, "none");
    status = check();
    assert_true(status.route_pinned);
    assert_string_equal(value_of(LP_SETTING_HOST_ROUTE, "198.51.100.7/" WIFI),
                        "192.168.1.1/93");
    assert_string_equal(value_of(LP_SETTING_HOST_ROUTE, "198.51.100.7/" ETH), "none");
    assert_int_equal(lp_steps_close(&bed.steps), 0);
    assert_restored();
}

static void test_configure_bounds(void **state)
{
    static const struct lp_wincfg_settings bad[] = {
        {.mtu = 575, .metric = 1},      {.mtu = 1501, .metric = 1},
        {.mtu = 0, .metric = 1},        {.mtu = 1380, .metric = 0},
        {.mtu = 1380, .metric = 10000}, {.mtu = UINT32_MAX, .metric = UINT32_MAX}};
    static const struct lp_wincfg_settings small = {.mtu = 576, .metric = 9999};

    assert_int_equal(prepare(), 0);
    assert_int_equal(pin("198.51.100.7"), 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(lp_steps_configure(&bed.steps, &bad[i], bed.why), LP_ERR_RANGE);
    assert_int_equal(lp_steps_configure(&bed.steps, &small, bed.why), 0);
    assert_string_equal(value_of(LP_SETTING_IPV4_MTU, TAP), "576");
    assert_string_equal(value_of(LP_SETTING_IPV6_MTU, TAP), "1500"); /* not below 1280 */
    assert_string_equal(value_of(LP_SETTING_IPV4_METRIC, TAP), "9999");
    assert_int_equal(lp_steps_configure(&bed.steps, &ordinary, bed.why), 0);
    assert_string_equal(value_of(LP_SETTING_IPV4_MTU, TAP), "1380");
    assert_int_equal(lp_steps_close(&bed.steps), 0);
    assert_restored();
}

static void test_configure_fails(void **state)
{
    assert_int_equal(prepare(), 0);
    assert_int_equal(pin("198.51.100.7"), 0);
    bed.machine.fail_at =
        bed.machine.ops + 6; /* journal and value of both MTUs, journal, metric */
    assert_int_equal(lp_steps_configure(&bed.steps, &ordinary, bed.why), LP_ERR_PERMISSION);
    assert_string_equal(value_of(LP_SETTING_IPV4_MTU, TAP), "1500");
    assert_string_equal(value_of(LP_SETTING_IPV6_MTU, TAP), "1500");
    assert_string_equal(value_of(LP_SETTING_IPV4_METRIC, TAP), "auto");
    assert_string_equal(value_of(LP_SETTING_HOST_ROUTE, "198.51.100.7/" ETH), "10.0.0.138/93");
    assert_string_equal(value_of(LP_SETTING_MAC_ADDRESS, TAP), "021122334455");
    assert_int_equal(lp_steps_configure(&bed.steps, &ordinary, bed.why), 0);
}

static void test_without_ipv6(void **state)
{
    bed.machine.no_ipv6 = true;
    assert_int_equal(start(), 0);
    assert_true(check().settings_hold);
    assert_true(check().dns_kept);
    assert_int_equal(lp_steps_close(&bed.steps), 0);
    assert_restored();
}

/* ---- DNS ---- */

static void set_dns(const char *first, const char *second, const char *third)
{
    const char *const all[] = {first, second, third};

    memset(bed.machine.dns, 0, sizeof(bed.machine.dns));
    memcpy(bed.machine.dns, all, sizeof(all));
}

static void assert_dns(const char *ipv4, const char *ipv6)
{
    assert_string_equal(value_of(LP_SETTING_DNS_SERVERS, TAP), ipv4);
    assert_string_equal(value_of(LP_SETTING_IPV6_DNS_SERVERS, TAP), ipv6);
}

static void test_dns_is_the_players(void **state)
{
    assert_int_equal(start(), 0);
    assert_dns("10.0.0.138", "2001:db8::53");
    assert_true(check().dns_kept);
    put(&bed.machine, LP_SETTING_DNS_SERVERS, TAP, "192.168.11.1"); /* whoever did that */
    assert_int_equal(check().reasserted, 1);
    assert_dns("10.0.0.138", "2001:db8::53");
    put(&bed.machine, LP_SETTING_IPV6_DNS_SERVERS, TAP, "automatic");
    bed.machine.dns_denied = true;
    assert_false(check().dns_kept);
    assert_true(check().settings_hold);
    bed.machine.dns_denied = false;
    assert_true(check().dns_kept);
    assert_int_equal(check().reasserted, 0);
}

static void test_dns_of_the_party(void **state)
{
    static const struct lp_wincfg_settings asked = {
        .mtu = 1380, .metric = 1, .use_party_dns = true};

    assert_int_equal(prepare(), 0);
    assert_int_equal(pin("198.51.100.7"), 0);
    assert_int_equal(lp_steps_configure(&bed.steps, &asked, bed.why), 0);
    assert_false(check().dns_kept);
    assert_null(strstr(bed.machine.trace, "dns"));
    assert_int_equal(lp_steps_configure(&bed.steps, &ordinary, bed.why), 0);
    assert_dns("10.0.0.138", "2001:db8::53");
    assert_int_equal(lp_steps_configure(&bed.steps, &asked, bed.why), 0);
    assert_dns("automatic", "automatic");
    assert_false(check().dns_kept);
    assert_dns("automatic", "automatic");
    assert_int_equal(lp_steps_close(&bed.steps), 0);
    assert_restored();
}

static void test_dns_that_changes(void **state)
{
    assert_int_equal(start(), 0);
    set_dns("192.168.1.1", "10.9.9.9", NULL);
    assert_int_equal(check().reasserted, 2);
    assert_dns("192.168.1.1,10.9.9.9", "::1");
    assert_int_equal(check().reasserted, 0);
    bed.machine.dns_unknown = true; /* his adapter is out: what was there is kept */
    assert_int_equal(check().reasserted, 0);
    assert_true(check().dns_kept);
    assert_dns("192.168.1.1,10.9.9.9", "::1");
    assert_int_equal(lp_steps_close(&bed.steps), 0);
    assert_restored();
}

static void test_dns_that_nobody_has(void **state)
{
    set_dns(NULL, NULL, NULL);
    assert_int_equal(start(), 0);
    assert_dns("127.0.0.1", "::1");
    assert_true(check().dns_kept);
    assert_int_equal(lp_steps_close(&bed.steps), 0);
    assert_restored();
    bed.machine.dns_unknown = true;
    set_up(NULL);
    assert_int_equal(start(), 0);
    assert_true(check().dns_kept);
}

/* A server of his that the party's subnet holds would be a machine of the party. */
static void test_dns_within_the_partys_subnet(void **state)
{
    set_dns("192.168.1.1", "8.8.8.8", "fd00::1");
    assert_int_equal(start(), 0);
    assert_dns("192.168.1.1,8.8.8.8", "fd00::1");
    bed.machine.party_subnet = "192.168.1.";
    assert_int_equal(check().reasserted, 1);
    assert_dns("8.8.8.8", "fd00::1");
    bed.machine.party_subnet = "fd00:";
    check();
    assert_dns("192.168.1.1,8.8.8.8", "::1");
    assert_true(check().dns_kept);
}

static void test_dns_servers_that_are_none(void **state)
{
    set_dns("fe80::1", "fec0:0:0:ffff::1", "0.0.0.0");
    bed.machine.dns[3] = "127.0.0.53"; /* a resolver of his own */
    bed.machine.dns[4] = "::1";
    assert_int_equal(start(), 0);
    assert_dns("127.0.0.53", "::1");
    set_dns("10.0.0.1", "10.0.0.2", "10.0.0.3");
    bed.machine.dns[3] = "10.0.0.4";
    check();
    assert_dns("10.0.0.1,10.0.0.2,10.0.0.3", "::1");
}

/* What the player has set on the party's adapter by hand is his too. */
static void test_dns_set_by_hand_stays(void **state)
{
    put(&bed.machine, LP_SETTING_DNS_SERVERS, TAP, "9.9.9.9");
    put(&bed.machine, LP_SETTING_IPV6_DNS_SERVERS, TAP, "other");
    assert_int_equal(start(), 0);
    assert_dns("9.9.9.9", "other");
    assert_true(check().dns_kept);
    assert_null(strstr(bed.machine.trace, "dns"));
}

static void test_dns_leftover_is_ours(void **state)
{
    assert_int_equal(start(), 0);
    bed.machine.fail_at = bed.machine.ops + 1; /* the first that is undone */
    assert_int_equal(lp_steps_close(&bed.steps), 1);
    bed.machine.fail_at = 0;
    assert_dns("automatic", "2001:db8::53");
    set_dns("10.0.0.1", "2001:db8::54", NULL);
    bed.steps.adapter[0] = '\0';
    assert_int_equal(start(), 0);
    assert_dns("10.0.0.1", "2001:db8::54");
    assert_int_equal(lp_steps_close(&bed.steps), 0);
    assert_restored();
}

static void test_check_holds_the_settings(void **state)
{
    struct lp_wincfg_status status;

    assert_int_equal(start(), 0);
    put(&bed.machine, LP_SETTING_IPV4_METRIC, TAP, "25");
    put(&bed.machine, LP_SETTING_IPV4_DEFAULT_ROUTES, TAP, "enabled");
    status = check();
    assert_int_equal(status.reasserted, 2);
    assert_true(status.settings_hold);
    assert_false(status.category_private);
    put(&bed.machine, LP_SETTING_IPV4_METRIC, TAP, "25");
    bed.machine.fail_at = bed.machine.ops + 1;
    status = check();
    assert_int_equal(status.reasserted, 0);
    assert_false(status.settings_hold);
    bed.machine.network_known = true;
    status = check();
    assert_true(status.category_private);
    assert_true(status.settings_hold);
}

static void test_domain_network_is_left(void **state)
{
    bed.machine.network_known = true;
    put(&bed.machine, LP_SETTING_NETWORK_CATEGORY, NET, "domain");
    assert_int_equal(start(), 0);
    assert_true(check().category_private);
    assert_null(strstr(bed.machine.trace, "network_category"));
}

/* Fails at each operation in turn; whatever failed, closing leaves the machine as it was. */
static void test_failure_at_each_operation(void **state)
{
    unsigned failures = 0;

    for (unsigned at = 1;; at++) {
        struct lp_wincfg_status status;
        int err;

        set_up(NULL);
        bed.machine.network_known = true;
        bed.machine.fail_at = at;
        err = start();
        if (err == 0)
            lp_steps_check(&bed.steps, &status, bed.why);
        failures += err < 0;
        if (bed.machine.ops < at)
            break;
        bed.machine.fail_at = 0;
        assert_int_equal(lp_steps_close(&bed.steps), 0);
        assert_restored();
    }
    assert_true(failures >= 10);
}

/* Crashes at each operation in turn, the undoing included; the next start restores everything. */
static void test_crash_at_each_operation(void **state)
{
    static unsigned at;
    static bool crashed;

    for (at = 1, crashed = true; crashed; at++) {
        set_up(NULL);
        bed.machine.network_known = true;
        bed.machine.crash_at = at;
        crashed = setjmp(bed.machine.crash) != 0;
        if (!crashed) {
            start();
            check();
            lp_steps_close(&bed.steps);
        }
        bed.machine.crash_at = 0;
        assert_int_equal(lp_steps_open(&bed.steps, &bed.host, NULL, NULL, bed.why), 0);
        assert_restored();
    }
    assert_true(at > 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_order, set_up),
        cmocka_unit_test_setup(test_steps_ask_for_the_one_before, set_up),
        cmocka_unit_test_setup(test_prepare_refuses, set_up),
        cmocka_unit_test_setup(test_no_restart_when_the_driver_has_it, set_up),
        cmocka_unit_test_setup(test_restart_when_only_the_registry_has_it, set_up),
        cmocka_unit_test_setup(test_pin_refuses, set_up),
        cmocka_unit_test_setup(test_pin_is_verified, set_up),
        cmocka_unit_test_setup(test_borrowed_route_stays, set_up),
        cmocka_unit_test_setup(test_loopback_needs_no_pin, set_up),
        cmocka_unit_test_setup(test_another_relay, set_up),
        cmocka_unit_test_setup(test_pin_is_put_back, set_up),
        cmocka_unit_test_setup(test_pin_moves_with_the_network, set_up),
        cmocka_unit_test_setup(test_configure_bounds, set_up),
        cmocka_unit_test_setup(test_configure_fails, set_up),
        cmocka_unit_test_setup(test_without_ipv6, set_up),
        cmocka_unit_test_setup(test_dns_is_the_players, set_up),
        cmocka_unit_test_setup(test_dns_of_the_party, set_up),
        cmocka_unit_test_setup(test_dns_that_changes, set_up),
        cmocka_unit_test_setup(test_dns_that_nobody_has, set_up),
        cmocka_unit_test_setup(test_dns_within_the_partys_subnet, set_up),
        cmocka_unit_test_setup(test_dns_servers_that_are_none, set_up),
        cmocka_unit_test_setup(test_dns_set_by_hand_stays, set_up),
        cmocka_unit_test_setup(test_dns_leftover_is_ours, set_up),
        cmocka_unit_test_setup(test_check_holds_the_settings, set_up),
        cmocka_unit_test_setup(test_domain_network_is_left, set_up),
        cmocka_unit_test(test_failure_at_each_operation),
        cmocka_unit_test(test_crash_at_each_operation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
