#include "apps/client-win/options.h"

#define METRIC_DEFAULT 1
#define METRIC_MAX     9999

#define AT(field) offsetof(struct lp_client_win_options, field)

static const struct lp_option options[] = {
    LP_TUNNEL_OPTION_ROWS(struct lp_client_win_options),
    LP_CLIENT_OPTION_ROWS(struct lp_client_win_options),
    {.name = "tap-instance-id",
     .argument = "GUID",
     .kind = LP_OPTION_STRING,
     .offset = AT(tap_instance_id),
     .help = "the TAP-Windows6 adapter to use; needed only when there are several and none is "
             "SoftLAN's own"},
    {.name = "tap-metric",
     .argument = "NUMBER",
     .kind = LP_OPTION_NUMBER,
     .offset = AT(tap_metric),
     .min = 1,
     .max = METRIC_MAX,
     .help =
         "the adapter's IPv4 metric; default 1, so that games' broadcasts leave through it; "
         "9000 puts it behind every other adapter"},
    {.name = "use-party-dns",
     .kind = LP_OPTION_FLAG,
     .offset = AT(use_party_dns),
     .help = "use the party's DNS servers for the adapter; default: the PC's own stay first"},
    {.name = "list-tap-adapters",
     .kind = LP_OPTION_FLAG,
     .offset = AT(list_tap_adapters),
     .alone = true,
     .help = "list the TAP-Windows6 adapters and end; with --json one object a line"},
    {.name = "restore",
     .kind = LP_OPTION_FLAG,
     .offset = AT(restore),
     .alone = true,
     .help =
         "put back what a run that was killed has left changed, and end; the next start does "
         "it too"},
    {.name = "selftest",
     .kind = LP_OPTION_FLAG,
     .offset = AT(selftest),
     .alone = true,
     .help =
         "check adapter, driver, service, settings and speed of this PC within a minute, put "
         "everything back, and end: a line for each check, with --json an object; with --relay "
         "the relay's route too; status 0 when nothing failed"},
};

const struct lp_program lp_client_win_program = {
    .name = "lanparty-client-win",
    .summary = "puts this PC onto a LAN party's Ethernet",
    .description =
        "Makes a TAP-Windows6 adapter a port of the party's LAN, through a SoftLAN "
        "relay. Games see a normal LAN: an address from the party's own DHCP server, "
        "broadcasts, IPv6, multicast. The rest of the PC is left alone: no default "
        "route from the party, and everything is undone on exit. It needs "
        "administrator rights.",
    .example = "  lanparty-client-win --relay relay.example --room SATURDAY --name anna\n",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
};

void lp_client_win_options_defaults(struct lp_client_win_options *ret_options)
{
    *ret_options = (struct lp_client_win_options){.tap_metric = METRIC_DEFAULT};
    lp_tunnel_options_defaults(&ret_options->tunnel);
}
