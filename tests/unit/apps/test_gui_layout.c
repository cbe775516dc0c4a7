/* Nothing in the window overlaps, is cut or lies outside, in any state at any scale. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "apps/gui-win/layout.h"
#include "apps/gui-win/sample.h"
#include "apps/gui-win/shown.h"

struct bed {
    struct lp_gui_model model;
    struct lp_view view;
    struct lp_layout layout;
    int dpi;
    bool wide; /* a font with wide letters */
};

/* ---- a font of our own ---- */

static int letter_width(const struct bed *bed, enum lp_font font)
{
    static const int widths[LP_FONTS] = {11, 7, 6, 8};

    return lp_layout_scale(widths[font] + (bed->wide ? 3 : 0), bed->dpi);
}

static int line_height(const struct bed *bed, enum lp_font font)
{
    static const int heights[LP_FONTS] = {27, 20, 16, 21};

    return lp_layout_scale(heights[font], bed->dpi);
}

static size_t letters(const char *text, size_t len)
{
    const char *end = text + len;
    size_t count = 0;

    while (text < end) {
        (void)lp_shown_next(&text);
        count++;
    }
    return count;
}

/* Breaks at blanks, and within words that are longer than a line. */
static void measure(void *user, enum lp_font font, const char *text, int max_width,
                    int *ret_width, int *ret_height)
{
    const struct bed *bed = user;
    int letter = letter_width(bed, font), lines = 1, at = 0, most = 0;

    while (*text != '\0') {
        size_t len = strcspn(text, " ");
        int word = (int)letters(text, len) * letter;

        if (max_width > 0 && at > 0 && at + word > max_width) {
            lines++;
            at = 0;
        }
        while (max_width > 0 && word > max_width) {
            word -= max_width / letter * letter;
            most = max_width;
            lines++;
        }
        at += word;
        most = at > most ? at : most;
        text += len;
        if (*text == ' ') {
            at += letter;
            text++;
        }
    }
    *ret_width = most;
    *ret_height = lines * line_height(bed, font);
}

/* ---- what must hold ---- */

static bool is_within(const struct lp_rect *inner, const struct lp_rect *outer)
{
    return inner->x >= outer->x && inner->y >= outer->y &&
           inner->x + inner->width <= outer->x + outer->width &&
           inner->y + inner->height <= outer->y + outer->height;
}

static bool overlap(const struct lp_rect *a, const struct lp_rect *b)
{
    return a->x < b->x + b->width && b->x < a->x + a->width && a->y < b->y + b->height &&
           b->y < a->y + a->height;
}

static void expect(bool holds, const struct bed *bed, const char *sample, unsigned element,
                   unsigned other, const char *what)
{
    const struct lp_rect *a = &bed->layout.at[element], *b = &bed->layout.at[other];

    if (!holds)
        fail_msg("%s at %d dpi: element %u (%d,%d %dx%d) and %u (%d,%d %dx%d): %s", sample,
                 bed->dpi, element, a->x, a->y, a->width, a->height, other, b->x, b->y,
                 b->width, b->height, what);
}

/* The text of an element has the room that it needs. */
static bool fits(struct bed *bed, enum lp_element element)
{
    const struct lp_rect *rect = &bed->layout.at[element];
    enum lp_element_kind kind = lp_element_kind(element);
    char plain[LP_VIEW_TEXT_LEN];
    int width, height;

    if (kind == LP_KIND_TEXT) {
        measure(bed, lp_element_font(element), bed->view.text[element], rect->width, &width,
                &height);
        return height <= rect->height && width <= rect->width;
    }
    lp_layout_plain(bed->view.text[element], plain);
    if (kind == LP_KIND_LABEL || kind == LP_KIND_BUTTON) {
        measure(bed, lp_element_font(element), plain, kind == LP_KIND_BUTTON ? 0 : rect->width,
                &width, &height);
        return height <= rect->height && width <= rect->width;
    }
    if (kind == LP_KIND_EDIT)
        return rect->height > line_height(bed, LP_FONT_BODY) + 2 && rect->width > 100;
    return rect->height >= 3 * line_height(bed, LP_FONT_SMALL) && rect->width > 200;
}

/* All that is shown, but the graph where the window is too low for it. */
static bool is_placed(const struct bed *bed, unsigned e)
{
    bool graph = e == LP_ELEMENT_GRAPH || e == LP_ELEMENT_GRAPH_LABEL;

    return bed->view.shown[e] && !(graph && bed->layout.without_graph);
}

