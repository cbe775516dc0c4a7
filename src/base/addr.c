#include "base/addr.h"

#include <stdio.h>
#include <string.h>

#ifdef _WIN32
#include <ws2tcpip.h>
#else
#include <arpa/inet.h>
#endif

#include "base/err.h"

bool lp_addr_equal(const struct lp_addr *a, const struct lp_addr *b)
{
    return a->family == b->family && a->port == b->port && a->scope == b->scope &&
           memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

char *lp_addr_format_ip(const struct lp_addr *addr, char text[LP_ADDR_TEXT_LEN])
{
    int family = addr->family == LP_ADDR_IPV6 ? AF_INET6 : AF_INET;

    if (addr->family == LP_ADDR_NONE ||
        inet_ntop(family, addr->ip, text, LP_ADDR_TEXT_LEN) == NULL)
        memcpy(text, "none", sizeof("none"));
    return text;
}

char *lp_addr_format(const struct lp_addr *addr, char text[LP_ADDR_TEXT_LEN])
{
    char ip[LP_ADDR_TEXT_LEN];
    char zone[12] = ""; /* "%4294967295" */

    lp_addr_format_ip(addr, ip);
    if (addr->scope != 0)
        snprintf(zone, sizeof(zone), "%%%u", (unsigned)addr->scope);
    if (addr->family == LP_ADDR_IPV6)
        snprintf(text, LP_ADDR_TEXT_LEN, "[%.39s%s]:%u", ip, zone, (unsigned)addr->port);
    else
        snprintf(text, LP_ADDR_TEXT_LEN, "%.39s:%u", ip, (unsigned)addr->port);
    return text;
}

int lp_addr_parse_ip(const char *text, uint16_t port, struct lp_addr *ret_addr)
{
    struct lp_addr addr = {.port = port};

    if (inet_pton(AF_INET, text, addr.ip) == 1)
        addr.family = LP_ADDR_IPV4;
    else if (inet_pton(AF_INET6, text, addr.ip) == 1)
        addr.family = LP_ADDR_IPV6;
    else
        return LP_ERR_MALFORMED;
    *ret_addr = addr;
    return 0;
}
