/*
 * Interfaces and TAP-Windows6 adapters by the two names that they have: instance id
 * ("{8-4-4-4-12}", for ever the same) and connection name (what people see and may change).
 * Internal to platform/windows.
 */
#ifndef LP_PLATFORM_WINDOWS_ADAPTERS_H
#define LP_PLATFORM_WINDOWS_ADAPTERS_H

#include <stdbool.h>

#include "platform/platform.h"

/* The TAP adapter of that instance id or connection name; `why` lists those that there are. */
int lp_adapter_find(const char *name, struct lp_tap_adapter *ret_adapter, char why[LP_WHY_LEN]);

struct lp_adapter_state {
    unsigned index;
    unsigned mtu;
};
/* What IP knows of an interface now. LP_ERR_NOTFOUND: nothing. */
int lp_adapter_state(const char *instance, struct lp_adapter_state *ret_state);

#endif
