/* Parts of the diagnostics that a player's program has on each system. New references. */
#ifndef LP_APPS_TUNNEL_CLIENTREPORT_H
#define LP_APPS_TUNNEL_CLIENTREPORT_H

#include <stdbool.h>

#include <jansson.h>

#include "platform/platform.h"

/* The way to the relay; `route` NULL: there is none. */
json_t *lp_client_route_report(const struct lp_route *route, bool pinned);

/* `address` NULL: none from the party's DHCP server. */
json_t *lp_client_dhcp_report(bool asked, const struct lp_addr *address, unsigned prefix_len);

#endif
