/* The endpoint: where packets belong, what is answered without a connection, deadlines. */
#include "transport/internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "base/err.h"

#define RETRY_TOKEN_LIFE_NS (10 * LP_NS_PER_S)
#define RESETS_PER_SECOND   100
#define RESET_BURST_NS      LP_NS_PER_S
#define RESET_LEN_MIN       (NGTCP2_MIN_STATELESS_RESET_RANDLEN + NGTCP2_STATELESS_RESET_TOKENLEN)
#define RESET_LEN_MAX       43 /* RFC 9000 10.3: the least that looks like any other packet */
#define ANSWER_MAX          512
#define HEARD_GRAIN_NS      (100 * LP_NS_PER_MS)
#define SMALL_PACKET_MAX    600 /* a game's; more comes from who sends in bulk */

static_assert(NGTCP2_STATELESS_RESET_TOKENLEN >= LP_QUIC_CID_LEN, "a token gives a route key");

/* ---- routes ---- */

struct lp_quic_conn *lp_quic_route_find(const struct lp_quic *quic,
                                        const uint8_t key[LP_QUIC_CID_LEN])
{
    struct lp_quic_route *route;

    HASH_FIND(hh, quic->routes, key, LP_QUIC_CID_LEN, route);
    return route != NULL ? route->conn : NULL;
}

int lp_quic_route_add(struct lp_quic_conn *conn, const uint8_t key[LP_QUIC_CID_LEN])
{
    struct lp_quic *quic = conn->quic;
    struct lp_quic_route *route = calloc(1, sizeof *route);

    if (route == NULL)
        return LP_ERR_NOMEM;
    memcpy(route->key, key, LP_QUIC_CID_LEN);
    HASH_ADD(hh, quic->routes, key, LP_QUIC_CID_LEN, route);
    if (route->hh.tbl == NULL) {
        free(route);
        return LP_ERR_NOMEM;
    }
    route->conn = conn;
    LL_PREPEND(conn->routes, route);
    return 0;
}

void lp_quic_route_remove(struct lp_quic_conn *conn, const uint8_t key[LP_QUIC_CID_LEN])
{
    struct lp_quic *quic = conn->quic;
    struct lp_quic_route *route;

    LL_FOREACH (conn->routes, route) {
        if (memcmp(route->key, key, LP_QUIC_CID_LEN) == 0)
            break;
    }
    if (route == NULL)
        return;
    LL_DELETE(conn->routes, route);
    HASH_DELETE(hh, quic->routes, route);
    free(route);
}

/*
 * A client's Initial packets carry an id that the client chose. It is hashed under our key, so
 * that nobody can aim at the table's buckets or at another connection's id.
 */
static int foreign_key(const struct lp_quic *quic, const ngtcp2_cid *cid,
                       uint8_t ret_key[LP_QUIC_CID_LEN])
{
    uint8_t token[NGTCP2_STATELESS_RESET_TOKENLEN];

    if (ngtcp2_crypto_generate_stateless_reset_token(token, quic->config.static_secret,
                                                     LP_QUIC_SECRET_LEN, cid) != 0)
        return LP_ERR_TLS;
    memcpy(ret_key, token, LP_QUIC_CID_LEN);
    return 0;
}

void lp_quic_cid_make(struct lp_quic *quic, ngtcp2_cid *ret_cid)
{
    ret_cid->datalen = LP_QUIC_CID_LEN;
    do {
        quic->config.random(quic->config.user, ret_cid->data, LP_QUIC_CID_LEN);
        ret_cid->data[0] = quic->config.loop_id;
    } while (lp_quic_route_find(quic, ret_cid->data) != NULL);
}

/* ---- life ---- */

int lp_quic_new(const struct lp_quic_config *config, struct lp_quic **ret_quic)
{
    struct lp_quic *quic;

    if (config->tls->server != config->server || config->max_connections == 0)
        return LP_ERR_INVALID;
    quic = calloc(1, sizeof *quic);
    if (quic == NULL)
        return LP_ERR_NOMEM;
    quic->config = *config;
    if (quic->config.keep_alive_ns == 0)
        quic->config.keep_alive_ns = LP_QUIC_KEEP_ALIVE_NS;
    *ret_quic = quic;
    return 0;
}

void lp_quic_free(struct lp_quic *quic)
{
    if (quic == NULL)
        return;
    while (quic->conns != NULL)
        lp_quic_conn_free(quic->conns);
    free(quic->heap);
    OPENSSL_cleanse(quic->config.static_secret, sizeof quic->config.static_secret);
    free(quic);
}

