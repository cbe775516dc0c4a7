#include "apps/tunnel/clientoptions.h"

#include <stdio.h>

#include "apps/tunnel/tunnel.h"

enum lp_exit lp_client_options_mac(const struct lp_client_options *options, struct lp_mac *mac)
{
    struct lp_mac given;
    char why[256];

    if (options->mac == NULL)
        return LP_EXIT_OK;
    if (lp_mac_parse(options->mac, &given) == 0 && lp_mac_is_local(&given) &&
        !lp_mac_is_group(&given)) {
        *mac = given;
        return LP_EXIT_OK;
    }
    snprintf(why, sizeof(why),
             "--virtual-mac \"%.40s\": must be a locally administered unicast address, such as "
             "02:12:34:56:78:9a",
             options->mac);
    return lp_tunnel_say(LP_EXIT_USAGE, why);
}
