/*
 * The model of these tests builds every frame from a description of its flow, checksums word by
 * word. A super-frame is one such frame with a long payload; its segments must be, octet for
 * octet, the frames that the model builds for the parts of the payload.
 */
#include "proto/offload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/wire.h"

#define SUPER_MAX 66000
#define FIN       0x01
#define PSH       0x08
#define ACK       0x10
#define CWR       0x80

struct flow {
    const char *name;
    bool ipv6;
    bool udp;
    unsigned tags;
    unsigned option_words; /* IPv4 options */
    unsigned extensions;   /* IPv6 destination options of 16 octets each */
    unsigned tcp_words;    /* TCP options */
};

static const struct flow flows[] = {
    {"TCPv4", false, false, 0, 0, 0, 0},
    {"TCPv4, options", false, false, 0, 3, 0, 3},
    {"TCPv4, all options, tag", false, false, 1, 10, 0, 10},
    {"TCPv6", true, false, 0, 0, 0, 3},
    {"TCPv6, destination options", true, false, 0, 0, 2, 3},
    {"TCPv6, two tags", true, false, 2, 0, 1, 0},
    {"UDPv4", false, true, 0, 0, 0, 0},
    {"UDPv4, options", false, true, 0, 1, 0, 0},
    {"UDPv6", true, true, 0, 0, 0, 0},
    {"UDPv6, destination options, tag", true, true, 1, 0, 1, 0},
};

#define FLOWS (sizeof(flows) / sizeof(flows[0]))

/* What differs between the frames of a flow. */
struct part {
    uint16_t ip_id;
    uint32_t seq;
    uint8_t flags;
    const uint8_t *payload;
    size_t payload_len;
};

struct built {
    uint8_t bytes[SUPER_MAX];
    size_t len;
    size_t l3_at;
    size_t l4_at;
    size_t payload_at;
};

static uint8_t payload[65536];

static uint32_t words(uint32_t sum, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        sum += i % 2 == 0 ? (uint32_t)bytes[i] << 8 : bytes[i];
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return sum;
}

static uint32_t pseudo_sum(const struct flow *flow, const struct built *b)
{
    const uint8_t *ip = b->bytes + b->l3_at;
    uint32_t l4_len = (uint32_t)(b->len - b->l4_at);
    uint32_t sum = flow->ipv6 ? words(0, ip + 8, 32) : words(0, ip + 12, 8);

    sum += (l4_len >> 16) + (l4_len & 0xffff) + (flow->udp ? 17 : 6);
    return words(sum, NULL, 0);
}

