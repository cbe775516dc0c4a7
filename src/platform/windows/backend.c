#include "platform/windows/backend.h"

#include "base/err.h"
#include "platform/settings/values.h"
#include "platform/windows/nic.h"

/* Somebody else's adapter keeps what its owner gave it, so its driver must take that at once too. */
static int set_mac(const struct lp_nic *nic, const char *value)
{
    char why[LP_WHY_LEN];
    int err = lp_nic_set_mac(nic, value);

    if (err == 0 && !nic->own)
        return lp_nic_restart(nic, why);
    return err;
}

static bool is_dns(enum lp_setting_kind kind)
{
    return kind == LP_SETTING_DNS_SERVERS || kind == LP_SETTING_IPV6_DNS_SERVERS;
}

static int get(void *user, const struct lp_setting *setting,
               char ret_value[LP_SETTING_VALUE_LEN])
{
    const struct lp_win_settings *settings = user;
    char why[LP_WHY_LEN];
    struct lp_nic nic;
    int err;

    if (setting->kind == LP_SETTING_HOST_ROUTE)
        return lp_host_route_get(&settings->iph, setting, ret_value);
    if (setting->kind == LP_SETTING_NETWORK_CATEGORY)
        return lp_category_get(setting->target, ret_value);
    err = lp_nic_find(setting->target, &nic, why);
    if (err < 0)
        return err;
    if (setting->kind == LP_SETTING_MAC_ADDRESS)
        return lp_nic_get_mac(&nic, ret_value);
    if (is_dns(setting->kind))
        return lp_dns_servers_get(&settings->iph, setting, ret_value);
    return lp_ip_interface_get(&settings->iph, setting, ret_value);
}

static int set(void *user, const struct lp_setting *setting, const char *value)
{
    const struct lp_win_settings *settings = user;
    char why[LP_WHY_LEN];
    struct lp_nic nic;
    int err;

    if (!lp_value_valid(NULL, setting, value))
        return LP_ERR_INVALID;
    if (setting->kind == LP_SETTING_HOST_ROUTE)
        return lp_host_route_set(&settings->iph, setting, value);
    if (setting->kind == LP_SETTING_NETWORK_CATEGORY)
        return lp_category_set(setting->target, value);
    err = lp_nic_find(setting->target, &nic, why);
    if (err < 0)
        return err;
    if (setting->kind == LP_SETTING_MAC_ADDRESS)
        return set_mac(&nic, value);
    if (is_dns(setting->kind))
        return lp_dns_servers_set(&settings->iph, setting, value);
    return lp_ip_interface_set(&settings->iph, setting, value);
}

void lp_win_settings_init(struct lp_win_settings *settings)
{
    lp_iphelper_load(&settings->iph);
    settings->backend = (struct lp_settings_backend){
        .get = get, .set = set, .valid = lp_value_valid, .user = settings};
}
