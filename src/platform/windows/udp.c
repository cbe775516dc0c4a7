/*
 * UDP by WSARecvMsg: payloads that the system coalesced (URO) where it can, one at a time
 * otherwise. Wildcard sockets answer from the address that was addressed (packet info), ECN goes
 * both ways, nothing is ever fragmented.
 */
#include "platform/windows/udp.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "platform/windows/errno.h"
#include "platform/udp_batch.h"

#define SOCKET_BUFFER_BYTES (4 << 20)

#ifndef SIO_UDP_NETRESET
#define SIO_UDP_NETRESET _WSAIOW(IOC_VENDOR, 15)
#endif

/* ---- opening ---- */

static bool set_option(SOCKET socket, int level, int option, DWORD value)
{
    return setsockopt(socket, level, option, (const char *)&value, sizeof(value)) == 0;
}

/*
 * ECN is a help, the rest is needed. Without SO_EXCLUSIVEADDRUSE another program could bind the
 * same port and take the payloads.
 */
static bool set_family_options(SOCKET socket, bool ipv6)
{
    set_option(socket, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, 1);
    set_option(socket, SOL_SOCKET, SO_RCVBUF, SOCKET_BUFFER_BYTES);
    set_option(socket, SOL_SOCKET, SO_SNDBUF, SOCKET_BUFFER_BYTES);
    if (ipv6) {
        set_option(socket, IPPROTO_IPV6, IPV6_RECVECN, 1);
        return set_option(socket, IPPROTO_IPV6, IPV6_V6ONLY, 1) &&
               set_option(socket, IPPROTO_IPV6, IPV6_PKTINFO, 1) &&
               set_option(socket, IPPROTO_IPV6, IPV6_DONTFRAG, 1);
    }
    set_option(socket, IPPROTO_IP, IP_RECVECN, 1);
    return set_option(socket, IPPROTO_IP, IP_PKTINFO, 1) &&
           set_option(socket, IPPROTO_IP, IP_DONTFRAGMENT, 1);
}

/* An ICMP message about one peer must not be an error of the socket that serves them all. */
static void ignore_resets(SOCKET socket)
{
    BOOL no = FALSE;
    DWORD ignored;

    WSAIoctl(socket, SIO_UDP_CONNRESET, &no, sizeof(no), NULL, 0, &ignored, NULL, NULL);
    WSAIoctl(socket, SIO_UDP_NETRESET, &no, sizeof(no), NULL, 0, &ignored, NULL, NULL);
}

static int why_not_bound(int number, const struct lp_addr *bind_addr, char *why)
{
    char addr[LP_ADDR_TEXT_LEN];
    char text[LP_WIN_TEXT_LEN];
    int err = lp_err_from_win32((unsigned long)number);

    lp_addr_format(bind_addr, addr);
    switch (number) {
    case WSAEADDRINUSE:
        return lp_why(err, why,
                      "UDP port %u (%s) is in use by another program: stop that program "
                      "(netstat -abno -p udp names it) or choose another port",
                      bind_addr->port, addr);
    case WSAEACCES:
        return lp_why(err, why,
                      "no permission for UDP port %u (%s): Windows has reserved it (netsh "
                      "int ipv4 show excludedportrange udp) or another program has it for "
                      "itself; choose another port",
                      bind_addr->port, addr);
    case WSAEADDRNOTAVAIL:
        return lp_why(err, why,
                      "cannot use %s: no interface of this machine has that address; choose "
                      "one that 'ipconfig' lists",
                      addr);
    default:
        return lp_why(err, why, "UDP %s cannot be used, choose another port: %s", addr,
                      lp_win_text((unsigned long)number, text));
    }
}

static int why_not_set_up(int number, const char *what, char *why)
{
    char text[LP_WIN_TEXT_LEN];

    return lp_why(lp_err_from_win32((unsigned long)number), why,
                  "Windows cannot %s a UDP socket, restart the computer: %s", what,
                  lp_win_text((unsigned long)number, text));
}

