#include "apps/client-win/selftest/lease.h"

#include <stdbool.h>
#include <string.h>

#include "base/wire.h"
#include "proto/checksum.h"
#include "proto/ethernet.h"

enum {
    IPV4_LEN = 20,
    UDP_LEN = 8,
    BOOTP_LEN = 236, /* fixed part, before the magic cookie */
    BOOTP_CHADDR = 28,
    BOOTP_YIADDR = 16,
    OPTIONS = BOOTP_LEN + 4,
    PAYLOAD_LEN = LP_LEASE_FRAME_LEN - LP_ETH_HEADER_LEN - IPV4_LEN - UDP_LEN,
    PORT_SERVER = 67,
    PORT_CLIENT = 68,
    PROTOCOL_UDP = 17,
    OPTION_REQUESTED = 50,
    OPTION_TYPE = 53,
    OPTION_SERVER = 54,
    OPTION_END = 255,
    TYPE_DISCOVER = 1,
    TYPE_OFFER = 2,
    TYPE_REQUEST = 3,
    TYPE_ACK = 5,
    TYPE_NAK = 6,
};

static const uint8_t magic_cookie[4] = {99, 130, 83, 99};
static const uint8_t address[4] = LP_LEASE_ADDRESS;
static const uint8_t server[4] = LP_LEASE_SERVER;

struct question {
    const uint8_t *bootp;
    uint8_t type;
    const uint8_t *requested; /* four octets each, NULL when not said */
    const uint8_t *server;
};

/* ---- reading ---- */

static void read_options(struct lp_wire_reader *r, struct question *question)
{
    while (lp_wire_reader_left(r) > 0) {
        uint8_t code = lp_wire_read_u8(r);
        const uint8_t *value;
        uint8_t len;

        if (code == 0)
            continue;
        if (code == OPTION_END)
            return;
        len = lp_wire_read_u8(r);
        value = lp_wire_read_bytes(r, len);
        if (value == NULL)
            return;
        if (code == OPTION_TYPE && len == 1)
            question->type = value[0];
        else if (code == OPTION_REQUESTED && len == 4)
            question->requested = value;
        else if (code == OPTION_SERVER && len == 4)
            question->server = value;
    }
}

/* The UDP payload of an IPv4 frame to the DHCP server's port. */
static bool open_payload(const uint8_t *frame, size_t len, struct lp_wire_reader *ret_payload)
{
    struct lp_wire_reader r;
    struct lp_eth eth;
    const uint8_t *ip, *udp;
    size_t header_len;

    if (lp_eth_parse(frame, len, &eth) < 0 || eth.ethertype != LP_ETHERTYPE_IPV4)
        return false;
    r = lp_wire_reader_init(eth.payload, eth.payload_len);
    ip = lp_wire_read_bytes(&r, IPV4_LEN);
    if (ip == NULL || ip[9] != PROTOCOL_UDP)
        return false;
    header_len = 4u * (ip[0] & 0x0f);
    if (header_len < IPV4_LEN || lp_wire_read_bytes(&r, header_len - IPV4_LEN) == NULL)
        return false;
    udp = lp_wire_read_bytes(&r, UDP_LEN);
    if (udp == NULL || lp_load_be16(udp + 2) != PORT_SERVER)
        return false;
    *ret_payload = r;
    return true;
}

static bool read_question(const uint8_t *frame, size_t len, const struct lp_mac *client,
                          struct question *ret_question)
{
    struct question question = {.type = 0};
    const uint8_t *cookie;
    struct lp_wire_reader r;

    if (!open_payload(frame, len, &r))
        return false;
    question.bootp = lp_wire_read_bytes(&r, BOOTP_LEN);
    cookie = lp_wire_read_bytes(&r, sizeof(magic_cookie));
    if (question.bootp == NULL || cookie == NULL || question.bootp[0] != 1 ||
        memcmp(cookie, magic_cookie, sizeof(magic_cookie)) != 0 ||
        memcmp(question.bootp + BOOTP_CHADDR, client->octet, LP_MAC_LEN) != 0)
        return false;
    read_options(&r, &question);
    *ret_question = question;
    return true;
}

