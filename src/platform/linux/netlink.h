/*
 * rtnetlink: one request, its answers, and what the rest of platform/linux asks of links and
 * addresses. Internal to platform/linux. Every call opens its own socket and waits for the
 * kernel's answer, which comes at once; nothing here is on the frame path.
 *
 * Errors are negative errno values, because callers choose a sentence by them.
 */
#ifndef LP_PLATFORM_LINUX_NETLINK_H
#define LP_PLATFORM_LINUX_NETLINK_H

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/mac.h"
#include "platform/platform.h"

#define LP_NL_REQUEST_LEN 512

/* A request under construction. Attributes that do not fit are a bug of the caller: asserted.
 */
struct lp_nl_request {
    alignas(NLMSG_ALIGNTO) uint8_t bytes[LP_NL_REQUEST_LEN];
};

/* Starts a request and returns its zeroed family header of `body_len` octets. */
void *lp_nl_begin(struct lp_nl_request *request, uint16_t type, uint16_t flags,
                  size_t body_len);
void lp_nl_put(struct lp_nl_request *request, uint16_t type, const void *bytes, size_t len);
void lp_nl_put_u32(struct lp_nl_request *request, uint16_t type, uint32_t value);
/* Everything put until _nest_end with the returned mark lies inside the attribute. */
size_t lp_nl_nest_begin(struct lp_nl_request *request, uint16_t type);
void lp_nl_nest_end(struct lp_nl_request *request, size_t mark);

/* One answer of the kernel, its length already checked against `body_len`. */
typedef void lp_nl_answer_fn(void *user, uint16_t type, const void *body,
                             const struct rtattr *attributes, size_t attributes_len);

/* Sends and takes all answers. `answer` may be NULL. 0 or negative errno. */
int lp_nl_talk(struct lp_nl_request *request, size_t body_len, lp_nl_answer_fn *answer,
               void *user);

/* table[type] = attribute for types up to `max`; those that are absent or shorter than they say
 * NULL. */
void lp_nl_parse(const struct rtattr *table[], unsigned max, const struct rtattr *attributes,
                 size_t len);
/* The value, 0 when the attribute is absent or of another size. */
uint32_t lp_nl_u32(const struct rtattr *attribute);
/* Family NONE when the attribute is absent or not an address of that family (AF_INET,
 * AF_INET6). */
struct lp_addr lp_nl_addr(const struct rtattr *attribute, int family);

struct lp_nl_link {
    char name[LP_IF_NAME_LEN];
    char kind[LP_IF_NAME_LEN]; /* "tun", "bridge", "veth", ...; empty for hardware */
    unsigned index;
    unsigned arp_type; /* ARPHRD_* */
    unsigned flags;    /* IFF_* */
    unsigned mtu;
    unsigned master;   /* index of the bridge or bond that it is a port of, 0 = none */
    struct lp_mac mac; /* zero when it has none of six octets */
    bool carrier;
    bool is_tap;         /* kind "tun" of type TAP */
    bool is_multi_queue; /* ditto, made with multi_queue */
};

int lp_nl_link_by_name(const char *name, struct lp_nl_link *ret_link);
int lp_nl_link_by_index(unsigned index, struct lp_nl_link *ret_link);

struct lp_nl_link_change {
    const struct lp_mac *mac; /* NULL = as it is */
    unsigned mtu;             /* 0 = as it is */
    const unsigned *master;   /* NULL = as it is, 0 = leave the bridge */
    bool set_up;              /* `up` is meant */
    bool up;
    bool no_ipv6_address; /* no link-local address of its own when it comes up */
};
int lp_nl_link_change(unsigned index, const struct lp_nl_link_change *change);

/* IFA_LOCAL (or IFA_ADDRESS) and the subnet that it stands for. */
struct lp_nl_address {
    unsigned index;
    unsigned prefix_len;
    struct lp_addr local;
    struct lp_addr subnet; /* an address in the subnet: the peer's on a point-to-point link */
    bool link_local;
};
typedef void lp_nl_address_fn(void *user, const struct lp_nl_address *address);
int lp_nl_addresses(lp_nl_address_fn *each, void *user);

#endif
