#include "core/sender.h"

#include <string.h>

void lp_sender_init(struct lp_sender *sender, struct lp_egress *queue,
                    struct lp_packet_pool *pool, struct lp_counters *counters,
                    uint16_t first_piece_id, enum lp_duplicate duplicate)
{
    *sender = (struct lp_sender){.queue = queue};
    lp_cutter_init(&sender->cutter, first_piece_id);
    lp_repair_init(&sender->repair, pool, counters, duplicate);
}

void lp_sender_deinit(struct lp_sender *sender)
{
    lp_repair_deinit(&sender->repair);
}

void lp_sender_clear(struct lp_sender *sender)
{
    lp_repair_clear(&sender->repair);
    sender->repairing = false;
}

void lp_sender_expire(struct lp_sender *sender, uint64_t now_ns)
{
    lp_repair_expire(&sender->repair, now_ns);
}

bool lp_sender_next(struct lp_sender *sender, size_t budget, uint8_t allowed_flags,
                    struct lp_sending *ret_sending, uint64_t now_ns)
{
    const struct lp_repair_datagram *again = lp_repair_next(&sender->repair, budget, now_ns);
    const struct lp_cut *cut = &sender->cut;

    sender->repairing = again != NULL;
    if (sender->repairing) {
        *ret_sending = (struct lp_sending){
            .id = lp_repair_next_id(&sender->repair),
            .apart = again->copy,
            .header = again->header,
            .header_len = again->header_len,
            .body = again->body,
            .body_len = again->body_len,
        };
#ifdef LP_FAULT_COPY_TOGETHER
        /* planted fault: a copy shares its original's packet, and its fate */
        ret_sending->apart = false;
#endif
        return true;
    }
    if (!lp_cutter_next(&sender->cutter, sender->queue, budget, allowed_flags, &sender->cut,
                        now_ns))
        return false;
    *ret_sending = (struct lp_sending){
        .id = cut->numbered ? lp_repair_next_id(&sender->repair) : 0,
        .header = cut->header,
        .header_len = cut->header_len,
        .body = cut->body,
        .body_len = cut->body_len,
    };
    return true;
}

void lp_sender_sent(struct lp_sender *sender, uint64_t now_ns)
{
    const struct lp_cut *cut = &sender->cut;
    struct lp_repair_datagram datagram;

    if (sender->repairing) {
        lp_repair_resent(&sender->repair, now_ns);
        return;
    }
    if (cut->numbered) {
        datagram = (struct lp_repair_datagram){
            .packet = cut->packet,
            .body = cut->body,
            .body_len = cut->body_len,
            .header_len = cut->header_len,
            .piece = cut->piece,
            .sent_ns = now_ns,
        };
        memcpy(datagram.header, cut->header, cut->header_len);
        lp_repair_sent(&sender->repair, &datagram, now_ns);
    }
    lp_cutter_sent(&sender->cutter, sender->queue);
}

void lp_sender_refused(struct lp_sender *sender)
{
    if (!sender->repairing)
        lp_cutter_refused(&sender->cutter, sender->queue);
}

void lp_sender_acked(struct lp_sender *sender, uint64_t id)
{
    lp_repair_acked(&sender->repair, id);
}

bool lp_sender_lost(struct lp_sender *sender, uint64_t id, uint64_t now_ns)
{
    lp_repair_lost(&sender->repair, id, now_ns);
    return sender->repair.pending_count > 0;
}
