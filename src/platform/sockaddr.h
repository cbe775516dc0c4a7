/*
 * An lp_addr as the system's socket calls take it, and back. Inline: it is done for each read.
 */
#ifndef LP_PLATFORM_SOCKADDR_H
#define LP_PLATFORM_SOCKADDR_H

#include <string.h>

#ifdef _WIN32
#include "platform/windows/win.h"
#else
#include <netinet/in.h>
#include <sys/socket.h>
#endif

#include "base/addr.h"

union lp_sockaddr_ip {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* Returns the length. What is not IPv6 is taken for IPv4. */
static inline socklen_t lp_sockaddr_from(const struct lp_addr *addr, union lp_sockaddr_ip *ret)
{
    memset(ret, 0, sizeof(*ret));
    if (addr->family == LP_ADDR_IPV6) {
        ret->v6.sin6_family = AF_INET6;
        ret->v6.sin6_port = htons(addr->port);
        ret->v6.sin6_scope_id = addr->scope;
        memcpy(&ret->v6.sin6_addr, addr->ip, 16);
        return sizeof(ret->v6);
    }
    ret->v4.sin_family = AF_INET;
    ret->v4.sin_port = htons(addr->port);
    memcpy(&ret->v4.sin_addr, addr->ip, 4);
    return sizeof(ret->v4);
}

/* Family NONE for what is neither IPv4 nor IPv6. */
static inline struct lp_addr lp_sockaddr_addr(const union lp_sockaddr_ip *name)
{
    struct lp_addr addr = {.family = LP_ADDR_NONE};

    if (name->any.sa_family == AF_INET6) {
        addr.family = LP_ADDR_IPV6;
        addr.port = ntohs(name->v6.sin6_port);
        addr.scope = name->v6.sin6_scope_id;
        memcpy(addr.ip, &name->v6.sin6_addr, 16);
    } else if (name->any.sa_family == AF_INET) {
        addr.family = LP_ADDR_IPV4;
        addr.port = ntohs(name->v4.sin_port);
        memcpy(addr.ip, &name->v4.sin_addr, 4);
    }
    return addr;
}

#endif
