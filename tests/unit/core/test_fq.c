/*
 * How flows share an egress queue (RFC 8290): sources on one side, a link of some rate on the
 * other, on virtual time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/wire.h"
#include "core/egress.h"
#include "proto/checksum.h"

#define T0          (3 * LP_NS_PER_S)
#define MS          LP_NS_PER_MS
#define MBIT        UINT64_C(1000000)
#define FULL        LP_ETH_FRAME_MAX
#define SOURCES_MAX 64
#define IP_AT       14

/* Sends a burst of frames of one size every period; or, with a window, when acknowledged. */
struct source {
    struct lp_flow flow;
    bool hops; /* each frame is a flow of its own */
    bool ecn;
    size_t len;
    unsigned burst;
    uint64_t period_ns;
    uint64_t next_ns; /* of the next burst, LP_TIME_NEVER for none */
    uint32_t number;  /* of the next frame */
    uint32_t expected;
    uint64_t sent;
    uint64_t sent_octets;
    uint64_t marked;
    uint64_t worst_ns;
};

#define ACKS_MAX 8192

struct ack {
    uint64_t at_ns;
    uint32_t number;
    bool marked;
};

/*
 * A sender that listens: source 0, acknowledged when a frame has crossed the link and a round
 * trip. It grows as Reno does and yields as CUBIC, the default of most senders.
 */
struct reno {
    uint64_t round_trip_ns;
    double window;
    double threshold;
    uint32_t acked;
    uint32_t recover;
    struct ack ack[ACKS_MAX];
    unsigned first, last;
    uint64_t late; /* frames that waited above 15 ms, after the start */
};

struct bench {
    struct lp_packet_pool pool;
    struct lp_counters counters;
    struct lp_egress queue;
    struct source source[SOURCES_MAX];
    unsigned sources;
    uint64_t rate; /* bits a second */
    uint64_t now_ns;
    uint64_t free_ns; /* when the link has sent what it has */
    uint64_t busy_ns;
    struct reno reno;
    bool listens;
};

static void set_up(struct bench *b, uint64_t rate)
{
    memset(b, 0, sizeof(*b));
    lp_packet_pool_init(&b->pool, 4096);
    lp_egress_init(&b->queue, &b->pool, &b->counters, LP_EGRESS_BYTES_MAX,
                   LP_EGRESS_AGE_MAX_NS);
    b->rate = rate;
    b->now_ns = T0;
    b->free_ns = T0;
}

static uint64_t dropped(const struct bench *b, enum lp_drop reason)
{
    return b->counters.tx_drop[reason];
}

static void assert_adds_up(const struct bench *b)
{
    size_t listed = 0;
    uint64_t octets = 0;

    assert_int_equal(b->counters.value[LP_COUNTER_TX_FRAMES],
                     b->counters.value[LP_COUNTER_TX_SENT] +
                         lp_counters_tx_dropped(&b->counters) + b->queue.packets);
    assert_int_equal(b->queue.bytes, b->queue.packets * LP_EGRESS_PACKET_COST);
    for (unsigned f = 0; f < LP_EGRESS_FLOWS; f++) {
        listed += (size_t)b->queue.backlog[f];
        octets += b->queue.flow[f].octets;
        assert_int_equal(b->queue.backlog[f] == 0, b->queue.flow[f].octets == 0);
    }
    assert_int_equal(listed, b->queue.packets);
    assert_int_equal(octets == 0, b->queue.packets == 0);
}

static void tear_down(struct bench *b)
{
    assert_adds_up(b);
    lp_egress_clear(&b->queue);
    assert_adds_up(b);
    assert_int_equal(b->queue.packets, 0);
    lp_packet_pool_deinit(&b->pool);
}

static struct source *add(struct bench *b, uint32_t hash, uint16_t origin, size_t len,
                          uint64_t rate)
{
    struct source *s = &b->source[b->sources++];

    assert_true(b->sources <= SOURCES_MAX);
    *s = (struct source){
        .flow = {.hash = hash, .origin = origin, .ip_at = IP_AT},
        .len = len,
        .burst = 1,
        .period_ns = rate > 0 ? len * 8 * LP_NS_PER_S / rate : 0,
        .next_ns = rate > 0 ? T0 : LP_TIME_NEVER,
    };
    return s;
}

