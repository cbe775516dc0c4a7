/* Which TAP-Windows6 adapter is ours to use. */
#ifndef LP_APPS_PLAYER_WIN_ADAPTERS_H
#define LP_APPS_PLAYER_WIN_ADAPTERS_H

#include <stdbool.h>

#include "apps/common/exit.h"
#include "platform/platform.h"

#define LP_ADAPTERS_WHY_LEN 2048

/*
 * The one with this instance id, or (NULL) the one that our installer made, or the only one there
 * is. LP_ERR_NOTFOUND when there is none, LP_ERR_CONFIG when a choice is needed: `why` lists them.
 * For who may do the settings himself; the service takes only our own.
 */
int lp_adapters_choose(const char *instance, struct lp_tap_adapter *ret_adapter,
                       char why[LP_ADAPTERS_WHY_LEN]);

/* The one that our installer made, and no other. LP_ERR_NOTFOUND: it is not there. */
int lp_adapters_find_own(struct lp_tap_adapter *ret_adapter, char why[LP_ADAPTERS_WHY_LEN]);

/* On standard output, a line each. */
enum lp_exit lp_adapters_list(bool json);

#endif
