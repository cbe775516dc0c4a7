/*
 * The encoder keeps the rules that the decoder judges by: each test starts from a message that
 * is right and breaks one thing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/err.h"
#include "proto/control.h"

static struct lp_control message;

static int decode(const char *body)
{
    return lp_control_decode((const uint8_t *)body, strlen(body), &message, NULL, NULL);
}

static const char client_hello[] =
    "{\"type\":\"hello\",\"version\":1,\"role\":\"client\",\"room\":\"ABCD\","
    "\"mac\":\"02:00:00:00:00:01\",\"datagram_budget\":1440,\"capabilities\":[\"pieces\"],"
    "\"name\":\"Ann\",\"seat_secret\":\"000102030405060708090a0b0c0d0e0f\"}";

static const char full_welcome[] =
    "{\"type\":\"welcome\",\"peer_id\":7,\"room_id\":9,\"mtu\":1380,\"gateway_connected\":true,"
    "\"gateway_peer_id\":3,\"mode\":\"relay\","
    "\"seat_secret\":\"000102030405060708090a0b0c0d0e0f\",\"capabilities\":[\"sequence\"],"
    "\"limits\":{\"broadcast_burst\":1,\"broadcast_rate\":2,\"unknown_burst\":3,"
    "\"unknown_rate\":4,\"burst_bytes\":5,\"rate_bytes\":6}}";

static const char client_joined[] =
    "{\"type\":\"peer_joined\",\"peer_id\":7,\"seq\":12,\"role\":\"client\","
    "\"mac\":\"02:00:00:00:00:01\",\"name\":\"Ann\"}";

static const char left[] =
    "{\"type\":\"peer_left\",\"peer_id\":7,\"seq\":13,\"reason\":\"timed_out\"}";

static const char stats[] = "{\"type\":\"stats\",\"rtt_us\":20,\"counters\":{\"a\":1}}";

static void encode_needs_its_space(void **state)
{
    struct lp_control disconnect = {.type = LP_CONTROL_DISCONNECT,
                                    .disconnect = {.reason = LP_LEAVE_NORMAL}};
    uint8_t whole[128];
    int need = lp_control_encode(&disconnect, whole, sizeof(whole));

    assert_int_equal(need, 4 + 39);
    assert_int_equal(lp_control_frame_len(whole, (size_t)need), need);
    for (int capacity = 0; capacity < need; capacity++) {
        uint8_t *bytes = malloc((size_t)capacity + 1);

        assert_int_equal(lp_control_encode(&disconnect, bytes, (size_t)capacity),
                         LP_ERR_NOSPACE);
        free(bytes);
    }
    assert_int_equal(lp_control_encode(&disconnect, whole, (size_t)need), need);
}

static void assert_not_encoded(const struct lp_control *wrong)
{
    static uint8_t bytes[16384];

    assert_int_equal(lp_control_encode(wrong, bytes, sizeof(bytes)), LP_ERR_INVALID);
}

#define BREAK(field, value)                                                                    \
    do {                                                                                       \
        struct lp_control one_wrong = message;                                                 \
        one_wrong.field = (value);                                                             \
        assert_not_encoded(&one_wrong);                                                        \
    } while (0)

static void encode_keeps_the_same_rules(void **state)
{
    struct lp_control broken;

    assert_int_equal(decode(client_hello), 0);
    BREAK(type, LP_CONTROL_NONE);
    BREAK(hello.version, 2);
    BREAK(hello.role, (enum lp_role)0);
    BREAK(hello.role, LP_ROLE_GATEWAY);
    BREAK(hello.room[0], '\0');
    BREAK(hello.room[1], ' ');
    BREAK(hello.has_mac, false);
    BREAK(hello.mac.octet[0], 0x00);
    BREAK(hello.mac.octet[0], 0x03);
    BREAK(hello.datagram_budget, 609);
    BREAK(hello.datagram_budget, 65536);
    BREAK(hello.capabilities, 1u << 3);
    BREAK(hello.name[0], '\x1b');
    BREAK(hello.name[0], '\xff');
    BREAK(hello.name[2], '\xc3');
    broken = message;
    memset(broken.hello.room, 'a', sizeof(broken.hello.room)); /* no NUL */
    assert_not_encoded(&broken);
    broken = message;
    memset(broken.hello.name, 'a', sizeof(broken.hello.name));
    assert_not_encoded(&broken);

    assert_int_equal(decode(full_welcome), 0);
    BREAK(welcome.peer_id, 0);
    BREAK(welcome.mtu, 575);
    BREAK(welcome.mtu, 1501);
    BREAK(welcome.mode[0], '\0');
    BREAK(welcome.capabilities, 1u << 31);
    BREAK(welcome.limits.burst_bytes, UINT64_MAX);
    BREAK(welcome.limits.rate_bytes, (uint64_t)INT64_MAX + 1);

    assert_int_equal(decode(client_joined), 0);
    BREAK(peer_joined.peer_id, 0);
    BREAK(peer_joined.seq, UINT64_MAX);
    BREAK(peer_joined.has_mac, false);
    assert_int_equal(decode(left), 0);
    BREAK(peer_left.reason, (enum lp_leave_reason)0);
    BREAK(peer_left.peer_id, 0);

    memset(&message, 0, sizeof(message));
    message.type = LP_CONTROL_REJECT;
    assert_not_encoded(&message);
    message.type = LP_CONTROL_DISCONNECT;
    assert_not_encoded(&message);
}

static void encode_judges_stats(void **state)
{
    static uint8_t bytes[16384];

    assert_int_equal(decode(stats), 0);
    BREAK(stats.count, LP_STATS_COUNTERS_MAX + 1);
    BREAK(stats.counter[0].name[0], '\0');
    BREAK(stats.counter[0].name[0], '"');
    BREAK(stats.counter[0].value, (uint64_t)INT64_MAX + 1);

    message.stats.count = LP_STATS_COUNTERS_MAX;
    for (unsigned i = 0; i < LP_STATS_COUNTERS_MAX; i++) {
        memset(message.stats.counter[i].name, 'z', LP_STATS_NAME_MAX);
        message.stats.counter[i].name[LP_STATS_NAME_MAX] = '\0';
        message.stats.counter[i].name[0] = (char)('A' + i % 26);
        message.stats.counter[i].name[1] = (char)('A' + i / 26);
        message.stats.counter[i].value = INT64_MAX;
    }
    assert_true(lp_control_encode(&message, bytes, sizeof(bytes)) > 96 * 60);
    memcpy(message.stats.counter[95].name, message.stats.counter[0].name, LP_STATS_NAME_MAX);
    assert_not_encoded(&message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encode_needs_its_space),
        cmocka_unit_test(encode_keeps_the_same_rules),
        cmocka_unit_test(encode_judges_stats),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
