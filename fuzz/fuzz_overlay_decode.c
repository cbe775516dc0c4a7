/*
 * Overlay datagrams, one after the other: what is decoded must encode to the same octets, and
 * pieces go through a reassembler, whose accounts must balance.
 *
 * Input: one octet, the allowed flags; then per datagram one octet, the time that passes before
 * it in units of 8 ms, two octets of length, and the datagram (cut at the end of the input).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/wire.h"
#include "proto/fragment.h"
#include "proto/overlay.h"

#define TIME_UNIT_NS (8 * LP_NS_PER_MS)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

struct account {
    uint64_t taken; /* pieces that the reassembler kept or completed a frame with */
    uint64_t whole; /* frames out */
    uint64_t lost;
};

static void check_reencoding(const struct lp_overlay *overlay, uint8_t allowed,
                             const uint8_t *datagram, size_t len)
{
    uint8_t header[LP_OVERLAY_HEADER_MAX];
    int header_len = lp_overlay_encode(overlay, allowed, header, sizeof(header));

    require(header_len == (int)lp_overlay_header_len(overlay->flags));
    require(memcmp(header, datagram, (size_t)header_len) == 0);
    require(overlay->payload == datagram + header_len);
    require(overlay->payload_len == len - (size_t)header_len && overlay->payload_len > 0);
}

static void reassemble(struct lp_reassembly *r, const struct lp_overlay *overlay,
                       struct account *account, uint64_t now_ns)
{
    const uint8_t *frame = NULL;
    size_t frame_len = 0;
    size_t at = overlay->piece.second ? LP_PIECE_FIRST_LEN : 0;

    switch (lp_reassembly_push(r, overlay, &account->lost, &frame, &frame_len, now_ns)) {
    case LP_REASSEMBLY_WAITING:
        account->taken++;
        break;
    case LP_REASSEMBLY_COMPLETE:
        account->taken++;
        account->whole++;
        require(frame_len == overlay->piece.frame_len);
        require(memcmp(frame + at, overlay->payload, overlay->payload_len) == 0);
        break;
    case LP_REASSEMBLY_DUPLICATE:
        break;
    }
    require(account->taken == 2 * account->whole + account->lost + r->used);
    require(r->used <= LP_REASSEMBLY_SLOTS);
    require((lp_reassembly_next_deadline(r) == LP_TIME_NEVER) == (r->used == 0));
    require(lp_reassembly_next_deadline(r) > now_ns);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct lp_reassembly r;
    struct lp_wire_reader in = lp_wire_reader_init(data, size);
    struct account account = {0};
    uint8_t allowed = lp_wire_read_u8(&in);
    uint64_t now_ns = 0;

    lp_reassembly_init(&r);
    while (lp_wire_reader_left(&in) >= 3) {
        struct lp_overlay overlay;
        const uint8_t *datagram;
        size_t len;

        now_ns += lp_wire_read_u8(&in) * TIME_UNIT_NS;
        len = lp_wire_read_u16(&in);
        if (len > lp_wire_reader_left(&in))
            len = lp_wire_reader_left(&in);
        datagram = lp_wire_read_bytes(&in, len);
        if (lp_overlay_decode(datagram, len, allowed, &overlay) < 0)
            continue;
        check_reencoding(&overlay, allowed, datagram, len);
        if (overlay.flags & LP_OVERLAY_FLAG_PIECE)
            reassemble(&r, &overlay, &account, now_ns);
    }
    account.lost += lp_reassembly_expire(&r, lp_time_add(now_ns, LP_PIECE_TIMEOUT_NS));
    require(r.used == 0 && account.taken == 2 * account.whole + account.lost);
    return 0;
}
