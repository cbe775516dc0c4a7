/*
 * Which classes of frames (proto/safety.h) are dropped, and under which reason they are told.
 * The one place where client, relay and gateway get it from.
 */
#ifndef LP_CORE_POLICY_H
#define LP_CORE_POLICY_H

#include <stddef.h>
#include <stdint.h>

#include "diag/drop.h"
#include "proto/ethernet.h"

enum lp_policy_origin {
    LP_ORIGIN_REMOTE, /* a player's frame: the full set */
    LP_ORIGIN_LAN,    /* from the party's LAN: the both-directions set */
};

/* The reason for the most telling filtered class, LP_FORWARD when none is filtered. */
enum lp_drop lp_policy_filter(uint32_t classes, enum lp_policy_origin origin);

/* Classifies and filters in one go. */
enum lp_drop lp_policy_judge(const struct lp_eth *eth, size_t frame_len,
                             enum lp_policy_origin origin);

#endif
