#include "proto/offload.h"

#include <string.h>

#include "base/err.h"
#include "base/wire.h"
#include "proto/checksum.h"
#include "proto/ip.h"

#define TAGS_MAX       4
#define EXTENSIONS_MAX 8

static uint8_t upper_protocol(const struct lp_superframe *super)
{
    return super->gso == LP_GSO_UDP_L4 ? LP_IPPROTO_UDP : LP_IPPROTO_TCP;
}

static uint16_t upper_csum_at(const struct lp_superframe *super)
{
    return super->gso == LP_GSO_UDP_L4 ? LP_UDP_CSUM_AT : LP_TCP_CSUM_AT;
}

/* Offset behind the Ethernet header and its inner tags; the type found there. */
static size_t skip_link_header(const struct lp_superframe *super, uint16_t *ret_type)
{
    size_t at = LP_ETH_HEADER_LEN;
    uint16_t type = lp_load_be16(super->bytes + at - 2);

    for (unsigned tags = 0; tags < TAGS_MAX && lp_eth_is_tag(type); tags++) {
        if (super->len < at + LP_ETH_TAG_LEN)
            break;
        at += LP_ETH_TAG_LEN;
        type = lp_load_be16(super->bytes + at - 2);
    }
    *ret_type = type;
    return at;
}

/*
 * Where the packet starts and ends, by its own length: Ethernet padding is no part of a
 * checksum. What is not IP ends with the frame.
 */
static int find_packet(struct lp_offload_iter *iter, uint16_t *ret_type)
{
    const struct lp_superframe *super = iter->super;
    const uint8_t *ip;
    size_t left;

    iter->l3_at = skip_link_header(super, ret_type);
    ip = super->bytes + iter->l3_at;
    left = super->len - iter->l3_at;
    iter->packet_end = super->len;
    if (*ret_type == LP_ETHERTYPE_IPV4) {
        if (left < LP_IPV4_HEADER_MIN || ip[0] >> 4 != 4 || left < lp_load_be16(ip + 2))
            return LP_ERR_MALFORMED;
        iter->packet_end = iter->l3_at + lp_load_be16(ip + 2);
    } else if (*ret_type == LP_ETHERTYPE_IPV6) {
        if (left < LP_IPV6_HEADER_LEN || ip[0] >> 4 != 6 ||
            left - LP_IPV6_HEADER_LEN < lp_load_be16(ip + 4))
            return LP_ERR_MALFORMED;
        iter->packet_end = iter->l3_at + LP_IPV6_HEADER_LEN + lp_load_be16(ip + 4);
    }
    return 0;
}

static int find_upper_ipv4(struct lp_offload_iter *iter)
{
    const uint8_t *ip = iter->super->bytes + iter->l3_at;
    size_t header_len = (size_t)(ip[0] & 0x0f) * 4;

    if (header_len < LP_IPV4_HEADER_MIN || ip[9] != upper_protocol(iter->super))
        return LP_ERR_MALFORMED;
    if ((lp_load_be16(ip + 6) & (LP_IPV4_MORE_FRAGMENTS | LP_IPV4_OFFSET_MASK)) != 0)
        return LP_ERR_MALFORMED;
    iter->l4_at = iter->l3_at + header_len;
    return 0;
}

static int find_upper_ipv6(struct lp_offload_iter *iter)
{
    const uint8_t *bytes = iter->super->bytes;
    uint8_t next = bytes[iter->l3_at + 6];
    size_t at = iter->l3_at + LP_IPV6_HEADER_LEN;

    for (unsigned headers = 0; next != upper_protocol(iter->super); headers++) {
        if (headers == EXTENSIONS_MAX || iter->packet_end < at + 8)
            return LP_ERR_MALFORMED;
        if (next != LP_IPPROTO_HOPOPTS && next != LP_IPPROTO_DSTOPTS &&
            next != LP_IPPROTO_ROUTING)
            return LP_ERR_MALFORMED;
        /* the pseudo-header has the last hop's address then, not the one in the header */
        if (next == LP_IPPROTO_ROUTING && bytes[at + 3] != 0)
            return LP_ERR_UNSUPPORTED;
        next = bytes[at];
        at += ((size_t)bytes[at + 1] + 1) * 8;
    }
    iter->l4_at = at;
    return 0;
}

