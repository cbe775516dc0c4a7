/* Ethernet links that open: TAP, packet socket on a veth, TAP in a bridge. */
#include "bed.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "platform/linux/netlink.h"

#define TEST_ETHERTYPE 0x88b5

struct watched {
    struct lp_link *link;
    struct lp_superframe frame; /* the last one read by take_until */
    uint8_t bytes[66000];
    bool (*wanted)(const struct lp_superframe *frame);
    bool found;
    bool closed;
};

static bool is_test_frame(const struct lp_superframe *frame)
{
    return frame->bytes[12] == TEST_ETHERTYPE >> 8 &&
           frame->bytes[13] == (TEST_ETHERTYPE & 255);
}

static bool is_arp_reply(const struct lp_superframe *frame)
{
    return frame->len >= 42 && frame->bytes[12] == 0x08 && frame->bytes[13] == 0x06 &&
           frame->bytes[21] == 2;
}

static bool is_tcp_superframe(const struct lp_superframe *frame)
{
    return frame->gso == LP_GSO_TCPV4 && frame->len > 3000;
}

static bool is_udp(const struct lp_superframe *frame)
{
    return frame->len > 42 && frame->bytes[12] == 0x08 && frame->bytes[13] == 0x00 &&
           frame->bytes[23] == 17;
}

static void on_ready(void *user, unsigned ready)
{
    struct watched *w = user;
    struct lp_superframe frame;
    int err = 0;

    assert_int_equal(ready, LP_READY_READ);
    while (!w->found && (err = lp_link_read(w->link, &frame)) == 0) {
        if (w->wanted == NULL || !w->wanted(&frame))
            continue;
        assert_true(frame.len <= sizeof(w->bytes));
        memcpy(w->bytes, frame.bytes, frame.len);
        w->frame = frame;
        w->frame.bytes = w->bytes;
        w->found = true;
    }
    if (err == LP_ERR_CLOSED) {
        /* it stays closed, for reads and writes */
        assert_int_equal(lp_link_read(w->link, &frame), LP_ERR_CLOSED);
        assert_int_equal(lp_link_write(w->link, w->bytes, 60), LP_ERR_CLOSED);
        lp_link_close(w->link);
        w->link = NULL;
        w->closed = true;
    } else if (err != 0) {
        assert_int_equal(err, LP_ERR_AGAIN);
    }
}

static bool is_found(void *user)
{
    return ((struct watched *)user)->found;
}

static bool is_closed(void *user)
{
    return ((struct watched *)user)->closed;
}

static void want(struct watched *w, bool (*wanted)(const struct lp_superframe *frame))
{
    w->wanted = wanted;
    w->found = false;
}

static void open_packet(uv_loop_t *loop, const char *name, struct watched *w)
{
    char why[LP_WHY_LEN] = "";
    int err;

    memset(w, 0, sizeof(*w));
    err = lp_link_open_packet(loop, name, on_ready, w, &w->link, why);
    if (err != 0)
        fail_msg("%s: %s", name, why);
}

static void open_tap(uv_loop_t *loop, const char *name, const char *mac, unsigned mtu,
                     struct watched *w)
{
    struct lp_tap_options options = {.name = name, .mac = bed_mac(mac), .mtu = mtu};
    char why[LP_WHY_LEN] = "";
    int err;

    memset(w, 0, sizeof(*w));
    err = lp_link_open_tap(loop, &options, on_ready, w, &w->link, why);
    if (err != 0)
        fail_msg("%s: %s", name, why);
}

static size_t make_frame(uint8_t frame[128], const char *source, int vlan_tci)
{
    struct lp_mac mac = bed_mac(source);
    size_t at = 12;

    memset(frame, 0x5a, 128);
    memset(frame, 0xff, 6);
    memcpy(frame + 6, mac.octet, 6);
    if (vlan_tci >= 0) {
        frame[at++] = 0x81;
        frame[at++] = 0x00;
        frame[at++] = (uint8_t)(vlan_tci >> 8);
        frame[at++] = (uint8_t)vlan_tci;
    }
    frame[at++] = TEST_ETHERTYPE >> 8;
    frame[at++] = TEST_ETHERTYPE & 255;
    return 100;
}

/* ---- packet socket ---- */

