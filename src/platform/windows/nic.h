/*
 * One TAP-Windows6 adapter by its GUID (NetCfgInstanceId): found in the registry, its MAC setting,
 * what its driver says, its restart. An adapter of any other driver is never found here.
 */
#ifndef LP_PLATFORM_WINDOWS_NIC_H
#define LP_PLATFORM_WINDOWS_NIC_H

#include <stdbool.h>

#include "base/mac.h"
#include "platform/settings/scope.h"
#include "platform/windows/wincfg.h"

#define LP_NIC_SUBKEY_LEN 4

struct lp_nic {
    char guid[LP_ADAPTER_GUID_LEN];     /* as the registry spells it */
    char subkey[LP_NIC_SUBKEY_LEN + 1]; /* "0007": its key below the class's */
    bool own;                           /* named as our installer names it */
};

/* LP_ERR_NOTFOUND: there is none, or it has another driver. */
int lp_nic_find(const char *guid, struct lp_nic *ret_nic, char why[LP_WHY_LEN]);

/* NetworkAddress as a text of settings/values.h; what no driver would take counts as "none". */
int lp_nic_get_mac(const struct lp_nic *nic, char ret_value[LP_SETTING_VALUE_LEN]);
/* Until the adapter is restarted the driver keeps the address that it has. */
int lp_nic_set_mac(const struct lp_nic *nic, const char *value);

/* The driver's own address, waited for while the adapter starts. LP_ERR_BUSY: somebody has it open. */
int lp_nic_driver_mac(const struct lp_nic *nic, struct lp_mac *ret_mac, char why[LP_WHY_LEN]);

/* Disabled and enabled again (adapter_restart.c). */
int lp_nic_restart(const struct lp_nic *nic, char why[LP_WHY_LEN]);

#endif
