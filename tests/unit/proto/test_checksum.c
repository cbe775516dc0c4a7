#include "proto/checksum.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* RFC 1071 section 4.1, word by word in network order. */
static uint16_t naive(const uint8_t *bytes, size_t len, uint32_t sum)
{
    for (size_t i = 0; i < len; i++) {
        sum += i % 2 == 0 ? (uint32_t)bytes[i] << 8 : bytes[i];
        if (sum > 0xffff)
            sum -= 0xffff;
    }
    return (uint16_t)~sum;
}

/* 0 and 0xffff are the same number; which one a sum gives depends on the order of its carries.
 */
static unsigned canonical(uint16_t checksum)
{
    return checksum == 0xffff ? 0 : checksum;
}

static void rfc_1071_example(void **state)
{
    static const uint8_t bytes[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};

    (void)state;
    assert_int_equal(lp_checksum_finish(lp_checksum_add(0, bytes, sizeof(bytes))), 0x220d);
}

static void ipv4_header_example(void **state)
{
    static const uint8_t header[] = {0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40,
                                     0x00, 0x40, 0x11, 0x00, 0x00, 0xc0, 0xa8,
                                     0x00, 0x01, 0xc0, 0xa8, 0x00, 0xc7};

    (void)state;
    assert_int_equal(lp_checksum_finish(lp_checksum_add(0, header, sizeof(header))), 0xb861);
}

static void extremes(void **state)
{
    uint8_t ones[1500];

    (void)state;
    memset(ones, 0xff, sizeof(ones));
    assert_int_equal(lp_checksum_finish(0), 0xffff);
    for (size_t len = 2; len <= sizeof(ones); len += 2)
        assert_int_equal(lp_checksum_finish(lp_checksum_add(0, ones, len)), 0);
    assert_int_equal(lp_checksum_finish(UINT64_MAX), 0);
    assert_int_equal(lp_checksum_finish(lp_checksum_add_be16(UINT64_MAX, 0x1234)), 0xedcb);
    /* carries that ripple through the folds; 0x0101 is the same in either byte order */
    assert_int_equal(lp_checksum_finish(UINT64_C(0xffff0101ffff0000)), 0xfefe);
    assert_int_equal(lp_checksum_finish(UINT64_C(0xffffffffffff0101)), 0xfefe);
}

static void matches_naive_at_every_length_and_alignment(void **state)
{
    uint8_t bytes[8 + 300];
    uint32_t random = 1;

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++) {
        random = random * 1664525 + 1013904223;
        bytes[i] = (uint8_t)(random >> 24);
    }
    for (size_t at = 0; at < 8; at++) {
        for (size_t len = 0; len <= 300; len++)
            assert_int_equal(canonical(lp_checksum_finish(lp_checksum_add(0, bytes + at, len))),
                             canonical(naive(bytes + at, len, 0)));
    }
}

static void matches_naive_in_parts(void **state)
{
    uint8_t bytes[65535];
    uint32_t random = 7;

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++) {
        random = random * 1664525 + 1013904223;
        bytes[i] = (uint8_t)(random >> 24) | 0x80;
    }
    for (size_t cut = 0; cut < sizeof(bytes); cut += 1998) {
        uint64_t sum = lp_checksum_add(0, bytes, cut);

        sum = lp_checksum_add(sum, bytes + cut, sizeof(bytes) - cut);
        sum = lp_checksum_add_be16(sum, 0xbeef);
        assert_int_equal(canonical(lp_checksum_finish(sum)),
                         canonical(naive(bytes, sizeof(bytes), 0xbeef)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc_1071_example),
        cmocka_unit_test(ipv4_header_example),
        cmocka_unit_test(extremes),
        cmocka_unit_test(matches_naive_at_every_length_and_alignment),
        cmocka_unit_test(matches_naive_in_parts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
