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

/* A sender, its window of congestion control, and the way to the bottleneck and back. */
struct sender {
    struct lp_delaycap cap;
    uint64_t window;  /* what other congestion control allows */
    uint64_t base_ns; /* round trip without queue */
    uint64_t in_flight, sent, acked;
    uint64_t comes[HISTORY];    /* octets whose acknowledgement comes then */
    uint64_t rtt_then[HISTORY]; /* and their round trip */
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

/* Sends what it may and hears what comes back. `other_ns`: queue on the way back. */
static void step(struct sender *s, struct link *link, uint64_t other_ns, uint64_t n)
{
    uint64_t now_ns = LP_NS_PER_S + n * STEP_NS;
    uint64_t *comes = &s->comes[n % HISTORY], at, rtt_ns;

    if (*comes > 0) {
        s->in_flight -= *comes;
        s->acked += *comes;
        *comes = 0;
        lp_delaycap_update(&s->cap, s->rtt_then[n % HISTORY], s->in_flight, s->sent, now_ns);
    }
    while (s->in_flight + PACKET <= s->window && lp_delaycap_allows(&s->cap, s->in_flight)) {
        link->queue += PACKET;
        s->in_flight += PACKET;
        s->sent += PACKET;
        rtt_ns = s->base_ns + queue_ns(link) + other_ns;
        at = n + 1 + rtt_ns / STEP_NS;
        assert_true(at - n < HISTORY);
        s->comes[at % HISTORY] += PACKET;
        s->rtt_then[at % HISTORY] = rtt_ns;
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
    struct link link = {.rate = MBIT(50)};
    uint64_t before = 0;

    (void)state;
    init(&s, 10 * MS);
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

static void a_longer_path_is_learned(void **state)
{
    static struct sender s;
    struct link link = {.rate = MBIT(50)};
    uint64_t before = 0;

    (void)state;
    init(&s, MS);
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

/*
 * Each end feels both queues, and one of them began first. Nobody starves; equal shares would need
 * to tell one way's queue from the other's, which round trips cannot.
 */
static void two_ends_share(void **state)
{
    static struct sender up, down;
    struct link there = {.rate = MBIT(50)}, back = {.rate = MBIT(50)};
    uint64_t up_before = 0, down_before = 0;

    (void)state;
    init(&up, 10 * MS);
    init(&down, 10 * MS);
    down.window = 0;
    for (uint64_t n = 0; n < 20 * STEPS_S; n++) {
        if (n == 3 * STEPS_S)
            down.window = 400000;
        if (n == 8 * STEPS_S) {
            up_before = up.acked;
            down_before = down.acked;
        }
        step(&up, &there, queue_ns(&back), n);
        step(&down, &back, queue_ns(&there), n);
        drain(&there);
        drain(&back);
    }
    assert_true((up.acked - up_before) / 12 > MBIT(50) / 5);
    assert_true((down.acked - down_before) / 12 > MBIT(50) / 5);
    assert_true(queue_ns(&there) + queue_ns(&back) < 20 * MS);
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
        cmocka_unit_test(two_ends_share),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
