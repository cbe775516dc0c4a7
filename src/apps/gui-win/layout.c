#include "apps/gui-win/layout.h"

#include <string.h>

/* Lengths at 96 dpi. */
#define PAD           16
#define GAP           10
#define GAP_SMALL     4
#define MARK          12
#define MARK_COLUMN   24
#define FIELD_INSET   7
#define FRAME         1
#define BUTTON_PAD    18
#define BUTTON_LEAST  96
#define BUTTON_HEIGHT 32
#define PROGRESS      4
#define CARD_PAD      12
#define COLUMNS       3
#define GRAPH_LEAST   60
#define GRAPH_MOST    180
#define LIST_LEAST    68
#define MEMO_LEAST    160

struct column {
    const struct lp_view *view;
    const struct lp_layout_input *input;
    struct lp_layout *layout;
    int x;
    int width;
    int y;         /* where the next one goes */
    int spare;     /* height that is left to give to those that can be higher */
    unsigned flex; /* how many of these are still to come */
};

int lp_layout_scale(int length, int dpi)
{
    return (length * dpi + 48) / 96;
}

static int scale(const struct column *c, int length)
{
    return lp_layout_scale(length, c->input->dpi);
}

void lp_layout_plain(const char *text, char plain[LP_VIEW_TEXT_LEN])
{
    size_t len = 0;

    for (; *text != '\0' && len + 1 < LP_VIEW_TEXT_LEN; text++) {
        if (*text != '&')
            plain[len++] = *text;
    }
    plain[len] = '\0';
}

struct lp_rect lp_layout_inside(const struct lp_rect *frame, int dpi)
{
    int inset = lp_layout_scale(FIELD_INSET, dpi) / 2 + lp_layout_scale(FRAME, dpi);
    struct lp_rect inside = {frame->x + inset, frame->y + inset, frame->width - 2 * inset,
                             frame->height - 2 * inset};

    return inside;
}

/* ---- sizes ---- */

static void measure(const struct column *c, enum lp_element element, int max_width,
                    int *ret_width, int *ret_height)
{
    enum lp_element_kind kind = lp_element_kind(element);
    char plain[LP_VIEW_TEXT_LEN];
    const char *text = c->view->text[element];

    if (kind == LP_KIND_LABEL || kind == LP_KIND_BUTTON) {
        lp_layout_plain(text, plain);
        text = plain;
    }
    c->input->measure(c->input->user, lp_element_font(element), text, max_width, ret_width,
                      ret_height);
}

static int line_height(const struct column *c, enum lp_font font)
{
    int width, height;

    c->input->measure(c->input->user, font, "Xg", 0, &width, &height);
    return height;
}

static int field_height(const struct column *c)
{
    return line_height(c, LP_FONT_BODY) + 2 * scale(c, FIELD_INSET);
}

/* ---- placing, from the top ---- */

static void place(struct column *c, enum lp_element element, int x, int y, int width,
                  int height)
{
    struct lp_rect rect = {x, y, width, height};

    c->layout->at[element] = rect;
}

/* A text in the column, indented; what comes next stands `gap` below it. */
static void add_text(struct column *c, enum lp_element element, int indent, int gap)
{
    int width, height;

    if (!c->view->shown[element])
        return;
    measure(c, element, c->width - indent, &width, &height);
    place(c, element, c->x + indent, c->y, c->width - indent, height);
    c->y += height + gap;
}

static void add_head(struct column *c)
{
    int line = line_height(c, LP_FONT_HEADING), indent = scale(c, MARK_COLUMN);
    int mark = scale(c, MARK);
    struct lp_rect rect = {c->x, c->y + (line - mark) / 2, mark, mark};

    c->layout->mark = rect;
    add_text(c, LP_ELEMENT_HEADING, indent, scale(c, GAP_SMALL));
    add_text(c, LP_ELEMENT_BODY, indent, scale(c, GAP_SMALL));
    add_text(c, LP_ELEMENT_REMEDY, indent, scale(c, GAP_SMALL));
    c->y += scale(c, GAP);
    if (c->view->progress >= 0) {
        struct lp_rect bar = {c->x, c->y, c->width, scale(c, PROGRESS)};

        c->layout->progress = bar;
        c->y += bar.height + scale(c, GAP);
    }
}

