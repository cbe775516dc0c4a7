/*
 * Frames from the tunnel that go to an adapter which takes super-frames: what it refuses is
 * counted as it would have been one by one.
 */
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
#include "proto/offload.h"

#define T0       (1000 * LP_NS_PER_S)
#define ROOM     9
#define SELF     20
#define GATEWAY  3
#define SEGMENTS 20
#define MSS      1000
#define HEADER   (14 + 20 + 20)

struct bed {
    struct lp_tls *tls;
    struct lp_node *node;
    unsigned plain, supers, frames_logged;
    size_t super_len;
    int super_result, plain_result;
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

    assert_int_equal(len, HEADER + MSS);
    assert_int_equal(lp_load_be32(frame + 38), 5 + bed->plain * MSS);
    bed->plain++;
    return bed->plain_result;
}

static int write_super(void *user, const struct lp_superframe *super)
{
    struct bed *bed = user;

    bed->supers++;
    bed->super_len = super->len;
    return bed->super_result;
}

static void on_event(void *user, const struct lp_node_event *event)
{
    (void)user;
    (void)event;
}

static void on_frame(void *user, const struct lp_frame_event *event)
{
    (void)event;
    ((struct bed *)user)->frames_logged++;
}

static void say(struct bed *bed, const struct lp_control *message)
{
    uint8_t frame[4096];
    int len = lp_control_encode(message, frame, sizeof(frame));

    assert_true(len > 0);
    lp_node_on_control(bed->node, message->type == LP_CONTROL_WELCOME,
                       frame + LP_CONTROL_PREFIX_LEN, (size_t)len - LP_CONTROL_PREFIX_LEN, T0);
}

/* A client in a room with a gateway. */
static struct bed *bed_new(bool frame_log)
{
    struct bed *bed = calloc(1, sizeof(*bed));
    struct lp_tls_client_config tls = {.trust = LP_TLS_TRUST_PIN, .server_name = "relay"};
    const struct lp_control messages[] = {
        {.type = LP_CONTROL_WELCOME,
         .welcome = {.peer_id = SELF,
                     .room_id = ROOM,
                     .mtu = 1380,
                     .gateway_connected = true,
                     .gateway_peer_id = GATEWAY,
                     .mode = "relay"}},
        {.type = LP_CONTROL_PEER_JOINED,
         .peer_joined = {.peer_id = GATEWAY, .seq = 1, .role = LP_ROLE_GATEWAY}},
    };
    struct lp_node_config config;
    char why[LP_TLS_WHY_LEN];

    assert_non_null(bed);
    assert_int_equal(lp_tls_client_new(&tls, &bed->tls, why), 0);
    lp_node_config_defaults(&config);
    config.role = LP_ROLE_CLIENT;
    snprintf(config.room, sizeof(config.room), "ABCD");
    config.mac = (struct lp_mac){{2, 0, 0, 0, 0, SELF}};
    config.tls = bed->tls;
    assert_int_equal(lp_addr_parse_ip("192.0.2.1", 443, &config.relay), 0);
    config.edge =
        (struct lp_edge){.write = write_frame, .write_super = write_super, .user = bed};
    config.random = fill_random;
    config.transmit = transmit;
    config.event = on_event;
    config.frame = frame_log ? on_frame : NULL;
    config.user = bed;
    assert_int_equal(lp_node_new(&config, &bed->node), 0);
    lp_node_start(bed->node, T0);
    for (unsigned i = 0; i < 2; i++)
        say(bed, &messages[i]);
    assert_int_equal(bed->node->state, LP_NODE_JOINED);
    return bed;
}

static void bed_free(struct bed *bed)
{
    lp_node_free(bed->node);
    lp_tls_free(bed->tls);
    free(bed);
}

