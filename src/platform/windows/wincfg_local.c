/* wincfg.h in this process: the steps of platform/settings/steps.h with Windows behind them. */
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "platform/windows/backend.h"
#include "platform/windows/errno.h"
#include "platform/windows/journal_store.h"
#include "platform/windows/nic.h"
#include "platform/windows/wincfg_internal.h"

struct local {
    struct lp_wincfg cfg;
    struct lp_win_settings settings;
    struct lp_journal_dir *dir;
    struct lp_journal_store store;
    struct lp_steps_host host;
    struct lp_steps steps;
    unsigned left_before; /* entries that an earlier run had left in the journal */
};

static struct local *local_of(struct lp_wincfg *cfg)
{
    return (struct local *)cfg;
}

/* ---- the host ---- */

static int host_adapter(void *user, const char *guid, char why[LP_WHY_LEN])
{
    struct lp_nic nic;

    (void)user;
    return lp_nic_find(guid, &nic, why);
}

static int host_driver_mac(void *user, const char *guid, struct lp_mac *ret_mac,
                           char why[LP_WHY_LEN])
{
    struct lp_nic nic;
    int err = lp_nic_find(guid, &nic, why);

    (void)user;
    return err < 0 ? err : lp_nic_driver_mac(&nic, ret_mac, why);
}

static int host_restart(void *user, const char *guid, char why[LP_WHY_LEN])
{
    struct lp_nic nic;
    int err = lp_nic_find(guid, &nic, why);

    (void)user;
    return err < 0 ? err : lp_nic_restart(&nic, why);
}

static int host_way(void *user, const struct lp_addr *destination, struct lp_way *ret_way)
{
    const struct local *local = user;

    return lp_way_look_up(&local->settings.iph, destination, ret_way);
}

static int host_network(void *user, const char *guid, char ret_network[LP_ADAPTER_GUID_LEN])
{
    (void)user;
    return lp_network_of_adapter(guid, ret_network);
}

static int host_dns_servers(void *user, const char *guid, struct lp_addr ret_servers[],
                            unsigned capacity)
{
    (void)user;
    return lp_interface_dns_servers(guid, ret_servers, capacity);
}

static bool host_leads_to(void *user, const char *guid, const struct lp_addr *destination)
{
    const struct local *local = user;

    return lp_interface_leads_to(&local->settings.iph, guid, destination);
}

/* How many changes an earlier run has left in the journal. */
static unsigned count_journal(const struct lp_journal_store *store)
{
    char text[LP_JOURNAL_TEXT_MAX];
    struct lp_scope_entry entries[LP_SCOPE_ENTRIES_MAX];
    bool damaged;
    int len = store->load(store->user, text, sizeof(text));

    if (len <= 0)
        return 0;
    return (unsigned)lp_journal_parse(text, (size_t)len, entries, LP_SCOPE_ENTRIES_MAX,
                                      &damaged);
}

/* The remedy first: the list may be cut. */
#define LEFTOVERS                                                                              \
    "the next start or \"softlan-svc.exe --recover\" will try again, as this could not be "    \
    "put "                                                                                     \
    "back: "

/* Names what is still changed; "" when nothing is. */
static void name_leftovers(const struct lp_scope *scope, char *why)
{
    size_t at = 0;

    why[0] = '\0';
    for (unsigned i = 0; i < scope->count && at < LP_WHY_LEN; i++) {
        const struct lp_scope_entry *entry = &scope->entry[i];

        at += (size_t)snprintf(why + at, LP_WHY_LEN - at, "%s%s (was %s)",
                               at == 0 ? LEFTOVERS : ", ",
                               lp_setting_phrase(entry->setting.kind), entry->old_value);
    }
}

/* ---- the steps ---- */

static int prepare(struct lp_wincfg *cfg, const char *guid, const struct lp_mac *mac, char *why)
{
    return lp_steps_prepare(&local_of(cfg)->steps, guid, mac, why);
}

static int pin(struct lp_wincfg *cfg, const struct lp_addr *relay, char *why)
{
    return lp_steps_pin(&local_of(cfg)->steps, relay, why);
}

static int configure(struct lp_wincfg *cfg, const struct lp_wincfg_settings *settings,
                     char *why)
{
    return lp_steps_configure(&local_of(cfg)->steps, settings, why);
}

static int check(struct lp_wincfg *cfg, struct lp_wincfg_status *ret_status, char *why)
{
    return lp_steps_check(&local_of(cfg)->steps, ret_status, why);
}

static void close_local(struct lp_wincfg *cfg, char *why)
{
    struct local *local = local_of(cfg);

    lp_steps_close(&local->steps);
    name_leftovers(&local->steps.scope, why);
    lp_journal_dir_close(local->dir);
    free(local);
}

static const struct lp_wincfg_ops ops = {.prepare = prepare,
                                         .pin = pin,
                                         .configure = configure,
                                         .check = check,
                                         .close = close_local};

static int open_local(const char *journal_dir, struct local **ret_local, char *why)
{
    struct local *local = calloc(1, sizeof(*local));
    int err;

    if (local == NULL)
        return lp_why(LP_ERR_NOMEM, why,
                      "out of memory for the settings: close other programs");
    local->cfg.ops = &ops;
    lp_win_settings_init(&local->settings);
    err = lp_journal_dir_open(journal_dir, &local->dir, why);
    if (err < 0) {
        free(local);
        return err;
    }
    local->store = lp_journal_dir_store(local->dir);
    local->host = (struct lp_steps_host){.backend = &local->settings.backend,
                                         .store = &local->store,
                                         .adapter = host_adapter,
                                         .driver_mac = host_driver_mac,
                                         .restart = host_restart,
                                         .way = host_way,
                                         .network = host_network,
                                         .dns_servers = host_dns_servers,
                                         .leads_to = host_leads_to,
                                         .user = local};
    local->left_before = count_journal(&local->store);
    err = lp_steps_open(&local->steps, &local->host, NULL, NULL, why);
    if (err < 0) {
        lp_journal_dir_close(local->dir);
        free(local);
        return err;
    }
    *ret_local = local;
    return 0;
}

int lp_wincfg_open_local(const char *journal_dir, struct lp_wincfg **ret_cfg,
                         char why[LP_WHY_LEN])
{
    struct local *local = NULL;
    int err = open_local(journal_dir, &local, why);

    if (err == 0)
        *ret_cfg = &local->cfg;
    return err;
}

int lp_wincfg_recover(const char *journal_dir, char why[LP_WHY_LEN])
{
    struct local *local = NULL;
    int err = open_local(journal_dir, &local, why);
    unsigned undone;

    if (err < 0)
        return err;
    name_leftovers(&local->steps.scope, why);
    undone = local->left_before - local->steps.scope.count;
    lp_journal_dir_close(local->dir);
    free(local);
    return (int)undone;
}
