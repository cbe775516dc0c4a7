/*
 * Stands in for setupapi.dll in the tests' Wine, which cannot restart a device: a change of the fake
 * adapter's state is done by the fake driver. A device that a program has open is not restarted;
 * Windows then wants a reboot, and so does this. Everything else is Wine's own.
 */
#include <windows.h>
#include <setupapi.h>
#include <winioctl.h>

#include <string.h>

#include "events.h"
#include "faketap.h"

#define REAL(name)                                                                             \
    ((__typeof__(&name))(void *)GetProcAddress(LoadLibraryA("wine_setupapi.dll"), #name))

/* DIF_PROPERTYCHANGE's parameters, from the call that sets them to the one that uses them. */
static __thread DWORD asked_state;

BOOL WINAPI shim_SetupDiSetClassInstallParamsW(HDEVINFO set, SP_DEVINFO_DATA *device,
                                               SP_CLASSINSTALL_HEADER *params, DWORD size);
BOOL WINAPI shim_SetupDiSetClassInstallParamsA(HDEVINFO set, SP_DEVINFO_DATA *device,
                                               SP_CLASSINSTALL_HEADER *params, DWORD size);
BOOL WINAPI shim_SetupDiCallClassInstaller(DI_FUNCTION function, HDEVINFO set,
                                           SP_DEVINFO_DATA *device);
BOOL WINAPI shim_SetupDiChangeState(HDEVINFO set, SP_DEVINFO_DATA *device);

static BOOL set_params(const SP_CLASSINSTALL_HEADER *params, DWORD size)
{
    const SP_PROPCHANGE_PARAMS *change = (const void *)params;

    asked_state = 0;
    if (params == NULL)
        return TRUE;
    if (params->cbSize != sizeof(*params)) {
        SetLastError(ERROR_INVALID_USER_BUFFER);
        return FALSE;
    }
    if (params->InstallFunction == DIF_PROPERTYCHANGE && size >= sizeof(*change))
        asked_state = change->StateChange;
    return TRUE;
}

BOOL WINAPI shim_SetupDiSetClassInstallParamsW(HDEVINFO set, SP_DEVINFO_DATA *device,
                                               SP_CLASSINSTALL_HEADER *params, DWORD size)
{
    (void)set;
    (void)device;
    return set_params(params, size);
}

BOOL WINAPI shim_SetupDiSetClassInstallParamsA(HDEVINFO set, SP_DEVINFO_DATA *device,
                                               SP_CLASSINSTALL_HEADER *params, DWORD size)
{
    (void)set;
    (void)device;
    return set_params(params, size);
}

static DWORD restart_driver(void)
{
    HANDLE control = CreateFileA("\\\\.\\" FAKETAP_CONTROL, GENERIC_READ, FILE_SHARE_READ, NULL,
                                 OPEN_EXISTING, 0, NULL);
    DWORD len, error = NO_ERROR;

    if (control == INVALID_HANDLE_VALUE)
        return GetLastError();
    if (!DeviceIoControl(control, FAKETAP_RESTART, NULL, 0, NULL, 0, &len, NULL))
        error = GetLastError();
    CloseHandle(control);
    return error;
}

static void want_reboot(HDEVINFO set, SP_DEVINFO_DATA *device)
{
    SP_DEVINSTALL_PARAMS_W params = {.cbSize = sizeof(params)};

    if (!REAL(SetupDiGetDeviceInstallParamsW)(set, device, &params))
        return;
    params.Flags |= DI_NEEDREBOOT;
    (void)REAL(SetupDiSetDeviceInstallParamsW)(set, device, &params);
}

BOOL WINAPI shim_SetupDiChangeState(HDEVINFO set, SP_DEVINFO_DATA *device)
{
    static const char *const names[] = {[0] = "nothing",
                                        [DICS_ENABLE] = "enable",
                                        [DICS_DISABLE] = "disable",
                                        [DICS_PROPCHANGE] = "restart",
                                        [DICS_START] = "start",
                                        [DICS_STOP] = "stop"};
    char instance[64];
    DWORD error = NO_ERROR;

    if (!REAL(SetupDiGetDeviceInstanceIdA)(set, device, instance, sizeof(instance), NULL))
        return FALSE;
    if (asked_state >= sizeof(names) / sizeof(names[0]))
        asked_state = 0;
    if (_stricmp(instance, FAKETAP_INSTANCE) != 0) {
        (void)events_step("device %s of another: %s", names[asked_state], instance);
        return TRUE;
    }
    if (!events_step("device %s", names[asked_state]))
        error = ERROR_ACCESS_DENIED;
    else if (asked_state != DICS_DISABLE && asked_state != DICS_STOP)
        error = restart_driver();
    if (error == ERROR_BUSY) {
        want_reboot(set, device);
        error = NO_ERROR;
    }
    SetLastError(error);
    return error == NO_ERROR;
}

BOOL WINAPI shim_SetupDiCallClassInstaller(DI_FUNCTION function, HDEVINFO set,
                                           SP_DEVINFO_DATA *device)
{
    if (function != DIF_PROPERTYCHANGE)
        return REAL(SetupDiCallClassInstaller)(function, set, device);
    return shim_SetupDiChangeState(set, device);
}
