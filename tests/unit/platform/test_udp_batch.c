/* Splitting coalesced reads, and what a run of payloads does when a send is refused. */
#include "waiting.h"

#include <string.h>

#include "platform/udp_batch.h"

/* ---- splitting ---- */

static void a_read_is_split_at_its_segment_length(void **state)
{
    static const struct {
        size_t len, segment_len;
        unsigned count;
        size_t last_len;
    } cases[] = {
        {1, 0, 1, 1},          {1200, 0, 1, 1200},    {1200, 1200, 1, 1200},
        {1200, 1300, 1, 1200}, {2400, 1200, 2, 1200}, {2401, 1200, 3, 1},
        {65507, 1, 64, 1},     {0, 0, 0, 0},          {0, 1200, 0, 0},
    };
    static const uint8_t bytes[65507];
    const struct lp_udp_rx each = {
        .remote = {.family = LP_ADDR_IPV4, .port = 443, .ip = {192, 0, 2, 1}},
        .local = {.family = LP_ADDR_IPV4, .port = 77, .ip = {192, 0, 2, 2}},
        .ecn = 2,
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct lp_udp_rx rx[64];
        size_t offset = 0, expected = 0;

        assert_int_equal(
            lp_udp_split(bytes, cases[i].len, cases[i].segment_len, &offset, &each, rx, 64),
            cases[i].count);
        for (unsigned j = 0; j < cases[i].count; j++) {
            assert_ptr_equal(rx[j].bytes, bytes + expected);
            assert_true(lp_addr_equal(&rx[j].remote, &each.remote));
            assert_true(lp_addr_equal(&rx[j].local, &each.local));
            assert_int_equal(rx[j].ecn, 2);
            expected += rx[j].len;
        }
        if (cases[i].count > 0)
            assert_int_equal(rx[cases[i].count - 1].len, cases[i].last_len);
        assert_int_equal(offset, expected);
    }
}

/* What the caller has no room for is handed out by the next call, nothing twice. */
static void splitting_goes_on_where_it_stopped(void **state)
{
    static const uint8_t bytes[5 * 100 + 7];
    const struct lp_udp_rx each = {.ecn = 1};
    struct lp_udp_rx rx[4];
    size_t offset = 0;

    (void)state;
    assert_int_equal(lp_udp_split(bytes, sizeof(bytes), 100, &offset, &each, rx, 4), 4);
    assert_int_equal(offset, 400);
    assert_int_equal(lp_udp_split(bytes, sizeof(bytes), 100, &offset, &each, rx, 4), 2);
    assert_ptr_equal(rx[0].bytes, bytes + 400);
    assert_int_equal(rx[0].len, 100);
    assert_ptr_equal(rx[1].bytes, bytes + 500);
    assert_int_equal(rx[1].len, 7);
    assert_int_equal(offset, sizeof(bytes));
    assert_int_equal(lp_udp_split(bytes, sizeof(bytes), 100, &offset, &each, rx, 4), 0);
}

/* ---- sending ---- */

#define SENT     0
#define FULL     11
#define REFUSED  22
#define NO_ROUTE 101

struct wire {
    int refuse_segments; /* what a send of segments says, 0 = it goes */
    unsigned fails_at;   /* the send (from 0) that says fails_with; without segments */
    int fails_with;
    unsigned calls;       /* of sends without segments */
    unsigned group_calls; /* of sends of segments */
    size_t largest_group;
    const uint8_t *next; /* where the next payload must begin */
    size_t sent_bytes;
};

static int send_to_wire(void *user, const uint8_t *bytes, size_t len, size_t segment_len)
{
    struct wire *wire = user;

    assert_ptr_equal(bytes, wire->next);
    if (segment_len != 0) {
        wire->group_calls++;
        assert_true(len > segment_len);
        assert_true(len <= LP_UDP_GROUP_BYTES_MAX);
        assert_true((len + segment_len - 1) / segment_len <= LP_UDP_GROUP_SEGMENTS_MAX);
        if (wire->refuse_segments != 0)
            return wire->refuse_segments;
        if (len > wire->largest_group)
            wire->largest_group = len;
    } else if (wire->calls++ == wire->fails_at && wire->fails_with != 0) {
        return wire->fails_with;
    }
    wire->next += len;
    wire->sent_bytes += len;
    return SENT;
}

static bool is_refusal(int number)
{
    return number == REFUSED;
}

static const struct lp_udp_sender sender = {
    .send = send_to_wire,
    .refuses_segments = is_refusal,
    .full = FULL,
};

static const uint8_t run_bytes[300 * 1200];

static int send_run(struct wire *wire, bool *segments, size_t len, size_t segment_len)
{
    wire->next = run_bytes;
    return lp_udp_send_run(&sender, wire, segments, run_bytes, len, segment_len);
}

