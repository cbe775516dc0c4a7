/* The device of a TAP adapter in a set of SetupAPI. Internal to platform/windows. */
#ifndef LP_PLATFORM_WINDOWS_NIC_DEVICE_H
#define LP_PLATFORM_WINDOWS_NIC_DEVICE_H

#include "platform/windows/nic.h"
#include "platform/windows/win.h"

#include <setupapi.h>

/* False: the set, one of network adapters, has it not. */
bool lp_nic_find_device(HDEVINFO devices, const struct lp_nic *nic,
                        SP_DEVINFO_DATA *ret_device);

#endif
