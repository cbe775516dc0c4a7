/*
 * The scenarios of the hostile relay. Where it lets a client in first, that one is peer 7 of room 9;
 * peer 5 is another player, 02:00:00:00:00:05. What is said is written out here octet by octet: our own
 * encoder refuses most of it.
 */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/wire.h"
#include "proto/control.h"
#include "proto/ethernet.h"
#include "proto/overlay.h"
#include "hostile_relay.h"

#define FLOOD_DATAGRAMS 50000
#define FLOOD_MESSAGES  20000
#define PEERS_TOO_MANY  600 /* a room has 512 at most (node/roommap.h) */
#define TOKEN           "the last frame"

#define LIMITS                                                                                 \
    "\"capabilities\":[\"pieces\"],\"limits\":{\"broadcast_burst\":64,\"broadcast_rate\":32,"  \
    "\"unknown_burst\":64,\"unknown_rate\":32,\"burst_bytes\":0,\"rate_bytes\":0}}"

static void answer_text(struct lp_quic_conn *conn, const char *json)
{
    hostile_answer(conn, json, strlen(json), strlen(json));
}

static void tell_peer(struct lp_quic_conn *conn, unsigned peer_id, unsigned seq,
                      const char *name)
{
    char json[1024];

    snprintf(json, sizeof(json),
             "{\"type\":\"peer_joined\",\"peer_id\":%u,\"seq\":%u,\"role\":\"client\","
             "\"mac\":\"02:00:00:00:%02x:%02x\",\"name\":\"%s\"}",
             peer_id, seq, peer_id >> 8 & 0xff, peer_id & 0xff, name);
    (void)hostile_tell(conn, json);
}

/* ---- the answer to hello ---- */

static void bad_json(struct hostile_relay *relay, struct lp_quic_conn *conn)
{
    (void)relay;
    answer_text(conn, "{\"type\":\"welcome\",\"peer_id\":7,");
}

/* A parser that calls itself for each bracket has no stack left. */
static void deep_json(struct hostile_relay *relay, struct lp_quic_conn *conn)
{
    static char brackets[LP_CONTROL_BODY_MAX];

    (void)relay;
    memset(brackets, '[', sizeof(brackets));
    hostile_answer(conn, brackets, sizeof(brackets), sizeof(brackets));
}

static void huge_json(struct hostile_relay *relay, struct lp_quic_conn *conn)
{
    static char spaces[LP_CONTROL_BODY_MAX];

    (void)relay;
    memset(spaces, ' ', sizeof(spaces));
    hostile_answer(conn, spaces, sizeof(spaces), LP_CONTROL_BODY_MAX + 1);
}

static void no_json(struct hostile_relay *relay, struct lp_quic_conn *conn)
{
    (void)relay;
    hostile_answer(conn, "\xff\x00\x1b[2J\xe2\x80\xae", 9, 9);
}

static void unknown_message(struct hostile_relay *relay, struct lp_quic_conn *conn)
{
    (void)relay;
    answer_text(conn, "{\"type\":\"run\",\"command\":\"calc.exe\"}");
}

static void wrong_message(struct hostile_relay *relay, struct lp_quic_conn *conn)
{
    (void)relay;
    answer_text(conn, "{\"type\":\"disconnect\",\"reason\":\"kicked\"}");
}

static void welcome(struct lp_quic_conn *conn, unsigned peer_id, unsigned mtu)
{
    char json[1024];

    snprintf(json, sizeof(json),
             "{\"type\":\"welcome\",\"peer_id\":%u,\"room_id\":9,\"mtu\":%u," LIMITS, peer_id,
             mtu);
    answer_text(conn, json);
}

static void mtu_0(struct hostile_relay *relay, struct lp_quic_conn *conn)
{
    (void)relay;
    welcome(conn, 7, 0);
}

static void mtu_100(struct hostile_relay *relay, struct lp_quic_conn *conn)
{
    (void)relay;
    welcome(conn, 7, 100);
}

static void mtu_65535(struct hostile_relay *relay, struct lp_quic_conn *conn)
{
    (void)relay;
    welcome(conn, 7, 65535);
}

static void peer_0(struct hostile_relay *relay, struct lp_quic_conn *conn)
{
    (void)relay;
    welcome(conn, 0, 1380);
}

static void let_in(struct hostile_relay *relay, struct lp_quic_conn *conn)
{
    (void)relay;
    welcome(conn, 7, 1380);
}

static void reject_long(struct hostile_relay *relay, struct lp_quic_conn *conn)
{
    static char json[12000];
    int at =
        snprintf(json, sizeof(json), "{\"type\":\"reject\",\"code\":\"room_full\",\"text\":\"");

    (void)relay;
    memset(json + at, 'A', 10000);
    strcpy(json + at + 10000, "\"}");
    answer_text(conn, json);
}

