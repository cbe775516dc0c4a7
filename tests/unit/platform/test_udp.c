/* UDP of Linux: local addresses, and what a send says; test_contract.c has what holds everywhere. */
#include "bed.h"

#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#define SEGMENT 1200u

/* A wildcard server sees which address was addressed and answers from it. */
static void answers_come_from_the_address_addressed(void **state)
{
    static const char *const wildcard[] = {"0.0.0.0", "::"};
    static const char *const client[] = {"127.0.0.1", "::1"};
    static const char *const server[] = {"127.0.0.5", "fd00:5::5"};

    (void)state;
    bed_run("ip addr add fd00:5::5/128 dev lo nodad");
    for (int i = 0; i < 2; i++) {
        uv_loop_t loop;
        struct bed_udp a, b;
        struct lp_addr to, expected_local, expected_from;
        struct lp_udp_rx rx;

        uv_loop_init(&loop);
        bed_udp_open(&loop, &a, client[i], false);
        bed_udp_open(&loop, &b, wildcard[i], false);
        to = bed_addr(server[i], bed_udp_addr(&b).port);
        assert_int_equal(lp_udp_send(a.udp, NULL, &to, 0, (const uint8_t *)"q", 1, 1), 0);
        assert_int_equal(bed_udp_receive(&loop, &b, &rx, 1), 1);
        expected_local = to;
        assert_true(lp_addr_equal(&rx.local, &expected_local));
        assert_int_equal(
            lp_udp_send(b.udp, &rx.local, &rx.remote, 1, (const uint8_t *)"answer", 6, 3), 0);
        assert_int_equal(bed_udp_receive(&loop, &a, &rx, 1), 1);
        expected_from = to;
        assert_true(lp_addr_equal(&rx.remote, &expected_from));
        assert_int_equal(rx.ecn, 1);
        lp_udp_close(a.udp);
        lp_udp_close(b.udp);
        bed_close_loop(&loop);
    }
}

static void oversize_is_told_and_not_fragmented(void **state)
{
    static const char *const ips[] = {"127.0.0.1", "::1"};
    static const size_t largest[] = {1500 - 28, 1500 - 48};
    static const uint8_t bytes[1600];

    (void)state;
    bed_run("ip link set lo mtu 1500");
    for (int i = 0; i < 2; i++) {
        uv_loop_t loop;
        struct bed_udp a, b;
        struct lp_addr to;
        struct lp_udp_rx rx;

        uv_loop_init(&loop);
        bed_udp_open(&loop, &a, ips[i], false);
        bed_udp_open(&loop, &b, ips[i], false);
        to = bed_udp_addr(&b);
        assert_int_equal(lp_udp_send(a.udp, NULL, &to, 0, bytes, largest[i] + 1, 1600),
                         LP_ERR_RANGE);
        /* as segments of one run too */
        assert_int_equal(
            lp_udp_send(a.udp, NULL, &to, 0, bytes, largest[i] + 11, largest[i] + 1),
            LP_ERR_RANGE);
        assert_int_equal(lp_udp_send(a.udp, NULL, &to, 0, bytes, largest[i], 1600), 0);
        assert_int_equal(bed_udp_receive(&loop, &b, &rx, 1), 1);
        assert_int_equal(rx.len, largest[i]);
        lp_udp_close(a.udp);
        lp_udp_close(b.udp);
        bed_close_loop(&loop);
    }
    bed_run("ip link set lo mtu 65536");
}

static void bad_news_of_one_peer_is_loss(void **state)
{
    uv_loop_t loop;
    struct bed_udp a, b;
    struct lp_addr closed_port = bed_addr("127.0.0.1", 9);
    struct lp_addr nowhere = bed_addr("203.0.113.1", 9);
    struct lp_addr gone = bed_addr("198.51.100.7", 0);
    struct lp_addr to;
    struct lp_udp_rx rx;

    (void)state;
    uv_loop_init(&loop);
    bed_udp_open(&loop, &a, "0.0.0.0", false);
    bed_udp_open(&loop, &b, "127.0.0.1", false);
    to = bed_udp_addr(&b);
    for (int i = 0; i < 3; i++)
        assert_int_equal(lp_udp_send(a.udp, NULL, &closed_port, 0, (const uint8_t *)"x", 1, 1),
                         0);
    assert_int_equal(lp_udp_send(a.udp, NULL, &nowhere, 0, (const uint8_t *)"x", 1, 1), 0);
    assert_int_equal(lp_udp_send(a.udp, &gone, &to, 0, (const uint8_t *)"x", 1, 1), 0);
    assert_int_equal(lp_udp_receive(a.udp, &rx, 1), LP_ERR_AGAIN);
    assert_int_equal(lp_udp_send(a.udp, NULL, &to, 0, (const uint8_t *)"y", 1, 1), 0);
    assert_int_equal(bed_udp_receive(&loop, &b, &rx, 1), 1);
    assert_int_equal(rx.bytes[0], 'y');
    lp_udp_close(a.udp);
    lp_udp_close(b.udp);
    bed_close_loop(&loop);
}

static void full_queue_is_told_and_writable_follows(void **state)
{
    uv_loop_t loop;
    struct bed_udp a;
    struct lp_addr to = bed_addr("10.3.0.2", 9);
    static const uint8_t bytes[40 * SEGMENT];
    int err = 0;

    (void)state;
    bed_run("ip link add q0 type veth peer name q1 && ip link set q1 up && ip link set q0 up &&"
            "ip addr add 10.3.0.1/24 dev q0 && ip neigh add 10.3.0.2 lladdr 02:00:00:00:00:02 "
            "dev q0 "
            "&& tc qdisc add dev q0 root tbf rate 400mbit burst 100k limit 100000000");
    uv_loop_init(&loop);
    bed_udp_open(&loop, &a, "10.3.0.1", false);
    for (int i = 0; i < 10000 && err == 0; i++)
        err = lp_udp_send(a.udp, NULL, &to, 0, bytes, sizeof(bytes), SEGMENT);
    assert_int_equal(err, LP_ERR_AGAIN);
    assert_true(bed_wait(&loop, bed_udp_is_writable, &a, BED_DEADLINE_MS));
    assert_int_equal(lp_udp_send(a.udp, NULL, &to, 0, bytes, sizeof(bytes), SEGMENT), 0);
    lp_udp_close(a.udp);
    bed_close_loop(&loop);
    bed_run("ip link del q0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_come_from_the_address_addressed),
        cmocka_unit_test(oversize_is_told_and_not_fragmented),
        cmocka_unit_test(bad_news_of_one_peer_is_loss),
        cmocka_unit_test(full_queue_is_told_and_writable_follows),
    };

    if (!bed_enter())
        return 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
