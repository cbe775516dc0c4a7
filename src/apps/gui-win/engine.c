#include "apps/gui-win/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "apps/common/log.h"
#include "apps/gui-win/partyping.h"
#include "apps/player-win/player.h"
#include "apps/tunnel/reporttext.h"
#include "apps/tunnel/tunnel.h"
#include "base/hex.h"
#include "diag/text.h"

#define METRIC       1 /* games' broadcasts leave by this adapter */
#define GATHER_MS    50
#define QUEUE        16
#define LOG_LINES    24
#define LOG_LINE_LEN 160
#define RELAY_LEN    (LP_INVITE_HOST_MAX + 16)

struct lp_gui_engine {
    HANDLE thread;
    HWND window;
    UINT message;
    unsigned run;
    char relay[RELAY_LEN];
    char room[LP_ROOM_CODE_MAX + 1];
    char name[LP_NAME_MAX + 1];
    char pin[2 * LP_INVITE_PIN_LEN + 1];
    char server_name[LP_INVITE_HOST_MAX + 1];

    /* between the two threads */
    CRITICAL_SECTION lock;
    struct lp_gui_snapshot queue[QUEUE];
    unsigned first;
    unsigned count;
    uv_async_t wake;
    bool wake_open;
    bool stop;

    /* the engine's thread alone */
    struct lp_tunnel_options options;
    struct lp_tunnel tunnel;
    struct lp_player player;
    struct lp_partyping ping;
    struct lp_gui_snapshot now; /* scratch */
    uv_timer_t gather;
    bool gather_open;
    bool joined;
    enum lp_gui_step step;
    enum lp_gui_failure failure;
    enum lp_reject_code reject_code;
    char reason[LP_GUI_TEXT_LEN]; /* of the failure or loss */
    char last_error[LP_GUI_TEXT_LEN];
    char log[LOG_LINES][LOG_LINE_LEN]; /* the newest at log_next - 1 */
    unsigned log_next;
};

/* ---- snapshots ---- */

static void push(struct lp_gui_engine *engine)
{
    EnterCriticalSection(&engine->lock);
    if (engine->count == QUEUE) {
        engine->first = (engine->first + 1) % QUEUE;
        engine->count--;
    }
    engine->queue[(engine->first + engine->count++) % QUEUE] = engine->now;
    LeaveCriticalSection(&engine->lock);
    PostMessageW(engine->window, engine->message, 0, 0);
}

bool lp_gui_engine_take(struct lp_gui_engine *engine, struct lp_gui_snapshot *ret_snapshot)
{
    bool taken;

    EnterCriticalSection(&engine->lock);
    taken = engine->count > 0;
    if (taken) {
        *ret_snapshot = engine->queue[engine->first];
        engine->first = (engine->first + 1) % QUEUE;
        engine->count--;
    }
    LeaveCriticalSection(&engine->lock);
    return taken;
}

static void add_player(struct lp_gui_snapshot *now, uint32_t peer_id, const char *name,
                       bool gateway, bool self)
{
    struct lp_gui_player *player;

    now->players_present += !gateway;
    if (now->player_count == LP_GUI_PLAYERS_MAX)
        return;
    player = &now->player[now->player_count++];
    player->peer_id = peer_id;
    player->gateway = gateway;
    player->self = self;
    snprintf(player->name, sizeof(player->name), "%s", name);
}

/* Without a name the others see the PC's. */
static void add_self(struct lp_gui_engine *engine, uint32_t peer_id)
{
    char name[LP_NAME_MAX + 1] = "";
    size_t size = sizeof(name);

    if (engine->name[0] == '\0' && uv_os_gethostname(name, &size) != 0)
        name[0] = '\0';
    add_player(&engine->now, peer_id, engine->name[0] != '\0' ? engine->name : name, false,
               true);
}

