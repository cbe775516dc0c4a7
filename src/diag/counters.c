#include "diag/counters.h"

#include <stdio.h>

#define NAME_MAX_LEN 64

static uint64_t sum_drops(const uint64_t drops[LP_DROP_NUMBER_MAX + 1])
{
    uint64_t sum = 0;

    for (enum lp_drop r = lp_drop_next(LP_FORWARD); r != LP_FORWARD; r = lp_drop_next(r))
        sum += drops[r];
    return sum;
}

uint64_t lp_counters_rx_dropped(const struct lp_counters *c)
{
    return sum_drops(c->rx_drop);
}

uint64_t lp_counters_tx_dropped(const struct lp_counters *c)
{
    return sum_drops(c->tx_drop);
}

const char *lp_counter_name(enum lp_counter which)
{
    switch (which) {
#define X(name, text, meaning)                                                                 \
    case LP_COUNTER_##name:                                                                    \
        return text;
        LP_COUNTER_TABLE(X)
#undef X
    case LP_COUNTER_COUNT:
        break;
    }
    return "unknown";
}

const char *lp_counter_meaning(enum lp_counter which)
{
    switch (which) {
#define X(name, text, meaning)                                                                 \
    case LP_COUNTER_##name:                                                                    \
        return meaning;
        LP_COUNTER_TABLE(X)
#undef X
    case LP_COUNTER_COUNT:
        break;
    }
    return "unknown";
}

static void each_drop(const uint64_t drops[LP_DROP_NUMBER_MAX + 1], const char *direction,
                      void (*each)(void *user, const char *name, uint64_t value), void *user)
{
    char name[NAME_MAX_LEN];

    for (enum lp_drop r = lp_drop_next(LP_FORWARD); r != LP_FORWARD; r = lp_drop_next(r)) {
        if (drops[r] == 0)
            continue;
        snprintf(name, sizeof(name), "%s_dropped_%s", direction, lp_drop_name(r));
        each(user, name, drops[r]);
    }
}

void lp_counters_each(const struct lp_counters *c,
                      void (*each)(void *user, const char *name, uint64_t value), void *user)
{
    for (unsigned i = 0; i < LP_COUNTER_COUNT; i++)
        each(user, lp_counter_name((enum lp_counter)i), c->value[i]);
    each_drop(c->rx_drop, "rx", each, user);
    each_drop(c->tx_drop, "tx", each, user);
}
