/* How fast the program's own UDP and the driver take what is given to them, and how late timers are. */
#include "apps/client-win/selftest/bench.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/err.h"

#define RUN_NS      LP_NS_PER_S
#define PAYLOAD_LEN 1200u
#define BURST       32u
#define FRAME_LEN   1394u
#define NORMAL_S    20000u
#define DEADLINES   200u

static void say_speed(const char *what, uint64_t count, uint64_t len, uint64_t ns,
                      struct lp_selftest_result *ret_result)
{
    uint64_t per_s = count * LP_NS_PER_S / (ns > 0 ? ns : 1);
    unsigned mbit = (unsigned)(per_s * len * 8 / 1000000);

    if (count == 0)
        lp_selftest_say(
            ret_result, LP_SELFTEST_FAILED,
            "%s: none in a second: end programs that look into the traffic (security "
            "suites, other VPNs)",
            what);
    else if (per_s < NORMAL_S)
        lp_selftest_say(ret_result, LP_SELFTEST_WARNING,
                        "%s: %u a second, %u Mbit/s, where %u a second are normal: end other "
                        "programs and test again",
                        what, (unsigned)per_s, mbit, NORMAL_S);
    else
        lp_selftest_say(ret_result, LP_SELFTEST_OK, "%s: %u a second, %u Mbit/s", what,
                        (unsigned)per_s, mbit);
}

/* ---- UDP ---- */

struct udp_run {
    uv_loop_t loop;
    struct lp_udp *from, *to;
    struct lp_addr name;
    uint64_t received;
    uint64_t end_ns;
    uint8_t bytes[BURST * PAYLOAD_LEN];
};

static void receive_all(struct udp_run *run)
{
    struct lp_udp_rx rx[LP_UDP_BATCH];
    int count;

    while ((count = lp_udp_receive(run->to, rx, LP_UDP_BATCH)) > 0)
        run->received += (unsigned)count;
}

static void on_ready(void *user, unsigned ready)
{
    (void)user;
    (void)ready;
}

/* A burst, then what has come of it: the queue between never overflows. */
static void send_for_a_while(struct udp_run *run)
{
    while (lp_clock_now_ns() < run->end_ns) {
        if (lp_udp_send(run->from, NULL, &run->name, 0, run->bytes, sizeof(run->bytes),
                        PAYLOAD_LEN) < 0)
            return;
        receive_all(run);
    }
}

static int open_udp(struct udp_run *run, struct lp_udp **ret_udp, char why[LP_WHY_LEN])
{
    struct lp_udp_options options = {.bind = {.family = LP_ADDR_IPV4, .ip = {127, 0, 0, 1}}};

    return lp_udp_open(&run->loop, &options, on_ready, run, ret_udp, why);
}

void lp_probe_udp_speed(void *user, struct lp_selftest_result *ret_result)
{
    struct udp_run *run = calloc(1, sizeof(*run));
    char why[LP_WHY_LEN] = "out of memory";
    uint64_t begun_ns = lp_clock_now_ns();

    (void)user;
    if (run == NULL || uv_loop_init(&run->loop) != 0) {
        free(run);
        lp_selftest_say(ret_result, LP_SELFTEST_FAILED, "%s: close other programs", why);
        return;
    }
    if (open_udp(run, &run->from, why) < 0 || open_udp(run, &run->to, why) < 0) {
        lp_selftest_say(ret_result, LP_SELFTEST_FAILED, "%s", why);
    } else {
        lp_udp_local(run->to, &run->name);
        run->end_ns = begun_ns + RUN_NS;
        send_for_a_while(run);
        say_speed("datagrams of 1200 octets by UDP on loopback", run->received, PAYLOAD_LEN,
                  lp_clock_now_ns() - begun_ns, ret_result);
    }
    lp_udp_close(run->from);
    lp_udp_close(run->to);
    uv_run(&run->loop, UV_RUN_DEFAULT);
    uv_loop_close(&run->loop);
    free(run);
}

