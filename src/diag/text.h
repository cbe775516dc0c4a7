/*
 * Text from strangers in lines for people and machines. What comes out is printable ASCII
 * (valid UTF-8 printable text is kept in JSON) and cannot end or forge a line, a field or a
 * terminal sequence.
 *
 * A writer fills a caller's buffer and never overruns it: what does not fit is cut, the buffer
 * stays NUL-terminated, and lp_text_truncated() tells.
 */
#ifndef LP_DIAG_TEXT_H
#define LP_DIAG_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct lp_text {
    char *at;
    char *end; /* where the last NUL may stand */
    char *start;
    bool truncated;
};

void lp_text_init(struct lp_text *t, char *buffer, size_t capacity);
size_t lp_text_len(const struct lp_text *t);
bool lp_text_truncated(const struct lp_text *t);

/* printf into the writer; for our own text and numbers only. */
void lp_text_printf(struct lp_text *t, const char *format, ...) LP_PRINTF(2, 3);

/*
 * A value for key=value lines: as it is when it consists of letters, digits and ._:/@+- and is
 * not empty; otherwise in double quotes, with \" \\ \xNN for quotes, backslashes and everything
 * outside printable ASCII.
 */
void lp_text_value(struct lp_text *t, const char *value);

/* A JSON string with its quotes; invalid UTF-8 becomes U+FFFD, controls (C1 too) are escaped.
 */
void lp_text_json_string(struct lp_text *t, const char *value);

#endif
