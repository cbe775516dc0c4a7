#include "platform/linux/link.h"

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "platform/linux/errno.h"

/* How much of a super-frame the kernel puts in a buffer's linear part. */
#define TCP_HEADER_MIN 20u
#define UDP_HEADER_LEN 8u

#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4 5
#endif

struct lp_link *lp_link_new(const struct lp_link_ops *ops, lp_ready_fn *ready, void *user)
{
    struct lp_link *link = calloc(1, sizeof(*link));

    if (link == NULL)
        return NULL;
    link->counters = calloc(1, sizeof(*link->counters));
    link->buffer = malloc(sizeof(struct virtio_net_hdr) + LP_LINK_FRAME_MAX);
    if (link->counters == NULL || link->buffer == NULL) {
        free(link->counters);
        free(link->buffer);
        free(link);
        return NULL;
    }
    link->fd = -1;
    link->ops = ops;
    link->ready = ready;
    link->user = user;
    return link;
}

static void free_link(struct lp_link *link)
{
    free(link->counters);
    free(link->buffer);
    free(link);
}

static void undo(struct lp_link *link)
{
    if (link->fd < 0)
        return;
    link->ops->undo(link);
    close(link->fd);
    link->fd = -1;
}

void lp_link_abandon(struct lp_link *link)
{
    undo(link);
    free_link(link);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct lp_link *link = poll->data;

    (void)events;
    /* libuv stops watching at POLLERR (the interface went down or away): reading tells which */
    if (status < 0)
        uv_poll_start(poll, UV_READABLE, on_poll);
    link->woken = true;
    link->ready(link->user, LP_READY_READ); /* may close: nothing is touched after it */
}

int lp_link_watch(struct lp_link *link, struct uv_loop_s *loop, struct lp_link **ret_link,
                  char *why)
{
    int err = uv_poll_init(loop, &link->poll, link->fd);

    if (err != 0) {
        lp_why(0, why, "cannot watch interface %s: %s", link->name, uv_strerror(err));
        lp_link_abandon(link);
        return lp_err_from_errno(-err);
    }
    link->poll.data = link;
    uv_poll_start(&link->poll, UV_READABLE, on_poll);
    *ret_link = link;
    return 0;
}

static void on_closed(uv_handle_t *handle)
{
    free_link(handle->data);
}

void lp_link_close(struct lp_link *link)
{
    if (link == NULL)
        return;
    uv_close((uv_handle_t *)&link->poll, on_closed);
    undo(link);
}

int lp_link_set_media(struct lp_link *link, bool connected)
{
    if (link->ops->set_media == NULL)
        return LP_ERR_UNSUPPORTED;
    if (link->closed)
        return LP_ERR_CLOSED;
    return link->ops->set_media(link, connected);
}

void lp_link_info(struct lp_link *link, struct lp_link_info *ret_info)
{
    struct lp_nl_link now;
    struct lp_link_info info = {.index = link->index};

    memcpy(info.name, link->name, sizeof(info.name));
    if (lp_nl_link_by_index(link->index, &now) == 0) {
        memcpy(info.name, now.name, sizeof(info.name));
        info.mac = now.mac;
        info.mtu = now.mtu;
        info.up = (now.flags & IFF_UP) != 0;
        info.carrier = info.up && now.carrier;
    }
    *ret_info = info;
}

void lp_link_counters(const struct lp_link *link, struct lp_link_counters *ret_counters)
{
    link->ops->count(link->fd, link->counters);
    *ret_counters = *link->counters;
}

static enum lp_gso gso_kind(uint8_t gso_type)
{
    switch (gso_type & ~VIRTIO_NET_HDR_GSO_ECN) {
    case VIRTIO_NET_HDR_GSO_NONE:
        return LP_GSO_NONE;
    case VIRTIO_NET_HDR_GSO_TCPV4:
        return LP_GSO_TCPV4;
    case VIRTIO_NET_HDR_GSO_TCPV6:
        return LP_GSO_TCPV6;
    case VIRTIO_NET_HDR_GSO_UDP_L4:
        return LP_GSO_UDP_L4;
    default:
        return LP_GSO_UNSUPPORTED;
    }
}

