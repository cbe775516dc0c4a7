#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/err.h"

static void names_and_texts(void **state)
{
    assert_string_equal(lp_err_name(LP_OK), "OK");
    assert_string_equal(lp_err_text(LP_OK), "success");
    assert_string_equal(lp_err_name(LP_ERR_INVALID), "INVALID");
    assert_string_equal(lp_err_text(LP_ERR_NOMEM), "out of memory");
    assert_string_equal(lp_err_name(LP_ERR_CONFIG), "CONFIG");
    assert_int_equal(LP_ERR_MALFORMED, -5);
}

/* Positive numbers are counts, not codes; so are negative ones of no row. */
static void other_numbers_are_unknown(void **state)
{
    static const int numbers[] = {1, 5, -21, -1000, INT32_MAX, INT32_MIN};

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        assert_string_equal(lp_err_name(numbers[i]), "UNKNOWN");
        assert_string_equal(lp_err_text(numbers[i]), "unknown error");
    }
}

static void the_table_has_no_gap(void **state)
{
    for (int err = -1; err >= -20; err--)
        assert_string_not_equal(lp_err_name(err), "UNKNOWN");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_texts),
        cmocka_unit_test(other_numbers_are_unknown),
        cmocka_unit_test(the_table_has_no_gap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
