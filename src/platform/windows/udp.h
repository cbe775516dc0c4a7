/*
 * What the two halves of a UDP socket share. Internal to platform/windows: udp.c opens, watches
 * and receives, udp_send.c sends.
 */
#ifndef LP_PLATFORM_WINDOWS_UDP_H
#define LP_PLATFORM_WINDOWS_UDP_H

#include "platform/windows/win.h"

#include <mswsock.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "platform/platform.h"
#include "platform/sockaddr.h"

/* Not in every mingw-w64's headers; ws2ipdef.h of the Windows SDK has them. */
#ifndef UDP_SEND_MSG_SIZE
#define UDP_SEND_MSG_SIZE 2
#endif
#ifndef UDP_RECV_MAX_COALESCED_SIZE
#define UDP_RECV_MAX_COALESCED_SIZE 3
#endif
#ifndef UDP_COALESCED_INFO
#define UDP_COALESCED_INFO 3
#endif
#ifndef IP_RECVECN
#define IP_RECVECN 50
#endif
#ifndef IPV6_RECVECN
#define IPV6_RECVECN 50
#endif

/*
 * One arena, cut into slots by what one read can give: 64 KiB of coalesced payloads with URO,
 * one payload without. A payload above 16 KiB is none of ours and is dropped as truncated.
 */
#define LP_UDP_ARENA_LEN   (1u << 20)
#define LP_UDP_SLOTS_URO   16u
#define LP_UDP_SLOTS_PLAIN LP_UDP_BATCH

/* packet info, ECN, segment size: rounded up */
#define LP_UDP_CONTROL_LEN 128u

struct lp_udp_slot {
    union lp_sockaddr_ip name;
    WSAMSG message;
    WSABUF buffer;
    size_t len;
    alignas(WSACMSGHDR) uint8_t control[LP_UDP_CONTROL_LEN];
};

struct lp_udp {
    uv_poll_t poll;
    SOCKET socket;
    LPFN_WSARECVMSG receive;
    bool uso;
    bool want_write;
    lp_ready_fn *ready;
    void *user;
    struct lp_addr local;

    unsigned slot_count;
    size_t slot_len;
    uint8_t *arena;
    struct lp_udp_slot slots[LP_UDP_SLOTS_PLAIN];

    /* What of the last batch has not been handed out yet: slot and offset in it. */
    unsigned received;
    unsigned next;
    size_t next_offset;
};

/* The length of a control message or its part, padded; the system's macros mix signs. */
static inline size_t lp_cmsg_align(size_t len)
{
    return (len + alignof(WSACMSGHDR) - 1) & ~(alignof(WSACMSGHDR) - 1);
}

/* Waits for payloads and, with want_write, for room in the socket. */
void lp_udp_watch(struct lp_udp *udp);

#endif
