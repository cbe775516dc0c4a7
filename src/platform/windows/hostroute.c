/*
 * Host routes and the way to an address. A host route is found by destination and interface; of several
 * the one with our mark counts. Windows identifies a route by destination, next hop and interface, so
 * creating what is there fails with ERROR_OBJECT_ALREADY_EXISTS whatever its metric: it is not ours.
 */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "platform/settings/values.h"
#include "platform/windows/backend.h"
#include "platform/windows/errno.h"

static bool is_route_of(const MIB_IPFORWARD_ROW2 *row, const struct lp_host_route *route,
                        const NET_LUID *luid)
{
    struct lp_addr prefix = lp_addr_from_sockaddr(&row->DestinationPrefix.Prefix);
    unsigned len = route->destination.family == LP_ADDR_IPV6 ? 128 : 32;

    prefix.scope = 0;
    return row->InterfaceLuid.Value == luid->Value &&
           row->DestinationPrefix.PrefixLength == len &&
           lp_addr_equal(&prefix, &route->destination);
}

/* LP_ERR_NOTFOUND: there is no such route. */
static int find_route(const struct lp_iphelper *iph, const struct lp_host_route *route,
                      const NET_LUID *luid, MIB_IPFORWARD_ROW2 *ret_row)
{
    MIB_IPFORWARD_TABLE2 *table = NULL;
    const MIB_IPFORWARD_ROW2 *found = NULL;
    DWORD err =
        LP_IPHELPER_CALL(iph, GetIpForwardTable2, lp_family_of(&route->destination), &table);

    if (err != NO_ERROR)
        return lp_err_from_win32(err);
    for (ULONG i = 0; i < table->NumEntries; i++) {
        const MIB_IPFORWARD_ROW2 *row = &table->Table[i];

        if (is_route_of(row, route, luid) && (found == NULL || row->Metric == LP_ROUTE_METRIC))
            found = row;
    }
    if (found != NULL)
        *ret_row = *found;
    if (iph->FreeMibTable != NULL)
        iph->FreeMibTable(table);
    return found != NULL ? 0 : LP_ERR_NOTFOUND;
}

int lp_host_route_get(const struct lp_iphelper *iph, const struct lp_setting *setting,
                      char ret_value[LP_SETTING_VALUE_LEN])
{
    struct lp_host_route route;
    MIB_IPFORWARD_ROW2 row;
    struct lp_addr next_hop;
    NET_LUID luid;
    int err;

    if (lp_host_route_parse(setting->target, "none", &route) != 0)
        return LP_ERR_INVALID;
    err = lp_luid_of(iph, route.guid, &luid);
    if (err == 0)
        err = find_route(iph, &route, &luid, &row);
    if (err == LP_ERR_NOTFOUND) { /* also where the interface is gone */
        snprintf(ret_value, LP_SETTING_VALUE_LEN, "none");
        return 0;
    }
    if (err < 0)
        return err;
    next_hop = lp_addr_from_sockaddr(&row.NextHop);
    lp_route_value(&next_hop, row.Metric, ret_value);
    return 0;
}

static int remove_route(const struct lp_iphelper *iph, const struct lp_host_route *route,
                        const NET_LUID *luid)
{
    MIB_IPFORWARD_ROW2 row;
    int err = find_route(iph, route, luid, &row);
    DWORD deleted;

    if (err < 0)
        return err == LP_ERR_NOTFOUND ? 0 : err;
    if (row.Metric != LP_ROUTE_METRIC)
        return LP_ERR_EXISTS;
    deleted = LP_IPHELPER_CALL(iph, DeleteIpForwardEntry2, &row);
    return deleted == ERROR_NOT_FOUND ? 0 : lp_err_from_win32(deleted);
}

static int create_route(const struct lp_iphelper *iph, const struct lp_host_route *route,
                        const NET_LUID *luid)
{
    MIB_IPFORWARD_ROW2 row;

    if (iph->InitializeIpForwardEntry == NULL)
        return LP_ERR_UNSUPPORTED;
    iph->InitializeIpForwardEntry(&row);
    row.InterfaceLuid = *luid;
    lp_sockaddr_from_addr(&route->destination, &row.DestinationPrefix.Prefix);
    row.DestinationPrefix.PrefixLength = route->destination.family == LP_ADDR_IPV6 ? 128 : 32;
    if (route->next_hop.family == LP_ADDR_NONE)
        row.NextHop.si_family = lp_family_of(&route->destination);
    else
        lp_sockaddr_from_addr(&route->next_hop, &row.NextHop);
    row.Metric = route->metric;
    row.Protocol = MIB_IPPROTO_NETMGMT;
    return lp_err_from_win32(LP_IPHELPER_CALL(iph, CreateIpForwardEntry2, &row));
}

