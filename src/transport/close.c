/* The ways a connection ends: who says so, what is told to the peer and to the handler. */
#include "transport/internal.h"

#include <stdio.h>
#include <string.h>

#include <openssl/err.h>

/* Text from a stranger, cut to fit, nothing in it that could end or forge a line. */
static void append_printable(char text[LP_QUIC_REASON_LEN], const uint8_t *bytes, size_t len)
{
    size_t at = strlen(text);

    for (size_t i = 0; i < len; i++) {
        bool plain = bytes[i] >= 0x20 && bytes[i] < 0x7f && bytes[i] != '\\';
        size_t need = plain ? 1 : 4;

        if (at + need >= LP_QUIC_REASON_LEN)
            return;
        snprintf(text + at, need + 1, plain ? "%c" : "\\x%02x", bytes[i]);
        at += need;
    }
}

static void append_text(char text[LP_QUIC_REASON_LEN], const char *more)
{
    append_printable(text, (const uint8_t *)more, strlen(more));
}

static const char *transport_code_name(uint64_t code)
{
    static const char *const names[] = {
        "NO_ERROR",
        "INTERNAL_ERROR",
        "CONNECTION_REFUSED",
        "FLOW_CONTROL_ERROR",
        "STREAM_LIMIT_ERROR",
        "STREAM_STATE_ERROR",
        "FINAL_SIZE_ERROR",
        "FRAME_ENCODING_ERROR",
        "TRANSPORT_PARAMETER_ERROR",
        "CONNECTION_ID_LIMIT_ERROR",
        "PROTOCOL_VIOLATION",
        "INVALID_TOKEN",
        "APPLICATION_ERROR",
        "CRYPTO_BUFFER_EXCEEDED",
        "KEY_UPDATE_ERROR",
        "AEAD_LIMIT_REACHED",
        "NO_VIABLE_PATH",
    };

    return code < sizeof names / sizeof names[0] ? names[code] : "unknown QUIC error";
}

static bool is_tls_code(uint64_t code)
{
    return code >= NGTCP2_CRYPTO_ERROR && code <= (NGTCP2_CRYPTO_ERROR | 0xff);
}

static void describe_alert(char text[LP_QUIC_REASON_LEN], unsigned alert, bool from_peer)
{
    const char *name = lp_tls_alert_name(alert);
    char number[32];

    if (name == NULL) {
        snprintf(number, sizeof number, "alert %u", alert);
        name = number;
    }
    if (alert == SSL_AD_NO_APPLICATION_PROTOCOL)
        append_text(text, "peer does not speak " LP_ALPN);
    else if (!from_peer)
        append_text(text, "TLS handshake failed");
    else if (lp_tls_alert_is_certificate(alert))
        append_text(text, "peer refused our certificate");
    else
        append_text(text, "peer refused the TLS handshake");
    append_text(text, ": ");
    append_text(text, name);
}

static void describe_peer_close(struct lp_quic_conn *conn, struct lp_quic_close_info *info)
{
    const ngtcp2_ccerr *error = ngtcp2_conn_get_ccerr(conn->qc);

    if (error->type == NGTCP2_CCERR_TYPE_APPLICATION) {
        info->kind = LP_QUIC_CLOSE_PEER;
        info->app_code = error->error_code;
        append_printable(info->reason, error->reason, error->reasonlen);
        return;
    }
    if (is_tls_code(error->error_code)) {
        info->kind = LP_QUIC_CLOSE_TLS;
        describe_alert(info->reason, (unsigned)(error->error_code & 0xff), true);
        return;
    }
    info->kind = LP_QUIC_CLOSE_TRANSPORT;
    append_text(info->reason, "peer closed: ");
    append_text(info->reason, transport_code_name(error->error_code));
    if (error->reasonlen > 0) {
        append_text(info->reason, ": ");
        append_printable(info->reason, error->reason, error->reasonlen);
    }
}

/* What went wrong on our side, and what the peer is told about it. */
static void describe_error(struct lp_quic_conn *conn, int ngtcp2_error,
                           struct lp_quic_close_info *info, ngtcp2_ccerr *ccerr)
{
    unsigned alert = ngtcp2_conn_get_tls_alert(conn->qc);

    if (alert != 0 || ngtcp2_error == NGTCP2_ERR_CRYPTO) {
        info->kind = LP_QUIC_CLOSE_TLS;
        if (conn->tls.why[0] != '\0')
            append_text(info->reason, conn->tls.why);
        else
            describe_alert(info->reason, alert, false);
        ngtcp2_ccerr_set_tls_alert(ccerr, (uint8_t)alert, NULL, 0);
        return;
    }
    info->kind = LP_QUIC_CLOSE_TRANSPORT;
    append_text(info->reason, "QUIC error: ");
    append_text(info->reason, ngtcp2_strerror(ngtcp2_error));
    ngtcp2_ccerr_set_liberr(ccerr, ngtcp2_error, NULL, 0);
}

