/*
 * A player's adapter on Windows as long as a tunnel runs: found, set up, opened, its media connected
 * once the relay has let us in, everything looked after and put back. For the command line, which
 * does the settings itself, and for the window, which asks the service. In the thread of the tunnel's
 * loop.
 */
#ifndef LP_APPS_PLAYER_WIN_PLAYER_H
#define LP_APPS_PLAYER_WIN_PLAYER_H

#include "apps/player-win/adapters.h"
#include "apps/player-win/broadcastcheck.h"
#include "apps/player-win/resume.h"
#include "apps/tunnel/tunnel.h"
#include "platform/windows/win.h"
#include "platform/windows/wincfg.h"

/* Who does the settings: lp_wincfg_open_service, or this process. */
typedef int lp_player_settings_fn(struct lp_wincfg **ret_cfg, char why[LP_WHY_LEN]);

struct lp_player_config {
    lp_player_settings_fn *open_settings;
    bool own_adapter;     /* no other than our own */
    const char *instance; /* otherwise: of the adapter; NULL: our own, or the only one */
    struct lp_mac mac;
    unsigned mtu; /* 0: the room's */
    unsigned metric;
    bool use_party_dns;
};

enum lp_player_trouble {
    LP_PLAYER_FINE = 0,
    LP_PLAYER_NO_ADAPTER,
    LP_PLAYER_NO_CHOICE,   /* there are several, or not the one that was asked for */
    LP_PLAYER_NO_SETTINGS, /* the service does not answer, or they could not be made */
    LP_PLAYER_NO_LINK,     /* the adapter does not open */
};

/* What is to be acted on while it works. The worst is the first. */
enum lp_player_warning {
    LP_PLAYER_ADAPTER_AWAY,
    LP_PLAYER_SETTINGS_WRONG,
    LP_PLAYER_SUBNET_TWICE,
    LP_PLAYER_BROADCAST_MISSED,
    LP_PLAYER_WARNINGS,
};

struct lp_player {
    struct lp_player_config config;
    struct lp_tunnel *tunnel;
    struct lp_tap_adapter adapter;
    struct lp_wincfg *cfg;
    struct lp_wincfg_status status;
    unsigned mtu; /* configured; 0 before the first welcome */
    struct lp_addr pinned;
    unsigned check_s;
    uv_timer_t media_timer;
    bool media_timer_open;
    struct lp_resume *resume;
    uint32_t gateway_peer_id;           /* the one that was there last, 0 = none yet */
    char gateway_name[LP_NAME_MAX + 1]; /* its name */
    bool gateway_is_new;                /* its name is still to be compared */
    bool gateway_waits;                 /* it came too soon after another: met later */
    uint64_t gateway_rest_ns;           /* not before */
    struct lp_if_address address;       /* IPv4, from the party */
    bool has_address;
    struct lp_broadcast_check broadcast;
    unsigned long broadcast_error;                /* of the last send; 0 = none */
    char warning[LP_PLAYER_WARNINGS][LP_WHY_LEN]; /* "" = nothing */
};

/*
 * The tunnel is prepared; everything up to the point where the relay's address is looked up. Whatever
 * it says, lp_player_undo is to be called.
 */
enum lp_player_trouble lp_player_set_up(struct lp_player *player,
                                        const struct lp_player_config *config,
                                        struct lp_tunnel *tunnel,
                                        char why[LP_ADAPTERS_WHY_LEN]);
/* Undoes it. Fine for a player of zeroes. */
void lp_player_undo(struct lp_player *player);

/* The hooks of the tunnel. Failures are sentences in `why`. */
int lp_player_pin(struct lp_player *player, char why[LP_WHY_LEN]);
int lp_player_join(struct lp_player *player, const struct lp_welcome *welcome,
                   char why[LP_WHY_LEN]);
void lp_player_gateway_changed(struct lp_player *player, uint32_t gateway_peer_id);
void lp_player_link_lost(struct lp_player *player);
bool lp_player_edge_filter(struct lp_player *player, const struct lp_superframe *frame);
void lp_player_second(struct lp_player *player, uint64_t now_ns);
/* report.c */
void lp_player_report(const struct lp_player *player, json_t *object);

/* The worst of the warnings, "" when there is none. */
const char *lp_player_warning(const struct lp_player *player);

#endif
