#include "platform/settings/values.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/hex.h"

#define GUID_TEXT_LEN (LP_ADAPTER_GUID_LEN - 1)
#define MTU_MAX       65535u
#define METRIC_MAX    0x7fffffffu
#define ROUTE_NONE    "none"
#define ROUTE_ON_LINK "on-link"

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'f');
}

bool lp_value_is_guid(const char *text)
{
    static const char shape[] = "{xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx}";

    for (size_t i = 0; i < GUID_TEXT_LEN; i++) {
        if (shape[i] == 'x' ? !is_hex(text[i]) : text[i] != shape[i])
            return false; /* the end of a short text too */
    }
    return text[GUID_TEXT_LEN] == '\0';
}

bool lp_value_same_guid(const char *a, const char *b)
{
    if (!lp_value_is_guid(a) || !lp_value_is_guid(b))
        return false;
    for (size_t i = 0; i < GUID_TEXT_LEN; i++) {
        if (lower(a[i]) != lower(b[i]))
            return false;
    }
    return true;
}

int lp_value_number(const char *text, unsigned max, unsigned *ret_number)
{
    uint64_t number = 0;

    if (text[0] == '\0' || (text[0] == '0' && text[1] != '\0'))
        return LP_ERR_MALFORMED;
    for (const char *p = text; *p != '\0'; p++) {
        if (*p < '0' || *p > '9')
            return LP_ERR_MALFORMED;
        number = number * 10 + (uint64_t)(*p - '0');
        if (number > max)
            return LP_ERR_RANGE;
    }
    *ret_number = (unsigned)number;
    return 0;
}

static bool is_remote_host6(const uint8_t ip[16])
{
    static const uint8_t low[12] = {0};
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

    /* ::/96 holds ::, ::1 and the IPv4-compatible addresses */
    if (memcmp(ip, low, sizeof(low)) == 0 || memcmp(ip, mapped, sizeof(mapped)) == 0)
        return false;
    if (ip[0] == 0xff)
        return false;
    return !(ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80);
}

bool lp_addr_is_remote_host(const struct lp_addr *addr)
{
    if (addr->family == LP_ADDR_IPV6)
        return addr->scope == 0 && is_remote_host6(addr->ip);
    if (addr->family != LP_ADDR_IPV4 || addr->scope != 0)
        return false;
    if (addr->ip[0] == 169 && addr->ip[1] == 254)
        return false;
    return addr->ip[0] != 0 && addr->ip[0] != 127 && addr->ip[0] < 224;
}

bool lp_addr_is_loopback(const struct lp_addr *addr)
{
    static const uint8_t loopback6[16] = {[15] = 1};

    if (addr->scope != 0)
        return false;
    if (addr->family == LP_ADDR_IPV6)
        return memcmp(addr->ip, loopback6, sizeof(loopback6)) == 0;
    return addr->family == LP_ADDR_IPV4 && addr->ip[0] == 127;
}

bool lp_addr_is_relay(const struct lp_addr *addr)
{
    return lp_addr_is_remote_host(addr) || lp_addr_is_loopback(addr);
}

/* ---- host routes ---- */

void lp_route_target(const struct lp_addr *destination, const char *guid,
                     char ret_target[LP_SETTING_TARGET_LEN])
{
    char text[LP_ADDR_TEXT_LEN];

    /* the longest literal has 39 octets without a zone, the GUID 38 */
    snprintf(ret_target, LP_SETTING_TARGET_LEN, "%s/%s", lp_addr_format_ip(destination, text),
             guid);
}

void lp_route_value(const struct lp_addr *next_hop, unsigned metric,
                    char ret_value[LP_SETTING_VALUE_LEN])
{
    char text[LP_ADDR_TEXT_LEN] = ROUTE_ON_LINK;
    struct lp_addr hop = *next_hop;

    hop.scope = 0; /* the interface is in the target */
    if (hop.family != LP_ADDR_NONE)
        lp_addr_format_ip(&hop, text);
    snprintf(ret_value, LP_SETTING_VALUE_LEN, "%s/%u", text, metric);
}

