/*
 * Input: a cut (2 octets), then the frame. Any frame has a flow, whole and cut anywhere; its IP
 * header is inside and of the version that is told, a mark changes no more than it may, and a
 * marked frame is still of the same flow.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/wire.h"
#include "proto/checksum.h"
#include "proto/ecn.h"
#include "proto/flow.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct lp_sipkey key = {{1, 2}};

static struct lp_flow flow_of(const uint8_t *frame, size_t len)
{
    struct lp_eth eth;

    if (lp_eth_parse(frame, len, &eth) < 0)
        abort();
    return lp_flow_of(&eth, &key);
}

/* Octets of a header, and the IPv4 one's sum: 0 and 0xffff are one number. */
static uint16_t sum_of(const uint8_t *ip)
{
    uint16_t sum = ip[0] >> 4 == 4 ? lp_checksum_finish(lp_checksum_add(0, ip, 20)) : 0;

    return sum == 0xffff ? 0 : sum;
}

static void check_mark(const uint8_t *frame, uint8_t *marked, size_t len, struct lp_flow flow)
{
    const uint8_t *ip = frame + flow.ip_at;
    bool v4 = ip[0] >> 4 == 4;
    uint8_t may = v4 ? 0x03 : 0x30;

    if (flow.ip_at + (v4 ? 20u : 40u) > len || (!v4 && ip[0] >> 4 != 6))
        abort();
    if (lp_ecn_mark(marked + flow.ip_at, len - flow.ip_at) != ((ip[1] & may) != 0))
        abort();
    for (size_t i = 0; i < len; i++) {
        uint8_t differs = frame[i] ^ marked[i];
        bool checksum = v4 && (i == flow.ip_at + 10u || i == flow.ip_at + 11u);

        if (differs != 0 && !checksum && (i != flow.ip_at + 1u || (differs & ~may) != 0))
            abort();
    }
    if (sum_of(ip) != sum_of(marked + flow.ip_at))
        abort();
    if (flow_of(marked, len).hash != flow.hash)
        abort();
}

/* From a block of exactly `len` octets, so that the address sanitizer sees one too many. */
static void check(const uint8_t *frame, size_t len)
{
    uint8_t *copy = malloc(len);
    struct lp_flow flow;

    if (copy == NULL)
        abort();
    memcpy(copy, frame, len);
    flow = flow_of(copy, len);
    if (flow.origin != 0 || (flow.ip_at != 0 && flow.ip_at < LP_ETH_HEADER_LEN))
        abort();
    if (flow.ip_at != 0)
        check_mark(frame, copy, len, flow);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 + LP_ETH_HEADER_LEN || size > 2 + LP_ETH_FRAME_MAX)
        return 0;
    check(data + 2, size - 2);
    check(data + 2,
          LP_ETH_HEADER_LEN + lp_load_be16(data) % (size - 2 - LP_ETH_HEADER_LEN + 1));
    return 0;
}
