/* Connections that break the rules, what a leaving peer's reason is, and what the relay tells.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "party.h"
#include "relay/session.h"

#define HELLO                                                                                  \
    "{\"type\":\"hello\",\"version\":1,\"role\":\"client\",\"room\":\"ABCD\","                 \
    "\"mac\":\"02:00:00:00:00:99\",\"datagram_budget\":1440,\"capabilities\":[]}"

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

static void join_stranger(struct party *party)
{
    party_connect_stranger(party);
    party_say(party, true, HELLO, 0);
    assert_int_equal(party->stranger.answers, 1);
    assert_false(party->stranger.closed);
}

static void assert_closed(const struct party *party, enum lp_quic_app_code code)
{
    assert_true(party->stranger.closed);
    assert_int_equal(party->stranger.close.kind, LP_QUIC_CLOSE_PEER);
    assert_int_equal(party->stranger.close.app_code, code);
}

/* ---- hello
 * --------------------------------------------------------------------------------------- */

/* Exactly, though the housekeeping looks once a second only. */
static void test_hello_must_come_within_5_s(void **state)
{
    struct party *party = *state;
    uint64_t connected_ns;

    party_join(party, 0, "ABCD"); /* somebody for whom the housekeeping runs already */
    party_run(party, 370 * LP_NS_PER_MS);
    connected_ns = party->now_ns;
    party_connect_stranger(party);
    party_run(party, 4900 * LP_NS_PER_MS);
    assert_false(party->stranger.closed);
    party_run(party, LP_NS_PER_S);
    assert_closed(party, LP_QUIC_APP_PROTOCOL_ERROR);
    assert_true(party->stranger.closed_ns - connected_ns >= LP_RELAY_HELLO_TIMEOUT_NS);
    assert_true(party->stranger.closed_ns - connected_ns <
                LP_RELAY_HELLO_TIMEOUT_NS + 50 * LP_NS_PER_MS);
}

static void test_hello_with_a_wrong_field_is_rejected(void **state)
{
    struct party *party = *state;

    party_connect_stranger(party);
    party_say(party, true, "{\"type\":\"hello\",\"version\":2}", 0);
    assert_int_equal(party->stranger.answers, 1);
    assert_closed(party, LP_QUIC_APP_REJECTED);
}

static void test_what_is_no_hello_is_a_protocol_error(void **state)
{
    static const char *const bodies[] = {
        "[]",
        "{\"type\":\"kick\"}",
        "{\"type\":\"disconnect\",\"reason\":\"normal\"}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        struct party *party = party_new();

        party_connect_stranger(party);
        party_say(party, true, bodies[i], 0);
        assert_int_equal(party->stranger.answers, 0);
        assert_closed(party, LP_QUIC_APP_PROTOCOL_ERROR);
        party_free(party);
    }
}

static void test_message_before_hello(void **state)
{
    struct party *party = *state;

    party_connect_stranger(party);
    party_say(party, false, "{\"type\":\"disconnect\",\"reason\":\"normal\"}", 0);
    assert_closed(party, LP_QUIC_APP_PROTOCOL_ERROR);
}

/* ---- leaving
 * ------------------------------------------------------------------------------------- */

static void test_reason_of_a_goodbye(void **state)
{
    struct party *party = *state;

    join_stranger(party);
    party_say(party, false, "{\"type\":\"disconnect\",\"reason\":\"shutdown\"}", 0);
    assert_closed(party, LP_QUIC_APP_NORMAL);
    assert_int_equal(party->left, 1);
    assert_int_equal(party->left_reason, LP_LEAVE_SHUTDOWN);
}

static void test_reason_of_a_message_that_peers_do_not_send(void **state)
{
    struct party *party = *state;

    join_stranger(party);
    party_say(party, false,
              "{\"type\":\"peer_left\",\"peer_id\":1,\"seq\":1,\"reason\":\"normal\"}", 0);
    assert_closed(party, LP_QUIC_APP_PROTOCOL_ERROR);
    assert_int_equal(party->left, 1);
    assert_int_equal(party->left_reason, LP_LEAVE_PROTOCOL_ERROR);
}

