#include "proto/ethernet.h"

#include "base/err.h"
#include "base/wire.h"

#define SNAP_SAP      0xaa
#define SAP_GROUP_BIT 0x01
#define LLC_UI        0x03
#define LLC_POLL_BIT  0x10

/*
 * Receivers differ in how much of the LLC header they compare, so the reading here is the
 * widest one: the group bit of the DSAP, the SSAP and the poll bit do not matter. A filter that
 * was stricter than one host would let that host's frames through.
 */
bool lp_eth_parse_snap(const uint8_t *payload, size_t len, uint16_t *ret_type)
{
    if (len < LP_ETH_SNAP_LEN)
        return false;
    if ((payload[0] & ~SAP_GROUP_BIT) != SNAP_SAP || (payload[2] & ~LLC_POLL_BIT) != LLC_UI)
        return false;
    /* RFC 1042 (00-00-00) and IEEE 802.1H bridge tunnel (00-00-F8) */
    if (payload[3] != 0 || payload[4] != 0 || (payload[5] != 0 && payload[5] != 0xf8))
        return false;
    *ret_type = lp_load_be16(payload + 6);
    return true;
}

int lp_eth_parse(const uint8_t *frame, size_t len, struct lp_eth *ret_eth)
{
    struct lp_eth eth;

    if (len < LP_ETH_HEADER_LEN)
        return LP_ERR_TRUNCATED;
    if (len > LP_ETH_FRAME_MAX)
        return LP_ERR_RANGE;
    eth = (struct lp_eth){
        .dst = lp_mac_from(frame),
        .src = lp_mac_from(frame + LP_MAC_LEN),
        .type_or_len = lp_load_be16(frame + 2 * LP_MAC_LEN),
        .payload = frame + LP_ETH_HEADER_LEN,
        .payload_len = len - LP_ETH_HEADER_LEN,
    };
    eth.vlan = lp_eth_is_tag(eth.type_or_len);
    eth.llc = eth.type_or_len < LP_ETHERTYPE_MIN;
    if (!eth.llc) {
        eth.ethertype = eth.type_or_len;
    } else if (lp_eth_parse_snap(eth.payload, eth.payload_len, &eth.ethertype)) {
        eth.snap = true;
        eth.payload += LP_ETH_SNAP_LEN;
        eth.payload_len -= LP_ETH_SNAP_LEN;
    }
    *ret_eth = eth;
    return 0;
}
