/* struct lp_addr to and from the socket addresses that ngtcp2 compares. */
#include "transport/internal.h"

#include <assert.h>
#include <string.h>

#include "base/wire.h"

void lp_quic_addr_to_ngtcp2(const struct lp_addr *addr, uint8_t family_if_none,
                            ngtcp2_sockaddr_union *storage, ngtcp2_addr *ret_addr)
{
    uint8_t family = addr->family != LP_ADDR_NONE ? addr->family : family_if_none;

    assert(family == LP_ADDR_IPV4 || family == LP_ADDR_IPV6);
    memset(storage, 0, sizeof *storage);
    ret_addr->addr = &storage->sa;
    if (family == LP_ADDR_IPV4) {
        storage->in.sin_family = NGTCP2_AF_INET;
        lp_store_be16((uint8_t *)&storage->in.sin_port, addr->port);
        memcpy(&storage->in.sin_addr, addr->ip, 4);
        ret_addr->addrlen = sizeof storage->in;
        return;
    }
    storage->in6.sin6_family = NGTCP2_AF_INET6;
    lp_store_be16((uint8_t *)&storage->in6.sin6_port, addr->port);
    memcpy(&storage->in6.sin6_addr, addr->ip, 16);
    storage->in6.sin6_scope_id = addr->scope;
    ret_addr->addrlen = sizeof storage->in6;
}

/* An address of nothing but zeros was LP_ADDR_NONE. */
struct lp_addr lp_quic_addr_from_ngtcp2(const ngtcp2_addr *addr)
{
    static const struct lp_addr none = {.family = LP_ADDR_NONE};
    ngtcp2_sockaddr_union storage = {0};
    struct lp_addr out = none;
    size_t len = (size_t)addr->addrlen; /* an int on Windows */

    assert(len <= sizeof storage);
    memcpy(&storage, addr->addr, len);
    if (storage.sa.sa_family == NGTCP2_AF_INET) {
        out.port = lp_load_be16((const uint8_t *)&storage.in.sin_port);
        memcpy(out.ip, &storage.in.sin_addr, 4);
    } else {
        out.port = lp_load_be16((const uint8_t *)&storage.in6.sin6_port);
        memcpy(out.ip, &storage.in6.sin6_addr, 16);
        out.scope = storage.in6.sin6_scope_id;
    }
    if (out.port == 0 && memcmp(out.ip, none.ip, sizeof out.ip) == 0)
        return none;
    out.family = storage.sa.sa_family == NGTCP2_AF_INET ? LP_ADDR_IPV4 : LP_ADDR_IPV6;
    return out;
}

void lp_quic_path_init(ngtcp2_path_storage *path, const struct lp_addr *local,
                       const struct lp_addr *remote)
{
    lp_quic_addr_to_ngtcp2(local, remote->family, &path->local_addrbuf, &path->path.local);
    lp_quic_addr_to_ngtcp2(remote, LP_ADDR_NONE, &path->remote_addrbuf, &path->path.remote);
    path->path.user_data = NULL;
}
