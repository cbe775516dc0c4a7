/*
 * Frames are made by cutting a super-frame (proto/offload, which has a model of its own), merged,
 * and cut again: what comes out must be, octet for octet and in the order of each flow, what went
 * in.
 */
#include "proto/merge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/wire.h"
#include "proto/checksum.h"
#include "proto/ip.h"
#include "proto/offload.h"

#define FRAMES_MAX 512

struct frame {
    uint8_t bytes[LP_ETH_FRAME_MAX];
    size_t len;
};

struct bed {
    struct lp_merge *merge;
    struct frame in[FRAMES_MAX];
    unsigned in_count;
    struct frame out[FRAMES_MAX]; /* everything that came out, cut again */
    unsigned out_count;
    unsigned supers; /* how many calls of out with more than one frame */
    unsigned most;   /* frames in the largest */
    size_t longest;
};

enum kind { TCP4, TCP6, UDP4, UDP6, KINDS };

static size_t l4_of(enum kind kind)
{
    return kind == TCP4 || kind == UDP4 ? 34 : 54;
}

static bool tcp_of(enum kind kind)
{
    return kind == TCP4 || kind == TCP6;
}

static size_t header_of(enum kind kind)
{
    return l4_of(kind) + (tcp_of(kind) ? 32 : 8); /* with time stamps */
}

static void keep(struct frame list[], unsigned *count, const uint8_t *bytes, size_t len)
{
    assert_true(*count < FRAMES_MAX && len <= LP_ETH_FRAME_MAX);
    memcpy(list[*count].bytes, bytes, len);
    list[(*count)++].len = len;
}

/* What a kernel or a NIC needs in the field to complete the checksum (virtio 1.2, 5.1.6.2). */
static void assert_checksum_begun(const struct lp_superframe *super)
{
    bool v4 = lp_load_be16(super->bytes + 12) == LP_ETHERTYPE_IPV4;
    uint64_t sum = v4 ? lp_checksum_add(0, super->bytes + 26, 8)
                      : lp_checksum_add(0, super->bytes + 22, 32);

    assert_int_equal(super->csum_start, v4 ? 34 : 54);
    assert_int_equal(super->csum_offset, super->gso == LP_GSO_UDP_L4 ? 6 : 16);
    sum = lp_checksum_add_be16(sum,
                               super->gso == LP_GSO_UDP_L4 ? LP_IPPROTO_UDP : LP_IPPROTO_TCP);
    sum = lp_checksum_add_be16(sum, (uint16_t)(super->len - super->csum_start));
    assert_int_equal(lp_load_be16(super->bytes + super->csum_start + super->csum_offset),
                     (uint16_t)~lp_checksum_finish(sum));
}

static void on_out(void *user, const struct lp_superframe *super, unsigned frames)
{
    struct bed *bed = user;
    struct lp_offload_iter iter;
    uint8_t segment[LP_ETH_FRAME_MAX];
    const uint8_t *frame;
    unsigned cut = 0;
    size_t len;

    assert_int_equal(super->gso != LP_GSO_NONE, frames > 1);
    assert_int_equal(super->needs_csum, frames > 1);
    if (frames > 1)
        assert_checksum_begun(super);
    assert_int_equal(lp_offload_begin(&iter, super, sizeof(segment)), 0);
    while ((len = lp_offload_next(&iter, segment, &frame)) > 0) {
        keep(bed->out, &bed->out_count, frame, len);
        cut++;
    }
    assert_int_equal(cut, frames);
    bed->supers += frames > 1;
    bed->most = frames > bed->most ? frames : bed->most;
    bed->longest = super->len > bed->longest ? super->len : bed->longest;
}

static int set_up(void **state)
{
    struct bed *bed = calloc(1, sizeof(*bed));

    assert_non_null(bed);
    assert_int_equal(lp_merge_new(on_out, bed, &bed->merge), 0);
    *state = bed;
    return 0;
}

static int tear_down(void **state)
{
    struct bed *bed = *state;

    lp_merge_free(bed->merge);
    free(bed);
    return 0;
}

/* ---- making frames ---- */

