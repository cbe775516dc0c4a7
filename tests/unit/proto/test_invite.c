/* Invite links, good and hostile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/err.h"
#include "proto/invite.h"

#define A10     "aaaaaaaaaa"
#define A63     A10 A10 A10 A10 A10 A10 "aaa"
#define NAME253 A63 "." A63 "." A63 "." A10 A10 A10 A10 A10 A10 "a"
#define NAME254 A63 "." A63 "." A63 "." A10 A10 A10 A10 A10 A10 "aa"
#define HEX16   "0123456789abcdef"
#define PIN     HEX16 HEX16 HEX16 HEX16
#define JOIN    "softlan://join?"
#define RELAY   JOIN "relay="
#define R       RELAY "relay.example&room=ABCD"

static struct lp_invite invite;
static char why[LP_INVITE_WHY_LEN];

/* In a block of exactly its size. A refusal leaves the invite alone and says why, printably. */
static int parse_octets(const char *link, size_t len)
{
    struct lp_invite before;
    char *exact = malloc(len > 0 ? len : 1);
    int err;

    assert_non_null(exact);
    memcpy(exact, link, len);
    memset(&invite, 0x5a, sizeof(invite));
    memset(why, 0x01, sizeof(why));
    before = invite;
    err = lp_invite_parse(exact, len, &invite, why);
    free(exact);
    if (err < 0) {
        size_t why_len = strnlen(why, sizeof(why));

        assert_int_equal(err, LP_ERR_MALFORMED);
        assert_memory_equal(&invite, &before, sizeof(before));
        assert_true(why_len > 0 && why_len < sizeof(why) && why[why_len - 1] != ' ');
        for (size_t i = 0; i < why_len; i++)
            assert_true(why[i] >= ' ' && why[i] <= '~');
    }
    return err;
}

static int parse(const char *link)
{
    return parse_octets(link, strlen(link));
}

struct good {
    const char *link;
    const char *host;
    unsigned port;
    const char *room;
    bool has_pin;
    const char *server_name;
};

static const struct good good[] = {
    {R, "relay.example", 443, "ABCD", false, ""},
    {"SOFTLAN://join?relay=relay.example&room=ABCD", "relay.example", 443, "ABCD", false, ""},
    {"SoftLan://JOIN?relay=relay.example&room=ABCD", "relay.example", 443, "ABCD", false, ""},
    {"softlan://join/?relay=relay.example&room=ABCD", "relay.example", 443, "ABCD", false, ""},
    {JOIN "room=ABCD&relay=relay.example", "relay.example", 443, "ABCD", false, ""},
    {JOIN "name=n.example&pin=" PIN "&room=ABCD&relay=relay.example:8443", "relay.example",
     8443, "ABCD", true, "n.example"},
    {R "&pin=" PIN, "relay.example", 443, "ABCD", true, ""},
    {R "&pin=0123456789ABCDEF0123456789abcdef0123456789ABCDEF0123456789abcdef", "relay.example",
     443, "ABCD", true, ""},
    {R "&name=lanparty-relay.local", "relay.example", 443, "ABCD", false,
     "lanparty-relay.local"},
    {R "&name=N.Example", "relay.example", 443, "ABCD", false, "n.example"},
    {RELAY "Relay.EXAMPLE&room=ABCD", "relay.example", 443, "ABCD", false, ""},
    {RELAY "localhost&room=ABCD", "localhost", 443, "ABCD", false, ""},
    {RELAY "relay.example:1&room=ABCD", "relay.example", 1, "ABCD", false, ""},
    {RELAY "relay.example:443&room=ABCD", "relay.example", 443, "ABCD", false, ""},
    {RELAY "relay.example:65535&room=ABCD", "relay.example", 65535, "ABCD", false, ""},
    {RELAY "192.0.2.1&room=ABCD", "192.0.2.1", 443, "ABCD", false, ""},
    {RELAY "192.0.2.1:8443&room=ABCD", "192.0.2.1", 8443, "ABCD", false, ""},
    {RELAY "127.0.0.1&room=ABCD", "127.0.0.1", 443, "ABCD", false, ""},
    {RELAY "[2001:db8::1]&room=ABCD", "2001:db8::1", 443, "ABCD", false, ""},
    {RELAY "[2001:DB8:0:0::1]:8443&room=ABCD", "2001:db8::1", 8443, "ABCD", false, ""},
    {RELAY "%5B2001:db8::1%5d%3A8443&room=ABCD", "2001:db8::1", 8443, "ABCD", false, ""},
    {RELAY "[::1]&room=ABCD", "::1", 443, "ABCD", false, ""},
    {RELAY "xn--bcher-kva.example&room=ABCD", "xn--bcher-kva.example", 443, "ABCD", false, ""},
    {RELAY "1and1.example&room=ABCD", "1and1.example", 443, "ABCD", false, ""},
    {RELAY "192.0.2.1.example&room=ABCD", "192.0.2.1.example", 443, "ABCD", false, ""},
    {RELAY "a-b--c.d&room=ABCD", "a-b--c.d", 443, "ABCD", false, ""},
    {RELAY A63 "&room=ABCD", A63, 443, "ABCD", false, ""},
    {RELAY NAME253 "&room=ABCD", NAME253, 443, "ABCD", false, ""},
    {RELAY "%72elay.exampl%65&room=%41B%43D", "relay.example", 443, "ABCD", false, ""},
    {RELAY "relay%2eexample&room=A%2D%5f%2E", "relay.example", 443, "A-_.", false, ""},
    {RELAY "r&room=0", "r", 443, "0", false, ""},
    {RELAY "r&room=_--", "r", 443, "_--", false, ""},
    {RELAY "r&room=" A10 A10 A10 A10 A10 A10 "aaaa", "r", 443, A63 "a", false, ""},
};

