/* UDP out: a group of payloads by one send with UDP_SEND_MSG_SIZE (USO) where Windows has it. */
#include "platform/windows/udp.h"

#include <assert.h>
#include <string.h>

#include "base/err.h"
#include "platform/windows/errno.h"
#include "platform/udp_batch.h"

struct outgoing {
    SOCKET socket;
    union lp_sockaddr_ip name;
    int name_len;
    const struct lp_addr *local; /* NULL = the system's choice */
    uint8_t ecn;
    bool ipv6;
};

static void put_cmsg(WSAMSG *message, int level, int type, const void *bytes, size_t len)
{
    WSACMSGHDR *cmsg =
        (WSACMSGHDR *)(void *)((uint8_t *)message->Control.buf + message->Control.len);
    size_t space = lp_cmsg_align(WSA_CMSG_LEN(len));

    assert(message->Control.len + space <= LP_UDP_CONTROL_LEN);
    cmsg->cmsg_level = level;
    cmsg->cmsg_type = type;
    cmsg->cmsg_len = WSA_CMSG_LEN(len);
    memcpy(WSA_CMSG_DATA(cmsg), bytes, len);
    message->Control.len += (ULONG)space;
}

static void put_local(WSAMSG *message, const struct lp_addr *local)
{
    if (local->family == LP_ADDR_IPV6) {
        IN6_PKTINFO info = {.ipi6_ifindex = local->scope};

        memcpy(&info.ipi6_addr, local->ip, 16);
        put_cmsg(message, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info));
    } else {
        IN_PKTINFO info = {.ipi_ifindex = 0};

        memcpy(&info.ipi_addr, local->ip, 4);
        put_cmsg(message, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
    }
}

/* One system call; segment_len 0 = no USO. 0 or the error. */
static int send_once(void *user, const uint8_t *bytes, size_t len, size_t segment_len)
{
    const struct outgoing *out = user;
    alignas(WSACMSGHDR) uint8_t control[LP_UDP_CONTROL_LEN] = {0};
    WSABUF buffer = {.buf = (char *)(uintptr_t)bytes, .len = (ULONG)len};
    WSAMSG message = {
        .name = (struct sockaddr *)(uintptr_t)&out->name.any,
        .namelen = out->name_len,
        .lpBuffers = &buffer,
        .dwBufferCount = 1,
        .Control.buf = (char *)control,
    };
    int ecn = out->ecn & 3;
    DWORD sent;

    if (out->local != NULL)
        put_local(&message, out->local);
    if (ecn != 0)
        put_cmsg(&message, out->ipv6 ? IPPROTO_IPV6 : IPPROTO_IP, out->ipv6 ? IPV6_ECN : IP_ECN,
                 &ecn, sizeof(ecn));
    if (segment_len != 0) {
        DWORD uso_size = (DWORD)segment_len;

        put_cmsg(&message, IPPROTO_UDP, UDP_SEND_MSG_SIZE, &uso_size, sizeof(uso_size));
    }
    if (message.Control.len == 0)
        message.Control.buf = NULL;
    return WSASendMsg(out->socket, &message, 0, &sent, NULL, NULL) == 0 ? 0 : WSAGetLastError();
}

/*
 * What the network, a firewall or a route that just changed does to a datagram is loss: QUIC
 * sees it as such, and the socket goes on. WSAEINVAL and WSAEADDRNOTAVAIL come when the local
 * address has gone.
 */
static bool is_loss(int number, bool has_local)
{
    switch (number) {
    case WSAECONNREFUSED:
    case WSAECONNRESET:
    case WSAENETRESET:
    case WSAEHOSTUNREACH:
    case WSAEHOSTDOWN:
    case WSAENETUNREACH:
    case WSAENETDOWN:
    case WSAENOBUFS:
    case WSAEACCES:
    case WSAETIMEDOUT:
        return true;
    case WSAEINVAL:
    case WSAEADDRNOTAVAIL:
        return has_local;
    default:
        return false;
    }
}

static int verdict(struct lp_udp *udp, int number, bool has_local)
{
    if (number == 0 || is_loss(number, has_local))
        return 0;
    if (number == WSAEWOULDBLOCK) {
        udp->want_write = true;
        lp_udp_watch(udp);
        return LP_ERR_AGAIN;
    }
    return lp_err_from_win32((unsigned long)number);
}

static bool refuses_segments(int number)
{
    return number == WSAEINVAL || number == WSAEOPNOTSUPP || number == WSAENOPROTOOPT;
}

static const struct lp_udp_sender sender = {
    .send = send_once,
    .refuses_segments = refuses_segments,
    .full = WSAEWOULDBLOCK,
};

static bool is_unspecified(const struct lp_addr *addr)
{
    static const uint8_t zero[sizeof(addr->ip)];

    return addr->family == LP_ADDR_NONE || memcmp(addr->ip, zero, sizeof(zero)) == 0;
}

int lp_udp_send(struct lp_udp *udp, const struct lp_addr *local, const struct lp_addr *remote,
                uint8_t ecn, const uint8_t *bytes, size_t len, size_t segment_len)
{
    struct outgoing out = {
        .socket = udp->socket,
        .ecn = ecn,
        .ipv6 = remote->family == LP_ADDR_IPV6,
    };
    int err = lp_udp_check_send(udp->local.family, local, remote, len, segment_len);
    int number;

    if (err < 0)
        return err;
    if (local != NULL && !is_unspecified(local))
        out.local = local;
    out.name_len = lp_sockaddr_from(remote, &out.name);
    number = lp_udp_send_run(&sender, &out, &udp->uso, bytes, len, segment_len);
    return verdict(udp, number, out.local != NULL);
}
