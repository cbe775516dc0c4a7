/*
 * An adapter disabled and enabled again, as the device manager does it: the driver reads its settings
 * when it starts. When a crash comes between the two the adapter stays disabled; its driver is then not
 * there, and the next preparation restarts it.
 */
#include <string.h>
#include <wchar.h>

#include "base/err.h"
#include "platform/windows/errno.h"
#include "platform/windows/nic_device.h"

#define DRIVER_LEN 64

static const GUID net_class = {
    0x4d36e972, 0xe325, 0x11ce, {0xbf, 0xc1, 0x08, 0x00, 0x2b, 0xe1, 0x03, 0x18}};

/* A device's SPDRP_DRIVER is "{class}\0007": the key where its adapter was found. */
static bool is_device(HDEVINFO devices, SP_DEVINFO_DATA *device, const struct lp_nic *nic)
{
    wchar_t driver[DRIVER_LEN + 1] = L"";
    wchar_t suffix[8];
    size_t len, suffix_len;

    _snwprintf(suffix, sizeof(suffix) / sizeof(suffix[0]), L"\\%hs", nic->subkey);
    suffix_len = wcslen(suffix);
    if (!SetupDiGetDeviceRegistryPropertyW(devices, device, SPDRP_DRIVER, NULL, (BYTE *)driver,
                                           DRIVER_LEN * sizeof(driver[0]), NULL))
        return false;
    len = wcslen(driver);
    return len > suffix_len && wcscmp(driver + len - suffix_len, suffix) == 0;
}

bool lp_nic_find_device(HDEVINFO devices, const struct lp_nic *nic, SP_DEVINFO_DATA *ret_device)
{
    SP_DEVINFO_DATA device = {.cbSize = sizeof(device)};

    for (DWORD i = 0; SetupDiEnumDeviceInfo(devices, i, &device); i++) {
        if (is_device(devices, &device, nic)) {
            *ret_device = device;
            return true;
        }
    }
    return false;
}

/* A Windows error number. */
static DWORD change_state(HDEVINFO devices, SP_DEVINFO_DATA *device, DWORD state)
{
    SP_DEVINSTALL_PARAMS_W result = {.cbSize = sizeof(result)};
    SP_PROPCHANGE_PARAMS change = {
        .ClassInstallHeader = {.cbSize = sizeof(change.ClassInstallHeader),
                               .InstallFunction = DIF_PROPERTYCHANGE},
        .StateChange = state,
        .Scope = DICS_FLAG_GLOBAL,
    };

    if (!SetupDiSetClassInstallParamsW(devices, device, &change.ClassInstallHeader,
                                       sizeof(change)) ||
        !SetupDiCallClassInstaller(DIF_PROPERTYCHANGE, devices, device))
        return GetLastError();
    if (SetupDiGetDeviceInstallParamsW(devices, device, &result) &&
        (result.Flags & (DI_NEEDREBOOT | DI_NEEDRESTART)) != 0)
        return ERROR_SUCCESS_REBOOT_REQUIRED;
    return NO_ERROR;
}

static DWORD restart_device(HDEVINFO devices, const struct lp_nic *nic)
{
    SP_DEVINFO_DATA device;
    DWORD disabled, enabled;

    if (!lp_nic_find_device(devices, nic, &device))
        return ERROR_FILE_NOT_FOUND;
    disabled = change_state(devices, &device, DICS_DISABLE);
    /* also when disabling is said to have failed: an adapter must not stay disabled */
    enabled = change_state(devices, &device, DICS_ENABLE);
    return disabled != NO_ERROR ? disabled : enabled;
}

int lp_nic_restart(const struct lp_nic *nic, char why[LP_WHY_LEN])
{
    char text[LP_WIN_TEXT_LEN];
    DWORD err;
    HDEVINFO devices = SetupDiGetClassDevsW(&net_class, NULL, NULL, DIGCF_PRESENT);

    if (devices == INVALID_HANDLE_VALUE) {
        err = GetLastError();
    } else {
        err = restart_device(devices, nic);
        SetupDiDestroyDeviceInfoList(devices);
    }
    switch (err) {
    case NO_ERROR:
        return 0;
    case ERROR_SUCCESS_REBOOT_REQUIRED:
        return lp_why(LP_ERR_BUSY, why,
                      "the adapter could not be restarted because it is in use: close the "
                      "program that uses it, or restart Windows");
    default:
        return lp_why(lp_err_from_win32(err), why,
                      "the adapter could not be restarted, disable and enable it in the "
                      "network settings: %s",
                      lp_win_text(err, text));
    }
}
