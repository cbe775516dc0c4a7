/*
 * What the probes of `--selftest` share: the adapter under test and what was opened and changed of it. One probe
 * at a time works with it, but for `instance`, `relay` and `adapter`, which do not change once they are there.
 * Windows only.
 */
#ifndef LP_APPS_CLIENT_WIN_SELFTEST_BENCH_H
#define LP_APPS_CLIENT_WIN_SELFTEST_BENCH_H

#include "apps/client-win/selftest/run.h"
#include "platform/platform.h"
#include "platform/windows/backend.h"
#include "platform/windows/nic.h"
#include "platform/windows/tap.h"

/* What is compared before and after. */
#define LP_BENCH_KEPT 5

struct lp_selftest_bench {
    const char *instance; /* as given, NULL */
    const char *relay;    /* as given, NULL */
    struct lp_tap_adapter adapter;
    struct lp_addr relay_addr; /* family NONE: not given, or not resolved */
    struct lp_nic nic;
    struct lp_win_settings settings; /* reads only; lp_wincfg changes */
    struct lp_wincfg *cfg;
    struct lp_mac mac;                                /* the one that is tried */
    char before[LP_BENCH_KEPT][LP_SETTING_VALUE_LEN]; /* "" where there was none */
    struct lp_tap *tap;
    HANDLE tap_event; /* frames have come */
};

#define X(name, id, probe, needs, gives, limit_ms, shows, expected)                            \
    lp_selftest_probe lp_probe_##probe;
LP_SELFTEST_TABLE(X)
#undef X

/* ---- shared between probes ---- */

/* All interfaces with addresses and DNS servers; the caller's to free, NULL when there are none. */
IP_ADAPTER_ADDRESSES *lp_bench_interfaces(void);
/* Its connection name in UTF-8. */
char *lp_bench_name(const IP_ADAPTER_ADDRESSES *interface_row, char name[LP_IF_NAME_LEN]);
/* An IPv4 metric; false: it has no IPv4. */
bool lp_bench_metric(const struct lp_selftest_bench *bench, const NET_LUID *luid,
                     unsigned *ret_metric);
/* One setting of the adapter as a text of settings/values.h. */
int lp_bench_get(struct lp_selftest_bench *bench, enum lp_setting_kind kind,
                 char ret_value[LP_SETTING_VALUE_LEN]);

#endif
