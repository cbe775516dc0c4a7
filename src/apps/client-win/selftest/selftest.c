#include "apps/client-win/selftest/selftest.h"

#include <assert.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct lp_selftest_check lp_selftest_checks[LP_SELFTEST_COUNT] = {
#define X(name, id, probe, needs, gives, limit_ms, shows, expected)                            \
    {id, needs, gives, limit_ms, shows, expected},
    LP_SELFTEST_TABLE(X)
#undef X
};

/* Where the last character begins that may have been cut in the middle: it goes. */
static void drop_last_character(char *text)
{
    size_t at = strlen(text);

    while (at > 0 && ((unsigned char)text[at - 1] & 0xc0) == 0x80)
        at--;
    if (at > 0 && ((unsigned char)text[at - 1] & 0x80) != 0)
        at--;
    text[at] = '\0';
}

void lp_selftest_say(struct lp_selftest_result *result, enum lp_selftest_status status,
                     const char *format, ...)
{
    va_list args;
    int len;

    result->status = status;
    va_start(args, format);
    len = vsnprintf(result->finding, sizeof(result->finding), format, args);
    va_end(args);
    if (len >= (int)sizeof(result->finding))
        drop_last_character(result->finding);
    for (char *at = result->finding; *at != '\0'; at++) {
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            *at = '?'; /* a line stays a line */
    }
}

/* ---- what is done ---- */

/* The first reason for which it cannot be done; NULL when there is none. */
static const char *missing(unsigned needs, unsigned have)
{
    unsigned lacking = needs & ~have;

#define X(name, bit, text)                                                                     \
    if ((lacking & (bit)) != 0)                                                                \
        return text;
    LP_SELFTEST_NEEDS_TABLE(X)
#undef X
    return NULL;
}

unsigned lp_selftest_limit_ms(const struct lp_selftest_check *check, unsigned elapsed_ms)
{
    unsigned last = LP_SELFTEST_TOTAL_MS - LP_SELFTEST_RESERVE_MS;

    if ((check->needs & LP_SELFTEST_ALWAYS) != 0)
        return check->limit_ms;
    if (elapsed_ms >= last)
        return 0;
    return check->limit_ms < last - elapsed_ms ? check->limit_ms : last - elapsed_ms;
}

bool lp_selftest_may_run(const struct lp_selftest_progress *progress,
                         const struct lp_selftest_check *check, unsigned elapsed_ms,
                         struct lp_selftest_result *ret_result)
{
    bool always = (check->needs & LP_SELFTEST_ALWAYS) != 0;
    const char *why = missing(check->needs & ~(unsigned)LP_SELFTEST_EXCLUSIVE, progress->have);

    if (always && progress->hung != NULL)
        lp_selftest_say(ret_result, LP_SELFTEST_FAILED,
                        "%s has not ended and the settings cannot be put back beside it: when "
                        "this program is gone, run lanparty-client-win.exe --restore",
                        progress->hung);
    else if (why != NULL)
        lp_selftest_say(ret_result, LP_SELFTEST_NOT_TESTED, "%s", why);
    else if (always)
        return true;
    else if (progress->interrupted)
        lp_selftest_say(ret_result, LP_SELFTEST_NOT_TESTED, "the test was interrupted");
    else if (progress->hung != NULL && (check->needs & LP_SELFTEST_EXCLUSIVE) != 0)
        lp_selftest_say(ret_result, LP_SELFTEST_NOT_TESTED,
                        "%s has not ended and still has the adapter: see there",
                        progress->hung);
    else if ((why = missing(check->needs, progress->have)) != NULL)
        lp_selftest_say(ret_result, LP_SELFTEST_NOT_TESTED, "%s", why);
    else if (lp_selftest_limit_ms(check, elapsed_ms) == 0)
        lp_selftest_say(ret_result, LP_SELFTEST_NOT_TESTED,
                        "no time was left: the checks before took too long");
    else
        return true;
    return false;
}

void lp_selftest_note(struct lp_selftest_progress *progress,
                      const struct lp_selftest_check *check,
                      const struct lp_selftest_result *result)
{
    progress->count[result->status]++;
    if (result->status == LP_SELFTEST_OK || result->status == LP_SELFTEST_WARNING)
        progress->have |= check->gives & ~result->withheld;
}

