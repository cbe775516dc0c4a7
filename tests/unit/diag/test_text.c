/* Hostile text in lines: nothing ends or forges a line, a field or a terminal sequence. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include <jansson.h>

#include "diag/text.h"

static const char *value_of(const char *in)
{
    static char out[1024];
    struct lp_text t;

    lp_text_init(&t, out, sizeof(out));
    lp_text_value(&t, in);
    assert_false(lp_text_truncated(&t));
    assert_int_equal(lp_text_len(&t), strlen(out));
    return out;
}

static const char *json_of(const char *in)
{
    static char out[1024];
    struct lp_text t;

    lp_text_init(&t, out, sizeof(out));
    lp_text_json_string(&t, in);
    assert_false(lp_text_truncated(&t));
    assert_int_equal(lp_text_len(&t), strlen(out));
    return out;
}

static void plain_values_stay(void **state)
{
    assert_string_equal(value_of("ABCD"), "ABCD");
    assert_string_equal(value_of("a.b_c-d+e@f/g:h0"), "a.b_c-d+e@f/g:h0");
    assert_string_equal(value_of("02:00:00:00:00:01"), "02:00:00:00:00:01");
}

static void other_values_are_quoted(void **state)
{
    assert_string_equal(value_of(""), "\"\"");
    assert_string_equal(value_of("two words"), "\"two words\"");
    assert_string_equal(value_of("a=b"), "\"a=b\"");
    assert_string_equal(value_of("x\" action=forwarded y=\""),
                        "\"x\\\" action=forwarded y=\\\"\"");
    assert_string_equal(value_of("\\"), "\"\\\\\"");
    assert_string_equal(value_of("a\nframe room=x"), "\"a\\x0aframe room=x\"");
    assert_string_equal(value_of("\r\x1b[2J\x7f\t"), "\"\\x0d\\x1b[2J\\x7f\\x09\"");
    assert_string_equal(value_of("\xc3\xa4\xff"), "\"\\xc3\\xa4\\xff\"");
    assert_string_equal(value_of("~ "), "\"~ \"");
    assert_string_equal(value_of("\x01"), "\"\\x01\"");
}

static void every_octet_is_printable_in_a_value(void **state)
{
    for (unsigned octet = 1; octet < 256; octet++) {
        char in[2] = {(char)octet, '\0'};
        const char *out = value_of(in);

        for (const char *c = out; *c != '\0'; c++)
            assert_true(*c >= 0x20 && *c <= 0x7e);
        if (octet == ' ' || octet == '=' || octet == '"')
            assert_int_equal(out[0], '"');
    }
}

static void json_keeps_printable_text(void **state)
{
    assert_string_equal(json_of(""), "\"\"");
    assert_string_equal(json_of("J\xc3\xbcrgen \xe2\x82\xac \xf0\x9f\x8e\xae"),
                        "\"J\xc3\xbcrgen \xe2\x82\xac \xf0\x9f\x8e\xae\"");
    assert_string_equal(json_of("\xf4\x80\x80\x80"), "\"\xf4\x80\x80\x80\"");
}

static void json_escapes_what_acts(void **state)
{
    assert_string_equal(json_of("\"\\"), "\"\\\"\\\\\"");
    assert_string_equal(json_of("a\n\t\x01\x1b\x7f"),
                        "\"a\\u000a\\u0009\\u0001\\u001b\\u007f\"");
    assert_string_equal(json_of("\xc2\x80\xc2\x9b\xc2\x9f"), "\"\\u0080\\u009b\\u009f\"");
    assert_string_equal(json_of("\xc2\xa0"), "\"\xc2\xa0\"");
    assert_string_equal(json_of("\xe2\x80\xa8\xe2\x80\xa9"), "\"\\u2028\\u2029\"");
    assert_string_equal(json_of("\xe2\x80\xae"), "\"\\u202e\""); /* right-to-left override */
    assert_string_equal(json_of("\xef\xbb\xbf"), "\"\\ufeff\"");
    assert_string_equal(json_of("\xf3\xa0\x80\x81"), "\"\\udb40\\udc01\""); /* U+E0001, a tag */
    assert_string_equal(json_of("\xef\xbf\xbf"), "\"\\uffff\"");
}

