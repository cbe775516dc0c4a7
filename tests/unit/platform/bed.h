/*
 * A network of the test's own, on Linux: a network namespace that ends with the process.
 */
#ifndef LP_TESTS_PLATFORM_BED_H
#define LP_TESTS_PLATFORM_BED_H

#include <sys/types.h>

#include "waiting.h"

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
