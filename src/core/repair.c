#include "core/repair.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define IDS_MIN 64
/* Of what was counted one part in so many is forgotten, so many times in LP_REPAIR_MEMORY_NS. */
#define FADE_PARTS 8

static_assert((LP_REPAIR_IDS_MAX & (LP_REPAIR_IDS_MAX - 1)) == 0 &&
                  (IDS_MIN & (IDS_MIN - 1)) == 0,
              "an id's lower bits are its place");

bool lp_duplicate_parse(const char *text, enum lp_duplicate *ret_duplicate)
{
    static const char *const names[] = {
        [LP_DUPLICATE_OFF] = "off",
        [LP_DUPLICATE_AUTO] = "auto",
        [LP_DUPLICATE_ON] = "on",
    };

    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(text, names[i]) != 0)
            continue;
        *ret_duplicate = (enum lp_duplicate)i;
        return true;
    }
    return false;
}

void lp_repair_init(struct lp_repair *repair, struct lp_packet_pool *pool,
                    struct lp_counters *counters, enum lp_duplicate duplicate)
{
    *repair = (struct lp_repair){
        .pool = pool,
        .counters = counters,
        .duplicate = duplicate,
        .next_id = 1,
        .oldest_id = 1,
    };
}

/* ---- what is kept ---- */

static size_t len_of(const struct lp_repair_datagram *datagram)
{
    return datagram->header_len + datagram->body_len;
}

static struct lp_repair_entry *entry_at(const struct lp_repair *repair, uint64_t id)
{
    return &repair->entry[id & (repair->capacity - 1)];
}

static struct lp_repair_entry *find(const struct lp_repair *repair, uint64_t id)
{
    struct lp_repair_entry *entry;

    if (repair->entry == NULL || id == 0)
        return NULL;
    entry = entry_at(repair, id);
    return entry->id == id ? entry : NULL;
}

/* The packet is the caller's. */
static struct lp_repair_datagram take_out(struct lp_repair *repair,
                                          struct lp_repair_entry *entry)
{
    entry->id = 0;
    repair->bytes -= LP_REPAIR_PACKET_COST;
    if (!entry->datagram.piece)
        entry->datagram.packet->in_flight--;
    return entry->datagram;
}

static void forget(struct lp_repair *repair, struct lp_repair_entry *entry)
{
    lp_packet_forget_sent(repair->pool, take_out(repair, entry).packet);
}

static void forget_oldest(struct lp_repair *repair)
{
    struct lp_repair_entry *entry = find(repair, repair->oldest_id++);

    if (entry != NULL)
        forget(repair, entry);
}

/* False when the table is as large as it may be, or without memory. */
static bool grow(struct lp_repair *repair)
{
    unsigned capacity = repair->entry != NULL ? 2 * repair->capacity : IDS_MIN;
    struct lp_repair_entry *entry;

    if (capacity > LP_REPAIR_IDS_MAX)
        return false;
    entry = calloc(capacity, sizeof(*entry));
    if (entry == NULL)
        return false;
    for (unsigned i = 0; repair->entry != NULL && i < repair->capacity; i++) {
        if (repair->entry[i].id != 0)
            entry[repair->entry[i].id & (capacity - 1)] = repair->entry[i];
    }
    free(repair->entry);
    repair->entry = entry;
    repair->capacity = capacity;
    return true;
}

/* Too old to help when it is lost now. */
static bool is_old(const struct lp_repair_datagram *datagram, uint64_t now_ns)
{
    return lp_time_since(datagram->sent_ns, now_ns) > LP_REPAIR_AGE_MAX_NS;
}

void lp_repair_expire(struct lp_repair *repair, uint64_t now_ns)
{
    while (repair->oldest_id < repair->next_id) {
        const struct lp_repair_entry *entry = find(repair, repair->oldest_id);

        if (entry != NULL && !is_old(&entry->datagram, now_ns))
            return;
        forget_oldest(repair);
    }
}

/*
 * Each may keep as much as all leave of what the pool has for this: when there are many, or some answer
 * nothing, those that keep most forget first, and who keeps nothing yet finds room.
 */
