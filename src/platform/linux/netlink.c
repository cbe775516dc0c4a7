#include "platform/linux/netlink.h"

#include <assert.h>
#include <errno.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The largest answer is a link with many virtual functions; the kernel cuts dumps to 32 KiB. */
#define ANSWER_LEN 32768u

static struct nlmsghdr *header_of(struct lp_nl_request *request)
{
    return (struct nlmsghdr *)(void *)request->bytes;
}

void *lp_nl_begin(struct lp_nl_request *request, uint16_t type, uint16_t flags, size_t body_len)
{
    struct nlmsghdr *header = header_of(request);

    memset(request, 0, sizeof(*request));
    header->nlmsg_len = (uint32_t)NLMSG_LENGTH(body_len);
    header->nlmsg_type = type;
    header->nlmsg_flags = (uint16_t)(flags | NLM_F_REQUEST | NLM_F_ACK);
    return NLMSG_DATA(header);
}

void lp_nl_put(struct lp_nl_request *request, uint16_t type, const void *bytes, size_t len)
{
    struct nlmsghdr *header = header_of(request);
    size_t at = NLMSG_ALIGN(header->nlmsg_len);
    struct rtattr attribute = {.rta_len = (uint16_t)RTA_LENGTH(len), .rta_type = type};

    assert(at + RTA_SPACE(len) <= sizeof(request->bytes));
    memcpy(request->bytes + at, &attribute, sizeof(attribute));
    if (len > 0)
        memcpy(request->bytes + at + RTA_LENGTH(0), bytes, len);
    header->nlmsg_len = (uint32_t)(at + RTA_SPACE(len));
}

void lp_nl_put_u32(struct lp_nl_request *request, uint16_t type, uint32_t value)
{
    lp_nl_put(request, type, &value, sizeof(value));
}

size_t lp_nl_nest_begin(struct lp_nl_request *request, uint16_t type)
{
    size_t mark = NLMSG_ALIGN(header_of(request)->nlmsg_len);

    lp_nl_put(request, type, NULL, 0);
    return mark;
}

void lp_nl_nest_end(struct lp_nl_request *request, size_t mark)
{
    struct rtattr *nest = (struct rtattr *)(void *)(request->bytes + mark);

    nest->rta_len = (uint16_t)(header_of(request)->nlmsg_len - mark);
}

struct talk {
    size_t body_len;
    lp_nl_answer_fn *answer;
    void *user;
};

/* Returns 1 to go on, 0 at the end of the answers, a negative errno on refusal. */
static int take_message(const struct talk *talk, const struct nlmsghdr *header)
{
    size_t payload_len = NLMSG_PAYLOAD(header, 0);
    size_t body_space = NLMSG_ALIGN(talk->body_len);
    const uint8_t *body = NLMSG_DATA(header);

    if (header->nlmsg_type == NLMSG_DONE)
        return 0;
    if (header->nlmsg_type == NLMSG_ERROR) {
        struct nlmsgerr error;

        if (payload_len < sizeof(error))
            return -EBADMSG;
        memcpy(&error, body, sizeof(error));
        return error.error;
    }
    if (talk->answer == NULL || payload_len < body_space)
        return 1;
    talk->answer(talk->user, header->nlmsg_type, body,
                 (const struct rtattr *)(const void *)(body + body_space),
                 payload_len - body_space);
    return 1;
}

static int take_answers(int fd, const struct talk *talk)
{
    alignas(NLMSG_ALIGNTO) uint8_t bytes[ANSWER_LEN];

    for (;;) {
        ssize_t got = recv(fd, bytes, sizeof(bytes), MSG_TRUNC);
        const struct nlmsghdr *header = (const struct nlmsghdr *)(const void *)bytes;
        unsigned len;

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got < 0 ? -errno : -EBADMSG;
        if ((size_t)got > sizeof(bytes))
            return -EMSGSIZE;
        for (len = (unsigned)got; NLMSG_OK(header, len); header = NLMSG_NEXT(header, len)) {
            int err = take_message(talk, header);

            if (err <= 0)
                return err;
        }
    }
}

int lp_nl_talk(struct lp_nl_request *request, size_t body_len, lp_nl_answer_fn *answer,
               void *user)
{
    struct talk talk = {.body_len = body_len, .answer = answer, .user = user};
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    int err;

    if (fd < 0)
        return -errno;
    if (sendto(fd, request->bytes, header_of(request)->nlmsg_len, 0,
               (const struct sockaddr *)&kernel, sizeof(kernel)) < 0)
        err = -errno;
    else
        err = take_answers(fd, &talk);
    close(fd);
    return err;
}

