/*
 * Timing datagrams: what is decoded must encode to the same octets. Input: room id and peer id, four
 * octets each, and the datagram.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/wire.h"
#include "proto/timing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lp_wire_reader in = lp_wire_reader_init(data, size);
    uint32_t room_id = lp_wire_read_u32(&in);
    uint32_t peer_id = lp_wire_read_u32(&in);
    size_t len = lp_wire_reader_left(&in);
    const uint8_t *datagram = lp_wire_read_bytes(&in, len);
    uint8_t again[LP_TIMING_LEN];
    struct lp_timing timing;

    if (!lp_wire_reader_ok(&in) ||
        lp_timing_decode(datagram, len, room_id, peer_id, &timing) < 0)
        return 0;
    require(lp_timing_is_one(datagram, len));
    require(lp_timing_encode(&timing, room_id, peer_id, again, sizeof(again)) == (int)len);
    require(memcmp(again, datagram, len) == 0);
    return 0;
}
