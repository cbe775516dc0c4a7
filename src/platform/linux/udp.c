/*
 * UDP with batches: recvmmsg and UDP_GRO in (UDP_SEGMENT out is udp_send.c). Wildcard sockets
 * answer from the address that was addressed (packet info), ECN goes both ways, nothing is ever
 * fragmented.
 */
#include "platform/linux/udp.h"

#include <assert.h>
#include <errno.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "platform/linux/errno.h"
#include "platform/udp_batch.h"

#define SOCKET_BUFFER_BYTES (4 << 20)

/* ---- opening ---- */

static bool set_option(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof(value)) == 0;
}

static void set_buffers(int fd)
{
    /* _FORCE passes net.core.rmem_max, with CAP_NET_ADMIN only */
    if (!set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, SOCKET_BUFFER_BYTES))
        set_option(fd, SOL_SOCKET, SO_RCVBUF, SOCKET_BUFFER_BYTES);
    if (!set_option(fd, SOL_SOCKET, SO_SNDBUFFORCE, SOCKET_BUFFER_BYTES))
        set_option(fd, SOL_SOCKET, SO_SNDBUF, SOCKET_BUFFER_BYTES);
}

/* PROBE: DF is set, and the path MTU that the kernel learned from ICMP (forgeable) is not used.
 */