/* An IPv4 header whose checksum is right, then the frame's number. */
static void fill(const struct source *s, uint8_t frame[FULL])
{
    uint8_t *ip = frame + IP_AT;

    memset(frame, 0, FULL);
    ip[0] = 0x45;
    ip[1] = s->ecn ? 2 : 0;
    lp_store_be32(ip + 16, s->number);
    lp_store_be16(ip + 10, lp_checksum_finish(lp_checksum_add(0, ip, 20)));
}

static enum lp_drop push(struct bench *b, struct source *s)
{
    uint8_t frame[FULL];
    struct lp_overlay overlay = {
        .type = LP_OVERLAY_FRAME,
        .peer_id = (uint32_t)(s - b->source),
        .payload = frame,
        .payload_len = s->len,
    };
    struct lp_flow flow = s->flow;

    fill(s, frame);
    s->number++;
    if (s->hops)
        flow.hash = s->number * UINT32_C(2654435761);
    return lp_egress_push(&b->queue, &overlay, &flow, b->now_ns);
}

static void reno_arrived(struct bench *b, uint64_t waited_ns, uint32_t number, bool marked)
{
    struct reno *r = &b->reno;

    r->ack[r->last++ % ACKS_MAX] = (struct ack){b->free_ns + r->round_trip_ns, number, marked};
    assert_true(r->last - r->first <= ACKS_MAX);
    if (b->now_ns > T0 + 3 * LP_NS_PER_S && waited_ns > 15 * MS)
        r->late++;
}

/* Sends the head if there is one; each flow's frames stay in order. */
static bool send_head(struct bench *b)
{
    const struct lp_packet *packet = lp_egress_head(&b->queue, b->now_ns);
    struct source *s;
    uint64_t waited_ns;
    uint32_t number;
    bool marked;

    if (packet == NULL)
        return false;
    s = &b->source[packet->overlay.peer_id];
    waited_ns = b->now_ns - packet->queued_ns;
    number = lp_load_be32(packet->bytes + IP_AT + 16);
    marked = (packet->bytes[IP_AT + 1] & 3) == 3;
    assert_true(number >= s->expected || s->hops);
    assert_int_equal(lp_checksum_finish(lp_checksum_add(0, packet->bytes + IP_AT, 20)), 0);
    s->expected = number + 1;
    s->sent++;
    s->sent_octets += s->len;
    s->marked += marked ? 1 : 0;
    s->worst_ns = waited_ns > s->worst_ns ? waited_ns : s->worst_ns;
    b->free_ns = b->now_ns + s->len * 8 * LP_NS_PER_S / b->rate;
    b->busy_ns += b->free_ns - b->now_ns;
    lp_egress_pop(&b->queue, LP_FORWARD);
    if (b->listens)
        reno_arrived(b, waited_ns, number, marked);
    return true;
}

/* Sends the head; the source that it is from. */
static unsigned send_from(struct bench *b)
{
    const struct lp_packet *packet = lp_egress_head(&b->queue, b->now_ns);
    unsigned from;

    assert_non_null(packet);
    from = packet->overlay.peer_id;
    send_head(b);
    return from;
}

static void run(struct bench *b, uint64_t duration_ns)
{
    uint64_t end_ns = b->now_ns + duration_ns;

    for (;;) {
        struct source *next = NULL;

        for (unsigned i = 0; i < b->sources; i++) {
            if (next == NULL || b->source[i].next_ns < next->next_ns)
                next = &b->source[i];
        }
        while (b->free_ns <= next->next_ns && b->free_ns < end_ns) {
            b->now_ns = b->free_ns > b->now_ns ? b->free_ns : b->now_ns;
            if (!send_head(b))
                break;
        }
        if (next->next_ns >= end_ns)
            break;
        b->now_ns = next->next_ns;
        next->next_ns += next->period_ns;
        for (unsigned i = 0; i < next->burst; i++)
            push(b, next);
    }
    b->now_ns = end_ns;
}

static uint64_t frames_ns(const struct bench *b, unsigned frames)
{
    return frames * FULL * 8 * LP_NS_PER_S / b->rate;
}