int lp_quic_connect(struct lp_quic *quic, const struct lp_addr *local,
                    const struct lp_addr *remote, struct lp_quic_conn **ret_conn,
                    uint64_t now_ns)
{
    int err;

    if (quic->config.server || remote->family == LP_ADDR_NONE)
        return LP_ERR_INVALID;
    if (quic->conn_count >= quic->config.max_connections)
        return LP_ERR_FULL;
    err = lp_quic_conn_new(quic, local, remote, NULL, ret_conn, now_ns);
    if (err == 0)
        lp_quic_mark_dirty(*ret_conn);
    return err;
}

void lp_quic_mark_dirty(struct lp_quic_conn *conn)
{
    struct lp_quic *quic = conn->quic;

    if (conn->dirty || conn->ended)
        return;
    conn->dirty = true;
    conn->dirty_next = NULL;
    if (quic->dirty_tail != NULL)
        quic->dirty_tail->dirty_next = conn;
    else
        quic->dirty_head = conn;
    quic->dirty_tail = conn;
}

void lp_quic_wake(struct lp_quic_conn *conn)
{
    lp_quic_mark_dirty(conn);
}

/* ---- answers that need no connection ---- */

struct arrival {
    const struct lp_addr *local;
    const struct lp_addr *remote;
    uint8_t ecn;
    const uint8_t *bytes;
    size_t len;
    uint64_t now_ns;
};

/* Best effort: a full socket loses it, as the path might. */
static void answer(struct lp_quic *quic, const struct arrival *in, const uint8_t *bytes,
                   ngtcp2_ssize len)
{
    struct lp_quic_tx tx = {.local = *in->local, .remote = *in->remote, .bytes = bytes};

    if (len <= 0 || quic->blocked)
        return;
    tx.len = (size_t)len;
    tx.segment_len = (size_t)len;
    if (quic->config.handler->transmit(quic->config.user, &tx) == LP_ERR_AGAIN)
        quic->blocked = true;
}

static void answer_version(struct lp_quic *quic, const struct arrival *in,
                           const ngtcp2_version_cid *ids)
{
    static const uint32_t versions[] = {NGTCP2_PROTO_VER_V1};
    uint8_t out[2 * UINT8_MAX + 32];
    uint8_t random = 0;

    if (in->len < LP_QUIC_PAYLOAD_MIN)
        return;
    quic->config.random(quic->config.user, &random, sizeof random);
    answer(quic, in, out,
           ngtcp2_pkt_write_version_negotiation(out, sizeof out, random, ids->scid,
                                                ids->scidlen, ids->dcid, ids->dcidlen, versions,
                                                1));
}

static void answer_retry(struct lp_quic *quic, const struct arrival *in,
                         const ngtcp2_pkt_hd *header)
{
    const uint8_t *secret = quic->config.static_secret;
    uint8_t token[NGTCP2_CRYPTO_MAX_RETRY_TOKENLEN2];
    uint8_t out[ANSWER_MAX];
    ngtcp2_path_storage path;
    ngtcp2_ssize token_len;
    ngtcp2_cid scid;

    lp_quic_path_init(&path, in->local, in->remote);
    lp_quic_cid_make(quic, &scid);
    token_len = ngtcp2_crypto_generate_retry_token2(
        token, secret, LP_QUIC_SECRET_LEN, header->version, path.path.remote.addr,
        path.path.remote.addrlen, &scid, &header->dcid, in->now_ns);
    if (token_len < 0)
        return;
    answer(quic, in, out,
           ngtcp2_crypto_write_retry(out, sizeof out, header->version, &header->scid, &scid,
                                     &header->dcid, token, (size_t)token_len));
}

static void answer_refusal(struct lp_quic *quic, const struct arrival *in,
                           const ngtcp2_pkt_hd *header, uint64_t code, const char *reason)
{
    uint8_t out[ANSWER_MAX];

    answer(quic, in, out,
           ngtcp2_crypto_write_connection_close(out, sizeof out, header->version, &header->scid,
                                                &header->dcid, code, (const uint8_t *)reason,
                                                strlen(reason)));
}

static bool reset_allowed(struct lp_quic *quic, uint64_t now_ns)
{
    const uint64_t each_ns = LP_NS_PER_S / RESETS_PER_SECOND;
    uint64_t at = quic->reset_allowed_ns > now_ns ? quic->reset_allowed_ns : now_ns;

    if (at - now_ns + each_ns > RESET_BURST_NS)
        return false;
    quic->reset_allowed_ns = at + each_ns;
    return true;
}