static void put_ip(uint8_t *frame, enum kind kind, uint8_t host, size_t ip_payload)
{
    uint8_t *ip = frame + 14;

    memcpy(frame, (const uint8_t[]){2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1}, 12);
    if (l4_of(kind) == 34) {
        lp_store_be16(frame + 12, LP_ETHERTYPE_IPV4);
        memcpy(ip, (const uint8_t[]){0x45, 0x10, 0, 0, 0x12, 0x34, 0x40, 0, 64}, 9);
        lp_store_be16(ip + 2, (uint16_t)(20 + ip_payload));
        ip[9] = tcp_of(kind) ? LP_IPPROTO_TCP : LP_IPPROTO_UDP;
        memcpy(ip + 12, (const uint8_t[]){10, 0, 0, 1, 10, 0, 0, 2}, 8);
        ip[19] = host;
    } else {
        lp_store_be16(frame + 12, LP_ETHERTYPE_IPV6);
        memcpy(ip, (const uint8_t[]){0x60, 0x01, 0x23, 0x45}, 4);
        lp_store_be16(ip + 4, (uint16_t)ip_payload);
        ip[6] = tcp_of(kind) ? LP_IPPROTO_TCP : LP_IPPROTO_UDP;
        ip[7] = 64;
        ip[8] = 0xfd;
        ip[24] = 0xfd;
        ip[39] = host;
    }
}

/* Cuts `payload` octets into frames of `mss`, appended to bed->in. Returns the first's index. */
static unsigned make(struct bed *bed, enum kind kind, uint8_t host, uint32_t seq,
                     size_t payload, size_t mss)
{
    static const enum lp_gso gso[KINDS] = {LP_GSO_TCPV4, LP_GSO_TCPV6, LP_GSO_UDP_L4,
                                           LP_GSO_UDP_L4};
    static uint8_t bytes[66000];
    struct lp_superframe super = {.bytes = bytes, .gso = gso[kind], .gso_size = (uint16_t)mss};
    uint8_t *upper = bytes + l4_of(kind);
    struct lp_offload_iter iter;
    uint8_t segment[LP_ETH_FRAME_MAX];
    const uint8_t *frame;
    unsigned first = bed->in_count;
    size_t len;

    memset(bytes, 0, header_of(kind));
    put_ip(bytes, kind, host, header_of(kind) - l4_of(kind) + payload);
    lp_store_be16(upper, 5001);
    lp_store_be16(upper + 2, 40000);
    if (tcp_of(kind)) {
        lp_store_be32(upper + 4, seq);
        lp_store_be32(upper + 8, 77);
        upper[12] = 0x80;
        upper[13] = LP_TCP_ACK;
        lp_store_be16(upper + 14, 500);
        memcpy(upper + 20, (const uint8_t[]){1, 1, 8, 10, 0, 0, 0, 9, 0, 0, 0, 8}, 12);
    }
    for (size_t i = 0; i < payload; i++)
        bytes[header_of(kind) + i] = (uint8_t)(seq + i * 7);
    super.len = header_of(kind) + payload;
    assert_int_equal(lp_offload_begin(&iter, &super, sizeof(segment)), 0);
    while ((len = lp_offload_next(&iter, segment, &frame)) > 0)
        keep(bed->in, &bed->in_count, frame, len);
    return first;
}

/* After a change of its header: both checksums again. */
static void mend(struct frame *frame, enum kind kind)
{
    uint8_t *ip = frame->bytes + 14, *upper = frame->bytes + l4_of(kind);
    size_t len = frame->len - l4_of(kind);
    size_t at = tcp_of(kind) ? LP_TCP_CSUM_AT : LP_UDP_CSUM_AT;
    bool v4 = l4_of(kind) == 34;
    uint64_t sum = v4 ? lp_checksum_add(0, ip + 12, 8) : lp_checksum_add(0, ip + 8, 32);

    if (v4) {
        lp_store_be16(ip + 10, 0);
        lp_store_be16(ip + 10, lp_checksum_finish(lp_checksum_add(0, ip, 20)));
    }
    sum = lp_checksum_add_be16(sum, (uint16_t)len);
    sum = lp_checksum_add_be16(sum, tcp_of(kind) ? LP_IPPROTO_TCP : LP_IPPROTO_UDP);
    lp_store_be16(upper + at, 0);
    lp_store_be16(upper + at, lp_checksum_finish(lp_checksum_add(sum, upper, len)));
}

static void push(struct bed *bed, unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++) {
        if (!lp_merge_push(bed->merge, bed->in[i].bytes, bed->in[i].len))
            keep(bed->out, &bed->out_count, bed->in[i].bytes, bed->in[i].len);
    }
}

static void push_all(struct bed *bed)
{
    push(bed, 0, bed->in_count);
    lp_merge_flush(bed->merge);
}

static void assert_same(const struct bed *bed)
{
    assert_int_equal(bed->out_count, bed->in_count);
    for (unsigned i = 0; i < bed->in_count; i++) {
        assert_int_equal(bed->out[i].len, bed->in[i].len);
        assert_memory_equal(bed->out[i].bytes, bed->in[i].bytes, bed->in[i].len);
    }
}

