/* How many connections of one source may wait to be admitted. */
#include "net.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "transport/internal.h"

#define S LP_NS_PER_S

static int set_up(void **state)
{
    struct net *net = net_new();

    net_make_tls(net);
    net->retry = true;
    net->max_waiting = 2;
    net_open_server(net);
    net_open_client(net);
    *state = net;
    return 0;
}

static int tear_down(void **state)
{
    net_free(*state);
    return 0;
}

static uint64_t refusals(const struct net *net)
{
    struct lp_quic_refusals refusals;

    lp_quic_refusals(net->server.quic, &refusals);
    return refusals.count;
}

/* Counted from the first packet behind the Retry on, whether the handshake is over or not. */
static void the_third_of_two_is_refused(void **state)
{
    struct net *net = *state;
    struct lp_quic_refusals told;

    net_connect(net);
    net_connect(net);
    net_connect(net);
    net_run(net, S);
    assert_int_equal(net->server.accepted, 2);
    assert_int_equal(net->client.closed, 1);
    assert_int_equal(net->client.info.kind, LP_QUIC_CLOSE_TRANSPORT);
    assert_string_equal(net->client.info.reason,
                        "peer closed: CONNECTION_REFUSED: too many connections from this "
                        "address");
    lp_quic_refusals(net->server.quic, &told);
    assert_int_equal(told.count, 1);
    assert_true(lp_addr_equal(&told.latest, &net->client.seen_as));
    assert_int_equal(net->server.quic->conn_count, 2);
}

static void who_is_admitted_does_not_count(void **state)
{
    struct net *net = *state;

    for (unsigned i = 1; i <= 7; i++) {
        net_connect(net);
        net_run(net, S / 10);
        assert_int_equal(net->server.accepted, i);
        lp_quic_admit(net->server.conn);
        lp_quic_admit(net->server.conn); /* again: nothing */
    }
    assert_int_equal(refusals(net), 0);
    assert_null(net->server.quic->sources);
}

static void the_end_of_a_connection_makes_room(void **state)
{
    struct net *net = *state;

    net_connect(net);
    net_connect(net);
    net_run(net, S / 10);
    lp_quic_close(net->server.conn, LP_QUIC_APP_NORMAL, NULL);
    net_run(net, S / 10);
    net_connect(net);
    net_run(net, S / 10);
    assert_int_equal(net->server.accepted, 3);
    assert_int_equal(refusals(net), 0);
    net_connect(net);
    net_run(net, S / 10);
    assert_int_equal(net->server.accepted, 3);
    assert_int_equal(refusals(net), 1);
    /* handshakes that never end, and what follows them, hold their place for their time only */
    net->client.partitioned = true;
    net_run(net, 20 * S);
    assert_int_equal(net->server.quic->conn_count, 0);
    assert_null(net->server.quic->sources);
}

static void without_a_bound_nothing_is_counted(void **state)
{
    struct net *net = *state;

    net->max_waiting = 0;
    net_open_server(net);
    for (unsigned i = 0; i < 8; i++)
        net_connect(net);
    net_run(net, S);
    assert_int_equal(net->server.accepted, 8);
    assert_int_equal(refusals(net), 0);
    assert_null(net->server.quic->sources);
}

static struct lp_addr addr_of(const char *ip, uint16_t port)
{
    struct lp_addr addr;

    assert_int_equal(lp_addr_parse_ip(ip, port, &addr), 0);
    return addr;
}

/* Two wait from `first`: is `second` of the same source? */
static void source_is_the_address_or_the_64(void **state)
{
    static const struct {
        const char *first, *second;
        bool same;
    } cases[] = {
        {"192.0.2.1", "192.0.2.1", true},
        {"192.0.2.1", "192.0.2.2", false},
        {"2001:db8:1:2::1", "2001:db8:1:2::1", true},
        {"2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true},
        {"2001:db8:1:2::1", "2001:db8:1:3::1", false},
        {"192.0.2.1", "c000:201::", false}, /* the same octets in front */
    };
    struct net *net = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct lp_quic_conn conn[2] = {{.quic = net->server.quic}, {.quic = net->server.quic}};
        struct lp_addr first = addr_of(cases[i].first, 1000);
        struct lp_addr again = addr_of(cases[i].first, 1001); /* behind the same NAT */
        struct lp_addr second = addr_of(cases[i].second, 1002);

        assert_int_equal(lp_quic_source_enter(&conn[0], &first), 0);
        assert_false(lp_quic_source_is_full(net->server.quic, &again));
        assert_int_equal(lp_quic_source_enter(&conn[1], &again), 0);
        assert_true(lp_quic_source_is_full(net->server.quic, &first));
        assert_int_equal(lp_quic_source_is_full(net->server.quic, &second), cases[i].same);
        lp_quic_admit(&conn[0]);
        assert_false(lp_quic_source_is_full(net->server.quic, &second));
        lp_quic_admit(&conn[1]);
        assert_null(net->server.quic->sources);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_third_of_two_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_is_admitted_does_not_count, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_end_of_a_connection_makes_room, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_a_bound_nothing_is_counted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(source_is_the_address_or_the_64, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