static void a_run_leaves_in_groups_within_the_limits(void **state)
{
    static const struct {
        size_t len, segment_len;
        unsigned group_calls, calls;
        size_t largest_group;
    } cases[] = {
        {100, 100, 0, 1, 0},
        {100, 1200, 0, 1, 0},
        {101, 100, 1, 0, 101},
        {54 * 1200, 1200, 1, 0, 64800}, /* by octets: 54 of 1200 */
        {55 * 1200, 1200, 1, 1, 64800}, /* and one that is left is no group */
        {64 * 100, 100, 1, 0, 6400},    /* by segments */
        {64 * 100 + 1, 100, 1, 1, 6400},
        {65 * 100 + 1, 100, 2, 0, 6400},
        {2 * 32500, 32500, 1, 0, 65000},
        {2 * 32501, 32501, 0, 2, 0}, /* two are too long together */
        {65000 + 1, 65000, 0, 2, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct wire wire = {.fails_with = 0};
        bool segments = true;

        assert_int_equal(send_run(&wire, &segments, cases[i].len, cases[i].segment_len), 0);
        assert_int_equal(wire.sent_bytes, cases[i].len);
        assert_int_equal(wire.group_calls, cases[i].group_calls);
        assert_int_equal(wire.calls, cases[i].calls);
        assert_int_equal(wire.largest_group, cases[i].largest_group);
        assert_true(segments);
    }
}

static void refused_segments_go_one_by_one_from_then_on(void **state)
{
    struct wire wire = {.refuse_segments = REFUSED};
    bool segments = true;

    (void)state;
    assert_int_equal(send_run(&wire, &segments, 3 * 100 + 1, 100), 0);
    assert_false(segments);
    assert_int_equal(wire.group_calls, 1);
    assert_int_equal(wire.calls, 4);
    assert_int_equal(wire.sent_bytes, 301);
    assert_int_equal(send_run(&wire, &segments, 200, 100), 0);
    assert_int_equal(wire.group_calls, 1); /* not tried again */
    assert_int_equal(wire.calls, 6);
}

/* The same number may come of the payload itself: then it says nothing of segments. */
static void a_refusal_that_was_not_the_segments_keeps_them(void **state)
{
    struct wire wire = {.refuse_segments = REFUSED, .fails_with = REFUSED};
    bool segments = true;

    (void)state;
    assert_int_equal(send_run(&wire, &segments, 300, 100), REFUSED);
    assert_true(segments);
    assert_int_equal(wire.calls, 1);
    wire = (struct wire){.refuse_segments = NO_ROUTE};
    assert_int_equal(send_run(&wire, &segments, 300, 100), NO_ROUTE);
    assert_true(segments);
    assert_int_equal(wire.calls, 0);
}

/* Nothing sent: the caller keeps it. Something sent: the rest is loss. Other failures are told. */
static void a_full_socket_is_told_only_when_nothing_left(void **state)
{
    static const struct {
        unsigned fails_at;
        int fails_with;
        int expected;
        size_t sent_bytes;
    } cases[] = {
        {0, FULL, FULL, 0},
        {1, FULL, 0, 100},
        {2, FULL, 0, 200},
        {0, NO_ROUTE, NO_ROUTE, 0},
        {2, NO_ROUTE, NO_ROUTE, 200},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct wire wire = {.fails_at = cases[i].fails_at, .fails_with = cases[i].fails_with};
        bool segments = false;

        assert_int_equal(send_run(&wire, &segments, 300, 100), cases[i].expected);
        assert_int_equal(wire.sent_bytes, cases[i].sent_bytes);
    }
}

/* The second group finds the socket full: the first has left, so it is loss too. */
static void a_socket_that_fills_up_between_groups_is_loss(void **state)
{
    struct wire wire = {.fails_with = FULL};
    bool segments = true;

    (void)state;
    assert_int_equal(send_run(&wire, &segments, 64 * 100 + 1, 100), 0);
    assert_int_equal(wire.sent_bytes, 6400);
}

static void what_no_system_can_send_is_refused_before(void **state)
{
    const struct lp_addr ipv4 = {.family = LP_ADDR_IPV4, .port = 9};
    const struct lp_addr ipv6 = {.family = LP_ADDR_IPV6, .port = 9};
    const struct lp_addr none = {.family = LP_ADDR_NONE};

    (void)state;
    assert_int_equal(lp_udp_check_send(LP_ADDR_IPV4, NULL, &ipv4, 1, 1), 0);
    assert_int_equal(lp_udp_check_send(LP_ADDR_IPV4, &none, &ipv4, 1, 1), 0);
    assert_int_equal(lp_udp_check_send(LP_ADDR_IPV6, &ipv6, &ipv6, 1, 1), 0);
    assert_int_equal(lp_udp_check_send(LP_ADDR_IPV4, NULL, &ipv6, 1, 1), LP_ERR_INVALID);
    assert_int_equal(lp_udp_check_send(LP_ADDR_IPV4, NULL, &none, 1, 1), LP_ERR_INVALID);
    assert_int_equal(lp_udp_check_send(LP_ADDR_IPV4, &ipv6, &ipv4, 1, 1), LP_ERR_INVALID);
    assert_int_equal(lp_udp_check_send(LP_ADDR_IPV4, NULL, &ipv4, 0, 1), LP_ERR_INVALID);
    assert_int_equal(lp_udp_check_send(LP_ADDR_IPV4, NULL, &ipv4, 1, 0), LP_ERR_INVALID);
    assert_int_equal(lp_udp_check_send(LP_ADDR_IPV4, NULL, &ipv4, 65001, 65001), 0);
    assert_int_equal(lp_udp_check_send(LP_ADDR_IPV4, NULL, &ipv4, 65001, 65000), 0);
    assert_int_equal(lp_udp_check_send(LP_ADDR_IPV4, NULL, &ipv4, 65002, 65001), LP_ERR_RANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_read_is_split_at_its_segment_length),
        cmocka_unit_test(splitting_goes_on_where_it_stopped),
        cmocka_unit_test(a_run_leaves_in_groups_within_the_limits),
        cmocka_unit_test(refused_segments_go_one_by_one_from_then_on),
        cmocka_unit_test(a_refusal_that_was_not_the_segments_keeps_them),
        cmocka_unit_test(a_full_socket_is_told_only_when_nothing_left),
        cmocka_unit_test(a_socket_that_fills_up_between_groups_is_loss),
        cmocka_unit_test(what_no_system_can_send_is_refused_before),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
