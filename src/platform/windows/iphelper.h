/*
 * The IP Helper calls that this program makes, found at run time: a system that lacks one (Wine lacks
 * several) must still start the program, and gets "not supported" for that call alone.
 *
 * The table is a value; filling it is cheap and the library stays loaded. Adapters are keyed by GUID
 * and LUID, never by index: an index belongs to somebody else after an adapter was restarted.
 */
#ifndef LP_PLATFORM_WINDOWS_IPHELPER_H
#define LP_PLATFORM_WINDOWS_IPHELPER_H

#include "base/addr.h"
#include "platform/windows/win.h"
#include "platform/windows/wincfg.h"

/* Windows 10 2004 and later; not in every SDK. Layout: netioapi.h, DNS_INTERFACE_SETTINGS version 1. */
#define LP_DNS_SETTINGS_VERSION1    1u
#define LP_DNS_SETTINGS_IPV6        0x0001u
#define LP_DNS_SETTINGS_NAME_SERVER 0x0002u
struct lp_dns_interface_settings {
    ULONG version;
    ULONG64 flags;
    PWSTR domain;
    PWSTR name_server;
    PWSTR search_list;
    ULONG registration_enabled;
    ULONG register_adapter_name;
    ULONG enable_llmnr;
    ULONG query_adapter_name;
    PWSTR profile_name_server;
};
_Static_assert(sizeof(struct lp_dns_interface_settings) == 64, "layout of the 64-bit system");
_Static_assert(sizeof(MIB_IPINTERFACE_ROW) == 168, "layout of the 64-bit system");

/* X(name): the type is the one that the system's header declares. */
#define LP_IPHELPER_TABLE(X)                                                                   \
    X(ConvertInterfaceGuidToLuid)                                                              \
    X(ConvertInterfaceLuidToAlias)                                                             \
    X(ConvertInterfaceLuidToGuid)                                                              \
    X(ConvertInterfaceLuidToIndex)                                                             \
    X(CreateIpForwardEntry2)                                                                   \
    X(DeleteIpForwardEntry2)                                                                   \
    X(FreeMibTable)                                                                            \
    X(GetBestRoute2)                                                                           \
    X(GetIpForwardTable2)                                                                      \
    X(GetIpInterfaceEntry)                                                                     \
    X(InitializeIpForwardEntry)                                                                \
    X(InitializeIpInterfaceEntry)                                                              \
    X(SetIpInterfaceEntry)

struct lp_iphelper {
#define X(name) __typeof__(name) *name;
    LP_IPHELPER_TABLE(X)
#undef X
    DWORD(WINAPI *SetInterfaceDnsSettings)(GUID, const struct lp_dns_interface_settings *);
    BOOL(WINAPI *DnsFlushResolverCache)(void); /* of dnsapi.dll */
};

/* What the system lacks stays NULL. */
void lp_iphelper_load(struct lp_iphelper *ret_iph);

/* A call that may be absent; its value is a Windows error number. */
#define LP_IPHELPER_CALL(iph, name, ...)                                                       \
    ((iph)->name != NULL ? (DWORD)(iph)->name(__VA_ARGS__) : (DWORD)ERROR_CALL_NOT_IMPLEMENTED)

/* Texts of GUIDs: "{8-4-4-4-12}". LP_ERR_MALFORMED when it is none. */
int lp_guid_parse(const char *text, GUID *ret_guid);
char *lp_guid_format(const GUID *guid, char text[LP_ADAPTER_GUID_LEN]);
/* LP_ERR_NOTFOUND: no such interface (now). */
int lp_luid_of(const struct lp_iphelper *iph, const char *guid, NET_LUID *ret_luid);

void lp_sockaddr_from_addr(const struct lp_addr *addr, SOCKADDR_INET *ret_sockaddr);
struct lp_addr lp_addr_from_sockaddr(const SOCKADDR_INET *sockaddr);
static inline ADDRESS_FAMILY lp_family_of(const struct lp_addr *addr)
{
    return addr->family == LP_ADDR_IPV6 ? AF_INET6 : AF_INET;
}

#endif