/* The transport finds this one, before any message is there. */
static void test_reason_of_a_frame_that_is_cut_short(void **state)
{
    struct party *party = *state;

    join_stranger(party);
    party_say(party, false, "{}", 100);
    assert_closed(party, LP_QUIC_APP_PROTOCOL_ERROR);
    assert_int_equal(party->left, 1);
    assert_int_equal(party->left_reason, LP_LEAVE_PROTOCOL_ERROR);
}

static void test_reason_of_a_shutdown(void **state)
{
    struct party *party = *state;

    join_stranger(party);
    lp_relay_shutdown(party->relay, party->now_ns);
    party_run(party, 50 * LP_NS_PER_MS);
    assert_closed(party, LP_QUIC_APP_SHUTDOWN);
    assert_int_equal(party->left, 1);
    assert_int_equal(party->left_reason, LP_LEAVE_SHUTDOWN);
}

/* Two machines with a copy of one identity: each puts the other out, but not in a storm. */
static void test_copies_of_one_identity_do_not_storm(void **state)
{
    struct party *party = *state;
    struct lp_node_config copy = party_config(party, 1, "ABCD");
    unsigned joined;

    party_join(party, 0, "ABCD");
    copy.mac = party->node[0].mac;
    copy.has_seat_secret = true;
    memcpy(copy.seat_secret, party_view(party, 0).seat_secret, LP_SEAT_SECRET_LEN);
    party_start(party, 1, &copy);
    party_run(party, 10 * LP_NS_PER_S); /* until they have backed off */
    joined = party->node[0].joined + party->node[1].joined;
    party_run(party, 60 * LP_NS_PER_S);
    joined = party->node[0].joined + party->node[1].joined - joined;
    assert_in_range(joined, 1, 120);
    assert_int_equal(lp_relay_peer_count(party->relay), 1);
}

/* ---- what is told
 * -------------------------------------------------------------------------------- */

static void test_limits_are_told_to_whom_they_hold(void **state)
{
    struct party *party = *state;
    struct lp_node_config gateway = party_config(party, 1, "ABCD");
    struct lp_limits limits;

    gateway.role = LP_ROLE_GATEWAY;
    party_join(party, 0, "ABCD");
    party_start(party, 1, &gateway);
    limits = party_view(party, 0).limits;
    assert_int_equal(limits.rate_bytes, LP_RELAY_CLIENT_RATE_BYTES);
    assert_int_equal(limits.burst_bytes, LP_RELAY_CLIENT_BURST_BYTES);
    assert_int_equal(limits.broadcast_rate_frames, LP_RELAY_BROADCAST_RATE);
    assert_int_equal(limits.broadcast_burst_frames, LP_RELAY_BROADCAST_BURST);
    assert_int_equal(limits.unknown_rate_frames, LP_RELAY_UNKNOWN_RATE);
    assert_int_equal(limits.unknown_burst_frames, LP_RELAY_UNKNOWN_BURST);
    limits = party_view(party, 1).limits;
    assert_int_equal(limits.rate_bytes, 0);
    assert_int_equal(limits.broadcast_rate_frames, 0);
    assert_int_equal(limits.unknown_rate_frames, 0);
}

struct kept {
    unsigned peers, with_stats;
    uint64_t rtt_us;
};

static void look_at_stats(void *user, const struct lp_relay_peer_view *peer)
{
    struct kept *kept = user;

    kept->peers++;
    if (peer->stats == NULL)
        return;
    kept->with_stats++;
    kept->rtt_us = peer->stats->rtt_us;
}

static void test_latest_stats_are_kept(void **state)
{
    struct party *party = *state;
    struct kept kept = {0};

    join_stranger(party);
    lp_relay_each_peer(party->relay, look_at_stats, &kept);
    assert_int_equal(kept.peers, 1);
    assert_int_equal(kept.with_stats, 0);
    party_say(party, false, "{\"type\":\"stats\",\"rtt_us\":7,\"counters\":{}}", 0);
    party_say(party, false, "{\"type\":\"stats\",\"rtt_us\":8,\"counters\":{}}", 0);
    lp_relay_each_peer(party->relay, look_at_stats, &kept);
    assert_int_equal(kept.with_stats, 1);
    assert_int_equal(kept.rtt_us, 8);
}

