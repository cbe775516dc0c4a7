/* A broadcast as games send it: recognised by the adapter's frames, missed with a reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "apps/player-win/broadcastcheck.h"

#define IP        14
#define UDP       (IP + 20)
#define DATA      (UDP + 8)
#define FRAME_LEN (DATA + LP_BROADCAST_PAYLOAD_LEN)

static const uint8_t secret[LP_BROADCAST_SECRET_LEN] = {1, 2,  3,  4,  5,  6,  7,  8,
                                                        9, 10, 11, 12, 13, 14, 15, 16};
static const uint64_t t0 = 1000 * LP_NS_PER_S;

static uint8_t bytes[FRAME_LEN + 8];

/* What Windows makes of the check's datagram. */
static void make_frame(const struct lp_broadcast_check *check)
{
    static const uint8_t headers[DATA] = {
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0x5a, 0,   0,  0, 1,
        0x08, 0x00,                                                    /* Ethernet */
        0x45, 0,    0,    52,   0x12, 0x34, 0,    0,    128, 17, 0, 0, /* IPv4 */
        10,   77,   0,    50,   255,  255,  255,  255,                 /* addresses */
        0xc0, 0x01, 0,    9,    0,    32,   0,    0};

    memset(bytes, 0, sizeof(bytes));
    memcpy(bytes, headers, sizeof(headers));
    memcpy(bytes + DATA, check->payload, LP_BROADCAST_PAYLOAD_LEN);
}

static bool is_own(struct lp_broadcast_check *check, size_t len)
{
    struct lp_superframe frame = {.bytes = bytes, .len = len};

    return lp_broadcast_check_on_frame(check, &frame);
}

static void init(struct lp_broadcast_check *check)
{
    lp_broadcast_check_init(check, secret);
    make_frame(check);
}

static void it_leaves(void **state)
{
    struct lp_broadcast_check check;

    (void)state;
    init(&check);
    assert_int_equal(lp_broadcast_check_on_time(&check, t0), LP_BROADCAST_NOTHING);
    lp_broadcast_check_ask(&check);
    assert_int_equal(lp_broadcast_check_on_time(&check, t0), LP_BROADCAST_SEND);
    assert_int_equal(lp_broadcast_check_on_time(&check, t0 + 1), LP_BROADCAST_NOTHING);
    assert_int_equal(check.verdict, LP_BROADCAST_UNKNOWN);
    assert_true(is_own(&check, FRAME_LEN));
    assert_int_equal(check.verdict, LP_BROADCAST_LEFT);
    assert_int_equal(lp_broadcast_check_on_time(&check, t0 + 100 * LP_NS_PER_S),
                     LP_BROADCAST_NOTHING);
    assert_true(is_own(&check, FRAME_LEN)); /* a second copy is not for the party either */
}

/* Missed three times, told once, looked at again later. */
static void it_is_missed(void **state)
{
    struct lp_broadcast_check check;
    uint64_t now = t0;

    (void)state;
    init(&check);
    lp_broadcast_check_ask(&check);
    for (unsigned i = 0; i < LP_BROADCAST_TRIES; i++) {
        assert_int_equal(lp_broadcast_check_on_time(&check, now), LP_BROADCAST_SEND);
        now += LP_BROADCAST_WATCH_NS - 1;
        assert_int_equal(lp_broadcast_check_on_time(&check, now), LP_BROADCAST_NOTHING);
        assert_int_equal(check.verdict, LP_BROADCAST_UNKNOWN);
        now++;
    }
    assert_int_equal(lp_broadcast_check_on_time(&check, now), LP_BROADCAST_TELL);
    assert_int_equal(check.verdict, LP_BROADCAST_MISSED);
    now += LP_BROADCAST_REST_NS - 1;
    assert_int_equal(lp_broadcast_check_on_time(&check, now), LP_BROADCAST_NOTHING);
    assert_int_equal(lp_broadcast_check_on_time(&check, now + 1), LP_BROADCAST_SEND);
    assert_int_equal(check.tries, 1);
    assert_int_equal(check.verdict, LP_BROADCAST_MISSED); /* until it is known better */
    assert_true(is_own(&check, FRAME_LEN));
    assert_int_equal(check.verdict, LP_BROADCAST_LEFT);
}

static void it_comes_late(void **state)
{
    struct lp_broadcast_check check;

    (void)state;
    init(&check);
    lp_broadcast_check_ask(&check);
    for (uint64_t now = t0; check.verdict == LP_BROADCAST_UNKNOWN; now += LP_BROADCAST_WATCH_NS)
        (void)lp_broadcast_check_on_time(&check, now);
    assert_true(is_own(&check, FRAME_LEN));
    assert_int_equal(check.verdict, LP_BROADCAST_LEFT);
}

/* Another address: what came of the old one is no answer. */
static void asked_again(void **state)
{
    struct lp_broadcast_check check;

    (void)state;
    init(&check);
    lp_broadcast_check_ask(&check);
    (void)lp_broadcast_check_on_time(&check, t0);
    lp_broadcast_check_ask(&check);
    assert_true(is_own(&check, FRAME_LEN));
    assert_int_equal(check.verdict, LP_BROADCAST_UNKNOWN);
    assert_int_equal(lp_broadcast_check_on_time(&check, t0 + 1), LP_BROADCAST_SEND);
    assert_int_equal(check.tries, 1);
}

