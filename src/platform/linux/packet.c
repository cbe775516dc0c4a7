/*
 * AF_PACKET on the gateway's wired interface. Frames are read from a ring (packet_ring.h), super-frames,
 * and all on a kernel without one, by recvmsg into one buffer.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "platform/linux/errno.h"
#include "platform/linux/link.h"
#include "platform/linux/packet_ring.h"

#define RECEIVE_BUFFER_BYTES (16 << 20)

/* ---- reading and writing ---- */

static void take_auxdata(struct msghdr *header, struct lp_superframe *frame)
{
    for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(header); cmsg != NULL;
         cmsg = CMSG_NXTHDR(header, cmsg)) {
        struct tpacket_auxdata aux;

        if (cmsg->cmsg_level != SOL_PACKET || cmsg->cmsg_type != PACKET_AUXDATA ||
            cmsg->cmsg_len < CMSG_LEN(sizeof(aux)))
            continue;
        memcpy(&aux, CMSG_DATA(cmsg), sizeof(aux));
        frame->vlan_tagged = (aux.tp_status & TP_STATUS_VLAN_VALID) != 0;
        frame->vlan_tci = frame->vlan_tagged ? aux.tp_vlan_tci : 0;
    }
}

static int read_queue(struct lp_link *link, struct lp_superframe *ret_frame)
{
    struct virtio_net_hdr virtio;
    alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
    struct iovec iov = {
        .iov_base = link->buffer,
        .iov_len = sizeof(virtio) + LP_LINK_FRAME_MAX,
    };
    struct msghdr header = {
        .msg_iov = &iov,
        .msg_iovlen = 1,
        .msg_control = control,
        .msg_controllen = sizeof(control),
    };
    ssize_t got = recvmsg(link->fd, &header, MSG_DONTWAIT);
    int err;

    if (got < 0) {
        switch (errno) {
        case EAGAIN:
        case EINTR:
            return LP_ERR_AGAIN;
        case EINVAL: /* the kernel coalesced what its virtio header cannot say: UDP before 6.2
                      */
            return LP_ERR_UNSUPPORTED;
        default: /* ENETDOWN: down or removed */
            return LP_ERR_CLOSED;
        }
    }
    if ((size_t)got < sizeof(virtio) || (header.msg_flags & MSG_TRUNC) != 0)
        return LP_ERR_UNSUPPORTED;
    memcpy(&virtio, link->buffer, sizeof(virtio));
    err = lp_link_parse(&virtio, link->buffer + sizeof(virtio), (size_t)got - sizeof(virtio),
                        ret_frame);
    if (err == 0)
        take_auxdata(&header, ret_frame);
    return err;
}

static int read_packet(struct lp_link *link, struct lp_superframe *ret_frame)
{
    bool woken = link->woken;

    link->woken = false;
    if (link->ring == NULL)
        return read_queue(link, ret_frame);
    switch (lp_packet_ring_read(link->ring, ret_frame)) {
    case LP_PACKET_RING_FRAME:
        return 0;
    case LP_PACKET_RING_QUEUED:
        return read_queue(link, ret_frame);
    case LP_PACKET_RING_CUT:
        return LP_ERR_UNSUPPORTED;
    case LP_PACKET_RING_EMPTY:
        break;
    }
    /* Woken for no frame: an error of the socket (the interface went down), which a read tells. */
    return woken ? read_queue(link, ret_frame) : LP_ERR_AGAIN;
}

