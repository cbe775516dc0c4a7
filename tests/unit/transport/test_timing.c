/* When an end asks how long its way is, and when it answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "net.h"

#define MS LP_NS_PER_MS

static int set_up(void **state)
{
    struct net *net = net_new();

    net_make_tls(net);
    net->client.timed = net->server.timed = true;
    net_open_server(net);
    net_open_client(net);
    net_handshake(net);
    net_run(net, 10 * LP_NS_PER_S); /* DPLPMTUD is not idle */
    *state = net;
    return 0;
}

static int tear_down(void **state)
{
    net_free(*state);
    return 0;
}

static bool one_way(const struct net_side *side)
{
    struct lp_quic_conn_info info;

    lp_quic_conn_info(side->conn, &info);
    return info.one_way;
}

/* 400 datagrams of a download: one question for 16000 octets, or about 11 of them. */
static void test_bulk_asks_and_is_answered(void **state)
{
    struct net *net = *state;

    net->client.asked = net->server.answered = 0;
    for (unsigned i = 0; i < 400; i++) {
        net_push(&net->client, 1100);
        lp_quic_wake(net->client.conn);
        net_run(net, MS / 2);
    }
    net_run(net, 100 * MS);
    assert_int_equal(net->server.datagrams, 400);
    assert_in_range(net->client.asked, 20, 45);
    assert_in_range(net->server.answered, net->client.asked - 2, net->client.asked);
    assert_true(one_way(&net->client));
}

static void test_idle_asks_nothing(void **state)
{
    struct net *net = *state;
    unsigned asked = net->client.asked + net->server.asked;

    net_run(net, 60 * LP_NS_PER_S);
    assert_int_equal(net->client.closed, 0);
    assert_int_equal(net->client.asked + net->server.asked, asked);
}

/* However many come in a turn, there is one answer: no lever for whoever asks. */
static void test_a_flood_of_questions_has_one_answer(void **state)
{
    struct net *net = *state;
    unsigned answered = net->server.answered;

    for (unsigned i = 0; i < 1000; i++) {
        struct lp_timing timing = {.asks = true, .stamp_us = i};

        lp_quic_timing(net->server.conn, &timing, net->now_ns);
    }
    net_run(net, 100 * MS);
    assert_int_equal(net->server.answered, answered + 1);
}

/* An answer is not answered, and what it says does no harm. */
static void test_answers_that_nobody_asked_for(void **state)
{
    struct net *net = *state;
    unsigned said = net->server.asked + net->server.answered;

    for (unsigned i = 0; i < 1000; i++) {
        struct lp_timing timing = {.answers = true, .delay_us = (uint32_t)net_random(net)};

        lp_quic_timing(net->server.conn, &timing, net->now_ns);
    }
    net_run(net, 100 * MS);
    assert_int_equal(net->server.asked + net->server.answered, said);
    net_push(&net->server, 1000);
    lp_quic_wake(net->server.conn);
    net_run(net, 100 * MS);
    assert_int_equal(net->client.datagrams, 1);
}

static void test_an_old_peer_is_not_asked(void **state)
{
    struct net *net = *state;

    net->client.timed = net->server.timed = false;
    for (unsigned i = 0; i < 200; i++) {
        net_push(&net->client, 1100);
        lp_quic_wake(net->client.conn);
        net_run(net, MS);
    }
    net_run(net, LP_NS_PER_S);
    assert_int_equal(net->server.datagrams, 200);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_bulk_asks_and_is_answered),
        TEST(test_idle_asks_nothing),
        TEST(test_a_flood_of_questions_has_one_answer),
        TEST(test_answers_that_nobody_asked_for),
        TEST(test_an_old_peer_is_not_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
