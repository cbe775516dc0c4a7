/*
 * The TAP-Windows6 driver in Windows's driver store. What adapter_create.c has put there is noted in the
 * registry, so that only that is taken out again.
 */
#ifndef LP_PLATFORM_WINDOWS_DRIVER_STORE_H
#define LP_PLATFORM_WINDOWS_DRIVER_STORE_H

#include <wchar.h>

#include "platform/platform.h"

/* The driver whose .inf is the only one in `dir`; fine when the store has it already. */
int lp_driver_store_add(const wchar_t *dir, char why[LP_WHY_LEN]);
/* Takes out what was added, unless an adapter uses it. */
void lp_driver_store_remove(void);

#endif
