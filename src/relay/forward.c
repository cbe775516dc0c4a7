#include <string.h>

#include "base/err.h"
#include "relay/session.h"

/* A line for each judged frame: a second piece that only shares its first one's fate has none.
 */
static bool is_judged(const struct lp_decision *decision)
{
    return !decision->is_second || (decision->verdict != LP_FORWARD &&
                                    decision->verdict != LP_DROP_REASON_PIECE_REFUSED);
}

static void log_frame(const struct lp_session *session, const struct lp_decision *decision)
{
    const struct lp_relay_config *config = &session->relay->config;
    struct lp_frame_event event = {
        .direction = LP_FRAME_FROM_PEER,
        .room = session->room->room.code,
        .peer_id = session->member.peer_id,
        .has_ethernet = decision->has_ethernet,
        .frame_len = decision->frame_len,
        .reason = decision->verdict,
        .targets = decision->target_count,
    };

    if (config->frame == NULL || !is_judged(decision))
        return;
    if (decision->has_ethernet) {
        event.src = decision->eth.src;
        event.dst = decision->eth.dst;
        event.type_or_len = decision->eth.type_or_len;
    }
    config->frame(config->user, &event);
}

/* One overlay datagram to one member; a target that cannot take it is skipped and stalls
 * nobody. */
static bool push(struct lp_member *target, const struct lp_overlay *overlay,
                 const struct lp_flow *flow, bool broadcast, uint64_t now_ns)
{
    struct lp_session *to = lp_session_of(target);

    if (broadcast)
        lp_count(&to->counters, LP_COUNTER_TX_BROADCAST, 1);
    if (lp_egress_push(&to->egress, overlay, flow, now_ns) != LP_FORWARD)
        return false;
    lp_quic_wake(to->conn);
    return true;
}

/* Targets that did not take a first piece are taken out, so that its second does not go there.
 */
static void forward(struct lp_session *session, struct lp_decision *decision,
                    const struct lp_overlay *overlay, uint64_t now_ns)
{
    const struct lp_room *room = &session->room->room;
    bool piece = (overlay->flags & LP_OVERLAY_FLAG_PIECE) != 0;
    bool second = piece && overlay->piece.second;
    unsigned slot = lp_peer_set_next(&decision->targets, 0);

#ifdef LP_FAULT_CROSS_ROOM /* planted fault: whoever has that slot in the oldest room gets it  \
                            */
    room = &session->relay->rooms->room;
#endif
    for (; slot < LP_ROOM_SLOTS; slot = lp_peer_set_next(&decision->targets, slot + 1)) {
        struct lp_member *target = room->member[slot];

        if (target == NULL ||
            push(target, overlay, &decision->flow, decision->broadcast && !second, now_ns))
            continue;
        lp_peer_set_remove(&decision->targets, slot);
        if (piece && !second)
            lp_room_piece_refused(&session->member, overlay->piece.id, slot);
    }
}

/* Sixteen within a minute: a ring holds when the latest ones came. */
static void count_malformed(struct lp_session *session, enum lp_drop verdict, uint64_t now_ns)
{
    struct lp_relay_event event = lp_session_event(session, LP_RELAY_PEER_MALFORMED);

    lp_count(&session->counters, LP_COUNTER_RX_MALFORMED, 1);
    session->malformed_ns[session->malformed_at++ % LP_RELAY_MALFORMED_MAX] = now_ns;
    event.drop = verdict;
    event.threshold = LP_RELAY_MALFORMED_MAX;
    for (unsigned i = 0; i < LP_RELAY_MALFORMED_MAX && i < session->malformed_at; i++) {
        if (lp_time_since(session->malformed_ns[i], now_ns) <= LP_RELAY_MALFORMED_WINDOW_NS)
            event.count++;
    }
    lp_relay_emit(session->relay, &event);
    if (event.count >= LP_RELAY_MALFORMED_MAX)
        lp_session_protocol_error(session, "too many malformed datagrams");
}

