/* The self-test's DHCP answers: to the client's own questions only, and octet for octet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "apps/client-win/selftest/lease.h"
#include "base/wire.h"
#include "proto/checksum.h"

#define BOOTP    42u
#define OPTIONS  (BOOTP + 240)
#define QUESTION 320u
#define XID      0xdeadbeefu

static const struct lp_mac client = {{0x02, 1, 2, 3, 4, 5}};
static const uint8_t offered[4] = LP_LEASE_ADDRESS;
static const uint8_t server[4] = LP_LEASE_SERVER;
static const uint8_t other[4] = {192, 0, 2, 9};

/* A question of the client, of this type; the options behind it may be given. */
static void ask(uint8_t frame[QUESTION], uint8_t type, const uint8_t *options, size_t len)
{
    memset(frame, 0, QUESTION);
    memset(frame, 0xff, 6);
    memcpy(frame + 6, client.octet, 6);
    lp_store_be16(frame + 12, 0x0800);
    frame[14] = 0x45;
    lp_store_be16(frame + 16, QUESTION - 14);
    frame[23] = 17;
    memset(frame + 30, 0xff, 4);
    lp_store_be16(frame + 34, 68);
    lp_store_be16(frame + 36, 67);
    lp_store_be16(frame + 38, QUESTION - 34);
    frame[BOOTP] = 1;
    frame[BOOTP + 1] = 1;
    frame[BOOTP + 2] = 6;
    lp_store_be32(frame + BOOTP + 4, XID);
    memcpy(frame + BOOTP + 28, client.octet, 6);
    memcpy(frame + BOOTP + 236, "\x63\x82\x53\x63", 4);
    frame[OPTIONS] = 53;
    frame[OPTIONS + 1] = 1;
    frame[OPTIONS + 2] = type;
    if (len > 0)
        memcpy(frame + OPTIONS + 3, options, len);
    frame[OPTIONS + 3 + len] = 255;
}

/* REQUEST of this address; `to` may be NULL. */
static void request(uint8_t frame[QUESTION], const uint8_t address[4], const uint8_t *to)
{
    uint8_t options[12] = {50, 4};

    memcpy(options + 2, address, 4);
    options[6] = 54;
    options[7] = 4;
    if (to != NULL)
        memcpy(options + 8, to, 4);
    ask(frame, 3, options, to != NULL ? 12 : 6);
}

static size_t answer(const uint8_t frame[QUESTION], uint8_t reply[LP_LEASE_FRAME_LEN])
{
    return lp_lease_answer(frame, QUESTION, &client, reply);
}

static void expect_reply(const uint8_t reply[LP_LEASE_FRAME_LEN], uint8_t type)
{
    static const uint8_t zero[4];

    assert_memory_equal(reply, "\xff\xff\xff\xff\xff\xff", 6);
    assert_memory_not_equal(reply + 6, client.octet, 6);
    assert_int_equal(reply[6] & 1, 0);
    assert_int_equal(lp_load_be16(reply + 12), 0x0800);
    assert_int_equal(lp_load_be16(reply + 16), LP_LEASE_FRAME_LEN - 14);
    assert_int_equal(lp_checksum_finish(lp_checksum_add(0, reply + 14, 20)), 0);
    assert_memory_equal(reply + 26, server, 4);
    assert_int_equal(lp_load_be16(reply + 34), 67);
    assert_int_equal(lp_load_be16(reply + 36), 68);
    assert_int_equal(lp_load_be16(reply + 38), LP_LEASE_FRAME_LEN - 34);
    assert_int_equal(reply[BOOTP], 2);
    assert_int_equal(lp_load_be32(reply + BOOTP + 4), XID);
    assert_memory_equal(reply + BOOTP + 16, type == 6 ? zero : offered, 4);
    assert_memory_equal(reply + BOOTP + 28, client.octet, 6);
    assert_memory_equal(reply + BOOTP + 236, "\x63\x82\x53\x63\x35\x01", 6);
    assert_int_equal(reply[OPTIONS + 2], type);
    assert_memory_equal(reply + OPTIONS + 3, "\x36\x04\xc6\x12\x4d\x01", 6);
    if (type == 6)
        assert_int_equal(reply[OPTIONS + 9], 255);
    else
        assert_memory_equal(reply + OPTIONS + 9,
                            "\x33\x04\x00\x00\x00\x3c\x01\x04\xff\xff\xff\x00"
                            "\x03\x04\xc6\x12\x4d\x01\x06\x04\xc6\x12\x4d\x01\xff",
                            25);
}

