#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/err.h"
#include "base/hex.h"

static void there_and_back(void **state)
{
    uint8_t octets[256];
    uint8_t back[256];
    char text[513];

    for (size_t i = 0; i < sizeof(octets); i++)
        octets[i] = (uint8_t)i;
    assert_ptr_equal(lp_hex_encode(octets, sizeof(octets), text), text);
    assert_int_equal(strlen(text), 512);
    assert_memory_equal(text, "000102", 6);
    assert_string_equal(text + 506, "fdfeff");
    assert_int_equal(lp_hex_decode(text, 512, back), 0);
    assert_memory_equal(back, octets, sizeof(octets));
}

static void either_case_is_read(void **state)
{
    uint8_t octets[3];

    assert_int_equal(lp_hex_decode("aAfF09", 6, octets), 0);
    assert_memory_equal(octets, "\xaa\xff\x09", 3);
}

static void nothing_is_nothing(void **state)
{
    char text[1] = {'x'};
    uint8_t octets[1] = {7};

    assert_string_equal(lp_hex_encode(octets, 0, text), "");
    assert_int_equal(lp_hex_decode("", 0, octets), 0);
    assert_int_equal(octets[0], 7);
}

static void anything_else_is_refused(void **state)
{
    uint8_t octets[4];

    assert_int_equal(lp_hex_decode("0", 1, octets), LP_ERR_MALFORMED);
    assert_int_equal(lp_hex_decode("012", 3, octets), LP_ERR_MALFORMED);
    for (unsigned i = 0; i < 256; i++) {
        char high[2] = {(char)i, '0'};
        char low[2] = {'0', (char)i};
        int want =
            strchr("0123456789abcdefABCDEF", (int)i) != NULL && i != 0 ? 0 : LP_ERR_MALFORMED;

        assert_int_equal(lp_hex_decode(high, 2, octets), want);
        assert_int_equal(lp_hex_decode(low, 2, octets), want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(either_case_is_read),
        cmocka_unit_test(nothing_is_nothing),
        cmocka_unit_test(anything_else_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