/* A label and its edit field, in a part of the column. Returns the height of both. */
static int add_field(struct column *c, enum lp_element label, int x, int width)
{
    int label_width, label_height, height = field_height(c);

    measure(c, label, width, &label_width, &label_height);
    place(c, label, x, c->y, width, label_height);
    place(c, label + 1, x, c->y + label_height + scale(c, GAP_SMALL), width, height);
    return label_height + scale(c, GAP_SMALL) + height;
}

static void add_form(struct column *c)
{
    int room_width = c->width * 2 / 5, gap = scale(c, GAP), height, other;
    int relay_width = c->width - room_width - gap;

    if (!c->view->shown[LP_ELEMENT_LINK])
        return;
    c->y += add_field(c, LP_ELEMENT_LINK_LABEL, c->x, c->width) + gap;
    add_text(c, LP_ELEMENT_OR, 0, gap);
    height = add_field(c, LP_ELEMENT_RELAY_LABEL, c->x, relay_width);
    other = add_field(c, LP_ELEMENT_ROOM_LABEL, c->x + relay_width + gap, room_width);
    c->y += (height > other ? height : other) + gap;
    c->y += add_field(c, LP_ELEMENT_NAME_LABEL, c->x, c->width) + gap;
}

/* How many columns this fact needs so that neither label nor value is broken. */
static int columns_of_fact(const struct column *c, enum lp_element label, int cell, int gap)
{
    int width, value_width, height;

    measure(c, label, 0, &width, &height);
    measure(c, label + 1, 0, &value_width, &height);
    if (value_width > width)
        width = value_width;
    for (int columns = 1; columns < COLUMNS; columns++) {
        if (width <= columns * cell + (columns - 1) * gap)
            return columns;
    }
    return COLUMNS;
}

static int add_fact(struct column *c, enum lp_element label, int x, int width)
{
    int ignored, label_height, height;

    measure(c, label, width, &ignored, &label_height);
    measure(c, label + 1, width, &ignored, &height);
    place(c, label, x, c->y, width, label_height);
    place(c, label + 1, x, c->y + label_height, width, height);
    return label_height + height;
}

static void add_facts(struct column *c)
{
    int pad = scale(c, CARD_PAD), gap = scale(c, GAP), top = c->y, row_height = 0, at = 0;
    int cell = (c->width - 2 * pad - (COLUMNS - 1) * gap) / COLUMNS;
    struct lp_rect card = {c->x, top, c->width, 0};

    if (!c->view->shown[LP_ELEMENT_FACT_0])
        return;
    c->y += pad;
    for (unsigned i = 0; i < LP_VIEW_FACTS; i++) {
        enum lp_element label = LP_ELEMENT_FACT_LABEL_0 + 2 * i;
        int columns, height;

        if (!c->view->shown[label])
            continue;
        columns = columns_of_fact(c, label, cell, gap);
        if (at + columns > COLUMNS) {
            c->y += row_height + gap;
            at = row_height = 0;
        }
        height = add_fact(c, label, c->x + pad + at * (cell + gap),
                          columns * cell + (columns - 1) * gap);
        row_height = height > row_height ? height : row_height;
        at += columns;
    }
    c->y += row_height + pad;
    card.height = c->y - top;
    c->layout->card[c->layout->card_count++] = card;
    c->y += gap;
}

/* ---- what can be higher ---- */

/* The share of the spare height of one that may take `most` in all. */
static int grow(struct column *c, int least, int most)
{
    int share = c->flex > 0 ? c->spare / (int)c->flex : 0;

    if (least + share > most)
        share = most - least;
    c->spare -= share;
    c->flex--;
    return least + share;
}

static void add_tall(struct column *c, enum lp_element label, int least)
{
    int height;

    if (!c->view->shown[label + 1])
        return;
    add_text(c, label, 0, scale(c, GAP_SMALL));
    height = grow(c, scale(c, least), c->input->height + scale(c, least));
    place(c, label + 1, c->x, c->y, c->width, height);
    c->y += height + scale(c, GAP);
}

static bool has_graph(const struct column *c)
{
    return c->view->shown[LP_ELEMENT_GRAPH] && !c->layout->without_graph;
}

static void add_graph(struct column *c)
{
    int height;

    if (!has_graph(c))
        return;
    add_text(c, LP_ELEMENT_GRAPH_LABEL, 0, scale(c, GAP_SMALL));
    height = grow(c, scale(c, GRAPH_LEAST), scale(c, GRAPH_MOST));
    place(c, LP_ELEMENT_GRAPH, c->x, c->y, c->width, height);
    c->y += height + scale(c, GAP);
}

