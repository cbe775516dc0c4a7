/*
 * One bottleneck with a deep buffer, in steps of a fifth of a millisecond: who fills it, how long its
 * queue grows, who gets how much.
 */
#include "transport/delaycap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MS      LP_NS_PER_MS
#define STEP_NS (200 * LP_NS_PER_US)
#define STEPS_S 5000
#define PACKET  1500
#define HISTORY 4096 /* steps that an acknowledgement may take */
#define MBIT(n) ((uint64_t)(n)*125000)

/* Between two samples of our way there. */
#define SAMPLE_STEPS 13

/* A sender, its window of congestion control, and the way to the bottleneck and back. */
struct sender {
    struct lp_delaycap cap;
    uint64_t window;   /* what other congestion control allows */
    uint64_t pace;     /* octets a second that it allows, 0: no matter */
    uint64_t paced;    /* octets that may leave now */
    uint64_t base_ns;  /* round trip without queue, half of it each way */
    bool timed;        /* the peer tells how long our way there takes */
    uint32_t clock_us; /* what its clock is ahead of ours */
    int64_t skew_ppm;  /* and how fast it runs away */
    uint64_t sample_at;
    uint64_t glitch_at; /* the sample after this step says too little; 0: none does */
    uint64_t in_flight, sent, acked;
    uint64_t comes[HISTORY];    /* octets whose acknowledgement comes then */
    uint64_t rtt_then[HISTORY]; /* and their round trip */
    uint64_t way_then[HISTORY]; /* of that, the way there */
};

struct link {
    uint64_t rate; /* octets a second */
    uint64_t queue;
    uint64_t foreign; /* octets of others that always stand in it */
};

static uint64_t queue_ns(const struct link *link)
{
    return (link->queue + link->foreign) * LP_NS_PER_S / link->rate;
}

static void init(struct sender *s, uint64_t base_ns)
{
    memset(s, 0, sizeof(*s));
    lp_delaycap_init(&s->cap);
    s->window = 400000;
    s->base_ns = base_ns;
}

/* As the peer tells it. */
static uint32_t delay_us(const struct sender *s, uint64_t way_ns, uint64_t now_ns)
{
    int64_t ahead_us = (int64_t)(now_ns / LP_NS_PER_MS) * s->skew_ppm / 1000;

    return s->clock_us + (uint32_t)ahead_us + (uint32_t)(way_ns / LP_NS_PER_US);
}

/* Sends what it may and hears what comes back. `other_ns`: queue on the way back. */
static void step(struct sender *s, struct link *link, uint64_t other_ns, uint64_t n)
{
    uint64_t now_ns = LP_NS_PER_S + n * STEP_NS;
    uint64_t *comes = &s->comes[n % HISTORY], at, rtt_ns;

    if (*comes > 0) {
        s->in_flight -= *comes;
        s->acked += *comes;
        *comes = 0;
        if (s->timed && n >= s->sample_at) {
            uint32_t delay = delay_us(s, s->way_then[n % HISTORY], now_ns);

            if (s->glitch_at != 0 && n >= s->glitch_at) {
                delay -= 30000;
                s->glitch_at = 0;
            }
            lp_delaycap_one_way(&s->cap, delay, now_ns);
            s->sample_at = n + SAMPLE_STEPS;
        }
        lp_delaycap_update(&s->cap, s->rtt_then[n % HISTORY], s->in_flight, s->sent, now_ns);
    }
    s->paced =
        s->pace == 0 ? UINT64_MAX : s->paced % (4 * PACKET) + s->pace * STEP_NS / LP_NS_PER_S;
    while (s->in_flight + PACKET <= s->window && s->paced >= PACKET &&
           lp_delaycap_allows(&s->cap, s->in_flight)) {
        s->paced -= PACKET;
        link->queue += PACKET;
        s->in_flight += PACKET;
        s->sent += PACKET;
        rtt_ns = s->base_ns + queue_ns(link) + other_ns;
        at = n + 1 + rtt_ns / STEP_NS;
        assert_true(at - n < HISTORY);
        s->comes[at % HISTORY] += PACKET;
        s->rtt_then[at % HISTORY] = rtt_ns;
        s->way_then[at % HISTORY] = s->base_ns / 2 + queue_ns(link);
    }
}

static void drain(struct link *link)
{
    uint64_t leaves = link->rate * STEP_NS / LP_NS_PER_S;

    link->queue -= leaves < link->queue ? leaves : link->queue;
}

struct result {
    uint64_t worst_ns;  /* queue, after the first five seconds */
    uint64_t share_pct; /* of the link, the same */
};

static struct result run(struct sender *s, struct link *link, unsigned seconds)
{
    struct result result = {0};
    uint64_t before = 0;

