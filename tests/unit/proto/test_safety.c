/*
 * One row per kind of frame: a list of layers and the classes expected. Every row is then
 * judged again in every link encapsulation and cut off at every length.
 */
#include "proto/safety.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/wire.h"

#define FIRST_PIECE_LEN 1148
#define LAYERS_MAX      14

/* The fields that link one layer to the next are filled in from the next layer. */
enum kind {
    END,
    TYPE, /* a: EtherType that nothing below knows */
    TAG,  /* a: tag protocol id, b: tag control information */
    SNAP, /* a: last octet of the OUI */
    LLC,  /* a: DSAP, b: control; the octets of the next layer follow */
    RAW,  /* a: octet, b: how many */
    IP4,  /* a: header words, b: fragment word */
    IP6,
    HBH, /* a: length field, of this and the next six */
    RT,
    DST,
    MOB,
    HIP,
    SHIM,
    AH,
    FRAG, /* a: offset in octets, b: more fragments */
    UDP,  /* a: destination port */
    TCP,
    ICMP4, /* a: type */
    ICMP6, /* a: type */
    UPPER, /* a: protocol, b: octets */
};

struct layer {
    enum kind kind;
    unsigned a;
    unsigned b;
};

struct row {
    const char *name;
    uint32_t expected;
    struct layer layer[LAYERS_MAX];
    unsigned cut;    /* octets cut off the end of the frame, no length field tells */
    unsigned hidden; /* octets at the end that the IP length leaves out: padding */
    const char *dst; /* NULL: an ordinary unicast address */
    const char *src;
};

struct frame {
    uint8_t bytes[4096];
    size_t len;
    size_t link_len_at; /* of an 802.3 length, 0: none */
    size_t ip_at;
};

static uint8_t *put(struct frame *f, size_t len)
{
    uint8_t *start = f->bytes + f->len;

    assert_true(f->len + len <= sizeof(f->bytes));
    memset(start, 0, len);
    f->len += len;
    return start;
}

static unsigned type_of(const struct layer *layer)
{
    switch (layer->kind) {
    case TYPE:
    case TAG:
        return layer->a;
    case IP4:
        return 0x0800;
    case IP6:
        return 0x86dd;
    default:
        return 0x0008; /* an 802.3 length */
    }
}

static uint8_t protocol_of(const struct layer *layer)
{
    static const uint8_t numbers[] = {
        [END] = 59,  [HBH] = 0,    [RT] = 43,    [DST] = 60,  [MOB] = 135,
        [HIP] = 139, [SHIM] = 140, [AH] = 51,    [FRAG] = 44, [UDP] = 17,
        [TCP] = 6,   [ICMP4] = 1,  [ICMP6] = 58,
    };

    return layer->kind == UPPER ? (uint8_t)layer->a : numbers[layer->kind];
}

static void put_link(struct frame *f, const struct layer *layer)
{
    uint8_t *p;

    switch (layer->kind) {
    case TAG:
        p = put(f, 4);
        lp_store_be16(p, (uint16_t)layer->b);
        lp_store_be16(p + 2, (uint16_t)type_of(layer + 1));
        break;
    case SNAP:
        p = put(f, 8);
        memcpy(p, (const uint8_t[]){0xaa, 0xaa, 0x03, 0, 0, (uint8_t)layer->a}, 6);
        lp_store_be16(p + 6, (uint16_t)type_of(layer + 1));
        break;
    case LLC:
        p = put(f, 3);
        p[0] = p[1] = (uint8_t)layer->a;
        p[2] = (uint8_t)layer->b;
        break;
    case RAW:
        memset(put(f, layer->b), (int)layer->a, layer->b);
        break;
    default:
        break;
    }
}

static void put_ip(struct frame *f, const struct layer *layer)
{
    uint8_t *p;

    f->ip_at = f->len;
    if (layer->kind == IP6) {
        p = put(f, 40);
        p[0] = 0x60;
        p[6] = protocol_of(layer + 1);
        p[7] = 255;
        return;
    }
    p = put(f, (size_t)layer->a * 4);
    memset(p + 20, 1, layer->a * 4 - 20); /* options: no operation */
    p[0] = (uint8_t)(0x40 | layer->a);
    lp_store_be16(p + 6, (uint16_t)layer->b);
    p[8] = 64;
    p[9] = protocol_of(layer + 1);
}

static void put_extension(struct frame *f, const struct layer *layer)
{
    uint8_t *p;

    if (layer->kind == FRAG) {
        p = put(f, 8);
        lp_store_be16(p + 2, (uint16_t)(layer->a | layer->b));
    } else {
        p = put(f, layer->kind == AH ? (layer->a + 2) * 4 : (layer->a + 1) * 8);
        p[1] = (uint8_t)layer->a;
    }
    p[0] = protocol_of(layer + 1);
}

