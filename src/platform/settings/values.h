/*
 * The texts of settings (scope.h): one spelling for each value, so that comparing texts
 * compares settings, and the strict check of what a journal may say. Pure.
 *
 *   MTU          decimal                         default routes  "enabled" or "disabled"
 *   metric       decimal or "auto"               MAC             12 lower-case digits or "none"
 *   host route   "<next hop>/<metric>", "on-link/<metric>" or "none"
 *   category     "public" or "private"           DNS             "automatic" or literals of one
 *                                                                family, by commas
 *
 * The target is an adapter's GUID; a network category's is the network's GUID, as a network is
 * found by it also when it is not connected; a host route's is "<destination>/<GUID of the
 * interface>".
 */
#ifndef LP_PLATFORM_SETTINGS_VALUES_H
#define LP_PLATFORM_SETTINGS_VALUES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"
#include "base/mac.h"
#include "platform/settings/scope.h"
#include "platform/windows/wincfg.h"

#define LP_DNS_SERVERS_MAX 3
#define LP_DNS_AUTOMATIC   "automatic"
/*
 * What an adapter gives as its servers when they were set by hand and are more, or others, than a value can
 * name: never valid, so never changed.
 */
#define LP_DNS_OTHER    "other"
#define LP_MTU_IPV4_MIN 576u
/*
 * The metric of our host routes marks them as ours: a route without it is never deleted,
 * whatever the journal says. It decides nothing, as the longest prefix wins.
 */
#define LP_ROUTE_METRIC 93u
#define LP_MTU_IPV6_MIN 1280u

struct lp_host_route {
    struct lp_addr destination;
    char guid[LP_ADAPTER_GUID_LEN];
    struct lp_addr next_hop; /* family NONE = on-link */
    unsigned metric;
};

/* Exactly "{8-4-4-4-12}" in hexadecimal digits. */
bool lp_value_is_guid(const char *text);
/* The same GUID, digits of either case. */
bool lp_value_same_guid(const char *a, const char *b);
/* Decimal without sign, spaces and leading zeros, at most `max`. */
int lp_value_number(const char *text, unsigned max, unsigned *ret_number);

/* Somebody's address out there: no loopback, link-local, group, unspecified or mapped address.
 */
bool lp_addr_is_remote_host(const struct lp_addr *addr);
bool lp_addr_is_loopback(const struct lp_addr *addr);
/* Where a relay may be: out there, or on this machine, where it needs no route. */
bool lp_addr_is_relay(const struct lp_addr *addr);

void lp_route_target(const struct lp_addr *destination, const char *guid,
                     char ret_target[LP_SETTING_TARGET_LEN]);
/* `metric` is LP_ROUTE_METRIC in all that is set; what is found may have any. */
void lp_route_value(const struct lp_addr *next_hop, unsigned metric,
                    char ret_value[LP_SETTING_VALUE_LEN]);
/* Both; for the value "none" next hop and metric are left empty. LP_ERR_MALFORMED. */
int lp_host_route_parse(const char *target, const char *value, struct lp_host_route *ret_route);

void lp_mac_value(const struct lp_mac *mac, char ret_value[LP_SETTING_VALUE_LEN]);
/* 12 digits of either case, unicast and not zero: what a driver would take. */
int lp_mac_from_value(const char *value, struct lp_mac *ret_mac);

/* Could it be set on an adapter? Not where an address means something on one interface only. */
bool lp_dns_is_server(const struct lp_addr *addr);
/* At least one, at most LP_DNS_SERVERS_MAX, all of one family, without port and zone. */
void lp_dns_value(const struct lp_addr servers[], unsigned count,
                  char ret_value[LP_SETTING_VALUE_LEN]);
/* Of that family (LP_ADDR_IPV4, _IPV6); "automatic" gives 0. Returns how many, LP_ERR_MALFORMED. */
int lp_dns_from_value(const char *value, unsigned family,
                      struct lp_addr ret_servers[LP_DNS_SERVERS_MAX]);

/* lp_settings_backend.valid; `user` is not used. */
bool lp_value_valid(void *user, const struct lp_setting *setting, const char *value);

#endif
