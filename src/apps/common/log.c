#include "apps/common/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "apps/common/output.h"
#include "diag/text.h"
#include "platform/platform.h"

static const char *const level_names[] = {
    [LP_LOG_ERROR] = "error", [LP_LOG_WARNING] = "warning", [LP_LOG_INFO] = "info"};

/* As stderr, there is one for the program. */
static struct {
    lp_log_sink_fn *line;
    void *user;
} sink;

void lp_log_set_sink(lp_log_sink_fn *line, void *user)
{
    sink.line = line;
    sink.user = user;
}

static void append(struct lp_log_line *line, const char *text)
{
    size_t room = sizeof(line->text) - 1 - line->len;
    size_t len = strlen(text);

    if (len > room)
        len = room;
    memcpy(line->text + line->len, text, len);
    line->len += (unsigned)len;
    line->text[line->len] = '\0';
}

void lp_log_begin(struct lp_log_line *line, enum lp_log_level level, const char *sentence)
{
    line->level = level;
    line->len = 0;
    append(line, sentence);
}

void lp_log_field(struct lp_log_line *line, const char *key, const char *value)
{
    char shown[512];
    struct lp_text text;

    lp_text_init(&text, shown, sizeof(shown));
    lp_text_value(&text, value);
    append(line, " ");
    append(line, key);
    append(line, "=");
    append(line, shown);
}

void lp_log_number(struct lp_log_line *line, const char *key, uint64_t value)
{
    char shown[24];

    snprintf(shown, sizeof(shown), "%llu", (unsigned long long)value);
    lp_log_field(line, key, shown);
}

size_t lp_log_format(enum lp_log_level level, const char *line, char text[LP_LOG_TEXT_LEN])
{
    time_t now = (time_t)lp_clock_unix_s();
    char stamp[32] = "";
    const struct tm *utc = gmtime(&now);
    int len;

    if (utc != NULL)
        strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", utc);
    len = snprintf(text, LP_LOG_TEXT_LEN, "%s %s: %s", stamp, level_names[level], line);
    return len < LP_LOG_TEXT_LEN ? (size_t)len : LP_LOG_TEXT_LEN - 1;
}

void lp_log_end(const struct lp_log_line *line)
{
    char text[LP_LOG_TEXT_LEN];

    if (sink.line != NULL) {
        sink.line(sink.user, line->level, line->text);
        return;
    }
    /* a terminal that was stopped costs lines, not the party */
    if (!lp_output_takes(STDERR_FILENO))
        return;
    lp_log_format(line->level, line->text, text);
    fprintf(stderr, "%s\n", text);
}

void lp_log(enum lp_log_level level, const char *format, ...)
{
    struct lp_log_line line;
    char sentence[1024];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(sentence, sizeof(sentence), format, arguments);
    va_end(arguments);
    lp_log_begin(&line, level, sentence);
    lp_log_end(&line);
}

void lp_log_sentence(enum lp_log_level level, const char *prefix, const char *words)
{
    struct lp_log_line line;
    char shown[1024];
    size_t len = 0;

    /* Printable ASCII stays readable; everything else becomes \xNN, so that it stays one line.
     */
    for (; *words != '\0' && len + 5 < sizeof(shown); words++) {
        unsigned char c = (unsigned char)*words;

        if (c >= 0x20 && c < 0x7f)
            shown[len++] = (char)c;
        else
            len += (size_t)snprintf(shown + len, sizeof(shown) - len, "\\x%02x", c);
    }
    shown[len] = '\0';
    lp_log_begin(&line, level, prefix);
    append(&line, shown);
    lp_log_end(&line);
}
