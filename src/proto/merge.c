#include "proto/merge.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/wire.h"
#include "proto/checksum.h"
#include "proto/ip.h"

#define IP_AT         LP_ETH_HEADER_LEN
#define IP_PACKET_MAX 65535
#define SUPER_MAX     (LP_ETH_HEADER_LEN + IP_PACKET_MAX)
#define IPV4_PLAIN    0x45 /* version 4, no options */
#define TCP_WINDOW_AT 14
#define TCP_URGENT_AT 18

/* A frame that can be told to belong to a flow. */
struct segment {
    const uint8_t *frame;
    size_t frame_len;
    size_t end; /* of the IP packet; Ethernet padding lies behind it */
    size_t l4_at;
    size_t header_len; /* Ethernet to end of TCP/UDP header */
    enum lp_gso kind;
};

struct flow {
    unsigned frames; /* merged so far, 0 = free */
    enum lp_gso kind;
    size_t l4_at;
    size_t header_len;
    size_t payload_len; /* of each segment but the last */
    size_t end;
    size_t lone_len; /* of the first frame, its padding included */
    uint64_t since;  /* order in which flows began */
    uint8_t *bytes;
};

struct lp_merge {
    lp_merge_out_fn *out;
    void *user;
    bool disabled[LP_GSO_UDP_L4 + 1];
    unsigned open;
    uint64_t begun;
    struct flow flow[LP_MERGE_FLOWS];
    uint8_t *memory;
};

/* ---- reading a frame ---- */

enum reading {
    NOT_IP,    /* nothing that could be out of order with a flow */
    UNCERTAIN, /* IP, but perhaps of any flow: fragments, options */
    SEGMENT,
};

static bool is_ipv4(const struct segment *segment)
{
    return lp_load_be16(segment->frame + LP_ETH_HEADER_LEN - 2) == LP_ETHERTYPE_IPV4;
}

static enum reading read_ipv4(struct segment *segment, uint8_t *ret_protocol)
{
    const uint8_t *ip = segment->frame + IP_AT;
    size_t packet_len;

    if (segment->frame_len < IP_AT + LP_IPV4_HEADER_MIN || ip[0] != IPV4_PLAIN ||
        (lp_load_be16(ip + 6) & (uint16_t)~LP_IPV4_DONT_FRAGMENT) != 0)
        return UNCERTAIN;
    packet_len = lp_load_be16(ip + 2);
    if (packet_len < LP_IPV4_HEADER_MIN || packet_len > segment->frame_len - IP_AT ||
        lp_checksum_finish(lp_checksum_add(0, ip, LP_IPV4_HEADER_MIN)) != 0)
        return UNCERTAIN;
    segment->end = IP_AT + packet_len;
    segment->l4_at = IP_AT + LP_IPV4_HEADER_MIN;
    *ret_protocol = ip[9];
    return SEGMENT;
}

static enum reading read_ipv6(struct segment *segment, uint8_t *ret_protocol)
{
    const uint8_t *ip = segment->frame + IP_AT;

    if (segment->frame_len < IP_AT + LP_IPV6_HEADER_LEN || ip[0] >> 4 != 6)
        return UNCERTAIN;
    segment->l4_at = IP_AT + LP_IPV6_HEADER_LEN;
    segment->end = segment->l4_at + lp_load_be16(ip + 4);
    if (segment->end > segment->frame_len)
        return UNCERTAIN;
    *ret_protocol = ip[6];
    return SEGMENT;
}

static enum reading read_upper(struct segment *segment, uint8_t protocol)
{
    const uint8_t *upper = segment->frame + segment->l4_at;
    size_t len = segment->end - segment->l4_at;
    size_t header_len = LP_UDP_HEADER_LEN;

    if (protocol == LP_IPPROTO_TCP && len >= LP_TCP_HEADER_MIN) {
        segment->kind = is_ipv4(segment) ? LP_GSO_TCPV4 : LP_GSO_TCPV6;
        header_len = (size_t)(upper[LP_TCP_DATA_OFFSET_AT] >> 4) * 4;
        if (header_len < LP_TCP_HEADER_MIN)
            return UNCERTAIN;
    } else if (protocol == LP_IPPROTO_UDP && len >= LP_UDP_HEADER_LEN) {
        segment->kind = LP_GSO_UDP_L4;
        if (lp_load_be16(upper + LP_UDP_LEN_AT) != len)
            return UNCERTAIN;
    } else {
        return UNCERTAIN;
    }
    segment->header_len = segment->l4_at + header_len;
    return segment->header_len <= segment->end ? SEGMENT : UNCERTAIN;
}

