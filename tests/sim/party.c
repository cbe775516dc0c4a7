#include "party.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/hash.h"
#include "determinism.h"
#include "hostile.h"
#include "host.h"
#include "invariants.h"
#include "operator.h"
#include "traffic.h"

#define STREAM_TRAFFIC    0x54524146
#define STREAM_RANDOM     0x52414e44
#define STREAM_FAULT      0x464c5420
#define HOSTILE_START_NS  (2500 * LP_NS_PER_MS)
#define FULL_SOCKET_PPM   30000
#define TURNS_AT_ONCE_MAX 20000 /* a loop that does not get on spins */

/* ---- what all parts use
 * ------------------------------------------------------------------------- */

void sim_say(const struct sim_party *party, const char *format, ...)
{
    va_list args;

    if (!party->options.verbose)
        return;
    printf("%10.6f ", (double)(party->now_ns - party->plan.start_ns) / 1e9);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
}

void sim_fail(struct sim_party *party, const char *format, ...)
{
    struct sim_result *result = party->result;
    va_list args;
    int at;

    if (result->failed)
        return;
    result->failed = true;
    at = snprintf(result->text, sizeof(result->text),
                  "at %.6f s: ", (double)(party->now_ns - party->plan.start_ns) / 1e9);
    va_start(args, format);
    vsnprintf(result->text + at, sizeof(result->text) - (size_t)at, format, args);
    va_end(args);
    sim_say(party, "FAILED %s", result->text);
}

void sim_random(struct sim_party *party, void *bytes, size_t len)
{
    sim_prng_fill(&party->random_prng, bytes, len);
}

const char *sim_room_code(unsigned room)
{
    static const char *const codes[SIM_ROOMS] = {"alpha", "bravo"};

    return codes[room];
}

struct lp_mac sim_station_mac(unsigned station)
{
    return (struct lp_mac){{0x02, 0x51, 0x4d, 0, 0, (uint8_t)(station + 1)}};
}

struct lp_mac sim_lan_mac(unsigned room, unsigned lan_host)
{
    return (struct lp_mac){{0x00, 0x16, 0x3e, 0, (uint8_t)room, (uint8_t)(lan_host + 1)}};
}

unsigned sim_gateway_of(const struct sim_party *party, unsigned room)
{
    for (unsigned i = 0; i < party->plan.host_count; i++) {
        if (party->plan.host[i].role == LP_ROLE_GATEWAY && party->plan.host[i].room == room)
            return i;
    }
    return SIM_HOSTS_MAX;
}

/* ---- sockets
 * ------------------------------------------------------------------------------------ */

static void writable(struct sim_party *party, unsigned endpoint)
{
    if (endpoint == SIM_RELAY_ENDPOINT) {
        if (party->relay != NULL)
            lp_relay_on_writable(party->relay, party->now_ns);
    } else if (endpoint == SIM_HOSTILE_ENDPOINT) {
        sim_hostile_on_writable(party->hostile);
    } else if (party->host[endpoint - 1].node != NULL) {
        lp_node_on_writable(party->host[endpoint - 1].node, party->now_ns);
    }
}

static void on_writable(void *user, void *data, uint64_t now_ns)
{
    (void)now_ns;
    writable(user, *(unsigned *)data);
}

int sim_transmit(struct sim_party *party, unsigned endpoint, const struct lp_quic_tx *tx)
{
    if (!party->healed && sim_plan_has(&party->plan, SIM_TRAIT_FULL_SOCKETS) &&
        sim_prng_chance(&party->fault_prng, FULL_SOCKET_PPM)) {
        unsigned *who = sim_alloc(sizeof(*who));

        *who = endpoint;
        sim_agenda_add(&party->agenda,
                       party->now_ns +
                           sim_prng_between(&party->fault_prng, 1, 5 * LP_NS_PER_MS),
                       on_writable, party, who);
        return LP_ERR_AGAIN;
    }
    sim_net_send(&party->net, endpoint, tx, party->now_ns);
    return 0;
}

static void deliver(void *user, unsigned to, const struct lp_addr *local,
                    const struct lp_addr *remote, uint8_t ecn, const uint8_t *bytes, size_t len,
                    uint64_t now_ns)
{
    struct sim_party *party = user;

    if (to == SIM_RELAY_ENDPOINT) {
        lp_relay_receive(party->relay, local, remote, ecn, bytes, len, now_ns);
        party->relay_touched = true;
    } else if (to == SIM_HOSTILE_ENDPOINT) {
        sim_hostile_receive(party->hostile, local, remote, ecn, bytes, len);
    } else {
        sim_host_receive(&party->host[to - 1], local, remote, ecn, bytes, len);
    }
}