static void frames_cross_and_are_not_seen_again(void **state)
{
    uv_loop_t loop;
    struct watched *a = malloc(sizeof(*a)), *b = malloc(sizeof(*b)),
                   *host = malloc(sizeof(*host));
    uint8_t frame[128];
    size_t len = make_frame(frame, "02:00:00:00:00:99", -1);
    struct lp_link_info info;
    struct lp_link_counters counters;

    (void)state;
    bed_run("ip link add c0 type veth peer name c1 && ip link set c0 up && ip link set c1 up");
    uv_loop_init(&loop);
    open_packet(&loop, "c0", a);
    open_packet(&loop, "c1", b);
    bed_run("ip -d link show c0 | grep -q 'promiscuity 1'");
    lp_link_info(a->link, &info);
    assert_string_equal(info.name, "c0");
    assert_int_equal(info.index, if_nametoindex("c0"));
    assert_int_equal(info.mtu, 1500);
    assert_true(info.up && info.carrier && lp_mac_is_valid_source(&info.mac));

    want(a, is_test_frame);
    want(b, is_test_frame);
    assert_int_equal(lp_link_write(a->link, frame, len), 0);
    assert_true(bed_wait(&loop, is_found, b, BED_DEADLINE_MS));
    assert_int_equal(b->frame.len, len);
    assert_memory_equal(b->frame.bytes, frame, len);
    assert_int_equal(b->frame.gso, LP_GSO_NONE);
    assert_false(b->frame.needs_csum || b->frame.vlan_tagged);
    /* what the host itself sends leaves through another socket: not seen either */
    open_packet(&loop, "c0", host);
    want(b, is_test_frame);
    assert_int_equal(lp_link_write(host->link, frame, len), 0);
    assert_true(bed_wait(&loop, is_found, b, BED_DEADLINE_MS));
    lp_link_close(host->link);
    /* whatever a would see of these frames was there before b's answer */
    frame[6] = 0x06;
    assert_int_equal(lp_link_write(b->link, frame, len), 0);
    assert_true(bed_wait(&loop, is_found, a, BED_DEADLINE_MS));
    assert_memory_equal(a->frame.bytes, frame, len);

    assert_int_equal(lp_link_write(a->link, frame, 13), LP_ERR_INVALID);
    assert_int_equal(lp_link_write(a->link, a->bytes, 1600), LP_ERR_RANGE);
    lp_link_counters(a->link, &counters);
    assert_int_equal(counters.tx_errors, 1);
    assert_int_equal(counters.rx_unsupported, 0);
    assert_int_equal(counters.rx_kernel_drops, 0);
    lp_link_close(a->link);
    lp_link_close(b->link);
    bed_close_loop(&loop);
    bed_run("ip -d link show c0 | grep -q 'promiscuity 0'");
    bed_run("ip link del c0");
    free(a);
    free(b);
    free(host);
}

static void vlan_tags_come_beside_the_frame(void **state)
{
    static const int tags[] = {0x0000, 0x0005, 0xe064};
    uv_loop_t loop;
    struct watched *a = malloc(sizeof(*a)), *b = malloc(sizeof(*b));

    (void)state;
    bed_run("ip link add c0 type veth peer name c1 && ip link set c0 up && ip link set c1 up");
    uv_loop_init(&loop);
    open_packet(&loop, "c0", a);
    open_packet(&loop, "c1", b);
    for (size_t i = 0; i < 3; i++) {
        uint8_t frame[128];
        size_t len = make_frame(frame, "02:00:00:00:00:99", tags[i]);

        want(b, is_test_frame);
        assert_int_equal(lp_link_write(a->link, frame, len), 0);
        assert_true(bed_wait(&loop, is_found, b, BED_DEADLINE_MS));
        assert_true(b->frame.vlan_tagged);
        assert_int_equal(b->frame.vlan_tci, tags[i]);
        assert_int_equal(b->frame.len, len - 4);
    }
    lp_link_close(a->link);
    lp_link_close(b->link);
    bed_close_loop(&loop);
    bed_run("ip link del c0");
    free(a);
    free(b);
}

static void serve_tcp(void *user)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(7777)};
    static const uint8_t bytes[1 << 20];
    int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0), peer;
    ssize_t done = 0;

    (void)user;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, (struct sockaddr *)&name, sizeof(name)) != 0 || listen(fd, 1) != 0)
        return;
    peer = accept(fd, NULL, NULL);
    while (peer >= 0 && done >= 0)
        done = send(peer, bytes, sizeof(bytes), MSG_NOSIGNAL);
}

