/*
 * The relay and whoever runs it: start, crash, orderly stop. Keeps a record of every seat that
 * a relay gave, from the relay's own events, and checks that they tell a possible story.
 */
#ifndef SIM_OPERATOR_H
#define SIM_OPERATOR_H

#include "party.h"

void sim_relay_start(struct sim_party *party);
void sim_relay_crash(struct sim_party *party); /* fine when it does not run */
void sim_relay_stop(struct sim_party *party);

uint64_t sim_relay_next_deadline(const struct sim_party *party);
/* The relay's part of a turn of the loop. */
void sim_relay_run(struct sim_party *party);

#endif
