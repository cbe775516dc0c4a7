/*
 * Stands in for setupapi.dll in the tests' Wine, which cannot restart a device: a change of the fake
 * adapter's state is done by the fake driver. A device that a program has open is not restarted;
 * Windows then wants a reboot, and so does this. Nor has Wine a store of drivers: store.h. The devices
 * themselves are Wine's own, as is everything else.
 */
#include <windows.h>
#include <setupapi.h>
#include <winioctl.h>

#include <string.h>
#include <wchar.h>

#include "events.h"
#include "faketap.h"
#include "store.h"

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
BOOL WINAPI shim_SetupCopyOEMInfW(const wchar_t *source, const wchar_t *media, DWORD media_type,
                                  DWORD style, wchar_t *stored, DWORD stored_len, DWORD *needed,
                                  wchar_t **component);
BOOL WINAPI shim_SetupUninstallOEMInfW(const wchar_t *inf, DWORD flags, void *reserved);
BOOL WINAPI shim_SetupDiBuildDriverInfoList(HDEVINFO set, SP_DEVINFO_DATA *device, DWORD type);
BOOL WINAPI shim_SetupDiEnumDriverInfoW(HDEVINFO set, SP_DEVINFO_DATA *device, DWORD type,
                                        DWORD index, SP_DRVINFO_DATA_W *driver);
BOOL WINAPI shim_SetupDiDestroyDriverInfoList(HDEVINFO set, SP_DEVINFO_DATA *device,
                                              DWORD type);

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

/* ---- devices that are made and removed ---- */

static BOOL is_named(const wchar_t *guid)
{
    return guid[0] == L'{' && guid[37] == L'}';
}

/* What Windows's network class installer takes away with a device. */
static void remove_connection(HDEVINFO set, SP_DEVINFO_DATA *device)
{
    wchar_t guid[40] = L"", driver[64] = L"", path[256];
    DWORD size = sizeof(guid);

    if (!REAL(SetupDiGetDeviceRegistryPropertyW)(set, device, SPDRP_DRIVER, NULL,
                                                 (BYTE *)driver, sizeof(driver), NULL))
        return;
    _snwprintf(path, 256, L"SYSTEM\\CurrentControlSet\\Control\\Class\\%ls", driver);
    if (RegGetValueW(HKEY_LOCAL_MACHINE, path, L"NetCfgInstanceId", RRF_RT_REG_SZ, NULL, guid,
                     &size) == ERROR_SUCCESS &&
        is_named(guid)) {
        RegDeleteTreeW(HKEY_LOCAL_MACHINE, path);
        _snwprintf(path, 256,
                   L"SYSTEM\\CurrentControlSet\\Control\\Network\\"
                   L"{4D36E972-E325-11CE-BFC1-08002BE10318}\\%ls",
                   guid);
        RegDeleteTreeW(HKEY_LOCAL_MACHINE, path);
    }
}

static BOOL step_with_device(const char *what, HDEVINFO set, SP_DEVINFO_DATA *device)
{
    char instance[64] = "";

    (void)REAL(SetupDiGetDeviceInstanceIdA)(set, device, instance, sizeof(instance), NULL);
    if (events_step("device %s %s", what, instance))
        return TRUE;
    SetLastError(ERROR_ACCESS_DENIED);
    return FALSE;
}

BOOL WINAPI shim_SetupDiCallClassInstaller(DI_FUNCTION function, HDEVINFO set,
                                           SP_DEVINFO_DATA *device)
{
    if (function == DIF_PROPERTYCHANGE)
        return shim_SetupDiChangeState(set, device);
    if (function == DIF_REGISTERDEVICE && !step_with_device("register", set, device))
        return FALSE;
    if (function == DIF_REMOVE) {
        if (!step_with_device("remove", set, device))
            return FALSE;
        remove_connection(set, device);
    }
    return REAL(SetupDiCallClassInstaller)(function, set, device);
}

/* ---- the store of drivers ---- */

BOOL WINAPI shim_SetupCopyOEMInfW(const wchar_t *source, const wchar_t *media, DWORD media_type,
                                  DWORD style, wchar_t *stored, DWORD stored_len, DWORD *needed,
                                  wchar_t **component)
{
    DWORD error = NO_ERROR;
    HANDLE file;

    (void)media;
    (void)needed;
    if (GetFileAttributesW(source) == INVALID_FILE_ATTRIBUTES || media_type != SPOST_PATH)
        error = ERROR_FILE_NOT_FOUND;
    else if (style == SP_COPY_NOOVERWRITE && store_has_driver())
        error = ERROR_FILE_EXISTS;
    else if (!events_step("driver add %ls", wcsrchr(source, L'\\') + 1))
        error = ERROR_AUTHENTICODE_TRUST_NOT_ESTABLISHED;
    if (error == NO_ERROR) {
        file = CreateFileA(STORE_FILE, GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);
        CloseHandle(file);
        _snwprintf(stored, stored_len, L"C:\\windows\\inf\\" STORE_INF);
        *component = wcsrchr(stored, L'\\') + 1;
    }
    SetLastError(error);
    return error == NO_ERROR;
}

BOOL WINAPI shim_SetupUninstallOEMInfW(const wchar_t *inf, DWORD flags, void *reserved)
{
    DWORD error = NO_ERROR;

    (void)reserved;
    if (_wcsicmp(inf, STORE_INF) != 0 || flags != 0)
        error = ERROR_INVALID_PARAMETER;
    else if (store_is_in_use())
        error = ERROR_INF_IN_USE_BY_DEVICES;
    (void)events_step("driver remove %ls%s", inf, error == NO_ERROR ? "" : " -> refused");
    if (error == NO_ERROR)
        DeleteFileA(STORE_FILE);
    SetLastError(error);
    return error == NO_ERROR;
}

BOOL WINAPI shim_SetupDiBuildDriverInfoList(HDEVINFO set, SP_DEVINFO_DATA *device, DWORD type)
{
    (void)set;
    (void)device;
    return type == SPDIT_COMPATDRIVER;
}

BOOL WINAPI shim_SetupDiEnumDriverInfoW(HDEVINFO set, SP_DEVINFO_DATA *device, DWORD type,
                                        DWORD index, SP_DRVINFO_DATA_W *driver)
{
    char ids[64] = "";
    BOOL found = REAL(SetupDiGetDeviceRegistryPropertyA)(set, device, SPDRP_HARDWAREID, NULL,
                                                         (BYTE *)ids, sizeof(ids), NULL) &&
                 strcmp(ids, "root\\tap0901") == 0 && ids[strlen(ids) + 1] == '\0' &&
                 type == SPDIT_COMPATDRIVER && index == 0 && store_has_driver();

    driver->DriverType = type;
    SetLastError(found ? NO_ERROR : ERROR_NO_MORE_ITEMS);
    return found;
}

BOOL WINAPI shim_SetupDiDestroyDriverInfoList(HDEVINFO set, SP_DEVINFO_DATA *device, DWORD type)
{
    (void)set;
    (void)device;
    (void)type;
    return TRUE;
}
