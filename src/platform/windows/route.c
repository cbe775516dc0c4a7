/*
 * The route to the relay as the tunnel sees it. Here a pin only watches: the host route is made by
 * wincfg, whose journal takes it away again after a crash; a tunnel that runs as a plain user may not
 * make one anyway.
 */
#include <stdlib.h>

#include "base/err.h"
#include "platform/platform.h"
#include "platform/settings/values.h"
#include "platform/windows/backend.h"
#include "platform/windows/errno.h"

struct lp_route_pin {
    struct lp_iphelper iph;
    struct lp_addr destination;
    struct lp_way way;
};

int lp_route_lookup(const struct lp_addr *destination, struct lp_route *ret_route)
{
    struct lp_iphelper iph;
    struct lp_way way;
    int err;

    lp_iphelper_load(&iph);
    err = lp_way_look_up(&iph, destination, &way);
    if (err < 0)
        return err;
    *ret_route = way.route;
    return 0;
}

int lp_route_pin(const struct lp_addr *destination, struct lp_route_pin **ret_pin,
                 char why[LP_WHY_LEN])
{
    struct lp_route_pin *pin = calloc(1, sizeof(*pin));
    char text[LP_ADDR_TEXT_LEN];
    int err;

    if (pin == NULL)
        return lp_why(LP_ERR_NOMEM, why, "out of memory for a route: close other programs");
    lp_iphelper_load(&pin->iph);
    pin->destination = *destination;
    err = lp_way_look_up(&pin->iph, destination, &pin->way);
    if (err < 0) {
        free(pin);
        return lp_why(err, why,
                      "there is no route to the relay %s: check this machine's network "
                      "connection",
                      lp_addr_format_ip(destination, text));
    }
    *ret_pin = pin;
    return 0;
}

/* LP_ERR_NOTFOUND: the way has changed; wincfg puts it back, or the caller pins again. */
int lp_route_pin_check(struct lp_route_pin *pin, struct lp_route *ret_route)
{
    struct lp_way way;
    int err = lp_way_look_up(&pin->iph, &pin->destination, &way);

    if (err < 0)
        return err;
    if (!lp_value_same_guid(way.guid, pin->way.guid) ||
        !lp_addr_equal(&way.route.next_hop, &pin->way.route.next_hop))
        return LP_ERR_NOTFOUND;
    *ret_route = way.route;
    return 0;
}

void lp_route_unpin(struct lp_route_pin *pin)
{
    free(pin);
}
