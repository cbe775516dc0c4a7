/*
 * Where everything in the window stands, from its size, its dots per inch and how large texts are.
 * Pure: the same calculation is tested for every state, scale and long texts where there is no
 * Windows. Pixels, with the origin at the client area's upper left corner.
 *
 * One column. What has a height of its own keeps it; lists, diagnostics and the graph share what is
 * left, down to a least height each. Below want_height the graph is left out. A client area smaller
 * than need_width and need_height gets the layout of one that is as large as that: the window does
 * not let itself be made smaller.
 */
#ifndef LP_APPS_GUI_WIN_LAYOUT_H
#define LP_APPS_GUI_WIN_LAYOUT_H

#include "apps/gui-win/view.h"

#define LP_LAYOUT_CARDS_MAX 2
/* At 96 dpi. */
#define LP_LAYOUT_WIDTH  460
#define LP_LAYOUT_HEIGHT 620

struct lp_rect {
    int x;
    int y;
    int width;
    int height;
};

struct lp_layout_input {
    int width;
    int height;
    int dpi;
    /*
     * How large a text is. `max_width` 0: on one line; else wrapped into this width, at any letter
     * where a word alone is too long.
     */
    void (*measure)(void *user, enum lp_font font, const char *text, int max_width,
                    int *ret_width, int *ret_height);
    void *user;
};

struct lp_layout {
    struct lp_rect
        at[LP_ELEMENTS];     /* of those that are shown; of EDIT, LIST, MEMO: the frame */
    struct lp_rect mark;     /* the coloured one beside the heading */
    struct lp_rect progress; /* width 0 = none */
    struct lp_rect card[LP_LAYOUT_CARDS_MAX]; /* panels behind groups of elements */
    unsigned card_count;
    bool without_graph; /* its places are empty */
    int need_width;
    int need_height;
    int want_height;
};

void lp_layout_make(const struct lp_view *view, const struct lp_layout_input *input,
                    struct lp_layout *ret_layout);

/* What is within a frame: the control itself. */
struct lp_rect lp_layout_inside(const struct lp_rect *frame, int dpi);

/* A length at 96 dpi, in pixels. */
int lp_layout_scale(int length, int dpi);

/* A label or button's text without the sign of its access key. */
void lp_layout_plain(const char *text, char plain[LP_VIEW_TEXT_LEN]);

#endif
