/* What a relay says, in any order and with any intent, to a node without a network. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/wire.h"
#include "node/internal.h"

#define T0   (1000 * LP_NS_PER_S)
#define ROOM 9
#define SELF 20

struct bed {
    struct lp_tls *tls;
    struct lp_node *node;
    unsigned gateway_changes, peers_left, lost, written;
    uint32_t gateway;
    uint32_t random;
};

static void fill_random(void *user, void *bytes, size_t len)
{
    struct bed *bed = user;

    for (size_t i = 0; i < len; i++)
        ((uint8_t *)bytes)[i] = (uint8_t)(bed->random++ * 31);
}

static int transmit(void *user, const struct lp_quic_tx *tx)
{
    (void)user;
    (void)tx;
    return 0;
}

static int write_frame(void *user, const uint8_t *frame, size_t len)
{
    (void)frame;
    (void)len;
    ((struct bed *)user)->written++;
    return 0;
}

static void on_event(void *user, const struct lp_node_event *event)
{
    struct bed *bed = user;

    bed->peers_left += event->kind == LP_NODE_EVENT_PEER_LEFT;
    bed->lost += event->kind == LP_NODE_EVENT_LOST;
    if (event->kind != LP_NODE_EVENT_GATEWAY_CHANGED)
        return;
    bed->gateway_changes++;
    bed->gateway = event->gateway_peer_id;
}

static struct lp_mac mac_of(uint32_t number)
{
    return (struct lp_mac){{0x02, 0, 0, 0, 0, (uint8_t)number}};
}

/* A node that waits for its welcome. */
static struct bed *bed_new(enum lp_role role)
{
    struct bed *bed = calloc(1, sizeof(*bed));
    struct lp_tls_client_config tls = {.trust = LP_TLS_TRUST_PIN, .server_name = "relay"};
    struct lp_node_config config;
    char why[LP_TLS_WHY_LEN];

    assert_non_null(bed);
    assert_int_equal(lp_tls_client_new(&tls, &bed->tls, why), 0);
    lp_node_config_defaults(&config);
    config.role = role;
    snprintf(config.room, sizeof(config.room), "ABCD");
    config.mac = mac_of(SELF);
    config.tls = bed->tls;
    assert_int_equal(lp_addr_parse_ip("192.0.2.1", 443, &config.relay), 0);
    config.edge = (struct lp_edge){.write = write_frame, .user = bed};
    config.random = fill_random;
    config.transmit = transmit;
    config.event = on_event;
    config.user = bed;
    assert_int_equal(lp_node_new(&config, &bed->node), 0);
    lp_node_start(bed->node, T0);
    assert_int_equal(bed->node->state, LP_NODE_CONNECTING);
    return bed;
}

static void bed_free(struct bed *bed)
{
    lp_node_free(bed->node);
    lp_tls_free(bed->tls);
    free(bed);
}

static void say(struct bed *bed, const struct lp_control *message, uint64_t now_ns)
{
    uint8_t frame[4096];
    int len = lp_control_encode(message, frame, sizeof(frame));

    assert_true(len > 0);
    lp_node_on_control(bed->node, message->type == LP_CONTROL_WELCOME,
                       frame + LP_CONTROL_PREFIX_LEN, (size_t)len - LP_CONTROL_PREFIX_LEN,
                       now_ns);
}

static void say_welcome(struct bed *bed, uint32_t gateway_peer_id, uint64_t now_ns)
{
    struct lp_control message = {.type = LP_CONTROL_WELCOME,
                                 .welcome = {.peer_id = SELF,
                                             .room_id = ROOM,
                                             .mtu = 1380,
                                             .gateway_connected = gateway_peer_id != 0,
                                             .gateway_peer_id = gateway_peer_id,
                                             .mode = "relay"}};

    say(bed, &message, now_ns);
    assert_int_equal(bed->node->state, LP_NODE_JOINED);
}

static void say_joined(struct bed *bed, uint32_t peer_id, uint64_t seq, enum lp_role role)
{
    struct lp_control message = {.type = LP_CONTROL_PEER_JOINED,
                                 .peer_joined = {.peer_id = peer_id, .seq = seq, .role = role}};

    message.peer_joined.has_mac = role == LP_ROLE_CLIENT;
    message.peer_joined.mac = mac_of(peer_id);
    say(bed, &message, T0);
}

static void say_left(struct bed *bed, uint32_t peer_id, uint64_t seq)
{
    struct lp_control message = {
        .type = LP_CONTROL_PEER_LEFT,
        .peer_left = {.peer_id = peer_id, .seq = seq, .reason = LP_LEAVE_NORMAL}};

    say(bed, &message, T0);
}

