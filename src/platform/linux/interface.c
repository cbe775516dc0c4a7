/* Addresses, overlapping subnets, and IPv6 router advertisements of one interface. */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "platform/linux/errno.h"
#include "platform/linux/netlink.h"
#include "platform/platform.h"
#include "platform/subnet.h"

/* ---- addresses ---- */

struct collection {
    unsigned index;
    struct lp_if_address *addresses;
    unsigned capacity;
    unsigned count;
};

static void collect(void *user, const struct lp_nl_address *address)
{
    struct collection *to = user;

    if (address->index != to->index || to->count == to->capacity)
        return;
    to->addresses[to->count++] = (struct lp_if_address){
        .addr = address->local,
        .prefix_len = address->prefix_len,
        .link_local = address->link_local,
    };
}

int lp_interface_addresses(const char *interface, struct lp_if_address addresses[],
                           unsigned capacity)
{
    struct collection to = {.addresses = addresses, .capacity = capacity};
    struct lp_nl_link link;
    int err = lp_nl_link_by_name(interface, &link);

    if (err == 0) {
        to.index = link.index;
        err = lp_nl_addresses(collect, &to);
    }
    return err < 0 ? lp_err_from_errno(-err) : (int)to.count;
}

/* ---- overlap ---- */

#define SUBNETS_MAX 128

struct subnets {
    struct lp_subnet subnet[SUBNETS_MAX]; /* IPv4, not link-local */
    unsigned index[SUBNETS_MAX];
    unsigned count;
};

static void collect_subnet(void *user, const struct lp_nl_address *address)
{
    struct subnets *to = user;

    if (address->subnet.family == LP_ADDR_IPV4 && !address->link_local &&
        address->prefix_len <= 32 && to->count < SUBNETS_MAX) {
        to->index[to->count] = address->index;
        to->subnet[to->count++] = (struct lp_subnet){
            .addr = address->subnet,
            .prefix_len = address->prefix_len,
        };
    }
}

/* Whether the interface is up and no loopback. */
static bool is_other(unsigned index, struct lp_nl_link *ret_link)
{
    return lp_nl_link_by_index(index, ret_link) == 0 &&
           (ret_link->flags & (IFF_UP | IFF_LOOPBACK)) == IFF_UP;
}

int lp_interface_find_overlap(const char *interface, char ret_other[LP_WHY_LEN])
{
    struct subnets all = {.count = 0};
    struct lp_nl_link link, other;
    int err = lp_nl_link_by_name(interface, &link);

    if (err == 0)
        err = lp_nl_addresses(collect_subnet, &all);
    if (err < 0)
        return lp_err_from_errno(-err);
    for (unsigned i = 0; i < all.count; i++) {
        if (all.index[i] != link.index)
            continue;
        for (unsigned j = 0; j < all.count; j++) {
            if (all.index[j] == link.index ||
                !lp_subnet_overlap(&all.subnet[i], &all.subnet[j]) ||
                !is_other(all.index[j], &other))
                continue;
            lp_subnet_describe(interface, &all.subnet[i], other.name, &all.subnet[j],
                               ret_other);
            return 1;
        }
    }
    return 0;
}

/* ---- router advertisements ---- */

/* 0, or negative errno; a setting that already has the value needs no permission. */
static int set_ipv6(const char *interface, const char *setting, char value)
{
    char path[128];
    char now[4] = "";
    ssize_t done;
    int fd, number;

    snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/%s", interface, setting);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    done = read(fd, now, sizeof(now) - 1);
    close(fd);
    if (done >= 1 && now[0] == value && (done == 1 || now[1] == '\n'))
        return 0;
    fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    done = write(fd, &value, 1);
    number = errno;
    close(fd);
    return done == 1 ? 0 : -number;
}

int lp_interface_refuse_default_route(const char *interface, char why[LP_WHY_LEN])
{
    static const struct {
        const char *name;
        char value;
    } settings[] = {
        {"accept_ra_defrtr", '0'},
        {"accept_ra_rt_info_max_plen", '0'},
        /* advertisements still give an address, on a machine that forwards too; last, for
           safety */
        {"accept_ra", '2'},
    };
    struct lp_nl_link link;
    int err = lp_nl_link_by_name(interface, &link);

    if (err < 0)
        return lp_why(lp_err_from_errno(-err), why, "there is no interface '%.32s'", interface);
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        err = set_ipv6(interface, settings[i].name, settings[i].value);
        /* no IPv6, or a kernel without route information options: nothing to refuse */
        if (err < 0 && err != -ENOENT)
            return lp_why(
                lp_err_from_errno(-err), why,
                "cannot set net.ipv6.conf.%s.%s=%c (%s), so the party's router may become "
                "this machine's: run as root, with /proc/sys writable",
                interface, settings[i].name, settings[i].value, strerror(-err));
    }
    return 0;
}
