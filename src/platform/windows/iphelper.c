#include "platform/windows/iphelper.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "platform/settings/values.h"
#include "platform/windows/errno.h"

/* Function pointers of one type become those of another by their octets: no cast that warns. */
static void find(HMODULE library, const char *name, void *ret_function, size_t size)
{
    FARPROC function = library != NULL ? GetProcAddress(library, name) : NULL;

    memcpy(ret_function, &function, size);
}

void lp_iphelper_load(struct lp_iphelper *ret_iph)
{
    /* only the system's own: a library of this name beside the program is somebody's trap */
    HMODULE library = LoadLibraryExW(L"iphlpapi.dll", NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);
    HMODULE dns = LoadLibraryExW(L"dnsapi.dll", NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);

#define X(name) find(library, #name, &ret_iph->name, sizeof(ret_iph->name));
    LP_IPHELPER_TABLE(X)
    X(SetInterfaceDnsSettings)
#undef X
    find(dns, "DnsFlushResolverCache", &ret_iph->DnsFlushResolverCache,
         sizeof(ret_iph->DnsFlushResolverCache));
}

int lp_guid_parse(const char *text, GUID *ret_guid)
{
    unsigned long a;
    unsigned b, c, d[8];

    if (!lp_value_is_guid(text) ||
        sscanf(text, "{%8lx-%4x-%4x-%2x%2x-%2x%2x%2x%2x%2x%2x}", &a, &b, &c, &d[0], &d[1],
               &d[2], &d[3], &d[4], &d[5], &d[6], &d[7]) != 11)
        return LP_ERR_MALFORMED;
    ret_guid->Data1 = a;
    ret_guid->Data2 = (unsigned short)b;
    ret_guid->Data3 = (unsigned short)c;
    for (unsigned i = 0; i < 8; i++)
        ret_guid->Data4[i] = (unsigned char)d[i];
    return 0;
}

char *lp_guid_format(const GUID *guid, char text[LP_ADAPTER_GUID_LEN])
{
    const unsigned char *d = guid->Data4;

    snprintf(text, LP_ADAPTER_GUID_LEN, "{%08lX-%04X-%04X-%02X%02X-%02X%02X%02X%02X%02X%02X}",
             (unsigned long)guid->Data1, guid->Data2, guid->Data3, d[0], d[1], d[2], d[3], d[4],
             d[5], d[6], d[7]);
    return text;
}

int lp_luid_of(const struct lp_iphelper *iph, const char *guid, NET_LUID *ret_luid)
{
    GUID parsed;
    NET_LUID luid;
    DWORD err;

    if (lp_guid_parse(guid, &parsed) != 0)
        return LP_ERR_INVALID;
    err = LP_IPHELPER_CALL(iph, ConvertInterfaceGuidToLuid, &parsed, &luid);
    /* Windows says "invalid parameter" for a GUID that no interface has */
    if (err == ERROR_INVALID_PARAMETER)
        return LP_ERR_NOTFOUND;
    if (err != NO_ERROR)
        return lp_err_from_win32(err);
    *ret_luid = luid;
    return 0;
}

void lp_sockaddr_from_addr(const struct lp_addr *addr, SOCKADDR_INET *ret_sockaddr)
{
    memset(ret_sockaddr, 0, sizeof(*ret_sockaddr));
    ret_sockaddr->si_family = lp_family_of(addr);
    if (addr->family == LP_ADDR_IPV6) {
        memcpy(&ret_sockaddr->Ipv6.sin6_addr, addr->ip, 16);
        ret_sockaddr->Ipv6.sin6_scope_id = addr->scope;
    } else {
        memcpy(&ret_sockaddr->Ipv4.sin_addr, addr->ip, 4);
    }
}

/* The unspecified address is how the system says "none". */
struct lp_addr lp_addr_from_sockaddr(const SOCKADDR_INET *sockaddr)
{
    static const uint8_t zero[16];
    struct lp_addr addr = {.family = LP_ADDR_NONE};

    if (sockaddr->si_family == AF_INET) {
        addr.family = LP_ADDR_IPV4;
        memcpy(addr.ip, &sockaddr->Ipv4.sin_addr, 4);
    } else if (sockaddr->si_family == AF_INET6) {
        addr.family = LP_ADDR_IPV6;
        memcpy(addr.ip, &sockaddr->Ipv6.sin6_addr, 16);
        addr.scope = sockaddr->Ipv6.sin6_scope_id;
    }
    if (memcmp(addr.ip, zero, sizeof(zero)) == 0)
        return (struct lp_addr){.family = LP_ADDR_NONE};
    return addr;
}
