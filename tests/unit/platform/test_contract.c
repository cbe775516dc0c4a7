/* What holds on every platform: UDP on the loopback, the timer, clocks and randomness. */
#include "waiting.h"

#include <stdio.h>
#include <string.h>

#ifndef _WIN32
#include "bed.h"
#endif

#define SEGMENT 1200u

/* 40 segments, the last one shorter, read 7 at a time: all there, in order, unchanged. */
static void exchange_segments(const char *ip, bool no_offload)
{
    uv_loop_t loop;
    struct bed_udp a, b;
    struct lp_addr to;
    uint8_t sent[39 * SEGMENT + 700];
    size_t at = 0;
    unsigned count = 0;

    uv_loop_init(&loop);
    bed_udp_open(&loop, &a, ip, no_offload);
    bed_udp_open(&loop, &b, ip, no_offload);
    lp_random_bytes(sent, sizeof(sent));
    to = bed_udp_addr(&b);
    assert_int_equal(lp_udp_send(a.udp, NULL, &to, 0, sent, sizeof(sent), SEGMENT), 0);
    while (at < sizeof(sent)) {
        struct lp_udp_rx rx[7];
        struct lp_addr from = bed_udp_addr(&a);
        int got = bed_udp_receive(&loop, &b, rx, 7);

        assert_true(got >= 1 && got <= 7);
        for (int i = 0; i < got; i++) {
            assert_true(lp_addr_equal(&rx[i].remote, &from));
            assert_int_equal(rx[i].len, count == 39 ? 700 : SEGMENT);
            assert_memory_equal(rx[i].bytes, sent + at, rx[i].len);
            at += rx[i].len;
            count++;
        }
    }
    assert_int_equal(count, 40);
    assert_int_equal(lp_udp_receive(b.udp, &(struct lp_udp_rx){.len = 0}, 1), LP_ERR_AGAIN);
    lp_udp_close(a.udp);
    lp_udp_close(b.udp);
    bed_close_loop(&loop);
}

static void segments_cross(void **state)
{
    (void)state;
    exchange_segments("127.0.0.1", false);
    exchange_segments("::1", false);
}

static void segments_cross_without_offload(void **state)
{
    (void)state;
    exchange_segments("127.0.0.1", true);
    exchange_segments("::1", true);
}

/* More than one GSO send can carry: 64 segments, and 64 KiB. */
static void long_runs_are_cut(void **state)
{
    uv_loop_t loop;
    struct bed_udp a, b;
    struct lp_addr to;
    static uint8_t sent[130 * SEGMENT + 1];
    struct lp_udp_rx rx[LP_UDP_BATCH];
    unsigned count = 0;

    (void)state;
    uv_loop_init(&loop);
    bed_udp_open(&loop, &a, "127.0.0.1", false);
    bed_udp_open(&loop, &b, "127.0.0.1", false);
    to = bed_udp_addr(&b);
    assert_int_equal(lp_udp_send(a.udp, NULL, &to, 0, sent, sizeof(sent), SEGMENT), 0);
    while (count < 131) {
        int got = bed_udp_receive(&loop, &b, rx, LP_UDP_BATCH);

        assert_true(got > 0);
        count += (unsigned)got;
        assert_int_equal(rx[got - 1].len, count == 131 ? 1 : SEGMENT);
    }
    assert_int_equal(lp_udp_send(a.udp, NULL, &to, 0, sent, 300, 1), 0);
    for (count = 0; count < 300;) {
        int got = bed_udp_receive(&loop, &b, rx, LP_UDP_BATCH);

        assert_true(got > 0);
        count += (unsigned)got;
    }
    assert_int_equal(count, 300);
    lp_udp_close(a.udp);
    lp_udp_close(b.udp);
    bed_close_loop(&loop);
}

static void ecn_travels(void **state)
{
    static const char *const ips[] = {"127.0.0.1", "::1"};

    (void)state;
    for (int i = 0; i < 2; i++) {
        uv_loop_t loop;
        struct bed_udp a, b;
        struct lp_addr to;

        uv_loop_init(&loop);
        bed_udp_open(&loop, &a, ips[i], false);
        bed_udp_open(&loop, &b, ips[i], false);
        to = bed_udp_addr(&b);
        for (uint8_t ecn = 0; ecn < 4; ecn++) {
            struct lp_udp_rx rx;

            assert_int_equal(lp_udp_send(a.udp, NULL, &to, ecn, (const uint8_t *)"e", 1, 1), 0);
            assert_int_equal(bed_udp_receive(&loop, &b, &rx, 1), 1);
            assert_int_equal(rx.ecn, bed_is_wine() ? 0 : ecn);
        }
        lp_udp_close(a.udp);
        lp_udp_close(b.udp);
        bed_close_loop(&loop);
    }
}

