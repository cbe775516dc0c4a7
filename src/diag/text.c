#include "diag/text.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ESCAPE_MAX       16 /* the longest escape, a surrogate pair, and its NUL */
#define CODE_POINT_WRONG UINT32_MAX

void lp_text_init(struct lp_text *t, char *buffer, size_t capacity)
{
    assert(capacity > 0);
    *t = (struct lp_text){.at = buffer, .end = buffer + capacity - 1, .start = buffer};
    *buffer = '\0';
}

size_t lp_text_len(const struct lp_text *t)
{
    return (size_t)(t->at - t->start);
}

bool lp_text_truncated(const struct lp_text *t)
{
    return t->truncated;
}

void lp_text_printf(struct lp_text *t, const char *format, ...)
{
    size_t space = (size_t)(t->end - t->at);
    va_list args;
    int len;

    /* What comes behind a gap would be read as something else. */
    if (t->truncated)
        return;
    va_start(args, format);
    len = vsnprintf(t->at, space + 1, format, args);
    va_end(args);
    assert(len >= 0);
    t->truncated = (size_t)len > space;
    t->at += t->truncated ? space : (size_t)len;
}

/* Opens a quoted value. The place of the closing quote is kept free, so that it always comes.
 */
static bool open_quote(struct lp_text *t)
{
    if (t->truncated || t->end - t->at < 2) {
        t->truncated = true;
        return false;
    }
    *t->at++ = '"';
    *t->at = '\0';
    t->end--;
    return true;
}

static void close_quote(struct lp_text *t)
{
    t->end++;
    *t->at++ = '"';
    *t->at = '\0';
}

/* Writes all of it or nothing: half an escape would swallow the quote behind it. */
static void write_unit(struct lp_text *t, const char *bytes, size_t len)
{
    if (t->truncated || (size_t)(t->end - t->at) < len) {
        t->truncated = true;
        return;
    }
    memcpy(t->at, bytes, len);
    t->at += len;
    *t->at = '\0';
}

static bool is_plain(const char *value)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789._:/@+-";

    return *value != '\0' && value[strspn(value, plain)] == '\0';
}

void lp_text_value(struct lp_text *t, const char *value)
{
    char escape[ESCAPE_MAX];

    if (is_plain(value)) {
        lp_text_printf(t, "%s", value);
        return;
    }
    if (!open_quote(t))
        return;
    for (const char *c = value; *c != '\0'; c++) {
        unsigned char octet = (unsigned char)*c;
        int len;

        if (octet == '"' || octet == '\\')
            len = snprintf(escape, sizeof(escape), "\\%c", *c);
        else if (octet < 0x20 || octet > 0x7e)
            len = snprintf(escape, sizeof(escape), "\\x%02x", octet);
        else
            len = snprintf(escape, sizeof(escape), "%c", *c);
        write_unit(t, escape, (size_t)len);
    }
    close_quote(t);
}

/* How many octets the first one announces and the smallest code point that needs as many. */
static size_t sequence_len(unsigned char first, uint32_t *ret_bits, uint32_t *ret_min)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t len = first < 0x80 ? 1 : first >> 5 == 6 ? 2 : first >> 4 == 14 ? 3 : 4;

    if (len == 4 && first >> 3 != 30)
        return 0;
    *ret_bits = len == 1 ? first : first & (0x7fu >> len);
    *ret_min = smallest[len];
    return len;
}

/*
 * Decodes one code point (RFC 3629) of a NUL-terminated text. CODE_POINT_WRONG, and one octet,
 * when there is none.
 */
static uint32_t decode_utf8(const char *text, size_t *ret_len)
{
    uint32_t code;
    uint32_t min;
    size_t len = sequence_len((unsigned char)*text, &code, &min);

    *ret_len = 1;
    if (len == 0)
        return CODE_POINT_WRONG;
    for (size_t i = 1; i < len; i++) {
        unsigned char octet = (unsigned char)text[i];

        if (octet >> 6 != 2)
            return CODE_POINT_WRONG; /* the terminating NUL included */
        code = code << 6 | (octet & 0x3f);
    }
    if (code < min || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        return CODE_POINT_WRONG;
    *ret_len = len;
    return code;
}

/*
 * Code points that act instead of showing: C0, C1, and those that a viewer could take for a new
 * line or that reorder or hide what stands around them (Unicode categories Zl, Zp and Cf, as
 * far as they do that; noncharacters).
 */
static bool is_unprintable(uint32_t code)
{
    static const uint32_t range[][2] = {
        {0x00, 0x1f},     {0x7f, 0x9f},     {0xad, 0xad},     {0x061c, 0x061c},
        {0x180e, 0x180e}, {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f},
        {0xfdd0, 0xfdef}, {0xfeff, 0xfeff}, {0xfff0, 0xfffb}, {0xe0000, 0xe0fff},
    };

    for (size_t i = 0; i < sizeof(range) / sizeof(range[0]); i++) {
        if (code >= range[i][0] && code <= range[i][1])
            return true;
    }
    return (code & 0xfffe) == 0xfffe;
}

static void write_json_escape(struct lp_text *t, uint32_t code)
{
    char escape[ESCAPE_MAX];
    int len;

    if (code > 0xffff) {
        uint32_t high = 0xd800 + ((code - 0x10000) >> 10);
        uint32_t low = 0xdc00 + ((code - 0x10000) & 0x3ff);

        len = snprintf(escape, sizeof(escape), "\\u%04x\\u%04x", (unsigned)high, (unsigned)low);
    } else {
        len = snprintf(escape, sizeof(escape), "\\u%04x", (unsigned)code);
    }
    write_unit(t, escape, (size_t)len);
}

void lp_text_json_string(struct lp_text *t, const char *value)
{
    size_t len;

    if (!open_quote(t))
        return;
    for (const char *c = value; *c != '\0'; c += len) {
        uint32_t code = decode_utf8(c, &len);

        if (code == CODE_POINT_WRONG)
            write_unit(t, "\xef\xbf\xbd", 3); /* U+FFFD */
        else if (code == '"' || code == '\\')
            write_unit(t, code == '"' ? "\\\"" : "\\\\", 2);
        else if (is_unprintable(code))
            write_json_escape(t, code);
        else
            write_unit(t, c, len);
    }
    close_quote(t);
}