/* The answer's type; 0: none. A client that renews names the address as its own (ciaddr). */
static uint8_t decide(const struct question *question)
{
    const uint8_t *wanted =
        question->requested != NULL ? question->requested : question->bootp + 12;

    if (question->type == TYPE_DISCOVER)
        return TYPE_OFFER;
    if (question->type != TYPE_REQUEST)
        return 0;
    if (question->server != NULL && memcmp(question->server, server, 4) != 0)
        return 0;
    return memcmp(wanted, address, 4) == 0 ? TYPE_ACK : TYPE_NAK;
}

/* ---- writing ---- */

static void write_headers(const struct lp_mac *client, uint8_t *frame)
{
    uint8_t *ip = frame + LP_ETH_HEADER_LEN;
    uint8_t *udp = ip + IPV4_LEN;

    memset(frame, 0xff, LP_MAC_LEN);
    memcpy(frame + LP_MAC_LEN, client->octet, LP_MAC_LEN);
    frame[2 * LP_MAC_LEN - 1] ^= 0xff; /* another station than the client */
    lp_store_be16(frame + 2 * LP_MAC_LEN, LP_ETHERTYPE_IPV4);
    ip[0] = 0x45;
    lp_store_be16(ip + 2, IPV4_LEN + UDP_LEN + PAYLOAD_LEN);
    ip[8] = 64;
    ip[9] = PROTOCOL_UDP;
    memcpy(ip + 12, server, 4);
    memset(ip + 16, 0xff, 4);
    lp_store_be16(ip + 10, lp_checksum_finish(lp_checksum_add(0, ip, IPV4_LEN)));
    lp_store_be16(udp, PORT_SERVER);
    lp_store_be16(udp + 2, PORT_CLIENT);
    lp_store_be16(udp + 4, UDP_LEN + PAYLOAD_LEN); /* checksum 0: none, allowed in IPv4 */
}

static void write_options(uint8_t type, uint8_t *options)
{
    /* lease time, subnet mask, router, DNS server */
    static const uint8_t lease[] = {
        51, 4,   0,  0,  0, LP_LEASE_TIME_S, 1, 4, 255, 255, 255, 0, 3, 4, 198, 18, 77, 1, 6,
        4,  198, 18, 77, 1, OPTION_END};

    options[0] = OPTION_TYPE;
    options[1] = 1;
    options[2] = type;
    options[3] = OPTION_SERVER;
    options[4] = 4;
    memcpy(options + 5, server, 4);
    options[9] = OPTION_END;
    if (type != TYPE_NAK)
        memcpy(options + 9, lease, sizeof(lease));
}

size_t lp_lease_answer(const uint8_t *frame, size_t len, const struct lp_mac *client,
                       uint8_t ret_frame[LP_LEASE_FRAME_LEN])
{
    uint8_t *payload = ret_frame + LP_ETH_HEADER_LEN + IPV4_LEN + UDP_LEN;
    struct question question;
    uint8_t type;

    if (!read_question(frame, len, client, &question))
        return 0;
    type = decide(&question);
    if (type == 0)
        return 0;
    memset(ret_frame, 0, LP_LEASE_FRAME_LEN);
    write_headers(client, ret_frame);
    /* transaction, flags and hardware address as asked; a reply, sent to everybody */
    memcpy(payload, question.bootp, 12);
    payload[0] = 2;
    memcpy(payload + BOOTP_CHADDR, question.bootp + BOOTP_CHADDR, 16);
    if (type != TYPE_NAK)
        memcpy(payload + BOOTP_YIADDR, address, 4);
    memcpy(payload + BOOTP_LEN, magic_cookie, sizeof(magic_cookie));
    write_options(type, payload + OPTIONS);
    return LP_LEASE_FRAME_LEN;
}