/* ---- the driver ---- */

/* To the adapter itself, of a type that is nobody's (IEEE 802 local experimental): Windows drops it. */
void lp_probe_tap_speed(void *user, struct lp_selftest_result *ret_result)
{
    const struct lp_selftest_bench *bench = user;
    uint8_t frame[FRAME_LEN] = {0};
    uint64_t begun_ns, end_ns, written = 0;
    int err = 0;

    memcpy(frame, bench->mac.octet, LP_MAC_LEN);
    memcpy(frame + LP_MAC_LEN, bench->mac.octet, LP_MAC_LEN);
    frame[LP_MAC_LEN] ^= 0x04; /* from another station */
    frame[12] = 0x88;
    frame[13] = 0xb5;
    begun_ns = lp_clock_now_ns();
    end_ns = begun_ns + RUN_NS;
    while ((err == 0 || err == LP_ERR_AGAIN) && lp_clock_now_ns() < end_ns) {
        err = lp_tap_write(bench->tap, frame, sizeof(frame));
        written += err == 0;
    }
    if (err < 0 && err != LP_ERR_AGAIN)
        lp_selftest_say(
            ret_result, LP_SELFTEST_FAILED,
            "the driver takes no frames (%s): install the TAP-Windows6 driver again",
            lp_err_text(err));
    else
        say_speed("frames of 1394 octets into the driver", written, FRAME_LEN,
                  lp_clock_now_ns() - begun_ns, ret_result);
}

/* ---- timers ---- */

struct timer_run {
    uv_loop_t loop;
    struct lp_timer *timer;
    uint64_t deadline_ns;
    unsigned count;
    uint64_t late_us[DEADLINES];
};

static void on_due(void *user)
{
    struct timer_run *run = user;
    uint64_t now_ns = lp_clock_now_ns();

    run->late_us[run->count++] = (now_ns - run->deadline_ns) / LP_NS_PER_US;
    if (run->count == DEADLINES) {
        lp_timer_close(run->timer);
        return;
    }
    run->deadline_ns = now_ns + LP_NS_PER_MS;
    lp_timer_set(run->timer, run->deadline_ns);
}

static int compare(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

    return left < right ? -1 : left > right;
}

static void say_late(struct timer_run *run, struct lp_selftest_result *ret_result)
{
    unsigned half, most;

    qsort(run->late_us, DEADLINES, sizeof(run->late_us[0]), compare);
    half = (unsigned)run->late_us[DEADLINES / 2];
    most = (unsigned)run->late_us[DEADLINES * 95 / 100];
    if (half < 1000)
        lp_selftest_say(
            ret_result, LP_SELFTEST_OK,
            "of deadlines in 1 ms half are less than %u us late, 95 %% less than %u us",
            half + 1, most + 1);
    else
        lp_selftest_say(
            ret_result, LP_SELFTEST_WARNING,
            "of deadlines in 1 ms half are more than %u us late: use the power supply, "
            "and update to Windows 10 build 17134 or later",
            half);
}

void lp_probe_timer(void *user, struct lp_selftest_result *ret_result)
{
    struct timer_run *run = calloc(1, sizeof(*run));

    (void)user;
    if (run == NULL || uv_loop_init(&run->loop) != 0) {
        free(run);
        lp_selftest_say(ret_result, LP_SELFTEST_FAILED, "out of memory: close other programs");
        return;
    }
    if (lp_timer_open(&run->loop, on_due, run, &run->timer) < 0) {
        lp_selftest_say(ret_result, LP_SELFTEST_FAILED,
                        "Windows gives no timer: restart Windows");
    } else {
        run->deadline_ns = lp_clock_now_ns() + LP_NS_PER_MS;
        lp_timer_set(run->timer, run->deadline_ns);
        uv_run(&run->loop, UV_RUN_DEFAULT);
        say_late(run, ret_result);
    }
    uv_run(&run->loop, UV_RUN_DEFAULT);
    uv_loop_close(&run->loop);
    free(run);
}
