/*
 * TAP devices: the player's adapter, and the gateway's port in a bridge. Both read super-frames
 * (IFF_VNET_HDR with every offload that the kernel has), so that a local TCP flow costs one
 * read per 64 KiB; what is written is plain.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/err.h"
#include "platform/linux/errno.h"
#include "platform/linux/link.h"

#define TUN_PATH            "/dev/net/tun"
#define BRIDGE_PORT_PATTERN "softlan-gw%d"

#ifndef TUNSETCARRIER /* Linux 5.0 */
#define TUNSETCARRIER _IOW('T', 226, int)
#endif
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

/* ---- reading and writing ---- */

static int read_tap(struct lp_link *link, struct lp_superframe *ret_frame)
{
    struct virtio_net_hdr header;
    ssize_t got = read(link->fd, link->buffer, sizeof(header) + LP_LINK_FRAME_MAX);

    if (got < 0) {
        switch (errno) {
        case EAGAIN:
        case EINTR:
            return LP_ERR_AGAIN;
        case EINVAL: /* an offload kind that virtio headers of this kernel cannot say */
            return LP_ERR_UNSUPPORTED;
        default: /* EBADFD: the device was deleted */
            return LP_ERR_CLOSED;
        }
    }
    if ((size_t)got < sizeof(header))
        return LP_ERR_UNSUPPORTED;
    memcpy(&header, link->buffer, sizeof(header));
    return lp_link_parse(&header, link->buffer + sizeof(header), (size_t)got - sizeof(header),
                         ret_frame);
}

static int write_tap(struct lp_link *link, const struct virtio_net_hdr *virtio,
                     const uint8_t *frame, size_t len)
{
    struct iovec iov[2] = {
        {.iov_base = (void *)(uintptr_t)virtio, .iov_len = sizeof(*virtio)},
        {.iov_base = (void *)(uintptr_t)frame, .iov_len = len},
    };

    if (writev(link->fd, iov, 2) >= 0)
        return 0;
    switch (errno) {
    case EAGAIN:
    case EINTR:
    case ENOBUFS:
    case ENOMEM:
        return LP_ERR_AGAIN;
    case EIO:    /* administratively down */
    case EBADFD: /* deleted */
        return LP_ERR_CLOSED;
    case EINVAL:
        return LP_ERR_INVALID;
    default:
        return LP_ERR_IO;
    }
}

/* The device belongs to us for as long as its descriptor is open: what fails is the kernel's age. */
static int set_tap_media(struct lp_link *link, bool connected)
{
    int carrier = connected;

    return ioctl(link->fd, TUNSETCARRIER, &carrier) == 0 ? 0 : lp_err_from_errno(errno);
}

static void restore_tap(struct lp_link *link)
{
    const struct lp_link_saved *saved = &link->saved;
    struct lp_nl_link_change change = {
        .mac = &saved->mac,
        .mtu = saved->mtu,
        .master = &saved->master,
        .set_up = true,
        .up = saved->up,
    };

    /* one that we made goes with its descriptor; one that was deleted meanwhile needs nothing
     */
    if (saved->existed)
        lp_nl_link_change(link->index, &change);
}

static void count_tap(int fd, struct lp_link_counters *counters)
{
    (void)fd;
    (void)counters;
}

static const struct lp_link_ops tap_ops = {
    .read = read_tap,
    .write = write_tap,
    .undo = restore_tap,
    .set_media = set_tap_media,
    .count = count_tap,
};

/* ---- opening ---- */

static int open_device(char *why)
{
    int fd = open(TUN_PATH, O_RDWR | O_NONBLOCK | O_CLOEXEC);

    if (fd >= 0)
        return fd;
    switch (errno) {
    case ENOENT:
    case ENODEV:
    case ENXIO:
        return lp_why(LP_ERR_UNSUPPORTED, why,
                      TUN_PATH
                      " is missing: load the driver with 'modprobe tun' (in a container, "
                      "pass the device in)");
    case EACCES:
    case EPERM:
        return lp_why(LP_ERR_PERMISSION, why,
                      "no permission to open " TUN_PATH ": run as root");
    default:
        return lp_why(lp_err_from_errno(errno), why, "cannot open " TUN_PATH ": %s",
                      strerror(errno));
    }
}

