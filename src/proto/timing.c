#include "proto/timing.h"

#include "base/err.h"
#include "base/wire.h"
#include "proto/overlay.h"

#define KNOWN_FLAGS      (LP_TIMING_FLAG_ASKS | LP_TIMING_FLAG_ANSWERS)
#define VERSION_AND_TYPE (LP_OVERLAY_VERSION << 4 | LP_OVERLAY_TIMING)
#define AT_TYPE          2

static bool is_sound(const struct lp_timing *timing)
{
    return (timing->asks || timing->answers) && (timing->asks || timing->stamp_us == 0) &&
           (timing->answers || timing->delay_us == 0);
}

int lp_timing_encode(const struct lp_timing *timing, uint32_t room_id, uint32_t peer_id,
                     uint8_t *bytes, size_t capacity)
{
    struct lp_wire_writer w = lp_wire_writer_init(bytes, capacity);

    if (peer_id == 0 || !is_sound(timing))
        return LP_ERR_INVALID;
    lp_wire_write_u16(&w, LP_OVERLAY_MAGIC);
    lp_wire_write_u8(&w, VERSION_AND_TYPE);
    lp_wire_write_u8(&w, (uint8_t)((timing->asks ? LP_TIMING_FLAG_ASKS : 0) |
                                   (timing->answers ? LP_TIMING_FLAG_ANSWERS : 0)));
    lp_wire_write_u32(&w, room_id);
    lp_wire_write_u32(&w, peer_id);
    lp_wire_write_u32(&w, timing->stamp_us);
    lp_wire_write_u32(&w, timing->delay_us);
    return lp_wire_writer_ok(&w) ? (int)lp_wire_writer_len(&w) : LP_ERR_NOSPACE;
}

int lp_timing_decode(const uint8_t *bytes, size_t len, uint32_t room_id, uint32_t peer_id,
                     struct lp_timing *ret_timing)
{
    struct lp_wire_reader r = lp_wire_reader_init(bytes, len);
    uint16_t magic = lp_wire_read_u16(&r);
    uint8_t version_and_type = lp_wire_read_u8(&r);
    uint8_t flags = lp_wire_read_u8(&r);
    struct lp_timing timing = {
        .asks = (flags & LP_TIMING_FLAG_ASKS) != 0,
        .answers = (flags & LP_TIMING_FLAG_ANSWERS) != 0,
    };

    if (!lp_wire_reader_ok(&r))
        return LP_ERR_TRUNCATED;
    if (magic != LP_OVERLAY_MAGIC)
        return LP_ERR_MALFORMED;
    if (version_and_type != VERSION_AND_TYPE || (flags & ~KNOWN_FLAGS) != 0)
        return LP_ERR_UNSUPPORTED;
    if (len != LP_TIMING_LEN)
        return len < LP_TIMING_LEN ? LP_ERR_TRUNCATED : LP_ERR_MALFORMED;
    if (lp_wire_read_u32(&r) != room_id || lp_wire_read_u32(&r) != peer_id || peer_id == 0)
        return LP_ERR_MALFORMED;
    timing.stamp_us = lp_wire_read_u32(&r);
    timing.delay_us = lp_wire_read_u32(&r);
    if (!is_sound(&timing))
        return LP_ERR_MALFORMED;
    *ret_timing = timing;
    return 0;
}

bool lp_timing_is_one(const uint8_t *bytes, size_t len)
{
    return len > AT_TYPE && bytes[AT_TYPE] == VERSION_AND_TYPE;
}