/* ---- what the plan says
 * ------------------------------------------------------------------------- */

static void do_action(struct sim_party *party, const struct sim_action *action)
{
    struct sim_host *host = &party->host[action->host];
    struct sim_path *path = &party->net.path[action->host + 1];

    switch (action->kind) {
    case SIM_HOST_START:
        sim_host_start(host);
        break;
    case SIM_HOST_CRASH:
        sim_host_crash(host);
        break;
    case SIM_HOST_STOP:
        sim_host_stop(host);
        break;
    case SIM_HOST_FORGET:
        sim_host_forget(host);
        break;
    case SIM_HOST_ADDRESS:
        sim_say(party, "host %u: gets another address", action->host);
        sim_host_new_address(host);
        break;
    case SIM_PATH_CUT:
    case SIM_PATH_MEND:
        sim_say(party, "host %u: network %s", action->host,
                action->kind == SIM_PATH_CUT ? "cut" : "mended");
        path->cut = action->kind == SIM_PATH_CUT;
        break;
    case SIM_RELAY_CRASH:
        sim_relay_crash(party);
        break;
    case SIM_RELAY_STOP:
        sim_relay_stop(party);
        break;
    case SIM_RELAY_START:
        sim_relay_start(party);
        break;
    }
}

static void on_back(void *user, void *data, uint64_t now_ns)
{
    (void)data;
    (void)now_ns;
    sim_check_back(user);
}

static void on_action(void *user, void *data, uint64_t now_ns)
{
    struct sim_party *party = user;
    const struct sim_action *action = data;

    do_action(party, action);
    if (sim_plan_is_calm(&party->plan) &&
        (action->kind == SIM_HOST_START || action->kind == SIM_RELAY_START))
        sim_agenda_add(&party->agenda, now_ns + SIM_BACK_WITHIN_NS, on_back, party, NULL);
}

static void on_heal(void *user, void *data, uint64_t now_ns)
{
    struct sim_party *party = user;

    (void)data;
    (void)now_ns;
    sim_say(party, "the network is healed");
    party->healed = true;
    sim_net_heal(&party->net);
    sim_relay_start(party);
    for (unsigned i = 0; i < party->plan.host_count; i++)
        sim_host_start(&party->host[i]);
}

static void schedule_plan(struct sim_party *party)
{
    const struct sim_plan *plan = &party->plan;

    for (unsigned i = 0; i < plan->action_count; i++) {
        struct sim_action *action = sim_alloc(sizeof(*action));

        *action = plan->action[i];
        sim_agenda_add(&party->agenda, action->at_ns, on_action, party, action);
    }
    sim_agenda_add(&party->agenda, plan->heal_ns, on_heal, party, NULL);
}

/* ---- the loop
 * ----------------------------------------------------------------------------------- */

static uint64_t next_time(const struct sim_party *party)
{
    uint64_t next_ns =
        lp_time_min(sim_agenda_next(&party->agenda), sim_relay_next_deadline(party));

    for (unsigned i = 0; i < party->plan.host_count; i++)
        next_ns = lp_time_min(next_ns, sim_host_next_deadline(&party->host[i]));
    if (party->hostile != NULL)
        next_ns = lp_time_min(next_ns, sim_hostile_next_deadline(party->hostile));
    return lp_time_min(next_ns, party->check_ns);
}

static void turn(struct sim_party *party)
{
    sim_clock_set(party->now_ns);
    sim_agenda_run(&party->agenda, party->now_ns);
    sim_relay_run(party);
    for (unsigned i = 0; i < party->plan.host_count; i++)
        sim_host_run(&party->host[i]);
    if (party->hostile != NULL)
        sim_hostile_run(party->hostile);
    if (party->now_ns >= party->check_ns) {
        sim_check_now(party);
        party->check_ns = party->now_ns + SIM_CHECK_INTERVAL_NS;
    }
}

/* Until then, or until the first failure. */
static void run_until(struct sim_party *party, uint64_t until_ns)
{
    unsigned at_once = 0;

    while (!party->result->failed) {
        uint64_t next_ns = next_time(party);

        if (next_ns > until_ns)
            break;
        if (next_ns > party->now_ns) {
            party->now_ns = next_ns;
            at_once = 0;
        } else if (++at_once > TURNS_AT_ONCE_MAX) {
            sim_fail(party, "time stands still: somebody's deadline stays in the past");
        }
        turn(party);
    }
    if (!party->result->failed && until_ns > party->now_ns)
        party->now_ns = until_ns;
}

