/*
 * Control messages and their codec: a 4-octet big-endian length and a JSON object, 64 KiB at
 * most. Unknown fields are ignored; a missing required one or a value out of range is an error
 * whose reason is given in words. docs/protocol.md describes every field.
 *
 * Pure: no I/O; JSON by jansson. Messages are plain values with bounded strings, nothing to
 * free.
 */
#ifndef LP_PROTO_CONTROL_H
#define LP_PROTO_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mac.h"

#define LP_CONTROL_VERSION    1
#define LP_CONTROL_PREFIX_LEN 4
#define LP_CONTROL_BODY_MAX   65536
#define LP_CONTROL_WHY_LEN    192

#define LP_ROOM_CODE_MAX      64
#define LP_NAME_MAX           64  /* octets of UTF-8 */
#define LP_TEXT_MAX           256 /* octets of UTF-8 */
#define LP_SEAT_SECRET_LEN    16
#define LP_STATS_COUNTERS_MAX 96
#define LP_STATS_NAME_MAX     40

/* X(NAME, number, text): the text is the "type" field on the wire. */
#define LP_CONTROL_TABLE(X)                                                                    \
    X(HELLO, 1, "hello")                                                                       \
    X(WELCOME, 2, "welcome")                                                                   \
    X(REJECT, 3, "reject")                                                                     \
    X(PEER_JOINED, 4, "peer_joined")                                                           \
    X(PEER_LEFT, 5, "peer_left")                                                               \
    X(STATS, 6, "stats")                                                                       \
    X(DISCONNECT, 7, "disconnect")

enum lp_control_type {
    LP_CONTROL_NONE = 0,
#define X(name, number, text) LP_CONTROL_##name = (number),
    LP_CONTROL_TABLE(X)
#undef X
};

enum lp_role {
    LP_ROLE_CLIENT = 1, /* "client" */
    LP_ROLE_GATEWAY,    /* "gateway" */
};

/* X(NAME, number, wire text, what it means for a person, and what to do) */
#define LP_REJECT_TABLE(X)                                                                     \
    X(BAD_VERSION, 1, "bad_version",                                                           \
      "the relay speaks another version of the protocol: use the same release on both sides")  \
    X(BAD_ROOM_CODE, 2, "bad_room_code",                                                       \
      "the room code is not valid: 1 to 64 letters, digits, '.', '_' or '-'")                  \
    X(BAD_MAC, 3, "bad_mac",                                                                   \
      "the MAC address must be locally administered and unicast, such as 02:xx:xx:xx:xx:xx")   \
    X(DUPLICATE_MAC, 4, "duplicate_mac",                                                       \
      "another player in this room uses the same MAC address: choose another --virtual-mac "   \
      "or "                                                                                    \
      "delete the identity file")                                                              \
    X(ROOM_FULL, 5, "room_full",                                                               \
      "the room is full: ask the relay's operator to raise --max-clients")                     \
    X(GATEWAY_PRESENT, 6, "gateway_present",                                                   \
      "the room already has a gateway: stop the other one, or use another room code")          \
    X(MTU_UNSUPPORTED, 7, "mtu_unsupported",                                                   \
      "the room's MTU does not fit this connection: raise --datagram-budget or update the "    \
      "client")                                                                                \
    X(NOT_AUTHORISED, 8, "not_authorised", "this relay does not let you into the room")        \
    X(RELAY_FULL, 9, "relay_full", "the relay is full: try again later or use another relay")  \
    X(REDIRECT, 10, "redirect", "the room lives on another relay")                             \
    X(BAD_HELLO, 11, "bad_hello",                                                              \
      "the relay did not understand the hello: use the same release")

enum lp_reject_code {
#define X(name, number, wire, text) LP_REJECT_##name = (number),
    LP_REJECT_TABLE(X)
#undef X
};

/* X(NAME, number, wire text): why a peer left. */
#define LP_LEAVE_TABLE(X)                                                                      \
    X(NORMAL, 1, "normal")                                                                     \
    X(PROTOCOL_ERROR, 2, "protocol_error")                                                     \
    X(TIMED_OUT, 3, "timed_out")                                                               \
    X(KICKED, 4, "kicked")                                                                     \
    X(REPLACED, 5, "replaced")                                                                 \
    X(SHUTDOWN, 6, "shutdown")                                                                 \
    X(JOIN_FAILED, 7, "join_failed")

