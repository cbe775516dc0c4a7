/* The golden vectors of docs/protocol.md are test_golden.c's; here are the bounds and the
 * refusals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/err.h"
#include "proto/fragment.h"
#include "proto/overlay.h"

#define PIECE    LP_OVERLAY_FLAG_PIECE
#define SEQUENCE LP_OVERLAY_FLAG_SEQUENCE
#define BOTH     (PIECE | SEQUENCE)

static struct lp_overlay sample(uint8_t flags)
{
    return (struct lp_overlay){
        .type = LP_OVERLAY_FRAME,
        .flags = flags,
        .room_id = 0x11223344,
        .peer_id = 0x55667788,
        .piece = {.id = 0x0102, .second = true, .frame_len = 1514},
        .sequence = {.flow = 0x0304, .number = 0x0506},
    };
}

/* A datagram in a block of exactly its size, so that a sanitizer sees a read behind it. */
static int decode(const uint8_t *bytes, size_t len, uint8_t allowed, struct lp_overlay *overlay)
{
    uint8_t *exact = malloc(len > 0 ? len : 1);
    int err;

    assert_non_null(exact);
    memcpy(exact, bytes, len);
    err = lp_overlay_decode(exact, len, allowed, overlay);
    free(exact);
    return err;
}

/* The sample with these flags and `payload_len` octets behind the header. */
static size_t build(uint8_t datagram[2048], uint8_t flags, size_t payload_len)
{
    struct lp_overlay overlay = sample(flags);
    int header_len = lp_overlay_encode(&overlay, BOTH, datagram, 2048);

    assert_true(header_len > 0);
    memset(datagram + header_len, 0xee, payload_len);
    return (size_t)header_len + payload_len;
}

static void header_lengths(void **state)
{
    assert_int_equal(lp_overlay_header_len(0), 12);
    assert_int_equal(lp_overlay_header_len(PIECE), 16);
    assert_int_equal(lp_overlay_header_len(SEQUENCE), 16);
    assert_int_equal(lp_overlay_header_len(BOTH), 20);
    assert_int_equal(lp_overlay_header_len(BOTH), LP_OVERLAY_HEADER_MAX);
}

static void extensions_stand_in_flag_order(void **state)
{
    static const uint8_t want[20] = {0x53, 0x4c, 0x11, 0x03, 0x11, 0x22, 0x33,
                                     0x44, 0x55, 0x66, 0x77, 0x88, 0x01, 0x02,
                                     0x85, 0xea, 0x03, 0x04, 0x05, 0x06};
    struct lp_overlay overlay = sample(BOTH);
    uint8_t bytes[20];

    assert_int_equal(lp_overlay_encode(&overlay, BOTH, bytes, sizeof(bytes)), 20);
    assert_memory_equal(bytes, want, sizeof(want));
}

static void encode_needs_its_space(void **state)
{
    for (unsigned flags = 0; flags <= BOTH; flags++) {
        struct lp_overlay overlay = sample((uint8_t)flags);
        size_t need = lp_overlay_header_len((uint8_t)flags);

        for (size_t capacity = 0; capacity <= need; capacity++) {
            uint8_t *bytes = malloc(capacity > 0 ? capacity : 1);
            int want = capacity < need ? LP_ERR_NOSPACE : (int)need;

            assert_int_equal(lp_overlay_encode(&overlay, BOTH, bytes, capacity), want);
            free(bytes);
        }
    }
}

static void encode_refuses(void **state)
{
    uint8_t bytes[64];
    struct lp_overlay overlay = sample(0);

    overlay.peer_id = 0;
    assert_int_equal(lp_overlay_encode(&overlay, BOTH, bytes, sizeof(bytes)), LP_ERR_INVALID);

    for (unsigned type = 0; type < 256; type++) {
        overlay = sample(0);
        overlay.type = (uint8_t)type;
        assert_int_equal(lp_overlay_encode(&overlay, BOTH, bytes, sizeof(bytes)),
                         type == LP_OVERLAY_FRAME ? 12 : LP_ERR_INVALID);
    }
    for (unsigned bit = 2; bit < 8; bit++) {
        overlay = sample((uint8_t)(1u << bit));
        assert_int_equal(lp_overlay_encode(&overlay, 0xff, bytes, sizeof(bytes)),
                         LP_ERR_INVALID);
    }
}

static void a_flag_needs_both_ends(void **state)
{
    for (unsigned flags = 0; flags <= BOTH; flags++) {
        for (unsigned allowed = 0; allowed <= BOTH; allowed++) {
            bool ok = (flags & ~allowed) == 0;
            struct lp_overlay overlay = sample((uint8_t)flags);
            uint8_t datagram[2048];
            size_t len = build(datagram, (uint8_t)flags, flags & PIECE ? 366 : 1);
            uint8_t header[32];

            assert_int_equal(decode(datagram, len, (uint8_t)allowed, &overlay),
                             ok ? 0 : LP_ERR_UNSUPPORTED);
            overlay = sample((uint8_t)flags);
            assert_int_equal(
                lp_overlay_encode(&overlay, (uint8_t)allowed, header, sizeof(header)),
                ok ? (int)lp_overlay_header_len((uint8_t)flags) : LP_ERR_INVALID);
        }
    }
}

