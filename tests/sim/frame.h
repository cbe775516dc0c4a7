/*
 * Ethernet frames for the simulation. A frame's kind says, by how it was made and not by the
 * code under test, who has to stop it. Every frame that has room for it ends with a token: who
 * sent it, in which room, its number and a checksum over all of it, so that a receiver can tell
 * damage.
 */
#ifndef SIM_FRAME_H
#define SIM_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mac.h"
#include "proto/ethernet.h"
#include "prng.h"

#define SIM_TOKEN_LEN 20

/* Which frames a kind stands for, as the filters see them. */
enum sim_verdict {
    SIM_PASSES,
    SIM_REMOTE_ONLY, /* stopped when a player sends it, passes from the LAN */
    SIM_NOWHERE,     /* stopped in both directions */
};

/* X(NAME, verdict, octets of header) */
#define SIM_FRAME_TABLE(X)                                                                     \
    X(PLAIN, SIM_PASSES, 14)                                                                   \
    X(IPV4_UDP, SIM_PASSES, 42)                                                                \
    X(IPV4_TCP, SIM_PASSES, 54)                                                                \
    X(IPV4_LATER_FRAGMENT, SIM_PASSES, 34)                                                     \
    X(IPV6_UDP, SIM_PASSES, 62)                                                                \
    X(IPX_RAW, SIM_PASSES, 17)                                                                 \
    X(DHCP4_REPLY, SIM_REMOTE_ONLY, 42)                                                        \
    X(DHCP6_REPLY, SIM_REMOTE_ONLY, 62)                                                        \
    X(ROUTER_ADVERTISEMENT, SIM_REMOTE_ONLY, 58)                                               \
    X(HIDDEN_ADVERTISEMENT, SIM_REMOTE_ONLY, 66)                                               \
    X(DEEP_ADVERTISEMENT, SIM_REMOTE_ONLY, 1210)                                               \
    X(REDIRECT, SIM_REMOTE_ONLY, 58)                                                           \
    X(SHORT_FIRST_FRAGMENT, SIM_REMOTE_ONLY, 38)                                               \
    X(VLAN, SIM_NOWHERE, 18)                                                                   \
    X(PRIORITY_TAG, SIM_NOWHERE, 18)                                                           \
    X(EAPOL, SIM_NOWHERE, 14)                                                                  \
    X(LLDP, SIM_NOWHERE, 14)                                                                   \
    X(SLOW, SIM_NOWHERE, 14)                                                                   \
    X(PAUSE, SIM_NOWHERE, 14)                                                                  \
    X(SWITCH_CONTROL, SIM_NOWHERE, 14)                                                         \
    X(BAD_SOURCE, SIM_NOWHERE, 14)

enum sim_frame_kind {
#define X(name, verdict, header) SIM_FRAME_##name,
    SIM_FRAME_TABLE(X)
#undef X
        SIM_FRAME_KINDS
};

#define SIM_FRAME_FIRST_BAD SIM_FRAME_DHCP4_REPLY

struct sim_frame {
    enum sim_frame_kind kind;
    struct lp_mac dst;
    struct lp_mac src;
    uint16_t origin;
    uint8_t room;
    uint32_t number;
    size_t len;
    uint8_t bytes[LP_ETH_FRAME_MAX];
};

const char *sim_frame_name(enum sim_frame_kind kind);
enum sim_verdict sim_frame_verdict(enum sim_frame_kind kind);
/* The shortest frame of the kind. */
size_t sim_frame_min(enum sim_frame_kind kind);

/*
 * Fills bytes from the rest, for a length of at least sim_frame_min (some kinds have a fixed
 * length, which is set). dst and src change for the kinds that are made of them.
 */
void sim_frame_make(struct sim_frame *frame, size_t len);

/* A length: many small ones, many full ones, the edges of the two-piece cut. */
size_t sim_frame_length(struct sim_prng *prng, enum sim_frame_kind kind, size_t max);

/* Whether a frame that carries a token is as it was made; true for one that has none. */
bool sim_token_ok(const uint8_t *bytes, size_t len);
/* The room that the token names; false when there is no token. */
bool sim_token_room(const uint8_t *bytes, size_t len, uint8_t *ret_room);

#endif
