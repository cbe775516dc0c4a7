/* Lifecycle messages in any order: the map is true, and nobody comes back as a ghost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "node/roommap.h"

static int set_up(void **state)
{
    struct lp_roommap *map = malloc(sizeof(*map));

    if (map == NULL)
        return -1;
    lp_roommap_init(map);
    *state = map;
    return 0;
}

static int tear_down(void **state)
{
    lp_roommap_clear(*state);
    free(*state);
    return 0;
}

static struct lp_mac mac_of(uint32_t number)
{
    return (struct lp_mac){{0x02, 0, 0, 0, (uint8_t)(number >> 8), (uint8_t)number}};
}

/* The result, and whether the message changed something. */
static int joined(struct lp_roommap *map, uint32_t peer_id, uint64_t seq, enum lp_role role,
                  uint32_t mac, bool *ret_changed)
{
    struct lp_peer_joined message = {.peer_id = peer_id, .seq = seq, .role = role, .name = "x"};
    struct lp_room_peer *changed = NULL;
    int err;

    if (role == LP_ROLE_CLIENT) {
        message.has_mac = true;
        message.mac = mac_of(mac);
    }
    err = lp_roommap_joined(map, &message, &changed);
    *ret_changed = changed != NULL;
    if (changed != NULL)
        assert_int_equal(changed->peer_id, peer_id);
    return err;
}

static bool client_joined(struct lp_roommap *map, uint32_t peer_id, uint64_t seq)
{
    bool changed;

    assert_int_equal(joined(map, peer_id, seq, LP_ROLE_CLIENT, peer_id, &changed), 0);
    return changed;
}

static bool left(struct lp_roommap *map, uint32_t peer_id, uint64_t seq)
{
    struct lp_peer_left message = {.peer_id = peer_id, .seq = seq, .reason = LP_LEAVE_NORMAL};
    struct lp_room_peer *changed = NULL;

    assert_int_equal(lp_roommap_left(map, &message, &changed), 0);
    return changed != NULL;
}

static struct lp_room_peer *find_mac(struct lp_roommap *map, uint32_t number)
{
    struct lp_mac mac = mac_of(number);

    return lp_roommap_find_mac(map, &mac);
}

static void test_join_and_leave(void **state)
{
    struct lp_roommap *map = *state;

    assert_true(client_joined(map, 7, 1));
    assert_non_null(lp_roommap_find(map, 7));
    assert_ptr_equal(find_mac(map, 7), lp_roommap_find(map, 7));
    assert_int_equal(map->present, 1);
    assert_true(left(map, 7, 2));
    assert_null(lp_roommap_find(map, 7));
    assert_null(find_mac(map, 7));
    assert_int_equal(map->present, 0);
    assert_int_equal(map->gone, 1);
}

static void test_late_join_makes_no_ghost(void **state)
{
    struct lp_roommap *map = *state;

    assert_true(client_joined(map, 7, 1));
    assert_true(left(map, 7, 5));
    assert_false(client_joined(map, 7, 4));
    assert_null(lp_roommap_find(map, 7));
    assert_null(find_mac(map, 7));
    assert_int_equal(map->present, 0);
}

static void test_left_before_it_was_heard_of(void **state)
{
    struct lp_roommap *map = *state;

    assert_false(left(map, 7, 2));
    assert_int_equal(map->gone, 1);
    assert_false(client_joined(map, 7, 1));
    assert_null(lp_roommap_find(map, 7));
}

static void test_same_seq_again_changes_nothing(void **state)
{
    struct lp_roommap *map = *state;

    assert_true(client_joined(map, 7, 3));
    assert_false(client_joined(map, 7, 3));
    assert_false(left(map, 7, 3));
    assert_non_null(lp_roommap_find(map, 7));
    assert_int_equal(map->present, 1);
}