int lp_host_route_set(const struct lp_iphelper *iph, const struct lp_setting *setting,
                      const char *value)
{
    struct lp_host_route route;
    NET_LUID luid;
    bool none = strcmp(value, "none") == 0;
    int err;

    if (lp_host_route_parse(setting->target, value, &route) != 0)
        return LP_ERR_INVALID;
    err = lp_luid_of(iph, route.guid, &luid);
    if (err == LP_ERR_NOTFOUND && none)
        return 0; /* it went with its interface */
    if (err < 0)
        return err;
    return none ? remove_route(iph, &route, &luid) : create_route(iph, &route, &luid);
}

/* ---- the way to an address ---- */

/* The connection's name; cut where a character ends, as names are long and fields short. */
static void name_interface(const struct lp_iphelper *iph, const NET_LUID *luid,
                           char name[LP_IF_NAME_LEN])
{
    wchar_t alias[NDIS_IF_MAX_STRING_SIZE + 1];
    char text[4 * LP_IF_NAME_LEN];
    size_t len;

    name[0] = '\0';
    if (LP_IPHELPER_CALL(iph, ConvertInterfaceLuidToAlias, luid, alias,
                         NDIS_IF_MAX_STRING_SIZE + 1) != NO_ERROR)
        return;
    alias[LP_IF_NAME_LEN] = L'\0';
    if (lp_utf8_from_wide(alias, text, sizeof(text)) != 0)
        return;
    len = strnlen(text, sizeof(text));
    if (len >= LP_IF_NAME_LEN)
        len = LP_IF_NAME_LEN - 1;
    while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
        len--;
    memcpy(name, text, len);
    name[len] = '\0';
}

bool lp_interface_leads_to(const struct lp_iphelper *iph, const char *guid,
                           const struct lp_addr *destination)
{
    SOCKADDR_INET address, source;
    MIB_IPFORWARD_ROW2 row;
    NET_LUID luid;

    memset(&source, 0, sizeof(source));
    lp_sockaddr_from_addr(destination, &address);
    return lp_luid_of(iph, guid, &luid) == 0 &&
           LP_IPHELPER_CALL(iph, GetBestRoute2, &luid, 0, NULL, &address, 0, &row, &source) ==
               NO_ERROR;
}

int lp_way_look_up(const struct lp_iphelper *iph, const struct lp_addr *destination,
                   struct lp_way *ret_way)
{
    SOCKADDR_INET address, source;
    MIB_IPFORWARD_ROW2 row;
    struct lp_way way = {.local = false};
    GUID guid;
    DWORD err;

    if (destination->family == LP_ADDR_NONE)
        return LP_ERR_INVALID;
    memset(&source, 0, sizeof(source));
    lp_sockaddr_from_addr(destination, &address);
    err = LP_IPHELPER_CALL(iph, GetBestRoute2, NULL, 0, NULL, &address, 0, &row, &source);
    if (err == NO_ERROR)
        err = LP_IPHELPER_CALL(iph, ConvertInterfaceLuidToGuid, &row.InterfaceLuid, &guid);
    if (err != NO_ERROR)
        return lp_err_from_win32(err);
    lp_guid_format(&guid, way.guid);
    name_interface(iph, &row.InterfaceLuid, way.route.interface);
    way.route.interface_index = row.InterfaceIndex;
    way.route.source = lp_addr_from_sockaddr(&source);
    way.route.next_hop = lp_addr_from_sockaddr(&row.NextHop);
    way.route.next_hop.scope = 0; /* it is on this interface */
    way.route.prefix_len = row.DestinationPrefix.PrefixLength;
    way.route.metric = row.Metric;
    way.local = row.Loopback != FALSE;
    *ret_way = way;
    return 0;
}