static void add_room(struct lp_gui_engine *engine, const struct lp_node_view *view)
{
    struct lp_gui_snapshot *now = &engine->now;
    const struct lp_room_peer *peer;

    now->gateway_present = view->gateway_present;
    if (view->room->gateway != NULL)
        add_player(now, view->room->gateway->peer_id, view->room->gateway->name, true, false);
    add_self(engine, view->peer_id);
    for (peer = view->room->by_id; peer != NULL; peer = peer->by_id.next) {
        if (peer->present && peer->role == LP_ROLE_CLIENT)
            add_player(now, peer->peer_id, peer->name, false, false);
    }
}

static void add_address(struct lp_gui_engine *engine)
{
    const struct lp_player *player = &engine->player;

    engine->now.has_address = player->has_address;
    if (player->has_address)
        lp_addr_format_ip(&player->address.addr, engine->now.address);
    snprintf(engine->now.warning, sizeof(engine->now.warning), "%s", lp_player_warning(player));
}

static void add_report(struct lp_gui_engine *engine)
{
    struct lp_report_text sentences;
    struct lp_text t;

    lp_text_init(&t, engine->now.report, sizeof(engine->now.report));
    if (engine->tunnel.node != NULL) {
        json_t *report = lp_tunnel_report(&engine->tunnel);

        lp_report_text_format(report, &sentences);
        json_decref(report);
        for (unsigned i = 0; i < LP_REPORT_LINES; i++)
            lp_text_printf(&t, "%.700s\n", sentences.line[i]);
        lp_text_printf(&t, "\n");
    }
    for (unsigned i = 0; i < LOG_LINES; i++) {
        const char *line = engine->log[(engine->log_next + i) % LOG_LINES];

        if (line[0] != '\0')
            lp_text_printf(&t, "%s\n", line);
    }
}

static void say(struct lp_gui_engine *engine, enum lp_gui_news news, bool sample)
{
    struct lp_gui_snapshot *now = &engine->now;
    struct lp_node_view view;

    memset(now, 0, sizeof(*now));
    now->run = engine->run;
    now->news = news;
    now->step = engine->step;
    now->failure = engine->failure;
    now->reject_code = engine->reject_code;
    snprintf(now->text, sizeof(now->text), "%s", engine->reason);
    now->relay_ms = now->party_ms = -1;
    if (engine->tunnel.node != NULL) {
        lp_node_view(engine->tunnel.node, &view);
        if (view.connected && view.quic.srtt_ns != 0)
            now->relay_ms = (double)view.quic.srtt_ns / 1e6;
        now->packets_sent = view.connected ? view.quic.packets_sent : 0;
        now->packets_lost = view.connected ? view.quic.packets_lost : 0;
        now->sample = sample;
        now->party_ms = engine->ping.ms;
        add_room(engine, &view);
        add_address(engine);
    }
    add_report(engine);
    push(engine);
    if (engine->gather_open)
        uv_timer_stop(&engine->gather); /* what it was to say is in this one */
}

static void on_gathered(uv_timer_t *timer)
{
    struct lp_gui_engine *engine = timer->data;

    if (engine->joined)
        say(engine, LP_GUI_NEWS_JOINED, false);
}

/*
 * Who comes and goes is gathered: a snapshot is the whole report, and a relay may announce thousands
 * of players a second.
 */
static void say_soon(struct lp_gui_engine *engine)
{
    if (engine->joined && !uv_is_active((uv_handle_t *)&engine->gather))
        uv_timer_start(&engine->gather, on_gathered, GATHER_MS, 0);
}

static void tell_step(struct lp_gui_engine *engine, enum lp_gui_step step)
{
    engine->step = step;
    say(engine, LP_GUI_NEWS_STEP, false);
}

/* The first failure is the cause of those after it. */
static void fail(struct lp_gui_engine *engine, enum lp_gui_failure failure, const char *reason)
{
    if (engine->failure != LP_GUI_FAILURE_NONE)
        return;
    engine->failure = failure;
    snprintf(engine->reason, sizeof(engine->reason), "%s", reason);
}

/* ---- hooks ---- */

