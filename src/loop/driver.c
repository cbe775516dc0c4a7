#include "loop/driver.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"

/*
 * How much is read before others get their turn: enough for a full GSO burst from several
 * peers, little enough that what came first is not kept waiting.
 */
#define SOCKET_BATCHES_PER_TURN 8
#define LINK_FRAMES_PER_TURN    64

struct socket_slot {
    struct lp_driver *driver;
    struct lp_udp *udp;
    struct lp_addr bound;
};

struct lp_driver {
    struct lp_driver_config config;
    uv_loop_t loop;
    uv_prepare_t prepare;
    uv_signal_t signals[3];
    struct lp_timer *timer;
    struct socket_slot socket[LP_DRIVER_SOCKETS_MAX];
    unsigned socket_count;
    struct lp_link *link;
    uint64_t now_ns;
    bool waited; /* now_ns is of the turn before */
    unsigned stop_signals;
    bool ending;
    bool link_lost;
};

/* ---- the turn
 * ----------------------------------------------------------------------------------- */

/*
 * For what has just come. Stamped with the turn's beginning, while an earlier batch took its time or the processor
 * was elsewhere, it would seem to have come before it was there, by a path shorter than there is.
 */
static uint64_t new_now(struct lp_driver *driver)
{
    driver->now_ns = lp_clock_now_ns();
    driver->waited = false;
    return driver->now_ns;
}

/* Sampled by the first callback after the wait, and anew by each batch from a socket. */
static uint64_t turn_now(struct lp_driver *driver)
{
    return driver->waited ? new_now(driver) : driver->now_ns;
}

static void close_lost_link(struct lp_driver *driver)
{
    driver->link_lost = false;
    lp_driver_close_link(driver);
    if (driver->config.on_link_lost != NULL)
        driver->config.on_link_lost(driver->config.user);
}

/* Runs before libuv waits: everything that this turn brought leaves now. */
static void on_prepare(uv_prepare_t *prepare)
{
    struct lp_driver *driver = prepare->data;
    const struct lp_engine_ops *ops = driver->config.ops;
    void *engine = driver->config.engine;

    driver->now_ns =
        lp_clock_now_ns(); /* work takes time: what is sent now is not due earlier */
    driver->waited = false;
    if (driver->link_lost)
        close_lost_link(driver);
    if (ops->next_deadline(engine) <= driver->now_ns)
        ops->on_deadline(engine, driver->now_ns);
    if (driver->config.on_turn != NULL)
        driver->config.on_turn(driver->config.user, driver->now_ns);
    ops->flush(engine, driver->now_ns);
    if (driver->ending)
        uv_stop(&driver->loop);
    lp_timer_set(driver->timer, ops->next_deadline(engine));
    driver->waited = true;
}

/* The deadline is handled at the end of the turn that this begins. */
static void on_timer(void *user)
{
    (void)user;
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct lp_driver *driver = handle->data;

    if (number == SIGHUP && driver->config.on_reload != NULL) {
        driver->config.on_reload(driver->config.user);
        return;
    }
    if (driver->stop_signals++ > 0)
        lp_driver_end(driver);
    else
        driver->config.on_stop(driver->config.user, turn_now(driver));
}

static void receive(struct socket_slot *slot)
{
    struct lp_driver *driver = slot->driver;
    const struct lp_engine_ops *ops = driver->config.ops;
    struct lp_udp_rx rx[LP_UDP_BATCH];

    for (unsigned batch = 0; batch < SOCKET_BATCHES_PER_TURN; batch++) {
        int n = lp_udp_receive(slot->udp, rx, LP_UDP_BATCH);
        uint64_t now_ns = new_now(driver);

        for (int i = 0; i < n; i++) {
            const struct lp_addr *local =
                rx[i].local.family != LP_ADDR_NONE ? &rx[i].local : &slot->bound;

            ops->receive(driver->config.engine, local, &rx[i].remote, rx[i].ecn, rx[i].bytes,
                         rx[i].len, now_ns);
        }
        if (n < 0)
            return;
    }
}

static void on_socket_ready(void *user, unsigned ready)
{
    struct socket_slot *slot = user;
    struct lp_driver *driver = slot->driver;

    if ((ready & LP_READY_WRITE) != 0)
        driver->config.ops->on_writable(driver->config.engine, turn_now(driver));
    if ((ready & LP_READY_READ) != 0)
        receive(slot);
}

static void on_link_ready(void *user, unsigned ready)
{
    struct lp_driver *driver = user;
    uint64_t now_ns = turn_now(driver);
    struct lp_superframe frame;

    (void)ready;
    for (unsigned i = 0; i < LINK_FRAMES_PER_TURN && driver->link != NULL; i++) {
        int err = lp_link_read(driver->link, &frame);

        if (err == LP_ERR_CLOSED)
            driver->link_lost = true;
        if (err < 0)
            return;
        driver->config.ops->edge_receive(driver->config.engine, &frame, now_ns);
    }
}

/* ---- set-up
 * ------------------------------------------------------------------------------------- */

static void watch_signals(struct lp_driver *driver)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        uv_signal_init(&driver->loop, &driver->signals[i]);
        driver->signals[i].data = driver;
        uv_signal_start(&driver->signals[i], on_signal, numbers[i]);
    }
}

