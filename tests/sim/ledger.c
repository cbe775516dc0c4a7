#include "ledger.h"

#include <stdlib.h>
#include <string.h>

#include "party.h"
#include "trace.h"

void sim_ledger_deinit(struct sim_ledger *ledger)
{
    struct sim_sent *sent = ledger->sent;

    HASH_CLEAR(hh, ledger->sent); /* the table; the entries stay linked */
    while (sent != NULL) {
        struct sim_sent *next = sent->hh.next;

        free(sent);
        sent = next;
    }
}

/* ---- who may get it
 * ----------------------------------------------------------------------------- */

static uint32_t bit(unsigned host)
{
    return host < SIM_HOSTS_MAX ? UINT32_C(1) << host : 0;
}

static uint32_t everyone_else(const struct sim_party *party, const struct sim_sender *sender)
{
    uint32_t set = 0;

    for (unsigned i = 0; i < party->plan.host_count; i++) {
        if (party->plan.host[i].room == sender->room && i != sender->station)
            set |= bit(i);
    }
    return set;
}

/* The player of this room (the hostile one included) with this MAC. */
static uint32_t find_player(const struct sim_party *party, unsigned room,
                            const struct lp_mac *mac)
{
    for (unsigned station = 0; station < SIM_STATIONS; station++) {
        struct lp_mac own = sim_station_mac(station);
        bool there = station == SIM_HOSTILE
                         ? party->hostile != NULL
                         : station < party->plan.host_count &&
                               party->plan.host[station].role == LP_ROLE_CLIENT;

        if (there && sim_room_of(party, station) == room && lp_mac_equal(&own, mac))
            return station;
    }
    return SIM_NO_STATION;
}

static void judge_source(const struct sim_party *party, const struct sim_sender *sender,
                         const struct sim_frame *frame, struct sim_sent *sent)
{
    struct lp_mac own = sim_station_mac(sender->station);

    if (!sender->lan && !lp_mac_equal(&own, &frame->src)) {
        sent->allowed = 0;
        sent->why = "its sender may not use that source address";
    }
    if (sender->lan)
        sent->pretender = find_player(party, sender->room, &frame->src);
}

static void judge_destination(const struct sim_party *party, const struct sim_sender *sender,
                              const struct sim_frame *frame, struct sim_sent *sent)
{
    uint32_t target = find_player(party, sender->room, &frame->dst);
    uint32_t lan = sender->lan ? 0 : bit(sim_gateway_of(party, sender->room));

    sent->why = "it is not for them";
    if (lp_mac_is_group(&frame->dst)) {
        sent->allowed = everyone_else(party, sender);
    } else if (target != SIM_NO_STATION && target != sender->station) {
        sent->target = target;
        sent->allowed = bit(target) | lan;
        sent->required = bit(target);
        return;
    } else if (target == SIM_NO_STATION) {
        sent->allowed = lan;
    }
    sent->required = sent->allowed;
}

static void judge_kind(const struct sim_sender *sender, enum sim_frame_kind kind,
                       struct sim_sent *sent)
{
    enum sim_verdict verdict = sim_frame_verdict(kind);

    if (verdict == SIM_NOWHERE || (verdict == SIM_REMOTE_ONLY && !sender->lan)) {
        sent->allowed = 0;
        sent->why = "it is of a kind that is filtered";
    }
}

struct sim_sent *sim_ledger_enter(struct sim_party *party, const struct sim_sender *sender,
                                  const struct sim_frame *frame, bool must_arrive)
{
    struct sim_ledger *ledger = &party->ledger;
    uint64_t key = lp_fnv1a(LP_FNV1A_INIT, frame->bytes, frame->len);
    struct sim_sent *sent;

    ledger->frames_sent++;
    HASH_FIND(hh, ledger->sent, &key, sizeof(key), sent);
    if (sent != NULL) { /* short ones have no room for a number: they are all the same */
        sent->times++;
        return sent;
    }
    sent = sim_alloc(sizeof(*sent));
    sent->key = key;
    sent->at_ns = party->now_ns;
    sent->number = frame->number;
    sent->origin = sender->station;
    sent->room = sender->room;
    sent->kind = frame->kind;
    sent->len = frame->len;
    sent->times = 1;
    sent->target = SIM_NO_STATION;
    sent->pretender = SIM_NO_STATION;
    judge_destination(party, sender, frame, sent);
    judge_source(party, sender, frame, sent);
    judge_kind(sender, frame->kind, sent);
    sent->required = must_arrive ? sent->required & sent->allowed : 0;
    HASH_ADD(hh, ledger->sent, key, sizeof(sent->key), sent);
    return sent;
}

/* ---- who got it
 * --------------------------------------------------------------------------------- */