/* Each is parsed and logged: a peer must not fill the operator's disk with them. */
static void test_flood_of_messages_is_a_protocol_error(void **state)
{
    struct party *party = *state;
    unsigned sent = 0;

    join_stranger(party);
    while (!party->stranger.closed && sent < 2 * LP_RELAY_CONTROL_BURST) {
        party_say(party, false, "{\"type\":\"stats\",\"rtt_us\":7,\"counters\":{}}", 0);
        sent++;
    }
    assert_in_range(sent, LP_RELAY_CONTROL_BURST + 1, LP_RELAY_CONTROL_BURST + 2);
    assert_closed(party, LP_QUIC_APP_PROTOCOL_ERROR);
    assert_int_equal(party->left_reason, LP_LEAVE_PROTOCOL_ERROR);
}

static uint64_t rx(const struct lp_session *session, enum lp_counter which)
{
    return session->counters.value[which];
}

/* What is as it should be is answered and counted nowhere; what is not is a malformed datagram. */
static void test_timing_is_no_frame(void **state)
{
    struct lp_timing asks = {.asks = true, .stamp_us = 5};
    struct party *party = *state;
    struct lp_session *session;
    uint8_t bytes[LP_TIMING_LEN];
    uint64_t datagrams;
    int len;

    party_join(party, 0, "ABCD");
    session = party->relay->sessions;
    datagrams = rx(session, LP_COUNTER_RX_DATAGRAMS);
    len = lp_timing_encode(&asks, session->room->room.id, session->member.peer_id, bytes,
                           sizeof(bytes));
    lp_session_on_datagram(session, bytes, (size_t)len, party->now_ns);
    assert_int_equal(rx(session, LP_COUNTER_RX_DATAGRAMS), datagrams);
    bytes[11] ^= 1; /* somebody else's */
    lp_session_on_datagram(session, bytes, (size_t)len, party->now_ns);
    assert_int_equal(rx(session, LP_COUNTER_RX_DATAGRAMS), datagrams + 1);
    assert_int_equal(rx(session, LP_COUNTER_RX_MALFORMED), 1);
    assert_int_equal(session->counters.rx_drop[LP_DROP_REASON_BAD_OVERLAY], 1);
}

/* A hundred frames a second for a while: both ends of each connection know their ways, if both
 * can. */
static void test_ways_are_measured_between_those_who_can(void **state)
{
    struct party *party = *state;
    struct lp_node_config old = party_config(party, 1, "ABCD");

    old.capabilities &= ~(uint32_t)LP_CAP_TIMING;
    party_join(party, 0, "ABCD");
    party_start(party, 1, &old);
    for (unsigned i = 0; i < 200; i++) {
        party_send(party, 0, &party->node[0].mac, &party->node[1].mac, 500);
        party_send(party, 1, &party->node[1].mac, &party->node[0].mac, 500);
    }
    assert_int_equal(party->node[0].frames, 200);
    assert_int_equal(party->node[1].frames, 200);
    assert_true(party_view(party, 0).quic.one_way);
    assert_false(party_view(party, 1).quic.one_way);
    for (const struct lp_session *session = party->relay->sessions; session != NULL;
         session = session->next) {
        struct lp_quic_conn_info info;

        lp_quic_conn_info(session->conn, &info);
        assert_int_equal(info.one_way, session->has_timing);
        assert_int_equal(rx(session, LP_COUNTER_RX_MALFORMED), 0);
    }
}

static void test_frame_log_has_a_line_for_each_frame(void **state)
{
    struct party *party = *state;

    party_join(party, 0, "ABCD");
    party_join(party, 1, "ABCD");
    party_send(party, 0, &party->node[0].mac, &party->node[1].mac, 1514);
    assert_int_equal(party_view(party, 0).counters->value[LP_COUNTER_TX_CUT], 1);
    assert_int_equal(party->node[1].frames, 1);
    assert_int_equal(party->frame_lines, 1);
    party_send(party, 0, &party->node[0].mac, &party->node[1].mac, 100);
    assert_int_equal(party->frame_lines, 2);
}

/* ---- many of one address
 * ----------------------------------------------------------------------------------- */

