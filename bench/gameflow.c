/*
 * A game's flow and its meter: small datagrams at a steady rate, echoed by the other side, with
 * number and time stamp inside.
 *
 *   lp-bench-gameflow echo ADDRESS:PORT
 *   lp-bench-gameflow send ADDRESS:PORT SECONDS [PER-SECOND [BYTES]]      60 and 100
 *
 * "send" prints one JSON object: sent, received, lost, and of the round trips p50, p99 and max
 * in microseconds. What has not come back two seconds after the last was sent is lost; a copy
 * of what has come back already counts once.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tool.h"

#define MAGIC       UINT64_C(0x736f66746c616e31)
#define LATE_NS     (2 * LP_TOOL_S)
#define BYTES_MIN   24
#define BYTES_MAX   1400
#define FLOW_MAX    10000000.0
#define SECONDS_MAX 86400.0

struct stamp {
    uint64_t magic;
    uint64_t number;
    uint64_t sent_ns;
};

struct flow {
    int fd;
    uint64_t run; /* tells this flow's echoes from those of an earlier one */
    uint64_t count;
    uint64_t sent;
    uint64_t received;
    uint64_t refused; /* by the kernel: no route, no buffer; they count as lost */
    uint64_t *samples;
    uint8_t *seen;
    size_t bytes;
};

static int echo(const char *where, volatile int *stop)
{
    struct sockaddr_in address = lp_tool_address(where);
    int fd = lp_tool_udp(&address);
    uint8_t bytes[BYTES_MAX];

    printf("ready\n");
    fflush(stdout);
    while (!*stop) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        struct sockaddr_in from;
        socklen_t from_len = sizeof(from);
        ssize_t len;

        if (poll(&ready, 1, -1) < 0)
            continue;
        while (from_len = sizeof(from),
               (len = recvfrom(fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&from,
                               &from_len)) >= 0)
            (void)sendto(fd, bytes, (size_t)len, 0, (const struct sockaddr *)&from, from_len);
    }
    return 0;
}

static void send_one(struct flow *flow, uint64_t now_ns)
{
    uint8_t bytes[BYTES_MAX] = {0};
    struct stamp stamp = {.magic = MAGIC ^ flow->run, .number = flow->sent, .sent_ns = now_ns};

    memcpy(bytes, &stamp, sizeof(stamp));
    if (send(flow->fd, bytes, flow->bytes, 0) < 0)
        flow->refused++;
    flow->sent++;
}

static void receive(struct flow *flow, uint64_t now_ns)
{
    uint8_t bytes[BYTES_MAX];
    struct stamp stamp;
    ssize_t len;

    while ((len = recv(flow->fd, bytes, sizeof(bytes), 0)) >= 0) {
        if ((size_t)len < sizeof(stamp))
            continue;
        memcpy(&stamp, bytes, sizeof(stamp));
        if (stamp.magic != (MAGIC ^ flow->run) || stamp.number >= flow->sent ||
            flow->seen[stamp.number])
            continue;
        flow->seen[stamp.number] = 1;
        flow->samples[flow->received++] = now_ns - stamp.sent_ns;
    }
}

static void print(struct flow *flow)
{
    lp_tool_sort(flow->samples, flow->received);
    printf("{\"sent\": %llu, \"received\": %llu, \"lost\": %llu, \"refused\": %llu, "
           "\"p50_us\": %.1f, \"p99_us\": %.1f, \"max_us\": %.1f}\n",
           (unsigned long long)flow->sent, (unsigned long long)flow->received,
           (unsigned long long)(flow->sent - flow->received), (unsigned long long)flow->refused,
           (double)lp_tool_quantile(flow->samples, flow->received, 0.5) / LP_TOOL_US,
           (double)lp_tool_quantile(flow->samples, flow->received, 0.99) / LP_TOOL_US,
           (double)lp_tool_quantile(flow->samples, flow->received, 1.0) / LP_TOOL_US);
}

static int run(struct flow *flow, double per_second, volatile int *stop)
{
    uint64_t step_ns = (uint64_t)((double)LP_TOOL_S / per_second);
    uint64_t start_ns = lp_tool_now_ns();
    uint64_t end_ns = start_ns + flow->count * step_ns + LATE_NS;

    for (;;) {
        uint64_t now_ns = lp_tool_now_ns();
        uint64_t next_ns = flow->sent < flow->count ? start_ns + flow->sent * step_ns : end_ns;
        struct pollfd ready = {.fd = flow->fd, .events = POLLIN};
        struct timespec wait = {0};

        if (*stop ||
            (flow->sent == flow->count && (now_ns >= end_ns || flow->received == flow->sent)))
            break;
        if (flow->sent < flow->count && now_ns >= next_ns) {
            send_one(flow, now_ns);
            continue;
        }
        wait.tv_sec = (time_t)((next_ns - now_ns) / LP_TOOL_S);
        wait.tv_nsec = (long)((next_ns - now_ns) % LP_TOOL_S);
        if (ppoll(&ready, 1, &wait, NULL) > 0)
            receive(flow, lp_tool_now_ns());
    }
    print(flow);
    return 0;
}

static int send_flow(int argc, char **argv, volatile int *stop)
{
    struct sockaddr_in to = lp_tool_address(argv[0]);
    double seconds = lp_tool_number(argv[1], 0.01, SECONDS_MAX);
    double per_second = argc > 2 ? lp_tool_number(argv[2], 1, 100000) : 60;
    double count = seconds * per_second;
    struct flow flow = {.fd = lp_tool_udp(NULL), .run = lp_tool_now_ns(), .bytes = 100};
    int status;

    if (argc > 3)
        flow.bytes = (size_t)lp_tool_number(argv[3], BYTES_MIN, BYTES_MAX);
    errno = 0;
    if (count < 1 || count > FLOW_MAX)
        lp_tool_die("SECONDS times PER-SECOND must be from 1 to 10,000,000");
    flow.count = (uint64_t)count;
    flow.samples = calloc(flow.count, sizeof(*flow.samples));
    flow.seen = calloc(flow.count, 1);
    if (flow.samples == NULL || flow.seen == NULL ||
        connect(flow.fd, (const struct sockaddr *)&to, sizeof(to)) != 0)
        lp_tool_die(argv[0]);
    status = run(&flow, per_second, stop);
    free(flow.samples);
    free(flow.seen);
    return status;
}

int main(int argc, char **argv)
{
    volatile int stop = 0;

    lp_tool_start(&stop);
    if (argc == 3 && strcmp(argv[1], "echo") == 0)
        return echo(argv[2], &stop);
    if (argc >= 4 && argc <= 6 && strcmp(argv[1], "send") == 0)
        return send_flow(argc - 2, argv + 2, &stop);
    fprintf(stderr,
            "usage: lp-bench-gameflow echo ADDRESS:PORT\n"
            "       lp-bench-gameflow send ADDRESS:PORT SECONDS [PER-SECOND [BYTES]]\n");
    return 2;
}
