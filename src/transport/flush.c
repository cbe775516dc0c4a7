/*
 * Packets out. Each connection that was touched writes its packets one after the other into the
 * endpoint's buffer; neighbours of one path and one size become one transmit (UDP GSO).
 */
#include "transport/internal.h"

#include <assert.h>
#include <string.h>

#include "base/err.h"

/* With less room than this left in a packet, looking for another datagram costs more than it
 * saves. */
#define COALESCE_ROOM_MIN 64

/*
 * The pacer would wake us for every packet or two. Waiting a little makes bursts that one GSO send
 * carries, of no more than what it allows in this time (docs/performance.md has the figures).
 */
#define GRAIN_NS (250 * LP_NS_PER_US)
/*
 * A path whose round trip is so short is not paced: its own acknowledgements spread what is sent better than a
 * timer of GRAIN_NS could, and the queue is bounded by delaycap. Once found short a connection stays without:
 * ngtcp2 would add up what was sent meanwhile, and wait for all of it.
 */
#define UNPACED_NS LP_NS_PER_MS
/*
 * With nothing to send, the pacer's deadline is about nothing, and an acknowledgement by itself, which
 * ngtcp2 would send after an eighth of a round trip, can mostly travel with the next datagram: each one
 * alone wakes three processes. Less than LP_DELAYCAP_QUEUE_NS, because what an acknowledgement waits
 * looks like a queue to the peer; far less than the 25 ms that the peer reckons with (RFC 9000 18.2).
 */
#define QUIET_GRAIN_NS (3 * LP_NS_PER_MS)
/* From so many packets on they are acknowledged at once (RFC 9000 13.2.2). */
#define ACK_AT_ONCE 2

/* ---- groups ---- */

static void group_start(struct lp_quic_group *group, const ngtcp2_path *path, uint8_t ecn,
                        size_t len, bool alone)
{
    ngtcp2_path_storage_zero(&group->path);
    ngtcp2_path_copy(&group->path.path, path);
    group->ecn = ecn;
    group->len = len;
    group->segment_len = len;
    group->segments = 1;
    group->closed = alone;
}

static bool group_takes(const struct lp_quic_group *group, const ngtcp2_path *path, uint8_t ecn,
                        size_t len, bool alone)
{
    return !group->closed && !alone && len <= group->segment_len && ecn == group->ecn &&
           group->len + len <= LP_QUIC_TX_MAX && group->segments < LP_QUIC_TX_SEGMENTS_MAX &&
           ngtcp2_path_eq(&group->path.path, path);
}

/* false = the socket is full and the group stays. */
static bool group_send(struct lp_quic *quic, struct lp_quic_group *group)
{
    struct lp_quic_tx tx = {
        .bytes = quic->buffer,
        .len = group->len,
        .segment_len = group->segment_len,
        .ecn = group->ecn,
    };

    if (group->len == 0)
        return true;
    tx.local = lp_quic_addr_from_ngtcp2(&group->path.path.local);
    tx.remote = lp_quic_addr_from_ngtcp2(&group->path.path.remote);
    if (quic->config.handler->transmit(quic->config.user, &tx) == LP_ERR_AGAIN) {
        quic->blocked = true;
        return false;
    }
    group->len = 0;
    return true;
}

uint8_t *lp_quic_tx_space(struct lp_quic *quic)
{
    assert(!quic->blocked);
    return quic->buffer + quic->group[0].len;
}

void lp_quic_tx_commit(struct lp_quic *quic, const ngtcp2_path *path, uint8_t ecn, size_t len,
                       bool alone)
{
    struct lp_quic_group *group = &quic->group[0];
    size_t at = group->len;

    if (at > 0 && group_takes(group, path, ecn, len, alone)) {
        group->len += len;
        group->segments++;
        group->closed = len < group->segment_len;
        return;
    }
    if (!group_send(quic, group)) {
        group_start(&quic->group[1], path, ecn, len, alone);
        return;
    }
    memmove(quic->buffer, quic->buffer + at, len);
    group_start(group, path, ecn, len, alone);
}

/* ---- one packet ---- */

struct packet {
    ngtcp2_path_storage path;
    ngtcp2_pkt_info pi;
    uint8_t *bytes;
    bool more;   /* ngtcp2 holds a packet that has begun */
    size_t used; /* payload octets in it, about */
    unsigned datagrams;
};

