#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/mtu.h"

static void nothing_fits_below_the_overhead(void **state)
{
    assert_int_equal(lp_mtu_datagram_budget(0), 0);
    assert_int_equal(lp_mtu_datagram_budget(32), 0);
    assert_int_equal(lp_mtu_datagram_budget(33), 1);

    assert_int_equal(lp_mtu_frame(0), 0);
    assert_int_equal(lp_mtu_frame(33), 0); /* 13 octets are no Ethernet header */
    assert_int_equal(lp_mtu_frame(34), 14);
    assert_int_equal(lp_mtu_tap(0), 0);
    assert_int_equal(lp_mtu_tap(34), 0);
    assert_int_equal(lp_mtu_tap(35), 1);
}

static void ethernet_is_the_ceiling(void **state)
{
    assert_int_equal(lp_mtu_frame(1533), 1513);
    assert_int_equal(lp_mtu_frame(1534), 1514);
    assert_int_equal(lp_mtu_frame(1535), 1514);
    assert_int_equal(lp_mtu_frame(SIZE_MAX), 1514);
    assert_int_equal(lp_mtu_tap(1533), 1499);
    assert_int_equal(lp_mtu_tap(1534), 1500);
    assert_int_equal(lp_mtu_tap(65535), 1500);
}

static void there_and_back(void **state)
{
    for (size_t mtu = 1; mtu <= 1500; mtu++) {
        size_t budget = lp_mtu_budget_for_tap(mtu);

        assert_int_equal(lp_mtu_tap(budget), mtu);
        assert_int_equal(lp_mtu_tap(budget - 1), mtu - 1);
        assert_int_equal(lp_mtu_frame(budget), mtu + 14);
        assert_int_equal(lp_mtu_budget_for_frame(mtu + 14), budget);
        assert_int_equal(lp_mtu_datagram_budget(lp_mtu_udp_payload(budget)), budget);
    }
}

/* The default room MTU fits one datagram over IPv4 and IPv6 on a 1500-octet path. */
static void default_room_mtu_fits_common_paths(void **state)
{
    size_t need = lp_mtu_budget_for_tap(LP_ROOM_MTU_DEFAULT);

    assert_int_equal(need, 1414);
    assert_true(lp_mtu_datagram_budget(1500 - 20 - 8) >= need);
    assert_true(lp_mtu_datagram_budget(1500 - 40 - 8) >= need);
    assert_int_equal(lp_mtu_udp_payload(need), 1446);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_fits_below_the_overhead),
        cmocka_unit_test(ethernet_is_the_ceiling),
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(default_room_mtu_fits_common_paths),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
