#include "apps/common/endpoint.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

static bool parse_port(const char *text, size_t len, uint16_t *ret_port)
{
    unsigned value = 0;

    if (len == 0 || len > 5)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        value = value * 10 + (unsigned)(text[i] - '0');
    }
    if (value > UINT16_MAX)
        return false;
    *ret_port = (uint16_t)value;
    return true;
}

/* "host", "host:port", "[host]:port", "v6:literal": parts of `text`; *ret_port stays when none.
 */
static bool split(const char *text, size_t len, const char **ret_host, size_t *ret_host_len,
                  uint16_t *ret_port)
{
    const char *end = text + len;
    const char *colon = memchr(text, ':', len);
    const char *bracket;

    if (len > 0 && text[0] == '[') {
        bracket = memchr(text, ']', len);
        if (bracket == NULL)
            return false;
        *ret_host = text + 1;
        *ret_host_len = (size_t)(bracket - text - 1);
        if (bracket + 1 == end)
            return true;
        return bracket[1] == ':' &&
               parse_port(bracket + 2, (size_t)(end - bracket - 2), ret_port);
    }
    *ret_host = text;
    *ret_host_len = len;
    if (colon == NULL || memchr(colon + 1, ':', (size_t)(end - colon - 1)) != NULL)
        return true; /* no port, or an IPv6 literal */
    *ret_host_len = (size_t)(colon - text);
    return parse_port(colon + 1, (size_t)(end - colon - 1), ret_port);
}

int lp_endpoint_parse_listen(const char *text, struct lp_addr ret_addrs[LP_LISTEN_ADDRS_MAX],
                             char why[LP_ENDPOINT_WHY_LEN])
{
    size_t len = strlen(text);
    const char *host;
    char literal[LP_HOST_LEN];
    size_t host_len;
    uint16_t port = LP_DEFAULT_PORT;

    if (len > 4 && strcmp(text + len - 4, "/udp") == 0)
        len -= 4;
    if (parse_port(text, len, &port)) {
        ret_addrs[0] = (struct lp_addr){.family = LP_ADDR_IPV4, .port = port};
        ret_addrs[1] = (struct lp_addr){.family = LP_ADDR_IPV6, .port = port};
        return 2;
    }
    if (split(text, len, &host, &host_len, &port) && host_len < sizeof(literal)) {
        memcpy(literal, host, host_len);
        literal[host_len] = '\0';
        if (lp_addr_parse_ip(literal, port, &ret_addrs[0]) == 0)
            return 1;
    }
    snprintf(
        why, LP_ENDPOINT_WHY_LEN,
        "\"%.100s\" is no address to listen on: give a port (443/udp) or an address and port "
        "(192.0.2.1:443, [2001:db8::1]:443)",
        text);
    return LP_ERR_CONFIG;
}

/* A DNS name, or a link-local IPv6 literal with its interface (the resolver's business). */
static bool is_name(const char *host)
{
    for (const char *at = host; *at != '\0'; at++) {
        if (*at <= ' ' || *at >= 0x7f || strchr("/@\"\\[]", *at) != NULL)
            return false;
    }
    return strchr(host, ':') == NULL || strchr(host, '%') != NULL;
}

int lp_endpoint_parse(const char *text, struct lp_endpoint *ret_endpoint,
                      char why[LP_ENDPOINT_WHY_LEN])
{
    struct lp_endpoint endpoint = {.port = LP_DEFAULT_PORT};
    struct lp_addr addr;
    const char *host;
    size_t host_len;

    bool good = split(text, strlen(text), &host, &host_len, &endpoint.port) && host_len > 0 &&
                host_len < sizeof(endpoint.host) && endpoint.port != 0;

    if (good) {
        memcpy(endpoint.host, host, host_len);
        endpoint.literal = lp_addr_parse_ip(endpoint.host, endpoint.port, &addr) == 0;
        good = endpoint.literal || is_name(endpoint.host);
    }
    if (!good) {
        snprintf(
            why, LP_ENDPOINT_WHY_LEN,
            "\"%.100s\" is no relay address: give a name or address, with :port when it is not "
            "443 (relay.example, 192.0.2.1:8443, [2001:db8::1]:443)",
            text);
        return LP_ERR_CONFIG;
    }
    *ret_endpoint = endpoint;
    return 0;
}

/* ---- resolving ---- */

static bool from_sockaddr(const struct addrinfo *info, uint16_t port, struct lp_addr *ret_addr)
{
    struct lp_addr addr = {.port = port};

    for (; info != NULL; info = info->ai_next) {
        if (info->ai_family == AF_INET) {
            const struct sockaddr_in *in = (const void *)info->ai_addr;

            addr.family = LP_ADDR_IPV4;
            memcpy(addr.ip, &in->sin_addr, 4);
        } else if (info->ai_family == AF_INET6) {
            const struct sockaddr_in6 *in6 = (const void *)info->ai_addr;

            addr.family = LP_ADDR_IPV6;
            addr.scope = in6->sin6_scope_id;
            memcpy(addr.ip, &in6->sin6_addr, 16);
        } else {
            continue;
        }
        *ret_addr = addr; /* the resolver's order is RFC 6724's: the first is the best */
        return true;
    }
    return false;
}

static const struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_ADDRCONFIG};

void lp_endpoint_literal(const struct lp_endpoint *endpoint, struct lp_addr *ret_addr)
{
    int err = lp_addr_parse_ip(endpoint->host, endpoint->port, ret_addr);

    assert(endpoint->literal && err == 0);
    (void)err;
}

struct lp_resolution {
    uv_getaddrinfo_t request;
    const struct lp_endpoint *endpoint;
    lp_resolved_fn *done; /* NULL once cancelled */
    void *user;
};

static void on_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *info)
{
    struct lp_resolution *resolution = request->data;
    const struct lp_endpoint *endpoint = resolution->endpoint;
    struct lp_addr addr = {.family = LP_ADDR_NONE};
    char why[LP_ENDPOINT_WHY_LEN] = "";
    bool found = false;

    if (resolution->done != NULL) {
        found = status == 0 && from_sockaddr(info, endpoint->port, &addr);
        if (!found)
            snprintf(why, sizeof(why),
                     "the name %.200s cannot be resolved (%s): check its spelling and this "
                     "machine's internet connection",
                     endpoint->host, uv_strerror(status != 0 ? status : UV_EAI_NONAME));
        resolution->done(resolution->user, found ? 0 : LP_ERR_RESOLVE, &addr, why);
    }
    uv_freeaddrinfo(info);
    free(resolution);
}

int lp_endpoint_resolve_start(uv_loop_t *loop, const struct lp_endpoint *endpoint,
                              lp_resolved_fn *done, void *user,
                              struct lp_resolution **ret_resolution)
{
    struct lp_resolution *resolution = calloc(1, sizeof(*resolution));

    if (resolution == NULL)
        return LP_ERR_NOMEM;
    resolution->request.data = resolution;
    resolution->endpoint = endpoint;
    resolution->done = done;
    resolution->user = user;
    if (uv_getaddrinfo(loop, &resolution->request, on_resolved, endpoint->host, NULL, &hints) !=
        0) {
        free(resolution);
        return LP_ERR_RESOLVE;
    }
    *ret_resolution = resolution;
    return 0;
}

bool lp_endpoint_resolve_cancel(struct lp_resolution *resolution)
{
    if (resolution == NULL)
        return true;
    resolution->done = NULL;
    return uv_cancel((uv_req_t *)&resolution->request) == 0;
}