static void test_good_links(void **state)
{
    static const uint8_t pin[LP_INVITE_PIN_LEN] = {
        0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x01, 0x23, 0x45,
        0x67, 0x89, 0xab, 0xcd, 0xef, 0x01, 0x23, 0x45, 0x67, 0x89, 0xab,
        0xcd, 0xef, 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef};

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        const struct good *g = &good[i];

        if (parse(g->link) != 0)
            fail_msg("%s: %s", g->link, why);
        assert_string_equal(invite.host, g->host);
        assert_int_equal(invite.port, g->port);
        assert_string_equal(invite.room, g->room);
        assert_int_equal(invite.has_pin, g->has_pin);
        if (g->has_pin)
            assert_memory_equal(invite.pin, pin, sizeof(pin));
        assert_string_equal(invite.server_name, g->server_name);
    }
}

#define BEGIN     "This is no invite: those begin with softlan://join?"
#define CHARACTER "The invite holds a character that none may hold."
#define HOST      "The invite's relay is not a valid name or address."
#define PORT      "The invite's relay port is not a number from 1 to 65535."
#define ROOM                                                                                   \
    "The invite's room code is not valid: 1 to 64 letters, digits, '.', '_' or '-', the "      \
    "first a letter, digit or '_'."
#define KEY         "The invite asks for something that no invite can ask for."
#define VALUE       "The invite has a part without a value."
#define TWICE       "The invite says the same thing twice."
#define LACKS       "The invite lacks the relay or the room."
#define FINGERPRINT "The invite's certificate fingerprint is not 64 hex digits."
#define SERVER      "The invite's server name is not a valid DNS name."