static enum reading read_frame(struct segment *segment)
{
    uint16_t type = lp_load_be16(segment->frame + LP_ETH_HEADER_LEN - 2);
    uint8_t protocol = 0;
    enum reading reading = NOT_IP;

    if (type == LP_ETHERTYPE_IPV4)
        reading = read_ipv4(segment, &protocol);
    else if (type == LP_ETHERTYPE_IPV6)
        reading = read_ipv6(segment, &protocol);
    return reading == SEGMENT ? read_upper(segment, protocol) : reading;
}

static size_t payload_len(const struct segment *segment)
{
    return segment->end - segment->header_len;
}

static uint8_t tcp_flags(const struct segment *segment)
{
    return segment->frame[segment->l4_at + LP_TCP_FLAGS_AT];
}

static bool is_tcp(const struct segment *segment)
{
    return segment->kind != LP_GSO_UDP_L4;
}

/* Over the addresses, the upper protocol and its length (RFC 9293 3.1, RFC 8200 8.1). */
static uint64_t pseudo_sum(const uint8_t *frame, size_t l4_at, size_t end, bool tcp)
{
    bool v4 = lp_load_be16(frame + LP_ETH_HEADER_LEN - 2) == LP_ETHERTYPE_IPV4;
    uint64_t sum = v4 ? lp_checksum_add(0, frame + IP_AT + 12, 8)
                      : lp_checksum_add(0, frame + IP_AT + 8, 32);

    sum = lp_checksum_add_be16(sum, tcp ? LP_IPPROTO_TCP : LP_IPPROTO_UDP);
    return lp_checksum_add_be16(sum, (uint16_t)(end - l4_at));
}

/*
 * The super-frame's checksum is made anew: what came in damaged must not leave as sound. UDP
 * without a checksum stays without.
 */
static bool checksum_ok(const struct segment *segment)
{
    const uint8_t *upper = segment->frame + segment->l4_at;
    uint64_t sum;

    if (!is_tcp(segment) && lp_load_be16(upper + LP_UDP_CSUM_AT) == 0)
        return false;
    sum = pseudo_sum(segment->frame, segment->l4_at, segment->end, is_tcp(segment));
    return lp_checksum_finish(lp_checksum_add(sum, upper, segment->end - segment->l4_at)) == 0;
}

static bool can_merge(const struct segment *segment)
{
    const uint8_t plain = LP_TCP_ACK | LP_TCP_PSH;

    if (payload_len(segment) == 0 || (segment->frame[0] & 1) != 0)
        return false;
    /* the four bits beside the data offset are flags too, or will be */
    if (is_tcp(segment) &&
        ((tcp_flags(segment) | plain) != plain || (tcp_flags(segment) & LP_TCP_ACK) == 0 ||
         (segment->frame[segment->l4_at + LP_TCP_DATA_OFFSET_AT] & 0x0f) != 0))
        return false;
    return checksum_ok(segment);
}

/* ---- flows ---- */

/* Addresses, protocol and ports: what must stay in order. */
static bool is_of(const struct flow *flow, const struct segment *segment)
{
    const uint8_t *a = flow->bytes, *b = segment->frame;
    size_t at = segment->l4_at;

    if (flow->kind != segment->kind || flow->l4_at != at || memcmp(a + at, b + at, 4) != 0 ||
        memcmp(a + 12, b + 12, 2) != 0)
        return false;
    return is_ipv4(segment) ? memcmp(a + IP_AT + 12, b + IP_AT + 12, 8) == 0
                            : memcmp(a + IP_AT + 8, b + IP_AT + 8, 32) == 0;
}

static struct flow *find(struct lp_merge *merge, const struct segment *segment)
{
    for (unsigned i = 0, seen = 0; seen < merge->open; i++) {
        struct flow *flow = &merge->flow[i];

        if (flow->frames == 0)
            continue;
        seen++;
        if (is_of(flow, segment))
            return flow;
    }
    return NULL;
}

