/* Addresses as people write them: where a relay listens, how it is called. */
#ifndef LP_APPS_COMMON_ENDPOINT_H
#define LP_APPS_COMMON_ENDPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "base/addr.h"

#define LP_DEFAULT_PORT     443
#define LP_HOST_LEN         256
#define LP_ENDPOINT_WHY_LEN 384
#define LP_LISTEN_ADDRS_MAX 2

/*
 * "443/udp" or "443" (every address of both families), "192.0.2.1:443", "[2001:db8::1]:443",
 * each with or without /udp. Returns how many addresses that is, LP_ERR_CONFIG with `why`
 * otherwise.
 */
int lp_endpoint_parse_listen(const char *text, struct lp_addr ret_addrs[LP_LISTEN_ADDRS_MAX],
                             char why[LP_ENDPOINT_WHY_LEN]);

struct lp_endpoint {
    char host[LP_HOST_LEN]; /* DNS name or literal, without brackets */
    uint16_t port;
    bool literal;
};

/* "relay.example", "relay.example:8443", "192.0.2.1", "2001:db8::1", "[2001:db8::1]:8443". */
int lp_endpoint_parse(const char *text, struct lp_endpoint *ret_endpoint,
                      char why[LP_ENDPOINT_WHY_LEN]);

/* What a literal says; asserts that it is one. */
void lp_endpoint_literal(const struct lp_endpoint *endpoint, struct lp_addr *ret_addr);

/*
 * Asks DNS in the background. `done` gets 0 and the address, or LP_ERR_RESOLVE and a sentence.
 * `endpoint` is borrowed until then.
 */
typedef void lp_resolved_fn(void *user, int err, const struct lp_addr *addr, const char *why);
struct lp_resolution;
int lp_endpoint_resolve_start(uv_loop_t *loop, const struct lp_endpoint *endpoint,
                              lp_resolved_fn *done, void *user,
                              struct lp_resolution **ret_resolution);
/*
 * `done` is not called any more. NULL is fine. False: the system's resolver is at work and
 * cannot be stopped; the loop (and exit()) would wait for it, many seconds without a network.
 */
bool lp_endpoint_resolve_cancel(struct lp_resolution *resolution);

#endif
