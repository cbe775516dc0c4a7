/* What the players' programs have in common on their command lines, beyond tunnel/options.h. */
#ifndef LP_APPS_TUNNEL_CLIENTOPTIONS_H
#define LP_APPS_TUNNEL_CLIENTOPTIONS_H

#include "apps/common/exit.h"
#include "apps/tunnel/options.h"
#include "base/mac.h"

struct lp_client_options {
    uint64_t mtu; /* 0: the room's */
    const char *mac;
};

/* Rows for a table; the program's options struct has a member `client`. */
#define LP_CLIENT_OPTION_AT(type, field)                                                       \
    (offsetof(type, client) + offsetof(struct lp_client_options, field))

#define LP_CLIENT_OPTION_ROWS(type)                                                            \
    {.name = "tap-mtu",                                                                        \
     .argument = "BYTES",                                                                      \
     .kind = LP_OPTION_NUMBER,                                                                 \
     .offset = LP_CLIENT_OPTION_AT(type, mtu),                                                 \
     .min = 576,                                                                               \
     .max = 1500,                                                                              \
     .help = "the adapter's MTU; up to 1500, larger packets then travel in two pieces; "       \
             "default the room's (1380)"},                                                     \
    {                                                                                          \
        .name = "virtual-mac", .argument = "MAC", .kind = LP_OPTION_STRING,                    \
        .offset = LP_CLIENT_OPTION_AT(type, mac),                                              \
        .help = "the adapter's MAC address, locally administered and unicast (02:...); "       \
                "default: made once and kept in the identity file"                             \
    }

/* The address of --virtual-mac; left alone when there is none. What is wrong with it was said. */
enum lp_exit lp_client_options_mac(const struct lp_client_options *options, struct lp_mac *mac);

#endif
