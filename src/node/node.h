/*
 * The one engine of client and gateway: keeps a seat in a room of a relay, takes frames from
 * the edge into the tunnel and from the tunnel to the edge. Sans-I/O: it runs on virtual time
 * in the simulator as it is.
 *
 * A loop turn: lp_node_receive for each UDP payload, lp_node_edge_receive for each super-frame,
 * lp_node_on_deadline when due, then one lp_node_flush.
 *
 * It reconnects by itself: first try at once, then with jittered back-off. A rejected hello is
 * final before the first welcome (LP_NODE_FAILED) and tried again later after it, because a
 * relay may still hold the ghost of the connection that was lost.
 *
 * Ownership: the node owns its QUIC endpoint, room map, queues and packet pool. Everything is
 * bounded.
 */
#ifndef LP_NODE_NODE_H
#define LP_NODE_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/superframe.h"
#include "core/inorder.h"
#include "core/repair.h"
#include "diag/counters.h"
#include "diag/framelog.h"
#include "node/edge.h"
#include "node/roommap.h"
#include "proto/control.h"
#include "transport/quic.h"

/*
 * Peers ask for a sign of life more often than the relay does: it is how an idle player finds
 * out within 3 s that a relay was restarted, and what the round-trip figures are made of.
 */
#define LP_NODE_KEEP_ALIVE_NS (2 * LP_NS_PER_S)
/* Nothing heard for so long, in spite of keep-alives: the connection is given up and made anew.
 */
#define LP_NODE_SILENCE_NS (5 * LP_NS_PER_S)
/* A connection attempt without any answer is started anew, so that a relay is found soon after
 * it is up. */
#define LP_NODE_ATTEMPT_NS            (2 * LP_NS_PER_S)
#define LP_NODE_WELCOME_TIMEOUT_NS    (5 * LP_NS_PER_S)
#define LP_NODE_UNANSWERED_NOTICE_NS  (5 * LP_NS_PER_S)
#define LP_NODE_BACKOFF_FIRST_NS      (250 * LP_NS_PER_MS)
#define LP_NODE_BACKOFF_SILENT_MAX_NS LP_NS_PER_S /* while the relay does not answer at all */
#define LP_NODE_BACKOFF_MAX_NS        (5 * LP_NS_PER_S) /* while it answers with a refusal */
/*
 * Who loses a connection that lasted so long tries again at once. After a shorter one the
 * back-off goes on: a relay that lets in and throws out (or a copy of this identity that wants
 * the same seat) would make it a storm otherwise.
 */
#define LP_NODE_STABLE_NS               LP_NS_PER_S
#define LP_NODE_STATS_INTERVAL_NS       (10 * LP_NS_PER_S)
#define LP_NODE_DATAGRAM_BUDGET_DEFAULT 65535
#define LP_NODE_POOL_PACKETS            4096
#define LP_NODE_CAM_REFRESH_NS          (60 * LP_NS_PER_S)

enum lp_node_state {
    LP_NODE_IDLE = 0,   /* not started, or stopped */
    LP_NODE_CONNECTING, /* handshake, hello */
    LP_NODE_JOINED,
    LP_NODE_BACKING_OFF,
    LP_NODE_FAILED, /* final: the event says why */
    LP_NODE_LEAVING,
};

enum lp_node_event_kind {
    LP_NODE_EVENT_CONNECTING = 1,
    LP_NODE_EVENT_UNANSWERED, /* 5 s without any answer: said once until one comes */
    LP_NODE_EVENT_JOINED,     /* welcome; `resumed`: same peer id as before */
    LP_NODE_EVENT_REJECTED,   /* reject, final or not */
    LP_NODE_EVENT_LOST,       /* connection lost, text says how; a new try follows */
    LP_NODE_EVENT_REFUSED,    /* TLS: wrong certificate, ALPN; text says which */
    LP_NODE_EVENT_PEER_JOINED,
    LP_NODE_EVENT_PEER_LEFT,
    LP_NODE_EVENT_GATEWAY_CHANGED, /* a gateway appeared, changed or (gateway_peer_id 0) left */
    LP_NODE_EVENT_PROTOCOL,        /* the relay sent something that it must not; text */
    LP_NODE_EVENT_FAILED, /* the node is in LP_NODE_FAILED, the event before says why */
};