static void put_upper(struct frame *f, const struct layer *layer)
{
    uint8_t *p;

    switch (layer->kind) {
    case UDP:
        p = put(f, 20);
        lp_store_be16(p,
                      67); /* the source port must not matter; some rows look at another one */
        lp_store_be16(p + 2, (uint16_t)layer->a);
        lp_store_be16(p + 4, 20);
        break;
    case TCP:
        p = put(f, 32);
        lp_store_be16(p + 2, 68); /* a port of DHCP, but not of UDP */
        p[12] = 0x50;
        break;
    case ICMP4:
    case ICMP6:
        p = put(f, 16);
        p[0] = (uint8_t)layer->a;
        break;
    case UPPER:
        memset(put(f, layer->b), 0x44, layer->b); /* port 0x4444 */
        break;
    default:
        break;
    }
}

static void put_mac(struct frame *f, const char *text, const char *otherwise)
{
    struct lp_mac mac;

    assert_int_equal(lp_mac_parse(text != NULL ? text : otherwise, &mac), 0);
    memcpy(put(f, 6), mac.octet, 6);
}

static void finish_lengths(struct frame *f, const struct row *row)
{
    uint8_t *ip = f->bytes + f->ip_at;
    size_t packet_len = f->len - f->ip_at - row->hidden;

    if (f->link_len_at != 0 && f->len - f->link_len_at - 2 < 0x0600)
        lp_store_be16(f->bytes + f->link_len_at, (uint16_t)(f->len - f->link_len_at - 2));
    if (f->ip_at != 0 && ip[0] >> 4 == 4)
        lp_store_be16(ip + 2, (uint16_t)packet_len);
    if (f->ip_at != 0 && ip[0] >> 4 == 6)
        lp_store_be16(ip + 4, (uint16_t)(packet_len - 40));
    f->len -= row->cut;
}

/* `around` is a link encapsulation to put before the row's own layers. */
static void build(struct frame *f, const struct row *row, const struct layer *around)
{
    struct layer all[2 * LAYERS_MAX] = {{END, 0, 0}};
    size_t n = 0;

    for (; around != NULL && around->kind != END; around++)
        all[n++] = *around;
    for (size_t i = 0; i < LAYERS_MAX && row->layer[i].kind != END; i++)
        all[n++] = row->layer[i];
    memset(f, 0, sizeof(*f));
    put_mac(f, row->dst, "02:00:00:00:00:02");
    put_mac(f, row->src, "02:00:00:00:00:01");
    lp_store_be16(put(f, 2), (uint16_t)type_of(all));
    if (type_of(all) < 0x0600)
        f->link_len_at = 12;
    for (size_t i = 0; i < n; i++) {
        put_link(f, &all[i]);
        if (all[i].kind == IP4 || all[i].kind == IP6)
            put_ip(f, &all[i]);
        if (all[i].kind >= HBH && all[i].kind <= FRAG)
            put_extension(f, &all[i]);
        put_upper(f, &all[i]);
    }
    finish_lengths(f, row);
}

/* Judges `present` octets of a frame, from a heap block of exactly that size. */
static uint32_t judge(const uint8_t *bytes, size_t present, size_t frame_len)
{
    uint8_t *copy = malloc(present);
    struct lp_eth eth;
    uint32_t classes;

    assert_non_null(copy);
    memcpy(copy, bytes, present);
    assert_int_equal(lp_eth_parse(copy, present, &eth), 0);
    classes = lp_safety_classify(&eth, frame_len);
    free(copy);
    return classes;
}

#define ROW(text, classes, ...) .name = (text), .expected = (classes), .layer = {__VA_ARGS__}
#define C(name)                 LP_CLASS_##name
#define MF                      0x2000
#define DF                      0x4000

