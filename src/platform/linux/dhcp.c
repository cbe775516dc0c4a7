/*
 * The DHCPv4 client of a player's TAP: BusyBox udhcpc as a child, its events told to this
 * process.
 *
 *     this process --uv_spawn--> own executable, role "run": dies with its parent, becomes
 * udhcpc udhcpc --its script--> own executable, role "event": one struct event on the socket
 *     this process: sets or removes the address
 *
 * So the child changes nothing itself: no route, no resolv.conf, whatever the server sends. A
 * restart is a new child, because udhcpc answers no signal with a DISCOVER within a second.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "base/err.h"
#include "platform/linux/errno.h"
#include "platform/linux/netlink.h"
#include "platform/linux/program.h"
#include "platform/platform.h"

#define SELF           "/proc/self/exe"
#define ENV_ROLE       "SOFTLAN_DHCP_ROLE"
#define ENV_PARENT     "SOFTLAN_DHCP_PARENT"
#define ENV_GENERATION "SOFTLAN_DHCP_GENERATION"
#define ROLE_RUN       "run"
#define ROLE_EVENT     "event"

/* udhcpc takes 3 and 4 for itself */
#define SPAWN_FD 3
#define EVENT_FD 10

#define EVENT_MAGIC 0x534c4443u
#define RESPAWN_MS  1000
/* What udhcpc itself assumes when the server names no lease time. */
#define LEASE_DEFAULT_S 3600u
/* On an overlap the player's own network keeps its hosts (its DNS server, say). */
#define ON_LINK_METRIC 9000u

struct event {
    uint32_t magic;
    uint32_t generation;
    struct lp_dhcp_lease lease; /* bound = an address is given, else it was taken away */
};

struct child {
    uv_process_t process;
    struct lp_dhcp *dhcp; /* NULL when it is not wanted any more */
};

struct lp_dhcp {
    struct uv_loop_s *loop;
    uv_poll_t poll;
    uv_timer_t respawn;
    unsigned open_handles;
    int sockets[2]; /* ours, the child's */
    uint32_t generation;
    bool keep_address; /* a new child begins with "deconfig": the address in use stays */
    char interface[LP_IF_NAME_LEN];
    char program[LP_PROGRAM_PATH_LEN];
    lp_dhcp_fn *changed;
    void *user;
    struct child *child;
    struct lp_dhcp_lease lease;
};

/* ---- in the child: roles "run" and "event" ---- */

static int run_program(int argc, char **argv)
{
    const char *parent = getenv(ENV_PARENT);

    /* no DHCP client stays behind when the client is killed, whatever the signal */
    if (argc < 2 || parent == NULL || prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 ||
        getppid() != (pid_t)strtol(parent, NULL, 10))
        return 1;
    if (dup2(SPAWN_FD, EVENT_FD) != EVENT_FD || setenv(ENV_ROLE, ROLE_EVENT, 1) != 0)
        return 1;
    close(SPAWN_FD);
    execv(argv[1], argv + 1);
    return 127;
}

static unsigned number_from_env(const char *name, unsigned long max)
{
    const char *text = getenv(name);
    char *end;
    unsigned long value;

    if (text == NULL || text[0] < '0' || text[0] > '9')
        return 0;
    errno = 0;
    value = strtoul(text, &end, 10);
    return errno == 0 && *end == '\0' && value <= max ? (unsigned)value : 0;
}

/* The first IPv4 address of a list separated by blanks; *text moves behind it. */
static bool next_address(const char **text, struct lp_addr *ret_addr)
{
    char one[LP_ADDR_TEXT_LEN];
    size_t len;

    *text += strspn(*text, " ");
    len = strcspn(*text, " ");
    if (len == 0 || len >= sizeof(one))
        return false;
    memcpy(one, *text, len);
    one[len] = '\0';
    *text += len;
    return lp_addr_parse_ip(one, 0, ret_addr) == 0 && ret_addr->family == LP_ADDR_IPV4;
}

static bool address_from_env(const char *name, struct lp_addr *ret_addr)
{
    const char *text = getenv(name);

    return text != NULL && next_address(&text, ret_addr);
}

