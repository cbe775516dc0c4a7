/*
 * A program's lines for people and log collectors, on stderr: time, level, sentence, then
 * key=value fields. Only apps/ prints. Values from strangers go through diag/text.h.
 */
#ifndef LP_APPS_COMMON_LOG_H
#define LP_APPS_COMMON_LOG_H

#include <stddef.h>
#include <stdint.h>

enum lp_log_level { LP_LOG_ERROR, LP_LOG_WARNING, LP_LOG_INFO };

/* One line under construction; see lp_log_begin. */
struct lp_log_line {
    enum lp_log_level level;
    char text[1536];
    unsigned len;
};

/* A whole line of our own words (format and arguments must not hold a stranger's text). */
void lp_log(enum lp_log_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Builds a line with fields: begin, any number of fields, end (which prints it). */
void lp_log_begin(struct lp_log_line *line, enum lp_log_level level, const char *sentence);
void lp_log_field(struct lp_log_line *line, const char *key, const char *value);
void lp_log_number(struct lp_log_line *line, const char *key, uint64_t value);
void lp_log_end(const struct lp_log_line *line);

/*
 * A sentence that holds somebody else's words (a reason, a name): control characters and the
 * like are escaped.
 */
void lp_log_sentence(enum lp_log_level level, const char *prefix, const char *words);

/* A line as it goes to stderr, without its newline. Returns its length. */
#define LP_LOG_TEXT_LEN 1600
size_t lp_log_format(enum lp_log_level level, const char *line, char text[LP_LOG_TEXT_LEN]);

/*
 * Where lines go instead of stderr, for a program that has none; set once, before the first line.
 * `line` is called by whoever logs.
 */
typedef void lp_log_sink_fn(void *user, enum lp_log_level level, const char *line);
void lp_log_set_sink(lp_log_sink_fn *line, void *user);

#endif
