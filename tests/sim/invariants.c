#include "invariants.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/egress.h"
#include "core/room.h"

/* No frame costs less in a queue. */
#define QUEUED_FRAMES_MAX (LP_EGRESS_BYTES_MAX / LP_EGRESS_PACKET_COST)

/* ---- at every moment
 * ---------------------------------------------------------------------------- */

static void check_counters(struct sim_party *party, const char *whose, uint32_t number,
                           const struct lp_counters *c, size_t queued, unsigned waiting)
{
    uint64_t rx = c->value[LP_COUNTER_RX_FRAMES] + c->value[LP_COUNTER_RX_PIECES] +
                  lp_counters_rx_dropped(c) + waiting;
    uint64_t tx = c->value[LP_COUNTER_TX_SENT] + lp_counters_tx_dropped(c) + queued;
    uint64_t once; /* datagrams that were neither sent again nor twice */

    if (c->value[LP_COUNTER_RX_DATAGRAMS] != rx)
        sim_fail(party, "%s %u: %" PRIu64 " datagrams received, %" PRIu64 " accounted for",
                 whose, number, c->value[LP_COUNTER_RX_DATAGRAMS], rx);
    if (c->value[LP_COUNTER_TX_FRAMES] != tx)
        sim_fail(party, "%s %u: %" PRIu64 " frames to send, %" PRIu64 " accounted for", whose,
                 number, c->value[LP_COUNTER_TX_FRAMES], tx);
    /* A second piece that the relay forwards is a frame to its queue: no fewer, never more. */
    once = c->value[LP_COUNTER_TX_DATAGRAMS] - c->value[LP_COUNTER_TX_REPAIRED] -
           c->value[LP_COUNTER_TX_DUPLICATED];
    if (once < c->value[LP_COUNTER_TX_SENT] || once > 2 * c->value[LP_COUNTER_TX_SENT] + 1)
        sim_fail(party, "%s %u: %" PRIu64 " frames sent in %" PRIu64 " datagrams", whose,
                 number, c->value[LP_COUNTER_TX_SENT], c->value[LP_COUNTER_TX_DATAGRAMS]);
    if (queued > QUEUED_FRAMES_MAX)
        sim_fail(party, "%s %u: %zu frames are queued", whose, number, queued);
}

static void check_peer(void *user, const struct lp_relay_peer_view *peer)
{
    struct sim_party *party = user;
    const struct sim_seat *seat =
        sim_seat_find(party, party->incarnation, peer->room_id, peer->peer_id);

    check_counters(party, "relay's peer", peer->peer_id, peer->counters, peer->queued_frames,
                   peer->waiting_pieces);
    if (peer->waiting_pieces > LP_PIECE_SLOTS)
        sim_fail(party, "relay's peer %u: %u pieces wait", peer->peer_id, peer->waiting_pieces);
    if (seat == NULL || seat->left)
        sim_fail(party, "peer %u of room %u is there, but not by the relay's events",
                 peer->peer_id, peer->room_id);
    else if (seat->room_mtu != peer->room_mtu)
        sim_fail(party, "room %s had MTU %u, now %u", peer->room, seat->room_mtu,
                 peer->room_mtu);
}

/* What the relay stops for sure never reaches a node. */
static void check_stopped_before(struct sim_party *party, const struct sim_host *host,
                                 const struct lp_counters *c)
{
    for (enum lp_drop r = lp_drop_next(LP_FORWARD); r != LP_FORWARD; r = lp_drop_next(r)) {
        enum lp_drop_category category = lp_drop_category(r);

        if ((category == LP_DROP_FILTERED || category == LP_DROP_MALFORMED) &&
            c->rx_drop[r] > 0)
            sim_fail(party, "host %u got a datagram that it drops as %s", host->index,
                     lp_drop_name(r));
    }
}

