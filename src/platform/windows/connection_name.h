/* The name of a network connection, as people see it in Windows's network settings. */
#ifndef LP_PLATFORM_WINDOWS_CONNECTION_NAME_H
#define LP_PLATFORM_WINDOWS_CONNECTION_NAME_H

#include <wchar.h>

#include "platform/platform.h"

/*
 * Gives the connection of an adapter ("{...}", as the registry spells it) its name. Waits for a
 * connection that is being made. Administrators only.
 */
int lp_connection_rename(const wchar_t *guid, const wchar_t *name, char why[LP_WHY_LEN]);

#endif
