/* The relay's events as log lines. */
#ifndef LP_APPS_RELAY_EVENTS_H
#define LP_APPS_RELAY_EVENTS_H

#include "relay/relay.h"

void lp_relay_log_event(const struct lp_relay_event *event);

#endif
