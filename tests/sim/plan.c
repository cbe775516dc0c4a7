#include "plan.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/time.h"
#include "node/node.h"
#include "proto/fragment.h"

#define STREAM_PLAN  0x504c414e
#define START_NS     (1000 * LP_NS_PER_S) /* the clock's start is arbitrary */
#define IPV4_UDP_LEN 28
#define DOWN_MIN_NS  (700 * LP_NS_PER_MS)

static const struct {
    const char *name;
    unsigned percent;
} traits[] = {
#define X(name, percent) {#name, percent},
    SIM_TRAIT_TABLE(X)
#undef X
};

bool sim_plan_is_calm(const struct sim_plan *plan)
{
    const uint32_t calm =
        1u << SIM_TRAIT_CLEAN | 1u << SIM_TRAIT_RELAY_CRASH | 1u << SIM_TRAIT_RELAY_RESTART |
        1u << SIM_TRAIT_GATEWAY_RESTART | 1u << SIM_TRAIT_CLIENT_CRASH |
        1u << SIM_TRAIT_LATE_JOINER | 1u << SIM_TRAIT_DUPLICATES | 1u << SIM_TRAIT_PATH_MTU |
        1u << SIM_TRAIT_SMALL_FIRST | 1u << SIM_TRAIT_OLD_PEER | 1u << SIM_TRAIT_FULL_ADAPTERS;

    return (plan->traits & ~calm) == 0;
}

bool sim_plan_is_duel(const struct sim_plan *plan)
{
    return (plan->traits & (1u << SIM_TRAIT_SLOW_LINK | 1u << SIM_TRAIT_LOSSY_LINK)) != 0;
}

bool sim_plan_has(const struct sim_plan *plan, enum sim_trait trait)
{
    return (plan->traits >> trait & 1) != 0;
}

char *sim_plan_describe(const struct sim_plan *plan, char *text, size_t capacity)
{
    size_t at = 0;

    text[0] = '\0';
    for (unsigned trait = 0; trait < SIM_TRAITS && at < capacity; trait++) {
        if (sim_plan_has(plan, (enum sim_trait)trait))
            at += (size_t)snprintf(text + at, capacity - at, "%s%s", at > 0 ? "+" : "",
                                   traits[trait].name);
    }
    return text;
}

static void add(struct sim_plan *plan, uint64_t at_ns, enum sim_action_kind kind, unsigned host)
{
    assert(plan->action_count < SIM_ACTIONS_MAX);
    plan->action[plan->action_count++] =
        (struct sim_action){.at_ns = at_ns, .kind = kind, .host = host};
}

static uint64_t seconds(struct sim_prng *prng, uint64_t low, uint64_t high)
{
    return sim_prng_between(prng, low * LP_NS_PER_S, high * LP_NS_PER_S);
}

/* ---- who
 * ---------------------------------------------------------------------------------------- */

static void add_host(struct sim_plan *plan, enum lp_role role, unsigned room)
{
    assert(plan->host_count < SIM_HOSTS_MAX);
    plan->host[plan->host_count++] =
        (struct sim_host_plan){.role = role,
                               .room = room,
                               .datagram_budget = LP_NODE_DATAGRAM_BUDGET_DEFAULT,
                               .capabilities = LP_CAP_PIECES | LP_CAP_SEQUENCE | LP_CAP_TIMING};
}

/* Four players in two rooms; the first room has a gateway, the second often. */
static void draw_hosts(struct sim_plan *plan, struct sim_prng *prng)
{
    unsigned in_first = (unsigned)sim_prng_between(prng, 2, 3);

    for (unsigned i = 0; i < 4; i++)
        add_host(plan, LP_ROLE_CLIENT, i < in_first ? 0 : 1);
    add_host(plan, LP_ROLE_GATEWAY, 0);
    if (sim_prng_chance(prng, SIM_PPM / 2))
        add_host(plan, LP_ROLE_GATEWAY, 1);
    plan->hostile_room = (unsigned)sim_prng_below(prng, SIM_ROOMS);
}

static void draw_traits(struct sim_plan *plan, struct sim_prng *prng, uint64_t seed)
{
    unsigned primary = (unsigned)(seed % SIM_TRAITS);

    plan->traits = 1u << primary;
    if (primary == SIM_TRAIT_CLEAN || sim_plan_is_duel(plan) ||
        sim_prng_chance(prng, SIM_PPM / 3))
        return;
    for (unsigned trait = 0; trait < SIM_TRAITS; trait++) {
        if (sim_prng_below(prng, 100) < traits[trait].percent)
            plan->traits |= 1u << trait;
    }
}

/* Some of them, the gateway now and then among them, know nothing of numbers. */
static void draw_old_peers(struct sim_plan *plan, struct sim_prng *prng)
{
    unsigned surely = (unsigned)sim_prng_below(prng, plan->host_count);

    for (unsigned i = 0; i < plan->host_count; i++) {
        if (i == surely || sim_prng_chance(prng, SIM_PPM / 3))
            plan->host[i].capabilities = LP_CAP_PIECES;
    }
}