static bool set_family_options(int fd, bool ipv6)
{
    if (ipv6)
        return set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) &&
               set_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) &&
               set_option(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1) &&
               set_option(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
    return set_option(fd, IPPROTO_IP, IP_PKTINFO, 1) &&
           set_option(fd, IPPROTO_IP, IP_RECVTOS, 1) &&
           set_option(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
}

static int why_not_bound(int number, const struct lp_addr *bind_addr, char *why)
{
    char text[LP_ADDR_TEXT_LEN];
    int err = lp_err_from_errno(number);

    lp_addr_format(bind_addr, text);
    switch (number) {
    case EADDRINUSE:
        return lp_why(
            err, why,
            "UDP port %u (%s) is in use by another program: stop that program (ss -lunp "
            "names it) or choose another port",
            bind_addr->port, text);
    case EACCES:
    case EPERM:
        return lp_why(err, why,
                      "no permission for UDP port %u (%s): ports below 1024 need root or "
                      "CAP_NET_BIND_SERVICE; run as root or choose a port above 1023",
                      bind_addr->port, text);
    case EADDRNOTAVAIL:
        return lp_why(
            err, why,
            "cannot use %s: no interface of this machine has that address; choose one "
            "that 'ip address' lists",
            text);
    default:
        return lp_why(err, why, "cannot bind UDP %s: %s", text, strerror(number));
    }
}

static int open_socket(const struct lp_addr *bind_addr, char *why)
{
    bool ipv6 = bind_addr->family == LP_ADDR_IPV6;
    int fd = socket(ipv6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    union lp_sockaddr_ip name;
    socklen_t name_len = lp_sockaddr_from(bind_addr, &name);
    int number;

    if (fd < 0 && errno == EAFNOSUPPORT && ipv6)
        return lp_why(LP_ERR_UNSUPPORTED, why,
                      "this system has IPv6 switched off: use an IPv4 address");
    if (fd < 0)
        return lp_why(lp_err_from_errno(errno), why, "cannot open a UDP socket: %s",
                      strerror(errno));
    set_buffers(fd);
    if (!set_family_options(fd, ipv6)) {
        number = errno;
        close(fd);
        return lp_why(lp_err_from_errno(number), why, "cannot set up a UDP socket: %s",
                      strerror(number));
    }
    if (bind(fd, &name.any, name_len) != 0) {
        number = errno;
        close(fd);
        return why_not_bound(number, bind_addr, why);
    }
    return fd;
}

static void set_up_slots(struct lp_udp *udp, bool gro)
{
    udp->slot_count = gro ? LP_UDP_SLOTS_GRO : LP_UDP_SLOTS_PLAIN;
    udp->slot_len = LP_UDP_ARENA_LEN / udp->slot_count;
    for (unsigned i = 0; i < udp->slot_count; i++) {
        struct lp_udp_slot *slot = &udp->slots[i];
        struct msghdr *header = &udp->messages[i].msg_hdr;

        slot->iov.iov_base = udp->arena + i * udp->slot_len;
        slot->iov.iov_len = udp->slot_len;
        header->msg_iov = &slot->iov;
        header->msg_iovlen = 1;
        header->msg_name = &slot->name;
        header->msg_control = slot->control;
    }
}

static void learn_local(struct lp_udp *udp)
{
    union lp_sockaddr_ip name;
    socklen_t name_len = sizeof(name);

    memset(&name, 0, sizeof(name));
    if (getsockname(udp->fd, &name.any, &name_len) == 0)
        udp->local = lp_sockaddr_addr(&name);
}

/* ---- readiness ---- */

static void on_poll(uv_poll_t *poll, int status, int events);

void lp_udp_watch(struct lp_udp *udp)
{
    uv_poll_start(&udp->poll, UV_READABLE | (udp->want_write ? UV_WRITABLE : 0), on_poll);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct lp_udp *udp = poll->data;
    unsigned ready = 0;

    if (status < 0) {
        /* libuv stops watching at POLLERR; the error itself says nothing about this socket */
        int number;
        socklen_t len = sizeof(number);

        getsockopt(udp->fd, SOL_SOCKET, SO_ERROR, &number, &len);
        lp_udp_watch(udp);
        return;
    }
    if ((events & UV_READABLE) != 0)
        ready |= LP_READY_READ;
    if ((events & UV_WRITABLE) != 0 && udp->want_write) {
        udp->want_write = false;
        lp_udp_watch(udp);
        ready |= LP_READY_WRITE;
    }
    if (ready != 0)
        udp->ready(udp->user, ready); /* may close: nothing is touched after it */
}

static void on_closed(uv_handle_t *handle)
{
    struct lp_udp *udp = handle->data;

    free(udp->arena);
    free(udp);
}

int lp_udp_open(struct uv_loop_s *loop, const struct lp_udp_options *options,
                lp_ready_fn *ready, void *user, struct lp_udp **ret_udp, char why[LP_WHY_LEN])
{
    struct lp_udp *udp;
    bool gro = !options->no_gro;
    int fd, err;

    if (options->bind.family == LP_ADDR_NONE)
        return lp_why(LP_ERR_INVALID, why, "no address to bind a UDP socket to");
    fd = open_socket(&options->bind, why);
    if (fd < 0)
        return fd;
    udp = calloc(1, sizeof(*udp));
    if (udp != NULL)
        udp->arena = malloc(LP_UDP_ARENA_LEN);
    if (udp == NULL || udp->arena == NULL) {
        free(udp);
        close(fd);
        return lp_why(LP_ERR_NOMEM, why, "out of memory for a UDP socket");
    }
    udp->fd = fd;
    udp->ready = ready;
    udp->user = user;
    udp->gso = !options->no_gso;
    set_up_slots(udp, gro && set_option(fd, SOL_UDP, UDP_GRO, 1));
    learn_local(udp);
    err = uv_poll_init(loop, &udp->poll, fd);
    if (err != 0) {
        free(udp->arena);
        free(udp);
        close(fd);
        return lp_why(lp_err_from_errno(-err), why, "cannot watch a UDP socket: %s",
                      uv_strerror(err));
    }
    udp->poll.data = udp;
    lp_udp_watch(udp);
    *ret_udp = udp;
    return 0;
}

void lp_udp_close(struct lp_udp *udp)
{
    if (udp == NULL)
        return;
    uv_close((uv_handle_t *)&udp->poll, on_closed);
    close(udp->fd);
}

void lp_udp_local(const struct lp_udp *udp, struct lp_addr *ret_addr)
{
    *ret_addr = udp->local;
}

/* ---- receiving ---- */

static void take_pktinfo4(struct lp_udp_rx *rx, const struct cmsghdr *cmsg)
{
    struct in_pktinfo info;

    memcpy(&info, CMSG_DATA(cmsg), sizeof(info));
    rx->local.family = LP_ADDR_IPV4;
    memcpy(rx->local.ip, &info.ipi_spec_dst, 4);
}

static void take_pktinfo6(struct lp_udp_rx *rx, const struct cmsghdr *cmsg)
{
    struct in6_pktinfo info;

    memcpy(&info, CMSG_DATA(cmsg), sizeof(info));
    rx->local.family = LP_ADDR_IPV6;
    memcpy(rx->local.ip, &info.ipi6_addr, 16);
    if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr))
        rx->local.scope = info.ipi6_ifindex;
}

static int cmsg_int(const struct cmsghdr *cmsg)
{
    int value;

    memcpy(&value, CMSG_DATA(cmsg), sizeof(value));
    return value;
}

/* Fills all of *rx but its bytes; *ret_segment_len is the coalesced payloads' size, 0 for one.
 */
