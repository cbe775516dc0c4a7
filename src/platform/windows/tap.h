/*
 * A TAP-Windows6 device and the thread that reads it: tap.c talks to the driver, link.c to the loop.
 * For platform/windows and the self-test.
 *
 * The driver owns a buffer from the call until the completion, so all buffers live in struct
 * lp_tap, which the thread and the link hold together: the last of the two frees it. A driver
 * that never gives a buffer back costs memory, not a use after free.
 *
 * Frames come out of a ring in the loop's thread. `wake` runs in the device's thread, when there
 * are some or when the device went away, and never after lp_tap_close returned.
 *
 * Limits: LP_TAP_FRAME_MAX octets a frame; LP_TAP_READS reads and LP_TAP_WRITES writes in flight;
 * LP_TAP_RING frames wait for the loop, what comes then is dropped and counted.
 */
#ifndef LP_PLATFORM_WINDOWS_TAP_H
#define LP_PLATFORM_WINDOWS_TAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "platform/platform.h"

#define LP_TAP_FRAME_MAX 2048u /* the driver's are 1514; a shorter buffer would lose a frame */
#define LP_TAP_READS     32u
#define LP_TAP_WRITES    64u
#define LP_TAP_RING      512u

struct lp_tap;

struct lp_tap_version {
    unsigned major, minor;
};

/*
 * Opens the device with its media disconnected. Nothing is read before lp_tap_set_media: the
 * driver refuses reads and writes while there is no media.
 */
int lp_tap_open(const struct lp_tap_adapter *adapter, void (*wake)(void *user), void *user,
                struct lp_tap **ret_tap, char why[LP_WHY_LEN]);
/* Media disconnected, everything in flight cancelled and waited for. Consumes; NULL is fine. */
void lp_tap_close(struct lp_tap *tap);

void lp_tap_mac(const struct lp_tap *tap, struct lp_mac *ret_mac);
void lp_tap_version(const struct lp_tap *tap, struct lp_tap_version *ret_version);
/* LP_ERR_CLOSED: the device went away. */
int lp_tap_set_media(struct lp_tap *tap, bool connected);
bool lp_tap_has_media(const struct lp_tap *tap);
bool lp_tap_is_gone(const struct lp_tap *tap);

/* Borrowed until the next read. LP_ERR_AGAIN: none. LP_ERR_CLOSED: none, and none will come. */
int lp_tap_read(struct lp_tap *tap, const uint8_t **ret_frame, size_t *ret_len);
bool lp_tap_is_readable(const struct lp_tap *tap);
/* LP_ERR_AGAIN: no media, or all buffers are in use. LP_ERR_RANGE: longer than the driver's. */
int lp_tap_write(struct lp_tap *tap, const uint8_t *frame, size_t len);

/* Frames that the ring had no room for, and reads that failed; they count up. */
void lp_tap_lost(const struct lp_tap *tap, uint64_t *ret_overruns, uint64_t *ret_failed);

#endif
