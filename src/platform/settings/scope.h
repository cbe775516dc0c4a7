/*
 * Settings of a machine that are changed for a while and must be put back: on exit in reverse
 * order, after a crash by the next start. Portable and without system calls of its own: the
 * backend reads and writes one setting, the store keeps the journal. Both run on Windows for
 * real and in tests with a fake that crashes after every single step.
 *
 * The rule of each change: the old value is in the journal, on disk, before the new one is set.
 * The rule of each undo: only where the current value is still the one that we set; what
 * somebody changed in the meantime is theirs. An undone entry is taken out of the journal
 * before the next is touched, so that a crash while undoing repeats at most one undo, which
 * then finds the value already back.
 *
 * Journal entries are validated before they are replayed (known kind, target and values that
 * this program could have written): the file is not trusted more than it must be. For the same
 * reason nothing is changed whose old value could not be replayed.
 *
 * An undo that fails stays in scope and journal as a leftover: it is tried again by the next
 * lp_scope_undo_to and by the next start, and is not re-asserted.
 *
 * Limits: LP_SCOPE_ENTRIES_MAX changes at a time; texts as below. The scope borrows backend and
 * store. One thread; some 25 KiB, and as much of the stack while the journal is written.
 */
#ifndef LP_PLATFORM_SETTINGS_SCOPE_H
#define LP_PLATFORM_SETTINGS_SCOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LP_SCOPE_ENTRIES_MAX 64
/* The GUID of an adapter, of a network for its category, or a route's destination/interface. */
#define LP_SETTING_TARGET_LEN 80
#define LP_SETTING_VALUE_LEN  128
#define LP_SCOPE_WHY_LEN      320

/* The longest journal: its first line and one of at most LP_JOURNAL_LINE_MAX for each entry. */
#define LP_JOURNAL_LINE_MAX 512
#define LP_JOURNAL_TEXT_MAX (LP_JOURNAL_LINE_MAX * (LP_SCOPE_ENTRIES_MAX + 1))

/* X(NAME, number, journal text, what it is to people) */
#define LP_SETTING_TABLE(X)                                                                    \
    X(IPV4_MTU, 1, "ipv4_mtu", "the adapter's IPv4 MTU")                                       \
    X(IPV6_MTU, 2, "ipv6_mtu", "the adapter's IPv6 MTU")                                       \
    X(IPV4_METRIC, 3, "ipv4_metric", "the adapter's IPv4 metric")                              \
    X(IPV6_METRIC, 4, "ipv6_metric", "the adapter's IPv6 metric")                              \
    X(IPV4_DEFAULT_ROUTES, 5, "ipv4_default_routes", "the adapter's IPv4 default routes")      \
    X(IPV6_DEFAULT_ROUTES, 6, "ipv6_default_routes", "the adapter's IPv6 default routes")      \
    X(MAC_ADDRESS, 7, "mac_address", "the adapter's MAC address")                              \
    X(HOST_ROUTE, 8, "host_route", "the route to the relay")                                   \
    X(NETWORK_CATEGORY, 9, "network_category", "the network's category")                       \
    X(DNS_SERVERS, 10, "dns_servers", "the adapter's IPv4 DNS servers")                        \
    X(IPV6_DNS_SERVERS, 11, "ipv6_dns_servers", "the adapter's IPv6 DNS servers")

enum lp_setting_kind {
#define X(name, number, text, meaning) LP_SETTING_##name = (number),
    LP_SETTING_TABLE(X)
#undef X
};

/*
 * Targets and values are short texts, the same for journal, logs and comparison: printable
 * ASCII, never empty ("none", "auto"). One value has one text.
 */
struct lp_setting {
    enum lp_setting_kind kind;
    char target[LP_SETTING_TARGET_LEN];
};

struct lp_settings_backend {
    /* The value now. LP_ERR_NOTFOUND: the target is not there (any more). */
    int (*get)(void *user, const struct lp_setting *setting,
               char ret_value[LP_SETTING_VALUE_LEN]);
    /*
     * Returns 0 when the value is set: get would give this text. On failure it is the old or
     * the given one, nothing between. Errors as of get.
     */
    int (*set)(void *user, const struct lp_setting *setting, const char *value);
    /*
     * Whether the program could have written this entry: kind fits target, value is in range.
     * A value that get gives and for which this is false is never changed.
     */
    bool (*valid)(void *user, const struct lp_setting *setting, const char *value);
    void *user;
};

