#include "apps/client-win/selftest/main.h"

#include <stdio.h>
#include <stdlib.h>

#include "apps/client-win/selftest/bench.h"
#include "apps/tunnel/tunnel.h"

static lp_selftest_probe *const probes[LP_SELFTEST_COUNT] = {
#define X(name, id, probe, needs, gives, limit_ms, shows, expected) lp_probe_##probe,
    LP_SELFTEST_TABLE(X)
#undef X
};

static void put_line(const char *line)
{
    puts(line);
    fflush(stdout);
}

static void report(void *user, const struct lp_selftest_check *check,
                   const struct lp_selftest_result *result)
{
    const struct lp_client_win_options *options = user;
    char line[LP_SELFTEST_LINE_LEN];

    lp_selftest_line(check, result, options->tunnel.json, line);
    put_line(line);
}

enum lp_exit lp_selftest_main(const struct lp_client_win_options *options)
{
    struct lp_selftest_bench *bench = calloc(1, sizeof(*bench));
    struct lp_selftest_progress progress = {.have = 0};
    char line[LP_SELFTEST_LINE_LEN];
    struct lp_selftest_running *running = NULL;
    struct lp_selftest_plan plan = {
        .checks = lp_selftest_checks,
        .probes = probes,
        .count = LP_SELFTEST_COUNT,
        .have = options->tunnel.relay != NULL ? LP_SELFTEST_RELAY : 0,
        .user = bench,
        .report = report,
        .report_user = (void *)(uintptr_t)options,
    };

    if (bench == NULL)
        return lp_tunnel_say(LP_EXIT_FAILURE, "out of memory");
    bench->instance = options->tap_instance_id;
    bench->relay = options->tunnel.relay;
    lp_win_settings_init(&bench->settings);
    if (!lp_selftest_run(&plan, &progress, &running)) {
        free(bench);
        return lp_tunnel_say(LP_EXIT_FAILURE, "out of memory");
    }
    lp_selftest_summary(&progress, options->tunnel.json, line);
    put_line(line);
    if (running != NULL) /* a thread that would keep the program from ending as usual */
        TerminateProcess(GetCurrentProcess(), (UINT)lp_selftest_exit(&progress));
    if (bench->tap_event != NULL)
        CloseHandle(bench->tap_event);
    free(bench);
    return lp_selftest_exit(&progress);
}
