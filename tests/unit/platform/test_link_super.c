/* Super-frames that are written: what the kernel makes of them. */
#include "bed.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define SEGMENTS 20u
#define SEGMENT  1200u
#define MAC_HOST "02:11:22:33:44:55"
#define IPV4_AT  14u
#define UPPER_AT 34u

struct port {
    struct lp_link *link;
    uint8_t bytes[66000];
    struct lp_superframe frame;
    size_t payload; /* octets of TCP payload that have arrived */
};

static void store_be16(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static unsigned sum_of(const uint8_t *bytes, size_t len, unsigned sum)
{
    for (size_t i = 0; i < len; i += 2)
        sum += (unsigned)bytes[i] << 8 | bytes[i + 1];
    while (sum > 0xffff)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

/* 10.9.0.2 to 10.9.0.1, SEGMENTS * SEGMENT octets, each segment filled with its number. */
static void make_super(enum lp_gso gso, uint8_t *bytes, struct lp_superframe *ret_super)
{
    bool udp = gso == LP_GSO_UDP_L4;
    unsigned header_len = udp ? 8 : 20, upper_len = header_len + SEGMENTS * SEGMENT;
    struct lp_mac host = bed_mac(MAC_HOST), from = bed_mac("02:00:00:00:00:02");
    uint8_t *ip = bytes + IPV4_AT, *upper = bytes + UPPER_AT;
    unsigned pseudo;

    memset(bytes, 0, UPPER_AT + header_len);
    memcpy(bytes, host.octet, 6);
    memcpy(bytes + 6, from.octet, 6);
    store_be16(bytes + 12, 0x0800);
    memcpy(ip, (const uint8_t[]){0x45, 0, 0, 0, 0, 0, 0x40, 0, 64}, 9);
    ip[9] = udp ? 17 : 6;
    memcpy(ip + 12, (const uint8_t[]){10, 9, 0, 2, 10, 9, 0, 1}, 8);
    store_be16(ip + 2, 20 + upper_len);
    store_be16(ip + 10, ~sum_of(ip, 20, 0));
    store_be16(upper, 7000);
    store_be16(upper + 2, 7001);
    pseudo = sum_of(ip + 12, 8, ip[9] + upper_len);
    if (udp) {
        store_be16(upper + 4, upper_len);
        store_be16(upper + 6, pseudo);
    } else {
        upper[12] = 0x50;
        upper[13] = 0x10;
        store_be16(upper + 16, pseudo);
    }
    for (unsigned i = 0; i < SEGMENTS; i++)
        memset(upper + header_len + i * SEGMENT, (int)i, SEGMENT);
    *ret_super = (struct lp_superframe){
        .bytes = bytes,
        .len = UPPER_AT + upper_len,
        .gso = gso,
        .gso_size = SEGMENT,
        .needs_csum = true,
        .csum_start = UPPER_AT,
        .csum_offset = udp ? 6 : 16,
    };
}

static void on_ready(void *user, unsigned ready)
{
    struct port *port = user;
    struct lp_superframe frame;

    (void)ready;
    while (lp_link_read(port->link, &frame) == 0) {
        if (frame.len < 54 || frame.bytes[23] != 6)
            continue;
        port->payload += frame.len - 54;
        memcpy(port->bytes, frame.bytes, frame.len);
        port->frame = frame;
    }
}

static bool all_arrived(void *user)
{
    return ((struct port *)user)->payload >= SEGMENTS * SEGMENT;
}

static struct port *open_packet(uv_loop_t *loop, const char *name)
{
    struct port *port = calloc(1, sizeof(*port));
    char why[LP_WHY_LEN] = "";

    assert_non_null(port);
    if (lp_link_open_packet(loop, name, on_ready, port, &port->link, why) != 0)
        fail_msg("%s: %s", name, why);
    return port;
}

static void a_packet_socket_takes_tcp(void **state)
{
    static const char *const offload[] = {"on", "off"};
    uv_loop_t loop;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct port *a, *b;
        struct lp_superframe super;
        struct lp_link_counters counters;

        bed_run("ip link add c0 type veth peer name c1 && ip link set c0 up && "
                "ip link set c1 up && ethtool -K c0 tso %s >/dev/null",
                offload[i]);
        uv_loop_init(&loop);
        a = open_packet(&loop, "c0");
        b = open_packet(&loop, "c1");
        make_super(LP_GSO_TCPV4, a->bytes, &super);
        assert_int_equal(lp_link_write_super(a->link, &super), 0);
        assert_true(bed_wait(&loop, all_arrived, b, BED_DEADLINE_MS));
        assert_int_equal(b->payload, SEGMENTS * SEGMENT);
        assert_int_equal(b->frame.gso, i == 0 ? LP_GSO_TCPV4 : LP_GSO_NONE);
        assert_int_equal(b->bytes[b->frame.len - 1], SEGMENTS - 1);
        lp_link_counters(a->link, &counters);
        assert_int_equal(counters.tx_errors, 0);
        lp_link_close(a->link);
        lp_link_close(b->link);
        bed_close_loop(&loop);
        bed_run("ip link del c0");
        free(a);
        free(b);
    }
}

static void ignore(void *user, unsigned ready)
{
    (void)user;
    (void)ready;
}

/* What a local program receives are the datagrams, their checksums good. */
static void a_tap_takes_udp_or_says_that_it_does_not(void **state)
{
    struct lp_tap_options options = {.name = "tp0", .mac = bed_mac(MAC_HOST), .mtu = 1380};
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(7001)};
    static uint8_t bytes[66000], got[2000];
    struct timeval deadline = {.tv_sec = BED_DEADLINE_MS / 1000};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct lp_superframe super;
    struct lp_link *link;
    char why[LP_WHY_LEN];
    uv_loop_t loop;
    int err;

    (void)state;
    uv_loop_init(&loop);
    assert_int_equal(lp_link_open_tap(&loop, &options, ignore, NULL, &link, why), 0);
    bed_run("ip addr add 10.9.0.1/24 dev tp0");
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof(deadline));
    assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
    make_super(LP_GSO_UDP_L4, bytes, &super);
    err = lp_link_write_super(link, &super);
    if (err != LP_ERR_UNSUPPORTED) { /* Linux 6.2 and later */
        assert_int_equal(err, 0);
        for (unsigned i = 0; i < SEGMENTS; i++) {
            assert_int_equal(recv(fd, got, sizeof(got), 0), SEGMENT);
            assert_int_equal(got[0], i);
            assert_int_equal(got[SEGMENT - 1], i);
        }
    }
    close(fd);
    lp_link_close(link);
    bed_close_loop(&loop);
}

