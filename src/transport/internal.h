/*
 * What the files of this folder share; nothing outside it and its tests includes this header.
 *
 *   tls.c, identity.c   OpenSSL contexts, one TLS session per connection, certificates
 *   quic.c              the endpoint: routing, stateless answers, deadlines
 *   conn.c              a connection's life: set-up, ngtcp2 callbacks, what callers ask
 *   close.c             the ways it ends
 *   streams.c           control frames in and out
 *   flush.c             packets out, grouped for GSO
 *   delaycap.c          how much may be in flight, by the queue that it makes
 *   mem.c               ngtcp2's memory, a connection's apart from the others'
 *   timing.c            when to ask how long our way there is, and when to answer
 *
 * A connection is freed only by lp_quic_conn_end, called with no ngtcp2 callback on the stack
 * and only for the connection that is being worked on; everything that a handler can call marks
 * and queues.
 */
#ifndef LP_TRANSPORT_INTERNAL_H
#define LP_TRANSPORT_INTERNAL_H

#include <ngtcp2/ngtcp2.h>
#include <ngtcp2/ngtcp2_crypto.h>
#include <ngtcp2/ngtcp2_crypto_ossl.h>
#include <openssl/ssl.h>

/* The keys are connection ids of our own making, or keyed hashes: any four octets will do. */
#define HASH_FUNCTION(keyptr, keylen, hashv)                                                   \
    do {                                                                                       \
        uint32_t hashv_octets_;                                                                \
        memcpy(&hashv_octets_, (const uint8_t *)(keyptr) + ((keylen)-4), 4);                   \
        (hashv) = hashv_octets_;                                                               \
    } while (0)
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "proto/control.h"
#include "proto/mtu.h"
#include "transport/delaycap.h"
#include "transport/mem.h"
#include "transport/quic.h"
#include "transport/tls.h"

#define LP_QUIC_RX_WINDOW_BYTES   (256 * 1024)
#define LP_QUIC_CONTROL_FRAME_MAX (LP_CONTROL_PREFIX_LEN + LP_CONTROL_BODY_MAX)
#define LP_QUIC_UNI_STREAMS       64
#define LP_QUIC_SERVER_NAME_MAX   255

/* ---- TLS ---- */

struct lp_tls {
    unsigned refs;
    bool server;
    SSL_CTX *ctx;
    enum lp_tls_trust trust;
    uint8_t pin[LP_TLS_FINGERPRINT_LEN];
    char name[LP_QUIC_SERVER_NAME_MAX + 1]; /* empty = none */
    bool name_is_ip;
};

/* One handshake. Lives inside its connection and does not move. */
struct lp_tls_session {
    ngtcp2_crypto_conn_ref ref; /* what SSL_get_app_data gives */
    struct lp_tls *tls;
    SSL *ssl;
    ngtcp2_crypto_ossl_ctx *ossl;
    char why[LP_TLS_WHY_LEN]; /* why our side refused, empty = it did not */
};

/* `get_conn` finds the ngtcp2 connection from session->ref.user_data, which is `user`. */
int lp_tls_session_init(struct lp_tls_session *session, struct lp_tls *tls,
                        ngtcp2_crypto_get_conn get_conn, void *user);
void lp_tls_session_deinit(struct lp_tls_session *session);

/* Whether LP_ALPN was agreed; RFC 9001 8.1 wants it checked by both sides. */
bool lp_tls_session_alpn_ok(const struct lp_tls_session *session);

/* The alert's name in RFC 8446 ("unknown_ca"), NULL when it is not one that a handshake meets.
 */
const char *lp_tls_alert_name(unsigned alert);

/* True for the alerts by which a peer says that it does not like a certificate. */
bool lp_tls_alert_is_certificate(unsigned alert);

/* ---- connections ---- */

/* Where packets with a connection id go. */
struct lp_quic_route {
    uint8_t key[LP_QUIC_CID_LEN];
    struct lp_quic_conn *conn;
    struct lp_quic_route *next; /* of the same connection */
    UT_hash_handle hh;
};

/* A control frame that is arriving. */
struct lp_quic_rx_frame {
    struct lp_quic_rx_frame *prev, *next;
    uint8_t prefix[LP_CONTROL_PREFIX_LEN];
    size_t have; /* octets so far, prefix included */
    uint8_t *body;
    bool delivered;
};

/* A control frame that is leaving; kept until the peer has acknowledged it. */
struct lp_quic_tx_frame {
    struct lp_quic_tx_frame *prev, *next;
    int64_t stream_id; /* -1 = not opened yet */
    bool hello;
    size_t len;
    size_t sent;
    uint8_t bytes[];
};