/* Connects when the neighbour listens: it does so right after it told that its link is up. */
static int connect_tcp(const char *ip)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(7777)};
    int fd = -1;

    inet_pton(AF_INET, ip, &name.sin_addr);
    for (unsigned i = 0; i < 10000; i++) {
        fd = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(fd, (struct sockaddr *)&name, sizeof(name)) == 0)
            return fd;
        close(fd);
    }
    fail_msg("no TCP connection to %s", ip);
    return -1;
}

/* The default offloads of a veth: what a bridge without them would lose. */
static void tcp_arrives_as_superframes(void **state)
{
    uv_loop_t loop;
    struct watched *w = malloc(sizeof(*w));
    pid_t neighbour = bed_neighbour("t0", "10.1.0.2/24", serve_tcp, NULL);
    uint8_t drain[65536];
    int fd;

    (void)state;
    bed_run("ip addr add 10.1.0.1/24 dev t0");
    uv_loop_init(&loop);
    open_packet(&loop, "t0", w);
    want(w, is_tcp_superframe);
    fd = connect_tcp("10.1.0.2");
    while (!w->found && recv(fd, drain, sizeof(drain), 0) > 0)
        uv_run(&loop, UV_RUN_NOWAIT);
    assert_true(w->found);
    assert_int_equal(w->frame.gso_size, 1448);
    assert_true(w->frame.needs_csum);
    assert_int_equal(w->frame.csum_start, 34);
    assert_int_equal(w->frame.csum_offset, 16);
    close(fd);
    lp_link_close(w->link);
    bed_close_loop(&loop);
    bed_end(neighbour, "t0");
    free(w);
}

static void going_down_or_away_closes(void **state)
{
    static const char *const commands[] = {"ip link set c0 down", "ip link del c0"};

    (void)state;
    for (int i = 0; i < 2; i++) {
        uv_loop_t loop;
        struct watched *w = malloc(sizeof(*w));
        struct lp_link_info info;

        bed_run(
            "ip link add c0 type veth peer name c1 && ip link set c0 up && ip link set c1 up");
        uv_loop_init(&loop);
        open_packet(&loop, "c0", w);
        bed_run("%s", commands[i]);
        lp_link_info(w->link, &info);
        assert_false(info.up || info.carrier);
        assert_string_equal(info.name, "c0");
        assert_true(bed_wait(&loop, is_closed, w, BED_DEADLINE_MS));
        bed_close_loop(&loop);
        bed_try("ip link del c0 2>/dev/null");
        free(w);
    }
}

/* ---- TAP ---- */

static void arp_request(uint8_t frame[60], const char *source)
{
    static const uint8_t head[] = {0x08, 0x06, 0, 1, 0x08, 0, 6, 4, 0, 1};
    struct lp_mac mac = bed_mac(source);

    memset(frame, 0, 60);
    memset(frame, 0xff, 6);
    memcpy(frame + 6, mac.octet, 6);
    memcpy(frame + 12, head, sizeof(head));
    memcpy(frame + 22, mac.octet, 6);
    memcpy(frame + 28, (const uint8_t[]){10, 9, 0, 2}, 4);
    memcpy(frame + 38, (const uint8_t[]){10, 9, 0, 1}, 4);
}

static void a_tap_has_its_mac_and_mtu_and_talks(void **state)
{
    uv_loop_t loop;
    struct watched *w = malloc(sizeof(*w));
    struct lp_link_info info;
    struct lp_mac mac = bed_mac("02:11:22:33:44:55");
    uint8_t frame[60];

    (void)state;
    uv_loop_init(&loop);
    open_tap(&loop, "tp0", "02:11:22:33:44:55", 1366, w);
    lp_link_info(w->link, &info);
    assert_string_equal(info.name, "tp0");
    assert_int_equal(info.index, if_nametoindex("tp0"));
    assert_int_equal(info.mtu, 1366);
    assert_true(lp_mac_equal(&info.mac, &mac));
    assert_true(info.up && info.carrier);

    bed_run("ip addr add 10.9.0.1/24 dev tp0");
    want(w, is_arp_reply);
    arp_request(frame, "02:00:00:00:00:02");
    assert_int_equal(lp_link_write(w->link, frame, sizeof(frame)), 0);
    assert_true(bed_wait(&loop, is_found, w, BED_DEADLINE_MS));
    assert_memory_equal(w->frame.bytes + 6, mac.octet, 6);
    assert_memory_equal(w->frame.bytes + 28, ((const uint8_t[]){10, 9, 0, 1}), 4);
    assert_int_equal(lp_link_write(w->link, frame, 13), LP_ERR_INVALID);

    lp_link_close(w->link);
    bed_close_loop(&loop);
    assert_int_equal(if_nametoindex("tp0"), 0);
    free(w);
}

