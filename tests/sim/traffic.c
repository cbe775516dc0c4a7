#include "traffic.h"

#include <stdlib.h>

#include "host.h"

#define QUIET_BEFORE_PROBES_NS (1500 * LP_NS_PER_MS)
#define INTERVAL_MIN_MS        10
#define INTERVAL_MAX_MS        150
#define BURST_PPM              25000
#define BURST_MAX              80
#define BAD_KIND_PPM           150000
#define FOREIGN_SOURCE_PPM     30000

/* Of the streams over a slow link. */
#define SLOW_START_NS       (3 * LP_NS_PER_S)
#define SLOW_TIME_NS        (6 * LP_NS_PER_S)
#define SLOW_GAME_AFTER_NS  (2000 * LP_NS_PER_MS)
#define SLOW_GAME_WITHIN_NS (100 * LP_NS_PER_MS)
#define BULK_LEN            1380
#define GAME_LEN            100

/* And over a lossy one. */
#define LOSSY_TCP_LEN       1000
#define LOSSY_TCP_PERIOD_NS (5 * LP_NS_PER_MS)

static const struct lp_mac broadcast = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
static const struct lp_mac multicast = {{0x01, 0x00, 0x5e, 0x00, 0x00, 0xfb}};

/* One who sends by himself. */
struct source {
    struct sim_sender sender;
    unsigned lan_host;
};

uint64_t sim_traffic_end(const struct sim_party *party)
{
    return party->plan.probe_ns - QUIET_BEFORE_PROBES_NS;
}

/* ---- addresses
 * ---------------------------------------------------------------------------------- */

/* Any player, of this room or of the other. */
static struct lp_mac draw_player(struct sim_party *party, unsigned room, bool same_room)
{
    for (unsigned tries = 0; tries < 64; tries++) {
        unsigned station = (unsigned)sim_prng_below(&party->traffic_prng, SIM_STATIONS);

        if (station == SIM_HOSTILE && party->hostile == NULL)
            continue;
        if (station != SIM_HOSTILE && (station >= party->plan.host_count ||
                                       party->plan.host[station].role != LP_ROLE_CLIENT))
            continue;
        if ((sim_room_of(party, station) == room) == same_room)
            return sim_station_mac(station);
    }
    return sim_lan_mac(room, 0);
}

static struct lp_mac draw_stranger(struct sim_party *party)
{
    struct lp_mac mac;

    sim_prng_fill(&party->traffic_prng, mac.octet, sizeof(mac.octet));
    mac.octet[0] = SIM_STRANGER_OCTET;
    return mac;
}

static struct lp_mac draw_destination(struct sim_party *party, const struct sim_sender *sender)
{
    struct sim_prng *prng = &party->traffic_prng;
    uint64_t choice = sim_prng_below(prng, 100);
    struct lp_mac mac;

    if (choice < 40)
        return draw_player(party, sender->room, true);
    if (choice < 70)
        return sim_lan_mac(sender->room, (unsigned)sim_prng_below(prng, SIM_LAN_HOSTS));
    if (choice < 82)
        return broadcast;
    if (choice < 90) {
        mac = multicast;
        mac.octet[5] = (uint8_t)sim_prng_next(prng);
        return mac;
    }
    if (choice < 95)
        return draw_player(party, sender->room, false);
    return draw_stranger(party);
}

static struct lp_mac own_address(const struct source *source)
{
    if (source->sender.lan)
        return sim_lan_mac(source->sender.room, source->lan_host);
    return sim_station_mac(source->sender.station);
}

/* ---- frames
 * ------------------------------------------------------------------------------------- */

void sim_traffic_draw(struct sim_party *party, const struct sim_sender *sender,
                      struct sim_frame *ret_frame)
{
    struct sim_prng *prng = &party->traffic_prng;
    bool bad = sim_prng_chance(prng, BAD_KIND_PPM);

    ret_frame->kind = (enum sim_frame_kind)(
        bad ? sim_prng_between(prng, SIM_FRAME_FIRST_BAD, SIM_FRAME_KINDS - 1)
            : sim_prng_below(prng, SIM_FRAME_FIRST_BAD));
    ret_frame->dst = draw_destination(party, sender);
    ret_frame->origin = (uint16_t)sender->station;
    ret_frame->room = (uint8_t)sender->room;
    ret_frame->number = party->next_number++;
    ret_frame->len = sim_frame_length(prng, ret_frame->kind, LP_ETH_FRAME_MAX);
}

static struct sim_sent *hand_over(struct sim_party *party, const struct source *source,
                                  const struct sim_frame *frame, bool must_arrive)
{
    struct sim_sent *sent = sim_ledger_enter(party, &source->sender, frame, must_arrive);

    sim_host_send_frame(&party->host[source->sender.station], frame->bytes, frame->len);
    return sent;
}

