/*
 * A player's adapter on Windows as long as a tunnel runs: found, set up through the service, opened,
 * its media connected once the relay has let us in, everything looked after and put back. In the
 * thread of the tunnel's loop.
 */
#ifndef LP_APPS_GUI_WIN_PLAYER_H
#define LP_APPS_GUI_WIN_PLAYER_H

#include "apps/tunnel/tunnel.h"
#include "platform/windows/win.h"
#include "platform/windows/wincfg.h"

enum lp_player_trouble {
    LP_PLAYER_FINE = 0,
    LP_PLAYER_NO_ADAPTER,
    LP_PLAYER_NO_SERVICE, /* it does not answer, or could not do it */
    LP_PLAYER_NO_LINK,    /* the adapter does not open */
};

struct lp_player {
    struct lp_tunnel *tunnel;
    struct lp_tap_adapter adapter;
    struct lp_wincfg *cfg;
    struct lp_wincfg_status status;
    struct lp_mac mac;
    unsigned mtu; /* configured; 0 before the first welcome */
    struct lp_addr pinned;
    unsigned check_s;
    uv_timer_t media_timer;
    bool media_timer_open;
    uint32_t gateway_peer_id;           /* the one that was there last, 0 = none yet */
    char gateway_name[LP_NAME_MAX + 1]; /* its name */
    bool gateway_is_new;                /* its name is still to be compared */
    struct lp_if_address address;       /* IPv4, from the party */
    bool has_address;
    char warning[LP_WHY_LEN]; /* what is to be acted on while it works; "" = nothing */
};

/* The tunnel is prepared. Everything up to the point where the relay's address is looked up. */
enum lp_player_trouble lp_player_set_up(struct lp_player *player, struct lp_tunnel *tunnel,
                                        char why[LP_WHY_LEN]);
/* Undoes it. Fine after a failed or no lp_player_set_up, of zeroes. */
void lp_player_undo(struct lp_player *player);

/* The hooks of the tunnel. Failures are sentences in `why`. */
int lp_player_pin(struct lp_player *player, char why[LP_WHY_LEN]);
int lp_player_join(struct lp_player *player, const struct lp_welcome *welcome,
                   char why[LP_WHY_LEN]);
void lp_player_gateway_changed(struct lp_player *player, uint32_t gateway_peer_id);
void lp_player_second(struct lp_player *player);

#endif
