/*
 * A long and lossy wire: passes Ethernet frames between two interfaces, each way after a fixed
 * delay, and loses a part of them at random. For machines whose kernel has no netem.
 *
 *   lp-bench-impair INTERFACE INTERFACE DELAY-MS LOSS-PERCENT SEED
 *
 * Frames pass with their virtio header, as the kernel gave them: a checksum that is still to be
 * made stays so. They keep their order. The wire holds SLOTS frames each way; what comes when
 * it is full is lost, and told at the end ({"passed", "lost", "full"}). Ready when it has said
 * "ready".
 */
#include <errno.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tool.h"

#define SLOTS     16384u /* a power of two */
#define FRAME_MAX 1600
#define BATCH     64

struct slot {
    uint64_t due_ns;
    uint32_t len;
    uint8_t bytes[sizeof(struct virtio_net_hdr) + FRAME_MAX];
};

struct way {
    int in;
    int out;
    struct slot *slot;
    uint32_t first;
    uint32_t next;
};

struct wire {
    struct way way[2];
    uint64_t delay_ns;
    uint64_t loss; /* of 2^32 */
    uint64_t random;
    unsigned long long passed;
    unsigned long long lost;
    unsigned long long full;
};

/* xorshift64*: the same seed loses the same frames. */
static uint32_t draw(struct wire *wire)
{
    wire->random ^= wire->random >> 12;
    wire->random ^= wire->random << 25;
    wire->random ^= wire->random >> 27;
    return (uint32_t)((wire->random * UINT64_C(2685821657736338717)) >> 32);
}

static void take(struct wire *wire, struct way *way, uint64_t now_ns)
{
    for (unsigned i = 0; i < BATCH; i++) {
        struct slot *slot = &way->slot[way->next % SLOTS];
        ssize_t len;

        if (way->next - way->first == SLOTS) {
            uint8_t nowhere[1];

            if (recv(way->in, nowhere, sizeof(nowhere), 0) < 0)
                return;
            wire->full++;
            continue;
        }
        len = recv(way->in, slot->bytes, sizeof(slot->bytes), MSG_TRUNC);
        if (len < 0)
            return;
        if ((size_t)len > sizeof(slot->bytes)) {
            errno = 0;
            lp_tool_die("a frame above 1600 octets: segmentation offload is on at a wire");
        }
        if (draw(wire) < wire->loss) {
            wire->lost++;
            continue;
        }
        slot->len = (uint32_t)len;
        slot->due_ns = now_ns + wire->delay_ns;
        way->next++;
    }
}

static void give(struct wire *wire, struct way *way, uint64_t now_ns)
{
    for (unsigned i = 0; i < BATCH && way->first != way->next; i++) {
        const struct slot *slot = &way->slot[way->first % SLOTS];

        if (slot->due_ns > now_ns)
            return;
        if (send(way->out, slot->bytes, slot->len, 0) >= 0)
            wire->passed++;
        else if (errno == EAGAIN || errno == ENOBUFS)
            return; /* later, as a wire does */
        way->first++;
    }
}

static void run(struct wire *wire, const volatile int *stop)
{
    while (!*stop) {
        struct pollfd ready[] = {{.fd = wire->way[0].in, .events = POLLIN},
                                 {.fd = wire->way[1].in, .events = POLLIN}};
        uint64_t now_ns = lp_tool_now_ns();
        uint64_t due_ns = now_ns + LP_TOOL_S;
        struct timespec wait;

        for (int i = 0; i < 2; i++) {
            struct way *way = &wire->way[i];
            const struct slot *first = &way->slot[way->first % SLOTS];

            if (way->first != way->next && first->due_ns < due_ns)
                due_ns = first->due_ns;
        }
        due_ns = due_ns > now_ns ? due_ns - now_ns : 0;
        wait.tv_sec = (time_t)(due_ns / LP_TOOL_S);
        wait.tv_nsec = (long)(due_ns % LP_TOOL_S);
        if (ppoll(ready, 2, &wait, NULL) < 0)
            continue;
        now_ns = lp_tool_now_ns();
        for (int i = 0; i < 2; i++) {
            if (ready[i].revents != 0)
                take(wire, &wire->way[i], now_ns);
            give(wire, &wire->way[i], now_ns);
        }
    }
}

static int open_end(const char *interface)
{
    int fd = lp_tool_packet(interface);
    int on = 1;

    if (setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)) != 0)
        lp_tool_die(interface);
    return fd;
}

int main(int argc, char **argv)
{
    volatile int stop = 0;
    struct wire wire = {0};
    int end[2];

    if (argc != 6) {
        fprintf(stderr,
                "usage: lp-bench-impair INTERFACE INTERFACE DELAY-MS LOSS-PERCENT SEED\n");
        return 2;
    }
    lp_tool_start(&stop);
    wire.delay_ns = (uint64_t)(lp_tool_number(argv[3], 0, 10000) * LP_TOOL_MS);
    wire.loss = (uint64_t)(lp_tool_number(argv[4], 0, 100) / 100 * 4294967296.0);
    /* Spread: seeds that are neighbours shall not begin alike. */
    wire.random =
        ((uint64_t)lp_tool_number(argv[5], 0, 4294967295.0) + 1) * UINT64_C(0x9e3779b97f4a7c15);
    for (int i = 0; i < 2; i++)
        end[i] = open_end(argv[1 + i]);
    for (int i = 0; i < 2; i++) {
        wire.way[i] = (struct way){
            .in = end[i], .out = end[1 - i], .slot = calloc(SLOTS, sizeof(struct slot))};
        if (wire.way[i].slot == NULL)
            lp_tool_die("memory");
    }
    for (int i = 0; i < 64; i++)
        draw(&wire);
    printf("ready\n");
    fflush(stdout);
    run(&wire, &stop);
    printf("{\"passed\": %llu, \"lost\": %llu, \"full\": %llu}\n", wire.passed, wire.lost,
           wire.full);
    for (int i = 0; i < 2; i++)
        free(wire.way[i].slot);
    return 0;
}