/* An interface of that name: is it one that can be taken? Remembers what it is like now. */
static int save_existing(const char *name, struct lp_link_saved *saved, char *why)
{
    struct lp_nl_link link;
    int err = lp_nl_link_by_name(name, &link);

    if (err == -ENODEV)
        return 0;
    if (err < 0)
        return lp_why(lp_err_from_errno(-err), why, "cannot look up interface %s: %s", name,
                      strerror(-err));
    if (!link.is_tap)
        return lp_why(LP_ERR_EXISTS, why,
                      "interface %s exists and is no TAP: choose another name for the adapter",
                      name);
    if (link.is_multi_queue)
        return lp_why(
            LP_ERR_EXISTS, why,
            "TAP %s was made with multi_queue: make it again without, or choose another "
            "name",
            name);
    saved->existed = true;
    saved->mac = link.mac;
    saved->mtu = link.mtu;
    saved->master = link.master;
    saved->up = (link.flags & IFF_UP) != 0;
    return 0;
}

static int why_not_attached(int number, const char *name, char *why)
{
    switch (number) {
    case EBUSY:
        return lp_why(
            LP_ERR_BUSY, why,
            "TAP %s is in use by another program (another SoftLAN client?): stop that one "
            "or choose another name",
            name);
    case EPERM:
    case EACCES:
        return lp_why(LP_ERR_PERMISSION, why,
                      "no permission to make the TAP %s: run as root (or with CAP_NET_ADMIN)",
                      name);
    default:
        return lp_why(lp_err_from_errno(number), why, "cannot make the TAP %s: %s", name,
                      strerror(number));
    }
}

static void set_offloads(int fd)
{
    unsigned tso = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;

    /* USO is there from Linux 6.2 on; without any the kernel segments for us */
    if (ioctl(fd, TUNSETOFFLOAD, tso | TUN_F_USO4 | TUN_F_USO6) != 0)
        ioctl(fd, TUNSETOFFLOAD, tso);
}

static int check_name(const char *name, char *why)
{
    if (name[0] == '\0' || strlen(name) >= LP_IF_NAME_LEN)
        return lp_why(LP_ERR_INVALID, why, "'%.32s' is no interface name: 1 to %d characters",
                      name, LP_IF_NAME_LEN - 1);
    return 0;
}