static void what_is_no_superframe_is_invalid(void **state)
{
    struct lp_tap_options options = {.name = "tp0", .mac = bed_mac(MAC_HOST), .mtu = 1380};
    static uint8_t bytes[66000];
    struct lp_superframe super, wrong;
    struct lp_link *link;
    char why[LP_WHY_LEN];
    uv_loop_t loop;

    (void)state;
    uv_loop_init(&loop);
    assert_int_equal(lp_link_open_tap(&loop, &options, ignore, NULL, &link, why), 0);
    make_super(LP_GSO_TCPV4, bytes, &super);
    wrong = super;
    wrong.gso = LP_GSO_NONE;
    assert_int_equal(lp_link_write_super(link, &wrong), LP_ERR_INVALID);
    wrong.gso = LP_GSO_UNSUPPORTED;
    assert_int_equal(lp_link_write_super(link, &wrong), LP_ERR_INVALID);
    wrong = super;
    wrong.needs_csum = false;
    assert_int_equal(lp_link_write_super(link, &wrong), LP_ERR_INVALID);
    lp_link_close(link);
    bed_close_loop(&loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_packet_socket_takes_tcp),
        cmocka_unit_test(a_tap_takes_udp_or_says_that_it_does_not),
        cmocka_unit_test(what_is_no_superframe_is_invalid),
    };

    if (!bed_enter())
        return 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
