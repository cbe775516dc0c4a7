/*
 * Does the LAN accept strangers? A DHCPDISCOVER from a throw-away MAC address, as a remote
 * player's would come, and whether an offer for it comes back. Some networks let only known
 * addresses in (port security, virtual switches without forged transmits, Wi-Fi bridges), and
 * then a tunnel looks broken though it is not.
 *
 * Sources: RFC 2131, RFC 2132. Pure; time is a parameter. No lease is taken: an offer that is
 * not requested expires at the server.
 */
#ifndef LP_NODE_DHCPPROBE_H
#define LP_NODE_DHCPPROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/mac.h"
#include "base/time.h"
#include "proto/ethernet.h"

#define LP_DHCP_PROBE_RETRY_NS   (2 * LP_NS_PER_S)
#define LP_DHCP_PROBE_TIMEOUT_NS (7 * LP_NS_PER_S)

enum lp_dhcp_probe_state {
    LP_DHCP_PROBE_IDLE = 0,
    LP_DHCP_PROBE_WAITING,
    LP_DHCP_PROBE_OFFERED, /* server and offered are valid */
    LP_DHCP_PROBE_NO_OFFER,
};

struct lp_dhcp_probe {
    enum lp_dhcp_probe_state state;
    struct lp_mac mac;
    uint32_t xid;
    uint64_t started_ns;
    uint64_t send_ns; /* when the next discover is due */
    struct lp_addr server;
    struct lp_addr offered;
};

/* `random`: ten octets, for the MAC address and the transaction id. */
void lp_dhcp_probe_start(struct lp_dhcp_probe *probe, const uint8_t random[10],
                         uint64_t now_ns);

/* Writes the discover when one is due; its length, or 0. */
size_t lp_dhcp_probe_poll(struct lp_dhcp_probe *probe, uint8_t frame[LP_ETH_FRAME_MAX],
                          uint64_t now_ns);

/* Looks at a frame of the LAN; true when it was the offer. */
bool lp_dhcp_probe_look(struct lp_dhcp_probe *probe, const uint8_t *frame, size_t len);

/* When lp_dhcp_probe_poll has something to do. */
uint64_t lp_dhcp_probe_next_deadline(const struct lp_dhcp_probe *probe);

#endif
