/*
 * What the two halves of the control codec share: the rules that a message must keep whichever
 * way it travels, the names on the wire, and how a broken rule is told.
 */
#ifndef LP_PROTO_CONTROL_INTERNAL_H
#define LP_PROTO_CONTROL_INTERNAL_H

#include <stddef.h>

#include "base/attr.h"
#include "base/err.h"
#include "proto/control.h"

/* JSON integers are signed 64-bit numbers in jansson and in many other readers. */
#define LP_CONTROL_INT_MAX INT64_MAX

/* X(NAME, wire text) */
#define LP_CAPABILITY_TABLE(X)                                                                 \
    X(PIECES, "pieces")                                                                        \
    X(SEQUENCE, "sequence")                                                                    \
    X(TIMING, "timing")

#define LP_CAP_ALL ((uint32_t)(LP_CAP_PIECES | LP_CAP_SEQUENCE | LP_CAP_TIMING))

/* Where the reason goes and, for a hello, the code to answer with. */
struct lp_control_fault {
    char why[LP_CONTROL_WHY_LEN];
    enum lp_reject_code reject;
};

/*
 * Writes the reason. The arguments must be printable: names of ours and numbers, never a peer's
 * text.
 */
void lp_control_tell(struct lp_control_fault *fault, enum lp_reject_code reject,
                     const char *format, ...) LP_PRINTF(3, 4);

/* Tells the fault and is LP_ERR_MALFORMED; a macro, so that the compiler sees that it is an
 * error. */
#define lp_control_fail(...) (lp_control_tell(__VA_ARGS__), LP_ERR_MALFORMED)

/* The rules of docs/protocol.md on a message's values. LP_ERR_MALFORMED when one is broken. */
int lp_control_check(const struct lp_control *message, struct lp_control_fault *fault);

#endif
