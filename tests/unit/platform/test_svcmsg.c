/* Messages of the service's pipe: golden octets and each rule from both sides. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/hex.h"
#include "base/wire.h"
#include "platform/settings/svcmsg.h"

#define GUID "{0F6C0C34-52E4-4b5e-9C5C-2C3C0A1B2D3E}"

static struct lp_svcmsg message;
static uint8_t bytes[LP_SVCMSG_MAX + 16];

/* In a block of exactly its size. */
static int decode(const uint8_t *octets, size_t len)
{
    uint8_t *exact = malloc(len > 0 ? len : 1);
    int err;

    assert_non_null(exact);
    memcpy(exact, octets, len);
    err = lp_svcmsg_decode(exact, len, &message);
    free(exact);
    return err;
}

static struct lp_addr ip(const char *text, uint16_t port)
{
    struct lp_addr addr;

    assert_int_equal(lp_addr_parse_ip(text, port, &addr), 0);
    return addr;
}

static struct lp_svcmsg prepare_of(const char *guid, uint8_t first_mac_octet)
{
    struct lp_svcmsg m = {.type = LP_SVCMSG_PREPARE};

    strcpy(m.prepare.adapter, guid);
    m.prepare.mac = (struct lp_mac){{first_mac_octet, 1, 2, 3, 4, 5}};
    return m;
}

static struct lp_svcmsg pin_of(const char *address, uint16_t port)
{
    return (struct lp_svcmsg){.type = LP_SVCMSG_PIN, .relay = ip(address, port)};
}

static struct lp_svcmsg configure_of(unsigned mtu, unsigned metric)
{
    return (struct lp_svcmsg){.type = LP_SVCMSG_CONFIGURE,
                              .settings = {.mtu = mtu, .metric = metric}};
}

static struct lp_svcmsg error_of(enum lp_err code, const char *sentence)
{
    struct lp_svcmsg m = {.type = LP_SVCMSG_ERROR, .error.code = code};

    strcpy(m.error.sentence, sentence);
    return m;
}

static struct lp_svcmsg full_status(void)
{
    struct lp_svcmsg m = {.type = LP_SVCMSG_STATUS};

    m.status.route.source = ip("2001:db8::5", 0);
    m.status.route.next_hop = ip("fe80::1", 0);
    m.status.route.next_hop.scope = 7;
    strcpy(m.status.route.interface, "Ethernet 2");
    m.status.route.interface_index = 7;
    m.status.route.prefix_len = 128;
    m.status.route.metric = 93;
    m.status.route_pinned = m.status.settings_hold = m.status.dns_kept = true;
    m.status.reasserted = 2;
    return m;
}

static void assert_wire(const struct lp_svcmsg *m, const char *hex)
{
    char text[2 * LP_SVCMSG_MAX + 1];
    int len = lp_svcmsg_encode(m, bytes, sizeof(bytes));

    assert_true(len > 0);
    assert_string_equal(lp_hex_encode(bytes, (size_t)len, text), hex);
    assert_int_equal(lp_svcmsg_frame_len(bytes, (size_t)len), len);
    assert_int_equal(decode(bytes, (size_t)len), 0);
    assert_int_equal(lp_svcmsg_encode(&message, bytes, sizeof(bytes)), len);
    assert_string_equal(lp_hex_encode(bytes, (size_t)len, text), hex);
    for (size_t capacity = 0; capacity < (size_t)len; capacity++)
        assert_int_equal(lp_svcmsg_encode(m, bytes, capacity), LP_ERR_NOSPACE);
}

