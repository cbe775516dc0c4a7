/*
 * Memory of a connection, ngtcp2's and for control frames: what is asked for in small pieces is
 * cut from chunks, and what is given back serves the next who asks for about as much. ngtcp2 keeps
 * its packets' books in pools that grow while more is in flight than ever before, by a block of
 * 0.5 to 3 KiB each time; this turns those into one allocation for each LP_MEM_CHUNK_MAX octets.
 *
 * One for each connection, freed with it: whatever a peer can make ngtcp2 hold is given back when
 * the connection ends, an endpoint without connections holds nothing, and the ends of others leave no holes. Chunks stay
 * until then: at most what was in use at once of each size, which ngtcp2 and the limits of quic.h bound. Pieces above
 * LP_MEM_PIECE_MAX are malloc's, and given back at once.
 *
 * One thread. The struct must not move while it is in use.
 */
#ifndef LP_TRANSPORT_MEM_H
#define LP_TRANSPORT_MEM_H

#include <stddef.h>
#include <stdint.h>

#include <ngtcp2/ngtcp2.h>

#define LP_MEM_PIECE_MAX 4096
/* The first is for connections that never do much, others are as large as all before. */
#define LP_MEM_CHUNK_MIN ((size_t)16 * 1024)
#define LP_MEM_CHUNK_MAX ((size_t)64 * 1024)
/* Sizes that are told apart: eight to each power of two. */
#define LP_MEM_CLASSES 48

struct lp_mem_chunk;
struct lp_mem_free;

struct lp_mem {
    ngtcp2_mem calls;
    struct lp_mem_chunk *chunks;
    struct lp_mem_free *free[LP_MEM_CLASSES];
    uint8_t *rest; /* of the newest chunk */
    size_t rest_len;
    size_t chunk_bytes; /* of all, without malloc's own */
    size_t pieces;      /* that were not given back, large ones too */
};

void lp_mem_init(struct lp_mem *mem);
/* After ngtcp2 has given everything back; small pieces that it forgot are gone with the rest. */
void lp_mem_deinit(struct lp_mem *mem);

/*
 * For ngtcp2_conn_client_new and _server_new; borrowed. NULL, which is malloc's own, under the
 * address sanitizer.
 */
const ngtcp2_mem *lp_mem_for_ngtcp2(const struct lp_mem *mem);

/* For what else lives as long as a connection at most. NULL: out of memory. */
void *lp_mem_take(struct lp_mem *mem, size_t size);
/* NULL is fine. */
void lp_mem_give(struct lp_mem *mem, void *bytes);

#endif