static void json_replaces_what_is_no_utf8(void **state)
{
#define BAD "\xef\xbf\xbd"
    assert_string_equal(json_of("\xff"), "\"" BAD "\"");
    assert_string_equal(json_of("\x80x"), "\"" BAD "x\"");
    assert_string_equal(json_of("\xc3"), "\"" BAD "\""); /* ends early */
    assert_string_equal(json_of("\xe2\x82"), "\"" BAD BAD "\"");
    assert_string_equal(json_of("\xc3\"x"), "\"" BAD "\\\"x\""); /* must not eat the quote */
    assert_string_equal(json_of("\xc0\xaf"), "\"" BAD BAD "\""); /* overlong '/' */
    assert_string_equal(json_of("\xc0\x8a"), "\"" BAD BAD "\""); /* overlong line feed */
    assert_string_equal(json_of("\xe0\x80\xaf"), "\"" BAD BAD BAD "\"");
    assert_string_equal(json_of("\xf0\x80\x80\xaf"), "\"" BAD BAD BAD BAD "\"");
    assert_string_equal(json_of("\xed\xa0\x80"), "\"" BAD BAD BAD "\""); /* surrogate */
    assert_string_equal(json_of("\xf4\x90\x80\x80"), "\"" BAD BAD BAD BAD "\"");
    assert_string_equal(json_of("\xf8\x88\x80\x80\x80"), "\"" BAD BAD BAD BAD BAD "\"");
#undef BAD
}

/* What a strict JSON reader understands, for every octet and every pair with a lead octet. */
static void json_is_json_whatever_comes(void **state)
{
    for (unsigned first = 1; first < 256; first++) {
        for (unsigned second = 0; second < 256; second++) {
            char in[4] = {(char)first, (char)second, second != 0 ? 'z' : '\0', '\0'};
            const char *out = json_of(in);
            json_t *json = json_loads(out, JSON_DECODE_ANY, NULL);

            assert_true(json_is_string(json));
            assert_null(strchr(out, '\n'));
            json_decref(json);
        }
    }
}

static void what_does_not_fit_is_cut(void **state)
{
    char buffer[32];
    struct lp_text t;

    memset(buffer, '#', sizeof(buffer));
    lp_text_init(&t, buffer, 8);
    lp_text_printf(&t, "1234567");
    assert_false(lp_text_truncated(&t));
    lp_text_printf(&t, "8");
    assert_true(lp_text_truncated(&t));
    assert_string_equal(buffer, "1234567");
    assert_int_equal(buffer[8], '#');

    /* nothing comes behind a gap */
    lp_text_init(&t, buffer, 8);
    lp_text_printf(&t, "%s", "123456789");
    lp_text_printf(&t, "%s", "");
    lp_text_value(&t, "");
    lp_text_json_string(&t, "");
    assert_string_equal(buffer, "1234567");
    assert_int_equal(lp_text_len(&t), 7);

    lp_text_init(&t, buffer, 1);
    lp_text_value(&t, "a");
    assert_true(lp_text_truncated(&t));
    assert_string_equal(buffer, "");
}

static void a_cut_value_is_still_closed(void **state)
{
    char buffer[64];
    struct lp_text t;

    for (size_t capacity = 1; capacity < sizeof(buffer); capacity++) {
        for (int json = 0; json < 2; json++) {
            size_t len;

            memset(buffer, '#', sizeof(buffer));
            lp_text_init(&t, buffer, capacity);
            if (json)
                lp_text_json_string(&t, "\"\n\"\n\xf3\xa0\x80\x81\"\"");
            else
                lp_text_value(&t, "\"\n\"\n\\\"\"");
            len = strlen(buffer);
            assert_true(len < capacity);
            assert_int_equal(lp_text_len(&t), len);
            if (capacity < 64)
                assert_int_equal(buffer[capacity], '#');
            if (len == 0)
                continue;
            /* an even number of escapes' backslashes before the closing quote: it does close */
            assert_true(len >= 2 && buffer[0] == '"' && buffer[len - 1] == '"');
            for (size_t i = 1; i + 1 < len; i++) {
                assert_int_not_equal(buffer[i], '"');
                if (buffer[i] == '\\')
                    i++;
                assert_true(i + 1 < len);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_values_stay),
        cmocka_unit_test(other_values_are_quoted),
        cmocka_unit_test(every_octet_is_printable_in_a_value),
        cmocka_unit_test(json_keeps_printable_text),
        cmocka_unit_test(json_escapes_what_acts),
        cmocka_unit_test(json_replaces_what_is_no_utf8),
        cmocka_unit_test(json_is_json_whatever_comes),
        cmocka_unit_test(what_does_not_fit_is_cut),
        cmocka_unit_test(a_cut_value_is_still_closed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
