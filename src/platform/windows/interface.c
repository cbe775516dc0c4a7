/* Addresses, DNS servers and overlapping subnets of interfaces, by GetAdaptersAddresses. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "platform/platform.h"
#include "platform/subnet.h"
#include "platform/windows/adapters.h"
#include "platform/windows/backend.h"
#include "platform/windows/errno.h"
#include "platform/windows/win.h"

/* The list can grow between asking for its size and asking for it. */
#define LIST_BYTES_FIRST 16384u
#define LIST_TRIES       5

/* *ret_list is the caller's to free, NULL when there is no interface at all. */
static int list_interfaces(ULONG more_flags, IP_ADAPTER_ADDRESSES **ret_list)
{
    ULONG flags = GAA_FLAG_SKIP_ANYCAST | GAA_FLAG_SKIP_MULTICAST | more_flags;
    ULONG size = LIST_BYTES_FIRST;

    for (unsigned i = 0; i < LIST_TRIES; i++) {
        IP_ADAPTER_ADDRESSES *list = malloc(size);
        ULONG number;

        if (list == NULL)
            return LP_ERR_NOMEM;
        number = GetAdaptersAddresses(AF_UNSPEC, flags, NULL, list, &size);
        if (number == NO_ERROR) {
            *ret_list = list;
            return 0;
        }
        free(list);
        if (number == ERROR_NO_DATA) {
            *ret_list = NULL;
            return 0;
        }
        if (number != ERROR_BUFFER_OVERFLOW)
            return lp_err_from_win32(number);
    }
    return LP_ERR_AGAIN;
}

static void name_of(const IP_ADAPTER_ADDRESSES *interface, char name[LP_IF_NAME_LEN])
{
    if (lp_utf8_from_wide(interface->FriendlyName, name, LP_IF_NAME_LEN) != 0)
        strcpy(name, "another adapter");
}

static const IP_ADAPTER_ADDRESSES *find(const IP_ADAPTER_ADDRESSES *list, const char *name)
{
    char friendly[LP_IF_NAME_LEN];

    for (; list != NULL; list = list->Next) {
        name_of(list, friendly);
        if (_stricmp(list->AdapterName, name) == 0 || strcmp(friendly, name) == 0)
            return list;
    }
    return NULL;
}

static bool is_link_local(const struct lp_addr *addr)
{
    if (addr->family == LP_ADDR_IPV4)
        return addr->ip[0] == 169 && addr->ip[1] == 254;
    return addr->ip[0] == 0xfe && (addr->ip[1] & 0xc0) == 0x80;
}

/* False for an address that cannot be used (yet), or is of no family that we know. */
static bool take_address(const IP_ADAPTER_UNICAST_ADDRESS *unicast, struct lp_if_address *ret)
{
    const struct sockaddr *any = unicast->Address.lpSockaddr;
    struct lp_if_address out = {.prefix_len = unicast->OnLinkPrefixLength};

    if (unicast->DadState != IpDadStatePreferred && unicast->DadState != IpDadStateDeprecated)
        return false;
    if (any->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const void *)any;

        out.addr.family = LP_ADDR_IPV4;
        memcpy(out.addr.ip, &v4->sin_addr, 4);
    } else if (any->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const void *)any;

        out.addr.family = LP_ADDR_IPV6;
        memcpy(out.addr.ip, &v6->sin6_addr, 16);
    } else {
        return false;
    }
    out.link_local = is_link_local(&out.addr);
    if (out.addr.family == LP_ADDR_IPV6 && out.link_local)
        out.addr.scope = ((const struct sockaddr_in6 *)(const void *)any)->sin6_scope_id;
    *ret = out;
    return true;
}

static unsigned take_addresses(const IP_ADAPTER_ADDRESSES *interface,
                               struct lp_if_address addresses[], unsigned capacity)
{
    unsigned count = 0;

    for (const IP_ADAPTER_UNICAST_ADDRESS *unicast = interface->FirstUnicastAddress;
         unicast != NULL && count < capacity; unicast = unicast->Next)
        count += take_address(unicast, &addresses[count]);
    return count;
}

int lp_interface_addresses(const char *interface, struct lp_if_address addresses[],
                           unsigned capacity)
{
    const IP_ADAPTER_ADDRESSES *found;
    IP_ADAPTER_ADDRESSES *list = NULL;
    int err = list_interfaces(GAA_FLAG_SKIP_DNS_SERVER, &list);

    if (err < 0)
        return err;
    found = find(list, interface);
    err = found != NULL ? (int)take_addresses(found, addresses, capacity) : LP_ERR_NOTFOUND;
    free(list);
    return err;
}

