/*
 * The adapter "SoftLAN" itself: made, named and removed, for the installer. Administrators only. The
 * adapters of others are not touched, also not those with the same driver.
 */
#ifndef LP_PLATFORM_WINDOWS_ADAPTER_CREATE_H
#define LP_PLATFORM_WINDOWS_ADAPTER_CREATE_H

#include <wchar.h>

#include "platform/platform.h"

/*
 * Makes the adapter with the TAP-Windows6 driver in `driver_dir` (its .inf, .cat and .sys), NULL: with
 * the one that Windows has. 1: made; 0: there is one already, which stays as it is. LP_ERR_NOTFOUND:
 * no driver. What fails leaves no adapter behind.
 */
int lp_adapter_create(const wchar_t *driver_dir, char why[LP_WHY_LEN]);

/*
 * Removes it, and takes the driver out of Windows's store when lp_adapter_create has put it there and
 * no other adapter uses it. 1: removed; 0: there was none.
 */
int lp_adapter_remove(char why[LP_WHY_LEN]);

#endif
