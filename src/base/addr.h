/*
 * An IP endpoint (address and UDP port) as a plain value that every layer can hold, compare and
 * hash without the socket headers of one system. IPv4 uses the first four octets.
 */
#ifndef LP_BASE_ADDR_H
#define LP_BASE_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum lp_addr_family {
    LP_ADDR_NONE = 0,
    LP_ADDR_IPV4 = 4,
    LP_ADDR_IPV6 = 6,
};

/* "[2001:db8:...]:65535%4294967295" and its NUL */
#define LP_ADDR_TEXT_LEN 64

struct lp_addr {
    uint8_t family; /* enum lp_addr_family */
    uint16_t port;  /* host byte order */
    uint32_t scope; /* IPv6 zone index, 0 = none */
    uint8_t ip[16]; /* network byte order, unused octets zero */
};

bool lp_addr_equal(const struct lp_addr *a, const struct lp_addr *b);

/* "192.0.2.1:443" or "[2001:db8::1]:443". Returns `text`. */
char *lp_addr_format(const struct lp_addr *addr, char text[LP_ADDR_TEXT_LEN]);

/* The address without its port. Returns `text`. */
char *lp_addr_format_ip(const struct lp_addr *addr, char text[LP_ADDR_TEXT_LEN]);

/*
 * An IPv4 or IPv6 literal, without brackets and without port; `port` is stored with it.
 * LP_ERR_MALFORMED when it is none (a DNS name, say).
 */
int lp_addr_parse_ip(const char *text, uint16_t port, struct lp_addr *ret_addr);

#endif
