/* Datagrams with numbers, as a relay of any intent may send them: order, copies, and bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/wire.h"
#include "node/internal.h"
#include "proto/fragment.h"
#include "proto/ip.h"

#define T0      (1000 * LP_NS_PER_S)
#define MS      LP_NS_PER_MS
#define ROOM    9
#define SELF    20
#define PLAYER  100 /* and the ids after it */
#define OUT_MAX 8192

struct bed {
    struct lp_tls *tls;
    struct lp_node *node;
    uint16_t out[OUT_MAX]; /* numbers, in the order in which they were written */
    unsigned written;
};

static void fill_random(void *user, void *bytes, size_t len)
{
    (void)user;
    memset(bytes, 7, len);
}

static int transmit(void *user, const struct lp_quic_tx *tx)
{
    (void)user;
    (void)tx;
    return 0;
}

static int write_frame(void *user, const uint8_t *frame, size_t len)
{
    struct bed *bed = user;

    assert_true(len > 42 && bed->written < OUT_MAX);
    bed->out[bed->written++] = lp_load_be16(frame + 40);
    return 0;
}

static struct lp_mac mac_of(uint32_t number)
{
    return (struct lp_mac){{2, 0, 0, 0, 0, (uint8_t)number}};
}

static void say(struct bed *bed, const struct lp_control *message)
{
    uint8_t frame[4096];
    int len = lp_control_encode(message, frame, sizeof(frame));

    assert_true(len > 0);
    lp_node_on_control(bed->node, message->type == LP_CONTROL_WELCOME,
                       frame + LP_CONTROL_PREFIX_LEN, (size_t)len - LP_CONTROL_PREFIX_LEN, T0);
}

static void join(struct bed *bed, unsigned players, uint32_t capabilities)
{
    say(bed, &(struct lp_control){.type = LP_CONTROL_WELCOME,
                                  .welcome = {.peer_id = SELF,
                                              .room_id = ROOM,
                                              .mtu = 1380,
                                              .mode = "relay",
                                              .capabilities = capabilities}});
    assert_int_equal(bed->node->state, LP_NODE_JOINED);
    for (unsigned i = 0; i < players; i++)
        say(bed, &(struct lp_control){.type = LP_CONTROL_PEER_JOINED,
                                      .peer_joined = {.peer_id = PLAYER + i,
                                                      .seq = i + 1,
                                                      .role = LP_ROLE_CLIENT,
                                                      .has_mac = true,
                                                      .mac = mac_of(PLAYER + i)}});
}

/* A client in a room with so many others. */
static struct bed *bed_new(unsigned players, uint32_t capabilities)
{
    struct bed *bed = calloc(1, sizeof(*bed));
    struct lp_tls_client_config tls = {.trust = LP_TLS_TRUST_PIN, .server_name = "relay"};
    struct lp_node_config config;
    char why[LP_TLS_WHY_LEN];

    assert_non_null(bed);
    assert_int_equal(lp_tls_client_new(&tls, &bed->tls, why), 0);
    lp_node_config_defaults(&config);
    config.role = LP_ROLE_CLIENT;
    snprintf(config.room, sizeof(config.room), "ABCD");
    config.mac = mac_of(SELF);
    config.tls = bed->tls;
    assert_int_equal(lp_addr_parse_ip("192.0.2.1", 443, &config.relay), 0);
    config.edge = (struct lp_edge){.write = write_frame, .user = bed};
    config.random = fill_random;
    config.transmit = transmit;
    config.user = bed;
    assert_int_equal(lp_node_new(&config, &bed->node), 0);
    lp_node_start(bed->node, T0);
    join(bed, players, capabilities);
    return bed;
}

static void bed_free(struct bed *bed)
{
    lp_node_free(bed->node); /* asserts that every packet came back */
    lp_tls_free(bed->tls);
    free(bed);
}

static uint64_t dropped(const struct bed *bed, enum lp_drop reason)
{
    return bed->node->counters.rx_drop[reason];
}

