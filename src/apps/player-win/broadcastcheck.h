/*
 * Do games find the party? A game asks for servers by a broadcast from a socket that is bound to no
 * address, and Windows sends that by one adapter of its choice. So one is sent as a game does, with
 * a payload that nothing else has, and the frames of the party's adapter are watched for it.
 *
 * The state machine and its words: pure, on every system. Asked for when the party's address is
 * there, has changed, or settings had to be put back; a broadcast that was not seen is sent twice
 * more before that is believed, and then again from time to time, so that a remedy shows. `--selftest`
 * sends and recognises the same and says the same, in its own time.
 */
#ifndef LP_APPS_PLAYER_WIN_BROADCASTCHECK_H
#define LP_APPS_PLAYER_WIN_BROADCASTCHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/superframe.h"
#include "base/time.h"
#include "platform/platform.h"

#define LP_BROADCAST_PORT        9 /* discard, RFC 863 */
#define LP_BROADCAST_SECRET_LEN  16
#define LP_BROADCAST_PAYLOAD_LEN (8 + LP_BROADCAST_SECRET_LEN)
#define LP_BROADCAST_TRIES       3
#define LP_BROADCAST_WATCH_NS    (2 * LP_NS_PER_S)
#define LP_BROADCAST_REST_NS     (30 * LP_NS_PER_S) /* until a failed check is made again */

enum lp_broadcast_verdict {
    LP_BROADCAST_UNKNOWN = 0, /* not checked (yet) */
    LP_BROADCAST_LEFT,        /* it left by the adapter */
    LP_BROADCAST_MISSED,
};

enum lp_broadcast_phase {
    LP_BROADCAST_IDLE = 0,
    LP_BROADCAST_DUE,
    LP_BROADCAST_WATCHED,
    LP_BROADCAST_RESTING,
};

/* What is to be done now. */
enum lp_broadcast_action {
    LP_BROADCAST_NOTHING = 0,
    LP_BROADCAST_SEND, /* the payload */
    LP_BROADCAST_TELL, /* it is MISSED, find out why */
};

struct lp_broadcast_check {
    uint8_t payload[LP_BROADCAST_PAYLOAD_LEN];
    enum lp_broadcast_phase phase;
    enum lp_broadcast_verdict verdict; /* the last one; holds while the next is waited for */
    unsigned tries;
    uint64_t deadline_ns; /* of the watch, or of the rest */
};

void lp_broadcast_check_init(struct lp_broadcast_check *check,
                             const uint8_t secret[LP_BROADCAST_SECRET_LEN]);
void lp_broadcast_check_ask(struct lp_broadcast_check *check);
/* There is no address: nothing to check, and nothing known. */
void lp_broadcast_check_forget(struct lp_broadcast_check *check);
/* At least once a second. */
enum lp_broadcast_action lp_broadcast_check_on_time(struct lp_broadcast_check *check,
                                                    uint64_t now_ns);
/* A frame that the system sent by the adapter. True: it is the check's own; the verdict is LEFT. */
bool lp_broadcast_check_on_frame(struct lp_broadcast_check *check,
                                 const struct lp_superframe *frame);

/* ---- why one was missed ---- */

struct lp_broadcast_found {
    const char *send_error; /* what the system said when it was sent; NULL: it was sent */
    const char *interface;  /* by which the system sends broadcasts; NULL: by none */
    bool by_adapter;        /* that is the party's */
    bool behind;            /* the player wants the party's adapter behind the others */
};

/* Cause and remedy, a sentence. */
void lp_broadcast_explain(const struct lp_broadcast_found *found, char ret_why[LP_WHY_LEN]);

#endif
