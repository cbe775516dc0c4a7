#include "host.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/wire.h"
#include "proto/offload.h"

#define RETRY_BY_HAND_NS                                                                       \
    (1500 * LP_NS_PER_MS) /* a person starts a client again that has given up */
#define FULL_ADAPTER_PPM 20000

static unsigned endpoint_of(const struct sim_host *host)
{
    return host->index + 1;
}

static const struct sim_host_plan *plan_of(const struct sim_host *host)
{
    return &host->party->plan.host[host->index];
}

void sim_host_init(struct sim_party *party, unsigned index)
{
    struct sim_host *host = &party->host[index];

    host->party = party;
    host->index = index;
    host->mac = sim_station_mac(index);
}

/* ---- what the node says
 * ------------------------------------------------------------------------- */

static void retry_by_hand(void *user, void *data, uint64_t now_ns)
{
    struct sim_host *host = user;
    struct lp_node_view view;

    (void)data;
    (void)now_ns;
    if (host->node == NULL)
        return;
    lp_node_view(host->node, &view);
    if (view.state != LP_NODE_FAILED)
        return;
    sim_host_crash(host);
    sim_host_start(host);
}

/* A node that still has its seat gets it back: same relay, nobody was told that it left. */
static void check_seat_kept(const struct sim_host *host, const struct lp_welcome *welcome)
{
    const struct sim_seat *before;

    if (!host->has_seat || host->incarnation != host->party->incarnation)
        return;
    before =
        sim_seat_find(host->party, host->incarnation, host->seat_room_id, host->seat_peer_id);
    if (before == NULL || before->left)
        return;
    if (welcome->peer_id != host->seat_peer_id || welcome->room_id != host->seat_room_id)
        sim_fail(host->party,
                 "host %u came back as peer %u of room %u, but had the seat %u of room %u",
                 host->index, welcome->peer_id, welcome->room_id, host->seat_peer_id,
                 host->seat_room_id);
}

static void on_joined(struct sim_host *host, const struct lp_welcome *welcome)
{
    struct sim_party *party = host->party;
    const struct sim_seat *seat =
        sim_seat_find(party, party->incarnation, welcome->room_id, welcome->peer_id);

    check_seat_kept(host, welcome);
    if (seat == NULL)
        sim_fail(party, "host %u was welcomed to a seat that the relay has not told of",
                 host->index);
    else if (seat->room_mtu != welcome->mtu)
        sim_fail(party, "host %u was told room MTU %u, it is %u", host->index, welcome->mtu,
                 seat->room_mtu);
    host->joined = true;
    host->has_seat = true;
    host->incarnation = party->incarnation;
    host->seat_peer_id = welcome->peer_id;
    host->seat_room_id = welcome->room_id;
    host->has_secret = welcome->has_seat_secret;
    memcpy(host->secret, welcome->seat_secret, sizeof(host->secret));
}

static void on_peer_left(struct sim_host *host, const struct lp_node_event *event)
{
    struct sim_party *party = host->party;
    unsigned room = plan_of(host)->room;

    for (unsigned i = 0; i < party->seat_count; i++) {
        const struct sim_seat *seat = &party->seat[i];

        if (seat->incarnation == party->incarnation && seat->room == room &&
            seat->peer_id == event->peer->peer_id && seat->left)
            return;
    }
    sim_fail(party, "host %u heard that peer %u left, which did not", host->index,
             event->peer->peer_id);
}

/* Who keeps his seat secret is never shut out, by the ghost of his own connection least of all.
 */
static void check_rejected(const struct sim_host *host, enum lp_reject_code code)
{
    const struct sim_plan *plan = &host->party->plan;

    if (!sim_plan_has(plan, SIM_TRAIT_SEAT_LOST) && !sim_plan_has(plan, SIM_TRAIT_HOSTILE))
        sim_fail(host->party, "host %u was refused: %s", host->index, lp_reject_name(code));
}

