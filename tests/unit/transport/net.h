/*
 * Two endpoints, a client's and a server's, joined by a virtual link on virtual time: delay,
 * loss, MTU, partition, and a socket that can be full. Everything that a handler hears is
 * recorded.
 */
#ifndef TEST_TRANSPORT_NET_H
#define TEST_TRANSPORT_NET_H

#include "transport/quic.h"

#define NET_PACKETS_MAX 4096
#define NET_QUEUE_MAX   512

struct net;

struct net_side {
    struct net *net;
    bool server;
    struct lp_quic *quic;
    struct lp_quic_conn *conn; /* the newest that is established */
    struct lp_addr addr;
    struct lp_addr seen_as; /* by the peer: a NAT may be in between */
    /* heard */
    unsigned accepted, connected, closed;
    struct lp_quic_close_info info;
    unsigned controls;
    bool last_hello;
    uint8_t last_control[65536];
    size_t last_control_len;
    unsigned datagrams;
    size_t datagram_bytes;
    uint8_t last_datagram[2048];
    size_t last_datagram_len;
    uint64_t last_heard_ns;
    /* egress: datagrams of these sizes, filled with their index */
    size_t sizes[NET_QUEUE_MAX];
    unsigned size_count, size_at, sent, too_big;
    bool timed; /* takes part in timing */
    unsigned asked, answered;
    bool apart;           /* none shares a packet with an earlier one */
    unsigned acked, lost; /* as QUIC tells it */
    uint8_t header[16], body[2048];
    /* what happens to what it sends */
    size_t mtu;    /* UDP payload */
    unsigned loss; /* one in so many, 0 = none */
    bool partitioned;
    bool full; /* transmit gives LP_ERR_AGAIN */
    unsigned transmits, packets, agains, refused;
    size_t largest;
    uint8_t ecn_seen;
    /* how handlers behave */
    int accept_result;
    const char *close_on_control;
    size_t answer_len; /* with it: a hello answer of this length goes first */
    bool echo;
};

struct net_packet {
    struct net_side *from;
    uint64_t at_ns;
    uint64_t order;
    uint8_t ecn;
    size_t len;
    uint8_t bytes[1500];
};

struct net {
    uint64_t now_ns;
    uint64_t delay_ns;
    uint64_t random;
    uint64_t order;
    struct net_side client, server;
    struct lp_tls *client_tls, *server_tls;
    struct net_packet *queue;
    unsigned queued;
    void (*tamper)(struct net *net, struct net_packet *packet);
    bool reorder;
    uint8_t secret[LP_QUIC_SECRET_LEN];
    bool retry;
    unsigned max_connections;
    unsigned max_waiting; /* of the server */
};

struct net *net_new(void);
void net_free(struct net *net);
/* Contexts of both sides, with a certificate of their own. */
void net_make_tls(struct net *net);
uint64_t net_random(struct net *net);
/* (Re)makes the endpoints from the contexts in `net`. */
void net_open_server(struct net *net);
void net_open_client(struct net *net);
struct lp_quic_conn *net_connect(struct net *net);
/* Plays for this long, or until both are established. */
void net_run(struct net *net, uint64_t for_ns);
void net_handshake(struct net *net);
void net_turn(struct net *net);
void net_push(struct net_side *side, size_t size);
size_t net_frame(uint8_t *frame, size_t body_len, uint8_t fill);

#endif