/* ---- cases ---- */

static void neighbours_become_one(void **state)
{
    for (enum kind kind = TCP4; kind < KINDS; kind++) {
        struct bed *bed = *state;

        bed->in_count = bed->out_count = bed->supers = bed->most = 0;
        make(bed, kind, 9, 1000, 20 * 1300 + 17, 1300);
        assert_int_equal(bed->in_count, 21);
        push(bed, 0, 20);
        assert_int_equal(bed->out_count, 0);
        push(bed, 20, 21); /* the short one is the last: nothing waits for more */
        assert_same(bed);
        assert_int_equal(bed->supers, 1);
        assert_int_equal(bed->most, 21);
    }
}

static void a_lone_frame_is_plain(void **state)
{
    struct bed *bed = *state;

    make(bed, TCP4, 9, 1000, 1000, 1300);
    make(bed, UDP6, 8, 1000, 1000, 1300);
    push_all(bed);
    assert_same(bed);
    assert_int_equal(bed->supers, 0);
}

static void a_padded_frame_keeps_its_padding_or_ends_there(void **state)
{
    struct bed *bed = *state;

    make(bed, UDP4, 9, 0, 6, 3); /* two datagrams of three octets */
    for (unsigned i = 0; i < 2; i++) {
        memset(bed->in[i].bytes + bed->in[i].len, 0xee, 60 - bed->in[i].len);
        bed->in[i].len = 60;
    }
    push(bed, 0, 1);
    lp_merge_flush(bed->merge);
    assert_int_equal(bed->out[0].len, 60);
    assert_memory_equal(bed->out[0].bytes, bed->in[0].bytes, 60);
    push(bed, 0, 2);
    lp_merge_flush(bed->merge);
    assert_int_equal(bed->out_count, 3);
    assert_int_equal(bed->supers, 1);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(bed->out[1 + i].len, 45);
        assert_memory_equal(bed->out[1 + i].bytes, bed->in[i].bytes, 45);
    }
}

static void bounds_of_a_superframe(void **state)
{
    struct bed *bed = *state;

    make(bed, UDP4, 9, 0, (LP_MERGE_SEGMENTS_MAX + 1) * 100, 100);
    push_all(bed);
    assert_same(bed);
    assert_int_equal(bed->most, LP_MERGE_SEGMENTS_MAX);
    bed->in_count = bed->out_count = bed->most = 0;
    bed->longest = 0;
    for (unsigned i = 0; i < 2; i++)
        make(bed, TCP4, 9, 5 + i * 44 * 1448, 44 * 1448,
             1448); /* the second half just follows */
    push_all(bed);
    assert_int_equal(bed->out_count, 88);
    assert_int_equal(bed->most, 45); /* 45 * 1448 + 52 <= 65535 < 46 * 1448 + 52 */
    assert_int_equal(bed->longest, 14 + 52 + 45 * 1448);
}

struct change {
    const char *name;
    enum kind kind;
    size_t at; /* in the frame */
    uint8_t flip;
    bool mended;
};

static const struct change changes[] = {
    {"destination MAC", TCP4, 5, 1, true},
    {"source MAC", TCP4, 11, 1, true},
    {"type of service", TCP4, 15, 4, true},
    {"identification, may be fragmented", UDP4, 18, 1, true},
    {"do not fragment", TCP4, 20, 0x40, true},
    {"more fragments", TCP4, 20, 0x20, true},
    {"reserved bit", TCP4, 20, 0x80, true},
    {"fragment offset", UDP4, 21, 1, true},
    {"time to live", TCP4, 22, 1, true},
    {"IPv4 header checksum", TCP4, 24, 1, false},
    {"destination address", TCP4, 33, 1, true},
    {"flow label", TCP6, 17, 1, true},
    {"hop limit", UDP6, 21, 1, true},
    {"IPv6 address", TCP6, 37, 1, true},
    {"source port", TCP4, 35, 1, true},
    {"sequence number", TCP4, 41, 1, true},
    {"acknowledgement", TCP6, 65, 1, true},
    {"no ACK flag", TCP4, 47, LP_TCP_ACK, true},
    {"FIN", TCP4, 47, LP_TCP_FIN, true},
    {"SYN", TCP4, 47, 2, true},
    {"RST", TCP4, 47, 4, true},
    {"URG", TCP4, 47, 0x20, true},
    {"ECE", TCP4, 47, 0x40, true},
    {"CWR", TCP4, 47, LP_TCP_CWR, true},
    {"reserved bits beside the data offset", TCP4, 46, 1, true},
    {"window", TCP4, 49, 1, true},
    {"urgent pointer", TCP4, 53, 1, true},
    {"time stamp", TCP6, 81, 1, true},
    {"TCP checksum", TCP4, 50, 1, false},
    {"TCP payload damaged", TCP6, 200, 1, false},
    {"UDP payload damaged", UDP4, 200, 1, false},
};

