#include "platform/windows/adapter_create.h"

#include <string.h>

#include "base/err.h"
#include "platform/windows/connection_name.h"
#include "platform/windows/driver_store.h"
#include "platform/windows/errno.h"
#include "platform/windows/nic_device.h"

#define ADAPTER_NAME L"SoftLAN"
#define CLASS_NAME   L"Net"
/* A list of one: each text ends with a NUL, and so does the list. */
#define HARDWARE_IDS L"root\\tap0901\0"
#define GUID_LEN     64

/* Windows installs the driver and makes the connection in the background. */
#define INSTALLED_TRIES   300
#define INSTALLED_WAIT_MS 100

static const GUID net_class = {
    0x4d36e972, 0xe325, 0x11ce, {0xbf, 0xc1, 0x08, 0x00, 0x2b, 0xe1, 0x03, 0x18}};

typedef BOOL WINAPI install_device_fn(HWND parent, HDEVINFO devices, SP_DEVINFO_DATA *device,
                                      SP_DRVINFO_DATA_W *driver, DWORD flags, BOOL *ret_reboot);

static int failed(DWORD number, const char *what, char *why)
{
    char text[LP_WIN_TEXT_LEN];

    return lp_why(lp_err_from_win32(number), why, "%s: %s", what, lp_win_text(number, text));
}

/* LP_ERR_NOTFOUND: there is none yet. */
static int find_own(struct lp_nic *ret_nic, char *why)
{
    struct lp_tap_adapter adapters[LP_TAP_ADAPTERS_MAX];
    int count = lp_tap_adapters(adapters, LP_TAP_ADAPTERS_MAX, why);

    for (int i = 0; i < count; i++) {
        if (adapters[i].own)
            return lp_nic_find(adapters[i].instance, ret_nic, why);
    }
    return count < 0 ? count : LP_ERR_NOTFOUND;
}

/* ---- making ---- */

/* A device that is in no list of Windows's yet. A Windows error number. */
static DWORD describe_device(HDEVINFO devices, SP_DEVINFO_DATA *device)
{
    if (!SetupDiCreateDeviceInfoW(devices, CLASS_NAME, &net_class, NULL, NULL, DICD_GENERATE_ID,
                                  device) ||
        !SetupDiSetDeviceRegistryPropertyW(devices, device, SPDRP_HARDWAREID,
                                           (const BYTE *)HARDWARE_IDS, sizeof(HARDWARE_IDS)))
        return GetLastError();
    return NO_ERROR;
}

static bool has_driver(HDEVINFO devices, SP_DEVINFO_DATA *device)
{
    SP_DRVINFO_DATA_W driver = {.cbSize = sizeof(driver)};
    bool found;

    if (!SetupDiBuildDriverInfoList(devices, device, SPDIT_COMPATDRIVER))
        return false;
    found = SetupDiEnumDriverInfoW(devices, device, SPDIT_COMPATDRIVER, 0, &driver);
    SetupDiDestroyDriverInfoList(devices, device, SPDIT_COMPATDRIVER);
    return found;
}

/*
 * This one device alone: what installs a driver by its hardware id would also change the adapters of other
 * programs that have the same. The library is loaded when it is needed: the service runs without.
 */
static DWORD install_driver(HDEVINFO devices, SP_DEVINFO_DATA *device)
{
    HMODULE library = LoadLibraryExW(L"newdev.dll", NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);
    install_device_fn *install;
    BOOL reboot = FALSE;
    DWORD number = NO_ERROR;

    if (library == NULL)
        return GetLastError();
    install = (install_device_fn *)(void *)GetProcAddress(library, "DiInstallDevice");
    if (install == NULL || !install(NULL, devices, device, NULL, 0, &reboot))
        number = GetLastError();
    FreeLibrary(library);
    return number;
}

static DWORD read_guid(HDEVINFO devices, SP_DEVINFO_DATA *device, wchar_t guid[GUID_LEN])
{
    DWORD size = GUID_LEN * sizeof(guid[0]);
    DWORD number;
    HKEY key =
        SetupDiOpenDevRegKey(devices, device, DICS_FLAG_GLOBAL, 0, DIREG_DRV, KEY_QUERY_VALUE);

    if (key == INVALID_HANDLE_VALUE)
        return ERROR_FILE_NOT_FOUND;
    number =
        (DWORD)RegGetValueW(key, NULL, L"NetCfgInstanceId", RRF_RT_REG_SZ, NULL, guid, &size);
    RegCloseKey(key);
    return number;
}