/* A literal in the one spelling that we write. */
static int parse_exact(const char *text, struct lp_addr *ret_addr)
{
    struct lp_addr addr;
    char again[LP_ADDR_TEXT_LEN];

    if (lp_addr_parse_ip(text, 0, &addr) != 0 || addr.scope != 0 ||
        strcmp(lp_addr_format_ip(&addr, again), text) != 0)
        return LP_ERR_MALFORMED;
    *ret_addr = addr;
    return 0;
}

/* Cuts "left/right" at the slash; `left` gets a copy. NULL when there is none or it is too
 * long. */
static const char *cut(const char *text, char left[LP_ADDR_TEXT_LEN])
{
    const char *slash = strchr(text, '/');

    if (slash == NULL || slash - text >= LP_ADDR_TEXT_LEN)
        return NULL;
    memcpy(left, text, (size_t)(slash - text));
    left[slash - text] = '\0';
    return slash + 1;
}

static bool is_next_hop(const struct lp_addr *hop, const struct lp_addr *destination)
{
    if (hop->family != destination->family)
        return false;
    if (hop->family == LP_ADDR_IPV6 && hop->ip[0] == 0xfe && (hop->ip[1] & 0xc0) == 0x80)
        return true;
    return lp_addr_is_remote_host(hop) || (hop->ip[0] == 169 && hop->ip[1] == 254);
}

static int parse_route_value(const char *value, struct lp_host_route *route)
{
    char hop[LP_ADDR_TEXT_LEN];
    const char *metric;

    if (strcmp(value, ROUTE_NONE) == 0)
        return 0;
    metric = cut(value, hop);
    if (metric == NULL || lp_value_number(metric, METRIC_MAX, &route->metric) != 0)
        return LP_ERR_MALFORMED;
    if (strcmp(hop, ROUTE_ON_LINK) == 0)
        return 0;
    if (parse_exact(hop, &route->next_hop) != 0 ||
        !is_next_hop(&route->next_hop, &route->destination))
        return LP_ERR_MALFORMED;
    return 0;
}

int lp_host_route_parse(const char *target, const char *value, struct lp_host_route *ret_route)
{
    struct lp_host_route route = {.metric = 0};
    char destination[LP_ADDR_TEXT_LEN];
    const char *guid = cut(target, destination);

    if (guid == NULL || !lp_value_is_guid(guid) ||
        parse_exact(destination, &route.destination) != 0 ||
        !lp_addr_is_remote_host(&route.destination) || parse_route_value(value, &route) != 0)
        return LP_ERR_MALFORMED;
    memcpy(route.guid, guid, LP_ADAPTER_GUID_LEN);
    *ret_route = route;
    return 0;
}

/* ---- MAC and DNS ---- */

void lp_mac_value(const struct lp_mac *mac, char ret_value[LP_SETTING_VALUE_LEN])
{
    lp_hex_encode(mac->octet, LP_MAC_LEN, ret_value);
}

int lp_mac_from_value(const char *value, struct lp_mac *ret_mac)
{
    struct lp_mac mac;

    if (strlen(value) != 2 * LP_MAC_LEN ||
        lp_hex_decode(value, 2 * LP_MAC_LEN, mac.octet) != 0 || !lp_mac_is_valid_source(&mac))
        return LP_ERR_MALFORMED;
    *ret_mac = mac;
    return 0;
}

bool lp_dns_is_server(const struct lp_addr *addr)
{
    /* fec0::/10 (RFC 3879): what Windows names where there is no IPv6 server */
    if (addr->family == LP_ADDR_IPV6 && addr->ip[0] == 0xfe && (addr->ip[1] & 0xc0) == 0xc0)
        return false;
    return lp_addr_is_remote_host(addr) || lp_addr_is_loopback(addr);
}

