/*
 * Windows's connection manager renames, so that every list of connections has the new name at once. Where
 * there is none (Wine, stripped systems) the registry, from which all of them read, is written.
 */
#include "platform/windows/connection_name.h"

#include <stdio.h>

#include "base/err.h"
#include "platform/windows/errno.h"
#include "platform/windows/win.h"

#define COBJMACROS
#include <initguid.h>
#include <netcon.h>

#define NETWORK_KEY                                                                            \
    L"SYSTEM\\CurrentControlSet\\Control\\Network\\{4D36E972-E325-11CE-BFC1-08002BE10318}"
#define TEXT_LEN 256

/* A new adapter's connection is listed within a second or two. */
#define LISTED_TRIES   100
#define LISTED_WAIT_MS 100

/* No library of the compiler's has them. */
DEFINE_GUID(iid_connection_manager, 0xc08956a2, 0x1cd3, 0x11d1, 0xb1, 0xc5, 0x00, 0x80, 0x5f,
            0xc1, 0x27, 0x0e);
DEFINE_GUID(clsid_connection_manager, 0xba126ad1, 0x2166, 0x11d1, 0xb1, 0xd0, 0x00, 0x80, 0x5f,
            0xc1, 0x27, 0x0e);

static bool is_of(INetConnection *connection, const GUID *guid)
{
    NETCON_PROPERTIES *properties = NULL;
    bool same;

    if (FAILED(INetConnection_GetProperties(connection, &properties)) || properties == NULL)
        return false;
    same = IsEqualGUID(&properties->guidId, guid);
    CoTaskMemFree(properties->pszwName);
    CoTaskMemFree(properties->pszwDeviceName);
    CoTaskMemFree(properties);
    return same;
}

/* S_FALSE: it is not listed (yet). */
static HRESULT rename_listed(INetConnectionManager *manager, const GUID *guid,
                             const wchar_t *name)
{
    IEnumNetConnection *list = NULL;
    INetConnection *connection = NULL;
    HRESULT result = INetConnectionManager_EnumConnections(manager, NCME_DEFAULT, &list);
    bool found = false;
    ULONG got = 0;

    if (FAILED(result) || list == NULL)
        return FAILED(result) ? result : S_FALSE;
    result = S_FALSE;
    while (!found && IEnumNetConnection_Next(list, 1, &connection, &got) == S_OK && got == 1) {
        found = is_of(connection, guid);
        if (found)
            result = INetConnection_Rename(connection, name);
        INetConnection_Release(connection);
    }
    IEnumNetConnection_Release(list);
    return result;
}

/* S_FALSE: there is no manager, or it does not know the connection. */
static HRESULT rename_by_manager(const GUID *guid, const wchar_t *name)
{
    INetConnectionManager *manager = NULL;
    HRESULT result = CoCreateInstance(&clsid_connection_manager, NULL, CLSCTX_ALL,
                                      &iid_connection_manager, (void **)&manager);

    if (FAILED(result) || manager == NULL)
        return S_FALSE;
    result = rename_listed(manager, guid, name);
    for (int i = 0; result == S_FALSE && i < LISTED_TRIES; i++) {
        Sleep(LISTED_WAIT_MS);
        result = rename_listed(manager, guid, name);
    }
    INetConnectionManager_Release(manager);
    return result;
}

static LSTATUS rename_in_registry(const wchar_t *guid, const wchar_t *name)
{
    wchar_t path[TEXT_LEN];
    LSTATUS number;
    HKEY key;

    _snwprintf(path, TEXT_LEN, NETWORK_KEY L"\\%ls\\Connection", guid);
    path[TEXT_LEN - 1] = L'\0';
    /* not made: without it there is no such connection */
    number = RegOpenKeyExW(HKEY_LOCAL_MACHINE, path, 0, KEY_SET_VALUE, &key);
    if (number != ERROR_SUCCESS)
        return number;
    number = RegSetValueExW(key, L"Name", 0, REG_SZ, (const BYTE *)name,
                            (DWORD)((wcslen(name) + 1) * sizeof(*name)));
    RegCloseKey(key);
    return number;
}

int lp_connection_rename(const wchar_t *guid, const wchar_t *name, char why[LP_WHY_LEN])
{
    HRESULT entered = CoInitializeEx(NULL, COINIT_MULTITHREADED);
    char text[LP_WIN_TEXT_LEN];
    unsigned long number;
    HRESULT result;
    GUID parsed;

    result = CLSIDFromString(guid, &parsed);
    if (SUCCEEDED(result))
        result = rename_by_manager(&parsed, name);
    if (SUCCEEDED(entered))
        CoUninitialize();
    number = (unsigned long)result;
    if (result == S_FALSE)
        number = (unsigned long)rename_in_registry(guid, name);
    else if (HRESULT_FACILITY(result) == FACILITY_WIN32)
        number = (unsigned long)HRESULT_CODE(result);
    if (number == NO_ERROR)
        return 0;
    return lp_why(
        lp_err_from_win32(number), why,
        "the new adapter could not be named \"%ls\": %s; rename a connection that has "
        "this name",
        name, lp_win_text(number, text));
}
