/* A connection: set-up, what ngtcp2 asks and tells, and what callers ask. */
#include "transport/internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "base/err.h"

#define CLIENT_INITIAL_DCID_LEN 18
#define ACTIVE_CID_LIMIT        4

/* ---- callbacks ---- */

static ngtcp2_conn *get_conn(ngtcp2_crypto_conn_ref *ref)
{
    return ((struct lp_quic_conn *)ref->user_data)->qc;
}

static void on_random(uint8_t *bytes, size_t len, const ngtcp2_rand_ctx *ctx)
{
    const struct lp_quic *quic = ctx->native_handle;

    quic->config.random(quic->config.user, bytes, len);
}

static int on_new_cid(ngtcp2_conn *qc, ngtcp2_cid *cid, ngtcp2_stateless_reset_token *token,
                      size_t len, void *user)
{
    struct lp_quic_conn *conn = user;
    const uint8_t *secret = conn->quic->config.static_secret;

    (void)qc;
    assert(len == LP_QUIC_CID_LEN);
    lp_quic_cid_make(conn->quic, cid);
    if (lp_quic_route_add(conn, cid->data) < 0 ||
        ngtcp2_crypto_generate_stateless_reset_token(token->data, secret, LP_QUIC_SECRET_LEN,
                                                     cid) != 0)
        return NGTCP2_ERR_CALLBACK_FAILURE;
    return 0;
}

static int on_remove_cid(ngtcp2_conn *qc, const ngtcp2_cid *cid, void *user)
{
    (void)qc;
    lp_quic_route_remove(user, cid->data);
    return 0;
}

static int on_handshake_completed(ngtcp2_conn *qc, void *user)
{
    struct lp_quic_conn *conn = user;
    const struct lp_quic_config *config = &conn->quic->config;
    uint64_t now_ns = ngtcp2_conn_get_timestamp(qc);

    if (!lp_tls_session_alpn_ok(&conn->tls)) {
        ngtcp2_conn_set_tls_alert(qc, SSL_AD_NO_APPLICATION_PROTOCOL);
        return NGTCP2_ERR_CALLBACK_FAILURE;
    }
    if (conn->closing)
        return 0;
    conn->established = true;
    conn->confirmed = config->server; /* the client will be told */
    if (!config->server)
        config->handler->connected(config->user, conn, now_ns);
    else if (config->handler->accept(config->user, conn, now_ns) < 0)
        lp_quic_close(conn, LP_QUIC_APP_REJECTED, "refused");
    return 0;
}

static int on_handshake_confirmed(ngtcp2_conn *qc, void *user)
{
    (void)qc;
    ((struct lp_quic_conn *)user)->confirmed = true;
    return 0;
}

static int on_datagram(ngtcp2_conn *qc, uint32_t flags, const uint8_t *bytes, size_t len,
                       void *user)
{
    struct lp_quic_conn *conn = user;
    const struct lp_quic_config *config = &conn->quic->config;

    (void)flags;
    if (conn->established && !conn->closing)
        config->handler->datagram(config->user, conn, bytes, len,
                                  ngtcp2_conn_get_timestamp(qc));
    return 0;
}

static int on_datagram_acked(ngtcp2_conn *qc, uint64_t id, void *user)
{
    struct lp_quic_conn *conn = user;
    const struct lp_quic_config *config = &conn->quic->config;

    conn->acked = true;
    if (id == LP_QUIC_TIMING_ID)
        return 0;
    if (config->handler->datagram_acked != NULL && !conn->closing)
        config->handler->datagram_acked(config->user, conn, id, ngtcp2_conn_get_timestamp(qc));
    return 0;
}

static int on_datagram_lost(ngtcp2_conn *qc, uint64_t id, void *user)
{
    struct lp_quic_conn *conn = user;
    const struct lp_quic_config *config = &conn->quic->config;

    if (id == LP_QUIC_TIMING_ID)
        return 0;
    conn->datagrams_lost++;
    if (config->handler->datagram_lost != NULL && !conn->closing)
        config->handler->datagram_lost(config->user, conn, id, ngtcp2_conn_get_timestamp(qc));
    return 0;
}

static int on_stream_data(ngtcp2_conn *qc, uint32_t flags, int64_t stream_id, uint64_t offset,
                          const uint8_t *bytes, size_t len, void *user, void *stream_user)
{
    (void)qc;
    (void)offset;
    return lp_quic_streams_receive(user, stream_id, (flags & NGTCP2_STREAM_DATA_FLAG_FIN) != 0,
                                   bytes, len, stream_user);
}

