/* A connection with little to say: no packet and no deadline more than is of use. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net.h"

#define MS LP_NS_PER_MS

static int set_up(void **state)
{
    struct net *net = net_new();

    net_make_tls(net);
    net_open_server(net);
    net_open_client(net);
    net->delay_ns = MS / 10;
    net_handshake(net);
    net_run(net, 2 * LP_NS_PER_S); /* path MTU discovery has had its time */
    *state = net;
    return 0;
}

static int tear_down(void **state)
{
    net_free(*state);
    return 0;
}

static void offer(struct net_side *side, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        net_push(side, 100);
    lp_quic_wake(side->conn);
}

static void one_packet_is_acknowledged_by_what_goes_next(void **state)
{
    struct net *net = *state;
    unsigned before = net->server.packets;

    offer(&net->client, 1);
    net_run(net, 2 * MS);
    assert_int_equal(net->server.datagrams, 1);
    assert_int_equal(net->server.packets, before);
    offer(&net->server, 1);
    net_run(net, 10 * MS);
    assert_int_equal(net->server.packets, before + 1);
    assert_int_equal(net->client.acked, 1);
}

static void one_packet_is_not_left_without_an_answer(void **state)
{
    struct net *net = *state;
    unsigned before = net->server.packets;

    offer(&net->client, 1);
    net_run(net, 4 * MS);
    assert_int_equal(net->server.packets, before + 1);
    assert_int_equal(net->client.acked, 1);
}

static void two_packets_are_acknowledged_at_once(void **state)
{
    struct net *net = *state;
    unsigned before = net->server.packets;

    net->client.apart = true; /* two packets */
    offer(&net->client, 2);
    net_run(net, MS / 2);
    assert_int_equal(net->server.datagrams, 2);
    assert_int_equal(net->server.packets, before + 1);
    assert_int_equal(net->client.acked, 2);
}

/* The pacer's deadline is for what waits, and nothing does. */
static void who_has_sent_all_is_not_woken_by_the_pacer(void **state)
{
    struct net *net = *state;

    offer(&net->client, 1);
    net_turn(net);
    assert_int_equal(net->client.sent, 1);
    assert_true(lp_quic_next_deadline(net->client.quic) >= net->now_ns + 3 * MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_packet_is_acknowledged_by_what_goes_next, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(one_packet_is_not_left_without_an_answer, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(two_packets_are_acknowledged_at_once, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(who_has_sent_all_is_not_woken_by_the_pacer, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
