/*
 * Windows behind platform/settings/scope.h: reads and writes one setting. Adapter settings are taken
 * for TAP-Windows6 adapters only, whatever the journal or a caller says; host routes only with our
 * mark (settings/values.h). For platform/windows and the self-test.
 */
#ifndef LP_PLATFORM_WINDOWS_BACKEND_H
#define LP_PLATFORM_WINDOWS_BACKEND_H

#include "platform/settings/scope.h"
#include "platform/settings/steps.h"
#include "platform/windows/iphelper.h"

struct lp_win_settings {
    struct lp_iphelper iph;
    struct lp_settings_backend backend; /* borrows this struct */
};

/* The struct stays where it is. */
void lp_win_settings_init(struct lp_win_settings *settings);

/* ---- parts, each with the errors of lp_settings_backend ---- */

/* MTU, metric, default routes (ipinterface.c). */
int lp_ip_interface_get(const struct lp_iphelper *iph, const struct lp_setting *setting,
                        char ret_value[LP_SETTING_VALUE_LEN]);
int lp_ip_interface_set(const struct lp_iphelper *iph, const struct lp_setting *setting,
                        const char *value);

/* IPv4 is bound to the adapter and IPv6 is not; asked once, without waiting. */
bool lp_ip_interface_lacks_ipv6(const struct lp_iphelper *iph, const char *guid);

/* Host routes (hostroute.c). */
int lp_host_route_get(const struct lp_iphelper *iph, const struct lp_setting *setting,
                      char ret_value[LP_SETTING_VALUE_LEN]);
int lp_host_route_set(const struct lp_iphelper *iph, const struct lp_setting *setting,
                      const char *value);
/* How an address is reached now; LP_ERR_NOTFOUND when it is not. */
int lp_way_look_up(const struct lp_iphelper *iph, const struct lp_addr *destination,
                   struct lp_way *ret_way);

/* Does the interface itself have a route to that address? */
bool lp_interface_leads_to(const struct lp_iphelper *iph, const char *guid,
                           const struct lp_addr *destination);

/* Networks by INetworkListManager (category.c). */
int lp_category_get(const char *network, char ret_value[LP_SETTING_VALUE_LEN]);
int lp_category_set(const char *network, const char *value);
int lp_network_of_adapter(const char *guid, char ret_network[LP_ADAPTER_GUID_LEN]);

/* DNS servers set by hand for an adapter (dnsservers.c). */
int lp_dns_servers_get(const struct lp_iphelper *iph, const struct lp_setting *setting,
                       char ret_value[LP_SETTING_VALUE_LEN]);
int lp_dns_servers_set(const struct lp_iphelper *iph, const struct lp_setting *setting,
                       const char *value);
/* Those that an interface has now (interface.c), as dns_servers of steps.h. */
int lp_interface_dns_servers(const char *guid, struct lp_addr ret_servers[], unsigned capacity);

#endif
