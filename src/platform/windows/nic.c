#include "platform/windows/nic.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "platform/settings/values.h"
#include "platform/windows/errno.h"
#include "platform/windows/win.h"

#define NET_CLASS L"{4D36E972-E325-11CE-BFC1-08002BE10318}"
#define CLASS_KEY L"SYSTEM\\CurrentControlSet\\Control\\Class\\" NET_CLASS
#define TEXT_LEN  256

/* TAP-Windows6: CTL_CODE(FILE_DEVICE_UNKNOWN, 1, METHOD_BUFFERED, FILE_ANY_ACCESS) */
#define TAP_IOCTL_GET_MAC 0x220004ul

/* A restarted adapter's device is there within a second or two; a slow machine gets five. */
#define START_TRIES   50
#define START_WAIT_MS 100

/* ---- registry ---- */

static int read_text(HKEY root, const wchar_t *path, const wchar_t *name, char text[TEXT_LEN])
{
    wchar_t wide[TEXT_LEN];
    DWORD size = sizeof(wide);
    LSTATUS err = RegGetValueW(root, path, name, RRF_RT_REG_SZ, NULL, wide, &size);

    if (err != ERROR_SUCCESS)
        return lp_err_from_win32((unsigned long)err);
    return lp_utf8_from_wide(wide, text, TEXT_LEN);
}

/* The class's subkey ("0007") of the adapter. */
static int find_subkey(const char *guid, char ret_subkey[LP_NIC_SUBKEY_LEN + 1])
{
    wchar_t subkey[TEXT_LEN];
    char instance[TEXT_LEN];
    int result = LP_ERR_NOTFOUND;
    HKEY class_key;

    if (RegOpenKeyExW(HKEY_LOCAL_MACHINE, CLASS_KEY, 0, KEY_READ, &class_key) != ERROR_SUCCESS)
        return LP_ERR_NOTFOUND;
    for (DWORD i = 0; result != 0; i++) {
        DWORD len = TEXT_LEN;
        LSTATUS err = RegEnumKeyExW(class_key, i, subkey, &len, NULL, NULL, NULL, NULL);

        if (err == ERROR_NO_MORE_ITEMS)
            break;
        if (err == ERROR_SUCCESS && len == LP_NIC_SUBKEY_LEN &&
            read_text(class_key, subkey, L"NetCfgInstanceId", instance) == 0 &&
            lp_value_same_guid(instance, guid))
            result = lp_utf8_from_wide(subkey, ret_subkey, LP_NIC_SUBKEY_LEN + 1);
    }
    RegCloseKey(class_key);
    return result;
}

int lp_nic_find(const char *guid, struct lp_nic *ret_nic, char why[LP_WHY_LEN])
{
    struct lp_tap_adapter adapters[LP_TAP_ADAPTERS_MAX];
    struct lp_nic nic;
    int count = lp_tap_adapters(adapters, LP_TAP_ADAPTERS_MAX, why);

    if (count < 0)
        return count;
    for (int i = 0; i < count; i++) {
        if (!lp_value_same_guid(adapters[i].instance, guid) ||
            find_subkey(guid, nic.subkey) != 0)
            continue;
        memcpy(nic.guid, adapters[i].instance, sizeof(nic.guid));
        nic.own = adapters[i].own;
        *ret_nic = nic;
        return 0;
    }
    return lp_why(LP_ERR_NOTFOUND, why,
                  "there is no TAP-Windows6 adapter %.38s: install SoftLAN again", guid);
}

static LSTATUS open_class_key(const struct lp_nic *nic, REGSAM access, HKEY *ret_key)
{
    wchar_t path[TEXT_LEN];

    _snwprintf(path, TEXT_LEN, CLASS_KEY L"\\%hs", nic->subkey);
    path[TEXT_LEN - 1] = L'\0';
    return RegOpenKeyExW(HKEY_LOCAL_MACHINE, path, 0, access, ret_key);
}

/* The driver's own parser takes dashes between the digits too. */
static void take_out_dashes(char *text)
{
    char *to = text;

    for (const char *from = text; *from != '\0'; from++) {
        if (*from != '-')
            *to++ = *from;
    }
    *to = '\0';
}

