#include "apps/player-win/broadcastcheck.h"

#include <stdio.h>
#include <string.h>

#include "base/wire.h"
#include "proto/ethernet.h"
#include "proto/ip.h"

static const uint8_t mark[LP_BROADCAST_PAYLOAD_LEN - LP_BROADCAST_SECRET_LEN] = {
    'S', 'o', 'f', 't', 'L', 'A', 'N', '?'};

void lp_broadcast_check_init(struct lp_broadcast_check *check,
                             const uint8_t secret[LP_BROADCAST_SECRET_LEN])
{
    memset(check, 0, sizeof(*check));
    memcpy(check->payload, mark, sizeof(mark));
    memcpy(check->payload + sizeof(mark), secret, LP_BROADCAST_SECRET_LEN);
}

void lp_broadcast_check_ask(struct lp_broadcast_check *check)
{
    check->phase = LP_BROADCAST_DUE;
}

void lp_broadcast_check_forget(struct lp_broadcast_check *check)
{
    check->phase = LP_BROADCAST_IDLE;
    check->verdict = LP_BROADCAST_UNKNOWN;
}

static enum lp_broadcast_action send_again(struct lp_broadcast_check *check, uint64_t now_ns)
{
    check->phase = LP_BROADCAST_WATCHED;
    check->tries++;
    check->deadline_ns = now_ns + LP_BROADCAST_WATCH_NS;
    return LP_BROADCAST_SEND;
}

enum lp_broadcast_action lp_broadcast_check_on_time(struct lp_broadcast_check *check,
                                                    uint64_t now_ns)
{
    if (check->phase == LP_BROADCAST_IDLE)
        return LP_BROADCAST_NOTHING;
    if (check->phase != LP_BROADCAST_DUE && now_ns < check->deadline_ns)
        return LP_BROADCAST_NOTHING;
    if (check->phase != LP_BROADCAST_WATCHED) {
        check->tries = 0;
        return send_again(check, now_ns);
    }
    if (check->tries < LP_BROADCAST_TRIES)
        return send_again(check, now_ns);
    check->phase = LP_BROADCAST_RESTING;
    check->deadline_ns = now_ns + LP_BROADCAST_REST_NS;
    check->verdict = LP_BROADCAST_MISSED;
    return LP_BROADCAST_TELL;
}

/* ---- the frame ---- */

static bool is_all_ones(const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] != 0xff)
            return false;
    }
    return true;
}

/* The UDP header in a whole IPv4 packet to 255.255.255.255; NULL when it is none. */
static const uint8_t *find_udp(const uint8_t *ip, size_t len, size_t *ret_len)
{
    size_t header, total;

    if (len < LP_IPV4_HEADER_MIN || ip[0] >> 4 != 4)
        return NULL;
    header = 4u * (ip[0] & 0x0fu);
    total = lp_load_be16(ip + 2);
    if (header < LP_IPV4_HEADER_MIN || total > len || total < header + LP_UDP_HEADER_LEN)
        return NULL;
    if ((lp_load_be16(ip + 6) & (LP_IPV4_MORE_FRAGMENTS | LP_IPV4_OFFSET_MASK)) != 0 ||
        ip[9] != LP_IPPROTO_UDP || !is_all_ones(ip + 16, 4))
        return NULL;
    *ret_len = total - header;
    return ip + header;
}

bool lp_broadcast_check_on_frame(struct lp_broadcast_check *check,
                                 const struct lp_superframe *frame)
{
    const uint8_t *udp;
    struct lp_eth eth;
    size_t len;

    /* every frame comes here: most go on after the first octet */
    if (frame->len < LP_ETH_HEADER_LEN || !is_all_ones(frame->bytes, LP_MAC_LEN) ||
        frame->gso != LP_GSO_NONE || lp_eth_parse(frame->bytes, frame->len, &eth) < 0 ||
        eth.ethertype != LP_ETHERTYPE_IPV4)
        return false;
    udp = find_udp(eth.payload, eth.payload_len, &len);
    if (udp == NULL || lp_load_be16(udp + 2) != LP_BROADCAST_PORT ||
        lp_load_be16(udp + 4) != LP_UDP_HEADER_LEN + LP_BROADCAST_PAYLOAD_LEN ||
        len < LP_UDP_HEADER_LEN + LP_BROADCAST_PAYLOAD_LEN ||
        memcmp(udp + LP_UDP_HEADER_LEN, check->payload, LP_BROADCAST_PAYLOAD_LEN) != 0)
        return false;
    /* one that comes late is an answer too, unless another has been asked for or there is none */
    if (check->phase == LP_BROADCAST_WATCHED || check->phase == LP_BROADCAST_RESTING) {
        check->phase = LP_BROADCAST_IDLE;
        check->verdict = LP_BROADCAST_LEFT;
    }
    return true;
}

/* ---- why ---- */

void lp_broadcast_explain(const struct lp_broadcast_found *found, char ret_why[LP_WHY_LEN])
{
    const char *remedy =
        found->behind ? "start without --tap-metric"
                      : "disconnect the other VPN, or disable that adapter while playing";

    if (found->send_error != NULL)
        snprintf(ret_why, LP_WHY_LEN,
                 "games may not find the party: Windows did not send a broadcast (%.120s): let "
                 "the firewall or security program allow it",
                 found->send_error);
    else if (found->interface == NULL)
        snprintf(
            ret_why, LP_WHY_LEN,
            "games may not find the party: Windows has no route for broadcasts: disconnect "
            "and connect again");
    else if (!found->by_adapter)
        snprintf(ret_why, LP_WHY_LEN,
                 "games may not find the party: Windows sends broadcasts by \"%.100s\": %s",
                 found->interface, remedy);
    else
        snprintf(ret_why, LP_WHY_LEN,
                 "games may not find the party: broadcasts do not reach \"%.100s\" although "
                 "Windows sends them by it: a firewall or security program drops them, allow "
                 "them there",
                 found->interface);
}
