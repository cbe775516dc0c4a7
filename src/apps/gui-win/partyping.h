/*
 * The round trip to the party: one ping a second to the DHCP server of the adapter, which is a
 * machine of the party's LAN whatever else there is. libuv's threads wait for the answer.
 */
#ifndef LP_APPS_GUI_WIN_PARTYPING_H
#define LP_APPS_GUI_WIN_PARTYPING_H

#include <stdbool.h>

#include <uv.h>

struct lp_partyping {
    uv_work_t work;
    bool under_way;
    char adapter[40]; /* instance id, "{...}" */
    double found_ms;  /* of the work */
    double ms;        /* of the last answer; below 0: none */
};

/* Starts one when none is under way. False: an answer is still waited for. */
bool lp_partyping_start(struct lp_partyping *ping, uv_loop_t *loop, const char *adapter);

#endif