/* A short frame of nobody's protocol from the tunnel. */
static void send_down(struct bed *bed, uint32_t origin, const struct lp_mac *src)
{
    uint8_t datagram[LP_OVERLAY_HEADER_LEN + 60] = {0};
    uint8_t *frame = datagram + LP_OVERLAY_HEADER_LEN;
    struct lp_overlay overlay = {.type = LP_OVERLAY_FRAME, .room_id = ROOM, .peer_id = origin};

    assert_int_equal(lp_overlay_encode(&overlay, 0, datagram, sizeof(datagram)),
                     LP_OVERLAY_HEADER_LEN);
    memset(frame, 0xff, LP_MAC_LEN);
    memcpy(frame + LP_MAC_LEN, src->octet, LP_MAC_LEN);
    lp_store_be16(frame + 2 * LP_MAC_LEN, LP_ETHERTYPE_LOCAL_EXP1);
    lp_node_on_datagram(bed->node, datagram, sizeof(datagram), T0);
}

/* ---- the gateway of a room
 * ----------------------------------------------------------------------- */

static void test_gateway_that_is_heard_of_before_the_welcome(void **state)
{
    struct bed *bed = bed_new(LP_ROLE_CLIENT);

    (void)state;
    say_joined(bed, 3, 5, LP_ROLE_GATEWAY);
    assert_int_equal(bed->gateway_changes, 0);
    say_welcome(bed, 0, T0); /* written before that gateway came */
    assert_int_equal(bed->gateway_changes, 1);
    assert_int_equal(bed->gateway, 3);
    bed_free(bed);
}

static void test_gateway_that_left_before_the_welcome(void **state)
{
    struct bed *bed = bed_new(LP_ROLE_CLIENT);

    (void)state;
    say_left(bed, 3, 5);
    say_welcome(bed, 3, T0);
    assert_int_equal(bed->gateway_changes, 0);
    say_joined(bed, 3, 4, LP_ROLE_GATEWAY); /* the catch-up, late */
    assert_int_equal(bed->gateway_changes, 0);
    assert_int_equal(bed->node->gateway_peer_id, 0);
    bed_free(bed);
}

static void test_gateway_that_leaves_before_its_catch_up(void **state)
{
    struct bed *bed = bed_new(LP_ROLE_CLIENT);

    (void)state;
    say_welcome(bed, 3, T0);
    assert_int_equal(bed->gateway_changes, 1);
    say_left(bed, 3, 5);
    assert_int_equal(bed->gateway_changes, 2);
    assert_int_equal(bed->gateway, 0);
    say_joined(bed, 3, 4, LP_ROLE_GATEWAY);
    assert_int_equal(bed->gateway_changes, 2);
    bed_free(bed);
}

static void test_gateway_is_told_once(void **state)
{
    struct bed *bed = bed_new(LP_ROLE_CLIENT);

    (void)state;
    say_welcome(bed, 3, T0);
    say_joined(bed, 3, 4, LP_ROLE_GATEWAY);
    say_left(bed, 8, 6); /* somebody else */
    assert_int_equal(bed->gateway_changes, 1);
    say_left(bed, 3, 7);
    assert_int_equal(bed->gateway_changes, 2);
    assert_int_equal(bed->gateway, 0);
    bed_free(bed);
}

/* ---- what reaches the LAN
 * ------------------------------------------------------------------------ */

/* Else a relay could speak as the LAN: DHCP servers and routers are judged by the full set. */
static void test_gateway_takes_nothing_from_a_gateway(void **state)
{
    struct bed *bed = bed_new(LP_ROLE_GATEWAY);
    struct lp_mac foreign = {{0x00, 0x11, 0x22, 0x33, 0x44, 0x55}};
    struct lp_mac client = mac_of(7);
    const uint64_t *drops = bed->node->counters.rx_drop;

    (void)state;
    say_welcome(bed, SELF, T0);
    say_joined(bed, 3, 4, LP_ROLE_GATEWAY);
    say_joined(bed, 7, 5, LP_ROLE_CLIENT);
    send_down(bed, 3, &foreign);
    assert_int_equal(bed->written, 0);
    assert_int_equal(drops[LP_DROP_REASON_SOURCE_NOT_AUTHORISED], 1);
    send_down(bed, 7, &client);
    assert_int_equal(bed->written, 1);
    bed_free(bed);
}

static void test_client_takes_the_lan_from_its_gateway(void **state)
{
    struct bed *bed = bed_new(LP_ROLE_CLIENT);
    struct lp_mac foreign = {{0x00, 0x11, 0x22, 0x33, 0x44, 0x55}};

    (void)state;
    say_welcome(bed, 3, T0);
    say_joined(bed, 3, 4, LP_ROLE_GATEWAY);
    send_down(bed, 3, &foreign);
    assert_int_equal(bed->written, 1);
    bed_free(bed);
}