/* Borrowed for the call; text from the relay and names are not escaped yet. */
struct lp_node_event {
    enum lp_node_event_kind kind;
    const char *text; /* never NULL */
    enum lp_reject_code reject_code;
    enum lp_leave_reason leave_reason;
    bool final;
    bool resumed;
    const struct lp_welcome *welcome; /* JOINED */
    const struct lp_room_peer *peer;  /* PEER_* */
    uint32_t gateway_peer_id;
};

struct lp_node_config {
    enum lp_role role;
    char room[LP_ROOM_CODE_MAX + 1];
    char name[LP_NAME_MAX + 1];
    struct lp_mac mac; /* a client's own; a gateway's: its NIC's, for the CAM refresh */
    bool has_seat_secret;
    uint8_t seat_secret[LP_SEAT_SECRET_LEN]; /* from the last time; else the node makes one */
    uint32_t datagram_budget;                /* receive ceiling that hello announces */
    enum lp_duplicate duplicate;             /* small frames of sparse flows */
    uint32_t capabilities;                   /* to announce (proto/control.h), all by default */
    struct lp_tls *tls;                      /* borrowed */
    struct lp_addr relay;
    struct lp_edge edge;
    void (*random)(void *user, void *bytes, size_t len);
    int (*transmit)(void *user, const struct lp_quic_tx *tx);
    void (*event)(void *user, const struct lp_node_event *event);
    void (*frame)(void *user, const struct lp_frame_event *event); /* NULL: no frame log */
    void *user;
};

struct lp_node;

void lp_node_config_defaults(struct lp_node_config *config);
int lp_node_new(const struct lp_node_config *config, struct lp_node **ret_node);
void lp_node_free(struct lp_node *node);

/* Starts connecting. */
void lp_node_start(struct lp_node *node, uint64_t now_ns);
/* Says goodbye; the flush after it sends that, then the state is LP_NODE_IDLE. */
void lp_node_stop(struct lp_node *node, uint64_t now_ns);
/* Another address for the relay, used by the next attempt. */
void lp_node_set_relay(struct lp_node *node, const struct lp_addr *relay);
/* The network changed (address, resume from sleep): gives up the connection and tries at once.
 */
void lp_node_reconnect(struct lp_node *node, const char *why, uint64_t now_ns);

void lp_node_receive(struct lp_node *node, const struct lp_addr *local,
                     const struct lp_addr *remote, uint8_t ecn, const uint8_t *bytes,
                     size_t len, uint64_t now_ns);
void lp_node_edge_receive(struct lp_node *node, const struct lp_superframe *frame,
                          uint64_t now_ns);
void lp_node_flush(struct lp_node *node, uint64_t now_ns);
void lp_node_on_writable(struct lp_node *node, uint64_t now_ns);
uint64_t lp_node_next_deadline(const struct lp_node *node);
void lp_node_on_deadline(struct lp_node *node, uint64_t now_ns);

struct lp_node_view {
    enum lp_node_state state;
    uint32_t peer_id;
    uint32_t room_id;
    unsigned mtu;
    bool gateway_present;
    uint32_t gateway_peer_id;
    bool has_seat_secret;
    const uint8_t *seat_secret;
    struct lp_limits limits;
    size_t datagram_budget; /* what the path carries now */
    size_t queued_frames;
    unsigned waiting_pieces;
    struct lp_inorder_stats order; /* of all origins that are here; `held` datagrams wait */
    unsigned repair_waiting;       /* datagrams that wait to be sent again or twice */
    unsigned attempts;             /* since the node was last joined for LP_NODE_STABLE_NS */
    bool connected;                /* `quic` is valid */
    struct lp_quic_conn_info quic;
    const struct lp_counters *counters;
    const struct lp_roommap *room;
};
void lp_node_view(const struct lp_node *node, struct lp_node_view *ret_view);

#endif
