/*
 * Control frames: one on the first bidirectional stream each way, one on each unidirectional
 * stream.
 *
 * In: a frame that lies in one chunk is delivered from there; others are put together. What
 * waits is bounded by the connection's flow control window, which grows again only when a frame
 * is delivered. Out: frames are sent in order, each followed by FIN, and kept until
 * acknowledged.
 */
#include "transport/internal.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "base/err.h"
#include "base/wire.h"

static bool is_bidi(int64_t stream_id)
{
    return (stream_id & 2) == 0;
}

/* ---- in ---- */

static void deliver(struct lp_quic_conn *conn, int64_t stream_id, const uint8_t *body,
                    size_t len)
{
    const struct lp_quic_config *config = &conn->quic->config;

    ngtcp2_conn_extend_max_offset(conn->qc, LP_CONTROL_PREFIX_LEN + len);
    config->handler->control(config->user, conn, is_bidi(stream_id), body, len,
                             ngtcp2_conn_get_timestamp(conn->qc));
}

/* The body's length that the prefix gives, 0 when it is none that a frame can have. */
static size_t body_len(const uint8_t prefix[LP_CONTROL_PREFIX_LEN])
{
    size_t len = lp_load_be32(prefix);

    return len <= LP_CONTROL_BODY_MAX ? len : 0;
}

static int append(struct lp_quic_conn *conn, struct lp_quic_rx_frame *frame, int64_t stream_id,
                  const uint8_t *bytes, size_t len)
{
    size_t have_body;
    size_t need;

    while (frame->have < LP_CONTROL_PREFIX_LEN && len > 0) {
        frame->prefix[frame->have++] = *bytes++;
        len--;
    }
    if (frame->have < LP_CONTROL_PREFIX_LEN)
        return 0;
    need = body_len(frame->prefix);
    have_body = frame->have - LP_CONTROL_PREFIX_LEN;
    if (need == 0)
        return lp_quic_conn_violation(conn, "control frame is empty or over 64 KiB");
    if (len > need - have_body)
        return lp_quic_conn_violation(conn, "more than one control frame on a stream");
    if (len > 0) {
        /* As much as has come, not as was announced: an announcement costs the peer nothing. */
        uint8_t *body = realloc(frame->body, have_body + len);

        if (body == NULL)
            return NGTCP2_ERR_CALLBACK_FAILURE;
        memcpy(body + have_body, bytes, len);
        frame->body = body;
        frame->have += len;
    }
    if (have_body + len == need) {
        frame->delivered = true;
        deliver(conn, stream_id, frame->body, need);
        free(frame->body);
        frame->body = NULL;
    }
    return 0;
}

static struct lp_quic_rx_frame *frame_new(struct lp_quic_conn *conn, int64_t stream_id)
{
    struct lp_quic_rx_frame *frame = calloc(1, sizeof *frame);

    if (frame == NULL || ngtcp2_conn_set_stream_user_data(conn->qc, stream_id, frame) != 0) {
        free(frame);
        return NULL;
    }
    DL_APPEND(conn->rx_frames, frame);
    return frame;
}

static bool is_whole(const uint8_t *bytes, size_t len)
{
    return len > LP_CONTROL_PREFIX_LEN && body_len(bytes) == len - LP_CONTROL_PREFIX_LEN;
}

int lp_quic_streams_receive(struct lp_quic_conn *conn, int64_t stream_id, bool fin,
                            const uint8_t *bytes, size_t len, void *stream_user)
{
    struct lp_quic_rx_frame *frame = is_bidi(stream_id) ? &conn->hello_rx : stream_user;
    int err = 0;

    if (conn->closing)
        return 0;
    if (is_bidi(stream_id))
        conn->hello_here = true;
    if (frame == NULL && fin && is_whole(bytes, len)) {
        deliver(conn, stream_id, bytes + LP_CONTROL_PREFIX_LEN, len - LP_CONTROL_PREFIX_LEN);
        return 0;
    }
    if (frame == NULL) {
        frame = frame_new(conn, stream_id);
        if (frame == NULL)
            return NGTCP2_ERR_CALLBACK_FAILURE;
    }
    if (frame->delivered && len > 0)
        return lp_quic_conn_violation(conn, "more than one control frame on a stream");
    if (len > 0)
        err = append(conn, frame, stream_id, bytes, len);
    if (err == 0 && fin && !frame->delivered)
        return lp_quic_conn_violation(conn, "control stream ended inside a frame");
    return err;
}

int lp_quic_streams_reset(struct lp_quic_conn *conn, int64_t stream_id, void *stream_user)
{
    const struct lp_quic_rx_frame *frame = is_bidi(stream_id) ? &conn->hello_rx : stream_user;

    if (conn->closing || (frame != NULL && frame->delivered))
        return 0;
    return lp_quic_conn_violation(conn, "control stream reset inside a frame");
}

static void rx_free(struct lp_quic_conn *conn, struct lp_quic_rx_frame *frame)
{
    DL_DELETE(conn->rx_frames, frame);
    free(frame->body);
    free(frame);
}

/* ---- out ---- */