static const struct row rows[] = {
    /* link types and addresses */
    {ROW("ARP", 0, {TYPE, 0x0806, 0}, {RAW, 0, 28})},
    {ROW("our CAM refresh", 0, {TYPE, 0x88b5, 0}, {RAW, 0, 46})},
    {ROW("IPX in Ethernet II", 0, {TYPE, 0x8137, 0}, {RAW, 0xff, 30})},
    {ROW("unknown type", 0, {TYPE, 0x0600, 0}, {RAW, 1, 46})},
    {ROW("EAPOL", C(EAPOL), {TYPE, 0x888e, 0}, {RAW, 1, 46})},
    {ROW("LLDP", C(LLDP), {TYPE, 0x88cc, 0}, {RAW, 1, 46})},
    {ROW("slow protocols", C(SLOW), {TYPE, 0x8809, 0}, {RAW, 1, 46})},
    {ROW("PAUSE", C(PAUSE), {TYPE, 0x8808, 0}, {RAW, 1, 46})},
    {ROW("STP address", C(LINK_LOCAL), {LLC, 0x42, 3}, {RAW, 0, 35}),
     .dst = "01:80:c2:00:00:00"},
    {ROW("last reserved address", C(LINK_LOCAL), {TYPE, 0x9000, 0}, {RAW, 0, 46}),
     .dst = "01:80:c2:00:00:0f"},
    {ROW("beyond the reserved addresses", 0, {TYPE, 0x9000, 0}, {RAW, 0, 46}),
     .dst = "01:80:c2:00:00:10"},
    {ROW("LLDP to its address", C(LLDP) | C(LINK_LOCAL), {TYPE, 0x88cc, 0}, {RAW, 0, 46}),
     .dst = "01:80:c2:00:00:0e"},
    {ROW("Cisco CDP", C(LINK_LOCAL), {LLC, 0xaa, 3}, {RAW, 0x0c, 40}),
     .dst = "01:00:0c:cc:cc:cc"},
    {ROW("Cisco PVST", C(LINK_LOCAL), {LLC, 0xaa, 3}, {RAW, 0x0c, 40}),
     .dst = "01:00:0c:cc:cc:cd"},
    {ROW("beside Cisco's", 0, {LLC, 0xaa, 3}, {RAW, 0x0c, 40}), .dst = "01:00:0c:cc:cc:ce"},
    {ROW("group source", C(BAD_SOURCE), {TYPE, 0x0806, 0}, {RAW, 0, 28}),
     .src = "01:00:5e:00:00:01"},
    {ROW("broadcast source", C(BAD_SOURCE), {TYPE, 0x0806, 0}, {RAW, 0, 28}),
     .src = "ff:ff:ff:ff:ff:ff"},
    {ROW("zero source", C(BAD_SOURCE), {TYPE, 0x0806, 0}, {RAW, 0, 28}),
     .src = "00:00:00:00:00:00"},
    {ROW("broadcast destination", 0, {TYPE, 0x0806, 0}, {RAW, 0, 28}),
     .dst = "ff:ff:ff:ff:ff:ff"},

    /* tags */
    {ROW("VLAN 5", C(VLAN), {TAG, 0x8100, 5}, {TYPE, 0x0806, 0}, {RAW, 0, 28})},
    {ROW("priority tag", C(VLAN), {TAG, 0x8100, 0xe000}, {IP4, 5, 0}, {UDP, 80, 0})},
    {ROW("802.1ad", C(VLAN), {TAG, 0x88a8, 5}, {IP4, 5, 0}, {UDP, 80, 0})},
    {ROW("tag 9100", C(VLAN), {TAG, 0x9100, 5}, {IP4, 5, 0}, {UDP, 80, 0})},
    {ROW("tag 9200", C(VLAN), {TAG, 0x9200, 5}, {IP4, 5, 0}, {UDP, 80, 0})},
    {ROW("EAPOL, VLAN 0", C(VLAN) | C(EAPOL), {TAG, 0x8100, 0}, {TYPE, 0x888e, 0},
         {RAW, 0, 46})},
    {ROW("LLDP, two tags", C(VLAN) | C(LLDP), {TAG, 0x88a8, 1}, {TAG, 0x8100, 0},
         {TYPE, 0x88cc, 0}, {RAW, 0, 46})},
    {ROW("PAUSE, tag, SNAP", C(VLAN) | C(PAUSE), {TAG, 0x8100, 0}, {SNAP, 0, 0},
         {TYPE, 0x8808, 0}, {RAW, 0, 46})},
    {ROW("tag of two octets", C(VLAN), {TYPE, 0x8100, 0}, {RAW, 0, 2})},

    /* LLC */
    {ROW("raw 802.3 IPX", 0, {LLC, 0xff, 0}, {RAW, 0, 30})},
    {ROW("802.2 IPX", 0, {LLC, 0xe0, 3}, {RAW, 0xff, 30})},
    {ROW("NetBEUI", 0, {LLC, 0xf0, 3}, {RAW, 0x2c, 30})},
    {ROW("AppleTalk SNAP", 0, {LLC, 0xaa, 3}, {RAW, 8, 30})},
    {ROW("SNAP XID", C(OPAQUE), {LLC, 0xaa, 0xaf}, {RAW, 0, 30})},
    {ROW("SNAP cut after its OUI", C(OPAQUE), {LLC, 0xaa, 3}, {RAW, 0, 3})},
    {ROW("SNAP in SNAP", C(OPAQUE), {SNAP, 0, 0}, {SNAP, 0, 0}, {IP4, 5, 0}, {UDP, 68, 0})},
    {ROW("EAPOL in SNAP", C(EAPOL), {SNAP, 0, 0}, {TYPE, 0x888e, 0}, {RAW, 0, 46})},
    {ROW("slow in SNAP F8", C(SLOW), {SNAP, 0xf8, 0}, {TYPE, 0x8809, 0}, {RAW, 0, 46})},
    {ROW("tag in SNAP, LLDP", C(VLAN) | C(LLDP), {SNAP, 0, 0}, {TAG, 0x8100, 0},
         {TYPE, 0x88cc, 0}, {RAW, 0, 46})},
    {ROW("ARP in SNAP", 0, {SNAP, 0, 0}, {TYPE, 0x0806, 0}, {RAW, 0, 28})},
    {ROW("IP over LLC, DHCP reply", C(DHCP4_SERVER), {LLC, 0x06, 3}, {IP4, 5, 0},
         {UDP, 68, 0})},
    {ROW("IP over LLC, game", 0, {LLC, 0x06, 3}, {IP4, 5, 0}, {UDP, 27015, 0})},
    {ROW("IP over LLC, not UI", C(OPAQUE), {LLC, 0x06, 0}, {IP4, 5, 0}, {UDP, 27015, 0})},

    /* IPv4 */
    {ROW("DHCP reply", C(DHCP4_SERVER), {IP4, 5, 0}, {UDP, 68, 0})},
    {ROW("DHCP reply, DF", C(DHCP4_SERVER), {IP4, 5, DF}, {UDP, 68, 0})},
    {ROW("DHCP reply, one option word", C(DHCP4_SERVER), {IP4, 6, 0}, {UDP, 68, 0})},
    {ROW("DHCP reply, all options", C(DHCP4_SERVER), {IP4, 15, 0}, {UDP, 68, 0})},
    {ROW("DHCP reply, first fragment", C(DHCP4_SERVER), {IP4, 5, MF}, {UDP, 68, 0})},
    {ROW("DHCP request", 0, {IP4, 5, 0}, {UDP, 67, 0})},
    {ROW("UDP beside port 68", 0, {IP4, 5, 0}, {UDP, 69, 0})},
    {ROW("UDP port 68 * 256", 0, {IP4, 5, 0}, {UDP, 68 * 256, 0})},
    {ROW("UDP 546 in IPv4", 0, {IP4, 5, 0}, {UDP, 546, 0})},
    {ROW("TCP port 68", 0, {IP4, 5, DF}, {TCP, 0, 0})},
    {ROW("ping", 0, {IP4, 5, 0}, {ICMP4, 8, 0})},
    {ROW("ICMP type 134 in IPv4", 0, {IP4, 5, 0}, {ICMP4, 134, 0})},
    {ROW("6in4", 0, {IP4, 5, 0}, {UPPER, 41, 60})},
    {ROW("unknown protocol, IPv4", 0, {IP4, 5, 0}, {UPPER, 253, 1})},
    {ROW("unknown protocol, first fragment", 0, {IP4, 5, MF}, {UPPER, 253, 8})},
    {ROW("game, first fragment", 0, {IP4, 5, MF}, {UDP, 27015, 0})},
    {ROW("later fragment", 0, {IP4, 5, MF | 185}, {UDP, 68, 0})},
    {ROW("last fragment", 0, {IP4, 5, 185}, {UDP, 68, 0})},
    {ROW("first fragment, 7 octets of UDP", C(SHORT_FRAGMENT), {IP4, 5, MF}, {UPPER, 17, 7})},
    {ROW("first fragment, 8 octets of UDP", 0, {IP4, 5, MF}, {UPPER, 17, 8})},
    {ROW("first fragment, padding as UDP", C(SHORT_FRAGMENT), {IP4, 5, MF}, {UDP, 80, 0}),
     .hidden = 16},
    {ROW("first fragment, 16 octets of TCP", C(SHORT_FRAGMENT), {IP4, 5, MF}, {UPPER, 6, 16})},
    {ROW("first fragment, 20 octets of TCP", 0, {IP4, 5, MF}, {UPPER, 6, 20})},
    {ROW("first fragment, nothing of ICMP", C(SHORT_FRAGMENT), {IP4, 5, MF}, {UPPER, 1, 0})},
    {ROW("first fragment, 8 octets of ICMP", 0, {IP4, 5, MF}, {UPPER, 1, 8})},
    {ROW("UDP cut", C(OPAQUE), {IP4, 5, 0}, {UPPER, 17, 7})},
    {ROW("UDP in padding", C(OPAQUE), {IP4, 5, 0}, {UDP, 68, 0}), .hidden = 20},
    {ROW("IPv4 length below its header", C(OPAQUE), {IP4, 5, 0}, {UDP, 80, 0}), .hidden = 21},
    {ROW("IPv4 length 0", C(OPAQUE), {IP4, 5, 0}, {UDP, 68, 0}), .hidden = 40},
    {ROW("IPv4 longer than its frame", C(DHCP4_SERVER), {IP4, 5, 0}, {UDP, 68, 0}), .cut = 12},
    {ROW("IPv4 options cut", C(OPAQUE), {IP4, 15, 0}, {UDP, 80, 0}), .cut = 21},
    {ROW("IPv4 header of 16", C(OPAQUE), {TYPE, 0x0800, 0}, {RAW, 0x44, 60})},
    {ROW("IPv6 under IPv4's type", C(OPAQUE), {TYPE, 0x0800, 0}, {RAW, 0x60, 60})},

    /* IPv6 */
    {ROW("RA", C(RA), {IP6, 0, 0}, {ICMP6, 134, 0})},
    {ROW("redirect", C(REDIRECT), {IP6, 0, 0}, {ICMP6, 137, 0})},
    {ROW("RS", 0, {IP6, 0, 0}, {ICMP6, 133, 0})},
    {ROW("NS", 0, {IP6, 0, 0}, {ICMP6, 135, 0})},
    {ROW("NA", 0, {IP6, 0, 0}, {ICMP6, 136, 0})},
    {ROW("ping6", 0, {IP6, 0, 0}, {ICMP6, 128, 0})},
    {ROW("MLD report", 0, {IP6, 0, 0}, {HBH, 0, 0}, {ICMP6, 143, 0})},
    {ROW("DHCPv6 reply", C(DHCP6_SERVER), {IP6, 0, 0}, {UDP, 546, 0})},
    {ROW("DHCPv6 request", 0, {IP6, 0, 0}, {UDP, 547, 0})},
    {ROW("UDP 68 in IPv6", 0, {IP6, 0, 0}, {UDP, 68, 0})},
    {ROW("TCP in IPv6", 0, {IP6, 0, 0}, {TCP, 0, 0})},
    {ROW("ESP", 0, {IP6, 0, 0}, {UPPER, 50, 30})},
    {ROW("no next header", 0, {IP6, 0, 0}, {UPPER, 59, 8})},
    {ROW("no next header, nothing", 0, {IP6, 0, 0})},
    {ROW("unknown protocol, IPv6", 0, {IP6, 0, 0}, {UPPER, 253, 1})},
    {ROW("RA, hop-by-hop", C(RA), {IP6, 0, 0}, {HBH, 0, 0}, {ICMP6, 134, 0})},
    {ROW("RA, long hop-by-hop", C(RA), {IP6, 0, 0}, {HBH, 3, 0}, {ICMP6, 134, 0})},
    {ROW("RA, routing", C(RA), {IP6, 0, 0}, {RT, 2, 0}, {ICMP6, 134, 0})},
    {ROW("RA, destination", C(RA), {IP6, 0, 0}, {DST, 0, 0}, {ICMP6, 134, 0})},
    {ROW("RA, AH", C(RA), {IP6, 0, 0}, {AH, 4, 0}, {ICMP6, 134, 0})},
    {ROW("RA, odd AH", C(RA), {IP6, 0, 0}, {AH, 1, 0}, {ICMP6, 134, 0})},
    {ROW("RA, mobility", C(RA), {IP6, 0, 0}, {MOB, 0, 0}, {ICMP6, 134, 0})},
    {ROW("RA, HIP", C(RA), {IP6, 0, 0}, {HIP, 1, 0}, {ICMP6, 134, 0})},
    {ROW("RA, shim6", C(RA), {IP6, 0, 0}, {SHIM, 0, 0}, {ICMP6, 134, 0})},
    {ROW("redirect, four headers", C(REDIRECT), {IP6, 0, 0}, {HBH, 0, 0}, {DST, 1, 0},
         {RT, 0, 0}, {AH, 2, 0}, {ICMP6, 137, 0})},
    {ROW("DHCPv6 reply, destination", C(DHCP6_SERVER), {IP6, 0, 0}, {DST, 0, 0},
         {UDP, 546, 0})},
    {ROW("DHCPv6 reply, routing and AH", C(DHCP6_SERVER), {IP6, 0, 0}, {RT, 0, 0}, {AH, 2, 0},
         {UDP, 546, 0})},
    {ROW("game, destination", 0, {IP6, 0, 0}, {DST, 0, 0}, {UDP, 27015, 0})},
    {ROW("RA, eight headers", C(RA), {IP6, 0, 0}, {DST, 0, 0}, {DST, 0, 0}, {DST, 0, 0},
         {DST, 0, 0}, {DST, 0, 0}, {DST, 0, 0}, {DST, 0, 0}, {DST, 0, 0}, {ICMP6, 134, 0})},
    {ROW("game, nine headers", C(OPAQUE), {IP6, 0, 0}, {DST, 0, 0}, {DST, 0, 0}, {DST, 0, 0},
         {DST, 0, 0}, {DST, 0, 0}, {DST, 0, 0}, {DST, 0, 0}, {DST, 0, 0}, {DST, 0, 0},
         {UDP, 27015, 0})},
    {ROW("RA, 1208 octets of options", C(RA), {IP6, 0, 0}, {DST, 150, 0}, {ICMP6, 134, 0})},
    {ROW("ping6, 1208 octets of options", 0, {IP6, 0, 0}, {DST, 150, 0}, {ICMP6, 128, 0})},
    {ROW("IPv4 under IPv6's type", C(OPAQUE), {TYPE, 0x86dd, 0}, {RAW, 0x45, 60})},
    {ROW("IPv6 header cut", C(OPAQUE), {IP6, 0, 0}, {ICMP6, 128, 0}), .cut = 17},
    {ROW("extension header cut", C(OPAQUE), {IP6, 0, 0}, {DST, 3, 0}, {UDP, 80, 0}), .cut = 21},
    {ROW("extension header beyond the packet", C(OPAQUE), {IP6, 0, 0}, {DST, 3, 0},
         {UDP, 80, 0}),
     .hidden = 21},
    {ROW("UDP in padding, IPv6", C(OPAQUE), {IP6, 0, 0}, {DST, 0, 0}, {UDP, 80, 0}),
     .hidden = 13},
    {ROW("ICMPv6 in padding", C(OPAQUE), {IP6, 0, 0}, {DST, 0, 0}, {ICMP6, 134, 0}),
     .hidden = 13},
    {ROW("jumbogram or empty, RA", C(OPAQUE), {IP6, 0, 0}, {HBH, 0, 0}, {ICMP6, 134, 0}),
     .hidden = 24},
    {ROW("payload length 0, UDP", C(OPAQUE), {IP6, 0, 0}, {UDP, 80, 0}), .hidden = 20},
    {ROW("IPv6 longer than its frame", C(RA), {IP6, 0, 0}, {ICMP6, 134, 0}), .cut = 12},

    /* IPv6 fragments */
    {ROW("RA, first fragment", C(RA) | C(FRAGMENTED_ND), {IP6, 0, 0}, {FRAG, 0, 1},
         {ICMP6, 134, 0})},
    {ROW("RA, atomic fragment", C(RA) | C(FRAGMENTED_ND), {IP6, 0, 0}, {FRAG, 0, 0},
         {ICMP6, 134, 0})},
    {ROW("redirect, atomic fragment", C(REDIRECT) | C(FRAGMENTED_ND), {IP6, 0, 0}, {FRAG, 0, 0},
         {ICMP6, 137, 0})},
    {ROW("RS, atomic fragment", C(FRAGMENTED_ND), {IP6, 0, 0}, {FRAG, 0, 0}, {ICMP6, 133, 0})},
    {ROW("NS, first fragment", C(FRAGMENTED_ND), {IP6, 0, 0}, {FRAG, 0, 1}, {ICMP6, 135, 0})},
    {ROW("NA behind two fragment headers", C(FRAGMENTED_ND), {IP6, 0, 0}, {FRAG, 0, 0},
         {FRAG, 0, 1}, {ICMP6, 136, 0})},
    {ROW("NS, fragment and destination", C(FRAGMENTED_ND), {IP6, 0, 0}, {HBH, 0, 0},
         {FRAG, 0, 1}, {DST, 0, 0}, {ICMP6, 135, 0})},
    {ROW("ping6, first fragment", 0, {IP6, 0, 0}, {FRAG, 0, 1}, {ICMP6, 128, 0})},
    {ROW("ICMPv6 132, fragment", 0, {IP6, 0, 0}, {FRAG, 0, 1}, {ICMP6, 132, 0})},
    {ROW("ICMPv6 138, fragment", 0, {IP6, 0, 0}, {FRAG, 0, 1}, {ICMP6, 138, 0})},
    {ROW("DHCPv6 reply, first fragment", C(DHCP6_SERVER), {IP6, 0, 0}, {FRAG, 0, 1},
         {UDP, 546, 0})},
    {ROW("game, first fragment, IPv6", 0, {IP6, 0, 0}, {FRAG, 0, 1}, {UDP, 27015, 0})},
    {ROW("later fragment, IPv6", 0, {IP6, 0, 0}, {FRAG, 1448, 1}, {UDP, 546, 0})},
    {ROW("last fragment of ICMPv6", 0, {IP6, 0, 0}, {FRAG, 8, 0}, {ICMP6, 134, 0})},
    {ROW("later fragment behind destination", 0, {IP6, 0, 0}, {DST, 0, 0}, {FRAG, 1448, 1},
         {UPPER, 17, 3})},
    {ROW("first fragment ends in UDP", C(SHORT_FRAGMENT), {IP6, 0, 0}, {FRAG, 0, 1},
         {UPPER, 17, 7})},
    {ROW("first fragment ends in TCP", C(SHORT_FRAGMENT), {IP6, 0, 0}, {FRAG, 0, 1},
         {UPPER, 6, 16})},
    {ROW("first fragment ends in ICMPv6", C(SHORT_FRAGMENT), {IP6, 0, 0}, {FRAG, 0, 1},
         {UPPER, 58, 3})},
    {ROW("first fragment ends before upper", C(SHORT_FRAGMENT), {IP6, 0, 0}, {FRAG, 0, 1},
         {DST, 0, 0}, {UPPER, 58, 0})},
    {ROW("first fragment ends in options", C(SHORT_FRAGMENT), {IP6, 0, 0}, {FRAG, 0, 1},
         {DST, 4, 0}, {ICMP6, 134, 0}),
     .cut = 24},
    {ROW("first fragment, padding as UDP, IPv6", C(SHORT_FRAGMENT), {IP6, 0, 0}, {FRAG, 0, 1},
         {UDP, 80, 0}),
     .hidden = 16},
    {ROW("fragment header cut", C(OPAQUE), {IP6, 0, 0}, {FRAG, 0, 1}, {UDP, 80, 0}), .cut = 21},
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static void assert_classes(const char *name, const char *how, size_t len, uint32_t got,
                           uint32_t expected)
{
    if (got != expected)
        fail_msg("%s, %s, %zu octets: got 0x%x, expected 0x%x", name, how, len, (unsigned)got,
                 (unsigned)expected);
}

static void each_row(void **state)
{
    struct frame f;

    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        build(&f, &rows[i], NULL);
        assert_classes(rows[i].name, "plain", f.len, judge(f.bytes, f.len, f.len),
                       rows[i].expected);
    }
}

