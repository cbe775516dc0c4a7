/* The golden vectors of docs/protocol.md are test_golden.c's; here are the refusals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/err.h"
#include "proto/overlay.h"
#include "proto/timing.h"

#define ROOM 0x11223344
#define PEER 0x55667788

static const struct lp_timing both = {
    .asks = true, .answers = true, .stamp_us = 0x01020304, .delay_us = 0xfffffffe};

/* A datagram in a block of exactly its size, so that a sanitizer sees a read behind it. */
static int decode(const uint8_t *bytes, size_t len, struct lp_timing *timing)
{
    uint8_t *exact = malloc(len > 0 ? len : 1);
    int err;

    assert_non_null(exact);
    memcpy(exact, bytes, len);
    err = lp_timing_decode(exact, len, ROOM, PEER, timing);
    free(exact);
    return err;
}

static void build(uint8_t bytes[LP_TIMING_LEN + 1])
{
    assert_int_equal(lp_timing_encode(&both, ROOM, PEER, bytes, LP_TIMING_LEN), LP_TIMING_LEN);
    bytes[LP_TIMING_LEN] = 0;
}

static void what_is_encoded_is_decoded(void **state)
{
    for (unsigned flags = 1; flags <= 3; flags++) {
        struct lp_timing want = {.asks = (flags & LP_TIMING_FLAG_ASKS) != 0,
                                 .answers = (flags & LP_TIMING_FLAG_ANSWERS) != 0};
        struct lp_timing got;
        uint8_t bytes[LP_TIMING_LEN];

        want.stamp_us = want.asks ? both.stamp_us : 0;
        want.delay_us = want.answers ? both.delay_us : 0;
        assert_int_equal(lp_timing_encode(&want, ROOM, PEER, bytes, sizeof(bytes)),
                         LP_TIMING_LEN);
        assert_int_equal(bytes[3], flags);
        assert_true(lp_timing_is_one(bytes, sizeof(bytes)));
        assert_int_equal(decode(bytes, sizeof(bytes), &got), 0);
        assert_int_equal(got.asks, want.asks);
        assert_int_equal(got.answers, want.answers);
        assert_int_equal(got.stamp_us, want.stamp_us);
        assert_int_equal(got.delay_us, want.delay_us);
    }
}

static void encode_refuses(void **state)
{
    static const struct lp_timing bad[] = {
        {.asks = false},
        {.asks = true, .delay_us = 1},
        {.answers = true, .stamp_us = 1},
    };
    uint8_t bytes[LP_TIMING_LEN];

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(lp_timing_encode(&bad[i], ROOM, PEER, bytes, sizeof(bytes)),
                         LP_ERR_INVALID);
    assert_int_equal(lp_timing_encode(&both, ROOM, 0, bytes, sizeof(bytes)), LP_ERR_INVALID);
    for (size_t len = 0; len < LP_TIMING_LEN; len++)
        assert_int_equal(lp_timing_encode(&both, ROOM, PEER, bytes, len), LP_ERR_NOSPACE);
}

/* One octet of a good datagram is another. */
static int decode_with(size_t at, uint8_t octet)
{
    uint8_t bytes[LP_TIMING_LEN + 1];
    struct lp_timing timing;

    build(bytes);
    bytes[at] = octet;
    return decode(bytes, LP_TIMING_LEN, &timing);
}

static void decode_refuses(void **state)
{
    uint8_t bytes[LP_TIMING_LEN + 1];
    struct lp_timing timing;

    build(bytes);
    for (size_t len = 0; len < LP_TIMING_LEN; len++)
        assert_int_equal(decode(bytes, len, &timing), LP_ERR_TRUNCATED);
    assert_int_equal(decode(bytes, LP_TIMING_LEN + 1, &timing), LP_ERR_MALFORMED);
    assert_int_equal(decode_with(0, 0x54), LP_ERR_MALFORMED);
    assert_int_equal(decode_with(2, 0x11), LP_ERR_UNSUPPORTED);
    assert_int_equal(decode_with(2, 0x22), LP_ERR_UNSUPPORTED);
    assert_int_equal(decode_with(3, 0x07), LP_ERR_UNSUPPORTED);
    assert_int_equal(decode_with(3, 0x00), LP_ERR_MALFORMED);
    assert_int_equal(decode_with(3, 0x01), LP_ERR_MALFORMED); /* a delay, and no answer */
    assert_int_equal(decode_with(7, 0x45), LP_ERR_MALFORMED); /* another room */
    assert_int_equal(decode_with(11, 0x89), LP_ERR_MALFORMED);
}

/* A frame's decoder does not take it for a frame, nor the other way round. */
static void types_are_told_apart(void **state)
{
    struct lp_overlay frame = {.type = LP_OVERLAY_FRAME, .room_id = ROOM, .peer_id = PEER};
    uint8_t bytes[LP_TIMING_LEN + 1];
    struct lp_overlay overlay;
    struct lp_timing timing;

    build(bytes);
    assert_int_equal(lp_overlay_decode(bytes, LP_TIMING_LEN, 3, &overlay), LP_ERR_UNSUPPORTED);
    frame.flags = LP_OVERLAY_FLAG_SEQUENCE;
    assert_int_equal(lp_overlay_encode(&frame, 3, bytes, sizeof(bytes)), 16);
    assert_false(lp_timing_is_one(bytes, sizeof(bytes)));
    assert_int_equal(decode(bytes, LP_TIMING_LEN, &timing), LP_ERR_UNSUPPORTED);
    assert_false(lp_timing_is_one(bytes, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_encoded_is_decoded),
        cmocka_unit_test(encode_refuses),
        cmocka_unit_test(decode_refuses),
        cmocka_unit_test(types_are_told_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