static void connect_more(struct party *party, unsigned count)
{
    static const struct lp_addr any = {.family = LP_ADDR_NONE};

    for (unsigned i = 0; i < count; i++)
        assert_int_equal(lp_quic_connect(party->stranger.quic, &any, &party->relay_addr,
                                         &party->stranger.conn, party->now_ns),
                         0);
    party_run(party, 100 * LP_NS_PER_MS);
}

/* Who does not say hello gets no more than its share, and is told of once a second. */
static void test_one_address_cannot_take_every_connection(void **state)
{
    struct party *party = *state;

    party_connect_stranger(party);
    connect_more(party, LP_RELAY_MAX_JOINING_DEFAULT - 1);
    assert_false(party->stranger.closed);
    assert_int_equal(party->refused_events, 0);
    connect_more(party, 5);
    assert_true(party->stranger.closed);
    assert_string_equal(party->stranger.close.reason,
                        "peer closed: CONNECTION_REFUSED: too many connections from this "
                        "address");
    assert_int_equal(party->refused_events, 1);
    assert_int_equal(party->refused, 5);
    assert_true(lp_addr_equal(&party->refused_from, &party->stranger.addr));
    connect_more(party, 4);
    connect_more(party, 3);
    lp_relay_on_deadline(party->relay, party->now_ns); /* as for some connection's timer */
    assert_int_equal(party->refused_events, 1);
    party_join(party, 0, "ABCD"); /* from another address */
    party_run(party, LP_NS_PER_S);
    assert_int_equal(party->refused_events, 2);
    assert_int_equal(party->refused, 12);
    party_run(party, LP_RELAY_HELLO_TIMEOUT_NS);
    party->stranger.closed = false;
    connect_more(party, 1);
    assert_false(party->stranger.closed);
    assert_int_equal(party->refused_events, 2);
}

/* A whole room behind one NAT, after a restart of the relay say. */
static void test_a_party_behind_one_address_joins_at_once(void **state)
{
    struct party *party = *state;
    unsigned joined = 0;

    for (unsigned i = 0; i < PARTY_NODES; i++) {
        struct lp_node_config config = party_config(party, i, "ABCD");

        assert_int_equal(lp_node_new(&config, &party->node[i].node), 0);
        lp_node_start(party->node[i].node, party->now_ns);
    }
    party_run(party, 100 * LP_NS_PER_MS);
    for (unsigned i = 0; i < PARTY_NODES; i++)
        joined += party->node[i].joined;
    assert_int_equal(joined, PARTY_NODES);
    assert_int_equal(lp_relay_peer_count(party->relay), PARTY_NODES);
    assert_int_equal(party->refused_events, 0);
}

/* Peers do not count: a host with many rooms may have them all behind one address. */
static void test_who_has_joined_does_not_count(void **state)
{
    struct party *party = *state;

    for (unsigned i = 0; i < PARTY_NODES; i++)
        party_join(party, i, "ABCD");
    assert_int_equal(lp_addr_parse_ip("198.51.100.7", 50000, &party->stranger.addr), 0);
    party_connect_stranger(party);
    connect_more(party, LP_RELAY_MAX_JOINING_DEFAULT - 1);
    assert_int_equal(party->refused_events, 0);
    connect_more(party, 1);
    assert_int_equal(party->refused_events, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_hello_must_come_within_5_s),
        TEST(test_hello_with_a_wrong_field_is_rejected),
        cmocka_unit_test(test_what_is_no_hello_is_a_protocol_error),
        TEST(test_message_before_hello),
        TEST(test_reason_of_a_goodbye),
        TEST(test_reason_of_a_message_that_peers_do_not_send),
        TEST(test_reason_of_a_frame_that_is_cut_short),
        TEST(test_reason_of_a_shutdown),
        TEST(test_copies_of_one_identity_do_not_storm),
        TEST(test_limits_are_told_to_whom_they_hold),
        TEST(test_latest_stats_are_kept),
        TEST(test_flood_of_messages_is_a_protocol_error),
        TEST(test_timing_is_no_frame),
        TEST(test_ways_are_measured_between_those_who_can),
        TEST(test_frame_log_has_a_line_for_each_frame),
        TEST(test_one_address_cannot_take_every_connection),
        TEST(test_a_party_behind_one_address_joins_at_once),
        TEST(test_who_has_joined_does_not_count),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