static void test_golden(void **state)
{
    struct lp_svcmsg m = {.type = LP_SVCMSG_HELLO, .version = 1};

    assert_wire(&m, "000601010001");
    m = prepare_of(GUID, 0x02);
    assert_wire(&m,
                "00300102"
                "7b30463643304333342d353245342d346235652d394335432d3243334330413142324433457d"
                "020102030405");
    m = pin_of("192.0.2.9", 443);
    assert_wire(&m, "001b0103"
                    "0401bb00000000"
                    "c0000209000000000000000000000000");
    m = pin_of("2001:db8::9", 65535);
    assert_wire(&m, "001b0103"
                    "06ffff00000000"
                    "20010db8000000000000000000000009");
    m = configure_of(1380, 1);
    assert_wire(&m, "000901040564000100");
    m.settings.use_party_dns = true;
    assert_wire(&m, "000901040564000101");
    m = (struct lp_svcmsg){.type = LP_SVCMSG_CHECK};
    assert_wire(&m, "00040105");
    m = (struct lp_svcmsg){.type = LP_SVCMSG_END};
    assert_wire(&m, "00040106");
    m = (struct lp_svcmsg){.type = LP_SVCMSG_OK};
    assert_wire(&m, "00040181");
    m = error_of(LP_ERR_PERMISSION, "No!");
    assert_wire(&m, "00080182"
                    "10"
                    "4e6f21");
    m = full_status();
    assert_wire(&m, "00bd0183"
                    "06000000000000"
                    "20010db8000000000000000000000005"
                    "06000000000007"
                    "fe800000000000000000000000000001"
                    "45746865726e65742032000000000000"
                    "00000000000000000000000000000000000000000000000000000000"
                    "00000000000000000000000000000000000000000000000000000000"
                    "00000000000000000000000000000000000000000000000000000000"
                    "00000000000000000000000000000000000000000000000000000000"
                    "00000007"
                    "80"
                    "0000005d"
                    "15"
                    "02");
}

static void test_decoded_fields(void **state)
{
    struct lp_svcmsg m = full_status();
    const struct lp_route *route = &message.status.route;
    int len = lp_svcmsg_encode(&m, bytes, sizeof(bytes));

    assert_int_equal(decode(bytes, (size_t)len), 0);
    assert_true(lp_addr_equal(&route->source, &m.status.route.source));
    assert_true(lp_addr_equal(&route->next_hop, &m.status.route.next_hop));
    assert_string_equal(route->interface, "Ethernet 2");
    assert_int_equal(route->interface_index, 7);
    assert_int_equal(route->prefix_len, 128);
    assert_int_equal(route->metric, 93);
    assert_true(message.status.route_pinned);
    assert_false(message.status.route_borrowed);
    assert_true(message.status.settings_hold);
    assert_false(message.status.category_private);
    assert_true(message.status.dns_kept);
    assert_int_equal(message.status.reasserted, 2);
    m = pin_of("192.0.2.9", 443);
    len = lp_svcmsg_encode(&m, bytes, sizeof(bytes));
    assert_int_equal(decode(bytes, (size_t)len), 0);
    assert_true(lp_addr_equal(&message.relay, &m.relay));
    m = configure_of(1380, 9000);
    len = lp_svcmsg_encode(&m, bytes, sizeof(bytes));
    assert_int_equal(decode(bytes, (size_t)len), 0);
    assert_int_equal(message.settings.mtu, 1380);
    assert_int_equal(message.settings.metric, 9000);
    assert_false(message.settings.use_party_dns);
    m.settings.use_party_dns = true;
    len = lp_svcmsg_encode(&m, bytes, sizeof(bytes));
    assert_int_equal(decode(bytes, (size_t)len), 0);
    assert_true(message.settings.use_party_dns);
}

static void test_names(void **state)
{
    assert_string_equal(lp_svcmsg_name(LP_SVCMSG_HELLO), "hello");
    assert_string_equal(lp_svcmsg_name(LP_SVCMSG_STATUS), "status");
    assert_string_equal(lp_svcmsg_name((enum lp_svcmsg_type)0), "unknown");
    assert_string_equal(lp_svcmsg_name((enum lp_svcmsg_type)7), "unknown");
    assert_true(lp_svcmsg_is_request(LP_SVCMSG_END));
    assert_false(lp_svcmsg_is_request(LP_SVCMSG_OK));
    assert_false(lp_svcmsg_is_request((enum lp_svcmsg_type)0));
}

/* `good` with the octet at `offset` changed. */
static int decode_with(const struct lp_svcmsg *good, size_t offset, uint8_t octet)
{
    int len = lp_svcmsg_encode(good, bytes, sizeof(bytes));

    assert_true(len > 0 && offset < (size_t)len);
    bytes[offset] = octet;
    return decode(bytes, (size_t)len);
}