int lp_nic_get_mac(const struct lp_nic *nic, char ret_value[LP_SETTING_VALUE_LEN])
{
    char text[TEXT_LEN];
    struct lp_mac mac;
    HKEY key;
    LSTATUS opened = open_class_key(nic, KEY_QUERY_VALUE, &key);
    int err;

    if (opened != ERROR_SUCCESS)
        return lp_err_from_win32((unsigned long)opened);
    err = read_text(key, NULL, L"NetworkAddress", text);
    RegCloseKey(key);
    if (err == 0)
        take_out_dashes(text);
    if (err == 0 && lp_mac_from_value(text, &mac) == 0)
        lp_mac_value(&mac, ret_value);
    else
        snprintf(ret_value, LP_SETTING_VALUE_LEN, "none");
    return 0;
}

static LSTATUS write_mac(HKEY key, const char *value)
{
    wchar_t wide[2 * LP_MAC_LEN + 1];
    LSTATUS err;

    if (strcmp(value, "none") == 0) {
        err = RegDeleteValueW(key, L"NetworkAddress");
        return err == ERROR_FILE_NOT_FOUND ? ERROR_SUCCESS : err;
    }
    if (lp_wide_from_utf8(value, wide, sizeof(wide) / sizeof(wide[0])) != 0)
        return ERROR_INVALID_PARAMETER;
    return RegSetValueExW(key, L"NetworkAddress", 0, REG_SZ, (const BYTE *)wide, sizeof(wide));
}

int lp_nic_set_mac(const struct lp_nic *nic, const char *value)
{
    HKEY key;
    LSTATUS err = open_class_key(nic, KEY_SET_VALUE, &key);

    if (err != ERROR_SUCCESS)
        return lp_err_from_win32((unsigned long)err);
    err = write_mac(key, value);
    RegCloseKey(key);
    return lp_err_from_win32((unsigned long)err);
}

/* ---- the driver ---- */

static HANDLE open_driver(const struct lp_nic *nic)
{
    wchar_t path[TEXT_LEN];

    _snwprintf(path, TEXT_LEN, L"\\\\.\\Global\\%hs.tap", nic->guid);
    path[TEXT_LEN - 1] = L'\0';
    return CreateFileW(path, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING,
                       FILE_ATTRIBUTE_SYSTEM, NULL);
}

/* A Windows error number. */
static DWORD ask_driver(const struct lp_nic *nic, struct lp_mac *ret_mac)
{
    struct lp_mac mac;
    DWORD got = 0;
    DWORD err = NO_ERROR;
    HANDLE driver = open_driver(nic);

    if (driver == INVALID_HANDLE_VALUE)
        return GetLastError();
    if (!DeviceIoControl(driver, TAP_IOCTL_GET_MAC, NULL, 0, &mac, sizeof(mac), &got, NULL))
        err = GetLastError();
    else if (got != sizeof(mac))
        err = ERROR_INVALID_DATA;
    CloseHandle(driver);
    if (err == NO_ERROR)
        *ret_mac = mac;
    return err;
}

int lp_nic_driver_mac(const struct lp_nic *nic, struct lp_mac *ret_mac, char why[LP_WHY_LEN])
{
    char text[LP_WIN_TEXT_LEN];
    DWORD err = ask_driver(nic, ret_mac);

    for (int i = 0; err == ERROR_FILE_NOT_FOUND && i < START_TRIES; i++) {
        Sleep(START_WAIT_MS);
        err = ask_driver(nic, ret_mac);
    }
    switch (err) {
    case NO_ERROR:
        return 0;
    case ERROR_GEN_FAILURE: /* how the driver refuses a second handle */
    case ERROR_ACCESS_DENIED:
    case ERROR_SHARING_VIOLATION:
        return lp_why(LP_ERR_BUSY, why,
                      "the adapter is in use by another program: disconnect there first");
    case ERROR_FILE_NOT_FOUND:
        return lp_why(LP_ERR_NOTFOUND, why,
                      "the adapter's driver is not running: enable the adapter in the network "
                      "settings, or install SoftLAN again");
    default:
        return lp_why(lp_err_from_win32(err), why,
                      "the adapter's driver does not answer, install SoftLAN again: %s",
                      lp_win_text(err, text));
    }
}