/* SNAP changes nothing; a tag makes all of IP one class, at every depth. */
static void each_ip_row_encapsulated(void **state)
{
    static const struct {
        const char *name;
        struct layer layer[4];
        bool tagged;
    } around[] = {
        {"SNAP", {{SNAP, 0, 0}}, false},
        {"SNAP F8", {{SNAP, 0xf8, 0}}, false},
        {"VLAN 0", {{TAG, 0x8100, 0}}, true},
        {"QinQ", {{TAG, 0x88a8, 7}, {TAG, 0x8100, 9}}, true},
        {"three tags", {{TAG, 0x8100, 7}, {TAG, 0x8100, 9}, {TAG, 0x9100, 1}}, true},
        {"tag in SNAP", {{SNAP, 0, 0}, {TAG, 0x8100, 0}}, true},
        {"SNAP in tag", {{TAG, 0x8100, 0}, {SNAP, 0, 0}}, true},
    };
    struct frame f;

    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        if (rows[i].layer[0].kind != IP4 && rows[i].layer[0].kind != IP6)
            continue;
        for (size_t j = 0; j < sizeof(around) / sizeof(around[0]); j++) {
            build(&f, &rows[i], around[j].layer);
            assert_classes(rows[i].name, around[j].name, f.len, judge(f.bytes, f.len, f.len),
                           around[j].tagged ? LP_CLASS_VLAN : rows[i].expected);
        }
    }
}