/* ---- losing the connection
 * ----------------------------------------------------------------------- */

static void test_lost_after_a_while_is_tried_at_once(void **state)
{
    struct bed *bed = bed_new(LP_ROLE_CLIENT);
    uint64_t now_ns = T0 + LP_NODE_STABLE_NS;

    (void)state;
    say_welcome(bed, 0, T0);
    lp_node_give_up(bed->node, LP_QUIC_APP_TIMED_OUT, "test", now_ns);
    assert_int_equal(bed->node->state, LP_NODE_BACKING_OFF);
    assert_int_equal(bed->node->backoff_deadline_ns, now_ns);
    bed_free(bed);
}

static void test_thrown_out_at_once_backs_off_more_each_time(void **state)
{
    struct bed *bed = bed_new(LP_ROLE_CLIENT);
    uint64_t now_ns = T0;
    uint64_t waited_ns = 0;

    (void)state;
    bed->node->relay_answers = true;
    for (unsigned i = 0; i < 10; i++) {
        say_welcome(bed, 0, now_ns);
        now_ns += LP_NODE_STABLE_NS - 1;
        lp_node_give_up(bed->node, LP_QUIC_APP_PROTOCOL_ERROR, "test", now_ns);
        assert_int_equal(bed->node->state, LP_NODE_BACKING_OFF);
        waited_ns = bed->node->backoff_deadline_ns - now_ns;
        assert_true(waited_ns >= LP_NODE_BACKOFF_FIRST_NS / 2);
        lp_quic_flush(bed->node->quic, now_ns); /* the old connection's end */
        now_ns = bed->node->backoff_deadline_ns;
        lp_node_on_deadline(bed->node, now_ns);
        assert_int_equal(bed->node->state, LP_NODE_CONNECTING);
    }
    assert_true(waited_ns >= LP_NODE_BACKOFF_MAX_NS / 2);
    assert_true(waited_ns <= LP_NODE_BACKOFF_MAX_NS);
    bed_free(bed);
}

/* In the same seat a new connection's pieces must not meet what a receiver has of the old
 * one's. */
static void test_piece_ids_go_on(void **state)
{
    struct bed *bed = bed_new(LP_ROLE_CLIENT);

    (void)state;
    say_welcome(bed, 0, T0);
    bed->node->sender.cutter.next_piece_id = 77;
    lp_node_give_up(bed->node, LP_QUIC_APP_TIMED_OUT, "test", T0);
    assert_int_equal(bed->node->sender.cutter.next_piece_id, 77);
    bed_free(bed);
}

/* The goodbye waits for a full socket: no deadline may bring the node back to life. */
static void test_stopped_stays_stopped(void **state)
{
    struct bed *bed = bed_new(LP_ROLE_CLIENT);

    (void)state;
    lp_node_stop(bed->node, T0);
    assert_int_equal(bed->node->state, LP_NODE_LEAVING);
    assert_true(lp_node_next_deadline(bed->node) == LP_TIME_NEVER);
    lp_node_on_deadline(bed->node, T0 + 3600 * LP_NS_PER_S);
    assert_int_equal(bed->node->state, LP_NODE_LEAVING);
    lp_node_flush(bed->node, T0 + 3600 * LP_NS_PER_S);
    assert_int_equal(bed->node->state, LP_NODE_IDLE);
    bed_free(bed);
}

static void test_too_many_peers_end_the_connection(void **state)
{
    struct bed *bed = bed_new(LP_ROLE_CLIENT);

    (void)state;
    say_welcome(bed, 0, T0);
    for (uint32_t id = 1; id <= LP_ROOMMAP_PRESENT_MAX; id++)
        say_joined(bed, 1000 + id, id, LP_ROLE_GATEWAY);
    assert_int_equal(bed->lost, 0);
    say_joined(bed, 5000, 5000, LP_ROLE_GATEWAY);
    assert_int_equal(bed->lost, 1);
    assert_int_equal(bed->node->state, LP_NODE_BACKING_OFF);
    bed_free(bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gateway_that_is_heard_of_before_the_welcome),
        cmocka_unit_test(test_gateway_that_left_before_the_welcome),
        cmocka_unit_test(test_gateway_that_leaves_before_its_catch_up),
        cmocka_unit_test(test_gateway_is_told_once),
        cmocka_unit_test(test_gateway_takes_nothing_from_a_gateway),
        cmocka_unit_test(test_client_takes_the_lan_from_its_gateway),
        cmocka_unit_test(test_lost_after_a_while_is_tried_at_once),
        cmocka_unit_test(test_thrown_out_at_once_backs_off_more_each_time),
        cmocka_unit_test(test_piece_ids_go_on),
        cmocka_unit_test(test_stopped_stays_stopped),
        cmocka_unit_test(test_too_many_peers_end_the_connection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
