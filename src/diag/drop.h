/*
 * Why a frame did not go on: the one table of drop reasons for logs, stats, metrics and docs. A
 * reason's category says how a log calls it, and which check found it.
 */
#ifndef LP_DIAG_DROP_H
#define LP_DIAG_DROP_H

enum lp_drop_category {
    LP_DROP_NOT = 0,      /* forwarded */
    LP_DROP_MALFORMED,    /* counts towards closing the peer as protocol_error */
    LP_DROP_FILTERED,     /* a safety filter */
    LP_DROP_RATE_LIMITED, /* a bucket was empty */
    LP_DROP_DROPPED,      /* anything else */
};

/* X(NAME, number, text, category, meaning): names and numbers are stable. */
#define LP_DROP_TABLE(X)                                                                       \
    X(BAD_OVERLAY, 1, "bad_overlay", MALFORMED, "the overlay header does not parse")           \
    X(WRONG_ROOM, 2, "wrong_room", MALFORMED,                                                  \
      "the overlay names a room that is not the peer's")                                       \
    X(WRONG_PEER, 3, "wrong_peer", MALFORMED,                                                  \
      "the overlay names a peer id that is not its own")                                       \
    X(BAD_ETHERNET, 4, "bad_ethernet", MALFORMED, "too short for an Ethernet header")          \
    X(PIECE_SHORT, 5, "piece_short", DROPPED,                                                  \
      "a first piece without the headers to judge it by")                                      \
    X(BAD_SOURCE, 10, "bad_source", FILTERED, "source MAC is a group address or zero")         \
    X(OVERSIZE, 11, "oversize", FILTERED, "frame above 1514 octets")                           \
    X(LINK_LOCAL, 12, "link_local", FILTERED,                                                  \
      "switch control address (01:80:c2:00:00:0x, Cisco)")                                     \
    X(EAPOL, 13, "eapol", FILTERED, "802.1X")                                                  \
    X(LLDP, 14, "lldp", FILTERED, "link layer discovery")                                      \
    X(SLOW_PROTOCOL, 15, "slow_protocol", FILTERED, "LACP and other slow protocols")           \
    X(PAUSE, 16, "pause", FILTERED, "Ethernet flow control")                                   \
    X(DHCP4_SERVER, 17, "dhcp4_server", FILTERED, "DHCPv4 server reply from a player")         \
    X(DHCP6_SERVER, 18, "dhcp6_server", FILTERED, "DHCPv6 server reply from a player")         \
    X(ROUTER_ADVERTISEMENT, 19, "router_advertisement", FILTERED, "IPv6 RA from a player")     \
    X(REDIRECT, 20, "redirect", FILTERED, "IPv6 redirect from a player")                       \
    X(VLAN, 21, "vlan", FILTERED, "VLAN tag, priority tag included")                           \
    X(FRAGMENTED_ND, 22, "fragmented_nd", FILTERED, "fragmented neighbour discovery")          \
    X(SHORT_FRAGMENT, 23, "short_fragment", FILTERED,                                          \
      "first fragment without its upper header")                                               \
    X(OPAQUE, 24, "opaque", FILTERED, "header chain too long or cut off")                      \
    X(SOURCE_NOT_AUTHORISED, 30, "source_not_authorised", DROPPED,                             \
      "source MAC is not one that this sender may use")                                        \
    X(UNKNOWN_ORIGIN, 31, "unknown_origin", DROPPED, "from a peer that nobody announced")      \
    X(RATE_BYTES, 40, "rate_bytes", RATE_LIMITED, "client's byte rate used up")                \
    X(RATE_BROADCAST, 41, "rate_broadcast", RATE_LIMITED, "client's broadcast rate used up")   \
    X(RATE_UNKNOWN, 42, "rate_unknown", RATE_LIMITED, "client's unknown-unicast rate used up") \
    X(NO_TARGET, 50, "no_target", DROPPED, "unicast to nobody in the room: not flooded")       \
    X(NO_GATEWAY, 51, "no_gateway", DROPPED, "the room has no gateway now")                    \
    X(TO_SELF, 52, "to_self", DROPPED, "addressed to where it came from")                      \
    X(ALONE, 53, "alone", DROPPED, "broadcast with nobody else in the room")                   \
    X(NOT_JOINED, 54, "not_joined", DROPPED, "no room joined now")                             \
    X(QUEUE_FULL, 60, "queue_full", DROPPED, "the target's queue is full")                     \
    X(QUEUE_STALE, 61, "queue_stale", DROPPED, "waited too long in the target's queue")        \
    X(QUEUE_CLOSED, 62, "queue_closed", DROPPED, "the connection ended while it waited")       \
    X(TOO_BIG, 63, "too_big", DROPPED, "does not fit the target, which cannot take pieces")    \
    X(QUEUE_CODEL, 64, "queue_codel", DROPPED,                                                 \
      "its flow's delay in the target's queue lasts too long")                                 \
    X(QUEUE_OVERLOAD, 65, "queue_overload", DROPPED,                                           \
      "oldest of the largest flow in the target's full queue")                                 \
    X(PIECE_LOST, 70, "piece_lost", DROPPED, "the other piece did not come")                   \
    X(PIECE_DUPLICATE, 71, "piece_duplicate", DROPPED, "this piece is already here")           \
    X(PIECE_REFUSED, 72, "piece_refused", DROPPED, "second piece of a frame that was dropped") \
    X(DUPLICATE, 73, "duplicate", DROPPED, "a copy of what has come already")                  \
    X(OFFLOAD, 80, "offload", DROPPED, "super-frame that cannot be segmented")                 \
    X(EDGE_FULL, 81, "edge_full", DROPPED, "the adapter's queue is full")                      \
    X(EDGE_ERROR, 82, "edge_error", DROPPED, "the adapter refused the frame")

#define LP_DROP_NUMBER_MAX 95

enum lp_drop {
    LP_FORWARD = 0,
#define X(name, number, text, category, meaning) LP_DROP_REASON_##name = (number),
    LP_DROP_TABLE(X)
#undef X
};

/* Stable text ("queue_full"), "none" for LP_FORWARD. Never NULL. */
const char *lp_drop_name(enum lp_drop reason);
const char *lp_drop_meaning(enum lp_drop reason);
enum lp_drop_category lp_drop_category(enum lp_drop reason);

/* How a log names what happened: forwarded, dropped, filtered, rate_limited. */
const char *lp_drop_action(enum lp_drop reason);

/* Walks the table: the reason after `reason` (start with LP_FORWARD), LP_FORWARD at the end. */
enum lp_drop lp_drop_next(enum lp_drop reason);

#endif
