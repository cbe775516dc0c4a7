#include "platform/settings/dnsorder.h"

#include <string.h>

#include "base/err.h"
#include "platform/settings/values.h"

/* More than an interface has, usually: of those that there are the first usable ones count. */
#define FOUND_MAX 16

static const struct list {
    enum lp_setting_kind kind;
    uint8_t family;
    const char *nobody; /* when there is no server to name */
} lists[] = {
    {LP_SETTING_DNS_SERVERS, LP_ADDR_IPV4, "127.0.0.1"},
    {LP_SETTING_IPV6_DNS_SERVERS, LP_ADDR_IPV6, "::1"},
};

#define LISTS (sizeof(lists) / sizeof(lists[0]))

static const struct lp_scope_entry *entry_of(const struct lp_steps *steps,
                                             const struct list *list)
{
    for (unsigned i = 0; i < steps->scope.count; i++) {
        const struct lp_scope_entry *entry = &steps->scope.entry[i];

        if (entry->setting.kind == list->kind &&
            lp_value_same_guid(entry->setting.target, steps->adapter))
            return entry;
    }
    return NULL;
}

/* Is it what we set? A leftover is what could not be put back. */
static bool is_ours(const struct lp_scope_entry *entry, const char *value)
{
    return entry != NULL && (!entry->leftover || strcmp(value, entry->new_value) == 0 ||
                             strcmp(value, entry->next_value) == 0);
}

static int get_value(const struct lp_steps *steps, const struct list *list,
                     char ret_value[LP_SETTING_VALUE_LEN])
{
    const struct lp_settings_backend *backend = steps->host->backend;
    struct lp_setting setting = {.kind = list->kind};

    memcpy(setting.target, steps->adapter, sizeof(steps->adapter));
    return backend->get(backend->user, &setting, ret_value);
}

/* An adapter without IPv6 gets no IPv6 servers from anybody. */
static bool is_absent(const struct list *list, int err)
{
    return err == LP_ERR_NOTFOUND && list->family == LP_ADDR_IPV6;
}

/* Asked by the adapter, it would be the party's machine of that address. */
static bool is_partys(const struct lp_steps *steps, const struct lp_addr *server)
{
    const struct lp_steps_host *host = steps->host;

#ifdef LP_FAULT_DNS_OF_PARTY
    /* planted: a server within the party's subnet is taken for the player's */
    return false;
#endif
    return !lp_addr_is_loopback(server) && host->leads_to(host->user, steps->adapter, server);
}

static void choose(const struct lp_steps *steps, const struct list *list,
                   const struct lp_addr found[], int count,
                   char ret_value[LP_SETTING_VALUE_LEN])
{
    struct lp_addr chosen[LP_DNS_SERVERS_MAX];
    unsigned chosen_count = 0;

    for (int i = 0; i < count && chosen_count < LP_DNS_SERVERS_MAX; i++) {
        if (found[i].family != list->family || !lp_dns_is_server(&found[i]) ||
            is_partys(steps, &found[i]))
            continue;
        chosen[chosen_count] = found[i];
        chosen[chosen_count++].port = 0;
    }
    if (chosen_count > 0)
        lp_dns_value(chosen, chosen_count, ret_value);
    else
        strcpy(ret_value, list->nobody);
}

/* 1 when the list was changed, 0 when it was right or is the player's. */
static int keep_list(struct lp_steps *steps, const struct list *list,
                     const struct lp_addr found[], int count, char *why)
{
    char current[LP_SETTING_VALUE_LEN];
    char value[LP_SETTING_VALUE_LEN];
    int err = get_value(steps, list, current);

    if (is_absent(list, err))
        return 0;
    if (err == 0 && strcmp(current, LP_DNS_AUTOMATIC) != 0 &&
        !is_ours(entry_of(steps, list), current))
        return 0;
    choose(steps, list, found, count, value);
    if (err == 0 && strcmp(current, value) == 0)
        return 0;
    err = lp_scope_set(&steps->scope, list->kind, steps->adapter, value, why);
    return err < 0 ? err : 1;
}

int lp_dnsorder_keep(struct lp_steps *steps, char why[LP_WHY_LEN])
{
    const struct lp_steps_host *host = steps->host;
    struct lp_addr found[FOUND_MAX];
    int count = host->dns_servers(host->user, steps->way.guid, found, FOUND_MAX);
    int changed = 0;

    /* the player's adapter is gone or cannot be asked: what was set before is kept */
    if (count < 0 && entry_of(steps, &lists[0]) != NULL)
        return 0;
    for (size_t i = 0; i < LISTS; i++) {
        int err = keep_list(steps, &lists[i], found, count, why);

        if (err < 0)
            return err;
        changed += err;
    }
    return changed;
}

int lp_dnsorder_release(struct lp_steps *steps, char why[LP_WHY_LEN])
{
    for (size_t i = LISTS; i-- > 0;) {
        const struct lp_scope_entry *entry = entry_of(steps, &lists[i]);
        int err;

        if (entry == NULL || entry->leftover)
            continue;
        err = lp_scope_set(&steps->scope, lists[i].kind, steps->adapter, entry->old_value, why);
        if (err < 0)
            return err;
    }
    return 0;
}

bool lp_dnsorder_is_kept(const struct lp_steps *steps)
{
    for (size_t i = 0; i < LISTS; i++) {
        const struct lp_scope_entry *entry = entry_of(steps, &lists[i]);
        char value[LP_SETTING_VALUE_LEN];
        int err = get_value(steps, &lists[i], value);

        if (is_absent(&lists[i], err))
            continue;
        if (err < 0 || strcmp(value, LP_DNS_AUTOMATIC) == 0 ||
            (entry != NULL && !entry->leftover && strcmp(value, entry->new_value) != 0))
            return false;
    }
    return steps->keeps_dns;
}