void lp_selftest_note_hung(struct lp_selftest_progress *progress,
                           const struct lp_selftest_check *check, unsigned limit_ms,
                           struct lp_selftest_result *ret_result)
{
    ret_result->duration_ms = limit_ms;
    lp_selftest_say(ret_result, LP_SELFTEST_FAILED,
                    "no answer within %u.%u s: restart Windows and test again", limit_ms / 1000,
                    limit_ms / 100 % 10);
    if (((check->needs | check->gives) & LP_SELFTEST_EXCLUSIVE) != 0)
        progress->hung = check->id;
    lp_selftest_note(progress, check, ret_result);
}

/* ---- what is written ---- */

const char *lp_selftest_status_text(enum lp_selftest_status status)
{
    static const char *const texts[LP_SELFTEST_STATUSES] = {
        [LP_SELFTEST_OK] = "ok",
        [LP_SELFTEST_WARNING] = "warning",
        [LP_SELFTEST_FAILED] = "failed",
        [LP_SELFTEST_NOT_TESTED] = "not tested",
    };

    return texts[status];
}

/* Consumes `object`. */
static size_t put_json(json_t *object, char ret_line[LP_SELFTEST_LINE_LEN])
{
    size_t len = json_dumpb(object, ret_line, LP_SELFTEST_LINE_LEN - 1, JSON_COMPACT);

    json_decref(object);
    assert(len < LP_SELFTEST_LINE_LEN);
    ret_line[len] = '\0';
    return len;
}

/* A driver or a rule of the firewall may have a name with anything in it. */
static json_t *text_of(const char *finding)
{
    json_t *text = json_string(finding);

    return text != NULL ? text : json_string("what was found is no valid text");
}

static json_t *result_object(const struct lp_selftest_check *check,
                             const struct lp_selftest_result *result)
{
    return json_pack("{sssssssssssosi}", "type", "selftest", "id", check->id, "status",
                     lp_selftest_status_text(result->status), "shows", check->shows, "expected",
                     check->expected, "finding", text_of(result->finding), "duration_ms",
                     (int)result->duration_ms);
}

static size_t put_text(const char *status, const char *id, const char *finding,
                       char ret_line[LP_SELFTEST_LINE_LEN])
{
    int len = snprintf(ret_line, LP_SELFTEST_LINE_LEN, "%-10s  %-16s  %s", status, id, finding);

    assert(len > 0 && len < LP_SELFTEST_LINE_LEN);
    return (size_t)len;
}

size_t lp_selftest_line(const struct lp_selftest_check *check,
                        const struct lp_selftest_result *result, bool json,
                        char ret_line[LP_SELFTEST_LINE_LEN])
{
    if (json)
        return put_json(result_object(check, result), ret_line);
    return put_text(lp_selftest_status_text(result->status), check->id, result->finding,
                    ret_line);
}

size_t lp_selftest_summary(const struct lp_selftest_progress *progress, bool json,
                           char ret_line[LP_SELFTEST_LINE_LEN])
{
    const unsigned *count = progress->count;
    int len;

    if (json)
        return put_json(json_pack("{sssisisisisb}", "type", "selftest_summary", "ok",
                                  (int)count[LP_SELFTEST_OK], "warning",
                                  (int)count[LP_SELFTEST_WARNING], "failed",
                                  (int)count[LP_SELFTEST_FAILED], "not_tested",
                                  (int)count[LP_SELFTEST_NOT_TESTED], "interrupted",
                                  (int)progress->interrupted),
                        ret_line);
    len = snprintf(ret_line, LP_SELFTEST_LINE_LEN,
                   "%u ok, %u warnings, %u failed, %u not tested%s", count[LP_SELFTEST_OK],
                   count[LP_SELFTEST_WARNING], count[LP_SELFTEST_FAILED],
                   count[LP_SELFTEST_NOT_TESTED], progress->interrupted ? ", interrupted" : "");
    return (size_t)len;
}

enum lp_exit lp_selftest_exit(const struct lp_selftest_progress *progress)
{
    if (progress->count[LP_SELFTEST_FAILED] > 0 || progress->interrupted)
        return LP_EXIT_FAILURE;
    return LP_EXIT_OK;
}