static void check_element(struct bed *bed, const char *sample, unsigned e,
                          const struct lp_rect *client)
{
    const struct lp_rect *rect = &bed->layout.at[e];
    struct lp_rect inside;

    expect(rect->width > 0 && rect->height > 0, bed, sample, e, e, "empty");
    expect(is_within(rect, client), bed, sample, e, e, "outside of the window");
    expect(fits(bed, (enum lp_element)e), bed, sample, e, e, "its text is cut");
    expect(!overlap(rect, &bed->layout.mark), bed, sample, e, e, "over the mark");
    expect(!overlap(rect, &bed->layout.progress), bed, sample, e, e, "over the progress bar");
    for (unsigned other = 0; other < e; other++) {
        if (is_placed(bed, other))
            expect(!overlap(rect, &bed->layout.at[other]), bed, sample, e, other, "overlap");
    }
    /* on a panel or beside it */
    for (unsigned i = 0; i < bed->layout.card_count; i++) {
        const struct lp_rect *card = &bed->layout.card[i];

        expect(is_within(rect, card) || !overlap(rect, card), bed, sample, e, e,
               "half on a panel");
    }
    inside = lp_layout_inside(rect, bed->dpi);
    if (lp_element_kind((enum lp_element)e) == LP_KIND_EDIT)
        expect(inside.height >= line_height(bed, LP_FONT_BODY), bed, sample, e, e,
               "line is cut");
}

static void check(struct bed *bed, unsigned sample, int width, int height)
{
    struct lp_layout_input input = {width, height, bed->dpi, measure, bed};
    struct lp_rect client = {0, 0, width, height};

    lp_sample_make((enum lp_sample)sample, &bed->model);
    lp_view_make(&bed->model, &bed->view);
    lp_layout_make(&bed->view, &input, &bed->layout);
    if (client.width < bed->layout.need_width)
        client.width = bed->layout.need_width;
    if (client.height < bed->layout.need_height)
        client.height = bed->layout.need_height;
    for (unsigned e = 0; e < LP_ELEMENTS; e++) {
        if (is_placed(bed, e))
            check_element(bed, lp_sample_name((enum lp_sample)sample), e, &client);
    }
}

static void check_all(struct bed *bed)
{
    static const int dpis[] = {96, 120, 144, 192};
    static const int sizes[][2] = {{1, 1}, {LP_LAYOUT_WIDTH, LP_LAYOUT_HEIGHT}, {1000, 900}};

    for (unsigned d = 0; d < 4; d++) {
        bed->dpi = dpis[d];
        for (unsigned sample = 0; sample < LP_SAMPLES; sample++) {
            for (unsigned s = 0; s < 3; s++)
                check(bed, sample, lp_layout_scale(sizes[s][0], bed->dpi),
                      lp_layout_scale(sizes[s][1], bed->dpi));
        }
    }
}

static void test_every_state(void **state)
{
    struct bed *bed = calloc(1, sizeof(*bed));

    check_all(bed);
    bed->wide = true;
    check_all(bed);
    free(bed);
}

/* What players really see fits a 1080-line screen at 200 %, a taskbar and a caption included. */
static void test_fits_a_screen(void **state)
{
    struct bed *bed = calloc(1, sizeof(*bed));

    bed->dpi = 192;
    for (unsigned sample = 0; sample < LP_SAMPLE_LONG_TEXTS; sample++) {
        check(bed, sample, 1, 1);
        if (bed->layout.need_height > 1080 - 96 - 64)
            fail_msg("%s needs %d", lp_sample_name((enum lp_sample)sample),
                     bed->layout.need_height);
    }
    free(bed);
}

/* More height goes to lists and graph; the buttons stay at the bottom. */
static void test_grows(void **state)
{
    struct bed *bed = calloc(1, sizeof(*bed));
    struct lp_rect list, graph;

    bed->dpi = 96;
    check(bed, LP_SAMPLE_CONNECTED, 460, 1);
    assert_true(bed->layout.without_graph);
    assert_int_equal(bed->layout.at[LP_ELEMENT_GRAPH].height, 0);
    check(bed, LP_SAMPLE_CONNECTED, 460, bed->layout.want_height - 1);
    assert_true(bed->layout.without_graph);
    check(bed, LP_SAMPLE_CONNECTED, 460, bed->layout.want_height);
    assert_false(bed->layout.without_graph);
    list = bed->layout.at[LP_ELEMENT_PLAYERS];
    graph = bed->layout.at[LP_ELEMENT_GRAPH];
    check(bed, LP_SAMPLE_CONNECTED, 460, 1200);
    assert_true(bed->layout.at[LP_ELEMENT_PLAYERS].height > list.height + 100);
    assert_true(bed->layout.at[LP_ELEMENT_GRAPH].height > graph.height);
    assert_true(bed->layout.at[LP_ELEMENT_GRAPH].height <= 180);
    assert_int_equal(bed->layout.at[LP_ELEMENT_PRIMARY].y +
                         bed->layout.at[LP_ELEMENT_PRIMARY].height,
                     1200 - 16);
    free(bed);
}

static void test_plain(void **state)
{
    char plain[LP_VIEW_TEXT_LEN];

    lp_layout_plain("Try a&gain", plain);
    assert_string_equal(plain, "Try again");
    assert_int_equal(lp_layout_scale(16, 144), 24);
    assert_int_equal(lp_layout_scale(1, 120), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_state),
        cmocka_unit_test(test_fits_a_screen),
        cmocka_unit_test(test_grows),
        cmocka_unit_test(test_plain),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
