#include "apps/player-win/player.h"

#include <stdio.h>
#include <string.h>

#include "apps/common/log.h"
#include "apps/player-win/broadcast.h"
#include "base/err.h"

#define CHECK_S        5
#define METRIC_DEFAULT 1
/* How long the cable is out when it is pulled for the DHCP client's sake. */
#define MEDIA_PAUSE_MS 200
/* A relay may announce gateways without end: the adapter's addresses are not looked up, nor the cable
 * pulled, more often. */
#define GATEWAY_REST_NS (2 * LP_NS_PER_S)

/* ---- warnings ---- */

/* Said when it is another one than before. */
static void set_warning(struct lp_player *player, enum lp_player_warning kind,
                        const char *warning)
{
    if (strcmp(player->warning[kind], warning) == 0)
        return;
    snprintf(player->warning[kind], sizeof(player->warning[kind]), "%s", warning);
    if (warning[0] != '\0')
        lp_log_sentence(LP_LOG_WARNING, "", warning);
}

const char *lp_player_warning(const struct lp_player *player)
{
    for (unsigned i = 0; i < LP_PLAYER_WARNINGS; i++) {
        if (player->warning[i][0] != '\0')
            return player->warning[i];
    }
    return "";
}

/* ---- the adapter ---- */

static struct lp_link *link_of(const struct lp_player *player)
{
    return lp_driver_link(player->tunnel->driver);
}

static int open_tap(void *arg, uv_loop_t *loop, lp_ready_fn *ready, void *user,
                    struct lp_link **ret_link, char why[LP_WHY_LEN])
{
    const struct lp_player *player = arg;
    struct lp_tap_options tap = {
        .name = player->adapter.instance, .mac = player->config.mac, .mtu = player->mtu};

    return lp_link_open_tap(loop, &tap, ready, user, ret_link, why);
}

/* Opened as it stays until the relay lets us in: with the media disconnected. */
static int open_adapter(struct lp_player *player, char why[LP_WHY_LEN])
{
    return lp_driver_open_link(player->tunnel->driver, open_tap, player, why);
}

static int connect_media(struct lp_player *player, char why[LP_WHY_LEN])
{
    int err = lp_link_set_media(link_of(player), true);

    if (err < 0)
        snprintf(why, LP_WHY_LEN, "the adapter's driver does not connect the media: %s",
                 lp_err_text(err));
    return err;
}

static void on_media_timer(uv_timer_t *timer)
{
    struct lp_player *player = timer->data;
    char why[LP_WHY_LEN];

    if (link_of(player) != NULL && connect_media(player, why) < 0)
        lp_log_sentence(LP_LOG_WARNING, "", why);
}

/* The cable out and in again: Windows's DHCP client then asks at once. */
static void toggle_media(struct lp_player *player, uint64_t now_ns)
{
    struct lp_link *link = link_of(player);

    player->gateway_rest_ns = now_ns + GATEWAY_REST_NS;
    if (link != NULL && player->mtu != 0 && lp_link_set_media(link, false) == 0)
        uv_timer_start(&player->media_timer, on_media_timer, MEDIA_PAUSE_MS, 0);
}

/* MTU, metric and routes first, so that nothing goes wrong from the first packet on. */
static int bring_up(struct lp_player *player, char why[LP_WHY_LEN])
{
    struct lp_wincfg_settings settings = {
        .mtu = player->mtu,
        .metric = player->config.metric,
        .use_party_dns = player->config.use_party_dns,
    };
    char mac[LP_MAC_TEXT_LEN];
    int err = lp_wincfg_configure(player->cfg, &settings, why);

    if (err == 0)
        err = connect_media(player, why);
    if (err == 0)
        err = lp_wincfg_check(player->cfg, &player->status, why);
    if (err < 0)
        return err;
    if (!player->status.route_pinned) {
        snprintf(why, LP_WHY_LEN,
                 "the relay's route left its interface when the adapter came up");
        return LP_ERR_BUSY;
    }
    lp_log(LP_LOG_INFO, "the adapter is up: MAC %s, MTU %u",
           lp_mac_format(&player->config.mac, mac), player->mtu);
    return 0;
}

/* ---- from the start to the end ---- */

static void on_resumed(void *user)
{
    struct lp_player *player = user;

    if (player->tunnel->node != NULL && !player->tunnel->ending)
        lp_node_reconnect(player->tunnel->node, "this PC was asleep",
                          lp_driver_now(player->tunnel->driver));
}

enum lp_player_trouble lp_player_set_up(struct lp_player *player,
                                        const struct lp_player_config *config,
                                        struct lp_tunnel *tunnel, char why[LP_ADAPTERS_WHY_LEN])
{
    int err = config->own_adapter ? lp_adapters_find_own(&player->adapter, why)
                                  : lp_adapters_choose(config->instance, &player->adapter, why);
    uint8_t secret[LP_BROADCAST_SECRET_LEN];

