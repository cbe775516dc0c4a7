/*
 * What was sent, and who may get it. Receivers are the hosts: a player's adapter, and a
 * gateway's LAN as one. Frames are found again by their content, so that one changed octet
 * makes a frame that nobody sent.
 */
#ifndef SIM_LEDGER_H
#define SIM_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uthash.h>

#include "frame.h"
#include "plan.h"

struct sim_party;

#define SIM_NO_STATION   UINT32_MAX
#define SIM_GAME_LOST_OF 25 /* one of so many may be, or late because it was sent again */

struct sim_sent {
    uint64_t key;
    uint64_t at_ns; /* the first time */
    uint32_t number;
    unsigned origin; /* host it came through, SIM_HOSTILE */
    unsigned room;
    enum sim_frame_kind kind;
    size_t len;
    uint64_t within_ns; /* a game's: no use later; 0 = any other */
    bool in_time;       /* a game's: it came, and by then */
    unsigned times;
    uint32_t allowed;  /* hosts that may get it */
    uint32_t required; /* hosts that must */
    const char *why;   /* nobody else may */
    uint32_t
        target; /* the station that it is for: while it is registered, the LAN gets nothing */
    uint32_t
        pretender; /* the station whose MAC it claims without right, while that is registered */
    unsigned delivered[SIM_HOSTS_MAX];
    UT_hash_handle hh;
};

struct sim_ledger {
    struct sim_sent *sent;
    uint64_t frames_sent;
    uint64_t frames_delivered;
    uint32_t highest[SIM_HOSTS_MAX][SIM_HOSTS_MAX]; /* TCP of one host that came to another */
    unsigned overtaken[SIM_HOSTS_MAX];              /* TCP that came behind what follows it */
};

/* Who sends a frame into a room, and by which way. */
struct sim_sender {
    unsigned station; /* player or gateway host, SIM_HOSTILE */
    unsigned room;
    bool lan; /* a machine on the LAN, through the gateway `station` */
};

void sim_ledger_deinit(struct sim_ledger *ledger);

/*
 * Enters a frame that is about to be sent, and finds out who may get it. must_arrive: everybody
 * who may has to.
 */
struct sim_sent *sim_ledger_enter(struct sim_party *party, const struct sim_sender *sender,
                                  const struct sim_frame *frame, bool must_arrive);

/* A frame has come out at a host's edge. */
void sim_ledger_deliver(struct sim_party *party, unsigned host, const uint8_t *frame,
                        size_t len);

/* At the end: what had to arrive has, and of a game all but the few that a full link lost. */
void sim_ledger_check_required(struct sim_party *party);

#endif
