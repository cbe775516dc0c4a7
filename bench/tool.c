#include "tool.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BUFFER_BYTES (4 << 20)

static volatile int *stop_flag; /* a signal handler has no other way to its loop */

uint64_t lp_tool_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * LP_TOOL_S + (uint64_t)now.tv_nsec;
}

void lp_tool_die(const char *what)
{
    if (errno != 0)
        fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, strerror(errno));
    else
        fprintf(stderr, "%s: %s\n", program_invocation_short_name, what);
    exit(1);
}

double lp_tool_number(const char *text, double min, double max)
{
    char *end;
    double value = strtod(text, &end);

    if (end == text || *end != '\0' || !(value >= min && value <= max)) {
        fprintf(stderr, "%s: %s is not a number from %g to %g\n", program_invocation_short_name,
                text, min, max);
        exit(2);
    }
    return value;
}

struct sockaddr_in lp_tool_address(const char *text)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    const char *colon = strchr(text, ':');
    char host[INET_ADDRSTRLEN];

    if (colon == NULL || (size_t)(colon - text) >= sizeof(host)) {
        errno = 0;
        lp_tool_die("an address is ADDRESS:PORT");
    }
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = '\0';
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1) {
        errno = 0;
        lp_tool_die("an address is ADDRESS:PORT, with an IPv4 address");
    }
    address.sin_port = htons((uint16_t)lp_tool_number(colon + 1, 0, 65535));
    return address;
}

void lp_tool_large_buffers(int fd)
{
    int bytes = BUFFER_BYTES;

    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) != 0)
        lp_tool_die("socket buffers");
}

int lp_tool_udp(const struct sockaddr_in *bound)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        lp_tool_die("UDP socket");
    lp_tool_large_buffers(fd);
    if (bound != NULL && bind(fd, (const struct sockaddr *)bound, sizeof(*bound)) != 0)
        lp_tool_die("bind");
    return fd;
}

unsigned lp_tool_interface(const char *name)
{
    unsigned index = if_nametoindex(name);

    if (index == 0)
        lp_tool_die(name);
    return index;
}

int lp_tool_packet(const char *interface)
{
    int fd =
        socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0); /* nothing until bound */
    int on = 1;
    struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
    struct packet_mreq promiscuous = {.mr_type = PACKET_MR_PROMISC};

    if (fd < 0)
        lp_tool_die("packet socket");
    address.sll_ifindex = (int)lp_tool_interface(interface);
    promiscuous.mr_ifindex = address.sll_ifindex;
    lp_tool_large_buffers(fd);
    if (setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)) != 0 ||
        setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous, sizeof(promiscuous)) !=
            0 ||
        bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0)
        lp_tool_die(interface);
    return fd;
}

static void on_signal(int number)
{
    (void)number;
    *stop_flag = 1;
}

void lp_tool_start(volatile int *ret_stop)
{
    struct sigaction action = {.sa_handler = on_signal};

    stop_flag = ret_stop;
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    prctl(PR_SET_TIMERSLACK, 1);
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

void lp_tool_sort(uint64_t *samples, size_t count)
{
    qsort(samples, count, sizeof(*samples), by_value);
}

uint64_t lp_tool_quantile(const uint64_t *sorted, size_t count, double part)
{
    if (count == 0)
        return 0;
    return sorted[(size_t)(part * (double)(count - 1) + 0.5)];
}
