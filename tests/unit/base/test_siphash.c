/*
 * SipHash-1-3. The vectors are those of CPython's hash of the same octets (PYTHONHASHSEED=0, the
 * zero key), and of a second implementation that gives the paper's vector for SipHash-2-4.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/siphash.h"

static const uint64_t words[] = {
    UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908), UINT64_C(0x1716151413121110),
    UINT64_C(0x1f1e1d1c1b1a1918), UINT64_C(0x2726252423222120),
};

static void known_results(void **state)
{
    static const struct {
        size_t count;
        uint64_t zero_key;
        uint64_t other_key;
    } known[] = {
        {0, UINT64_C(0xd1fba762150c532c), UINT64_C(0xabac0158050fc4dc)},
        {1, UINT64_C(0xead411e67ebe2eea), UINT64_C(0x369095118d299a8e)},
        {2, UINT64_C(0x8972188433a5c5b7), UINT64_C(0xcc4fdd1a7d908b66)},
        {5, UINT64_C(0x95bc321ab41d8206), UINT64_C(0xc1d2363299e41531)},
    };
    const struct lp_sipkey zero = {{0, 0}};
    const struct lp_sipkey other = {{words[0], words[1]}};

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        assert_true(lp_siphash(&zero, words, known[i].count) == known[i].zero_key);
        assert_true(lp_siphash(&other, words, known[i].count) == known[i].other_key);
    }
}

/* Both halves of the key and each word count. */
static void everything_counts(void **state)
{
    const struct lp_sipkey key = {{1, 2}};
    const struct lp_sipkey first = {{3, 2}};
    const struct lp_sipkey second = {{1, 3}};
    uint64_t changed[5];
    uint64_t hash = lp_siphash(&key, words, 5);

    assert_true(lp_siphash(&first, words, 5) != hash);
    assert_true(lp_siphash(&second, words, 5) != hash);
    for (size_t i = 0; i < 5; i++) {
        for (size_t k = 0; k < 5; k++)
            changed[k] = words[k] ^ (k == i ? UINT64_C(1) << 63 : 0);
        assert_true(lp_siphash(&key, changed, 5) != hash);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_results),
        cmocka_unit_test(everything_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