static uint16_t complement(uint32_t sum)
{
    while (sum > 0xffff)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static uint8_t *put(struct built *b, size_t len)
{
    uint8_t *start = b->bytes + b->len;

    assert_true(b->len + len <= sizeof(b->bytes));
    memset(start, 0, len);
    b->len += len;
    return start;
}

static void build_link(const struct flow *flow, struct built *b)
{
    uint8_t *p = put(b, 12);

    memcpy(p, (const uint8_t[]){2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1}, 12);
    for (unsigned i = 0; i < flow->tags; i++) {
        p = put(b, 4);
        lp_store_be16(p, i + 1 < flow->tags ? 0x88a8 : 0x8100);
        lp_store_be16(p + 2, (uint16_t)(0x6000 | i));
    }
    lp_store_be16(put(b, 2), flow->ipv6 ? 0x86dd : 0x0800);
    b->l3_at = b->len;
}

static void build_ipv4(const struct flow *flow, const struct part *part, size_t upper_len,
                       struct built *b)
{
    size_t header_len = 20 + 4 * (size_t)flow->option_words;
    uint8_t *p = put(b, header_len);

    p[0] = (uint8_t)(0x40 | header_len / 4);
    p[1] = 0xb9;
    lp_store_be16(p + 2, (uint16_t)(header_len + upper_len));
    lp_store_be16(p + 4, part->ip_id);
    lp_store_be16(p + 6, 0x4000);
    p[8] = 63;
    p[9] = flow->udp ? 17 : 6;
    memcpy(p + 12, (const uint8_t[]){192, 168, 250, 1, 10, 255, 254, 3}, 8);
    memset(p + 20, 1, header_len - 20);
    lp_store_be16(p + 10, complement(words(0, p, header_len)));
}

static void build_ipv6(const struct flow *flow, size_t upper_len, struct built *b)
{
    uint8_t upper = flow->udp ? 17 : 6;
    uint8_t *p = put(b, 40);

    lp_store_be32(p, 0x6b912345);
    lp_store_be16(p + 4, (uint16_t)(16 * flow->extensions + upper_len));
    p[6] = flow->extensions > 0 ? 60 : upper;
    p[7] = 64;
    for (unsigned i = 0; i < 32; i++)
        p[8 + i] = (uint8_t)(0x20 + 7 * i);
    for (unsigned i = 0; i < flow->extensions; i++) {
        p = put(b, 16);
        memcpy(p, (const uint8_t[]){i + 1 < flow->extensions ? 60 : upper, 1, 1, 12}, 4);
    }
}

static void build_upper(const struct flow *flow, const struct part *part, struct built *b)
{
    uint8_t *p;
    uint8_t *csum;
    uint16_t sum;

    b->l4_at = b->len;
    p = put(b, flow->udp ? 8 : 20 + 4 * (size_t)flow->tcp_words);
    csum = p + (flow->udp ? 6 : 16);
    lp_store_be16(p, 40000);
    lp_store_be16(p + 2, 27015);
    if (flow->udp) {
        lp_store_be16(p + 4, (uint16_t)(8 + part->payload_len));
    } else {
        lp_store_be32(p + 4, part->seq);
        lp_store_be32(p + 8, 0x89abcdef);
        p[12] = (uint8_t)((5 + flow->tcp_words) << 4);
        p[13] = part->flags;
        lp_store_be16(p + 14, 502);
        memset(p + 20, 1, 4 * (size_t)flow->tcp_words);
    }
    b->payload_at = b->len;
    memcpy(put(b, part->payload_len), part->payload, part->payload_len);
    sum = complement(words(pseudo_sum(flow, b), p, b->len - b->l4_at));
    lp_store_be16(csum, flow->udp && sum == 0 ? 0xffff : sum);
}

static void build(const struct flow *flow, const struct part *part, struct built *b)
{
    size_t upper_len = part->payload_len + (flow->udp ? 8 : 20 + 4 * (size_t)flow->tcp_words);

    b->len = 0;
    build_link(flow, b);
    if (flow->ipv6)
        build_ipv6(flow, upper_len, b);
    else
        build_ipv4(flow, part, upper_len, b);
    build_upper(flow, part, b);
}

static struct lp_superframe describe(const struct flow *flow, const struct built *b,
                                     uint16_t gso_size)
{
    return (struct lp_superframe){
        .bytes = b->bytes,
        .len = b->len,
        .gso = flow->udp    ? LP_GSO_UDP_L4
               : flow->ipv6 ? LP_GSO_TCPV6
                            : LP_GSO_TCPV4,
        .gso_size = gso_size,
        .needs_csum = true,
        .csum_start = (uint16_t)b->l4_at,
        .csum_offset = flow->udp ? 6 : 16,
    };
}

/* Segments and compares with the model. Returns the number of segments. */
static unsigned check_segments(const struct flow *flow, const struct part *whole,
                               const struct lp_superframe *super, size_t frame_max)
{
    static struct built expected;
    struct lp_offload_iter iter;
    uint8_t *frame = malloc(frame_max);
    const uint8_t *got = NULL;
    unsigned n = 0;
    size_t offset = 0;
    size_t len;

    assert_non_null(frame);
    if (lp_offload_begin(&iter, super, frame_max) != 0)
        fail_msg("%s: refused", flow->name);
    while ((len = lp_offload_next(&iter, frame, &got)) > 0) {
        size_t left = whole->payload_len - offset;
        bool last = left <= super->gso_size;
        struct part part = {
            .ip_id = (uint16_t)(whole->ip_id + n),
            .seq = whole->seq + (uint32_t)offset,
            .flags = whole->flags,
            .payload = whole->payload + offset,
            .payload_len = last ? left : super->gso_size,
        };

        if (!last)
            part.flags &= (uint8_t) ~(FIN | PSH);
        if (n > 0 && super->ecn)
            part.flags &= (uint8_t)~CWR;
        build(flow, &part, &expected);
        assert_ptr_equal(got, frame);
        assert_int_equal(len, expected.len);
        if (memcmp(got, expected.bytes, len) != 0)
            fail_msg("%s: segment %u of %zu octets differs", flow->name, n, whole->payload_len);
        offset += part.payload_len;
        n++;
    }
    assert_int_equal(offset, whole->payload_len);
    assert_int_equal(lp_offload_next(&iter, frame, &got), 0);
    free(frame);
    return n;
}

static void segments_match_the_model(void **state)
{
    static const uint16_t sizes[] = {1, 536, 1220, 1326};
    static struct built super_bytes;

    (void)state;
    for (size_t i = 0; i < FLOWS * 4; i++) {
        const struct flow *flow = &flows[i / 4];
        uint16_t size = sizes[i % 4];
        const size_t lens[] = {0,         1,         size - 1u,     size,
                               size + 1u, 3u * size, 3u * size + 1, 4444};

        for (size_t j = 0; j < sizeof(lens) / sizeof(lens[0]); j++) {
            struct part whole = {0xfffe, 0xfffffff0, ACK | PSH | FIN, payload + i, lens[j]};
            struct lp_superframe super;
            size_t segments = (lens[j] + size - 1) / size;

            build(flow, &whole, &super_bytes);
            super = describe(flow, &super_bytes, size);
            super.ecn = j % 2 == 0;
            assert_int_equal(check_segments(flow, &whole, &super, 1514),
                             segments > 0 ? segments : 1);
            super.needs_csum = false; /* GRO by a NIC that checked the sum */
            super.csum_start = 0xffff;
            check_segments(flow, &whole, &super, 1514);
        }
    }
}

static void longest_super_frames(void **state)
{
    static struct built b;

    (void)state;
    for (size_t i = 0; i < FLOWS; i++) {
        struct part whole = {0, 0x7fffffff, ACK | PSH, payload, 65535 - 160};
        struct lp_superframe super;

        build(&flows[i], &whole, &b);
        super = describe(&flows[i], &b, 1300);
        check_segments(&flows[i], &whole, &super, 1514);
    }
}

static void partial_sum_is_not_trusted(void **state)
{
    static struct built b;
    struct part whole = {7, 1000, ACK, payload, 5000};

    (void)state;
    for (size_t i = 0; i < FLOWS; i++) {
        struct lp_superframe super;

        build(&flows[i], &whole, &b);
        super = describe(&flows[i], &b, 1000);
        lp_store_be16(b.bytes + b.l4_at + super.csum_offset, 0x5a5a);
        if (!flows[i].ipv6)
            lp_store_be16(b.bytes + b.l3_at + 10, 0x1234);
        if (flows[i].udp)
            lp_store_be16(b.bytes + b.l4_at + 4, 0);
        check_segments(&flows[i], &whole, &super, 1514);
    }
}

static void cwr_belongs_to_the_first_segment(void **state)
{
    static struct built b;
    struct part whole = {7, 1000, ACK | CWR, payload, 3000};
    struct lp_superframe super;
    struct lp_offload_iter iter;
    uint8_t frame[1514];
    const uint8_t *got;

    (void)state;
    build(&flows[0], &whole, &b);
    super = describe(&flows[0], &b, 1000);
    super.ecn = true;
    assert_int_equal(lp_offload_begin(&iter, &super, sizeof(frame)), 0);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(lp_offload_next(&iter, frame, &got), 1054);
        assert_int_equal(frame[47], i == 0 ? ACK | CWR : ACK);
    }
    assert_int_equal(lp_offload_next(&iter, frame, &got), 0);
    super.ecn = false; /* accurate ECN: the bit is part of a counter, each segment has it */
    assert_int_equal(check_segments(&flows[0], &whole, &super, 1514), 3);
}