static void the_address_is_gone(void **state)
{
    struct lp_broadcast_check check;

    (void)state;
    init(&check);
    lp_broadcast_check_ask(&check);
    (void)lp_broadcast_check_on_time(&check, t0);
    assert_true(is_own(&check, FRAME_LEN));
    lp_broadcast_check_forget(&check);
    assert_int_equal(check.verdict, LP_BROADCAST_UNKNOWN);
    assert_true(is_own(&check, FRAME_LEN));
    assert_int_equal(check.verdict, LP_BROADCAST_UNKNOWN);
    assert_int_equal(lp_broadcast_check_on_time(&check, t0 + 100 * LP_NS_PER_S),
                     LP_BROADCAST_NOTHING);
}

/* Each octet that matters, changed; each length. */
static void other_frames(void **state)
{
    static const unsigned matters[] = {
        0,       5,       12,      13,      IP + 0,  IP + 2,  IP + 6, IP + 7,   IP + 9,
        IP + 16, IP + 19, UDP + 2, UDP + 3, UDP + 4, UDP + 5, DATA,   DATA + 8, FRAME_LEN - 1};
    struct lp_broadcast_check check;

    (void)state;
    init(&check);
    lp_broadcast_check_ask(&check);
    (void)lp_broadcast_check_on_time(&check, t0);
    for (unsigned i = 0; i < sizeof(matters) / sizeof(matters[0]); i++) {
        bytes[matters[i]] ^= 0x21;
        assert_false(is_own(&check, FRAME_LEN));
        bytes[matters[i]] ^= 0x21;
    }
    for (size_t len = 0; len < FRAME_LEN; len++)
        assert_false(is_own(&check, len));
    bytes[IP] = 0x44; /* a header of 16 octets */
    assert_false(is_own(&check, FRAME_LEN));
    bytes[IP] = 0x4f; /* longer than the packet */
    assert_false(is_own(&check, FRAME_LEN));
    bytes[IP] = 0x45;
    bytes[IP + 3] = 53; /* a packet that is longer than the frame */
    assert_false(is_own(&check, FRAME_LEN));
    bytes[IP + 3] = 51; /* shorter than its datagram */
    assert_false(is_own(&check, FRAME_LEN));
    bytes[IP + 3] = 27; /* no room for a UDP header */
    assert_false(is_own(&check, FRAME_LEN));
    assert_int_equal(check.verdict, LP_BROADCAST_UNKNOWN);
    bytes[IP + 3] = 52;
    assert_true(is_own(&check, FRAME_LEN + 8)); /* padding is none of its business */
    assert_int_equal(check.verdict, LP_BROADCAST_LEFT);
}

static void a_superframe_is_not_it(void **state)
{
    struct lp_superframe frame = {.bytes = bytes, .len = FRAME_LEN, .gso = LP_GSO_UDP_L4};
    struct lp_broadcast_check check;

    (void)state;
    init(&check);
    assert_false(lp_broadcast_check_on_frame(&check, &frame));
}

static void somebody_elses_check(void **state)
{
    static const uint8_t other[LP_BROADCAST_SECRET_LEN] = {99};
    struct lp_broadcast_check check;

    (void)state;
    init(&check);
    lp_broadcast_check_init(&check, other);
    assert_false(is_own(&check, FRAME_LEN));
}

static void every_reason(void **state)
{
    static const struct {
        struct lp_broadcast_found found;
        const char *says;
    } cases[] = {
        {{.send_error = "Access is denied (error 10013)", .interface = "Ethernet"},
         "games may not find the party: Windows did not send a broadcast (Access is denied "
         "(error 10013)): let the firewall or security program allow it"},
        {{.interface = NULL},
         "games may not find the party: Windows has no route for broadcasts: disconnect and "
         "connect again"},
        {{.interface = "Ethernet"},
         "games may not find the party: Windows sends broadcasts by \"Ethernet\": disconnect "
         "the other VPN, or disable that adapter while playing"},
        {{.interface = "Ethernet", .behind = true},
         "games may not find the party: Windows sends broadcasts by \"Ethernet\": start "
         "without "
         "--tap-metric"},
        {{.interface = "SoftLAN", .by_adapter = true},
         "games may not find the party: broadcasts do not reach \"SoftLAN\" although Windows "
         "sends them by it: a firewall or security program drops them, allow them there"},
    };
    char why[LP_WHY_LEN];

    (void)state;
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        lp_broadcast_explain(&cases[i].found, why);
        assert_string_equal(why, cases[i].says);
    }
}

/* The longest names leave the remedy whole. */
static void long_names(void **state)
{
    static char name[128];
    struct lp_broadcast_found found = {.interface = name};
    char why[LP_WHY_LEN];

    (void)state;
    memset(name, 'x', sizeof(name) - 1);
    lp_broadcast_explain(&found, why);
    assert_non_null(strstr(why, "while playing"));
    found.by_adapter = true;
    lp_broadcast_explain(&found, why);
    assert_non_null(strstr(why, "allow them there"));
    found.send_error = name;
    lp_broadcast_explain(&found, why);
    assert_non_null(strstr(why, "program allow it"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_leaves),
        cmocka_unit_test(it_is_missed),
        cmocka_unit_test(it_comes_late),
        cmocka_unit_test(asked_again),
        cmocka_unit_test(the_address_is_gone),
        cmocka_unit_test(other_frames),
        cmocka_unit_test(a_superframe_is_not_it),
        cmocka_unit_test(somebody_elses_check),
        cmocka_unit_test(every_reason),
        cmocka_unit_test(long_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