void lp_nl_parse(const struct rtattr *table[], unsigned max, const struct rtattr *attributes,
                 size_t len)
{
    const struct rtattr *at = attributes;
    unsigned left = (unsigned)len;

    for (unsigned i = 0; i <= max; i++)
        table[i] = NULL;
    for (; RTA_OK(at, left); at = RTA_NEXT(at, left)) {
        unsigned type = at->rta_type & (unsigned)NLA_TYPE_MASK;

        if (type <= max)
            table[type] = at;
    }
}

uint32_t lp_nl_u32(const struct rtattr *attribute)
{
    uint32_t value = 0;

    if (attribute != NULL && RTA_PAYLOAD(attribute) == sizeof(value))
        memcpy(&value, RTA_DATA(attribute), sizeof(value));
    return value;
}

static uint8_t attribute_u8(const struct rtattr *attribute)
{
    return attribute != NULL && RTA_PAYLOAD(attribute) == 1
               ? *(const uint8_t *)RTA_DATA(attribute)
               : 0;
}

struct lp_addr lp_nl_addr(const struct rtattr *attribute, int family)
{
    struct lp_addr addr = {.family = LP_ADDR_NONE};
    size_t len = family == AF_INET6 ? 16 : 4;

    if (attribute == NULL || RTA_PAYLOAD(attribute) != len)
        return addr;
    addr.family = family == AF_INET6 ? LP_ADDR_IPV6 : LP_ADDR_IPV4;
    memcpy(addr.ip, RTA_DATA(attribute), len);
    return addr;
}

/* ---- links ---- */

static void copy_string(char *to, size_t space, const struct rtattr *attribute)
{
    size_t len = attribute != NULL ? strnlen(RTA_DATA(attribute), RTA_PAYLOAD(attribute)) : 0;

    if (len >= space)
        len = 0;
    if (len > 0)
        memcpy(to, RTA_DATA(attribute), len);
    to[len] = '\0';
}

static void parse_tun(struct lp_nl_link *link, const struct rtattr *data)
{
    const struct rtattr *tun[IFLA_TUN_MULTI_QUEUE + 1];

    if (data == NULL || strcmp(link->kind, "tun") != 0)
        return;
    lp_nl_parse(tun, IFLA_TUN_MULTI_QUEUE, RTA_DATA(data), RTA_PAYLOAD(data));
    link->is_tap = attribute_u8(tun[IFLA_TUN_TYPE]) == IFF_TAP;
    link->is_multi_queue = attribute_u8(tun[IFLA_TUN_MULTI_QUEUE]) != 0;
}

static void take_link(void *user, uint16_t type, const void *body,
                      const struct rtattr *attributes, size_t attributes_len)
{
    const struct ifinfomsg *info = body;
    const struct rtattr *table[IFLA_MAX + 1];
    const struct rtattr *detail[IFLA_INFO_MAX + 1];
    struct lp_nl_link *link = user;

    if (type != RTM_NEWLINK)
        return;
    lp_nl_parse(table, IFLA_MAX, attributes, attributes_len);
    link->index = (unsigned)info->ifi_index;
    link->arp_type = info->ifi_type;
    link->flags = info->ifi_flags;
    link->mtu = lp_nl_u32(table[IFLA_MTU]);
    link->master = lp_nl_u32(table[IFLA_MASTER]);
    link->carrier = attribute_u8(table[IFLA_CARRIER]) != 0;
    copy_string(link->name, sizeof(link->name), table[IFLA_IFNAME]);
    if (table[IFLA_ADDRESS] != NULL && RTA_PAYLOAD(table[IFLA_ADDRESS]) == LP_MAC_LEN)
        memcpy(link->mac.octet, RTA_DATA(table[IFLA_ADDRESS]), LP_MAC_LEN);
    if (table[IFLA_LINKINFO] == NULL)
        return;
    lp_nl_parse(detail, IFLA_INFO_MAX, RTA_DATA(table[IFLA_LINKINFO]),
                RTA_PAYLOAD(table[IFLA_LINKINFO]));
    copy_string(link->kind, sizeof(link->kind), detail[IFLA_INFO_KIND]);
    parse_tun(link, detail[IFLA_INFO_DATA]);
}