    player->config = *config;
    player->tunnel = tunnel;
    lp_random_bytes(secret, sizeof(secret));
    lp_broadcast_check_init(&player->broadcast, secret);
    if (err < 0)
        return err == LP_ERR_CONFIG ? LP_PLAYER_NO_CHOICE : LP_PLAYER_NO_ADAPTER;
    uv_timer_init(lp_driver_uv(tunnel->driver), &player->media_timer);
    player->media_timer.data = player;
    player->media_timer_open = true;
    player->resume = lp_resume_open(lp_driver_uv(tunnel->driver), on_resumed, player);
    if (config->open_settings(&player->cfg, why) < 0 ||
        lp_wincfg_prepare(player->cfg, player->adapter.instance, &config->mac, why) < 0)
        return LP_PLAYER_NO_SETTINGS;
    return open_adapter(player, why) < 0 ? LP_PLAYER_NO_LINK : LP_PLAYER_FINE;
}

/* The media first: nothing of the party is left on the adapter when its settings go. */
void lp_player_undo(struct lp_player *player)
{
    char why[LP_WHY_LEN];

    if (player->media_timer_open)
        uv_close((uv_handle_t *)&player->media_timer, NULL);
    player->media_timer_open = false;
    lp_resume_close(player->resume);
    player->resume = NULL;
    if (player->tunnel != NULL)
        lp_driver_close_link(player->tunnel->driver);
    lp_wincfg_close(player->cfg, why);
    player->cfg = NULL;
    if (why[0] != '\0')
        lp_log_sentence(LP_LOG_WARNING, "", why);
}

int lp_player_pin(struct lp_player *player, char why[LP_WHY_LEN])
{
    int err = lp_wincfg_pin(player->cfg, &player->tunnel->relay, why);

    if (err == 0)
        player->pinned = player->tunnel->relay;
    return err;
}

int lp_player_join(struct lp_player *player, const struct lp_welcome *welcome,
                   char why[LP_WHY_LEN])
{
    unsigned mtu = player->config.mtu != 0 ? player->config.mtu : welcome->mtu;

    if (player->mtu == mtu)
        return 0; /* the adapter outlived the connection that was lost */
    player->mtu = mtu;
    player->gateway_peer_id = welcome->gateway_peer_id; /* the media comes after it */
    if (link_of(player) == NULL)
        return 0; /* it went away meanwhile: its return brings it up */
    return bring_up(player, why);
}

/* ---- do games find the party? ---- */

static void tell_missed(struct lp_player *player)
{
    struct lp_link_info info = {.index = 0};
    char why[LP_WHY_LEN];

    if (link_of(player) != NULL)
        lp_link_info(link_of(player), &info);
    lp_broadcast_find_cause(player->broadcast_error, info.index,
                            player->config.metric > METRIC_DEFAULT, why);
    set_warning(player, LP_PLAYER_BROADCAST_MISSED, why);
    player->tunnel->report_due = true;
}

static void check_broadcast(struct lp_player *player, uint64_t now_ns)
{
    switch (lp_broadcast_check_on_time(&player->broadcast, now_ns)) {
    case LP_BROADCAST_SEND:
        player->broadcast_error = lp_broadcast_send(&player->broadcast);
        break;
    case LP_BROADCAST_TELL:
        tell_missed(player);
        break;
    case LP_BROADCAST_NOTHING:
        break;
    }
}

/* The program's own broadcast is nothing for the party. */
bool lp_player_edge_filter(struct lp_player *player, const struct lp_superframe *frame)
{
    enum lp_broadcast_verdict before = player->broadcast.verdict;

    if (!lp_broadcast_check_on_frame(&player->broadcast, frame))
        return false;
    if (player->broadcast.verdict == LP_BROADCAST_LEFT && before != LP_BROADCAST_LEFT) {
        lp_log(LP_LOG_INFO, "broadcasts leave by the adapter: games find the party");
        set_warning(player, LP_PLAYER_BROADCAST_MISSED, "");
        player->tunnel->report_due = true;
    }
    return true;
}

/* ---- the party's address ---- */

static void look_for_address(struct lp_player *player)
{
    struct lp_if_address addresses[LP_IF_ADDRESSES_MAX];
    int count =
        lp_interface_addresses(player->adapter.instance, addresses, LP_IF_ADDRESSES_MAX);

    player->has_address = false;
    for (int i = 0; i < count && !player->has_address; i++) {
        if (addresses[i].addr.family != LP_ADDR_IPV4 || addresses[i].link_local)
            continue;
        player->has_address = true;
        player->address = addresses[i];
    }
}

