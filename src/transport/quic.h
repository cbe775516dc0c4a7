/*
 * QUIC endpoint for server and client use: handshake, ALPN, control messages, DATAGRAMs, path
 * MTU discovery, keep-alive, idle timeout, Retry, stateless reset, BBR. Wraps ngtcp2.
 *
 * Sans-I/O: UDP payloads and time go in, UDP payloads (through the handler's transmit) and
 * deadlines come out. One endpoint is used by one thread. A turn of the caller's loop is:
 * sample now, feed received payloads with lp_quic_receive, run lp_quic_on_deadline when it is
 * due, then once lp_quic_flush: every connection touched in the turn sends what it has, equal
 * sized packets grouped for GSO.
 *
 * DATAGRAMs are pulled, not pushed: the flush asks the handler's egress for the next one only
 * while the congestion window and pacer take it, so a queue stays with the caller, where an AQM
 * can see it.
 *
 * Limits: a control message 64 KiB, LP_QUIC_CONTROL_PENDING_BYTES not acknowledged per
 * connection, `max_connections` per endpoint, `max_waiting` of one source; everything a peer can make us hold is bounded.
 * Sources: RFC 9000, 9001, 9002, 9221; ngtcp2 programmers' guide.
 */
#ifndef LP_TRANSPORT_QUIC_H
#define LP_TRANSPORT_QUIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/time.h"
#include "proto/timing.h"
#include "transport/tls.h"

#define LP_QUIC_IDLE_TIMEOUT_NS       (15 * LP_NS_PER_S)
#define LP_QUIC_KEEP_ALIVE_NS         (5 * LP_NS_PER_S)
#define LP_QUIC_HANDSHAKE_TIMEOUT_NS  (10 * LP_NS_PER_S)
#define LP_QUIC_SECRET_LEN            32
#define LP_QUIC_REASON_LEN            256
#define LP_QUIC_CONTROL_PENDING_BYTES (256 * 1024)
#define LP_QUIC_TX_MAX                65000 /* octets handed to transmit at once: one GSO send */
#define LP_QUIC_TX_SEGMENTS_MAX       64

struct lp_quic;
struct lp_quic_conn;

/* Application error codes of CONNECTION_CLOSE; numbers are on the wire. */
enum lp_quic_app_code {
    LP_QUIC_APP_NORMAL = 0,
    LP_QUIC_APP_PROTOCOL_ERROR = 1,
    LP_QUIC_APP_REJECTED = 2,
    LP_QUIC_APP_REPLACED = 3,
    LP_QUIC_APP_SHUTDOWN = 4,
    LP_QUIC_APP_TIMED_OUT = 5,
};

enum lp_quic_close_kind {
    LP_QUIC_CLOSE_LOCAL = 1,    /* lp_quic_close was called */
    LP_QUIC_CLOSE_PEER,         /* application close by the peer: app_code is theirs */
    LP_QUIC_CLOSE_TRANSPORT,    /* QUIC error, either side */
    LP_QUIC_CLOSE_TLS,          /* handshake refused: certificate, ALPN; reason says which */
    LP_QUIC_CLOSE_IDLE,         /* nothing heard for the idle timeout */
    LP_QUIC_CLOSE_NO_HANDSHAKE, /* handshake did not complete in time */
    LP_QUIC_CLOSE_RESET,        /* stateless reset: the peer has forgotten the connection */
};

struct lp_quic_close_info {
    enum lp_quic_close_kind kind;
    uint64_t app_code;               /* enum lp_quic_app_code, with LOCAL and PEER */
    bool heard;                      /* whether any valid packet ever came from the peer */
    char reason[LP_QUIC_REASON_LEN]; /* printable, for logs and people; may be empty */
};

/* One UDP send: `len` octets in segments of `segment_len` (the last may be shorter). Borrowed.
 */
struct lp_quic_tx {
    struct lp_addr local; /* family NONE = any */
    struct lp_addr remote;
    const uint8_t *bytes;
    size_t len;
    size_t segment_len;
    uint8_t ecn;
};

/* What the egress of a connection wants to send next, in up to two parts. Borrowed until taken.
 */
