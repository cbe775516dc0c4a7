/* Which class is dropped where, and the reason that is told for several. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/policy.h"
#include "proto/safety.h"

static const struct {
    uint32_t class_bit;
    enum lp_drop remote;
    enum lp_drop lan;
} rows[] = {
    {LP_CLASS_BAD_SOURCE, LP_DROP_REASON_BAD_SOURCE, LP_DROP_REASON_BAD_SOURCE},
    {LP_CLASS_OVERSIZE, LP_DROP_REASON_OVERSIZE, LP_DROP_REASON_OVERSIZE},
    {LP_CLASS_LINK_LOCAL, LP_DROP_REASON_LINK_LOCAL, LP_DROP_REASON_LINK_LOCAL},
    {LP_CLASS_EAPOL, LP_DROP_REASON_EAPOL, LP_DROP_REASON_EAPOL},
    {LP_CLASS_LLDP, LP_DROP_REASON_LLDP, LP_DROP_REASON_LLDP},
    {LP_CLASS_SLOW, LP_DROP_REASON_SLOW_PROTOCOL, LP_DROP_REASON_SLOW_PROTOCOL},
    {LP_CLASS_PAUSE, LP_DROP_REASON_PAUSE, LP_DROP_REASON_PAUSE},
    {LP_CLASS_DHCP4_SERVER, LP_DROP_REASON_DHCP4_SERVER, LP_FORWARD},
    {LP_CLASS_DHCP6_SERVER, LP_DROP_REASON_DHCP6_SERVER, LP_FORWARD},
    {LP_CLASS_RA, LP_DROP_REASON_ROUTER_ADVERTISEMENT, LP_FORWARD},
    {LP_CLASS_REDIRECT, LP_DROP_REASON_REDIRECT, LP_FORWARD},
    {LP_CLASS_VLAN, LP_DROP_REASON_VLAN, LP_FORWARD},
    {LP_CLASS_FRAGMENTED_ND, LP_DROP_REASON_FRAGMENTED_ND, LP_FORWARD},
    {LP_CLASS_SHORT_FRAGMENT, LP_DROP_REASON_SHORT_FRAGMENT, LP_FORWARD},
    {LP_CLASS_OPAQUE, LP_DROP_REASON_OPAQUE, LP_FORWARD},
};

static void every_class_has_its_reason(void **state)
{
    uint32_t all = 0;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(lp_policy_filter(rows[i].class_bit, LP_ORIGIN_REMOTE), rows[i].remote);
        assert_int_equal(lp_policy_filter(rows[i].class_bit, LP_ORIGIN_LAN), rows[i].lan);
        all |= rows[i].class_bit;
    }
    assert_int_equal(all, LP_CLASS_REMOTE);
    assert_int_equal(lp_policy_filter(0, LP_ORIGIN_REMOTE), LP_FORWARD);
    assert_int_equal(lp_policy_filter(0, LP_ORIGIN_LAN), LP_FORWARD);
}

static void the_most_telling_reason_wins(void **state)
{
    assert_int_equal(lp_policy_filter(LP_CLASS_RA | LP_CLASS_FRAGMENTED_ND, LP_ORIGIN_REMOTE),
                     LP_DROP_REASON_ROUTER_ADVERTISEMENT);
    assert_int_equal(lp_policy_filter(LP_CLASS_LLDP | LP_CLASS_LINK_LOCAL, LP_ORIGIN_LAN),
                     LP_DROP_REASON_LLDP);
    assert_int_equal(lp_policy_filter(LP_CLASS_VLAN | LP_CLASS_EAPOL, LP_ORIGIN_LAN),
                     LP_DROP_REASON_EAPOL);
    assert_int_equal(lp_policy_filter(LP_CLASS_REMOTE, LP_ORIGIN_REMOTE),
                     LP_DROP_REASON_BAD_SOURCE);
    assert_int_equal(lp_policy_filter(LP_CLASS_OPAQUE | LP_CLASS_OVERSIZE, LP_ORIGIN_LAN),
                     LP_DROP_REASON_OVERSIZE);
}

static void judges_a_parsed_frame(void **state)
{
    uint8_t frame[60] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 0x81, 0x00};
    struct lp_eth eth;

    assert_int_equal(lp_eth_parse(frame, sizeof(frame), &eth), 0);
    assert_int_equal(lp_policy_judge(&eth, sizeof(frame), LP_ORIGIN_REMOTE),
                     LP_DROP_REASON_VLAN);
    assert_int_equal(lp_policy_judge(&eth, sizeof(frame), LP_ORIGIN_LAN), LP_FORWARD);
    frame[12] = 0x08;
    frame[13] = 0x06;
    assert_int_equal(lp_eth_parse(frame, sizeof(frame), &eth), 0);
    assert_int_equal(lp_policy_judge(&eth, sizeof(frame), LP_ORIGIN_REMOTE), LP_FORWARD);
    assert_int_equal(lp_policy_judge(&eth, 1515, LP_ORIGIN_LAN), LP_DROP_REASON_OVERSIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_class_has_its_reason),
        cmocka_unit_test(the_most_telling_reason_wins),
        cmocka_unit_test(judges_a_parsed_frame),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
