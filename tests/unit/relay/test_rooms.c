/* What the relay promises about rooms, seats and counters, with real nodes at the other ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "party.h"

static const struct lp_mac everybody = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

static int set_up(void **state)
{
    *state = party_new();
    return 0;
}

static int tear_down(void **state)
{
    party_free(*state);
    return 0;
}

static uint64_t counter(const struct party *party, unsigned index, enum lp_counter which)
{
    return party_view(party, index).counters->value[which];
}

static void assert_rejected(const struct party *party, unsigned index, enum lp_reject_code code)
{
    assert_int_equal(party->node[index].rejected, 1);
    assert_int_equal(party->node[index].reject_code, code);
    assert_int_equal(party->node[index].failed, 1);
    assert_int_equal(party_view(party, index).state, LP_NODE_FAILED);
}

/* The sums that counters.h promises, of one end. */
static void assert_adds_up(const struct lp_counters *c, unsigned waiting, size_t queued)
{
    const uint64_t *value = c->value;

    assert_int_equal(value[LP_COUNTER_RX_DATAGRAMS], value[LP_COUNTER_RX_FRAMES] +
                                                         value[LP_COUNTER_RX_PIECES] +
                                                         lp_counters_rx_dropped(c) + waiting);
    assert_int_equal(value[LP_COUNTER_TX_FRAMES],
                     value[LP_COUNTER_TX_SENT] + lp_counters_tx_dropped(c) + queued);
}

static void each_adds_up(void *user, const struct lp_relay_peer_view *peer)
{
    (void)user;
    assert_adds_up(peer->counters, peer->waiting_pieces, peer->queued_frames);
}

static void all_add_up(const struct party *party)
{
    for (unsigned i = 0; i < PARTY_NODES; i++) {
        if (party->node[i].node != NULL) {
            struct lp_node_view view = party_view(party, i);

            assert_adds_up(view.counters, view.waiting_pieces, view.queued_frames);
        }
    }
    lp_relay_each_peer(party->relay, each_adds_up, NULL);
}

/* ---- frames
 * ------------------------------------------------------------------------------------- */

static void test_broadcast_reaches_all_others(void **state)
{
    struct party *party = *state;
    struct lp_node_config gateway = party_config(party, 2, "ABCD");

    gateway.role = LP_ROLE_GATEWAY;
    party_join(party, 0, "ABCD");
    party_join(party, 1, "ABCD");
    party_start(party, 2, &gateway);
    assert_true(party_view(party, 0).gateway_present);
    party_send(party, 0, &party->node[0].mac, &everybody, 100);
    assert_int_equal(party->node[0].frames, 0);
    assert_int_equal(party->node[1].frames, 1);
    assert_int_equal(party->node[1].last_len, 100);
    assert_int_equal(party->node[2].frames, 1);
    all_add_up(party);
}

static void test_largest_frame_arrives(void **state)
{
    struct party *party = *state;

    party_join(party, 0, "ABCD");
    party_join(party, 1, "ABCD");
    party_send(party, 0, &party->node[0].mac, &party->node[1].mac, 1514);
    assert_int_equal(party->node[1].frames, 1);
    assert_int_equal(party->node[1].last_len, 1514);
    assert_memory_equal(party->node[1].last, party->node[1].mac.octet, LP_MAC_LEN);
    all_add_up(party);
}

static void test_rooms_are_apart(void **state)
{
    struct party *party = *state;

    party_join(party, 0, "ONE");
    party_join(party, 1, "ONE");
    party_join(party, 2, "TWO");
    party_join(party, 3, "TWO");
    assert_int_equal(lp_relay_room_count(party->relay), 2);
    party_send(party, 2, &party->node[2].mac, &party->node[3].mac, 100);
    party_send(party, 3, &party->node[3].mac, &everybody, 100);
    assert_int_equal(party->node[3].frames, 1);
    assert_int_equal(party->node[2].frames, 1);
    /* not even as something to be dropped there */
    assert_int_equal(counter(party, 0, LP_COUNTER_RX_DATAGRAMS), 0);
    assert_int_equal(counter(party, 1, LP_COUNTER_RX_DATAGRAMS), 0);
    all_add_up(party);
}

static void test_what_the_adapter_refuses_is_counted(void **state)
{
    struct party *party = *state;
    const struct lp_counters *counters;

    party_join(party, 0, "ABCD");
    party_join(party, 1, "ABCD");
    counters = party_view(party, 1).counters;
    party->node[1].write_result = LP_ERR_IO;
    party_send(party, 0, &party->node[0].mac, &party->node[1].mac, 100);
    assert_int_equal(counters->rx_drop[LP_DROP_REASON_EDGE_ERROR], 1);
    party->node[1].write_result = LP_ERR_AGAIN;
    party_send(party, 0, &party->node[0].mac, &party->node[1].mac, 100);
    assert_int_equal(counters->rx_drop[LP_DROP_REASON_EDGE_FULL], 1);
    all_add_up(party);
}

/* ---- seats
 * -------------------------------------------------------------------------------------- */

