/* The adapter's part of the diagnostics. */
#include "apps/player-win/player.h"
#include "apps/tunnel/clientreport.h"

static json_t *route_report(const struct lp_player *player)
{
    const struct lp_wincfg_status *status = &player->status;
    bool known = status->route.interface[0] != '\0';
    json_t *object =
        lp_client_route_report(known ? &status->route : NULL, status->route_pinned);

    if (status->route_pinned)
        json_object_set_new(object, "borrowed", json_boolean(status->route_borrowed));
    return object;
}

static json_t *settings_report(const struct lp_player *player)
{
    json_t *object = json_object();

    json_object_set_new(object, "hold", json_boolean(player->status.settings_hold));
    json_object_set_new(object, "metric", json_integer(player->config.metric));
    json_object_set_new(object, "category_private",
                        json_boolean(player->status.category_private));
    json_object_set_new(object, "dns_kept", json_boolean(player->status.dns_kept));
    return object;
}

static json_t *broadcast_report(const struct lp_player *player)
{
    enum lp_broadcast_verdict verdict = player->broadcast.verdict;
    json_t *object = json_object();

    json_object_set_new(object, "checked", json_boolean(verdict != LP_BROADCAST_UNKNOWN));
    json_object_set_new(object, "left_by_adapter", json_boolean(verdict == LP_BROADCAST_LEFT));
    json_object_set_new(object, "reason",
                        json_string(player->warning[LP_PLAYER_BROADCAST_MISSED]));
    return object;
}

void lp_player_report(const struct lp_player *player, json_t *object)
{
    const struct lp_if_address *address = &player->address;

    json_object_set_new(object, "route", route_report(player));
    json_object_set_new(object, "settings", settings_report(player));
    json_object_set_new(object, "broadcast", broadcast_report(player));
    json_object_set_new(object, "dhcp",
                        lp_client_dhcp_report(true, player->has_address ? &address->addr : NULL,
                                              address->prefix_len));
}