/*
 * Tells a peer of our former life that its connection is gone (RFC 9000 10.3). Shorter than
 * what came, so that two endpoints cannot keep each other busy; and only for ids of this loop,
 * because another's connections are alive.
 */
static void answer_reset(struct lp_quic *quic, const struct arrival *in,
                         const ngtcp2_version_cid *ids)
{
    ngtcp2_stateless_reset_token token;
    uint8_t random[RESET_LEN_MAX - NGTCP2_STATELESS_RESET_TOKENLEN];
    uint8_t out[RESET_LEN_MAX];
    ngtcp2_cid cid;
    size_t len = in->len - 1 < RESET_LEN_MAX ? in->len - 1 : RESET_LEN_MAX;

    if (len < RESET_LEN_MIN || ids->dcid[0] != quic->config.loop_id ||
        !reset_allowed(quic, in->now_ns))
        return;
    ngtcp2_cid_init(&cid, ids->dcid, ids->dcidlen);
    if (ngtcp2_crypto_generate_stateless_reset_token(token.data, quic->config.static_secret,
                                                     LP_QUIC_SECRET_LEN, &cid) != 0)
        return;
    quic->config.random(quic->config.user, random, sizeof random);
    answer(quic, in, out,
           ngtcp2_pkt_write_stateless_reset2(out, sizeof out, &token, random,
                                             len - NGTCP2_STATELESS_RESET_TOKENLEN));
}

/* ---- arrivals ---- */

/*
 * Only what decrypts counts: somebody who saw the connection id on the wire must not be able to keep a
 * dead connection alive. Looked at rarely, because ngtcp2 copies all it knows to tell.
 */
static void note_heard(struct lp_quic_conn *conn, uint64_t now_ns)
{
    ngtcp2_conn_info info;

    if (lp_time_since(conn->heard_ns, now_ns) < HEARD_GRAIN_NS)
        return;
    ngtcp2_conn_get_conn_info(conn->qc, &info);
    if (info.pkt_recv == conn->heard_packets)
        return;
    conn->heard_packets = info.pkt_recv;
    conn->heard_ns = now_ns;
}

static void read_packet(struct lp_quic_conn *conn, const struct arrival *in)
{
    static const struct lp_addr any = {.family = LP_ADDR_NONE};
    ngtcp2_pkt_info pi = {.ecn = in->ecn};
    ngtcp2_path_storage path;
    int err;

    lp_quic_path_init(&path, conn->any_local ? &any : in->local, in->remote);
    err = ngtcp2_conn_read_pkt(conn->qc, &path.path, &pi, in->bytes, in->len, in->now_ns);
    if (err != 0) {
        lp_quic_conn_fail(conn, err, in->now_ns);
        return;
    }
    note_heard(conn, in->now_ns);
    if (in->len > SMALL_PACKET_MAX)
        conn->prompt = true;
    if (conn->unanswered++ == 0)
        conn->unanswered_ns = in->now_ns;
    lp_quic_mark_dirty(conn);
}

static void open_connection(struct lp_quic *quic, const struct arrival *in,
                            const struct lp_quic_conn_origin *origin,
                            const uint8_t key[LP_QUIC_CID_LEN])
{
    struct lp_quic_conn *conn;

    if (quic->conn_count >= quic->config.max_connections) {
        answer_refusal(quic, in, origin->header, NGTCP2_CONNECTION_REFUSED,
                       "too many connections");
        return;
    }
    if (lp_quic_source_is_full(quic, in->remote)) {
        answer_refusal(quic, in, origin->header, NGTCP2_CONNECTION_REFUSED,
                       "too many connections from this address");
        return;
    }
    if (lp_quic_conn_new(quic, in->local, in->remote, origin, &conn, in->now_ns) < 0)
        return;
    if (lp_quic_source_enter(conn, in->remote) < 0 || lp_quic_route_add(conn, key) < 0) {
        lp_quic_conn_free(conn);
        return;
    }
    read_packet(conn, in);
}

/* True when the token is ours, fresh and for this address: the peer can receive there. */
static bool retry_token_ok(const struct lp_quic *quic, const struct arrival *in,
                           const ngtcp2_pkt_hd *header, ngtcp2_cid *ret_original)
{
    ngtcp2_path_storage path;

    lp_quic_path_init(&path, in->local, in->remote);
    return ngtcp2_crypto_verify_retry_token2(
               ret_original, header->token, header->tokenlen, quic->config.static_secret,
               LP_QUIC_SECRET_LEN, header->version, path.path.remote.addr,
               path.path.remote.addrlen, &header->dcid, RETRY_TOKEN_LIFE_NS, in->now_ns) == 0;
}

