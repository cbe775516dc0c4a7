#include "apps/gui-win/shown.h"

#include <stdbool.h>
#include <string.h>

#define REPLACEMENT  0xfffdu
#define MARKS_MAX    2
#define UTF8_LEN_MAX 4

struct range {
    uint32_t first;
    uint32_t last;
};

/* Nothing to see, or a command to whoever draws the text. */
static const struct range hidden[] = {
    {0x0000, 0x001f},    {0x007f, 0x009f}, {0x00ad, 0x00ad},   {0x034f, 0x034f},
    {0x061c, 0x061c},    {0x115f, 0x1160}, {0x17b4, 0x17b5},   {0x180b, 0x180f},
    {0x200b, 0x200f},    {0x2028, 0x202e}, {0x2060, 0x206f},   {0x2800, 0x2800},
    {0x3164, 0x3164},    {0xd800, 0xf8ff}, {0xfe00, 0xfe0f},   {0xfeff, 0xfeff},
    {0xffa0, 0xffa0},    {0xfff0, 0xffff}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a},
    {0xe0000, 0x10ffff},
};

static const struct range spaces[] = {
    {0x0020, 0x0020}, {0x00a0, 0x00a0}, {0x1680, 0x1680}, {0x2000, 0x200a},
    {0x202f, 0x202f}, {0x205f, 0x205f}, {0x3000, 0x3000},
};

/* Marks of no width in any number: what makes letters climb over other lines. */
static const struct range marks[] = {
    {0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd}, {0x0610, 0x061a}, {0x064b, 0x065f},
    {0x06d6, 0x06ed}, {0x0e31, 0x0e31}, {0x0e34, 0x0e3a}, {0x0e47, 0x0e4e}, {0x0eb1, 0x0eb1},
    {0x0eb4, 0x0ece}, {0x0f71, 0x0f87}, {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x20d0, 0x20ff},
    {0x302a, 0x302f}, {0x3099, 0x309a}, {0xfe20, 0xfe2f},
};

static bool is_in(uint32_t code, const struct range ranges[], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (code >= ranges[i].first && code <= ranges[i].last)
            return true;
    }
    return false;
}

#define IS_IN(code, ranges) is_in(code, ranges, sizeof(ranges) / sizeof((ranges)[0]))

/* How many octets this first one announces, 0 when it is none; *ret_bits are its own bits. */
static unsigned lead(unsigned char octet, uint32_t *ret_bits)
{
    if (octet < 0x80) {
        *ret_bits = octet;
        return 1;
    }
    if (octet >= 0xc2 && octet < 0xe0) {
        *ret_bits = octet & 0x1fu;
        return 2;
    }
    if (octet >= 0xe0 && octet < 0xf0) {
        *ret_bits = octet & 0x0fu;
        return 3;
    }
    if (octet >= 0xf0 && octet < 0xf5) {
        *ret_bits = octet & 0x07u;
        return 4;
    }
    return 0;
}

uint32_t lp_shown_next(const char **at)
{
    static const uint32_t least[UTF8_LEN_MAX + 1] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *octets = (const unsigned char *)*at;
    uint32_t code = 0;
    unsigned len = lead(octets[0], &code);

    for (unsigned i = 1; i < len; i++) {
        if ((octets[i] & 0xc0) != 0x80) {
            len = 0;
            break;
        }
        code = code << 6 | (octets[i] & 0x3fu);
    }
    if (len == 0 || code < least[len] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) {
        *at += 1;
        return REPLACEMENT;
    }
    *at += len;
    return code;
}

static unsigned encode(uint32_t code, char octets[UTF8_LEN_MAX])
{
    if (code < 0x80) {
        octets[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        octets[0] = (char)(0xc0 | code >> 6);
        octets[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        octets[0] = (char)(0xe0 | code >> 12);
        octets[1] = (char)(0x80 | (code >> 6 & 0x3f));
        octets[2] = (char)(0x80 | (code & 0x3f));
        return 3;
    }
    octets[0] = (char)(0xf0 | code >> 18);
    octets[1] = (char)(0x80 | (code >> 12 & 0x3f));
    octets[2] = (char)(0x80 | (code >> 6 & 0x3f));
    octets[3] = (char)(0x80 | (code & 0x3f));
    return 4;
}

static size_t show(const char *text, char *shown, size_t capacity, bool lines)
{
    unsigned marks_here = MARKS_MAX; /* none without a letter before it */
    bool visible = false;
    size_t len = 0;

    while (*text != '\0') {
        char octets[UTF8_LEN_MAX];
        uint32_t code = lp_shown_next(&text);
        bool space = IS_IN(code, spaces), mark = IS_IN(code, marks);
        unsigned count;

        if (mark && marks_here++ >= MARKS_MAX)
            continue;
        if (!mark)
            marks_here = space ? MARKS_MAX : 0;
        if (space)
            code = ' ';
        else if (IS_IN(code, hidden) && !(lines && code == '\n'))
            code = REPLACEMENT;
        count = encode(code, octets);
        if (len + count >= capacity)
            break;
        memcpy(shown + len, octets, count);
        len += count;
        visible = visible || !(space || code == '\n');
    }
    if (!visible)
        len = 0;
    shown[len] = '\0';
    return len;
}

size_t lp_shown(const char *text, char *shown, size_t capacity)
{
    return show(text, shown, capacity, false);
}

size_t lp_shown_lines(const char *text, char *shown, size_t capacity)
{
    return show(text, shown, capacity, true);
}
