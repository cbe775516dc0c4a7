/*
 * Journals of settings. What was read can be written, and reads back to the same entries and the
 * same octets; an undamaged journal is the very text that would be written.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "platform/settings/scope.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void require_same(const struct lp_scope_entry *a, const struct lp_scope_entry *b)
{
    require(a->setting.kind == b->setting.kind);
    require(strcmp(a->setting.target, b->setting.target) == 0);
    require(strcmp(a->old_value, b->old_value) == 0);
    require(strcmp(a->new_value, b->new_value) == 0);
    require(strcmp(a->next_value, b->next_value) == 0);
    require(!a->leftover && !b->leftover);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct lp_scope_entry first[LP_SCOPE_ENTRIES_MAX];
    static struct lp_scope_entry second[LP_SCOPE_ENTRIES_MAX];
    static char text[LP_JOURNAL_TEXT_MAX];
    bool damaged;
    bool damaged_again;
    int count =
        lp_journal_parse((const char *)data, size, first, LP_SCOPE_ENTRIES_MAX, &damaged);
    int len;

    require(count >= 0 && count <= LP_SCOPE_ENTRIES_MAX);
    len = lp_journal_format(first, (unsigned)count, text, sizeof(text));
    require(len > 0 && (size_t)len <= sizeof(text));
    require(damaged == !((size_t)len == size && memcmp(text, data, size) == 0));
    require(lp_journal_parse(text, (size_t)len, second, LP_SCOPE_ENTRIES_MAX, &damaged_again) ==
            count);
    require(!damaged_again);
    for (int i = 0; i < count; i++)
        require_same(&first[i], &second[i]);
    return 0;
}