static void check_address(struct lp_player *player)
{
    struct lp_if_address before = player->address;
    bool had = player->has_address;
    char text[LP_ADDR_TEXT_LEN];

    look_for_address(player);
    if (player->has_address == had &&
        (!had || (lp_addr_equal(&before.addr, &player->address.addr) &&
                  before.prefix_len == player->address.prefix_len)))
        return;
    player->tunnel->report_due = true;
    if (player->has_address) {
        lp_log(LP_LOG_INFO, "address from the party: %s/%u",
               lp_addr_format_ip(&player->address.addr, text), player->address.prefix_len);
        lp_broadcast_check_ask(&player->broadcast);
    } else {
        lp_log(LP_LOG_WARNING, "the party's address is gone");
        lp_broadcast_check_forget(&player->broadcast);
        set_warning(player, LP_PLAYER_BROADCAST_MISSED, "");
    }
}

/* ---- the gateway ---- */

/* A player who came before the gateway has no address, and DHCP's next try may be minutes away. */
static void meet_gateway(struct lp_player *player, uint64_t now_ns)
{
    if (!player->gateway_waits || now_ns < player->gateway_rest_ns)
        return;
    player->gateway_waits = false;
    player->gateway_rest_ns = now_ns + GATEWAY_REST_NS;
    check_address(player);
    player->gateway_is_new = player->has_address;
    if (!player->has_address)
        toggle_media(player, now_ns);
}

void lp_player_gateway_changed(struct lp_player *player, uint32_t gateway_peer_id)
{
    if (gateway_peer_id == 0 || gateway_peer_id == player->gateway_peer_id)
        return;
    player->gateway_peer_id = gateway_peer_id;
    player->gateway_waits = true;
    meet_gateway(player, lp_driver_now(player->tunnel->driver));
}

/*
 * A player with an address keeps the cable in when the same gateway comes back (it or the relay was
 * restarted): pulling it would end the player's connections for nothing. Another gateway is another
 * LAN. Peer ids begin anew with the relay, so the name tells, as soon as it is known.
 */
static void check_gateway(struct lp_player *player, uint64_t now_ns)
{
    const struct lp_room_peer *gateway;
    struct lp_node_view view;

    lp_node_view(player->tunnel->node, &view);
    gateway = view.room->gateway;
    if (gateway == NULL)
        return;
    if (player->gateway_is_new && strcmp(gateway->name, player->gateway_name) != 0)
        toggle_media(player, now_ns);
    player->gateway_is_new = false;
    snprintf(player->gateway_name, sizeof(player->gateway_name), "%s", gateway->name);
}

/* ---- while it runs ---- */

/* What Windows or another program changed is put back; the relay's name may mean another address. */
static void check_settings(struct lp_player *player)
{
    char why[LP_WHY_LEN] = "";
    int err = 0;

    if (!lp_addr_equal(&player->pinned, &player->tunnel->relay))
        err = lp_player_pin(player, why);
    if (err == 0)
        err = lp_wincfg_check(player->cfg, &player->status, why);
    if (err == 0 && !player->status.route_pinned) {
        snprintf(why, sizeof(why),
                 "the route to the relay is not pinned: the tunnel may break");
        err = LP_ERR_NOTFOUND;
    }
    if (err == 0 && player->status.reasserted > 0) {
        lp_log(LP_LOG_INFO, "%u settings of the adapter had been changed and were put back",
               player->status.reasserted);
        if (player->has_address)
            lp_broadcast_check_ask(&player->broadcast);
    }
    set_warning(player, LP_PLAYER_SETTINGS_WRONG, err < 0 ? why : "");
}

/* The party's subnet is also another adapter's: then games look in the wrong place. */
static void check_overlap(struct lp_player *player)
{
    char sentence[LP_WHY_LEN];
    bool twice = player->has_address &&
                 lp_interface_find_overlap(player->adapter.instance, sentence) == 1;

    set_warning(player, LP_PLAYER_SUBNET_TWICE, twice ? sentence : "");
}

void lp_player_link_lost(struct lp_player *player)
{
    (void)player;
    lp_log(LP_LOG_WARNING, "the adapter went away: waiting for it");
}

/* Once a second while it is away; why it does not open is said once. */
static void reopen_adapter(struct lp_player *player)
{
    char why[LP_WHY_LEN];
    bool open = open_adapter(player, why) == 0 && bring_up(player, why) == 0;

    if (!open)
        lp_driver_close_link(player->tunnel->driver);
    set_warning(player, LP_PLAYER_ADAPTER_AWAY, open ? "" : why);
}

static void check_all(struct lp_player *player)
{
    if (!player->has_address)
        check_address(player);
    if (++player->check_s < CHECK_S)
        return;
    player->check_s = 0;
    check_settings(player);
    check_address(player);
    check_overlap(player);
}

void lp_player_second(struct lp_player *player, uint64_t now_ns)
{
    if (player->mtu == 0)
        return;
    if (link_of(player) == NULL)
        reopen_adapter(player);
    meet_gateway(player, now_ns);
    check_gateway(player, now_ns);
    check_all(player);
    if (link_of(player) != NULL)
        check_broadcast(player, now_ns);
}
