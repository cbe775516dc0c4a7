/*
 * What the operating system gives: clock, randomness, UDP, Ethernet links, network
 * configuration. linux/ and windows/ implement it; one contract test holds for both.
 *
 * No descriptor or handle is exposed: what can become readable is watched through the libuv
 * loop that the caller gives, and reported by an lp_ready_fn. Everything is non-blocking.
 * Errors are enum lp_err; `why` (LP_WHY_LEN octets, written on failure) says in a sentence what
 * failed and what to do. Depends on base alone.
 */
#ifndef LP_PLATFORM_PLATFORM_H
#define LP_PLATFORM_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/mac.h"
#include "base/superframe.h"
#include "base/time.h"

#ifdef _WIN32
#undef interface /* a macro of Windows' headers for COM */
#endif

struct uv_loop_s;

/*
 * How an interface is named. Linux: its name. Windows: connection name or instance id ("{...}"),
 * where a name is taken; connection name in UTF-8 where one is told.
 */
#ifdef _WIN32
#define LP_IF_NAME_LEN 128
#else
#define LP_IF_NAME_LEN 16
#endif
#define LP_WHY_LEN 320

/* Monotonic nanoseconds (base/time.h). */
uint64_t lp_clock_now_ns(void);
/* Seconds since 1970 UTC, for logs and certificates only. */
int64_t lp_clock_unix_s(void);
/* Cryptographic randomness; aborts when the system has none. */
void lp_random_bytes(void *bytes, size_t len);

/*
 * `readable`: read until LP_ERR_AGAIN. `writable`: asked for by a send that returned
 * LP_ERR_AGAIN. Closing the object inside the callback is allowed.
 */
enum lp_ready { LP_READY_READ = 1, LP_READY_WRITE = 2 };
typedef void lp_ready_fn(void *user, unsigned ready);

/* ---- Timer --------------------------------------------------------------------------------
 */

/*
 * One deadline, precise to microseconds: QUIC's pacer needs what libuv's millisecond timers
 * cannot give. `due` runs once for each lp_timer_set whose time has come.
 */
struct lp_timer;
typedef void lp_due_fn(void *user);
int lp_timer_open(struct uv_loop_s *loop, lp_due_fn *due, void *user,
                  struct lp_timer **ret_timer);
/* LP_TIME_NEVER disarms; a time that has passed is due at once. */
void lp_timer_set(struct lp_timer *timer, uint64_t deadline_ns);
/* Consumes; NULL is fine. */
void lp_timer_close(struct lp_timer *timer);

/* ---- UDP ----------------------------------------------------------------------------------
 */

struct lp_udp;

#define LP_UDP_BATCH 64

/* One received payload; borrowed until the next lp_udp_receive. */
struct lp_udp_rx {
    struct lp_addr remote;
    struct lp_addr local; /* family NONE when the system did not tell */
    const uint8_t *bytes;
    size_t len;
    uint8_t ecn;
};

struct lp_udp_options {
    struct lp_addr bind; /* port 0 = any; an IPv6 bind is IPv6 only */
    bool no_gso;         /* for measurements */
    bool no_gro;
};

int lp_udp_open(struct uv_loop_s *loop, const struct lp_udp_options *options,
                lp_ready_fn *ready, void *user, struct lp_udp **ret_udp, char why[LP_WHY_LEN]);
/* Consumes; NULL is fine. */
void lp_udp_close(struct lp_udp *udp);
/* The bound address. */
void lp_udp_local(const struct lp_udp *udp, struct lp_addr *ret_addr);
/*
 * Receives a batch (coalesced payloads already split), returns how many, LP_ERR_AGAIN for none.
 */
int lp_udp_receive(struct lp_udp *udp, struct lp_udp_rx rx[], unsigned capacity);
/*
 * One send of `len` octets in segments of segment_len, by GSO when there are several and the
 * system can, else one by one. Never fragments (DF set). LP_ERR_AGAIN: nothing was sent,
 * ready(WRITE) follows. LP_ERR_RANGE: too big for the path's first hop (EMSGSIZE): drop, path
 * MTU discovery learns.
 */