static void padding_is_no_payload(void **state)
{
    static struct built b;
    struct part whole = {7, 1000, ACK | PSH, payload, 3};

    (void)state;
    for (size_t i = 0; i < FLOWS; i++) {
        struct lp_superframe super;

        build(&flows[i], &whole, &b);
        super = describe(&flows[i], &b, 1000);
        memset(b.bytes + b.len, 0xee, 20);
        super.len += 20;
        assert_int_equal(check_segments(&flows[i], &whole, &super, 1514), 1);
    }
}

/* Changes the first word of the payload so that the checksum of `len` octets comes out as 0. */
static void make_sum_zero(const struct flow *flow, uint8_t *text, size_t len)
{
    static struct built b;
    struct part part = {7, 1000, ACK, text, len};
    uint16_t sum;

    text[0] = text[1] = 0;
    build(flow, &part, &b);
    sum = lp_load_be16(b.bytes + b.l4_at + (flow->udp ? 6 : 16));
    lp_store_be16(text, sum);
    build(flow, &part, &b);
    assert_int_equal(lp_load_be16(b.bytes + b.l4_at + (flow->udp ? 6 : 16)),
                     flow->udp ? 0xffff : 0);
}

static void checksum_zero(void **state)
{
    static struct built b;
    uint8_t text[700];

    (void)state;
    for (size_t i = 0; i < FLOWS; i++) {
        struct part whole = {7, 1000, ACK, text, sizeof(text)};
        struct lp_superframe super;

        memcpy(text, payload, sizeof(text));
        make_sum_zero(&flows[i], text, 500); /* the first of two segments */
        build(&flows[i], &whole, &b);
        super = describe(&flows[i], &b, 500);
        assert_int_equal(check_segments(&flows[i], &whole, &super, 1514), 2);
    }
}

