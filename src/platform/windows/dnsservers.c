/*
 * The DNS servers set for an adapter by hand; "automatic" when there are none, so those of DHCP, DHCPv6 and
 * router advertisements are used. They are read where Windows keeps them, in NameServer of Tcpip and
 * Tcpip6: GetInterfaceDnsSettings is not documented to give those of IPv6, nor by hand ones alone.
 * SetInterfaceDnsSettings (Windows 10 2004 and later) writes them and tells the DNS client; without it the
 * values are written. What was resolved before is forgotten then.
 */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "platform/settings/values.h"
#include "platform/windows/backend.h"
#include "platform/windows/errno.h"

#define SERVICES    L"SYSTEM\\CurrentControlSet\\Services\\"
#define NAME_SERVER L"NameServer"
#define PATH_LEN    160
/* Windows takes more servers than a value of ours: those are known to be others. */
#define LIST_LEN   1024
#define SEPARATORS ", "

static bool is_ipv6(const struct lp_setting *setting)
{
    return setting->kind == LP_SETTING_IPV6_DNS_SERVERS;
}

/* One spelling for each list, whatever Windows makes of ours. */
static void to_value(char *text, char ret_value[LP_SETTING_VALUE_LEN])
{
    struct lp_addr servers[LP_DNS_SERVERS_MAX];
    unsigned count = 0;
    char *at = NULL;

    for (char *word = strtok_s(text, SEPARATORS, &at); word != NULL;
         word = strtok_s(NULL, SEPARATORS, &at)) {
        if (count == LP_DNS_SERVERS_MAX || lp_addr_parse_ip(word, 0, &servers[count]) != 0 ||
            !lp_dns_is_server(&servers[count])) {
            strcpy(ret_value, LP_DNS_OTHER);
            return;
        }
        count++;
    }
    if (count > 0)
        lp_dns_value(servers, count, ret_value);
    else
        strcpy(ret_value, LP_DNS_AUTOMATIC);
}

static void value_of_wide(const wchar_t *wide, char ret_value[LP_SETTING_VALUE_LEN])
{
    char text[LIST_LEN];

    if (lp_utf8_from_wide(wide, text, sizeof(text)) != 0)
        strcpy(ret_value, LP_DNS_OTHER);
    else
        to_value(text, ret_value);
}

/* ---- the registry ---- */

static DWORD open_key(const struct lp_setting *setting, REGSAM access, HKEY *ret_key)
{
    wchar_t path[PATH_LEN];

    _snwprintf(path, PATH_LEN, SERVICES L"%ls\\Parameters\\Interfaces\\%hs",
               is_ipv6(setting) ? L"Tcpip6" : L"Tcpip", setting->target);
    path[PATH_LEN - 1] = L'\0';
    return (DWORD)RegOpenKeyExW(HKEY_LOCAL_MACHINE, path, 0, access, ret_key);
}

static DWORD set_in_registry(const struct lp_setting *setting, const wchar_t *servers)
{
    DWORD size = (DWORD)((wcslen(servers) + 1) * sizeof(*servers));
    HKEY key;
    DWORD err = open_key(setting, KEY_SET_VALUE, &key);

    if (err != NO_ERROR)
        return err;
    err = (DWORD)RegSetValueExW(key, NAME_SERVER, 0, REG_SZ, (const BYTE *)servers, size);
    RegCloseKey(key);
    return err;
}

/* ---- one setting ---- */

int lp_dns_servers_get(const struct lp_iphelper *iph, const struct lp_setting *setting,
                       char ret_value[LP_SETTING_VALUE_LEN])
{
    wchar_t servers[LIST_LEN] = L"";
    DWORD size = sizeof(servers);
    HKEY key;
    DWORD err;

    err = open_key(setting, KEY_QUERY_VALUE, &key);
    if (err == NO_ERROR) {
        err = (DWORD)RegGetValueW(key, NULL, NAME_SERVER, RRF_RT_REG_SZ, NULL, servers, &size);
        RegCloseKey(key);
    }
    switch (err) {
    case NO_ERROR:
        value_of_wide(servers, ret_value);
        break;
    case ERROR_FILE_NOT_FOUND:
        strcpy(ret_value, LP_DNS_AUTOMATIC);
        break;
    case ERROR_MORE_DATA:
        strcpy(ret_value, LP_DNS_OTHER);
        break;
    default:
        return lp_err_from_win32(err);
    }
    /* IPv6 is switched off: nobody gives servers of it; but what is there of ours must go */
    if (is_ipv6(setting) && strcmp(ret_value, LP_DNS_AUTOMATIC) == 0 &&
        lp_ip_interface_lacks_ipv6(iph, setting->target))
        return LP_ERR_NOTFOUND;
    return 0;
}

int lp_dns_servers_set(const struct lp_iphelper *iph, const struct lp_setting *setting,
                       const char *value)
{
    struct lp_dns_interface_settings settings = {.version = LP_DNS_SETTINGS_VERSION1,
                                                 .flags = LP_DNS_SETTINGS_NAME_SERVER};
    wchar_t servers[LP_SETTING_VALUE_LEN] = L"";
    GUID adapter;
    DWORD err;

    if (lp_guid_parse(setting->target, &adapter) != 0)
        return LP_ERR_INVALID;
    if (strcmp(value, LP_DNS_AUTOMATIC) != 0 &&
        lp_wide_from_utf8(value, servers, LP_SETTING_VALUE_LEN) != 0)
        return LP_ERR_INVALID;
    if (is_ipv6(setting))
        settings.flags |= LP_DNS_SETTINGS_IPV6;
    settings.name_server = servers;
    err = LP_IPHELPER_CALL(iph, SetInterfaceDnsSettings, adapter, &settings);
    if (err == ERROR_CALL_NOT_IMPLEMENTED)
        err = set_in_registry(setting, servers);
    if (err == NO_ERROR && iph->DnsFlushResolverCache != NULL)
        iph->DnsFlushResolverCache();
    return lp_err_from_win32(err);
}