static bool same_link_and_ip(const struct flow *flow, const struct segment *segment)
{
    const uint8_t *a = flow->bytes, *b = segment->frame;
    const uint8_t *ip = b + IP_AT;

    if (memcmp(a, b, LP_ETH_HEADER_LEN) != 0)
        return false;
    if (!is_ipv4(segment))
        return memcmp(a + IP_AT, ip, 4) == 0 && a[IP_AT + 7] == ip[7]; /* class, label, hops */
    if (a[IP_AT + 1] != ip[1] || a[IP_AT + 8] != ip[8] || memcmp(a + IP_AT + 6, ip + 6, 2) != 0)
        return false;
    return (lp_load_be16(ip + 6) & LP_IPV4_DONT_FRAGMENT) != 0 ||
           lp_load_be16(ip + 4) == (uint16_t)(lp_load_be16(a + IP_AT + 4) + flow->frames);
}

static bool same_tcp(const struct flow *flow, const struct segment *segment)
{
    const uint8_t *a = flow->bytes + flow->l4_at, *b = segment->frame + segment->l4_at;
    uint32_t next = lp_load_be32(a + LP_TCP_SEQ_AT) + (uint32_t)(flow->end - flow->header_len);

    return lp_load_be32(b + LP_TCP_SEQ_AT) == next &&
           memcmp(a + LP_TCP_ACK_AT, b + LP_TCP_ACK_AT, 4) == 0 &&
           memcmp(a + TCP_WINDOW_AT, b + TCP_WINDOW_AT, 2) == 0 &&
           memcmp(a + TCP_URGENT_AT, b + TCP_URGENT_AT, 2) == 0 &&
           memcmp(a + LP_TCP_HEADER_MIN, b + LP_TCP_HEADER_MIN,
                  segment->header_len - segment->l4_at - LP_TCP_HEADER_MIN) == 0;
}

static bool continues(const struct flow *flow, const struct segment *segment)
{
    return flow->frames < LP_MERGE_SEGMENTS_MAX && flow->header_len == segment->header_len &&
           payload_len(segment) <= flow->payload_len &&
           flow->end + payload_len(segment) <= SUPER_MAX && same_link_and_ip(flow, segment) &&
           (!is_tcp(segment) || same_tcp(flow, segment));
}

/* Lengths and checksums of the whole; the upper one as far as virtio wants it. */
static void seal(struct flow *flow)
{
    uint8_t *ip = flow->bytes + IP_AT, *upper = flow->bytes + flow->l4_at;
    bool tcp = flow->kind != LP_GSO_UDP_L4;
    uint16_t sum;

    if (ip[0] == IPV4_PLAIN) {
        lp_store_be16(ip + 2, (uint16_t)(flow->end - IP_AT));
        lp_store_be16(ip + 10, 0);
        lp_store_be16(ip + 10, lp_checksum_finish(lp_checksum_add(0, ip, LP_IPV4_HEADER_MIN)));
    } else {
        lp_store_be16(ip + 4, (uint16_t)(flow->end - flow->l4_at));
    }
    if (!tcp)
        lp_store_be16(upper + LP_UDP_LEN_AT, (uint16_t)(flow->end - flow->l4_at));
    sum = (uint16_t)~lp_checksum_finish(pseudo_sum(flow->bytes, flow->l4_at, flow->end, tcp));
#ifdef LP_FAULT_MERGE_CHECKSUM
    /* planted fault: a super-frame's checksum is not the pseudo-header's sum */
    sum = (uint16_t)~sum;
#endif
    lp_store_be16(upper + (tcp ? LP_TCP_CSUM_AT : LP_UDP_CSUM_AT), sum);
}

static void send_on(struct lp_merge *merge, struct flow *flow)
{
    struct lp_superframe super = {.bytes = flow->bytes, .len = flow->lone_len};
    unsigned frames = flow->frames;

    if (frames > 1) {
        seal(flow);
        super.len = flow->end;
        super.gso = flow->kind;
        super.gso_size = (uint16_t)flow->payload_len;
        super.needs_csum = true;
        super.csum_start = (uint16_t)flow->l4_at;
        super.csum_offset = flow->kind == LP_GSO_UDP_L4 ? LP_UDP_CSUM_AT : LP_TCP_CSUM_AT;
    }
    flow->frames = 0;
    merge->open--;
    merge->out(merge->user, &super, frames);
}