/* Where the journal lies; every call returns when it is on the disk. */
struct lp_journal_store {
    /* The whole journal: its length, 0 for none. LP_ERR_RANGE when larger than capacity. */
    int (*load)(void *user, char *text, size_t capacity);
    /* Replaces the whole journal atomically; len 0 removes it (there may be none). */
    int (*save)(void *user, const char *text, size_t len);
    void *user;
};

struct lp_scope_entry {
    struct lp_setting setting;
    char old_value[LP_SETTING_VALUE_LEN];
    char new_value[LP_SETTING_VALUE_LEN];
    /* "", or what is being set instead of new_value: until that is done either may be there. */
    char next_value[LP_SETTING_VALUE_LEN];
    bool leftover; /* could not be undone; not in the journal's text */
};

struct lp_scope {
    const struct lp_settings_backend *backend;
    const struct lp_journal_store *store;
    struct lp_scope_entry entry[LP_SCOPE_ENTRIES_MAX];
    unsigned count;
};

/* One sentence, printable, without a full stop or line end. */
typedef void lp_scope_report_fn(void *user, const char *sentence);

/*
 * Begins with what an earlier run left: loads the journal and undoes it. `report` (may be NULL)
 * gets a sentence for each thing restored, left alone, gone, refused or failed. A damaged
 * journal is reported and replaced, valid entries in it are undone. Fails only when the store
 * cannot be read or written; the scope is then not to be used.
 */
int lp_scope_open(struct lp_scope *scope, const struct lp_settings_backend *backend,
                  const struct lp_journal_store *store, lp_scope_report_fn *report, void *user,
                  char why[LP_SCOPE_WHY_LEN]);

/*
 * Changes one setting. Nothing happens when it has the value already (then it is not ours and
 * not undone). A setting that this scope changed before keeps its first old value, and is ours
 * whatever it was in between. When setting fails, entry and journal are again what they were;
 * an entry that then cannot be put back stays as a leftover. LP_ERR_INVALID: the new or the old
 * value is none that could be replayed; LP_ERR_FULL; errors of the backend and the store.
 */
int lp_scope_set(struct lp_scope *scope, enum lp_setting_kind kind, const char *target,
                 const char *value, char why[LP_SCOPE_WHY_LEN]);

/* Is every setting still what we made it? Sets those again that are not; returns how many. */
int lp_scope_reassert(struct lp_scope *scope, lp_scope_report_fn *report, void *user);

/*
 * Undoes everything after the first `keep` entries, in reverse order. Returns how many failed
 * (and stay as leftovers). A journal that cannot be written is reported and stops nothing: what
 * it then names in vain is found to be back already.
 */
int lp_scope_undo_to(struct lp_scope *scope, unsigned keep, lp_scope_report_fn *report,
                     void *user);

/*
 * journal text <-> entries (journal.c), strict and bounded:
 *
 *     softlan-settings 1 <number of entries>
 *     <kind> TAB <target> TAB <old value> TAB <new value> [TAB <next value>]
 *
 * each line ended by TAB, the CRC-32 of what stands before that TAB (8 lower-case hex digits)
 * and a newline. The CRC finds damage; against intent there is the directory's access list, and
 * the backend's `valid`.
 *
 * _format returns the length (LP_JOURNAL_TEXT_MAX always suffices), LP_ERR_INVALID for an entry
 * that _parse would not give back, LP_ERR_NOSPACE. _parse returns how many entries were read,
 * at most capacity; what is not exactly as _format writes it sets *ret_damaged, and a damaged
 * line is skipped. Of two lines for one setting the first counts.
 */
int lp_journal_format(const struct lp_scope_entry entries[], unsigned count, char *text,
                      size_t capacity);
int lp_journal_parse(const char *text, size_t len, struct lp_scope_entry entries[],
                     unsigned capacity, bool *ret_damaged);

/* The journal text of a kind; "unknown" for any other number. */
const char *lp_setting_name(enum lp_setting_kind kind);
/* What it is to people, for within a sentence. */
const char *lp_setting_phrase(enum lp_setting_kind kind);
/* What helps against an error of a setting, for the end of a sentence. */
const char *lp_setting_remedy(int err);

#endif
