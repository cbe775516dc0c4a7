/* What lanparty-client-win.exe can be told. */
#ifndef LP_APPS_CLIENT_WIN_OPTIONS_H
#define LP_APPS_CLIENT_WIN_OPTIONS_H

#include "apps/tunnel/clientoptions.h"

struct lp_client_win_options {
    struct lp_tunnel_options tunnel;
    struct lp_client_options client;
    const char *tap_instance_id;
    uint64_t tap_metric;
    bool use_party_dns;
    bool list_tap_adapters;
    bool restore;
    bool selftest;
};

extern const struct lp_program lp_client_win_program;

void lp_client_win_options_defaults(struct lp_client_win_options *options);

#endif