/* A TCP flow of the LAN in full segments, one datagram each, then the end of the turn. */
static void send_down(struct bed *bed)
{
    static uint8_t bytes[HEADER + SEGMENTS * MSS];
    struct lp_superframe super = {
        .bytes = bytes, .len = sizeof(bytes), .gso = LP_GSO_TCPV4, .gso_size = MSS};
    struct lp_overlay overlay = {.type = LP_OVERLAY_FRAME, .room_id = ROOM, .peer_id = GATEWAY};
    uint8_t datagram[LP_OVERLAY_HEADER_LEN + LP_ETH_FRAME_MAX];
    struct lp_offload_iter iter;
    const uint8_t *frame;
    size_t len;

    memcpy(bytes, (const uint8_t[]){2, 0, 0, 0, 0, SELF, 2, 0, 0, 0, 1, 1, 8, 0, 0x45}, 15);
    lp_store_be16(bytes + 16, sizeof(bytes) - 14);
    memcpy(bytes + 20, (const uint8_t[]){0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2}, 14);
    lp_store_be32(bytes + 38, 5);
    bytes[46] = 0x50;
    bytes[47] = 0x10; /* ACK */
    assert_int_equal(lp_overlay_encode(&overlay, 0, datagram, sizeof(datagram)),
                     LP_OVERLAY_HEADER_LEN);
    assert_int_equal(lp_offload_begin(&iter, &super, LP_ETH_FRAME_MAX), 0);
    while ((len = lp_offload_next(&iter, datagram + LP_OVERLAY_HEADER_LEN, &frame)) > 0)
        lp_node_on_datagram(bed->node, datagram, LP_OVERLAY_HEADER_LEN + len, T0);
    lp_node_flush(bed->node, T0);
}

static uint64_t counted(const struct bed *bed, enum lp_counter which)
{
    return bed->node->counters.value[which];
}

static void assert_sums(const struct bed *bed)
{
    assert_int_equal(counted(bed, LP_COUNTER_RX_DATAGRAMS), SEGMENTS);
    assert_int_equal(counted(bed, LP_COUNTER_RX_FRAMES) +
                         lp_counters_rx_dropped(&bed->node->counters),
                     SEGMENTS);
}

static void a_turn_gives_one_superframe(void **state)
{
    struct bed *bed = bed_new(false);

    (void)state;
    send_down(bed);
    assert_int_equal(bed->supers, 1);
    assert_int_equal(bed->plain, 0);
    assert_int_equal(bed->super_len, HEADER + SEGMENTS * MSS);
    assert_int_equal(counted(bed, LP_COUNTER_RX_FRAMES), SEGMENTS);
    assert_int_equal(counted(bed, LP_COUNTER_RX_SUPERFRAMES), 1);
    assert_sums(bed);
    bed_free(bed);
}

static void a_full_adapter_drops_all_of_it(void **state)
{
    struct bed *bed = bed_new(false);

    (void)state;
    bed->super_result = LP_ERR_AGAIN;
    send_down(bed);
    assert_int_equal(counted(bed, LP_COUNTER_RX_FRAMES), 0);
    assert_int_equal(bed->node->counters.rx_drop[LP_DROP_REASON_EDGE_FULL], SEGMENTS);
    assert_sums(bed);
    bed_free(bed);
}

static void what_is_not_taken_at_once_goes_one_by_one(void **state)
{
    struct bed *bed = bed_new(false);

    (void)state;
    bed->super_result = LP_ERR_UNSUPPORTED;
    send_down(bed);
    assert_int_equal(bed->supers, 1);
    assert_int_equal(bed->plain, SEGMENTS);
    assert_int_equal(counted(bed, LP_COUNTER_RX_FRAMES), SEGMENTS);
    assert_int_equal(counted(bed, LP_COUNTER_RX_SUPERFRAMES), 0);
    bed->plain = 0;
    bed->plain_result = LP_ERR_IO;
    send_down(bed); /* and is not tried again */
    assert_int_equal(bed->supers, 1);
    assert_int_equal(bed->plain, SEGMENTS);
    assert_int_equal(bed->node->counters.rx_drop[LP_DROP_REASON_EDGE_ERROR], SEGMENTS);
    assert_int_equal(counted(bed, LP_COUNTER_RX_FRAMES), SEGMENTS);
    bed_free(bed);
}

static void a_frame_log_has_each_frame(void **state)
{
    struct bed *bed = bed_new(true);

    (void)state;
    send_down(bed);
    assert_int_equal(bed->supers, 0);
    assert_int_equal(bed->plain, SEGMENTS);
    assert_int_equal(bed->frames_logged, SEGMENTS);
    bed_free(bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_turn_gives_one_superframe),
        cmocka_unit_test(a_full_adapter_drops_all_of_it),
        cmocka_unit_test(what_is_not_taken_at_once_goes_one_by_one),
        cmocka_unit_test(a_frame_log_has_each_frame),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
