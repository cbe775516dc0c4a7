/*
 * Internal to the node: its state, and which file does what: node.c life cycle and
 * reconnecting, join.c control messages, uplink.c edge to tunnel, downlink.c tunnel to edge,
 * order.c
 * what overtook something, roommap.c who is there.
 */
#ifndef LP_NODE_INTERNAL_H
#define LP_NODE_INTERNAL_H

#include "core/egress.h"
#include "core/sender.h"
#include "node/node.h"
#include "proto/merge.h"

struct lp_node {
    struct lp_node_config config;
    enum lp_node_state state;
    struct lp_quic *quic;
    struct lp_quic_conn
        *conn; /* the current attempt or connection; abandoned ones are not here */
    struct lp_roommap room;
    struct lp_packet_pool pool;
    struct lp_sipkey flow_key;
    struct lp_egress egress;
    struct lp_sender sender;
    uint16_t number[LP_SEQUENCE_TAGS]; /* of the next frame of each flow */
    struct lp_counters counters;

    struct lp_welcome welcome; /* of this connection, or of the last one */
    bool ever_joined;
    bool greeted;             /* this connection's handshake is over, its hello sent */
    bool rejected;            /* this connection's hello was */
    uint32_t gateway_peer_id; /* last told by an event */
    uint8_t overlay_flags;
    bool has_timing; /* both ends have that capability */

    unsigned attempts;  /* since the node was last joined for LP_NODE_STABLE_NS */
    uint64_t joined_ns; /* LP_TIME_NEVER while it is not */
    bool relay_answers; /* something was heard in the latest attempts */
    bool unanswered_told;
    uint64_t unanswered_since_ns; /* LP_TIME_NEVER while the relay answers */
    uint64_t attempt_deadline_ns;
    uint64_t backoff_deadline_ns;
    uint64_t tick_deadline_ns; /* once a second while joined: silence, pieces */
    uint64_t stats_deadline_ns;
    uint64_t cam_deadline_ns;
    uint64_t order_deadline_ns; /* when something was held long enough, or before */
    unsigned held;              /* for order, of all origins */
    uint64_t heard_packets;     /* packets_received when it last grew */
    uint64_t heard_ns;

    uint8_t segment[LP_ETH_FRAME_MAX]; /* where super-frames are cut into */
    struct lp_merge
        *merge; /* NULL: the edge takes plain frames only, or each is to be logged */
};

/* node.c */
void lp_node_emit(struct lp_node *node, const struct lp_node_event *event);
void lp_node_emit_text(struct lp_node *node, enum lp_node_event_kind kind, const char *text);
/* Gives up the connection, as if it had been lost. */
void lp_node_give_up(struct lp_node *node, enum lp_quic_app_code code, const char *why,
                     uint64_t now_ns);
/* Moves what the room map lost into the counters. */
void lp_node_count_lost(struct lp_node *node);

/* join.c */
void lp_node_send_hello(struct lp_node *node, uint64_t now_ns);
void lp_node_on_control(struct lp_node *node, bool hello_stream, const uint8_t *body,
                        size_t len, uint64_t now_ns);
void lp_node_send_stats(struct lp_node *node);
void lp_node_send_disconnect(struct lp_node *node, enum lp_leave_reason reason);

/* downlink.c */
/* One datagram on its way to the edge, as far as it is known yet. */
struct lp_arrival {
    struct lp_overlay overlay;
    struct lp_room_peer *origin;
    const uint8_t *frame;
    size_t frame_len;
    bool has_ethernet;
    struct lp_eth eth;
};

/* Joins, judges, writes and counts it, unless it was found wrong (`verdict`) already. */
void lp_node_accept(struct lp_node *node, struct lp_arrival *in, enum lp_drop verdict,
                    uint64_t now_ns);
void lp_node_on_datagram(struct lp_node *node, const uint8_t *bytes, size_t len,
                         uint64_t now_ns);
/* A super-frame, or one plain frame, goes to the edge (lp_merge_out_fn). */
void lp_node_on_merged(void *user, const struct lp_superframe *super, unsigned frames);
void lp_node_expire_pieces(struct lp_node *node, uint64_t now_ns);
unsigned lp_node_waiting_pieces(const struct lp_node *node);

/* order.c: datagrams with a number, in order and once. */
void lp_node_on_numbered(struct lp_node *node, struct lp_arrival *in, uint64_t now_ns);
void lp_node_on_order_deadline(struct lp_node *node, uint64_t now_ns);
void lp_node_set_order_deadline(struct lp_node *node);
/* Of all origins together; wait_ns is the longest. */
void lp_node_order_stats(const struct lp_node *node, struct lp_inorder_stats *ret_stats);

/* cam.c */
/*
 * A frame for each client of the room, so that the party's switches keep their addresses on the
 * gateway's port.
 */
void lp_node_refresh_cam(struct lp_node *node);

#endif