/* ---- sharing ---- */

static void a_sparse_flow_goes_first(void **state)
{
    struct bench b;
    struct source *bulk, *game;

    set_up(&b, 10 * MBIT);
    bulk = add(&b, 1, 0, FULL, 20 * MBIT);
    game = add(&b, 2, 0, 100, 48000); /* 60 a second */
    run(&b, 10 * LP_NS_PER_S);
    assert_in_range(game->sent, 599, 600);
    /* never longer than what the link is sending already */
    assert_true(game->worst_ns <= frames_ns(&b, 1));
    assert_true(bulk->worst_ns > 50 * MS); /* and there was a queue */
    tear_down(&b);
}

/* It is visited once a round at least: a quantum of each of the others comes before it. */
static void a_sparse_flow_waits_a_round_at_most(void **state)
{
    struct bench b;
    struct source *game;

    set_up(&b, 50 * MBIT);
    for (uint32_t i = 0; i < 12; i++)
        add(&b, 10 + i, 0, FULL, 10 * MBIT);
    game = add(&b, 2, 0, 100, 48000);
    run(&b, 10 * LP_NS_PER_S);
    assert_in_range(game->sent, 599, 600);
    assert_true(game->worst_ns <= frames_ns(&b, 13 + 1));
    tear_down(&b);
}

static void octets_are_shared_not_frames(void **state)
{
    struct bench b;
    struct source *large, *small;

    set_up(&b, 10 * MBIT);
    large = add(&b, 1, 0, FULL, 20 * MBIT);
    small = add(&b, 2, 0, 200, 20 * MBIT);
    run(&b, 20 * LP_NS_PER_S);
    assert_true(large->sent_octets * 100 > small->sent_octets * 98);
    assert_true(small->sent_octets * 100 > large->sent_octets * 98);
    assert_true((large->sent_octets + small->sent_octets) * 8 > 199 * MBIT);
    tear_down(&b);
}

static void a_slow_flow_gets_what_it_asks_for(void **state)
{
    struct bench b;
    struct source *slow;

    set_up(&b, 10 * MBIT);
    add(&b, 1, 0, FULL, 20 * MBIT);
    add(&b, 2, 0, FULL, 20 * MBIT);
    slow = add(&b, 3, 0, 600, 2 * MBIT);
    run(&b, 10 * LP_NS_PER_S);
    assert_true(slow->sent + 2 >= slow->number);
    assert_true(slow->worst_ns < frames_ns(&b, 6));
    tear_down(&b);
}

/* RFC 8290 4.2: a flow that runs empty waits among the old ones before it is new again. */
static void who_runs_empty_is_not_new_at_once(void **state)
{
    struct bench b;
    struct source *bulk, *quick;

    set_up(&b, 10 * MBIT);
    bulk = add(&b, 1, 0, 400, 0);
    quick = add(&b, 2, 0, 1000, 0);
    for (unsigned i = 0; i < 12; i++)
        push(&b, bulk);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(send_from(&b), 0);              /* its quantum is used up */
    assert_non_null(lp_egress_head(&b.queue, b.now_ns)); /* now it is old, with another */
    lp_egress_release(&b.queue);
    push(&b, quick);
    assert_int_equal(send_from(&b), 1);
    assert_int_equal(send_from(&b), 0);
    push(&b, quick);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(send_from(&b), 0);
    assert_int_equal(send_from(&b), 1);
    tear_down(&b);
}

/* ---- places ---- */

static void flows_of_one_set_do_not_meet(void **state)
{
    struct bench b;

    set_up(&b, 10 * MBIT);
    for (uint32_t i = 0; i < 16; i++)
        push(&b, add(&b, i << 8, 0, 60, 0)); /* all of set 0, way 0 */
    for (unsigned f = 0; f < LP_EGRESS_FLOWS; f++)
        assert_int_equal(b.queue.backlog[f], f < 16 ? 1 : 0);
    push(&b, add(&b, 16 << 8, 0, 60, 0)); /* one too many: it shares */
    assert_int_equal(b.queue.backlog[0], 2);
    push(&b, &b.source[5]); /* each finds its place again */
    assert_int_equal(b.queue.backlog[5], 2);
    tear_down(&b);
}

