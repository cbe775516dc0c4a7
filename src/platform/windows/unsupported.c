/* What only Linux gives: the gateway's links, and settings that wincfg does here instead. */
#include "base/err.h"
#include "platform/platform.h"
#include "platform/windows/errno.h"

static int unsupported(const char *what, const char *instead, char *why)
{
    return lp_why(LP_ERR_UNSUPPORTED, why, "unsupported platform: %s on Windows; %s", what,
                  instead);
}

int lp_link_check_tap(const char *name, char why[LP_WHY_LEN])
{
    (void)name;
    return unsupported("an adapter is not checked before it is opened", "open it", why);
}

int lp_link_open_packet(struct uv_loop_s *loop, const char *interface, lp_ready_fn *ready,
                        void *user, struct lp_link **ret_link, char why[LP_WHY_LEN])
{
    (void)loop;
    (void)interface;
    (void)ready;
    (void)user;
    (void)ret_link;
    return unsupported("a network card cannot be joined to a party", "run the gateway on Linux",
                       why);
}

int lp_link_open_bridge_port(struct uv_loop_s *loop, const char *bridge, const char *name,
                             lp_ready_fn *ready, void *user, struct lp_link **ret_link,
                             char why[LP_WHY_LEN])
{
    (void)loop;
    (void)bridge;
    (void)name;
    (void)ready;
    (void)user;
    (void)ret_link;
    return unsupported("a bridge cannot be joined to a party", "run the gateway on Linux", why);
}

int lp_interface_refuse_default_route(const char *interface, char why[LP_WHY_LEN])
{
    (void)interface;
    return unsupported("router advertisements are not filtered one by one",
                       "the client disables default routes of the adapter as a whole", why);
}

int lp_dhcp_start(struct uv_loop_s *loop, const char *interface, lp_dhcp_fn *changed,
                  void *user, struct lp_dhcp **ret_dhcp, char why[LP_WHY_LEN])
{
    (void)loop;
    (void)interface;
    (void)changed;
    (void)user;
    (void)ret_dhcp;
    return unsupported("the client runs no DHCP client",
                       "the system asks for an address when the adapter is connected", why);
}

int lp_dhcp_restart(struct lp_dhcp *dhcp)
{
    (void)dhcp;
    return LP_ERR_UNSUPPORTED;
}

void lp_dhcp_stop(struct lp_dhcp *dhcp)
{
    (void)dhcp;
}

bool lp_dhcp_is_event_helper(int argc, char **argv, int *ret_status)
{
    (void)argc;
    (void)argv;
    (void)ret_status;
    return false;
}

int lp_dns_use(const char *interface, const struct lp_addr servers[], unsigned count,
               char why[LP_WHY_LEN])
{
    (void)interface;
    (void)servers;
    (void)count;
    return unsupported("the client sets no DNS servers",
                       "set those of the adapter in the network settings", why);
}

void lp_dns_restore(const char *interface)
{
    (void)interface;
}
