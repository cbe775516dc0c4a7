#include "apps/tunnel/clientreport.h"

static void set_text(json_t *object, const char *key, const char *value)
{
    json_object_set_new(object, key, json_string(value));
}

json_t *lp_client_route_report(const struct lp_route *route, bool pinned)
{
    json_t *object = json_object();
    char text[LP_ADDR_TEXT_LEN];

    json_object_set_new(object, "pinned", json_boolean(pinned));
    if (route == NULL)
        return object;
    set_text(object, "source", lp_addr_format_ip(&route->source, text));
    set_text(object, "next_hop",
             route->next_hop.family != LP_ADDR_NONE ? lp_addr_format_ip(&route->next_hop, text)
                                                    : "on-link");
    set_text(object, "interface", route->interface);
    json_object_set_new(object, "prefix_len", json_integer(route->prefix_len));
    json_object_set_new(object, "metric", json_integer(route->metric));
    return object;
}

json_t *lp_client_dhcp_report(bool asked, const struct lp_addr *address, unsigned prefix_len)
{
    json_t *object = json_object();
    char text[LP_ADDR_TEXT_LEN];

    json_object_set_new(object, "asked", json_boolean(asked));
    json_object_set_new(object, "bound", json_boolean(address != NULL));
    if (address == NULL)
        return object;
    set_text(object, "address", lp_addr_format_ip(address, text));
    json_object_set_new(object, "prefix_len", json_integer(prefix_len));
    return object;
}
