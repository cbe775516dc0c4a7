/* Congestion marks: every code point, every octet else untouched, and checksums that hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/wire.h"
#include "proto/checksum.h"
#include "proto/ecn.h"

#define V4_LEN 20
#define V6_LEN 40

static void make_ipv4(uint8_t ip[V4_LEN], uint8_t tos, uint16_t id)
{
    static const uint8_t header[V4_LEN] = {0x45, 0, 0x05, 0xdc, 0, 0, 0x40, 0,    64, 6,
                                           0,    0, 10,   0,    0, 1, 10,   0xff, 0,  2};

    memcpy(ip, header, V4_LEN);
    ip[1] = tos;
    lp_store_be16(ip + 4, id);
    lp_store_be16(ip + 10, lp_checksum_finish(lp_checksum_add(0, ip, V4_LEN)));
}

static uint16_t sum_of(const uint8_t *ip)
{
    return lp_checksum_finish(lp_checksum_add(0, ip, V4_LEN));
}

/* Every type of service, and enough checksums for carries of both kinds. */
static void ipv4_marks_keep_the_checksum(void **state)
{
    for (unsigned tos = 0; tos < 256; tos++) {
        for (unsigned id = 0; id < 0x10000; id += 251) {
            uint8_t ip[V4_LEN];
            uint8_t before[V4_LEN];
            bool marked;

            make_ipv4(ip, (uint8_t)tos, (uint16_t)id);
            assert_int_equal(sum_of(ip), 0);
            memcpy(before, ip, V4_LEN);
            marked = lp_ecn_mark(ip, V4_LEN);
            assert_int_equal(marked, (tos & 3) != 0);
            assert_int_equal(ip[1], marked ? tos | 3 : tos);
            assert_int_equal(sum_of(ip), 0);
            before[1] = ip[1];
            memcpy(before + 10, ip + 10, 2);
            assert_memory_equal(ip, before, V4_LEN);
            if (!marked || (tos & 3) == 3)
                assert_int_equal(lp_load_be16(ip + 10), lp_load_be16(before + 10));
        }
    }
}

/* What arrives broken must not leave mended. */
static void a_wrong_checksum_stays_wrong(void **state)
{
    uint8_t ip[V4_LEN];

    make_ipv4(ip, 2, 7);
    ip[11] ^= 0x10;
    assert_true(lp_ecn_mark(ip, V4_LEN));
    assert_int_not_equal(sum_of(ip), 0);
}

static void ipv6_marks(void **state)
{
    for (unsigned traffic_class = 0; traffic_class < 256; traffic_class++) {
        uint8_t ip[V6_LEN];
        uint8_t want[V6_LEN];
        bool marked;

        memset(ip, 0xa5, sizeof(ip));
        ip[0] = (uint8_t)(0x60 | traffic_class >> 4);
        ip[1] = (uint8_t)((traffic_class & 0x0f) << 4 | 0x0b); /* and a flow label */
        memcpy(want, ip, sizeof(want));
        marked = lp_ecn_mark(ip, sizeof(ip));
        assert_int_equal(marked, (traffic_class & 3) != 0);
        want[1] |= marked ? 0x30 : 0;
        assert_memory_equal(ip, want, sizeof(ip));
    }
}

static void what_is_no_whole_header_is_left_alone(void **state)
{
    uint8_t ip[V6_LEN];
    uint8_t before[V6_LEN];

    memset(ip, 0xff, sizeof(ip));
    for (unsigned version = 0; version < 16; version++) {
        size_t most = version == 4 ? V4_LEN - 1 : version == 6 ? V6_LEN - 1 : V6_LEN;

        ip[0] = (uint8_t)(version << 4 | 5);
        memcpy(before, ip, sizeof(ip));
        for (size_t len = 0; len <= most; len++) {
            assert_false(lp_ecn_mark(ip, len));
            assert_memory_equal(ip, before, sizeof(ip));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ipv4_marks_keep_the_checksum),
        cmocka_unit_test(a_wrong_checksum_stays_wrong),
        cmocka_unit_test(ipv6_marks),
        cmocka_unit_test(what_is_no_whole_header_is_left_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