static void send_one(struct sim_party *party, const struct source *source)
{
    struct sim_frame frame = {0};

    sim_traffic_draw(party, &source->sender, &frame);
    frame.src = own_address(source);
    if (sim_prng_chance(&party->traffic_prng, FOREIGN_SOURCE_PPM)) {
        frame.src = draw_player(party, source->sender.room, true);
        /* With a token in it, or it could not be told from what the owner of the address sends.
         */
        if (frame.len < sim_frame_min(frame.kind) + SIM_TOKEN_LEN)
            frame.len = sim_frame_min(frame.kind) + SIM_TOKEN_LEN;
    }
    sim_frame_make(&frame, frame.len);
    hand_over(party, source, &frame, false);
}

static void schedule(struct sim_party *party, const struct source *source);

static void on_source(void *user, void *data, uint64_t now_ns)
{
    struct sim_party *party = user;
    const struct source *source = data;
    uint64_t count = 1;

    if (now_ns >= sim_traffic_end(party))
        return;
    if (sim_prng_chance(&party->traffic_prng, BURST_PPM))
        count = sim_prng_between(&party->traffic_prng, 5, BURST_MAX);
    if (party->host[source->sender.station].node != NULL) {
        while (count-- > 0)
            send_one(party, source);
    }
    schedule(party, source);
}

static void schedule(struct sim_party *party, const struct source *source)
{
    uint64_t in_ms = sim_prng_between(&party->traffic_prng, INTERVAL_MIN_MS, INTERVAL_MAX_MS);
    struct source *copy = sim_alloc(sizeof(*copy));

    *copy = *source;
    sim_agenda_add(&party->agenda, party->now_ns + in_ms * LP_NS_PER_MS, on_source, party,
                   copy);
}

/* ---- a slow link
 * -------------------------------------------------------------------------------- */

/* Frames of one kind and size, one after the other. */
struct stream {
    struct source source;
    struct lp_mac dst;
    enum sim_frame_kind kind;
    size_t len;
    uint64_t period_ns;
    uint64_t end_ns;
    uint64_t within_ns; /* a game's: each that arrives has to by then, and nearly all */
};

static void on_stream(void *user, void *data, uint64_t now_ns)
{
    struct sim_party *party = user;
    const struct stream *stream = data;
    struct stream *next = sim_alloc(sizeof(*next));
    struct sim_frame frame = {
        .kind = stream->kind,
        .dst = stream->dst,
        .src = own_address(&stream->source),
        .origin = (uint16_t)stream->source.sender.station,
        .room = (uint8_t)stream->source.sender.room,
        .number = party->next_number++,
    };

    sim_frame_make(&frame, stream->len);
    hand_over(party, &stream->source, &frame, false)->within_ns = stream->within_ns;
    *next = *stream;
    if (now_ns + stream->period_ns < stream->end_ns)
        sim_agenda_add(&party->agenda, now_ns + stream->period_ns, on_stream, party, next);
    else
        free(next);
}

static void add_stream(struct sim_party *party, unsigned from, struct lp_mac dst,
                       const struct stream *like)
{
    struct stream *stream = sim_alloc(sizeof(*stream));
    uint64_t at_ns = party->plan.start_ns + SLOW_START_NS;

    *stream = *like;
    stream->source.sender = (struct sim_sender){
        .station = from,
        .room = party->plan.host[from].room,
        .lan = party->plan.host[from].role == LP_ROLE_GATEWAY,
    };
    stream->dst = dst;
    stream->end_ns = at_ns + SLOW_TIME_NS;
    if (stream->within_ns > 0) { /* the game, once the download has got going */
        at_ns += SLOW_GAME_AFTER_NS;
        stream->end_ns += SLOW_GAME_AFTER_NS;
    }
    sim_agenda_add(&party->agenda, at_ns, on_stream, party, stream);
}

/* Player 0 plays with player 1. */
static void add_game(struct sim_party *party)
{
    const struct stream game = {.kind = SIM_FRAME_IPV6_UDP,
                                .len = GAME_LEN,
                                .period_ns = LP_NS_PER_S / 60,
                                .within_ns = party->plan.path[SIM_SLOW_HOST + 1].delay_ns +
                                             party->plan.path[SIM_SLOW_HOST + 2].delay_ns +
                                             SLOW_GAME_WITHIN_NS};

    add_stream(party, SIM_SLOW_HOST, sim_station_mac(SIM_SLOW_HOST + 1), &game);
    add_stream(party, SIM_SLOW_HOST + 1, sim_station_mac(SIM_SLOW_HOST), &game);
}

/*
 * Player 0 plays with player 1, while his link has to carry twice what it can, each way. Nobody
 * else is heard.
 */
static void start_slow_link(struct sim_party *party)
{
    const struct stream bulk = {
        .kind = SIM_FRAME_PLAIN,
        .len = BULK_LEN,
        .period_ns = BULK_LEN * 8 * LP_NS_PER_S / (2 * SIM_SLOW_RATE),
    };
    unsigned gateway = sim_gateway_of(party, 0);

    add_stream(party, SIM_SLOW_HOST, sim_lan_mac(0, 0), &bulk);
    add_stream(party, gateway, sim_station_mac(SIM_SLOW_HOST), &bulk);
    add_game(party);
}