static void ignore(void *user, unsigned ready)
{
    (void)user;
    (void)ready;
}

/* A local program's GSO run comes as one frame where the kernel has USO, else as its segments.
 */
static void a_tap_gives_superframes(void **state)
{
    uv_loop_t loop;
    struct watched *w = malloc(sizeof(*w));
    struct lp_udp_options options = {.bind = bed_addr("10.9.0.1", 0)};
    struct lp_addr to = bed_addr("10.9.0.2", 9);
    static const uint8_t bytes[10 * 1200];
    struct lp_udp *udp;
    char why[LP_WHY_LEN];

    (void)state;
    uv_loop_init(&loop);
    open_tap(&loop, "tp0", "02:11:22:33:44:55", 1380, w);
    bed_run(
        "ip addr add 10.9.0.1/24 dev tp0 && ip neigh add 10.9.0.2 lladdr 02:00:00:00:00:02 dev "
        "tp0");
    assert_int_equal(lp_udp_open(&loop, &options, ignore, NULL, &udp, why), 0);
    want(w, is_udp);
    assert_int_equal(lp_udp_send(udp, NULL, &to, 0, bytes, sizeof(bytes), 1200), 0);
    assert_true(bed_wait(&loop, is_found, w, BED_DEADLINE_MS));
    assert_true(w->frame.needs_csum);
    assert_int_equal(w->frame.csum_start, 34);
    assert_int_equal(w->frame.csum_offset, 6);
    if (w->frame.gso == LP_GSO_UDP_L4) {
        assert_int_equal(w->frame.gso_size, 1200);
        assert_int_equal(w->frame.len, 42 + sizeof(bytes));
    } else {
        assert_int_equal(w->frame.gso, LP_GSO_NONE);
        assert_int_equal(w->frame.len, 42 + 1200);
    }
    lp_udp_close(udp);
    lp_link_close(w->link);
    bed_close_loop(&loop);
    free(w);
}

/* DHCP clients and games see a cable that is pulled; up stays up. */
static void media_is_the_carrier_of_a_tap(void **state)
{
    uv_loop_t loop;
    struct watched *w = malloc(sizeof(*w));
    struct lp_link_info info;

    (void)state;
    uv_loop_init(&loop);
    open_tap(&loop, "tp0", "02:11:22:33:44:55", 1380, w);
    assert_int_equal(lp_link_set_media(w->link, false), 0);
    lp_link_info(w->link, &info);
    assert_true(info.up && !info.carrier);
    bed_run("ip link show dev tp0 | grep -q NO-CARRIER");
    assert_int_equal(lp_link_set_media(w->link, true), 0);
    lp_link_info(w->link, &info);
    assert_true(info.up && info.carrier);
    lp_link_close(w->link);

    bed_run("ip link add c0 type veth peer name c1 && ip link set c0 up && ip link set c1 up");
    open_packet(&loop, "c0", w);
    assert_int_equal(lp_link_set_media(w->link, false), LP_ERR_UNSUPPORTED);
    lp_link_info(w->link, &info);
    assert_true(info.carrier);
    lp_link_close(w->link);
    bed_close_loop(&loop);
    bed_run("ip link del c0");
    free(w);
}

static void an_existing_tap_is_given_back_as_it_was(void **state)
{
    uv_loop_t loop;
    struct watched *w = malloc(sizeof(*w));
    struct lp_mac before = bed_mac("02:aa:aa:aa:aa:aa");
    struct lp_mac ours = bed_mac("02:bb:bb:bb:bb:bb");
    struct lp_nl_link link;

    (void)state;
    bed_run("ip tuntap add dev keep0 mode tap && ip link set keep0 address 02:aa:aa:aa:aa:aa "
            "mtu 1400");
    for (int up = 0; up < 2; up++) {
        bed_run("ip link set keep0 %s", up ? "up" : "down");
        uv_loop_init(&loop);
        open_tap(&loop, "keep0", "02:bb:bb:bb:bb:bb", 1380, w);
        assert_int_equal(lp_nl_link_by_name("keep0", &link), 0);
        assert_true(lp_mac_equal(&link.mac, &ours));
        assert_int_equal(link.mtu, 1380);
        assert_int_equal(link.flags & IFF_UP, IFF_UP);
        lp_link_close(w->link);
        bed_close_loop(&loop);
        assert_int_equal(lp_nl_link_by_name("keep0", &link), 0);
        assert_true(lp_mac_equal(&link.mac, &before));
        assert_int_equal(link.mtu, 1400);
        assert_int_equal(link.flags & IFF_UP, up ? IFF_UP : 0);
    }
    bed_run("ip link del keep0");
    free(w);
}

