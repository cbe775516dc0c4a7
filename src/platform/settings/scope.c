#include "platform/settings/scope.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "base/err.h"

#define SENTENCE_LEN 512

#define JOURNAL_REMEDY "look whether the disk is full, and run SoftLAN as an administrator"

struct listener {
    lp_scope_report_fn *report;
    void *user;
};

LP_PRINTF(2, 3) static void tell(const struct listener *to, const char *format, ...)
{
    char sentence[SENTENCE_LEN];
    va_list args;

    if (to->report == NULL)
        return;
    va_start(args, format);
    vsnprintf(sentence, sizeof(sentence), format, args);
    va_end(args);
    to->report(to->user, sentence);
}

LP_PRINTF(3, 4)
static void explain(char why[LP_SCOPE_WHY_LEN], const struct lp_setting *setting,
                    const char *format, ...)
{
    int len = snprintf(why, LP_SCOPE_WHY_LEN, "%s ", lp_setting_phrase(setting->kind));
    va_list args;

    va_start(args, format);
    vsnprintf(why + len, LP_SCOPE_WHY_LEN - (size_t)len, format, args);
    va_end(args);
}

static int get_value(const struct lp_scope *scope, const struct lp_setting *setting,
                     char ret_value[LP_SETTING_VALUE_LEN])
{
    return scope->backend->get(scope->backend->user, setting, ret_value);
}

static int set_value(const struct lp_scope *scope, const struct lp_setting *setting,
                     const char *value)
{
    return scope->backend->set(scope->backend->user, setting, value);
}

static bool is_valid(const struct lp_scope *scope, const struct lp_setting *setting,
                     const char *value)
{
    return scope->backend->valid(scope->backend->user, setting, value);
}

/* Writes what is in memory now. The disk then has this, or on failure perhaps what it had. */
static int save_journal(const struct lp_scope *scope)
{
    char text[LP_JOURNAL_TEXT_MAX];
    int len = 0;

    if (scope->count > 0)
        len = lp_journal_format(scope->entry, scope->count, text, sizeof(text));
    if (len < 0)
        return len;
    return scope->store->save(scope->store->user, text, (size_t)len);
}

static void remove_entry(struct lp_scope *scope, unsigned at)
{
    memmove(&scope->entry[at], &scope->entry[at + 1],
            (scope->count - at - 1) * sizeof(scope->entry[0]));
    scope->count--;
}

static struct lp_scope_entry *find_entry(struct lp_scope *scope,
                                         const struct lp_setting *setting)
{
    for (unsigned i = 0; i < scope->count; i++) {
        struct lp_scope_entry *entry = &scope->entry[i];

        if (entry->setting.kind == setting->kind &&
            strcmp(entry->setting.target, setting->target) == 0)
            return entry;
    }
    return NULL;
}

/* ---- undoing ---- */

static bool is_ours(const struct lp_scope_entry *entry, const char *value)
{
    return strcmp(value, entry->new_value) == 0 ||
           (entry->next_value[0] != '\0' && strcmp(value, entry->next_value) == 0);
}

/* 0: nothing of ours is left of it. An error: it is still to be undone. */
static int undo_entry(const struct lp_scope *scope, const struct lp_scope_entry *entry,
                      const struct listener *to)
{
    const char *name = lp_setting_name(entry->setting.kind);
    const char *target = entry->setting.target;
    char value[LP_SETTING_VALUE_LEN];
    int err = get_value(scope, &entry->setting, value);

    if (err == 0 && strcmp(value, entry->old_value) == 0)
        return 0;
    if (err == 0 && !is_ours(entry, value)) {
        tell(to, "%s of %s was changed to %s by somebody else and is left so", name, target,
             value);
        return 0;
    }
    if (err == 0)
        err = set_value(scope, &entry->setting, entry->old_value);
    if (err == LP_ERR_NOTFOUND) {
        tell(to, "%s of %s is gone: nothing to restore", name, target);
        return 0;
    }
    if (err < 0)
        tell(to, "%s of %s cannot be restored to %s: %s", name, target, entry->old_value,
             lp_err_text(err));
    else
        tell(to, "%s of %s was restored to %s", name, target, entry->old_value);
    return err;
}

static int undo_to(struct lp_scope *scope, unsigned keep, const struct listener *to)
{
    int failed = 0;
    int err;

    for (unsigned i = scope->count; i-- > keep;) {
        if (undo_entry(scope, &scope->entry[i], to) < 0) {
            scope->entry[i].leftover = true;
            failed++;
            continue;
        }
        remove_entry(scope, i);
        err = save_journal(scope);
        if (err < 0)
            tell(to, "the journal of settings cannot be written: %s", lp_err_text(err));
    }
    return failed;
}

int lp_scope_undo_to(struct lp_scope *scope, unsigned keep, lp_scope_report_fn *report,
                     void *user)
{
    const struct listener to = {report, user};

    return undo_to(scope, keep, &to);
}

/* ---- beginning ---- */