static int find_payload(struct lp_offload_iter *iter)
{
    size_t header_len = LP_UDP_HEADER_LEN;

    if (iter->super->gso != LP_GSO_UDP_L4) {
        if (iter->packet_end < iter->l4_at + LP_TCP_HEADER_MIN)
            return LP_ERR_MALFORMED;
        header_len = (size_t)(iter->super->bytes[iter->l4_at + LP_TCP_DATA_OFFSET_AT] >> 4) * 4;
        if (header_len < LP_TCP_HEADER_MIN)
            return LP_ERR_MALFORMED;
    }
    if (iter->packet_end < iter->l4_at + header_len)
        return LP_ERR_MALFORMED;
    iter->header_len = iter->l4_at + header_len;
    iter->offset = iter->header_len;
    return 0;
}

static int begin_segments(struct lp_offload_iter *iter, uint16_t type, size_t frame_max)
{
    const struct lp_superframe *super = iter->super;
    bool ipv4 = type == LP_ETHERTYPE_IPV4;
    size_t payload_len;
    int err;

    if (super->gso_size == 0 || (!ipv4 && type != LP_ETHERTYPE_IPV6))
        return LP_ERR_MALFORMED;
    if ((super->gso == LP_GSO_TCPV4 && !ipv4) || (super->gso == LP_GSO_TCPV6 && ipv4))
        return LP_ERR_MALFORMED;
    err = ipv4 ? find_upper_ipv4(iter) : find_upper_ipv6(iter);
    if (err < 0)
        return err;
    err = find_payload(iter);
    if (err < 0)
        return err;
    if (super->needs_csum &&
        (super->csum_start != iter->l4_at || super->csum_offset != upper_csum_at(super)))
        return LP_ERR_MALFORMED;
    payload_len = iter->packet_end - iter->header_len;
    if (payload_len > super->gso_size)
        payload_len = super->gso_size;
    return iter->header_len + payload_len > frame_max ? LP_ERR_MALFORMED : 0;
}

static int begin_single(const struct lp_offload_iter *iter, size_t frame_max)
{
    const struct lp_superframe *super = iter->super;

    if (super->len > frame_max)
        return LP_ERR_MALFORMED;
    if (!super->needs_csum)
        return 0;
    /* an odd offset would put the field across two words of the sum */
    if (super->csum_start < iter->l3_at || super->csum_offset % 2 != 0 ||
        (size_t)super->csum_start + super->csum_offset + 2 > iter->packet_end)
        return LP_ERR_MALFORMED;
    return 0;
}

int lp_offload_begin(struct lp_offload_iter *iter, const struct lp_superframe *super,
                     size_t frame_max)
{
    struct lp_offload_iter begun = {.super = super, .single = super->gso == LP_GSO_NONE};
    uint16_t type = 0;
    int err = 0;

    if (super->gso > LP_GSO_UDP_L4)
        return LP_ERR_UNSUPPORTED;
    if (super->len < LP_ETH_HEADER_LEN)
        return LP_ERR_MALFORMED;
    /* a plain frame passes as it is, whatever it holds */
    if (!begun.single || super->needs_csum)
        err = find_packet(&begun, &type);
    if (err < 0)
        return err;
    err = begun.single ? begin_single(&begun, frame_max)
                       : begin_segments(&begun, type, frame_max);
    if (err < 0)
        return err;
    *iter = begun;
    return 0;
}

/* 0 in a UDP header means "none"; its other representation is 0xffff (RFC 768). */
static uint16_t udp_checksum(uint16_t checksum)
{
    return checksum != 0 ? checksum : 0xffff;
}

/* The field already has the pseudo-header's sum (virtio 1.2, 5.1.6.2.1). */
static void complete_checksum(const struct lp_offload_iter *iter, uint8_t *frame)
{
    const struct lp_superframe *super = iter->super;
    uint8_t *start = frame + super->csum_start;
    uint16_t checksum =
        lp_checksum_finish(lp_checksum_add(0, start, iter->packet_end - super->csum_start));

    if (super->csum_offset == LP_UDP_CSUM_AT)
        checksum = udp_checksum(checksum);
    lp_store_be16(start + super->csum_offset, checksum);
}

