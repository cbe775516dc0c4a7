/* TAP-Windows6 adapters, as the registry lists them: network class keys with the driver's id. */
#include "platform/windows/adapters.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "platform/settings/values.h"
#include "platform/windows/errno.h"
#include "platform/windows/win.h"

#define NETWORK_CLASS L"{4D36E972-E325-11CE-BFC1-08002BE10318}"
#define CLASS_KEY     L"SYSTEM\\CurrentControlSet\\Control\\Class\\" NETWORK_CLASS
#define NETWORK_KEY   L"SYSTEM\\CurrentControlSet\\Control\\Network\\" NETWORK_CLASS
#define OWN_NAME      "SoftLAN"

#define VALUE_LEN 256

/* A text of the registry as UTF-8; what is missing, no text or too long fails. */
static bool read_text(HKEY key, const wchar_t *subkey, const wchar_t *value, char *text,
                      size_t capacity)
{
    wchar_t wide[VALUE_LEN];
    DWORD size = sizeof(wide);

    return RegGetValueW(key, subkey, value, RRF_RT_REG_SZ, NULL, wide, &size) ==
               ERROR_SUCCESS &&
           lp_utf8_from_wide(wide, text, capacity) == 0;
}

static bool is_tap(HKEY class_key, const wchar_t *subkey)
{
    char id[VALUE_LEN];

    return read_text(class_key, subkey, L"ComponentId", id, sizeof(id)) &&
           (_stricmp(id, "tap0901") == 0 || _stricmp(id, "root\\tap0901") == 0);
}

/* An adapter that has lost its connection is still there, under its instance id. */
static void read_name(struct lp_tap_adapter *adapter)
{
    wchar_t instance[sizeof(adapter->instance)];
    wchar_t subkey[VALUE_LEN];

    memcpy(adapter->name, adapter->instance, sizeof(adapter->instance));
    if (lp_wide_from_utf8(adapter->instance, instance, sizeof(adapter->instance)) != 0)
        return;
    _snwprintf(subkey, VALUE_LEN, NETWORK_KEY L"\\%ls\\Connection", instance);
    if (!read_text(HKEY_LOCAL_MACHINE, subkey, L"Name", adapter->name, sizeof(adapter->name)))
        memcpy(adapter->name, adapter->instance, sizeof(adapter->instance));
}

static bool read_adapter(HKEY class_key, const wchar_t *subkey, struct lp_tap_adapter *adapter)
{
    memset(adapter, 0, sizeof(*adapter));
    if (!is_tap(class_key, subkey) ||
        !read_text(class_key, subkey, L"NetCfgInstanceId", adapter->instance,
                   sizeof(adapter->instance)) ||
        !lp_value_is_guid(adapter->instance))
        return false;
    read_name(adapter);
    adapter->own = strcmp(adapter->name, OWN_NAME) == 0;
    return true;
}

int lp_tap_adapters(struct lp_tap_adapter adapters[], unsigned capacity, char why[LP_WHY_LEN])
{
    unsigned count = 0;
    HKEY class_key;
    LSTATUS number = RegOpenKeyExW(HKEY_LOCAL_MACHINE, CLASS_KEY, 0, KEY_READ, &class_key);

    if (number == ERROR_FILE_NOT_FOUND)
        return 0;
    if (number != ERROR_SUCCESS) {
        char text[LP_WIN_TEXT_LEN];

        return lp_why(lp_err_from_win32((unsigned long)number), why,
                      "the network adapters cannot be listed, restart the computer: %s",
                      lp_win_text((unsigned long)number, text));
    }
    for (DWORD i = 0; count < capacity; i++) {
        wchar_t subkey[VALUE_LEN];
        DWORD len = VALUE_LEN;

        number = RegEnumKeyExW(class_key, i, subkey, &len, NULL, NULL, NULL, NULL);
        if (number == ERROR_MORE_DATA)
            continue;
        if (number != ERROR_SUCCESS)
            break;
        count += read_adapter(class_key, subkey, &adapters[count]);
    }
    RegCloseKey(class_key);
    return (int)count;
}

/* Names that do not fit are left out whole: a text that is cut may be no UTF-8 any more. */
static void append_name(char *why, const char *name)
{
    size_t at = strlen(why);

    if (at + strlen(name) + sizeof(" ''") <= LP_WHY_LEN)
        snprintf(why + at, LP_WHY_LEN - at, " '%s'", name);
}

static int why_not_found(const char *name, const struct lp_tap_adapter adapters[], int count,
                         char *why)
{
    if (strlen(name) >= LP_IF_NAME_LEN)
        return lp_why(LP_ERR_INVALID, why, "a name of an adapter has less than %d octets",
                      LP_IF_NAME_LEN);
    if (count == 0)
        return lp_why(LP_ERR_NOTFOUND, why,
                      "there is no TAP adapter '%s', nor any other: install the TAP-Windows6 "
                      "driver, or SoftLAN again",
                      name);
    lp_why(0, why, "there is no TAP adapter '%s', but:", name);
    for (int i = 0; i < count; i++)
        append_name(why, adapters[i].name);
    return LP_ERR_NOTFOUND;
}

int lp_adapter_find(const char *name, struct lp_tap_adapter *ret_adapter, char why[LP_WHY_LEN])
{
    struct lp_tap_adapter adapters[LP_TAP_ADAPTERS_MAX];
    int count = lp_tap_adapters(adapters, LP_TAP_ADAPTERS_MAX, why);

    if (count < 0)
        return count;
    for (int i = 0; i < count; i++) {
        if (_stricmp(adapters[i].instance, name) == 0 || strcmp(adapters[i].name, name) == 0) {
            *ret_adapter = adapters[i];
            return 0;
        }
    }
    return why_not_found(name, adapters, count, why);
}
