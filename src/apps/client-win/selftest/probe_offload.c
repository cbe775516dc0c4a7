/* UDP segmentation (USO) and coalescing (URO): taken by setsockopt, and really working on loopback. */
#include "apps/client-win/selftest/bench.h"

#include <string.h>

/* Not in every mingw-w64's headers; ws2ipdef.h of the Windows SDK has them. */
#ifndef UDP_SEND_MSG_SIZE
#define UDP_SEND_MSG_SIZE 2
#endif
#ifndef UDP_RECV_MAX_COALESCED_SIZE
#define UDP_RECV_MAX_COALESCED_SIZE 3
#endif

#define SEGMENTS    10
#define SEGMENT_LEN 1200
#define WAIT_MS     300

struct pair {
    SOCKET from, to;
    struct sockaddr_in name;
};

static void close_pair(struct pair *pair)
{
    if (pair->from != INVALID_SOCKET)
        closesocket(pair->from);
    if (pair->to != INVALID_SOCKET)
        closesocket(pair->to);
    WSACleanup();
}

static bool open_pair(struct pair *pair)
{
    int len = sizeof(pair->name);
    DWORD wait_ms = WAIT_MS;
    WSADATA data;

    if (WSAStartup(MAKEWORD(2, 2), &data) != 0)
        return false;
    pair->from = socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP);
    pair->to = socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP);
    memset(&pair->name, 0, sizeof(pair->name));
    pair->name.sin_family = AF_INET;
    pair->name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (pair->from != INVALID_SOCKET && pair->to != INVALID_SOCKET &&
        bind(pair->to, (struct sockaddr *)&pair->name, sizeof(pair->name)) == 0 &&
        getsockname(pair->to, (struct sockaddr *)&pair->name, &len) == 0 &&
        setsockopt(pair->to, SOL_SOCKET, SO_RCVTIMEO, (const char *)&wait_ms,
                   sizeof(wait_ms)) == 0)
        return true;
    close_pair(pair);
    return false;
}

static bool set_udp_option(SOCKET udp, int option, DWORD value)
{
    return setsockopt(udp, IPPROTO_UDP, option, (const char *)&value, sizeof(value)) == 0;
}

/* Each segment is filled with its number. Returns how many octets Windows says it has sent. */
static int send_segments(const struct pair *pair, bool at_once)
{
    static char bytes[SEGMENTS * SEGMENT_LEN];
    int part = at_once ? (int)sizeof(bytes) : SEGMENT_LEN;
    int sent = 0;

    for (int i = 0; i < SEGMENTS; i++)
        memset(bytes + i * SEGMENT_LEN, i, SEGMENT_LEN);
    for (int at = 0; at < (int)sizeof(bytes); at += part) {
        int done = sendto(pair->from, bytes + at, part, 0, (const struct sockaddr *)&pair->name,
                          sizeof(pair->name));

        sent += done > 0 ? done : 0;
    }
    return sent;
}

struct arrived {
    unsigned reads;
    unsigned whole; /* segments that came, each whole and with its own octets */
};

static bool is_whole(const char *segment)
{
    for (int i = 1; i < SEGMENT_LEN; i++) {
        if (segment[i] != segment[0])
            return false;
    }
    return true;
}

static struct arrived receive_segments(const struct pair *pair)
{
    static char bytes[SEGMENTS * SEGMENT_LEN + 1];
    struct arrived arrived = {.reads = 0};
    int len;

    while (arrived.whole < SEGMENTS && (len = recv(pair->to, bytes, sizeof(bytes), 0)) > 0) {
        arrived.reads++;
        for (int at = 0; at + SEGMENT_LEN <= len && len % SEGMENT_LEN == 0; at += SEGMENT_LEN)
            arrived.whole += is_whole(bytes + at);
    }
    return arrived;
}

void lp_probe_uso(void *user, struct lp_selftest_result *ret_result)
{
    struct arrived arrived;
    struct pair pair;

    (void)user;
    if (!open_pair(&pair)) {
        lp_selftest_say(ret_result, LP_SELFTEST_FAILED,
                        "no UDP sockets on loopback: a security program may forbid them");
        return;
    }
    if (!set_udp_option(pair.from, UDP_SEND_MSG_SIZE, SEGMENT_LEN)) {
        lp_selftest_say(ret_result, LP_SELFTEST_WARNING,
                        "this Windows does not segment UDP, so that sending costs more: update "
                        "to Windows 10 build 19041 or later");
    } else {
        int sent = send_segments(&pair, true);

        arrived = receive_segments(&pair);
        if (arrived.whole == SEGMENTS && arrived.reads == SEGMENTS)
            lp_selftest_say(ret_result, LP_SELFTEST_OK,
                            "one send of %d octets arrived as %d datagrams", sent, SEGMENTS);
        else
            lp_selftest_say(ret_result, LP_SELFTEST_FAILED,
                            "one send in %d segments arrived as %u in %u reads: update the "
                            "network drivers and end other VPN programs",
                            SEGMENTS, arrived.whole, arrived.reads);
    }
    close_pair(&pair);
}

void lp_probe_uro(void *user, struct lp_selftest_result *ret_result)
{
    struct arrived arrived;
    struct pair pair;

    (void)user;
    if (!open_pair(&pair)) {
        lp_selftest_say(ret_result, LP_SELFTEST_FAILED,
                        "no UDP sockets on loopback: a security program may forbid them");
        return;
    }
    if (!set_udp_option(pair.to, UDP_RECV_MAX_COALESCED_SIZE, UINT16_MAX)) {
        lp_selftest_say(ret_result, LP_SELFTEST_WARNING,
                        "this Windows does not coalesce UDP, so that receiving costs more: "
                        "update to Windows 11");
    } else {
        send_segments(&pair, false);
        arrived = receive_segments(&pair);
        if (arrived.whole == SEGMENTS)
            lp_selftest_say(
                ret_result, LP_SELFTEST_OK, "%d datagrams arrived whole by %u reads (%s)",
                SEGMENTS, arrived.reads,
                arrived.reads < SEGMENTS ? "coalesced"
                                         : "not coalesced on loopback, as is usual");
        else
            lp_selftest_say(ret_result, LP_SELFTEST_FAILED,
                            "of %d datagrams %u arrived whole: update the network drivers",
                            SEGMENTS, arrived.whole);
    }
    close_pair(&pair);
}
