/* What client and gateway have in common on their command lines. */
#ifndef LP_APPS_TUNNEL_OPTIONS_H
#define LP_APPS_TUNNEL_OPTIONS_H

#include "apps/common/options.h"

struct lp_tunnel_options {
    const char *relay;
    const char *room;
    const char *name;
    const char *ca_cert;
    const char *pin;
    const char *server_name;
    const char *identity;
    uint64_t datagram_budget;
    uint64_t report_interval;
    bool json;
    const char *log_frames;
    const char *duplicate;
};

void lp_tunnel_options_defaults(struct lp_tunnel_options *options);

#define LP_DATAGRAM_BUDGET_MIN 610 /* a 576-octet packet with Ethernet and overlay headers */
#define LP_DATAGRAM_BUDGET_MAX 65535

/* Rows for a table; the program's options struct has a member `tunnel`. */
#define LP_TUNNEL_OPTION_AT(type, field)                                                       \
    (offsetof(type, tunnel) + offsetof(struct lp_tunnel_options, field))

#define LP_TUNNEL_OPTION_ROWS(type)                                                            \
    {.name = "relay",                                                                          \
     .argument = "HOST",                                                                       \
     .kind = LP_OPTION_STRING,                                                                 \
     .required = true,                                                                         \
     .offset = LP_TUNNEL_OPTION_AT(type, relay),                                               \
     .help = "the relay: name or address, with :port when it is not 443"},                     \
        {.name = "room",                                                                       \
         .argument = "CODE",                                                                   \
         .kind = LP_OPTION_STRING,                                                             \
         .required = true,                                                                     \
         .offset = LP_TUNNEL_OPTION_AT(type, room),                                            \
         .help = "the party's room code: letters, digits, '.', '_' and '-', 64 at most"},      \
        {.name = "name",                                                                       \
         .argument = "NAME",                                                                   \
         .kind = LP_OPTION_STRING,                                                             \
         .offset = LP_TUNNEL_OPTION_AT(type, name),                                            \
         .help = "what the others see you as; default the machine's host name"},               \
        {.name = "relay-ca-cert",                                                              \
         .argument = "FILE",                                                                   \
         .kind = LP_OPTION_STRING,                                                             \
         .offset = LP_TUNNEL_OPTION_AT(type, ca_cert),                                         \
         .help = "trust this certificate (DER or PEM), or what it signed, instead of the "     \
                 "system's store"},                                                            \
        {.name = "relay-pin",                                                                  \
         .argument = "HEX",                                                                    \
         .kind = LP_OPTION_STRING,                                                             \
         .offset = LP_TUNNEL_OPTION_AT(type, pin),                                             \
         .help = "trust exactly the certificate with this SHA-256 fingerprint; the relay "     \
                 "prints it "                                                                  \
                 "when it starts"},                                                            \
        {.name = "server-name",                                                                \
         .argument = "NAME",                                                                   \
         .kind = LP_OPTION_STRING,                                                             \
         .offset = LP_TUNNEL_OPTION_AT(type, server_name),                                     \
         .help = "name that the relay's certificate must have, and SNI; default the host of "  \
                 "--relay"},                                                                   \
        {.name = "identity",                                                                   \
         .argument = "FILE",                                                                   \
         .kind = LP_OPTION_STRING,                                                             \
         .offset = LP_TUNNEL_OPTION_AT(type, identity),                                        \
         .help = "where MAC address and seat are kept between runs; default a file in "        \
                 "$XDG_STATE_HOME/softlan, for root in /var/lib/softlan"},                     \
        {.name = "datagram-budget",                                                            \
         .argument = "BYTES",                                                                  \
         .kind = LP_OPTION_NUMBER,                                                             \
         .offset = LP_TUNNEL_OPTION_AT(type, datagram_budget),                                 \
         .min = LP_DATAGRAM_BUDGET_MIN,                                                        \
         .max = LP_DATAGRAM_BUDGET_MAX,                                                        \
         .help = "largest datagram to receive; default: whatever the path carries"},           \
        {.name = "duplicate",                                                                  \
         .argument = "off|auto|on",                                                            \
         .kind = LP_OPTION_CHOICE,                                                             \
         .offset = LP_TUNNEL_OPTION_AT(type, duplicate),                                       \
         .help = "send small frames of slow flows (games, voice) twice: auto = only while "    \
                 "the way to the relay loses packets; default auto"},                          \
        {.name = "report-interval",                                                            \
         .argument = "SECONDS",                                                                \
         .kind = LP_OPTION_NUMBER,                                                             \
         .offset = LP_TUNNEL_OPTION_AT(type, report_interval),                                 \
         .max = 86400,                                                                         \
         .help = "how often diagnostics are printed; 0 = not at all, with --json only when "   \
                 "something changes; default 60, with --json 2"},                              \
        {.name = "json",                                                                       \
         .kind = LP_OPTION_FLAG,                                                               \
         .offset = LP_TUNNEL_OPTION_AT(type, json),                                            \
         .help = "diagnostics on standard output, one JSON object a line"},                    \
    {                                                                                          \
        .name = "log-frames", .argument = "text|json", .kind = LP_OPTION_CHOICE,               \
        .offset = LP_TUNNEL_OPTION_AT(type, log_frames),                                       \
        .help = "a line on standard output for each judged frame; slow, for looking into a "   \
                "problem"                                                                      \
    }

#endif