static const struct {
    const char *link;
    const char *why;
} hostile[] = {
    /* scheme and verb */
    {"", BEGIN},
    {"softlan", BEGIN},
    {"softlan:", BEGIN},
    {"softlan://", BEGIN},
    {"softlan://join", BEGIN},
    {"softlan://join/", BEGIN},
    {"softlan:join?relay=r&room=A", BEGIN},
    {"softlan:/join?relay=r&room=A", BEGIN},
    {"softlan:///join?relay=r&room=A", BEGIN},
    {"softlan://joi?relay=r&room=A", BEGIN},
    {"softlan://joinx?relay=r&room=A", BEGIN},
    {"softlan://leave?relay=r&room=A", BEGIN},
    {"softlan://j%6fin?relay=r&room=A", BEGIN},
    {"softlans://join?relay=r&room=A", BEGIN},
    {"softlan.exe://join?relay=r&room=A", BEGIN},
    {"http://join?relay=r&room=A", BEGIN},
    {"file:///c:/windows/system32/calc.exe", BEGIN},
    {"javascript:alert(1)", BEGIN},
    {"--relay=r", BEGIN},
    {"/relay=r", BEGIN},
    {"softlan://user@join?relay=r&room=A", BEGIN},
    {"softlan://user:pass@join?relay=r&room=A", BEGIN},
    {"softlan://join@evil.example?relay=r&room=A", BEGIN},
    {"softlan://join:80?relay=r&room=A", BEGIN},
    {"softlan://join.?relay=r&room=A", BEGIN},
    {"softlan://join//?relay=r&room=A", BEGIN},
    {"softlan://join/..?relay=r&room=A", BEGIN},
    {"softlan://join/../../x?relay=r&room=A", BEGIN},
    {"softlan://join/%2e%2e?relay=r&room=A", BEGIN},
    {"softlan://join\\?relay=r&room=A", BEGIN},
    {"softlan://join#?relay=r&room=A", BEGIN},
    {"softlan://join;relay=r&room=A", BEGIN},
    {"\"softlan://join?relay=r&room=A\"", BEGIN},
    {"softlan://softlan://join?relay=r&room=A", BEGIN},
    /* octets */
    {" " R, CHARACTER},
    {R " ", CHARACTER},
    {R "\n", CHARACTER},
    {R "\r\n", CHARACTER},
    {R "\t", CHARACTER},
    {R "\" --tap-metric 9000", CHARACTER},
    {R "\"", CHARACTER},
    {R "'", CHARACTER},
    {R "`", CHARACTER},
    {R "$(id)", CHARACTER},
    {R ";", CHARACTER},
    {R "|calc", CHARACTER},
    {R "\\..", CHARACTER},
    {R "/..", CHARACTER},
    {R "<b>", CHARACTER},
    {R "+", CHARACTER},
    {R "*", CHARACTER},
    {R "\x7f", CHARACTER},
    {R "\xc3\xa4", CHARACTER},
    {R "\xff", CHARACTER},
    {R "#x", CHARACTER},
    {R "#", CHARACTER},
    {R "?", CHARACTER},
    {R "@x", CHARACTER},
    {R ",B", CHARACTER},
    {R "=B", CHARACTER},
    {RELAY "b\xc3\xbc"
           "cher.example&room=A",
     CHARACTER},
    {RELAY "b%C3%BCcher.example&room=A", CHARACTER},
    /* percent */
    {R "%", CHARACTER},
    {R "%4", CHARACTER},
    {R "%4g", CHARACTER},
    {R "%%41", CHARACTER},
    {R "%u0041", CHARACTER},
    {R "%00", CHARACTER},
    {RELAY "relay.example%00.evil.example&room=A", CHARACTER},
    {R "%0a", CHARACTER},
    {R "%0d%0aX", CHARACTER},
    {R "%20", CHARACTER},
    {R "%22", CHARACTER},
    {R "%2541", CHARACTER},
    {R "%252e", CHARACTER},
    {R "%26pin%3d", CHARACTER},
    {R "%2f%2e%2e", CHARACTER},
    {R "%5c", CHARACTER},
    {R "%ff", CHARACTER},
    {R "%c0%ae", CHARACTER},
    {RELAY "[fe80::1%25eth0]&room=A", CHARACTER},
    {RELAY "user%40r&room=A", CHARACTER},
    {JOIN "rel%61y=r&room=A", KEY},
    /* keys */
    {JOIN, VALUE},
    {JOIN "relay", VALUE},
    {JOIN "relay=r", LACKS},
    {JOIN "room=A", LACKS},
    {JOIN "pin=" PIN, LACKS},
    {R "&", VALUE},
    {R "&&pin=" PIN, VALUE},
    {JOIN "&relay=r&room=A", VALUE},
    {R "&pin", VALUE},
    {R "&--json", VALUE},
    {R "&--json=1", KEY},
    {R "&-v=", KEY},
    {R "&=", KEY},
    {R "&=x", KEY},
    {R "&Room=B", KEY},
    {R "&ROOM=B", KEY},
    {R "&roo=B", KEY},
    {R "&rooms=B", KEY},
    {R "&relay-ca-cert=c", KEY},
    {R "&cert=..", KEY},
    {R "&exec=calc.exe", KEY},
    {R "&relay[]=r", KEY},
    {R "&amp;pin=" PIN, KEY},
    {R "&room=ABCD", TWICE},
    {R "&room=", TWICE},
    {R "&relay=evil.example", TWICE},
    {R "&pin=" PIN "&pin=" PIN, TWICE},
    {R "&name=a&name=b", TWICE},
    /* relay */
    {RELAY "&room=A", HOST},
    {RELAY ":443&room=A", HOST},
    {RELAY ".&room=A", HOST},
    {RELAY "..&room=A", HOST},
    {RELAY "%2e%2e&room=A", HOST},
    {RELAY "r.&room=A", HOST},
    {RELAY ".r&room=A", HOST},
    {RELAY "a..b&room=A", HOST},
    {RELAY "-r&room=A", HOST},
    {RELAY "--relay&room=A", HOST},
    {RELAY "r-&room=A", HOST},
    {RELAY "a.-b.c&room=A", HOST},
    {RELAY "a_b.example&room=A", HOST},
    {RELAY "a~b.example&room=A", HOST},
    {RELAY A63 "a.example&room=A", HOST},
    {RELAY NAME254 "&room=A", HOST},
    {RELAY NAME254 A63 A63 "&room=A", HOST},
    {RELAY "1&room=A", HOST},
    {RELAY "3232235777&room=A", HOST},
    {RELAY "127.1&room=A", HOST},
    {RELAY "0x7f.0.0.1&room=A", HOST},
    {RELAY "0x7f000001&room=A", HOST},
    {RELAY "r.0x1F&room=A", HOST},
    {RELAY "r.0x&room=A", HOST},
    {RELAY "r.7&room=A", HOST},
    {RELAY "192.0.2.256&room=A", HOST},
    {RELAY "192.0.2&room=A", HOST},
    {RELAY "192.0.2.1.&room=A", HOST},
    {RELAY "192.0.2.01&room=A", HOST},
    {RELAY "0.0.0.0&room=A", HOST},
    {RELAY "0.1.2.3&room=A", HOST},
    {RELAY "224.0.0.1&room=A", HOST},
    {RELAY "240.0.0.1&room=A", HOST},
    {RELAY "255.255.255.255&room=A", HOST},
    {RELAY "[::]&room=A", HOST},
    {RELAY "[::2]&room=A", HOST},
    {RELAY "[::192.0.2.1]&room=A", HOST},
    {RELAY "[::ffff:192.0.2.1]&room=A", HOST},
    {RELAY "[ff02::1]&room=A", HOST},
    {RELAY "[]&room=A", HOST},
    {RELAY "[&room=A", HOST},
    {RELAY "[2001:db8::1&room=A", HOST},
    {RELAY "[[2001:db8::1]]&room=A", HOST},
    {RELAY "[192.0.2.1]&room=A", HOST},
    {RELAY "[relay.example]&room=A", HOST},
    {RELAY "[2001:db8::g]&room=A", HOST},
    {RELAY "[1:2:3:4:5:6:7:8:9]&room=A", HOST},
    {RELAY "2001:db8::1&room=A", HOST},
    {RELAY "::1&room=A", HOST},
    {RELAY "x]&room=A", HOST},
    /* port */
    {RELAY "r:&room=A", PORT},
    {RELAY "r:0&room=A", PORT},
    {RELAY "r:00&room=A", PORT},
    {RELAY "r:0443&room=A", PORT},
    {RELAY "r:65536&room=A", PORT},
    {RELAY "r:99999&room=A", PORT},
    {RELAY "r:100000&room=A", PORT},
    {RELAY "r:4294967739&room=A", PORT},
    {RELAY "r:18446744073709552059&room=A", PORT},
    {RELAY "r:-1&room=A", PORT},
    {RELAY "r:0x1bb&room=A", PORT},
    {RELAY "r:443:443&room=A", PORT},
    {RELAY "r:443.&room=A", PORT},
    {RELAY "r:%2b443&room=A", CHARACTER},
    {RELAY "r:+443&room=A", CHARACTER},
    {RELAY "r:44%33a&room=A", PORT},
    {RELAY "[2001:db8::1]443&room=A", PORT},
    {RELAY "[2001:db8::1].&room=A", PORT},
    {RELAY "[2001:db8::1]:&room=A", PORT},
    {RELAY "[2001:db8::1]]&room=A", PORT},
    /* room */
    {RELAY "r&room=", ROOM},
    {RELAY "r&room=-", ROOM},
    {RELAY "r&room=--json", ROOM},
    {RELAY "r&room=%2d-json", ROOM},
    {RELAY "r&room=.", ROOM},
    {RELAY "r&room=..", ROOM},
    {RELAY "r&room=..%2e", ROOM},
    {RELAY "r&room=.hidden", ROOM},
    {RELAY "r&room=a:b", ROOM},
    {RELAY "r&room=a~b", ROOM},
    {RELAY "r&room=[a]", ROOM},
    {RELAY "r&room=" A63 "aa", ROOM},
    {RELAY "r&room=" NAME253 NAME253, ROOM},
    /* pin */
    {R "&pin=", FINGERPRINT},
    {R "&pin=00", FINGERPRINT},
    {R "&pin=" PIN "0", FINGERPRINT},
    {R "&pin=" PIN "00", FINGERPRINT},
    {R "&pin=" HEX16 HEX16 HEX16 "0123456789abcde", FINGERPRINT},
    {R "&pin=" HEX16 HEX16 HEX16 "0123456789abcdeg", FINGERPRINT},
    {R "&pin=0x" HEX16 HEX16 HEX16 "0123456789abcd", FINGERPRINT},
    {R "&pin=01:23:45:67:89:ab:cd:ef", FINGERPRINT},
    {R "&pin=" HEX16 HEX16 HEX16 "0123456789abcde%", CHARACTER},
    /* name */
    {R "&name=", SERVER},
    {R "&name=a_b", SERVER},
    {R "&name=n.example.", SERVER},
    {R "&name=n.example:443", SERVER},
    {R "&name=192.0.2.1", SERVER},
    {R "&name=[2001:db8::1]", SERVER},
    {R "&name=2001:db8::1", SERVER},
    {R "&name=*", CHARACTER},
    {R "&name=--json", SERVER},
    {R "&name=" NAME254, SERVER},
};

