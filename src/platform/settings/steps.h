/*
 * What is done to a player's Windows, and in which order: the logic behind wincfg.h. Portable:
 * the host gives what only the system knows, so that every step, failure and crash is tested
 * with a fake.
 *
 * Order (each asks for the one before): open (undoes what an earlier run left), prepare, pin,
 * configure, then check now and again; close undoes everything in reverse. A step that fails
 * leaves nothing of its own behind; the steps before it stay until close.
 *
 * The relay stays on the way that it had when it was pinned. The pin moves only when that way
 * is gone, and never to the party's adapter. A host route that is there already is borrowed.
 */
#ifndef LP_PLATFORM_SETTINGS_STEPS_H
#define LP_PLATFORM_SETTINGS_STEPS_H

#include <stdbool.h>

#include "platform/platform.h"
#include "platform/settings/scope.h"
#include "platform/windows/wincfg.h"

#define LP_STEPS_METRIC_MAX 9999u
#define LP_STEPS_MTU_MAX    1500u

/* How an address is reached now. */
struct lp_way {
    struct lp_route route;
    char guid[LP_ADAPTER_GUID_LEN]; /* of the interface */
    bool local;                     /* this machine itself: nothing to pin */
};

/* All return 0 or an error; `why` is written on failure. */
struct lp_steps_host {
    const struct lp_settings_backend *backend;
    const struct lp_journal_store *store;
    /* Is there an adapter of this GUID that is of our kind? */
    int (*adapter)(void *user, const char *guid, char why[LP_WHY_LEN]);
    /* The address that the driver has now, as soon as it answers. */
    int (*driver_mac)(void *user, const char *guid, struct lp_mac *ret_mac,
                      char why[LP_WHY_LEN]);
    int (*restart)(void *user, const char *guid, char why[LP_WHY_LEN]);
    /* LP_ERR_NOTFOUND: it is not reached. */
    int (*way)(void *user, const struct lp_addr *destination, struct lp_way *ret_way);
    /* The network that the adapter is in; LP_ERR_NOTFOUND until the system knows it. */
    int (*network)(void *user, const char *guid, char ret_network[LP_ADAPTER_GUID_LEN]);
    /*
     * The DNS servers that the interface has now, from wherever, first choice first: how many of
     * either family, at most capacity. LP_ERR_NOTFOUND: there is no such interface.
     */
    int (*dns_servers)(void *user, const char *guid, struct lp_addr ret_servers[],
                       unsigned capacity);
    /* Does the interface itself have a route to that address? */
    bool (*leads_to)(void *user, const char *guid, const struct lp_addr *destination);
    void *user;
};

struct lp_steps {
    const struct lp_steps_host *host;
    lp_scope_report_fn *report;
    void *report_user;
    struct lp_scope scope;
    char adapter[LP_ADAPTER_GUID_LEN]; /* "" until prepared */
    struct lp_addr relay;              /* family NONE until pinned */
    struct lp_way way;                 /* the one that is pinned */
    bool ours;                         /* the host route is ours, not borrowed */
    bool keeps_dns;                    /* the party's DNS servers are not used */
};

/* `report` (may be NULL) gets a sentence for what is restored, put back or fails. */
int lp_steps_open(struct lp_steps *steps, const struct lp_steps_host *host,
                  lp_scope_report_fn *report, void *user, char why[LP_WHY_LEN]);
int lp_steps_prepare(struct lp_steps *steps, const char *guid, const struct lp_mac *mac,
                     char why[LP_WHY_LEN]);
int lp_steps_pin(struct lp_steps *steps, const struct lp_addr *relay, char why[LP_WHY_LEN]);
int lp_steps_configure(struct lp_steps *steps, const struct lp_wincfg_settings *settings,
                       char why[LP_WHY_LEN]);
int lp_steps_check(struct lp_steps *steps, struct lp_wincfg_status *ret_status,
                   char why[LP_WHY_LEN]);
/* Returns how many settings could not be put back; the report names them. */
int lp_steps_close(struct lp_steps *steps);

#endif
