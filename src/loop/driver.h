/*
 * The one loop of every program: joins an engine (relay or node, sans-I/O) to sockets, links,
 * clock and signals through libuv and platform.h.
 *
 * A turn: libuv reports what is readable; batches go into the engine, each of a socket with the
 * `now` at which it was read; then, before the loop waits again, the engine's deadline is looked
 * at and everything is flushed once. So what came in together goes out together, by GSO.
 *
 * The driver borrows the engine. Sockets and links that it opens are its own.
 */
#ifndef LP_LOOP_DRIVER_H
#define LP_LOOP_DRIVER_H

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "base/superframe.h"
#include "platform/platform.h"
#include "transport/quic.h"

#define LP_DRIVER_SOCKETS_MAX 8

struct lp_engine_ops {
    void (*receive)(void *engine, const struct lp_addr *local, const struct lp_addr *remote,
                    uint8_t ecn, const uint8_t *bytes, size_t len, uint64_t now_ns);
    void (*edge_receive)(void *engine, const struct lp_superframe *frame, uint64_t now_ns);
    void (*flush)(void *engine, uint64_t now_ns);
    void (*on_writable)(void *engine, uint64_t now_ns);
    uint64_t (*next_deadline)(const void *engine);
    void (*on_deadline)(void *engine, uint64_t now_ns);
};

struct lp_driver;

struct lp_driver_config {
    const struct lp_engine_ops *ops;
    void *engine;
    /* SIGINT or SIGTERM; the second one in a row ends the loop at once. */
    void (*on_stop)(void *user, uint64_t now_ns);
    void (*on_reload)(void *user); /* SIGHUP; NULL: SIGHUP stops as SIGTERM does */
    void (*on_turn)(void *user,
                    uint64_t now_ns); /* end of each turn, before the flush; may be NULL */
    void (*on_link_lost)(void *user); /* the link went away or down; it is closed by then */
    void *user;
};

int lp_driver_new(const struct lp_driver_config *config, struct lp_driver **ret_driver);
/* Closes what it opened. NULL is fine. */
void lp_driver_free(struct lp_driver *driver);

/* For what a program runs besides the engine: timers, the DHCP client. */
uv_loop_t *lp_driver_uv(struct lp_driver *driver);
/* The time of this turn. */
uint64_t lp_driver_now(struct lp_driver *driver);

int lp_driver_add_socket(struct lp_driver *driver, const struct lp_udp_options *options,
                         struct lp_addr *ret_bound, char why[LP_WHY_LEN]);

/* The engine's transmit: picks the socket by address family. */
int lp_driver_transmit(struct lp_driver *driver, const struct lp_quic_tx *tx);

/* Opens the one link of a node with the opener's arguments in `open`. */
typedef int lp_link_open_fn(void *arg, uv_loop_t *loop, lp_ready_fn *ready, void *user,
                            struct lp_link **ret_link, char why[LP_WHY_LEN]);
int lp_driver_open_link(struct lp_driver *driver, lp_link_open_fn *open, void *arg,
                        char why[LP_WHY_LEN]);
void lp_driver_close_link(struct lp_driver *driver);
struct lp_link *lp_driver_link(const struct lp_driver *driver); /* NULL when there is none */

/* The edge's write (node/edge.h): `user` is the driver. */
int lp_driver_edge_write(void *user, const uint8_t *frame, size_t len);
int lp_driver_edge_write_super(void *user, const struct lp_superframe *super);

/* Runs until lp_driver_end. */
void lp_driver_run(struct lp_driver *driver);
/* Ends the loop after this turn's flush; from within a callback. */
void lp_driver_end(struct lp_driver *driver);

#endif