static void take_control(const struct lp_udp *udp, struct msghdr *header, struct lp_udp_rx *rx,
                         size_t *ret_segment_len)
{
    *ret_segment_len = 0;
    for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(header); cmsg != NULL;
         cmsg = CMSG_NXTHDR(header, cmsg)) {
        size_t len = cmsg->cmsg_len - CMSG_LEN(0);

        if (cmsg->cmsg_level == SOL_UDP && cmsg->cmsg_type == UDP_GRO && len >= sizeof(int)) {
            int segment_len = cmsg_int(cmsg);

            *ret_segment_len = segment_len > 0 ? (size_t)segment_len : 0;
        } else if (cmsg->cmsg_level == IPPROTO_IP && cmsg->cmsg_type == IP_TOS && len >= 1) {
            rx->ecn = *CMSG_DATA(cmsg) & 3;
        } else if (cmsg->cmsg_level == IPPROTO_IPV6 && cmsg->cmsg_type == IPV6_TCLASS &&
                   len >= sizeof(int)) {
            rx->ecn = (uint8_t)(cmsg_int(cmsg) & 3);
        } else if (cmsg->cmsg_level == IPPROTO_IP && cmsg->cmsg_type == IP_PKTINFO &&
                   len >= sizeof(struct in_pktinfo)) {
            take_pktinfo4(rx, cmsg);
        } else if (cmsg->cmsg_level == IPPROTO_IPV6 && cmsg->cmsg_type == IPV6_PKTINFO &&
                   len >= sizeof(struct in6_pktinfo)) {
            take_pktinfo6(rx, cmsg);
        }
    }
    if (rx->local.family != LP_ADDR_NONE)
        rx->local.port = udp->local.port;
}

/* Hands out payloads of slot `next`; leaves the slot when it is used up. Returns how many. */
static unsigned split_slot(struct lp_udp *udp, struct lp_udp_rx rx[], unsigned capacity)
{
    struct mmsghdr *message = &udp->messages[udp->next];
    const struct lp_udp_slot *slot = &udp->slots[udp->next];
    struct lp_udp_rx one = {.remote = lp_sockaddr_addr(&slot->name)};
    size_t segment_len;
    unsigned count;

    take_control(udp, &message->msg_hdr, &one, &segment_len);
    if ((message->msg_hdr.msg_flags & MSG_TRUNC) != 0)
        udp->next_offset = message->msg_len; /* longer than anything of ours: dropped */
    count = lp_udp_split(slot->iov.iov_base, message->msg_len, segment_len, &udp->next_offset,
                         &one, rx, capacity);
    if (udp->next_offset >= message->msg_len) {
        udp->next++;
        udp->next_offset = 0;
    }
    return count;
}

static unsigned split(struct lp_udp *udp, struct lp_udp_rx rx[], unsigned capacity)
{
    unsigned count = 0;

    while (udp->next < udp->received && count < capacity)
        count += split_slot(udp, rx + count, capacity - count);
    return count;
}

static int receive_batch(struct lp_udp *udp)
{
    int got;

    for (unsigned i = 0; i < udp->slot_count; i++) {
        struct msghdr *header = &udp->messages[i].msg_hdr;

        header->msg_namelen = sizeof(union lp_sockaddr_ip);
        header->msg_controllen = LP_UDP_CONTROL_LEN;
        header->msg_flags = 0;
    }
    udp->next = 0;
    udp->next_offset = 0;
    udp->received = 0;
    got = recvmmsg(udp->fd, udp->messages, udp->slot_count, MSG_DONTWAIT, NULL);
    if (got > 0)
        udp->received = (unsigned)got;
    udp->drained = got > 0 && (unsigned)got < udp->slot_count;
    return got < 0 ? -errno : got;
}

int lp_udp_receive(struct lp_udp *udp, struct lp_udp_rx rx[], unsigned capacity)
{
    assert(capacity > 0);
    for (;;) {
        /* leftovers alone: a new batch would overwrite what this call hands out */
        unsigned count = split(udp, rx, capacity);
        int got;

        if (count > 0)
            return (int)count;
        if (udp->drained) { /* the batch before had room for more: the poll tells when there is */
            udp->drained = false;
            return LP_ERR_AGAIN;
        }
        got = receive_batch(udp);
        if (got == -EAGAIN || got == 0)
            return LP_ERR_AGAIN;
        /* ICMP's news about some peer (ECONNREFUSED, ...) come before data: read on */
        if (got == -EBADF || got == -ENOTSOCK || got == -ENOMEM || got == -EFAULT)
            return lp_err_from_errno(-got);
    }
}
