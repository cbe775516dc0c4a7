#include "apps/player-win/adapters.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "apps/tunnel/tunnel.h"
#include "base/err.h"

#define INSTALL_HINT                                                                           \
    "no TAP-Windows6 adapter: run SoftLAN's installer; when it came without the driver, "      \
    "install "                                                                                 \
    "TAP-Windows6 first (it comes with OpenVPN for Windows, openvpn.net/community)"

static int find_all(struct lp_tap_adapter adapters[LP_TAP_ADAPTERS_MAX],
                    char why[LP_ADAPTERS_WHY_LEN])
{
    int count = lp_tap_adapters(adapters, LP_TAP_ADAPTERS_MAX, why);

    if (count == 0) {
        snprintf(why, LP_ADAPTERS_WHY_LEN, INSTALL_HINT);
        return LP_ERR_NOTFOUND;
    }
    return count;
}

/* The sentence, and what there is. */
static void list_into_why(const char *sentence, const struct lp_tap_adapter adapters[],
                          int count, char why[LP_ADAPTERS_WHY_LEN])
{
    size_t len = (size_t)snprintf(why, LP_ADAPTERS_WHY_LEN, "%s:", sentence);

    for (int i = 0; i < count && len < LP_ADAPTERS_WHY_LEN; i++)
        len += (size_t)snprintf(why + len, LP_ADAPTERS_WHY_LEN - len, "%s %s (%s)",
                                i > 0 ? "," : "", adapters[i].instance, adapters[i].name);
}

/* The only one for which it holds; NULL when there are none or several. */
static const struct lp_tap_adapter *only(const struct lp_tap_adapter adapters[], int count,
                                         bool own)
{
    const struct lp_tap_adapter *found = NULL;

    for (int i = 0; i < count; i++) {
        if (own && !adapters[i].own)
            continue;
        if (found != NULL)
            return NULL;
        found = &adapters[i];
    }
    return found;
}

int lp_adapters_choose(const char *instance, struct lp_tap_adapter *ret_adapter,
                       char why[LP_ADAPTERS_WHY_LEN])
{
    struct lp_tap_adapter adapters[LP_TAP_ADAPTERS_MAX];
    const struct lp_tap_adapter *chosen;
    int count = find_all(adapters, why);

    if (count < 0)
        return count;
    if (instance != NULL) {
        for (int i = 0; i < count; i++) {
            if (_stricmp(adapters[i].instance, instance) == 0) {
                *ret_adapter = adapters[i];
                return 0;
            }
        }
        list_into_why("--tap-instance-id names none of the TAP adapters", adapters, count, why);
        return LP_ERR_CONFIG;
    }
    chosen = only(adapters, count, true);
    if (chosen == NULL)
        chosen = only(adapters, count, false);
    if (chosen == NULL) {
        list_into_why("several TAP adapters: choose one with --tap-instance-id", adapters,
                      count, why);
        return LP_ERR_CONFIG;
    }
    *ret_adapter = *chosen;
    return 0;
}

int lp_adapters_find_own(struct lp_tap_adapter *ret_adapter, char why[LP_ADAPTERS_WHY_LEN])
{
    struct lp_tap_adapter adapters[LP_TAP_ADAPTERS_MAX];
    int count = find_all(adapters, why);

    for (int i = 0; i < count; i++) {
        if (!adapters[i].own)
            continue;
        *ret_adapter = adapters[i];
        return 0;
    }
    if (count < 0)
        return count;
    list_into_why("no TAP adapter is SoftLAN's own: run SoftLAN's installer again, which makes "
                  "it; there are others",
                  adapters, count, why);
    return LP_ERR_NOTFOUND;
}

static void print_json(const struct lp_tap_adapter *adapter)
{
    json_t *object = json_pack("{sssssssb}", "type", "adapter", "instance", adapter->instance,
                               "name", adapter->name, "own", adapter->own);

    json_dumpf(object, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
    putchar('\n');
    json_decref(object);
}

enum lp_exit lp_adapters_list(bool json)
{
    struct lp_tap_adapter adapters[LP_TAP_ADAPTERS_MAX];
    char why[LP_ADAPTERS_WHY_LEN];
    int count = find_all(adapters, why);

    if (count == LP_ERR_NOTFOUND && json)
        return LP_EXIT_OK;
    if (count < 0)
        return lp_tunnel_say(LP_EXIT_RESOURCE, why);
    for (int i = 0; i < count; i++) {
        if (json)
            print_json(&adapters[i]);
        else
            printf("%s  %s%s\n", adapters[i].instance, adapters[i].name,
                   adapters[i].own ? "  (made by SoftLAN)" : "");
    }
    return LP_EXIT_OK;
}