static int queue(struct lp_quic_conn *conn, bool hello, const uint8_t *bytes, size_t len)
{
    struct lp_quic_tx_frame *frame;

    if (conn->closing || conn->ended)
        return LP_ERR_CLOSED;
    if (len <= LP_CONTROL_PREFIX_LEN || len > LP_QUIC_CONTROL_FRAME_MAX)
        return LP_ERR_INVALID;
    if (len > LP_QUIC_CONTROL_PENDING_BYTES - conn->tx_bytes)
        return LP_ERR_FULL;
    frame = lp_mem_take(&conn->mem, sizeof *frame + len);
    if (frame == NULL)
        return LP_ERR_NOMEM;
    *frame = (struct lp_quic_tx_frame){.stream_id = -1, .hello = hello, .len = len};
    memcpy(frame->bytes, bytes, len);
    DL_APPEND(conn->tx_waiting, frame);
    conn->tx_bytes += len;
    lp_quic_mark_dirty(conn);
    return 0;
}

int lp_quic_send_hello(struct lp_quic_conn *conn, const uint8_t *frame, size_t len)
{
    int err;

    /* One each way; the server's answers what came. */
    if (conn->hello_queued || (conn->quic->config.server && !conn->hello_here))
        return conn->closing || conn->ended ? LP_ERR_CLOSED : LP_ERR_INVALID;
    err = queue(conn, true, frame, len);
    if (err == 0)
        conn->hello_queued = true;
    return err;
}

int lp_quic_send_control(struct lp_quic_conn *conn, const uint8_t *frame, size_t len)
{
    return queue(conn, false, frame, len);
}

static bool open_stream(struct lp_quic_conn *conn, struct lp_quic_tx_frame *frame)
{
    if (frame->stream_id >= 0)
        return true;
    if (!frame->hello)
        return ngtcp2_conn_open_uni_stream(conn->qc, &frame->stream_id, NULL) == 0;
    if (!conn->quic->config.server)
        return ngtcp2_conn_open_bidi_stream(conn->qc, &frame->stream_id, NULL) == 0;
    frame->stream_id = 0;
    return true;
}

struct lp_quic_tx_frame *lp_quic_streams_next(struct lp_quic_conn *conn)
{
    struct lp_quic_tx_frame *frame = conn->tx_waiting;

    /* ngtcp2 reports a used up connection window like a full congestion window: ask before. */
    if (frame == NULL || ngtcp2_conn_get_max_data_left(conn->qc) == 0)
        return NULL;
    if (!open_stream(conn, frame)) {
        frame->stream_id = -1;
        return NULL;
    }
    return frame;
}

void lp_quic_streams_sent(struct lp_quic_conn *conn, struct lp_quic_tx_frame *frame, size_t len)
{
    frame->sent += len;
    if (frame->sent == frame->len)
        lp_quic_streams_dropped(conn, frame);
}

void lp_quic_streams_dropped(struct lp_quic_conn *conn, struct lp_quic_tx_frame *frame)
{
    DL_DELETE(conn->tx_waiting, frame);
    DL_APPEND(conn->tx_sent, frame);
}

static struct lp_quic_tx_frame *find_tx(struct lp_quic_tx_frame *list, int64_t stream_id)
{
    struct lp_quic_tx_frame *frame;

    DL_FOREACH (list, frame) {
        if (frame->stream_id == stream_id)
            return frame;
    }
    return NULL;
}

static void tx_closed(struct lp_quic_conn *conn, int64_t stream_id)
{
    struct lp_quic_tx_frame *frame = find_tx(conn->tx_sent, stream_id);

    if (frame != NULL) {
        DL_DELETE(conn->tx_sent, frame);
    } else {
        frame = find_tx(conn->tx_waiting, stream_id);
        if (frame == NULL)
            return;
        DL_DELETE(conn->tx_waiting, frame);
    }
    conn->tx_bytes -= frame->len;
    lp_mem_give(&conn->mem, frame);
}

void lp_quic_streams_closed(struct lp_quic_conn *conn, int64_t stream_id, void *stream_user)
{
    if (is_bidi(stream_id) || ngtcp2_conn_is_local_stream(conn->qc, stream_id)) {
        tx_closed(conn, stream_id);
        return;
    }
    if (stream_user != NULL)
        rx_free(conn, stream_user);
    ngtcp2_conn_extend_max_streams_uni(conn->qc, 1);
}

void lp_quic_streams_deinit(struct lp_quic_conn *conn)
{
    struct lp_quic_tx_frame *frame, *tmp;
    struct lp_quic_rx_frame *rx, *rx_tmp;

    DL_FOREACH_SAFE (conn->tx_waiting, frame, tmp) {
        lp_mem_give(&conn->mem, frame);
    }
    DL_FOREACH_SAFE (conn->tx_sent, frame, tmp) {
        lp_mem_give(&conn->mem, frame);
    }
    DL_FOREACH_SAFE (conn->rx_frames, rx, rx_tmp) {
        free(rx->body);
        free(rx);
    }
    free(conn->hello_rx.body);
}
