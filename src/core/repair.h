/*
 * Repair of one hop's losses, on the sending side: what was handed to QUIC is kept until it is
 * acknowledged; what QUIC reports lost is sent again while it is young enough to help, and small
 * frames of sparse flows are sent twice at once while the path loses packets, because for a
 * game a repair after a round trip comes too late.
 *
 * Only frames with the overlay's sequence extension are repaired: without a number the last
 * receiver could not tell a copy from the original (core/inorder.h). Second pieces, which have none,
 * are told by their ids while their frame is not complete.
 *
 * Bounded: LP_REPAIR_BYTES_MAX of packets are kept (the oldest go first, and what is too old goes
 * with the next that is sent, or with _expire), LP_REPAIR_PENDING_MAX datagrams wait to be sent again; all who share a
 * pool keep half of it at most, each no more than the others leave. Memory for the bookkeeping
 * grows with what is in flight. Time is a parameter. Borrows pool and counters, keeps packets of the pool.
 */
#ifndef LP_CORE_REPAIR_H
#define LP_CORE_REPAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"
#include "core/packet.h"
#include "diag/counters.h"

#define LP_REPAIR_BYTES_MAX (1024 * 1024)
/* What is charged for one that is kept, however short: the memory that it holds. */
#define LP_REPAIR_PACKET_COST sizeof(struct lp_packet)
#define LP_REPAIR_PENDING_MAX 256
#define LP_REPAIR_IDS_MAX     4096
/* Later, TCP has long noticed by itself, and a game has gone on. */
#define LP_REPAIR_AGE_MAX_NS (200 * LP_NS_PER_MS)
/* Frames up to this long, of flows with at most so many a second, are sent twice. */
#define LP_REPAIR_SMALL_LEN  512
#define LP_REPAIR_SPARSE_FPS 250
/* The path loses packets: at least one of so many, in about the last ten seconds. */
#define LP_REPAIR_LOSSY_ONE_OF 1000
#define LP_REPAIR_MEMORY_NS    (10 * LP_NS_PER_S)

enum lp_duplicate {
    LP_DUPLICATE_OFF,
    LP_DUPLICATE_AUTO, /* while the path loses packets */
    LP_DUPLICATE_ON,
};

/* "off", "auto" or "on"; false for anything else. */
bool lp_duplicate_parse(const char *text, enum lp_duplicate *ret_duplicate);

/* One datagram: a header made for the target, and a body within the packet. */
struct lp_repair_datagram {
    struct lp_packet *packet;
    const uint8_t *body;
    size_t body_len;
    uint8_t header[LP_OVERLAY_HEADER_MAX];
    size_t header_len;
    bool piece; /* of a frame in two */
    bool copy;
    uint64_t sent_ns; /* for the first time */
};

struct lp_repair_entry {
    uint64_t id; /* 0 = free */
    struct lp_repair_datagram datagram;
};

struct lp_repair {
    struct lp_packet_pool *pool;
    struct lp_counters *counters;
    enum lp_duplicate duplicate;
    size_t bytes;
    uint64_t next_id;              /* of the next datagram, from 1 */
    uint64_t oldest_id;            /* nothing older is kept */
    struct lp_repair_entry *entry; /* by the lower bits of the id; NULL before the first */
    unsigned capacity;
    struct lp_repair_datagram *pending; /* ring; NULL before the first */
    unsigned pending_first;
    unsigned pending_count;
    uint64_t sent; /* datagrams, of late */
    uint64_t lost;
    uint64_t lost_ns; /* the last time */
    uint64_t faded_ns;
    uint32_t second; /* that the counts below are of */
    uint16_t frames[256];
};

void lp_repair_init(struct lp_repair *repair, struct lp_packet_pool *pool,
                    struct lp_counters *counters, enum lp_duplicate duplicate);
/*
 * Forgets what was sent too long ago: for who has nothing to send. Now and then is often enough. What waits
 * to be sent again stays: it may be the next.
 */
void lp_repair_expire(struct lp_repair *repair, uint64_t now_ns);
/* Forgets everything: the connection is over. The ids begin anew. */
void lp_repair_clear(struct lp_repair *repair);
void lp_repair_deinit(struct lp_repair *repair);

/*
 * A datagram was handed to QUIC: returns the id under which its fate is told. `datagram` is what
 * was sent (its packet is kept as long as it is needed); a whole frame without the sequence extension
 * has an id, and is not kept. A copy that is due follows by itself.
 */
uint64_t lp_repair_sent(struct lp_repair *repair, const struct lp_repair_datagram *datagram,
                        uint64_t now_ns);
/* The id that the next _sent will return: QUIC wants it before. */
uint64_t lp_repair_next_id(const struct lp_repair *repair);

/* Id 0 was given to nobody: it is what others are sent under. */
void lp_repair_acked(struct lp_repair *repair, uint64_t id);
void lp_repair_lost(struct lp_repair *repair, uint64_t id, uint64_t now_ns);

/*
 * The next datagram to send again or twice, NULL when none; those that are too long for `budget`
 * or too old are dropped on the way. A copy must not share a packet with what was sent before
 * it. It stays the next until _resent.
 */
const struct lp_repair_datagram *lp_repair_next(struct lp_repair *repair, size_t budget,
                                                uint64_t now_ns);
/* It was handed to QUIC, under this id. */
uint64_t lp_repair_resent(struct lp_repair *repair, uint64_t now_ns);

/* Whether small frames are sent twice now. */
bool lp_repair_duplicates(const struct lp_repair *repair, uint64_t now_ns);

#endif