static struct flow *oldest(struct lp_merge *merge)
{
    struct flow *found = NULL;

    for (unsigned i = 0; i < LP_MERGE_FLOWS; i++) {
        struct flow *flow = &merge->flow[i];

        if (flow->frames > 0 && (found == NULL || flow->since < found->since))
            found = flow;
    }
    return found;
}

static void begin(struct lp_merge *merge, const struct segment *segment)
{
    struct flow *flow = merge->flow;

    if (merge->open == LP_MERGE_FLOWS)
        send_on(merge, oldest(merge));
    while (flow->frames > 0)
        flow++;
    memcpy(flow->bytes, segment->frame, segment->frame_len);
    flow->frames = 1;
    flow->kind = segment->kind;
    flow->l4_at = segment->l4_at;
    flow->header_len = segment->header_len;
    flow->payload_len = payload_len(segment);
    flow->end = segment->end;
    flow->lone_len = segment->frame_len;
    flow->since = merge->begun++;
    merge->open++;
}

/* A shorter segment, or one that is pushed, is the last. */
static void append(struct lp_merge *merge, struct flow *flow, const struct segment *segment)
{
    size_t len = payload_len(segment);
    bool push = is_tcp(segment) && (tcp_flags(segment) & LP_TCP_PSH) != 0;

    memcpy(flow->bytes + flow->end, segment->frame + segment->header_len, len);
    flow->end += len;
    flow->frames++;
    if (push)
        flow->bytes[flow->l4_at + LP_TCP_FLAGS_AT] |= LP_TCP_PSH;
    if (push || len < flow->payload_len || flow->frames == LP_MERGE_SEGMENTS_MAX)
        send_on(merge, flow);
}

/* ---- what callers use ---- */

int lp_merge_new(lp_merge_out_fn *out, void *user, struct lp_merge **ret_merge)
{
    struct lp_merge *merge = calloc(1, sizeof(*merge));

    if (merge == NULL)
        return LP_ERR_NOMEM;
    merge->memory = malloc((size_t)LP_MERGE_FLOWS * SUPER_MAX);
    if (merge->memory == NULL) {
        free(merge);
        return LP_ERR_NOMEM;
    }
    for (unsigned i = 0; i < LP_MERGE_FLOWS; i++)
        merge->flow[i].bytes = merge->memory + (size_t)i * SUPER_MAX;
    merge->out = out;
    merge->user = user;
    *ret_merge = merge;
    return 0;
}

void lp_merge_free(struct lp_merge *merge)
{
    if (merge == NULL)
        return;
    free(merge->memory);
    free(merge);
}

void lp_merge_disable(struct lp_merge *merge, enum lp_gso kind)
{
    assert(kind > LP_GSO_NONE && kind <= LP_GSO_UDP_L4);
    merge->disabled[kind] = true;
}

bool lp_merge_push(struct lp_merge *merge, const uint8_t *frame, size_t len)
{
    struct segment segment = {.frame = frame, .frame_len = len};
    struct flow *flow;

    assert(len >= LP_ETH_HEADER_LEN && len <= LP_ETH_FRAME_MAX);
    switch (read_frame(&segment)) {
    case NOT_IP:
        return false;
    case UNCERTAIN:
        lp_merge_flush(merge);
        return false;
    case SEGMENT:
        break;
    }
    flow = find(merge, &segment);
    if (flow == NULL && merge->disabled[segment.kind])
        return false;
#ifdef LP_FAULT_MERGE_OVERTAKES
    /* planted fault: what cannot be merged goes before what its flow has sent */
    if (!can_merge(&segment))
        return false;
#endif
    if (!can_merge(&segment)) {
        if (flow != NULL)
            send_on(merge, flow);
        return false;
    }
    if (flow != NULL && continues(flow, &segment)) {
        append(merge, flow, &segment);
        return true;
    }
    if (flow != NULL)
        send_on(merge, flow);
    /* nothing can follow a pushed segment: it need not wait */
    if (is_tcp(&segment) && (tcp_flags(&segment) & LP_TCP_PSH) != 0)
        return false;
    begin(merge, &segment);
    return true;
}

void lp_merge_flush(struct lp_merge *merge)
{
    while (merge->open > 0)
        send_on(merge, oldest(merge));
}
