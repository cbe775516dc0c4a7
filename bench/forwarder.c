/*
 * The naive competitor: Ethernet over UDP in user space, no cipher, one frame a datagram, one
 * system call each, a learning hub in the middle. Written as one writes it who wants it plain
 * and not slow: large socket buffers, no copy, and after a wait it goes on until nothing is
 * left, so that under load it waits seldom.
 *
 *   lp-bench-forwarder hub ADDRESS:PORT
 *   lp-bench-forwarder tap NAME ADDRESS:PORT           makes the TAP interface
 *   lp-bench-forwarder packet INTERFACE ADDRESS:PORT   AF_PACKET on an interface of a LAN
 *
 * A peer is whoever has sent the hub a datagram; an empty one, sent at the start and once a
 * second, is a hello. For the benchmark's own wires only: it trusts everybody.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tool.h"

#define FRAME_MAX    2048
#define PEERS_MAX    64
#define TABLE_SIZE   1024 /* of MAC addresses: direct mapped, the newest wins */
#define TURN_MAX     64   /* frames of one side before the other has its turn */
#define HELLO_MS     1000
#define ETHERNET_LEN 14

struct entry {
    uint8_t mac[6];
    bool used;
    unsigned peer;
};

struct hub {
    int fd;
    struct sockaddr_in peer[PEERS_MAX];
    unsigned peers;
    struct entry table[TABLE_SIZE];
};

static unsigned slot_of(const uint8_t *mac)
{
    uint32_t hash = 2166136261u;

    for (int i = 0; i < 6; i++)
        hash = (hash ^ mac[i]) * 16777619u;
    return hash % TABLE_SIZE;
}

/* PEERS_MAX when there are too many. */
static unsigned peer_of(struct hub *hub, const struct sockaddr_in *from)
{
    for (unsigned i = 0; i < hub->peers; i++)
        if (hub->peer[i].sin_addr.s_addr == from->sin_addr.s_addr &&
            hub->peer[i].sin_port == from->sin_port)
            return i;
    if (hub->peers == PEERS_MAX)
        return PEERS_MAX;
    hub->peer[hub->peers] = *from;
    return hub->peers++;
}

static void send_to(struct hub *hub, unsigned peer, const uint8_t *frame, size_t len)
{
    (void)sendto(hub->fd, frame, len, 0, (const struct sockaddr *)&hub->peer[peer],
                 sizeof(hub->peer[peer]));
}

static void forward(struct hub *hub, unsigned from, const uint8_t *frame, size_t len)
{
    struct entry *source = &hub->table[slot_of(frame + 6)];
    const struct entry *target = &hub->table[slot_of(frame)];

    memcpy(source->mac, frame + 6, 6);
    source->peer = from;
    source->used = true;
    if ((frame[0] & 1) == 0 && target->used && memcmp(target->mac, frame, 6) == 0) {
        if (target->peer != from)
            send_to(hub, target->peer, frame, len);
        return;
    }
    for (unsigned i = 0; i < hub->peers; i++)
        if (i != from)
            send_to(hub, i, frame, len);
}

static int run_hub(const char *where, const volatile int *stop)
{
    struct sockaddr_in address = lp_tool_address(where);
    static struct hub hub;
    uint8_t frame[FRAME_MAX];

    hub.fd = lp_tool_udp(&address);
    while (!*stop) {
        struct pollfd ready = {.fd = hub.fd, .events = POLLIN};
        struct sockaddr_in from;
        socklen_t from_len = sizeof(from);
        ssize_t len;

        if (poll(&ready, 1, -1) < 0)
            continue;
        while (from_len = sizeof(from),
               (len = recvfrom(hub.fd, frame, sizeof(frame), 0, (struct sockaddr *)&from,
                               &from_len)) >= 0) {
            unsigned peer = peer_of(&hub, &from);

            if (peer < PEERS_MAX && len >= ETHERNET_LEN)
                forward(&hub, peer, frame, (size_t)len);
        }
    }
    return 0;
}

static int open_tap(const char *name)
{
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
    int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

    snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
    if (fd < 0 || ioctl(fd, TUNSETIFF, &request) != 0)
        lp_tool_die(name);
    return fd;
}

/* From one side to the other until nothing is left or the turn is over. */
static void pump(int from, int to)
{
    uint8_t frame[FRAME_MAX];

    for (int i = 0; i < TURN_MAX; i++) {
        ssize_t len = read(from, frame, sizeof(frame));

        if (len < 0)
            return;
        if (len >= ETHERNET_LEN && write(to, frame, (size_t)len) < 0 && errno == EBADF)
            lp_tool_die("write");
    }
}

static int run_peer(int edge, const char *where, const volatile int *stop)
{
    struct sockaddr_in hub = lp_tool_address(where);
    int fd = lp_tool_udp(NULL);
    uint64_t hello_ns = 0;

    if (connect(fd, (const struct sockaddr *)&hub, sizeof(hub)) != 0)
        lp_tool_die(where);
    while (!*stop) {
        struct pollfd ready[] = {{.fd = fd, .events = POLLIN}, {.fd = edge, .events = POLLIN}};
        uint64_t now_ns = lp_tool_now_ns();

        if (now_ns - hello_ns >= (uint64_t)HELLO_MS * LP_TOOL_MS) {
            (void)send(fd, "", 0, 0);
            hello_ns = now_ns;
        }
        if (poll(ready, 2, HELLO_MS) <= 0)
            continue;
        if (ready[0].revents != 0)
            pump(fd, edge);
        if (ready[1].revents != 0)
            pump(edge, fd);
    }
    return 0;
}

int main(int argc, char **argv)
{
    volatile int stop = 0;

    lp_tool_start(&stop);
    if (argc == 3 && strcmp(argv[1], "hub") == 0)
        return run_hub(argv[2], &stop);
    if (argc == 4 && strcmp(argv[1], "tap") == 0)
        return run_peer(open_tap(argv[2]), argv[3], &stop);
    if (argc == 4 && strcmp(argv[1], "packet") == 0)
        return run_peer(lp_tool_packet(argv[2]), argv[3], &stop);
    fprintf(stderr, "usage: lp-bench-forwarder hub ADDRESS:PORT\n"
                    "       lp-bench-forwarder tap NAME ADDRESS:PORT\n"
                    "       lp-bench-forwarder packet INTERFACE ADDRESS:PORT\n");
    return 2;
}
