/* Exit statuses of every program: one table for the programs, their --help and their man pages.
 */
#ifndef LP_APPS_COMMON_EXIT_H
#define LP_APPS_COMMON_EXIT_H

/* X(NAME, status, meaning) */
#define LP_EXIT_TABLE(X)                                                                       \
    X(OK, 0, "ended as asked")                                                                 \
    X(FAILURE, 1, "could not go on; the last line says why")                                   \
    X(USAGE, 2, "wrong command line")                                                          \
    X(REJECTED, 3, "the relay refused to let us in")                                           \
    X(TRUST, 4, "the relay is not the one that it should be (certificate)")                    \
    X(RESOURCE, 5, "an interface, address or file of this machine cannot be used")

enum lp_exit {
#define X(name, status, meaning) LP_EXIT_##name = (status),
    LP_EXIT_TABLE(X)
#undef X
};

#endif
