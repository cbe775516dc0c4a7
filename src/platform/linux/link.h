/*
 * What the three kinds of Ethernet link share. Internal to platform/linux: link.c watches and
 * dispatches, tap.c and packet.c open, read, write and undo.
 */
#ifndef LP_PLATFORM_LINUX_LINK_H
#define LP_PLATFORM_LINUX_LINK_H

#include <linux/virtio_net.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/superframe.h"
#include "platform/linux/netlink.h"
#include "platform/platform.h"

/* A virtio header and a frame of the largest IP packet; a longer one (BIG TCP) is unsupported.
 */
#define LP_LINK_FRAME_MAX (65536u + 64u)
/* Reads that give no frame before lp_link_read says AGAIN, so that they cannot hold up the
 * loop. */
#define LP_LINK_SKIPS_MAX      64u
#define LP_ETHERNET_HEADER_LEN 14u

struct lp_link;
struct lp_packet_ring;

struct lp_link_ops {
    /* One system call at most. 0, LP_ERR_AGAIN, LP_ERR_CLOSED, or LP_ERR_UNSUPPORTED: skip and read on.
     */
    int (*read)(struct lp_link *link, struct lp_superframe *ret_frame);
    /* The header's errors too: LP_ERR_INVALID when the kernel does not take that kind of it. */
    int (*write)(struct lp_link *link, const struct virtio_net_hdr *header,
                 const uint8_t *frame, size_t len);
    /* Undoes what opening did to the system; the descriptor is closed after it. */
    void (*undo)(struct lp_link *link);
    /* 0 or an error; NULL where there is no cable to pull. */
    int (*set_media)(struct lp_link *link, bool connected);
    /* Brings the counters up to date that the kernel keeps. */
    void (*count)(int fd, struct lp_link_counters *counters);
};

/* What an existing TAP was like before it was taken. */
struct lp_link_saved {
    bool existed;
    struct lp_mac mac;
    unsigned mtu;
    unsigned master;
    bool up;
};

struct lp_link {
    uv_poll_t poll;
    int fd;
    const struct lp_link_ops *ops;
    lp_ready_fn *ready;
    void *user;
    bool closed;                 /* the kernel tells it once, every later read says it again */
    bool woken;                  /* by the poll, and nothing was read since */
    struct lp_packet_ring *ring; /* of a packet socket; NULL without one */
    unsigned index;
    char name[LP_IF_NAME_LEN];
    struct lp_link_saved saved;
    struct lp_link_counters *counters;
    uint8_t *buffer; /* virtio header, then LP_LINK_FRAME_MAX octets */
};

/* A link without a descriptor; NULL when out of memory. */
struct lp_link *lp_link_new(const struct lp_link_ops *ops, lp_ready_fn *ready, void *user);
/* Undoes and frees a link that is not watched yet. */
void lp_link_abandon(struct lp_link *link);
/* The last step of opening: watches the descriptor. On failure the link is abandoned. */
int lp_link_watch(struct lp_link *link, struct uv_loop_s *loop, struct lp_link **ret_link,
                  char *why);
/* The frame behind a virtio header. LP_ERR_UNSUPPORTED when header and frame do not fit
 * together. */
int lp_link_parse(const struct virtio_net_hdr *header, const uint8_t *frame, size_t len,
                  struct lp_superframe *ret_frame);

#endif