static int write_packet(struct lp_link *link, const struct virtio_net_hdr *virtio,
                        const uint8_t *frame, size_t len)
{
    struct iovec iov[2] = {
        {.iov_base = (void *)(uintptr_t)virtio, .iov_len = sizeof(*virtio)},
        {.iov_base = (void *)(uintptr_t)frame, .iov_len = len},
    };
    struct msghdr header = {.msg_iov = iov, .msg_iovlen = 2};

    if (sendmsg(link->fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
        return 0;
    switch (errno) {
    case EAGAIN:
    case EINTR:
    case ENOBUFS:
    case ENOMEM:
        return LP_ERR_AGAIN;
    case ENETDOWN:
    case ENXIO:
    case ENODEV:
        return LP_ERR_CLOSED;
    case EMSGSIZE:
        return LP_ERR_RANGE;
    case EINVAL:
        return LP_ERR_INVALID;
    default:
        return LP_ERR_IO;
    }
}

/* Everything done to the system (promiscuous mode too) ends with the descriptor. */
static void undo_packet(struct lp_link *link)
{
    lp_packet_ring_free(link->ring);
    link->ring = NULL;
}

/* The kernel's figure starts again at each reading. */
static void count_packet(int fd, struct lp_link_counters *counters)
{
    struct tpacket_stats stats;
    socklen_t len = sizeof(stats);

    if (getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len) == 0)
        counters->rx_kernel_drops += stats.tp_drops;
}

static const struct lp_link_ops packet_ops = {
    .read = read_packet,
    .write = write_packet,
    .undo = undo_packet,
    .count = count_packet,
};

/* ---- what may be bridged ---- */

/* Reads /sys/class/net/<name>/<file>; an empty string when there is none. */
static void read_sysfs(const char *name, const char *file, char *text, size_t space)
{
    char path[96];
    ssize_t got = -1;
    int fd;

    snprintf(path, sizeof(path), "/sys/class/net/%s/%s", name, file);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        got = read(fd, text, space - 1);
        close(fd);
    }
    text[got > 0 ? got : 0] = '\0';
}

static bool has_sysfs(const char *name, const char *file)
{
    char path[96];

    snprintf(path, sizeof(path), "/sys/class/net/%s/%s", name, file);
    return access(path, F_OK) == 0;
}

static bool is_wifi(const struct lp_nl_link *link)
{
    char text[512];

    /* ARPHRD_IEEE80211 and its monitor modes */
    if (link->arp_type >= ARPHRD_IEEE80211 && link->arp_type <= ARPHRD_IEEE80211_RADIOTAP)
        return true;
    /* /sys may show another network namespace, with another interface of this name */
    read_sysfs(link->name, "ifindex", text, sizeof(text));
    if (strtoul(text, NULL, 10) != link->index)
        return false;
    if (has_sysfs(link->name, "wireless") || has_sysfs(link->name, "phy80211"))
        return true;
    read_sysfs(link->name, "uevent", text, sizeof(text));
    return strstr(text, "DEVTYPE=wlan\n") != NULL;
}

static int check_kind(const struct lp_nl_link *link, char *why)
{
    if ((link->flags & IFF_LOOPBACK) != 0)
        return lp_why(
            LP_ERR_CONFIG, why,
            "%s is the loopback interface: name the wired interface that is plugged into "
            "the party's switch",
            link->name);
    if (is_wifi(link))
        return lp_why(
            LP_ERR_CONFIG, why,
            "%s is a Wi-Fi interface: an access point takes frames from this machine's "
            "own MAC only, so the players' frames would be lost; plug in a cable and name "
            "the wired interface",
            link->name);
    if (link->arp_type != ARPHRD_ETHER)
        return lp_why(
            LP_ERR_CONFIG, why,
            "%s is no Ethernet interface: name the wired interface that is plugged into "
            "the party's switch",
            link->name);
    if (!lp_mac_is_valid_source(&link->mac))
        return lp_why(LP_ERR_CONFIG, why,
                      "%s has no valid MAC address: set one with 'ip link set %s address ...'",
                      link->name, link->name);
    return 0;
}

