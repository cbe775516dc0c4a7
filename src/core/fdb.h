/*
 * Forwarding database: MAC addresses learned from a gateway's frames, each for LP_FDB_AGE_NS
 * after it was last seen. When it is full the address that was silent longest makes room.
 * Source: IEEE 802.1Q-2018, 8.8. Owns its entries; bounded by `capacity`. Addresses are chosen by
 * whoever sends: the caller's random salt keeps them from being chosen for one bucket.
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

struct lp_fdb_salt {
    uint64_t factor;
    uint64_t addend;
};

struct lp_fdb {
    struct lp_fdb_entry *by_mac; /* uthash */
    struct lp_fdb_entry *oldest; /* list by last seen */
    struct lp_fdb_entry *newest;
    size_t count;
    size_t capacity;
    struct lp_fdb_salt salt;
};

void lp_fdb_init(struct lp_fdb *fdb, size_t capacity, const struct lp_fdb_salt *salt);
void lp_fdb_deinit(struct lp_fdb *fdb);

/* Learns or refreshes. LP_ERR_NOMEM leaves the table as it was. */
int lp_fdb_learn(struct lp_fdb *fdb, const struct lp_mac *mac, uint64_t now_ns);
bool lp_fdb_knows(const struct lp_fdb *fdb, const struct lp_mac *mac, uint64_t now_ns);
void lp_fdb_forget(struct lp_fdb *fdb, const struct lp_mac *mac);
void lp_fdb_clear(struct lp_fdb *fdb);

/*
 * Where an address goes: 16 bits. Multiply and add modulo 2^64, upper bits: for a random salt any
 * two 48-bit keys fall independently of each other (Dietzfelbinger, STACS 1996), so a list of
 * addresses made without knowing the salt collides no more than chance does.
 */
static inline unsigned lp_fdb_hash(const struct lp_fdb_salt *salt, const struct lp_mac *mac)
{
    return (unsigned)((salt->factor * lp_mac_key(mac) + salt->addend) >> 48);
}

#endif
