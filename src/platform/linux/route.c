/*
 * The route to the relay: looked up, pinned by a host route, put back, removed. Our routes
 * carry a protocol number of their own, so that what a crash left is known and only ours is
 * ever deleted.
 */
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/err.h"
#include "platform/linux/errno.h"
#include "platform/linux/netlink.h"
#include "platform/platform.h"

/* "SL" cannot be said in an octet; unused in /etc/iproute2/rt_protos */
#define ROUTE_PROTOCOL 0x5d

/* An IPv6 route without a metric gets 1024; 1 wins over any other host route. */
#define IPV6_METRIC 1u

struct answer {
    struct lp_route route;
    uint8_t type; /* RTN_* */
    uint8_t protocol;
    unsigned flags;
    bool seen;
};

struct lp_route_pin {
    struct lp_addr destination;
    struct lp_route route; /* the way that it pins */
    bool borrowed; /* nothing of ours to delete: loopback, or somebody else's host route */
};

static int family_of(const struct lp_addr *addr)
{
    return addr->family == LP_ADDR_IPV6 ? AF_INET6 : AF_INET;
}

static size_t ip_len(const struct lp_addr *addr)
{
    return addr->family == LP_ADDR_IPV6 ? 16 : 4;
}

static unsigned host_prefix_len(const struct lp_addr *addr)
{
    return (unsigned)ip_len(addr) * 8;
}

/* ---- lookup ---- */

/* RTA_VIA: an IPv4 destination behind an IPv6 next hop. */
static struct lp_addr next_hop_of(const struct rtattr *const table[], int family)
{
    const struct rtattr *via = table[RTA_VIA];
    struct lp_addr addr = lp_nl_addr(table[RTA_GATEWAY], family);
    uint16_t via_family;

    if (addr.family != LP_ADDR_NONE || via == NULL ||
        RTA_PAYLOAD(via) != sizeof(via_family) + 16)
        return addr;
    memcpy(&via_family, RTA_DATA(via), sizeof(via_family));
    if (via_family != AF_INET6)
        return addr;
    addr.family = LP_ADDR_IPV6;
    memcpy(addr.ip, (const uint8_t *)RTA_DATA(via) + sizeof(via_family), 16);
    return addr;
}

static void take_route(void *user, uint16_t type, const void *body,
                       const struct rtattr *attributes, size_t attributes_len)
{
    const struct rtmsg *message = body;
    const struct rtattr *table[RTA_MAX + 1];
    struct answer *answer = user;

    if (type != RTM_NEWROUTE)
        return;
    lp_nl_parse(table, RTA_MAX, attributes, attributes_len);
    answer->seen = true;
    answer->type = message->rtm_type;
    answer->protocol = message->rtm_protocol;
    answer->flags = message->rtm_flags;
    answer->route.prefix_len = message->rtm_dst_len;
    answer->route.metric = lp_nl_u32(table[RTA_PRIORITY]);
    answer->route.interface_index = lp_nl_u32(table[RTA_OIF]);
    answer->route.source = lp_nl_addr(table[RTA_PREFSRC], message->rtm_family);
    answer->route.next_hop = next_hop_of(table, message->rtm_family);
}

static int query(const struct lp_addr *destination, unsigned flags, struct answer *ret_answer)
{
    struct lp_nl_request request;
    struct answer answer = {.seen = false};
    struct rtmsg *message = lp_nl_begin(&request, RTM_GETROUTE, 0, sizeof(*message));
    int err;

    message->rtm_family = (uint8_t)family_of(destination);
    message->rtm_dst_len = (uint8_t)host_prefix_len(destination);
    message->rtm_flags = flags;
    lp_nl_put(&request, RTA_DST, destination->ip, ip_len(destination));
    if (destination->scope != 0)
        lp_nl_put_u32(&request, RTA_OIF, destination->scope);
    err = lp_nl_talk(&request, sizeof(*message), take_route, &answer);
    if (err < 0)
        return err;
    if (!answer.seen)
        return -ENETUNREACH;
    if (answer.type != RTN_UNICAST && answer.type != RTN_LOCAL)
        return -ENETUNREACH; /* unreachable, prohibit, blackhole; no relay is multicast */
    *ret_answer = answer;
    return 0;
}

