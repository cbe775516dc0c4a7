#include "platform/windows/wincfg.h"

#include "platform/windows/wincfg_internal.h"

int lp_wincfg_prepare(struct lp_wincfg *cfg, const char adapter_guid[LP_ADAPTER_GUID_LEN],
                      const struct lp_mac *mac, char why[LP_WHY_LEN])
{
    return cfg->ops->prepare(cfg, adapter_guid, mac, why);
}

int lp_wincfg_pin(struct lp_wincfg *cfg, const struct lp_addr *relay, char why[LP_WHY_LEN])
{
    return cfg->ops->pin(cfg, relay, why);
}

int lp_wincfg_configure(struct lp_wincfg *cfg, const struct lp_wincfg_settings *settings,
                        char why[LP_WHY_LEN])
{
    return cfg->ops->configure(cfg, settings, why);
}

int lp_wincfg_check(struct lp_wincfg *cfg, struct lp_wincfg_status *ret_status,
                    char why[LP_WHY_LEN])
{
    return cfg->ops->check(cfg, ret_status, why);
}

void lp_wincfg_close(struct lp_wincfg *cfg, char why[LP_WHY_LEN])
{
    why[0] = '\0';
    if (cfg != NULL)
        cfg->ops->close(cfg, why);
}
