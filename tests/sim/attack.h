/* What the hostile player does: datagrams (attack.c) through a connection that hostile.c keeps.
 */
#ifndef SIM_ATTACK_H
#define SIM_ATTACK_H

#include "party.h"

#define SIM_ATTACK_DATAGRAM_MAX 1600

/* What an attack has to know. */
struct sim_attacker {
    struct sim_party *party;
    struct sim_prng *prng;
    uint32_t room_id;
    uint32_t peer_id;
    uint16_t next_piece;
    void (*send)(void *user, const uint8_t *datagram, size_t len);
    void *user;
};

/* One attack, some of many datagrams. gentle: nothing that only uses up what everybody shares.
 */
void sim_attack(struct sim_attacker *attacker, bool gentle);

#endif
