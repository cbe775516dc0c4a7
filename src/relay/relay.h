/*
 * The relay's engine: connections become peers of rooms, datagrams become frames in other
 * peers' queues. Sans-I/O like the transport below it: UDP payloads and time go in, UDP
 * payloads (transmit) and deadlines come out, so the simulator runs it as it is.
 *
 * A loop turn: lp_relay_receive for each payload, lp_relay_on_deadline when due, then one
 * lp_relay_flush, which sends what every touched peer got in this turn.
 *
 * Limits: max_peers connections, of which max_joining of one source may be in no room (IPv4
 * address, IPv6 /64), max_rooms rooms, max_clients a room; every queue is bounded
 * (core/egress.h). The relay owns rooms, sessions and its QUIC endpoint.
 */
#ifndef LP_RELAY_RELAY_H
#define LP_RELAY_RELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/repair.h"
#include "diag/counters.h"
#include "diag/framelog.h"
#include "proto/control.h"
#include "transport/quic.h"

#define LP_RELAY_HELLO_TIMEOUT_NS     (5 * LP_NS_PER_S)
#define LP_RELAY_MALFORMED_MAX        16
#define LP_RELAY_MALFORMED_WINDOW_NS  (60 * LP_NS_PER_S)
#define LP_RELAY_CONTROL_BURST        16 /* messages of a peer; it needs one in ten seconds */
#define LP_RELAY_CONTROL_RATE         1
#define LP_RELAY_MAX_CLIENTS_DEFAULT  16
#define LP_RELAY_MAX_CLIENTS_LIMIT    255
#define LP_RELAY_MAX_PEERS_DEFAULT    1024
#define LP_RELAY_MAX_ROOMS_DEFAULT    256
#define LP_RELAY_MAX_JOINING_DEFAULT  32 /* twice a full room behind one NAT */
#define LP_RELAY_POOL_PACKETS_DEFAULT 65536
#define LP_RELAY_BROADCAST_BURST      64
#define LP_RELAY_BROADCAST_RATE       32
#define LP_RELAY_UNKNOWN_BURST        64
#define LP_RELAY_UNKNOWN_RATE         32
#define LP_RELAY_CLIENT_BURST_BYTES   (UINT64_C(4) << 20)
#define LP_RELAY_CLIENT_RATE_BYTES    (UINT64_C(2) << 20)

enum lp_relay_event_kind {
    LP_RELAY_PEER_JOINED = 1,
    LP_RELAY_PEER_RESUMED,   /* took over its own seat */
    LP_RELAY_PEER_LEFT,      /* leave_reason, text = detail of the connection's end */
    LP_RELAY_PEER_REJECTED,  /* reject_code, text = what was wrong */
    LP_RELAY_PEER_MALFORMED, /* drop, count of threshold */
    LP_RELAY_PEER_ERROR,     /* text: protocol error before or after joining */
    LP_RELAY_PEER_STATS,     /* stats */
    LP_RELAY_NOTICE_LOST,    /* text: a best-effort notice could not be queued */
    LP_RELAY_ROOM_CREATED,
    LP_RELAY_ROOM_REMOVED,
    LP_RELAY_SOURCE_REFUSED, /* count connections since the last, remote: the latest */
};

/* For logs. Everything is borrowed for the call; text from peers is not escaped yet. */
struct lp_relay_event {
    enum lp_relay_event_kind kind;
    const char *room; /* code, "" when not known */
    uint32_t room_id;
    uint32_t peer_id;
    enum lp_role role;
    const struct lp_mac *mac; /* NULL when none */
    const char *name;
    struct lp_addr remote;
    unsigned mtu;
    enum lp_reject_code reject_code;
    enum lp_leave_reason leave_reason;
    enum lp_drop drop;
    unsigned count;
    unsigned threshold;
    const char *text;
    const struct lp_stats *stats;
};

struct lp_relay_config {
    struct lp_tls *tls; /* borrowed */
    uint8_t static_secret[LP_QUIC_SECRET_LEN];
    uint8_t loop_id;
    unsigned mtu; /* of new rooms */
    unsigned max_clients;
    enum lp_duplicate duplicate; /* small frames of sparse flows, towards peers */
    unsigned max_peers;
    unsigned max_rooms;
    unsigned max_joining; /* connections of one source that are in no room yet; 0 = no bound */
    size_t pool_packets;
    struct lp_limits limits;
    void (*random)(void *user, void *bytes, size_t len);
    int (*transmit)(void *user, const struct lp_quic_tx *tx);
    void (*event)(void *user, const struct lp_relay_event *event); /* may be NULL */
    void (*frame)(void *user, const struct lp_frame_event *event); /* NULL: no frame log */
    void *user;
};

struct lp_relay;

void lp_relay_config_defaults(struct lp_relay_config *config);
int lp_relay_new(const struct lp_relay_config *config, struct lp_relay **ret_relay);
/* Sends nothing; NULL is fine. */
void lp_relay_free(struct lp_relay *relay);

void lp_relay_receive(struct lp_relay *relay, const struct lp_addr *local,
                      const struct lp_addr *remote, uint8_t ecn, const uint8_t *bytes,
                      size_t len, uint64_t now_ns);
void lp_relay_flush(struct lp_relay *relay, uint64_t now_ns);
void lp_relay_on_writable(struct lp_relay *relay, uint64_t now_ns);
uint64_t lp_relay_next_deadline(const struct lp_relay *relay);
void lp_relay_on_deadline(struct lp_relay *relay, uint64_t now_ns);

/* Tells every peer and closes every connection; the flush after it sends that. */
void lp_relay_shutdown(struct lp_relay *relay, uint64_t now_ns);

unsigned lp_relay_room_count(const struct lp_relay *relay);
unsigned lp_relay_peer_count(const struct lp_relay *relay);

/* A look at each joined peer, for metrics and for the simulator's invariants. */
struct lp_relay_peer_view {
    uint32_t room_id;
    const char *room;
    uint32_t peer_id;
    enum lp_role role;
    unsigned room_mtu;
    const struct lp_counters *counters;
    size_t queued_frames;
    unsigned waiting_pieces;
    const struct lp_stats *stats; /* the latest that it sent, NULL when none */
};
void lp_relay_each_peer(const struct lp_relay *relay,
                        void (*each)(void *user, const struct lp_relay_peer_view *peer),
                        void *user);

#endif
