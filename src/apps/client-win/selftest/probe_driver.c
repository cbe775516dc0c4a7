/*
 * The driver as Windows has it installed: version and provider by the device's properties, the signature of its
 * package (SetupVerifyInfFile) and of its .sys file (WinVerifyTrust). Windows itself refuses to load
 * a file whose signature is bad: these say why.
 */
#include "apps/client-win/selftest/bench.h"

#include <setupapi.h>
#include <softpub.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wintrust.h>

#include "platform/windows/errno.h"

#define TEXT_LEN      256
#define PATH_LEN      512
#define VERSION_MAJOR 9u
#define VERSION_MINOR 21u

static const GUID net_class = {
    0x4d36e972, 0xe325, 0x11ce, {0xbf, 0xc1, 0x08, 0x00, 0x2b, 0xe1, 0x03, 0x18}};

struct driver {
    char version[TEXT_LEN];
    char provider[TEXT_LEN];
    wchar_t inf[PATH_LEN]; /* "" when it is not known */
    wchar_t sys[PATH_LEN]; /* the same */
};

static void read_value(HKEY key, const wchar_t *name, wchar_t text[TEXT_LEN])
{
    DWORD size = TEXT_LEN * sizeof(text[0]);

    if (RegGetValueW(key, NULL, name, RRF_RT_REG_SZ, NULL, text, &size) != ERROR_SUCCESS)
        text[0] = L'\0';
}

/* The device's software key, as SetupDiOpenDevRegKey gives it. */
static void read_software_key(HDEVINFO devices, SP_DEVINFO_DATA *device, struct driver *driver)
{
    HKEY key = SetupDiOpenDevRegKey(devices, device, DICS_FLAG_GLOBAL, 0, DIREG_DRV, KEY_READ);
    wchar_t text[TEXT_LEN], windows[MAX_PATH];

    if (key == INVALID_HANDLE_VALUE)
        return;
    read_value(key, L"DriverVersion", text);
    if (lp_utf8_from_wide(text, driver->version, TEXT_LEN) != 0)
        driver->version[0] = '\0';
    read_value(key, L"ProviderName", text);
    if (lp_utf8_from_wide(text, driver->provider, TEXT_LEN) != 0)
        driver->provider[0] = '\0';
    read_value(key, L"InfPath", text);
    if (text[0] != L'\0' && GetWindowsDirectoryW(windows, MAX_PATH) != 0)
        _snwprintf(driver->inf, PATH_LEN - 1, L"%ls\\INF\\%ls", windows, text);
    RegCloseKey(key);
}

/* The file that the driver's service loads: "System32\drivers\x.sys" and its longer spellings. */
static void find_sys(HDEVINFO devices, SP_DEVINFO_DATA *device, wchar_t sys[PATH_LEN])
{
    wchar_t service[TEXT_LEN] = L"", path[PATH_LEN] = L"", image[TEXT_LEN], windows[MAX_PATH];
    const wchar_t *file;
    HKEY key;

    sys[0] = L'\0';
    if (!SetupDiGetDeviceRegistryPropertyW(devices, device, SPDRP_SERVICE, NULL,
                                           (BYTE *)service, sizeof(service) - sizeof(wchar_t),
                                           NULL) ||
        GetWindowsDirectoryW(windows, MAX_PATH) == 0)
        return;
    _snwprintf(path, PATH_LEN - 1, L"SYSTEM\\CurrentControlSet\\Services\\%ls", service);
    if (RegOpenKeyExW(HKEY_LOCAL_MACHINE, path, 0, KEY_READ, &key) != ERROR_SUCCESS)
        return;
    read_value(key, L"ImagePath", image);
    RegCloseKey(key);
    file = wcsrchr(image, L'\\');
    if (file != NULL)
        _snwprintf(sys, PATH_LEN - 1, L"%ls\\System32\\drivers%ls", windows, file);
    sys[PATH_LEN - 1] = L'\0';
}

static bool is_adapter(HDEVINFO devices, SP_DEVINFO_DATA *device, const char *instance)
{
    HKEY key = SetupDiOpenDevRegKey(devices, device, DICS_FLAG_GLOBAL, 0, DIREG_DRV, KEY_READ);
    wchar_t text[TEXT_LEN];
    char guid[TEXT_LEN];

    if (key == INVALID_HANDLE_VALUE)
        return false;
    read_value(key, L"NetCfgInstanceId", text);
    RegCloseKey(key);
    return lp_utf8_from_wide(text, guid, TEXT_LEN) == 0 && _stricmp(guid, instance) == 0;
}

static bool find_driver(const char *instance, struct driver *ret_driver)
{
    HDEVINFO devices = SetupDiGetClassDevsW(&net_class, NULL, NULL, DIGCF_PRESENT);
    SP_DEVINFO_DATA device = {.cbSize = sizeof(device)};
    bool found = false;

    memset(ret_driver, 0, sizeof(*ret_driver));
    if (devices == INVALID_HANDLE_VALUE)
        return false;
    for (DWORD i = 0; !found && SetupDiEnumDeviceInfo(devices, i, &device); i++) {
        found = is_adapter(devices, &device, instance);
        if (!found)
            continue;
        read_software_key(devices, &device, ret_driver);
        find_sys(devices, &device, ret_driver->sys);
    }
    SetupDiDestroyDeviceInfoList(devices);
    return found;
}

