/*
 * Stands in for iphlpapi.dll in the tests' Wine: interface rows, routes and DNS servers, which Wine
 * cannot change, are kept in a file (state.h), and each change is a line of the events log. The
 * fake adapter is an interface like Windows would show it. Everything else is Wine's own.
 */
#include <winsock2.h>
#include <ws2tcpip.h>
#include <ws2ipdef.h>
#include <windows.h>
#include <winioctl.h>
#include <iphlpapi.h>
#include <icmpapi.h>
#include <netioapi.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "events.h"
#include "faketap.h"
#include "state.h"

#define TAP_INDEX      77
#define TAP_NAME       "tap"
#define TAP_ALIAS      L"SoftLAN"
#define ADDRESSES_PATH STATE_FOLDER "addresses"
#define SERVER_PATH    STATE_FOLDER "dhcp-server"
#define ADDRESSES_MAX  8
#define ECHO_PORT      27003 /* of cable.py */
#define SERVERS_MAX    16

/* Wine's function of this name. */
#define REAL(name)                                                                             \
    ((__typeof__(&name))(void *)GetProcAddress(LoadLibraryA("wine_iphlpapi.dll"), #name))

static const GUID tap_guid = {
    0x410eb49d, 0x2381, 0x4fe7, {0x9b, 0x36, 0x49, 0x8e, 0x22, 0x61, 0x9d, 0xf0}};
static const ULONG64 tap_luid = (ULONG64)IF_TYPE_ETHERNET_CSMACD << 48 | 0x7777ull << 24;

/* ---- texts -------------------------------------------------------------------------------- */

static void name_of(const NET_LUID *luid, char name[STATE_NAME])
{
    WCHAR alias[IF_MAX_STRING_SIZE + 1] = L"";

    if (luid->Value == tap_luid)
        wcscpy(alias, L"" TAP_NAME);
    else if (REAL(ConvertInterfaceLuidToAlias)(luid, alias, IF_MAX_STRING_SIZE) != NO_ERROR)
        wcscpy(alias, L"?");
    snprintf(name, STATE_NAME, "%ls", alias);
}

static DWORD luid_of(const char *name, NET_LUID *luid)
{
    WCHAR alias[STATE_NAME];

    if (strcmp(name, TAP_NAME) == 0) {
        luid->Value = tap_luid;
        return NO_ERROR;
    }
    swprintf(alias, STATE_NAME, L"%hs", name);
    return REAL(ConvertInterfaceAliasToLuid)(alias, luid);
}

static void format_ip(const SOCKADDR_INET *addr, char text[STATE_TEXT])
{
    if (addr->si_family == AF_INET)
        RtlIpv4AddressToStringA(&addr->Ipv4.sin_addr, text);
    else if (addr->si_family == AF_INET6)
        RtlIpv6AddressToStringA(&addr->Ipv6.sin6_addr, text);
    else
        strcpy(text, "on-link");
}

static void parse_ip(const char *text, ADDRESS_FAMILY family, SOCKADDR_INET *addr)
{
    USHORT port;
    ULONG scope;
    char *end;

    memset(addr, 0, sizeof(*addr));
    addr->si_family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;
    if (strcmp(text, "on-link") == 0)
        addr->si_family = family;
    else if (addr->si_family == AF_INET)
        RtlIpv4StringToAddressA(text, TRUE, &end, &addr->Ipv4.sin_addr);
    else
        RtlIpv6StringToAddressExA(text, &addr->Ipv6.sin6_addr, &scope, &port);
}

static const UCHAR *octets(const SOCKADDR_INET *addr)
{
    return addr->si_family == AF_INET ? (const UCHAR *)&addr->Ipv4.sin_addr
                                      : (const UCHAR *)&addr->Ipv6.sin6_addr;
}

/* ---- the fake adapter's names ------------------------------------------------------------- */

DWORD WINAPI shim_ConvertInterfaceGuidToLuid(const GUID *guid, NET_LUID *luid);
DWORD WINAPI shim_ConvertInterfaceLuidToGuid(const NET_LUID *luid, GUID *guid);
DWORD WINAPI shim_ConvertInterfaceLuidToIndex(const NET_LUID *luid, NET_IFINDEX *index);
DWORD WINAPI shim_ConvertInterfaceIndexToLuid(NET_IFINDEX index, NET_LUID *luid);
DWORD WINAPI shim_ConvertInterfaceLuidToAlias(const NET_LUID *luid, WCHAR *alias, SIZE_T len);
DWORD WINAPI shim_ConvertInterfaceAliasToLuid(const WCHAR *alias, NET_LUID *luid);
DWORD WINAPI shim_GetIfEntry2(MIB_IF_ROW2 *row);

DWORD WINAPI shim_ConvertInterfaceGuidToLuid(const GUID *guid, NET_LUID *luid)
{
    if (guid == NULL || luid == NULL || memcmp(guid, &tap_guid, sizeof(*guid)) != 0)
        return REAL(ConvertInterfaceGuidToLuid)(guid, luid);
    luid->Value = tap_luid;
    return NO_ERROR;
}

DWORD WINAPI shim_ConvertInterfaceLuidToGuid(const NET_LUID *luid, GUID *guid)
{
    if (luid->Value != tap_luid)
        return REAL(ConvertInterfaceLuidToGuid)(luid, guid);
    *guid = tap_guid;
    return NO_ERROR;
}

DWORD WINAPI shim_ConvertInterfaceLuidToIndex(const NET_LUID *luid, NET_IFINDEX *index)
{
    if (luid->Value != tap_luid)
        return REAL(ConvertInterfaceLuidToIndex)(luid, index);
    *index = TAP_INDEX;
    return NO_ERROR;
}

DWORD WINAPI shim_ConvertInterfaceIndexToLuid(NET_IFINDEX index, NET_LUID *luid)
{
    if (index != TAP_INDEX)
        return REAL(ConvertInterfaceIndexToLuid)(index, luid);
    luid->Value = tap_luid;
    return NO_ERROR;
}

DWORD WINAPI shim_ConvertInterfaceLuidToAlias(const NET_LUID *luid, WCHAR *alias, SIZE_T len)
{
    if (luid->Value != tap_luid)
        return REAL(ConvertInterfaceLuidToAlias)(luid, alias, len);
    if (len <= wcslen(TAP_ALIAS))
        return ERROR_NOT_ENOUGH_MEMORY;
    wcscpy(alias, TAP_ALIAS);
    return NO_ERROR;
}

DWORD WINAPI shim_ConvertInterfaceAliasToLuid(const WCHAR *alias, NET_LUID *luid)
{
    if (alias == NULL || wcscmp(alias, TAP_ALIAS) != 0)
        return REAL(ConvertInterfaceAliasToLuid)(alias, luid);
    luid->Value = tap_luid;
    return NO_ERROR;
}

static int driver_state(struct faketap_state *state)
{
    HANDLE control = CreateFileA("\\\\.\\" FAKETAP_CONTROL, GENERIC_READ, FILE_SHARE_READ, NULL,
                                 OPEN_EXISTING, 0, NULL);
    DWORD len;
    BOOL known;

    if (control == INVALID_HANDLE_VALUE)
        return 0;
    known = DeviceIoControl(control, FAKETAP_STATE, NULL, 0, state, sizeof(*state), &len, NULL);
    CloseHandle(control);
    return known;
}

static ULONG tap_mtu(void)
{
    struct state state;
    ULONG mtu;

    state_open(&state);
    mtu = state_interface(&state, TAP_NAME, 4)->mtu;
    state_done(&state, 0);
    return mtu;
}

DWORD WINAPI shim_GetIfEntry2(MIB_IF_ROW2 *row)
{
    struct faketap_state state = {.media = 0};

    if (row->InterfaceLuid.Value != tap_luid && row->InterfaceIndex != TAP_INDEX)
        return REAL(GetIfEntry2)(row);
    (void)driver_state(&state);
    memset(row, 0, sizeof(*row));
    row->InterfaceLuid.Value = tap_luid;
    row->InterfaceIndex = TAP_INDEX;
    row->InterfaceGuid = tap_guid;
    wcscpy(row->Alias, TAP_ALIAS);
    row->PhysicalAddressLength = 6;
    memcpy(row->PhysicalAddress, state.mac, 6);
    row->Mtu = tap_mtu();
    row->Type = IF_TYPE_ETHERNET_CSMACD;
    row->AdminStatus = NET_IF_ADMIN_STATUS_UP;
    row->OperStatus = state.media ? IfOperStatusUp : IfOperStatusDown;
    row->MediaConnectState =
        state.media ? MediaConnectStateConnected : MediaConnectStateDisconnected;
    return NO_ERROR;
}

/* ---- interface rows ----------------------------------------------------------------------- */

VOID WINAPI shim_InitializeIpInterfaceEntry(MIB_IPINTERFACE_ROW *row);
DWORD WINAPI shim_GetIpInterfaceEntry(MIB_IPINTERFACE_ROW *row);
DWORD WINAPI shim_SetIpInterfaceEntry(MIB_IPINTERFACE_ROW *row);

VOID WINAPI shim_InitializeIpInterfaceEntry(MIB_IPINTERFACE_ROW *row)
{
    memset(row, 0, sizeof(*row));
}

/* Name and family of the row; an error when there is no such interface. */
static DWORD key_of(MIB_IPINTERFACE_ROW *row, char name[STATE_NAME], int *family)
{
    if (row->Family != AF_INET && row->Family != AF_INET6)
        return ERROR_INVALID_PARAMETER;
    if (row->InterfaceLuid.Value == 0 &&
        shim_ConvertInterfaceIndexToLuid(row->InterfaceIndex, &row->InterfaceLuid) != NO_ERROR)
        return ERROR_NOT_FOUND;
    if (shim_ConvertInterfaceLuidToIndex(&row->InterfaceLuid, &row->InterfaceIndex) != NO_ERROR)
        return ERROR_NOT_FOUND;
    name_of(&row->InterfaceLuid, name);
    *family = row->Family == AF_INET ? 4 : 6;
    return NO_ERROR;
}

DWORD WINAPI shim_GetIpInterfaceEntry(MIB_IPINTERFACE_ROW *row)
{
    const struct state_interface *iface;
    char name[STATE_NAME];
    struct state state;
    int family;
    DWORD error = key_of(row, name, &family);

    if (error != NO_ERROR)
        return error;
    state_open(&state);
    iface = state_interface(&state, name, family);
    row->Connected = TRUE;
    row->SitePrefixLength = 64; /* also for IPv4, which Set then does not take */
    row->NlMtu = iface->mtu;
    row->Metric = iface->metric;
    row->UseAutomaticMetric = (BOOLEAN)iface->automatic;
    row->DisableDefaultRoutes = (BOOLEAN)!iface->default_routes;
    state_done(&state, 0);
    return NO_ERROR;
}

static void metric_text(const struct state_interface *row, char text[16])
{
    if (row->automatic)
        strcpy(text, "auto");
    else
        snprintf(text, 16, "%lu", row->metric);
}

/* What a call changes: "mtu=1500>1380 metric=auto>1 default-routes=on>off". */
static void describe(const struct state_interface *old, const struct state_interface *new,
                     char text[160])
{
    char from[16], to[16];
    int len = 0;

    text[0] = '\0';
    if (old->mtu != new->mtu)
        len += snprintf(text, 160, " mtu=%lu>%lu", old->mtu, new->mtu);
    metric_text(old, from);
    metric_text(new, to);
    if (strcmp(from, to) != 0)
        len += snprintf(text + len, 160 - (size_t)len, " metric=%s>%s", from, to);
    if (old->default_routes != new->default_routes)
        snprintf(text + len, 160 - (size_t)len, " default-routes=%s>%s",
                 old->default_routes ? "on" : "off", new->default_routes ? "on" : "off");
}

DWORD WINAPI shim_SetIpInterfaceEntry(MIB_IPINTERFACE_ROW *row)
{
    struct state_interface *iface, changed;
    char name[STATE_NAME], what[160];
    struct state state;
    int family, done;
    DWORD error = key_of(row, name, &family);

    if (error != NO_ERROR)
        return error;
    if (family == 4 ? row->SitePrefixLength > 32 || row->NlMtu < 576
                    : row->SitePrefixLength > 128 || row->NlMtu < 1280)
        return ERROR_INVALID_PARAMETER;
    state_open(&state);
    iface = state_interface(&state, name, family);
    changed = *iface;
    changed.mtu = row->NlMtu;
    changed.automatic = row->UseAutomaticMetric;
    changed.metric = row->UseAutomaticMetric ? 25 : row->Metric;
    changed.default_routes = !row->DisableDefaultRoutes;
    describe(iface, &changed, what);
    done = events_step("ip set %s ipv%d%s", name, family, what);
    if (done)
        *iface = changed;
    state_done(&state, done);
    return done ? NO_ERROR : ERROR_ACCESS_DENIED;
}

/* ---- routes ------------------------------------------------------------------------------- */

VOID WINAPI shim_InitializeIpForwardEntry(MIB_IPFORWARD_ROW2 *row);
DWORD WINAPI shim_CreateIpForwardEntry2(const MIB_IPFORWARD_ROW2 *row);
DWORD WINAPI shim_DeleteIpForwardEntry2(const MIB_IPFORWARD_ROW2 *row);
DWORD WINAPI shim_GetIpForwardEntry2(MIB_IPFORWARD_ROW2 *row);
DWORD WINAPI shim_GetIpForwardTable2(ADDRESS_FAMILY family, MIB_IPFORWARD_TABLE2 **ret_table);
DWORD WINAPI shim_GetBestRoute2(NET_LUID *luid, NET_IFINDEX index, const SOCKADDR_INET *source,
                                const SOCKADDR_INET *destination, ULONG options,
                                MIB_IPFORWARD_ROW2 *ret_route, SOCKADDR_INET *ret_source);

VOID WINAPI shim_InitializeIpForwardEntry(MIB_IPFORWARD_ROW2 *row)
{
    memset(row, 0, sizeof(*row));
    row->ValidLifetime = row->PreferredLifetime = 0xffffffff;
    row->Metric = 0xffffffff;
    row->Protocol = MIB_IPPROTO_NETMGMT;
}

static DWORD route_to_state(const MIB_IPFORWARD_ROW2 *row, struct state_route *route)
{
    char prefix[STATE_TEXT];
    NET_LUID luid = row->InterfaceLuid;

    memset(route, 0, sizeof(*route));
    if (luid.Value == 0 &&
        shim_ConvertInterfaceIndexToLuid(row->InterfaceIndex, &luid) != NO_ERROR)
        return ERROR_INVALID_PARAMETER;
    name_of(&luid, route->name);
    format_ip(&row->DestinationPrefix.Prefix, prefix);
    snprintf(route->prefix, sizeof(route->prefix), "%.48s/%u", prefix,
             row->DestinationPrefix.PrefixLength);
    format_ip(&row->NextHop, route->next_hop);
    route->metric = row->Metric;
    return NO_ERROR;
}

static void route_from_state(const struct state_route *route, MIB_IPFORWARD_ROW2 *row)
{
    char prefix[STATE_TEXT];
    char *slash;

    shim_InitializeIpForwardEntry(row);
    snprintf(prefix, sizeof(prefix), "%s", route->prefix);
    slash = strchr(prefix, '/');
    if (slash != NULL)
        *slash = '\0';
    parse_ip(prefix, AF_INET, &row->DestinationPrefix.Prefix);
    row->DestinationPrefix.PrefixLength = (UCHAR)(slash != NULL ? atoi(slash + 1) : 0);
    parse_ip(route->next_hop, row->DestinationPrefix.Prefix.si_family, &row->NextHop);
    (void)luid_of(route->name, &row->InterfaceLuid);
    (void)shim_ConvertInterfaceLuidToIndex(&row->InterfaceLuid, &row->InterfaceIndex);
    row->Metric = route->metric;
}

DWORD WINAPI shim_CreateIpForwardEntry2(const MIB_IPFORWARD_ROW2 *row)
{
    struct state_route route;
    struct state state;
    DWORD error = route_to_state(row, &route);
    int done = 0;

    if (error != NO_ERROR)
        return error;
    state_open(&state);
    if (state_find_route(&state, &route) != NULL)
        error = ERROR_OBJECT_ALREADY_EXISTS;
    else if (!events_step("ip route add %s via %s dev %s metric %lu", route.prefix,
                          route.next_hop, route.name, route.metric))
        error = ERROR_ACCESS_DENIED;
    else
        done = state_add_route(&state, &route);
    state_done(&state, done);
    return error;
}

DWORD WINAPI shim_DeleteIpForwardEntry2(const MIB_IPFORWARD_ROW2 *row)
{
    struct state_route route, *found;
    struct state state;
    DWORD error = route_to_state(row, &route);

    if (error != NO_ERROR)
        return error;
    state_open(&state);
    found = state_find_route(&state, &route);
    if (found == NULL)
        error = ERROR_NOT_FOUND;
    else if (!events_step("ip route del %s via %s dev %s", route.prefix, route.next_hop,
                          route.name))
        error = ERROR_ACCESS_DENIED;
    else
        state_remove_route(&state, found);
    state_done(&state, error == NO_ERROR);
    return error;
}

DWORD WINAPI shim_GetIpForwardEntry2(MIB_IPFORWARD_ROW2 *row)
{
    struct state_route route, *found;
    struct state state;
    DWORD error = route_to_state(row, &route);

    if (error != NO_ERROR)
        return error;
    state_open(&state);
    found = state_find_route(&state, &route);
    if (found != NULL)
        route_from_state(found, row);
    state_done(&state, 0);
    return found != NULL ? NO_ERROR : ERROR_NOT_FOUND;
}

/* Wine's (the namespace's) and ours. */
DWORD WINAPI shim_GetIpForwardTable2(ADDRESS_FAMILY family, MIB_IPFORWARD_TABLE2 **ret_table)
{
    MIB_IPFORWARD_TABLE2 *real, *table;
    MIB_IPFORWARD_ROW2 row;
    struct state state;
    DWORD error = REAL(GetIpForwardTable2)(family, &real);

    if (error != NO_ERROR)
        return error;
    table =
        HeapAlloc(GetProcessHeap(), 0,
                  sizeof(*table) + (real->NumEntries + STATE_ROWS) * sizeof(table->Table[0]));
    table->NumEntries = real->NumEntries;
    memcpy(table->Table, real->Table, real->NumEntries * sizeof(table->Table[0]));
    REAL(FreeMibTable)(real);
    state_open(&state);
    for (unsigned i = 0; i < state.routes; i++) {
        route_from_state(&state.route[i], &row);
        if (family == AF_UNSPEC || family == row.DestinationPrefix.Prefix.si_family)
            table->Table[table->NumEntries++] = row;
    }
    state_done(&state, 0);
    *ret_table = table;
    return NO_ERROR;
}

static int matches(const MIB_IPFORWARD_ROW2 *row, const SOCKADDR_INET *destination)
{
    const UCHAR *prefix = octets(&row->DestinationPrefix.Prefix), *addr = octets(destination);
    unsigned bits = row->DestinationPrefix.PrefixLength;

    if (row->DestinationPrefix.Prefix.si_family != destination->si_family)
        return 0;
    if (memcmp(prefix, addr, bits / 8) != 0)
        return 0;
    return bits % 8 == 0 || (prefix[bits / 8] ^ addr[bits / 8]) >> (8 - bits % 8) == 0;
}

static int is_better(const MIB_IPFORWARD_ROW2 *row, const MIB_IPFORWARD_ROW2 *best)
{
    if (best == NULL ||
        row->DestinationPrefix.PrefixLength != best->DestinationPrefix.PrefixLength)
        return best == NULL ||
               row->DestinationPrefix.PrefixLength > best->DestinationPrefix.PrefixLength;
    return row->Metric < best->Metric;
}

static void first_address(const NET_LUID *luid, ADDRESS_FAMILY family, SOCKADDR_INET *ret_addr)
{
    MIB_UNICASTIPADDRESS_TABLE *table;

    memset(ret_addr, 0, sizeof(*ret_addr));
    ret_addr->si_family = family;
    if (REAL(GetUnicastIpAddressTable)(family, &table) != NO_ERROR)
        return;
    for (ULONG i = table->NumEntries; i-- > 0;) {
        if (table->Table[i].InterfaceLuid.Value == luid->Value)
            *ret_addr = table->Table[i].Address;
    }
    REAL(FreeMibTable)(table);
}

DWORD WINAPI shim_GetBestRoute2(NET_LUID *luid, NET_IFINDEX index, const SOCKADDR_INET *source,
                                const SOCKADDR_INET *destination, ULONG options,
                                MIB_IPFORWARD_ROW2 *ret_route, SOCKADDR_INET *ret_source)
{
    const MIB_IPFORWARD_ROW2 *best = NULL;
    char text[STATE_TEXT], name[STATE_NAME] = "nowhere";
    MIB_IPFORWARD_TABLE2 *table;
    DWORD error = shim_GetIpForwardTable2(destination->si_family, &table);

    (void)source;
    (void)options;
    if (error != NO_ERROR)
        return error;
    for (ULONG i = 0; i < table->NumEntries; i++) {
        const MIB_IPFORWARD_ROW2 *row = &table->Table[i];

        if (luid != NULL && row->InterfaceLuid.Value != luid->Value)
            continue;
        if (luid == NULL && index != 0 && row->InterfaceIndex != index)
            continue;
        if (matches(row, destination) && is_better(row, best))
            best = row;
    }
    if (best != NULL) {
        *ret_route = *best;
        first_address(&best->InterfaceLuid, destination->si_family, ret_source);
        name_of(&best->InterfaceLuid, name);
    }
    REAL(FreeMibTable)(table);
    format_ip(destination, text);
    return events_step("ip route get %s dev %s", text, name) && best != NULL
               ? NO_ERROR
               : ERROR_NETWORK_UNREACHABLE;
}

/* ---- addresses of the fake adapter, which the far end of the cable has ---------------------- */

ULONG WINAPI shim_GetAdaptersAddresses(ULONG family, ULONG flags, void *reserved,
                                       IP_ADAPTER_ADDRESSES *adapters, ULONG *size);
DWORD WINAPI shim_GetUnicastIpAddressTable(ADDRESS_FAMILY family,
                                           MIB_UNICASTIPADDRESS_TABLE **ret_table);

struct tap_server {
    IP_ADAPTER_DNS_SERVER_ADDRESS row;
    SOCKADDR_INET addr;
};

struct tap_address {
    SOCKADDR_INET addr;
    UCHAR prefix_len;
};

static unsigned tap_addresses(ADDRESS_FAMILY family, struct tap_address ret[ADDRESSES_MAX])
{
    FILE *file = fopen(ADDRESSES_PATH, "r");
    char text[STATE_TEXT];
    unsigned count = 0, prefix_len;

    if (file == NULL)
        return 0;
    while (count < ADDRESSES_MAX && fscanf(file, " %63[^/]/%u", text, &prefix_len) == 2) {
        parse_ip(text, AF_INET, &ret[count].addr);
        ret[count].prefix_len = (UCHAR)prefix_len;
        count += family == AF_UNSPEC || family == ret[count].addr.si_family;
    }
    fclose(file);
    return count;
}

/* What is appended to Wine's answer, in the caller's buffer. */
struct tap_record {
    struct tap_server server[SERVERS_MAX];
    unsigned servers;
    IP_ADAPTER_ADDRESSES adapter;
    IP_ADAPTER_UNICAST_ADDRESS unicast[ADDRESSES_MAX];
    struct tap_address address[ADDRESSES_MAX];
    SOCKADDR_INET dhcp_server;
    char name[sizeof(FAKETAP_GUID)];
    WCHAR alias[16];
    WCHAR description[32];
};

/* Who gave the address. */
static int dhcp_server(SOCKADDR_INET *ret_server)
{
    FILE *file = fopen(SERVER_PATH, "r");
    char text[STATE_TEXT];
    int known = file != NULL && fscanf(file, " %63s", text) == 1;

    if (file != NULL)
        fclose(file);
    if (known)
        parse_ip(text, AF_INET, ret_server);
    return known;
}

/* Appends servers, which the text has by commas. */
static void add_servers(struct tap_record *record, const char *text,
                        IP_ADAPTER_DNS_SERVER_ADDRESS ***end)
{
    char one[STATE_TEXT];
    int taken;

    while (record->servers < SERVERS_MAX && sscanf(text, "%63[^,]%n", one, &taken) == 1) {
        struct tap_server *server = &record->server[record->servers++];

        parse_ip(one, AF_INET, &server->addr);
        server->row.Length = sizeof(server->row);
        server->row.Address.lpSockaddr = (SOCKADDR *)&server->addr;
        server->row.Address.iSockaddrLength = sizeof(server->addr);
        **end = &server->row;
        *end = &server->row.Next;
        text += taken + (text[taken] == ',');
    }
}

/* As Windows: those set by hand, else what the network gave. Wine's own would be the host's. */
static void set_servers(struct tap_record *record, IP_ADAPTER_ADDRESSES *adapter)
{
    IP_ADAPTER_DNS_SERVER_ADDRESS **end = &adapter->FirstDnsServerAddress;
    char name[STATE_NAME];
    struct state state;
    int by_hand = 0;

    name_of(&adapter->Luid, name);
    adapter->FirstDnsServerAddress = NULL;
    state_open(&state);
    for (unsigned i = 0; i < state.dnses; i++) {
        if (strcmp(state.dns[i].name, name) != 0 || strcmp(state.dns[i].servers, "-") == 0)
            continue;
        add_servers(record, state.dns[i].servers, &end);
        by_hand = 1;
    }
    for (unsigned i = 0; i < state.leases && !by_hand; i++) {
        if (strcmp(state.lease[i].name, name) == 0)
            add_servers(record, state.lease[i].servers, &end);
    }
    state_done(&state, 0);
}

static void fill_record(struct tap_record *record, ADDRESS_FAMILY family)
{
    IP_ADAPTER_ADDRESSES *adapter = &record->adapter;
    struct faketap_state state = {.media = 0};
    unsigned count;

    memset(record, 0, sizeof(*record));
    (void)driver_state(&state);
    count = tap_addresses(family, record->address);
    for (unsigned i = count; i-- > 0;) {
        IP_ADAPTER_UNICAST_ADDRESS *unicast = &record->unicast[i];

        unicast->Length = sizeof(*unicast);
        unicast->Next = adapter->FirstUnicastAddress;
        unicast->Address.lpSockaddr = (SOCKADDR *)&record->address[i].addr;
        unicast->Address.iSockaddrLength = sizeof(record->address[i].addr);
        unicast->OnLinkPrefixLength = record->address[i].prefix_len;
        unicast->DadState = IpDadStatePreferred;
        adapter->FirstUnicastAddress = unicast;
    }
    strcpy(record->name, FAKETAP_GUID);
    wcscpy(record->alias, TAP_ALIAS);
    wcscpy(record->description, L"TAP-Windows Adapter V9");
    adapter->Length = sizeof(*adapter);
    if (count > 0 && dhcp_server(&record->dhcp_server)) {
        adapter->Dhcpv4Server.lpSockaddr = (SOCKADDR *)&record->dhcp_server;
        adapter->Dhcpv4Server.iSockaddrLength = sizeof(record->dhcp_server);
    }
    adapter->IfIndex = adapter->Ipv6IfIndex = TAP_INDEX;
    adapter->AdapterName = record->name;
    adapter->FriendlyName = record->alias;
    adapter->Description = record->description;
    adapter->PhysicalAddressLength = 6;
    memcpy(adapter->PhysicalAddress, state.mac, 6);
    adapter->Mtu = tap_mtu();
    adapter->IfType = IF_TYPE_ETHERNET_CSMACD;
    adapter->OperStatus = state.media ? IfOperStatusUp : IfOperStatusDown;
    adapter->Luid.Value = tap_luid;
    adapter->NetworkGuid = tap_guid;
}

ULONG WINAPI shim_GetAdaptersAddresses(ULONG family, ULONG flags, void *reserved,
                                       IP_ADAPTER_ADDRESSES *adapters, ULONG *size)
{
    ULONG real_size = *size > sizeof(struct tap_record)
                          ? (*size - (ULONG)sizeof(struct tap_record)) & ~15u
                          : 0;
    struct tap_record *record = (void *)((char *)adapters + real_size);
    IP_ADAPTER_ADDRESSES *first = adapters;
    ULONG error = REAL(GetAdaptersAddresses)(family, flags, reserved, adapters, &real_size);

    if (error == ERROR_BUFFER_OVERFLOW)
        *size = real_size + (ULONG)sizeof(struct tap_record) + 16;
    if (error != NO_ERROR)
        return error;
    fill_record(record, (ADDRESS_FAMILY)family);
    while (adapters->Next != NULL)
        adapters = adapters->Next;
    adapters->Next = &record->adapter;
    for (IP_ADAPTER_ADDRESSES *adapter = first; adapter != NULL; adapter = adapter->Next) {
        if ((flags & GAA_FLAG_SKIP_DNS_SERVER) == 0)
            set_servers(record, adapter);
    }
    return NO_ERROR;
}

DWORD WINAPI shim_GetUnicastIpAddressTable(ADDRESS_FAMILY family,
                                           MIB_UNICASTIPADDRESS_TABLE **ret_table)
{
    struct tap_address address[ADDRESSES_MAX];
    MIB_UNICASTIPADDRESS_TABLE *real, *table;
    DWORD error = REAL(GetUnicastIpAddressTable)(family, &real);
    unsigned count;

    if (error != NO_ERROR)
        return error;
    count = tap_addresses(family, address);
    table = HeapAlloc(GetProcessHeap(), HEAP_ZERO_MEMORY,
                      sizeof(*table) + (real->NumEntries + count) * sizeof(table->Table[0]));
    table->NumEntries = real->NumEntries;
    memcpy(table->Table, real->Table, real->NumEntries * sizeof(table->Table[0]));
    REAL(FreeMibTable)(real);
    for (unsigned i = 0; i < count; i++) {
        MIB_UNICASTIPADDRESS_ROW *row = &table->Table[table->NumEntries++];

        row->Address = address[i].addr;
        row->InterfaceLuid.Value = tap_luid;
        row->InterfaceIndex = TAP_INDEX;
        row->OnLinkPrefixLength = address[i].prefix_len;
        row->DadState = IpDadStatePreferred;
    }
    *ret_table = table;
    return NO_ERROR;
}

/* ---- a ping to the party, which the far end of the cable sends ------------------------------ */

DWORD WINAPI shim_IcmpSendEcho(HANDLE icmp, IPAddr to, void *bytes, WORD len,
                               PIP_OPTION_INFORMATION options, void *reply, DWORD size,
                               DWORD timeout_ms);

static int answers(IPAddr to, DWORD timeout_ms)
{
    struct sockaddr_in cable = {.sin_family = AF_INET, .sin_port = htons(ECHO_PORT)};
    SOCKET sock = socket(AF_INET, SOCK_DGRAM, 0);
    char text[STATE_TEXT];
    SOCKADDR_INET address = {.Ipv4 = {.sin_family = AF_INET, .sin_addr.s_addr = to}};
    int answered;

    cable.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    format_ip(&address, text);
    setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, (const char *)&timeout_ms, sizeof(timeout_ms));
    answered = sendto(sock, text, (int)strlen(text), 0, (struct sockaddr *)&cable,
                      sizeof(cable)) > 0 &&
               recv(sock, text, sizeof(text), 0) > 0;
    closesocket(sock);
    return answered;
}

DWORD WINAPI shim_IcmpSendEcho(HANDLE icmp, IPAddr to, void *bytes, WORD len,
                               PIP_OPTION_INFORMATION options, void *reply, DWORD size,
                               DWORD timeout_ms)
{
    ICMP_ECHO_REPLY *echo = reply;
    SOCKADDR_INET server;

    if (!dhcp_server(&server) || server.Ipv4.sin_addr.s_addr != to)
        return REAL(IcmpSendEcho)(icmp, to, bytes, len, options, reply, size, timeout_ms);
    if (!answers(to, timeout_ms)) {
        SetLastError(IP_REQ_TIMED_OUT);
        return 0;
    }
    memset(echo, 0, sizeof(*echo));
    echo->Address = to;
    echo->Status = IP_SUCCESS;
    return 1;
}

/* ---- DNS servers --------------------------------------------------------------------------- */

#define DNS_SETTING_IPV6 1u

/* DNS_INTERFACE_SETTINGS version 1, of Windows 10 2004 and later. */
struct dns_settings {
    ULONG version;
    ULONG64 flags;
    WCHAR *domain;
    WCHAR *name_server;
    WCHAR *search_list;
    ULONG rest[4];
    WCHAR *profile_name_server;
};

DWORD WINAPI shim_SetInterfaceDnsSettings(GUID adapter, const struct dns_settings *settings);

/* A Windows before 10 2004 lacks these calls. */
static int is_old_windows(void)
{
    return GetFileAttributesA(STATE_FOLDER "old-windows") != INVALID_FILE_ATTRIBUTES;
}

static DWORD dns_name(const GUID *adapter, char name[STATE_NAME])
{
    NET_LUID luid;
    DWORD error = is_old_windows() ? ERROR_CALL_NOT_IMPLEMENTED
                                   : shim_ConvertInterfaceGuidToLuid(adapter, &luid);

    if (error == NO_ERROR)
        name_of(&luid, name);
    return error;
}

/* Where Windows keeps them, and programs read them. */
static void write_name_server(int family, const char *servers)
{
    char path[160];
    HKEY key;

    snprintf(path, sizeof(path),
             "SYSTEM\\CurrentControlSet\\Services\\%s\\Parameters\\Interfaces\\%s",
             family == 6 ? "Tcpip6" : "Tcpip", FAKETAP_GUID);
    if (RegCreateKeyExA(HKEY_LOCAL_MACHINE, path, 0, NULL, 0, KEY_SET_VALUE, NULL, &key,
                        NULL) != ERROR_SUCCESS)
        return;
    RegSetValueExA(key, "NameServer", 0, REG_SZ, (const BYTE *)servers,
                   (DWORD)strlen(servers) + 1);
    RegCloseKey(key);
}

DWORD WINAPI shim_SetInterfaceDnsSettings(GUID adapter, const struct dns_settings *settings)
{
    char name[STATE_NAME], servers[STATE_DNS] = "-";
    struct state_dns *row;
    struct state state;
    DWORD error = dns_name(&adapter, name);
    int done;

    if (error != NO_ERROR)
        return error;
    if (settings->name_server != NULL && settings->name_server[0] != L'\0')
        snprintf(servers, sizeof(servers), "%ls", settings->name_server);
    state_open(&state);
    row = state_dns(&state, name, settings->flags & DNS_SETTING_IPV6 ? 6 : 4);
    done = events_step("ip dns%s %s %s>%s", row->family == 6 ? "6" : "", name, row->servers,
                       servers);
    if (done) {
        strcpy(row->servers, servers);
        write_name_server(row->family, strcmp(servers, "-") == 0 ? "" : servers);
    }
    state_done(&state, done);
    return done ? NO_ERROR : ERROR_ACCESS_DENIED;
}