static int check_interface(const char *name, struct lp_nl_link *ret_link, char *why)
{
    struct lp_nl_link link;
    int err = lp_nl_link_by_name(name, &link);

    if (err == -ENODEV)
        return lp_why(LP_ERR_NOTFOUND, why,
                      "there is no interface '%.32s': 'ip link' lists those of this machine",
                      name);
    if (err < 0)
        return lp_why(lp_err_from_errno(-err), why, "cannot look up interface %s: %s", name,
                      strerror(-err));
    err = check_kind(&link, why);
    if (err < 0)
        return err;
    if ((link.flags & IFF_UP) == 0)
        return lp_why(LP_ERR_CONFIG, why, "%s is down: bring it up with 'ip link set %s up'",
                      link.name, link.name);
    if (!link.carrier)
        return lp_why(LP_ERR_CONFIG, why,
                      "%s has no carrier: check the cable and that the switch is on",
                      link.name);
    *ret_link = link;
    return 0;
}

/* ---- opening ---- */

static bool set_option(int fd, int option)
{
    int on = 1;

    return setsockopt(fd, SOL_PACKET, option, &on, sizeof(on)) == 0;
}

/*
 * PACKET_QDISC_BYPASS is not used: a burst of players' frames needs the queue in front of the
 * NIC, and a rate limit that the host set on the interface must hold.
 */
static int set_options(int fd, const struct lp_nl_link *link, char *why)
{
    struct packet_mreq promiscuous = {
        .mr_ifindex = (int)link->index,
        .mr_type = PACKET_MR_PROMISC,
    };
    int bytes = RECEIVE_BUFFER_BYTES;

    if (!set_option(fd, PACKET_VNET_HDR) || !set_option(fd, PACKET_AUXDATA) ||
        !set_option(fd, PACKET_IGNORE_OUTGOING))
        return lp_why(
            LP_ERR_UNSUPPORTED, why,
            "this kernel's packet sockets lack a feature that the gateway needs (%s): "
            "Linux 4.20 or later is required",
            strerror(errno));
    if (setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous, sizeof(promiscuous)) !=
        0)
        return lp_why(
            lp_err_from_errno(errno), why,
            "%s refuses promiscuous mode (%s), so frames for the players cannot be seen: "
            "use another network card; in a virtual machine, allow promiscuous mode on "
            "the virtual switch",
            link->name, strerror(errno));
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) != 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
    return 0;
}

static int open_socket(struct lp_link *link, const struct lp_nl_link *found, char *why)
{
    /* protocol 0: nothing is captured before the bind names the interface */
    struct sockaddr_ll name = {
        .sll_family = AF_PACKET,
        .sll_protocol = htons(ETH_P_ALL),
        .sll_ifindex = (int)found->index,
    };
    int err;

    link->fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (link->fd < 0 && (errno == EPERM || errno == EACCES))
        return lp_why(LP_ERR_PERMISSION, why,
                      "no permission to read frames from %s: run as root (or with CAP_NET_RAW)",
                      found->name);
    if (link->fd < 0)
        return lp_why(lp_err_from_errno(errno), why, "cannot open a packet socket: %s",
                      strerror(errno));
    link->index = found->index;
    memcpy(link->name, found->name, sizeof(link->name));
    err = set_options(link->fd, found, why);
    if (err < 0)
        return err;
    link->ring = lp_packet_ring_new(link->fd);
    if (bind(link->fd, (const struct sockaddr *)&name, sizeof(name)) != 0)
        return lp_why(lp_err_from_errno(errno), why, "cannot read frames from %s: %s",
                      found->name, strerror(errno));
    return 0;
}

int lp_link_open_packet(struct uv_loop_s *loop, const char *interface, lp_ready_fn *ready,
                        void *user, struct lp_link **ret_link, char why[LP_WHY_LEN])
{
    struct lp_nl_link found = {.index = 0};
    struct lp_link *link;
    int err = check_interface(interface, &found, why);

    if (err < 0)
        return err;
    link = lp_link_new(&packet_ops, ready, user);
    if (link == NULL)
        return lp_why(LP_ERR_NOMEM, why, "out of memory for a packet socket");
    err = open_socket(link, &found, why);
    if (err < 0) {
        lp_link_abandon(link);
        return err;
    }
    return lp_link_watch(link, loop, ret_link, why);
}