/* The first of two pieces has come after its second: that one goes now, or shares its fate. */
static void follow_released(struct lp_session *session, struct lp_decision *decision,
                            uint64_t now_ns)
{
    if (decision->verdict != LP_FORWARD) {
        lp_count_rx_drop(&session->counters, LP_DROP_REASON_PIECE_REFUSED, 1);
        return;
    }
    lp_count(&session->counters, LP_COUNTER_RX_PIECES, 1);
    forward(session, decision, &decision->released, now_ns);
}

size_t lp_session_make_timing(const struct lp_session *session, const struct lp_timing *timing,
                              uint8_t *bytes, size_t capacity)
{
    int len = lp_timing_encode(timing, session->room->room.id, session->member.peer_id, bytes,
                               capacity);

    return len > 0 ? (size_t)len : 0;
}

/* It is between this peer and us, and no datagram that counters know. One that is not as it should
 * be is judged like a frame, which it is not. */
static bool take_timing(struct lp_session *session, const uint8_t *bytes, size_t len,
                        uint64_t now_ns)
{
    struct lp_timing timing;

    if (!session->has_timing || lp_timing_decode(bytes, len, session->room->room.id,
                                                 session->member.peer_id, &timing) < 0)
        return false;
    lp_quic_timing(session->conn, &timing, now_ns);
    return true;
}

void lp_session_on_datagram(struct lp_session *session, const uint8_t *bytes, size_t len,
                            uint64_t now_ns)
{
    struct lp_counters *counters = &session->counters;
    struct lp_decision decision;

    if (take_timing(session, bytes, len, now_ns))
        return;
    lp_count(counters, LP_COUNTER_RX_DATAGRAMS, 1);
    lp_count(counters, LP_COUNTER_RX_BYTES, len);
    lp_room_judge(&session->room->room, &session->member, bytes, len, &decision, now_ns);
    log_frame(session, &decision);
    if (decision.pieces_lost > 0)
        lp_count_rx_drop(counters, LP_DROP_REASON_PIECE_LOST, decision.pieces_lost);
    if (decision.waits)
        return;
    if (decision.verdict == LP_FORWARD) {
        lp_count(counters, decision.is_second ? LP_COUNTER_RX_PIECES : LP_COUNTER_RX_FRAMES, 1);
        if (decision.broadcast && !decision.is_second)
            lp_count(counters, LP_COUNTER_RX_BROADCAST, 1);
        forward(session, &decision, &decision.overlay, now_ns);
    } else {
        lp_count_rx_drop(counters, decision.verdict, 1);
    }
    if (decision.has_released)
        follow_released(session, &decision, now_ns);
    if (lp_drop_category(decision.verdict) == LP_DROP_MALFORMED)
        count_malformed(session, decision.verdict, now_ns);
}

void lp_session_expire_pieces(struct lp_session *session, uint64_t now_ns)
{
    unsigned lost = lp_room_expire_pieces(&session->member, now_ns);

    if (lost > 0)
        lp_count_rx_drop(&session->counters, LP_DROP_REASON_PIECE_LOST, lost);
}

bool lp_session_egress_next(struct lp_session *session, struct lp_quic_datagram *ret_next,
                            uint64_t now_ns)
{
    size_t budget = lp_quic_datagram_budget(session->conn);
    struct lp_sending next;

    if (budget > session->receive_ceiling)
        budget = session->receive_ceiling;
    if (!lp_sender_next(&session->sender, budget, session->member.overlay_flags, &next, now_ns))
        return false;
    *ret_next = (struct lp_quic_datagram){
        .id = next.id,
        .apart = next.apart,
        .header = next.header,
        .header_len = next.header_len,
        .body = next.body,
        .body_len = next.body_len,
    };
    return true;
}

void lp_session_egress_taken(struct lp_session *session, enum lp_quic_egress_result result,
                             uint64_t now_ns)
{
    if (result == LP_QUIC_EGRESS_SENT)
        lp_sender_sent(&session->sender, now_ns);
    else
        lp_sender_refused(&session->sender);
}
