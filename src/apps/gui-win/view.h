/*
 * What the window shows: a text for each element of the model's state, as sentences with a remedy
 * where something is wrong. window.c gives each element a child control, in this order, which is
 * the order of the Tab key too; layout.c gives it a place. Pure.
 *
 * All texts are UTF-8 that can be shown as it is (shown.h): names and words of others are cleaned
 * here, and stand alone, never within a sentence of ours.
 */
#ifndef LP_APPS_GUI_WIN_VIEW_H
#define LP_APPS_GUI_WIN_VIEW_H

#include <stdbool.h>

#include "apps/gui-win/model.h"

#define LP_VIEW_TEXT_LEN    640
#define LP_VIEW_DETAILS_LEN (LP_GUI_REPORT_LEN + 2048)
#define LP_VIEW_FACTS       6
#define LP_VIEW_ROWS_MAX    (LP_GUI_PLAYERS_MAX + 2)
#define LP_VIEW_CELL_LEN    300

/* X(NAME, kind, font) */
#define LP_ELEMENT_TABLE(X)                                                                    \
    X(HEADING, TEXT, HEADING)                                                                  \
    X(BODY, TEXT, BODY)                                                                        \
    X(REMEDY, TEXT, BODY)                                                                      \
    X(LINK_LABEL, LABEL, SMALL)                                                                \
    X(LINK, EDIT, BODY)                                                                        \
    X(OR, TEXT, SMALL)                                                                         \
    X(RELAY_LABEL, LABEL, SMALL)                                                               \
    X(RELAY, EDIT, BODY)                                                                       \
    X(ROOM_LABEL, LABEL, SMALL)                                                                \
    X(ROOM, EDIT, BODY)                                                                        \
    X(NAME_LABEL, LABEL, SMALL)                                                                \
    X(NAME, EDIT, BODY)                                                                        \
    X(RECENT_LABEL, LABEL, SMALL)                                                              \
    X(RECENT, LIST, BODY)                                                                      \
    X(FACT_LABEL_0, TEXT, SMALL)                                                               \
    X(FACT_0, TEXT, FACT)                                                                      \
    X(FACT_LABEL_1, TEXT, SMALL)                                                               \
    X(FACT_1, TEXT, FACT)                                                                      \
    X(FACT_LABEL_2, TEXT, SMALL)                                                               \
    X(FACT_2, TEXT, FACT)                                                                      \
    X(FACT_LABEL_3, TEXT, SMALL)                                                               \
    X(FACT_3, TEXT, FACT)                                                                      \
    X(FACT_LABEL_4, TEXT, SMALL)                                                               \
    X(FACT_4, TEXT, FACT)                                                                      \
    X(FACT_LABEL_5, TEXT, SMALL)                                                               \
    X(FACT_5, TEXT, FACT)                                                                      \
    X(GRAPH_LABEL, TEXT, SMALL)                                                                \
    X(GRAPH, GRAPH, SMALL)                                                                     \
    X(PLAYERS_LABEL, LABEL, SMALL)                                                             \
    X(PLAYERS, LIST, BODY)                                                                     \
    X(DETAILS_LABEL, LABEL, SMALL)                                                             \
    X(DETAILS, MEMO, SMALL)                                                                    \
    X(PRIMARY, BUTTON, BODY)                                                                   \
    X(SECONDARY, BUTTON, BODY)                                                                 \
    X(COPY, BUTTON, BODY)                                                                      \
    X(TOGGLE, BUTTON, BODY)

enum lp_element {
#define X(name, kind, font) LP_ELEMENT_##name,
    LP_ELEMENT_TABLE(X)
#undef X
        LP_ELEMENTS
};

/* LABEL: a text with an access key (&x), for the element after it. */
enum lp_element_kind {
    LP_KIND_TEXT,
    LP_KIND_LABEL,
    LP_KIND_EDIT,
    LP_KIND_LIST,
    LP_KIND_GRAPH,
    LP_KIND_MEMO,
    LP_KIND_BUTTON,
};

enum lp_font { LP_FONT_HEADING, LP_FONT_BODY, LP_FONT_SMALL, LP_FONT_FACT, LP_FONTS };

/* The colour of the mark beside the heading. */
enum lp_tone { LP_TONE_IDLE, LP_TONE_BUSY, LP_TONE_GOOD, LP_TONE_WARNING, LP_TONE_BAD };

struct lp_view_row {
    char first[LP_VIEW_CELL_LEN];
    char second[LP_VIEW_CELL_LEN];
};

struct lp_view {
    enum lp_tone tone;
    bool shown[LP_ELEMENTS];
    bool enabled[LP_ELEMENTS]; /* buttons */
    bool dim[LP_ELEMENTS];     /* texts of the second order */
    char text[LP_ELEMENTS]
             [LP_VIEW_TEXT_LEN]; /* of GRAPH and lists: what a screen reader says */
    char details[LP_VIEW_DETAILS_LEN];
    struct lp_view_row row[LP_VIEW_ROWS_MAX]; /* of the list that is shown, if one is */
    unsigned row_count;
    bool has_default; /* Enter presses PRIMARY */
    bool can_connect; /* tray menu */
    bool can_disconnect;
    double progress; /* 0 to 1 while connecting, below 0 otherwise */
    char tip[120];   /* the tray icon's */
};

enum lp_element_kind lp_element_kind(enum lp_element element);
enum lp_font lp_element_font(enum lp_element element);

void lp_view_make(const struct lp_gui_model *model, struct lp_view *ret_view);

/* What "Copy report" puts on the clipboard: the details pane with a head. Returns the length. */
size_t lp_view_report(const struct lp_gui_model *model, char *text, size_t capacity);

/* sentences.c: what a failure is, and what to do about it. */
struct lp_sentences {
    const char *heading;
    const char *body;
    const char *remedy;
};
const struct lp_sentences *lp_sentences_of_reject(enum lp_reject_code code);
const struct lp_sentences *lp_sentences_of_failure(const struct lp_gui_snapshot *snapshot);
const char *lp_sentence_of_step(enum lp_gui_step step);

#endif