static void check_host(struct sim_party *party, const struct sim_host *host)
{
    struct lp_node_view view;

    if (host->node == NULL)
        return;
    lp_node_view(host->node, &view);
    check_counters(party, "host", host->index, view.counters, view.queued_frames,
                   view.waiting_pieces + view.order.held);
    check_stopped_before(party, host, view.counters);
    if (view.waiting_pieces > LP_REASSEMBLY_SLOTS * SIM_STATIONS)
        sim_fail(party, "host %u: %u pieces wait", host->index, view.waiting_pieces);
    if (view.state == LP_NODE_JOINED && !host->joined)
        sim_fail(party, "host %u is in its room, but not by its events", host->index);
}

void sim_check_now(struct sim_party *party)
{
    if (party->relay != NULL)
        lp_relay_each_peer(party->relay, check_peer, party);
    for (unsigned i = 0; i < party->plan.host_count; i++)
        check_host(party, &party->host[i]);
}

void sim_check_back(struct sim_party *party)
{
    uint64_t before_ns = party->now_ns - SIM_BACK_WITHIN_NS;

    if (party->relay == NULL || party->relay_started_ns > before_ns)
        return;
    for (unsigned i = 0; i < party->plan.host_count; i++) {
        const struct sim_host *host = &party->host[i];

        if (host->node == NULL || host->started_ns > before_ns)
            continue;
        if (!host->joined || host->incarnation != party->incarnation)
            sim_fail(party, "host %u is not in its room 3 s after it and the relay came up", i);
    }
}

/* ---- when all is well
 * --------------------------------------------------------------------------- */

/* One host's map against the relay's peers. */
struct comparison {
    struct sim_party *party;
    const struct sim_host *host;
    struct lp_node_view view;
    unsigned others; /* that the relay has in the host's room */
    bool found_self;
};

static void compare_peer(void *user, const struct lp_relay_peer_view *peer)
{
    struct comparison *c = user;
    const struct lp_room_peer *known;

    if (peer->room_id != c->view.room_id)
        return;
    if (peer->peer_id == c->view.peer_id) {
        c->found_self = true;
        return;
    }
    c->others++;
    known = lp_roommap_find(c->view.room, peer->peer_id);
    if (known == NULL)
        sim_fail(c->party, "host %u does not know peer %u, who is in its room", c->host->index,
                 peer->peer_id);
    else if (known->role != peer->role)
        sim_fail(c->party, "host %u takes peer %u for a %s", c->host->index, peer->peer_id,
                 lp_role_name(known->role));
}

static void check_map(struct sim_party *party, const struct sim_host *host)
{
    struct comparison c = {.party = party, .host = host};

    lp_node_view(host->node, &c.view);
    lp_relay_each_peer(party->relay, compare_peer, &c);
    if (!c.found_self)
        sim_fail(party, "the relay does not have host %u as peer %u", host->index,
                 c.view.peer_id);
    else if (c.view.room->present != c.others)
        sim_fail(party, "host %u knows %u others in its room, there are %u", host->index,
                 c.view.room->present, c.others);
    if (sim_gateway_of(party, party->plan.host[host->index].room) < SIM_HOSTS_MAX &&
        party->plan.host[host->index].role == LP_ROLE_CLIENT && !c.view.gateway_present)
        sim_fail(party, "host %u does not know of its gateway", host->index);
}

void sim_check_all_here(struct sim_party *party)
{
    if (party->relay == NULL) {
        sim_fail(party, "the relay is not up");
        return;
    }
    for (unsigned i = 0; i < party->plan.host_count; i++) {
        const struct sim_host *host = &party->host[i];
        struct lp_node_view view;

        if (host->node == NULL) {
            sim_fail(party, "host %u does not run", i);
            continue;
        }
        lp_node_view(host->node, &view);
        if (view.state != LP_NODE_JOINED)
            sim_fail(party, "host %u has not found back to its room (state %d, %u attempts)", i,
                     (int)view.state, view.attempts);
        else
            check_map(party, host);
    }
}

/* ---- repair
 * ----------------------------------------------------------------------------------------- */

