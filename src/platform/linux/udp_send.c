/* UDP out: a group of payloads by one UDP_SEGMENT send where the kernel and the device can. */
#include "platform/linux/udp.h"

#include <assert.h>
#include <errno.h>
#include <netinet/udp.h>
#include <string.h>

#include "base/err.h"
#include "platform/linux/errno.h"
#include "platform/udp_batch.h"

struct outgoing {
    int fd;
    union lp_sockaddr_ip name;
    socklen_t name_len;
    const struct lp_addr *local; /* NULL = the kernel's choice */
    uint8_t ecn;
    bool ipv6;
};

static void put_cmsg(struct msghdr *header, int level, int type, const void *bytes, size_t len)
{
    struct cmsghdr *cmsg =
        (struct cmsghdr *)(void *)((uint8_t *)header->msg_control + header->msg_controllen);

    assert(header->msg_controllen + CMSG_SPACE(len) <= LP_UDP_CONTROL_LEN);
    cmsg->cmsg_level = level;
    cmsg->cmsg_type = type;
    cmsg->cmsg_len = CMSG_LEN(len);
    memcpy(CMSG_DATA(cmsg), bytes, len);
    header->msg_controllen += CMSG_SPACE(len);
}

static void put_local(struct msghdr *header, const struct lp_addr *local)
{
    if (local->family == LP_ADDR_IPV6) {
        struct in6_pktinfo info = {.ipi6_ifindex = local->scope};

        memcpy(&info.ipi6_addr, local->ip, 16);
        put_cmsg(header, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info));
    } else {
        struct in_pktinfo info = {.ipi_ifindex = 0};

        memcpy(&info.ipi_spec_dst, local->ip, 4);
        put_cmsg(header, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
    }
}

/* One system call; segment_len 0 = no GSO. 0 or errno. */
static int send_once(void *user, const uint8_t *bytes, size_t len, size_t segment_len)
{
    const struct outgoing *out = user;
    alignas(struct cmsghdr) uint8_t control[LP_UDP_CONTROL_LEN] = {0};
    struct iovec iov = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = len};
    struct msghdr header = {
        .msg_name = (void *)(uintptr_t)&out->name,
        .msg_namelen = out->name_len,
        .msg_iov = &iov,
        .msg_iovlen = 1,
        .msg_control = control,
    };
    int ecn = out->ecn & 3;

    if (out->local != NULL)
        put_local(&header, out->local);
    if (ecn != 0)
        put_cmsg(&header, out->ipv6 ? IPPROTO_IPV6 : IPPROTO_IP,
                 out->ipv6 ? IPV6_TCLASS : IP_TOS, &ecn, sizeof(ecn));
    if (segment_len != 0) {
        uint16_t gso_size = (uint16_t)segment_len;

        put_cmsg(&header, SOL_UDP, UDP_SEGMENT, &gso_size, sizeof(gso_size));
    }
    for (;;) {
        if (sendmsg(out->fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
            return 0;
        if (errno != EINTR)
            return errno;
    }
}

/*
 * What the network, a firewall or a route that just changed does to a datagram is loss: QUIC
 * sees it as such, and the socket goes on. EINVAL and EADDRNOTAVAIL come when the local address
 * has gone.
 */
static bool is_loss(int number, bool has_local)
{
    switch (number) {
    case ECONNREFUSED:
    case ECONNRESET:
    case EHOSTUNREACH:
    case EHOSTDOWN:
    case ENETUNREACH:
    case ENETDOWN:
    case ENOBUFS: /* the device's queue; waiting for the socket to be writable would not help */
    case EPERM:
    case EACCES:
    case EPROTO:
    case ETIMEDOUT:
        return true;
    case EINVAL:
    case EADDRNOTAVAIL:
        return has_local;
    default:
        return false;
    }
}

static int verdict(struct lp_udp *udp, int number, bool has_local)
{
    if (number == 0 || is_loss(number, has_local))
        return 0;
    if (number == EAGAIN) {
        udp->want_write = true;
        lp_udp_watch(udp);
        return LP_ERR_AGAIN;
    }
    return lp_err_from_errno(number);
}

/* A device without checksum offload answers EIO, an old kernel EINVAL or ENOPROTOOPT. */
static bool refuses_segments(int number)
{
    return number == EIO || number == EINVAL || number == ENOPROTOOPT;
}

static const struct lp_udp_sender sender = {
    .send = send_once,
    .refuses_segments = refuses_segments,
    .full = EAGAIN,
};

int lp_udp_send(struct lp_udp *udp, const struct lp_addr *local, const struct lp_addr *remote,
                uint8_t ecn, const uint8_t *bytes, size_t len, size_t segment_len)
{
    struct outgoing out = {.fd = udp->fd, .ecn = ecn, .ipv6 = remote->family == LP_ADDR_IPV6};
    int err = lp_udp_check_send(udp->local.family, local, remote, len, segment_len);
    int number;

    if (err < 0)
        return err;
    if (local != NULL && local->family != LP_ADDR_NONE)
        out.local = local;
    out.name_len = lp_sockaddr_from(remote, &out.name);
    number = lp_udp_send_run(&sender, &out, &udp->gso, bytes, len, segment_len);
    return verdict(udp, number, out.local != NULL);
}