int lp_udp_send(struct lp_udp *udp, const struct lp_addr *local, const struct lp_addr *remote,
                uint8_t ecn, const uint8_t *bytes, size_t len, size_t segment_len);

/* ---- Ethernet links: TAP, packet socket, TAP in a bridge
 * ------------------------------------- */

struct lp_link;

/* Frames, read or lost in the kernel or the platform layer. All count up. */
struct lp_link_counters {
    uint64_t
        rx_unsupported; /* reads that failed because the kernel lacks an offload (EINVAL) */
    uint64_t rx_kernel_drops; /* packet socket queue overruns */
    uint64_t tx_full;         /* writes refused because the device queue is full */
    uint64_t tx_errors;
};

struct lp_link_info {
    char name[LP_IF_NAME_LEN];
    unsigned index;
    struct lp_mac mac;
    unsigned mtu;
    bool up; /* administratively up */
    bool carrier;
};

struct lp_tap_options {
    const char *name;
    struct lp_mac mac;
    unsigned mtu;
};

/*
 * Windows: the TAP-Windows6 adapters that there are. Elsewhere LP_ERR_UNSUPPORTED. Returns how
 * many were written.
 */
#define LP_TAP_ADAPTERS_MAX 32
struct lp_tap_adapter {
    char instance[40]; /* NetCfgInstanceId, "{...}" */
    char name[128];    /* connection name, UTF-8 */
    bool own;          /* named "SoftLAN": made by our installer */
};
int lp_tap_adapters(struct lp_tap_adapter adapters[], unsigned capacity, char why[LP_WHY_LEN]);

/*
 * A TAP for a player. Linux: made (or an existing persistent one taken), MAC and MTU set, brought
 * up, its media connected. Windows: the adapter of that name with its media disconnected; its
 * driver must have the MAC already, the MTU is set elsewhere (both need rights that this call
 * does without). On success `why` is empty, or a warning to be shown.
 */
int lp_link_open_tap(struct uv_loop_s *loop, const struct lp_tap_options *options,
                     lp_ready_fn *ready, void *user, struct lp_link **ret_link,
                     char why[LP_WHY_LEN]);

/*
 * Linux: whether lp_link_open_tap could open a TAP of that name now; what it would refuse is said
 * before anything is done. An interface that does not exist is not made. Elsewhere
 * LP_ERR_UNSUPPORTED.
 */
int lp_link_check_tap(const char *name, char why[LP_WHY_LEN]);

/*
 * A packet socket on a wired Ethernet interface, promiscuous, own frames not captured again.
 * Refuses (why names cause and remedy): no such interface, not Ethernet, no valid MAC, Wi-Fi,
 * down, no carrier, loopback, promiscuous mode refused.
 */
int lp_link_open_packet(struct uv_loop_s *loop, const char *interface, lp_ready_fn *ready,
                        void *user, struct lp_link **ret_link, char why[LP_WHY_LEN]);

/* A TAP of our own, made a port of an existing Linux bridge. `name` NULL = chosen. */
int lp_link_open_bridge_port(struct uv_loop_s *loop, const char *bridge, const char *name,
                             lp_ready_fn *ready, void *user, struct lp_link **ret_link,
                             char why[LP_WHY_LEN]);

/* Undoes everything that opening did (TAP removed unless it existed before). Consumes. */
void lp_link_close(struct lp_link *link);

/*
 * Cable in or out, as the system and its DHCP client see it. LP_ERR_UNSUPPORTED for links that
 * are no TAP. Without media nothing is read, and written frames go nowhere: Windows says
 * LP_ERR_AGAIN of them.
 */
int lp_link_set_media(struct lp_link *link, bool connected);

void lp_link_info(struct lp_link *link, struct lp_link_info *ret_info);
void lp_link_counters(const struct lp_link *link, struct lp_link_counters *ret_counters);

/*
 * Reads one super-frame, borrowed until the next read. LP_ERR_AGAIN: none now. LP_ERR_CLOSED:
 * the interface went away or down; the caller closes and opens again.
 */
int lp_link_read(struct lp_link *link, struct lp_superframe *ret_frame);