static void test_every_length_but_the_right_one(void **state)
{
    const struct lp_svcmsg all[] = {
        {.type = LP_SVCMSG_HELLO, .version = 1},
        prepare_of(GUID, 2),
        pin_of("192.0.2.9", 443),
        configure_of(1380, 1),
        {.type = LP_SVCMSG_CHECK},
        {.type = LP_SVCMSG_END},
        {.type = LP_SVCMSG_OK},
        full_status(),
    };

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        size_t right = (size_t)lp_svcmsg_encode(&all[i], bytes, sizeof(bytes));

        memset(bytes + right, 0, sizeof(bytes) - right);
        for (size_t len = 0; len <= LP_SVCMSG_MAX + 1; len++) {
            lp_store_be16(bytes, (uint16_t)len); /* says itself how long it is */
            assert_int_equal(decode(bytes, len), len == right ? 0 : LP_ERR_MALFORMED);
        }
        for (size_t len = right - 1; len <= right + 1; len++) {
            lp_store_be16(bytes, (uint16_t)right); /* and here it lies */
            assert_int_equal(decode(bytes, len), len == right ? 0 : LP_ERR_MALFORMED);
        }
    }
}

static void test_frame_len(void **state)
{
    static const uint8_t at[][2] = {{0, 0}, {0, 3}, {0, 4}, {4, 0}, {4, 1}, {0xff, 0xff}};
    static const int expected[] = {LP_ERR_RANGE, LP_ERR_RANGE, 4,
                                   1024,         LP_ERR_RANGE, LP_ERR_RANGE};

    for (size_t i = 0; i < 6; i++)
        assert_int_equal(lp_svcmsg_frame_len(at[i], 2), expected[i]);
    assert_int_equal(lp_svcmsg_frame_len(at[2], 1), 0);
    assert_int_equal(lp_svcmsg_frame_len(at[2], 0), 0);
}

static void test_versions_and_types(void **state)
{
    const struct lp_svcmsg check = {.type = LP_SVCMSG_CHECK};

    for (int octet = 0; octet < 256; octet++) {
        bool is_empty = octet == 5 || octet == 6 || octet == 129;

        assert_int_equal(decode_with(&check, 2, (uint8_t)octet),
                         octet == 1 ? 0 : LP_ERR_UNSUPPORTED);
        assert_int_equal(decode_with(&check, 3, (uint8_t)octet),
                         is_empty ? 0 : LP_ERR_MALFORMED);
    }
}

static void test_hello(void **state)
{
    const struct lp_svcmsg hello = {.type = LP_SVCMSG_HELLO, .version = 1};
    const struct lp_svcmsg zero = {.type = LP_SVCMSG_HELLO};

    assert_int_equal(decode_with(&hello, 4, 0xff), 0); /* another version is understood */
    assert_int_equal(message.version, 0xff01);
    assert_int_equal(decode_with(&hello, 5, 0), LP_ERR_MALFORMED);
    assert_int_equal(lp_svcmsg_encode(&zero, bytes, sizeof(bytes)), LP_ERR_INVALID);
}

static void test_guid(void **state)
{
    const struct lp_svcmsg good = prepare_of(GUID, 2);

    for (size_t at = 0; at < strlen(GUID); at++) {
        for (int octet = 0; octet < 256; octet++) {
            bool is_hex = octet != 0 && strchr("0123456789abcdefABCDEF", octet) != NULL;
            bool is_mark = strchr("{-}", GUID[at]) != NULL;
            bool fits = is_mark ? octet == GUID[at] : is_hex;

            assert_int_equal(decode_with(&good, 4 + at, (uint8_t)octet),
                             fits ? 0 : LP_ERR_MALFORMED);
        }
    }
    assert_int_equal(decode_with(&good, 4, '{'), 0);
    assert_string_equal(message.prepare.adapter, GUID);
}

static void test_mac(void **state)
{
    const struct lp_svcmsg good = prepare_of(GUID, 2);

    for (int octet = 0; octet < 256; octet++) {
        struct lp_svcmsg m = prepare_of(GUID, (uint8_t)octet);
        bool fits = (octet & 3) == 2;

        assert_int_equal(lp_svcmsg_encode(&m, bytes, sizeof(bytes)) > 0, fits);
        assert_int_equal(decode_with(&good, 42, (uint8_t)octet), fits ? 0 : LP_ERR_MALFORMED);
    }
}