/* Family, then the IPv4 address or the IPv6 /64. */
#define LP_QUIC_SOURCE_KEY_LEN 9

/* Questions and answers about delay; see timing.c. */
struct lp_quic_clock {
    uint64_t asked_ns;     /* the latest question */
    uint64_t asked_octets; /* sent before it */
    uint64_t window_ns; /* since when what is sent is counted, for whether there is traffic */
    uint64_t window_octets;
    uint64_t answered_ns; /* when the latest question was taken */
    bool owes;            /* an answer, this one: */
    uint32_t delay_us;
};

struct lp_quic_conn {
    struct lp_quic *quic;
    struct lp_quic_conn *prev, *next;
    struct lp_quic_conn *dirty_next;
    struct lp_mem mem; /* qc's, and of control frames */
    ngtcp2_conn *qc;
    struct lp_tls_session tls;
    void *user;
    struct lp_quic_route *routes;
    struct lp_quic_source *source; /* while it is not admitted and they are bounded */
    uint64_t heard_ns;             /* when a valid packet last came, to HEARD_GRAIN_NS */
    uint64_t heard_packets;
    uint64_t deadline_ns;
    size_t heap_at; /* SIZE_MAX = not in the heap */
    bool dirty;
    bool any_local;   /* we were not told which local address this connection has */
    bool established; /* the handler knows that the handshake is complete */
    bool confirmed;   /* both ends know it (RFC 9001 4.1.2) */
    bool closing;     /* lp_quic_close was called, or a violation found */
    bool silent;      /* closing without a word: lp_quic_abandon */
    bool ended;       /* closed() is running */
    bool reset;       /* a stateless reset came */
    bool hello_queued;
    bool hello_here;                       /* the peer's hello stream is open */
    uint64_t close_code;                   /* with closing */
    char close_reason[LP_QUIC_REASON_LEN]; /* as given; escaped by who shows it */
    struct lp_quic_rx_frame hello_rx;
    struct lp_quic_rx_frame *rx_frames;
    struct lp_quic_tx_frame *tx_waiting; /* not all sent yet, in order */
    struct lp_quic_tx_frame *tx_sent;
    size_t tx_bytes;
    bool have_datagram; /* offered by the egress and not taken yet */
    struct lp_quic_datagram datagram;
    bool more;    /* the last flush ended for want of room in a transmit, not of data */
    bool unpaced; /* the path is too short for a pacer */
    bool due;     /* its deadline has come */
    bool
        prompt; /* a large packet came since one was sent: its sender's window waits for news */
    unsigned unanswered;    /* packets that came since one was sent */
    uint64_t unanswered_ns; /* when the first of them did */
    uint64_t datagrams_lost;
    struct lp_delaycap delaycap;
    bool acked;      /* datagrams were, since the cap was last looked at */
    uint64_t flight; /* octets, about; of this flush */
    uint64_t sent;   /* octets in packets, since the handshake */
    struct lp_quic_clock clock;
};

/* Packets in the endpoint's buffer that one transmit can carry. */
struct lp_quic_group {
    ngtcp2_path_storage path;
    uint8_t ecn;
    size_t len;
    size_t segment_len;
    size_t segments;
    bool closed; /* the last segment is short, or it must travel alone */
};

#define LP_QUIC_TX_BUFFER_BYTES (LP_QUIC_TX_MAX + LP_QUIC_PAYLOAD_MAX)

struct lp_quic {
    struct lp_quic_config config;
    struct lp_quic_conn *conns;
    unsigned conn_count;
    struct lp_quic_route *routes;
    struct lp_quic_source *sources;
    struct lp_quic_refusals refusals;
    struct lp_quic_conn *dirty_head, *dirty_tail;
    struct lp_quic_conn **heap; /* by deadline, room for every connection */
    size_t heap_len;
    size_t heap_capacity;
    uint64_t reset_allowed_ns; /* rate limit of stateless resets, see quic.c */
    bool blocked;              /* the socket was full: nothing leaves before on_writable */
    struct lp_quic_group
        group[2]; /* [0] in work; [1] came after it when the socket filled up */
    uint8_t buffer[LP_QUIC_TX_BUFFER_BYTES];
};

/* quic.c */
int lp_quic_route_add(struct lp_quic_conn *conn, const uint8_t key[LP_QUIC_CID_LEN]);
void lp_quic_route_remove(struct lp_quic_conn *conn, const uint8_t key[LP_QUIC_CID_LEN]);
struct lp_quic_conn *lp_quic_route_find(const struct lp_quic *quic,
                                        const uint8_t key[LP_QUIC_CID_LEN]);