static void read_lease(struct lp_dhcp_lease *lease)
{
    const char *dns = getenv("dns");

    lease->prefix_len = number_from_env("mask", 32);
    lease->lease_s = number_from_env("lease", UINT32_MAX);
    address_from_env("serverid", &lease->server);
    while (dns != NULL && lease->dns_count < 3 &&
           next_address(&dns, &lease->dns[lease->dns_count]))
        lease->dns_count++;
    lease->bound = address_from_env("ip", &lease->address) && lease->prefix_len > 0;
}

static int report_event(const char *name)
{
    struct event event;

    memset(&event, 0, sizeof(event)); /* padding goes over the socket too */
    event.magic = EVENT_MAGIC;
    event.generation = number_from_env(ENV_GENERATION, UINT32_MAX);
    if (strcmp(name, "bound") == 0 || strcmp(name, "renew") == 0) {
        read_lease(&event.lease);
        if (!event.lease.bound)
            return 1;
    } else if (strcmp(name, "deconfig") != 0) {
        return 0; /* leasefail, nak: deconfig follows when an address is lost by it */
    }
    if (send(EVENT_FD, &event, sizeof(event), MSG_NOSIGNAL) != (ssize_t)sizeof(event))
        return 1;
    return 0;
}

bool lp_dhcp_is_event_helper(int argc, char **argv, int *ret_status)
{
    const char *role = getenv(ENV_ROLE);

    if (role == NULL)
        return false;
    if (strcmp(role, ROLE_RUN) == 0)
        *ret_status = run_program(argc, argv);
    else if (strcmp(role, ROLE_EVENT) == 0 && argc >= 2)
        *ret_status = report_event(argv[1]);
    else
        return false;
    return true;
}

/* ---- the address ---- */

static void put_lifetime(struct lp_nl_request *request, unsigned lease_s)
{
    /* the kernel removes it by itself when the lease ends without renewal */
    struct ifa_cacheinfo lifetime = {.ifa_prefered = lease_s, .ifa_valid = lease_s};

    lp_nl_put(request, IFA_CACHEINFO, &lifetime, sizeof(lifetime));
    lp_nl_put_u32(request, IFA_RT_PRIORITY, ON_LINK_METRIC);
}

static int change_address(const struct lp_dhcp *dhcp, uint16_t type,
                          const struct lp_dhcp_lease *lease)
{
    struct lp_nl_request request;
    struct lp_nl_link link;
    struct ifaddrmsg *message;
    uint8_t broadcast[4];
    int err = lp_nl_link_by_name(dhcp->interface, &link);

    if (err < 0)
        return err;
    message =
        lp_nl_begin(&request, type, type == RTM_NEWADDR ? NLM_F_CREATE | NLM_F_REPLACE : 0,
                    sizeof(*message));
    message->ifa_family = AF_INET;
    message->ifa_prefixlen = (uint8_t)lease->prefix_len;
    message->ifa_index = link.index;
    lp_nl_put(&request, IFA_LOCAL, lease->address.ip, 4);
    lp_nl_put(&request, IFA_ADDRESS, lease->address.ip, 4);
    if (type == RTM_NEWADDR) {
        for (unsigned i = 0; i < 4; i++) {
            unsigned network_bits = lease->prefix_len > 8 * i ? lease->prefix_len - 8 * i : 0;

            broadcast[i] = lease->address.ip[i];
            if (network_bits < 8)
                broadcast[i] = (uint8_t)(broadcast[i] | (0xffu >> network_bits));
        }
        if (lease->prefix_len < 31)
            lp_nl_put(&request, IFA_BROADCAST, broadcast, sizeof(broadcast));
        put_lifetime(&request, lease->lease_s);
    }
    return lp_nl_talk(&request, sizeof(*message), NULL, NULL);
}

static void remove_address(struct lp_dhcp *dhcp)
{
    if (dhcp->lease.bound)
        change_address(dhcp, RTM_DELADDR, &dhcp->lease);
    memset(&dhcp->lease, 0, sizeof(dhcp->lease));
}

static bool same_subnet_address(const struct lp_dhcp_lease *a, const struct lp_dhcp_lease *b)
{
    return a->bound && b->bound && a->prefix_len == b->prefix_len &&
           lp_addr_equal(&a->address, &b->address);
}

