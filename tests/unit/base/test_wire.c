#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/wire.h"

static void numbers_are_big_endian(void **state)
{
    static const uint8_t want[7] = {0xfe, 0x12, 0x34, 0x89, 0xab, 0xcd, 0xef};
    uint8_t bytes[7];
    struct lp_wire_writer w = lp_wire_writer_init(bytes, sizeof(bytes));
    struct lp_wire_reader r;

    lp_wire_write_u8(&w, 0xfe);
    lp_wire_write_u16(&w, 0x1234);
    lp_wire_write_u32(&w, 0x89abcdef);
    assert_true(lp_wire_writer_ok(&w));
    assert_int_equal(lp_wire_writer_len(&w), 7);
    assert_memory_equal(bytes, want, 7);

    r = lp_wire_reader_init(bytes, sizeof(bytes));
    assert_int_equal(lp_wire_read_u8(&r), 0xfe);
    assert_int_equal(lp_wire_read_u16(&r), 0x1234);
    assert_int_equal(lp_wire_read_u32(&r), 0x89abcdef);
    assert_int_equal(lp_wire_reader_left(&r), 0);
    assert_true(lp_wire_reader_ok(&r));
}

/* A read that fails takes nothing, and neither does any read after it. */
static void the_reader_stops_at_its_end(void **state)
{
    static const uint8_t bytes[3] = {1, 2, 3};
    struct lp_wire_reader r = lp_wire_reader_init(bytes, sizeof(bytes));

    assert_int_equal(lp_wire_read_u32(&r), 0);
    assert_false(lp_wire_reader_ok(&r));
    assert_int_equal(lp_wire_read_u8(&r), 0);
    assert_null(lp_wire_read_bytes(&r, 0));
    assert_int_equal(lp_wire_reader_left(&r), 3);

    r = lp_wire_reader_init(bytes, sizeof(bytes));
    assert_ptr_equal(lp_wire_read_bytes(&r, 3), bytes);
    assert_ptr_equal(lp_wire_read_bytes(&r, 0), bytes + 3);
    assert_true(lp_wire_reader_ok(&r));
    assert_null(lp_wire_read_bytes(&r, SIZE_MAX));
    assert_false(lp_wire_reader_ok(&r));
}

static void the_writer_stops_at_its_limit(void **state)
{
    uint8_t bytes[4] = {0xaa, 0xaa, 0xaa, 0xaa};
    struct lp_wire_writer w = lp_wire_writer_init(bytes, 3);

    lp_wire_write_u16(&w, 0x0102);
    lp_wire_write_u16(&w, 0x0304);
    assert_false(lp_wire_writer_ok(&w));
    lp_wire_write_u8(&w, 5);
    assert_int_equal(lp_wire_writer_len(&w), 2);
    assert_memory_equal(bytes, "\x01\x02\xaa\xaa", 4);

    w = lp_wire_writer_init(bytes, 3);
    lp_wire_write_bytes(&w, (const uint8_t *)"abc", 3);
    lp_wire_write_bytes(&w, NULL, 0);
    assert_true(lp_wire_writer_ok(&w));
    assert_null(lp_wire_write_space(&w, SIZE_MAX));
    assert_false(lp_wire_writer_ok(&w));
    assert_memory_equal(bytes, "abc\xaa", 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_big_endian),
        cmocka_unit_test(the_reader_stops_at_its_end),
        cmocka_unit_test(the_writer_stops_at_its_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