static int on_stream_reset(ngtcp2_conn *qc, int64_t stream_id, uint64_t final_size,
                           uint64_t code, void *user, void *stream_user)
{
    (void)qc;
    (void)final_size;
    (void)code;
    return lp_quic_streams_reset(user, stream_id, stream_user);
}

static int on_stream_close(ngtcp2_conn *qc, uint32_t flags, int64_t stream_id, uint64_t code,
                           void *user, void *stream_user)
{
    (void)qc;
    (void)flags;
    (void)code;
    lp_quic_streams_closed(user, stream_id, stream_user);
    return 0;
}

static int on_stateless_reset(ngtcp2_conn *qc, const ngtcp2_pkt_stateless_reset2 *reset,
                              void *user)
{
    (void)qc;
    (void)reset;
    ((struct lp_quic_conn *)user)->reset = true;
    return 0;
}

static ngtcp2_callbacks callbacks(bool server)
{
    ngtcp2_callbacks set = {
        .recv_crypto_data = ngtcp2_crypto_recv_crypto_data_cb,
        .encrypt = ngtcp2_crypto_encrypt_cb,
        .decrypt = ngtcp2_crypto_decrypt_cb,
        .hp_mask = ngtcp2_crypto_hp_mask_cb,
        .update_key = ngtcp2_crypto_update_key_cb,
        .delete_crypto_aead_ctx = ngtcp2_crypto_delete_crypto_aead_ctx_cb,
        .delete_crypto_cipher_ctx = ngtcp2_crypto_delete_crypto_cipher_ctx_cb,
        .get_path_challenge_data2 = ngtcp2_crypto_get_path_challenge_data2_cb,
        .version_negotiation = ngtcp2_crypto_version_negotiation_cb,
        .rand = on_random,
        .get_new_connection_id2 = on_new_cid,
        .remove_connection_id = on_remove_cid,
        .handshake_completed = on_handshake_completed,
        .handshake_confirmed = on_handshake_confirmed,
        .recv_datagram = on_datagram,
        .ack_datagram = on_datagram_acked,
        .lost_datagram = on_datagram_lost,
        .recv_stream_data = on_stream_data,
        .stream_reset = on_stream_reset,
        .stream_close = on_stream_close,
        .recv_stateless_reset2 = on_stateless_reset,
    };

    if (server) {
        set.recv_client_initial = ngtcp2_crypto_recv_client_initial_cb;
    } else {
        set.client_initial = ngtcp2_crypto_client_initial_cb;
        set.recv_retry = ngtcp2_crypto_recv_retry_cb;
    }
    return set;
}

/* ---- set-up ---- */

static void fill_settings(const struct lp_quic *quic, ngtcp2_settings *settings,
                          uint64_t now_ns)
{
    /* The library's own probes end at 1444, below what IPv4 over Ethernet carries. */
    static const uint16_t probes[] = {1444, 1452, LP_QUIC_PAYLOAD_MAX};

    ngtcp2_settings_default(settings);
    settings->initial_ts = now_ns;
    settings->cc_algo = NGTCP2_CC_ALGO_BBR;
    settings->handshake_timeout = LP_QUIC_HANDSHAKE_TIMEOUT_NS;
    settings->max_tx_udp_payload_size = LP_QUIC_PAYLOAD_MAX;
    settings->pmtud_probes = probes;
    settings->pmtud_probeslen = sizeof probes / sizeof probes[0];
    settings->rand_ctx.native_handle = (void *)quic;
}

static void fill_params(const struct lp_quic *quic, ngtcp2_transport_params *params)
{
    uint32_t datagram = quic->config.max_datagram_frame_size;

    ngtcp2_transport_params_default(params);
    params->max_idle_timeout = LP_QUIC_IDLE_TIMEOUT_NS;
    params->max_datagram_frame_size = datagram != 0 ? datagram : UINT16_MAX;
    params->initial_max_data = LP_QUIC_RX_WINDOW_BYTES;
    params->initial_max_stream_data_bidi_local = LP_QUIC_CONTROL_FRAME_MAX;
    params->initial_max_stream_data_bidi_remote = LP_QUIC_CONTROL_FRAME_MAX;
    params->initial_max_stream_data_uni = LP_QUIC_CONTROL_FRAME_MAX;
    params->initial_max_streams_uni = LP_QUIC_UNI_STREAMS;
    params->initial_max_streams_bidi = quic->config.server ? 1 : 0;
    params->active_connection_id_limit = ACTIVE_CID_LIMIT;
}