/*
 * Whatever part of a frame is there, as a first piece or as all of it: a filtered frame stays
 * filtered, and an innocent one is at most called short or opaque.
 */
static void each_row_cut_anywhere(void **state)
{
    static const struct layer plain[] = {{END, 0, 0}};
    static const struct layer snap[] = {{SNAP, 0, 0}, {END, 0, 0}};
    static const struct layer *const around[] = {plain, snap};
    struct frame f;

    (void)state;
    for (size_t i = 0; i < 2 * ROWS; i++) {
        const struct row *row = &rows[i / 2];

        if (i % 2 == 1 && row->layer[0].kind != IP4 && row->layer[0].kind != IP6)
            continue;
        build(&f, row, around[i % 2]);
        for (size_t len = LP_ETH_HEADER_LEN; len < f.len; len++) {
            uint32_t piece = judge(f.bytes, len, f.len);
            uint32_t whole = judge(f.bytes, len, len);
            uint32_t cannot_tell = LP_CLASS_OPAQUE | LP_CLASS_SHORT_FRAGMENT;

            if (row->expected != 0 && ((piece & LP_CLASS_REMOTE) == 0 || whole == 0))
                fail_msg("%s passes when cut to %zu octets", row->name, len);
            assert_classes(row->name, "piece", len, piece & ~cannot_tell & ~row->expected, 0);
            assert_classes(row->name, "cut", len, whole & ~cannot_tell & ~row->expected, 0);
        }
    }
}