/* Reads the journal into the scope. 1: there was one; 0: there was none. */
static int load_journal(struct lp_scope *scope, const struct listener *to)
{
    char text[LP_JOURNAL_TEXT_MAX];
    bool damaged = true;
    int len = scope->store->load(scope->store->user, text, sizeof(text));

    assert(len <= (int)sizeof(text));
    if (len == 0 || (len < 0 && len != LP_ERR_RANGE))
        return len;
    if (len > 0)
        scope->count = (unsigned)lp_journal_parse(text, (size_t)len, scope->entry,
                                                  LP_SCOPE_ENTRIES_MAX, &damaged);
    if (damaged)
        tell(to, "the journal of settings is damaged: %u of its entries can be used",
             scope->count);
    return 1;
}

/* Takes out what the program could not have written; what is left is an earlier run's. */
static void judge_entries(struct lp_scope *scope, const struct listener *to)
{
    for (unsigned i = scope->count; i-- > 0;) {
        struct lp_scope_entry *entry = &scope->entry[i];
        const struct lp_setting *setting = &entry->setting;

        entry->leftover = true;
        if (is_valid(scope, setting, entry->old_value) &&
            is_valid(scope, setting, entry->new_value) &&
            (entry->next_value[0] == '\0' || is_valid(scope, setting, entry->next_value)))
            continue;
        tell(to, "the journal's entry for %s of %s is not valid and is not used",
             lp_setting_name(setting->kind), setting->target);
        remove_entry(scope, i);
    }
}

int lp_scope_open(struct lp_scope *scope, const struct lp_settings_backend *backend,
                  const struct lp_journal_store *store, lp_scope_report_fn *report, void *user,
                  char why[LP_SCOPE_WHY_LEN])
{
    const struct listener to = {report, user};
    int err;

    memset(scope, 0, sizeof(*scope));
    scope->backend = backend;
    scope->store = store;
    err = load_journal(scope, &to);
    if (err < 0) {
        snprintf(why, LP_SCOPE_WHY_LEN, "the journal of settings cannot be read (%s): %s",
                 lp_err_text(err), JOURNAL_REMEDY);
        return err;
    }
    if (err == 0)
        return 0;
    judge_entries(scope, &to);
    undo_to(scope, 0, &to);
    /* Again, for what was refused, and because each save on the way may have failed. */
    err = save_journal(scope);
    if (err < 0)
        snprintf(why, LP_SCOPE_WHY_LEN, "the journal of settings cannot be written (%s): %s",
                 lp_err_text(err), JOURNAL_REMEDY);
    return err;
}

/* ---- changing ---- */

/*
 * One change on its way: `entry` is as the journal shall have it while the value is being set,
 * `previous` is what it was before (unless it is new), `back` the value to return to.
 */
struct change {
    struct lp_scope_entry *entry;
    struct lp_scope_entry previous;
    bool is_new;
    const char *value;
    const char *back;
};

static void revert(struct lp_scope *scope, const struct change *change)
{
    if (change->is_new)
        scope->count--;
    else
        *change->entry = change->previous;
}

/* After a set that failed: 0 when the value is certainly not the one that was to be set. */
static int put_back(const struct lp_scope *scope, const struct change *change)
{
    char value[LP_SETTING_VALUE_LEN];
    int err = get_value(scope, &change->entry->setting, value);

    if (err == 0 && strcmp(value, change->value) == 0)
        err = set_value(scope, &change->entry->setting, change->back);
    return err == LP_ERR_NOTFOUND ? 0 : err;
}

static int apply(struct lp_scope *scope, const struct change *change,
                 char why[LP_SCOPE_WHY_LEN])
{
    const struct lp_setting *setting = &change->entry->setting;
    int err = save_journal(scope);

    if (err < 0) {
        explain(why, setting,
                "cannot be changed because the journal of settings cannot be written "
                "(%s): " JOURNAL_REMEDY,
                lp_err_text(err));
        revert(scope, change);
        return err;
    }
    err = set_value(scope, setting, change->value);
    if (err == 0)
        return 0;
    explain(why, setting, "cannot be set to %s (%s): %s", change->value, lp_err_text(err),
            lp_setting_remedy(err));
    if (put_back(scope, change) < 0) {
        change->entry->leftover = change->is_new || change->previous.leftover;
        return err;
    }
    revert(scope, change);
    save_journal(scope); /* the entry that a failure leaves there finds nothing to undo */
    return err;
}

static bool is_held(const struct lp_scope_entry *entry, const char *value)
{
    return !entry->leftover && entry->next_value[0] == '\0' &&
           strcmp(entry->new_value, value) == 0;
}

static int change_first(struct lp_scope *scope, const struct lp_setting *setting,
                        const char *current, const char *value, char why[LP_SCOPE_WHY_LEN])
{
    struct lp_scope_entry *entry = &scope->entry[scope->count];
    struct change change = {.entry = entry, .is_new = true, .value = value};

    if (scope->count == LP_SCOPE_ENTRIES_MAX) {
        explain(why, setting,
                "cannot be changed because %u others are changed already: disconnect, then "
                "connect again",
                scope->count);
        return LP_ERR_FULL;
    }
    memset(entry, 0, sizeof(*entry));
    entry->setting = *setting;
    snprintf(entry->old_value, sizeof(entry->old_value), "%s", current);
    snprintf(entry->new_value, sizeof(entry->new_value), "%s", value);
    change.back = entry->old_value;
    scope->count++;
    return apply(scope, &change, why);
}