/* Whoever knows another's addresses could send as his flow, and have it slowed down. */
static void origins_do_not_meet(void **state)
{
    struct bench b;
    struct source *victim, *forger;

    set_up(&b, 10 * MBIT);
    victim = add(&b, 77, 2, 200, 1 * MBIT);
    forger = add(&b, 77, 3, FULL, 40 * MBIT);
    add(&b, 77, 19, FULL, 40 * MBIT); /* of the same set as 3, and yet apart */
    run(&b, 5 * LP_NS_PER_S);
    assert_true(victim->sent + 2 >= victim->number);
    assert_true(forger->sent_octets * 8 > 5 * 4 * MBIT); /* half of what is left */
    tear_down(&b);
}

/* Thousands of flows have sixteen places, and those one share together. */
static void a_player_of_many_flows_has_a_few_places(void **state)
{
    struct bench b;
    struct source *hostile, *bulk, *game;
    unsigned places = 0;

    set_up(&b, 50 * MBIT);
    hostile = add(&b, 0, 1, FULL, 200 * MBIT);
    hostile->hops = true;
    bulk = add(&b, 1, 2, FULL, 50 * MBIT);
    game = add(&b, 2, 3, 100, 48000);
    run(&b, 10 * LP_NS_PER_S);
    for (unsigned f = 0; f < LP_EGRESS_FLOWS; f++)
        places += b.queue.backlog[f] > 0 ? 1 : 0;
    assert_in_range(places, 2, 18);
    assert_true(hostile->number > 100000);
    assert_true(bulk->sent_octets * 8 > 10 * 50 * MBIT / 100 * 48);
    assert_in_range(game->sent, 599, 600);
    assert_true(game->worst_ns <= frames_ns(&b, 19));
    tear_down(&b);
}

/* Small frames in thousands of flows: each holds a packet's memory. */
static void a_flood_of_small_frames_does_not_push_others_out(void **state)
{
    struct bench b;
    struct source *flood, *bulk, *game;

    set_up(&b, 50 * MBIT);
    flood = add(&b, 0, 1, 60, 40 * MBIT); /* 83,000 a second */
    flood->hops = true;
    bulk = add(&b, 1, 2, FULL, 45 * MBIT);
    game = add(&b, 2, 3, 100, 48000);
    run(&b, 5 * LP_NS_PER_S);
    assert_in_range(game->sent, 299, 300);
    assert_true(game->worst_ns <= frames_ns(&b, 19));
    assert_true(bulk->sent_octets * 8 > 5 * 50 * MBIT / 100 * 45);
    tear_down(&b);
}

/* When it is full, the newcomer goes in and the fattest flow pays. */
static void the_fattest_flow_pays(void **state)
{
    struct bench b;
    struct source *fat, *thin, *game;

    set_up(&b, 10 * MBIT);
    fat = add(&b, 1, 0, 60, 0);
    thin = add(&b, 2, 0, FULL, 0);
    game = add(&b, 3, 0, 60, 0);
    for (unsigned i = 0; i < 200; i++)
        push(&b, thin);
    for (unsigned i = 0; i < 1000; i++)
        push(&b, fat);
    assert_int_equal(b.queue.packets, LP_EGRESS_BYTES_MAX / LP_EGRESS_PACKET_COST);
    assert_int_equal(dropped(&b, LP_DROP_REASON_QUEUE_OVERLOAD), 1200 - b.queue.packets);
    assert_int_equal(push(&b, game), LP_FORWARD);
    assert_int_equal(dropped(&b, LP_DROP_REASON_QUEUE_FULL), 0);
    while (send_head(&b))
        ;
    assert_int_equal(thin->sent, 200);
    assert_int_equal(game->sent, 1);
    assert_int_equal(fat->expected, 1000); /* the oldest went, the latest is there */
    tear_down(&b);
}

/* ---- delay ---- */

