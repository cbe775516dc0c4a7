/*
 * lanparty-client-win.exe: a player's adapter in the party's LAN, on Windows.
 *
 * Order of the start: options and identity, the adapter's MAC address, media disconnected, the
 * relay's address, its route pinned and verified, QUIC, MTU and metric and no default routes,
 * media connected, the route verified again; then frames flow. What fails undoes what was done
 * before; so does the end, in reverse.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "apps/client-win/options.h"
#include "apps/client-win/selftest/main.h"
#include "apps/common/log.h"
#include "apps/player-win/player.h"
#include "platform/windows/errno.h"

#include <shellapi.h>

struct app {
    struct lp_output errors; /* for people */
    struct lp_client_win_options options;
    struct lp_tunnel tunnel;
    struct lp_player player;
};

/* ---- hooks ---- */

static enum lp_exit on_resolved(void *user)
{
    struct app *app = user;
    char why[LP_WHY_LEN];

    if (lp_player_pin(&app->player, why) < 0)
        return lp_tunnel_say(LP_EXIT_RESOURCE, why);
    return LP_EXIT_OK;
}

static enum lp_exit on_joined(void *user, const struct lp_welcome *welcome)
{
    struct app *app = user;
    char why[LP_WHY_LEN];

    if (lp_player_join(&app->player, welcome, why) < 0)
        return lp_tunnel_say(LP_EXIT_RESOURCE, why);
    return LP_EXIT_OK;
}

static void on_gateway_changed(void *user, uint32_t gateway_peer_id)
{
    lp_player_gateway_changed(&((struct app *)user)->player, gateway_peer_id);
}

static bool on_edge_frame(void *user, const struct lp_superframe *frame, uint64_t now_ns)
{
    (void)now_ns;
    return lp_player_edge_filter(&((struct app *)user)->player, frame);
}

static void on_link_lost(void *user)
{
    lp_player_link_lost(&((struct app *)user)->player);
}

static void on_second(void *user, uint64_t now_ns)
{
    lp_player_second(&((struct app *)user)->player, now_ns);
}

static void on_report(void *user, json_t *object)
{
    lp_player_report(&((const struct app *)user)->player, object);
}

static const struct lp_tunnel_hooks hooks = {
    .resolved = on_resolved,
    .joined = on_joined,
    .gateway_changed = on_gateway_changed,
    .edge_filter = on_edge_frame,
    .link_lost = on_link_lost,
    .second = on_second,
    .report = on_report,
};

/* ---- program ---- */

static enum lp_exit restore(void)
{
    char why[LP_WHY_LEN] = "";
    int count = lp_wincfg_recover(NULL, why);

    if (count < 0)
        return lp_tunnel_say(LP_EXIT_RESOURCE, why);
    lp_log(LP_LOG_INFO, "%d settings put back", count);
    return why[0] != '\0' ? lp_tunnel_say(LP_EXIT_FAILURE, why) : LP_EXIT_OK;
}

/* This process is elevated. */
static int open_settings(struct lp_wincfg **ret_cfg, char why[LP_WHY_LEN])
{
    return lp_wincfg_open_local(NULL, ret_cfg, why);
}

static enum lp_exit set_up(struct app *app, const struct lp_mac *mac)
{
    struct lp_player_config config = {
        .open_settings = open_settings,
        .instance = app->options.tap_instance_id,
        .mac = *mac,
        .mtu = (unsigned)app->options.client.mtu,
        .metric = (unsigned)app->options.tap_metric,
        .use_party_dns = app->options.use_party_dns,
    };
    char why[LP_ADAPTERS_WHY_LEN];

    switch (lp_player_set_up(&app->player, &config, &app->tunnel, why)) {
    case LP_PLAYER_FINE:
        return LP_EXIT_OK;
    case LP_PLAYER_NO_CHOICE:
        return lp_tunnel_say(LP_EXIT_USAGE, why);
    case LP_PLAYER_NO_ADAPTER:
    case LP_PLAYER_NO_SETTINGS:
    case LP_PLAYER_NO_LINK:
        break;
    }
    return lp_tunnel_say(LP_EXIT_RESOURCE, why);
}

static enum lp_exit run(struct app *app)
{
    struct lp_mac mac = {{0}};
    enum lp_exit status = lp_client_options_mac(&app->options.client, &mac);

    if (status != LP_EXIT_OK)
        return status;
    status = lp_tunnel_prepare(&app->tunnel, LP_ROLE_CLIENT, &app->options.tunnel,
                               "lanparty-client-identity.json", &hooks, app);
    if (app->options.client.mac == NULL)
        mac = app->tunnel.identity.mac;
    if (status == LP_EXIT_OK)
        status = set_up(app, &mac);
    if (status == LP_EXIT_OK)
        status = lp_tunnel_run(&app->tunnel, &mac);
    lp_player_undo(&app->player);
    return lp_tunnel_finish(&app->tunnel, status);
}

/* The command line in UTF-8, whatever the system's code page is. Lives as long as the program. */
static char **utf8_arguments(int *ret_argc)
{
    wchar_t **wide = CommandLineToArgvW(GetCommandLineW(), ret_argc);
    char **argv = wide != NULL ? calloc((size_t)*ret_argc + 1, sizeof(*argv)) : NULL;

    for (int i = 0; argv != NULL && i < *ret_argc; i++) {
        size_t capacity = 3 * wcslen(wide[i]) + 1;

        argv[i] = malloc(capacity);
        if (argv[i] == NULL || lp_utf8_from_wide(wide[i], argv[i], capacity) < 0)
            return NULL;
    }
    return argv;
}

/* A console in which text is being selected stalls whoever writes to it. */
static void on_log(void *user, enum lp_log_level level, const char *line)
{
    struct app *app = user;
    char text[LP_LOG_TEXT_LEN];

    lp_output_line(&app->errors, text, lp_log_format(level, line, text));
}

static int do_what_is_asked(struct app *app)
{
    enum lp_exit status;
    int argc;
    char **argv = utf8_arguments(&argc);

    if (argv == NULL)
        return (int)lp_tunnel_say(LP_EXIT_USAGE, "the command line is no valid text");
    lp_client_win_options_defaults(&app->options);
    if (!lp_options_begin(&lp_client_win_program, argc, argv, &app->options, &status))
        return (int)status;
    if (app->options.list_tap_adapters)
        return (int)lp_adapters_list(app->options.tunnel.json);
    if (app->options.restore)
        return (int)restore();
    if (app->options.selftest)
        return (int)lp_selftest_main(&app->options);
    return (int)run(app);
}

int main(void)
{
    static struct app app;
    int status;

    lp_output_init(&app.errors, STDERR_FILENO);
    lp_log_set_sink(on_log, &app);
    status = do_what_is_asked(&app);
    lp_log_set_sink(NULL, NULL);
    lp_output_deinit(&app.errors);
    return status;
}