static void test_announced_again(void **state)
{
    struct lp_roommap *map = *state;

    assert_true(client_joined(map, 7, 3));
    assert_false(client_joined(map, 7, 6));
    assert_false(left(map, 7, 5)); /* older than the second announcement */
    assert_non_null(lp_roommap_find(map, 7));
    assert_true(left(map, 7, 7));
}

static void test_seq_counts_for_each_peer(void **state)
{
    struct lp_roommap *map = *state;

    assert_true(client_joined(map, 8, 100));
    assert_true(client_joined(map, 7, 1));
    assert_int_equal(map->present, 2);
}

static void test_gateway(void **state)
{
    struct lp_roommap *map = *state;
    bool changed;

    assert_int_equal(joined(map, 3, 1, LP_ROLE_GATEWAY, 0, &changed), 0);
    assert_true(changed);
    assert_int_equal(map->gateway->peer_id, 3);
    assert_int_equal(joined(map, 4, 2, LP_ROLE_GATEWAY, 0, &changed), 0);
    assert_int_equal(map->gateway->peer_id, 4); /* the new one */
    assert_true(left(map, 3, 3));
    assert_int_equal(map->gateway->peer_id, 4); /* the old one's farewell is not its */
    assert_true(left(map, 4, 4));
    assert_null(map->gateway);
}

/* Two gateways, the messages in the worst order: the older one's arrival comes last. */
static void test_late_arrival_of_the_gateway_before(void **state)
{
    struct lp_roommap *map = *state;
    bool changed;

    assert_int_equal(joined(map, 4, 7, LP_ROLE_GATEWAY, 0, &changed), 0);
    assert_int_equal(joined(map, 3, 1, LP_ROLE_GATEWAY, 0, &changed), 0);
    assert_int_equal(map->gateway->peer_id, 4);
    assert_true(left(map, 3, 6));
    assert_non_null(map->gateway);
    assert_int_equal(map->gateway->peer_id, 4);
}

static void test_late_arrival_of_the_mac_before(void **state)
{
    struct lp_roommap *map = *state;
    bool changed;

    assert_int_equal(joined(map, 9, 7, LP_ROLE_CLIENT, 7, &changed), 0);
    assert_int_equal(joined(map, 7, 1, LP_ROLE_CLIENT, 7, &changed), 0);
    assert_false(changed);
    assert_int_equal(find_mac(map, 7)->peer_id, 9);
    assert_null(lp_roommap_find(map, 7));
    assert_false(left(map, 7, 6));
    assert_int_equal(find_mac(map, 7)->peer_id, 9);
    assert_int_equal(map->present, 1);
    assert_int_equal(map->gone, 1);
}

static void test_has_left(void **state)
{
    struct lp_roommap *map = *state;

    assert_false(lp_roommap_has_left(map, 7));
    assert_true(client_joined(map, 7, 1));
    assert_false(lp_roommap_has_left(map, 7));
    assert_true(left(map, 7, 2));
    assert_true(lp_roommap_has_left(map, 7));
    assert_false(left(map, 8, 3));
    assert_true(lp_roommap_has_left(map, 8));
}

/* A player came back under a new id, and its old id's farewell is still on the way. */
static void test_newcomer_with_the_same_mac(void **state)
{
    struct lp_roommap *map = *state;
    bool changed;

    assert_true(client_joined(map, 7, 1));
    assert_int_equal(joined(map, 9, 3, LP_ROLE_CLIENT, 7, &changed), 0);
    assert_true(changed);
    assert_int_equal(find_mac(map, 7)->peer_id, 9);
    assert_null(lp_roommap_find(map, 7));
    assert_int_equal(map->present, 1);
    assert_false(left(map, 7, 2));
    assert_int_equal(find_mac(map, 7)->peer_id, 9);
}

