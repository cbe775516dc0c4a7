/*
 * A player who does not keep to the rules: real QUIC, a valid hello, and then datagrams and
 * control messages of its own making. It must harm nobody but itself.
 */
#ifndef SIM_HOSTILE_H
#define SIM_HOSTILE_H

#include "party.h"

void sim_hostile_new(struct sim_party *party, uint64_t start_ns);
void sim_hostile_free(struct sim_hostile *hostile); /* NULL is fine */

void sim_hostile_receive(struct sim_hostile *hostile, const struct lp_addr *local,
                         const struct lp_addr *remote, uint8_t ecn, const uint8_t *bytes,
                         size_t len);
void sim_hostile_on_writable(struct sim_hostile *hostile);
uint64_t sim_hostile_next_deadline(const struct sim_hostile *hostile);
void sim_hostile_run(struct sim_hostile *hostile);

#endif