/*
 * Control frames first. Returns what ngtcp2 did when the packet is complete or cannot be
 * written, NGTCP2_ERR_WRITE_MORE when it still has room.
 */
static ngtcp2_ssize add_streams(struct lp_quic_conn *conn, struct packet *packet,
                                uint64_t now_ns)
{
    struct lp_quic_tx_frame *frame;

    while ((frame = lp_quic_streams_next(conn)) != NULL) {
        ngtcp2_vec data = {.base = frame->bytes + frame->sent, .len = frame->len - frame->sent};
        ngtcp2_ssize taken = -1;
        ngtcp2_ssize len = ngtcp2_conn_writev_stream(
            conn->qc, &packet->path.path, &packet->pi, packet->bytes, LP_QUIC_PAYLOAD_MAX,
            &taken, NGTCP2_WRITE_STREAM_FLAG_MORE | NGTCP2_WRITE_STREAM_FLAG_FIN,
            frame->stream_id, &data, 1, now_ns);

        if (taken > 0) {
            packet->used += (size_t)taken;
            lp_quic_streams_sent(conn, frame, (size_t)taken);
        }
        switch (len) {
        case NGTCP2_ERR_WRITE_MORE:
            packet->more = true;
            continue;
        case NGTCP2_ERR_STREAM_SHUT_WR:
        case NGTCP2_ERR_STREAM_NOT_FOUND:
            lp_quic_streams_dropped(conn, frame);
            continue;
        case NGTCP2_ERR_STREAM_DATA_BLOCKED:
            packet->more = true;
            return NGTCP2_ERR_WRITE_MORE;
        default:
            return len;
        }
    }
    return NGTCP2_ERR_WRITE_MORE;
}

/* The next datagram of the egress that fits, in conn->datagram; false when there is none. */
static bool next_datagram(struct lp_quic_conn *conn, size_t budget, uint64_t now_ns)
{
    const struct lp_quic_config *config = &conn->quic->config;

    while (!conn->closing) {
        if (!conn->have_datagram)
            conn->datagram = (struct lp_quic_datagram){.id = 0};
        if (!conn->have_datagram &&
            !config->handler->egress_next(config->user, conn, &conn->datagram, now_ns))
            return false;
        conn->have_datagram = true;
        if (conn->datagram.header_len + conn->datagram.body_len <= budget)
            return !conn->closing;
        /* To ngtcp2 too big looks the same as a full window, so it is judged here. */
        conn->have_datagram = false;
        config->handler->egress_taken(config->user, conn, LP_QUIC_EGRESS_TOO_BIG, now_ns);
    }
    return false;
}

/* Before the frames: small as it is, it fits into the packet of a full one. */
static ngtcp2_ssize add_timing(struct lp_quic_conn *conn, struct packet *packet,
                               uint64_t now_ns)
{
    const struct lp_quic_config *config = &conn->quic->config;
    struct lp_timing timing;
    uint8_t bytes[LP_TIMING_LEN];
    ngtcp2_vec data = {.base = bytes};
    int accepted = 0;
    ngtcp2_ssize len;

    if (conn->closing || config->handler->timing == NULL ||
        !lp_quic_timing_due(conn, &timing, now_ns))
        return NGTCP2_ERR_WRITE_MORE;
    data.len = config->handler->timing(config->user, conn, &timing, bytes, sizeof(bytes));
    if (data.len == 0 || data.len > lp_quic_datagram_budget(conn))
        return NGTCP2_ERR_WRITE_MORE;
    len = ngtcp2_conn_writev_datagram(
        conn->qc, &packet->path.path, &packet->pi, packet->bytes, LP_QUIC_PAYLOAD_MAX,
        &accepted, NGTCP2_WRITE_DATAGRAM_FLAG_MORE, LP_QUIC_TIMING_ID, &data, 1, now_ns);
    if (accepted) {
        packet->used += data.len + LP_QUIC_DATAGRAM_OVERHEAD;
        lp_quic_timing_said(conn, &timing, now_ns);
    }
    packet->more = packet->more || len == NGTCP2_ERR_WRITE_MORE;
    return len;
}

