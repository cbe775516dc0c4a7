/* Who a peer is between runs. */
#include "bed.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "apps/tunnel/identity.h"
#include "base/err.h"

static char why[LP_FILE_WHY_LEN];

static void open_good(struct lp_identity *identity, const char *name)
{
    why[0] = '\0';
    if (lp_identity_open(identity, bed_path(name), why) != 0)
        fail_msg("%s: %s", name, why);
}

static void fill(uint8_t secret[LP_SEAT_SECRET_LEN], unsigned number)
{
    memset(secret, 0, LP_SEAT_SECRET_LEN);
    secret[0] = (uint8_t)number;
    secret[LP_SEAT_SECRET_LEN - 1] = 0xa5;
}

static void keep(struct lp_identity *identity, const char *room, unsigned number)
{
    uint8_t secret[LP_SEAT_SECRET_LEN];

    fill(secret, number);
    assert_int_equal(lp_identity_keep_seat(identity, "relay:443", room, secret, why), 0);
}

static bool has(const struct lp_identity *identity, const char *room, unsigned number)
{
    const uint8_t *found = lp_identity_find_seat(identity, "relay:443", room);
    uint8_t secret[LP_SEAT_SECRET_LEN];

    fill(secret, number);
    return found != NULL && memcmp(found, secret, sizeof(secret)) == 0;
}