/* ---- version and provider ---- */

static bool is_old(const char *version)
{
    unsigned major = 0, minor = 0;

    if (sscanf(version, "%u.%u", &major, &minor) != 2)
        return true;
    return major < VERSION_MAJOR || (major == VERSION_MAJOR && minor < VERSION_MINOR);
}

void lp_probe_driver(void *user, struct lp_selftest_result *ret_result)
{
    const struct lp_selftest_bench *bench = user;
    struct driver driver;

    if (!find_driver(bench->adapter.instance, &driver))
        lp_selftest_say(
            ret_result, LP_SELFTEST_FAILED,
            "Windows has no device for the adapter: install the TAP-Windows6 driver "
            "again");
    else if (driver.version[0] == '\0')
        lp_selftest_say(ret_result, LP_SELFTEST_WARNING,
                        "Windows does not tell the driver's version: install the TAP-Windows6 "
                        "driver again");
    else if (is_old(driver.version))
        lp_selftest_say(ret_result, LP_SELFTEST_WARNING,
                        "the driver is version %s: install TAP-Windows6 %u.%u or later",
                        driver.version, VERSION_MAJOR, VERSION_MINOR);
    else
        lp_selftest_say(ret_result, LP_SELFTEST_OK, "the driver is version %s by %s",
                        driver.version,
                        driver.provider[0] != '\0' ? driver.provider : "an unnamed provider");
}

/* ---- signature ---- */

/* WinVerifyTrust's verdict on the signature inside the file; nothing is asked of the network. */
static LONG verify_file(const wchar_t *path)
{
    GUID action = WINTRUST_ACTION_GENERIC_VERIFY_V2;
    WINTRUST_FILE_INFO file = {.cbStruct = sizeof(file), .pcwszFilePath = path};
    WINTRUST_DATA data = {.cbStruct = sizeof(data),
                          .dwUIChoice = WTD_UI_NONE,
                          .fdwRevocationChecks = WTD_REVOKE_NONE,
                          .dwUnionChoice = WTD_CHOICE_FILE,
                          .pFile = &file,
                          .dwStateAction = WTD_STATEACTION_VERIFY,
                          .dwProvFlags = WTD_CACHE_ONLY_URL_RETRIEVAL};
    LONG verdict = WinVerifyTrust(NULL, &action, &data);

    data.dwStateAction = WTD_STATEACTION_CLOSE;
    WinVerifyTrust(NULL, &action, &data);
    return verdict;
}

/* A Windows error number; the signer's name on success. */
static DWORD verify_package(const wchar_t *inf, char signer[TEXT_LEN])
{
    SP_INF_SIGNER_INFO_W info = {.cbSize = sizeof(info)};

    signer[0] = '\0';
    if (!SetupVerifyInfFileW(inf, NULL, &info) &&
        GetLastError() != (DWORD)ERROR_AUTHENTICODE_TRUSTED_PUBLISHER &&
        GetLastError() != (DWORD)ERROR_AUTHENTICODE_TRUST_NOT_ESTABLISHED)
        return GetLastError();
    if (lp_utf8_from_wide(info.DigitalSigner, signer, TEXT_LEN) != 0)
        signer[0] = '\0';
    return NO_ERROR;
}

static void say_signature(const struct driver *driver, struct lp_selftest_result *ret_result)
{
    char signer[TEXT_LEN], text[LP_WIN_TEXT_LEN];
    DWORD package = verify_package(driver->inf, signer);
    LONG file = driver->sys[0] != L'\0' ? verify_file(driver->sys) : TRUST_E_NOSIGNATURE;

    if (package != NO_ERROR)
        lp_selftest_say(ret_result, LP_SELFTEST_FAILED,
                        "the driver's package (%ls) has no signature that Windows trusts (%s): "
                        "install the TAP-Windows6 driver from its publisher again",
                        driver->inf, lp_win_text(package, text));
    else if (file != 0 && file != TRUST_E_NOSIGNATURE)
        lp_selftest_say(
            ret_result, LP_SELFTEST_FAILED,
            "the driver's file has a bad signature (%08lx): install the TAP-Windows6 "
            "driver from its publisher again",
            (unsigned long)file);
    else
        lp_selftest_say(ret_result, LP_SELFTEST_OK,
                        "the driver's package is signed by %s; the file %s",
                        signer[0] != '\0' ? signer : "a signer that Windows trusts",
                        file == 0 ? "too" : "is signed by the package's catalog alone");
}

void lp_probe_driver_signature(void *user, struct lp_selftest_result *ret_result)
{
    const struct lp_selftest_bench *bench = user;
    struct driver driver;

    if (!find_driver(bench->adapter.instance, &driver) || driver.inf[0] == L'\0')
        lp_selftest_say(ret_result, LP_SELFTEST_NOT_TESTED,
                        "Windows names no .inf file of the driver");
    else
        say_signature(&driver, ret_result);
}
