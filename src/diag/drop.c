#include "diag/drop.h"

#include <stddef.h>

struct row {
    const char *name;
    const char *meaning;
    enum lp_drop_category category;
};

/* By number; numbers that are not in use have no name. */
static const struct row rows[LP_DROP_NUMBER_MAX + 1] = {
    [LP_FORWARD] = {"none", "forwarded", LP_DROP_NOT},
#define X(name, number, text, category, meaning)                                               \
    [LP_DROP_REASON_##name] = {text, meaning, LP_DROP_##category},
    LP_DROP_TABLE(X)
#undef X
};

static const struct row *find(enum lp_drop reason)
{
    static const struct row unknown = {"unknown", "not in the table", LP_DROP_DROPPED};
    unsigned number = (unsigned)reason;

    if (number > LP_DROP_NUMBER_MAX || rows[number].name == NULL)
        return &unknown;
    return &rows[number];
}

const char *lp_drop_name(enum lp_drop reason)
{
    return find(reason)->name;
}

const char *lp_drop_meaning(enum lp_drop reason)
{
    return find(reason)->meaning;
}

enum lp_drop_category lp_drop_category(enum lp_drop reason)
{
    return find(reason)->category;
}

const char *lp_drop_action(enum lp_drop reason)
{
    switch (lp_drop_category(reason)) {
    case LP_DROP_NOT:
        return "forwarded";
    case LP_DROP_FILTERED:
        return "filtered";
    case LP_DROP_RATE_LIMITED:
        return "rate_limited";
    case LP_DROP_MALFORMED:
    case LP_DROP_DROPPED:
        break;
    }
    return "dropped";
}

enum lp_drop lp_drop_next(enum lp_drop reason)
{
    for (unsigned number = (unsigned)reason + 1; number <= LP_DROP_NUMBER_MAX; number++) {
        if (rows[number].name != NULL)
            return (enum lp_drop)number;
    }
    return LP_FORWARD;
}
