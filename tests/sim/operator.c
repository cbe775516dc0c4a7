#include "operator.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "observer.h"

/* ---- seats
 * -------------------------------------------------------------------------------------- */

struct sim_seat *sim_seat_find(struct sim_party *party, unsigned incarnation, uint32_t room_id,
                               uint32_t peer_id)
{
    for (unsigned i = party->seat_count; i > 0; i--) {
        struct sim_seat *seat = &party->seat[i - 1];

        if (seat->incarnation == incarnation && seat->room_id == room_id &&
            seat->peer_id == peer_id)
            return seat;
    }
    return NULL;
}

unsigned sim_room_of_code(const char *code)
{
    unsigned room = 0;

    while (room < SIM_ROOMS && strcmp(code, sim_room_code(room)) != 0)
        room++;
    return room;
}

/* Whose MAC (or gateway's place) the event is about. */
static unsigned find_station(const struct sim_party *party, const struct lp_relay_event *event)
{
    unsigned room = sim_room_of_code(event->room);

    if (event->role == LP_ROLE_GATEWAY)
        return sim_gateway_of(party, room);
    for (unsigned station = 0; event->mac != NULL && station < SIM_STATIONS; station++) {
        struct lp_mac mac = sim_station_mac(station);

        if (lp_mac_equal(&mac, event->mac))
            return station;
    }
    return SIM_STATIONS;
}

static bool is_hostile(const struct lp_relay_event *event)
{
    return strncmp(event->name, SIM_HOSTILE_NAME, strlen(SIM_HOSTILE_NAME)) == 0;
}

static void on_joined(struct sim_party *party, const struct lp_relay_event *event)
{
    unsigned station = find_station(party, event);
    struct sim_seat *seat;

    for (unsigned i = 0; i < party->seat_count; i++) {
        seat = &party->seat[i];
        if (seat->incarnation != party->incarnation || seat->room_id != event->room_id)
            continue;
        if (seat->peer_id == event->peer_id)
            sim_fail(party, "peer id %u is used again in room %s", event->peer_id, event->room);
        if (seat->room_mtu != event->mtu)
            sim_fail(party, "room %s had MTU %u, now %u", event->room, seat->room_mtu,
                     event->mtu);
    }
    if (party->seat_count == SIM_SEATS_MAX) {
        sim_fail(party, "the relay gave more than %u seats", SIM_SEATS_MAX);
        return;
    }
    seat = &party->seat[party->seat_count++];
    *seat = (struct sim_seat){
        .incarnation = party->incarnation,
        .room = sim_room_of_code(event->room),
        .room_id = event->room_id,
        .peer_id = event->peer_id,
        .room_mtu = event->mtu,
        .role = event->role,
        .hostile = is_hostile(event),
    };
    if (event->mac != NULL)
        seat->mac = *event->mac;
    if (station < SIM_STATIONS && sim_room_of(party, station) == seat->room)
        party->registered_ns[station] = party->now_ns;
}

static void on_left(struct sim_party *party, const struct lp_relay_event *event)
{
    struct sim_seat *seat =
        sim_seat_find(party, party->incarnation, event->room_id, event->peer_id);
    unsigned station = find_station(party, event);

    if (seat == NULL || seat->left)
        sim_fail(party, "peer %u left room %s, where it was not", event->peer_id, event->room);
    else
        seat->left = true;
    if (station < SIM_STATIONS && sim_room_of(party, station) == sim_room_of_code(event->room))
        party->registered_ns[station] = LP_TIME_NEVER;
}

static void on_resumed(struct sim_party *party, const struct lp_relay_event *event)
{
    const struct sim_seat *seat =
        sim_seat_find(party, party->incarnation, event->room_id, event->peer_id);

    if (seat == NULL || seat->left || seat->hostile != is_hostile(event))
        sim_fail(party, "peer %u took over a seat of room %s that is not its own",
                 event->peer_id, event->room);
}

static void on_event(void *user, const struct lp_relay_event *event)
{
    static const char *const names[] = {
        "",      "joined", "resumed",     "left",         "rejected",     "malformed",
        "error", "stats",  "notice lost", "room created", "room removed", "source refused"};
    struct sim_party *party = user;

    sim_say(party, "relay: room %s peer %u %s %s", event->room, event->peer_id,
            names[event->kind], event->text);
    switch (event->kind) {
    case LP_RELAY_PEER_JOINED:
        on_joined(party, event);
        break;
    case LP_RELAY_PEER_RESUMED:
        on_resumed(party, event);
        break;
    case LP_RELAY_PEER_LEFT:
        on_left(party, event);
        break;
    default:
        break;
    }
}

/* ---- life
 * --------------------------------------------------------------------------------------- */

static void on_random(void *user, void *bytes, size_t len)
{
    sim_random(user, bytes, len);
}

static int on_transmit(void *user, const struct lp_quic_tx *tx)
{
    return sim_transmit(user, SIM_RELAY_ENDPOINT, tx);
}

void sim_relay_start(struct sim_party *party)
{
    struct lp_relay_config config;

    if (party->relay != NULL)
        return;
    sim_say(party, "relay: started");
    lp_relay_config_defaults(&config);
    config.tls = party->tls->server;
    memcpy(config.static_secret, party->static_secret, sizeof(config.static_secret));
    config.random = on_random;
    config.transmit = on_transmit;
    config.event = on_event;
    config.frame = sim_observe_frame;
    config.user = party;
    if (lp_relay_new(&config, &party->relay) < 0) {
        sim_fail(party, "no relay can be made");
        return;
    }
    party->incarnation++;
    party->relay_started_ns = party->now_ns;
    sim_net_attach(&party->net, SIM_RELAY_ENDPOINT);
}

static void end_process(struct sim_party *party)
{
    lp_relay_free(party->relay);
    party->relay = NULL;
    party->relay_touched = false;
    for (unsigned i = 0; i < SIM_STATIONS; i++)
        party->registered_ns[i] = LP_TIME_NEVER;
    sim_net_detach(&party->net, SIM_RELAY_ENDPOINT);
}

void sim_relay_crash(struct sim_party *party)
{
    if (party->relay == NULL)
        return;
    sim_say(party, "relay: crashes");
    end_process(party);
}

void sim_relay_stop(struct sim_party *party)
{
    if (party->relay == NULL)
        return;
    sim_say(party, "relay: stops");
    lp_relay_shutdown(party->relay, party->now_ns);
    lp_relay_flush(party->relay, party->now_ns);
    end_process(party);
}

uint64_t sim_relay_next_deadline(const struct sim_party *party)
{
    return party->relay != NULL ? lp_relay_next_deadline(party->relay) : LP_TIME_NEVER;
}

void sim_relay_run(struct sim_party *party)
{
    if (party->relay == NULL)
        return;
    if (lp_relay_next_deadline(party->relay) <= party->now_ns) {
        lp_relay_on_deadline(party->relay, party->now_ns);
        party->relay_touched = true;
    }
    if (party->relay_touched)
        lp_relay_flush(party->relay, party->now_ns);
    party->relay_touched = false;
}