/* CHECKSUM_PARTIAL without segmentation: the field holds the pseudo-header's sum, not inverted.
 */
static void check_completed(const struct flow *flow, const struct part *part, size_t padding)
{
    static struct built expected;
    static struct built b;
    struct lp_superframe super;
    struct lp_offload_iter iter;
    uint8_t *frame;
    const uint8_t *got = NULL;

    build(flow, part, &expected);
    memset(put(&expected, padding), 0xee, padding);
    b = expected;
    b.len -= padding;
    super = describe(flow, &b, 0);
    super.gso = LP_GSO_NONE;
    lp_store_be16(b.bytes + b.l4_at + super.csum_offset,
                  (uint16_t)~complement(pseudo_sum(flow, &b)));
    super.len += padding;
    frame = malloc(super.len);
    assert_non_null(frame);
    assert_int_equal(lp_offload_begin(&iter, &super, super.len), 0);
    assert_int_equal(lp_offload_next(&iter, frame, &got), expected.len);
    assert_ptr_equal(got, frame);
    if (memcmp(frame, expected.bytes, expected.len) != 0)
        fail_msg("%s: %zu octets, padding %zu", flow->name, part->payload_len, padding);
    assert_int_equal(lp_offload_next(&iter, frame, &got), 0);
    free(frame);
}

static void completes_checksums(void **state)
{
    uint8_t text[500];

    (void)state;
    for (size_t i = 0; i < FLOWS; i++) {
        for (size_t len = 0; len < 100; len++) {
            struct part part = {7, 1000, ACK, payload + len, len};

            check_completed(&flows[i], &part, 0);
            check_completed(&flows[i], &part, 1 + len % 18);
        }
        memcpy(text, payload, sizeof(text));
        make_sum_zero(&flows[i], text, sizeof(text));
        check_completed(&flows[i], &(struct part){7, 1000, ACK, text, sizeof(text)}, 0);
    }
}

