/*
 * A network of the test's own: a network namespace that ends with the process. Waiting is done
 * by the loop, on an event, with a deadline.
 */
#ifndef LP_TESTS_PLATFORM_BED_H
#define LP_TESTS_PLATFORM_BED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cmocka.h>
#include <uv.h>

#include "base/err.h"
#include "platform/platform.h"

#define BED_DEADLINE_MS 5000

/*
 * Puts the process into a new network namespace with lo up, and a mount namespace that sees it
 * in /sys. False, after having said so as a skipped test plan, when that is not permitted.
 */
bool bed_enter(void);

/* Runs a shell command; what it prints goes to stderr. True when it succeeds. */
__attribute__((format(printf, 1, 2))) bool bed_try(const char *format, ...);
/* The same, and fails the test when the command fails. */
#define bed_run(...)                                                                           \
    do {                                                                                       \
        if (!bed_try(__VA_ARGS__))                                                             \
            fail_msg("command failed: %s", #__VA_ARGS__);                                      \
    } while (0)

struct lp_addr bed_addr(const char *text, uint16_t port);
struct lp_mac bed_mac(const char *text);

/* Turns the loop until done(user) or the deadline; returns done(user). */
bool bed_wait(uv_loop_t *loop, bool (*done)(void *user), void *user, unsigned deadline_ms);
/* Turns the loop until every handle is closed, then closes it: what leaks a handle hangs here.
 */
void bed_close_loop(uv_loop_t *loop);

/*
 * A child in a network namespace of its own, with one end of a veth pair ("name" here, "peer"
 * there) and the given address on it; then it does `work`, and dies with the test at the
 * latest.
 */
pid_t bed_neighbour(const char *name, const char *address, void (*work)(void *user),
                    void *user);
/* Ends it and its veth pair: the kernel takes its time over a namespace that has nobody in it.
 */
void bed_end(pid_t pid, const char *name);

#endif