/* What was to be undone is somebody else's by now: begins anew from there. */
static void renew_entry(struct lp_scope_entry *entry, const char *current, const char *value)
{
    snprintf(entry->old_value, sizeof(entry->old_value), "%s", current);
    snprintf(entry->new_value, sizeof(entry->new_value), "%s", value);
    entry->next_value[0] = '\0';
}

/* The setting was changed before. Whatever happens on the way, undoing finds the first value.
 */
static int change_again(struct lp_scope *scope, struct lp_scope_entry *entry, bool stale,
                        const char *current, const char *value, char why[LP_SCOPE_WHY_LEN])
{
    struct change change = {
        .entry = entry, .previous = *entry, .value = value, .back = current};
    int err;

    if (stale) {
        renew_entry(entry, current, value);
    } else {
        if (is_ours(entry, current))
            snprintf(entry->new_value, sizeof(entry->new_value), "%s", current);
        snprintf(entry->next_value, sizeof(entry->next_value), "%s", value);
    }
    err = apply(scope, &change, why);
    if (err < 0)
        return err;
    snprintf(entry->new_value, sizeof(entry->new_value), "%s", value);
    entry->next_value[0] = '\0';
    entry->leftover = false;
    save_journal(scope); /* when it fails the disk still names both values */
    return 0;
}

static bool make_setting(const struct lp_scope *scope, enum lp_setting_kind kind,
                         const char *target, const char *value, struct lp_setting *ret_setting,
                         char why[LP_SCOPE_WHY_LEN])
{
    struct lp_scope_entry probe = {.setting.kind = kind};
    char line[2 * LP_JOURNAL_LINE_MAX];

    if (strnlen(target, LP_SETTING_TARGET_LEN) < LP_SETTING_TARGET_LEN &&
        strnlen(value, LP_SETTING_VALUE_LEN) < LP_SETTING_VALUE_LEN) {
        strcpy(probe.setting.target, target);
        strcpy(probe.old_value, value);
        strcpy(probe.new_value, value);
        if (lp_journal_format(&probe, 1, line, sizeof(line)) > 0 &&
            is_valid(scope, &probe.setting, value)) {
            *ret_setting = probe.setting;
            return true;
        }
    }
    snprintf(why, LP_SCOPE_WHY_LEN,
             "%s cannot be set to this: its target or value is not valid",
             lp_setting_phrase(kind));
    return false;
}

int lp_scope_set(struct lp_scope *scope, enum lp_setting_kind kind, const char *target,
                 const char *value, char why[LP_SCOPE_WHY_LEN])
{
    struct lp_setting setting;
    char current[LP_SETTING_VALUE_LEN];
    struct lp_scope_entry *entry;
    bool stale;
    int err;

    if (!make_setting(scope, kind, target, value, &setting, why))
        return LP_ERR_INVALID;
    err = get_value(scope, &setting, current);
    if (err < 0) {
        explain(why, &setting, "cannot be read (%s): %s", lp_err_text(err),
                lp_setting_remedy(err));
        return err;
    }
    entry = find_entry(scope, &setting);
    stale = entry != NULL && entry->leftover && !is_ours(entry, current);
    if (strcmp(current, value) == 0 && (entry == NULL || stale || is_held(entry, value)))
        return 0;
    if ((entry == NULL || stale) && !is_valid(scope, &setting, current)) {
        explain(why, &setting,
                "is not changed, as it could not be put back to what it is now: set it to "
                "automatic in the network settings");
        return LP_ERR_INVALID;
    }
    if (entry == NULL)
        return change_first(scope, &setting, current, value, why);
    return change_again(scope, entry, stale, current, value, why);
}

/* ---- holding ---- */

int lp_scope_reassert(struct lp_scope *scope, lp_scope_report_fn *report, void *user)
{
    const struct listener to = {report, user};
    int again = 0;

    for (unsigned i = 0; i < scope->count; i++) {
        const struct lp_scope_entry *entry = &scope->entry[i];
        const char *name = lp_setting_name(entry->setting.kind);
        char value[LP_SETTING_VALUE_LEN];
        int err;

        if (entry->leftover)
            continue;
        err = get_value(scope, &entry->setting, value);
        if (err == 0 && strcmp(value, entry->new_value) == 0)
            continue;
        if (err == 0)
            err = set_value(scope, &entry->setting, entry->new_value);
        if (err < 0) {
            tell(&to, "%s of %s cannot be held at %s: %s", name, entry->setting.target,
                 entry->new_value, lp_err_text(err));
            continue;
        }
        tell(&to, "%s of %s had changed to %s and was set to %s again", name,
             entry->setting.target, value, entry->new_value);
        again++;
    }
    return again;
}