static void completes_what_is_not_ip(void **state)
{
    uint8_t bytes[33] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x88, 0xb5};
    struct lp_superframe super = {
        .bytes = bytes, .len = 33, .needs_csum = true, .csum_start = 20, .csum_offset = 4};
    struct lp_offload_iter iter;
    uint8_t frame[33];
    const uint8_t *got;

    (void)state;
    memset(bytes + 20, 0x11, 13);
    lp_store_be16(bytes + 24, 0x0003);
    assert_int_equal(lp_offload_begin(&iter, &super, 33), 0);
    assert_int_equal(lp_offload_next(&iter, frame, &got), 33);
    assert_int_equal(lp_load_be16(frame + 24), complement(words(0, bytes + 20, 13)));
    memcpy(frame + 24, bytes + 24, 2);
    assert_memory_equal(frame, bytes, 33);
}

static void plain_frames_are_not_copied(void **state)
{
    static uint8_t bytes[1515] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x08, 0x00, 0x4f};
    struct lp_superframe super = {.bytes = bytes, .csum_start = 9999, .gso_size = 7};
    struct lp_offload_iter iter;
    const uint8_t *got;

    (void)state;
    for (size_t len = 14; len <= 1514; len += 100) {
        super.len = len;
        got = NULL;
        assert_int_equal(lp_offload_begin(&iter, &super, 1514), 0);
        assert_int_equal(lp_offload_next(&iter, NULL, &got), len);
        assert_ptr_equal(got, bytes);
        assert_int_equal(lp_offload_next(&iter, NULL, &got), 0);
    }
    super.len = 1515;
    assert_int_equal(lp_offload_begin(&iter, &super, 1514), LP_ERR_MALFORMED);
    super.len = 13;
    assert_int_equal(lp_offload_begin(&iter, &super, 1514), LP_ERR_MALFORMED);
    super.len = 0;
    assert_int_equal(lp_offload_begin(&iter, &super, 1514), LP_ERR_MALFORMED);
}

static void frame_max_is_a_bound(void **state)
{
    static struct built b;

    (void)state;
    for (size_t i = 0; i < FLOWS; i++) {
        struct part whole = {7, 1000, ACK, payload, 3000};
        struct lp_offload_iter iter;
        struct lp_superframe super;
        size_t fits;

        build(&flows[i], &whole, &b);
        super = describe(&flows[i], &b, 1200);
        fits = b.payload_at + 1200;
        assert_int_equal(check_segments(&flows[i], &whole, &super, fits), 3);
        assert_int_equal(lp_offload_begin(&iter, &super, fits - 1), LP_ERR_MALFORMED);
        /* a gso_size that the only segment does not reach */
        super.gso_size = 0xffff;
        assert_int_equal(check_segments(&flows[i], &whole, &super, b.len), 1);
        assert_int_equal(lp_offload_begin(&iter, &super, b.len - 1), LP_ERR_MALFORMED);
    }
}

static void every_cut_is_refused(void **state)
{
    static struct built b;
    struct part whole = {7, 1000, ACK, payload, 100};

    (void)state;
    for (size_t i = 0; i < FLOWS; i++) {
        build(&flows[i], &whole, &b);
        for (size_t len = 0; len < b.len; len++) {
            uint8_t *cut = malloc(len > 0 ? len : 1);
            struct lp_superframe super = describe(&flows[i], &b, 40);
            struct lp_offload_iter iter;

            assert_non_null(cut);
            memcpy(cut, b.bytes, len);
            super.bytes = cut;
            super.len = len;
            assert_int_equal(lp_offload_begin(&iter, &super, 1514), LP_ERR_MALFORMED);
            super.needs_csum = false;
            assert_int_equal(lp_offload_begin(&iter, &super, 1514), LP_ERR_MALFORMED);
            super.needs_csum = true;
            super.gso = LP_GSO_NONE;
            assert_int_equal(lp_offload_begin(&iter, &super, 1514), LP_ERR_MALFORMED);
            free(cut);
        }
    }
}

