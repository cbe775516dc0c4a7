/*
 * The privileged part of a player's set-up on Windows, in the order of SPEC's start-up: who runs
 * elevated (lanparty-client-win.exe, softlan-svc.exe) does it in its own process; who does not
 * (softlan.exe) asks the service by a pipe. One interface, two implementations.
 *
 * Everything is scoped (platform/settings/scope.h): lp_wincfg_close undoes it, and so does the next
 * start after a crash. Only the adapter named in _prepare is ever touched, only a locally administered
 * unicast MAC is taken, and next hops are worked out here, never given by the caller.
 */
#ifndef LP_PLATFORM_WINDOWS_WINCFG_H
#define LP_PLATFORM_WINDOWS_WINCFG_H

#include <stdbool.h>
#include <stdint.h>

#include "platform/platform.h"

#define LP_ADAPTER_GUID_LEN 39 /* "{8-4-4-4-12}" and its NUL */

struct lp_wincfg;

struct lp_wincfg_settings {
    unsigned mtu;       /* IPv4 MTU; IPv6 too where it is at least 1280 */
    unsigned metric;    /* IPv4 interface metric: 1 = games' broadcasts leave by this adapter */
    bool use_party_dns; /* false: the player's own DNS servers stay first */
};

struct lp_wincfg_status {
    struct lp_route route; /* to the relay */
    bool route_pinned;     /* ours, or an identical one borrowed */
    bool route_borrowed;
    bool settings_hold;    /* MTU, metric, default routes are what we made them */
    unsigned reasserted;   /* how many were put back in this check */
    bool category_private; /* network category, once Windows knows the network */
    bool dns_kept; /* the player's own DNS servers are first, the party's are not used */
};

/* In this process; needs elevation. `journal_dir` NULL: %ProgramData%\SoftLAN. */
int lp_wincfg_open_local(const char *journal_dir, struct lp_wincfg **ret_cfg,
                         char why[LP_WHY_LEN]);
/* Through softlan-svc. LP_ERR_NOTFOUND when the service does not answer. */
int lp_wincfg_open_service(struct lp_wincfg **ret_cfg, char why[LP_WHY_LEN]);

/* Adapter and its MAC address: written, adapter restarted, the driver's address verified. */
int lp_wincfg_prepare(struct lp_wincfg *cfg, const char adapter_guid[LP_ADAPTER_GUID_LEN],
                      const struct lp_mac *mac, char why[LP_WHY_LEN]);
/* Host route to the relay on the interface that reaches it now; verified. Again for a new address. */
int lp_wincfg_pin(struct lp_wincfg *cfg, const struct lp_addr *relay, char why[LP_WHY_LEN]);
/* MTU, metric, default routes disabled, DNS servers; before the media is connected. */
int lp_wincfg_configure(struct lp_wincfg *cfg, const struct lp_wincfg_settings *settings,
                        char why[LP_WHY_LEN]);
/* While running: what Windows changed is put back, the category is made private. */
int lp_wincfg_check(struct lp_wincfg *cfg, struct lp_wincfg_status *ret_status,
                    char why[LP_WHY_LEN]);
/* Undoes everything. Consumes; NULL is fine. What could not be undone is named in `why` (may be ""). */
void lp_wincfg_close(struct lp_wincfg *cfg, char why[LP_WHY_LEN]);

/* What an earlier run left behind is undone now (service start, --restore). Returns how many. */
int lp_wincfg_recover(const char *journal_dir, char why[LP_WHY_LEN]);

#endif