/* What the relay sees of a long frame: the first 1148 octets. */
static void first_pieces(void **state)
{
    static const struct {
        const char *name;
        struct layer layer[6];
        uint32_t expected;
    } pieces[] = {
        {"RA behind the cut", {{IP6, 0, 0}, {DST, 150, 0}, {ICMP6, 134, 0}}, C(OPAQUE)},
        {"ping6 behind the cut", {{IP6, 0, 0}, {DST, 150, 0}, {ICMP6, 128, 0}}, C(OPAQUE)},
        {"fragment, headers behind the cut",
         {{IP6, 0, 0}, {FRAG, 0, 1}, {DST, 150, 0}, {ICMP6, 128, 0}},
         C(OPAQUE)},
        {"UDP header on the cut", {{IP6, 0, 0}, {DST, 135, 0}, {UPPER, 17, 100}}, C(OPAQUE)},
        {"UDP header before the cut", {{IP6, 0, 0}, {DST, 134, 0}, {UPPER, 17, 100}}, 0},
        {"full TCP segment", {{IP4, 5, DF}, {UPPER, 6, 1480}}, 0},
        {"full UDP datagram", {{IP4, 5, 0}, {UPPER, 17, 1480}}, 0},
        {"long DHCP reply", {{IP4, 5, 0}, {UDP, 68, 0}, {RAW, 0, 1400}}, C(DHCP4_SERVER)},
        {"full later fragment", {{IP6, 0, 0}, {FRAG, 1448, 1}, {UPPER, 17, 1400}}, 0},
        {"full first fragment", {{IP6, 0, 0}, {FRAG, 0, 1}, {UPPER, 17, 1400}}, 0},
        {"long tagged", {{TAG, 0x8100, 0}, {IP4, 5, 0}, {UPPER, 17, 1400}}, C(VLAN)},
    };
    struct frame f;

    (void)state;
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        struct row row = {.name = pieces[i].name};

        memcpy(row.layer, pieces[i].layer, sizeof(pieces[i].layer));
        build(&f, &row, NULL);
        assert_in_range(f.len, FIRST_PIECE_LEN + 1, LP_ETH_FRAME_MAX);
        assert_classes(row.name, "first piece", f.len, judge(f.bytes, FIRST_PIECE_LEN, f.len),
                       pieces[i].expected);
    }
}

