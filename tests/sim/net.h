/*
 * The virtual network: every endpoint has one path to the relay (endpoint 0), with loss, delay,
 * jitter, reordering, duplication, a largest payload (what is larger vanishes, as on a path
 * that tells nobody) and cuts. Addresses may change while a connection lives, as a NAT's do.
 * Everything that is sent goes into the trace hash: time, from, to, octets.
 */
#ifndef SIM_NET_H
#define SIM_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agenda.h"
#include "base/addr.h"
#include "prng.h"
#include "transport/quic.h"

#define SIM_RELAY_ENDPOINT 0
#define SIM_ENDPOINTS_MAX  12

struct sim_path {
    uint64_t delay_ns; /* one way */
    uint64_t jitter_ns;
    uint32_t loss_ppm;
    uint32_t duplicate_ppm;
    uint32_t reorder_ppm; /* so many packets stay up to reorder_ns longer */
    uint64_t reorder_ns;
    size_t payload_max;
    bool cut;
    uint64_t rate;       /* bits a second each way, 0 = without a limit */
    uint64_t buffer_ns;  /* what waits longer than this for its turn at that rate is lost */
    uint64_t free_ns[2]; /* when the link has sent what it has; to and from the relay */
    uint64_t last_arrival_ns[2]; /* to and from the relay: jitter alone does not reorder */
};

struct sim_net_figures {
    uint64_t sent;
    uint64_t delivered;
    uint64_t lost;
    uint64_t too_big;
    uint64_t bytes;
};

struct sim_net {
    struct sim_agenda *agenda; /* borrowed */
    struct sim_prng prng;
    struct lp_addr addr[SIM_ENDPOINTS_MAX];  /* family NONE = nobody there */
    struct sim_path path[SIM_ENDPOINTS_MAX]; /* [0] unused */
    uint64_t *hash;                          /* borrowed */
    struct sim_net_figures figures;
    void (*deliver)(void *user, unsigned to, const struct lp_addr *local,
                    const struct lp_addr *remote, uint8_t ecn, const uint8_t *bytes, size_t len,
                    uint64_t now_ns);
    void *user;
};

void sim_net_init(struct sim_net *net, struct sim_agenda *agenda, uint64_t seed,
                  uint64_t *hash);

struct lp_addr sim_net_relay_addr(void);

/* A fresh address (another port) for an endpoint; what is on its way to the old one is lost. */
void sim_net_attach(struct sim_net *net, unsigned endpoint);
void sim_net_detach(struct sim_net *net, unsigned endpoint);

void sim_net_send(struct sim_net *net, unsigned from, const struct lp_quic_tx *tx,
                  uint64_t now_ns);

/* No loss, jitter, reordering, duplication or cut any more; delay and largest payload stay. */
void sim_net_heal(struct sim_net *net);

#endif
