/* Which frames are one flow, and where their IP header is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/wire.h"
#include "proto/flow.h"

#define TCP      6
#define UDP      17
#define FRAGMENT 44
#define DSTOPTS  60

static const struct lp_sipkey key = {{0x1234, 0x5678}};

struct frame {
    uint8_t bytes[LP_ETH_FRAME_MAX];
    size_t len;
};

static void put(struct frame *f, const void *bytes, size_t len)
{
    memcpy(f->bytes + f->len, bytes, len);
    f->len += len;
}

static void put16(struct frame *f, unsigned value)
{
    lp_store_be16(f->bytes + f->len, (uint16_t)value);
    f->len += 2;
}

static void start(struct frame *f, unsigned type)
{
    static const uint8_t macs[] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};

    memset(f, 0, sizeof(*f));
    put(f, macs, sizeof(macs));
    put16(f, type);
}

/* What stands behind an IP header: ports, then something. */
static void put_upper(struct frame *f, unsigned from, unsigned to)
{
    put16(f, from);
    put16(f, to);
    f->len += 16;
}

/* The packet alone; `fragment` is the header's word of flags and offset. */
static void put_ipv4(struct frame *f, unsigned protocol, unsigned fragment, unsigned host)
{
    uint8_t ip[20] = {0x45, 0, 0, 40, 0x12, 0x34, 0, 0, 64, 0, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2};

    ip[9] = (uint8_t)protocol;
    ip[19] = (uint8_t)host;
    lp_store_be16(ip + 6, (uint16_t)fragment);
    put(f, ip, sizeof(ip));
}

static struct frame ipv4(unsigned protocol, unsigned from, unsigned to)
{
    struct frame f;

    start(&f, 0x0800);
    put_ipv4(&f, protocol, 0, 2);
    put_upper(&f, from, to);
    return f;
}

static void put_ipv6(struct frame *f, unsigned next)
{
    uint8_t ip[40] = {0x60,          0,  0,    0,        0,           60,
                      (uint8_t)next, 64, 0xfd, [23] = 1, [24] = 0xfd, [39] = 2};

    put(f, ip, sizeof(ip));
}

static struct frame ipv6(unsigned protocol, unsigned from, unsigned to)
{
    struct frame f;

    start(&f, 0x86dd);
    put_ipv6(&f, protocol);
    put_upper(&f, from, to);
    return f;
}

/* From a block of exactly `len` octets, so that the address sanitizer sees one too many. */
static struct lp_flow flow_of_part(const struct frame *f, size_t len)
{
    uint8_t *bytes = malloc(len);
    struct lp_eth eth;
    struct lp_flow flow;

    assert_non_null(bytes);
    memcpy(bytes, f->bytes, len);
    assert_int_equal(lp_eth_parse(bytes, len, &eth), 0);
    flow = lp_flow_of(&eth, &key);
    assert_int_equal(flow.origin, 0);
    free(bytes);
    return flow;
}

static struct lp_flow flow_of(const struct frame *f)
{
    return flow_of_part(f, f->len);
}

static void assert_same(const struct frame *a, const struct frame *b)
{
    assert_int_equal(flow_of(a).hash, flow_of(b).hash);
}

static void assert_other(const struct frame *a, const struct frame *b)
{
    assert_int_not_equal(flow_of(a).hash, flow_of(b).hash);
}

/* Each octet of the five-tuple counts, no other one of the headers does. */
static void assert_only_these_count(const struct frame *f, const uint8_t *counts)
{
    for (size_t at = 0; at < f->len; at++) {
        struct frame changed = *f;

        if (counts[at] == 2) /* says what the packet is */
            continue;
        changed.bytes[at] ^= 0x01;
        if (counts[at])
            assert_other(f, &changed);
        else
            assert_same(f, &changed);
    }
}

static void a_tcp_or_udp_flow_is_its_five_tuple(void **state)
{
    uint8_t v4[LP_ETH_FRAME_MAX] = {0};
    uint8_t v6[LP_ETH_FRAME_MAX] = {0};
    struct frame f;

    memset(v4 + 12, 2, 3);          /* EtherType, version */
    memset(v4 + 14 + 6, 2, 2);      /* fragment */
    memset(v4 + 14 + 9, 2, 1);      /* protocol */
    memset(v4 + 14 + 12, 1, 8 + 4); /* addresses, ports */
    f = ipv4(TCP, 1000, 80);
    assert_only_these_count(&f, v4);
    f = ipv4(UDP, 1000, 80);
    assert_only_these_count(&f, v4);
    memset(v6 + 12, 2, 3);
    memset(v6 + 14 + 6, 2, 1);
    memset(v6 + 14 + 8, 1, 32 + 4);
    f = ipv6(TCP, 1000, 80);
    assert_only_these_count(&f, v6);
    f = ipv6(UDP, 1000, 80);
    assert_only_these_count(&f, v6);
}

static void protocols_and_versions_differ(void **state)
{
    struct frame tcp = ipv4(TCP, 5, 6);
    struct frame udp = ipv4(UDP, 5, 6);
    struct frame icmp = ipv4(1, 5, 6);
    struct frame tcp6 = ipv6(TCP, 5, 6);

    assert_other(&tcp, &udp);
    assert_other(&tcp, &icmp);
    assert_other(&tcp, &tcp6);
}