static void test_discover(void **state)
{
    uint8_t frame[QUESTION], reply[LP_LEASE_FRAME_LEN];

    ask(frame, 1, NULL, 0);
    assert_int_equal(answer(frame, reply), LP_LEASE_FRAME_LEN);
    expect_reply(reply, 2);
}

static void test_request(void **state)
{
    uint8_t frame[QUESTION], reply[LP_LEASE_FRAME_LEN];

    request(frame, offered, server);
    assert_int_equal(answer(frame, reply), LP_LEASE_FRAME_LEN);
    expect_reply(reply, 5);
    request(frame, offered, NULL); /* the address of the last time */
    assert_int_equal(answer(frame, reply), LP_LEASE_FRAME_LEN);
    expect_reply(reply, 5);
    ask(frame, 3, NULL, 0); /* a renewal */
    memcpy(frame + BOOTP + 12, offered, 4);
    assert_int_equal(answer(frame, reply), LP_LEASE_FRAME_LEN);
    expect_reply(reply, 5);
}

/* The address of another party is refused at once, so that the client asks anew. */
static void test_refused(void **state)
{
    uint8_t frame[QUESTION], reply[LP_LEASE_FRAME_LEN];

    request(frame, other, NULL);
    assert_int_equal(answer(frame, reply), LP_LEASE_FRAME_LEN);
    expect_reply(reply, 6);
}

static void test_not_for_us(void **state)
{
    uint8_t frame[QUESTION], reply[LP_LEASE_FRAME_LEN];
    static const struct lp_mac stranger = {{0x02, 1, 2, 3, 4, 6}};
    static const uint8_t types[] = {0, 2, 4, 5, 6, 7, 8, 255};

    request(frame, offered, other);
    assert_int_equal(answer(frame, reply), 0);
    for (unsigned i = 0; i < sizeof(types); i++) {
        ask(frame, types[i], NULL, 0);
        assert_int_equal(answer(frame, reply), 0);
    }
    ask(frame, 1, NULL, 0);
    assert_int_equal(lp_lease_answer(frame, QUESTION, &stranger, reply), 0);
}

/* One octet wrong where it matters. */
static void test_other_frames(void **state)
{
    static const size_t places[] = {12, 13, 23, 36, 37, BOOTP, BOOTP + 28, BOOTP + 236};
    uint8_t frame[QUESTION], reply[LP_LEASE_FRAME_LEN];

    for (unsigned i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        ask(frame, 1, NULL, 0);
        frame[places[i]] ^= 0x40;
        assert_int_equal(answer(frame, reply), 0);
    }
}

/* Every length, in a buffer of just that length: nothing is read behind it. */
static void test_cut(void **state)
{
    uint8_t frame[QUESTION], reply[LP_LEASE_FRAME_LEN];

    ask(frame, 1, NULL, 0);
    for (size_t len = 0; len < QUESTION; len++) {
        uint8_t *cut = test_malloc(len + 1);
        size_t expected = len >= OPTIONS + 3 ? LP_LEASE_FRAME_LEN : 0;

        memcpy(cut + 1, frame, len);
        assert_int_equal(lp_lease_answer(cut + 1, len, &client, reply), expected);
        test_free(cut);
    }
}

/* An IP header that is longer than the frame, and one that is none. */
static void test_header_len(void **state)
{
    uint8_t frame[QUESTION], reply[LP_LEASE_FRAME_LEN];

    ask(frame, 1, NULL, 0);
    frame[14] = 0x44;
    assert_int_equal(answer(frame, reply), 0);
    frame[14] = 0x4f;
    assert_int_equal(answer(frame, reply), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_discover),     cmocka_unit_test(test_request),
        cmocka_unit_test(test_refused),      cmocka_unit_test(test_not_for_us),
        cmocka_unit_test(test_other_frames), cmocka_unit_test(test_cut),
        cmocka_unit_test(test_header_len),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