static void on_event(void *user, const struct lp_node_event *event)
{
    static const char *const names[] = {"",          "connecting",  "unanswered", "joined",
                                        "rejected",  "lost",        "refused",    "peer joined",
                                        "peer left", "new gateway", "protocol",   "failed"};
    struct sim_host *host = user;
    struct sim_party *party = host->party;

    sim_say(party, "host %u: %s %s%s", host->index, names[event->kind],
            event->kind == LP_NODE_EVENT_REJECTED ? lp_reject_name(event->reject_code)
                                                  : event->text,
            event->kind == LP_NODE_EVENT_JOINED && event->resumed ? "(resumed)" : "");
    switch (event->kind) {
    case LP_NODE_EVENT_JOINED:
        on_joined(host, event->welcome);
        break;
    case LP_NODE_EVENT_PEER_LEFT:
        on_peer_left(host, event);
        break;
    case LP_NODE_EVENT_LOST:
        host->joined = false;
        break;
    case LP_NODE_EVENT_REJECTED:
        check_rejected(host, event->reject_code);
        break;
    case LP_NODE_EVENT_FAILED:
        sim_agenda_add(&party->agenda, party->now_ns + RETRY_BY_HAND_NS, retry_by_hand, host,
                       NULL);
        break;
    case LP_NODE_EVENT_REFUSED:
    case LP_NODE_EVENT_PROTOCOL:
        sim_fail(party, "host %u does not like its relay: %s", host->index, event->text);
        break;
    default:
        break;
    }
}

/* ---- what the node does
 * ------------------------------------------------------------------------- */

static void on_random(void *user, void *bytes, size_t len)
{
    sim_random(((struct sim_host *)user)->party, bytes, len);
}

static int on_transmit(void *user, const struct lp_quic_tx *tx)
{
    struct sim_host *host = user;

    return sim_transmit(host->party, endpoint_of(host), tx);
}

/* The gateway's own frame that keeps a player's address on its switch port. */
static bool is_cam_refresh(const struct sim_host *host, const uint8_t *frame, size_t len)
{
    return plan_of(host)->role == LP_ROLE_GATEWAY && len == LP_ETH_FRAME_MIN &&
           memcmp(frame, host->mac.octet, LP_MAC_LEN) == 0 &&
           lp_load_be16(frame + 2 * LP_MAC_LEN) == LP_ETHERTYPE_LOCAL_EXP1;
}

static int on_edge_write(void *user, const uint8_t *frame, size_t len)
{
    struct sim_host *host = user;
    struct sim_party *party = host->party;

    if (is_cam_refresh(host, frame, len))
        return 0;
    if (!party->healed && sim_plan_has(&party->plan, SIM_TRAIT_FULL_ADAPTERS) &&
        sim_prng_chance(&party->fault_prng, FULL_ADAPTER_PPM))
        return sim_prng_chance(&party->fault_prng, SIM_PPM / 2) ? LP_ERR_AGAIN : LP_ERR_IO;
    sim_ledger_deliver(party, host->index, frame, len);
    return 0;
}

/* As a kernel would that takes TCP at once, and UDP only on some machines. */
static int on_edge_write_super(void *user, const struct lp_superframe *super)
{
    struct sim_host *host = user;
    uint8_t segment[LP_ETH_FRAME_MAX];
    struct lp_offload_iter iter;
    const uint8_t *frame;
    size_t len;

    if (super->gso == LP_GSO_UDP_L4 && host->index % 2 == 0)
        return LP_ERR_UNSUPPORTED;
    if (lp_offload_begin(&iter, super, sizeof(segment)) < 0) {
        sim_fail(host->party, "host %u got a super-frame that cannot be cut", host->index);
        return 0;
    }
    while ((len = lp_offload_next(&iter, segment, &frame)) > 0)
        sim_ledger_deliver(host->party, host->index, frame, len);
    return 0;
}

/* ---- its life
 * ----------------------------------------------------------------------------------- */

