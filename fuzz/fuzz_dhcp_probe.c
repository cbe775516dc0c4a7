/* Frames of a foreign LAN at a gateway that waits for a DHCP offer. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "node/dhcpprobe.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static const uint8_t random_octets[10] = {2, 1, 2, 3, 4, 5, 0xde, 0xad, 0xbe, 0xef};
    struct lp_dhcp_probe probe;
    bool found;

    lp_dhcp_probe_start(&probe, random_octets, 0);
    found = lp_dhcp_probe_look(&probe, bytes, len);
    assert(found == (probe.state == LP_DHCP_PROBE_OFFERED));
    assert(!found || probe.offered.family == LP_ADDR_IPV4);
    return 0;
}
