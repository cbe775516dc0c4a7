/* The tables of drop reasons and counters, and that docs/counters.md tells what they say. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diag/counters.h"
#include "diag/drop.h"

#define PAGE_MAX 32768

static void walk_gives_every_reason_once(void **state)
{
    static const int numbers[] = {
#define X(name, number, text, category, meaning) number,
        LP_DROP_TABLE(X)
#undef X
    };
    size_t i = 0;

    for (enum lp_drop r = lp_drop_next(LP_FORWARD); r != LP_FORWARD; r = lp_drop_next(r)) {
        assert_true(i < sizeof(numbers) / sizeof(numbers[0]));
        assert_int_equal(r, numbers[i]);
        i++;
    }
    assert_int_equal(i, sizeof(numbers) / sizeof(numbers[0]));
}

static void names_are_unique_and_plain(void **state)
{
    for (enum lp_drop a = lp_drop_next(LP_FORWARD); a != LP_FORWARD; a = lp_drop_next(a)) {
        const char *name = lp_drop_name(a);

        assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_"), strlen(name));
        /* a stats counter's name has 40 octets, "rx_dropped_" goes before */
        assert_true(strlen("rx_dropped_") + strlen(name) <= 40);
        for (enum lp_drop b = lp_drop_next(a); b != LP_FORWARD; b = lp_drop_next(b))
            assert_string_not_equal(name, lp_drop_name(b));
    }
}

static void reasons_tell_themselves(void **state)
{
    assert_string_equal(lp_drop_name(LP_FORWARD), "none");
    assert_string_equal(lp_drop_action(LP_FORWARD), "forwarded");
    assert_int_equal(lp_drop_category(LP_FORWARD), LP_DROP_NOT);
    assert_string_equal(lp_drop_name(LP_DROP_REASON_QUEUE_FULL), "queue_full");
    assert_string_equal(lp_drop_meaning(LP_DROP_REASON_QUEUE_FULL),
                        "the target's queue is full");
    assert_string_equal(lp_drop_action(LP_DROP_REASON_QUEUE_FULL), "dropped");
    assert_string_equal(lp_drop_action(LP_DROP_REASON_WRONG_ROOM), "dropped");
    assert_int_equal(lp_drop_category(LP_DROP_REASON_WRONG_ROOM), LP_DROP_MALFORMED);
    assert_string_equal(lp_drop_action(LP_DROP_REASON_EAPOL), "filtered");
    assert_string_equal(lp_drop_action(LP_DROP_REASON_RATE_BYTES), "rate_limited");
    assert_int_equal(lp_drop_category(LP_DROP_REASON_PIECE_SHORT), LP_DROP_DROPPED);
}

static void numbers_outside_the_table_have_a_name(void **state)
{
    static const int outside[] = {6, 9, LP_DROP_NUMBER_MAX, LP_DROP_NUMBER_MAX + 1, 1000, -1};

    for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++) {
        assert_string_equal(lp_drop_name((enum lp_drop)outside[i]), "unknown");
        assert_string_equal(lp_drop_action((enum lp_drop)outside[i]), "dropped");
        assert_non_null(lp_drop_meaning((enum lp_drop)outside[i]));
    }
    assert_string_equal(lp_counter_name(LP_COUNTER_COUNT), "unknown");
    assert_string_equal(lp_counter_meaning(LP_COUNTER_COUNT), "unknown");
}

static void drops_add_up(void **state)
{
    struct lp_counters c = {0};

    assert_int_equal(lp_counters_rx_dropped(&c), 0);
    lp_count_rx_drop(&c, LP_DROP_REASON_BAD_OVERLAY, 1); /* the first row */
    lp_count_rx_drop(&c, LP_DROP_REASON_RATE_BYTES, 20);
    lp_count_rx_drop(&c, LP_DROP_REASON_EDGE_ERROR, 300); /* and the last */
    lp_count_tx_drop(&c, LP_DROP_REASON_QUEUE_STALE, 4000);
    assert_int_equal(lp_counters_rx_dropped(&c), 321);
    assert_int_equal(lp_counters_tx_dropped(&c), 4000);
    lp_count(&c, LP_COUNTER_RX_BYTES, 5);
    lp_count(&c, LP_COUNTER_RX_BYTES, 6);
    assert_int_equal(c.value[LP_COUNTER_RX_BYTES], 11);
}

