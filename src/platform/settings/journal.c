#include "platform/settings/scope.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"

#define HEADER  "softlan-settings 1 "
#define CRC_LEN 8

enum { FIELDS_MIN = 4, FIELDS_MAX = 5 }; /* kind, target, old, new [, next] */

struct span {
    const char *at;
    size_t len;
};

const char *lp_setting_name(enum lp_setting_kind kind)
{
    switch (kind) {
#define X(name, number, text, meaning)                                                         \
    case LP_SETTING_##name:                                                                    \
        return text;
        LP_SETTING_TABLE(X)
#undef X
    }
    return "unknown";
}

const char *lp_setting_phrase(enum lp_setting_kind kind)
{
    switch (kind) {
#define X(name, number, text, meaning)                                                         \
    case LP_SETTING_##name:                                                                    \
        return meaning;
        LP_SETTING_TABLE(X)
#undef X
    }
    return "a setting";
}

const char *lp_setting_remedy(int err)
{
    switch (err) {
    case LP_ERR_PERMISSION:
        return "run SoftLAN as an administrator, or look whether a policy or another program "
               "forbids it";
    case LP_ERR_NOTFOUND:
    case LP_ERR_AGAIN:
    case LP_ERR_CLOSED:
        return "enable the adapter in the network settings, or install SoftLAN again";
    case LP_ERR_UNSUPPORTED:
        return "update Windows";
    default:
        return "try again, or restart the computer";
    }
}

static int kind_of(const struct span *name)
{
#define X(kind, number, text, meaning)                                                         \
    if (name->len == sizeof(text) - 1 && memcmp(name->at, text, sizeof(text) - 1) == 0)        \
        return LP_SETTING_##kind;
    LP_SETTING_TABLE(X)
#undef X
    return LP_ERR_NOTFOUND;
}

/* CRC-32 (IEEE 802.3): every burst of up to 32 wrong bits is found. Short texts: no table. */
static uint32_t crc32_of(const char *text, size_t len)
{
    uint32_t crc = UINT32_MAX;

    for (size_t i = 0; i < len; i++) {
        crc ^= (uint8_t)text[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (UINT32_C(0xedb88320) & -(crc & 1));
    }
    return ~crc;
}

static bool is_printable(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] < 0x20 || text[i] > 0x7e)
            return false;
    }
    return true;
}

static bool text_fits(const char *text, size_t size)
{
    size_t len = strnlen(text, size);

    return len > 0 && len < size && is_printable(text, len);
}

static bool same_setting(const struct lp_setting *a, const struct lp_setting *b)
{
    return a->kind == b->kind && strcmp(a->target, b->target) == 0;
}

static bool is_listed(const struct lp_scope_entry entries[], unsigned count,
                      const struct lp_setting *setting)
{
    for (unsigned i = 0; i < count; i++) {
        if (same_setting(&entries[i].setting, setting))
            return true;
    }
    return false;
}

/* ---- writing ---- */

/* Ends the line that starts at `line` and has `len` octets. Its whole length, LP_ERR_NOSPACE.
 */
static int end_line(char *line, size_t len, size_t capacity)
{
    uint32_t crc;
    int added;

    if (len >= capacity)
        return LP_ERR_NOSPACE;
    crc = crc32_of(line, len);
    added = snprintf(line + len, capacity - len, "\t%08x\n", (unsigned)crc);
    return len + (size_t)added < capacity ? (int)len + added : LP_ERR_NOSPACE;
}

static int format_header(unsigned count, char *line, size_t capacity)
{
    return end_line(line, (size_t)snprintf(line, capacity, HEADER "%u", count), capacity);
}

static bool entry_fits(const struct lp_scope_entry *entry)
{
    const struct span name = {lp_setting_name(entry->setting.kind),
                              strlen(lp_setting_name(entry->setting.kind))};

    return kind_of(&name) >= 0 &&
           text_fits(entry->setting.target, sizeof(entry->setting.target)) &&
           text_fits(entry->old_value, sizeof(entry->old_value)) &&
           text_fits(entry->new_value, sizeof(entry->new_value)) &&
           (entry->next_value[0] == '\0' ||
            text_fits(entry->next_value, sizeof(entry->next_value)));
}

static int format_entry(const struct lp_scope_entry *entry, char *line, size_t capacity)
{
    bool has_next = entry->next_value[0] != '\0';
    int len =
        snprintf(line, capacity, "%s\t%s\t%s\t%s%s%s", lp_setting_name(entry->setting.kind),
                 entry->setting.target, entry->old_value, entry->new_value,
                 has_next ? "\t" : "", entry->next_value);

    return end_line(line, (size_t)len, capacity);
}

