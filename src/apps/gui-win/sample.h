/*
 * The window's states with made-up contents: for the tests of view and layout, and for pictures of
 * the window. No part of the program that players get. Pure.
 */
#ifndef LP_APPS_GUI_WIN_SAMPLE_H
#define LP_APPS_GUI_WIN_SAMPLE_H

#include "apps/gui-win/model.h"

/* X(NAME, name) */
#define LP_SAMPLE_TABLE(X)                                                                     \
    X(FIRST_START, "first-start")                                                              \
    X(RECENT, "recent")                                                                        \
    X(BAD_LINK, "bad-link")                                                                    \
    X(INVITE, "invite")                                                                        \
    X(CONNECTING, "connecting")                                                                \
    X(SETBACK, "setback")                                                                      \
    X(CONNECTED, "connected")                                                                  \
    X(HOSTILE_NAMES, "hostile-names")                                                          \
    X(NO_GATEWAY, "no-gateway")                                                                \
    X(NO_ADDRESS, "no-address")                                                                \
    X(WARNING, "warning")                                                                      \
    X(UNREACHABLE, "unreachable")                                                              \
    X(REJECTED, "rejected")                                                                    \
    X(REFUSED, "refused")                                                                      \
    X(NO_ADAPTER, "no-adapter")                                                                \
    X(LOST, "lost")                                                                            \
    X(LEAVING, "leaving")                                                                      \
    X(DETAILS, "details")                                                                      \
    X(LONG_TEXTS, "long-texts")                                                                \
    X(LONG_INVITE, "long-invite")

enum lp_sample {
#define X(name, text) LP_SAMPLE_##name,
    LP_SAMPLE_TABLE(X)
#undef X
        LP_SAMPLES
};

const char *lp_sample_name(enum lp_sample sample);
/* LP_SAMPLES when there is none of this name. */
enum lp_sample lp_sample_find(const char *name);

void lp_sample_make(enum lp_sample sample, struct lp_gui_model *ret_model);

#endif
