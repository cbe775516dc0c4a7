/*
 * One party: a relay, its hosts (players and gateways with the machines behind them), perhaps a
 * hostile player, the network between them, on virtual time. party.c turns the loop; host.c
 * keeps the nodes, hostile.c the hostile player, traffic.c the frames that they send, ledger.c
 * checks what arrives, invariants.c what must hold at every moment.
 */
#ifndef SIM_PARTY_H
#define SIM_PARTY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agenda.h"
#include "base/time.h"
#include "ledger.h"
#include "net.h"
#include "node/node.h"
#include "plan.h"
#include "prng.h"
#include "relay/relay.h"

#define SIM_STATIONS                                                                           \
    (SIM_HOSTS_MAX + 1) /* whose MAC a relay can register: hosts, the hostile player */
#define SIM_HOSTILE        SIM_HOSTS_MAX
#define SIM_LAN_HOSTS      3 /* behind each gateway; the last one never speaks */
#define SIM_SEATS_MAX      2048
#define SIM_TEXT_LEN       512
#define SIM_HOSTILE_NAME   "hostile"
#define SIM_STRANGER_OCTET 0x0a /* starts addresses that nobody has */

/* What is the same for every party of a process. */
struct sim_tls {
    struct lp_tls *server;
    struct lp_tls *client;
};

int sim_tls_init(struct sim_tls *tls);
void sim_tls_deinit(struct sim_tls *tls);

struct sim_options {
    uint64_t seed;
    uint64_t min_virtual_ns;
    bool verbose;
};

struct sim_result {
    bool failed;
    char text[SIM_TEXT_LEN]; /* what failed, or what kind of party it was */
    uint64_t hash;
    uint64_t virtual_ns;
    uint64_t packets;
    uint64_t frames_sent;
    uint64_t frames_delivered;
};

struct sim_host {
    struct sim_party *party;
    unsigned index;
    struct lp_mac mac;
    struct lp_node *node; /* NULL while its process does not run */
    uint64_t started_ns;
    bool touched; /* to be flushed in this turn */
    bool has_secret;
    uint8_t secret[LP_SEAT_SECRET_LEN];
    bool has_seat;        /* the one below, given by a relay and not forgotten */
    unsigned incarnation; /* of that relay */
    uint32_t seat_peer_id;
    uint32_t seat_room_id;
    bool joined; /* as the node's events say */
};

struct sim_tokens {
    double level;
    uint64_t at_ns; /* 0 = never used */
};

/* A seat that a relay gave away. */
struct sim_seat {
    unsigned incarnation;
    unsigned room;
    uint32_t room_id;
    uint32_t peer_id;
    unsigned room_mtu;
    enum lp_role role;
    struct lp_mac mac; /* a player's */
    bool hostile;
    bool left;
    struct sim_tokens broadcast;
    struct sim_tokens unknown;
};

struct sim_hostile;

struct sim_party {
    struct sim_options options;
    struct sim_plan plan;
    const struct sim_tls *tls;
    struct sim_result *result;
    uint64_t now_ns;
    struct sim_agenda agenda;
    struct sim_net net;
    struct sim_ledger ledger;
    struct sim_prng traffic_prng;
    struct sim_prng random_prng; /* what relay and nodes take for random */
    struct sim_prng fault_prng;
    bool healed;

    struct lp_relay *relay; /* NULL while it does not run */
    uint64_t relay_started_ns;
    bool relay_touched;
    uint8_t static_secret[LP_QUIC_SECRET_LEN];
    unsigned incarnation;
    struct sim_seat seat[SIM_SEATS_MAX];
    unsigned seat_count;
    /* Since when the relay has had this station's MAC registered in its room, LP_TIME_NEVER =
     * not. */
    uint64_t registered_ns[SIM_STATIONS];

    struct sim_host host[SIM_HOSTS_MAX];
    struct sim_hostile *hostile; /* NULL when there is none */
    uint32_t next_number;
    uint64_t check_ns;
};

/* Plays one seed. */
void sim_party_play(const struct sim_options *options, const struct sim_tls *tls,
                    struct sim_result *ret_result);

/* The first failure of a party is what is told; it ends the party. */
void sim_fail(struct sim_party *party, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void sim_say(const struct sim_party *party, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Relay and nodes ask for random octets through this. */
void sim_random(struct sim_party *party, void *bytes, size_t len);

/*
 * Whether a socket refuses a send just now (LP_ERR_AGAIN); it takes it again a little later.
 * What was not refused is sent. `endpoint` is the sender.
 */
int sim_transmit(struct sim_party *party, unsigned endpoint, const struct lp_quic_tx *tx);

/* The relay's clients know rooms by code. */
const char *sim_room_code(unsigned room);
unsigned sim_room_of_code(const char *code);
static inline unsigned sim_room_of(const struct sim_party *party, unsigned station)
{
    return station == SIM_HOSTILE ? party->plan.hostile_room : party->plan.host[station].room;
}
struct lp_mac sim_station_mac(unsigned station);
struct lp_mac sim_lan_mac(unsigned room, unsigned lan_host);
/* The gateway's host of a room, SIM_HOSTS_MAX when it has none. */
unsigned sim_gateway_of(const struct sim_party *party, unsigned room);

/* The seat that the relay of this incarnation gave, NULL when it did not. */
struct sim_seat *sim_seat_find(struct sim_party *party, unsigned incarnation, uint32_t room_id,
                               uint32_t peer_id);

#endif