static void test_relay(void **state)
{
    static const struct {
        const char *address;
        uint16_t port;
        bool fits;
    } rows[] = {
        {"192.0.2.9", 1, true},
        {"192.0.2.9", 65535, true},
        {"192.0.2.9", 0, false},
        {"10.0.0.1", 443, true},
        {"1.0.0.0", 443, true},
        {"223.255.255.255", 443, true},
        {"0.0.0.0", 443, false},
        {"0.1.2.3", 443, false},
        {"127.0.0.1", 443, true},
        {"127.255.255.255", 443, true},
        {"128.0.0.1", 443, true},
        {"169.254.1.1", 443, false},
        {"224.0.0.1", 443, false},
        {"239.255.255.255", 443, false},
        {"240.0.0.1", 443, false},
        {"255.255.255.255", 443, false},
        {"2001:db8::9", 443, true},
        {"2001:db8::9", 0, false},
        {"fd00::1", 443, true},
        {"::", 443, false},
        {"::1", 443, true},
        {"::2", 443, false},
        {"127.0.0.1", 0, false},
        {"::192.0.2.9", 443, false},
        {"::ffff:192.0.2.9", 443, false},
        {"ff02::1", 443, false},
        {"ff0e::1", 443, false},
        {"fe80::1", 443, false},
        {"febf::1", 443, false},
        {"fec0::1", 443, true},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct lp_svcmsg m = pin_of(rows[i].address, rows[i].port);
        struct lp_svcmsg other = pin_of(rows[i].fits ? "192.0.2.1" : rows[i].address, 0);

        if ((lp_svcmsg_encode(&m, bytes, sizeof(bytes)) > 0) != rows[i].fits)
            fail_msg("%s port %u", rows[i].address, (unsigned)rows[i].port);
        /* The same on the wire, past the encoder. */
        m = pin_of("192.0.2.1", 443);
        assert_true(lp_svcmsg_encode(&m, bytes, sizeof(bytes)) > 0);
        m.relay = ip(rows[i].address, rows[i].port);
        bytes[4] = m.relay.family;
        lp_store_be16(bytes + 5, m.relay.port);
        memcpy(bytes + 11, m.relay.ip, 16);
        assert_int_equal(decode(bytes, 27), rows[i].fits ? 0 : LP_ERR_MALFORMED);
        assert_int_equal(lp_svcmsg_encode(&other, bytes, sizeof(bytes)), LP_ERR_INVALID);
    }
}

static void test_relay_has_one_form(void **state)
{
    const struct lp_svcmsg v4 = pin_of("192.0.2.9", 443);
    const struct lp_svcmsg v6 = pin_of("2001:db8::9", 443);

    for (int family = 0; family < 256; family++) {
        assert_int_equal(decode_with(&v6, 4, (uint8_t)family),
                         family == 6 ? 0 : LP_ERR_MALFORMED);
        assert_int_equal(decode_with(&v4, 4, (uint8_t)family),
                         family == 4 || family == 6 ? 0 : LP_ERR_MALFORMED);
    }
    for (size_t at = 7; at < 11; at++) {
        assert_int_equal(decode_with(&v4, at, 1), LP_ERR_MALFORMED);
        assert_int_equal(decode_with(&v6, at, 1), LP_ERR_MALFORMED);
    }
    for (size_t at = 15; at < 27; at++)
        assert_int_equal(decode_with(&v4, at, 1), LP_ERR_MALFORMED);
}

static void test_settings(void **state)
{
    static const struct {
        unsigned mtu, metric;
        bool fits;
    } rows[] = {
        {576, 1, true},       {1500, 9999, true}, {575, 1, false},      {1501, 1, false},
        {0, 1, false},        {1380, 0, false},   {1380, 10000, false}, {65535, 1, false},
        {1380, 65535, false}, {66916, 1, false},  {1380, 65537, false},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct lp_svcmsg m = configure_of(rows[i].mtu, rows[i].metric);
        const struct lp_svcmsg good = configure_of(1380, 1);

        assert_int_equal(lp_svcmsg_encode(&m, bytes, sizeof(bytes)) > 0, rows[i].fits);
        if (rows[i].mtu > UINT16_MAX || rows[i].metric > UINT16_MAX)
            continue;
        assert_true(lp_svcmsg_encode(&good, bytes, sizeof(bytes)) == 9);
        lp_store_be16(bytes + 4, (uint16_t)rows[i].mtu);
        lp_store_be16(bytes + 6, (uint16_t)rows[i].metric);
        assert_int_equal(decode(bytes, 9), rows[i].fits ? 0 : LP_ERR_MALFORMED);
    }
}

