/*
 * A party's DHCP server in miniature: the self-test gives the adapter an address, so that what needs one can be
 * tested without a party. The lease names a router and a DNS server, as parties' do: neither may become the
 * player's own. Its addresses are nobody's (RFC 2544), and it is short, so that Windows does not ask
 * the next party for it.
 *
 * Pure: a frame in, the answering frame out.
 */
#ifndef LP_APPS_CLIENT_WIN_SELFTEST_LEASE_H
#define LP_APPS_CLIENT_WIN_SELFTEST_LEASE_H

#include <stddef.h>
#include <stdint.h>

#include "base/mac.h"

#define LP_LEASE_FRAME_LEN 342u
#define LP_LEASE_TIME_S    60u
#define LP_LEASE_ADDRESS                                                                       \
    {                                                                                          \
        198, 18, 77, 2                                                                         \
    }
#define LP_LEASE_SERVER                                                                        \
    {                                                                                          \
        198, 18, 77, 1                                                                         \
    } /* router and DNS server too */

/*
 * 0: no question of `client` to a DHCP server, or one to another server. Else the answer's length: an
 * offer, the lease, or a refusal of any other address.
 */
size_t lp_lease_answer(const uint8_t *frame, size_t len, const struct lp_mac *client,
                       uint8_t ret_frame[LP_LEASE_FRAME_LEN]);

#endif