/*
 * Two questions, as the kernel answers either with the way that a packet takes (source, next
 * hop) or with the table's entry that matched (prefix, metric, protocol).
 */
static int look_up(const struct lp_addr *destination, struct answer *ret_answer)
{
    struct answer way, entry;
    struct lp_nl_link link;
    int err;

    if (destination->family == LP_ADDR_NONE)
        return -EINVAL;
    err = query(destination, 0, &way);
    if (err < 0)
        return err;
    if (query(destination, RTM_F_FIB_MATCH, &entry) == 0) {
        way.route.prefix_len = entry.route.prefix_len;
        way.route.metric = entry.route.metric;
        way.protocol = entry.protocol;
    }
    if (lp_nl_link_by_index(way.route.interface_index, &link) == 0)
        memcpy(way.route.interface, link.name, sizeof(way.route.interface));
    *ret_answer = way;
    return 0;
}

int lp_route_lookup(const struct lp_addr *destination, struct lp_route *ret_route)
{
    struct answer answer;
    int err = look_up(destination, &answer);

    if (err < 0)
        return lp_err_from_errno(-err);
    *ret_route = answer.route;
    return 0;
}

/* ---- pin ---- */

static void put_next_hop(struct lp_nl_request *request, const struct lp_addr *destination,
                         const struct lp_addr *next_hop)
{
    struct {
        uint16_t family;
        uint8_t ip[16];
    } via = {.family = AF_INET6};

    if (next_hop->family == LP_ADDR_NONE)
        return;
    if (next_hop->family == destination->family) {
        lp_nl_put(request, RTA_GATEWAY, next_hop->ip, ip_len(next_hop));
        return;
    }
    memcpy(via.ip, next_hop->ip, sizeof(via.ip));
    lp_nl_put(request, RTA_VIA, &via, sizeof(via));
}

static int change_host_route(uint16_t type, const struct lp_addr *destination,
                             const struct lp_route *route)
{
    bool ipv6 = destination->family == LP_ADDR_IPV6;
    bool on_link = route->next_hop.family == LP_ADDR_NONE;
    uint16_t flags = type == RTM_NEWROUTE ? NLM_F_CREATE | NLM_F_EXCL : 0;
    struct lp_nl_request request;
    struct rtmsg *message = lp_nl_begin(&request, type, flags, sizeof(*message));

    message->rtm_family = (uint8_t)family_of(destination);
    message->rtm_dst_len = (uint8_t)host_prefix_len(destination);
    message->rtm_table = RT_TABLE_MAIN;
    message->rtm_protocol = ROUTE_PROTOCOL;
    message->rtm_type = RTN_UNICAST;
    message->rtm_scope = on_link && !ipv6 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
    /* the next hop is in use already: it need not be reachable by the table a second time */
    if (!on_link && !ipv6)
        message->rtm_flags = RTNH_F_ONLINK;
    lp_nl_put(&request, RTA_DST, destination->ip, ip_len(destination));
    lp_nl_put_u32(&request, RTA_OIF, route->interface_index);
    put_next_hop(&request, destination, &route->next_hop);
    /* the source as it was, but not while deleting: it may have gone with its address */
    if (route->source.family == destination->family && type == RTM_NEWROUTE)
        lp_nl_put(&request, RTA_PREFSRC, route->source.ip, ip_len(&route->source));
    if (ipv6)
        lp_nl_put_u32(&request, RTA_PRIORITY, IPV6_METRIC);
    return lp_nl_talk(&request, sizeof(*message), NULL, NULL);
}

static bool same_way(const struct lp_route *a, const struct lp_route *b)
{
    return a->interface_index == b->interface_index &&
           lp_addr_equal(&a->next_hop, &b->next_hop);
}

static bool is_loopback(const struct lp_addr *addr)
{
    static const uint8_t loopback6[16] = {[15] = 1};

    if (addr->family == LP_ADDR_IPV6)
        return memcmp(addr->ip, loopback6, sizeof(loopback6)) == 0;
    return addr->ip[0] == 127;
}