int lp_link_parse(const struct virtio_net_hdr *header, const uint8_t *frame, size_t len,
                  struct lp_superframe *ret_frame)
{
    struct lp_superframe out = {
        .bytes = frame,
        .len = len,
        .gso = gso_kind(header->gso_type),
        .ecn = (header->gso_type & VIRTIO_NET_HDR_GSO_ECN) != 0,
        .needs_csum = (header->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0,
    };

    if (len < LP_ETHERNET_HEADER_LEN)
        return LP_ERR_UNSUPPORTED;
    if (out.gso != LP_GSO_NONE) {
        out.gso_size = header->gso_size;
        if (out.gso_size == 0)
            return LP_ERR_UNSUPPORTED;
    }
    if (out.needs_csum) {
        out.csum_start = header->csum_start;
        out.csum_offset = header->csum_offset;
        if ((size_t)out.csum_start + out.csum_offset + 2 > len)
            return LP_ERR_UNSUPPORTED;
    }
    *ret_frame = out;
    return 0;
}

int lp_link_read(struct lp_link *link, struct lp_superframe *ret_frame)
{
    for (unsigned i = 0; i < LP_LINK_SKIPS_MAX && !link->closed; i++) {
        int err = link->ops->read(link, ret_frame);

        if (err == LP_ERR_CLOSED)
            link->closed = true;
        if (err != LP_ERR_UNSUPPORTED)
            return err;
        link->counters->rx_unsupported++;
    }
    return link->closed ? LP_ERR_CLOSED : LP_ERR_AGAIN;
}

static int write_with(struct lp_link *link, const struct virtio_net_hdr *header,
                      const uint8_t *frame, size_t len)
{
    int err;

    if (link->closed)
        return LP_ERR_CLOSED;
    if (len < LP_ETHERNET_HEADER_LEN)
        return LP_ERR_INVALID;
    err = link->ops->write(link, header, frame, len);
    if (err == LP_ERR_INVALID && header->gso_type != VIRTIO_NET_HDR_GSO_NONE)
        return LP_ERR_UNSUPPORTED; /* sent again in another form: no error of the device */
    if (err == LP_ERR_CLOSED)
        link->closed = true;
    else if (err == LP_ERR_AGAIN)
        link->counters->tx_full++;
    else if (err < 0)
        link->counters->tx_errors++;
    return err;
}

int lp_link_write(struct lp_link *link, const uint8_t *frame, size_t len)
{
    static const struct virtio_net_hdr plain = {.gso_type = VIRTIO_NET_HDR_GSO_NONE};

    return write_with(link, &plain, frame, len);
}

int lp_link_write_super(struct lp_link *link, const struct lp_superframe *super)
{
    static const uint8_t kinds[] = {
        [LP_GSO_TCPV4] = VIRTIO_NET_HDR_GSO_TCPV4,
        [LP_GSO_TCPV6] = VIRTIO_NET_HDR_GSO_TCPV6,
        [LP_GSO_UDP_L4] = VIRTIO_NET_HDR_GSO_UDP_L4,
    };
    struct virtio_net_hdr header = {
        .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
        .gso_size = super->gso_size,
        .csum_start = super->csum_start,
        .csum_offset = super->csum_offset,
    };

    if (super->gso == LP_GSO_NONE || super->gso >= LP_GSO_UNSUPPORTED || !super->needs_csum)
        return LP_ERR_INVALID;
    header.gso_type = kinds[super->gso];
    header.hdr_len =
        (uint16_t)(super->csum_start +
                   (super->gso == LP_GSO_UDP_L4 ? UDP_HEADER_LEN : TCP_HEADER_MIN));
    return write_with(link, &header, super->bytes, super->len);
}
