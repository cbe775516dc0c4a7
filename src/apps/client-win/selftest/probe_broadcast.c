/*
 * Does a game's broadcast leave through the adapter? One is sent to 255.255.255.255 as a game sends it,
 * from a socket that is bound to nothing, and looked for among the frames of the adapter.
 */
#include "apps/client-win/selftest/bench.h"

#include <string.h>

#include "base/err.h"

#define PORT        27960 /* games'; nobody answers what the octets say */
#define PAYLOAD_LEN 32
#define TRIES       4
#define TRY_MS      400

static const uint8_t everybody[4] = {255, 255, 255, 255};

static bool has_payload(const uint8_t *frame, size_t len, const uint8_t *payload)
{
    for (size_t at = 0; at + PAYLOAD_LEN <= len; at++) {
        if (memcmp(frame + at, payload, PAYLOAD_LEN) == 0)
            return true;
    }
    return false;
}

/* Among what the adapter gives within the time; everything else (DHCP, ARP) is dropped. */
static bool read_payload(const struct lp_selftest_bench *bench, const uint8_t *payload)
{
    uint64_t end_ns = lp_clock_now_ns() + TRY_MS * LP_NS_PER_MS;
    const uint8_t *frame;
    size_t len;

    for (;;) {
        while (lp_tap_read(bench->tap, &frame, &len) == 0) {
            if (has_payload(frame, len, payload))
                return true;
        }
        if (lp_clock_now_ns() >= end_ns)
            return false;
        WaitForSingleObject(bench->tap_event, 50);
    }
}

/* A Windows error number of the sending. */
static int send_and_look(const struct lp_selftest_bench *bench, bool *ret_seen)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    SOCKET udp = socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP);
    uint8_t payload[PAYLOAD_LEN];
    BOOL yes = TRUE;
    int err = 0;

    if (udp == INVALID_SOCKET)
        return WSAGetLastError();
    lp_random_bytes(payload, sizeof(payload));
    to.sin_addr.s_addr = INADDR_BROADCAST;
    setsockopt(udp, SOL_SOCKET, SO_BROADCAST, (const char *)&yes, sizeof(yes));
    for (int i = 0; i < TRIES && !*ret_seen; i++) {
        if (sendto(udp, (const char *)payload, PAYLOAD_LEN, 0, (struct sockaddr *)&to,
                   sizeof(to)) < 0)
            err = WSAGetLastError();
        *ret_seen = read_payload(bench, payload);
    }
    closesocket(udp);
    return *ret_seen ? 0 : err;
}

static void say_where(const struct lp_selftest_bench *bench, int err,
                      struct lp_selftest_result *ret_result)
{
    struct lp_way way;

    if (lp_bench_way(bench, everybody, &way) == 0 &&
        strcmp(way.route.interface, bench->adapter.name) != 0)
        lp_selftest_say(
            ret_result, LP_SELFTEST_FAILED,
            "the broadcast left through \"%s\", to which Windows has the better "
            "route: set that adapter's metric to automatic, or disable it while you "
            "play",
            way.route.interface);
    else
        lp_selftest_say(
            ret_result, LP_SELFTEST_FAILED,
            "the broadcast did not leave through the adapter (error %d): a firewall "
            "may hold it back; allow this program there and test again",
            err);
}

void lp_probe_broadcast(void *user, struct lp_selftest_result *ret_result)
{
    const struct lp_selftest_bench *bench = user;
    bool seen = false;
    WSADATA data;
    int err;

    if (WSAStartup(MAKEWORD(2, 2), &data) != 0) {
        lp_selftest_say(ret_result, LP_SELFTEST_NOT_TESTED, "Windows gives no sockets");
        return;
    }
    err = send_and_look(bench, &seen);
    if (seen)
        lp_selftest_say(ret_result, LP_SELFTEST_OK,
                        "a broadcast to 255.255.255.255 left through the adapter");
    else
        say_where(bench, err, ret_result);
    WSACleanup();
}