int lp_adapter_state(const char *instance, struct lp_adapter_state *ret_state)
{
    const IP_ADAPTER_ADDRESSES *found;
    IP_ADAPTER_ADDRESSES *list = NULL;
    int err = list_interfaces(GAA_FLAG_SKIP_DNS_SERVER, &list);

    if (err < 0)
        return err;
    found = find(list, instance);
    if (found != NULL) {
        ret_state->index = found->IfIndex != 0 ? found->IfIndex : found->Ipv6IfIndex;
        ret_state->mtu = (unsigned)found->Mtu;
    }
    free(list);
    return found != NULL ? 0 : LP_ERR_NOTFOUND;
}

/* ---- DNS ---- */

static unsigned take_dns_servers(const IP_ADAPTER_ADDRESSES *interface,
                                 struct lp_addr servers[], unsigned capacity)
{
    unsigned count = 0;

    for (const IP_ADAPTER_DNS_SERVER_ADDRESS *server = interface->FirstDnsServerAddress;
         server != NULL && count < capacity; server = server->Next) {
        SOCKADDR_INET address = {.si_family = AF_UNSPEC};
        size_t len = (size_t)server->Address.iSockaddrLength;

        memcpy(&address, server->Address.lpSockaddr,
               len < sizeof(address) ? len : sizeof(address));
        servers[count] = lp_addr_from_sockaddr(&address);
        count += servers[count].family != LP_ADDR_NONE;
    }
    return count;
}

int lp_interface_dns_servers(const char *guid, struct lp_addr ret_servers[], unsigned capacity)
{
    const IP_ADAPTER_ADDRESSES *found;
    IP_ADAPTER_ADDRESSES *list = NULL;
    int result = list_interfaces(0, &list);

    if (result < 0)
        return result;
    found = find(list, guid);
    result =
        found != NULL ? (int)take_dns_servers(found, ret_servers, capacity) : LP_ERR_NOTFOUND;
    free(list);
    return result;
}

/* ---- overlap ---- */

static unsigned take_subnets(const IP_ADAPTER_ADDRESSES *interface,
                             struct lp_subnet subnets[LP_IF_ADDRESSES_MAX])
{
    struct lp_if_address addresses[LP_IF_ADDRESSES_MAX];
    unsigned all = take_addresses(interface, addresses, LP_IF_ADDRESSES_MAX);
    unsigned count = 0;

    for (unsigned i = 0; i < all; i++) {
        if (addresses[i].addr.family == LP_ADDR_IPV4 && !addresses[i].link_local &&
            addresses[i].prefix_len <= 32)
            subnets[count++] = (struct lp_subnet){
                .addr = addresses[i].addr,
                .prefix_len = addresses[i].prefix_len,
            };
    }
    return count;
}

static bool overlaps(const struct lp_subnet own[], unsigned own_count,
                     const IP_ADAPTER_ADDRESSES *other, const char *name, char *ret_text)
{
    struct lp_subnet subnets[LP_IF_ADDRESSES_MAX];
    unsigned count = take_subnets(other, subnets);
    char other_name[LP_IF_NAME_LEN];

    for (unsigned i = 0; i < own_count; i++) {
        for (unsigned j = 0; j < count; j++) {
            if (!lp_subnet_overlap(&own[i], &subnets[j]))
                continue;
            name_of(other, other_name);
            lp_subnet_describe(name, &own[i], other_name, &subnets[j], ret_text);
            return true;
        }
    }
    return false;
}

int lp_interface_find_overlap(const char *interface, char ret_other[LP_WHY_LEN])
{
    struct lp_subnet own[LP_IF_ADDRESSES_MAX];
    const IP_ADAPTER_ADDRESSES *found;
    IP_ADAPTER_ADDRESSES *list = NULL;
    char name[LP_IF_NAME_LEN];
    unsigned count;
    int result = list_interfaces(GAA_FLAG_SKIP_DNS_SERVER, &list);

    if (result < 0)
        return result;
    found = find(list, interface);
    if (found == NULL) {
        free(list);
        return LP_ERR_NOTFOUND;
    }
    name_of(found, name);
    count = take_subnets(found, own);
    for (const IP_ADAPTER_ADDRESSES *other = list; other != NULL && result == 0;
         other = other->Next)
        if (other != found && other->OperStatus == IfOperStatusUp &&
            other->IfType != IF_TYPE_SOFTWARE_LOOPBACK)
            result = overlaps(own, count, other, name, ret_other);
    free(list);
    return result;
}