/* Every datagram is a frame, a piece, dropped, or still here. */
static void assert_balance(const struct bed *bed)
{
    const struct lp_counters *c = &bed->node->counters;
    struct lp_node_view view;

    lp_node_view(bed->node, &view);
    assert_int_equal(c->value[LP_COUNTER_RX_DATAGRAMS],
                     c->value[LP_COUNTER_RX_FRAMES] + c->value[LP_COUNTER_RX_PIECES] +
                         lp_counters_rx_dropped(c) + view.waiting_pieces + view.order.held);
}

struct sent {
    uint32_t origin;
    uint16_t flow;
    uint16_t number;
    uint8_t protocol;
    size_t len; /* of the frame */
    int piece;  /* 0 = whole, 1 = first, 2 = second */
};

/* From the relay, an IPv4 frame with its number in it. */
static void push(struct bed *bed, const struct sent *sent, uint64_t now_ns)
{
    static uint8_t datagram[LP_OVERLAY_HEADER_MAX + 4000];
    uint8_t frame[4000] = {0};
    struct lp_overlay overlay = {
        .type = LP_OVERLAY_FRAME,
        .flags = sent->piece == 2 ? 0 : LP_OVERLAY_FLAG_SEQUENCE,
        .room_id = ROOM,
        .peer_id = sent->origin,
        .sequence = {.flow = sent->flow, .number = sent->number},
    };
    size_t at = 0, len = sent->len;
    int header_len;

    if (sent->piece != 0) {
        overlay.flags |= LP_OVERLAY_FLAG_PIECE;
        overlay.piece = (struct lp_overlay_piece){
            .id = sent->number, .second = sent->piece == 2, .frame_len = (uint16_t)sent->len};
        at = sent->piece == 2 ? LP_PIECE_FIRST_LEN : 0;
        len = lp_fragment_piece_len(sent->len, sent->piece == 2);
    }
    memcpy(frame, mac_of(SELF).octet, LP_MAC_LEN);
    memcpy(frame + LP_MAC_LEN, mac_of(sent->origin).octet, LP_MAC_LEN);
    lp_store_be16(frame + 12, LP_ETHERTYPE_IPV4);
    frame[14] = 0x45;
    lp_store_be16(frame + 16, (uint16_t)(sent->len - LP_ETH_HEADER_LEN));
    frame[23] = sent->protocol;
    memcpy(frame + 26, (const uint8_t[]){10, 0, 0, 2, 10, 0, 0, 3, 0x30, 0x39, 0x30, 0x39}, 12);
    lp_store_be16(frame + 40, sent->number);
    header_len = lp_overlay_encode(&overlay, overlay.flags, datagram, sizeof(datagram));
    assert_true(header_len > 0);
    memcpy(datagram + header_len, frame + at, len);
    lp_node_on_datagram(bed->node, datagram, (size_t)header_len + len, now_ns);
    assert_balance(bed);
}

static void push_tcp(struct bed *bed, uint16_t number, uint64_t now_ns)
{
    push(bed,
         &(struct sent){
             .origin = PLAYER, .number = number, .protocol = LP_IPPROTO_TCP, .len = 200},
         now_ns);
}

static void assert_out(struct bed *bed, const uint16_t want[], unsigned count)
{
    assert_int_equal(bed->written, count);
    assert_memory_equal(bed->out, want, count * sizeof(want[0]));
    bed->written = 0;
}

#define OUT(...)                                                                               \
    assert_out(bed, (const uint16_t[]){__VA_ARGS__},                                           \
               sizeof((const uint16_t[]){__VA_ARGS__}) / sizeof(uint16_t))

static unsigned held(const struct bed *bed)
{
    struct lp_node_view view;

    lp_node_view(bed->node, &view);
    return view.order.held;
}

/* ---- order ---- */

static void test_tcp_comes_in_order_and_once(void **state)
{
    struct bed *bed = bed_new(1, LP_CAP_SEQUENCE);

    (void)state;
    push_tcp(bed, 65535, T0);
    push_tcp(bed, 1, T0);
    push_tcp(bed, 2, T0);
    push_tcp(bed, 2, T0);
    OUT(65535);
    assert_int_equal(held(bed), 2);
    push_tcp(bed, 0, T0 + MS);
    OUT(0, 1, 2);
    push_tcp(bed, 0, T0 + MS);
    assert_int_equal(bed->written, 0);
    assert_int_equal(dropped(bed, LP_DROP_REASON_DUPLICATE), 2);
    bed_free(bed);
}