static void test_duplicate_mac_is_rejected(void **state)
{
    struct party *party = *state;
    struct lp_node_config thief = party_config(party, 2, "ABCD");

    party_join(party, 0, "ABCD");
    party_join(party, 1, "ABCD");
    thief.mac = party->node[0].mac;
    party_start(party, 2, &thief);
    assert_rejected(party, 2, LP_REJECT_DUPLICATE_MAC);
    assert_int_equal(party_view(party, 0).state, LP_NODE_JOINED);
    assert_int_equal(party->node[1].peers_left, 0);
}

static void test_wrong_secret_does_not_take_the_seat(void **state)
{
    struct party *party = *state;
    struct lp_node_config thief = party_config(party, 2, "ABCD");
    struct lp_node_view owner;

    party_join(party, 0, "ABCD");
    owner = party_view(party, 0);
    assert_true(owner.has_seat_secret);
    thief.mac = party->node[0].mac;
    thief.has_seat_secret = true;
    memcpy(thief.seat_secret, owner.seat_secret, LP_SEAT_SECRET_LEN);
    thief.seat_secret[LP_SEAT_SECRET_LEN - 1] ^= 1;
    party_start(party, 2, &thief);
    assert_rejected(party, 2, LP_REJECT_DUPLICATE_MAC);
    assert_int_equal(party_view(party, 0).state, LP_NODE_JOINED);
}

static void test_owner_takes_the_seat_over(void **state)
{
    struct party *party = *state;
    struct lp_node_config again = party_config(party, 2, "ABCD");
    struct lp_node_view before;

    party_join(party, 0, "ABCD");
    party_join(party, 1, "ABCD");
    before = party_view(party, 0);
    again.mac = party->node[0].mac;
    again.has_seat_secret = true;
    memcpy(again.seat_secret, before.seat_secret, LP_SEAT_SECRET_LEN);
    lp_node_free(party->node[0].node); /* as a crash: no goodbye */
    party->node[0].node = NULL;
    party_start(party, 2, &again);
    assert_int_equal(party_view(party, 2).state, LP_NODE_JOINED);
    assert_int_equal(party_view(party, 2).peer_id, before.peer_id);
    assert_int_equal(party->node[1].peers_left, 0);
    assert_int_equal(lp_relay_peer_count(party->relay), 2);
    party_send(party, 1, &party->node[1].mac, &again.mac, 100);
    assert_int_equal(party->node[2].frames, 1);
}

static void test_second_gateway_is_rejected(void **state)
{
    struct party *party = *state;

    for (unsigned i = 0; i < 2; i++) {
        struct lp_node_config config = party_config(party, i, "ABCD");

        config.role = LP_ROLE_GATEWAY;
        party_start(party, i, &config);
    }
    assert_int_equal(party_view(party, 0).state, LP_NODE_JOINED);
    assert_rejected(party, 1, LP_REJECT_GATEWAY_PRESENT);
}

/* A refusal is the end: who was rejected does not come back by itself. */
static void test_rejected_node_stays_away(void **state)
{
    struct party *party = *state;
    struct lp_node_config config = party_config(party, 1, "ABCD");

    party_join(party, 0, "ABCD");
    config.mac = party->node[0].mac;
    party_start(party, 1, &config);
    party_run(party, 30 * LP_NS_PER_S);
    assert_rejected(party, 1, LP_REJECT_DUPLICATE_MAC);
    assert_false(party_view(party, 1).connected);
}

/* ---- MTU
 * ---------------------------------------------------------------------------------------- */

static void mtu_is_1380(void *user, const struct lp_relay_peer_view *peer)
{
    ++*(unsigned *)user;
    assert_int_equal(peer->room_mtu, 1380);
}

static void test_mtu_stays_for_a_later_peer(void **state)
{
    struct party *party = *state;
    struct lp_node_config small = party_config(party, 1, "ABCD");
    unsigned peers = 0;

    party_join(party, 0, "ABCD");
    assert_int_equal(party_view(party, 0).mtu, 1380);
    small.datagram_budget = 700; /* neither whole frames nor a first piece */
    party_start(party, 1, &small);
    assert_rejected(party, 1, LP_REJECT_MTU_UNSUPPORTED);
    party_join(party, 2, "ABCD");
    assert_int_equal(party_view(party, 2).mtu, 1380);
    lp_relay_each_peer(party->relay, mtu_is_1380, &peers);
    assert_int_equal(peers, 2);
}

/* The first peer's ceiling counts; 20 octets of header and 14 of Ethernet are not the packet's.
 */
static void test_first_peer_lowers_the_mtu(void **state)
{
    struct party *party = *state;
    struct lp_node_config small = party_config(party, 0, "ABCD");

    small.datagram_budget = 1034;
    party_start(party, 0, &small);
    assert_int_equal(party_view(party, 0).mtu, 1000);
    party_join(party, 1, "ABCD");
    assert_int_equal(party_view(party, 1).mtu, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_broadcast_reaches_all_others, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_largest_frame_arrives, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rooms_are_apart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_the_adapter_refuses_is_counted, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_duplicate_mac_is_rejected, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_wrong_secret_does_not_take_the_seat, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_owner_takes_the_seat_over, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_second_gateway_is_rejected, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rejected_node_stays_away, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_mtu_stays_for_a_later_peer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_first_peer_lowers_the_mtu, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