static int get_link(const char *name, unsigned index, struct lp_nl_link *ret_link)
{
    struct lp_nl_request request;
    struct lp_nl_link link = {.index = 0};
    struct ifinfomsg *info = lp_nl_begin(&request, RTM_GETLINK, 0, sizeof(*info));
    int err;

    info->ifi_index = (int)index;
    if (name != NULL)
        lp_nl_put(&request, IFLA_IFNAME, name, strlen(name) + 1);
    lp_nl_put_u32(&request, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
    err = lp_nl_talk(&request, sizeof(*info), take_link, &link);
    if (err < 0)
        return err;
    if (link.index == 0)
        return -ENODEV;
    *ret_link = link;
    return 0;
}

int lp_nl_link_by_name(const char *name, struct lp_nl_link *ret_link)
{
    size_t len = strlen(name);

    if (len == 0 || len >= LP_IF_NAME_LEN)
        return -ENODEV;
    return get_link(name, 0, ret_link);
}

int lp_nl_link_by_index(unsigned index, struct lp_nl_link *ret_link)
{
    return index == 0 ? -ENODEV : get_link(NULL, index, ret_link);
}

static void put_no_ipv6_address(struct lp_nl_request *request)
{
    uint8_t mode = IN6_ADDR_GEN_MODE_NONE;
    size_t spec = lp_nl_nest_begin(request, IFLA_AF_SPEC);
    size_t inet6 = lp_nl_nest_begin(request, AF_INET6);

    lp_nl_put(request, IFLA_INET6_ADDR_GEN_MODE, &mode, sizeof(mode));
    lp_nl_nest_end(request, inet6);
    lp_nl_nest_end(request, spec);
}

int lp_nl_link_change(unsigned index, const struct lp_nl_link_change *change)
{
    struct lp_nl_request request;
    struct ifinfomsg *info = lp_nl_begin(&request, RTM_NEWLINK, 0, sizeof(*info));

    info->ifi_index = (int)index;
    if (change->set_up) {
        info->ifi_change = IFF_UP;
        info->ifi_flags = change->up ? IFF_UP : 0;
    }
    if (change->mac != NULL)
        lp_nl_put(&request, IFLA_ADDRESS, change->mac->octet, LP_MAC_LEN);
    if (change->mtu != 0)
        lp_nl_put_u32(&request, IFLA_MTU, change->mtu);
    if (change->master != NULL)
        lp_nl_put_u32(&request, IFLA_MASTER, *change->master);
    if (change->no_ipv6_address)
        put_no_ipv6_address(&request);
    return lp_nl_talk(&request, sizeof(*info), NULL, NULL);
}

/* ---- addresses ---- */

struct address_walk {
    lp_nl_address_fn *each;
    void *user;
};

static void take_address(void *user, uint16_t type, const void *body,
                         const struct rtattr *attributes, size_t attributes_len)
{
    const struct ifaddrmsg *info = body;
    const struct rtattr *table[IFA_MAX + 1];
    const struct address_walk *walk = user;
    struct lp_nl_address address = {.index = info->ifa_index,
                                    .prefix_len = info->ifa_prefixlen};

    if (type != RTM_NEWADDR || (info->ifa_family != AF_INET && info->ifa_family != AF_INET6))
        return;
    lp_nl_parse(table, IFA_MAX, attributes, attributes_len);
    address.subnet = lp_nl_addr(table[IFA_ADDRESS], info->ifa_family);
    address.local = lp_nl_addr(table[IFA_LOCAL], info->ifa_family);
    if (address.local.family == LP_ADDR_NONE)
        address.local = address.subnet;
    if (address.local.family == LP_ADDR_NONE)
        return;
    if (info->ifa_family == AF_INET6)
        address.link_local =
            address.local.ip[0] == 0xfe && (address.local.ip[1] & 0xc0) == 0x80;
    else
        address.link_local = address.local.ip[0] == 169 && address.local.ip[1] == 254;
    if (address.link_local && info->ifa_family == AF_INET6)
        address.local.scope = info->ifa_index;
    walk->each(walk->user, &address);
}

int lp_nl_addresses(lp_nl_address_fn *each, void *user)
{
    struct lp_nl_request request;
    struct address_walk walk = {.each = each, .user = user};

    lp_nl_begin(&request, RTM_GETADDR, NLM_F_DUMP, sizeof(struct ifaddrmsg));
    return lp_nl_talk(&request, sizeof(struct ifaddrmsg), take_address, &walk);
}
