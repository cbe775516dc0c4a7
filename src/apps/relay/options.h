/* The relay's command line. */
#ifndef LP_APPS_RELAY_OPTIONS_H
#define LP_APPS_RELAY_OPTIONS_H

#include "apps/common/options.h"

struct lp_relay_options {
    struct lp_option_list listen;
    const char *cert;
    const char *key;
    const char *dev_cert_der_out;
    const char *server_name;
    const char *state_dir;
    uint64_t mtu;
    uint64_t max_clients;
    uint64_t max_peers;
    uint64_t max_rooms;
    uint64_t max_joining;
    uint64_t client_rate;
    uint64_t client_burst;
    uint64_t broadcast_rate;
    uint64_t broadcast_burst;
    uint64_t unknown_rate;
    uint64_t unknown_burst;
    const char *log_frames;
    const char *duplicate;
};

extern const struct lp_program lp_relay_program;

void lp_relay_options_defaults(struct lp_relay_options *options);

#endif