/* True when the lease changed. */
static bool apply(struct lp_dhcp *dhcp, const struct event *event)
{
    struct lp_dhcp_lease lease = event->lease;

    if (!lease.bound) {
        bool had = dhcp->lease.bound && !dhcp->keep_address;

        dhcp->keep_address = false;
        if (had)
            remove_address(dhcp);
        return had;
    }
    if (lease.address.family != LP_ADDR_IPV4 || lease.prefix_len < 1 || lease.prefix_len > 32 ||
        lease.dns_count > 3)
        return false;
    if (lease.lease_s == 0)
        lease.lease_s = LEASE_DEFAULT_S;
    if (!same_subnet_address(&dhcp->lease, &lease))
        remove_address(dhcp);
    if (change_address(dhcp, RTM_NEWADDR, &lease) < 0)
        return false;
    dhcp->lease = lease;
    return true;
}

/* ---- the child, seen from here ---- */

static void on_child_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void on_child_exit(uv_process_t *process, int64_t status, int signal_number);

static void fill_environment(const struct lp_dhcp *dhcp, char parent[48], char generation[48])
{
    snprintf(parent, 48, ENV_PARENT "=%ld", (long)getpid());
    snprintf(generation, 48, ENV_GENERATION "=%u", (unsigned)dhcp->generation);
}

static int spawn(struct lp_dhcp *dhcp)
{
    char script[32], parent[48], generation[48], requested[LP_ADDR_TEXT_LEN];
    char *environment[] = {ENV_ROLE "=" ROLE_RUN, "PATH=" LP_PROGRAM_SEARCH, parent, generation,
                           NULL};
    /* by number, so that it works after the file was replaced, and no more than one try of a
     * second */
    char *argv[24] = {"softlan-dhcp",
                      dhcp->program,
                      "-f",
                      "-i",
                      dhcp->interface,
                      "-s",
                      script,
                      "-t",
                      "4",
                      "-T",
                      "1",
                      "-A",
                      "2",
                      "-o",
                      "-O",
                      "subnet",
                      "-O",
                      "dns"};
    uv_stdio_container_t stdio[SPAWN_FD + 1] = {{.flags = UV_IGNORE}};
    uv_process_options_t options = {
        .exit_cb = on_child_exit,
        .file = SELF,
        .args = argv,
        .env = environment,
        .stdio = stdio,
        .stdio_count = SPAWN_FD + 1,
    };
    struct child *child = calloc(1, sizeof(*child));
    int err;

    if (child == NULL)
        return UV_ENOMEM;
    dhcp->generation++;
    dhcp->keep_address = dhcp->lease.bound;
    if (dhcp->lease.bound) {
        argv[18] = "-r";
        argv[19] = lp_addr_format_ip(&dhcp->lease.address, requested);
    }
    snprintf(script, sizeof(script), "/proc/%ld/exe", (long)getpid());
    fill_environment(dhcp, parent, generation);
    stdio[SPAWN_FD].flags = UV_INHERIT_FD;
    stdio[SPAWN_FD].data.fd = dhcp->sockets[1];
    child->process.data = child;
    child->dhcp = dhcp;
    err = uv_spawn(dhcp->loop, &child->process, &options);
    if (err != 0) {
        uv_close((uv_handle_t *)&child->process, on_child_closed);
        return err;
    }
    dhcp->child = child;
    return 0;
}

static void on_respawn(uv_timer_t *timer);

static void respawn_later(struct lp_dhcp *dhcp)
{
    uv_timer_start(&dhcp->respawn, on_respawn, RESPAWN_MS, 0);
}

static void on_respawn(uv_timer_t *timer)
{
    struct lp_dhcp *dhcp = timer->data;

    if (spawn(dhcp) != 0)
        respawn_later(dhcp);
}

static void on_child_exit(uv_process_t *process, int64_t status, int signal_number)
{
    struct child *child = process->data;
    struct lp_dhcp *dhcp = child->dhcp;

    (void)status;
    (void)signal_number;
    uv_close((uv_handle_t *)process, on_child_closed);
    dhcp->child = NULL;
    respawn_later(dhcp); /* the interface was away, somebody killed it, ... */
}