/* ---- paths
 * -------------------------------------------------------------------------------------- */

static void draw_path(const struct sim_plan *plan, struct sim_prng *prng, struct sim_path *path)
{
    path->delay_ns = sim_prng_between(prng, 1, 30) * LP_NS_PER_MS;
    path->payload_max = LP_QUIC_PAYLOAD_MAX;
    path->reorder_ns = 30 * LP_NS_PER_MS;
    if (sim_plan_has(plan, SIM_TRAIT_DELAY))
        path->delay_ns = sim_prng_between(prng, 80, 300) * LP_NS_PER_MS;
    if (sim_plan_has(plan, SIM_TRAIT_LOSS))
        path->loss_ppm = (uint32_t)sim_prng_between(prng, 10000, 200000);
    if (sim_plan_has(plan, SIM_TRAIT_REORDER)) {
        path->jitter_ns = sim_prng_between(prng, 1, 40) * LP_NS_PER_MS;
        path->reorder_ppm = (uint32_t)sim_prng_between(prng, 10000, 300000);
        path->reorder_ns = sim_prng_between(prng, 1, 60) * LP_NS_PER_MS;
    }
    if (sim_plan_has(plan, SIM_TRAIT_DUPLICATES))
        path->duplicate_ppm = (uint32_t)sim_prng_between(prng, 10000, 300000);
    if (sim_plan_has(plan, SIM_TRAIT_PATH_MTU))
        path->payload_max = sim_prng_between(prng, 1280, 1500) - IPV4_UDP_LEN;
}

static void draw_paths(struct sim_plan *plan, struct sim_prng *prng)
{
    for (unsigned i = 1; i < SIM_ENDPOINTS_MAX; i++)
        draw_path(plan, prng, &plan->path[i]);
    if (sim_plan_has(plan, SIM_TRAIT_SLOW_LINK)) {
        plan->path[SIM_SLOW_HOST + 1].rate = SIM_SLOW_RATE;
        plan->path[SIM_SLOW_HOST + 1].buffer_ns = SIM_SLOW_BUFFER_NS;
    }
    if (sim_plan_has(plan, SIM_TRAIT_LOSSY_LINK))
        plan->path[SIM_SLOW_HOST + 1].loss_ppm =
            (uint32_t)sim_prng_between(prng, SIM_LOSSY_MIN_PPM, SIM_LOSSY_MAX_PPM);
    /* A hostile player's packets all arrive, and in order: that is the worst case. */
    plan->path[SIM_HOSTILE_ENDPOINT] = (struct sim_path){
        .delay_ns = 2 * LP_NS_PER_MS,
        .payload_max = LP_QUIC_PAYLOAD_MAX,
    };
}

/* ---- when
 * --------------------------------------------------------------------------------------- */

/*
 * Who cannot even take pieces is refused where others have made the room, so that must not be:
 * it has to be first, each time that the room is made.
 */
static unsigned least_budget(const struct sim_plan *plan)
{
    bool others_first = sim_plan_has(plan, SIM_TRAIT_RELAY_CRASH) ||
                        sim_plan_has(plan, SIM_TRAIT_RELAY_RESTART) ||
                        sim_plan_has(plan, SIM_TRAIT_PARTITION) ||
                        sim_plan_has(plan, SIM_TRAIT_DELAY);

    return others_first ? LP_OVERLAY_HEADER_MAX + LP_PIECE_FIRST_LEN : 700;
}

static void draw_starts(struct sim_plan *plan, struct sim_prng *prng)
{
    bool small_first = sim_plan_has(plan, SIM_TRAIT_SMALL_FIRST);

    for (unsigned i = 0; i < plan->host_count; i++) {
        uint64_t at_ns = plan->start_ns + sim_prng_below(prng, LP_NS_PER_S);

        if (small_first) /* the first of each room is alone for a while */
            at_ns += LP_NS_PER_S;
        if (sim_plan_has(plan, SIM_TRAIT_LATE_JOINER) && sim_prng_chance(prng, SIM_PPM / 3))
            at_ns += seconds(prng, 3, 15);
        add(plan, at_ns, SIM_HOST_START, i);
    }
    for (unsigned room = 0; small_first && room < SIM_ROOMS; room++) {
        unsigned first = room == 0 ? 0 : 3; /* a player of that room */

        plan->host[first].datagram_budget =
            (uint32_t)sim_prng_between(prng, least_budget(plan), 1400);
        plan->action[first].at_ns = plan->start_ns + sim_prng_below(prng, LP_NS_PER_S / 10);
        /* The relay hears of it before the others come. */
        plan->path[first + 1].loss_ppm = 0;
    }
}