static void on_log(void *user, enum lp_log_level level, const char *line)
{
    struct lp_gui_engine *engine = user;
    time_t now = (time_t)lp_clock_unix_s();
    const struct tm *local = localtime(&now);
    char stamp[16] = "";

    if (level == LP_LOG_ERROR)
        snprintf(engine->last_error, sizeof(engine->last_error), "%s", line);
    if (local != NULL)
        strftime(stamp, sizeof(stamp), "%H:%M:%S ", local);
    snprintf(engine->log[engine->log_next], LOG_LINE_LEN, "%s%.140s", stamp, line);
    engine->log_next = (engine->log_next + 1) % LOG_LINES;
}

static enum lp_exit on_resolved(void *user)
{
    struct lp_gui_engine *engine = user;
    char why[LP_WHY_LEN];

    if (engine->tunnel.ending)
        return LP_EXIT_FAILURE; /* the answer came after the player had left */
    if (lp_player_pin(&engine->player, why) < 0) {
        fail(engine, LP_GUI_FAILURE_SERVICE, why);
        return lp_tunnel_say(LP_EXIT_RESOURCE, why);
    }
    tell_step(engine, LP_GUI_STEP_RELAY);
    return LP_EXIT_OK;
}

static void on_event(void *user, const struct lp_node_event *event)
{
    struct lp_gui_engine *engine = user;

    switch (event->kind) {
    case LP_NODE_EVENT_UNANSWERED:
        say(engine, LP_GUI_NEWS_UNANSWERED, false);
        break;
    case LP_NODE_EVENT_LOST:
        engine->joined = false;
        snprintf(engine->reason, sizeof(engine->reason), "%s", event->text);
        say(engine, LP_GUI_NEWS_LOST, false);
        break;
    case LP_NODE_EVENT_REJECTED:
        engine->reject_code = event->reject_code;
        if (event->final)
            fail(engine, LP_GUI_FAILURE_REJECTED, event->text);
        break;
    case LP_NODE_EVENT_REFUSED:
        if (event->final)
            fail(engine, LP_GUI_FAILURE_REFUSED, event->text);
        break;
    case LP_NODE_EVENT_PEER_JOINED:
    case LP_NODE_EVENT_PEER_LEFT:
        say_soon(engine);
        break;
    case LP_NODE_EVENT_CONNECTING:
    case LP_NODE_EVENT_JOINED:
    case LP_NODE_EVENT_GATEWAY_CHANGED:
    case LP_NODE_EVENT_PROTOCOL:
    case LP_NODE_EVENT_FAILED:
        break;
    }
}

static enum lp_exit on_joined(void *user, const struct lp_welcome *welcome)
{
    struct lp_gui_engine *engine = user;
    char why[LP_WHY_LEN];

    engine->reason[0] = '\0';
    tell_step(engine, LP_GUI_STEP_ROOM);
    if (lp_player_join(&engine->player, welcome, why) < 0) {
        fail(engine, LP_GUI_FAILURE_SERVICE, why);
        return lp_tunnel_say(LP_EXIT_RESOURCE, why);
    }
    engine->joined = true;
    say(engine, LP_GUI_NEWS_JOINED, false);
    return LP_EXIT_OK;
}

static void on_gateway_changed(void *user, uint32_t gateway_peer_id)
{
    struct lp_gui_engine *engine = user;

    lp_player_gateway_changed(&engine->player, gateway_peer_id);
    say_soon(engine);
}

static bool on_edge_frame(void *user, const struct lp_superframe *frame, uint64_t now_ns)
{
    (void)now_ns;
    return lp_player_edge_filter(&((struct lp_gui_engine *)user)->player, frame);
}

static void on_link_lost(void *user)
{
    lp_player_link_lost(&((struct lp_gui_engine *)user)->player);
}