    for (uint64_t n = 0; n < (uint64_t)seconds * STEPS_S; n++) {
        if (n == 5 * STEPS_S)
            before = s->acked;
        step(s, link, 0, n);
        drain(link);
        if (n > 5 * STEPS_S && queue_ns(link) > result.worst_ns)
            result.worst_ns = queue_ns(link);
    }
    result.share_pct = (s->acked - before) * 100 / (link->rate * (seconds - 5));
    return result;
}

static void a_full_link_has_a_short_queue(void **state)
{
    static const struct {
        uint64_t mbit, base_ns;
    } paths[] = {{50, MS / 5}, {50, 20 * MS}, {10, 40 * MS}, {200, 10 * MS}, {500, MS}};
    static struct sender s;

    (void)state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct link link = {.rate = MBIT(paths[i].mbit)};
        struct result result;

        init(&s, paths[i].base_ns);
        s.window = 600000;
        result = run(&s, &link, 20);
        if (result.worst_ns > 11 * MS || result.share_pct < 92)
            fail_msg("%u Mbit/s, %u us: queue of %u us, share %u %%", (unsigned)paths[i].mbit,
                     (unsigned)(paths[i].base_ns / 1000), (unsigned)(result.worst_ns / 1000),
                     (unsigned)result.share_pct);
    }
}

static void nothing_is_bounded_without_a_queue(void **state)
{
    static struct sender s;
    struct link link = {.rate = MBIT(1000)};
    struct result result;

    (void)state;
    init(&s, 20 * MS);
    s.window = 100000; /* the link could take 2.5 million */
    result = run(&s, &link, 10);
    assert_true(s.cap.bytes == LP_DELAYCAP_NONE);
    assert_in_range(result.share_pct, 3, 4);
}

/* A slow link, where four packets alone are more queue than we want: no less is sent. */
static void a_slow_link_still_gets_four_packets(void **state)
{
    static struct sender s;
    struct link link = {.rate = MBIT(1)};
    struct result result;

    (void)state;
    init(&s, 10 * MS);
    s.window = 60000;
    result = run(&s, &link, 10);
    assert_in_range(result.share_pct, 95, 101);
    assert_in_range(result.worst_ns, 10 * MS, 70 * MS);
}

/* Somebody else keeps 100 ms in the buffer: we do not go on shrinking for nothing. */
static void a_foreign_queue_does_not_starve(void **state)
{
    static struct sender s;

    (void)state;
    for (unsigned timed = 0; timed < 2; timed++) {
        struct link link = {.rate = MBIT(50)};
        uint64_t before = 0;

        init(&s, 10 * MS);
        s.timed = timed != 0;
        for (uint64_t n = 0; n < 20 * STEPS_S; n++) {
            if (n == 2 * STEPS_S) {
                link.foreign = MBIT(50) / 10;
                before = s.acked;
            }
            step(&s, &link, 0, n);
            drain(&link);
        }
        assert_true((s.acked - before) / 18 > MBIT(50) / 4);
    }
}

static void a_longer_path_is_learned(void **state)
{
    static struct sender s;

    (void)state;
    for (unsigned timed = 0; timed < 2; timed++) {
        struct link link = {.rate = MBIT(50)};
        uint64_t before = 0;

        init(&s, MS);
        s.timed = timed != 0;
        for (uint64_t n = 0; n < 30 * STEPS_S; n++) {
            if (n == 5 * STEPS_S)
                s.base_ns = 60 * MS;
            if (n == 20 * STEPS_S)
                before = s.acked;
            step(&s, &link, 0, n);
            drain(&link);
        }
        assert_true((s.acked - before) / 10 > MBIT(50) * 8 / 10);
    }
}

/* The same while nothing but a game is sent. */
static void a_longer_path_is_learned_without_load(void **state)
{
    struct lp_delaycap cap;
    uint64_t now_ns = LP_NS_PER_S, sent = 0;

    (void)state;
    lp_delaycap_init(&cap);
    for (unsigned i = 0; i < 300; i++, now_ns += 16 * MS) {
        sent += 150;
        lp_delaycap_update(&cap, i < 10 ? MS : 40 * MS, 150, sent, now_ns);
    }
    assert_true(cap.bytes == LP_DELAYCAP_NONE);
    assert_int_equal(cap.least_ns, 40 * MS);
}

struct two_ways {
    struct sender up, down;
    struct link there, back;
    uint64_t up_pct, down_pct; /* of the link, from begin_s on */
    uint64_t worst_ns;         /* the longer queue, the same */
};

