#include "apps/gui-win/player.h"

#include <stdio.h>
#include <string.h>

#include "apps/client-win/adapters.h"
#include "apps/common/log.h"
#include "base/err.h"

#define METRIC  1 /* games' broadcasts leave by this adapter */
#define CHECK_S 5
/* How long the cable is out when it is pulled for the DHCP client's sake. */
#define MEDIA_PAUSE_MS 200

/* ---- the adapter ---- */

static int open_tap(void *arg, uv_loop_t *loop, lp_ready_fn *ready, void *user,
                    struct lp_link **ret_link, char why[LP_WHY_LEN])
{
    const struct lp_player *player = arg;
    struct lp_tap_options tap = {
        .name = player->adapter.instance, .mac = player->mac, .mtu = player->mtu};

    return lp_link_open_tap(loop, &tap, ready, user, ret_link, why);
}

static int open_adapter(struct lp_player *player, char why[LP_WHY_LEN])
{
    return lp_driver_open_link(player->tunnel->driver, open_tap, player, why);
}

static int connect_media(struct lp_player *player, char why[LP_WHY_LEN])
{
    int err = lp_link_set_media(lp_driver_link(player->tunnel->driver), true);

    if (err < 0)
        snprintf(why, LP_WHY_LEN, "the adapter's driver does not connect the media: %s",
                 lp_err_text(err));
    return err;
}

static void on_media_timer(uv_timer_t *timer)
{
    struct lp_player *player = timer->data;
    char why[LP_WHY_LEN];

    if (lp_driver_link(player->tunnel->driver) != NULL && connect_media(player, why) < 0)
        lp_log_sentence(LP_LOG_WARNING, "", why);
}

/* The cable out and in again: Windows's DHCP client then asks at once. */
static void toggle_media(struct lp_player *player)
{
    struct lp_link *link = lp_driver_link(player->tunnel->driver);

    if (link != NULL && player->mtu != 0 && lp_link_set_media(link, false) == 0)
        uv_timer_start(&player->media_timer, on_media_timer, MEDIA_PAUSE_MS, 0);
}

/* MTU, metric and routes first, so that nothing goes wrong from the first packet on. */
static int bring_up(struct lp_player *player, char why[LP_WHY_LEN])
{
    struct lp_wincfg_settings settings = {.mtu = player->mtu, .metric = METRIC};
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
    lp_log(LP_LOG_INFO, "the adapter is up: MAC %s, MTU %u", lp_mac_format(&player->mac, mac),
           player->mtu);
    return 0;
}

enum lp_player_trouble lp_player_set_up(struct lp_player *player, struct lp_tunnel *tunnel,
                                        char why[LP_WHY_LEN])
{
    char choice[LP_ADAPTERS_WHY_LEN];

    player->tunnel = tunnel;
    player->mac = tunnel->identity.mac;
    if (lp_adapters_choose(NULL, &player->adapter, choice) < 0) {
        snprintf(why, LP_WHY_LEN, "%.*s", LP_WHY_LEN - 1, choice);
        return LP_PLAYER_NO_ADAPTER;
    }
    uv_timer_init(lp_driver_uv(tunnel->driver), &player->media_timer);
    player->media_timer.data = player;
    player->media_timer_open = true;
    if (lp_wincfg_open_service(&player->cfg, why) < 0 ||
        lp_wincfg_prepare(player->cfg, player->adapter.instance, &player->mac, why) < 0)
        return LP_PLAYER_NO_SERVICE;
    return open_adapter(player, why) < 0 ? LP_PLAYER_NO_LINK : LP_PLAYER_FINE;
}

/* The media first: nothing of the party is left on the adapter when its settings go. */
void lp_player_undo(struct lp_player *player)
{
    char why[LP_WHY_LEN] = "";

    if (player->media_timer_open)
        uv_close((uv_handle_t *)&player->media_timer, NULL);
    player->media_timer_open = false;
    if (player->tunnel != NULL && player->tunnel->driver != NULL)
        lp_driver_close_link(player->tunnel->driver);
    lp_wincfg_close(player->cfg, why);
    player->cfg = NULL;
    if (why[0] != '\0')
        lp_log_sentence(LP_LOG_WARNING, "", why);
}

/* ---- hooks ---- */

int lp_player_pin(struct lp_player *player, char why[LP_WHY_LEN])
{
    player->pinned = player->tunnel->relay;
    return lp_wincfg_pin(player->cfg, &player->pinned, why);
}

