#include "apps/client-win/selftest/bench.h"

#include <stdio.h>
#include <stdlib.h>

#include "platform/windows/errno.h"

/* The list can grow between asking for its size and asking for it. */
#define LIST_BYTES_FIRST 32768u
#define LIST_TRIES       5

IP_ADAPTER_ADDRESSES *lp_bench_interfaces(void)
{
    ULONG flags = GAA_FLAG_SKIP_ANYCAST | GAA_FLAG_SKIP_MULTICAST;
    ULONG size = LIST_BYTES_FIRST;

    for (unsigned i = 0; i < LIST_TRIES; i++) {
        IP_ADAPTER_ADDRESSES *list = malloc(size);
        ULONG number =
            list != NULL ? GetAdaptersAddresses(AF_UNSPEC, flags, NULL, list, &size) : NO_ERROR;

        if (list != NULL && number == NO_ERROR)
            return list;
        free(list);
        if (number != ERROR_BUFFER_OVERFLOW)
            return NULL;
    }
    return NULL;
}

char *lp_bench_name(const IP_ADAPTER_ADDRESSES *interface_row, char name[LP_IF_NAME_LEN])
{
    if (lp_utf8_from_wide(interface_row->FriendlyName, name, LP_IF_NAME_LEN) != 0)
        snprintf(name, LP_IF_NAME_LEN, "another adapter");
    return name;
}

bool lp_bench_metric(const struct lp_selftest_bench *bench, const NET_LUID *luid,
                     unsigned *ret_metric)
{
    const struct lp_iphelper *iph = &bench->settings.iph;
    MIB_IPINTERFACE_ROW row;

    if (iph->InitializeIpInterfaceEntry == NULL)
        return false;
    iph->InitializeIpInterfaceEntry(&row);
    row.Family = AF_INET;
    row.InterfaceLuid = *luid;
    if (LP_IPHELPER_CALL(iph, GetIpInterfaceEntry, &row) != NO_ERROR)
        return false;
    *ret_metric = row.Metric;
    return true;
}

int lp_bench_get(struct lp_selftest_bench *bench, enum lp_setting_kind kind,
                 char ret_value[LP_SETTING_VALUE_LEN])
{
    const struct lp_settings_backend *backend = &bench->settings.backend;
    struct lp_setting setting = {.kind = kind};

    snprintf(setting.target, sizeof(setting.target), "%s", bench->adapter.instance);
    return backend->get(backend->user, &setting, ret_value);
}
