/* ngtcp2's memory: pieces of their own, that serve again, and end with the connection. */
#include "transport/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PIECES 500

static int set_up(void **state)
{
    struct lp_mem *mem = calloc(1, sizeof(*mem));

    assert_non_null(mem);
    lp_mem_init(mem);
    *state = mem;
    return 0;
}

static int tear_down(void **state)
{
    struct lp_mem *mem = *state;

    assert_int_equal(mem->pieces, 0);
    lp_mem_deinit(mem);
    free(mem);
    return 0;
}

static void *take(struct lp_mem *mem, size_t size)
{
    return mem->calls.malloc(size, mem->calls.user_data);
}

static void *take_zeroed(struct lp_mem *mem, size_t count, size_t size)
{
    return mem->calls.calloc(count, size, mem->calls.user_data);
}

static void *resize(struct lp_mem *mem, void *bytes, size_t size)
{
    return mem->calls.realloc(bytes, size, mem->calls.user_data);
}

static void give(struct lp_mem *mem, void *bytes)
{
    mem->calls.free(bytes, mem->calls.user_data);
}

static bool is_filled(const uint8_t *bytes, size_t size, uint8_t with)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != with)
            return false;
    }
    return true;
}

static void every_size_is_there_and_aligned(void **state)
{
    struct lp_mem *mem = *state;

    for (size_t size = 0; size <= 3 * LP_MEM_PIECE_MAX; size++) {
        uint8_t *bytes = take(mem, size);

        assert_non_null(bytes);
        assert_int_equal((uintptr_t)bytes % 16, 0);
        memset(bytes, 0xee, size);
        give(mem, bytes);
    }
    give(mem, NULL);
}

/* Taken and given in no order for long: nobody's octets change, and memory does not grow. */
static void pieces_do_not_meet_and_serve_again(void **state)
{
    static uint8_t *piece[PIECES];
    static size_t size[PIECES];
    struct lp_mem *mem = *state;
    size_t bytes_then = 0;
    uint32_t random = 1;

    memset(piece, 0, sizeof(piece));
    for (unsigned i = 0; i < 200000; i++) {
        unsigned at = (random = random * 1664525 + 1013904223) >> 8;

        at %= PIECES;
        if (piece[at] != NULL) {
            assert_true(is_filled(piece[at], size[at], (uint8_t)at));
            give(mem, piece[at]);
        }
        size[at] = 1 + at * 9; /* some are large */
        piece[at] = take(mem, size[at]);
        assert_non_null(piece[at]);
        memset(piece[at], (int)(uint8_t)at, size[at]);
        if (i == 20000)
            bytes_then = mem->chunk_bytes;
    }
    assert_int_equal(mem->pieces, PIECES);
    assert_int_equal(mem->chunk_bytes, bytes_then);
    for (unsigned at = 0; at < PIECES; at++)
        give(mem, piece[at]);
    assert_int_equal(mem->chunk_bytes, bytes_then);
}

static void what_is_given_back_is_the_next(void **state)
{
    struct lp_mem *mem = *state;
    void *first = take(mem, 2064), *second = take(mem, 2064);

    give(mem, first);
    assert_ptr_equal(take(mem, 2060), first);
    give(mem, second);
    assert_ptr_not_equal(take(mem, 300), second); /* of another size */
    assert_ptr_equal(take(mem, 2064), second);
    assert_int_equal(mem->pieces, 3);
    lp_mem_deinit(mem); /* what is forgotten ends too */
    lp_mem_init(mem);
}

static void growing_takes_few_allocations(void **state)
{
    struct lp_mem *mem = *state;
    size_t bytes = 0, chunks = 0;

    for (unsigned i = 0; i < 1000; i++) {
        assert_non_null(take(mem, 560));
        chunks += mem->chunk_bytes != bytes;
        bytes = mem->chunk_bytes;
    }
    assert_true(chunks <= 1000 * 600 / LP_MEM_CHUNK_MAX + 3);
    assert_true(bytes <= 1000 * 600 + LP_MEM_CHUNK_MAX);
    lp_mem_deinit(mem);
    lp_mem_init(mem);
}

static void zeroed_is_zeroed_though_it_was_used(void **state)
{
    struct lp_mem *mem = *state;
    uint8_t *bytes = take(mem, 1000);

    memset(bytes, 0xee, 1000);
    give(mem, bytes);
    assert_ptr_equal(take_zeroed(mem, 10, 100), bytes);
    assert_true(is_filled(bytes, 1000, 0));
    give(mem, bytes);
    assert_null(take_zeroed(mem, SIZE_MAX / 2, 3));
    assert_null(take_zeroed(mem, 1, SIZE_MAX));
    bytes = take_zeroed(mem, 0, 8);
    assert_non_null(bytes);
    give(mem, bytes);
}

static void too_much_is_refused(void **state)
{
    struct lp_mem *mem = *state;

    assert_null(take(mem, SIZE_MAX));
    assert_null(take(mem, SIZE_MAX - 15));
}

static void resized_keeps_its_content(void **state)
{
    static const size_t sizes[] = {1, 16, 17, 100, 4096, 4097, 70000, 5000, 4096, 30, 70000, 1};
    struct lp_mem *mem = *state;
    uint8_t *bytes = resize(mem, NULL, 1);
    size_t had = 1;

    assert_non_null(bytes);
    memset(bytes, 0x11, had);
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        bytes = resize(mem, bytes, sizes[i]);
        assert_non_null(bytes);
        assert_true(is_filled(bytes, sizes[i] < had ? sizes[i] : had, 0x11));
        memset(bytes, 0x11, sizes[i]);
        had = sizes[i];
        assert_int_equal(mem->pieces, 1);
    }
    assert_null(resize(mem, bytes, SIZE_MAX)); /* and it is still there */
    assert_true(is_filled(bytes, had, 0x11));
    give(mem, bytes);
}

/* Only malloc knows what is large: nothing of it stays. */
static void large_ones_are_not_kept(void **state)
{
    struct lp_mem *mem = *state;

    for (unsigned i = 0; i < 100; i++)
        give(mem, take(mem, LP_MEM_PIECE_MAX + 1));
    assert_int_equal(mem->chunk_bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_size_is_there_and_aligned, set_up, tear_down),
        cmocka_unit_test_setup_teardown(pieces_do_not_meet_and_serve_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_given_back_is_the_next, set_up, tear_down),
        cmocka_unit_test_setup_teardown(growing_takes_few_allocations, set_up, tear_down),
        cmocka_unit_test_setup_teardown(zeroed_is_zeroed_though_it_was_used, set_up, tear_down),
        cmocka_unit_test_setup_teardown(too_much_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(resized_keeps_its_content, set_up, tear_down),
        cmocka_unit_test_setup_teardown(large_ones_are_not_kept, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