/* Longer than a slot: dropped whole, never handed out cut. */
static void a_giant_is_dropped(void **state)
{
    uv_loop_t loop;
    struct bed_udp a, b;
    struct lp_addr to;
    struct lp_udp_rx rx;
    static const uint8_t giant[20000];

    (void)state;
    uv_loop_init(&loop);
    bed_udp_open(&loop, &a, "127.0.0.1", true);
    bed_udp_open(&loop, &b, "127.0.0.1", true);
    to = bed_udp_addr(&b);
    assert_int_equal(lp_udp_send(a.udp, NULL, &to, 0, giant, sizeof(giant), sizeof(giant)), 0);
    assert_int_equal(lp_udp_send(a.udp, NULL, &to, 0, (const uint8_t *)"y", 1, 1), 0);
    assert_int_equal(bed_udp_receive(&loop, &b, &rx, 1), 1);
    assert_int_equal(rx.len, 1);
    assert_int_equal(rx.bytes[0], 'y');
    lp_udp_close(a.udp);
    lp_udp_close(b.udp);
    bed_close_loop(&loop);
}

static void wrong_arguments_are_refused(void **state)
{
    uv_loop_t loop;
    struct bed_udp a;
    struct lp_addr v6 = bed_addr("::1", 9);
    struct lp_addr v4 = bed_addr("127.0.0.1", 9);
    const uint8_t byte = 0;

    (void)state;
    uv_loop_init(&loop);
    bed_udp_open(&loop, &a, "127.0.0.1", false);
    assert_int_equal(lp_udp_send(a.udp, NULL, &v6, 0, &byte, 1, 1), LP_ERR_INVALID);
    assert_int_equal(lp_udp_send(a.udp, &v6, &v4, 0, &byte, 1, 1), LP_ERR_INVALID);
    assert_int_equal(lp_udp_send(a.udp, NULL, &v4, 0, &byte, 0, 1), LP_ERR_INVALID);
    assert_int_equal(lp_udp_send(a.udp, NULL, &v4, 0, &byte, 1, 0), LP_ERR_INVALID);
    lp_udp_close(a.udp);
    bed_close_loop(&loop);
}

static void opening_says_why_not(void **state)
{
    uv_loop_t loop;
    struct bed_udp a;
    struct lp_udp *udp = NULL;
    struct lp_udp_options options;
    char why[LP_WHY_LEN];
    char port[32];

    (void)state;
    uv_loop_init(&loop);
    bed_udp_open(&loop, &a, "127.0.0.1", false);
    options = (struct lp_udp_options){.bind = bed_udp_addr(&a)};
    assert_int_equal(lp_udp_open(&loop, &options, bed_udp_on_ready, NULL, &udp, why),
                     LP_ERR_BUSY);
    snprintf(port, sizeof(port), "UDP port %u", options.bind.port);
    assert_non_null(strstr(why, port));
    assert_non_null(strstr(why, "choose another port"));
    if (!bed_is_wine()) {
        options.bind = bed_addr("192.0.2.77", 0);
        assert_int_equal(lp_udp_open(&loop, &options, bed_udp_on_ready, NULL, &udp, why),
                         LP_ERR_NOTFOUND);
        assert_non_null(strstr(why, "192.0.2.77"));
    }
    memset(&options, 0, sizeof(options));
    assert_int_equal(lp_udp_open(&loop, &options, bed_udp_on_ready, NULL, &udp, why),
                     LP_ERR_INVALID);
    assert_null(udp);
    lp_udp_close(a.udp);
    lp_udp_close(NULL);
    bed_close_loop(&loop);
}