/* The IP length agrees with the frame, but both end before the payload could start. */
static void packet_ends_in_its_headers(void **state)
{
    static struct built b;
    struct part whole = {7, 1000, ACK, payload, 100};

    (void)state;
    for (size_t i = 0; i < FLOWS; i++) {
        build(&flows[i], &whole, &b);
        for (size_t len = b.l3_at + (flows[i].ipv6 ? 40 : 20); len < b.payload_at; len++) {
            uint8_t *cut = malloc(len);
            struct lp_superframe super = describe(&flows[i], &b, 40);
            struct lp_offload_iter iter;

            assert_non_null(cut);
            memcpy(cut, b.bytes, len);
            if (flows[i].ipv6)
                lp_store_be16(cut + b.l3_at + 4, (uint16_t)(len - b.l3_at - 40));
            else
                lp_store_be16(cut + b.l3_at + 2, (uint16_t)(len - b.l3_at));
            super.bytes = cut;
            super.len = len;
            assert_int_equal(lp_offload_begin(&iter, &super, 1514), LP_ERR_MALFORMED);
            super.needs_csum = false;
            assert_int_equal(lp_offload_begin(&iter, &super, 1514), LP_ERR_MALFORMED);
            free(cut);
        }
    }
}

/* One field changed: `at` counts from the IP header, or from the upper one. */
struct damage {
    const char *name;
    unsigned flow;
    bool upper;
    unsigned at;
    uint8_t value;
    int expected;
};

static const struct damage damages[] = {
    {"IPv4 version", 0, false, 0, 0x65, LP_ERR_MALFORMED},
    {"IPv4 header of 16", 0, false, 0, 0x44, LP_ERR_MALFORMED},
    {"IPv4 header over TCP", 0, false, 0, 0x4f, LP_ERR_MALFORMED},
    {"IPv4 longer than its frame", 0, false, 2, 0x40, LP_ERR_MALFORMED},
    {"IPv4 shorter than its headers", 0, false, 3, 39, LP_ERR_MALFORMED},
    {"IPv4 fragment", 0, false, 6, 0x20, LP_ERR_MALFORMED},
    {"IPv4 later fragment", 0, false, 7, 0x01, LP_ERR_MALFORMED},
    {"IPv4, UDP inside", 0, false, 9, 17, LP_ERR_MALFORMED},
    {"TCP header of 16", 0, true, 12, 0x40, LP_ERR_MALFORMED},
    {"TCP header beyond the packet", 0, true, 12, 0xf0, LP_ERR_MALFORMED},
    {"IPv6 version", 3, false, 0, 0x45, LP_ERR_MALFORMED},
    {"IPv6 longer than its frame", 3, false, 4, 0x40, LP_ERR_MALFORMED},
    {"IPv6, UDP inside", 3, false, 6, 17, LP_ERR_MALFORMED},
    {"IPv6, no next header", 3, false, 6, 59, LP_ERR_MALFORMED},
    {"IPv6 fragment", 4, false, 6, 44, LP_ERR_MALFORMED},
    {"options beyond the packet", 4, false, 41, 200, LP_ERR_MALFORMED},
    {"options into TCP", 4, false, 57, 2, LP_ERR_MALFORMED},
    {"routing header on its way", 4, false, 6, 43, LP_ERR_UNSUPPORTED},
    {"UDP is TCP", 6, false, 9, 6, LP_ERR_MALFORMED},
};

static void damaged_headers(void **state)
{
    static struct built b;
    struct part whole = {7, 1000, ACK, payload, 30};

    (void)state;
    for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
        const struct damage *d = &damages[i];
        struct lp_offload_iter iter;
        struct lp_superframe super;
        int err;

        build(&flows[d->flow], &whole, &b);
        super = describe(&flows[d->flow], &b, 10);
        assert_int_equal(lp_offload_begin(&iter, &super, 1514), 0);
        b.bytes[(d->upper ? b.l4_at : b.l3_at) + d->at] = d->value;
        err = lp_offload_begin(&iter, &super, 1514);
        if (err != d->expected)
            fail_msg("%s: %s", d->name, lp_err_name(err));
    }
}

static void extension_headers_are_bounded(void **state)
{
    static struct built b;
    struct flow flow = {"nine extensions", true, false, 0, 0, 9, 0};
    struct part whole = {7, 1000, ACK, payload, 3000};
    struct lp_offload_iter iter;
    struct lp_superframe super;

    (void)state;
    build(&flow, &whole, &b);
    super = describe(&flow, &b, 1000);
    assert_int_equal(lp_offload_begin(&iter, &super, 1514), LP_ERR_MALFORMED);
    flow.extensions = 8;
    build(&flow, &whole, &b);
    super = describe(&flow, &b, 1000);
    assert_int_equal(check_segments(&flow, &whole, &super, 1514), 3);
}

