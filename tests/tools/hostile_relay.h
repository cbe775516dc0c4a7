/*
 * What a hostile relay (hostile_relay.c) can be told to do (hostile_scenarios.c). It has one client at
 * a time; the newest connection is the one that counts.
 */
#ifndef LP_TESTS_HOSTILE_RELAY_H
#define LP_TESTS_HOSTILE_RELAY_H

#include "loop/driver.h"
#include "transport/internal.h"

struct hostile_scenario;

struct hostile_relay {
    const struct hostile_scenario *scenario;
    struct lp_driver *driver;
    struct lp_quic *quic;
    struct lp_quic_conn *conn; /* NULL: nobody is there */
    unsigned connections;      /* so far */
    unsigned sent;             /* datagrams or messages of a flood, on this connection */
    bool greeted;              /* the hello has come */
    bool done;                 /* the flood is over */
    bool hold;                 /* no datagram yet */
    bool dead;                 /* hears and says nothing */
    uint8_t datagram[2048];
};

struct hostile_scenario {
    const char *name;
    /* On hello; NULL: it is not answered. */
    void (*hello)(struct hostile_relay *relay, struct lp_quic_conn *conn);
    /* Each turn from then on; may be NULL. */
    void (*pump)(struct hostile_relay *relay, uint64_t now_ns);
    /* Writes the datagram with this number and returns its length, 0 after the last; may be NULL. */
    size_t (*datagram)(unsigned number, uint8_t *bytes);
    bool plays_dead; /* after the first answer */
};

/* NULL when there is none of that name. */
const struct hostile_scenario *hostile_scenario(const char *name);

/* The answer on the first stream: these octets behind a prefix that announces what it likes. */
void hostile_answer(struct lp_quic_conn *conn, const void *body, size_t len, size_t announced);

/* A message on a stream of its own; LP_ERR_FULL: later. */
int hostile_tell(struct lp_quic_conn *conn, const char *json);

/*
 * Octets on a stream that is not ended by them, past the transport, which always ends it. Returns how
 * many were taken. Only from within a pump.
 */
size_t hostile_write_open(struct hostile_relay *relay, int64_t stream_id, const uint8_t *bytes,
                          size_t len, uint64_t now_ns);

/* The flood is over: says so once for a connection. */
void hostile_done(struct hostile_relay *relay);

#endif
