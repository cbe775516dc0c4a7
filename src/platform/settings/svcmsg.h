/*
 * What softlan.exe and softlan-svc.exe say to each other on their pipe: a fixed list of requests
 * with one reply each, in binary, integers big-endian. The service runs with all rights and any
 * local user can open the pipe: every length, range and order is checked here, before anything
 * is done, and there is no message that names a file, a program or a next hop. Pure.
 *
 *     offset  octets
 *     0       2      length of the whole message, 4..1024
 *     2       1      version, 1
 *     3       1      type
 *     4              body, of exactly the length that its content has:
 *
 *     HELLO      2 version that the caller speaks
 *     PREPARE   38 adapter GUID "{8-4-4-4-12}", 6 MAC (locally administered, unicast)
 *     PIN       an address: somebody's out there or this machine's loopback, with its port
 *     CONFIGURE  2 MTU 576..1500, 2 metric 1..9999, 1 party's DNS used: 0 or 1
 *     CHECK, END, OK: empty
 *     ERROR      1 error code as a positive number, 1..319 sentence
 *     STATUS    source address, next hop, 128 interface name padded by NUL, 4 its index,
 *               1 prefix length, 4 metric, 1 flags, 1 number of settings put back
 *
 * An address is 1 family (0, 4, 6), 2 port, 4 zone, 16 octets of address, what the family lacks
 * being zero. One content has one encoding: what is decoded and encoded again is the same.
 * Texts are printable ASCII; encoding puts '?' for anything else, so that no adapter's name keeps
 * an error from being told.
 */
#ifndef LP_PLATFORM_SETTINGS_SVCMSG_H
#define LP_PLATFORM_SETTINGS_SVCMSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "base/mac.h"
#include "platform/platform.h"
#include "platform/windows/wincfg.h"

#define LP_SVCMSG_NAME_LEN                                                                     \
    128 /* of an interface, its NUL included; the same for every system */
#define LP_SVCMSG_VERSION    1
#define LP_SVCMSG_HEADER_LEN 4
#define LP_SVCMSG_MAX        1024

/* X(NAME, number, text, states in which the request is taken; 0 = a reply) */
#define LP_SVCMSG_TABLE(X)                                                                     \
    X(HELLO, 1, "hello", LP_SVC_IN(START))                                                     \
    X(PREPARE, 2, "prepare", LP_SVC_IN(GREETED))                                               \
    X(PIN, 3, "pin", LP_SVC_IN(PREPARED) | LP_SVC_IN(PINNED) | LP_SVC_IN(CONFIGURED))          \
    X(CONFIGURE, 4, "configure", LP_SVC_IN(PINNED) | LP_SVC_IN(CONFIGURED))                    \
    X(CHECK, 5, "check", LP_SVC_IN(PINNED) | LP_SVC_IN(CONFIGURED))                            \
    X(END, 6, "end",                                                                           \
      LP_SVC_IN(GREETED) | LP_SVC_IN(PREPARED) | LP_SVC_IN(PINNED) | LP_SVC_IN(CONFIGURED))    \
    X(OK, 129, "ok", 0)                                                                        \
    X(ERROR, 130, "error", 0)                                                                  \
    X(STATUS, 131, "status", 0)

enum lp_svcmsg_type {
#define X(name, number, text, states) LP_SVCMSG_##name = (number),
    LP_SVCMSG_TABLE(X)
#undef X
};

struct lp_svcmsg_prepare {
    char adapter[LP_ADAPTER_GUID_LEN];
    struct lp_mac mac;
};

struct lp_svcmsg_error {
    enum lp_err code;
    char sentence[LP_WHY_LEN];
};

struct lp_svcmsg {
    enum lp_svcmsg_type type;
    union {
        uint16_t version; /* HELLO */
        struct lp_svcmsg_prepare prepare;
        struct lp_addr relay;               /* PIN */
        struct lp_wincfg_settings settings; /* CONFIGURE */
        struct lp_svcmsg_error error;
        struct lp_wincfg_status status;
    };
};

/* "hello" ...; "unknown" for any other number. */
const char *lp_svcmsg_name(enum lp_svcmsg_type type);
bool lp_svcmsg_is_request(enum lp_svcmsg_type type);

/*
 * Writes the whole message. Returns its length; LP_ERR_INVALID when its content breaks the rules
 * above, LP_ERR_NOSPACE (LP_SVCMSG_MAX always suffices).
 */
int lp_svcmsg_encode(const struct lp_svcmsg *message, uint8_t *bytes, size_t capacity);

/*
 * How long the message that starts here is: 0 while its length is not there yet, LP_ERR_RANGE
 * when no message is that long. Nothing of it is judged but the length.
 */
int lp_svcmsg_frame_len(const uint8_t *bytes, size_t len);

/*
 * Exactly one message. LP_ERR_UNSUPPORTED: of another version, LP_ERR_MALFORMED: anything else
 * that is not as above.
 */
int lp_svcmsg_decode(const uint8_t *bytes, size_t len, struct lp_svcmsg *ret_message);

/* ---- the order of requests on one pipe ---- */

enum lp_svc_state {
    LP_SVC_START = 0,  /* hello is awaited */
    LP_SVC_GREETED,    /* nothing is changed yet */
    LP_SVC_PREPARED,   /* adapter and MAC are set */
    LP_SVC_PINNED,     /* and the route to the relay */
    LP_SVC_CONFIGURED, /* and MTU, metric, default routes */
    LP_SVC_ENDED,      /* nothing more is taken; everything is undone */
};

#define LP_SVC_IN(state) (1u << LP_SVC_##state)

/*
 * May this be asked now? 0; LP_ERR_UNSUPPORTED: hello with another version, LP_ERR_INVALID: no
 * request, or not now; then the service tells `why`, undoes everything and closes the pipe.
 */
int lp_svc_allows(enum lp_svc_state state, const struct lp_svcmsg *request,
                  char why[LP_WHY_LEN]);

/*
 * The state after an allowed request, which `succeeded` or not. A failed step leaves the state
 * as it was, so that it can be tried again; an end is one in any case.
 */
enum lp_svc_state lp_svc_next(enum lp_svc_state state, enum lp_svcmsg_type request,
                              bool succeeded);

/* Is this a reply to that request? STATUS answers check, OK all others, ERROR any. */
bool lp_svc_answers(enum lp_svcmsg_type request, enum lp_svcmsg_type reply);

#endif