static ngtcp2_ssize add_datagrams(struct lp_quic_conn *conn, struct packet *packet,
                                  uint64_t now_ns)
{
    const struct lp_quic_config *config = &conn->quic->config;
    size_t budget = lp_quic_datagram_budget(conn);

    while (next_datagram(conn, budget, now_ns)) {
        size_t size = conn->datagram.header_len + conn->datagram.body_len;
        size_t used = packet->used + size + LP_QUIC_DATAGRAM_OVERHEAD;
        bool room = used + COALESCE_ROOM_MIN <= budget;
        ngtcp2_vec data[2] = {
            {.base = (uint8_t *)conn->datagram.header, .len = conn->datagram.header_len},
            {.base = (uint8_t *)conn->datagram.body, .len = conn->datagram.body_len},
        };
        int accepted = 0;
        ngtcp2_ssize len;

        if (conn->datagram.apart && packet->datagrams > 0)
            break;
        len = ngtcp2_conn_writev_datagram(
            conn->qc, &packet->path.path, &packet->pi, packet->bytes, LP_QUIC_PAYLOAD_MAX,
            &accepted, room ? NGTCP2_WRITE_DATAGRAM_FLAG_MORE : NGTCP2_WRITE_DATAGRAM_FLAG_NONE,
            conn->datagram.id, data, 2, now_ns);
        if (accepted) {
            packet->used = used;
            packet->datagrams++;
            conn->have_datagram = false;
            config->handler->egress_taken(config->user, conn, LP_QUIC_EGRESS_SENT, now_ns);
        }
        if (len != NGTCP2_ERR_WRITE_MORE)
            return len;
        packet->more = true;
    }
    return NGTCP2_ERR_WRITE_MORE;
}

/*
 * Whether a packet of ngtcp2's own frames is worth a send. One small packet that came is acknowledged
 * with what we send next, or by the deadline. Lost control frames are sent again at once.
 */
static bool may_send_bare(const struct lp_quic_conn *conn, uint64_t now_ns)
{
    return !conn->confirmed || conn->closing || conn->due || conn->tx_sent != NULL ||
           conn->prompt || conn->unanswered >= ACK_AT_ONCE ||
           (conn->unanswered > 0 &&
            lp_time_since(conn->unanswered_ns, now_ns) >= QUIET_GRAIN_NS);
}

/* 0 when nothing can or need be sent, negative: the connection has failed. */
static ngtcp2_ssize write_packet(struct lp_quic_conn *conn, struct packet *packet,
                                 uint64_t now_ns)
{
    ngtcp2_ssize len = NGTCP2_ERR_WRITE_MORE;

    ngtcp2_path_storage_zero(&packet->path);
    packet->bytes = lp_quic_tx_space(conn->quic);
    packet->more = false;
    packet->used = 0;
    packet->datagrams = 0;
    if (conn->established)
        len = add_streams(conn, packet, now_ns);
    if (conn->established && len == NGTCP2_ERR_WRITE_MORE &&
        (packet->more || ngtcp2_conn_get_cwnd_left(conn->qc) > 0))
        len = add_timing(conn, packet, now_ns);
    /* Without a window the egress is not asked: its queue, not we, should hold what waits. */
    if (conn->established && len == NGTCP2_ERR_WRITE_MORE &&
        lp_delaycap_allows(&conn->delaycap, conn->flight) &&
        (packet->more || ngtcp2_conn_get_cwnd_left(conn->qc) > 0))
        len = add_datagrams(conn, packet, now_ns);
    if (len != NGTCP2_ERR_WRITE_MORE)
        return len;
    if (!packet->more && !may_send_bare(conn, now_ns))
        return 0;
    return ngtcp2_conn_writev_stream(conn->qc, &packet->path.path, &packet->pi, packet->bytes,
                                     LP_QUIC_PAYLOAD_MAX, NULL, NGTCP2_WRITE_STREAM_FLAG_NONE,
                                     -1, NULL, 0, now_ns);
}

/* ---- connections ---- */