/* A ping's type and id stand where ports would; to spread them would help a flood. */
static void other_protocols_go_by_addresses(void **state)
{
    static const unsigned protocols[] = {1, 2, 47, 50, 58, 89, 132, 255};

    for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++) {
        struct frame a = ipv4(protocols[i], 1, 2);
        struct frame b = ipv4(protocols[i], 3, 4);
        struct frame a6 = ipv6(protocols[i] == 50 ? 41 : protocols[i], 1, 2);
        struct frame b6 = ipv6(protocols[i] == 50 ? 41 : protocols[i], 3, 4);

        assert_same(&a, &b);
        assert_same(&a6, &b6);
        b.bytes[14 + 19]++;
        assert_other(&a, &b);
        b6.bytes[14 + 39]++;
        assert_other(&a6, &b6);
    }
}

static void ipv4_options_come_before_the_ports(void **state)
{
    struct frame plain = ipv4(UDP, 7, 8);
    struct frame f;

    start(&f, 0x0800);
    put_ipv4(&f, UDP, 0, 2);
    f.bytes[14] = 0x47;
    f.len += 8;
    put_upper(&f, 7, 8);
    assert_same(&plain, &f);
}

static void ipv4_fragments_stay_together(void **state)
{
    struct frame whole = ipv4(UDP, 7, 8);
    struct frame first, later, last;

    start(&first, 0x0800);
    put_ipv4(&first, UDP, 0x2000, 2);
    put_upper(&first, 7, 8);
    start(&later, 0x0800);
    put_ipv4(&later, UDP, 0x2000 | 10, 2);
    put_upper(&later, 100, 200);
    start(&last, 0x0800);
    put_ipv4(&last, UDP, 20, 2);
    put_upper(&last, 300, 400);
    assert_same(&first, &later);
    assert_same(&first, &last);
    assert_other(&first, &whole);
    last.bytes[14 + 9] = TCP;
    assert_other(&first, &last);
}

/* A fragment header in front of `next`, and before both of them, if it is told, an option. */
static struct frame fragment6(bool option, unsigned next, unsigned offset_and_more)
{
    const uint8_t options[8] = {FRAGMENT};
    struct frame f;

    start(&f, 0x86dd);
    put_ipv6(&f, option ? DSTOPTS : FRAGMENT);
    if (option)
        put(&f, options, sizeof(options));
    put16(&f, next << 8);
    put16(&f, offset_and_more);
    f.len += 4;
    return f;
}

/*
 * The first one can be walked further than the others: what counts is what follows the fragment
 * header, which is the same in all of them.
 */
static void ipv6_fragments_stay_together(void **state)
{
    const uint8_t udp_next[8] = {UDP};
    struct frame first, later;

    for (unsigned option = 0; option < 2; option++) {
        first = fragment6(option == 1, UDP, 1);
        put_upper(&first, 7, 8);
        later = fragment6(option == 1, UDP, 80 | 1);
        put_upper(&later, 100, 200);
        assert_same(&first, &later);
        first = fragment6(option == 1, DSTOPTS, 1);
        put(&first, udp_next, sizeof(udp_next));
        put_upper(&first, 7, 8);
        later = fragment6(option == 1, DSTOPTS, 80);
        put_upper(&later, 100, 200);
        assert_same(&first, &later);
    }
}

static void ipv6_extensions_are_walked(void **state)
{
    const uint8_t more[8] = {DSTOPTS};
    const uint8_t last[8] = {UDP};
    struct frame plain = ipv6(UDP, 7, 8);
    struct frame f, g;

    for (unsigned headers = 1; headers <= 10; headers++) {
        start(&f, 0x86dd);
        put_ipv6(&f, DSTOPTS);
        for (unsigned i = 1; i < headers; i++)
            put(&f, more, sizeof(more));
        put(&f, last, sizeof(last));
        put_upper(&f, 7, 8);
        g = f;
        g.bytes[g.len - 20]++; /* source port */
        if (headers <= 8) {
            assert_same(&plain, &f);
            assert_other(&f, &g);
        } else { /* too many to look behind */
            assert_other(&plain, &f);
            assert_same(&f, &g);
        }
    }
}

static void the_rest_goes_by_mac_and_type(void **state)
{
    struct frame arp, other, tagged;

    start(&arp, 0x0806);
    arp.len += 28;
    other = arp;
    other.bytes[14]++;
    assert_same(&arp, &other);
    for (size_t at = 0; at < 14; at++) {
        other = arp;
        other.bytes[at] ^= 0x20;
        assert_other(&arp, &other);
    }
    start(&tagged, 0x8100);
    put16(&tagged, 5);
    put16(&tagged, 0x0800);
    put_ipv4(&tagged, UDP, 0, 2);
    put_upper(&tagged, 1, 2);
    assert_int_equal(flow_of(&tagged).ip_at, 0);
    assert_int_equal(flow_of(&arp).ip_at, 0);
}