/* When it returns the process is gone, not only told to go. */
static void end_child(struct lp_dhcp *dhcp)
{
    struct child *child = dhcp->child;

    if (child == NULL)
        return;
    dhcp->child = NULL;
    kill(child->process.pid, SIGKILL);
    while (waitpid(child->process.pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    uv_close((uv_handle_t *)&child->process, on_child_closed);
}

static void on_event(uv_poll_t *poll, int status, int events)
{
    struct lp_dhcp *dhcp = poll->data;
    struct event event;
    ssize_t got;

    (void)status;
    (void)events;
    got = recv(dhcp->sockets[0], &event, sizeof(event), MSG_DONTWAIT | MSG_TRUNC);
    if (got != (ssize_t)sizeof(event) || event.magic != EVENT_MAGIC ||
        event.generation != dhcp->generation)
        return;
    if (apply(dhcp, &event)) {
        struct lp_dhcp_lease lease = dhcp->lease;

        dhcp->changed(dhcp->user, &lease); /* may stop: nothing is touched after it */
    }
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct lp_dhcp *dhcp = handle->data;

    if (--dhcp->open_handles == 0)
        free(dhcp);
}

/* ---- platform.h ---- */

static int open_sockets(struct lp_dhcp *dhcp)
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, dhcp->sockets) != 0)
        return -errno;
    if (uv_poll_init(dhcp->loop, &dhcp->poll, dhcp->sockets[0]) != 0) {
        close(dhcp->sockets[0]);
        close(dhcp->sockets[1]);
        return -ENOMEM;
    }
    uv_timer_init(dhcp->loop, &dhcp->respawn);
    dhcp->open_handles = 2;
    dhcp->poll.data = dhcp;
    dhcp->respawn.data = dhcp;
    uv_poll_start(&dhcp->poll, UV_READABLE, on_event);
    return 0;
}

int lp_dhcp_start(struct uv_loop_s *loop, const char *interface, lp_dhcp_fn *changed,
                  void *user, struct lp_dhcp **ret_dhcp, char why[LP_WHY_LEN])
{
    struct lp_nl_link link;
    struct lp_dhcp *dhcp;
    int err = lp_nl_link_by_name(interface, &link);

    if (err < 0)
        return lp_why(lp_err_from_errno(-err), why, "DHCP: there is no interface '%.32s'",
                      interface);
    dhcp = calloc(1, sizeof(*dhcp));
    if (dhcp == NULL)
        return lp_why(LP_ERR_NOMEM, why, "out of memory for DHCP");
    if (!lp_program_find("udhcpc", dhcp->program)) {
        free(dhcp);
        return lp_why(LP_ERR_UNSUPPORTED, why,
                      "DHCP needs the program udhcpc: install the package udhcpc, or set the "
                      "address of %s yourself",
                      interface);
    }
    dhcp->loop = loop;
    dhcp->changed = changed;
    dhcp->user = user;
    memcpy(dhcp->interface, link.name, sizeof(dhcp->interface));
    err = open_sockets(dhcp);
    if (err < 0) {
        free(dhcp);
        return lp_why(lp_err_from_errno(-err), why, "DHCP: %s", strerror(-err));
    }
    err = spawn(dhcp);
    if (err != 0) {
        lp_dhcp_stop(dhcp);
        return lp_why(lp_err_from_errno(-err), why, "DHCP: cannot start udhcpc: %s",
                      uv_strerror(err));
    }
    *ret_dhcp = dhcp;
    return 0;
}

int lp_dhcp_restart(struct lp_dhcp *dhcp)
{
    int err;

    uv_timer_stop(&dhcp->respawn);
    end_child(dhcp);
    err = spawn(dhcp);
    if (err != 0)
        respawn_later(dhcp);
    return lp_err_from_errno(-err);
}

void lp_dhcp_stop(struct lp_dhcp *dhcp)
{
    if (dhcp == NULL)
        return;
    end_child(dhcp);
    remove_address(dhcp);
    uv_close((uv_handle_t *)&dhcp->poll, on_handle_closed);
    uv_close((uv_handle_t *)&dhcp->respawn, on_handle_closed);
    close(dhcp->sockets[0]);
    close(dhcp->sockets[1]);
}