int lp_journal_format(const struct lp_scope_entry entries[], unsigned count, char *text,
                      size_t capacity)
{
    size_t len;
    int line;

    if (count > LP_SCOPE_ENTRIES_MAX)
        return LP_ERR_INVALID;
    line = format_header(count, text, capacity);
    if (line < 0)
        return line;
    len = (size_t)line;
    for (unsigned i = 0; i < count; i++) {
        if (!entry_fits(&entries[i]) || is_listed(entries, i, &entries[i].setting))
            return LP_ERR_INVALID;
        line = format_entry(&entries[i], text + len, capacity - len);
        if (line < 0)
            return line;
        len += (size_t)line;
    }
    return (int)len;
}

/* ---- reading ---- */

/* Takes the next line off `rest`, without its end; false when it has none: it was cut. */
static bool take_line(struct span *rest, struct span *ret_line)
{
    const char *end = memchr(rest->at, '\n', rest->len);
    size_t len = end != NULL ? (size_t)(end - rest->at) : rest->len;
    size_t taken = end != NULL ? len + 1 : len;

    *ret_line = (struct span){rest->at, len};
    rest->at += taken;
    rest->len -= taken;
    return end != NULL;
}

/* Whether the line's CRC is right; then takes it off. */
static bool take_crc(struct span *line)
{
    char expected[CRC_LEN + 2];

    if (line->len < CRC_LEN + 1)
        return false;
    line->len -= CRC_LEN + 1;
    snprintf(expected, sizeof(expected), "\t%08x", (unsigned)crc32_of(line->at, line->len));
    return memcmp(line->at + line->len, expected, CRC_LEN + 1) == 0;
}

/* How many fields; more than FIELDS_MAX when there are too many. */
static unsigned split(const struct span *line, struct span ret_fields[FIELDS_MAX])
{
    struct span rest = *line;
    unsigned count = 0;

    while (count < FIELDS_MAX) {
        const char *tab = memchr(rest.at, '\t', rest.len);
        size_t len = tab != NULL ? (size_t)(tab - rest.at) : rest.len;

        ret_fields[count++] = (struct span){rest.at, len};
        if (tab == NULL)
            return count;
        rest.at += len + 1;
        rest.len -= len + 1;
    }
    return FIELDS_MAX + 1;
}

static bool copy_field(const struct span *field, char *text, size_t size)
{
    if (field->len == 0 || field->len >= size || !is_printable(field->at, field->len))
        return false;
    memcpy(text, field->at, field->len);
    text[field->len] = '\0';
    return true;
}

static bool parse_entry(const struct span *line, struct lp_scope_entry *ret_entry)
{
    struct lp_scope_entry entry = {.leftover = false};
    struct span body = *line;
    struct span field[FIELDS_MAX] = {0};
    unsigned count;
    int kind;

    if (!take_crc(&body))
        return false;
    count = split(&body, field);
    if (count < FIELDS_MIN || count > FIELDS_MAX)
        return false;
    kind = kind_of(&field[0]);
    if (kind < 0 ||
        !copy_field(&field[1], entry.setting.target, sizeof(entry.setting.target)) ||
        !copy_field(&field[2], entry.old_value, sizeof(entry.old_value)) ||
        !copy_field(&field[3], entry.new_value, sizeof(entry.new_value)) ||
        (count == FIELDS_MAX &&
         !copy_field(&field[4], entry.next_value, sizeof(entry.next_value))))
        return false;
    entry.setting.kind = (enum lp_setting_kind)kind;
    *ret_entry = entry;
    return true;
}

/* Whether the first line is the one that goes with `count` entries. */
static bool is_header(const struct span *line, unsigned count)
{
    char expected[LP_JOURNAL_LINE_MAX];
    int len = format_header(count, expected, sizeof(expected));

    return len > 0 && line->len + 1 == (size_t)len &&
           memcmp(line->at, expected, line->len) == 0;
}

int lp_journal_parse(const char *text, size_t len, struct lp_scope_entry entries[],
                     unsigned capacity, bool *ret_damaged)
{
    struct span rest = {text, len};
    struct span header;
    struct span line;
    unsigned count = 0;
    bool damaged = !take_line(&rest, &header);

    while (rest.len > 0) {
        struct lp_scope_entry entry;

        if (!take_line(&rest, &line) || !parse_entry(&line, &entry) || count == capacity ||
            is_listed(entries, count, &entry.setting)) {
            damaged = true;
            continue;
        }
        entries[count++] = entry;
    }
    *ret_damaged = damaged || !is_header(&header, count);
    return (int)count;
}