/* Ends of lines, an escape that clears the screen, a text that runs backwards, a forged log line. */
static void reject_escapes(struct hostile_relay *relay, struct lp_quic_conn *conn)
{
    (void)relay;
    answer_text(conn, "{\"type\":\"reject\",\"code\":\"room_full\",\"text\":\""
                      "\\u001b[2J\\u001b]0;owned\\u0007\\r\\n"
                      "2026-01-01T00:00:00Z info: joined the room \\u202egnp.exe\\u0085\\u2028"
                      "\\u009b31m\"}");
}

/* Allowed, as in a text in Hebrew; no terminal may get it as it is. */
static void reject_backwards(struct hostile_relay *relay, struct lp_quic_conn *conn)
{
    (void)relay;
    answer_text(conn, "{\"type\":\"reject\",\"code\":\"room_full\",\"text\":\""
                      "ask for \\u202egnp.exe \\u2066 code=joined\"}");
}

static void reject_unknown(struct hostile_relay *relay, struct lp_quic_conn *conn)
{
    (void)relay;
    answer_text(conn, "{\"type\":\"reject\",\"code\":\"pay_first\",\"text\":\"send money\"}");
}

static void close_at_once(struct hostile_relay *relay, struct lp_quic_conn *conn)
{
    (void)relay;
    lp_quic_close(conn, LP_QUIC_APP_NORMAL, "\x1b[2J\r\nerror: go away \xe2\x80\xae");
}

static void let_in_and_close(struct hostile_relay *relay, struct lp_quic_conn *conn)
{
    let_in(relay, conn);
    lp_quic_close(conn, LP_QUIC_APP_SHUTDOWN, "again");
}

/* ---- streams ---- */

/* The answer that is announced, and all of it but the last octet. */
static void endless_answer(struct hostile_relay *relay, uint64_t now_ns)
{
    static uint8_t body[LP_CONTROL_PREFIX_LEN + LP_CONTROL_BODY_MAX - 1];

    memset(body, ' ', sizeof(body));
    lp_store_be32(body, LP_CONTROL_BODY_MAX);
    relay->sent += (unsigned)hostile_write_open(relay, 0, body + relay->sent,
                                                sizeof(body) - relay->sent, now_ns);
    if (relay->sent == sizeof(body))
        hostile_done(relay);
}

/* As many messages as can be begun, each of 64 KiB, of which three octets come; then the frames. */
static void endless_streams(struct hostile_relay *relay, uint64_t now_ns)
{
    static const uint8_t start[] = {0, 1, 0, 0, ' ', ' ', ' '};
    int64_t stream_id;

    if (relay->conn->tx_waiting != NULL)
        return; /* first who is there */
    while (ngtcp2_conn_open_uni_stream(relay->conn->qc, &stream_id, NULL) == 0)
        (void)hostile_write_open(relay, stream_id, start, sizeof(start), now_ns);
    relay->hold = false;
}

/* ---- messages about peers ---- */

static void let_in_with_stranger(struct hostile_relay *relay, struct lp_quic_conn *conn)
{
    let_in(relay, conn);
    tell_peer(conn, 5, 1, "stranger");
}

static void let_in_and_hold(struct hostile_relay *relay, struct lp_quic_conn *conn)
{
    let_in_with_stranger(relay, conn);
    relay->hold = true;
}

/* The names that the rules of section 6 of docs/protocol.md allow and a terminal does not like. */
static void crowd(struct hostile_relay *relay, struct lp_quic_conn *conn)
{
    static const char *const names[] = {
        "\\u202egnp.exe",         "info: joined the room",          "%s%n%s%n",
        "\\u200b\\u200b",         "<b>bold</b> & \\\"quotes\\\"",   "\\uff1cscript\\uff1e",
        "a\\u0300\\u0300\\u0300", "\\u2066\\u2067\\u2068 isolates", "C:\\\\Windows\\\\System32",
    };

    let_in(relay, conn);
    for (unsigned i = 0; i < 60; i++)
        tell_peer(conn, 100 + i, 10 + i, names[i % (sizeof(names) / sizeof(names[0]))]);
}

static void bad_name(struct hostile_relay *relay, struct lp_quic_conn *conn)
{
    let_in(relay, conn);
    tell_peer(conn, 5, 1, "\\u001b[2J\\n");
}

static void too_many_peers(struct hostile_relay *relay, uint64_t now_ns)
{
    (void)now_ns;
    for (; relay->sent < PEERS_TOO_MANY; relay->sent++) {
        char json[256];

        snprintf(json, sizeof(json),
                 "{\"type\":\"peer_joined\",\"peer_id\":%u,\"seq\":%u,\"role\":\"client\","
                 "\"mac\":\"02:00:00:00:%02x:%02x\",\"name\":\"x\"}",
                 relay->sent + 100, relay->sent + 1, relay->sent >> 8, relay->sent & 0xff);
        if (hostile_tell(relay->conn, json) < 0)
            return;
    }
    hostile_done(relay);
}