static int new_client(struct lp_quic_conn *conn, const ngtcp2_path *path, uint64_t now_ns)
{
    struct lp_quic *quic = conn->quic;
    ngtcp2_callbacks set = callbacks(false);
    ngtcp2_settings settings;
    ngtcp2_transport_params params;
    ngtcp2_cid scid;
    ngtcp2_cid dcid = {.datalen = CLIENT_INITIAL_DCID_LEN};

    fill_settings(quic, &settings, now_ns);
    fill_params(quic, &params);
    lp_quic_cid_make(quic, &scid);
    quic->config.random(quic->config.user, dcid.data, dcid.datalen);
    if (lp_quic_route_add(conn, scid.data) < 0)
        return LP_ERR_NOMEM;
    if (ngtcp2_conn_client_new(&conn->qc, &dcid, &scid, path, NGTCP2_PROTO_VER_V1, &set,
                               &settings, &params, lp_mem_for_ngtcp2(&conn->mem), conn) != 0)
        return LP_ERR_QUIC;
    return 0;
}

static int new_server(struct lp_quic_conn *conn, const ngtcp2_path *path,
                      const struct lp_quic_conn_origin *origin, uint64_t now_ns)
{
    struct lp_quic *quic = conn->quic;
    const ngtcp2_pkt_hd *header = origin->header;
    ngtcp2_callbacks set = callbacks(true);
    ngtcp2_settings settings;
    ngtcp2_transport_params params;
    ngtcp2_cid scid;

    fill_settings(quic, &settings, now_ns);
    fill_params(quic, &params);
    lp_quic_cid_make(quic, &scid);
    params.original_dcid_present = 1;
    params.original_dcid = header->dcid;
    if (origin->original_dcid != NULL) {
        params.original_dcid = *origin->original_dcid;
        params.retry_scid_present = 1;
        params.retry_scid = header->dcid;
        settings.token = header->token;
        settings.tokenlen = header->tokenlen;
        settings.token_type = NGTCP2_TOKEN_TYPE_RETRY;
    }
    params.stateless_reset_token_present = 1;
    if (lp_quic_route_add(conn, scid.data) < 0)
        return LP_ERR_NOMEM;
    if (ngtcp2_crypto_generate_stateless_reset_token(params.stateless_reset_token,
                                                     quic->config.static_secret,
                                                     LP_QUIC_SECRET_LEN, &scid) != 0 ||
        ngtcp2_conn_server_new(&conn->qc, &header->scid, &scid, path, header->version, &set,
                               &settings, &params, lp_mem_for_ngtcp2(&conn->mem), conn) != 0)
        return LP_ERR_QUIC;
    return 0;
}

static int set_up(struct lp_quic_conn *conn, const ngtcp2_path *path,
                  const struct lp_quic_conn_origin *origin, uint64_t now_ns)
{
    int err = origin != NULL ? new_server(conn, path, origin, now_ns)
                             : new_client(conn, path, now_ns);

    if (err < 0)
        return err;
    err = lp_tls_session_init(&conn->tls, conn->quic->config.tls, get_conn, conn);
    if (err < 0)
        return err;
    ngtcp2_conn_set_tls_native_handle(conn->qc, conn->tls.ossl);
    ngtcp2_conn_set_keep_alive_timeout(conn->qc, conn->quic->config.keep_alive_ns);
    return 0;
}

int lp_quic_conn_new(struct lp_quic *quic, const struct lp_addr *local,
                     const struct lp_addr *remote, const struct lp_quic_conn_origin *origin,
                     struct lp_quic_conn **ret_conn, uint64_t now_ns)
{
    ngtcp2_path_storage path;
    struct lp_quic_conn *conn;
    int err;

    err = lp_quic_heap_reserve(quic, (size_t)quic->conn_count + 1);
    if (err < 0)
        return err;
    conn = calloc(1, sizeof *conn);
    if (conn == NULL)
        return LP_ERR_NOMEM;
    conn->quic = quic;
    conn->heap_at = SIZE_MAX;
    conn->deadline_ns = LP_TIME_NEVER;
    conn->heard_ns = now_ns;
    conn->any_local = local->family == LP_ADDR_NONE;
    lp_delaycap_init(&conn->delaycap);
    lp_mem_init(&conn->mem);
    DL_APPEND(quic->conns, conn);
    quic->conn_count++;
    lp_quic_path_init(&path, local, remote);
    err = set_up(conn, &path.path, origin, now_ns);
    if (err < 0) {
        lp_quic_conn_free(conn);
        return err;
    }
    *ret_conn = conn;
    return 0;
}

