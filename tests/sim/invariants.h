/* What must hold at every moment of a party, and what must hold when all is well again. */
#ifndef SIM_INVARIANTS_H
#define SIM_INVARIANTS_H

#include "party.h"

#define SIM_CHECK_INTERVAL_NS (50 * LP_NS_PER_MS)

/* Counters add up, queues and tables are within their bounds, rooms keep their MTU. */
void sim_check_now(struct sim_party *party);

/* In a calm network: who runs is in its room 3 s after it and the relay were started. */
#define SIM_BACK_WITHIN_NS (3 * LP_NS_PER_S)
void sim_check_back(struct sim_party *party);

/* Everybody is in its room, and everybody's map of the room is the relay's. */
void sim_check_all_here(struct sim_party *party);

/* Nothing is on its way any more: no node holds, queues or repairs anything. */
void sim_check_still(struct sim_party *party);

/* After a lossy link: it was repaired, and only gaps that were given up came to TCP. */
void sim_check_repair(struct sim_party *party);

/* What each end has counted so far: from here to sim_check_wire nothing may be lost between
 * them. */
struct sim_wire;
struct sim_wire *sim_wire_new(struct sim_party *party);
/* Consumes `before`. */
void sim_check_wire(struct sim_party *party, struct sim_wire *before);

#endif