static bool is_too_much(const struct lp_repair *repair)
{
    size_t room = lp_packet_sent_room(repair->pool) * LP_REPAIR_PACKET_COST;
    size_t most = room < LP_REPAIR_BYTES_MAX ? room : LP_REPAIR_BYTES_MAX;

    return repair->bytes + LP_REPAIR_PACKET_COST > most;
}

/* A place for the next id, which no other id that is kept has; false when there is no room. */
static bool make_room(struct lp_repair *repair, uint64_t now_ns)
{
    lp_repair_expire(repair, now_ns);
    while (repair->bytes > 0 && is_too_much(repair))
        forget_oldest(repair);
    if (lp_packet_sent_room(repair->pool) == 0)
        return false;
    while (repair->next_id - repair->oldest_id >= repair->capacity) {
        if (grow(repair))
            continue;
        if (repair->entry == NULL)
            return false;
        forget_oldest(repair);
    }
    return true;
}

static uint64_t keep(struct lp_repair *repair, const struct lp_repair_datagram *datagram,
                     uint64_t now_ns)
{
    uint64_t id = repair->next_id;
    struct lp_repair_entry *entry;

    if (!make_room(repair, now_ns)) {
        repair->next_id++;
        return id;
    }
    entry = entry_at(repair, id);
    entry->id = id;
    entry->datagram = *datagram;
    lp_packet_keep_sent(repair->pool, datagram->packet);
    repair->bytes += LP_REPAIR_PACKET_COST;
    if (!datagram->piece)
        datagram->packet->in_flight++;
    repair->next_id++;
    return id;
}

/* ---- what is sent again ---- */

static struct lp_repair_datagram *pending_at(const struct lp_repair *repair, unsigned n)
{
    return &repair->pending[(repair->pending_first + n) % LP_REPAIR_PENDING_MAX];
}

/* Takes over one keeping of the packet. */
static void add_pending(struct lp_repair *repair, const struct lp_repair_datagram *datagram)
{
    if (repair->pending == NULL)
        repair->pending = calloc(LP_REPAIR_PENDING_MAX, sizeof(*repair->pending));
    if (repair->pending == NULL || repair->pending_count == LP_REPAIR_PENDING_MAX) {
        lp_packet_forget_sent(repair->pool, datagram->packet);
        return;
    }
    *pending_at(repair, repair->pending_count++) = *datagram;
}

static void drop_first_pending(struct lp_repair *repair)
{
    lp_packet_forget_sent(repair->pool, pending_at(repair, 0)->packet);
    repair->pending_first = (repair->pending_first + 1) % LP_REPAIR_PENDING_MAX;
    repair->pending_count--;
}

void lp_repair_clear(struct lp_repair *repair)
{
    while (repair->oldest_id < repair->next_id)
        forget_oldest(repair);
    while (repair->pending_count > 0)
        drop_first_pending(repair);
    assert(repair->bytes == 0);
    repair->next_id = repair->oldest_id = 1;
    repair->sent = repair->lost = 0;
}

void lp_repair_deinit(struct lp_repair *repair)
{
    lp_repair_clear(repair);
    free(repair->entry);
    free(repair->pending);
    repair->entry = NULL;
    repair->pending = NULL;
    repair->capacity = 0;
}

/* ---- is the path lossy, is the flow sparse ---- */

static void fade(struct lp_repair *repair, uint64_t now_ns)
{
    if (lp_time_since(repair->faded_ns, now_ns) < LP_REPAIR_MEMORY_NS / FADE_PARTS)
        return;
    repair->faded_ns = now_ns;
    repair->sent -= repair->sent / FADE_PARTS;
    repair->lost -= repair->lost / FADE_PARTS;
}

bool lp_repair_duplicates(const struct lp_repair *repair, uint64_t now_ns)
{
    if (repair->duplicate != LP_DUPLICATE_AUTO)
        return repair->duplicate == LP_DUPLICATE_ON;
    return repair->lost * LP_REPAIR_LOSSY_ONE_OF >= repair->sent && repair->lost > 0 &&
           lp_time_since(repair->lost_ns, now_ns) <= LP_REPAIR_MEMORY_NS;
}

