/* Membership: slots, peer ids, admission, seats that are taken over, sets of slots. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "party.h"

static const struct lp_fdb_salt salt = {.factor = 0x9e3779b97f4a7c15};

static void a_new_room_is_empty(void **state)
{
    struct lp_room room;

    lp_room_init(&room, 5, "party-1", 1380, &salt);
    assert_true(lp_room_is_empty(&room));
    assert_string_equal(room.code, "party-1");
    assert_int_equal(room.mtu, 1380);
    assert_null(lp_room_find_mac(&room, &client_mac[0]));
    assert_int_equal(lp_room_next_seq(&room), 1);
    assert_int_equal(lp_room_next_seq(&room), 2);
    lp_room_deinit(&room);
}

static void peers_get_slots_and_ids(void **state)
{
    struct party p;

    party_set_up(&p);
    for (unsigned i = 0; i < PEERS; i++) {
        assert_int_equal(p.peer[i].peer_id, i + 1);
        assert_int_equal(p.peer[i].slot, i);
        assert_ptr_equal(p.room.member[i], &p.peer[i]);
        assert_int_equal(p.peer[i].last_seen_ns, T0);
    }
    assert_int_equal(p.room.client_count, 3);
    assert_ptr_equal(p.room.gateway, &p.peer[GATEWAY]);
    assert_ptr_equal(lp_room_find_mac(&p.room, &client_mac[1]), &p.peer[1]);
    assert_int_equal(targets_of(&p, &p.room.clients), 0x7);
    assert_int_equal(p.peer[0].broadcast.tokens, 64);
    assert_int_equal(p.peer[0].bytes.tokens, 4 << 20);
    party_tear_down(&p);
}

static void ids_are_not_used_again(void **state)
{
    struct lp_limits limits = default_limits();
    struct party p;

    party_set_up(&p);
    lp_room_remove(&p.room, &p.peer[1]);
    assert_int_equal(p.peer[1].peer_id, 0);
    assert_null(p.room.member[1]);
    assert_null(lp_room_find_mac(&p.room, &client_mac[1]));
    assert_int_equal(targets_of(&p, &p.room.clients), 0x5);
    assert_int_equal(party_join(&p, 1, &limits), 0);
    assert_int_equal(p.peer[1].peer_id, 5);
    assert_int_equal(p.peer[1].slot, 1);
    lp_room_remove(&p.room, &p.peer[GATEWAY]);
    assert_null(p.room.gateway);
    assert_int_equal(p.room.client_count, 3);
    assert_int_equal(party_join(&p, GATEWAY, &limits), 0);
    assert_int_equal(p.peer[GATEWAY].peer_id, 6);
    p.room.last_peer_id = UINT32_MAX;
    lp_room_remove(&p.room, &p.peer[0]);
    assert_int_equal(party_join(&p, 0, &limits), LP_REJECT_ROOM_FULL);
    party_tear_down(&p);
}

static void admission(void **state)
{
    struct lp_limits limits = default_limits();
    struct lp_member gateway = {.role = LP_ROLE_GATEWAY};
    struct lp_member twin = {.role = LP_ROLE_CLIENT, .mac = client_mac[2]};
    struct lp_member fourth = {.role = LP_ROLE_CLIENT, .mac = {{0x02, 9, 9, 9, 9, 9}}};
    struct party p;

    party_set_up(&p);
    assert_int_equal(lp_room_add(&p.room, &gateway, &limits, 16, T0),
                     LP_REJECT_GATEWAY_PRESENT);
    assert_int_equal(lp_room_add(&p.room, &twin, &limits, 16, T0), LP_REJECT_DUPLICATE_MAC);
    assert_int_equal(lp_room_add(&p.room, &twin, &limits, 3, T0), LP_REJECT_DUPLICATE_MAC);
    assert_int_equal(lp_room_add(&p.room, &fourth, &limits, 3, T0), LP_REJECT_ROOM_FULL);
    assert_int_equal(fourth.peer_id, 0);
    assert_int_equal(p.room.last_peer_id, 4); /* a refusal uses nothing up */
    assert_int_equal(lp_room_add(&p.room, &fourth, &limits, 4, T0), 0);
    assert_int_equal(fourth.peer_id, 5);
    lp_room_remove(&p.room, &fourth);
    party_tear_down(&p);
}

static void a_gateway_finds_a_slot_in_a_full_room(void **state)
{
    static struct lp_member clients[LP_ROOM_SLOTS];
    struct lp_member gateway = {.role = LP_ROLE_GATEWAY};
    struct lp_limits limits = default_limits();
    struct lp_room room;
    unsigned added = 0;

    lp_room_init(&room, 1, "full", 1380, &salt);
    for (unsigned i = 0; i < LP_ROOM_SLOTS; i++) {
        clients[i] =
            (struct lp_member){.role = LP_ROLE_CLIENT, .mac = {{0x02, 0, 0, 1, 0, (uint8_t)i}}};
        if (lp_room_add(&room, &clients[i], &limits, UINT32_MAX, T0) == 0)
            added++;
    }
    assert_int_equal(added, LP_ROOM_SLOTS - 1);
    assert_int_equal(lp_room_add(&room, &gateway, &limits, UINT32_MAX, T0), 0);
    assert_int_equal(gateway.slot, LP_ROOM_SLOTS - 1);
    assert_int_equal(lp_peer_set_count(&room.clients), LP_ROOM_SLOTS - 1);
    for (unsigned i = 0; i < LP_ROOM_SLOTS - 1; i++) {
        assert_ptr_equal(lp_room_find_mac(&room, &clients[i].mac), &clients[i]);
        lp_room_remove(&room, &clients[i]);
    }
    lp_room_remove(&room, &gateway);
    assert_true(lp_room_is_empty(&room));
    lp_room_deinit(&room);
}