void lp_dns_value(const struct lp_addr servers[], unsigned count,
                  char ret_value[LP_SETTING_VALUE_LEN])
{
    char text[LP_ADDR_TEXT_LEN];
    size_t at = 0;

    assert(count <= LP_DNS_SERVERS_MAX);
    /* three literals of at most 39 octets and two commas */
    for (unsigned i = 0; i < count; i++)
        at += (size_t)snprintf(ret_value + at, LP_SETTING_VALUE_LEN - at, "%s%s",
                               i > 0 ? "," : "", lp_addr_format_ip(&servers[i], text));
}

int lp_dns_from_value(const char *value, unsigned family,
                      struct lp_addr ret_servers[LP_DNS_SERVERS_MAX])
{
    int count = 0;

    if (strcmp(value, LP_DNS_AUTOMATIC) == 0)
        return 0;
    for (const char *at = value;; count++) {
        size_t len = strcspn(at, ",");
        char text[LP_ADDR_TEXT_LEN];

        if (count == LP_DNS_SERVERS_MAX || len >= sizeof(text))
            return LP_ERR_MALFORMED;
        memcpy(text, at, len);
        text[len] = '\0';
        if (parse_exact(text, &ret_servers[count]) != 0 ||
            ret_servers[count].family != family || !lp_dns_is_server(&ret_servers[count]))
            return LP_ERR_MALFORMED;
        if (at[len] == '\0')
            return count + 1;
        at += len + 1;
    }
}

/* ---- the check ---- */

static bool is_in(const char *value, unsigned min, unsigned max)
{
    unsigned number;

    return lp_value_number(value, max, &number) == 0 && number >= min;
}

static bool is_mac(const char *value)
{
    struct lp_mac mac;

    for (const char *p = value; *p != '\0'; p++) {
        if (*p != lower(*p))
            return false;
    }
    return strcmp(value, "none") == 0 || lp_mac_from_value(value, &mac) == 0;
}

bool lp_value_valid(void *user, const struct lp_setting *setting, const char *value)
{
    struct lp_host_route route;
    struct lp_addr servers[LP_DNS_SERVERS_MAX];

    (void)user;
    if (setting->kind == LP_SETTING_HOST_ROUTE)
        return lp_host_route_parse(setting->target, value, &route) == 0 &&
               (strcmp(value, ROUTE_NONE) == 0 || route.metric == LP_ROUTE_METRIC);
    if (!lp_value_is_guid(setting->target))
        return false;
    switch (setting->kind) {
    case LP_SETTING_IPV4_MTU:
        return is_in(value, LP_MTU_IPV4_MIN, MTU_MAX);
    case LP_SETTING_IPV6_MTU:
        return is_in(value, LP_MTU_IPV6_MIN, MTU_MAX);
    case LP_SETTING_IPV4_METRIC:
    case LP_SETTING_IPV6_METRIC:
        return strcmp(value, "auto") == 0 || is_in(value, 0, METRIC_MAX);
    case LP_SETTING_IPV4_DEFAULT_ROUTES:
    case LP_SETTING_IPV6_DEFAULT_ROUTES:
        return strcmp(value, "enabled") == 0 || strcmp(value, "disabled") == 0;
    case LP_SETTING_MAC_ADDRESS:
        return is_mac(value);
    case LP_SETTING_NETWORK_CATEGORY:
        return strcmp(value, "public") == 0 || strcmp(value, "private") == 0;
    case LP_SETTING_DNS_SERVERS:
        return lp_dns_from_value(value, LP_ADDR_IPV4, servers) >= 0;
    case LP_SETTING_IPV6_DNS_SERVERS:
        return lp_dns_from_value(value, LP_ADDR_IPV6, servers) >= 0;
    default:
        return false; /* a kind of a later version */
    }
}
