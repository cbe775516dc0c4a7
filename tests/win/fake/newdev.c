/*
 * Stands in for newdev.dll in the tests' Wine, which installs no driver for a device: what Windows, its
 * network class installer and the TAP driver's .inf would write into the registry is written here.
 */
#include <windows.h>
#include <newdev.h>
#include <objbase.h>
#include <setupapi.h>

#include <stdio.h>
#include <wchar.h>

#include "events.h"
#include "store.h"

#define NETWORK_KEY                                                                            \
    L"SYSTEM\\CurrentControlSet\\Control\\Network\\{4D36E972-E325-11CE-BFC1-08002BE10318}\\"

BOOL WINAPI shim_DiInstallDevice(HWND parent, HDEVINFO set, PSP_DEVINFO_DATA device,
                                 PSP_DRVINFO_DATA driver, DWORD flags, PBOOL reboot);

static DWORD set_text(HKEY key, const wchar_t *path, const wchar_t *name, const wchar_t *text)
{
    return (DWORD)RegSetKeyValueW(key, path, name, REG_SZ, text,
                                  (DWORD)((wcslen(text) + 1) * sizeof(*text)));
}

static DWORD make_adapter(HDEVINFO set, SP_DEVINFO_DATA *device)
{
    HKEY key = SetupDiCreateDevRegKeyW(set, device, DICS_FLAG_GLOBAL, 0, DIREG_DRV, NULL, NULL);
    wchar_t text[64], path[256];
    DWORD error;
    GUID guid;

    if (key == INVALID_HANDLE_VALUE)
        return GetLastError();
    CoCreateGuid(&guid);
    StringFromGUID2(&guid, text, sizeof(text) / sizeof(text[0]));
    error = set_text(key, NULL, L"ComponentId", L"root\\tap0901");
    if (error == NO_ERROR)
        error = set_text(key, NULL, L"NetCfgInstanceId", text);
    RegCloseKey(key);
    _snwprintf(path, sizeof(path) / sizeof(path[0]), NETWORK_KEY L"%ls\\Connection", text);
    if (error == NO_ERROR)
        error = set_text(HKEY_LOCAL_MACHINE, path, L"Name", L"Ethernet 2");
    return error;
}

BOOL WINAPI shim_DiInstallDevice(HWND parent, HDEVINFO set, PSP_DEVINFO_DATA device,
                                 PSP_DRVINFO_DATA driver, DWORD flags, PBOOL reboot)
{
    DWORD error;

    (void)parent;
    if (driver != NULL || flags != 0)
        error = ERROR_INVALID_PARAMETER;
    else if (!store_has_driver())
        error = ERROR_NO_COMPAT_DRIVERS;
    else if (!events_step("device install"))
        error = ERROR_ACCESS_DENIED;
    else
        error = make_adapter(set, device);
    if (reboot != NULL)
        *reboot = FALSE;
    SetLastError(error);
    return error == NO_ERROR;
}
