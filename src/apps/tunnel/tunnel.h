/*
 * What lanparty-client and lanparty-gateway share: trust, address of the relay, identity, the
 * node in its loop, its events as lines, its diagnostics. The program owns a struct lp_tunnel
 * and gives it hooks for what is its own (adapter, DHCP, probe).
 *
 * Steps, in order: lp_tunnel_prepare (options, identity, certificate: nothing is touched yet),
 * lp_tunnel_run (the relay's name, socket, node, and the loop until it ends), what the program
 * has to undo, lp_tunnel_finish.
 */
#ifndef LP_APPS_TUNNEL_TUNNEL_H
#define LP_APPS_TUNNEL_TUNNEL_H

#include <jansson.h>

#include "apps/common/endpoint.h"
#include "apps/common/exit.h"
#include "apps/common/output.h"
#include "apps/tunnel/identity.h"
#include "apps/tunnel/options.h"
#include "core/bucket.h"
#include "loop/driver.h"
#include "node/node.h"

struct lp_tunnel;

struct lp_tunnel_hooks {
    /* The relay's address is known (tunnel->relay), nothing was sent to it yet. */
    enum lp_exit (*resolved)(void *user);
    /* Each event of the node, before anything is done about it. NULL: none. */
    void (*event)(void *user, const struct lp_node_event *event);
    /* Each welcome. A failure (status other than OK, already said) ends the program. */
    enum lp_exit (*joined)(void *user, const struct lp_welcome *welcome);
    void (*gateway_changed)(void *user, uint32_t gateway_peer_id);
    /* Frames of the link before the node gets them; true: it was for the program alone. NULL:
     * none. */
    bool (*edge_filter)(void *user, const struct lp_superframe *frame, uint64_t now_ns);
    void (*link_lost)(void *user);
    /* Once a second. */
    void (*second)(void *user, uint64_t now_ns);
    /* The program's part of the diagnostics. */
    void (*report)(void *user, json_t *object);
};

struct lp_tunnel {
    const struct lp_tunnel_options *options;
    const struct lp_tunnel_hooks *hooks;
    void *user; /* for the hooks */
    enum lp_role role;
    struct lp_endpoint endpoint;
    char relay_name[300]; /* host:port, as a key and for messages */
    struct lp_addr relay; /* what the name means now */
    struct lp_identity identity;
    struct lp_tls *tls;
    struct lp_driver *driver;
    struct lp_mac mac;                /* a client's own; a gateway's NIC's */
    struct lp_node *node;             /* NULL until the relay's address is known */
    struct lp_output output;          /* diagnostics and frame log, standard output */
    struct lp_resolution *resolution; /* under way, NULL when none */
    uv_timer_t second_timer;
    bool second_timer_open;
    uint8_t families;  /* bit 0 IPv4, bit 1 IPv6: sockets that are open */
    unsigned lookup_s; /* seconds that the first look-up has taken */
    uint64_t reported_ns;
    bool report_due;
    struct lp_bucket peer_lines; /* of the log; those beyond it are counted */
    unsigned peer_lines_left_out;
    bool ending;
    enum lp_exit status;
};

/*
 * `identity_name`: file name in the state folder when --identity is not given. Zeroes the
 * tunnel first; on failure the reason was printed and lp_tunnel_finish is still to be called.
 */
enum lp_exit lp_tunnel_prepare(struct lp_tunnel *tunnel, enum lp_role role,
                               const struct lp_tunnel_options *options,
                               const char *identity_name, const struct lp_tunnel_hooks *hooks,
                               void *user);

/* Connects with this MAC address and runs until the end. Returns the exit status. */
enum lp_exit lp_tunnel_run(struct lp_tunnel *tunnel, const struct lp_mac *mac);

/* Says goodbye and ends the program after this turn; the first status that is not OK counts. */
void lp_tunnel_end(struct lp_tunnel *tunnel, enum lp_exit status);

/* Frees. Returns `status`, or ends the process with it when only that stops a DNS look-up. */
enum lp_exit lp_tunnel_finish(struct lp_tunnel *tunnel, enum lp_exit status);

/* Prints a sentence as an error and returns the status. */
enum lp_exit lp_tunnel_say(enum lp_exit status, const char *why);

/* events.c: a node's event as a line for people. */
void lp_tunnel_log_event(struct lp_tunnel *tunnel, const struct lp_node_event *event);

/* report.c: the diagnostics, as a JSON object (a new reference) and printed. */
json_t *lp_tunnel_report(const struct lp_tunnel *tunnel);
void lp_tunnel_print_report(struct lp_tunnel *tunnel);

#endif
