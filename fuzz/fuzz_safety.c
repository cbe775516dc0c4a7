/*
 * Input: frame length (2 octets), a cut (2 octets), then the frame. Any frame is parsed and
 * judged with any length, and cut anywhere: a first piece must not pass where the whole frame
 * does not.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/wire.h"
#include "proto/ethernet.h"
#include "proto/safety.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* From a block of exactly `present` octets, so that the address sanitizer sees one too many. */
static uint32_t judge(const uint8_t *frame, size_t present, size_t frame_len)
{
    uint8_t *copy = malloc(present);
    struct lp_eth eth;
    uint32_t classes = 0;

    if (copy == NULL)
        abort();
    memcpy(copy, frame, present);
    if (lp_eth_parse(copy, present, &eth) == 0) {
        size_t header_len = (size_t)(eth.payload - copy);

        if (header_len + eth.payload_len != present || (eth.snap && !eth.llc))
            abort();
        classes = lp_safety_classify(&eth, frame_len);
    }
    free(copy);
    return classes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint32_t cannot_tell = LP_CLASS_OPAQUE | LP_CLASS_SHORT_FRAGMENT;
    size_t frame_len;
    size_t cut;
    uint32_t whole;
    uint32_t piece;

    if (size < 4 + LP_ETH_HEADER_LEN || size > 4 + LP_ETH_FRAME_MAX)
        return 0;
    frame_len = lp_load_be16(data);
    cut = LP_ETH_HEADER_LEN + lp_load_be16(data + 2) % (size - 4 - LP_ETH_HEADER_LEN + 1);
    data += 4;
    size -= 4;
    judge(data, size, frame_len);
    whole = judge(data, size, size);
    piece = judge(data, cut, size);
    if ((whole & ~(uint32_t)LP_CLASS_REMOTE) != 0)
        abort();
    if (whole != 0 && piece == 0)
        abort();
    if ((piece & ~whole & ~cannot_tell) != 0)
        abort();
    return 0;
}