/* The changed frame in the middle passes or begins anew, and nothing overtakes it. */
static void what_differs_is_not_merged(void **state)
{
    struct bed *bed = *state;

    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        const struct change *change = &changes[i];
        bool may = strstr(change->name, "may be") != NULL;

        bed->in_count = bed->out_count = bed->supers = bed->most = 0;
        make(bed, change->kind, 9, 1000, 9000, 1000);
        for (unsigned n = 0; may && n < 9; n++) {
            bed->in[n].bytes[20] = 0;
            mend(&bed->in[n], change->kind);
        }
        bed->in[4].bytes[change->at] ^= change->flip;
        if (change->mended)
            mend(&bed->in[4], change->kind);
        push_all(bed);
        if (bed->most > 4 || bed->supers != 2)
            fail_msg("%s: %u super-frames, the longest of %u", change->name, bed->supers,
                     bed->most);
        if (strstr(change->name, "address") != NULL || strstr(change->name, "port") != NULL) {
            assert_int_equal(bed->out_count, 9); /* another flow: order between them is free */
            continue;
        }
        assert_same(bed);
    }
}

static void identifications_in_order_are_merged(void **state)
{
    struct bed *bed = *state;

    make(bed, UDP4, 9, 1000, 9000, 1000);
    for (unsigned n = 0; n < 9; n++) {
        bed->in[n].bytes[20] = 0;
        lp_store_be16(bed->in[n].bytes + 18, (uint16_t)(0xfffb + n)); /* wraps */
        mend(&bed->in[n], UDP4);
    }
    push_all(bed);
    assert_same(bed);
    assert_int_equal(bed->most, 9);
}

static void a_pushed_segment_is_the_last(void **state)
{
    struct bed *bed = *state;

    make(bed, TCP4, 9, 1000, 4000, 1000);
    bed->in[2].bytes[47] |= LP_TCP_PSH;
    mend(&bed->in[2], TCP4);
    push(bed, 0, 3);
    assert_int_equal(bed->out_count, 3);
    push(bed, 3, 4);
    assert_int_equal(bed->out_count, 3);
    lp_merge_flush(bed->merge);
    assert_same(bed);
    assert_int_equal(bed->most, 3);
}

static void a_pure_acknowledgement_does_not_overtake(void **state)
{
    struct bed *bed = *state;
    struct frame *ack;

    make(bed, TCP4, 9, 1000, 3000, 1000);
    make(bed, TCP4, 9, 4000, 1000, 1000);
    ack = &bed->in[3];
    ack->len = header_of(TCP4);
    lp_store_be16(ack->bytes + 16, (uint16_t)(ack->len - 14));
    mend(ack, TCP4);
    push(bed, 0, 4);
    assert_same(bed);
    assert_int_equal(bed->most, 3);
}

static void without_a_udp_checksum_nothing_is_merged(void **state)
{
    struct bed *bed = *state;

    make(bed, UDP4, 9, 0, 4000, 1000);
    for (unsigned i = 0; i < 4; i++)
        lp_store_be16(bed->in[i].bytes + 40, 0);
    push(bed, 0, 4);
    assert_same(bed);
    assert_int_equal(bed->supers, 0);
}

static void groups_are_not_merged(void **state)
{
    struct bed *bed = *state;

    make(bed, UDP4, 9, 0, 4000, 1000);
    for (unsigned i = 0; i < 4; i++)
        bed->in[i].bytes[0] |= 1;
    push(bed, 0, 4);
    assert_same(bed);
}

static void a_kind_can_be_disabled(void **state)
{
    struct bed *bed = *state;

    make(bed, UDP4, 9, 0, 4000, 1000);
    push(bed, 0, 2);
    lp_merge_disable(bed->merge, LP_GSO_UDP_L4);
    push(bed, 2, 4); /* what had begun is ended in order */
    lp_merge_flush(bed->merge);
    assert_same(bed);
    bed->out_count = bed->in_count = bed->supers = 0;
    make(bed, UDP6, 9, 0, 4000, 1000);
    push(bed, 0, 4);
    assert_same(bed);
    assert_int_equal(bed->supers, 0);
}

