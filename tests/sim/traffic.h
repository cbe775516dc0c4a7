/* Who sends what when: players, the machines on the LAN, and the probes after the network has
 * healed. */
#ifndef SIM_TRAFFIC_H
#define SIM_TRAFFIC_H

#include "party.h"

/* Every sender sends at random times until a while before the probes. */
void sim_traffic_start(struct sim_party *party);

/* Every pair talks, both ways, and everybody to all: a small frame and a full one each. */
void sim_traffic_probe(struct sim_party *party);

/* A frame of this room's game: kinds, lengths and destinations as a player (or the LAN) sends
 * them. */
void sim_traffic_draw(struct sim_party *party, const struct sim_sender *sender,
                      struct sim_frame *ret_frame);

/* Random traffic pauses shortly before the probes, so that nothing is on its way when they
 * start. */
uint64_t sim_traffic_end(const struct sim_party *party);

#endif
