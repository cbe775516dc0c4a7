/*
 * One caller's session with the service: octets of a message in, actions, octets of its reply out.
 * Portable, so that whatever a hostile caller sends is tried on any system with a fake for the actions.
 *
 * What cannot be read or is out of order is answered by an error, ends the session and undoes
 * everything. A step that fails is answered by its error and can be tried again. The end undoes
 * everything, exactly once, however it comes.
 */
#ifndef LP_PLATFORM_SETTINGS_SVCSESSION_H
#define LP_PLATFORM_SETTINGS_SVCSESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "platform/settings/svcmsg.h"

/* All return 0 or an error and then write `why`. No step is called after `end`. */
struct lp_svc_actions {
    int (*prepare)(void *user, const char *guid, const struct lp_mac *mac,
                   char why[LP_WHY_LEN]);
    int (*pin)(void *user, const struct lp_addr *relay, char why[LP_WHY_LEN]);
    int (*configure)(void *user, const struct lp_wincfg_settings *settings,
                     char why[LP_WHY_LEN]);
    int (*check)(void *user, struct lp_wincfg_status *ret_status, char why[LP_WHY_LEN]);
    /* Undoes everything; also when nothing was done. What stays changed is an error. */
    int (*end)(void *user, char why[LP_WHY_LEN]);
    void *user;
};

struct lp_svcsession {
    const struct lp_svc_actions *actions;
    enum lp_svc_state state;
};

/* Borrows `actions`. */
void lp_svcsession_init(struct lp_svcsession *session, const struct lp_svc_actions *actions);

/*
 * One message as it came. Writes its reply and returns the reply's length; lp_svcsession_is_over then
 * says whether it was the last.
 */
size_t lp_svcsession_take(struct lp_svcsession *session, const uint8_t *bytes, size_t len,
                          uint8_t reply[LP_SVCMSG_MAX]);
bool lp_svcsession_is_over(const struct lp_svcsession *session);

/* The pipe is closed: undoes everything unless that was done. As `end`. */
int lp_svcsession_end(struct lp_svcsession *session, char why[LP_WHY_LEN]);

/* The reply for a caller who gets no session. Returns its length. */
size_t lp_svcsession_refusal(int err, const char *sentence, uint8_t reply[LP_SVCMSG_MAX]);

#endif