static void look_at_path(struct lp_quic_conn *conn, uint64_t now_ns)
{
    ngtcp2_conn_info info;

    if (!conn->established)
        return;
    ngtcp2_conn_get_conn_info(conn->qc, &info);
    conn->flight = info.bytes_in_flight;
    if (conn->acked && info.min_rtt != UINT64_MAX)
        lp_delaycap_update(&conn->delaycap, info.latest_rtt, info.bytes_in_flight, conn->sent,
                           now_ns);
    conn->acked = false;
    if (conn->delaycap.least_ns <= UNPACED_NS)
        conn->unpaced = true;
}

/* Up to one send quantum, and what one transmit carries; the rest waits for the pacer. */
static int write_packets(struct lp_quic_conn *conn, uint64_t now_ns)
{
    const size_t most = LP_QUIC_TX_MAX - LP_QUIC_PAYLOAD_MAX;
    struct lp_quic *quic = conn->quic;
    size_t quantum = ngtcp2_conn_get_send_quantum(conn->qc);
    size_t left = quantum < most ? quantum : most;
    struct packet packet;

    look_at_path(conn, now_ns);
    while (!quic->blocked && left > 0) {
        size_t path_max = ngtcp2_conn_get_path_max_tx_udp_payload_size(conn->qc);
        ngtcp2_ssize len = write_packet(conn, &packet, now_ns);

        if (len < 0)
            return (int)len;
        if (len == 0)
            break;
        /* Larger than the path is known to carry: a probe, which must not take others along. */
        lp_quic_tx_commit(quic, &packet.path.path, packet.pi.ecn, (size_t)len,
                          (size_t)len > path_max);
        left -= (size_t)len < left ? (size_t)len : left;
        conn->unanswered = 0;
        conn->prompt = false;
        conn->flight += (size_t)len;
        conn->sent += (size_t)len;
    }
    conn->more = left == 0;
    conn->due = false;
    return 0;
}

/* Whether something is here that the pacer, and not the window, may be holding back. */
static bool has_more(const struct lp_quic_conn *conn)
{
    return conn->more || conn->have_datagram || conn->tx_waiting != NULL;
}

/* At the end of a flush. The pacer's own deadline counts only when something waits for it. */
static void set_deadline(struct lp_quic_conn *conn, uint64_t now_ns)
{
    bool paced = !conn->confirmed || has_more(conn);
    uint64_t soonest = now_ns + (paced || conn->prompt ? GRAIN_NS : QUIET_GRAIN_NS);
    uint64_t expiry = paced ? 0 : ngtcp2_conn_get_expiry(conn->qc);

    if (!conn->unpaced)
        ngtcp2_conn_update_pkt_tx_time(conn->qc, now_ns);
    if (paced)
        expiry = ngtcp2_conn_get_expiry(conn->qc);
    expiry = lp_time_min(expiry, lp_quic_conn_idle_at(conn));
    lp_quic_heap_set(conn, expiry > soonest ? expiry : soonest);
}

static void flush_conn(struct lp_quic_conn *conn, uint64_t now_ns)
{
    int err = conn->silent ? 0 : write_packets(conn, now_ns);

    if (err < 0) {
        lp_quic_conn_fail(conn, err, now_ns);
        return;
    }
    if (conn->quic->blocked) {
        lp_quic_mark_dirty(conn);
        return;
    }
    if (conn->closing) {
        lp_quic_conn_finish_close(conn, now_ns);
        return;
    }
    set_deadline(conn, now_ns);
}

void lp_quic_flush(struct lp_quic *quic, uint64_t now_ns)
{
    while (!quic->blocked && quic->dirty_head != NULL) {
        struct lp_quic_conn *conn = quic->dirty_head;

        quic->dirty_head = conn->dirty_next;
        if (quic->dirty_head == NULL)
            quic->dirty_tail = NULL;
        conn->dirty = false;
        flush_conn(conn, now_ns);
    }
    if (!quic->blocked)
        group_send(quic, &quic->group[0]);
}

void lp_quic_on_writable(struct lp_quic *quic, uint64_t now_ns)
{
    struct lp_quic_group *first = &quic->group[0];
    struct lp_quic_group *second = &quic->group[1];
    size_t at = first->len;

    quic->blocked = false;
    if (!group_send(quic, first))
        return;
    if (second->len > 0) {
        memmove(quic->buffer, quic->buffer + at, second->len);
        group_start(first, &second->path.path, second->ecn, second->len, second->closed);
        second->len = 0;
    }
    lp_quic_flush(quic, now_ns);
}
