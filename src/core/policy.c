#include "core/policy.h"

#include "proto/safety.h"

/* Most telling first: a frame has one reason, however many classes it falls into. */
static const struct {
    uint32_t class_bit;
    enum lp_drop reason;
} order[] = {
    {LP_CLASS_BAD_SOURCE, LP_DROP_REASON_BAD_SOURCE},
    {LP_CLASS_OVERSIZE, LP_DROP_REASON_OVERSIZE},
    {LP_CLASS_EAPOL, LP_DROP_REASON_EAPOL},
    {LP_CLASS_LLDP, LP_DROP_REASON_LLDP},
    {LP_CLASS_SLOW, LP_DROP_REASON_SLOW_PROTOCOL},
    {LP_CLASS_PAUSE, LP_DROP_REASON_PAUSE},
    {LP_CLASS_LINK_LOCAL, LP_DROP_REASON_LINK_LOCAL},
    {LP_CLASS_DHCP4_SERVER, LP_DROP_REASON_DHCP4_SERVER},
    {LP_CLASS_DHCP6_SERVER, LP_DROP_REASON_DHCP6_SERVER},
    {LP_CLASS_RA, LP_DROP_REASON_ROUTER_ADVERTISEMENT},
    {LP_CLASS_REDIRECT, LP_DROP_REASON_REDIRECT},
    {LP_CLASS_VLAN, LP_DROP_REASON_VLAN},
    {LP_CLASS_FRAGMENTED_ND, LP_DROP_REASON_FRAGMENTED_ND},
    {LP_CLASS_SHORT_FRAGMENT, LP_DROP_REASON_SHORT_FRAGMENT},
    {LP_CLASS_OPAQUE, LP_DROP_REASON_OPAQUE},
};

enum lp_drop lp_policy_filter(uint32_t classes, enum lp_policy_origin origin)
{
    uint32_t filtered =
        classes & (origin == LP_ORIGIN_REMOTE ? LP_CLASS_REMOTE : LP_CLASS_BOTH_DIRECTIONS);

#ifdef LP_FAULT_FILTER_SKIPPED
    /* planted: VLAN tags pass */
    filtered &= ~(uint32_t)LP_CLASS_VLAN;
#endif
    for (size_t i = 0; filtered != 0 && i < sizeof(order) / sizeof(order[0]); i++) {
        if (filtered & order[i].class_bit)
            return order[i].reason;
    }
    return LP_FORWARD;
}

enum lp_drop lp_policy_judge(const struct lp_eth *eth, size_t frame_len,
                             enum lp_policy_origin origin)
{
    return lp_policy_filter(lp_safety_classify(eth, frame_len), origin);
}