/* A pin of ours from a run that crashed may point the wrong way by now: it goes first. */
static int look_up_afresh(const struct lp_addr *destination, struct answer *ret_answer)
{
    struct answer answer;
    int err = look_up(destination, &answer);

    if (err < 0)
        return err;
    if (answer.protocol == ROUTE_PROTOCOL &&
        answer.route.prefix_len == host_prefix_len(destination) &&
        change_host_route(RTM_DELROUTE, destination, &answer.route) == 0)
        err = look_up(destination, &answer);
    if (err == 0)
        *ret_answer = answer;
    return err;
}

static bool needs_no_pin(const struct lp_addr *destination, const struct answer *answer)
{
    if (is_loopback(destination) || answer->type == RTN_LOCAL)
        return true;
    /* a link-local relay has its interface in its scope; a host route is what a pin would be */
    return destination->scope != 0 || answer->route.prefix_len == host_prefix_len(destination);
}

static int why_not_pinned(int err, const struct lp_addr *destination, char *why)
{
    char text[LP_ADDR_TEXT_LEN];

    lp_addr_format_ip(destination, text);
    switch (-err) {
    case ENETUNREACH:
    case EHOSTUNREACH:
        return lp_why(
            LP_ERR_NOTFOUND, why,
            "there is no route to the relay %s: check this machine's network connection", text);
    case EPERM:
    case EACCES:
        return lp_why(LP_ERR_PERMISSION, why,
                      "no permission to pin the route to the relay %s: run as root (or with "
                      "CAP_NET_ADMIN)",
                      text);
    default:
        return lp_why(lp_err_from_errno(-err), why, "cannot pin the route to the relay %s: %s",
                      text, strerror(-err));
    }
}

int lp_route_pin(const struct lp_addr *destination, struct lp_route_pin **ret_pin,
                 char why[LP_WHY_LEN])
{
    struct lp_route_pin *pin;
    struct answer answer;
    bool borrowed;
    int err = look_up_afresh(destination, &answer);

    if (err < 0)
        return why_not_pinned(err, destination, why);
    borrowed = needs_no_pin(destination, &answer);
    pin = calloc(1, sizeof(*pin));
    if (pin == NULL)
        return lp_why(LP_ERR_NOMEM, why, "out of memory for a route");
    if (!borrowed)
        err = change_host_route(RTM_NEWROUTE, destination, &answer.route);
    if (err < 0 && err != -EEXIST) {
        free(pin);
        return why_not_pinned(err, destination, why);
    }
    pin->destination = *destination;
    pin->route = answer.route;
    pin->borrowed = borrowed || err == -EEXIST;
    *ret_pin = pin;
    return 0;
}

static bool is_in_force(const struct lp_route_pin *pin, const struct answer *answer)
{
    return same_way(&pin->route, &answer->route) &&
           (pin->borrowed || answer->route.prefix_len == host_prefix_len(&pin->destination));
}

int lp_route_pin_check(struct lp_route_pin *pin, struct lp_route *ret_route)
{
    struct answer answer;
    int err = look_up(&pin->destination, &answer);

    if (err < 0 || !is_in_force(pin, &answer)) {
        err = change_host_route(RTM_NEWROUTE, &pin->destination, &pin->route);
        if (err < 0 && err != -EEXIST)
            return lp_err_from_errno(-err);
        if (err == 0)
            pin->borrowed = false;
        err = look_up(&pin->destination, &answer);
        if (err < 0)
            return lp_err_from_errno(-err);
        if (!is_in_force(pin, &answer))
            return LP_ERR_NOTFOUND; /* another route of the same prefix, or a routing rule, wins
                                     */
    }
    *ret_route = answer.route;
    return 0;
}

void lp_route_unpin(struct lp_route_pin *pin)
{
    if (pin == NULL)
        return;
    if (!pin->borrowed)
        change_host_route(RTM_DELROUTE, &pin->destination, &pin->route);
    free(pin);
}