static void fail_delivery(struct sim_party *party, const struct sim_sent *sent, unsigned host,
                          const char *what)
{
    sim_fail(
        party,
        "frame %u (%s, %zu octets, from host %u in room %u) came to host %u in room %u: %s",
        sent->number, sim_frame_name(sent->kind), sent->len, sent->origin, sent->room, host,
        sim_room_of(party, host), what);
}

/* Registered with the relay ever since the frame was sent. */
static bool registered_since(const struct sim_party *party, uint32_t station, uint64_t at_ns)
{
    return station != SIM_NO_STATION && party->registered_ns[station] <= at_ns;
}

/* A game's frame, by more than `grace_ns`. */
static bool is_late(const struct sim_sent *sent, uint64_t grace_ns, uint64_t now_ns)
{
    return sent->within_ns > 0 && now_ns - sent->at_ns > sent->within_ns + grace_ns;
}

static void check_delivery(struct sim_party *party, const struct sim_sent *sent, unsigned host)
{
    bool to_lan = party->plan.host[host].role == LP_ROLE_GATEWAY;

    if (sim_room_of(party, host) != sent->room)
        fail_delivery(party, sent, host, "it crossed rooms");
    else if (host == sent->origin)
        fail_delivery(party, sent, host, "it came back to where it was sent");
    else if ((sent->allowed & bit(host)) == 0)
        fail_delivery(party, sent, host, sent->why);
    else if (sent->delivered[host] > sent->times)
        fail_delivery(party, sent, host, "more often than it was sent");
    else if (is_late(sent, 2 * LP_REPAIR_AGE_MAX_NS, party->now_ns))
        fail_delivery(party, sent, host, "too late");
    else if (to_lan && registered_since(party, sent->target, sent->at_ns))
        fail_delivery(party, sent, host, "it is for a player who is there");
    else if (registered_since(party, sent->pretender, sent->at_ns))
        fail_delivery(party, sent, host, "the LAN used the address of a player who is there");
}

/* Of hosts only; frames of one connection, because in such parties there is one each way. */
static void note_order(struct sim_ledger *ledger, const struct sim_sent *sent, unsigned host)
{
    uint32_t *highest;

    if (sent->kind != SIM_FRAME_IPV4_TCP || sent->origin >= SIM_HOSTS_MAX)
        return;
    highest = &ledger->highest[sent->origin][host];
    if (sent->number < *highest)
        ledger->overtaken[host]++;
    else
        *highest = sent->number;
}

void sim_ledger_deliver(struct sim_party *party, unsigned host, const uint8_t *frame,
                        size_t len)
{
    uint64_t *hash = &party->result->hash;
    uint64_t key = lp_fnv1a(LP_FNV1A_INIT, frame, len);
    struct sim_sent *sent;

    party->ledger.frames_delivered++;
    *hash = sim_trace_number(*hash, party->now_ns);
    *hash = sim_trace_number(*hash, host);
    *hash = sim_trace_number(*hash, key);
    HASH_FIND(hh, party->ledger.sent, &key, sizeof(key), sent);
    if (sent == NULL) {
        sim_fail(party, "host %u got a frame of %zu octets that nobody sent%s", host, len,
                 sim_token_ok(frame, len) ? "" : ": its checksum is wrong");
        return;
    }
    sent->delivered[host]++;
    sent->in_time = sent->in_time || !is_late(sent, 0, party->now_ns);
    note_order(&party->ledger, sent, host);
    check_delivery(party, sent, host);
}

static void check_games(struct sim_party *party)
{
    const struct sim_sent *sent;
    unsigned played = 0;
    unsigned lost = 0;

    for (sent = party->ledger.sent; sent != NULL; sent = sent->hh.next) {
        played += sent->within_ns > 0 ? 1 : 0;
        lost += sent->within_ns > 0 && !sent->in_time ? 1 : 0;
    }
    if (lost * SIM_GAME_LOST_OF > played)
        sim_fail(party, "of %u frames of the game %u were lost or late", played, lost);
}

void sim_ledger_check_required(struct sim_party *party)
{
    const struct sim_sent *sent;

    check_games(party);
    for (sent = party->ledger.sent; sent != NULL; sent = sent->hh.next) {
        for (unsigned host = 0; host < SIM_HOSTS_MAX; host++) {
            if ((sent->required & bit(host)) != 0 && sent->delivered[host] == 0)
                sim_fail(
                    party,
                    "after healing, frame %u (%s, %zu octets, from host %u) at %.3f s did not "
                    "come to host %u",
                    sent->number, sim_frame_name(sent->kind), sent->len, sent->origin,
                    (double)(sent->at_ns - party->plan.start_ns) / 1e9, host);
        }
    }
}