int lp_driver_new(const struct lp_driver_config *config, struct lp_driver **ret_driver)
{
    struct lp_driver *driver = calloc(1, sizeof(*driver));
    int err;

    if (driver == NULL)
        return LP_ERR_NOMEM;
    driver->config = *config;
    if (uv_loop_init(&driver->loop) != 0) {
        free(driver);
        return LP_ERR_IO;
    }
    err = lp_timer_open(&driver->loop, on_timer, driver, &driver->timer);
    if (err < 0) {
        uv_loop_close(&driver->loop);
        free(driver);
        return err;
    }
    uv_prepare_init(&driver->loop, &driver->prepare);
    driver->prepare.data = driver;
    uv_prepare_start(&driver->prepare, on_prepare);
    watch_signals(driver);
    driver->now_ns = lp_clock_now_ns();
    *ret_driver = driver;
    return 0;
}

static void close_handle(uv_handle_t *handle, void *arg)
{
    (void)arg;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

void lp_driver_free(struct lp_driver *driver)
{
    if (driver == NULL)
        return;
    for (unsigned i = 0; i < driver->socket_count; i++)
        lp_udp_close(driver->socket[i].udp);
    lp_driver_close_link(driver);
    lp_timer_close(driver->timer);
    uv_close((uv_handle_t *)&driver->prepare, NULL);
    for (size_t i = 0; i < sizeof(driver->signals) / sizeof(driver->signals[0]); i++)
        uv_close((uv_handle_t *)&driver->signals[i], NULL);
    uv_run(&driver->loop, UV_RUN_NOWAIT);
    uv_walk(&driver->loop, close_handle, NULL);
    uv_run(&driver->loop, UV_RUN_DEFAULT);
    uv_loop_close(&driver->loop);
    free(driver);
}

uv_loop_t *lp_driver_uv(struct lp_driver *driver)
{
    return &driver->loop;
}

uint64_t lp_driver_now(struct lp_driver *driver)
{
    return turn_now(driver);
}

int lp_driver_add_socket(struct lp_driver *driver, const struct lp_udp_options *options,
                         struct lp_addr *ret_bound, char why[LP_WHY_LEN])
{
    struct socket_slot *slot = &driver->socket[driver->socket_count];
    int err;

    if (driver->socket_count >= LP_DRIVER_SOCKETS_MAX)
        return LP_ERR_FULL;
    slot->driver = driver;
    err = lp_udp_open(&driver->loop, options, on_socket_ready, slot, &slot->udp, why);
    if (err < 0)
        return err;
    lp_udp_local(slot->udp, &slot->bound);
    driver->socket_count++;
    if (ret_bound != NULL)
        *ret_bound = slot->bound;
    return 0;
}

/*
 * Which socket a payload belongs to: the one bound to the address that it should come from,
 * else the first of the family.
 */
static struct socket_slot *socket_for(struct lp_driver *driver, const struct lp_quic_tx *tx)
{
    struct socket_slot *of_family = NULL;

    for (unsigned i = 0; i < driver->socket_count; i++) {
        struct socket_slot *slot = &driver->socket[i];

        if (slot->bound.family != tx->remote.family)
            continue;
        if (slot->bound.port == tx->local.port &&
            memcmp(slot->bound.ip, tx->local.ip, sizeof(tx->local.ip)) == 0)
            return slot;
        if (of_family == NULL || slot->bound.port == tx->local.port)
            of_family = slot;
    }
    return of_family;
}

int lp_driver_transmit(struct lp_driver *driver, const struct lp_quic_tx *tx)
{
    struct socket_slot *slot = socket_for(driver, tx);

    if (slot == NULL)
        return LP_ERR_UNSUPPORTED;
    return lp_udp_send(slot->udp, &tx->local, &tx->remote, tx->ecn, tx->bytes, tx->len,
                       tx->segment_len);
}

/* ---- the link
 * ----------------------------------------------------------------------------------- */

int lp_driver_open_link(struct lp_driver *driver, lp_link_open_fn *open, void *arg,
                        char why[LP_WHY_LEN])
{
    lp_driver_close_link(driver);
    driver->link_lost = false;
    return open(arg, &driver->loop, on_link_ready, driver, &driver->link, why);
}

void lp_driver_close_link(struct lp_driver *driver)
{
    if (driver->link != NULL)
        lp_link_close(driver->link);
    driver->link = NULL;
}

struct lp_link *lp_driver_link(const struct lp_driver *driver)
{
    return driver->link;
}

/* A link that is lost is closed at the end of the turn: the engine is in the middle of one. */
static int note_lost(struct lp_driver *driver, int err)
{
    if (err == LP_ERR_CLOSED)
        driver->link_lost = true;
    return err;
}

int lp_driver_edge_write(void *user, const uint8_t *frame, size_t len)
{
    struct lp_driver *driver = user;

    if (driver->link == NULL)
        return LP_ERR_CLOSED;
    return note_lost(driver, lp_link_write(driver->link, frame, len));
}

int lp_driver_edge_write_super(void *user, const struct lp_superframe *super)
{
    struct lp_driver *driver = user;

    if (driver->link == NULL)
        return LP_ERR_CLOSED;
    return note_lost(driver, lp_link_write_super(driver->link, super));
}

/* ---- running
 * ------------------------------------------------------------------------------------ */

void lp_driver_run(struct lp_driver *driver)
{
    uv_run(&driver->loop, UV_RUN_DEFAULT);
}

void lp_driver_end(struct lp_driver *driver)
{
    driver->ending = true; /* the prepare handler stops the loop, after its flush */
}
