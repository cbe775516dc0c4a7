/*
 * Numbers of IPv4, IPv6 and the upper protocols that more than one module of this layer needs.
 * Sources: RFC 791, RFC 8200, RFC 9293, RFC 768, IANA "Assigned Internet Protocol Numbers".
 */
#ifndef LP_PROTO_IP_H
#define LP_PROTO_IP_H

#define LP_IPV4_HEADER_MIN 20
#define LP_IPV6_HEADER_LEN 40
#define LP_TCP_HEADER_MIN  20
#define LP_UDP_HEADER_LEN  8

/* Where header fields lie, in octets from the header's start. */
#define LP_TCP_SEQ_AT         4
#define LP_TCP_ACK_AT         8
#define LP_TCP_DATA_OFFSET_AT 12
#define LP_TCP_FLAGS_AT       13
#define LP_TCP_CSUM_AT        16
#define LP_UDP_LEN_AT         4
#define LP_UDP_CSUM_AT        6

#define LP_IPV4_DONT_FRAGMENT  0x4000
#define LP_IPV4_MORE_FRAGMENTS 0x2000
#define LP_IPV4_OFFSET_MASK    0x1fff

enum lp_tcp_flag {
    LP_TCP_FIN = 0x01,
    LP_TCP_PSH = 0x08,
    LP_TCP_ACK = 0x10,
    LP_TCP_CWR = 0x80,
};

enum lp_ipproto {
    LP_IPPROTO_HOPOPTS = 0,
    LP_IPPROTO_ICMP = 1,
    LP_IPPROTO_TCP = 6,
    LP_IPPROTO_UDP = 17,
    LP_IPPROTO_ROUTING = 43,
    LP_IPPROTO_FRAGMENT = 44,
    LP_IPPROTO_AH = 51,
    LP_IPPROTO_ICMPV6 = 58,
    LP_IPPROTO_NONE = 59,
    LP_IPPROTO_DSTOPTS = 60,
    LP_IPPROTO_MOBILITY = 135,
    LP_IPPROTO_HIP = 139,
    LP_IPPROTO_SHIM6 = 140,
};

#endif