static void test_party_dns_is_yes_or_no(void **state)
{
    const struct lp_svcmsg good = configure_of(1380, 1);

    for (int octet = 0; octet < 256; octet++) {
        int err = decode_with(&good, 8, (uint8_t)octet);

        assert_int_equal(err, octet <= 1 ? 0 : LP_ERR_MALFORMED);
        if (err == 0)
            assert_int_equal(message.settings.use_party_dns, octet);
    }
}

static void test_error(void **state)
{
    struct lp_svcmsg m = error_of(LP_ERR_IO, "x");
    int len;

    for (int octet = 0; octet < 256; octet++) {
        bool known = strcmp(lp_err_name(-octet), "UNKNOWN") != 0 && octet != 0;

        assert_int_equal(decode_with(&m, 4, (uint8_t)octet), known ? 0 : LP_ERR_MALFORMED);
        assert_int_equal(decode_with(&m, 5, (uint8_t)octet),
                         octet >= ' ' && octet <= '~' ? 0 : LP_ERR_MALFORMED);
    }
    memset(m.error.sentence, 'x', LP_WHY_LEN - 1);
    len = lp_svcmsg_encode(&m, bytes, sizeof(bytes));
    assert_int_equal(len, 5 + LP_WHY_LEN - 1);
    assert_int_equal(decode(bytes, (size_t)len), 0);
    assert_int_equal(strlen(message.error.sentence), LP_WHY_LEN - 1);
    bytes[len] = 'x';
    lp_store_be16(bytes, (uint16_t)(len + 1));
    assert_int_equal(decode(bytes, (size_t)len + 1), LP_ERR_MALFORMED);
    m.error.sentence[LP_WHY_LEN - 1] = 'x';
    assert_int_equal(lp_svcmsg_encode(&m, bytes, sizeof(bytes)), LP_ERR_INVALID);
    m = error_of(LP_ERR_IO, "");
    assert_int_equal(lp_svcmsg_encode(&m, bytes, sizeof(bytes)), LP_ERR_INVALID);
    m = error_of(LP_OK, "fine");
    assert_int_equal(lp_svcmsg_encode(&m, bytes, sizeof(bytes)), LP_ERR_INVALID);
    m = error_of((enum lp_err) - 99, "x");
    assert_int_equal(lp_svcmsg_encode(&m, bytes, sizeof(bytes)), LP_ERR_INVALID);
}

static void test_texts_are_made_printable(void **state)
{
    struct lp_svcmsg m = error_of(LP_ERR_IO, "L\xc3\xa4n\n\x1b[1m");
    int len = lp_svcmsg_encode(&m, bytes, sizeof(bytes));

    assert_int_equal(decode(bytes, (size_t)len), 0);
    assert_string_equal(message.error.sentence, "L??n??[1m");
    m = full_status();
    strcpy(m.status.route.interface, "Drahtlos \xc3\xa4");
    len = lp_svcmsg_encode(&m, bytes, sizeof(bytes));
    assert_int_equal(decode(bytes, (size_t)len), 0);
    assert_string_equal(message.status.route.interface, "Drahtlos ??");
}

enum {
    STATUS_NAME_AT = 50,
    STATUS_PREFIX_AT = STATUS_NAME_AT + LP_SVCMSG_NAME_LEN + 4,
    STATUS_FLAGS_AT = STATUS_PREFIX_AT + 1 + 4,
    STATUS_LEN = STATUS_FLAGS_AT + 2,
};