/* LLC frames of all lengths are one kind; their length is not their type. */
static void llc_goes_by_mac(void **state)
{
    static const uint8_t ipx[] = {0xff, 0xff, 0, 40};
    struct frame a, b;

    start(&a, 46);
    put(&a, ipx, sizeof(ipx));
    a.len += 42;
    b = a;
    lp_store_be16(b.bytes + 12, 45);
    assert_same(&a, &b);
}

static void llc_and_snap_ip_is_plain_ip(void **state)
{
    static const uint8_t snap[] = {0xaa, 0xaa, 3, 0, 0, 0};
    static const uint8_t llc[] = {6, 6, 3};
    struct frame plain = ipv4(UDP, 7, 8);
    struct frame plain6 = ipv6(TCP, 7, 8);
    struct frame f;

    start(&f, 6 + 2 + 40);
    put(&f, snap, sizeof(snap));
    put16(&f, 0x0800);
    put_ipv4(&f, UDP, 0, 2);
    put_upper(&f, 7, 8);
    assert_same(&plain, &f);
    assert_int_equal(flow_of(&f).ip_at, 22);
    start(&f, 6 + 2 + 60);
    put(&f, snap, sizeof(snap));
    put16(&f, 0x86dd);
    put_ipv6(&f, TCP);
    put_upper(&f, 7, 8);
    assert_same(&plain6, &f);
    assert_int_equal(flow_of(&f).ip_at, 22);
    start(&f, 3 + 40);
    put(&f, llc, sizeof(llc));
    put_ipv4(&f, UDP, 0, 2);
    put_upper(&f, 7, 8);
    assert_same(&plain, &f);
    assert_int_equal(flow_of(&f).ip_at, 17);
}

/* A first piece may end anywhere. */
static void truncated_frames(void **state)
{
    struct frame v4 = ipv4(TCP, 7, 8);
    struct frame v6 = ipv6(TCP, 7, 8);

    for (size_t len = 14; len <= v4.len; len++) {
        struct lp_flow flow = flow_of_part(&v4, len);

        assert_int_equal(flow.ip_at, len >= 14 + 20 ? 14 : 0);
        assert_int_equal(flow.hash == flow_of(&v4).hash, len >= 14 + 20 + 4);
    }
    for (size_t len = 14; len <= v6.len; len++) {
        struct lp_flow flow = flow_of_part(&v6, len);

        assert_int_equal(flow.ip_at, len >= 14 + 40 ? 14 : 0);
        assert_int_equal(flow.hash == flow_of(&v6).hash, len >= 14 + 40 + 4);
    }
}

static void what_says_ip_and_is_not(void **state)
{
    struct frame f = ipv4(TCP, 7, 8);
    struct frame other;

    f.bytes[14] = 0x65;
    assert_int_equal(flow_of(&f).ip_at, 0);
    f = ipv6(TCP, 7, 8);
    f.bytes[14] = 0x40;
    assert_int_equal(flow_of(&f).ip_at, 0);
    f = ipv4(TCP, 7, 8); /* a header that ends behind the frame */
    f.bytes[14] = 0x4f;
    assert_int_equal(flow_of(&f).ip_at, 14);
    f.bytes[14] = 0x40; /* one that is shorter than it can be */
    other = f;
    other.bytes[14 + 1] = 3;
    assert_same(&f, &other);
}

static void the_key_decides(void **state)
{
    struct frame f = ipv4(UDP, 7, 8);
    const struct lp_sipkey other = {{0x1234, 0x5679}};
    struct lp_eth eth;

    assert_int_equal(lp_eth_parse(f.bytes, f.len, &eth), 0);
    assert_int_not_equal(lp_flow_of(&eth, &key).hash, lp_flow_of(&eth, &other).hash);
}

/* Ports that count up, as a hostile sender's may, do not gather in a few places. */
static void hashes_spread(void **state)
{
    unsigned count[256] = {0};

    for (unsigned port = 0; port < 25600; port++) {
        struct frame f = ipv4(UDP, port, 27015);

        count[flow_of(&f).hash % 256]++;
    }
    for (unsigned i = 0; i < 256; i++) /* five standard deviations about 100 */
        assert_true(count[i] > 50 && count[i] < 150);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tcp_or_udp_flow_is_its_five_tuple),
        cmocka_unit_test(protocols_and_versions_differ),
        cmocka_unit_test(other_protocols_go_by_addresses),
        cmocka_unit_test(ipv4_options_come_before_the_ports),
        cmocka_unit_test(ipv4_fragments_stay_together),
        cmocka_unit_test(ipv6_fragments_stay_together),
        cmocka_unit_test(ipv6_extensions_are_walked),
        cmocka_unit_test(the_rest_goes_by_mac_and_type),
        cmocka_unit_test(llc_goes_by_mac),
        cmocka_unit_test(llc_and_snap_ip_is_plain_ip),
        cmocka_unit_test(truncated_frames),
        cmocka_unit_test(what_says_ip_and_is_not),
        cmocka_unit_test(the_key_decides),
        cmocka_unit_test(hashes_spread),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
