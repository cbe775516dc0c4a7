/*
 * Internal to the relay: what it keeps for a connection (session) and for a room, and which
 * file does what: relay.c engine and deadlines, admission.c joining and leaving, forward.c
 * datagrams.
 */
#ifndef LP_RELAY_SESSION_H
#define LP_RELAY_SESSION_H

#include "core/egress.h"
#include "core/sender.h"
#include "core/room.h"
#include "relay/relay.h"

enum lp_session_state {
    LP_SESSION_AWAITS_HELLO = 1,
    LP_SESSION_JOINED,
    LP_SESSION_CLOSING, /* in no room any more, the connection is on its way out */
};

struct lp_relay_room {
    struct lp_room room;
    UT_hash_handle by_code;
};

struct lp_session {
    struct lp_relay *relay;
    struct lp_quic_conn *conn;
    enum lp_session_state state;
    uint64_t accepted_ns;
    struct lp_relay_room *room; /* while joined */
    struct lp_member member;
    struct lp_egress egress;
    struct lp_sender sender;
    struct lp_counters counters;
    size_t receive_ceiling; /* datagram octets that the peer takes */
    bool has_timing;        /* both ends have that capability */
    char name[LP_NAME_MAX + 1];
    uint8_t seat_secret[LP_SEAT_SECRET_LEN];
    bool has_hello_secret;
    uint8_t hello_secret[LP_SEAT_SECRET_LEN]; /* what the hello that got this seat had shown */
    struct lp_bucket control;                 /* messages after the hello */
    bool has_stats;
    struct lp_stats stats;                         /* the latest */
    uint64_t malformed_ns[LP_RELAY_MALFORMED_MAX]; /* ring of the latest */
    unsigned malformed_at;
    struct lp_session *prev; /* all sessions, oldest first */
    struct lp_session *next;
};

struct lp_relay {
    struct lp_relay_config config;
    struct lp_quic *quic;
    struct lp_packet_pool pool;
    struct lp_sipkey flow_key;
    struct lp_relay_room *rooms; /* uthash by code */
    struct lp_session *sessions;
    unsigned room_count;
    unsigned peer_count;
    uint32_t last_room_id;
    uint64_t housekeeping_ns; /* next deadline of it */
    uint64_t refusals_told;   /* of the transport's, see LP_RELAY_SOURCE_REFUSED */
    uint64_t refusals_ns;     /* not told again before */
    bool shutting_down;
};

static inline struct lp_session *lp_session_of(struct lp_member *member)
{
    return (struct lp_session *)((char *)member - offsetof(struct lp_session, member));
}

/* admission.c */
void lp_session_on_control(struct lp_session *session, bool hello_stream, const uint8_t *body,
                           size_t len, uint64_t now_ns);
/* Out of its room, those who stay are told. Does not close the connection. */
void lp_session_leave(struct lp_session *session, enum lp_leave_reason reason,
                      const char *detail);
/* A peer that broke the protocol: leaves, and its connection is closed. */
void lp_session_protocol_error(struct lp_session *session, const char *what);

/* forward.c */
void lp_session_on_datagram(struct lp_session *session, const uint8_t *bytes, size_t len,
                            uint64_t now_ns);
bool lp_session_egress_next(struct lp_session *session, struct lp_quic_datagram *ret_next,
                            uint64_t now_ns);
void lp_session_egress_taken(struct lp_session *session, enum lp_quic_egress_result result,
                             uint64_t now_ns);
/* Its length, 0 when it cannot be made. */
size_t lp_session_make_timing(const struct lp_session *session, const struct lp_timing *timing,
                              uint8_t *bytes, size_t capacity);
void lp_session_expire_pieces(struct lp_session *session, uint64_t now_ns);

/* relay.c */
/* An event with everything that is known of the session filled in; the caller adds the rest. */
struct lp_relay_event lp_session_event(const struct lp_session *session,
                                       enum lp_relay_event_kind kind);
void lp_relay_emit(const struct lp_relay *relay, const struct lp_relay_event *event);

#endif