static void leave_dirty_list(struct lp_quic_conn *conn)
{
    struct lp_quic *quic = conn->quic;
    struct lp_quic_conn *before = NULL;

    if (!conn->dirty)
        return;
    for (struct lp_quic_conn *at = quic->dirty_head; at != conn; at = at->dirty_next)
        before = at;
    if (before == NULL)
        quic->dirty_head = conn->dirty_next;
    else
        before->dirty_next = conn->dirty_next;
    if (quic->dirty_tail == conn)
        quic->dirty_tail = before;
    conn->dirty = false;
}

void lp_quic_conn_free(struct lp_quic_conn *conn)
{
    struct lp_quic *quic = conn->quic;

    lp_quic_admit(conn);
    while (conn->routes != NULL)
        lp_quic_route_remove(conn, conn->routes->key);
    lp_quic_heap_set(conn, LP_TIME_NEVER);
    leave_dirty_list(conn);
    DL_DELETE(quic->conns, conn);
    quic->conn_count--;
    lp_quic_streams_deinit(conn);
    lp_tls_session_deinit(&conn->tls);
    ngtcp2_conn_del(conn->qc);
    lp_mem_deinit(&conn->mem);
    free(conn);
}

/* ---- what callers ask ---- */

void lp_quic_conn_set_user(struct lp_quic_conn *conn, void *user)
{
    conn->user = user;
}

void *lp_quic_conn_user(const struct lp_quic_conn *conn)
{
    return conn->user;
}

static uint32_t peer_max_datagram(const struct lp_quic_conn *conn)
{
    const ngtcp2_transport_params *params = ngtcp2_conn_get_remote_transport_params(conn->qc);

    if (params == NULL || params->max_datagram_frame_size <= LP_QUIC_DATAGRAM_OVERHEAD)
        return 0;
    if (params->max_datagram_frame_size > UINT16_MAX)
        return UINT16_MAX - LP_QUIC_DATAGRAM_OVERHEAD;
    return (uint32_t)(params->max_datagram_frame_size - LP_QUIC_DATAGRAM_OVERHEAD);
}

size_t lp_quic_datagram_budget(const struct lp_quic_conn *conn)
{
    size_t payload, overhead, budget, accepted;

    if (!conn->established)
        return 0;
    /* Foreign peers may choose connection ids of other lengths than ours. */
    overhead = LP_QUIC_OVERHEAD - LP_QUIC_CID_LEN + ngtcp2_conn_get_dcid(conn->qc)->datalen;
    payload = ngtcp2_conn_get_path_max_tx_udp_payload_size(conn->qc);
    budget = payload > overhead ? payload - overhead : 0;
    accepted = peer_max_datagram(conn);
    return budget < accepted ? budget : accepted;
}

void lp_quic_conn_info(const struct lp_quic_conn *conn, struct lp_quic_conn_info *ret_info)
{
    const ngtcp2_path *path = ngtcp2_conn_get_path(conn->qc);
    ngtcp2_conn_info info;

    ngtcp2_conn_get_conn_info(conn->qc, &info);
    *ret_info = (struct lp_quic_conn_info){
        .local = lp_quic_addr_from_ngtcp2(&path->local),
        .remote = lp_quic_addr_from_ngtcp2(&path->remote),
        /* Before the first sample ngtcp2 gives its initial guess, and no minimum. */
        .srtt_ns = info.min_rtt != UINT64_MAX ? info.smoothed_rtt : 0,
        .min_rtt_ns = info.min_rtt != UINT64_MAX ? info.min_rtt : 0,
        .cwnd_bytes = info.cwnd,
        .in_flight_bytes = info.bytes_in_flight,
        .flight_cap_bytes = conn->delaycap.bytes != LP_DELAYCAP_NONE ? conn->delaycap.bytes : 0,
        .one_way = conn->delaycap.way.least.known,
        .packets_sent = info.pkt_sent,
        .packets_received = info.pkt_recv,
        .packets_lost = info.pkt_lost,
        .datagrams_lost = conn->datagrams_lost,
        .peer_max_datagram = conn->established ? peer_max_datagram(conn) : 0,
    };
}