static void on_second(void *user, uint64_t now_ns)
{
    struct lp_gui_engine *engine = user;
    const struct lp_player *player = &engine->player;

    if (engine->tunnel.ending)
        return;
    lp_player_second(&engine->player, now_ns);
    if (!engine->joined)
        return;
    if (!player->has_address)
        engine->ping.ms = -1;
    else
        (void)lp_partyping_start(&engine->ping, lp_driver_uv(engine->tunnel.driver),
                                 player->adapter.instance);
    say(engine, LP_GUI_NEWS_JOINED, true);
}

static void on_report(void *user, json_t *object)
{
    lp_player_report(&((const struct lp_gui_engine *)user)->player, object);
}

static const struct lp_tunnel_hooks hooks = {
    .resolved = on_resolved,
    .event = on_event,
    .joined = on_joined,
    .gateway_changed = on_gateway_changed,
    .edge_filter = on_edge_frame,
    .link_lost = on_link_lost,
    .second = on_second,
    .report = on_report,
};

/* ---- what is in the loop; the other thread's wish ---- */

static void on_wake(uv_async_t *async)
{
    struct lp_gui_engine *engine = async->data;

    lp_tunnel_end(&engine->tunnel, LP_EXIT_OK);
}

static void open_handles(struct lp_gui_engine *engine)
{
    uv_timer_init(lp_driver_uv(engine->tunnel.driver), &engine->gather);
    engine->gather.data = engine;
    engine->gather_open = true;
    EnterCriticalSection(&engine->lock);
    engine->wake.data = engine;
    engine->wake_open =
        uv_async_init(lp_driver_uv(engine->tunnel.driver), &engine->wake, on_wake) == 0;
    LeaveCriticalSection(&engine->lock);
}

static void close_handles(struct lp_gui_engine *engine)
{
    if (engine->gather_open)
        uv_close((uv_handle_t *)&engine->gather, NULL);
    engine->gather_open = false;
    EnterCriticalSection(&engine->lock);
    if (engine->wake_open)
        uv_close((uv_handle_t *)&engine->wake, NULL);
    engine->wake_open = false;
    LeaveCriticalSection(&engine->lock);
}

void lp_gui_engine_stop(struct lp_gui_engine *engine)
{
    EnterCriticalSection(&engine->lock);
    engine->stop = true;
    if (engine->wake_open)
        uv_async_send(&engine->wake);
    LeaveCriticalSection(&engine->lock);
}

static bool is_stopped(struct lp_gui_engine *engine)
{
    bool stop;

    EnterCriticalSection(&engine->lock);
    stop = engine->stop;
    LeaveCriticalSection(&engine->lock);
    return stop;
}

/* ---- a run ---- */

static enum lp_gui_failure failure_of(enum lp_player_trouble trouble)
{
    switch (trouble) {
    case LP_PLAYER_NO_ADAPTER:
    case LP_PLAYER_NO_CHOICE:
        return LP_GUI_FAILURE_ADAPTER;
    case LP_PLAYER_NO_SETTINGS:
        return LP_GUI_FAILURE_SERVICE;
    case LP_PLAYER_FINE:
    case LP_PLAYER_NO_LINK:
        break;
    }
    return LP_GUI_FAILURE_OTHER;
}

static enum lp_exit run_tunnel(struct lp_gui_engine *engine)
{
    struct lp_player_config config = {
        .open_settings = lp_wincfg_open_service, .own_adapter = true, .metric = METRIC};
    char why[LP_ADAPTERS_WHY_LEN] = "";
    enum lp_player_trouble trouble;
    enum lp_exit status;

    tell_step(engine, LP_GUI_STEP_ADAPTER);
    status = lp_tunnel_prepare(&engine->tunnel, LP_ROLE_CLIENT, &engine->options,
                               "lanparty-client-identity.json", &hooks, engine);
    if (status != LP_EXIT_OK)
        return status;
    open_handles(engine);
    config.mac = engine->tunnel.identity.mac;
    trouble = lp_player_set_up(&engine->player, &config, &engine->tunnel, why);
    if (trouble != LP_PLAYER_FINE) {
        fail(engine, failure_of(trouble), why);
        return lp_tunnel_say(LP_EXIT_RESOURCE, why);
    }
    if (is_stopped(engine))
        return LP_EXIT_OK;
    tell_step(engine, LP_GUI_STEP_LOOKUP);
    return lp_tunnel_run(&engine->tunnel, &config.mac);
}

