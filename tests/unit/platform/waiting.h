/*
 * What the tests of every platform share: waiting by the loop, on an event, with a deadline; and
 * a UDP socket that remembers what it was told.
 */
#ifndef LP_TESTS_PLATFORM_WAITING_H
#define LP_TESTS_PLATFORM_WAITING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <uv.h>

#include "base/err.h"
#include "platform/platform.h"

#define BED_DEADLINE_MS 5000

/*
 * Wine is not all that Windows is: it takes the control messages of a send and does nothing with
 * them, binds to addresses that the machine does not have, and opens a device that refuses.
 */
bool bed_is_wine(void);

struct lp_addr bed_addr(const char *text, uint16_t port);
struct lp_mac bed_mac(const char *text);

/* Turns the loop until done(user) or the deadline; returns done(user). */
bool bed_wait(uv_loop_t *loop, bool (*done)(void *user), void *user, unsigned deadline_ms);
/* Turns the loop until every handle is closed, then closes it: what leaks a handle hangs here.
 */
void bed_close_loop(uv_loop_t *loop);

struct bed_udp {
    struct lp_udp *udp;
    unsigned ready; /* seen since the last look */
    bool close_in_callback;
};

void bed_udp_on_ready(void *user, unsigned ready);
void bed_udp_open(uv_loop_t *loop, struct bed_udp *end, const char *ip, bool no_offload);
struct lp_addr bed_udp_addr(const struct bed_udp *end);
bool bed_udp_is_readable(void *user);
bool bed_udp_is_writable(void *user);
/* Waits when there is nothing yet. */
int bed_udp_receive(uv_loop_t *loop, struct bed_udp *end, struct lp_udp_rx rx[],
                    unsigned capacity);

#endif