static void test_pieces_of_who_left_are_lost(void **state)
{
    struct lp_roommap *map = *state;
    struct lp_room_peer *peer;

    assert_true(client_joined(map, 7, 1));
    peer = lp_roommap_find(map, 7);
    peer->pieces = malloc(sizeof(*peer->pieces));
    assert_non_null(peer->pieces);
    lp_reassembly_init(peer->pieces);
    peer->pieces->used = 2;
    assert_true(left(map, 7, 2));
    assert_int_equal(map->pieces_lost, 2);
    lp_roommap_clear(map);
    assert_int_equal(map->pieces_lost, 2); /* until the caller has counted them */
}

static void test_bounds(void **state)
{
    struct lp_roommap *map = *state;
    bool changed;

    for (uint32_t id = 1; id <= LP_ROOMMAP_PRESENT_MAX; id++)
        assert_true(client_joined(map, id, id));
    assert_int_equal(joined(map, 999, 999, LP_ROLE_CLIENT, 999, &changed), LP_ERR_FULL);
    assert_int_equal(map->present, LP_ROOMMAP_PRESENT_MAX);
    for (uint32_t id = 10000; id < 10000 + LP_ROOMMAP_GONE_MAX + 50; id++)
        assert_false(left(map, id, id));
    assert_int_equal(map->gone, LP_ROOMMAP_GONE_MAX);
    /* the latest are remembered, and nobody who is present was forgotten */
    assert_false(client_joined(map, 10000 + LP_ROOMMAP_GONE_MAX + 49, 5));
    for (uint32_t id = 1; id <= LP_ROOMMAP_PRESENT_MAX; id++)
        assert_non_null(lp_roommap_find(map, id));
}

/* Each newcomer takes the MAC of the one before: all of those are remembered, within the bound.
 */
static void test_bound_when_one_mac_changes_hands(void **state)
{
    struct lp_roommap *map = *state;
    uint32_t last = 2 * LP_ROOMMAP_GONE_MAX;
    bool changed;

    for (uint32_t id = 1; id <= last; id++) {
        assert_int_equal(joined(map, id, id, LP_ROLE_CLIENT, 7, &changed), 0);
        assert_true(changed);
        assert_int_equal(map->present, 1);
        assert_int_equal(map->gone,
                         id - 1 < LP_ROOMMAP_GONE_MAX ? id - 1 : LP_ROOMMAP_GONE_MAX);
        assert_int_equal(HASH_CNT(by_id, map->by_id), map->present + map->gone);
    }
    assert_int_equal(find_mac(map, 7)->peer_id, last);
}

/* Who was there first leaves last: the memory that makes room for it is another's. */
static void test_bound_does_not_take_the_one_that_leaves(void **state)
{
    struct lp_roommap *map = *state;
    struct lp_peer_left message = {.peer_id = 1, .reason = LP_LEAVE_NORMAL};
    struct lp_room_peer *changed = NULL;

    assert_true(client_joined(map, 1, 1));
    for (uint32_t id = 2; id < LP_ROOMMAP_GONE_MAX + 2; id++)
        assert_false(left(map, id, id));
    assert_int_equal(map->gone, LP_ROOMMAP_GONE_MAX);
    message.seq = LP_ROOMMAP_GONE_MAX + 2;
    assert_int_equal(lp_roommap_left(map, &message, &changed), 0);
    assert_int_equal(map->gone, LP_ROOMMAP_GONE_MAX);
    assert_non_null(changed);
    assert_true(lp_roommap_has_left(map, 1));
    assert_int_equal(changed->peer_id, 1); /* still there to be told of */
    assert_int_equal(changed->seq, message.seq);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_join_and_leave, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_late_join_makes_no_ghost, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_left_before_it_was_heard_of, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_same_seq_again_changes_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_announced_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_seq_counts_for_each_peer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_gateway, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_newcomer_with_the_same_mac, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_pieces_of_who_left_are_lost, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bounds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_late_arrival_of_the_gateway_before, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_late_arrival_of_the_mac_before, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_has_left, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bound_when_one_mac_changes_hands, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_bound_does_not_take_the_one_that_leaves, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