struct lp_quic_datagram {
    uint64_t id; /* of the caller's, for datagram_acked and datagram_lost */
    bool
        apart; /* in no packet with an earlier one: a copy must not share its original's fate */
    const uint8_t *header;
    size_t header_len;
    const uint8_t *body;
    size_t body_len;
};

enum lp_quic_egress_result {
    LP_QUIC_EGRESS_SENT,
    LP_QUIC_EGRESS_TOO_BIG, /* larger than the budget now: drop it or cut it and be asked again
                             */
};

/*
 * What an endpoint calls. All run inside lp_quic_receive, _on_deadline, _flush, _connect or
 * _close; they may call lp_quic_send_*, lp_quic_wake and lp_quic_close on any connection of the
 * endpoint. NULL members are not allowed, except accept for clients and where
 * it says so.
 */
struct lp_quic_handler {
    /* Server: a peer completed the handshake. Return < 0 to close it. Set user data here. */
    int (*accept)(void *user, struct lp_quic_conn *conn, uint64_t now_ns);
    /* Client: the handshake is complete, the peer is who it should be. */
    void (*connected)(void *user, struct lp_quic_conn *conn, uint64_t now_ns);
    /* One control frame's body. `hello_stream`: it came on the first bidirectional stream. */
    void (*control)(void *user, struct lp_quic_conn *conn, bool hello_stream,
                    const uint8_t *body, size_t len, uint64_t now_ns);
    void (*datagram)(void *user, struct lp_quic_conn *conn, const uint8_t *bytes, size_t len,
                     uint64_t now_ns);
    /*
     * The connection is over; `conn` is freed when this returns. Called exactly once for each,
     * also for those of a server whose handshake failed: they were never accepted and have no
     * user data.
     */
    void (*closed)(void *user, struct lp_quic_conn *conn, const struct lp_quic_close_info *info,
                   uint64_t now_ns);
    /* The next datagram to send, false when there is none. Asked again only after egress_taken.
     */
    bool (*egress_next)(void *user, struct lp_quic_conn *conn,
                        struct lp_quic_datagram *ret_next, uint64_t now_ns);
    void (*egress_taken)(void *user, struct lp_quic_conn *conn,
                         enum lp_quic_egress_result result, uint64_t now_ns);
    /*
     * Makes the datagram that carries this to the peer: its length, or 0 when the peer would not
     * understand it. What the peer sends of the kind is for lp_quic_timing. NULL: never.
     */
    size_t (*timing)(void *user, struct lp_quic_conn *conn, const struct lp_timing *timing,
                     uint8_t *bytes, size_t capacity);
    /* What became of a datagram that was sent. QUIC may be wrong about a loss. NULL: not told. */
    void (*datagram_acked)(void *user, struct lp_quic_conn *conn, uint64_t id, uint64_t now_ns);
    void (*datagram_lost)(void *user, struct lp_quic_conn *conn, uint64_t id, uint64_t now_ns);
    /*
     * Sends UDP payloads. LP_ERR_AGAIN: the socket is full; the endpoint keeps the bytes and
     * sends nothing until lp_quic_on_writable. Any other failure counts as loss on the path.
     */
    int (*transmit)(void *user, const struct lp_quic_tx *tx);
};

struct lp_quic_config {
    bool server;
    uint8_t loop_id; /* first octet of every connection id that we issue */
    bool require_retry;
    uint64_t keep_alive_ns; /* PING when idle for so long; 0 = LP_QUIC_KEEP_ALIVE_NS */
    unsigned max_connections;
    /* Server: connections of one source (IPv4 address, IPv6 /64) that are not admitted yet; more
     * are refused. 0 = no bound. */
    unsigned max_waiting;
    struct lp_tls *tls; /* borrowed for the life of the endpoint */
    /* Key of stateless resets and Retry tokens; kept across restarts by the caller. */
    uint8_t static_secret[LP_QUIC_SECRET_LEN];
    uint32_t max_datagram_frame_size; /* what we accept, told to the peer; 0 = 65535 */
    void (*random)(void *user, void *bytes, size_t len); /* cryptographic quality */
    const struct lp_quic_handler *handler;
    void *user; /* for handler and random */
};

