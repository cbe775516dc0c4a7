#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "proto/fragment.h"

#define MS LP_NS_PER_MS

struct fixture {
    struct lp_reassembly r;
    uint64_t lost;
    const uint8_t *frame;
    size_t frame_len;
};

static struct fixture fixture;

static int setup(void **state)
{
    memset(&fixture, 0xa5, sizeof(fixture));
    lp_reassembly_init(&fixture.r);
    fixture.lost = 0;
    *state = &fixture;
    return 0;
}

/* Octet `at` of the frame that has this id: two frames differ everywhere. */
static uint8_t octet_of(uint16_t id, size_t at)
{
    return (uint8_t)(at + 31u * id);
}

static enum lp_reassembly_result push(struct fixture *f, uint16_t id, uint16_t frame_len,
                                      bool second, uint64_t now_ns)
{
    size_t at = second ? LP_PIECE_FIRST_LEN : 0;
    uint8_t payload[LP_ETH_FRAME_MAX];
    struct lp_overlay overlay = {
        .type = LP_OVERLAY_FRAME,
        .flags = LP_OVERLAY_FLAG_PIECE,
        .peer_id = 1,
        .piece = {.id = id, .second = second, .frame_len = frame_len},
        .payload = payload,
        .payload_len = lp_fragment_piece_len(frame_len, second),
    };

    for (size_t i = 0; i < overlay.payload_len; i++)
        payload[i] = octet_of(id, at + i);
    return lp_reassembly_push(&f->r, &overlay, &f->lost, &f->frame, &f->frame_len, now_ns);
}

static void assert_whole(const struct fixture *f, uint16_t id, size_t frame_len)
{
    assert_int_equal(f->frame_len, frame_len);
    for (size_t i = 0; i < frame_len; i++)
        assert_int_equal(f->frame[i], octet_of(id, i));
}

static void the_cut(void **state)
{
    assert_int_equal(LP_PIECE_FIRST_LEN, 1148);
    assert_int_equal(LP_PIECE_SECOND_MAX, 366);
    /* with every extension the first piece fits the packet that every path carries */
    assert_int_equal(lp_mtu_udp_payload(LP_PIECE_FIRST_LEN + LP_OVERLAY_HEADER_MAX), 1200);

    assert_false(lp_fragment_can_cut(0));
    assert_false(lp_fragment_can_cut(1148));
    assert_true(lp_fragment_can_cut(1149));
    assert_true(lp_fragment_can_cut(1514));
    assert_false(lp_fragment_can_cut(1515));
    assert_int_equal(lp_fragment_piece_len(1149, false), 1148);
    assert_int_equal(lp_fragment_piece_len(1149, true), 1);
    assert_int_equal(lp_fragment_piece_len(1514, false), 1148);
    assert_int_equal(lp_fragment_piece_len(1514, true), 366);
}

static void either_piece_may_come_first(void **state)
{
    struct fixture *f = *state;

    for (uint16_t frame_len = 1149; frame_len <= 1514; frame_len++) {
        for (unsigned second_first = 0; second_first < 2; second_first++) {
            assert_int_equal(push(f, frame_len, frame_len, second_first, 5),
                             LP_REASSEMBLY_WAITING);
            assert_int_equal(f->r.used, 1);
            assert_int_equal(push(f, frame_len, frame_len, !second_first, 6),
                             LP_REASSEMBLY_COMPLETE);
            assert_whole(f, frame_len, frame_len);
            assert_int_equal(f->r.used, 0);
        }
    }
    assert_int_equal(f->lost, 0);
}

static void frames_do_not_mix(void **state)
{
    struct fixture *f = *state;

    for (uint16_t id = 0; id < LP_REASSEMBLY_SLOTS; id++)
        assert_int_equal(push(f, id, (uint16_t)(1200 + id), id & 1, 0), LP_REASSEMBLY_WAITING);
    for (uint16_t id = LP_REASSEMBLY_SLOTS; id-- > 0;) {
        assert_int_equal(push(f, id, (uint16_t)(1200 + id), !(id & 1), 1),
                         LP_REASSEMBLY_COMPLETE);
        assert_whole(f, id, 1200u + id);
    }
    assert_int_equal(f->lost, 0);
}

