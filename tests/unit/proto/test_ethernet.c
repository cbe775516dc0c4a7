#include "proto/ethernet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/wire.h"

#define DST 0x02, 0x11, 0x22, 0x33, 0x44, 0x55
#define SRC 0x06, 0xaa, 0xbb, 0xcc, 0xdd, 0xee

/* A heap block of exactly `len` octets, so that the address sanitizer sees one too many. */
static uint8_t *exact_copy(const uint8_t *bytes, size_t len)
{
    uint8_t *copy = malloc(len > 0 ? len : 1);

    assert_non_null(copy);
    memcpy(copy, bytes, len);
    return copy;
}

static void parses_type_frame(void **state)
{
    static const uint8_t frame[] = {DST, SRC, 0x08, 0x06, 0x00, 0x01};
    struct lp_eth eth;
    char text[LP_MAC_TEXT_LEN];

    (void)state;
    assert_int_equal(lp_eth_parse(frame, sizeof(frame), &eth), 0);
    assert_string_equal(lp_mac_format(&eth.dst, text), "02:11:22:33:44:55");
    assert_string_equal(lp_mac_format(&eth.src, text), "06:aa:bb:cc:dd:ee");
    assert_int_equal(eth.type_or_len, LP_ETHERTYPE_ARP);
    assert_int_equal(eth.ethertype, LP_ETHERTYPE_ARP);
    assert_false(eth.vlan);
    assert_false(eth.llc);
    assert_false(eth.snap);
    assert_ptr_equal(eth.payload, frame + 14);
    assert_int_equal(eth.payload_len, 2);
}

static void bounds_of_length(void **state)
{
    static const uint8_t longest[LP_ETH_FRAME_MAX + 1] = {DST, SRC, 0x88, 0xb5};
    struct lp_eth eth;
    struct lp_eth untouched;

    (void)state;
    memset(&eth, 0x5a, sizeof(eth));
    untouched = eth;
    for (size_t len = 0; len < 14; len++) {
        uint8_t *frame = exact_copy(longest, len);

        assert_int_equal(lp_eth_parse(frame, len, &eth), LP_ERR_TRUNCATED);
        free(frame);
    }
    assert_int_equal(lp_eth_parse(longest, 1515, &eth), LP_ERR_RANGE);
    assert_memory_equal(&eth, &untouched, sizeof(eth));
    assert_int_equal(lp_eth_parse(longest, 1514, &eth), 0);
    assert_int_equal(eth.payload_len, 1500);
    assert_int_equal(lp_eth_parse(longest, 14, &eth), 0);
    assert_int_equal(eth.payload_len, 0);
}

static void tag_protocol_ids(void **state)
{
    static const struct {
        uint16_t type;
        bool vlan;
    } rows[] = {
        {0x8100, true},  {0x88a8, true},  {0x9100, true},  {0x9200, true},  {0x80ff, false},
        {0x8101, false}, {0x88a7, false}, {0x88a9, false}, {0x9300, false}, {0x0800, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t frame[18] = {DST, SRC};
        struct lp_eth eth;

        lp_store_be16(frame + 12, rows[i].type);
        assert_int_equal(lp_eth_parse(frame, sizeof(frame), &eth), 0);
        assert_int_equal(eth.vlan, rows[i].vlan);
        assert_int_equal(lp_eth_is_tag(rows[i].type), rows[i].vlan);
        assert_int_equal(eth.ethertype, rows[i].type);
        assert_ptr_equal(eth.payload, frame + 14);
    }
}

static void length_or_type(void **state)
{
    uint8_t frame[60] = {DST, SRC};
    struct lp_eth eth;

    (void)state;
    lp_store_be16(frame + 12, 0x05ff);
    assert_int_equal(lp_eth_parse(frame, sizeof(frame), &eth), 0);
    assert_true(eth.llc);
    assert_int_equal(eth.type_or_len, 0x05ff);
    assert_int_equal(eth.ethertype, 0);
    lp_store_be16(frame + 12, 0x0600);
    assert_int_equal(lp_eth_parse(frame, sizeof(frame), &eth), 0);
    assert_false(eth.llc);
    assert_int_equal(eth.ethertype, 0x0600);
}

static void snap_headers(void **state)
{
    static const struct {
        uint8_t header[8];
        bool snap;
    } rows[] = {
        {{0xaa, 0xaa, 0x03, 0, 0, 0, 0x86, 0xdd}, true},
        {{0xaa, 0xaa, 0x03, 0, 0, 0xf8, 0x86, 0xdd}, true},
        {{0xab, 0xaa, 0x03, 0, 0, 0, 0x86, 0xdd}, true},  /* group DSAP */
        {{0xaa, 0xab, 0x03, 0, 0, 0, 0x86, 0xdd}, true},  /* response */
        {{0xaa, 0xaa, 0x13, 0, 0, 0, 0x86, 0xdd}, true},  /* poll */
        {{0xaa, 0xaa, 0x03, 8, 0, 7, 0x80, 0x9b}, false}, /* AppleTalk */
        {{0xaa, 0xaa, 0x03, 0, 0, 0xf9, 0x86, 0xdd}, false},
        {{0xaa, 0xaa, 0x03, 0, 1, 0, 0x86, 0xdd}, false},
        {{0xaa, 0xaa, 0xaf, 0, 0, 0, 0x86, 0xdd}, false}, /* XID */
        {{0x42, 0x42, 0x03, 0, 0, 0, 0x86, 0xdd}, false},
        {{0xff, 0xff, 0x00, 0x22, 0, 0, 0x86, 0xdd}, false}, /* raw 802.3 IPX */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t frame[24] = {DST, SRC, 0x00, 0x0a};
        struct lp_eth eth;

        memcpy(frame + 14, rows[i].header, 8);
        assert_int_equal(lp_eth_parse(frame, sizeof(frame), &eth), 0);
        assert_true(eth.llc);
        assert_int_equal(eth.snap, rows[i].snap);
        assert_int_equal(eth.type_or_len, 10);
        assert_int_equal(eth.ethertype, rows[i].snap ? LP_ETHERTYPE_IPV6 : 0);
        assert_ptr_equal(eth.payload, frame + (rows[i].snap ? 22 : 14));
        assert_int_equal(eth.payload_len, rows[i].snap ? 2 : 10);
    }
}

static void cut_snap_is_plain_llc(void **state)
{
    static const uint8_t whole[] = {DST, SRC, 0, 8, 0xaa, 0xaa, 3, 0, 0, 0, 0x08, 0x00};

    (void)state;
    for (size_t len = 14; len <= sizeof(whole); len++) {
        uint8_t *frame = exact_copy(whole, len);
        struct lp_eth eth;

        assert_int_equal(lp_eth_parse(frame, len, &eth), 0);
        assert_int_equal(eth.snap, len == sizeof(whole));
        assert_int_equal(eth.payload_len, len == sizeof(whole) ? 0 : len - 14);
        free(frame);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses_type_frame), cmocka_unit_test(bounds_of_length),
        cmocka_unit_test(tag_protocol_ids),  cmocka_unit_test(length_or_type),
        cmocka_unit_test(snap_headers),      cmocka_unit_test(cut_snap_is_plain_llc),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