static void a_seat_is_taken_over(void **state)
{
    struct lp_member successor = {.overlay_flags = PIECE};
    struct party p;

    party_set_up(&p);
    make_frame(&p, &client_mac[1], &everybody, 0x88b5);
    judge_frame_at(&p, 1, 60, T0 + 1);
    judge_piece_at(&p, 1, 1, true, 1514, T0 + 1); /* makes the piece table */
    lp_room_replace(&p.room, &p.peer[1], &successor);
    assert_int_equal(p.peer[1].peer_id, 0);
    assert_null(p.peer[1].pieces);
    assert_int_equal(successor.peer_id, 2);
    assert_int_equal(successor.slot, 1);
    assert_int_equal(successor.role, LP_ROLE_CLIENT);
    assert_int_equal(successor.overlay_flags, PIECE);
    assert_int_equal(successor.broadcast.tokens, 63); /* no fresh burst by reconnecting */
    assert_true(lp_mac_equal(&successor.mac, &client_mac[1]));
    assert_int_equal(successor.last_seen_ns, T0 + 1);
    assert_ptr_equal(p.room.member[1], &successor);
    assert_ptr_equal(lp_room_find_mac(&p.room, &client_mac[1]), &successor);
    assert_int_equal(p.room.client_count, 3);
    assert_true(lp_peer_set_has(&p.room.clients, 1));
    lp_room_remove(&p.room, &successor);
    assert_null(lp_room_find_mac(&p.room, &client_mac[1]));
    party_tear_down(&p);
}

/* The only client of a room, again and again. */
static void the_only_seat_is_taken_over(void **state)
{
    struct lp_member members[2] = {{.role = LP_ROLE_CLIENT, .mac = client_mac[0]}};
    struct lp_limits limits = default_limits();
    struct lp_room room;

    lp_room_init(&room, 1, "one", 1380, &salt);
    assert_int_equal(lp_room_add(&room, &members[0], &limits, 1, T0), 0);
    for (unsigned i = 0; i < 100; i++) {
        members[(i + 1) % 2] = (struct lp_member){0};
        lp_room_replace(&room, &members[i % 2], &members[(i + 1) % 2]);
        assert_ptr_equal(lp_room_find_mac(&room, &client_mac[0]), &members[(i + 1) % 2]);
    }
    assert_int_equal(members[0].peer_id, 1);
    lp_room_remove(&room, &members[0]);
    lp_room_deinit(&room);
}

static void a_gateways_seat_is_taken_over_with_what_was_learned(void **state)
{
    struct lp_member successor = {0};
    struct party p;

    party_set_up(&p);
    make_frame(&p, &lan_mac, &client_mac[0], 0x88b5);
    judge_frame_at(&p, GATEWAY, 60, T0);
    lp_room_replace(&p.room, &p.peer[GATEWAY], &successor);
    assert_ptr_equal(p.room.gateway, &successor);
    assert_int_equal(successor.peer_id, 4);
    assert_true(lp_fdb_knows(&p.room.fdb, &lan_mac, T0));
    lp_room_remove(&p.room, &successor);
    assert_false(lp_fdb_knows(&p.room.fdb, &lan_mac, T0));
    party_tear_down(&p);
}

static void a_client_that_registers_is_no_longer_learned(void **state)
{
    struct lp_limits limits = default_limits();
    struct party p;

    party_set_up(&p);
    lp_room_remove(&p.room, &p.peer[2]);
    make_frame(&p, &client_mac[2], &client_mac[0], 0x88b5);
    assert_int_equal(judge_frame_at(&p, GATEWAY, 60, T0)->verdict, LP_FORWARD);
    assert_true(lp_fdb_knows(&p.room.fdb, &client_mac[2], T0));
    assert_int_equal(party_join(&p, 2, &limits), 0);
    assert_false(lp_fdb_knows(&p.room.fdb, &client_mac[2], T0));
    party_tear_down(&p);
}

static void sets_of_slots(void **state)
{
    static const unsigned members[] = {0, 1, 63, 64, 127, 128, 200, 255};
    struct lp_peer_set set = {0};
    unsigned slot = 0;

    assert_int_equal(lp_peer_set_next(&set, 0), LP_ROOM_SLOTS);
    assert_int_equal(lp_peer_set_count(&set), 0);
    for (size_t i = 0; i < 8; i++)
        lp_peer_set_add(&set, members[i]);
    assert_int_equal(lp_peer_set_count(&set), 8);
    for (size_t i = 0; i < 8; i++) {
        slot = lp_peer_set_next(&set, slot);
        assert_int_equal(slot, members[i]);
        assert_true(lp_peer_set_has(&set, slot));
        slot++;
    }
    assert_int_equal(lp_peer_set_next(&set, slot), LP_ROOM_SLOTS);
    lp_peer_set_remove(&set, 64);
    assert_false(lp_peer_set_has(&set, 64));
    assert_int_equal(lp_peer_set_next(&set, 64), 127);
    assert_int_equal(lp_peer_set_count(&set), 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_room_is_empty),
        cmocka_unit_test(peers_get_slots_and_ids),
        cmocka_unit_test(ids_are_not_used_again),
        cmocka_unit_test(admission),
        cmocka_unit_test(a_gateway_finds_a_slot_in_a_full_room),
        cmocka_unit_test(a_seat_is_taken_over),
        cmocka_unit_test(the_only_seat_is_taken_over),
        cmocka_unit_test(a_gateways_seat_is_taken_over_with_what_was_learned),
        cmocka_unit_test(a_client_that_registers_is_no_longer_learned),
        cmocka_unit_test(sets_of_slots),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