static size_t next_single(struct lp_offload_iter *iter, uint8_t *frame,
                          const uint8_t **ret_frame)
{
    const struct lp_superframe *super = iter->super;

    iter->done = true;
    *ret_frame = super->bytes;
    if (!super->needs_csum)
        return super->len;
    memcpy(frame, super->bytes, super->len);
    complete_checksum(iter, frame);
    *ret_frame = frame;
    return super->len;
}

/* Lengths, identification and header checksum. Returns the sum of the addresses. */
static uint64_t finish_ip(const struct lp_offload_iter *iter, uint8_t *ip, size_t packet_len)
{
    if (ip[0] >> 4 == 6) {
        lp_store_be16(ip + 4, (uint16_t)(packet_len - LP_IPV6_HEADER_LEN));
        return lp_checksum_add(0, ip + 8, 32);
    }
    lp_store_be16(ip + 2, (uint16_t)packet_len);
    lp_store_be16(ip + 4, (uint16_t)(lp_load_be16(ip + 4) + iter->segment));
    lp_store_be16(ip + 10, 0);
    lp_store_be16(ip + 10,
                  lp_checksum_finish(lp_checksum_add(0, ip, iter->l4_at - iter->l3_at)));
    return lp_checksum_add(0, ip + 12, 8);
}

/* FIN and PSH belong to the last octet, CWR to the first (unless it is a counter's bit:
 * AccECN). */
static void finish_tcp(const struct lp_offload_iter *iter, uint8_t *tcp, bool last)
{
    uint32_t seq = lp_load_be32(tcp + LP_TCP_SEQ_AT);
    uint8_t clear = 0;

    lp_store_be32(tcp + LP_TCP_SEQ_AT, seq + (uint32_t)(iter->offset - iter->header_len));
    if (!last)
        clear |= LP_TCP_FIN | LP_TCP_PSH;
    if (iter->super->ecn && iter->segment > 0)
        clear |= LP_TCP_CWR;
    tcp[LP_TCP_FLAGS_AT] = (uint8_t)(tcp[LP_TCP_FLAGS_AT] & ~clear);
}

static void finish_segment(const struct lp_offload_iter *iter, uint8_t *frame, size_t frame_len,
                           bool last)
{
    bool udp = iter->super->gso == LP_GSO_UDP_L4;
    uint8_t *upper = frame + iter->l4_at;
    uint16_t upper_len = (uint16_t)(frame_len - iter->l4_at);
    uint8_t *csum_field = upper + upper_csum_at(iter->super);
    uint64_t sum = finish_ip(iter, frame + iter->l3_at, frame_len - iter->l3_at);
    uint16_t checksum;

    if (udp)
        lp_store_be16(upper + LP_UDP_LEN_AT, upper_len);
    else
        finish_tcp(iter, upper, last);
    sum = lp_checksum_add_be16(sum, upper_len);
    sum = lp_checksum_add_be16(sum, upper_protocol(iter->super));
    lp_store_be16(csum_field, 0);
    checksum = lp_checksum_finish(lp_checksum_add(sum, upper, upper_len));
#ifdef LP_FAULT_WRONG_CHECKSUM /* planted fault: off by one after segmentation */
    checksum++;
#endif
    lp_store_be16(csum_field, udp ? udp_checksum(checksum) : checksum);
}

static size_t next_segment(struct lp_offload_iter *iter, uint8_t *frame)
{
    const struct lp_superframe *super = iter->super;
    size_t left = iter->packet_end - iter->offset;
    bool last = left <= super->gso_size;
    size_t payload_len = last ? left : super->gso_size;
    size_t frame_len = iter->header_len + payload_len;

    memcpy(frame, super->bytes, iter->header_len);
    memcpy(frame + iter->header_len, super->bytes + iter->offset, payload_len);
    finish_segment(iter, frame, frame_len, last);
    iter->offset += payload_len;
    iter->segment++;
    iter->done = last;
    return frame_len;
}

size_t lp_offload_next(struct lp_offload_iter *iter, uint8_t *frame, const uint8_t **ret_frame)
{
    if (iter->done)
        return 0;
    if (iter->single)
        return next_single(iter, frame, ret_frame);
    *ret_frame = frame;
    return next_segment(iter, frame);
}
