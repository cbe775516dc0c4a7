/*
 * The category of a network (public, private, domain) by the Network List Manager. A network is named by
 * its own GUID: it is found by that also when no adapter is in it any more, so that its category can
 * be put back after the media went.
 */
#include <string.h>
#include <stdio.h>

#include "base/err.h"
#include "platform/windows/backend.h"
#include "platform/windows/errno.h"

#define COBJMACROS
#define INITGUID
#include <initguid.h>
#include <netlistmgr.h>

static int err_of(HRESULT result)
{
    switch (result) {
    case E_NOTIMPL:
    case REGDB_E_CLASSNOTREG:
        return LP_ERR_UNSUPPORTED;
    case E_ACCESSDENIED:
        return LP_ERR_PERMISSION;
    case E_OUTOFMEMORY:
        return LP_ERR_NOMEM;
    default:
        if (HRESULT_FACILITY(result) == FACILITY_WIN32)
            return lp_err_from_win32((unsigned long)HRESULT_CODE(result));
        return LP_ERR_IO;
    }
}

struct manager {
    INetworkListManager *list;
    bool uninitialize;
};

/* The calling thread may use COM in its own way: that is fine too. */
static int open_manager(struct manager *ret_manager)
{
    HRESULT entered = CoInitializeEx(NULL, COINIT_MULTITHREADED);
    struct manager manager = {.uninitialize = SUCCEEDED(entered)};
    HRESULT result;

    if (FAILED(entered) && entered != RPC_E_CHANGED_MODE)
        return err_of(entered);
    result = CoCreateInstance(&CLSID_NetworkListManager, NULL, CLSCTX_ALL,
                              &IID_INetworkListManager, (void **)&manager.list);
    if (FAILED(result)) {
        if (manager.uninitialize)
            CoUninitialize();
        return err_of(result);
    }
    *ret_manager = manager;
    return 0;
}

static void close_manager(struct manager *manager)
{
    INetworkListManager_Release(manager->list);
    if (manager->uninitialize)
        CoUninitialize();
}

static int open_network(const struct manager *manager, const char *network,
                        INetwork **ret_network)
{
    INetwork *found = NULL;
    HRESULT result;
    GUID guid;

    if (lp_guid_parse(network, &guid) != 0)
        return LP_ERR_INVALID;
    result = INetworkListManager_GetNetwork(manager->list, guid, &found);
    if (result == S_FALSE || (SUCCEEDED(result) && found == NULL))
        return LP_ERR_NOTFOUND;
    if (FAILED(result))
        return err_of(result);
    *ret_network = found;
    return 0;
}

int lp_category_get(const char *network, char ret_value[LP_SETTING_VALUE_LEN])
{
    NLM_NETWORK_CATEGORY category = NLM_NETWORK_CATEGORY_PUBLIC;
    struct manager manager;
    INetwork *found;
    HRESULT result;
    int err = open_manager(&manager);

    if (err < 0)
        return err;
    err = open_network(&manager, network, &found);
    if (err == 0) {
        result = INetwork_GetCategory(found, &category);
        err = FAILED(result) ? err_of(result) : 0;
        INetwork_Release(found);
    }
    close_manager(&manager);
    if (err == 0)
        snprintf(ret_value, LP_SETTING_VALUE_LEN, "%s",
                 category == NLM_NETWORK_CATEGORY_PUBLIC    ? "public"
                 : category == NLM_NETWORK_CATEGORY_PRIVATE ? "private"
                                                            : "domain");
    return err;
}

int lp_category_set(const char *network, const char *value)
{
    NLM_NETWORK_CATEGORY category = strcmp(value, "private") == 0 ? NLM_NETWORK_CATEGORY_PRIVATE
                                                                  : NLM_NETWORK_CATEGORY_PUBLIC;
    struct manager manager;
    INetwork *found;
    HRESULT result;
    int err = open_manager(&manager);

    if (err < 0)
        return err;
    err = open_network(&manager, network, &found);
    if (err == 0) {
        result = INetwork_SetCategory(found, category);
        err = FAILED(result) ? err_of(result) : 0;
        INetwork_Release(found);
    }
    close_manager(&manager);
    return err;
}

/* ---- which network an adapter is in ---- */

static int network_of_connection(INetworkConnection *connection,
                                 char ret_network[LP_ADAPTER_GUID_LEN])
{
    INetwork *network = NULL;
    GUID id;
    HRESULT result = INetworkConnection_GetNetwork(connection, &network);

    if (FAILED(result))
        return err_of(result);
    if (network == NULL)
        return LP_ERR_NOTFOUND;
    result = INetwork_GetNetworkId(network, &id);
    INetwork_Release(network);
    if (FAILED(result))
        return err_of(result);
    lp_guid_format(&id, ret_network);
    return 0;
}

static int search(IEnumNetworkConnections *connections, const GUID *adapter,
                  char ret_network[LP_ADAPTER_GUID_LEN])
{
    INetworkConnection *connection;
    ULONG got = 0;

    while (IEnumNetworkConnections_Next(connections, 1, &connection, &got) == S_OK &&
           got == 1) {
        int err = LP_ERR_NOTFOUND;
        GUID id;

        if (SUCCEEDED(INetworkConnection_GetAdapterId(connection, &id)) &&
            IsEqualGUID(&id, adapter))
            err = network_of_connection(connection, ret_network);
        INetworkConnection_Release(connection);
        if (err != LP_ERR_NOTFOUND)
            return err;
    }
    return LP_ERR_NOTFOUND;
}

int lp_network_of_adapter(const char *guid, char ret_network[LP_ADAPTER_GUID_LEN])
{
    IEnumNetworkConnections *connections = NULL;
    struct manager manager;
    HRESULT result;
    GUID adapter;
    int err;

    if (lp_guid_parse(guid, &adapter) != 0)
        return LP_ERR_INVALID;
    err = open_manager(&manager);
    if (err < 0)
        return err;
    result = INetworkListManager_GetNetworkConnections(manager.list, &connections);
    if (SUCCEEDED(result) && connections != NULL) {
        err = search(connections, &adapter, ret_network);
        IEnumNetworkConnections_Release(connections);
    } else {
        err = FAILED(result) ? err_of(result) : LP_ERR_NOTFOUND;
    }
    close_manager(&manager);
    return err;
}