/* The IP length decides, also in a first piece whose rest is padding. */
static void padded_first_piece(void **state)
{
    struct row row = {ROW("padded", 0, {IP4, 5, MF}, {UPPER, 17, 7}, {RAW, 0, 1300}),
                      .hidden = 1300};
    struct frame f;

    (void)state;
    build(&f, &row, NULL);
    assert_int_equal(judge(f.bytes, FIRST_PIECE_LEN, f.len), LP_CLASS_SHORT_FRAGMENT);
}

static void source_port_does_not_matter(void **state)
{
    static const struct row dhcp4 = {ROW("", 0, {IP4, 5, 0}, {UDP, 68, 0})};
    static const struct row dhcp6 = {ROW("", 0, {IP6, 0, 0}, {UDP, 546, 0})};
    struct frame f;

    (void)state;
    for (unsigned port = 0; port <= 0xffff; port += 51) {
        build(&f, &dhcp4, NULL);
        lp_store_be16(f.bytes + 34, (uint16_t)port);
        assert_int_equal(judge(f.bytes, f.len, f.len), LP_CLASS_DHCP4_SERVER);
        build(&f, &dhcp6, NULL);
        lp_store_be16(f.bytes + 54, (uint16_t)port);
        assert_int_equal(judge(f.bytes, f.len, f.len), LP_CLASS_DHCP6_SERVER);
    }
}