/*
 * Writes one plain frame with complete checksums. LP_ERR_AGAIN: device queue full, frame
 * dropped and counted, go on. LP_ERR_CLOSED as above.
 */
int lp_link_write(struct lp_link *link, const uint8_t *frame, size_t len);
/*
 * Writes one super-frame whose checksum is left to fill in. As above, and LP_ERR_UNSUPPORTED when
 * the system does not take this kind.
 */
int lp_link_write_super(struct lp_link *link, const struct lp_superframe *super);

/* ---- Network configuration of a player's machine
 * ---------------------------------------------- */

/* The route that reaches an address now. */
struct lp_route {
    struct lp_addr source;   /* preferred source address, family NONE when unknown */
    struct lp_addr next_hop; /* family NONE = on-link */
    char interface[LP_IF_NAME_LEN];
    unsigned interface_index;
    unsigned prefix_len; /* of the route that matched */
    unsigned metric;
};

int lp_route_lookup(const struct lp_addr *destination, struct lp_route *ret_route);

/*
 * A host route to the relay by the way it has now, so that no route of the party can capture
 * it. An identical route that exists already is borrowed and never deleted.
 */
struct lp_route_pin;
int lp_route_pin(const struct lp_addr *destination, struct lp_route_pin **ret_pin,
                 char why[LP_WHY_LEN]);
/* Is the pin (still) what the kernel uses? Puts it back when it has gone. */
int lp_route_pin_check(struct lp_route_pin *pin, struct lp_route *ret_route);
/* Removes it when it was ours. Consumes; NULL is fine. */
void lp_route_unpin(struct lp_route_pin *pin);

#define LP_IF_ADDRESSES_MAX 16
struct lp_if_address {
    struct lp_addr addr; /* port 0 */
    unsigned prefix_len;
    bool link_local;
};
/* Addresses of an interface now; returns how many were written. */
int lp_interface_addresses(const char *interface, struct lp_if_address addresses[],
                           unsigned capacity);

/*
 * Whether a subnet of `interface` overlaps one of another interface that is up; *ret_other then
 * names the other interface and both prefixes in a sentence. Returns 1, 0, or an error.
 */
int lp_interface_find_overlap(const char *interface, char ret_other[LP_WHY_LEN]);

/*
 * The party must not take over the machine: no default route, and no DNS, by IPv6 router
 * advertisements on this interface (accept_ra_defrtr=0, accept_ra_rt_info_max_plen=0).
 */
int lp_interface_refuse_default_route(const char *interface, char why[LP_WHY_LEN]);

/*
 * DHCPv4 client on an interface: address and on-link route only, no default route, resolv.conf
 * left alone (a party's DNS servers are reported, not used). Runs a client program as a child.
 */
struct lp_dhcp;
struct lp_dhcp_lease {
    bool bound;
    struct lp_addr address;
    unsigned prefix_len;
    struct lp_addr server;
    unsigned lease_s;
    struct lp_addr dns[3];
    unsigned dns_count;
};
typedef void lp_dhcp_fn(void *user, const struct lp_dhcp_lease *lease);
int lp_dhcp_start(struct uv_loop_s *loop, const char *interface, lp_dhcp_fn *changed,
                  void *user, struct lp_dhcp **ret_dhcp, char why[LP_WHY_LEN]);
/* Asks again at once: a gateway appeared. */
int lp_dhcp_restart(struct lp_dhcp *dhcp);
/* Releases the child and removes the address. Consumes; NULL is fine. */
void lp_dhcp_stop(struct lp_dhcp *dhcp);
/*
 * When this process was started by the DHCP program to report an event (see lp_dhcp_start),
 * handles it and returns true with the exit status: the first thing that main() of a client
 * does.
 */
bool lp_dhcp_is_event_helper(int argc, char **argv, int *ret_status);

/* DNS servers for this interface (systemd-resolved by resolvectl when there); undone by
 * _restore. */
int lp_dns_use(const char *interface, const struct lp_addr servers[], unsigned count,
               char why[LP_WHY_LEN]);
void lp_dns_restore(const char *interface);

#endif