/* ---- buttons, along the bottom ---- */

static int button_width(const struct column *c, enum lp_element element)
{
    int width, height;

    if (!c->view->shown[element])
        return 0;
    measure(c, element, 0, &width, &height);
    width += 2 * scale(c, BUTTON_PAD);
    return width > scale(c, BUTTON_LEAST) ? width : scale(c, BUTTON_LEAST);
}

static int button_height(const struct column *c)
{
    int height = line_height(c, LP_FONT_BODY) + 2 * scale(c, FIELD_INSET);

    return height > scale(c, BUTTON_HEIGHT) ? height : scale(c, BUTTON_HEIGHT);
}

/* What answers the window stands at the right, the way to the details at the left. */
static void add_buttons(struct column *c, int y)
{
    static const enum lp_element right[] = {LP_ELEMENT_PRIMARY, LP_ELEMENT_SECONDARY,
                                            LP_ELEMENT_COPY};
    int height = button_height(c), x = c->x + c->width;

    for (unsigned i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
        int width = button_width(c, right[i]);

        if (width == 0)
            continue;
        x -= width;
        place(c, right[i], x, y, width, height);
        x -= scale(c, GAP);
    }
    if (c->view->shown[LP_ELEMENT_TOGGLE])
        place(c, LP_ELEMENT_TOGGLE, c->x, y, button_width(c, LP_ELEMENT_TOGGLE), height);
}

static int buttons_width(const struct column *c)
{
    int width = 0;

    for (enum lp_element e = LP_ELEMENT_PRIMARY; e < LP_ELEMENTS; e++) {
        if (c->view->shown[e])
            width += button_width(c, e) + scale(c, GAP);
    }
    return width - (width > 0 ? scale(c, GAP) : 0);
}

/* ---- all ---- */

static void add_all(struct column *c)
{
    add_head(c);
    add_form(c);
    add_facts(c);
    add_graph(c);
    add_tall(c, LP_ELEMENT_RECENT_LABEL, LIST_LEAST);
    add_tall(c, LP_ELEMENT_PLAYERS_LABEL, LIST_LEAST);
    add_tall(c, LP_ELEMENT_DETAILS_LABEL, MEMO_LEAST);
}

static unsigned count_flex(const struct column *c)
{
    const bool *shown = c->view->shown;

    return (unsigned)has_graph(c) + shown[LP_ELEMENT_RECENT] + shown[LP_ELEMENT_PLAYERS] +
           shown[LP_ELEMENT_DETAILS];
}

/* One pass with a given amount of spare height. Returns the y under the last element. */
static int pass(struct column *c, bool graph, int spare)
{
    memset(c->layout->at, 0, sizeof(c->layout->at));
    c->layout->card_count = 0;
    c->layout->without_graph = !graph;
    c->y = scale(c, PAD);
    c->spare = spare;
    c->flex = count_flex(c);
    add_all(c);
    return c->y;
}

void lp_layout_make(const struct lp_view *view, const struct lp_layout_input *input,
                    struct lp_layout *ret_layout)
{
    int pad = lp_layout_scale(PAD, input->dpi), bottom, height, width = input->width;
    struct column c = {.view = view, .input = input, .layout = ret_layout, .x = pad};

    memset(ret_layout, 0, sizeof(*ret_layout));
    ret_layout->need_width = buttons_width(&c) + 2 * pad;
    if (ret_layout->need_width < scale(&c, LP_LAYOUT_WIDTH))
        ret_layout->need_width = scale(&c, LP_LAYOUT_WIDTH);
    if (width < ret_layout->need_width)
        width = ret_layout->need_width;
    c.width = width - 2 * pad;
    bottom = button_height(&c) + pad;
    ret_layout->need_height = pass(&c, false, 0) + bottom;
    ret_layout->want_height = pass(&c, true, 0) + bottom;
    if (input->height >= ret_layout->want_height) {
        height = input->height;
        pass(&c, true, height - ret_layout->want_height);
    } else {
        height =
            input->height > ret_layout->need_height ? input->height : ret_layout->need_height;
        pass(&c, false, height - ret_layout->need_height);
    }
    add_buttons(&c, height - bottom);
}