static void play(struct sim_party *party)
{
    const struct sim_plan *plan = &party->plan;
    struct sim_wire *wire;

    run_until(party, plan->probe_ns - 1);
    if (party->result->failed)
        return;
    sim_check_all_here(party);
    wire = sim_wire_new(party);
    sim_traffic_probe(party);
    run_until(party, plan->end_ns);
    if (party->result->failed) {
        free(wire);
        return;
    }
    sim_check_all_here(party);
    sim_check_still(party);
    sim_ledger_check_required(party);
    if (sim_plan_has(plan, SIM_TRAIT_LOSSY_LINK))
        sim_check_repair(party);
    sim_check_wire(party, wire);
}

/* ---- set-up and end
 * ----------------------------------------------------------------------------- */

static void set_up(struct sim_party *party)
{
    uint64_t seed = party->options.seed;

    sim_plan_make(&party->plan, seed, party->options.min_virtual_ns);
    party->now_ns = party->plan.start_ns;
    party->check_ns = party->now_ns;
    sim_clock_set(party->now_ns);
    sim_crypto_seed(seed);
    sim_prng_seed(&party->traffic_prng, seed, STREAM_TRAFFIC);
    sim_prng_seed(&party->random_prng, seed, STREAM_RANDOM);
    sim_prng_seed(&party->fault_prng, seed, STREAM_FAULT);
    sim_agenda_init(&party->agenda);
    sim_net_init(&party->net, &party->agenda, seed, &party->result->hash);
    party->net.deliver = deliver;
    party->net.user = party;
    memcpy(party->net.path, party->plan.path, sizeof(party->net.path));
    sim_random(party, party->static_secret, sizeof(party->static_secret));
    for (unsigned i = 0; i < SIM_STATIONS; i++)
        party->registered_ns[i] = LP_TIME_NEVER;
    for (unsigned i = 0; i < party->plan.host_count; i++)
        sim_host_init(party, i);
    sim_relay_start(party);
    if (sim_plan_has(&party->plan, SIM_TRAIT_HOSTILE))
        sim_hostile_new(party, party->plan.start_ns + HOSTILE_START_NS);
    schedule_plan(party);
    sim_traffic_start(party);
}

/* Everybody says goodbye; the pools of relay and nodes assert that nothing is left behind. */
static void tear_down(struct sim_party *party)
{
    for (unsigned i = 0; i < party->plan.host_count; i++)
        sim_host_stop(&party->host[i]);
    sim_relay_stop(party);
    sim_hostile_free(party->hostile);
    sim_agenda_deinit(&party->agenda);
    sim_ledger_deinit(&party->ledger);
}

void sim_party_play(const struct sim_options *options, const struct sim_tls *tls,
                    struct sim_result *ret_result)
{
    struct sim_party *party = sim_alloc(sizeof(*party));

    memset(ret_result, 0, sizeof(*ret_result));
    ret_result->hash = LP_FNV1A_INIT;
    party->options = *options;
    party->tls = tls;
    party->result = ret_result;
    set_up(party);
    play(party);
    ret_result->virtual_ns = party->now_ns - party->plan.start_ns;
    ret_result->packets = party->net.figures.sent;
    ret_result->frames_sent = party->ledger.frames_sent;
    ret_result->frames_delivered = party->ledger.frames_delivered;
    if (!ret_result->failed)
        sim_plan_describe(&party->plan, ret_result->text, sizeof(ret_result->text));
    tear_down(party);
    free(party);
}

/* ---- TLS
 * ---------------------------------------------------------------------------------------- */

/* From a fixed seed, so that every process has the same certificate. */
int sim_tls_init(struct sim_tls *tls)
{
    struct lp_tls_identity identity;
    struct lp_tls_client_config client = {.trust = LP_TLS_TRUST_CERTIFICATE,
                                          .server_name = LP_DEV_SERVER_NAME};
    char why[LP_TLS_WHY_LEN] = "";
    int err;

    sim_crypto_seed(0);
    err = lp_tls_identity_generate(LP_DEV_SERVER_NAME, SIM_EPOCH_S, &identity);
    if (err < 0)
        return err;
    err = lp_tls_server_new(identity.cert_pem, identity.cert_pem_len, identity.key_pem,
                            identity.key_pem_len, &tls->server, why);
    client.ca_der = identity.cert_der;
    client.ca_der_len = identity.cert_der_len;
    if (err == 0)
        err = lp_tls_client_new(&client, &tls->client, why);
    lp_tls_identity_deinit(&identity);
    if (err < 0)
        fprintf(stderr, "sim: %s\n", why);
    return err;
}

void sim_tls_deinit(struct sim_tls *tls)
{
    lp_tls_free(tls->client);
    lp_tls_free(tls->server);
}