/* The two send each other TCP besides, which the link can carry but for what it loses. */
static void start_lossy_link(struct sim_party *party)
{
    const struct stream tcp = {
        .kind = SIM_FRAME_IPV4_TCP,
        .len = LOSSY_TCP_LEN,
        .period_ns = LOSSY_TCP_PERIOD_NS,
    };

    add_stream(party, SIM_SLOW_HOST, sim_station_mac(SIM_SLOW_HOST + 1), &tcp);
    add_stream(party, SIM_SLOW_HOST + 1, sim_station_mac(SIM_SLOW_HOST), &tcp);
    add_game(party);
}

void sim_traffic_start(struct sim_party *party)
{
    if (sim_plan_has(&party->plan, SIM_TRAIT_SLOW_LINK)) {
        start_slow_link(party);
        return;
    }
    if (sim_plan_has(&party->plan, SIM_TRAIT_LOSSY_LINK)) {
        start_lossy_link(party);
        return;
    }
    for (unsigned i = 0; i < party->plan.host_count; i++) {
        bool gateway = party->plan.host[i].role == LP_ROLE_GATEWAY;
        unsigned machines = gateway ? SIM_LAN_HOSTS - 1 : 1; /* one on the LAN never speaks */

        for (unsigned machine = 0; machine < machines; machine++) {
            struct source source = {
                .sender = {.station = i, .room = party->plan.host[i].room, .lan = gateway},
                .lan_host = machine,
            };

            schedule(party, &source);
        }
    }
}

/* ---- probes
 * ------------------------------------------------------------------------------------- */

struct probe {
    struct source source;
    struct lp_mac dst;
    size_t len;
};

static void on_probe(void *user, void *data, uint64_t now_ns)
{
    struct sim_party *party = user;
    const struct probe *probe = data;
    struct sim_frame frame = {
        .kind = SIM_FRAME_PLAIN,
        .dst = probe->dst,
        .src = own_address(&probe->source),
        .origin = (uint16_t)probe->source.sender.station,
        .room = (uint8_t)probe->source.sender.room,
        .number = party->next_number++,
    };

    (void)now_ns;
    sim_frame_make(&frame, probe->len);
    hand_over(party, &probe->source, &frame, true);
}

/* Everybody in the room takes frames of this length. */
static size_t longest(const struct sim_party *party, unsigned room)
{
    size_t len = LP_ETH_FRAME_MAX;

    for (unsigned i = 0; i < party->plan.host_count; i++) {
        struct lp_node_view view;

        if (party->plan.host[i].room != room || party->host[i].node == NULL ||
            party->plan.host[i].datagram_budget >= LP_OVERLAY_HEADER_MAX + LP_PIECE_FIRST_LEN)
            continue;
        lp_node_view(party->host[i].node, &view); /* takes no pieces: the room's MTU binds */
        if (LP_ETH_HEADER_LEN + view.mtu < len)
            len = LP_ETH_HEADER_LEN + view.mtu;
    }
    return len;
}

static void add_probe(struct sim_party *party, const struct source *source, struct lp_mac dst)
{
    for (unsigned large = 0; large < 2; large++) {
        struct probe *probe = sim_alloc(sizeof(*probe));
        uint64_t at_ns = party->now_ns + sim_prng_below(&party->traffic_prng, SIM_PROBE_NS);

        probe->source = *source;
        probe->dst = dst;
        probe->len = large ? longest(party, source->sender.room)
                           : sim_prng_between(&party->traffic_prng, LP_ETH_FRAME_MIN, 300);
        sim_agenda_add(&party->agenda, at_ns, on_probe, party, probe);
    }
}

static void probe_from(struct sim_party *party, const struct source *source)
{
    unsigned room = source->sender.room;

    for (unsigned i = 0; i < party->plan.host_count; i++) {
        if (party->plan.host[i].room == room && party->plan.host[i].role == LP_ROLE_CLIENT &&
            i != source->sender.station)
            add_probe(party, source, sim_station_mac(i));
    }
    if (!source->sender.lan && sim_gateway_of(party, room) < SIM_HOSTS_MAX) {
        for (unsigned machine = 0; machine < SIM_LAN_HOSTS; machine++)
            add_probe(party, source, sim_lan_mac(room, machine));
    }
    add_probe(party, source, broadcast);
}

void sim_traffic_probe(struct sim_party *party)
{
    for (unsigned i = 0; i < party->plan.host_count; i++) {
        struct source source = {
            .sender = {.station = i,
                       .room = party->plan.host[i].room,
                       .lan = party->plan.host[i].role == LP_ROLE_GATEWAY},
        };

        probe_from(party, &source);
    }
}