/* Counts the frame too. */
static bool is_sparse(struct lp_repair *repair, const struct lp_overlay *overlay,
                      uint64_t now_ns)
{
    uint32_t second = (uint32_t)(now_ns / LP_NS_PER_S);
    uint16_t *frames = &repair->frames[(overlay->sequence.flow ^ overlay->peer_id * 31) & 255];

    if (second != repair->second) {
        memset(repair->frames, 0, sizeof(repair->frames));
        repair->second = second;
    }
    if (*frames >= LP_REPAIR_SPARSE_FPS)
        return false;
    (*frames)++;
    return true;
}

/* ---- what callers use ---- */

uint64_t lp_repair_next_id(const struct lp_repair *repair)
{
    return repair->next_id;
}

uint64_t lp_repair_sent(struct lp_repair *repair, const struct lp_repair_datagram *datagram,
                        uint64_t now_ns)
{
    const struct lp_overlay *overlay = &datagram->packet->overlay;
    struct lp_repair_datagram copy;
    uint64_t id;

    fade(repair, now_ns);
    repair->sent++;
    if ((overlay->flags & LP_OVERLAY_FLAG_SEQUENCE) == 0 && !datagram->piece)
        return repair->next_id++;
    id = keep(repair, datagram, now_ns);
    if (datagram->piece || overlay->payload_len > LP_REPAIR_SMALL_LEN ||
        !is_sparse(repair, overlay, now_ns) || !lp_repair_duplicates(repair, now_ns) ||
        lp_packet_sent_room(repair->pool) == 0)
        return id;
    copy = *datagram;
    copy.copy = true;
    lp_packet_keep_sent(repair->pool, copy.packet);
    add_pending(repair, &copy);
    return id;
}

void lp_repair_acked(struct lp_repair *repair, uint64_t id)
{
    struct lp_repair_entry *entry = find(repair, id);

    if (entry == NULL)
        return;
    if (!entry->datagram.piece)
        entry->datagram.packet->delivered = true;
    forget(repair, entry);
}

void lp_repair_lost(struct lp_repair *repair, uint64_t id, uint64_t now_ns)
{
    struct lp_repair_entry *entry = find(repair, id);
    struct lp_repair_datagram datagram;

    if (id == 0)
        return; /* nor was it counted when it was sent */
    repair->lost++;
    repair->lost_ns = now_ns;
    if (entry == NULL)
        return;
    datagram = take_out(repair, entry);
    /* the other of two copies is still on its way, or has arrived */
    if (!datagram.piece && (datagram.packet->delivered || datagram.packet->in_flight > 0)) {
        lp_packet_forget_sent(repair->pool, datagram.packet);
        return;
    }
    datagram.copy = false;
    add_pending(repair, &datagram);
}

const struct lp_repair_datagram *lp_repair_next(struct lp_repair *repair, size_t budget,
                                                uint64_t now_ns)
{
    while (repair->pending_count > 0) {
        const struct lp_repair_datagram *next = pending_at(repair, 0);

        if (len_of(next) <= budget && (next->piece || !next->packet->delivered) &&
            !is_old(next, now_ns))
            return next;
        drop_first_pending(repair);
    }
    return NULL;
}

uint64_t lp_repair_resent(struct lp_repair *repair, uint64_t now_ns)
{
    const struct lp_repair_datagram *datagram = pending_at(repair, 0);
    size_t len = len_of(datagram);
    uint64_t id;

    assert(repair->pending_count > 0);
    fade(repair, now_ns);
    repair->sent++;
    lp_count(repair->counters,
             datagram->copy ? LP_COUNTER_TX_DUPLICATED : LP_COUNTER_TX_REPAIRED, 1);
    lp_count(repair->counters, LP_COUNTER_TX_REPAIR_BYTES, len);
    lp_count(repair->counters, LP_COUNTER_TX_DATAGRAMS, 1);
    lp_count(repair->counters, LP_COUNTER_TX_BYTES, len);
    id = keep(repair, datagram, now_ns);
    drop_first_pending(repair);
    return id;
}
