/*
 * Lines on standard output, for whoever reads along: diagnostics, frame log. A reader that
 * stalls (a pager, a stopped terminal) loses lines and never stalls the program; one that went
 * away is noticed. Lines stay whole: what is left of one is written before the next.
 */
#ifndef LP_APPS_COMMON_OUTPUT_H
#define LP_APPS_COMMON_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lp_output_writer;

struct lp_output {
    int fd;
    char *rest; /* of a line that did not go out whole */
    size_t rest_len;
    uint64_t lost; /* lines that a slow reader did not get */
    bool closed;   /* nobody reads any more; lines are dropped */
    struct lp_output_writer
        *writer; /* Windows: the thread that writes, from the first line on */
};

/* Also makes writing to a closed pipe an error instead of the end of the program. */
void lp_output_init(struct lp_output *output, int fd);
void lp_output_deinit(struct lp_output *output);

/* Text without its newline. False once the reader is gone. */
bool lp_output_line(struct lp_output *output, const char *text, size_t len);

/* Whether a write to the descriptor would not wait now. */
bool lp_output_takes(int fd);

/* Tries again what is left; notices what has become of it meanwhile. False once the reader is gone. */
bool lp_output_flush(struct lp_output *output);

#endif
