/*
 * Error codes: one table, used by every layer.
 *
 * A function that can fail returns 0 (or a count) on success and one of these negative codes
 * when it cannot go on; callers hand the code on unchanged. Bad input from a peer is not an
 * error: it is a verdict with a drop reason (diag/drop.h). errno values are mapped in platform/
 * only.
 */
#ifndef LP_BASE_ERR_H
#define LP_BASE_ERR_H

/* X(NAME, number, text): numbers are stable, they appear in logs. */
#define LP_ERR_TABLE(X)                                                                        \
    X(INVALID, 1, "invalid argument")                                                          \
    X(NOMEM, 2, "out of memory")                                                               \
    X(NOSPACE, 3, "does not fit the given space")                                              \
    X(TRUNCATED, 4, "input ends too early")                                                    \
    X(MALFORMED, 5, "malformed input")                                                         \
    X(UNSUPPORTED, 6, "not supported here")                                                    \
    X(RANGE, 7, "value out of range")                                                          \
    X(EXISTS, 8, "already exists")                                                             \
    X(NOTFOUND, 9, "not found")                                                                \
    X(FULL, 10, "full")                                                                        \
    X(AGAIN, 11, "cannot be done now, try again later")                                        \
    X(CLOSED, 12, "closed")                                                                    \
    X(TLS, 13, "TLS failure")                                                                  \
    X(QUIC, 14, "QUIC failure")                                                                \
    X(IO, 15, "input/output error")                                                            \
    X(PERMISSION, 16, "permission denied")                                                     \
    X(BUSY, 17, "in use by somebody else")                                                     \
    X(RESOLVE, 18, "name cannot be resolved")                                                  \
    X(TIMEOUT, 19, "timed out")                                                                \
    X(CONFIG, 20, "wrong configuration")

enum lp_err {
    LP_OK = 0,
#define X(name, number, text) LP_ERR_##name = -(number),
    LP_ERR_TABLE(X)
#undef X
};

/* Stable upper-case name ("NOMEM"), "OK" for 0, "UNKNOWN" for anything else. Never NULL. */
const char *lp_err_name(int err);

/* Human text of the table, "success" for 0. Never NULL. */
const char *lp_err_text(int err);

#endif
