/*
 * The piece table of a member: what is remembered of frames of which one piece has come.
 * Internal to core/. A slot lives from the first piece seen to the other one,
 * LP_PIECE_TIMEOUT_NS at most; the oldest one is given up when all are in use. Its memory
 * belongs to the member.
 */
#ifndef LP_CORE_PIECES_H
#define LP_CORE_PIECES_H

#include <stdint.h>

#include "core/room.h"

/* The slot of this piece id, NULL when there is none. The member has a table. */
struct lp_piece_slot *lp_pieces_find(struct lp_member *member, uint16_t id);

/*
 * A slot for a piece id that has none. A second piece that is given up for it is added to
 * *lost. NULL when there is no memory for the table.
 */
struct lp_piece_slot *lp_pieces_take(struct lp_member *member,
                                     const struct lp_overlay_piece *piece, unsigned *lost,
                                     uint64_t now_ns);

/* Keeps a copy of a second piece until its first comes. */
void lp_pieces_keep_second(struct lp_piece_slot *slot, const struct lp_overlay *overlay);

/* The room's slot number is somebody else's from now on: no remembered frame goes there. */
void lp_pieces_forget_target(struct lp_member *member, unsigned room_slot);

void lp_pieces_free(struct lp_member *member);

#endif