/* 0 with a bound, non-blocking socket in udp->socket. */
static int open_socket(struct lp_udp *udp, const struct lp_addr *bind_addr, char *why)
{
    bool ipv6 = bind_addr->family == LP_ADDR_IPV6;
    GUID receive_id = WSAID_WSARECVMSG;
    union lp_sockaddr_ip name;
    int name_len = lp_sockaddr_from(bind_addr, &name);
    u_long nonblocking = 1;
    DWORD got;

    udp->socket = WSASocketW(ipv6 ? AF_INET6 : AF_INET, SOCK_DGRAM, IPPROTO_UDP, NULL, 0,
                             WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
    if (udp->socket == INVALID_SOCKET && WSAGetLastError() == WSAEAFNOSUPPORT && ipv6)
        return lp_why(LP_ERR_UNSUPPORTED, why,
                      "this system has IPv6 switched off: use an IPv4 address");
    if (udp->socket == INVALID_SOCKET)
        return why_not_set_up(WSAGetLastError(), "open", why);
    if (WSAIoctl(udp->socket, SIO_GET_EXTENSION_FUNCTION_POINTER, &receive_id,
                 sizeof(receive_id), &udp->receive, sizeof(udp->receive), &got, NULL,
                 NULL) != 0 ||
        ioctlsocket(udp->socket, (long)FIONBIO, &nonblocking) != 0 ||
        !set_family_options(udp->socket, ipv6))
        return why_not_set_up(WSAGetLastError(), "set up", why);
    ignore_resets(udp->socket);
    if (bind(udp->socket, &name.any, name_len) != 0)
        return why_not_bound(WSAGetLastError(), bind_addr, why);
    return 0;
}

/*
 * A system without USO refuses the option, but takes the control message and ignores it: one
 * huge datagram would leave. So the option decides; 0 is no segmentation where no message asks.
 */
static bool has_uso(SOCKET socket)
{
    return set_option(socket, IPPROTO_UDP, UDP_SEND_MSG_SIZE, 1200) &&
           set_option(socket, IPPROTO_UDP, UDP_SEND_MSG_SIZE, 0);
}

static void set_up_slots(struct lp_udp *udp, bool uro)
{
    udp->slot_count = uro ? LP_UDP_SLOTS_URO : LP_UDP_SLOTS_PLAIN;
    udp->slot_len = LP_UDP_ARENA_LEN / udp->slot_count;
    for (unsigned i = 0; i < udp->slot_count; i++) {
        struct lp_udp_slot *slot = &udp->slots[i];

        slot->buffer.buf = (char *)udp->arena + i * udp->slot_len;
        slot->buffer.len = (ULONG)udp->slot_len;
        slot->message.lpBuffers = &slot->buffer;
        slot->message.dwBufferCount = 1;
        slot->message.name = &slot->name.any;
        slot->message.Control.buf = (char *)slot->control;
    }
}

static void learn_local(struct lp_udp *udp)
{
    union lp_sockaddr_ip name;
    int name_len = sizeof(name);

    memset(&name, 0, sizeof(name));
    if (getsockname(udp->socket, &name.any, &name_len) == 0)
        udp->local = lp_sockaddr_addr(&name);
}

/* ---- readiness ---- */

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct lp_udp *udp = poll->data;
    unsigned ready = 0;

    if (status < 0) {
        lp_udp_watch(udp); /* libuv stops at an error, which says nothing about this socket */
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

void lp_udp_watch(struct lp_udp *udp)
{
    uv_poll_start(&udp->poll, UV_READABLE | (udp->want_write ? UV_WRITABLE : 0), on_poll);
}

static void free_udp(struct lp_udp *udp)
{
    free(udp->arena);
    free(udp);
}

static void on_closed(uv_handle_t *handle)
{
    free_udp(handle->data);
}

static void abandon(struct lp_udp *udp)
{
    if (udp->socket != INVALID_SOCKET)
        closesocket(udp->socket);
    free_udp(udp);
}

int lp_udp_open(struct uv_loop_s *loop, const struct lp_udp_options *options,
                lp_ready_fn *ready, void *user, struct lp_udp **ret_udp, char why[LP_WHY_LEN])
{
    struct lp_udp *udp;
    int err;

    if (options->bind.family == LP_ADDR_NONE)
        return lp_why(LP_ERR_INVALID, why, "there is no address for a UDP socket: give one");
    udp = calloc(1, sizeof(*udp));
    if (udp != NULL)
        udp->arena = malloc(LP_UDP_ARENA_LEN);
    if (udp == NULL || udp->arena == NULL) {
        free(udp);
        return lp_why(LP_ERR_NOMEM, why,
                      "out of memory for a UDP socket: close other programs");
    }
    udp->ready = ready;
    udp->user = user;
    err = open_socket(udp, &options->bind, why);
    if (err < 0) {
        abandon(udp);
        return err;
    }
    udp->uso = !options->no_gso && has_uso(udp->socket);
    set_up_slots(udp, !options->no_gro && set_option(udp->socket, IPPROTO_UDP,
                                                     UDP_RECV_MAX_COALESCED_SIZE, UINT16_MAX));
    learn_local(udp);
    err = uv_poll_init_socket(loop, &udp->poll, udp->socket);
    if (err != 0) {
        abandon(udp);
        return lp_why(LP_ERR_IO, why, "a UDP socket cannot be watched, restart the program: %s",
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
    closesocket(udp->socket);
}

void lp_udp_local(const struct lp_udp *udp, struct lp_addr *ret_addr)
{
    *ret_addr = udp->local;
}

/* ---- receiving ---- */

static void take_pktinfo4(struct lp_udp_rx *rx, WSACMSGHDR *cmsg)
{
    IN_PKTINFO info;

    memcpy(&info, WSA_CMSG_DATA(cmsg), sizeof(info));
    rx->local.family = LP_ADDR_IPV4;
    memcpy(rx->local.ip, &info.ipi_addr, 4);
}

static void take_pktinfo6(struct lp_udp_rx *rx, WSACMSGHDR *cmsg)
{
    IN6_PKTINFO info;

    memcpy(&info, WSA_CMSG_DATA(cmsg), sizeof(info));
    rx->local.family = LP_ADDR_IPV6;
    memcpy(rx->local.ip, &info.ipi6_addr, 16);
    if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr))
        rx->local.scope = info.ipi6_ifindex;
}

static int cmsg_int(WSACMSGHDR *cmsg)
{
    int value;

    memcpy(&value, WSA_CMSG_DATA(cmsg), sizeof(value));
    return value;
}

static void take_one(struct lp_udp_rx *rx, WSACMSGHDR *cmsg, size_t len,
                     size_t *ret_segment_len)
{
    if (cmsg->cmsg_level == IPPROTO_UDP && cmsg->cmsg_type == UDP_COALESCED_INFO &&
        len >= sizeof(int)) {
        int segment_len = cmsg_int(cmsg);

        *ret_segment_len = segment_len > 0 ? (size_t)segment_len : 0;
    } else if (((cmsg->cmsg_level == IPPROTO_IP && cmsg->cmsg_type == IP_ECN) ||
                (cmsg->cmsg_level == IPPROTO_IPV6 && cmsg->cmsg_type == IPV6_ECN)) &&
               len >= sizeof(int)) {
        rx->ecn = (uint8_t)(cmsg_int(cmsg) & 3);
    } else if (cmsg->cmsg_level == IPPROTO_IP && cmsg->cmsg_type == IP_PKTINFO &&
               len >= sizeof(IN_PKTINFO)) {
        take_pktinfo4(rx, cmsg);
    } else if (cmsg->cmsg_level == IPPROTO_IPV6 && cmsg->cmsg_type == IPV6_PKTINFO &&
               len >= sizeof(IN6_PKTINFO)) {
        take_pktinfo6(rx, cmsg);
    }
}

static WSACMSGHDR *next_cmsg(const WSAMSG *message, WSACMSGHDR *cmsg)
{
    size_t at = (size_t)((char *)cmsg - message->Control.buf) + lp_cmsg_align(cmsg->cmsg_len);

    if (at + sizeof(*cmsg) > message->Control.len)
        return NULL;
    return (WSACMSGHDR *)(void *)(message->Control.buf + at);
}

/* Fills all of *rx but its bytes; *ret_segment_len is the coalesced payloads' size, 0 for one.
 */
static void take_control(const struct lp_udp *udp, WSAMSG *message, struct lp_udp_rx *rx,
                         size_t *ret_segment_len)
{
    *ret_segment_len = 0;
    for (WSACMSGHDR *cmsg = WSA_CMSG_FIRSTHDR(message); cmsg != NULL;
         cmsg = next_cmsg(message, cmsg)) {
        if (cmsg->cmsg_len < WSA_CMSG_LEN(0) || cmsg->cmsg_len > message->Control.len)
            return;
        take_one(rx, cmsg, cmsg->cmsg_len - WSA_CMSG_LEN(0), ret_segment_len);
    }
    if (rx->local.family != LP_ADDR_NONE)
        rx->local.port = udp->local.port;
}

/* Hands out payloads of slot `next`; leaves the slot when it is used up. Returns how many. */
static unsigned split_slot(struct lp_udp *udp, struct lp_udp_rx rx[], unsigned capacity)
{
    struct lp_udp_slot *slot = &udp->slots[udp->next];
    struct lp_udp_rx one = {.remote = lp_sockaddr_addr(&slot->name)};
    size_t segment_len;
    unsigned count;

    take_control(udp, &slot->message, &one, &segment_len);
    count = lp_udp_split((const uint8_t *)slot->buffer.buf, slot->len, segment_len,
                         &udp->next_offset, &one, rx, capacity);
    if (udp->next_offset >= slot->len) {
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

/* 0 or the error. */
static int receive_once(struct lp_udp *udp, struct lp_udp_slot *slot)
{
    DWORD got;

    slot->message.namelen = sizeof(slot->name);
    slot->message.Control.len = LP_UDP_CONTROL_LEN;
    slot->message.dwFlags = 0;
    slot->len = 0;
    if (udp->receive(udp->socket, &slot->message, &got, NULL, NULL) != 0)
        return WSAGetLastError();
    if ((slot->message.dwFlags & MSG_TRUNC) == 0)
        slot->len = got; /* a truncated one was longer than anything of ours: dropped */
    return 0;
}

/* ICMP's news about some peer, or a payload that is longer than a slot: read on. */
static bool is_passing(int number)
{
    switch (number) {
    case WSAEMSGSIZE:
    case WSAECONNRESET:
    case WSAENETRESET:
    case WSAECONNREFUSED:
    case WSAENETUNREACH:
    case WSAEHOSTUNREACH:
    case WSAETIMEDOUT:
        return true;
    default:
        return false;
    }
}

static int receive_batch(struct lp_udp *udp)
{
    udp->next = 0;
    udp->next_offset = 0;
    udp->received = 0;
    while (udp->received < udp->slot_count) {
        struct lp_udp_slot *slot = &udp->slots[udp->received];
        int number = receive_once(udp, slot);

        if (is_passing(number))
            slot->len = 0; /* an empty slot: counts as read, so that it ends */
        else if (number != 0)
            return udp->received > 0 ? 0 : number;
        udp->received++;
    }
    return 0;
}

int lp_udp_receive(struct lp_udp *udp, struct lp_udp_rx rx[], unsigned capacity)
{
    assert(capacity > 0);
    for (;;) {
        /* leftovers alone: a new batch would overwrite what this call hands out */
        unsigned count = split(udp, rx, capacity);
        int number;

        if (count > 0)
            return (int)count;
        number = receive_batch(udp);
        if (number != 0)
            return lp_err_from_win32((unsigned long)number);
    }
}