int lp_quic_new(const struct lp_quic_config *config, struct lp_quic **ret_quic);

/* Frees endpoint and connections without sending or calling anything; NULL is fine. */
void lp_quic_free(struct lp_quic *quic);

/* Client: starts a connection. Its first packet leaves with the next flush. */
int lp_quic_connect(struct lp_quic *quic, const struct lp_addr *local,
                    const struct lp_addr *remote, struct lp_quic_conn **ret_conn,
                    uint64_t now_ns);

/* One UDP payload. Garbage costs nothing but itself. */
void lp_quic_receive(struct lp_quic *quic, const struct lp_addr *local,
                     const struct lp_addr *remote, uint8_t ecn, const uint8_t *bytes,
                     size_t len, uint64_t now_ns);

void lp_quic_flush(struct lp_quic *quic, uint64_t now_ns);
void lp_quic_on_writable(struct lp_quic *quic, uint64_t now_ns);
uint64_t lp_quic_next_deadline(const struct lp_quic *quic);
void lp_quic_on_deadline(struct lp_quic *quic, uint64_t now_ns);

void lp_quic_conn_set_user(struct lp_quic_conn *conn, void *user);
void *lp_quic_conn_user(const struct lp_quic_conn *conn);

/* Server: the handler knows who it is; it does not count against its source any more. */
void lp_quic_admit(struct lp_quic_conn *conn);

/* Connections refused because of max_waiting, since the beginning. */
struct lp_quic_refusals {
    uint64_t count;
    struct lp_addr latest; /* whose */
};
void lp_quic_refusals(const struct lp_quic *quic, struct lp_quic_refusals *ret_refusals);

/* There is something for egress_next: the connection takes part in the next flush. */
void lp_quic_wake(struct lp_quic_conn *conn);

/* Such a datagram came. Whatever it says only bears on this connection. */
void lp_quic_timing(struct lp_quic_conn *conn, const struct lp_timing *timing, uint64_t now_ns);

/*
 * Queues a whole control frame (prefix included, copied). hello: on the first bidirectional
 * stream (the client opens it; the server answers there, and finishes it); otherwise on a
 * unidirectional stream of its own. LP_ERR_FULL when too much is not acknowledged,
 * LP_ERR_CLOSED while closing, LP_ERR_INVALID for a length that no frame has, a second hello,
 * and an answer before the hello.
 */
int lp_quic_send_hello(struct lp_quic_conn *conn, const uint8_t *frame, size_t len);
int lp_quic_send_control(struct lp_quic_conn *conn, const uint8_t *frame, size_t len);

/*
 * Closes with an application code. Control frames queued before are still sent first, best
 * effort in the same flush; the handler's closed follows from that flush. Calling it twice does
 * nothing.
 */
void lp_quic_close(struct lp_quic_conn *conn, enum lp_quic_app_code code, const char *reason);

/*
 * Gives a connection up without a word to the peer, who will notice by itself: for a connection that
 * seems dead, whose seat is to be taken over and not to be freed. closed() follows from the next flush.
 */
void lp_quic_abandon(struct lp_quic_conn *conn, const char *reason);

struct lp_quic_conn_info {
    struct lp_addr local;
    struct lp_addr remote;
    uint64_t srtt_ns; /* 0 = not known yet */
    uint64_t min_rtt_ns;
    uint64_t cwnd_bytes;
    uint64_t in_flight_bytes;
    uint64_t flight_cap_bytes; /* for the sake of delay (delaycap.h), 0 = none now */
    bool one_way;              /* the peer has told how long our way to it takes */
    uint64_t packets_sent;
    uint64_t packets_received;
    uint64_t packets_lost;
    uint64_t datagrams_lost;
    uint32_t peer_max_datagram; /* negotiated max_datagram_frame_size, as a datagram's octets */
};

void lp_quic_conn_info(const struct lp_quic_conn *conn, struct lp_quic_conn_info *ret_info);

/*
 * The largest datagram that can be sent now: what the path carries (grows with path MTU
 * discovery) and the peer accepts. 0 before the handshake.
 */
size_t lp_quic_datagram_budget(const struct lp_quic_conn *conn);

#endif
