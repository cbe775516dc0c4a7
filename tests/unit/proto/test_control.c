/*
 * Each rule of a message, on decoding, from both sides of its bound. The messages that are
 * right, octet by octet, are the golden vectors of docs/protocol.md (test_golden.c).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/err.h"
#include "base/wire.h"
#include "proto/control.h"

static struct lp_control message;
static char why[LP_CONTROL_WHY_LEN];
static enum lp_reject_code reject;

/* The body in a block of exactly its size: no NUL behind it. */
static int decode_octets(const void *body, size_t len)
{
    uint8_t *exact = malloc(len > 0 ? len : 1);
    int err;

    assert_non_null(exact);
    memcpy(exact, body, len);
    memset(why, 0x01, sizeof(why));
    reject = (enum lp_reject_code)99;
    err = lp_control_decode(exact, len, &message, why, &reject);
    free(exact);
    assert_true(err == 0 || err == LP_ERR_MALFORMED);
    if (err < 0) {
        size_t why_len = strnlen(why, sizeof(why));

        assert_true(why_len > 0 && why_len < sizeof(why));
        for (size_t i = 0; i < why_len; i++)
            assert_true(why[i] >= 0x20 && why[i] < 0x7f);
    }
    return err;
}

static int decode(const char *body)
{
    return decode_octets(body, strlen(body));
}

