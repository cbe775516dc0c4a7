/* Memory that runs out is an answer here, not the end of the process. */
#define HASH_NONFATAL_OOM 1

#include "core/fdb.h"

#include <assert.h>
#include <stdlib.h>

#include <uthash.h>

#include "base/err.h"

struct lp_fdb_entry {
    uint64_t key; /* the address as a number */
    uint64_t seen_ns;
    struct lp_fdb_entry *older;
    struct lp_fdb_entry *newer;
    UT_hash_handle hh;
};

void lp_fdb_init(struct lp_fdb *fdb, size_t capacity, const struct lp_fdb_salt *salt)
{
    assert(capacity > 0);
    *fdb = (struct lp_fdb){.capacity = capacity, .salt = *salt};
}

void lp_fdb_deinit(struct lp_fdb *fdb)
{
    lp_fdb_clear(fdb);
}

static struct lp_fdb_entry *find(const struct lp_fdb *fdb, const struct lp_mac *mac)
{
    uint64_t key = lp_mac_key(mac);
    struct lp_fdb_entry *entry;

    HASH_FIND_BYHASHVALUE(hh, fdb->by_mac, &key, sizeof(key), lp_fdb_hash(&fdb->salt, mac),
                          entry);
    return entry;
}

static bool is_aged(const struct lp_fdb_entry *entry, uint64_t now_ns)
{
#ifdef LP_FAULT_FDB_NO_AGE
    /* planted: an address is known for ever */
    return false;
#endif
    return lp_time_since(entry->seen_ns, now_ns) >= LP_FDB_AGE_NS;
}

static void unlink_entry(struct lp_fdb *fdb, struct lp_fdb_entry *entry)
{
    if (entry->older != NULL)
        entry->older->newer = entry->newer;
    else
        fdb->oldest = entry->newer;
    if (entry->newer != NULL)
        entry->newer->older = entry->older;
    else
        fdb->newest = entry->older;
}

static void append_entry(struct lp_fdb *fdb, struct lp_fdb_entry *entry)
{
    entry->older = fdb->newest;
    entry->newer = NULL;
    if (fdb->newest != NULL)
        fdb->newest->newer = entry;
    else
        fdb->oldest = entry;
    fdb->newest = entry;
}

static void remove_entry(struct lp_fdb *fdb, struct lp_fdb_entry *entry)
{
    unlink_entry(fdb, entry);
    /* The analyzer does not see that an entry is in the hash for as long as it is in the list. */
    HASH_DEL(fdb->by_mac, entry); /* NOLINT(clang-analyzer-core.NullDereference) */
    free(entry);
    fdb->count--;
}

static int add_entry(struct lp_fdb *fdb, const struct lp_mac *mac, uint64_t now_ns)
{
    struct lp_fdb_entry *entry = calloc(1, sizeof(*entry));

    if (entry == NULL)
        return LP_ERR_NOMEM;
    entry->key = lp_mac_key(mac);
    entry->seen_ns = now_ns;
    HASH_ADD_BYHASHVALUE(hh, fdb->by_mac, key, sizeof(entry->key), lp_fdb_hash(&fdb->salt, mac),
                         entry);
    if (entry->hh.tbl == NULL) {
        free(entry);
        return LP_ERR_NOMEM;
    }
    append_entry(fdb, entry);
    fdb->count++;
    return 0;
}

int lp_fdb_learn(struct lp_fdb *fdb, const struct lp_mac *mac, uint64_t now_ns)
{
    struct lp_fdb_entry *entry = find(fdb, mac);
    int err;

    if (entry != NULL) {
        entry->seen_ns = now_ns;
        unlink_entry(fdb, entry);
        append_entry(fdb, entry);
        return 0;
    }
    /* Added before another goes, so that a failure leaves the table as it was. */
    err = add_entry(fdb, mac, now_ns);
    if (err < 0)
        return err;
    /* Nor that remove_entry puts another one first. */
    /* NOLINTBEGIN(clang-analyzer-unix.Malloc) */
    while (fdb->count > fdb->capacity || is_aged(fdb->oldest, now_ns))
        remove_entry(fdb, fdb->oldest);
    /* NOLINTEND(clang-analyzer-unix.Malloc) */
    return 0;
}

bool lp_fdb_knows(const struct lp_fdb *fdb, const struct lp_mac *mac, uint64_t now_ns)
{
    const struct lp_fdb_entry *entry = find(fdb, mac);

    return entry != NULL && !is_aged(entry, now_ns);
}

void lp_fdb_forget(struct lp_fdb *fdb, const struct lp_mac *mac)
{
    struct lp_fdb_entry *entry = find(fdb, mac);

    if (entry != NULL)
        remove_entry(fdb, entry);
}

void lp_fdb_clear(struct lp_fdb *fdb)
{
    while (fdb->oldest != NULL)
        remove_entry(fdb, fdb->oldest);
}
