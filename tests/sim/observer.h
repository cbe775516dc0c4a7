/*
 * Looks over the relay's shoulder: each frame that it judges, as its frame log tells it. What
 * players and gateways would stop as well must not even come that far.
 */
#ifndef SIM_OBSERVER_H
#define SIM_OBSERVER_H

#include "party.h"

void sim_observe_frame(void *user, const struct lp_frame_event *event);

#endif