static void test_a_gap_is_given_up_at_the_deadline(void **state)
{
    struct bed *bed = bed_new(1, LP_CAP_SEQUENCE);
    uint64_t due_ns;

    (void)state;
    push_tcp(bed, 5, T0);
    push_tcp(bed, 7, T0);
    push_tcp(bed, 9, T0);
    OUT(5);
    due_ns = bed->node->order_deadline_ns;
    assert_in_range(due_ns, T0 + 1, T0 + LP_INORDER_WAIT_MAX_NS);
    assert_true(lp_node_next_deadline(bed->node) <= due_ns);
    lp_node_on_order_deadline(bed->node, due_ns);
    OUT(7, 9);
    assert_int_equal(bed->node->order_deadline_ns, LP_TIME_NEVER);
    assert_balance(bed);
    bed_free(bed);
}

static void test_others_than_tcp_do_not_wait(void **state)
{
    struct bed *bed = bed_new(1, LP_CAP_SEQUENCE);
    struct sent sent = {.origin = PLAYER, .protocol = LP_IPPROTO_UDP, .len = 100};

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        sent.number = (const uint16_t[]){5, 7, 6, 7}[i];
        push(bed, &sent, T0);
    }
    OUT(5, 7, 6);
    assert_int_equal(dropped(bed, LP_DROP_REASON_DUPLICATE), 1);
    bed_free(bed);
}

static void test_numbers_need_the_capability(void **state)
{
    struct bed *bed = bed_new(1, 0);

    (void)state;
    push_tcp(bed, 5, T0);
    assert_int_equal(bed->written, 0);
    assert_int_equal(dropped(bed, LP_DROP_REASON_BAD_OVERLAY), 1);
    bed_free(bed);
}

/* ---- who leaves, and when ---- */

static void test_who_leaves_takes_what_waits_along(void **state)
{
    struct bed *bed = bed_new(2, LP_CAP_SEQUENCE);

    (void)state;
    push_tcp(bed, 5, T0);
    push_tcp(bed, 7, T0);
    say(bed, &(struct lp_control){
                 .type = LP_CONTROL_PEER_LEFT,
                 .peer_left = {.peer_id = PLAYER, .seq = 9, .reason = LP_LEAVE_NORMAL}});
    assert_int_equal(held(bed), 0);
    assert_int_equal(dropped(bed, LP_DROP_REASON_QUEUE_CLOSED), 1);
    assert_int_equal(bed->node->order_deadline_ns, LP_TIME_NEVER);
    assert_balance(bed);
    OUT(5);
    bed_free(bed);
}

static void test_a_lost_connection_takes_what_waits_along(void **state)
{
    struct bed *bed = bed_new(1, LP_CAP_SEQUENCE);

    (void)state;
    push_tcp(bed, 5, T0);
    push_tcp(bed, 7, T0);
    lp_node_reconnect(bed->node, "test", T0);
    assert_int_equal(held(bed), 0);
    assert_int_equal(dropped(bed, LP_DROP_REASON_QUEUE_CLOSED), 1);
    assert_int_equal(bed->node->order_deadline_ns, LP_TIME_NEVER);
    assert_balance(bed);
    bed_free(bed);
}

/* Nobody releases it any more: a deadline in the past would keep the loop spinning. */
static void test_who_stops_waits_for_nothing(void **state)
{
    struct bed *bed = bed_new(1, LP_CAP_SEQUENCE);

    (void)state;
    push_tcp(bed, 5, T0);
    push_tcp(bed, 7, T0);
    lp_node_stop(bed->node, T0);
    assert_int_equal(bed->node->state, LP_NODE_LEAVING);
    assert_int_equal(bed->node->order_deadline_ns, LP_TIME_NEVER);
    bed_free(bed);
}

