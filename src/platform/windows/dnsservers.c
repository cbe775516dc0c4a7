/* The DNS servers set for an adapter by hand; "automatic" when there are none, so DHCP's are used. */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "platform/settings/values.h"
#include "platform/windows/backend.h"
#include "platform/windows/errno.h"

/* Windows separates by commas or spaces; ours is the comma. */
static int to_value(const wchar_t *servers, char ret_value[LP_SETTING_VALUE_LEN])
{
    int err = lp_utf8_from_wide(servers, ret_value, LP_SETTING_VALUE_LEN);

    if (err < 0)
        return err;
    for (char *p = ret_value; *p != '\0'; p++) {
        if (*p == ' ')
            *p = ',';
    }
    return 0;
}

int lp_dns_servers_get(const struct lp_iphelper *iph, const char *guid,
                       char ret_value[LP_SETTING_VALUE_LEN])
{
    struct lp_dns_interface_settings settings = {.version = LP_DNS_SETTINGS_VERSION1};
    GUID adapter;
    DWORD err;
    int result = 0;

    if (lp_guid_parse(guid, &adapter) != 0)
        return LP_ERR_INVALID;
    err = LP_IPHELPER_CALL(iph, GetInterfaceDnsSettings, adapter, &settings);
    if (err != NO_ERROR)
        return lp_err_from_win32(err);
    if (settings.name_server == NULL || settings.name_server[0] == L'\0')
        snprintf(ret_value, LP_SETTING_VALUE_LEN, "automatic");
    else
        result = to_value(settings.name_server, ret_value);
    if (iph->FreeInterfaceDnsSettings != NULL)
        iph->FreeInterfaceDnsSettings(&settings);
    return result;
}

int lp_dns_servers_set(const struct lp_iphelper *iph, const char *guid, const char *value)
{
    struct lp_dns_interface_settings settings = {.version = LP_DNS_SETTINGS_VERSION1,
                                                 .flags = LP_DNS_SETTINGS_NAME_SERVER};
    wchar_t servers[LP_SETTING_VALUE_LEN] = L"";
    GUID adapter;

    if (lp_guid_parse(guid, &adapter) != 0)
        return LP_ERR_INVALID;
    if (strcmp(value, "automatic") != 0 &&
        lp_wide_from_utf8(value, servers, LP_SETTING_VALUE_LEN) != 0)
        return LP_ERR_INVALID;
    settings.name_server = servers;
    return lp_err_from_win32(
        LP_IPHELPER_CALL(iph, SetInterfaceDnsSettings, adapter, &settings));
}