static void an_ipv6_socket_leaves_ipv4_alone(void **state)
{
    uv_loop_t loop;
    struct bed_udp a, b;
    struct lp_udp_options options;
    char why[LP_WHY_LEN];

    (void)state;
    uv_loop_init(&loop);
    bed_udp_open(&loop, &a, "::", false);
    options = (struct lp_udp_options){.bind = bed_addr("0.0.0.0", bed_udp_addr(&a).port)};
    assert_int_equal(lp_udp_open(&loop, &options, bed_udp_on_ready, &b, &b.udp, why), 0);
    lp_udp_close(a.udp);
    lp_udp_close(b.udp);
    bed_close_loop(&loop);
}

static bool is_closed(void *user)
{
    return ((struct bed_udp *)user)->udp == NULL;
}

static void closing_inside_the_callback(void **state)
{
    uv_loop_t loop;
    struct bed_udp a, b;
    struct lp_addr to;

    (void)state;
    uv_loop_init(&loop);
    bed_udp_open(&loop, &a, "127.0.0.1", false);
    bed_udp_open(&loop, &b, "127.0.0.1", false);
    to = bed_udp_addr(&b);
    b.close_in_callback = true;
    assert_int_equal(lp_udp_send(a.udp, NULL, &to, 0, (const uint8_t *)"x", 1, 1), 0);
    assert_true(bed_wait(&loop, is_closed, &b, BED_DEADLINE_MS));
    lp_udp_close(a.udp);
    bed_close_loop(&loop);
}

static void clocks_and_randomness(void **state)
{
    uint64_t before = lp_clock_now_ns();
    uint8_t a[64] = {0}, b[64] = {0};

    (void)state;
    assert_true(lp_clock_now_ns() >= before);
    assert_true(lp_clock_unix_s() > 1600000000);
    lp_random_bytes(a, sizeof(a));
    lp_random_bytes(b, sizeof(b));
    assert_memory_not_equal(a, b, sizeof(a));
}

struct due {
    uint64_t at_ns;
    unsigned count;
};

static void on_due(void *user)
{
    struct due *due = user;

    due->at_ns = lp_clock_now_ns();
    due->count++;
}

static bool is_due(void *user)
{
    return ((struct due *)user)->count > 0;
}

static void a_timer_is_due_once_and_not_early(void **state)
{
    static const uint64_t delays_ns[] = {0, 200 * LP_NS_PER_US, 20 * LP_NS_PER_MS};
    struct lp_timer *timer;
    uv_loop_t loop;

    (void)state;
    uv_loop_init(&loop);
    for (int i = 0; i < 3; i++) {
        struct due due = {.count = 0};
        uint64_t deadline_ns = lp_clock_now_ns() + delays_ns[i];

        assert_int_equal(lp_timer_open(&loop, on_due, &due, &timer), 0);
        lp_timer_set(timer, lp_clock_now_ns() + LP_NS_PER_S * 3600);
        lp_timer_set(timer, deadline_ns);
        assert_true(bed_wait(&loop, is_due, &due, BED_DEADLINE_MS));
        assert_true(due.at_ns >= deadline_ns);
        assert_false(bed_wait(&loop, is_due, (due.count = 0, &due), 5));
        lp_timer_set(timer, 0);
        assert_true(bed_wait(&loop, is_due, &due, BED_DEADLINE_MS));
        due.count = 0;
        lp_timer_set(timer, lp_clock_now_ns() + LP_NS_PER_MS);
        lp_timer_set(timer, LP_TIME_NEVER);
        assert_false(bed_wait(&loop, is_due, &due, 5));
        lp_timer_close(timer);
        uv_run(&loop, UV_RUN_NOWAIT);
    }
    lp_timer_close(NULL);
    bed_close_loop(&loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segments_cross),
        cmocka_unit_test(segments_cross_without_offload),
        cmocka_unit_test(long_runs_are_cut),
        cmocka_unit_test(ecn_travels),
        cmocka_unit_test(a_giant_is_dropped),
        cmocka_unit_test(wrong_arguments_are_refused),
        cmocka_unit_test(opening_says_why_not),
        cmocka_unit_test(an_ipv6_socket_leaves_ipv4_alone),
        cmocka_unit_test(closing_inside_the_callback),
        cmocka_unit_test(clocks_and_randomness),
        cmocka_unit_test(a_timer_is_due_once_and_not_early),
    };

#ifndef _WIN32
    if (!bed_enter())
        return 0;
#endif
    return cmocka_run_group_tests(tests, NULL, NULL);
}
