/* The driver's clock: what an engine is told of when something came. */
#include "loop/driver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/time.h"

#define PAYLOADS (LP_UDP_BATCH + LP_UDP_BATCH / 2) /* more than one batch */
#define WORK_NS  (2 * LP_NS_PER_MS)

struct seen {
    struct lp_driver *driver;
    unsigned count;
    uint64_t first_ns, worked_ns, last_ns;
};

static void take(void *engine, const struct lp_addr *local, const struct lp_addr *remote,
                 uint8_t ecn, const uint8_t *bytes, size_t len, uint64_t now_ns)
{
    struct seen *seen = engine;

    assert_true(now_ns >= seen->last_ns);
    seen->last_ns = now_ns;
    if (seen->count++ == 0) {
        seen->first_ns = now_ns;
        do /* an engine that has much to do */
            seen->worked_ns = lp_clock_now_ns();
        while (seen->worked_ns < now_ns + WORK_NS);
    }
    if (seen->count == PAYLOADS)
        lp_driver_end(seen->driver);
}

static void take_frame(void *engine, const struct lp_superframe *frame, uint64_t now_ns)
{
}

static void at_time(void *engine, uint64_t now_ns)
{
}

static uint64_t no_deadline(const void *engine)
{
    return UINT64_MAX;
}

static void on_stop(void *user, uint64_t now_ns)
{
}

/* Else the work on the first batch would be missing in the round trip of the second one. */
static void each_batch_has_the_time_it_was_read_at(void **state)
{
    static const struct lp_engine_ops ops = {
        .receive = take,
        .edge_receive = take_frame,
        .flush = at_time,
        .on_writable = at_time,
        .next_deadline = no_deadline,
        .on_deadline = at_time,
    };
    struct seen seen = {.count = 0};
    struct lp_driver_config config = {.ops = &ops, .engine = &seen, .on_stop = on_stop};
    struct lp_udp_options options = {.bind = {.family = LP_ADDR_IPV4, .ip = {127, 0, 0, 1}}};
    struct lp_quic_tx tx = {.bytes = (uint8_t *)"payload", .len = 7, .segment_len = 7};
    char why[LP_WHY_LEN];

    assert_int_equal(lp_driver_new(&config, &seen.driver), 0);
    assert_int_equal(lp_driver_add_socket(seen.driver, &options, &tx.remote, why), 0);
    tx.local = tx.remote;
    for (unsigned i = 0; i < PAYLOADS; i++)
        assert_int_equal(lp_driver_transmit(seen.driver, &tx), 0);
    lp_driver_run(seen.driver);
    lp_driver_free(seen.driver);
    assert_int_equal(seen.count, PAYLOADS);
    assert_true(seen.first_ns < seen.worked_ns && seen.worked_ns <= seen.last_ns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_batch_has_the_time_it_was_read_at),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
