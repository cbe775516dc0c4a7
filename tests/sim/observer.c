#include "observer.h"

/* Arithmetic of its own, so that a bucket's mistake is not made here too. */
static bool take_token(struct sim_tokens *tokens, double burst, double per_second,
                       uint64_t now_ns)
{
    if (tokens->at_ns == 0)
        tokens->level = burst;
    else
        tokens->level += per_second * (double)(now_ns - tokens->at_ns) / 1e9;
    tokens->at_ns = now_ns;
    if (tokens->level > burst)
        tokens->level = burst;
    tokens->level -= 1;
    return tokens->level > -0.001;
}

static bool is_own_source(const struct sim_party *party, const struct sim_seat *seat,
                          const struct lp_mac *src)
{
    if (seat->role == LP_ROLE_CLIENT)
        return lp_mac_equal(src, &seat->mac);
    /* The LAN may use any address but a registered player's. */
    for (unsigned i = 0; i < party->seat_count; i++) {
        const struct sim_seat *other = &party->seat[i];

        if (other->incarnation == party->incarnation && other->room_id == seat->room_id &&
            !other->left && other->role == LP_ROLE_CLIENT && lp_mac_equal(src, &other->mac))
            return false;
    }
    return true;
}

static bool is_link_type(uint16_t type)
{
    switch (type) {
    case LP_ETHERTYPE_EAPOL:
    case LP_ETHERTYPE_LLDP:
    case LP_ETHERTYPE_SLOW:
    case LP_ETHERTYPE_PAUSE:
        return true;
    default:
        return false;
    }
}

static unsigned room_size(const struct sim_party *party, const struct sim_seat *seat)
{
    unsigned size = 0;

    for (unsigned i = 0; i < party->seat_count; i++)
        size += party->seat[i].incarnation == party->incarnation &&
                party->seat[i].room_id == seat->room_id && !party->seat[i].left;
    return size;
}

static void check_forwarded(struct sim_party *party, struct sim_seat *seat,
                            const struct lp_frame_event *event)
{
    bool client = seat->role == LP_ROLE_CLIENT;
    bool group = lp_mac_is_group(&event->dst);
    const char *wrong = NULL;

    if (!is_own_source(party, seat, &event->src))
        wrong = "its source address is not the sender's";
    else if (is_link_type(event->type_or_len) || (client && lp_eth_is_tag(event->type_or_len)))
        wrong = "its type is filtered";
    else if (event->targets > (group ? room_size(party, seat) - 1 : 1))
        wrong = "it goes to too many";
    else if (client && group &&
             !take_token(&seat->broadcast, LP_RELAY_BROADCAST_BURST, LP_RELAY_BROADCAST_RATE,
                         party->now_ns))
        wrong = "its sender has used up his broadcast rate";
    else if (client && event->dst.octet[0] == SIM_STRANGER_OCTET &&
             !take_token(&seat->unknown, LP_RELAY_UNKNOWN_BURST, LP_RELAY_UNKNOWN_RATE,
                         party->now_ns))
        wrong = "its sender has used up his rate for unknown addresses";
    if (wrong != NULL)
        sim_fail(party, "the relay forwards a frame of peer %u in room %s: %s", event->peer_id,
                 event->room, wrong);
}

/* Client and gateway stop by themselves what the relay would stop, but for what they cannot
 * know yet. */
static void check_manners(struct sim_party *party, const struct sim_seat *seat,
                          const struct lp_frame_event *event)
{
    enum lp_drop_category category = lp_drop_category(event->reason);
    bool impolite = category == LP_DROP_MALFORMED || category == LP_DROP_FILTERED;

    if (event->reason == LP_DROP_REASON_SOURCE_NOT_AUTHORISED && seat->role == LP_ROLE_CLIENT)
        impolite = true;
    if (event->reason == LP_DROP_REASON_NO_TARGET && !lp_mac_is_local(&event->dst))
        impolite = true; /* never a player's address */
    if (impolite)
        sim_fail(party,
                 "peer %u in room %s, who keeps the rules, sent what the relay drops as %s",
                 event->peer_id, event->room, lp_drop_name(event->reason));
}

void sim_observe_frame(void *user, const struct lp_frame_event *event)
{
    struct sim_party *party = user;
    struct sim_seat *seat = NULL;

    for (unsigned i = party->seat_count; i > 0 && seat == NULL; i--) {
        struct sim_seat *at = &party->seat[i - 1];

        if (at->incarnation == party->incarnation && !at->left &&
            at->room == sim_room_of_code(event->room) && at->peer_id == event->peer_id)
            seat = at;
    }
    if (seat == NULL) {
        sim_fail(party, "the relay judges a frame of peer %u, who is not in room %s",
                 event->peer_id, event->room);
        return;
    }
    if (!seat->hostile)
        check_manners(party, seat, event);
    /* Second pieces have no Ethernet header: they go where their first went. */
    if (event->reason == LP_FORWARD && event->has_ethernet)
        check_forwarded(party, seat, event);
}