static void made_once_and_kept(void **state)
{
    struct lp_identity identity, again, other;
    struct stat status;

    (void)state;
    open_good(&identity, "made/id.json");
    assert_true(lp_mac_is_local(&identity.mac));
    assert_false(lp_mac_is_group(&identity.mac));
    assert_int_equal(identity.seat_count, 0);
    assert_int_equal(stat(bed_path("made/id.json"), &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    lp_identity_close(&identity);

    open_good(&again, "made/id.json");
    assert_memory_equal(&again.mac, &identity.mac, sizeof(again.mac));
    open_good(&other, "made/other.json");
    assert_memory_not_equal(&other.mac, &identity.mac, sizeof(other.mac));
    lp_identity_close(&again);
    lp_identity_close(&other);
    lp_identity_close(&other); /* twice is fine */
}

static void one_program_at_a_time(void **state)
{
    struct lp_identity first, second;

    (void)state;
    open_good(&first, "busy.json");
    assert_int_equal(lp_identity_open(&second, bed_path("busy.json"), why), LP_ERR_BUSY);
    assert_non_null(strstr(why, "busy.json is in use"));
    assert_non_null(strstr(why, "--identity FILE"));
    assert_int_equal(second.lock_fd, -1);
    lp_identity_close(&first);
    open_good(&second, "busy.json");
    lp_identity_close(&second);
}

/* Each with a fault of its own in what would else be good. */
static void damaged_files_are_not_used(void **state)
{
    static const char *const texts[] = {
        "",
        "{",
        "[]",
        "{}",
        "{\"mac\": \"02:00:00:00:00:01\"}",
        "{\"seats\": []}",
        "{\"mac\": 5, \"seats\": []}",
        "{\"mac\": \"02:00:00:00:00:01\", \"seats\": {}}",
        "{\"mac\": \"02:00:00:00:00\", \"seats\": []}",
        "{\"mac\": \"00:00:00:00:00:01\", \"seats\": []}", /* not local */
        "{\"mac\": \"03:00:00:00:00:01\", \"seats\": []}", /* a group */
        "{\"mac\": \"02:00:00:00:00:01\", \"mac\": \"02:00:00:00:00:02\", \"seats\": []}",
        "{\"mac\": \"02:00:00:00:00:01\", \"seats\": [5]}",
        "{\"mac\": \"02:00:00:00:00:01\", \"seats\": [{\"relay\": \"r\", \"room\": \"R\"}]}",
        "{\"mac\": \"02:00:00:00:00:01\", \"seats\": [{\"relay\": \"r\", \"room\": \"R\", "
        "\"secret\": \"00\"}]}",
        "{\"mac\": \"02:00:00:00:00:01\", \"seats\": [{\"relay\": \"r\", \"room\": \"a b\", "
        "\"secret\": \"00000000000000000000000000000000\"}]}",
    };
    struct lp_identity identity;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        bed_write("damaged.json", texts[i]);
        if (lp_identity_open(&identity, bed_path("damaged.json"), why) != LP_ERR_MALFORMED)
            fail_msg("taken: %s", texts[i]);
        assert_non_null(strstr(why, "damaged.json is damaged: delete it"));
        assert_int_equal(identity.lock_fd, -1);
        assert_string_equal(bed_read("damaged.json"), texts[i]); /* left as it was */
    }
}

static void what_is_no_file_is_refused(void **state)
{
    struct lp_identity identity;
    char long_path[LP_PATH_LEN + 10];

    (void)state;
    assert_int_equal(mkdir(bed_path("folder"), 0755), 0);
    assert_int_equal(lp_identity_open(&identity, bed_path("folder"), why), LP_ERR_EXISTS);
    assert_non_null(strstr(why, "no regular file"));
    memset(long_path, 'x', sizeof(long_path) - 1);
    long_path[sizeof(long_path) - 1] = '\0';
    assert_int_equal(lp_identity_open(&identity, long_path, why), LP_ERR_RANGE);
}

static void seats_are_kept_and_replaced(void **state)
{
    struct lp_identity identity;

    (void)state;
    open_good(&identity, "seats.json");
    keep(&identity, "A", 1);
    keep(&identity, "B", 2);
    assert_true(has(&identity, "A", 1));
    keep(&identity, "A", 3);
    assert_int_equal(identity.seat_count, 2);
    assert_null(lp_identity_find_seat(&identity, "other:443", "A"));
    assert_null(lp_identity_find_seat(&identity, "relay:443", "C"));
    lp_identity_close(&identity);

    open_good(&identity, "seats.json");
    assert_int_equal(identity.seat_count, 2);
    assert_true(has(&identity, "A", 3));
    assert_true(has(&identity, "B", 2));
    assert_string_equal(identity.seat[1].room, "A"); /* used last */
    lp_identity_close(&identity);
}

/* The same secret again must not wear out a disk: a file that was removed stays away. */
static void the_same_seat_is_not_written_again(void **state)
{
    struct lp_identity identity;

    (void)state;
    open_good(&identity, "same.json");
    keep(&identity, "A", 1);
    remove(bed_path("same.json"));
    keep(&identity, "A", 1);
    assert_string_equal(bed_read("same.json"), "");
    keep(&identity, "A", 2);
    assert_string_not_equal(bed_read("same.json"), "");
    lp_identity_close(&identity);
}

static void the_seat_used_longest_ago_goes(void **state)
{
    struct lp_identity identity;
    char room[16];

    (void)state;
    open_good(&identity, "bound.json");
    for (unsigned i = 0; i < LP_IDENTITY_SEATS_MAX; i++) {
        snprintf(room, sizeof(room), "room-%u", i);
        keep(&identity, room, i);
    }
    assert_int_equal(identity.seat_count, 32);
    keep(&identity, "room-0", 100); /* used again: room-1 is the oldest now */
    keep(&identity, "one-more", 101);
    assert_int_equal(identity.seat_count, 32);
    assert_true(has(&identity, "room-0", 100));
    assert_true(has(&identity, "one-more", 101));
    assert_null(lp_identity_find_seat(&identity, "relay:443", "room-1"));
    assert_true(has(&identity, "room-2", 2));
    lp_identity_close(&identity);
    open_good(&identity, "bound.json");
    assert_int_equal(identity.seat_count, 32);
    lp_identity_close(&identity);
}

/* 33 seats in the file are not what we write. */
static void more_seats_than_there_can_be(void **state)
{
    struct lp_identity identity;
    char text[8192];
    size_t len;

    (void)state;
    len = (size_t)snprintf(text, sizeof(text), "{\"mac\": \"02:00:00:00:00:01\", \"seats\": [");
    for (unsigned i = 0; i <= LP_IDENTITY_SEATS_MAX; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len,
                                "%s{\"relay\": \"r\", \"room\": \"R%u\", \"secret\": "
                                "\"%0*u\"}",
                                i > 0 ? ", " : "", i, 2 * LP_SEAT_SECRET_LEN, i);
    snprintf(text + len, sizeof(text) - len, "]}");
    bed_write("many.json", text);
    assert_int_equal(lp_identity_open(&identity, bed_path("many.json"), why), LP_ERR_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(made_once_and_kept),
        cmocka_unit_test(one_program_at_a_time),
        cmocka_unit_test(damaged_files_are_not_used),
        cmocka_unit_test(what_is_no_file_is_refused),
        cmocka_unit_test(seats_are_kept_and_replaced),
        cmocka_unit_test(the_same_seat_is_not_written_again),
        cmocka_unit_test(the_seat_used_longest_ago_goes),
        cmocka_unit_test(more_seats_than_there_can_be),
    };

    return cmocka_run_group_tests(tests, bed_up, bed_down);
}