static void duplicates_and_contradictions_are_dropped(void **state)
{
    struct fixture *f = *state;

    push(f, 7, 1400, false, 0);
    assert_int_equal(push(f, 7, 1400, false, 1), LP_REASSEMBLY_DUPLICATE);
    assert_int_equal(push(f, 7, 1401, true, 2), LP_REASSEMBLY_DUPLICATE);
    assert_int_equal(push(f, 7, 1401, false, 3), LP_REASSEMBLY_DUPLICATE);
    assert_int_equal(f->r.used, 1);
    assert_int_equal(push(f, 7, 1400, true, 4), LP_REASSEMBLY_COMPLETE);
    assert_whole(f, 7, 1400);

    push(f, 8, 1400, true, 5);
    assert_int_equal(push(f, 8, 1400, true, 6), LP_REASSEMBLY_DUPLICATE);
    assert_int_equal(f->lost, 0);
}

/* A duplicate does not prolong the wait. */
static void waiting_ends_after_500_ms(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(lp_reassembly_next_deadline(&f->r), LP_TIME_NEVER);
    push(f, 1, 1400, false, 100 * MS);
    push(f, 2, 1400, true, 150 * MS);
    assert_int_equal(push(f, 1, 1400, false, 200 * MS), LP_REASSEMBLY_DUPLICATE);
    assert_int_equal(lp_reassembly_next_deadline(&f->r), 600 * MS);

    assert_int_equal(lp_reassembly_expire(&f->r, 600 * MS - 1), 0);
    assert_int_equal(lp_reassembly_expire(&f->r, 600 * MS), 1);
    assert_int_equal(lp_reassembly_next_deadline(&f->r), 650 * MS);
    assert_int_equal(push(f, 2, 1400, false, 650 * MS - 1), LP_REASSEMBLY_COMPLETE);
    assert_int_equal(lp_reassembly_next_deadline(&f->r), LP_TIME_NEVER);
    assert_int_equal(lp_reassembly_expire(&f->r, LP_TIME_NEVER), 0);
}

/* The piece that comes too late starts anew instead of completing what is too old. */
static void push_gives_up_what_is_too_old(void **state)
{
    struct fixture *f = *state;

    f->lost = 10;
    push(f, 1, 1400, false, 0);
    push(f, 2, 1400, false, 0);
    assert_int_equal(push(f, 1, 1400, true, 500 * MS), LP_REASSEMBLY_WAITING);
    assert_int_equal(f->lost, 12);
    assert_int_equal(f->r.used, 1);
    assert_int_equal(lp_reassembly_next_deadline(&f->r), 1000 * MS);
}

static void the_oldest_gives_way(void **state)
{
    struct fixture *f = *state;
    uint16_t id;

    /* 3 is the oldest */
    for (id = 0; id < LP_REASSEMBLY_SLOTS; id++)
        push(f, id, 1400, false, id == 3 ? 0 : 10 + id);
    assert_int_equal(push(f, 100, 1400, false, 60), LP_REASSEMBLY_WAITING);
    assert_int_equal(f->lost, 1);
    assert_int_equal(f->r.used, LP_REASSEMBLY_SLOTS);
    for (id = 0; id < LP_REASSEMBLY_SLOTS; id++) {
        if (id != 3)
            assert_int_equal(push(f, id, 1400, true, 61), LP_REASSEMBLY_COMPLETE);
    }
    assert_int_equal(push(f, 100, 1400, true, 62), LP_REASSEMBLY_COMPLETE);
    assert_whole(f, 100, 1400);
    assert_int_equal(f->r.used, 0);
    assert_int_equal(push(f, 3, 1400, true, 63), LP_REASSEMBLY_WAITING);
}

/* Halves only: memory stays bounded and each frame is counted once. */
static void every_given_up_frame_is_counted_once(void **state)
{
    struct fixture *f = *state;

    for (uint16_t id = 0; id < 1000; id++)
        assert_int_equal(push(f, id, 1514, id & 1, id), LP_REASSEMBLY_WAITING);
    assert_int_equal(f->r.used, LP_REASSEMBLY_SLOTS);
    assert_int_equal(f->lost, 1000 - LP_REASSEMBLY_SLOTS);
    f->lost += lp_reassembly_expire(&f->r, 10 * LP_NS_PER_S);
    assert_int_equal(f->lost, 1000);
    assert_int_equal(f->r.used, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_cut),
        cmocka_unit_test_setup(either_piece_may_come_first, setup),
        cmocka_unit_test_setup(frames_do_not_mix, setup),
        cmocka_unit_test_setup(duplicates_and_contradictions_are_dropped, setup),
        cmocka_unit_test_setup(waiting_ends_after_500_ms, setup),
        cmocka_unit_test_setup(push_gives_up_what_is_too_old, setup),
        cmocka_unit_test_setup(the_oldest_gives_way, setup),
        cmocka_unit_test_setup(every_given_up_frame_is_counted_once, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
