/*
 * Which flow a frame belongs to, for queues that share a link between flows (RFC 8290), and
 * where its IP header is, for ECN.
 *
 * A TCP or UDP flow is protocol, addresses and ports. IP fragments, which but for the first have
 * no ports, go by protocol and addresses, all of them, so that they stay in order; so do ICMP and
 * every other protocol. What is no IP goes by MAC addresses and EtherType. The hash is keyed: who
 * does not know the key cannot aim at another's flow.
 *
 * The octets of the frame that are present decide: of a first piece, or a frame that makes no
 * sense, what is missing is left out. Nothing fails. Pure; allocates nothing.
 */
#ifndef LP_PROTO_FLOW_H
#define LP_PROTO_FLOW_H

#include <stdint.h>

#include "base/siphash.h"
#include "proto/ethernet.h"

struct lp_flow {
    uint32_t hash;
    uint8_t ip_at; /* offset in the frame of a whole IPv4 or IPv6 header; 0 = there is none */
    /*
     * Who shares the few places that one sender may have in a queue: a number above 0, not the
     * frame's to say. 0 = may have them all.
     */
    uint16_t origin;
};

/* Of a parsed frame, with origin 0. */
struct lp_flow lp_flow_of(const struct lp_eth *eth, const struct lp_sipkey *key);

#endif