static void test_hostile_links(void **state)
{
    for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
        if (parse(hostile[i].link) == 0)
            fail_msg("taken: %s", hostile[i].link);
        if (strcmp(why, hostile[i].why) != 0)
            fail_msg("%s: %s", hostile[i].link, why);
    }
}

static void test_nul_within_the_length(void **state)
{
    static const char *const links[] = {"\0" R, "softlan://join\0?relay=r&room=A",
                                        RELAY "r\0&room=A", RELAY "r&room=A\0"};
    static const size_t lens[] = {sizeof(R), 31, sizeof(RELAY) + 8, sizeof(RELAY) + 8};

    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(parse_octets(links[i], lens[i]), LP_ERR_MALFORMED);
        assert_string_equal(why, CHARACTER);
    }
}

/* Encoding each octet makes a long link of a short invite: here one of exactly the limit. */
static void test_length(void **state)
{
    char link[LP_INVITE_LINK_MAX + 2];
    size_t len = (size_t)sprintf(link, JOIN "room=A&relay=");

    for (const char *at = NAME253; *at != '\0'; at++)
        len += (size_t)sprintf(link + len, "%%%02x", (unsigned)*at);
    len += (size_t)sprintf(link + len, "&name=" A63 "." A63 "." A63 ".");
    while (len < LP_INVITE_LINK_MAX)
        link[len++] = 'n';
    assert_int_equal(parse_octets(link, len), 0);
    assert_string_equal(invite.host, NAME253);
    link[len++] = 'n';
    assert_int_equal(parse_octets(link, len), LP_ERR_MALFORMED);
    assert_string_equal(why, "The invite is too long.");
}

