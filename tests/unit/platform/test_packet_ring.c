/* The packet socket's ring: full, with super-frames in between, and not to be had. */
#include "bed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "platform/linux/link.h"
#include "platform/linux/packet_ring.h"

#define FRAME_LEN  100
#define MORE       10
#define FOREIGN    40 /* frames that the system itself may send meanwhile */
#define SMALL_MEGS 4

struct port {
    struct lp_link *link;
    bool closed;
    bool found;
    uint16_t vlan_tci;
};

static bool is_ours(const struct lp_superframe *frame)
{
    return frame->len >= FRAME_LEN && frame->bytes[12] == 0x88 && frame->bytes[13] == 0xb5;
}

static void on_ready(void *user, unsigned ready)
{
    struct port *port = user;
    struct lp_superframe frame;
    int err;

    (void)ready;
    while ((err = lp_link_read(port->link, &frame)) == 0) {
        if (is_ours(&frame)) {
            port->found = true;
            port->vlan_tci = frame.vlan_tci;
        }
    }
    port->closed = err == LP_ERR_CLOSED;
}

static bool is_found(void *user)
{
    return ((struct port *)user)->found;
}

static bool is_closed(void *user)
{
    return ((struct port *)user)->closed;
}

static void open_port(uv_loop_t *loop, const char *name, struct port *port)
{
    char why[LP_WHY_LEN] = "";

    memset(port, 0, sizeof(*port));
    if (lp_link_open_packet(loop, name, on_ready, port, &port->link, why) != 0)
        fail_msg("%s: %s", name, why);
}

static void lay_wire(unsigned mtu)
{
    bed_run("ip link add c0 mtu %u type veth peer name c1 mtu %u && ip link set c0 up && "
            "ip link set c1 up",
            mtu, mtu);
}

static void open_pair(uv_loop_t *loop, unsigned mtu, struct port *a, struct port *b)
{
    lay_wire(mtu);
    uv_loop_init(loop);
    open_port(loop, "c0", a);
    open_port(loop, "c1", b);
}

static void close_pair(uv_loop_t *loop, struct port *a, struct port *b)
{
    lp_link_close(a->link);
    lp_link_close(b->link);
    bed_close_loop(loop);
    bed_run("ip link del c0");
}

static size_t make_frame(uint8_t frame[FRAME_LEN + 4], bool tagged)
{
    static const uint8_t head[12] = {255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 0x99};
    static const uint8_t tag[4] = {0x81, 0, 0, 5};
    size_t at = sizeof(head);

    memset(frame, 0, FRAME_LEN + 4);
    memcpy(frame, head, sizeof(head));
    if (tagged) {
        memcpy(frame + at, tag, sizeof(tag));
        at += sizeof(tag);
    }
    frame[at] = 0x88;
    frame[at + 1] = 0xb5;
    return FRAME_LEN + (tagged ? sizeof(tag) : 0);
}

/* Returns how many of `count` came, in the order in which they were sent. */
static unsigned pass(struct port *from, struct port *to, unsigned count)
{
    uint8_t frame[FRAME_LEN + 4];
    size_t len = make_frame(frame, false);
    struct lp_superframe got;
    unsigned seen = 0;

    for (unsigned i = 0; i < count; i++) {
        frame[20] = (uint8_t)i;
        frame[21] = (uint8_t)(i >> 8);
        assert_int_equal(lp_link_write(from->link, frame, len), 0);
    }
    while (lp_link_read(to->link, &got) == 0) {
        if (!is_ours(&got))
            continue;
        assert_int_equal(got.bytes[20] | got.bytes[21] << 8, seen);
        seen++;
    }
    return seen;
}

static void a_full_ring_loses_the_newest_and_goes_on(void **state)
{
    struct lp_link_counters counters;
    struct port a, b;
    uv_loop_t loop;

    (void)state;
    open_pair(&loop, 1500, &a, &b);
    assert_non_null(b.link->ring);
    for (unsigned round = 0; round < 2; round++) {
        unsigned seen = pass(&a, &b, LP_PACKET_RING_SLOTS + MORE);

        assert_in_range(seen, LP_PACKET_RING_SLOTS - FOREIGN, LP_PACKET_RING_SLOTS);
    }
    assert_int_equal(pass(&a, &b, MORE), MORE);
    lp_link_counters(b.link, &counters);
    assert_in_range(counters.rx_kernel_drops, 2 * MORE, 2 * (MORE + FOREIGN));
    close_pair(&loop, &a, &b);
}

/* A frame that no slot takes comes through the queue, whole and in its turn. */
static void a_long_frame_keeps_its_place(void **state)
{
    uint8_t frame[4000];
    struct lp_superframe got;
    size_t lens[] = {FRAME_LEN,     sizeof(frame), FRAME_LEN,
                     sizeof(frame), sizeof(frame), FRAME_LEN};
    struct port a, b;
    uv_loop_t loop;

    (void)state;
    open_pair(&loop, 9000, &a, &b);
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        memset(frame, (int)i, sizeof(frame));
        make_frame(frame, false);
        assert_int_equal(lp_link_write(a.link, frame, lens[i]), 0);
    }
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]);) {
        assert_int_equal(lp_link_read(b.link, &got), 0);
        if (!is_ours(&got))
            continue;
        assert_int_equal(got.len, lens[i]);
        if (got.len == sizeof(frame))
            assert_int_equal(got.bytes[sizeof(frame) - 1], i);
        i++;
    }
    close_pair(&loop, &a, &b);
}

static size_t address_space(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    size_t pages = 0;

    assert_non_null(file);
    assert_int_equal(fscanf(file, "%zu", &pages), 1);
    fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* A sanitizer's address space is terabytes, and cannot be bounded. */
static bool can_be_bounded(void)
{
    return address_space() < (size_t)1 << 36;
}

static void without_memory_for_it_the_socket_is_read(void **state)
{
    struct rlimit before, tight;
    uint8_t frame[FRAME_LEN + 4];
    size_t len = make_frame(frame, true);
    struct port a, b;
    uv_loop_t loop;

    (void)state;
    lay_wire(1500);
    uv_loop_init(&loop);
    open_port(&loop, "c0", &a);
    assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
    tight = before;
    if (can_be_bounded())
        tight.rlim_cur = address_space() + SMALL_MEGS * 1024 * 1024;
    assert_int_equal(setrlimit(RLIMIT_AS, &tight), 0);
    open_port(&loop, "c1", &b);
    assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
    assert_true(b.link->ring == NULL || !can_be_bounded());
    assert_int_equal(lp_link_write(a.link, frame, len), 0);
    assert_true(bed_wait(&loop, is_found, &b, BED_DEADLINE_MS));
    assert_int_equal(b.vlan_tci, 5);
    bed_run("ip link set c1 down");
    assert_true(bed_wait(&loop, is_closed, &b, BED_DEADLINE_MS));
    close_pair(&loop, &a, &b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_ring_loses_the_newest_and_goes_on),
        cmocka_unit_test(a_long_frame_keeps_its_place),
        cmocka_unit_test(without_memory_for_it_the_socket_is_read),
    };

    if (!bed_enter())
        return 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
