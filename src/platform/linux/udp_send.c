/* UDP out: a group of payloads by one UDP_SEGMENT send where the kernel and the device can. */
#include "platform/linux/udp.h"

#include <assert.h>
#include <errno.h>
#include <netinet/udp.h>
#include <string.h>

#include "base/err.h"
#include "platform/linux/errno.h"

/* Limits of one GSO send: the kernel's UDP_MAX_SEGMENTS, and an IP packet's length. */
#define GSO_SEGMENTS_MAX 64u
#define GSO_BYTES_MAX    65000u

struct outgoing {
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
static int send_once(const struct lp_udp *udp, const struct outgoing *out, const uint8_t *bytes,
                     size_t len, size_t segment_len)
{
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
        if (sendmsg(udp->fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
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

static int send_one_by_one(struct lp_udp *udp, const struct outgoing *out, const uint8_t *bytes,
                           size_t len, size_t segment_len)
{
    for (size_t at = 0; at < len; at += segment_len) {
        size_t part = len - at < segment_len ? len - at : segment_len;
        int number = send_once(udp, out, bytes + at, part, 0);

        /* after the first, a full queue is loss: the caller could not send the rest alone */
        if (number != 0 && (at == 0 || number != EAGAIN))
            return number;
        if (number == EAGAIN)
            return 0;
    }
    return 0;
}

/* A device without checksum offload answers EIO, an old kernel EINVAL or ENOPROTOOPT. */
static int send_group(struct lp_udp *udp, const struct outgoing *out, const uint8_t *bytes,
                      size_t len, size_t segment_len)
{
    int number;

    if (len <= segment_len)
        return send_once(udp, out, bytes, len, 0);
    if (!udp->gso)
        return send_one_by_one(udp, out, bytes, len, segment_len);
    number = send_once(udp, out, bytes, len, segment_len);
    if (number != EIO && number != EINVAL && number != ENOPROTOOPT)
        return number;
    number = send_one_by_one(udp, out, bytes, len, segment_len);
    if (number == 0)
        udp->gso = false; /* the same octets went without: GSO it was */
    return number;
}

int lp_udp_send(struct lp_udp *udp, const struct lp_addr *local, const struct lp_addr *remote,
                uint8_t ecn, const uint8_t *bytes, size_t len, size_t segment_len)
{
    struct outgoing out = {.ecn = ecn, .ipv6 = remote->family == LP_ADDR_IPV6};
    size_t group_segments, group_len;

    if (remote->family != udp->local.family || len == 0 || segment_len == 0)
        return LP_ERR_INVALID;
    if (local != NULL && local->family != LP_ADDR_NONE) {
        if (local->family != remote->family)
            return LP_ERR_INVALID;
        out.local = local;
    }
    if (len > segment_len && segment_len > GSO_BYTES_MAX)
        return LP_ERR_RANGE;
    out.name_len = lp_udp_sockaddr(remote, &out.name);
    group_segments = GSO_BYTES_MAX / segment_len;
    if (group_segments > GSO_SEGMENTS_MAX)
        group_segments = GSO_SEGMENTS_MAX;
    group_len = group_segments > 0 ? group_segments * segment_len : len;
    for (size_t at = 0; at < len; at += group_len) {
        size_t part = len - at < group_len ? len - at : group_len;
        int number = send_group(udp, &out, bytes + at, part, segment_len);

        if (number == EAGAIN && at > 0)
            return 0; /* as in send_one_by_one */
        if (number != 0)
            return verdict(udp, number, out.local != NULL);
    }
    return 0;
}
