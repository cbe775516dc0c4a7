#include "node/dhcpprobe.h"

#include <string.h>

#include "base/wire.h"
#include "proto/checksum.h"

enum {
    IPV4_LEN = 20,
    UDP_LEN = 8,
    BOOTP_LEN = 236, /* fixed part, before the magic cookie */
    BOOTP_XID = 4,
    BOOTP_FLAGS = 10,
    BOOTP_YIADDR = 16,
    BOOTP_CHADDR = 28,
    OPTIONS = BOOTP_LEN + 4,
    PAYLOAD_LEN = 300, /* the least that old servers take */
    PORT_SERVER = 67,
    PORT_CLIENT = 68,
    PROTOCOL_UDP = 17,
    OPTION_TYPE = 53,
    OPTION_SERVER = 54,
    OPTION_PARAMETERS = 55,
    OPTION_END = 255,
    TYPE_DISCOVER = 1,
    TYPE_OFFER = 2,
};

static const uint8_t magic_cookie[4] = {99, 130, 83, 99};

void lp_dhcp_probe_start(struct lp_dhcp_probe *probe, const uint8_t random[10], uint64_t now_ns)
{
    *probe = (struct lp_dhcp_probe){
        .state = LP_DHCP_PROBE_WAITING,
        .mac = lp_mac_from(random),
        .xid = lp_load_be32(random + LP_MAC_LEN),
        .started_ns = now_ns,
        .send_ns = now_ns,
    };
    lp_mac_make_local_unicast(&probe->mac);
}

static void write_ip_header(uint8_t *ip, size_t total_len)
{
    ip[0] = 0x45;
    lp_store_be16(ip + 2, (uint16_t)total_len);
    ip[8] = 64;
    ip[9] = PROTOCOL_UDP;
    memset(ip + 16, 0xff, 4); /* to everybody, from nobody (0.0.0.0) */
    lp_store_be16(ip + 10, lp_checksum_finish(lp_checksum_add(0, ip, IPV4_LEN)));
}

static void write_payload(const struct lp_dhcp_probe *probe, uint8_t *payload)
{
    static const uint8_t options[] = {
        OPTION_TYPE, 1, TYPE_DISCOVER, OPTION_PARAMETERS, 3, 1, 3, 6, OPTION_END,
    };

    payload[0] = 1; /* BOOTREQUEST */
    payload[1] = 1; /* Ethernet */
    payload[2] = LP_MAC_LEN;
    lp_store_be32(payload + BOOTP_XID, probe->xid);
    lp_store_be16(payload + BOOTP_FLAGS, 0x8000); /* answer by broadcast */
    memcpy(payload + BOOTP_CHADDR, probe->mac.octet, LP_MAC_LEN);
    memcpy(payload + BOOTP_LEN, magic_cookie, sizeof(magic_cookie));
    memcpy(payload + OPTIONS, options, sizeof(options));
}

static size_t write_discover(const struct lp_dhcp_probe *probe, uint8_t frame[LP_ETH_FRAME_MAX])
{
    size_t len = LP_ETH_HEADER_LEN + IPV4_LEN + UDP_LEN + PAYLOAD_LEN;
    uint8_t *ip = frame + LP_ETH_HEADER_LEN;
    uint8_t *udp = ip + IPV4_LEN;

    memset(frame, 0, len);
    memset(frame, 0xff, LP_MAC_LEN);
    memcpy(frame + LP_MAC_LEN, probe->mac.octet, LP_MAC_LEN);
    lp_store_be16(frame + 2 * LP_MAC_LEN, LP_ETHERTYPE_IPV4);
    write_ip_header(ip, IPV4_LEN + UDP_LEN + PAYLOAD_LEN);
    lp_store_be16(udp, PORT_CLIENT);
    lp_store_be16(udp + 2, PORT_SERVER);
    lp_store_be16(udp + 4, UDP_LEN + PAYLOAD_LEN); /* checksum 0: none, allowed in IPv4 */
    write_payload(probe, udp + UDP_LEN);
    return len;
}

size_t lp_dhcp_probe_poll(struct lp_dhcp_probe *probe, uint8_t frame[LP_ETH_FRAME_MAX],
                          uint64_t now_ns)
{
    if (probe->state != LP_DHCP_PROBE_WAITING || now_ns < probe->send_ns)
        return 0;
    if (lp_time_since(probe->started_ns, now_ns) >= LP_DHCP_PROBE_TIMEOUT_NS) {
        probe->state = LP_DHCP_PROBE_NO_OFFER;
        return 0;
    }
    probe->send_ns = lp_time_min(lp_time_add(now_ns, LP_DHCP_PROBE_RETRY_NS),
                                 lp_time_add(probe->started_ns, LP_DHCP_PROBE_TIMEOUT_NS));
    return write_discover(probe, frame);
}

uint64_t lp_dhcp_probe_next_deadline(const struct lp_dhcp_probe *probe)
{
    return probe->state == LP_DHCP_PROBE_WAITING ? probe->send_ns : LP_TIME_NEVER;
}

static struct lp_addr ipv4_address(const uint8_t *bytes)
{
    struct lp_addr addr = {.family = LP_ADDR_IPV4};

    memcpy(addr.ip, bytes, 4);
    return addr;
}

/* The options of an offer: its type must say so; the server's address is taken on the way. */
static bool read_options(struct lp_dhcp_probe *probe, struct lp_wire_reader *r)
{
    bool offer = false;

    while (lp_wire_reader_left(r) > 0) {
        uint8_t code = lp_wire_read_u8(r);
        const uint8_t *value;
        uint8_t len;

        if (code == 0)
            continue;
        if (code == OPTION_END)
            break;
        len = lp_wire_read_u8(r);
        value = lp_wire_read_bytes(r, len);
        if (value == NULL)
            break;
        if (code == OPTION_TYPE && len == 1)
            offer = value[0] == TYPE_OFFER;
        else if (code == OPTION_SERVER && len == 4)
            probe->server = ipv4_address(value);
    }
    return offer;
}

/* The UDP payload of an IPv4 frame to the DHCP client port, as a reader; false when it is none.
 */
static bool open_payload(const uint8_t *frame, size_t len, struct lp_wire_reader *ret_payload)
{
    struct lp_wire_reader r;
    struct lp_eth eth;
    size_t header_len;
    const uint8_t *ip, *udp;

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
    if (udp == NULL || lp_load_be16(udp + 2) != PORT_CLIENT)
        return false;
    *ret_payload = r;
    return true;
}

bool lp_dhcp_probe_look(struct lp_dhcp_probe *probe, const uint8_t *frame, size_t len)
{
    struct lp_wire_reader r;
    const uint8_t *bootp, *cookie;

    if (probe->state != LP_DHCP_PROBE_WAITING || !open_payload(frame, len, &r))
        return false;
    bootp = lp_wire_read_bytes(&r, BOOTP_LEN);
    cookie = lp_wire_read_bytes(&r, sizeof(magic_cookie));
    if (bootp == NULL || cookie == NULL ||
        memcmp(cookie, magic_cookie, sizeof(magic_cookie)) != 0)
        return false;
    if (lp_load_be32(bootp + BOOTP_XID) != probe->xid ||
        memcmp(bootp + BOOTP_CHADDR, probe->mac.octet, LP_MAC_LEN) != 0)
        return false;
    if (!read_options(probe, &r))
        return false;
    probe->offered = ipv4_address(bootp + BOOTP_YIADDR);
    probe->state = LP_DHCP_PROBE_OFFERED;
    return true;
}
