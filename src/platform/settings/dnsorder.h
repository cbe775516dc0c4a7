/*
 * Keeps the player's own DNS servers first while the party's adapter has the best metric: a part of
 * steps.h, after the default routes.
 *
 * Windows asks the servers of all adapters, each by its own adapter, and takes the first answer; what an
 * adapter learned from the party (DHCP, DHCPv6, router advertisements) is not used once the adapter has
 * servers set by hand. So the party's adapter is given those of the interface that reaches the
 * relay, IPv4 and IPv6. Not those that the adapter itself leads to: they would be the party's
 * machines. Where none is left it is given this machine's loopback, which is nobody else's.
 *
 * Servers that the player has set on the party's adapter by hand are the player's: they stay.
 */
#ifndef LP_PLATFORM_SETTINGS_DNSORDER_H
#define LP_PLATFORM_SETTINGS_DNSORDER_H

#include "platform/settings/steps.h"

/* Sets what should be there now. Returns how many lists were changed (0 to 2). */
int lp_dnsorder_keep(struct lp_steps *steps, char why[LP_WHY_LEN]);
/* The adapter's servers are again what they were before. */
int lp_dnsorder_release(struct lp_steps *steps, char why[LP_WHY_LEN]);
/* Are both lists as they were set, or the player's? */
bool lp_dnsorder_is_kept(const struct lp_steps *steps);

#endif
