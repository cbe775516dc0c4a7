/* What strangers' texts become in the window, and what the window remembers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "apps/gui-win/settings.h"
#include "apps/gui-win/shown.h"
#include "base/err.h"

#define FFFD "\xef\xbf\xbd"

static void expect(const char *text, const char *expected)
{
    char shown[256];
    size_t len = lp_shown(text, shown, sizeof(shown));

    assert_string_equal(shown, expected);
    assert_int_equal(len, strlen(expected));
}

static void test_plain(void **state)
{
    expect("anna", "anna");
    expect("J\xc3\xbcrgen", "J\xc3\xbcrgen");
    expect("\xe3\x81\x82\xe3\x82\x84", "\xe3\x81\x82\xe3\x82\x84");
    expect("\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d", "\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d"); /* Hebrew */
    expect("\xf0\x9f\x8e\xae", "\xf0\x9f\x8e\xae"); /* U+1F3AE */
    expect("a & <b> %s \"q\"", "a & <b> %s \"q\"");
    expect("", "");
}

static void test_controls(void **state)
{
    expect("a\nb", "a" FFFD "b");
    expect("a\r\tb\x7f", "a" FFFD FFFD "b" FFFD);
    expect("\x1b[31m", FFFD "[31m");
    expect("\xc2\x9b"
           "1m",
           FFFD "1m"); /* C1: CSI */
    expect("x\xe2\x80\xa8y\xe2\x80\xa9", "x" FFFD "y" FFFD);
}

/* Every control that turns the direction of what follows. */
static void test_bidi(void **state)
{
    static const char *const controls[] = {"\xe2\x80\x8e", "\xe2\x80\x8f", "\xe2\x80\xaa",
                                           "\xe2\x80\xab", "\xe2\x80\xac", "\xe2\x80\xad",
                                           "\xe2\x80\xae", "\xe2\x81\xa6", "\xe2\x81\xa7",
                                           "\xe2\x81\xa8", "\xe2\x81\xa9", "\xd8\x9c"};
    char text[16];

    for (unsigned i = 0; i < sizeof(controls) / sizeof(controls[0]); i++) {
        snprintf(text, sizeof(text), "a%sb", controls[i]);
        expect(text, "a" FFFD "b");
    }
}

static void test_invisible(void **state)
{
    expect("\xe2\x80\x8b", FFFD); /* zero width space */
    expect("a\xe2\x80\x8d"
           "b",
           "a" FFFD "b");             /* joiner */
    expect("\xef\xbb\xbf", FFFD);     /* byte order mark */
    expect("\xe3\x85\xa4", FFFD);     /* Hangul filler */
    expect("\xf3\xa0\x81\x81", FFFD); /* tag letter */
    expect("\xee\x80\x80", FFFD);     /* private use */
    expect("   ", "");
    expect("\xc2\xa0\xe3\x80\x80", "");
    expect("a\xc2\xa0"
           "b",
           "a b");
}

static void test_invalid(void **state)
{
    expect("\xff", FFFD);
    expect("a\x80", "a" FFFD);
    expect("\xc3", FFFD);
    expect("\xc0\xaf", FFFD FFFD);          /* overlong */
    expect("\xe0\x80\xaf", FFFD FFFD FFFD); /* overlong */
    expect("\xed\xa0\x80", FFFD FFFD FFFD); /* surrogate */
    expect("\xf4\x90\x80\x80", FFFD FFFD FFFD FFFD);
    expect("\xe2\x82", FFFD FFFD);
}

static void test_marks(void **state)
{
    expect("e\xcc\x81", "e\xcc\x81");
    expect("z\xcc\x81\xcc\x82\xcc\x83\xcc\x84o", "z\xcc\x81\xcc\x82o");
    expect("z\xcc\x81\xcc\x82\xcc\x83o\xcc\x83", "z\xcc\x81\xcc\x82o\xcc\x83");
    expect("\xcc\x81"
           "a",
           "a"); /* nothing to stand on */
}

static void test_cut(void **state)
{
    char shown[5];

    assert_int_equal(lp_shown("abcdef", shown, sizeof(shown)), 4);
    assert_string_equal(shown, "abcd");
    assert_int_equal(lp_shown("abc\xc3\xbc", shown, sizeof(shown)), 3);
    assert_string_equal(shown, "abc");
    assert_int_equal(lp_shown("a", shown, 1), 0);
    assert_string_equal(shown, "");
}