static void test_every_octet_in_every_place(void **state)
{
    static const char link[] = R "&pin=" PIN "&name=n";
    char bad[sizeof(link)];

    for (size_t at = 0; at < sizeof(link) - 1; at++) {
        for (int octet = 0; octet < 256; octet++) {
            memcpy(bad, link, sizeof(link));
            bad[at] = (char)octet;
            if (parse_octets(bad, sizeof(bad) - 1) < 0)
                continue;
            for (const char *c = invite.host; *c != '\0'; c++)
                assert_non_null(strchr("abcdefghijklmnopqrstuvwxyz0123456789.-", *c));
            assert_true(lp_room_code_valid(invite.room));
        }
    }
    for (size_t cut = 0; cut < sizeof(R) - 5; cut++)
        assert_int_equal(parse_octets(link, cut), LP_ERR_MALFORMED);
}

static void test_format(void **state)
{
    struct lp_invite out = {.host = "relay.example", .port = 443, .room = "ABCD"};
    char link[LP_INVITE_LINK_MAX + 1];
    int len;

    assert_int_equal(lp_invite_format(&out, link, sizeof(link)), sizeof(R) - 1);
    assert_string_equal(link, R);
    strcpy(out.host, "2001:db8::1");
    out.port = 8443;
    out.has_pin = true;
    memset(out.pin, 0xab, sizeof(out.pin));
    strcpy(out.server_name, "n.example");
    len = lp_invite_format(&out, link, sizeof(link));
    assert_string_equal(link,
                        RELAY "[2001:db8::1]:8443&room=ABCD&pin=abababababababababababababab"
                              "abababababababababababababababababab&name=n.example");
    assert_int_equal(len, strlen(link));
    for (size_t capacity = 0; capacity <= (size_t)len; capacity++)
        assert_int_equal(lp_invite_format(&out, link, capacity), LP_ERR_NOSPACE);
    assert_int_equal(lp_invite_format(&out, link, (size_t)len + 1), len);
}