static void a_deleted_tap_closes(void **state)
{
    uv_loop_t loop;
    struct watched *w = malloc(sizeof(*w));
    uint8_t frame[128];
    size_t len = make_frame(frame, "02:00:00:00:00:99", -1);

    (void)state;
    uv_loop_init(&loop);
    open_tap(&loop, "tp0", "02:11:22:33:44:55", 1380, w);
    bed_run("ip link set tp0 down");
    assert_int_equal(lp_link_write(w->link, frame, len), LP_ERR_CLOSED);
    lp_link_close(w->link);
    bed_close_loop(&loop);

    uv_loop_init(&loop);
    open_tap(&loop, "tp0", "02:11:22:33:44:55", 1380, w);
    bed_run("ip link del tp0");
    assert_true(bed_wait(&loop, is_closed, w, BED_DEADLINE_MS));
    bed_close_loop(&loop);
    free(w);
}

/* ---- bridge port ---- */

static void a_bridge_port_leaves_the_bridge_as_it_was(void **state)
{
    uv_loop_t loop;
    struct watched *port = malloc(sizeof(*port)), *far = malloc(sizeof(*far));
    struct lp_nl_link bridge, link;
    struct lp_link_info info;
    struct lp_mac mac;
    uint8_t frame[128];
    size_t len = make_frame(frame, "02:00:00:00:00:99", -1);
    char why[LP_WHY_LEN] = "";

    (void)state;
    bed_run("ip link add br7 type bridge && ip link add c0 type veth peer name c1 && "
            "ip link set c0 mtu 4000 master br7 up && ip link set c1 mtu 4000 up && "
            "ip link set br7 up");
    assert_int_equal(lp_nl_link_by_name("br7", &bridge), 0);
    mac = bridge.mac;
    assert_int_equal(bridge.mtu, 4000);
    uv_loop_init(&loop);
    memset(port, 0, sizeof(*port));
    if (lp_link_open_bridge_port(&loop, "br7", NULL, on_ready, port, &port->link, why) != 0)
        fail_msg("%s", why);
    open_packet(&loop, "c1", far);
    lp_link_info(port->link, &info);
    assert_true(info.up && info.carrier);
    assert_int_equal(lp_nl_link_by_name(info.name, &link), 0);
    assert_int_equal(link.master, bridge.index);
    assert_int_equal(lp_nl_link_by_name("br7", &bridge), 0);
    assert_int_equal(bridge.mtu, 4000);
    assert_true(lp_mac_equal(&bridge.mac, &mac));
    bed_run("test -z \"$(ip -6 addr show dev %s)\"", info.name);

    want(far, is_test_frame);
    assert_int_equal(lp_link_write(port->link, frame, len), 0);
    assert_true(bed_wait(&loop, is_found, far, BED_DEADLINE_MS));
    assert_memory_equal(far->frame.bytes, frame, len);
    want(port, is_test_frame);
    frame[11] = 0x98;
    assert_int_equal(lp_link_write(far->link, frame, len), 0);
    assert_true(bed_wait(&loop, is_found, port, BED_DEADLINE_MS));
    assert_memory_equal(port->frame.bytes, frame, len);

    lp_link_close(port->link);
    lp_link_close(far->link);
    lp_link_close(NULL);
    bed_close_loop(&loop);
    assert_int_equal(if_nametoindex(info.name), 0);
    bed_run("ip link del c0 && ip link del br7");
    free(port);
    free(far);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_cross_and_are_not_seen_again),
        cmocka_unit_test(vlan_tags_come_beside_the_frame),
        cmocka_unit_test(tcp_arrives_as_superframes),
        cmocka_unit_test(going_down_or_away_closes),
        cmocka_unit_test(a_tap_has_its_mac_and_mtu_and_talks),
        cmocka_unit_test(a_tap_gives_superframes),
        cmocka_unit_test(media_is_the_carrier_of_a_tap),
        cmocka_unit_test(an_existing_tap_is_given_back_as_it_was),
        cmocka_unit_test(a_deleted_tap_closes),
        cmocka_unit_test(a_bridge_port_leaves_the_bridge_as_it_was),
    };

    if (!bed_enter())
        return 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
