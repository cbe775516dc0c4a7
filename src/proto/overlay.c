#include "proto/overlay.h"

#include "base/err.h"
#include "base/wire.h"
#include "proto/fragment.h"

#define KNOWN_FLAGS      (LP_OVERLAY_FLAG_PIECE | LP_OVERLAY_FLAG_SEQUENCE)
#define PIECE_SECOND_BIT 0x8000 /* above the frame length in the same 16 bits */

size_t lp_overlay_header_len(uint8_t flags)
{
    size_t len = LP_OVERLAY_HEADER_LEN;

    if (flags & LP_OVERLAY_FLAG_PIECE)
        len += LP_OVERLAY_PIECE_LEN;
    if (flags & LP_OVERLAY_FLAG_SEQUENCE)
        len += LP_OVERLAY_SEQUENCE_LEN;
    return len;
}

static bool flags_allowed(uint8_t flags, uint8_t allowed_flags)
{
    return (flags & ~(KNOWN_FLAGS & allowed_flags)) == 0;
}

int lp_overlay_encode(const struct lp_overlay *overlay, uint8_t allowed_flags, uint8_t *bytes,
                      size_t capacity)
{
    struct lp_wire_writer w = lp_wire_writer_init(bytes, capacity);
    const struct lp_overlay_piece *piece = &overlay->piece;

    if (overlay->type != LP_OVERLAY_FRAME || overlay->peer_id == 0 ||
        !flags_allowed(overlay->flags, allowed_flags))
        return LP_ERR_INVALID;
    if ((overlay->flags & LP_OVERLAY_FLAG_PIECE) && !lp_fragment_can_cut(piece->frame_len))
        return LP_ERR_INVALID;

    lp_wire_write_u16(&w, LP_OVERLAY_MAGIC);
    lp_wire_write_u8(&w, (uint8_t)(LP_OVERLAY_VERSION << 4 | overlay->type));
    lp_wire_write_u8(&w, overlay->flags);
    lp_wire_write_u32(&w, overlay->room_id);
    lp_wire_write_u32(&w, overlay->peer_id);
    if (overlay->flags & LP_OVERLAY_FLAG_PIECE) {
        lp_wire_write_u16(&w, piece->id);
        lp_wire_write_u16(
            &w, (uint16_t)(piece->frame_len | (piece->second ? PIECE_SECOND_BIT : 0)));
    }
    if (overlay->flags & LP_OVERLAY_FLAG_SEQUENCE) {
        lp_wire_write_u16(&w, overlay->sequence.flow);
        lp_wire_write_u16(&w, overlay->sequence.number);
    }
    return lp_wire_writer_ok(&w) ? (int)lp_wire_writer_len(&w) : LP_ERR_NOSPACE;
}

static int decode_fixed_header(struct lp_wire_reader *r, uint8_t allowed_flags,
                               struct lp_overlay *overlay)
{
    uint16_t magic = lp_wire_read_u16(r);
    uint8_t version_and_type = lp_wire_read_u8(r);

    overlay->type = version_and_type & 0x0f;
    overlay->flags = lp_wire_read_u8(r);
    overlay->room_id = lp_wire_read_u32(r);
    overlay->peer_id = lp_wire_read_u32(r);
    if (!lp_wire_reader_ok(r))
        return LP_ERR_TRUNCATED;
    if (magic != LP_OVERLAY_MAGIC)
        return LP_ERR_MALFORMED;
    if (version_and_type >> 4 != LP_OVERLAY_VERSION || overlay->type != LP_OVERLAY_FRAME ||
        !flags_allowed(overlay->flags, allowed_flags))
        return LP_ERR_UNSUPPORTED;
    return overlay->peer_id != 0 ? 0 : LP_ERR_MALFORMED;
}

static void decode_extensions(struct lp_wire_reader *r, struct lp_overlay *overlay)
{
    if (overlay->flags & LP_OVERLAY_FLAG_PIECE) {
        uint16_t which_and_len;

        overlay->piece.id = lp_wire_read_u16(r);
        which_and_len = lp_wire_read_u16(r);
        overlay->piece.second = (which_and_len & PIECE_SECOND_BIT) != 0;
        overlay->piece.frame_len = (uint16_t)(which_and_len & ~PIECE_SECOND_BIT);
    }
    if (overlay->flags & LP_OVERLAY_FLAG_SEQUENCE) {
        overlay->sequence.flow = lp_wire_read_u16(r);
        overlay->sequence.number = lp_wire_read_u16(r);
    }
}

/* A short first piece must not get as far as a filter that would miss its header. */
static bool piece_is_as_cut(const struct lp_overlay *overlay)
{
    const struct lp_overlay_piece *piece = &overlay->piece;

    return lp_fragment_can_cut(piece->frame_len) &&
           overlay->payload_len == lp_fragment_piece_len(piece->frame_len, piece->second);
}

int lp_overlay_decode(const uint8_t *bytes, size_t len, uint8_t allowed_flags,
                      struct lp_overlay *ret_overlay)
{
    struct lp_wire_reader r = lp_wire_reader_init(bytes, len);
    struct lp_overlay overlay = {0};
    int err = decode_fixed_header(&r, allowed_flags, &overlay);

    if (err < 0)
        return err;
    decode_extensions(&r, &overlay);
    if (!lp_wire_reader_ok(&r))
        return LP_ERR_TRUNCATED;
    overlay.payload_len = lp_wire_reader_left(&r);
    overlay.payload = lp_wire_read_bytes(&r, overlay.payload_len);
    if (overlay.payload_len == 0)
        return LP_ERR_MALFORMED;
    if ((overlay.flags & LP_OVERLAY_FLAG_PIECE) && !piece_is_as_cut(&overlay))
        return LP_ERR_MALFORMED;
    *ret_overlay = overlay;
    return 0;
}
