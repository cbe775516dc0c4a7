/*
 * A broadcast to a room: from a host of one network namespace to many interfaces of another.
 *
 *   lp-bench-fanout NAMESPACE ADDRESS:PORT NAMESPACE INTERFACE,INTERFACE... PER-SECOND SECONDS
 *
 * Sends 100-byte broadcasts to the address from the first namespace (names as of ip-netns) and
 * sees them come out of each interface of the second. One JSON object: sent; the broadcasts
 * that came to all ("complete"), and how long until the last had it (p50, p99, max in
 * microseconds); the share of all copies that came. Needs root.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tool.h"

#define MAGIC       UINT64_C(0x736f66746c616e32)
#define LATE_NS     (LP_TOOL_S / 2)
#define BYTES       100
#define LISTEN_MAX  64
#define HEADERS_LEN 42 /* Ethernet, IPv4 and UDP */
#define COUNT_MAX   1e7

struct stamp {
    uint64_t magic;
    uint64_t run;
    uint64_t number;
    uint64_t sent_ns;
};

struct fanout {
    int out;
    struct pollfd in[LISTEN_MAX];
    unsigned listeners;
    uint64_t run;
    uint64_t count;
    uint64_t sent;
    uint64_t copies;
    uint64_t complete;
    uint8_t *arrived;  /* copies of each number */
    uint64_t *samples; /* until the last copy */
};

static void enter(const char *ns)
{
    char path[256];
    int fd;

    snprintf(path, sizeof(path), "/run/netns/%s", ns);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || setns(fd, CLONE_NEWNET) != 0)
        lp_tool_die(path);
    close(fd);
}

static void listen_on(struct fanout *fan, char *names)
{
    char *rest = names;
    char *name;

    while ((name = strsep(&rest, ",")) != NULL) {
        errno = 0;
        if (fan->listeners == LISTEN_MAX)
            lp_tool_die("64 interfaces at most");
        fan->in[fan->listeners++] =
            (struct pollfd){.fd = lp_tool_packet(name), .events = POLLIN};
    }
}

static void send_one(struct fanout *fan, uint64_t now_ns)
{
    uint8_t bytes[BYTES] = {0};
    struct stamp stamp = {
        .magic = MAGIC, .run = fan->run, .number = fan->sent, .sent_ns = now_ns};

    memcpy(bytes, &stamp, sizeof(stamp));
    (void)send(fan->out, bytes, sizeof(bytes), 0);
    fan->sent++;
}

static void receive(struct fanout *fan, int fd, uint64_t now_ns)
{
    uint8_t frame[2048];
    struct stamp stamp;
    ssize_t len;

    while ((len = recv(fd, frame, sizeof(frame), 0)) >= 0) {
        if ((size_t)len < HEADERS_LEN + sizeof(stamp))
            continue;
        memcpy(&stamp, frame + HEADERS_LEN, sizeof(stamp));
        if (stamp.magic != MAGIC || stamp.run != fan->run || stamp.number >= fan->sent)
            continue;
        fan->copies++;
        if (++fan->arrived[stamp.number] == fan->listeners)
            fan->samples[fan->complete++] = now_ns - stamp.sent_ns;
    }
}

static void run(struct fanout *fan, double per_second, const volatile int *stop)
{
    uint64_t step_ns = (uint64_t)((double)LP_TOOL_S / per_second);
    uint64_t start_ns = lp_tool_now_ns();
    uint64_t end_ns = start_ns + fan->count * step_ns + LATE_NS;

    for (;;) {
        uint64_t now_ns = lp_tool_now_ns();
        uint64_t next_ns = fan->sent < fan->count ? start_ns + fan->sent * step_ns : end_ns;
        struct timespec wait = {0};

        if (*stop ||
            (fan->sent == fan->count && (now_ns >= end_ns || fan->complete == fan->count)))
            return;
        if (fan->sent < fan->count && now_ns >= next_ns) {
            send_one(fan, now_ns);
            continue;
        }
        wait.tv_sec = (time_t)((next_ns - now_ns) / LP_TOOL_S);
        wait.tv_nsec = (long)((next_ns - now_ns) % LP_TOOL_S);
        if (ppoll(fan->in, fan->listeners, &wait, NULL) <= 0)
            continue;
        for (unsigned i = 0; i < fan->listeners; i++)
            if (fan->in[i].revents != 0)
                receive(fan, fan->in[i].fd, lp_tool_now_ns());
    }
}

static void print(struct fanout *fan)
{
    double copies = (double)fan->sent * fan->listeners;

    lp_tool_sort(fan->samples, fan->complete);
    printf("{\"sent\": %llu, \"complete\": %llu, \"share\": %.6f, \"p50_us\": %.1f, "
           "\"p99_us\": %.1f, \"max_us\": %.1f}\n",
           (unsigned long long)fan->sent, (unsigned long long)fan->complete,
           copies > 0 ? (double)fan->copies / copies : 0,
           (double)lp_tool_quantile(fan->samples, fan->complete, 0.5) / LP_TOOL_US,
           (double)lp_tool_quantile(fan->samples, fan->complete, 0.99) / LP_TOOL_US,
           (double)lp_tool_quantile(fan->samples, fan->complete, 1.0) / LP_TOOL_US);
}

int main(int argc, char **argv)
{
    volatile int stop = 0;
    struct fanout fan = {.run = lp_tool_now_ns()};
    struct sockaddr_in to;
    double per_second;
    double count;
    int on = 1;

    if (argc != 7) {
        fprintf(stderr, "usage: lp-bench-fanout NAMESPACE ADDRESS:PORT NAMESPACE "
                        "INTERFACE,INTERFACE... PER-SECOND SECONDS\n");
        return 2;
    }
    lp_tool_start(&stop);
    to = lp_tool_address(argv[2]);
    per_second = lp_tool_number(argv[5], 1, 1e6);
    count = per_second * lp_tool_number(argv[6], 0.01, 3600);
    errno = 0;
    if (count < 1 || count > COUNT_MAX)
        lp_tool_die("PER-SECOND times SECONDS must be from 1 to 10,000,000");
    fan.count = (uint64_t)count;
    fan.samples = calloc(fan.count, sizeof(*fan.samples));
    fan.arrived = calloc(fan.count, 1);
    if (fan.samples == NULL || fan.arrived == NULL)
        lp_tool_die("memory");
    enter(argv[1]);
    fan.out = lp_tool_udp(NULL);
    if (setsockopt(fan.out, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on)) != 0 ||
        connect(fan.out, (const struct sockaddr *)&to, sizeof(to)) != 0)
        lp_tool_die(argv[2]);
    enter(argv[3]);
    listen_on(&fan, argv[4]);
    run(&fan, per_second, &stop);
    print(&fan);
    free(fan.samples);
    free(fan.arrived);
    return 0;
}
