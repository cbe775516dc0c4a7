/* What the two implementations of wincfg.h share. Internal to platform/windows. */
#ifndef LP_PLATFORM_WINDOWS_WINCFG_INTERNAL_H
#define LP_PLATFORM_WINDOWS_WINCFG_INTERNAL_H

#include "platform/windows/wincfg.h"

/* The functions of wincfg.h, each for its own struct, which starts with struct lp_wincfg. */
struct lp_wincfg_ops {
    int (*prepare)(struct lp_wincfg *cfg, const char *guid, const struct lp_mac *mac,
                   char *why);
    int (*pin)(struct lp_wincfg *cfg, const struct lp_addr *relay, char *why);
    int (*configure)(struct lp_wincfg *cfg, const struct lp_wincfg_settings *settings,
                     char *why);
    int (*check)(struct lp_wincfg *cfg, struct lp_wincfg_status *ret_status, char *why);
    void (*close)(struct lp_wincfg *cfg, char *why);
};

struct lp_wincfg {
    const struct lp_wincfg_ops *ops;
};

#endif