void sim_check_still(struct sim_party *party)
{
    for (unsigned i = 0; i < party->plan.host_count; i++) {
        struct lp_node_view view;

        if (party->host[i].node == NULL)
            continue;
        lp_node_view(party->host[i].node, &view);
        if (view.order.held + view.repair_waiting + view.queued_frames + view.waiting_pieces >
            0)
            sim_fail(party,
                     "host %u: %u held, %u to be sent again, %zu queued and %u pieces in a "
                     "network that is quiet",
                     i, view.order.held, (unsigned)view.repair_waiting,
                     (size_t)view.queued_frames, view.waiting_pieces);
    }
}

void sim_check_repair(struct sim_party *party)
{
    const unsigned player[] = {SIM_SLOW_HOST, SIM_SLOW_HOST + 1};

    for (unsigned i = 0; i < 2; i++) {
        struct lp_node_view view;

        lp_node_view(party->host[player[i]].node, &view);
        if (party->ledger.overtaken[player[i]] > view.order.late)
            sim_fail(party, "host %u: %u TCP segments came late, %" PRIu64 " were given up",
                     player[i], party->ledger.overtaken[player[i]], view.order.late);
        /* on a long path what is sent again comes later than anybody waits for it */
        if (view.order.filled + view.order.late == 0)
            sim_fail(party, "host %u: nothing that was sent again came", player[i]);
        if (player[i] == SIM_SLOW_HOST && (view.counters->value[LP_COUNTER_TX_REPAIRED] == 0 ||
                                           view.counters->value[LP_COUNTER_TX_DUPLICATED] == 0))
            sim_fail(party, "host %u repaired nothing on a lossy link", player[i]);
    }
}

/* ---- nothing is lost between the ends
 * ----------------------------------------------------------- */

struct ends {
    uint32_t peer_id;
    uint64_t node_tx, node_rx;
    uint64_t relay_tx, relay_rx;
};

struct sim_wire {
    struct ends host[SIM_HOSTS_MAX];
};

struct lookup {
    struct ends *ends;
    uint32_t room_id;
};

static void find_ends(void *user, const struct lp_relay_peer_view *peer)
{
    struct lookup *lookup = user;

    if (peer->room_id != lookup->room_id || peer->peer_id != lookup->ends->peer_id)
        return;
    lookup->ends->relay_tx = peer->counters->value[LP_COUNTER_TX_DATAGRAMS];
    lookup->ends->relay_rx = peer->counters->value[LP_COUNTER_RX_DATAGRAMS];
}

struct sim_wire *sim_wire_new(struct sim_party *party)
{
    struct sim_wire *wire = sim_alloc(sizeof(*wire));

    for (unsigned i = 0; i < party->plan.host_count; i++) {
        struct ends *ends = &wire->host[i];
        struct lookup lookup = {.ends = ends};
        struct lp_node_view view;

        if (party->host[i].node == NULL || party->relay == NULL)
            continue;
        lp_node_view(party->host[i].node, &view);
        ends->peer_id = view.peer_id;
        ends->node_tx = view.counters->value[LP_COUNTER_TX_DATAGRAMS];
        ends->node_rx = view.counters->value[LP_COUNTER_RX_DATAGRAMS];
        lookup.room_id = view.room_id;
        lp_relay_each_peer(party->relay, find_ends, &lookup);
    }
    return wire;
}

void sim_check_wire(struct sim_party *party, struct sim_wire *before)
{
    struct sim_wire *after = sim_wire_new(party);

    for (unsigned i = 0; i < party->plan.host_count; i++) {
        const struct ends *from = &before->host[i];
        const struct ends *to = &after->host[i];

        if (from->peer_id != to->peer_id)
            sim_fail(party, "host %u lost its seat in a healed network", i);
        else if (to->node_tx - from->node_tx != to->relay_rx - from->relay_rx)
            sim_fail(party, "host %u sent %" PRIu64 " datagrams, the relay got %" PRIu64, i,
                     to->node_tx - from->node_tx, to->relay_rx - from->relay_rx);
        else if (to->relay_tx - from->relay_tx != to->node_rx - from->node_rx)
            sim_fail(party,
                     "the relay sent %" PRIu64 " datagrams to host %u, which got %" PRIu64,
                     to->relay_tx - from->relay_tx, i, to->node_rx - from->node_rx);
    }
    free(before);
    free(after);
}