static void encode_refuses_pieces_that_no_cut_makes(void **state)
{
    static const uint16_t lengths[] = {0, 1, 1147, 1148, 1515, 0x7fff, 0x8000 | 1514, 0xffff};
    uint8_t bytes[64];

    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        struct lp_overlay overlay = sample(PIECE);

        overlay.piece.frame_len = lengths[i];
        assert_int_equal(lp_overlay_encode(&overlay, BOTH, bytes, sizeof(bytes)),
                         LP_ERR_INVALID);
        overlay.flags = 0; /* the field is not valid then, and not looked at */
        assert_int_equal(lp_overlay_encode(&overlay, BOTH, bytes, sizeof(bytes)), 12);
    }
}

static void every_truncation_is_refused(void **state)
{
    for (unsigned flags = 0; flags <= BOTH; flags++) {
        uint8_t datagram[2048];
        struct lp_overlay overlay;
        size_t payload_len = flags & PIECE ? 366 : 40;
        size_t len = build(datagram, (uint8_t)flags, payload_len);
        size_t header_len = len - payload_len;

        for (size_t cut = 0; cut < header_len; cut++)
            assert_int_equal(decode(datagram, cut, BOTH, &overlay), LP_ERR_TRUNCATED);
        assert_int_equal(decode(datagram, header_len, BOTH, &overlay), LP_ERR_MALFORMED);
        assert_int_equal(decode(datagram, len, BOTH, &overlay), 0);
        assert_int_equal(overlay.payload_len, payload_len);
    }
}

static void every_wrong_header_octet_is_refused(void **state)
{
    for (unsigned value = 0; value < 256; value++) {
        uint8_t datagram[2048];
        struct lp_overlay overlay;
        size_t len = build(datagram, 0, 1);

        datagram[0] = (uint8_t)value;
        assert_int_equal(decode(datagram, len, BOTH, &overlay),
                         value == 0x53 ? 0 : LP_ERR_MALFORMED);
        datagram[0] = 0x53;
        datagram[1] = (uint8_t)value;
        assert_int_equal(decode(datagram, len, BOTH, &overlay),
                         value == 0x4c ? 0 : LP_ERR_MALFORMED);
        datagram[1] = 0x4c;
        datagram[2] = (uint8_t)value;
        assert_int_equal(decode(datagram, len, BOTH, &overlay),
                         value == 0x11 ? 0 : LP_ERR_UNSUPPORTED);
        datagram[2] = 0x11;
        datagram[3] = (uint8_t)value;
        if ((value & ~(unsigned)BOTH) != 0)
            assert_int_equal(decode(datagram, len, 0xff, &overlay), LP_ERR_UNSUPPORTED);
    }
}

static void peer_zero_is_refused_and_the_result_untouched(void **state)
{
    uint8_t datagram[2048];
    struct lp_overlay overlay = {.peer_id = 42};
    size_t len = build(datagram, 0, 1);

    memset(datagram + 8, 0, 4);
    assert_int_equal(decode(datagram, len, BOTH, &overlay), LP_ERR_MALFORMED);
    assert_int_equal(overlay.peer_id, 42);
    datagram[11] = 1;
    assert_int_equal(decode(datagram, len, BOTH, &overlay), 0);
    assert_int_equal(overlay.peer_id, 1);
}

/* Every frame length with the piece's own length right, one short and one long. */
static void a_piece_has_exactly_its_length(void **state)
{
    static uint8_t datagram[4096];

    for (unsigned second = 0; second < 2; second++) {
        for (unsigned frame_len = 0; frame_len <= 1600; frame_len++) {
            bool can_cut = frame_len >= 1149 && frame_len <= 1514;
            size_t piece_len = second ? frame_len - 1148u : 1148;
            struct lp_overlay overlay;

            build(datagram, PIECE, 1600);
            datagram[14] = (uint8_t)((second ? 0x80 : 0) | frame_len >> 8);
            datagram[15] = (uint8_t)frame_len;
            if (second && frame_len <= 1148)
                piece_len = 1;
            assert_int_equal(decode(datagram, 16 + piece_len, BOTH, &overlay),
                             can_cut ? 0 : LP_ERR_MALFORMED);
            assert_int_equal(decode(datagram, 16 + piece_len - 1, BOTH, &overlay),
                             LP_ERR_MALFORMED);
            assert_int_equal(decode(datagram, 16 + piece_len + 1, BOTH, &overlay),
                             LP_ERR_MALFORMED);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_lengths),
        cmocka_unit_test(extensions_stand_in_flag_order),
        cmocka_unit_test(encode_needs_its_space),
        cmocka_unit_test(encode_refuses),
        cmocka_unit_test(a_flag_needs_both_ends),
        cmocka_unit_test(encode_refuses_pieces_that_no_cut_makes),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(every_wrong_header_octet_is_refused),
        cmocka_unit_test(peer_zero_is_refused_and_the_result_untouched),
        cmocka_unit_test(a_piece_has_exactly_its_length),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
