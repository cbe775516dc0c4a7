#include "apps/tunnel/options.h"

#include "node/node.h"

void lp_tunnel_options_defaults(struct lp_tunnel_options *options)
{
    *options = (struct lp_tunnel_options){
        .datagram_budget = LP_NODE_DATAGRAM_BUDGET_DEFAULT,
        .duplicate = "auto",
        .report_interval = UINT64_MAX, /* not given: depends on --json */
    };
}
