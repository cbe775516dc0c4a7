/*
 * A relay and nodes in one process on virtual time, joined by a network that only delays. It is
 * for tests of single rules; what loss, restarts and chance do to a party is the simulator's.
 */
#ifndef LP_TESTS_RELAY_PARTY_H
#define LP_TESTS_RELAY_PARTY_H

#include "node/node.h"
#include "relay/relay.h"

#define PARTY_NODES    16
#define PARTY_QUEUE    1024
#define PARTY_DELAY_NS (2 * LP_NS_PER_MS)

struct party;

/* A client, or the gateway of its room, and what it heard. */
struct party_node {
    struct party *party;
    struct lp_node *node; /* NULL: not there */
    struct lp_addr addr;
    struct lp_mac mac;
    unsigned joined, resumed, rejected, failed, peers_left;
    enum lp_reject_code reject_code;
    int write_result; /* of its adapter */
    unsigned frames;
    uint8_t last[2048];
    size_t last_len;
};

/* A connection that says what a test wants it to. */
struct party_stranger {
    struct lp_quic *quic; /* NULL: not there */
    struct lp_quic_conn *conn;
    struct lp_addr addr;
    bool connected, closed;
    uint64_t closed_ns;
    struct lp_quic_close_info close;
    unsigned answers; /* on the hello stream */
};

struct party_packet {
    uint64_t at_ns;
    struct lp_addr from, to;
    uint8_t ecn;
    size_t len;
    uint8_t bytes[1500];
};

struct party {
    uint64_t now_ns;
    uint64_t random;
    struct lp_addr relay_addr;
    struct lp_tls *server_tls, *client_tls;
    struct lp_relay *relay;
    unsigned frame_lines; /* of its frame log */
    unsigned left;        /* events, and the reason of the last */
    enum lp_leave_reason left_reason;
    unsigned refused_events, refused; /* connections of one source, as they were told */
    struct lp_addr refused_from;
    struct party_node node[PARTY_NODES];
    struct party_stranger stranger;
    struct party_packet *queue; /* ring, in order of time: the delay is the same for all */
    unsigned first, queued;
};

struct party *party_new(void);
void party_free(struct party *party);

/* What the node `index` would be: a client with a MAC of its own in this room. */
struct lp_node_config party_config(struct party *party, unsigned index, const char *room);
/* Starts it, and plays until it has joined or failed. */
void party_start(struct party *party, unsigned index, const struct lp_node_config *config);
void party_join(struct party *party, unsigned index, const char *room);
void party_run(struct party *party, uint64_t for_ns);

/* A connection without a hello. */
void party_connect_stranger(struct party *party);
/* A body with its prefix, or with another length in the prefix than it has. */
void party_say(struct party *party, bool hello_stream, const char *body, uint32_t prefix);

struct lp_node_view party_view(const struct party *party, unsigned index);
/* A frame of `len` octets from the adapter of a node, and what follows from it. */
void party_send(struct party *party, unsigned from, const struct lp_mac *src,
                const struct lp_mac *dst, size_t len);

#endif
