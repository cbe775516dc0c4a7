/*
 * Datagrams of one origin as they come in, with the flow tags and numbers of the overlay's
 * sequence extension: copies are told from what is new, and at the last receiver what came too
 * early is held until what it overtook has been sent again.
 *
 * Who only passes on (a relay) asks for no holding and gets duplicates sorted out. The last
 * receiver asks for it where order is worth a wait (TCP, which takes reordering for loss) and not
 * where it is not (a game's datagrams).
 *
 * How long a gap is waited for is learned from how late its datagrams come when they come: at most
 * LP_INORDER_WAIT_MAX_NS, and ever less while gaps stay open, as they do when a queue on the
 * way drops on purpose and nothing is sent again.
 *
 * Numbers count modulo 2^16 (RFC 1982 arithmetic). A flow that was silent for LP_INORDER_SILENT_NS,
 * or whose numbers jump by more than the window twice in a row, begins anew: so an origin may start
 * again with any number.
 *
 * Bounded: LP_INORDER_HELD_MAX packets of the pool, LP_INORDER_FLOWS flows, some 80 KiB. Time is a
 * parameter. It borrows the pool and owns the packets that it holds.
 */
#ifndef LP_CORE_INORDER_H
#define LP_CORE_INORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"
#include "core/packet.h"

#define LP_INORDER_FLOWS       256 /* the least recent one makes room; places go by the tag */
#define LP_INORDER_WINDOW      2048
#define LP_INORDER_HELD_MAX    1024
#define LP_INORDER_WAIT_MAX_NS (50 * LP_NS_PER_MS)
#define LP_INORDER_SILENT_NS   (1000 * LP_NS_PER_MS)

struct lp_inorder;

struct lp_inorder_stats {
    uint64_t duplicates;
    uint64_t filled;   /* gaps that closed while something waited */
    uint64_t given_up; /* gaps that did not */
    uint64_t late;     /* datagrams that came after their gap was given up */
    uint64_t wait_ns;  /* the longest that something would wait now */
    unsigned held;
};

enum lp_inorder_result {
    LP_INORDER_PASS,      /* goes now, then what _pop gives */
    LP_INORDER_PASS_LAST, /* goes now, after what _pop gives */
    LP_INORDER_HELD,      /* copied */
    LP_INORDER_DUPLICATE,
};

/* NULL without memory. */
struct lp_inorder *lp_inorder_new(struct lp_packet_pool *pool);
/* NULL is fine. */
void lp_inorder_free(struct lp_inorder *inorder);

/* `overlay` has the sequence extension. `hold`: it may wait for what is missing before it. */
enum lp_inorder_result lp_inorder_push(struct lp_inorder *inorder,
                                       const struct lp_overlay *overlay, bool hold,
                                       uint64_t now_ns);

/* The next packet that waits no longer, the caller's from now on; NULL when there is none. */
struct lp_packet *lp_inorder_pop(struct lp_inorder *inorder);

/* When something will have waited long enough; then _on_deadline, then _pop until NULL. */
uint64_t lp_inorder_next_deadline(const struct lp_inorder *inorder);
void lp_inorder_on_deadline(struct lp_inorder *inorder, uint64_t now_ns);

void lp_inorder_stats(const struct lp_inorder *inorder, struct lp_inorder_stats *ret_stats);

#endif