/* The one way begins three seconds before the other. */
static void run_both(struct two_ways *both, unsigned begin_s, unsigned end_s)
{
    uint64_t up_before = 0, down_before = 0, seconds = end_s - begin_s;

    both->there.rate = both->back.rate = MBIT(50);
    for (uint64_t n = 0; n < (uint64_t)end_s * STEPS_S; n++) {
        if (n == 0)
            both->down.window = 0;
        if (n == 3 * STEPS_S)
            both->down.window = 600000;
        if (n == (uint64_t)begin_s * STEPS_S) {
            up_before = both->up.acked;
            down_before = both->down.acked;
            both->worst_ns = 0;
        }
        step(&both->up, &both->there, queue_ns(&both->back), n);
        step(&both->down, &both->back, queue_ns(&both->there), n);
        drain(&both->there);
        drain(&both->back);
        if (queue_ns(&both->there) > both->worst_ns)
            both->worst_ns = queue_ns(&both->there);
        if (queue_ns(&both->back) > both->worst_ns)
            both->worst_ns = queue_ns(&both->back);
    }
    both->up_pct = (both->up.acked - up_before) * 100 / (MBIT(50) * seconds);
    both->down_pct = (both->down.acked - down_before) * 100 / (MBIT(50) * seconds);
}

static void init_both(struct two_ways *both, uint64_t base_ns, bool timed)
{
    memset(both, 0, sizeof(*both));
    init(&both->up, base_ns);
    init(&both->down, base_ns);
    both->up.window = 600000;
    both->up.timed = both->down.timed = timed;
    both->up.pace = both->down.pace = MBIT(60);
    both->up.clock_us = 5 * 1000 * 1000;
    both->down.clock_us = UINT32_MAX - both->up.clock_us;
}

/* By round trips alone each end feels both queues. Nobody starves; equal shares it does not give. */
static void two_ends_do_not_starve_by_round_trips(void **state)
{
    static struct two_ways both;

    (void)state;
    init_both(&both, 10 * MS, false);
    run_both(&both, 8, 20);
    assert_true(both.up_pct > 20 && both.down_pct > 20);
    assert_true(both.worst_ns < 20 * MS);
}

static void two_ends_fill_both_ways(void **state)
{
    static const uint64_t base[] = {MS / 5, 2 * MS, 10 * MS, 20 * MS};
    static struct two_ways both;

    (void)state;
    for (size_t i = 0; i < sizeof(base) / sizeof(base[0]); i++) {
        init_both(&both, base[i], true);
        run_both(&both, 8, 40);
        if (both.up_pct < 97 || both.down_pct < 97 || both.worst_ns > 16 * MS)
            fail_msg("%u us: %u and %u %%, queue of %u us", (unsigned)(base[i] / 1000),
                     (unsigned)both.up_pct, (unsigned)both.down_pct,
                     (unsigned)(both.worst_ns / 1000));
    }
}

/*
 * A game alone, and a turn of the peer's loop that came late now and then: that is no queue of its own, and
 * the download that begins next has the link at once.
 */
static void a_game_is_not_bounded(void **state)
{
    static struct sender s;
    struct link link = {.rate = MBIT(50)};
    uint64_t before;

    (void)state;
    init(&s, 20 * MS);
    s.timed = true;
    s.window = PACKET;
    for (uint64_t n = 0; n < 5 * STEPS_S; n++) {
        link.foreign = n % STEPS_S < STEPS_S / 10 ? MBIT(50) / 100 : 0; /* 10 ms */
        step(&s, &link, 0, n);
        drain(&link);
    }
    assert_true(s.cap.bytes == LP_DELAYCAP_NONE);
    before = s.acked;
    s.window = 600000;
    for (uint64_t n = 5 * STEPS_S; n < 6 * STEPS_S; n++) {
        step(&s, &link, 0, n);
        drain(&link);
    }
    assert_true(s.acked - before > MBIT(50) * 9 / 10);
}

/* After a link that was slow for a while: from 2 to 45 Mbit/s within two seconds. */
static void a_link_that_became_faster_is_filled(void **state)
{
    static struct sender s;
    struct link link = {.rate = MBIT(2)};
    uint64_t before = 0;

    (void)state;
    init(&s, 20 * MS);
    s.timed = true;
    s.window = 60000;
    for (uint64_t n = 0; n < 23 * STEPS_S; n++) {
        if (n == 20 * STEPS_S) {
            s.window = 600000;
            link.rate = MBIT(50);
        }
        if (n == 22 * STEPS_S)
            before = s.acked;
        step(&s, &link, 0, n);
        drain(&link);
    }
    assert_true(s.acked - before > MBIT(45));
}