static void test_round_trip(void **state)
{
    struct lp_invite first;
    char link[LP_INVITE_LINK_MAX + 1];

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        int len;

        assert_int_equal(parse(good[i].link), 0);
        first = invite;
        len = lp_invite_format(&first, link, sizeof(link));
        assert_true(len > 0 && len <= LP_INVITE_LINK_MAX);
        assert_int_equal(parse_octets(link, (size_t)len), 0);
        assert_memory_equal(&invite, &first, sizeof(first));
    }
}

static void test_longest_invite_fits_a_link(void **state)
{
    struct lp_invite out = {.host = NAME253, .port = 65535, .has_pin = true};
    char link[LP_INVITE_LINK_MAX + 1];
    int len;

    memset(out.room, 'r', LP_ROOM_CODE_MAX);
    strcpy(out.server_name, NAME253);
    len = lp_invite_format(&out, link, sizeof(link));
    assert_true(len > 0);
    assert_int_equal(parse_octets(link, (size_t)len), 0);
    assert_memory_equal(&invite, &out, sizeof(out));
}

static void test_format_of_what_is_no_invite(void **state)
{
    static const struct lp_invite right = {
        .host = "relay.example", .port = 443, .room = "ABCD"};
    struct lp_invite bad[12];
    char link[LP_INVITE_LINK_MAX + 1];

    for (size_t i = 0; i < 12; i++)
        bad[i] = right;
    bad[0].host[0] = '\0';
    bad[1].port = 0;
    bad[2].room[0] = '\0';
    bad[3].room[0] = '-';
    bad[4].room[0] = '&';
    bad[5].host[0] = 'R'; /* would come back as another text */
    bad[6].host[5] = '&';
    strcpy(bad[7].host, "[2001:db8::1]");
    strcpy(bad[8].host, "2001:DB8::1");
    strcpy(bad[9].server_name, "192.0.2.1");
    memset(bad[10].host, 'a', sizeof(bad[10].host));
    strcpy(bad[11].server_name, "N");
    for (size_t i = 0; i < 12; i++)
        assert_int_equal(lp_invite_format(&bad[i], link, sizeof(link)), LP_ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_links),
        cmocka_unit_test(test_hostile_links),
        cmocka_unit_test(test_nul_within_the_length),
        cmocka_unit_test(test_length),
        cmocka_unit_test(test_every_octet_in_every_place),
        cmocka_unit_test(test_format),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_longest_invite_fits_a_link),
        cmocka_unit_test(test_format_of_what_is_no_invite),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