/* A link faster than 5 ms for what a super-frame holds never sees CoDel. */
static void bursts_of_super_frames_pass(void **state)
{
    for (unsigned streams = 1; streams <= 4; streams += 3) {
        struct bench b;
        uint64_t sent = 0;

        set_up(&b, 1000 * MBIT);
        for (uint32_t i = 0; i < streams; i++) {
            struct source *s = add(&b, i, 0, FULL, 1000 * MBIT / streams);

            s->burst = 65536 / FULL;
            s->period_ns *= s->burst;
        }
        run(&b, LP_NS_PER_S);
        for (unsigned i = 0; i < streams; i++)
            sent += b.source[i].sent;
        assert_int_equal(lp_counters_tx_dropped(&b.counters), 0);
        assert_true(b.busy_ns > 998 * MS);
        assert_true(sent > 82000);
        tear_down(&b);
    }
}

/* Nobody listens: CoDel's drops do not suffice, the bound in octets does. */
static void a_deaf_flow_is_bounded(void **state)
{
    struct bench b;
    struct source *deaf;

    set_up(&b, 10 * MBIT);
    deaf = add(&b, 1, 0, FULL, 30 * MBIT);
    run(&b, 10 * LP_NS_PER_S);
    assert_true(dropped(&b, LP_DROP_REASON_QUEUE_CODEL) > 100);
    assert_true(deaf->worst_ns <= LP_EGRESS_AGE_MAX_NS);
    assert_true(b.busy_ns > 9990 * MS);
    tear_down(&b);
}

static void a_deaf_flow_may_also_be_marked(void **state)
{
    struct bench b;
    struct source *deaf;

    set_up(&b, 10 * MBIT);
    deaf = add(&b, 1, 0, FULL, 11 * MBIT);
    deaf->ecn = true;
    run(&b, 2 * LP_NS_PER_S);
    assert_int_equal(dropped(&b, LP_DROP_REASON_QUEUE_CODEL), 0);
    assert_true(deaf->marked > 20);
    assert_int_equal(b.counters.value[LP_COUNTER_TX_ECN_MARKED], deaf->marked);
    tear_down(&b);
}

/* ---- a sender that listens ---- */

static void reno_acknowledged(struct reno *r, uint32_t sent, const struct ack *ack)
{
    bool lost = ack->number != r->acked;

    if ((lost || ack->marked) && ack->number >= r->recover) {
        r->window = r->window * 0.7 > 2 ? r->window * 0.7 : 2;
        r->threshold = r->window;
        r->recover = sent;
    } else if (r->window < r->threshold) {
        r->window += 1;
    } else {
        r->window += 1 / r->window;
    }
    r->acked = ack->number + 1;
}

/* In bursts as the kernel hands them over: when an eighth of the window is free. */
static void run_reno(struct bench *b, uint64_t round_trip_ns, uint64_t duration_ns)
{
    struct source *s = &b->source[0];
    struct reno *r = &b->reno;
    uint64_t end_ns = b->now_ns + duration_ns;

    b->listens = true;
    r->round_trip_ns = round_trip_ns;
    r->window = 10;
    r->threshold = 1e9;
    while (b->now_ns < end_ns) {
        uint64_t next_ns = LP_TIME_NEVER;
        double room;

        while (r->first < r->last && r->ack[r->first % ACKS_MAX].at_ns <= b->now_ns)
            reno_acknowledged(r, s->number, &r->ack[r->first++ % ACKS_MAX]);
        room = r->window - (s->number - r->acked);
        for (unsigned i = 0; room >= r->window / 8 && i < room && i < 43; i++)
            push(b, s);
        while (b->free_ns <= b->now_ns && send_head(b))
            ;
        if (r->first < r->last)
            next_ns = r->ack[r->first % ACKS_MAX].at_ns;
        if (b->queue.packets > 0)
            next_ns = lp_time_min(next_ns, b->free_ns);
        assert_true(next_ns > b->now_ns && next_ns != LP_TIME_NEVER);
        b->now_ns = next_ns;
    }
}