/* Clocks that run apart by 100 ppm, for five minutes, either way round, and wrap on the way. */
static void clocks_may_drift(void **state)
{
    static const int64_t skew[] = {100, -100};
    static struct two_ways both;

    (void)state;
    for (size_t i = 0; i < sizeof(skew) / sizeof(skew[0]); i++) {
        init_both(&both, 10 * MS, true);
        both.up.skew_ppm = skew[i];
        both.down.skew_ppm = -skew[i];
        both.up.clock_us = UINT32_MAX - 10000;
        both.down.clock_us = 10000;
        run_both(&both, 120, 300);
        if (both.up_pct < 90 || both.down_pct < 90 || both.worst_ns > 18 * MS)
            fail_msg("%d ppm: %u and %u %%, queue of %u us", (int)skew[i],
                     (unsigned)both.up_pct, (unsigned)both.down_pct,
                     (unsigned)(both.worst_ns / 1000));
    }
}

/* The peer's machine slept, or its clock was set: the round trip bounds what is believed. */
static void a_clock_may_jump(void **state)
{
    static const uint32_t jump[] = {3600u * 1000000, UINT32_MAX - 3600u * 1000000, 20000};

    (void)state;
    for (size_t i = 0; i < sizeof(jump) / sizeof(jump[0]); i++) {
        static struct sender s;
        struct link link = {.rate = MBIT(50)};
        uint64_t worst_ns = 0, before = 0;

        init(&s, 10 * MS);
        s.timed = true;
        for (uint64_t n = 0; n < 60 * STEPS_S; n++) {
            if (n == 10 * STEPS_S) {
                s.clock_us += jump[i];
                before = s.acked;
            }
            step(&s, &link, 0, n);
            drain(&link);
            if (n > 5 * STEPS_S && queue_ns(&link) > worst_ns)
                worst_ns = queue_ns(&link);
        }
        assert_true(worst_ns < 16 * MS);
        assert_true((s.acked - before) / 50 > MBIT(50) * 9 / 10);
    }
}

/* What a peer says may be anything: never less than the round trip alone would allow. */
static void a_lie_slows_no_more_than_the_round_trip(void **state)
{
    static struct sender s;
    struct link link = {.rate = MBIT(50)};
    uint64_t before = 0, random = 1;

    (void)state;
    init(&s, 10 * MS);
    for (uint64_t n = 0; n < 20 * STEPS_S; n++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
        if (n % SAMPLE_STEPS == 0)
            lp_delaycap_one_way(&s.cap, (uint32_t)(random >> 32), LP_NS_PER_S + n * STEP_NS);
        if (n == 5 * STEPS_S)
            before = s.acked;
        step(&s, &link, 0, n);
        drain(&link);
    }
    assert_true((s.acked - before) / 15 > MBIT(50) * 9 / 10);
}

/* One sample that is 30 ms too small, of a peer whose loop was held up, is not believed. */
static void a_late_turn_is_no_shorter_path(void **state)
{
    static struct two_ways both;

    (void)state;
    init_both(&both, 10 * MS, true);
    both.up.glitch_at = 6 * STEPS_S;
    run_both(&both, 8, 14);
    assert_true(both.up_pct > 88 && both.down_pct > 88);
}

/* Answers that stop coming: the round trip takes over, nothing waits for them for ever. */
static void answers_may_stop(void **state)
{
    static struct sender s;
    struct link link = {.rate = MBIT(50)};
    uint64_t worst_ns = 0;

    (void)state;
    init(&s, 10 * MS);
    s.timed = true;
    for (uint64_t n = 0; n < 40 * STEPS_S; n++) {
        s.timed = n < 10 * STEPS_S;
        step(&s, &link, 0, n);
        drain(&link);
        if (n > 12 * STEPS_S && queue_ns(&link) > worst_ns)
            worst_ns = queue_ns(&link);
    }
    assert_in_range(worst_ns, MS, 11 * MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_link_has_a_short_queue),
        cmocka_unit_test(nothing_is_bounded_without_a_queue),
        cmocka_unit_test(a_slow_link_still_gets_four_packets),
        cmocka_unit_test(a_foreign_queue_does_not_starve),
        cmocka_unit_test(a_longer_path_is_learned),
        cmocka_unit_test(a_longer_path_is_learned_without_load),
        cmocka_unit_test(two_ends_do_not_starve_by_round_trips),
        cmocka_unit_test(two_ends_fill_both_ways),
        cmocka_unit_test(a_game_is_not_bounded),
        cmocka_unit_test(a_link_that_became_faster_is_filled),
        cmocka_unit_test(clocks_may_drift),
        cmocka_unit_test(a_clock_may_jump),
        cmocka_unit_test(a_lie_slows_no_more_than_the_round_trip),
        cmocka_unit_test(a_late_turn_is_no_shorter_path),
        cmocka_unit_test(answers_may_stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
