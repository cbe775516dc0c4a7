/* What lanparty-client-win.exe can be told. */
#ifndef LP_APPS_CLIENT_WIN_OPTIONS_H
#define LP_APPS_CLIENT_WIN_OPTIONS_H

#include "apps/tunnel/options.h"

struct lp_client_win_options {
    struct lp_tunnel_options tunnel;
    const char *tap_instance_id;
    uint64_t tap_metric;
    uint64_t tap_mtu;
    const char *virtual_mac;
    bool list_tap_adapters;
    bool restore;
};

extern const struct lp_program lp_client_win_program;

void lp_client_win_options_defaults(struct lp_client_win_options *options);

#endif