/* ---- pieces ---- */

/* More than the reassembler has places for: none may push another out. */
static void test_pieces_do_not_wait_for_a_gap(void **state)
{
    struct bed *bed = bed_new(1, LP_CAP_SEQUENCE | LP_CAP_PIECES);
    struct sent sent = {.origin = PLAYER, .protocol = LP_IPPROTO_TCP, .len = 1500};

    (void)state;
    push_tcp(bed, 0, T0);
    for (uint16_t number = 2; number < 2 + 2 * LP_REASSEMBLY_SLOTS; number++) {
        sent.number = number;
        sent.piece = 1;
        push(bed, &sent, T0);
        sent.piece = 2;
        push(bed, &sent, T0);
    }
    assert_int_equal(bed->written, 1 + 2 * LP_REASSEMBLY_SLOTS);
    assert_int_equal(dropped(bed, LP_DROP_REASON_PIECE_LOST), 0);
    sent.piece = 1; /* sent again although it had come */
    push(bed, &sent, T0);
    assert_int_equal(dropped(bed, LP_DROP_REASON_DUPLICATE), 1);
    bed_free(bed);
}

/* ---- hostile ---- */

/* Gaps in many flows of many players: room for our own frames stays, nothing waits for ever. */
static void test_what_players_make_wait_is_bounded(void **state)
{
    struct bed *bed = bed_new(8, LP_CAP_SEQUENCE);
    struct sent sent = {.protocol = LP_IPPROTO_TCP, .len = 60};
    unsigned pushed = 0, late = 0;

    (void)state;
    for (uint16_t round = 0; round < 16; round++) {
        for (unsigned i = 0; i < 8 * 64; i++) {
            sent.origin = PLAYER + i % 8;
            sent.flow = (uint16_t)(i / 8);
            sent.number = (uint16_t)(2 * round);
            push(bed, &sent, T0);
            pushed++;
            assert_true(bed->node->pool.allocated <= LP_NODE_POOL_PACKETS / 2);
        }
    }
    assert_int_equal(held(bed), LP_NODE_POOL_PACKETS / 2);
    assert_int_equal(bed->node->held, held(bed));
    while (bed->node->order_deadline_ns != LP_TIME_NEVER && late++ < 100)
        lp_node_on_order_deadline(bed->node, T0 + LP_INORDER_WAIT_MAX_NS);
    assert_int_equal(held(bed), 0);
    assert_int_equal(bed->node->held, 0);
    assert_int_equal(bed->written, pushed);
    assert_balance(bed);
    bed_free(bed);
}

/* Over a path that carries more than Ethernet does. */
static void test_a_numbered_frame_that_is_too_long(void **state)
{
    struct bed *bed = bed_new(1, LP_CAP_SEQUENCE);
    struct sent sent = {.origin = PLAYER, .protocol = LP_IPPROTO_TCP};

    (void)state;
    for (size_t len = LP_ETH_FRAME_MAX - 1; len <= LP_ETH_FRAME_MAX + 2; len++) {
        sent.number++;
        sent.len = len;
        push(bed, &sent, T0);
    }
    sent.len = 3999;
    push(bed, &sent, T0);
    assert_int_equal(bed->written, 2);
    assert_int_equal(dropped(bed, LP_DROP_REASON_OVERSIZE), 3);
    bed_free(bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tcp_comes_in_order_and_once),
        cmocka_unit_test(test_a_gap_is_given_up_at_the_deadline),
        cmocka_unit_test(test_others_than_tcp_do_not_wait),
        cmocka_unit_test(test_numbers_need_the_capability),
        cmocka_unit_test(test_who_leaves_takes_what_waits_along),
        cmocka_unit_test(test_a_lost_connection_takes_what_waits_along),
        cmocka_unit_test(test_who_stops_waits_for_nothing),
        cmocka_unit_test(test_pieces_do_not_wait_for_a_gap),
        cmocka_unit_test(test_what_players_make_wait_is_bounded),
        cmocka_unit_test(test_a_numbered_frame_that_is_too_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