static DWORD wait_for_guid(HDEVINFO devices, SP_DEVINFO_DATA *device, wchar_t guid[GUID_LEN])
{
    DWORD number = read_guid(devices, device, guid);

    for (int i = 0; number == ERROR_FILE_NOT_FOUND && i < INSTALLED_TRIES; i++) {
        Sleep(INSTALLED_WAIT_MS);
        number = read_guid(devices, device, guid);
    }
    return number;
}

static DWORD remove_device(HDEVINFO devices, SP_DEVINFO_DATA *device)
{
    SP_REMOVEDEVICE_PARAMS params = {
        .ClassInstallHeader = {.cbSize = sizeof(params.ClassInstallHeader),
                               .InstallFunction = DIF_REMOVE},
        .Scope = DI_REMOVEDEVICE_GLOBAL,
    };

    if (!SetupDiSetClassInstallParamsW(devices, device, &params.ClassInstallHeader,
                                       sizeof(params)) ||
        !SetupDiCallClassInstaller(DIF_REMOVE, devices, device))
        return GetLastError();
    return NO_ERROR;
}

static int finish_device(HDEVINFO devices, SP_DEVINFO_DATA *device, char *why)
{
    wchar_t guid[GUID_LEN];
    DWORD number = install_driver(devices, device);

    if (number != NO_ERROR)
        return failed(number, "Windows did not install the driver for the new adapter", why);
    number = wait_for_guid(devices, device, guid);
    if (number != NO_ERROR)
        return failed(number, "the new adapter does not come up", why);
    return lp_connection_rename(guid, ADAPTER_NAME, why);
}

static int make_device(HDEVINFO devices, char *why)
{
    SP_DEVINFO_DATA device = {.cbSize = sizeof(device)};
    DWORD number = describe_device(devices, &device);
    int err;

    if (number != NO_ERROR)
        return failed(number, "the adapter could not be described", why);
    if (!has_driver(devices, &device))
        return lp_why(
            LP_ERR_NOTFOUND, why,
            "Windows has no TAP-Windows6 driver: install it (it comes with OpenVPN "
            "for Windows, openvpn.net/community), then run SoftLAN's installer again");
    if (!SetupDiCallClassInstaller(DIF_REGISTERDEVICE, devices, &device))
        return failed(GetLastError(), "the adapter could not be made: run as an administrator",
                      why);
    err = finish_device(devices, &device, why);
    if (err < 0)
        remove_device(devices, &device);
    return err;
}

int lp_adapter_create(const wchar_t *driver_dir, char why[LP_WHY_LEN])
{
    struct lp_nic nic;
    HDEVINFO devices;
    int err = find_own(&nic, why);

    if (err != LP_ERR_NOTFOUND)
        return err;
    err = driver_dir != NULL ? lp_driver_store_add(driver_dir, why) : 0;
    if (err < 0)
        return err;
    devices = SetupDiCreateDeviceInfoList(&net_class, NULL);
    if (devices == INVALID_HANDLE_VALUE) {
        err = failed(GetLastError(), "no list of devices", why);
    } else {
        err = make_device(devices, why);
        SetupDiDestroyDeviceInfoList(devices);
    }
    if (err == 0)
        return 1;
    if (driver_dir != NULL)
        lp_driver_store_remove();
    return err;
}

/* ---- removing ---- */

int lp_adapter_remove(char why[LP_WHY_LEN])
{
    SP_DEVINFO_DATA device;
    HDEVINFO devices;
    struct lp_nic nic;
    DWORD number;
    int err = find_own(&nic, why);

    if (err == LP_ERR_NOTFOUND) {
        lp_driver_store_remove();
        return 0;
    }
    if (err < 0)
        return err;
    /* also one that is not present now */
    devices = SetupDiGetClassDevsW(&net_class, NULL, NULL, 0);
    if (devices == INVALID_HANDLE_VALUE)
        return failed(GetLastError(), "no list of devices", why);
    number = lp_nic_find_device(devices, &nic, &device) ? remove_device(devices, &device)
                                                        : ERROR_FILE_NOT_FOUND;
    SetupDiDestroyDeviceInfoList(devices);
    if (number != NO_ERROR)
        return failed(number, "the adapter \"SoftLAN\" could not be removed", why);
    lp_driver_store_remove();
    return 1;
}
