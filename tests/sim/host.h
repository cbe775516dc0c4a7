/*
 * A machine with a node on it: a player's, or a gateway at the party. It can be switched off in
 * any moment and started again with what it kept, as a person or a supervisor would.
 */
#ifndef SIM_HOST_H
#define SIM_HOST_H

#include "party.h"

void sim_host_init(struct sim_party *party, unsigned index);

void sim_host_start(struct sim_host *host);
void sim_host_crash(struct sim_host *host); /* fine when it does not run */
void sim_host_stop(struct sim_host *host);
void sim_host_forget(struct sim_host *host);
void sim_host_new_address(struct sim_host *host);

void sim_host_receive(struct sim_host *host, const struct lp_addr *local,
                      const struct lp_addr *remote, uint8_t ecn, const uint8_t *bytes,
                      size_t len);

/* A frame from the local program, or from the LAN. Nothing happens while the node does not run.
 */
void sim_host_send_frame(struct sim_host *host, const uint8_t *frame, size_t len);

uint64_t sim_host_next_deadline(const struct sim_host *host);
/* Its part of a turn of the loop. */
void sim_host_run(struct sim_host *host);

#endif
