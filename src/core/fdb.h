/*
 * Forwarding database: MAC addresses learned from a gateway's frames, each for LP_FDB_AGE_NS
 * after it was last seen. When it is full the address that was silent longest makes room.
 * Source: IEEE 802.1Q-2018, 8.8. Owns its entries; bounded by `capacity`.
 */
#ifndef LP_CORE_FDB_H
#define LP_CORE_FDB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mac.h"
#include "base/time.h"

#define LP_FDB_CAPACITY 4096
#define LP_FDB_AGE_NS   (300 * LP_NS_PER_S)

struct lp_fdb_entry;

struct lp_fdb {
    struct lp_fdb_entry *by_mac; /* uthash */
    struct lp_fdb_entry *oldest; /* list by last seen */
    struct lp_fdb_entry *newest;
    size_t count;
    size_t capacity;
};

void lp_fdb_init(struct lp_fdb *fdb, size_t capacity);
void lp_fdb_deinit(struct lp_fdb *fdb);

/* Learns or refreshes. LP_ERR_NOMEM leaves the table as it was. */
int lp_fdb_learn(struct lp_fdb *fdb, const struct lp_mac *mac, uint64_t now_ns);
bool lp_fdb_knows(const struct lp_fdb *fdb, const struct lp_mac *mac, uint64_t now_ns);
void lp_fdb_forget(struct lp_fdb *fdb, const struct lp_mac *mac);
void lp_fdb_clear(struct lp_fdb *fdb);

#endif
