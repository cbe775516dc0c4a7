#include "core/cutter.h"

#include <assert.h>

#include "proto/fragment.h"

void lp_cutter_init(struct lp_cutter *cutter, uint16_t first_piece_id)
{
    *cutter = (struct lp_cutter){.next_piece_id = first_piece_id};
}

void lp_cutter_number(struct lp_cutter *cutter, uint16_t number[LP_SEQUENCE_TAGS])
{
    cutter->number = number;
}

/* How the head can travel. */
enum fit {
    FIT_NOT,
    FIT_WHOLE, /* as it is: a frame, or a piece that is only forwarded */
    FIT_CUT,
};

/*
 * The flags to send with: what an origin put in, as far as this target understands it. The
 * piece extension cannot be left out of a piece.
 */
static uint8_t flags_of(const struct lp_overlay *overlay, uint8_t allowed_flags)
{
    return overlay->flags & (allowed_flags | LP_OVERLAY_FLAG_PIECE);
}

static enum fit find_fit(const struct lp_overlay *overlay, size_t budget, uint8_t allowed_flags)
{
    uint8_t flags = flags_of(overlay, allowed_flags);
    bool pieces_allowed = (allowed_flags & LP_OVERLAY_FLAG_PIECE) != 0;
    bool is_piece = (flags & LP_OVERLAY_FLAG_PIECE) != 0;

    if (is_piece && !pieces_allowed)
        return FIT_NOT;
    if (lp_overlay_header_len(flags) + overlay->payload_len <= budget)
        return FIT_WHOLE;
    if (is_piece || !pieces_allowed || !lp_fragment_can_cut(overlay->payload_len))
        return FIT_NOT;
    flags |= LP_OVERLAY_FLAG_PIECE;
    return lp_overlay_header_len(flags) + LP_PIECE_FIRST_LEN <= budget ? FIT_CUT : FIT_NOT;
}

/* One that is forwarded, of a frame whose number its first piece had. */
static bool is_second(const struct lp_overlay *queued, uint8_t allowed_flags)
{
    return (queued->flags & LP_OVERLAY_FLAG_PIECE) != 0 && queued->piece.second &&
           (allowed_flags & LP_OVERLAY_FLAG_SEQUENCE) != 0;
}

static void encode(struct lp_cutter *cutter, struct lp_packet *packet, uint8_t allowed_flags,
                   struct lp_cut *ret_cut)
{
    struct lp_overlay *queued = &packet->overlay;
    struct lp_overlay overlay;
    bool numbered = (flags_of(queued, allowed_flags) & LP_OVERLAY_FLAG_SEQUENCE) != 0;
    int header_len;

    cutter->numbering = numbered && cutter->number != NULL && !cutter->second_next;
    if (cutter->numbering) {
        cutter->tag = queued->sequence.flow % LP_SEQUENCE_TAGS;
        queued->sequence.number = cutter->number[cutter->tag];
    }
    overlay = *queued;
    overlay.flags = flags_of(queued, allowed_flags);
#ifndef LP_FAULT_SECOND_NUMBERED /* planted fault: both pieces have their frame's number */
    if (cutter->second_next)
        overlay.flags &= (uint8_t)~LP_OVERLAY_FLAG_SEQUENCE;
#endif
    if (cutter->cutting) {
        overlay.flags |= LP_OVERLAY_FLAG_PIECE;
        overlay.piece = (struct lp_overlay_piece){
            .id = cutter->next_piece_id,
            .second = cutter->second_next,
            .frame_len = (uint16_t)queued->payload_len,
        };
        overlay.payload += cutter->second_next ? LP_PIECE_FIRST_LEN : 0;
        overlay.payload_len = lp_fragment_piece_len(queued->payload_len, cutter->second_next);
    }
    header_len =
        lp_overlay_encode(&overlay, overlay.flags, cutter->header, sizeof(cutter->header));
    assert(header_len > 0); /* what is queued here was made or checked here */
    *ret_cut = (struct lp_cut){
        .header = cutter->header,
        .header_len = (size_t)header_len,
        .body = overlay.payload,
        .body_len = overlay.payload_len,
        .packet = packet,
        .piece = (overlay.flags & LP_OVERLAY_FLAG_PIECE) != 0,
        .numbered = numbered || is_second(queued, allowed_flags),
    };
    cutter->datagram_len = (size_t)header_len + overlay.payload_len;
}

static void end_cut(struct lp_cutter *cutter)
{
    uint16_t id = cutter->next_piece_id;

    cutter->next_piece_id =
        (uint16_t)((id & LP_PIECE_ID_RELAY) | ((id + 1) & ~LP_PIECE_ID_RELAY));
    cutter->second_next = false;
}

bool lp_cutter_next(struct lp_cutter *cutter, struct lp_egress *queue, size_t budget,
                    uint8_t allowed_flags, struct lp_cut *ret_cut, uint64_t now_ns)
{
    struct lp_packet *packet;

    /* When the queue was cleared in between, its head is another frame. */
    if (cutter->second_next && !queue->held)
        end_cut(cutter);
    cutter->datagram_len = 0;
    while ((packet = lp_egress_head(queue, now_ns)) != NULL) {
        /* A second piece is shorter than the first one that was sent, whatever the budget is
         * now. */
        enum fit fit =
            cutter->second_next ? FIT_CUT : find_fit(&packet->overlay, budget, allowed_flags);

        if (fit != FIT_NOT) {
            cutter->cutting = fit == FIT_CUT;
            encode(cutter, packet, allowed_flags, ret_cut);
            return true;
        }
        lp_egress_pop(queue, LP_DROP_REASON_TOO_BIG);
    }
    return false;
}

void lp_cutter_sent(struct lp_cutter *cutter, struct lp_egress *queue)
{
    assert(cutter->datagram_len > 0);
    lp_count(queue->counters, LP_COUNTER_TX_DATAGRAMS, 1);
    lp_count(queue->counters, LP_COUNTER_TX_BYTES, cutter->datagram_len);
    cutter->datagram_len = 0;
    if (cutter->numbering)
        cutter->number[cutter->tag]++;
    if (cutter->cutting && !cutter->second_next) {
        cutter->second_next = true;
        lp_egress_hold(queue);
        return;
    }
    if (cutter->cutting) {
        lp_count(queue->counters, LP_COUNTER_TX_CUT, 1);
        end_cut(cutter);
    }
    lp_egress_pop(queue, LP_FORWARD);
}

void lp_cutter_refused(struct lp_cutter *cutter, struct lp_egress *queue)
{
    assert(cutter->datagram_len > 0);
    cutter->datagram_len = 0;
    lp_egress_release(queue);
}
