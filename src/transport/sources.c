/*
 * Who waits to be let in, by source. Whoever answers a Retry can hold connections without ever
 * saying who it is; this bounds how many one source has of them, so that it cannot use up the
 * endpoint's. A source is an IPv4 address or an IPv6 /64, which is what one subscriber gets.
 */
#include "transport/internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"

struct lp_quic_source {
    uint8_t key[LP_QUIC_SOURCE_KEY_LEN];
    unsigned waiting;
    UT_hash_handle hh;
};

static void key_of(const struct lp_addr *addr, uint8_t ret_key[LP_QUIC_SOURCE_KEY_LEN])
{
    ret_key[0] = addr->family;
    memcpy(ret_key + 1, addr->ip, LP_QUIC_SOURCE_KEY_LEN - 1); /* IPv4: zeros behind the four */
}

static struct lp_quic_source *find(const struct lp_quic *quic, const struct lp_addr *addr)
{
    uint8_t key[LP_QUIC_SOURCE_KEY_LEN];
    struct lp_quic_source *source;

    key_of(addr, key);
    HASH_FIND(hh, quic->sources, key, sizeof key, source);
    return source;
}

bool lp_quic_source_is_full(struct lp_quic *quic, const struct lp_addr *addr)
{
    const struct lp_quic_source *source;

    if (quic->config.max_waiting == 0)
        return false;
    source = find(quic, addr);
    if (source == NULL || source->waiting < quic->config.max_waiting)
        return false;
    quic->refusals.count++;
    quic->refusals.latest = *addr;
    return true;
}

int lp_quic_source_enter(struct lp_quic_conn *conn, const struct lp_addr *addr)
{
    struct lp_quic *quic = conn->quic;
    struct lp_quic_source *source;

    if (quic->config.max_waiting == 0)
        return 0;
    source = find(quic, addr);
    if (source == NULL) {
        source = calloc(1, sizeof *source);
        if (source == NULL)
            return LP_ERR_NOMEM;
        key_of(addr, source->key);
        HASH_ADD(hh, quic->sources, key, sizeof source->key, source);
        if (source->hh.tbl == NULL) {
            free(source);
            return LP_ERR_NOMEM;
        }
    }
    source->waiting++;
    conn->source = source;
    return 0;
}

void lp_quic_admit(struct lp_quic_conn *conn)
{
    struct lp_quic *quic = conn->quic;
    struct lp_quic_source *source = conn->source;

    conn->source = NULL;
    if (source == NULL || --source->waiting > 0)
        return;
    HASH_DELETE(hh, quic->sources, source);
    free(source);
}

void lp_quic_refusals(const struct lp_quic *quic, struct lp_quic_refusals *ret_refusals)
{
    *ret_refusals = quic->refusals;
}