struct seen {
    unsigned count;
    char lines[4096];
};

static void note(void *user, const char *name, uint64_t value)
{
    struct seen *seen = user;
    size_t len = strlen(seen->lines);

    seen->count++;
    snprintf(seen->lines + len, sizeof(seen->lines) - len, "%s=%llu\n", name,
             (unsigned long long)value);
}

static void each_gives_all_counters_and_the_drops_that_happened(void **state)
{
    struct lp_counters c = {0};
    struct seen seen = {0};

    lp_counters_each(&c, note, &seen);
    assert_int_equal(seen.count, LP_COUNTER_COUNT);
    assert_non_null(strstr(seen.lines, "rx_datagrams=0\n"));
    assert_null(strstr(seen.lines, "dropped"));

    seen = (struct seen){0};
    lp_count(&c, LP_COUNTER_TX_CUT, 7);
    lp_count_rx_drop(&c, LP_DROP_REASON_SOURCE_NOT_AUTHORISED, 3);
    lp_count_tx_drop(&c, LP_DROP_REASON_QUEUE_FULL, UINT64_MAX);
    lp_counters_each(&c, note, &seen);
    assert_int_equal(seen.count, LP_COUNTER_COUNT + 2);
    assert_non_null(strstr(seen.lines, "tx_cut=7\n"));
    assert_non_null(strstr(seen.lines, "rx_dropped_source_not_authorised=3\n"));
    assert_non_null(strstr(seen.lines, "tx_dropped_queue_full=18446744073709551615\n"));
}

static const char *category_text(enum lp_drop_category category)
{
    static const char *const text[] = {"", "malformed", "filtered", "rate limited", "dropped"};

    return text[category];
}

static void append_row(char *page, const char *row)
{
    assert_true(strlen(page) + strlen(row) < PAGE_MAX);
    strcat(page, row);
}

static void append_counters(char *page)
{
    char row[512];

    append_row(page, "| counter | meaning |\n|---|---|\n");
    for (unsigned i = 0; i < LP_COUNTER_COUNT; i++) {
        snprintf(row, sizeof(row), "| `%s` | %s |\n", lp_counter_name((enum lp_counter)i),
                 lp_counter_meaning((enum lp_counter)i));
        append_row(page, row);
    }
}

static void append_drops(char *page)
{
    char row[512];

    append_row(page, "| reason | number | kind | meaning |\n|---|---|---|---|\n");
    for (enum lp_drop r = lp_drop_next(LP_FORWARD); r != LP_FORWARD; r = lp_drop_next(r)) {
        snprintf(row, sizeof(row), "| `%s` | %d | %s | %s |\n", lp_drop_name(r), (int)r,
                 category_text(lp_drop_category(r)), lp_drop_meaning(r));
        append_row(page, row);
    }
}

/* Run in tests/unit. Every table of the page must be one of ours, so that no stale row stays.
 */
static void docs_say_what_the_tables_say(void **state)
{
    static char page[PAGE_MAX];
    static char tables[PAGE_MAX];
    static char expected[PAGE_MAX];
    FILE *file = fopen("../../docs/counters.md", "r");
    char line[1024];

    assert_non_null(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        append_row(page, line);
        if (line[0] == '|')
            append_row(tables, line);
    }
    fclose(file);
    append_counters(expected);
    append_drops(expected);
    assert_string_equal(tables, expected);
    assert_non_null(strstr(page, "# Counters and drop reasons\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(walk_gives_every_reason_once),
        cmocka_unit_test(names_are_unique_and_plain),
        cmocka_unit_test(reasons_tell_themselves),
        cmocka_unit_test(numbers_outside_the_table_have_a_name),
        cmocka_unit_test(drops_add_up),
        cmocka_unit_test(each_gives_all_counters_and_the_drops_that_happened),
        cmocka_unit_test(docs_say_what_the_tables_say),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