static void assert_fills_the_link(uint64_t rate, uint64_t round_trip_ns, bool ecn)
{
    struct bench b;

    set_up(&b, rate);
    add(&b, 1, 0, FULL, 0)->ecn = ecn;
    run_reno(&b, round_trip_ns, 10 * LP_NS_PER_S);
    assert_true(b.busy_ns > 10 * LP_NS_PER_S / 100 * 95);
    assert_true(b.reno.late * 100 < b.source[0].sent);
    assert_int_equal(dropped(&b, LP_DROP_REASON_QUEUE_STALE), 0);
    if (ecn)
        assert_int_equal(dropped(&b, LP_DROP_REASON_QUEUE_CODEL), 0);
    tear_down(&b);
}

static void a_stream_fills_the_link_at_a_short_delay(void **state)
{
    assert_fills_the_link(20 * MBIT, 20 * MS, false);
    assert_fills_the_link(50 * MBIT, 20 * MS, false);
    assert_fills_the_link(50 * MBIT, 20 * MS, true);
    assert_fills_the_link(300 * MBIT, 2 * MS, false);
    assert_fills_the_link(1000 * MBIT, MS, false);
    assert_fills_the_link(3000 * MBIT, MS, false);
}

/* ---- whatever comes ---- */

static uint32_t chance(uint32_t *seed, uint32_t below)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (*seed >> 8) % below;
}

/* One random call after the other; what the queue says of itself stays true. */
static void random_calls(void **state)
{
    uint32_t seed = 1;
    struct bench b;
    bool held = false;

    set_up(&b, 100 * MBIT);
    b.queue.bytes_max = 60 * LP_EGRESS_PACKET_COST;
    for (uint32_t i = 0; i < 40; i++) {
        add(&b, i * 7919, (uint16_t)chance(&seed, 4), 34 + chance(&seed, FULL - 33), 0);
        b.source[i].ecn = i % 3 == 0;
    }
    for (unsigned step = 0; step < 300000; step++) {
        uint32_t what = chance(&seed, 100);
        const struct lp_packet *head = NULL;

        b.now_ns += chance(&seed, step % 5000 < 2500 ? 400000 : 4000000);
        if (what < 55) {
            push(&b, &b.source[chance(&seed, step % 3 == 0 ? 3 : 40)]);
        } else if (what < 60) {
            lp_egress_release(&b.queue);
        } else if (what < 65) {
            head = lp_egress_head(&b.queue, b.now_ns);
            if (head != NULL) {
                lp_egress_hold(&b.queue);
                held = true;
            }
        } else if (what < 67 && lp_egress_head(&b.queue, b.now_ns) != NULL) {
            lp_egress_pop(&b.queue, LP_DROP_REASON_TOO_BIG);
            held = false;
        } else if (what == 67 && chance(&seed, 50) == 0) {
            lp_egress_clear(&b.queue);
            held = false;
        } else if (send_head(&b)) {
            held = false;
        }
        assert_int_equal(b.queue.held, held);
        assert_true(b.queue.bytes <= b.queue.bytes_max);
        if (step % 16 == 0)
            assert_adds_up(&b);
    }
    for (enum lp_drop r = LP_DROP_REASON_QUEUE_STALE; r <= LP_DROP_REASON_QUEUE_OVERLOAD; r++)
        assert_true(dropped(&b, r) > 0);
    assert_true(b.counters.value[LP_COUNTER_TX_ECN_MARKED] > 0);
    tear_down(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sparse_flow_goes_first),
        cmocka_unit_test(a_sparse_flow_waits_a_round_at_most),
        cmocka_unit_test(octets_are_shared_not_frames),
        cmocka_unit_test(a_slow_flow_gets_what_it_asks_for),
        cmocka_unit_test(who_runs_empty_is_not_new_at_once),
        cmocka_unit_test(flows_of_one_set_do_not_meet),
        cmocka_unit_test(origins_do_not_meet),
        cmocka_unit_test(a_player_of_many_flows_has_a_few_places),
        cmocka_unit_test(a_flood_of_small_frames_does_not_push_others_out),
        cmocka_unit_test(the_fattest_flow_pays),
        cmocka_unit_test(bursts_of_super_frames_pass),
        cmocka_unit_test(a_deaf_flow_is_bounded),
        cmocka_unit_test(a_deaf_flow_may_also_be_marked),
        cmocka_unit_test(a_stream_fills_the_link_at_a_short_delay),
        cmocka_unit_test(random_calls),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
