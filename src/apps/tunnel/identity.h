/*
 * Who we are between runs: a generated MAC address, and the seat secret of each room, so that a
 * peer that comes back takes its own seat instead of meeting its own ghost. A JSON file,
 * readable by its owner only; locked while a program uses it, because two programs with one
 * identity would take the seat from each other for ever.
 */
#ifndef LP_APPS_TUNNEL_IDENTITY_H
#define LP_APPS_TUNNEL_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "apps/common/file.h"
#include "base/mac.h"
#include "proto/control.h"

#define LP_IDENTITY_SEATS_MAX 32

struct lp_seat {
    char relay[300]; /* "host:port" */
    char room[LP_ROOM_CODE_MAX + 1];
    uint8_t secret[LP_SEAT_SECRET_LEN];
};

struct lp_identity {
    char path[LP_PATH_LEN];
    int lock_fd; /* -1 = not locked */
    struct lp_mac mac;
    struct lp_seat seat[LP_IDENTITY_SEATS_MAX]; /* the one used last is the last */
    unsigned seat_count;
};

/*
 * Locks and reads the file; makes one with a new MAC address when there is none. LP_ERR_BUSY
 * when another program uses it, LP_ERR_MALFORMED when it is damaged.
 */
int lp_identity_open(struct lp_identity *identity, const char *path, char why[LP_FILE_WHY_LEN]);
void lp_identity_close(struct lp_identity *identity);

const uint8_t *lp_identity_find_seat(const struct lp_identity *identity, const char *relay,
                                     const char *room);
/* Remembers and writes the file. */
int lp_identity_keep_seat(struct lp_identity *identity, const char *relay, const char *room,
                          const uint8_t secret[LP_SEAT_SECRET_LEN], char why[LP_FILE_WHY_LEN]);

#endif