/* Comes and goes, with ids used before and numbers that run back. */
static void revolving_door(struct hostile_relay *relay, uint64_t now_ns)
{
    (void)now_ns;
    for (; relay->sent < FLOOD_MESSAGES; relay->sent++) {
        unsigned n = relay->sent, seq = n % 7 == 6 ? n / 2 : n + 2;
        char json[256];

        if (n % 2 == 0)
            snprintf(json, sizeof(json),
                     "{\"type\":\"peer_joined\",\"peer_id\":%u,\"seq\":%u,\"role\":\"%s\"%s,"
                     "\"name\":\"%u\"}",
                     20 + n / 2 % 3000, seq, n % 5 == 0 ? "gateway" : "client",
                     n % 5 == 0 ? "" : ",\"mac\":\"02:00:00:00:00:09\"", n);
        else
            snprintf(json, sizeof(json),
                     "{\"type\":\"peer_left\",\"peer_id\":%u,\"seq\":%u,\"reason\":\"normal\"}",
                     20 + n / 2 % 3000, seq);
        if (hostile_tell(relay->conn, json) < 0)
            return;
    }
    hostile_done(relay);
}

/* Each one leaves before the next comes, as it has to be. */
static void new_gateways(struct hostile_relay *relay, uint64_t now_ns)
{
    (void)now_ns;
    for (; relay->sent < FLOOD_MESSAGES; relay->sent++) {
        unsigned n = relay->sent;
        char json[256];

        snprintf(json, sizeof(json),
                 n % 2 == 0 ? "{\"type\":\"peer_joined\",\"peer_id\":%u,\"seq\":%u,"
                              "\"role\":\"gateway\",\"name\":\"host\"}"
                            : "{\"type\":\"peer_left\",\"peer_id\":%u,\"seq\":%u,"
                              "\"reason\":\"normal\"}",
                 20 + n / 2, n + 1);
        if (hostile_tell(relay->conn, json) < 0)
            return;
    }
    hostile_done(relay);
}

static void late_hello(struct hostile_relay *relay, struct lp_quic_conn *conn)
{
    let_in(relay, conn);
    (void)hostile_tell(conn, "{\"type\":\"reject\",\"code\":\"room_full\"}");
}

/* ---- datagrams ---- */

static size_t overlay(uint8_t *bytes, unsigned room_id, unsigned peer_id, const void *frame,
                      size_t len)
{
    lp_store_be16(bytes, LP_OVERLAY_MAGIC);
    bytes[2] = LP_OVERLAY_VERSION << 4 | LP_OVERLAY_FRAME;
    bytes[3] = 0;
    lp_store_be32(bytes + 4, room_id);
    lp_store_be32(bytes + 8, peer_id);
    memcpy(bytes + LP_OVERLAY_HEADER_LEN, frame, len);
    return LP_OVERLAY_HEADER_LEN + len;
}

/* A broadcast of the stranger that any client lets through. */
static size_t good_frame(uint8_t *frame, size_t len)
{
    static const uint8_t header[LP_ETH_HEADER_LEN] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2,
                                                      0,    0,    0,    0,    5,    0x88, 0xb6};

    memset(frame, 'x', len);
    memcpy(frame, header, sizeof(header));
    return len;
}

static size_t frame_flood(unsigned number, uint8_t *bytes)
{
    uint8_t frame[1000];

    if (number > FLOOD_DATAGRAMS)
        return 0;
    good_frame(frame, sizeof(frame));
    if (number == FLOOD_DATAGRAMS)
        memcpy(frame + LP_ETH_HEADER_LEN, TOKEN, sizeof(TOKEN) - 1);
    return overlay(bytes, 9, 5, frame, sizeof(frame));
}

static size_t with_flags(uint8_t *bytes, size_t len, uint8_t version_type, uint8_t flags)
{
    bytes[2] = version_type;
    bytes[3] = flags;
    return len;
}

/* A first piece that says the frame is this long. */
static size_t piece(uint8_t *bytes, const uint8_t *frame, size_t len, unsigned frame_len)
{
    size_t at = overlay(bytes, 9, 5, "\x12\x34\x00\x00", 4);

    bytes[3] = LP_OVERLAY_FLAG_PIECE;
    lp_store_be16(bytes + at - 2, (uint16_t)frame_len);
    memcpy(bytes + at, frame, len);
    return at + len;
}