/* Makes the device or takes one of that name. *ret_request has the name that it got. */
static int take_device(int fd, const char *name, struct ifreq *ret_request, char *why)
{
    *ret_request = (struct ifreq){.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
    memcpy(ret_request->ifr_name, name, strlen(name));
    return ioctl(fd, TUNSETIFF, ret_request) == 0 ? 0 : why_not_attached(errno, name, why);
}

/* Makes or takes the device; link->name and link->index are set. */
static int attach(struct lp_link *link, const char *name, char *why)
{
    struct ifreq request;
    struct lp_nl_link now;
    int header_len = sizeof(struct virtio_net_hdr);
    int err = check_name(name, why);

    if (err == 0)
        err = save_existing(name, &link->saved, why);
    if (err < 0)
        return err;
    link->fd = open_device(why);
    if (link->fd < 0)
        return link->fd;
    err = take_device(link->fd, name, &request, why);
    if (err < 0) {
        link->saved.existed = false; /* not ours: nothing to restore */
        return err;
    }
    memcpy(link->name, request.ifr_name, sizeof(link->name) - 1);
    if (ioctl(link->fd, TUNSETVNETHDRSZ, &header_len) != 0)
        return lp_why(lp_err_from_errno(errno), why, "TAP %s: virtio headers: %s", link->name,
                      strerror(errno));
    set_offloads(link->fd);
    err = lp_nl_link_by_name(link->name, &now);
    if (err < 0)
        return lp_why(lp_err_from_errno(-err), why, "TAP %s went away while it was set up",
                      link->name);
    link->index = now.index;
    return 0;
}

/* Only taking one that exists shows whether somebody has it; it is given back at once. */
int lp_link_check_tap(const char *name, char why[LP_WHY_LEN])
{
    struct lp_link_saved saved = {.existed = false};
    struct ifreq request;
    int err = check_name(name, why);
    int fd;

    if (err == 0)
        err = save_existing(name, &saved, why);
    if (err < 0)
        return err;
    fd = open_device(why);
    if (fd < 0)
        return fd;
    if (saved.existed)
        err = take_device(fd, name, &request, why);
    close(fd);
    return err;
}

static int set_up_tap(struct lp_link *link, const struct lp_tap_options *options, char *why)
{
    struct lp_nl_link_change change = {.mac = &options->mac, .mtu = options->mtu};
    struct lp_nl_link_change up = {.set_up = true, .up = true};
    char text[LP_MAC_TEXT_LEN];
    int err = attach(link, options->name, why);

    if (err < 0)
        return err;
    /* the MAC first: the IPv6 link-local address comes from it when the TAP goes up */
    err = lp_nl_link_change(link->index, &change);
    if (err < 0)
        return lp_why(lp_err_from_errno(-err), why, "TAP %s: cannot set MAC %s and MTU %u: %s",
                      link->name, lp_mac_format(&options->mac, text), options->mtu,
                      strerror(-err));
    err = lp_nl_link_change(link->index, &up);
    if (err < 0)
        return lp_why(lp_err_from_errno(-err), why, "TAP %s: cannot bring it up: %s",
                      link->name, strerror(-err));
    return 0;
}

int lp_link_open_tap(struct uv_loop_s *loop, const struct lp_tap_options *options,
                     lp_ready_fn *ready, void *user, struct lp_link **ret_link,
                     char why[LP_WHY_LEN])
{
    struct lp_link *link = lp_link_new(&tap_ops, ready, user);
    int err;

    if (link == NULL)
        return lp_why(LP_ERR_NOMEM, why, "out of memory for the TAP");
    err = set_up_tap(link, options, why);
    if (err < 0) {
        lp_link_abandon(link);
        return err;
    }
    why[0] = '\0';
    return lp_link_watch(link, loop, ret_link, why);
}

/* ---- bridge port ---- */

static int find_bridge(const char *name, struct lp_nl_link *ret_bridge, char *why)
{
    struct lp_nl_link link, master;
    int err = lp_nl_link_by_name(name, &link);

    if (err < 0)
        return lp_why(
            LP_ERR_NOTFOUND, why,
            "there is no bridge '%.32s': 'ip link show type bridge' lists them; for a "
            "plain interface use --interface",
            name);
    if (strcmp(link.kind, "bridge") == 0) {
        *ret_bridge = link;
        return 0;
    }
    if (link.master != 0 && lp_nl_link_by_index(link.master, &master) == 0 &&
        strcmp(master.kind, "bridge") == 0)
        return lp_why(LP_ERR_CONFIG, why, "%s is a port of the bridge %s: use --bridge %s",
                      name, master.name, master.name);
    return lp_why(LP_ERR_CONFIG, why,
                  "%s is no bridge: use --interface %s, or make a bridge of it first", name,
                  name);
}

/*
 * A bridge takes the lowest MAC and the smallest MTU of its ports: our port must change
 * neither, as that would cut off the host behind the bridge. 0xfe is the highest local unicast
 * octet.
 */
static int join_bridge(struct lp_link *link, const struct lp_nl_link *bridge, char *why)
{
    struct lp_mac mac;
    struct lp_nl_link_change quiet = {.no_ipv6_address = true};
    struct lp_nl_link_change own = {.mac = &mac, .mtu = bridge->mtu};
    struct lp_nl_link_change join = {.master = &bridge->index};
    struct lp_nl_link_change up = {.set_up = true, .up = true};
    int err;

    lp_random_bytes(mac.octet, sizeof(mac.octet));
    mac.octet[0] = 0xfe;
    /* the port itself must not talk to the party; where IPv6 is off this fails and does not
     * matter */
    lp_nl_link_change(link->index, &quiet);
    err = lp_nl_link_change(link->index, &own);
    if (err == 0)
        err = lp_nl_link_change(link->index, &join);
    if (err == 0)
        err = lp_nl_link_change(link->index, &up);
    if (err < 0)
        return lp_why(lp_err_from_errno(-err), why,
                      "cannot make %s a port of the bridge %s: %s", link->name, bridge->name,
                      strerror(-err));
    return 0;
}

int lp_link_open_bridge_port(struct uv_loop_s *loop, const char *bridge, const char *name,
                             lp_ready_fn *ready, void *user, struct lp_link **ret_link,
                             char why[LP_WHY_LEN])
{
    struct lp_nl_link found;
    struct lp_link *link;
    int err = find_bridge(bridge, &found, why);

    if (err < 0)
        return err;
    link = lp_link_new(&tap_ops, ready, user);
    if (link == NULL)
        return lp_why(LP_ERR_NOMEM, why, "out of memory for the bridge port");
    err = attach(link, name != NULL ? name : BRIDGE_PORT_PATTERN, why);
    if (err == 0)
        err = join_bridge(link, &found, why);
    if (err < 0) {
        lp_link_abandon(link);
        return err;
    }
    return lp_link_watch(link, loop, ret_link, why);
}

int lp_tap_adapters(struct lp_tap_adapter adapters[], unsigned capacity, char why[LP_WHY_LEN])
{
    (void)adapters;
    (void)capacity;
    return lp_why(LP_ERR_UNSUPPORTED, why,
                  "unsupported platform: adapters of TAP-Windows6 are listed on Windows only; "
                  "here the client makes its own TAP");
}