static void every_port_and_icmpv6_type(void **state)
{
    static const struct row udp4 = {ROW("", 0, {IP4, 5, 0}, {UDP, 1, 0})};
    static const struct row udp6 = {ROW("", 0, {IP6, 0, 0}, {UDP, 1, 0})};
    struct frame f;

    (void)state;
    for (unsigned port = 0; port <= 0xffff; port++) {
        build(&f, &udp4, NULL);
        lp_store_be16(f.bytes + 36, (uint16_t)port);
        assert_int_equal(judge(f.bytes, f.len, f.len), port == 68 ? LP_CLASS_DHCP4_SERVER : 0);
        build(&f, &udp6, NULL);
        lp_store_be16(f.bytes + 56, (uint16_t)port);
        assert_int_equal(judge(f.bytes, f.len, f.len), port == 546 ? LP_CLASS_DHCP6_SERVER : 0);
    }
    for (unsigned type = 0; type <= 0xff; type++) {
        struct row row = {ROW("", 0, {IP6, 0, 0}, {FRAG, 0, 0}, {ICMP6, type, 0})};
        uint32_t nd = type >= 133 && type <= 137 ? LP_CLASS_FRAGMENTED_ND : 0;
        uint32_t kind = type == 134 ? LP_CLASS_RA : type == 137 ? LP_CLASS_REDIRECT : 0;

        build(&f, &row, NULL);
        assert_int_equal(judge(f.bytes, f.len, f.len), kind | nd);
    }
}

static void oversize(void **state)
{
    static const struct row row = {ROW("", 0, {IP4, 5, 0}, {UPPER, 17, 1480})};
    struct frame f;

    (void)state;
    build(&f, &row, NULL);
    assert_int_equal(f.len, 1514);
    assert_int_equal(judge(f.bytes, f.len, 1514), 0);
    assert_int_equal(judge(f.bytes, f.len, 1515), LP_CLASS_OVERSIZE);
    assert_int_equal(judge(f.bytes, FIRST_PIECE_LEN, SIZE_MAX), LP_CLASS_OVERSIZE);
    assert_int_equal(judge(f.bytes, f.len, 0), 0);
}

static void masks_hold_every_class(void **state)
{
    (void)state;
    assert_int_equal(LP_CLASS_REMOTE, 0x7fff);
    assert_int_equal(LP_CLASS_BOTH_DIRECTIONS, 0x007f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row),
        cmocka_unit_test(each_ip_row_encapsulated),
        cmocka_unit_test(each_row_cut_anywhere),
        cmocka_unit_test(first_pieces),
        cmocka_unit_test(padded_first_piece),
        cmocka_unit_test(source_port_does_not_matter),
        cmocka_unit_test(every_port_and_icmpv6_type),
        cmocka_unit_test(oversize),
        cmocka_unit_test(masks_hold_every_class),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
