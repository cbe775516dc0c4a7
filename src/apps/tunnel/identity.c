#include "apps/tunnel/identity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/err.h"
#include "base/hex.h"
#include "platform/platform.h"

static int write_file(const struct lp_identity *identity, char why[LP_FILE_WHY_LEN])
{
    char mac[LP_MAC_TEXT_LEN], secret[2 * LP_SEAT_SECRET_LEN + 1];
    json_t *seats = json_array();
    json_t *root;
    char *text;
    int err;

    for (unsigned i = 0; i < identity->seat_count; i++) {
        const struct lp_seat *seat = &identity->seat[i];

        json_array_append_new(
            seats, json_pack("{ssssss}", "relay", seat->relay, "room", seat->room, "secret",
                             lp_hex_encode(seat->secret, LP_SEAT_SECRET_LEN, secret)));
    }
    root = json_pack("{sssO}", "mac", lp_mac_format(&identity->mac, mac), "seats", seats);
    json_decref(seats);
    text = root != NULL ? json_dumps(root, JSON_INDENT(2)) : NULL;
    json_decref(root);
    if (text == NULL) {
        snprintf(why, LP_FILE_WHY_LEN, "out of memory");
        return LP_ERR_NOMEM;
    }
    err = lp_file_write(identity->path, text, strlen(text), 0600, why);
    free(text);
    return err;
}

static bool read_seat(json_t *entry, struct lp_seat *ret_seat)
{
    const char *relay, *room, *secret;

    if (json_unpack(entry, "{ssssss}", "relay", &relay, "room", &room, "secret", &secret) != 0)
        return false;
    if (strlen(relay) >= sizeof(ret_seat->relay) || !lp_room_code_valid(room) ||
        strlen(secret) != 2 * LP_SEAT_SECRET_LEN)
        return false;
    snprintf(ret_seat->relay, sizeof(ret_seat->relay), "%s", relay);
    snprintf(ret_seat->room, sizeof(ret_seat->room), "%s", room);
    return lp_hex_decode(secret, 2 * LP_SEAT_SECRET_LEN, ret_seat->secret) == 0;
}

static int read_json(struct lp_identity *identity, const char *text)
{
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    json_t *seats, *entry;
    const char *mac;
    size_t i;
    int err = LP_ERR_MALFORMED;

    if (root != NULL && json_unpack(root, "{ssso}", "mac", &mac, "seats", &seats) == 0 &&
        json_is_array(seats) && lp_mac_parse(mac, &identity->mac) == 0 &&
        lp_mac_is_local(&identity->mac) && !lp_mac_is_group(&identity->mac)) {
        err = 0;
        json_array_foreach(seats, i, entry)
        {
            if (identity->seat_count >= LP_IDENTITY_SEATS_MAX ||
                !read_seat(entry, &identity->seat[identity->seat_count++])) {
                err = LP_ERR_MALFORMED;
                break;
            }
        }
    }
    json_decref(root);
    return err;
}

static int lock(struct lp_identity *identity, char why[LP_FILE_WHY_LEN])
{
    char path[LP_PATH_LEN + 8], file_why[LP_FILE_WHY_LEN];
    int lock;

    snprintf(path, sizeof(path), "%s.lock", identity->path);
    lock = lp_file_lock(path, file_why);
    if (lock >= 0) {
        identity->lock_fd = lock;
        return 0;
    }
    if (lock != LP_ERR_BUSY) {
        snprintf(why, LP_FILE_WHY_LEN, "%.460s (another place: --identity FILE)", file_why);
        return LP_ERR_PERMISSION;
    }
    snprintf(
        why, LP_FILE_WHY_LEN,
        "the identity %.300s is in use by another running program: end that one, or give this "
        "one an identity of its own with --identity FILE",
        identity->path);
    return LP_ERR_BUSY;
}

static int make_new(struct lp_identity *identity, char why[LP_FILE_WHY_LEN])
{
    lp_random_bytes(identity->mac.octet, LP_MAC_LEN);
    lp_mac_make_local_unicast(&identity->mac);
    return write_file(identity, why);
}

int lp_identity_open(struct lp_identity *identity, const char *path, char why[LP_FILE_WHY_LEN])
{
    uint8_t *text = NULL;
    size_t len;
    int err;

    memset(identity, 0, sizeof(*identity));
    identity->lock_fd = -1;
    if (snprintf(identity->path, sizeof(identity->path), "%s", path) >= LP_PATH_LEN) {
        snprintf(why, LP_FILE_WHY_LEN, "path is too long: %.200s...", path);
        return LP_ERR_RANGE;
    }
    err = lp_file_make_parents(path, why);
    if (err == 0)
        err = lp_file_check_regular(path, why);
    if (err == 0)
        err = lock(identity, why);
    if (err == 0) {
        err = lp_file_read(path, &text, &len, why);
        if (err == LP_ERR_NOTFOUND) {
            err = make_new(identity, why);
        } else if (err == 0 && read_json(identity, (const char *)text) < 0) {
            snprintf(why, LP_FILE_WHY_LEN,
                     "the identity file %.300s is damaged: delete it, a new one is made", path);
            err = LP_ERR_MALFORMED;
        }
    }
    free(text);
    if (err < 0)
        lp_identity_close(identity);
    return err;
}

void lp_identity_close(struct lp_identity *identity)
{
    if (identity->lock_fd >= 0)
        lp_file_unlock(identity->lock_fd);
    identity->lock_fd = -1;
}

static unsigned find(const struct lp_identity *identity, const char *relay, const char *room)
{
    unsigned i = 0;

    while (i < identity->seat_count && (strcmp(identity->seat[i].relay, relay) != 0 ||
                                        strcmp(identity->seat[i].room, room) != 0))
        i++;
    return i;
}

const uint8_t *lp_identity_find_seat(const struct lp_identity *identity, const char *relay,
                                     const char *room)
{
    unsigned i = find(identity, relay, room);

    return i < identity->seat_count ? identity->seat[i].secret : NULL;
}

int lp_identity_keep_seat(struct lp_identity *identity, const char *relay, const char *room,
                          const uint8_t secret[LP_SEAT_SECRET_LEN], char why[LP_FILE_WHY_LEN])
{
    unsigned i = find(identity, relay, room);
    struct lp_seat *last;

    if (i < identity->seat_count &&
        memcmp(identity->seat[i].secret, secret, LP_SEAT_SECRET_LEN) == 0)
        return 0;
    if (i == LP_IDENTITY_SEATS_MAX)
        i = 0; /* the one used longest ago goes */
    if (i < identity->seat_count) {
        memmove(&identity->seat[i], &identity->seat[i + 1],
                (identity->seat_count - i - 1) * sizeof(identity->seat[0]));
        identity->seat_count--;
    }
    last = &identity->seat[identity->seat_count++];
    snprintf(last->relay, sizeof(last->relay), "%s", relay);
    snprintf(last->room, sizeof(last->room), "%s", room);
    memcpy(last->secret, secret, LP_SEAT_SECRET_LEN);
    return write_file(identity, why);
}