int lp_player_join(struct lp_player *player, const struct lp_welcome *welcome,
                   char why[LP_WHY_LEN])
{
    if (player->mtu == welcome->mtu)
        return 0; /* the adapter outlived the connection that was lost */
    player->mtu = welcome->mtu;
    player->gateway_peer_id = welcome->gateway_peer_id; /* the media comes after it */
    return bring_up(player, why);
}

static void check_address(struct lp_player *player)
{
    struct lp_if_address addresses[LP_IF_ADDRESSES_MAX];
    char text[LP_ADDR_TEXT_LEN];
    bool had = player->has_address;
    int count =
        lp_interface_addresses(player->adapter.instance, addresses, LP_IF_ADDRESSES_MAX);

    player->has_address = false;
    for (int i = 0; i < count && !player->has_address; i++) {
        if (addresses[i].addr.family != LP_ADDR_IPV4 || addresses[i].link_local)
            continue;
        player->has_address = true;
        player->address = addresses[i];
    }
    if (player->has_address && !had)
        lp_log(LP_LOG_INFO, "address from the party: %s/%u",
               lp_addr_format_ip(&player->address.addr, text), player->address.prefix_len);
    else if (had && !player->has_address)
        lp_log(LP_LOG_WARNING, "the party's address is gone");
}

/* A player who came before the gateway has no address, and DHCP's next try may be minutes away. */
void lp_player_gateway_changed(struct lp_player *player, uint32_t gateway_peer_id)
{
    if (gateway_peer_id == 0 || gateway_peer_id == player->gateway_peer_id)
        return;
    player->gateway_peer_id = gateway_peer_id;
    check_address(player);
    player->gateway_is_new = player->has_address;
    if (!player->has_address)
        toggle_media(player);
}

/* Another gateway is another LAN; the same one that comes back costs nobody his connections. */
static void check_gateway(struct lp_player *player)
{
    const struct lp_room_peer *gateway;
    struct lp_node_view view;

    lp_node_view(player->tunnel->node, &view);
    gateway = view.room->gateway;
    if (gateway == NULL)
        return;
    if (player->gateway_is_new && strcmp(gateway->name, player->gateway_name) != 0)
        toggle_media(player);
    player->gateway_is_new = false;
    snprintf(player->gateway_name, sizeof(player->gateway_name), "%s", gateway->name);
}

/* What Windows or another program changed is put back; the relay's name may mean another address. */
static int check_settings(struct lp_player *player, char why[LP_WHY_LEN])
{
    int err = 0;

    if (!lp_addr_equal(&player->pinned, &player->tunnel->relay))
        err = lp_player_pin(player, why);
    if (err == 0)
        err = lp_wincfg_check(player->cfg, &player->status, why);
    if (err == 0 && !player->status.route_pinned) {
        snprintf(why, LP_WHY_LEN, "the route to the relay is not pinned: the tunnel may break");
        err = LP_ERR_NOTFOUND;
    }
    if (err == 0 && player->status.reasserted > 0)
        lp_log(LP_LOG_INFO, "%u settings of the adapter had been changed and were put back",
               player->status.reasserted);
    return err;
}

/* One warning at a time, the worst one; said again only when it is another one. */
static void set_warning(struct lp_player *player, const char *warning)
{
    if (strcmp(player->warning, warning) == 0)
        return;
    snprintf(player->warning, sizeof(player->warning), "%s", warning);
    if (warning[0] != '\0')
        lp_log_sentence(LP_LOG_WARNING, "", warning);
}

static void check_all(struct lp_player *player)
{
    char why[LP_WHY_LEN] = "";
    int err = check_settings(player, why);

    check_address(player);
    if (err == 0 &&
        (!player->has_address || lp_interface_find_overlap(player->adapter.instance, why) != 1))
        why[0] = '\0';
    set_warning(player, why);
}

static bool reopen_adapter(struct lp_player *player)
{
    char why[LP_WHY_LEN];

    if (open_adapter(player, why) == 0 && bring_up(player, why) == 0)
        return true;
    lp_driver_close_link(player->tunnel->driver);
    set_warning(player, why);
    return false;
}

void lp_player_second(struct lp_player *player)
{
    if (player->mtu == 0)
        return;
    if (lp_driver_link(player->tunnel->driver) == NULL && !reopen_adapter(player))
        return;
    check_gateway(player);
    if (!player->has_address)
        check_address(player);
    if (++player->check_s < CHECK_S)
        return;
    player->check_s = 0;
    check_all(player);
}
