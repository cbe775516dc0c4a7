/*
 * What the two halves of a UDP socket share. Internal to platform/linux: udp.c opens, watches
 * and receives, udp_send.c sends.
 */
#ifndef LP_PLATFORM_LINUX_UDP_H
#define LP_PLATFORM_LINUX_UDP_H

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <uv.h>

#include "platform/platform.h"
#include "platform/sockaddr.h"

/*
 * One arena, cut into slots by what one read can give: 64 KiB of coalesced payloads with GRO,
 * one payload without. A payload above 16 KiB is none of ours and is dropped as truncated.
 */
#define LP_UDP_ARENA_LEN   (1u << 20)
#define LP_UDP_SLOTS_GRO   16u
#define LP_UDP_SLOTS_PLAIN LP_UDP_BATCH

/* packet info, traffic class, segment size: rounded up */
#define LP_UDP_CONTROL_LEN 128u

struct lp_udp_slot {
    union lp_sockaddr_ip name;
    struct iovec iov;
    alignas(struct cmsghdr) uint8_t control[LP_UDP_CONTROL_LEN];
};

struct lp_udp {
    uv_poll_t poll;
    int fd;
    bool gso;
    bool want_write;
    lp_ready_fn *ready;
    void *user;
    struct lp_addr local;

    unsigned slot_count;
    size_t slot_len;
    uint8_t *arena;
    struct mmsghdr messages[LP_UDP_SLOTS_PLAIN];
    struct lp_udp_slot slots[LP_UDP_SLOTS_PLAIN];

    /* What of the last batch has not been handed out yet: slot and offset in it. */
    unsigned received;
    bool drained; /* the last batch took all that there was */
    unsigned next;
    size_t next_offset;
};

/* Waits for payloads and, with want_write, for room in the socket. */
void lp_udp_watch(struct lp_udp *udp);

#endif
