/*
 * Text from strangers in the window: names of players, the relay's words, reasons. What comes out
 * is valid UTF-8 on one line that cannot reorder, hide or overlap what stands beside it: controls,
 * bidirectional controls, invisible characters and invalid octets become U+FFFD, every kind of
 * space a plain one, and a letter keeps two combining marks at most. Pure.
 */
#ifndef LP_APPS_GUI_WIN_SHOWN_H
#define LP_APPS_GUI_WIN_SHOWN_H

#include <stddef.h>
#include <stdint.h>

/*
 * Writes what can be shown of `text` and a NUL; what does not fit is cut between characters.
 * Returns the length; 0 when nothing visible is left.
 */
size_t lp_shown(const char *text, char *shown, size_t capacity);

/* For scrolling text of our own with strangers' words in it: the same, but line feeds stay. */
size_t lp_shown_lines(const char *text, char *shown, size_t capacity);

/*
 * The code point that starts at *at, which moves behind it; U+FFFD for an octet that starts no
 * valid sequence (the surrogates, overlong forms and numbers above U+10FFFF included).
 */
uint32_t lp_shown_next(const char **at);

#endif
