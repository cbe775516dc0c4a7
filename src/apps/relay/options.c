#include "apps/relay/options.h"

#include "apps/common/endpoint.h"
#include "proto/mtu.h"
#include "relay/relay.h"
#include "transport/tls.h"

#define AT(field)  offsetof(struct lp_relay_options, field)
#define RATE_MAX   (UINT64_C(1) << 40) /* octets */
#define FRAMES_MAX UINT32_MAX

static const struct lp_option options[] = {
    {.name = "listen",
     .argument = "ADDRESS",
     .kind = LP_OPTION_LIST,
     .offset = AT(listen),
     .help =
         "port (443/udp: every address, IPv4 and IPv6) or address and port (192.0.2.1:443); "
         "several times for several; default 0.0.0.0:443 and [::]:443"},
    {.name = "cert",
     .argument = "FILE",
     .kind = LP_OPTION_STRING,
     .offset = AT(cert),
     .help =
         "certificate chain, PEM; read again on SIGHUP; without it a self-signed development "
         "certificate is made and kept in the state folder"},
    {.name = "key",
     .argument = "FILE",
     .kind = LP_OPTION_STRING,
     .offset = AT(key),
     .help = "private key of --cert, PEM"},
    {.name = "dev-cert-der-out",
     .argument = "FILE",
     .kind = LP_OPTION_STRING,
     .offset = AT(dev_cert_der_out),
     .help = "write the development certificate here as DER, for the peers' --relay-ca-cert"},
    {.name = "server-name",
     .argument = "NAME",
     .kind = LP_OPTION_STRING,
     .offset = AT(server_name),
     .help = "name in a development certificate that is made now; default " LP_DEV_SERVER_NAME},
    {.name = "state-dir",
     .argument = "FOLDER",
     .kind = LP_OPTION_STRING,
     .offset = AT(state_dir),
     .help = "where the development certificate and the reset key are kept; default "
             "$XDG_STATE_HOME/softlan/relay, for root /var/lib/softlan/relay"},
    {.name = "mtu",
     .argument = "BYTES",
     .kind = LP_OPTION_NUMBER,
     .offset = AT(mtu),
     .min = LP_ROOM_MTU_MIN,
     .max = LP_ETH_MTU_MAX,
     .help = "MTU of new rooms; default 1380"},
    {.name = "max-clients",
     .argument = "N",
     .kind = LP_OPTION_NUMBER,
     .offset = AT(max_clients),
     .min = 1,
     .max = LP_RELAY_MAX_CLIENTS_LIMIT,
     .help = "clients in a room; default 16"},
    {.name = "max-peers",
     .argument = "N",
     .kind = LP_OPTION_NUMBER,
     .offset = AT(max_peers),
     .min = 1,
     .max = 65536,
     .help = "connections in all rooms together; default 1024"},
    {.name = "max-rooms",
     .argument = "N",
     .kind = LP_OPTION_NUMBER,
     .offset = AT(max_rooms),
     .min = 1,
     .max = 65536,
     .help = "rooms at one time; default 256"},
    {.name = "max-joining",
     .argument = "N",
     .kind = LP_OPTION_NUMBER,
     .offset = AT(max_joining),
     .min = 1,
     .max = 65536,
     .help = "connections of one address (IPv6: of one /64) that are in no room yet; default "
             "32"},
    {.name = "client-rate",
     .argument = "BYTES",
     .kind = LP_OPTION_BYTES,
     .offset = AT(client_rate),
     .max = RATE_MAX,
     .help = "bytes a second that a client may send; 0 = unlimited; default 2M"},
    {.name = "client-burst",
     .argument = "BYTES",
     .kind = LP_OPTION_BYTES,
     .offset = AT(client_burst),
     .min = 2048,
     .max = RATE_MAX,
     .help = "bytes that a client may send at once; default 4M"},
    {.name = "broadcast-rate",
     .argument = "FRAMES",
     .kind = LP_OPTION_NUMBER,
     .offset = AT(broadcast_rate),
     .max = FRAMES_MAX,
     .help = "broadcast and multicast frames a second of a client; 0 = unlimited; default 32"},
    {.name = "broadcast-burst",
     .argument = "FRAMES",
     .kind = LP_OPTION_NUMBER,
     .offset = AT(broadcast_burst),
     .min = 1,
     .max = FRAMES_MAX,
     .help = "broadcast and multicast frames at once; default 64"},
    {.name = "unknown-rate",
     .argument = "FRAMES",
     .kind = LP_OPTION_NUMBER,
     .offset = AT(unknown_rate),
     .max = FRAMES_MAX,
     .help = "frames a second of a client to addresses that nobody has been heard from; "
             "0 = unlimited; default 32"},
    {.name = "unknown-burst",
     .argument = "FRAMES",
     .kind = LP_OPTION_NUMBER,
     .offset = AT(unknown_burst),
     .min = 1,
     .max = FRAMES_MAX,
     .help = "such frames at once; default 64"},
    {.name = "duplicate",
     .argument = "off|auto|on",
     .kind = LP_OPTION_CHOICE,
     .offset = AT(duplicate),
     .help =
         "send small frames of slow flows (games, voice) twice: auto = to those peers whose "
         "way loses packets; default auto"},
    {.name = "log-frames",
     .argument = "text|json",
     .kind = LP_OPTION_CHOICE,
     .offset = AT(log_frames),
     .help =
         "a line on standard output for each judged frame; slow, for looking into a problem"},
};

const struct lp_program lp_relay_program = {
    .name = "lanparty-relay",
    .summary = "holds the rooms of a SoftLAN and switches their frames",
    .description =
        "The relay stands on a public address. Players (lanparty-client) and the party's "
        "gateway "
        "(lanparty-gateway) connect to it by QUIC and meet in a room that its code names; the "
        "relay "
        "switches Ethernet frames between them. It holds nothing on disk but its development "
        "certificate and the key of stateless resets. SIGHUP reads the certificate again, "
        "SIGINT and "
        "SIGTERM tell every peer and end it.",
    .example = "  lanparty-relay --listen 443/udp --cert fullchain.pem --key privkey.pem\n"
               "  lanparty-relay --listen 4433/udp --dev-cert-der-out relay.der\n",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
};

void lp_relay_options_defaults(struct lp_relay_options *values)
{
    *values = (struct lp_relay_options){
        .server_name = LP_DEV_SERVER_NAME,
        .duplicate = "auto",
        .mtu = LP_ROOM_MTU_DEFAULT,
        .max_clients = LP_RELAY_MAX_CLIENTS_DEFAULT,
        .max_peers = LP_RELAY_MAX_PEERS_DEFAULT,
        .max_rooms = LP_RELAY_MAX_ROOMS_DEFAULT,
        .max_joining = LP_RELAY_MAX_JOINING_DEFAULT,
        .client_rate = LP_RELAY_CLIENT_RATE_BYTES,
        .client_burst = LP_RELAY_CLIENT_BURST_BYTES,
        .broadcast_rate = LP_RELAY_BROADCAST_RATE,
        .broadcast_burst = LP_RELAY_BROADCAST_BURST,
        .unknown_rate = LP_RELAY_UNKNOWN_RATE,
        .unknown_burst = LP_RELAY_UNKNOWN_BURST,
    };
}