/* Whether the peer ever answered; a Retry is an answer that ngtcp2 does not count. */
static bool was_heard(struct lp_quic_conn *conn)
{
    ngtcp2_conn_info info;

    ngtcp2_conn_get_conn_info(conn->qc, &info);
    return info.pkt_recv > 0 ||
           (!conn->quic->config.server && ngtcp2_conn_after_retry(conn->qc));
}

static void write_close(struct lp_quic_conn *conn, const ngtcp2_ccerr *ccerr, uint64_t now_ns)
{
    struct lp_quic *quic = conn->quic;
    ngtcp2_path_storage path;
    ngtcp2_pkt_info pi;
    ngtcp2_ssize len;

    if (quic->blocked)
        return;
    ngtcp2_path_storage_zero(&path);
    len = ngtcp2_conn_write_connection_close(conn->qc, &path.path, &pi, lp_quic_tx_space(quic),
                                             LP_QUIC_PAYLOAD_MAX, ccerr, now_ns);
    if (len > 0)
        lp_quic_tx_commit(quic, &path.path, pi.ecn, (size_t)len, false);
}

/*
 * QUIC's own idle timer starts anew with the first keep-alive that goes unanswered (RFC
 * 9000 10.1), which would make it 20 s. Before the handshake that has its own timeout.
 */
uint64_t lp_quic_conn_idle_at(const struct lp_quic_conn *conn)
{
    return conn->established ? conn->heard_ns + LP_QUIC_IDLE_TIMEOUT_NS : LP_TIME_NEVER;
}

int lp_quic_conn_violation(struct lp_quic_conn *conn, const char *reason)
{
    if (!conn->closing)
        lp_quic_close(conn, LP_QUIC_APP_PROTOCOL_ERROR, reason);
    return 0;
}

void lp_quic_conn_end(struct lp_quic_conn *conn, const struct lp_quic_close_info *info,
                      uint64_t now_ns)
{
    const struct lp_quic_config *config = &conn->quic->config;

    conn->ended = true;
    ERR_clear_error();
    config->handler->closed(config->user, conn, info, now_ns);
    lp_quic_conn_free(conn);
}

void lp_quic_conn_fail(struct lp_quic_conn *conn, int ngtcp2_error, uint64_t now_ns)
{
    struct lp_quic_close_info info = {.heard = was_heard(conn)};
    ngtcp2_ccerr ccerr;

    ngtcp2_ccerr_default(&ccerr);
    switch (ngtcp2_error) {
    case NGTCP2_ERR_DROP_CONN:
    case NGTCP2_ERR_RETRY:
        /* Nothing valid ever came: to the handler it never existed. */
        lp_quic_conn_free(conn);
        return;
    case NGTCP2_ERR_DRAINING:
        if (conn->reset)
            info.kind = LP_QUIC_CLOSE_RESET;
        else
            describe_peer_close(conn, &info);
        break;
    case NGTCP2_ERR_IDLE_CLOSE:
    case NGTCP2_ERR_HANDSHAKE_TIMEOUT:
        info.kind = conn->established ? LP_QUIC_CLOSE_IDLE : LP_QUIC_CLOSE_NO_HANDSHAKE;
        break;
    case NGTCP2_ERR_RECV_VERSION_NEGOTIATION:
        info.kind = LP_QUIC_CLOSE_TRANSPORT;
        append_text(info.reason, "peer does not speak QUIC version 1");
        break;
    default:
        describe_error(conn, ngtcp2_error, &info, &ccerr);
        write_close(conn, &ccerr, now_ns);
        break;
    }
    lp_quic_conn_end(conn, &info, now_ns);
}

void lp_quic_close(struct lp_quic_conn *conn, enum lp_quic_app_code code, const char *reason)
{
    if (conn->closing || conn->ended)
        return;
    conn->closing = true;
    conn->close_code = (uint64_t)code;
    if (reason != NULL)
        snprintf(conn->close_reason, sizeof(conn->close_reason), "%s", reason);
    lp_quic_mark_dirty(conn);
}

void lp_quic_abandon(struct lp_quic_conn *conn, const char *reason)
{
    conn->silent = true;
    lp_quic_close(conn, LP_QUIC_APP_NORMAL, reason);
}

void lp_quic_conn_finish_close(struct lp_quic_conn *conn, uint64_t now_ns)
{
    struct lp_quic_close_info info = {
        .kind = LP_QUIC_CLOSE_LOCAL,
        .app_code = conn->close_code,
        .heard = was_heard(conn),
    };
    ngtcp2_ccerr ccerr;

    ngtcp2_ccerr_default(&ccerr);
    ngtcp2_ccerr_set_application_error(&ccerr, conn->close_code,
                                       (const uint8_t *)conn->close_reason,
                                       strlen(conn->close_reason));
    if (!conn->silent)
        write_close(conn, &ccerr, now_ns);
    append_text(info.reason, conn->close_reason);
    lp_quic_conn_end(conn, &info, now_ns);
}