enum lp_leave_reason {
#define X(name, number, wire) LP_LEAVE_##name = (number),
    LP_LEAVE_TABLE(X)
#undef X
};

/* Capabilities, a bit each here and a string each on the wire ("pieces", "sequence", "timing").
 */
enum lp_capability {
    LP_CAP_PIECES = 1u << 0,
    LP_CAP_SEQUENCE = 1u << 1,
    LP_CAP_TIMING = 1u << 2,
};

struct lp_hello {
    uint32_t version;
    enum lp_role role;
    char room[LP_ROOM_CODE_MAX + 1];
    bool has_mac;
    struct lp_mac mac;
    uint32_t datagram_budget; /* receive ceiling, octets */
    uint32_t capabilities;
    char name[LP_NAME_MAX + 1]; /* may be empty */
    bool has_seat_secret;
    uint8_t seat_secret[LP_SEAT_SECRET_LEN];
};

/* Limits in force for this peer; rates 0 = unlimited. */
struct lp_limits {
    uint32_t broadcast_burst_frames;
    uint32_t broadcast_rate_frames;
    uint32_t unknown_burst_frames;
    uint32_t unknown_rate_frames;
    uint64_t burst_bytes;
    uint64_t rate_bytes;
};

struct lp_welcome {
    uint32_t peer_id;
    uint32_t room_id;
    uint32_t mtu;
    bool gateway_connected;   /* default false; true for the gateway itself */
    uint32_t gateway_peer_id; /* 0 = not given */
    char mode[16];            /* default "relay" */
    bool has_seat_secret;
    uint8_t seat_secret[LP_SEAT_SECRET_LEN];
    uint32_t capabilities; /* the relay's */
    struct lp_limits limits;
};

struct lp_reject {
    enum lp_reject_code code;
    char text[LP_TEXT_MAX + 1];
};

struct lp_peer_joined {
    uint32_t peer_id;
    uint64_t seq;
    enum lp_role role;
    bool has_mac;
    struct lp_mac mac;
    char name[LP_NAME_MAX + 1];
};

struct lp_peer_left {
    uint32_t peer_id;
    uint64_t seq;
    enum lp_leave_reason reason;
};

/* Named counters, so that peers of different releases understand each other. */
struct lp_stats {
    uint32_t rtt_us;
    unsigned count;
    struct {
        char name[LP_STATS_NAME_MAX + 1];
        uint64_t value;
    } counter[LP_STATS_COUNTERS_MAX];
};

struct lp_disconnect {
    enum lp_leave_reason reason;
};

struct lp_control {
    enum lp_control_type type;
    union {
        struct lp_hello hello;
        struct lp_welcome welcome;
        struct lp_reject reject;
        struct lp_peer_joined peer_joined;
        struct lp_peer_left peer_left;
        struct lp_stats stats;
        struct lp_disconnect disconnect;
    };
};

/* 1 to 64 octets of [A-Za-z0-9._-]. */
bool lp_room_code_valid(const char *code);

/* A display name: at most LP_NAME_MAX octets of UTF-8 without control characters; may be empty.
 */
bool lp_name_valid(const char *name);

const char *
lp_control_type_name(enum lp_control_type type); /* wire text, "unknown" otherwise */
const char *lp_reject_name(enum lp_reject_code code);
const char *lp_reject_text(enum lp_reject_code code); /* the sentence for a person */
const char *lp_leave_name(enum lp_leave_reason reason);
const char *lp_role_name(enum lp_role role);

/*
 * Writes the whole frame, prefix included. Returns its length; LP_ERR_INVALID when the message
 * breaks its own rules, LP_ERR_NOSPACE, LP_ERR_NOMEM.
 */
int lp_control_encode(const struct lp_control *message, uint8_t *bytes, size_t capacity);

/*
 * How long the frame that starts here is, prefix included: 0 while the prefix is not complete,
 * LP_ERR_RANGE when the body is empty or above 64 KiB.
 */
int lp_control_frame_len(const uint8_t *bytes, size_t len);

/*
 * Decodes and validates one frame's body (without the prefix). LP_ERR_MALFORMED, with the
 * reason in `why` (always written then, NUL-terminated, printable). For a hello whose type is
 * clear but whose fields are wrong, *ret_reject is the code to answer with; it is 0 otherwise.
 * Both may be NULL.
 */
int lp_control_decode(const uint8_t *body, size_t len, struct lp_control *ret_message,
                      char why[LP_CONTROL_WHY_LEN], enum lp_reject_code *ret_reject);

#endif
