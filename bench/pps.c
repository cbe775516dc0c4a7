/*
 * How many small datagrams a second get through: a paced sender, and a receiver that counts.
 *
 *   lp-bench-pps recv ADDRESS:PORT
 *   lp-bench-pps send ADDRESS:PORT RUN PER-SECOND SECONDS [BYTES]          100
 *
 * The sender says {"run", "sent", "seconds"}: what it has sent and how long that took, longer
 * than asked for when it cannot keep up. RUN is a number in each datagram; the receiver prints one
 * line {"run", "received"} for each run, 200 ms after the run's last datagram.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "tool.h"

#define MAGIC     0x534c7070u
#define BATCH     32
#define BYTES_MAX 1400
#define TICK_NS   (250 * LP_TOOL_US) /* how finely the sender spreads what it sends */
#define QUIET_MS  200

struct label {
    uint32_t magic;
    uint32_t run;
};

struct batch {
    uint8_t bytes[BATCH][BYTES_MAX];
    struct iovec part[BATCH];
    struct mmsghdr message[BATCH];
};

static void batch_init(struct batch *batch, size_t bytes)
{
    memset(batch, 0, sizeof(*batch));
    for (size_t i = 0; i < BATCH; i++) {
        batch->part[i] = (struct iovec){.iov_base = batch->bytes[i], .iov_len = bytes};
        batch->message[i].msg_hdr.msg_iov = &batch->part[i];
        batch->message[i].msg_hdr.msg_iovlen = 1;
    }
}

static int count_runs(const char *where, volatile int *stop)
{
    struct sockaddr_in address = lp_tool_address(where);
    int fd = lp_tool_udp(&address);
    static struct batch batch;
    uint32_t run = 0;
    unsigned long received = 0;

    batch_init(&batch, BYTES_MAX);
    printf("ready\n");
    fflush(stdout);
    while (!*stop) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        int got = poll(&ready, 1, received > 0 ? QUIET_MS : -1);

        if (got == 0) {
            printf("{\"run\": %u, \"received\": %lu}\n", run, received);
            fflush(stdout);
            received = 0;
        }
        if (got <= 0)
            continue;
        got = recvmmsg(fd, batch.message, BATCH, 0, NULL);
        for (int i = 0; i < got; i++) {
            struct label label;

            memcpy(&label, batch.bytes[i], sizeof(label));
            if (batch.message[i].msg_len < sizeof(label) || label.magic != MAGIC ||
                label.run < run)
                continue;
            if (label.run > run) /* the last run never grew quiet: nobody asks for it */
                received = 0;
            run = label.run;
            received++;
        }
    }
    return 0;
}

static void pause_until(uint64_t at_ns)
{
    uint64_t now_ns = lp_tool_now_ns();
    struct timespec wait;

    if (at_ns <= now_ns)
        return;
    wait.tv_sec = (time_t)((at_ns - now_ns) / LP_TOOL_S);
    wait.tv_nsec = (long)((at_ns - now_ns) % LP_TOOL_S);
    ppoll(NULL, 0, &wait, NULL);
}

/* What the kernel takes; a datagram that it has no room for is not sent again. */
static uint64_t send_some(int fd, struct batch *batch, uint64_t due)
{
    uint64_t sent = 0;

    while (sent < due) {
        unsigned want = due - sent < BATCH ? (unsigned)(due - sent) : BATCH;
        int done = sendmmsg(fd, batch->message, want, 0);

        sent += done > 0 ? (uint64_t)done : 1;
    }
    return sent;
}

static int send_run(int argc, char **argv, volatile int *stop)
{
    struct sockaddr_in to = lp_tool_address(argv[0]);
    struct label label = {.magic = MAGIC, .run = (uint32_t)lp_tool_number(argv[1], 1, 1e9)};
    double per_second = lp_tool_number(argv[2], 1, 1e7);
    uint64_t total = (uint64_t)(per_second * lp_tool_number(argv[3], 0.01, 3600));
    size_t bytes = argc > 4 ? (size_t)lp_tool_number(argv[4], sizeof(label), BYTES_MAX) : 100;
    int fd = lp_tool_udp(NULL);
    static struct batch batch;
    uint64_t sent = 0;
    uint64_t start_ns;

    batch_init(&batch, bytes);
    for (size_t i = 0; i < BATCH; i++)
        memcpy(batch.bytes[i], &label, sizeof(label));
    if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) != 0)
        lp_tool_die(argv[0]);
    start_ns = lp_tool_now_ns();
    for (uint64_t tick = 1; !*stop && sent < total; tick++) {
        uint64_t at_ns = lp_tool_now_ns() - start_ns;
        uint64_t due = (uint64_t)((double)at_ns * per_second / 1e9);

        due = due < total ? due : total;
        sent += send_some(fd, &batch, due - sent);
        pause_until(start_ns + tick * TICK_NS);
    }
    printf("{\"run\": %u, \"sent\": %llu, \"seconds\": %.6f}\n", label.run,
           (unsigned long long)sent, (double)(lp_tool_now_ns() - start_ns) / 1e9);
    return 0;
}

int main(int argc, char **argv)
{
    volatile int stop = 0;

    lp_tool_start(&stop);
    if (argc == 3 && strcmp(argv[1], "recv") == 0)
        return count_runs(argv[2], &stop);
    if (argc >= 6 && argc <= 7 && strcmp(argv[1], "send") == 0)
        return send_run(argc - 2, argv + 2, &stop);
    errno = 0;
    fprintf(stderr, "usage: lp-bench-pps recv ADDRESS:PORT\n"
                    "       lp-bench-pps send ADDRESS:PORT RUN PER-SECOND SECONDS [BYTES]\n");
    return 2;
}
