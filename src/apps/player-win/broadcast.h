/* The check of broadcastcheck.h on Windows: the datagram, and where Windows sends such. */
#ifndef LP_APPS_PLAYER_WIN_BROADCAST_H
#define LP_APPS_PLAYER_WIN_BROADCAST_H

#include "apps/player-win/broadcastcheck.h"
#include "platform/windows/errno.h"

/* As a game does, from a socket that is bound to nothing. 0, or a Windows error number. */
unsigned long lp_broadcast_send(const struct lp_broadcast_check *check);

/*
 * Why it was not seen: `error` of the send; `adapter` is the index of the party's interface, `behind`
 * as in struct lp_broadcast_found.
 */
void lp_broadcast_find_cause(unsigned long error, unsigned adapter, bool behind,
                             char ret_why[LP_WHY_LEN]);

#endif
