/*
 * A server endpoint and whatever may come to its port. The input is a sequence of packets, each
 * after its length in two octets; time goes on by 1 ms from one to the next. The first octet
 * chooses whether a Retry is asked for.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/wire.h"
#include "transport/quic.h"

struct fuzz {
    unsigned sent;
    uint32_t drawn;
};

static int on_accept(void *user, struct lp_quic_conn *conn, uint64_t now_ns)
{
    (void)user;
    (void)conn;
    (void)now_ns;
    return 0;
}

static void on_control(void *user, struct lp_quic_conn *conn, bool hello, const uint8_t *body,
                       size_t len, uint64_t now_ns)
{
    (void)user;
    (void)conn;
    (void)hello;
    (void)body;
    (void)len;
    (void)now_ns;
}

static void on_datagram(void *user, struct lp_quic_conn *conn, const uint8_t *bytes, size_t len,
                        uint64_t now_ns)
{
    (void)user;
    (void)conn;
    (void)bytes;
    (void)len;
    (void)now_ns;
}

static void on_closed(void *user, struct lp_quic_conn *conn,
                      const struct lp_quic_close_info *info, uint64_t now_ns)
{
    (void)user;
    (void)conn;
    (void)now_ns;
    for (const char *p = info->reason; *p != '\0'; p++) {
        if (*p < 0x20 || *p > 0x7e)
            abort();
    }
}

static bool on_egress_next(void *user, struct lp_quic_conn *conn, struct lp_quic_datagram *next,
                           uint64_t now_ns)
{
    (void)user;
    (void)conn;
    (void)next;
    (void)now_ns;
    return false;
}

static void on_egress_taken(void *user, struct lp_quic_conn *conn,
                            enum lp_quic_egress_result result, uint64_t now_ns)
{
    (void)user;
    (void)conn;
    (void)result;
    (void)now_ns;
}

static int on_transmit(void *user, const struct lp_quic_tx *tx)
{
    struct fuzz *fuzz = user;

    return ++fuzz->sent % 7 == 0 ? LP_ERR_AGAIN : tx->len > 0 ? 0 : LP_ERR_IO;
}

static void fill_random(void *user, void *bytes, size_t len)
{
    struct fuzz *fuzz = user;

    /* Connection ids must differ from one another. */
    memset(bytes, 0x33, len);
    fuzz->drawn++;
    if (len >= sizeof fuzz->drawn)
        memcpy((uint8_t *)bytes + len - sizeof fuzz->drawn, &fuzz->drawn, sizeof fuzz->drawn);
}

static const struct lp_quic_handler handler = {
    .accept = on_accept,
    .control = on_control,
    .datagram = on_datagram,
    .closed = on_closed,
    .egress_next = on_egress_next,
    .egress_taken = on_egress_taken,
    .transmit = on_transmit,
};

/* Made once: a key costs more than all the packets of an input. */
static struct lp_tls *server_tls(void)
{
    static struct lp_tls *tls;
    struct lp_tls_identity id;
    char why[LP_TLS_WHY_LEN];

    if (tls != NULL)
        return tls;
    if (lp_tls_identity_generate(LP_DEV_SERVER_NAME, 1700000000, &id) < 0 ||
        lp_tls_server_new(id.cert_pem, id.cert_pem_len, id.key_pem, id.key_pem_len, &tls, why) <
            0)
        abort();
    lp_tls_identity_deinit(&id);
    return tls;
}

static void turn(struct lp_quic *quic, uint64_t now_ns)
{
    if (lp_quic_next_deadline(quic) <= now_ns)
        lp_quic_on_deadline(quic, now_ns);
    lp_quic_flush(quic, now_ns);
    lp_quic_on_writable(quic, now_ns);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct lp_addr local = {.family = LP_ADDR_IPV4, .port = 443, .ip = {192, 0, 2, 2}};
    const struct lp_addr remote = {.family = LP_ADDR_IPV4, .port = 4000, .ip = {192, 0, 2, 1}};
    struct lp_wire_reader r = lp_wire_reader_init(data, size);
    struct fuzz fuzz = {0};
    uint64_t now_ns = LP_NS_PER_S;
    struct lp_quic_config config = {
        .server = true,
        .require_retry = (lp_wire_read_u8(&r) & 1) != 0,
        .max_connections = 4,
        .tls = server_tls(),
        .random = fill_random,
        .handler = &handler,
        .user = &fuzz,
    };
    struct lp_quic *quic;

    if (lp_quic_new(&config, &quic) < 0)
        abort();
    while (lp_wire_reader_left(&r) >= 2) {
        size_t len = lp_wire_read_u16(&r);

        if (len > lp_wire_reader_left(&r))
            len = lp_wire_reader_left(&r);
        lp_quic_receive(quic, &local, &remote, 0, lp_wire_read_bytes(&r, len), len, now_ns);
        turn(quic, now_ns);
        now_ns += LP_NS_PER_MS;
    }
    turn(quic, now_ns + 30 * LP_NS_PER_S);
    lp_quic_free(quic);
    return 0;
}