static void descriptions_that_contradict(void **state)
{
    static struct built b;
    struct part whole = {7, 1000, ACK, payload, 300};
    struct lp_offload_iter iter;
    struct lp_offload_iter untouched;
    struct lp_superframe good;
    struct lp_superframe bad;

    (void)state;
    build(&flows[0], &whole, &b);
    good = describe(&flows[0], &b, 100);
    memset(&iter, 0x5a, sizeof(iter));
    untouched = iter;
#define REFUSED(change, code)                                                                  \
    do {                                                                                       \
        bad = good;                                                                            \
        change;                                                                                \
        assert_int_equal(lp_offload_begin(&iter, &bad, 1514), code);                           \
        assert_memory_equal(&iter, &untouched, sizeof(iter));                                  \
    } while (0)
    REFUSED(bad.gso = LP_GSO_UNSUPPORTED, LP_ERR_UNSUPPORTED);
    REFUSED(bad.gso = LP_GSO_TCPV6, LP_ERR_MALFORMED);
    REFUSED(bad.gso = LP_GSO_UDP_L4, LP_ERR_MALFORMED);
    REFUSED(bad.gso_size = 0, LP_ERR_MALFORMED);
    REFUSED(bad.csum_start++, LP_ERR_MALFORMED);
    REFUSED(bad.csum_start -= 2, LP_ERR_MALFORMED);
    REFUSED(bad.csum_start = 0xffff, LP_ERR_MALFORMED);
    REFUSED(bad.csum_offset = 6, LP_ERR_MALFORMED);
    REFUSED(bad.csum_offset = 0xffff, LP_ERR_MALFORMED);
    good.gso = LP_GSO_NONE;
    REFUSED(bad.csum_start = 13, LP_ERR_MALFORMED);
    REFUSED(bad.csum_start = 0, LP_ERR_MALFORMED);
    REFUSED(bad.csum_start = 0xffff, LP_ERR_MALFORMED);
    REFUSED(bad.csum_offset = 0xffff, LP_ERR_MALFORMED);
    REFUSED(bad.csum_offset = 0xfffe, LP_ERR_MALFORMED);
    REFUSED(bad.csum_offset = 7, LP_ERR_MALFORMED);
    REFUSED(bad.csum_offset = (uint16_t)(b.len - b.l4_at), LP_ERR_MALFORMED);
    REFUSED((bad.csum_start = (uint16_t)(b.len - 1), bad.csum_offset = 0), LP_ERR_MALFORMED);
#undef REFUSED
    good.csum_start = (uint16_t)(b.len - 2);
    good.csum_offset = 0;
    assert_int_equal(lp_offload_begin(&iter, &good, 1514), 0);
}

static int fill_payload(void **state)
{
    uint32_t random = 3;

    (void)state;
    for (size_t i = 0; i < sizeof(payload); i++) {
        random = random * 1664525 + 1013904223;
        payload[i] = (uint8_t)(random >> 24);
    }
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segments_match_the_model),
        cmocka_unit_test(longest_super_frames),
        cmocka_unit_test(partial_sum_is_not_trusted),
        cmocka_unit_test(cwr_belongs_to_the_first_segment),
        cmocka_unit_test(padding_is_no_payload),
        cmocka_unit_test(checksum_zero),
        cmocka_unit_test(completes_checksums),
        cmocka_unit_test(completes_what_is_not_ip),
        cmocka_unit_test(plain_frames_are_not_copied),
        cmocka_unit_test(frame_max_is_a_bound),
        cmocka_unit_test(every_cut_is_refused),
        cmocka_unit_test(packet_ends_in_its_headers),
        cmocka_unit_test(damaged_headers),
        cmocka_unit_test(extension_headers_are_bounded),
        cmocka_unit_test(descriptions_that_contradict),
    };

    return cmocka_run_group_tests(tests, fill_payload, NULL);
}