/* `base` with the one occurrence of `old` replaced. */
static int decode_with(const char *base, const char *old, const char *new)
{
    const char *at = strstr(base, old);
    char body[4096];

    assert_non_null(at);
    assert_null(strstr(at + 1, old));
    snprintf(body, sizeof(body), "%.*s%s%s", (int)(at - base), base, new, at + strlen(old));
    return decode(body);
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

static const char mac_field[] = "\"mac\":\"02:00:00:00:00:01\",";

struct change {
    const char *old;
    const char *new;
    enum lp_reject_code reject;
    const char *why; /* what the reason begins with: the field at fault */
};

static void assert_refused(const char *base, const struct change *changes, size_t count)
{
    assert_int_equal(decode(base), 0);
    for (size_t i = 0; i < count; i++) {
        if (decode_with(base, changes[i].old, changes[i].new) == 0)
            fail_msg("%s was taken", changes[i].new);
        if (reject != changes[i].reject || strncmp(why, changes[i].why, strlen(changes[i].why)))
            fail_msg("%s for %s: reject %d, why %s", changes[i].new, changes[i].old,
                     (int)reject, why);
    }
}

#define ASSERT_REFUSED(base, changes)                                                          \
    assert_refused(base, changes, sizeof(changes) / sizeof(changes[0]))

#define C65 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void hello_is_read(void **state)
{
    assert_int_equal(decode(client_hello), 0);
    assert_int_equal(reject, 0);
    assert_int_equal(message.type, LP_CONTROL_HELLO);
    assert_int_equal(message.hello.version, 1);
    assert_int_equal(message.hello.role, LP_ROLE_CLIENT);
    assert_string_equal(message.hello.room, "ABCD");
    assert_true(message.hello.has_mac);
    assert_int_equal(lp_mac_key(&message.hello.mac), 0x020000000001);
    assert_int_equal(message.hello.datagram_budget, 1440);
    assert_int_equal(message.hello.capabilities, LP_CAP_PIECES);
    assert_string_equal(message.hello.name, "Ann");
    assert_true(message.hello.has_seat_secret);
    assert_int_equal(message.hello.seat_secret[15], 15);

    assert_int_equal(
        decode_with(client_hello, "datagram_budget\":1440", "datagram_budget\":610"), 0);
    assert_int_equal(decode_with(client_hello, "1440", "65535"), 0);
    assert_int_equal(message.hello.datagram_budget, 65535);
    assert_int_equal(decode_with(client_hello, ",\"name\":\"Ann\"", ""), 0);
    assert_string_equal(message.hello.name, "");
    assert_int_equal(decode_with(client_hello, "\"pieces\"", "\"new\",\"sequence\",\"pieces\""),
                     0);
    assert_int_equal(message.hello.capabilities, LP_CAP_PIECES | LP_CAP_SEQUENCE);
    assert_int_equal(decode_with(client_hello, "\"pieces\"", ""), 0);
    assert_int_equal(message.hello.capabilities, 0);
}

static void a_wrong_hello_is_answered(void **state)
{
    static const struct change changes[] = {
        {"\"version\":1,", "", LP_REJECT_BAD_HELLO, "version: missing"},
        {"\"version\":1", "\"version\":\"1\"", LP_REJECT_BAD_HELLO, "version:"},
        {"\"version\":1", "\"version\":0", LP_REJECT_BAD_VERSION, "version:"},
        {"\"version\":1", "\"version\":2", LP_REJECT_BAD_VERSION, "version:"},
        {"\"version\":1", "\"version\":-1", LP_REJECT_BAD_VERSION, "version:"},
        {"\"version\":1", "\"version\":4294967297", LP_REJECT_BAD_VERSION, "version:"},
        {"\"role\":\"client\",", "", LP_REJECT_BAD_HELLO, "role: missing"},
        {"\"client\"", "\"relay\"", LP_REJECT_BAD_HELLO, "role:"},
        {"\"client\"", "1", LP_REJECT_BAD_HELLO, "role:"},
        {"\"client\"", "\"gateway\"", LP_REJECT_BAD_MAC, "mac:"},
        {"\"room\":\"ABCD\",", "", LP_REJECT_BAD_HELLO, "room: missing"},
        {"\"ABCD\"", "null", LP_REJECT_BAD_HELLO, "room:"},
        {"\"ABCD\"", "\"\"", LP_REJECT_BAD_ROOM_CODE, "room:"},
        {"\"ABCD\"", "\"A B\"", LP_REJECT_BAD_ROOM_CODE, "room:"},
        {"\"ABCD\"", "\"a\\nb\"", LP_REJECT_BAD_ROOM_CODE, "room:"},
        {"\"ABCD\"", "\"\xc3\xab\"", LP_REJECT_BAD_ROOM_CODE, "room:"},
        {"\"ABCD\"", "\"" C65 "\"", LP_REJECT_BAD_ROOM_CODE, "room:"},
        {mac_field, "", LP_REJECT_BAD_MAC, "mac:"},
        {"\"02:00:00:00:00:01\"", "7", LP_REJECT_BAD_HELLO, "mac:"},
        {"02:00:00:00:00:01", "020000000001", LP_REJECT_BAD_MAC, "mac:"},
        {"02:00:00:00:00:01", "00:00:00:00:00:01", LP_REJECT_BAD_MAC, "mac:"},
        {"02:00:00:00:00:01", "00:00:00:00:00:00", LP_REJECT_BAD_MAC, "mac:"},
        {"02:00:00:00:00:01", "03:00:00:00:00:01", LP_REJECT_BAD_MAC, "mac:"},
        {"02:00:00:00:00:01", "ff:ff:ff:ff:ff:ff", LP_REJECT_BAD_MAC, "mac:"},
        {"\"datagram_budget\":1440,", "", LP_REJECT_BAD_HELLO, "datagram_budget: missing"},
        {"1440", "609", LP_REJECT_MTU_UNSUPPORTED, "datagram_budget:"},
        {"1440", "0", LP_REJECT_MTU_UNSUPPORTED, "datagram_budget:"},
        {"1440", "65536", LP_REJECT_BAD_HELLO, "datagram_budget:"},
        {"1440", "4294968736", LP_REJECT_BAD_HELLO, "datagram_budget:"},
        {"1440", "-1440", LP_REJECT_BAD_HELLO, "datagram_budget:"},
        {"1440", "1440.0", LP_REJECT_BAD_HELLO, "datagram_budget:"},
        {"1440", "1.44e3", LP_REJECT_BAD_HELLO, "datagram_budget:"},
        {"1440", "\"1440\"", LP_REJECT_BAD_HELLO, "datagram_budget:"},
        {"1440", "true", LP_REJECT_BAD_HELLO, "datagram_budget:"},
        {"\"capabilities\":[\"pieces\"],", "", LP_REJECT_BAD_HELLO, "capabilities: missing"},
        {"[\"pieces\"]", "\"pieces\"", LP_REJECT_BAD_HELLO, "capabilities:"},
        {"[\"pieces\"]", "[1]", LP_REJECT_BAD_HELLO, "capabilities:"},
        {"\"Ann\"", "1", LP_REJECT_BAD_HELLO, "name:"},
        {"\"Ann\"", "\"" C65 "\"", LP_REJECT_BAD_HELLO, "name:"},
        {"0e0f", "0e0", LP_REJECT_BAD_HELLO, "seat_secret:"},
        {"0e0f", "0e0g", LP_REJECT_BAD_HELLO, "seat_secret:"},
        {"0e0f", "0e0f00", LP_REJECT_BAD_HELLO, "seat_secret:"},
        {"\"000102030405060708090a0b0c0d0e0f\"", "[]", LP_REJECT_BAD_HELLO, "seat_secret:"},
    };

    ASSERT_REFUSED(client_hello, changes);
}

static void a_gateway_gives_no_mac(void **state)
{
    char body[512];
    const char *at = strstr(client_hello, mac_field);

    snprintf(body, sizeof(body), "%.*s%s", (int)(at - client_hello), client_hello,
             at + strlen(mac_field));
    assert_int_equal(decode_with(body, "client", "gateway"), 0);
    assert_int_equal(message.hello.role, LP_ROLE_GATEWAY);
    assert_false(message.hello.has_mac);
}

static void names_cannot_forge_output(void **state)
{
    static const char *const bad[] = {
        "\\u0001", "\\n",      "\\r",       "\\t",     "\\u001b[2J",
        "\\u001f", "\\u007f",  "\x7f",      "\\u0080", "\\u009b",
        "\\u009f", "\xc2\x9b", "a\\u0085b", "\\u0000", "x\\u0000y",
    };
    static const char *const good[] = {
        " ",
        "~",
        "\\u00a0",
        "\xc3\xab",
        "\xe2\x82\xac",
        "\xf0\x9f\x8e\xae",
        "\\ud83c\\udfae",
        "\\\"",
        "\\\\",
        "=",
    };
    static const char *const not_utf8[] = {
        "\x80",
        "\xc3",
        "\xc0\xaf",
        "\xe0\x80\xaf",
        "\xed\xa0\x80",
        "\xf4\x90\x80\x80",
        "\xf8\x88\x80\x80\x80",
        "\xff",
        "\\ud800",
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(decode_with(client_joined, "Ann", bad[i]), LP_ERR_MALFORMED);
    for (size_t i = 0; i < sizeof(not_utf8) / sizeof(not_utf8[0]); i++)
        assert_int_equal(decode_with(client_joined, "Ann", not_utf8[i]), LP_ERR_MALFORMED);
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_int_equal(decode_with(client_joined, "Ann", good[i]), 0);

    assert_int_equal(decode_with("{\"type\":\"reject\",\"code\":\"redirect\",\"text\":\"T\"}",
                                 "T", "a\\u001b]0;b"),
                     LP_ERR_MALFORMED);
}

/* 64 octets, counted as UTF-8, not as characters. */
static void name_length_is_in_octets(void **state)
{
    char name[128] = "";

    for (size_t i = 0; i < 32; i++)
        strcat(name, "\xc3\xab");
    assert_int_equal(decode_with(client_joined, "Ann", name), 0);
    assert_int_equal(strlen(message.peer_joined.name), 64);
    strcat(name, "a");
    assert_int_equal(decode_with(client_joined, "Ann", name), LP_ERR_MALFORMED);
}

static void welcome_is_read(void **state)
{
    assert_int_equal(decode(full_welcome), 0);
    assert_int_equal(message.type, LP_CONTROL_WELCOME);
    assert_int_equal(message.welcome.peer_id, 7);
    assert_int_equal(message.welcome.room_id, 9);
    assert_int_equal(message.welcome.mtu, 1380);
    assert_true(message.welcome.gateway_connected);
    assert_int_equal(message.welcome.gateway_peer_id, 3);
    assert_string_equal(message.welcome.mode, "relay");
    assert_true(message.welcome.has_seat_secret);
    assert_int_equal(message.welcome.capabilities, LP_CAP_SEQUENCE);
    assert_int_equal(message.welcome.limits.broadcast_burst_frames, 1);
    assert_int_equal(message.welcome.limits.broadcast_rate_frames, 2);
    assert_int_equal(message.welcome.limits.unknown_burst_frames, 3);
    assert_int_equal(message.welcome.limits.unknown_rate_frames, 4);
    assert_int_equal(message.welcome.limits.burst_bytes, 5);
    assert_int_equal(message.welcome.limits.rate_bytes, 6);

    assert_int_equal(decode_with(full_welcome, "1380", "576"), 0);
    assert_int_equal(decode_with(full_welcome, "1380", "1500"), 0);
    assert_int_equal(decode_with(full_welcome, "\"peer_id\":7", "\"peer_id\":4294967295"), 0);
    assert_int_equal(message.welcome.peer_id, UINT32_MAX);
    assert_int_equal(
        decode_with(full_welcome, "rate_bytes\":6", "rate_bytes\":9223372036854775807"), 0);
    assert_int_equal(message.welcome.limits.rate_bytes, INT64_MAX);
}

static void welcome_has_defaults(void **state)
{
    assert_int_equal(decode("{\"type\":\"welcome\",\"peer_id\":1,\"room_id\":0,\"mtu\":576,"
                            "\"capabilities\":[],\"limits\":{\"broadcast_burst\":0,"
                            "\"broadcast_rate\":0,\"unknown_burst\":0,\"unknown_rate\":0,"
                            "\"burst_bytes\":0,\"rate_bytes\":0}}"),
                     0);
    assert_false(message.welcome.gateway_connected);
    assert_int_equal(message.welcome.gateway_peer_id, 0);
    assert_string_equal(message.welcome.mode, "relay");
    assert_false(message.welcome.has_seat_secret);
}

static void a_wrong_welcome_is_refused(void **state)
{
    static const struct change changes[] = {
        {"\"peer_id\":7,", "", 0, "peer_id: missing"},
        {"\"peer_id\":7", "\"peer_id\":0", 0, "peer_id:"},
        {"\"peer_id\":7", "\"peer_id\":4294967296", 0, "peer_id:"},
        {"\"room_id\":9,", "", 0, "room_id: missing"},
        {"\"room_id\":9", "\"room_id\":-1", 0, "room_id:"},
        {"\"mtu\":1380,", "", 0, "mtu: missing"},
        {"1380", "575", 0, "mtu:"},
        {"1380", "1501", 0, "mtu:"},
        {"true", "1", 0, "gateway_connected:"},
        {"true", "\"true\"", 0, "gateway_connected:"},
        {"true", "null", 0, "gateway_connected:"},
        {"\"gateway_peer_id\":3", "\"gateway_peer_id\":0", 0, "gateway_peer_id:"},
        {"\"gateway_peer_id\":3", "\"gateway_peer_id\":4294967296", 0, "gateway_peer_id:"},
        {"\"mode\":\"relay\"", "\"mode\":\"\"", 0, "mode:"},
        {"\"mode\":\"relay\"", "\"mode\":\"re lay\"", 0, "mode:"},
        {"\"mode\":\"relay\"", "\"mode\":\"aaaaaaaaaaaaaaaa\"", 0, "mode:"},
        {"0e0f", "", 0, "seat_secret:"},
        {"[\"sequence\"]", "{}", 0, "capabilities:"},
        {"\"broadcast_burst\":1,", "", 0, "broadcast_burst: missing"},
        {"\"broadcast_rate\":2,", "", 0, "broadcast_rate: missing"},
        {"\"unknown_burst\":3,", "", 0, "unknown_burst: missing"},
        {"\"unknown_rate\":4,", "", 0, "unknown_rate: missing"},
        {"\"burst_bytes\":5,", "", 0, "burst_bytes: missing"},
        {",\"rate_bytes\":6", "", 0, "rate_bytes: missing"},
        {"\"broadcast_burst\":1", "\"broadcast_burst\":4294967296", 0, "broadcast_burst:"},
        {"\"rate_bytes\":6", "\"rate_bytes\":-1", 0, "rate_bytes:"},
        {"\"limits\":{", "\"limits\":[],\"x\":{", 0, "limits:"},
        {"\"limits\"", "\"limit\"", 0, "limits: missing"},
    };

    ASSERT_REFUSED(full_welcome, changes);
}

static void lifecycle_messages_are_judged(void **state)
{
    static const struct change joined_changes[] = {
        {"\"peer_id\":7,", "", 0, "peer_id: missing"},
        {"\"peer_id\":7", "\"peer_id\":0", 0, "peer_id:"},
        {"\"seq\":12,", "", 0, "seq: missing"},
        {"12", "-1", 0, "seq:"},
        {"12", "12.5", 0, "seq:"},
        {"12", "9223372036854775808", 0, "not valid JSON"},
        {"\"role\":\"client\",", "", 0, "role: missing"},
        {"client", "gateway", 0, "mac:"},
        {"client", "host", 0, "role:"},
        {mac_field, "", 0, "mac:"},
        {"02:", "00:", 0, "mac:"},
    };
    static const struct change left_changes[] = {
        {"\"peer_id\":7", "\"peer_id\":0", 0, "peer_id:"},
        {"\"seq\":13,", "", 0, "seq: missing"},
        {",\"reason\":\"timed_out\"", "", 0, "reason: missing"},
        {"timed_out", "bored", 0, "reason:"},
        {"timed_out", "TIMED_OUT", 0, "reason:"},
        {"\"timed_out\"", "3", 0, "reason:"},
    };

    ASSERT_REFUSED(client_joined, joined_changes);
    ASSERT_REFUSED(left, left_changes);
    assert_int_equal(decode_with(left, "13", "9223372036854775807"), 0);
    assert_int_equal(message.peer_left.seq, INT64_MAX);
    assert_int_equal(decode("{\"type\":\"disconnect\",\"reason\":\"kicked\"}"), 0);
    assert_int_equal(message.disconnect.reason, LP_LEAVE_KICKED);
    assert_int_equal(decode("{\"type\":\"disconnect\"}"), LP_ERR_MALFORMED);
    assert_int_equal(decode("{\"type\":\"reject\",\"code\":\"relay_full\"}"), 0);
    assert_string_equal(message.reject.text, "");
    assert_int_equal(decode("{\"type\":\"reject\",\"code\":\"no_idea\"}"), LP_ERR_MALFORMED);
    assert_int_equal(decode("{\"type\":\"reject\"}"), LP_ERR_MALFORMED);
}

static void stats_are_judged(void **state)
{
    static const struct change changes[] = {
        {"\"rtt_us\":20,", "", 0, "rtt_us: missing"},
        {"20", "4294967296", 0, "rtt_us:"},
        {"{\"a\":1}", "[]", 0, "counters:"},
        {"\"a\":1", "\"\":1", 0, "counters:"},
        {"\"a\":1", "\"a b\":1", 0, "counters:"},
        {"\"a\":1", "\"a\\n\":1", 0, "counters:"},
        {"\"a\":1", "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\":1", 0, "counters:"},
        {"\"a\":1", "\"a\":-1", 0, "counters:"},
        {"\"a\":1", "\"a\":1.0", 0, "counters:"},
        {"\"a\":1", "\"a\":\"1\"", 0, "counters:"},
        {"\"a\":1", "\"a\":1,\"a\":1", 0, "a field is given twice"},
        {",\"counters\":{\"a\":1}", "", 0, "counters: missing"},
    };

    ASSERT_REFUSED(stats, changes);
    assert_int_equal(decode_with(stats, "\"a\":1", ""), 0);
    assert_int_equal(message.stats.count, 0);
    assert_int_equal(
        decode_with(stats, "\"a\"", "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\""), 0);
    assert_int_equal(strlen(message.stats.counter[0].name), 40);
}

static void stats_hold_96_counters(void **state)
{
    for (unsigned count = 96; count <= 97; count++) {
        char body[4096];
        int at =
            snprintf(body, sizeof(body), "{\"type\":\"stats\",\"rtt_us\":0,\"counters\":{");

        for (unsigned i = 0; i < count; i++)
            at += snprintf(body + at, sizeof(body) - (size_t)at, "%s\"c%u\":%u", i ? "," : "",
                           i, i + 7);
        snprintf(body + at, sizeof(body) - (size_t)at, "}}");
        assert_int_equal(decode(body), count == 96 ? 0 : LP_ERR_MALFORMED);
    }
    assert_int_equal(message.stats.count, 96);
    assert_string_equal(message.stats.counter[95].name, "c95");
    assert_int_equal(message.stats.counter[95].value, 102);
}

static void hostile_json_is_refused(void **state)
{
    static const char *const bodies[] = {
        "",
        " ",
        "{",
        "{}",
        "[]",
        "[1]",
        "1",
        "\"hello\"",
        "null",
        "{}{}",
        "{\"type\":\"hello\"",
        "{\"type\":\"hello\"}x",
        "{'type':'hello'}",
        "{\"type\":null}",
        "{\"type\":7}",
        "{\"type\":\"\"}",
        "{\"type\":\"HELLO\"}",
        "{\"type\":\"kick\"}",
        "{\"type\":\"none\"}",
        "{\"type\":\"unknown\"}",
        "{\"type\":\"disconnect\\u0000\"}",
        "{\"type\":\"disconnect\",\"type\":\"disconnect\",\"reason\":\"normal\"}",
        "{\"type\":\"disconnect\",\"reason\":\"normal\",\"x\":{\"y\":1,\"y\":2}}",
        "{\"type\":\"disconnect\",\"reason\":\"normal\",\"x\\u0000\":1}",
        "{\"type\":\"disconnect\",\"reason\":\"normal\",}",
        "{\"type\":\"disconnect\",\"reason\":\"normal\"/**/}",
        "\xef\xbb\xbf{\"type\":\"disconnect\",\"reason\":\"normal\"}",
        "{\"type\":\"\x1b[2J\"}",
        "{\"type\":\"\\u001b[2J\"}",
        "{\"\x1b\n\xff",
    };

    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        assert_int_equal(decode(bodies[i]), LP_ERR_MALFORMED);
        assert_int_equal(reject, 0);
    }
    assert_int_equal(decode_octets("{\"type\":\"disconnect\",\"reason\":\"normal\"}\0", 40),
                     LP_ERR_MALFORMED);
}

static void unknown_fields_are_ignored(void **state)
{
    assert_int_equal(decode_with(left, "\"seq\"", "\"x\":{\"y\":[null,1.5]},\"\":0,\"seq\""),
                     0);
    assert_int_equal(decode(" {\"reason\" : \"normal\",\r\n\t\"type\":\"disconnect\"} "), 0);
}

static void depth_and_size_are_bounded(void **state)
{
    static char body[LP_CONTROL_BODY_MAX + 2];
    static const char right[] = "{\"type\":\"disconnect\",\"reason\":\"normal\"}";

    memset(body, '[', LP_CONTROL_BODY_MAX);
    assert_int_equal(decode_octets(body, LP_CONTROL_BODY_MAX), LP_ERR_MALFORMED);

    memset(body, ' ', sizeof(body));
    memcpy(body, right, strlen(right));
    assert_int_equal(decode_octets(body, LP_CONTROL_BODY_MAX), 0);
    assert_int_equal(decode_octets(body, LP_CONTROL_BODY_MAX + 1), LP_ERR_MALFORMED);
    assert_string_equal(why, "body: must be 1 to 65536 octets");
}

static void outputs_are_optional_and_written_on_success_only(void **state)
{
    struct lp_control untouched;

    memset(&untouched, 0x5a, sizeof(untouched));
    assert_int_equal(lp_control_decode((const uint8_t *)"{}", 2, &untouched, NULL, NULL),
                     LP_ERR_MALFORMED);
    for (size_t i = 0; i < sizeof(untouched); i++)
        assert_int_equal(((const uint8_t *)&untouched)[i], 0x5a);
    assert_int_equal(
        lp_control_decode((const uint8_t *)left, strlen(left), &untouched, NULL, NULL), 0);
}

static void frame_len_reads_the_prefix(void **state)
{
    uint8_t prefix[4] = {0, 0, 0, 1};

    for (size_t len = 0; len < 4; len++)
        assert_int_equal(lp_control_frame_len(prefix, len), 0);
    assert_int_equal(lp_control_frame_len(prefix, 4), 5);
    lp_store_be32(prefix, 65536);
    assert_int_equal(lp_control_frame_len(prefix, 4), 65540);
    lp_store_be32(prefix, 65537);
    assert_int_equal(lp_control_frame_len(prefix, 4), LP_ERR_RANGE);
    lp_store_be32(prefix, 0);
    assert_int_equal(lp_control_frame_len(prefix, 4), LP_ERR_RANGE);
    lp_store_be32(prefix, UINT32_MAX);
    assert_int_equal(lp_control_frame_len(prefix, 4), LP_ERR_RANGE);
}

static void names_of_unknown_values(void **state)
{
    assert_string_equal(lp_control_type_name(LP_CONTROL_NONE), "unknown");
    assert_string_equal(lp_control_type_name((enum lp_control_type)99), "unknown");
    assert_string_equal(lp_control_type_name(LP_CONTROL_PEER_LEFT), "peer_left");
    assert_string_equal(lp_reject_name((enum lp_reject_code)0), "unknown");
    assert_string_equal(lp_reject_name(LP_REJECT_DUPLICATE_MAC), "duplicate_mac");
    assert_non_null(strstr(lp_reject_text(LP_REJECT_ROOM_FULL), "--max-clients"));
    assert_non_null(lp_reject_text((enum lp_reject_code)0));
    assert_string_equal(lp_leave_name((enum lp_leave_reason)0), "unknown");
    assert_string_equal(lp_leave_name(LP_LEAVE_JOIN_FAILED), "join_failed");
    assert_string_equal(lp_role_name(LP_ROLE_GATEWAY), "gateway");
    assert_string_equal(lp_role_name((enum lp_role)0), "unknown");
}

static void room_codes(void **state)
{
    char code[70] = "";

    for (unsigned octet = 1; octet < 256; octet++) {
        bool good = (octet >= 'a' && octet <= 'z') || (octet >= 'A' && octet <= 'Z') ||
                    (octet >= '0' && octet <= '9') || octet == '.' || octet == '_' ||
                    octet == '-';

        code[0] = (char)octet;
        code[1] = '\0';
        assert_int_equal(lp_room_code_valid(code), good);
    }
    assert_false(lp_room_code_valid(""));
    memset(code, 'r', 64);
    code[64] = '\0';
    assert_true(lp_room_code_valid(code));
    memset(code, 'r', 65);
    code[65] = '\0';
    assert_false(lp_room_code_valid(code));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hello_is_read),
        cmocka_unit_test(a_wrong_hello_is_answered),
        cmocka_unit_test(a_gateway_gives_no_mac),
        cmocka_unit_test(names_cannot_forge_output),
        cmocka_unit_test(name_length_is_in_octets),
        cmocka_unit_test(welcome_is_read),
        cmocka_unit_test(welcome_has_defaults),
        cmocka_unit_test(a_wrong_welcome_is_refused),
        cmocka_unit_test(lifecycle_messages_are_judged),
        cmocka_unit_test(stats_are_judged),
        cmocka_unit_test(stats_hold_96_counters),
        cmocka_unit_test(hostile_json_is_refused),
        cmocka_unit_test(unknown_fields_are_ignored),
        cmocka_unit_test(depth_and_size_are_bounded),
        cmocka_unit_test(outputs_are_optional_and_written_on_success_only),
        cmocka_unit_test(frame_len_reads_the_prefix),
        cmocka_unit_test(names_of_unknown_values),
        cmocka_unit_test(room_codes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