void lp_quic_cid_make(struct lp_quic *quic, ngtcp2_cid *ret_cid);
void lp_quic_mark_dirty(struct lp_quic_conn *conn);

/* heap.c: the endpoint's deadlines */
int lp_quic_heap_reserve(struct lp_quic *quic, size_t count);
void lp_quic_heap_set(struct lp_quic_conn *conn, uint64_t deadline_ns); /* NEVER takes it out */

/* address.c */
void lp_quic_addr_to_ngtcp2(const struct lp_addr *addr, uint8_t family_if_none,
                            ngtcp2_sockaddr_union *storage, ngtcp2_addr *ret_addr);
struct lp_addr lp_quic_addr_from_ngtcp2(const ngtcp2_addr *addr);
void lp_quic_path_init(ngtcp2_path_storage *path, const struct lp_addr *local,
                       const struct lp_addr *remote);

/* conn.c */
struct lp_quic_conn_origin { /* server: the Initial packet that opened the connection */
    const ngtcp2_pkt_hd *header;
    const ngtcp2_cid *original_dcid; /* after a Retry, else NULL */
};
int lp_quic_conn_new(struct lp_quic *quic, const struct lp_addr *local,
                     const struct lp_addr *remote, const struct lp_quic_conn_origin *origin,
                     struct lp_quic_conn **ret_conn, uint64_t now_ns);
void lp_quic_conn_free(struct lp_quic_conn *conn);

/* close.c */
/* Marks a violation by the peer; for ngtcp2 callbacks, whose return value it gives. */
int lp_quic_conn_violation(struct lp_quic_conn *conn, const char *reason);
/* Tells the handler and frees. */
void lp_quic_conn_end(struct lp_quic_conn *conn, const struct lp_quic_close_info *info,
                      uint64_t now_ns);
/* Ends a connection for which ngtcp2 gave this error, with CONNECTION_CLOSE where it is due. */
void lp_quic_conn_fail(struct lp_quic_conn *conn, int ngtcp2_error, uint64_t now_ns);
/* When silence ends it. */
uint64_t lp_quic_conn_idle_at(const struct lp_quic_conn *conn);
/* Ends a connection whose `closing` is set. */
void lp_quic_conn_finish_close(struct lp_quic_conn *conn, uint64_t now_ns);

/* sources.c; lp_quic_admit leaves the source, as the end of a connection does */
/* Counts a refusal when it is. */
bool lp_quic_source_is_full(struct lp_quic *quic, const struct lp_addr *addr);
int lp_quic_source_enter(struct lp_quic_conn *conn, const struct lp_addr *addr);

/* streams.c */
int lp_quic_streams_receive(struct lp_quic_conn *conn, int64_t stream_id, bool fin,
                            const uint8_t *bytes, size_t len, void *stream_user);
int lp_quic_streams_reset(struct lp_quic_conn *conn, int64_t stream_id, void *stream_user);
void lp_quic_streams_closed(struct lp_quic_conn *conn, int64_t stream_id, void *stream_user);
void lp_quic_streams_deinit(struct lp_quic_conn *conn);
/* The frame that can send something now, opened; NULL when none can. */
struct lp_quic_tx_frame *lp_quic_streams_next(struct lp_quic_conn *conn);
void lp_quic_streams_sent(struct lp_quic_conn *conn, struct lp_quic_tx_frame *frame,
                          size_t len);
/* The peer does not want the rest. */
void lp_quic_streams_dropped(struct lp_quic_conn *conn, struct lp_quic_tx_frame *frame);

/* timing.c */
/* Of datagrams that the egress knows nothing of; its own ids count up from below. */
#define LP_QUIC_TIMING_ID UINT64_MAX
/* What is to be said to the peer now, false when nothing is; it stays so until _said. */
bool lp_quic_timing_due(struct lp_quic_conn *conn, struct lp_timing *ret_timing,
                        uint64_t now_ns);
void lp_quic_timing_said(struct lp_quic_conn *conn, const struct lp_timing *timing,
                         uint64_t now_ns);

/* flush.c */
uint8_t *lp_quic_tx_space(struct lp_quic *quic);
/* Takes the packet just written to lp_quic_tx_space. alone: in a send of its own. */
void lp_quic_tx_commit(struct lp_quic *quic, const ngtcp2_path *path, uint8_t ecn, size_t len,
                       bool alone);

#endif
