/* The ring between two threads. */
#include "waiting.h"

#include <string.h>

#include "platform/ring.h"

#define SLOTS 8u
#define FRAME 64u

static void push_number(struct lp_ring *ring, unsigned number, bool expected)
{
    uint8_t bytes[FRAME];

    memset(bytes, (int)number, sizeof(bytes));
    assert_int_equal(lp_ring_push(ring, bytes, number % FRAME + 1), expected);
}

static void take_number(struct lp_ring *ring, unsigned number)
{
    size_t len = 0;
    const uint8_t *bytes = lp_ring_peek(ring, &len);

    assert_non_null(bytes);
    assert_int_equal(len, number % FRAME + 1);
    for (size_t i = 0; i < len; i++)
        assert_int_equal(bytes[i], (uint8_t)number);
    lp_ring_drop(ring);
}

static void what_goes_in_comes_out_in_order(void **state)
{
    struct lp_ring ring;
    unsigned in = 0, out = 0;
    size_t len;

    (void)state;
    assert_int_equal(lp_ring_init(&ring, SLOTS, FRAME), 0);
    assert_true(lp_ring_is_empty(&ring));
    assert_null(lp_ring_peek(&ring, &len));
    /* around it several times, with every fill level */
    for (unsigned fill = 1; fill <= SLOTS; fill++) {
        for (unsigned i = 0; i < fill; i++)
            push_number(&ring, in++, true);
        assert_false(lp_ring_is_empty(&ring));
        for (unsigned i = 0; i < fill; i++)
            take_number(&ring, out++);
        assert_true(lp_ring_is_empty(&ring));
    }
    lp_ring_deinit(&ring);
}

static void a_full_ring_takes_nothing_and_loses_nothing(void **state)
{
    struct lp_ring ring;

    (void)state;
    assert_int_equal(lp_ring_init(&ring, SLOTS, FRAME), 0);
    for (unsigned i = 0; i < SLOTS; i++)
        push_number(&ring, i, true);
    push_number(&ring, 99, false);
    take_number(&ring, 0);
    push_number(&ring, SLOTS, true);
    push_number(&ring, 99, false);
    for (unsigned i = 1; i <= SLOTS; i++)
        take_number(&ring, i);
    assert_true(lp_ring_is_empty(&ring));
    lp_ring_deinit(&ring);
}

static void what_was_peeked_at_stays_until_it_is_dropped(void **state)
{
    struct lp_ring ring;
    const uint8_t *first;
    size_t len;

    (void)state;
    assert_int_equal(lp_ring_init(&ring, 2, FRAME), 0);
    push_number(&ring, 5, true);
    first = lp_ring_peek(&ring, &len);
    push_number(&ring, 6, true);
    push_number(&ring, 7, false);
    assert_ptr_equal(lp_ring_peek(&ring, &len), first);
    take_number(&ring, 5);
    take_number(&ring, 6);
    lp_ring_deinit(&ring);
}

/* The counters go on for ever: the step from 2^32 - 1 to 0 is one like the others. */
static void counters_wrap(void **state)
{
    struct lp_ring ring;

    (void)state;
    assert_int_equal(lp_ring_init(&ring, SLOTS, FRAME), 0);
    atomic_store(&ring.pushed, UINT32_MAX - 2);
    atomic_store(&ring.taken, UINT32_MAX - 2);
    for (unsigned i = 0; i < SLOTS; i++)
        push_number(&ring, i, true);
    push_number(&ring, 99, false);
    for (unsigned i = 0; i < SLOTS; i++)
        take_number(&ring, i);
    assert_true(lp_ring_is_empty(&ring));
    lp_ring_deinit(&ring);
}

/* ---- two threads ---- */

#define NUMBERS 200000u

/* Each frame holds its number and is as long as its number says. */
static void push_all(void *arg)
{
    struct lp_ring *ring = arg;
    uint32_t frame[FRAME / sizeof(uint32_t)];

    for (uint32_t number = 0; number < NUMBERS;) {
        size_t words = number % (FRAME / sizeof(uint32_t)) + 1;

        for (size_t i = 0; i < words; i++)
            frame[i] = number;
        if (lp_ring_push(ring, (const uint8_t *)frame, words * sizeof(uint32_t)))
            number++;
    }
}

static void one_pushes_while_the_other_takes(void **state)
{
    struct lp_ring ring;
    uv_thread_t thread;

    (void)state;
    assert_int_equal(lp_ring_init(&ring, SLOTS, FRAME), 0);
    assert_int_equal(uv_thread_create(&thread, push_all, &ring), 0);
    for (uint32_t number = 0; number < NUMBERS;) {
        uint32_t frame[FRAME / sizeof(uint32_t)];
        size_t len, words = number % (FRAME / sizeof(uint32_t)) + 1;
        const uint8_t *bytes = lp_ring_peek(&ring, &len);

        if (bytes == NULL)
            continue;
        assert_int_equal(len, words * sizeof(uint32_t));
        memcpy(frame, bytes, len);
        for (size_t i = 0; i < words; i++)
            assert_int_equal(frame[i], number);
        lp_ring_drop(&ring);
        number++;
    }
    uv_thread_join(&thread);
    assert_true(lp_ring_is_empty(&ring));
    lp_ring_deinit(&ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_goes_in_comes_out_in_order),
        cmocka_unit_test(a_full_ring_takes_nothing_and_loses_nothing),
        cmocka_unit_test(what_was_peeked_at_stays_until_it_is_dropped),
        cmocka_unit_test(counters_wrap),
        cmocka_unit_test(one_pushes_while_the_other_takes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