/*
 * A look-up or a ping that is under way cannot be stopped and must not outlive its loop. A second
 * for the ping; the system's resolver may take longer without a network, and nobody waits here but
 * the player who sees "Disconnecting".
 */
static void let_threads_end(struct lp_gui_engine *engine)
{
    if (engine->tunnel.driver == NULL)
        return;
    engine->tunnel.ending = true;
    while (engine->tunnel.resolution != NULL || engine->ping.under_way)
        uv_run(lp_driver_uv(engine->tunnel.driver), UV_RUN_ONCE);
}

static DWORD WINAPI on_thread(void *user)
{
    struct lp_gui_engine *engine = user;
    enum lp_exit status;

    lp_log_set_sink(on_log, engine);
    status = run_tunnel(engine);
    if (status != LP_EXIT_OK)
        fail(engine,
             engine->step == LP_GUI_STEP_LOOKUP ? LP_GUI_FAILURE_LOOKUP : LP_GUI_FAILURE_OTHER,
             engine->last_error);
    lp_player_undo(&engine->player);
    close_handles(engine);
    let_threads_end(engine);
    lp_tunnel_finish(&engine->tunnel, status);
    memset(&engine->tunnel, 0, sizeof(engine->tunnel));
    lp_log_set_sink(NULL, NULL);
    say(engine, LP_GUI_NEWS_ENDED, false);
    return 0;
}

/* What the command line would have said. */
static void set_options(struct lp_gui_engine *engine, const struct lp_invite *party,
                        const char *name)
{
    bool v6 = strchr(party->host, ':') != NULL;
    struct lp_tunnel_options *options = &engine->options;

    lp_tunnel_options_defaults(options);
    snprintf(engine->relay, sizeof(engine->relay), v6 ? "[%s]:%u" : "%s:%u", party->host,
             party->port);
    snprintf(engine->room, sizeof(engine->room), "%s", party->room);
    snprintf(engine->name, sizeof(engine->name), "%s", name);
    snprintf(engine->server_name, sizeof(engine->server_name), "%s", party->server_name);
    options->relay = engine->relay;
    options->room = engine->room;
    options->name = name[0] != '\0' ? engine->name : NULL;
    options->server_name = party->server_name[0] != '\0' ? engine->server_name : NULL;
    options->report_interval = 0;
    if (party->has_pin) {
        lp_hex_encode(party->pin, LP_INVITE_PIN_LEN, engine->pin);
        options->pin = engine->pin;
    }
}

struct lp_gui_engine *lp_gui_engine_start(const struct lp_invite *party, const char *name,
                                          unsigned run, HWND window, UINT message)
{
    struct lp_gui_engine *engine = calloc(1, sizeof(*engine));

    if (engine == NULL)
        return NULL;
    engine->run = run;
    engine->window = window;
    engine->message = message;
    engine->ping.ms = -1;
    InitializeCriticalSection(&engine->lock);
    set_options(engine, party, name);
    engine->thread = CreateThread(NULL, 0, on_thread, engine, 0, NULL);
    if (engine->thread == NULL) {
        DeleteCriticalSection(&engine->lock);
        free(engine);
        return NULL;
    }
    return engine;
}

bool lp_gui_engine_wait(struct lp_gui_engine *engine, unsigned ms)
{
    return WaitForSingleObject(engine->thread, ms) == WAIT_OBJECT_0;
}

void lp_gui_engine_free(struct lp_gui_engine *engine)
{
    if (engine == NULL)
        return;
    WaitForSingleObject(engine->thread, INFINITE);
    CloseHandle(engine->thread);
    DeleteCriticalSection(&engine->lock);
    free(engine);
}
