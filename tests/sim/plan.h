/*
 * What happens in a party, drawn from its seed before it starts: who plays in which room, what
 * their paths are like, who comes late, crashes and returns. A plan has one trait that its seed
 * stands for, and sometimes others with it.
 *
 * A party has two parts: the time of trouble, then (from heal_ns) a network without loss and
 * with everybody up, in which first all must find back and then (from probe_ns) every pair must
 * talk.
 */
#ifndef SIM_PLAN_H
#define SIM_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "net.h"
#include "proto/control.h"

#define SIM_ROOMS            2
#define SIM_HOSTS_MAX        7 /* players and gateways */
#define SIM_HOSTILE_ENDPOINT (SIM_HOSTS_MAX + 1)
#define SIM_ACTIONS_MAX      64

#define SIM_SETTLE_NS (9 * LP_NS_PER_S)
#define SIM_PROBE_NS  (3 * LP_NS_PER_S)
#define SIM_TAIL_NS   (3 * LP_NS_PER_S)

/* With SIM_TRAIT_SLOW_LINK: player 0 has this link, and downloads and uploads over it. */
#define SIM_SLOW_HOST      0
#define SIM_SLOW_RATE      UINT64_C(10000000)
#define SIM_SLOW_BUFFER_NS (60 * LP_NS_PER_MS)

/* With SIM_TRAIT_LOSSY_LINK: the same player, on a link that loses so much. */
#define SIM_LOSSY_MIN_PPM 20000
#define SIM_LOSSY_MAX_PPM 50000

/* X(NAME, in a hundred plans besides those that it is drawn for) */
#define SIM_TRAIT_TABLE(X)                                                                     \
    X(CLEAN, 0)                                                                                \
    X(LOSS, 20)                                                                                \
    X(DELAY, 10)                                                                               \
    X(REORDER, 15)                                                                             \
    X(DUPLICATES, 15)                                                                          \
    X(PARTITION, 15)                                                                           \
    X(RELAY_CRASH, 10)                                                                         \
    X(RELAY_RESTART, 10)                                                                       \
    X(GATEWAY_RESTART, 15)                                                                     \
    X(CLIENT_CRASH, 15)                                                                        \
    X(SEAT_LOST, 5)                                                                            \
    X(LATE_JOINER, 20)                                                                         \
    X(SMALL_FIRST, 10)                                                                         \
    X(PATH_MTU, 20)                                                                            \
    X(HOSTILE, 30)                                                                             \
    X(NEW_ADDRESS, 10)                                                                         \
    X(FULL_SOCKETS, 10)                                                                        \
    X(FULL_ADAPTERS, 10)                                                                       \
    X(OLD_PEER, 15)                                                                            \
    X(SLOW_LINK, 0)                                                                            \
    X(LOSSY_LINK, 0)

enum sim_trait {
#define X(name, percent) SIM_TRAIT_##name,
    SIM_TRAIT_TABLE(X)
#undef X
        SIM_TRAITS
};

enum sim_action_kind {
    SIM_HOST_START = 1,
    SIM_HOST_CRASH,   /* without a word */
    SIM_HOST_STOP,    /* with goodbye */
    SIM_HOST_FORGET,  /* loses its seat secret */
    SIM_HOST_ADDRESS, /* its NAT gives it another address */
    SIM_PATH_CUT,
    SIM_PATH_MEND,
    SIM_RELAY_CRASH,
    SIM_RELAY_STOP,
    SIM_RELAY_START,
};

struct sim_action {
    uint64_t at_ns;
    enum sim_action_kind kind;
    unsigned host;
};

struct sim_host_plan {
    enum lp_role role;
    unsigned room;
    uint32_t datagram_budget;
    uint32_t capabilities;
};

struct sim_plan {
    uint32_t traits; /* bits of enum sim_trait */
    unsigned host_count;
    struct sim_host_plan host[SIM_HOSTS_MAX]; /* host i is endpoint i + 1 */
    struct sim_path path[SIM_ENDPOINTS_MAX];
    unsigned hostile_room; /* with SIM_TRAIT_HOSTILE */
    struct sim_action action[SIM_ACTIONS_MAX];
    unsigned action_count;
    uint64_t start_ns;
    uint64_t heal_ns;
    uint64_t probe_ns; /* start of the probes */
    uint64_t quiet_ns; /* end of the probes */
    uint64_t end_ns;
};

void sim_plan_make(struct sim_plan *plan, uint64_t seed, uint64_t min_virtual_ns);
/* Player 0 and player 1 play on a link that is not what it should be, and nobody else is heard. */
bool sim_plan_is_duel(const struct sim_plan *plan);
bool sim_plan_has(const struct sim_plan *plan, enum sim_trait trait);
/* Nothing keeps a node from being in its room soon after it and its relay are up. */
bool sim_plan_is_calm(const struct sim_plan *plan);
/* "LOSS+PARTITION". Returns `text`. */
char *sim_plan_describe(const struct sim_plan *plan, char *text, size_t capacity);

#endif