static void test_status_octets(void **state)
{
    const struct lp_svcmsg good = full_status();

    for (int octet = 0; octet < 256; octet++) {
        bool borrowed_alone = (octet & 3) == 2;

        assert_int_equal(decode_with(&good, STATUS_FLAGS_AT, (uint8_t)octet),
                         octet < 32 && !borrowed_alone ? 0 : LP_ERR_MALFORMED);
        assert_int_equal(decode_with(&good, STATUS_PREFIX_AT, (uint8_t)octet),
                         octet <= 128 ? 0 : LP_ERR_MALFORMED);
    }
    assert_int_equal(decode_with(&good, STATUS_NAME_AT + 11, 'x'),
                     LP_ERR_MALFORMED); /* behind the NUL */
    assert_int_equal(decode_with(&good, STATUS_NAME_AT + 3, 0), LP_ERR_MALFORMED);
    assert_int_equal(decode_with(&good, STATUS_NAME_AT + 3, '\n'), LP_ERR_MALFORMED);
    assert_int_equal(decode_with(&good, STATUS_NAME_AT + 3, 'X'), 0);
    lp_svcmsg_encode(&good, bytes, sizeof(bytes));
    memset(bytes + STATUS_NAME_AT, 'x', LP_SVCMSG_NAME_LEN); /* no NUL at all */
    assert_int_equal(decode(bytes, STATUS_LEN), LP_ERR_MALFORMED);
}

static void test_status_values(void **state)
{
    struct lp_svcmsg m = {.type = LP_SVCMSG_STATUS};

    assert_true(lp_svcmsg_encode(&m, bytes, sizeof(bytes)) == STATUS_LEN); /* nothing known */
    assert_int_equal(decode(bytes, STATUS_LEN), 0);
    assert_int_equal(message.status.route.source.family, LP_ADDR_NONE);
    assert_string_equal(message.status.route.interface, "");
    m.status.route.source = ip("192.0.2.5", 0);
    m.status.route.prefix_len = 32;
    assert_true(lp_svcmsg_encode(&m, bytes, sizeof(bytes)) > 0);
    m.status.route.prefix_len = 33;
    assert_int_equal(lp_svcmsg_encode(&m, bytes, sizeof(bytes)), LP_ERR_INVALID);
    m.status.route.prefix_len = 0;
    m.status.route.next_hop = ip("fe80::1", 0);
    assert_int_equal(lp_svcmsg_encode(&m, bytes, sizeof(bytes)), LP_ERR_INVALID);
    m = full_status();
    m.status.route_pinned = false;
    m.status.route_borrowed = true;
    assert_int_equal(lp_svcmsg_encode(&m, bytes, sizeof(bytes)), LP_ERR_INVALID);
    m = full_status();
    m.status.reasserted = 255;
    assert_true(lp_svcmsg_encode(&m, bytes, sizeof(bytes)) > 0);
    m.status.reasserted = 256;
    assert_int_equal(lp_svcmsg_encode(&m, bytes, sizeof(bytes)), LP_ERR_INVALID);
    m = full_status();
    memset(m.status.route.interface, 'x', LP_IF_NAME_LEN);
    assert_int_equal(lp_svcmsg_encode(&m, bytes, sizeof(bytes)), LP_ERR_INVALID);
}

static void test_refusal_writes_nothing(void **state)
{
    static const uint8_t bad[] = {0, 9, 1, 4, 0, 0, 0, 1, 0};
    struct lp_svcmsg before;

    memset(&message, 0x5a, sizeof(message));
    memset(&before, 0x5a, sizeof(before));
    assert_int_equal(decode(bad, sizeof(bad)), LP_ERR_MALFORMED);
    assert_memory_equal(&message, &before, sizeof(before));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_decoded_fields),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_every_length_but_the_right_one),
        cmocka_unit_test(test_frame_len),
        cmocka_unit_test(test_versions_and_types),
        cmocka_unit_test(test_hello),
        cmocka_unit_test(test_guid),
        cmocka_unit_test(test_mac),
        cmocka_unit_test(test_relay),
        cmocka_unit_test(test_relay_has_one_form),
        cmocka_unit_test(test_settings),
        cmocka_unit_test(test_party_dns_is_yes_or_no),
        cmocka_unit_test(test_error),
        cmocka_unit_test(test_texts_are_made_printable),
        cmocka_unit_test(test_status_octets),
        cmocka_unit_test(test_status_values),
        cmocka_unit_test(test_refusal_writes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