static void test_lines(void **state)
{
    char shown[64];

    lp_shown_lines("a\nb\r\xe2\x80\xaex", shown, sizeof(shown));
    assert_string_equal(shown, "a\nb" FFFD FFFD "x");
}

/* ---- settings ---- */

static struct lp_invite invite(const char *link)
{
    char why[LP_INVITE_WHY_LEN];
    struct lp_invite result;

    assert_int_equal(lp_invite_parse(link, strlen(link), &result, why), 0);
    return result;
}

static void test_settings_there_and_back(void **state)
{
    static const char text[] = "name J\xc3\xbcrgen\n"
                               "party softlan://join?relay=relay.example&room=SATURDAY\n"
                               "party softlan://join?relay=[2001:db8::1]:8443&room=A\n";
    struct lp_settings settings;
    char written[LP_SETTINGS_LEN + 1];

    lp_settings_read(text, &settings);
    assert_int_equal(settings.party_count, 2);
    assert_string_equal(settings.party[1].host, "2001:db8::1");
    assert_int_equal(lp_settings_write(&settings, written, sizeof(written)), sizeof(text) - 1);
    assert_string_equal(written, text);
    assert_int_equal(lp_settings_write(&settings, written, sizeof(text) - 1), LP_ERR_NOSPACE);
}

static void test_settings_hostile(void **state)
{
    static const char *const lines[] = {
        "",
        "party",
        "party ",
        "party softlan://join?relay=relay.example",
        "party softlan://join?relay=relay.example&room=A&exec=calc",
        "party softlan://join?relay=relay.example&room=../..",
        "party file:///etc/passwd",
        " party softlan://join?relay=relay.example&room=A",
        "partysoftlan://join?relay=relay.example&room=A",
        "name",
        "name a\x1b[31m",
        "name WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW",
        "\x01\x02\xff",
    };

    for (unsigned i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct lp_settings settings;

        lp_settings_read(lines[i], &settings);
        assert_int_equal(settings.party_count, 0);
        assert_string_equal(settings.name, "");
    }
}

static void test_settings_line_ends(void **state)
{
    struct lp_settings settings;

    lp_settings_read("name anna\r\nparty softlan://join?relay=a.example&room=A", &settings);
    assert_string_equal(settings.name, "anna");
    assert_int_equal(settings.party_count, 1);
}

static void test_remember(void **state)
{
    struct lp_settings settings = {.name = ""};
    struct lp_invite party;
    char link[100];

    for (unsigned i = 0; i < LP_PARTIES_MAX + 3; i++) {
        snprintf(link, sizeof(link), "softlan://join?relay=relay.example&room=R%u", i);
        party = invite(link);
        lp_settings_remember(&settings, &party);
    }
    assert_int_equal(settings.party_count, LP_PARTIES_MAX);
    assert_string_equal(settings.party[0].room, "R10");
    assert_string_equal(settings.party[LP_PARTIES_MAX - 1].room, "R3");
    party = invite("softlan://join?relay=relay.example&room=R5");
    lp_settings_remember(&settings, &party);
    assert_int_equal(settings.party_count, LP_PARTIES_MAX);
    assert_string_equal(settings.party[0].room, "R5");
    assert_string_equal(settings.party[1].room, "R10");
    assert_string_equal(settings.party[LP_PARTIES_MAX - 1].room, "R3");
}

/* A room that has no link can be joined, and is not kept. */
static void test_remember_without_link(void **state)
{
    struct lp_settings settings = {.name = ""};
    struct lp_invite party = invite("softlan://join?relay=relay.example&room=A");

    snprintf(party.room, sizeof(party.room), "-A");
    lp_settings_remember(&settings, &party);
    assert_int_equal(settings.party_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_controls),
        cmocka_unit_test(test_bidi),
        cmocka_unit_test(test_invisible),
        cmocka_unit_test(test_invalid),
        cmocka_unit_test(test_marks),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_settings_there_and_back),
        cmocka_unit_test(test_settings_hostile),
        cmocka_unit_test(test_settings_line_ends),
        cmocka_unit_test(test_remember),
        cmocka_unit_test(test_remember_without_link),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