static void draw_partition(struct sim_plan *plan, struct sim_prng *prng)
{
    unsigned host = (unsigned)sim_prng_below(prng, plan->host_count);
    uint64_t from_ns = plan->start_ns + seconds(prng, 2, 18);
    uint64_t to_ns;

    if (sim_prng_chance(prng, SIM_PPM / 3)) /* in the middle of its first join */
        from_ns = plan->action[host].at_ns + sim_prng_below(prng, LP_NS_PER_S / 4);
    to_ns = from_ns + seconds(prng, 1, 20);

    add(plan, from_ns, SIM_PATH_CUT, host);
    add(plan, to_ns < plan->heal_ns ? to_ns : plan->heal_ns, SIM_PATH_MEND, host);
}

/*
 * Down, and up again after longer than a packet takes: what a relay sent in its former life
 * must not be taken for the next one's.
 */
static void draw_outage(struct sim_plan *plan, struct sim_prng *prng, enum sim_action_kind down,
                        enum sim_action_kind up, unsigned host, uint64_t latest_s)
{
    uint64_t at_ns = plan->start_ns + seconds(prng, 3, latest_s);

    add(plan, at_ns, down, host);
    add(plan, at_ns + sim_prng_between(prng, DOWN_MIN_NS, 4 * LP_NS_PER_S), up, host);
}

static unsigned draw_player(struct sim_prng *prng)
{
    return (unsigned)sim_prng_below(prng, 4);
}

static void draw_troubles(struct sim_plan *plan, struct sim_prng *prng)
{
    unsigned player = draw_player(prng);

    for (unsigned i = 0; sim_plan_has(plan, SIM_TRAIT_PARTITION) && i < 3; i++)
        draw_partition(plan, prng);
    if (sim_plan_has(plan, SIM_TRAIT_RELAY_CRASH))
        draw_outage(plan, prng, SIM_RELAY_CRASH, SIM_RELAY_START, 0, 16);
    else if (sim_plan_has(plan, SIM_TRAIT_RELAY_RESTART))
        draw_outage(plan, prng, SIM_RELAY_STOP, SIM_RELAY_START, 0, 16);
    if (sim_plan_has(plan, SIM_TRAIT_GATEWAY_RESTART))
        draw_outage(plan, prng,
                    sim_prng_chance(prng, SIM_PPM / 2) ? SIM_HOST_CRASH : SIM_HOST_STOP,
                    SIM_HOST_START, 4, 16);
    if (sim_plan_has(plan, SIM_TRAIT_CLIENT_CRASH))
        draw_outage(plan, prng,
                    sim_prng_chance(prng, SIM_PPM / 2) ? SIM_HOST_CRASH : SIM_HOST_STOP,
                    SIM_HOST_START, draw_player(prng), 16);
    if (sim_plan_has(plan, SIM_TRAIT_SEAT_LOST)) {
        uint64_t at_ns = plan->start_ns + seconds(prng, 2, 4);

        add(plan, at_ns, SIM_HOST_CRASH, player);
        add(plan, at_ns, SIM_HOST_FORGET, player);
        add(plan, at_ns + sim_prng_below(prng, LP_NS_PER_S), SIM_HOST_START, player);
    }
    for (unsigned i = 0; sim_plan_has(plan, SIM_TRAIT_NEW_ADDRESS) && i < 3; i++)
        add(plan, plan->start_ns + seconds(prng, 3, 18), SIM_HOST_ADDRESS,
            (unsigned)sim_prng_below(prng, plan->host_count));
}

static void draw_times(struct sim_plan *plan, struct sim_prng *prng, uint64_t min_virtual_ns)
{
    uint64_t tail_ns = SIM_SETTLE_NS + SIM_PROBE_NS + SIM_TAIL_NS;
    uint64_t trouble_ns = seconds(prng, 20, 24);

    /* Who has lost his seat has to wait until the relay gives up the ghost of his connection.
     */
    if (sim_plan_has(plan, SIM_TRAIT_SEAT_LOST))
        trouble_ns = 24 * LP_NS_PER_S;
    if (trouble_ns + tail_ns < min_virtual_ns)
        trouble_ns = min_virtual_ns - tail_ns;
    plan->start_ns = START_NS;
    plan->heal_ns = plan->start_ns + trouble_ns;
    plan->probe_ns = plan->heal_ns + SIM_SETTLE_NS;
    plan->quiet_ns = plan->probe_ns + SIM_PROBE_NS;
    plan->end_ns = plan->quiet_ns + SIM_TAIL_NS;
}

void sim_plan_make(struct sim_plan *plan, uint64_t seed, uint64_t min_virtual_ns)
{
    struct sim_prng prng;

    memset(plan, 0, sizeof(*plan));
    sim_prng_seed(&prng, seed, STREAM_PLAN);
    draw_hosts(plan, &prng);
    draw_traits(plan, &prng, seed);
    draw_times(plan, &prng, min_virtual_ns);
    draw_paths(plan, &prng);
    draw_starts(plan, &prng);
    draw_troubles(plan, &prng);
    if (sim_plan_has(plan, SIM_TRAIT_OLD_PEER))
        draw_old_peers(plan, &prng);
}