/* One flow more than there is room for: the oldest goes, none is lost. */
static void more_flows_than_room(void **state)
{
    struct bed *bed = *state;
    unsigned at[LP_MERGE_FLOWS + 1];

    for (unsigned i = 0; i <= LP_MERGE_FLOWS; i++)
        at[i] = make(bed, TCP4, (uint8_t)i, 0, 2000, 1000);
    for (unsigned i = 0; i < LP_MERGE_FLOWS; i++)
        push(bed, at[i], at[i] + 2);
    assert_int_equal(bed->out_count, 0);
    push(bed, at[LP_MERGE_FLOWS], at[LP_MERGE_FLOWS] + 2);
    assert_int_equal(bed->out_count, 2);
    lp_merge_flush(bed->merge);
    assert_same(bed);
}

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

/* What of a frame tells its flow, and its place in there. */
static bool same_flow(const struct frame *a, const struct frame *b)
{
    size_t l4 = a->bytes[12] == 0x08 ? 34 : 54;

    return memcmp(a->bytes + 12, b->bytes + 12, 2) == 0 &&
           a->bytes[l4 - 1] == b->bytes[l4 - 1] && a->len > 0 && b->len > 0 &&
           a->bytes[l4 == 34 ? 23 : 20] == b->bytes[l4 == 34 ? 23 : 20];
}

static void any_mixture_keeps_each_flow(void **state)
{
    struct bed *bed = *state;
    uint32_t seed = 7;

    for (unsigned round = 0; round < 200; round++) {
        static bool matched[FRAMES_MAX];
        unsigned at[6], end[6], left = 0;

        bed->in_count = bed->out_count = 0;
        for (unsigned f = 0; f < 6; f++) {
            size_t mss = 1 + next_random(&seed) % 1300;

            at[f] = make(bed, (enum kind)(f % KINDS), (uint8_t)(f + 1), next_random(&seed),
                         mss * (1 + next_random(&seed) % 40) + 1, mss);
            end[f] = bed->in_count;
            left += end[f] - at[f];
        }
        while (left > 0) {
            unsigned f = next_random(&seed) % 6;

            if (next_random(&seed) % 50 == 0)
                lp_merge_flush(bed->merge);
            for (unsigned n = 1 + next_random(&seed) % 8; n > 0 && at[f] < end[f];
                 n--, left--) {
                push(bed, at[f], at[f] + 1);
                at[f]++;
            }
        }
        lp_merge_flush(bed->merge);
        assert_int_equal(bed->out_count, bed->in_count);
        memset(matched, 0, sizeof(matched));
        for (unsigned i = 0; i < bed->in_count; i++) {
            unsigned o = 0;

            while (matched[o] || !same_flow(&bed->in[i], &bed->out[o]))
                o++;
            matched[o] = true; /* the flow's next: must be this frame */
            assert_int_equal(bed->out[o].len, bed->in[i].len);
            assert_memory_equal(bed->out[o].bytes, bed->in[i].bytes, bed->in[i].len);
        }
    }
}

/* Any octets: nothing read beyond them (sanitizers look), nothing lost. */
static void garbage_passes(void **state)
{
    struct bed *bed = *state;
    uint32_t seed = 11;

    make(bed, TCP4, 9, 1000, 1000, 1000);
    for (unsigned round = 0; round < 20000; round++) {
        struct frame frame = bed->in[0];
        size_t len = LP_ETH_HEADER_LEN + next_random(&seed) % (frame.len - LP_ETH_HEADER_LEN);
        uint8_t *exact;

        for (unsigned i = 0; i < 3; i++)
            frame.bytes[12 + next_random(&seed) % 50] = (uint8_t)next_random(&seed);
        exact = malloc(len);
        assert_non_null(exact);
        memcpy(exact, frame.bytes, len);
        bed->out_count = 0;
        if (!lp_merge_push(bed->merge, exact, len))
            keep(bed->out, &bed->out_count, exact, len);
        lp_merge_flush(bed->merge);
        assert_int_equal(bed->out_count, 1);
        assert_int_equal(bed->out[0].len, len);
        assert_memory_equal(bed->out[0].bytes, exact, len);
        free(exact);
    }
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(neighbours_become_one),
        CASE(a_lone_frame_is_plain),
        CASE(a_padded_frame_keeps_its_padding_or_ends_there),
        CASE(bounds_of_a_superframe),
        CASE(what_differs_is_not_merged),
        CASE(identifications_in_order_are_merged),
        CASE(a_pushed_segment_is_the_last),
        CASE(a_pure_acknowledgement_does_not_overtake),
        CASE(without_a_udp_checksum_nothing_is_merged),
        CASE(groups_are_not_merged),
        CASE(a_kind_can_be_disabled),
        CASE(more_flows_than_room),
        CASE(any_mixture_keeps_each_flow),
        CASE(garbage_passes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
