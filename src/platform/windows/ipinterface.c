/*
 * MTU, metric and default routes of an adapter, one IP family at a time, as IP Helper has them. The
 * row is read, changed in one place and written; SitePrefixLength must be 0 for IPv4 or Windows
 * refuses the row that it has given.
 */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "platform/settings/values.h"
#include "platform/windows/backend.h"
#include "platform/windows/errno.h"

/* IP is bound to an adapter a moment after it has started, IPv6 last; then it may not be bound at all. */
#define BOUND_WAIT_MS    100
#define BOUND_TRIES_IPV4 30
#define BOUND_TRIES_IPV6 5

static ADDRESS_FAMILY family_of(enum lp_setting_kind kind)
{
    bool ipv6 = kind == LP_SETTING_IPV6_MTU || kind == LP_SETTING_IPV6_METRIC ||
                kind == LP_SETTING_IPV6_DEFAULT_ROUTES;

    return ipv6 ? AF_INET6 : AF_INET;
}

/* A Windows error number. */
static DWORD read_row(const struct lp_iphelper *iph, ADDRESS_FAMILY family, const char *guid,
                      MIB_IPINTERFACE_ROW *row)
{
    if (iph->InitializeIpInterfaceEntry == NULL)
        return ERROR_CALL_NOT_IMPLEMENTED;
    iph->InitializeIpInterfaceEntry(row);
    row->Family = family;
    switch (lp_luid_of(iph, guid, &row->InterfaceLuid)) {
    case 0:
        return LP_IPHELPER_CALL(iph, GetIpInterfaceEntry, row);
    case LP_ERR_UNSUPPORTED:
        return ERROR_CALL_NOT_IMPLEMENTED;
    default:
        return ERROR_NOT_FOUND;
    }
}

bool lp_ip_interface_lacks_ipv6(const struct lp_iphelper *iph, const char *guid)
{
    MIB_IPINTERFACE_ROW row;

    return read_row(iph, AF_INET6, guid, &row) == ERROR_NOT_FOUND &&
           read_row(iph, AF_INET, guid, &row) == NO_ERROR;
}

static int wait_for_row(const struct lp_iphelper *iph, const struct lp_setting *setting,
                        MIB_IPINTERFACE_ROW *row)
{
    ADDRESS_FAMILY family = family_of(setting->kind);
    int tries = family == AF_INET ? BOUND_TRIES_IPV4 : BOUND_TRIES_IPV6;
    DWORD err = read_row(iph, family, setting->target, row);

    while (err == ERROR_NOT_FOUND && --tries > 0) {
        Sleep(BOUND_WAIT_MS);
        err = read_row(iph, family, setting->target, row);
    }
    if (err != ERROR_NOT_FOUND)
        return lp_err_from_win32(err);
    /*
     * The adapter is there: without IPv6 when that is switched off, without IPv4 only while it is
     * starting or disabled. Then its settings come back with it, and must not be given up.
     */
    if (family == AF_INET6 && lp_ip_interface_lacks_ipv6(iph, setting->target))
        return LP_ERR_NOTFOUND;
    return LP_ERR_AGAIN;
}

int lp_ip_interface_get(const struct lp_iphelper *iph, const struct lp_setting *setting,
                        char ret_value[LP_SETTING_VALUE_LEN])
{
    MIB_IPINTERFACE_ROW row;
    int err = wait_for_row(iph, setting, &row);

    if (err < 0)
        return err;
    switch (setting->kind) {
    case LP_SETTING_IPV4_MTU:
    case LP_SETTING_IPV6_MTU:
        snprintf(ret_value, LP_SETTING_VALUE_LEN, "%lu", row.NlMtu);
        return 0;
    case LP_SETTING_IPV4_METRIC:
    case LP_SETTING_IPV6_METRIC:
        if (row.UseAutomaticMetric)
            snprintf(ret_value, LP_SETTING_VALUE_LEN, "auto");
        else
            snprintf(ret_value, LP_SETTING_VALUE_LEN, "%lu", row.Metric);
        return 0;
    case LP_SETTING_IPV4_DEFAULT_ROUTES:
    case LP_SETTING_IPV6_DEFAULT_ROUTES:
        snprintf(ret_value, LP_SETTING_VALUE_LEN, "%s",
                 row.DisableDefaultRoutes ? "disabled" : "enabled");
        return 0;
    default:
        return LP_ERR_UNSUPPORTED;
    }
}

static int change_row(MIB_IPINTERFACE_ROW *row, enum lp_setting_kind kind, const char *value)
{
    unsigned number = 0;

    switch (kind) {
    case LP_SETTING_IPV4_MTU:
    case LP_SETTING_IPV6_MTU:
        if (lp_value_number(value, UINT16_MAX, &number) != 0)
            return LP_ERR_INVALID;
        row->NlMtu = number;
        return 0;
    case LP_SETTING_IPV4_METRIC:
    case LP_SETTING_IPV6_METRIC:
        row->UseAutomaticMetric = strcmp(value, "auto") == 0;
        if (!row->UseAutomaticMetric && lp_value_number(value, INT32_MAX, &number) != 0)
            return LP_ERR_INVALID;
        row->Metric = number;
        return 0;
    case LP_SETTING_IPV4_DEFAULT_ROUTES:
    case LP_SETTING_IPV6_DEFAULT_ROUTES:
        row->DisableDefaultRoutes = strcmp(value, "disabled") == 0;
        return 0;
    default:
        return LP_ERR_UNSUPPORTED;
    }
}

int lp_ip_interface_set(const struct lp_iphelper *iph, const struct lp_setting *setting,
                        const char *value)
{
    MIB_IPINTERFACE_ROW row;
    int err = wait_for_row(iph, setting, &row);

    if (err == 0)
        err = change_row(&row, setting->kind, value);
    if (err < 0)
        return err;
    if (row.Family == AF_INET)
        row.SitePrefixLength = 0;
    return lp_err_from_win32(LP_IPHELPER_CALL(iph, SetIpInterfaceEntry, &row));
}
