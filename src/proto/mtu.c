#include "proto/mtu.h"

static size_t less(size_t whole, size_t part)
{
    return whole > part ? whole - part : 0;
}

size_t lp_mtu_datagram_budget(size_t udp_payload)
{
    return less(udp_payload, LP_QUIC_OVERHEAD);
}

size_t lp_mtu_udp_payload(size_t datagram_budget)
{
    return datagram_budget + LP_QUIC_OVERHEAD;
}

size_t lp_mtu_frame(size_t datagram_budget)
{
    size_t frame_len = less(datagram_budget, LP_OVERLAY_HEADER_MAX);

    if (frame_len < LP_ETH_HEADER_LEN)
        return 0;
    return frame_len < LP_ETH_FRAME_MAX ? frame_len : LP_ETH_FRAME_MAX;
}

size_t lp_mtu_budget_for_frame(size_t frame_len)
{
    return frame_len + LP_OVERLAY_HEADER_MAX;
}

size_t lp_mtu_tap(size_t datagram_budget)
{
    return less(lp_mtu_frame(datagram_budget), LP_ETH_HEADER_LEN);
}

size_t lp_mtu_budget_for_tap(size_t tap_mtu)
{
    return lp_mtu_budget_for_frame(tap_mtu + LP_ETH_HEADER_LEN);
}