/* Nothing of this may come out of a client's adapter, but the last. */
static size_t bad_frames(unsigned number, uint8_t *bytes)
{
    static const uint8_t self[LP_MAC_LEN] = {2, 0, 0, 0, 0, 6};
    uint8_t frame[1600];
    size_t len = good_frame(frame, 100);

    switch (number) {
    case 0: /* shorter than a header */
        return overlay(bytes, 9, 5, "", 0) - 1;
    case 1: /* no frame */
        return overlay(bytes, 9, 5, "", 0);
    case 2:
        bytes[0] = 'X';
        return 400;
    case 3:
        return with_flags(bytes, overlay(bytes, 9, 5, frame, len), 0xf1, 0);
    case 4:
        return with_flags(bytes, overlay(bytes, 9, 5, frame, len), 0x1f, 0);
    case 5: /* a flag that the welcome did not announce */
        return with_flags(bytes, overlay(bytes, 9, 5, frame, len), 0x11, 0x02);
    case 6:
        return with_flags(bytes, overlay(bytes, 9, 5, frame, len), 0x11, 0x80);
    case 7:
        return overlay(bytes, 10, 5, frame, len); /* another room */
    case 8:
        return overlay(bytes, 9, 0, frame, len);
    case 9:
        return overlay(bytes, 9, 7, frame, len); /* the client itself */
    case 10:
        return overlay(bytes, 9, 99, frame, len); /* nobody */
    case 11:
        return overlay(bytes, 9, 5, frame, LP_ETH_HEADER_LEN - 1);
    case 12: /* a frame of more than 1514 octets, in two pieces */
        return piece(bytes, frame, 1100, 1515);
    case 13:
        return piece(bytes, frame, 1100, 32767);
    case 14:
        return piece(bytes, frame, 1, 0);
    case 15: /* from an address that is not the stranger's */
        memcpy(frame + LP_MAC_LEN, self, LP_MAC_LEN);
        return overlay(bytes, 9, 5, frame, len);
    case 16: /* from a group */
        frame[LP_MAC_LEN] = 0x01;
        return overlay(bytes, 9, 5, frame, len);
    case 17: /* EAPOL */
        lp_store_be16(frame + 12, 0x888e);
        return overlay(bytes, 9, 5, frame, len);
    case 18: /* a tagged frame */
        lp_store_be16(frame + 12, 0x8100);
        return overlay(bytes, 9, 5, frame, len);
    case 19: /* to a bridge */
        memcpy(frame, "\x01\x80\xc2\x00\x00\x00", LP_MAC_LEN);
        return overlay(bytes, 9, 5, frame, len);
    case 20:
        memcpy(frame + LP_ETH_HEADER_LEN, TOKEN, sizeof(TOKEN) - 1);
        return overlay(bytes, 9, 5, frame, len);
    default:
        return 0;
    }
}

/* ---- the list ---- */

static const struct hostile_scenario scenarios[] = {
    {.name = "silent"},
    {.name = "bad-json", .hello = bad_json},
    {.name = "deep-json", .hello = deep_json},
    {.name = "huge-json", .hello = huge_json},
    {.name = "no-json", .hello = no_json},
    {.name = "unknown-message", .hello = unknown_message},
    {.name = "wrong-message", .hello = wrong_message},
    {.name = "mtu-0", .hello = mtu_0},
    {.name = "mtu-100", .hello = mtu_100},
    {.name = "mtu-65535", .hello = mtu_65535},
    {.name = "peer-0", .hello = peer_0},
    {.name = "reject-long", .hello = reject_long},
    {.name = "reject-escapes", .hello = reject_escapes},
    {.name = "reject-backwards", .hello = reject_backwards},
    {.name = "reject-unknown", .hello = reject_unknown},
    {.name = "close-at-once", .hello = close_at_once},
    {.name = "let-in-and-close", .hello = let_in_and_close},
    {.name = "dead-after-welcome", .hello = let_in, .plays_dead = true},
    {.name = "endless-answer", .pump = endless_answer},
    {.name = "endless-streams",
     .hello = let_in_and_hold,
     .pump = endless_streams,
     .datagram = bad_frames},
    {.name = "crowd", .hello = crowd},
    {.name = "bad-name", .hello = bad_name},
    {.name = "too-many-peers", .hello = let_in, .pump = too_many_peers},
    {.name = "revolving-door", .hello = let_in, .pump = revolving_door},
    {.name = "new-gateways", .hello = let_in, .pump = new_gateways},
    {.name = "late-hello", .hello = late_hello},
    {.name = "bad-frames", .hello = let_in_with_stranger, .datagram = bad_frames},
    {.name = "frame-flood", .hello = let_in_with_stranger, .datagram = frame_flood},
};

const struct hostile_scenario *hostile_scenario(const char *name)
{
    for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
        if (strcmp(scenarios[i].name, name) == 0)
            return &scenarios[i];
    }
    return NULL;
}
