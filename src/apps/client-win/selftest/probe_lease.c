/* Windows' DHCP client on the adapter: asked for by the media, answered by lease.h in the place of a party. */
#include "apps/client-win/selftest/bench.h"

#include <string.h>

#include "apps/client-win/selftest/lease.h"

/* Windows asks at once, and again after 4 s. */
#define WAIT_MS 11000u
#define STEP_MS 50u

static const uint8_t offered[4] = LP_LEASE_ADDRESS;

/* The first IPv4 address that is not one that Windows gave itself. */
static bool read_address(const struct lp_selftest_bench *bench, struct lp_addr *ret_addr)
{
    struct lp_if_address addresses[LP_IF_ADDRESSES_MAX];
    int count = lp_interface_addresses(bench->adapter.instance, addresses, LP_IF_ADDRESSES_MAX);

    for (int i = 0; i < count; i++) {
        if (addresses[i].addr.family == LP_ADDR_IPV4 && !addresses[i].link_local) {
            *ret_addr = addresses[i].addr;
            return true;
        }
    }
    return false;
}

/* How many questions were answered. */
static unsigned answer(const struct lp_selftest_bench *bench)
{
    uint8_t reply[LP_LEASE_FRAME_LEN];
    const uint8_t *frame;
    unsigned answered = 0;
    size_t len;

    while (lp_tap_read(bench->tap, &frame, &len) == 0) {
        size_t reply_len = lp_lease_answer(frame, len, &bench->mac, reply);

        if (reply_len > 0 && lp_tap_write(bench->tap, reply, reply_len) == 0)
            answered++;
    }
    return answered;
}

void lp_probe_lease(void *user, struct lp_selftest_result *ret_result)
{
    const struct lp_selftest_bench *bench = user;
    uint64_t begun_ns = lp_clock_now_ns();
    char text[LP_ADDR_TEXT_LEN];
    unsigned answered = 0;
    struct lp_addr addr;

    while (!read_address(bench, &addr)) {
        if (lp_clock_now_ns() - begun_ns > WAIT_MS * LP_NS_PER_MS) {
            lp_selftest_say(ret_result, LP_SELFTEST_FAILED,
                            "%s: set the adapter's IPv4 to \"obtain an IP address "
                            "automatically\", and see that the service DHCP Client runs",
                            answered == 0 ? "Windows asked for no address"
                                          : "Windows asked for an address and did not take it");
            return;
        }
        WaitForSingleObject(bench->tap_event, STEP_MS);
        answered += answer(bench);
    }
    if (memcmp(addr.ip, offered, sizeof(offered)) == 0)
        lp_selftest_say(ret_result, LP_SELFTEST_OK,
                        "Windows asked for an address and took %s within %u ms",
                        lp_addr_format_ip(&addr, text),
                        (unsigned)((lp_clock_now_ns() - begun_ns) / LP_NS_PER_MS));
    else
        lp_selftest_say(ret_result, LP_SELFTEST_WARNING,
                        "the adapter has the address %s by hand and takes none of a party: set "
                        "its IPv4 to \"obtain an IP address automatically\"",
                        lp_addr_format_ip(&addr, text));
}