static void receive_initial(struct lp_quic *quic, const struct arrival *in)
{
    struct lp_quic_conn_origin origin = {0};
    uint8_t key[LP_QUIC_CID_LEN];
    struct lp_quic_conn *conn;
    ngtcp2_pkt_hd header;
    ngtcp2_cid original;
    bool retry_token;

    if (ngtcp2_accept(&header, in->bytes, in->len) != 0 ||
        foreign_key(quic, &header.dcid, key) < 0)
        return;
    conn = lp_quic_route_find(quic, key);
    if (conn != NULL) {
        read_packet(conn, in);
        return;
    }
    origin.header = &header;
    retry_token = header.tokenlen > 0 && header.token[0] == NGTCP2_CRYPTO_TOKEN_MAGIC_RETRY2;
    if (retry_token && retry_token_ok(quic, in, &header, &original)) {
        origin.original_dcid = &original;
    } else if (retry_token) {
        /* A client takes one Retry only: another would leave it waiting (RFC 9000 8.1.2). */
        answer_refusal(quic, in, &header, NGTCP2_INVALID_TOKEN, "Retry token not valid");
        return;
    } else if (quic->config.require_retry) {
        answer_retry(quic, in, &header);
        return;
    }
    open_connection(quic, in, &origin, key);
}

/*
 * Nothing in a stateless reset's id is ours: every connection with that peer looks whether the
 * end is its token. A client has one or two.
 */
static void receive_perhaps_reset(struct lp_quic *quic, const struct arrival *in)
{
    struct lp_quic_conn *conn, *tmp;

    DL_FOREACH_SAFE (quic->conns, conn, tmp) {
        const ngtcp2_path *path = ngtcp2_conn_get_path(conn->qc);
        struct lp_addr remote = lp_quic_addr_from_ngtcp2(&path->remote);

        if (lp_addr_equal(&remote, in->remote))
            read_packet(conn, in);
    }
}

static bool is_long_header(const uint8_t *bytes)
{
    return (bytes[0] & 0x80) != 0;
}

void lp_quic_receive(struct lp_quic *quic, const struct lp_addr *local,
                     const struct lp_addr *remote, uint8_t ecn, const uint8_t *bytes,
                     size_t len, uint64_t now_ns)
{
    const struct arrival in = {local, remote, ecn, bytes, len, now_ns};
    struct lp_quic_conn *conn = NULL;
    ngtcp2_version_cid ids;
    int err;

    if (len == 0 || remote->family == LP_ADDR_NONE)
        return;
    err = ngtcp2_pkt_decode_version_cid(&ids, bytes, len, LP_QUIC_CID_LEN);
    if (err != 0 && err != NGTCP2_ERR_VERSION_NEGOTIATION)
        return;
    if (err == 0 && ids.dcidlen == LP_QUIC_CID_LEN)
        conn = lp_quic_route_find(quic, ids.dcid);
    if (conn != NULL)
        read_packet(conn, &in);
    else if (!is_long_header(bytes) && quic->config.server)
        answer_reset(quic, &in, &ids);
    else if (!is_long_header(bytes))
        receive_perhaps_reset(quic, &in);
    else if (!quic->config.server)
        return;
    else if (err != 0 || (ids.version != 0 && ids.version != NGTCP2_PROTO_VER_V1))
        answer_version(quic, &in, &ids);
    else
        receive_initial(quic, &in);
}

/* ---- deadlines ---- */

uint64_t lp_quic_next_deadline(const struct lp_quic *quic)
{
    return quic->heap_len > 0 ? quic->heap[0]->deadline_ns : LP_TIME_NEVER;
}

void lp_quic_on_deadline(struct lp_quic *quic, uint64_t now_ns)
{
    while (quic->heap_len > 0 && quic->heap[0]->deadline_ns <= now_ns) {
        struct lp_quic_conn *conn = quic->heap[0];
        int err;

        if (now_ns >= lp_quic_conn_idle_at(conn))
            err = NGTCP2_ERR_IDLE_CLOSE;
        else
            err = ngtcp2_conn_handle_expiry(conn->qc, now_ns);

        if (err != 0) {
            lp_quic_conn_fail(conn, err, now_ns);
            continue;
        }
        conn->due = true;
        /* The flush sets the next one. */
        lp_quic_heap_set(conn, LP_TIME_NEVER);
        lp_quic_mark_dirty(conn);
    }
}
