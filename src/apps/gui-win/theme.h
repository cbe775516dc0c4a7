/*
 * Colours and fonts of the window: the system's own font (Segoe UI where it is) in four sizes,
 * light or dark as Windows is set, the system's colours in high contrast. Remade when DPI or the
 * settings change.
 */
#ifndef LP_APPS_GUI_WIN_THEME_H
#define LP_APPS_GUI_WIN_THEME_H

#include <stdbool.h>

#include "apps/gui-win/view.h"
#include "platform/windows/win.h"

/* X(NAME, light, dark, system colour in high contrast); RRGGBB */
#define LP_COLOUR_TABLE(X)                                                                     \
    X(BACK, 0xf6f7f9, 0x1a1c22, COLOR_WINDOW)                                                  \
    X(CARD, 0xffffff, 0x24272f, COLOR_WINDOW)                                                  \
    X(LINE, 0xd5d9e0, 0x3a3f4a, COLOR_WINDOWTEXT)                                              \
    X(TEXT, 0x1b1f27, 0xeceff4, COLOR_WINDOWTEXT)                                              \
    X(DIM, 0x59616f, 0xa3abb9, COLOR_WINDOWTEXT)                                               \
    X(ACCENT, 0x0b5fc2, 0x5aa9ff, COLOR_HIGHLIGHT)                                             \
    X(ON_ACCENT, 0xffffff, 0x0b1526, COLOR_HIGHLIGHTTEXT)                                      \
    X(PRESSED, 0x094c9b, 0x3d8fe8, COLOR_HIGHLIGHT)                                            \
    X(BUTTON, 0xe6e9ee, 0x333844, COLOR_BTNFACE)                                               \
    X(PARTY, 0x9a4f00, 0xffb454, COLOR_WINDOWTEXT)                                             \
    X(GOOD, 0x1a7f37, 0x56c26f, COLOR_WINDOWTEXT)                                              \
    X(WARNING, 0xb25e00, 0xf0a83a, COLOR_WINDOWTEXT)                                           \
    X(BAD, 0xc0262d, 0xff7a7a, COLOR_WINDOWTEXT)

enum lp_colour {
#define X(name, light, dark, system) LP_COLOUR_##name,
    LP_COLOUR_TABLE(X)
#undef X
        LP_COLOURS
};

struct lp_theme {
    int dpi;
    bool dark;
    bool high_contrast;
    COLORREF colour[LP_COLOURS];
    HBRUSH back_brush;
    HBRUSH card_brush;
    HFONT font[LP_FONTS];
};

/* Whether Windows asks programs to be dark. */
bool lp_theme_system_is_dark(void);

/* Remakes everything; `theme` is zeroes at first. */
void lp_theme_set(struct lp_theme *theme, int dpi, bool dark);
void lp_theme_deinit(struct lp_theme *theme);

/* Caption and scroll bars of a window follow. */
void lp_theme_apply_to_frame(const struct lp_theme *theme, HWND window);
void lp_theme_apply_to_scrolling(const struct lp_theme *theme, HWND control);

COLORREF lp_theme_tone(const struct lp_theme *theme, enum lp_tone tone);

#endif