/* Before the first hello: its welcome may be lost, and the process too. */
static void keep_secret(struct sim_host *host)
{
    struct lp_node_view view;

    lp_node_view(host->node, &view);
    host->has_secret = view.has_seat_secret;
    memcpy(host->secret, view.seat_secret, sizeof(host->secret));
}

void sim_host_start(struct sim_host *host)
{
    struct sim_party *party = host->party;
    struct lp_node_config config;

    if (host->node != NULL)
        return;
    sim_net_attach(&party->net, endpoint_of(host));
    lp_node_config_defaults(&config);
    config.role = plan_of(host)->role;
    snprintf(config.room, sizeof(config.room), "%s", sim_room_code(plan_of(host)->room));
    snprintf(config.name, sizeof(config.name), "host %u", host->index);
    config.mac = host->mac;
    config.has_seat_secret = host->has_secret;
    memcpy(config.seat_secret, host->secret, sizeof(config.seat_secret));
    config.datagram_budget = plan_of(host)->datagram_budget;
    config.capabilities = plan_of(host)->capabilities;
    config.tls = party->tls->client;
    config.relay = sim_net_relay_addr();
    config.edge = (struct lp_edge){
        .write = on_edge_write, .write_super = on_edge_write_super, .user = host};
    config.random = on_random;
    config.transmit = on_transmit;
    config.event = on_event;
    config.user = host;
    if (lp_node_new(&config, &host->node) < 0) {
        sim_fail(party, "host %u cannot make a node", host->index);
        return;
    }
    keep_secret(host);
    sim_say(party, "host %u: started", host->index);
    host->started_ns = party->now_ns;
    lp_node_start(host->node, party->now_ns);
    host->touched = true;
}

static void end_process(struct sim_host *host)
{
    lp_node_free(host->node);
    host->node = NULL;
    host->touched = false;
    host->joined = false;
    sim_net_detach(&host->party->net, endpoint_of(host));
}

void sim_host_crash(struct sim_host *host)
{
    if (host->node == NULL)
        return;
    sim_say(host->party, "host %u: crashes", host->index);
    end_process(host);
}

void sim_host_stop(struct sim_host *host)
{
    if (host->node == NULL)
        return;
    sim_say(host->party, "host %u: stops", host->index);
    lp_node_stop(host->node, host->party->now_ns);
    lp_node_flush(host->node, host->party->now_ns);
    end_process(host);
}

void sim_host_forget(struct sim_host *host)
{
    host->has_secret = false;
    host->has_seat = false;
}

void sim_host_new_address(struct sim_host *host)
{
    if (host->node != NULL)
        sim_net_attach(&host->party->net, endpoint_of(host));
}

/* ---- its part of the loop
 * ----------------------------------------------------------------------- */

void sim_host_receive(struct sim_host *host, const struct lp_addr *local,
                      const struct lp_addr *remote, uint8_t ecn, const uint8_t *bytes,
                      size_t len)
{
    if (host->node == NULL)
        return;
    lp_node_receive(host->node, local, remote, ecn, bytes, len, host->party->now_ns);
    host->touched = true;
}

void sim_host_send_frame(struct sim_host *host, const uint8_t *frame, size_t len)
{
    const struct lp_superframe super = {.bytes = frame, .len = len, .gso = LP_GSO_NONE};

    if (host->node == NULL)
        return;
    lp_node_edge_receive(host->node, &super, host->party->now_ns);
    host->touched = true;
}

uint64_t sim_host_next_deadline(const struct sim_host *host)
{
    return host->node != NULL ? lp_node_next_deadline(host->node) : LP_TIME_NEVER;
}

void sim_host_run(struct sim_host *host)
{
    uint64_t now_ns = host->party->now_ns;

    if (host->node == NULL)
        return;
    if (lp_node_next_deadline(host->node) <= now_ns) {
        lp_node_on_deadline(host->node, now_ns);
        host->touched = true;
    }
    if (host->touched)
        lp_node_flush(host->node, now_ns);
    host->touched = false;
}
