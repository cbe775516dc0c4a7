#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/wire.h"
#include "core/policy.h"
#include "node/dhcpprobe.h"
#include "proto/checksum.h"

#define START_NS (100 * LP_NS_PER_S)

enum {
    IP_AT = LP_ETH_HEADER_LEN,
    UDP_AT = IP_AT + 20,
    BOOTP_AT = UDP_AT + 8,
    YIADDR_AT = BOOTP_AT + 16,
    COOKIE_AT = BOOTP_AT + 236,
    OPTIONS_AT = COOKIE_AT + 4,
};

static const uint8_t random_octets[10] = {0xff, 1, 2, 3, 4, 5, 0xde, 0xad, 0xbe, 0xef};

static struct lp_dhcp_probe started(uint8_t discover[LP_ETH_FRAME_MAX], size_t *ret_len)
{
    struct lp_dhcp_probe probe;

    lp_dhcp_probe_start(&probe, random_octets, START_NS);
    *ret_len = lp_dhcp_probe_poll(&probe, discover, START_NS);
    assert_true(*ret_len > 0);
    return probe;
}

/* What a server answers to a discover: addresses and ports turned round, two options. */
static size_t offer(const uint8_t *discover, size_t len, uint8_t *frame)
{
    static const uint8_t options[] = {0, 53, 1, 2, 54, 4, 10, 0, 0, 1, 255};

    memcpy(frame, discover, len);
    lp_store_be16(frame + UDP_AT, 67);
    lp_store_be16(frame + UDP_AT + 2, 68);
    frame[BOOTP_AT] = 2;
    memcpy(frame + YIADDR_AT, "\x0a\x00\x00\x63", 4);
    memcpy(frame + OPTIONS_AT, options, sizeof(options));
    return len;
}

static void discover_is_a_stranger_s_broadcast(void **state)
{
    uint8_t frame[LP_ETH_FRAME_MAX];
    size_t len;
    struct lp_dhcp_probe probe = started(frame, &len);
    struct lp_eth eth;

    (void)state;
    assert_int_equal(lp_eth_parse(frame, len, &eth), 0);
    assert_true(lp_mac_is_broadcast(&eth.dst));
    assert_true(lp_mac_equal(&eth.src, &probe.mac));
    assert_true(lp_mac_is_local(&eth.src));
    assert_false(lp_mac_is_group(&eth.src));
    assert_int_equal(eth.ethertype, LP_ETHERTYPE_IPV4);
    assert_int_equal(lp_policy_judge(&eth, len, LP_ORIGIN_REMOTE), LP_FORWARD);
    assert_int_equal(lp_checksum_finish(lp_checksum_add(0, frame + IP_AT, 20)), 0);
    assert_int_equal(lp_load_be16(frame + IP_AT + 2), len - IP_AT);
    assert_int_equal(lp_load_be16(frame + UDP_AT + 4), len - UDP_AT);
    assert_int_equal(lp_load_be32(frame + BOOTP_AT + 4), 0xdeadbeef);
    assert_memory_equal(frame + OPTIONS_AT, "\x35\x01\x01", 3);
}

static void asks_again_and_gives_up(void **state)
{
    uint8_t frame[LP_ETH_FRAME_MAX];
    size_t len;
    struct lp_dhcp_probe probe = started(frame, &len);
    unsigned discovers = 1;
    uint64_t now_ns = START_NS;

    (void)state;
    while (probe.state == LP_DHCP_PROBE_WAITING) {
        uint64_t due_ns = lp_dhcp_probe_next_deadline(&probe);

        assert_true(due_ns > now_ns);
        assert_int_equal(lp_dhcp_probe_poll(&probe, frame, due_ns - 1), 0);
        now_ns = due_ns;
        discovers += lp_dhcp_probe_poll(&probe, frame, now_ns) > 0;
    }
    assert_int_equal(probe.state, LP_DHCP_PROBE_NO_OFFER);
    assert_int_equal(now_ns, START_NS + LP_DHCP_PROBE_TIMEOUT_NS);
    assert_int_equal(discovers, 4);
    assert_true(lp_dhcp_probe_next_deadline(&probe) == LP_TIME_NEVER);
}

static void takes_its_offer(void **state)
{
    uint8_t frame[LP_ETH_FRAME_MAX], answer[LP_ETH_FRAME_MAX];
    char text[LP_ADDR_TEXT_LEN];
    size_t len;
    struct lp_dhcp_probe probe = started(frame, &len);

    (void)state;
    assert_false(lp_dhcp_probe_look(&probe, frame, len)); /* its own discover */
    offer(frame, len, answer);
    assert_true(lp_dhcp_probe_look(&probe, answer, len));
    assert_int_equal(probe.state, LP_DHCP_PROBE_OFFERED);
    assert_string_equal(lp_addr_format_ip(&probe.offered, text), "10.0.0.99");
    assert_string_equal(lp_addr_format_ip(&probe.server, text), "10.0.0.1");
    assert_false(lp_dhcp_probe_look(&probe, answer, len)); /* once */
}

/* Each of these octets, changed, makes it somebody else's frame. */
static void leaves_other_frames_alone(void **state)
{
    static const size_t changed[] = {
        12,                /* EtherType */
        IP_AT + 9,         /* protocol */
        UDP_AT + 3,        /* destination port */
        BOOTP_AT + 5,      /* transaction */
        BOOTP_AT + 28 + 5, /* hardware address */
        COOKIE_AT,         /* magic cookie */
        OPTIONS_AT + 3,    /* message type */
        OPTIONS_AT + 2,    /* its length */
    };
    uint8_t frame[LP_ETH_FRAME_MAX], answer[LP_ETH_FRAME_MAX];
    size_t len;
    struct lp_dhcp_probe probe = started(frame, &len);

    (void)state;
    for (size_t i = 0; i < sizeof(changed) / sizeof(changed[0]); i++) {
        offer(frame, len, answer);
        answer[changed[i]] ^= 0x40;
        assert_false(lp_dhcp_probe_look(&probe, answer, len));
    }
    assert_int_equal(probe.state, LP_DHCP_PROBE_WAITING);
}

static void cut_offers_are_no_offers(void **state)
{
    uint8_t frame[LP_ETH_FRAME_MAX], answer[LP_ETH_FRAME_MAX];
    size_t len;
    struct lp_dhcp_probe probe = started(frame, &len);

    (void)state;
    offer(frame, len, answer);
    for (size_t cut = 0; cut < OPTIONS_AT + 4; cut++)
        assert_false(lp_dhcp_probe_look(&probe, answer, cut));
    assert_true(lp_dhcp_probe_look(&probe, answer, OPTIONS_AT + 4));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(discover_is_a_stranger_s_broadcast),
        cmocka_unit_test(asks_again_and_gives_up),
        cmocka_unit_test(takes_its_offer),
        cmocka_unit_test(leaves_other_frames_alone),
        cmocka_unit_test(cut_offers_are_no_offers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
