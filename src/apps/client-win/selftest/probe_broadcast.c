/*
 * Does a game's broadcast leave through the adapter? One is sent as while playing (broadcastcheck.h) and
 * looked for among the frames of the adapter.
 */
#include "apps/client-win/selftest/bench.h"

#include <stdlib.h>
#include <string.h>

#include "apps/player-win/broadcast.h"

#define TRIES  4
#define TRY_MS 400

/* Among what the adapter gives within the time; everything else (DHCP, ARP) is dropped. */
static bool read_own(const struct lp_selftest_bench *bench, struct lp_broadcast_check *check)
{
    uint64_t end_ns = lp_clock_now_ns() + TRY_MS * LP_NS_PER_MS;
    struct lp_superframe frame = {.len = 0};

    for (;;) {
        while (lp_tap_read(bench->tap, &frame.bytes, &frame.len) == 0) {
            if (lp_broadcast_check_on_frame(check, &frame))
                return true;
        }
        if (lp_clock_now_ns() >= end_ns)
            return false;
        WaitForSingleObject(bench->tap_event, 50);
    }
}

/* A Windows error number of the sending. */
static unsigned long send_and_look(const struct lp_selftest_bench *bench, bool *ret_seen)
{
    uint8_t secret[LP_BROADCAST_SECRET_LEN];
    struct lp_broadcast_check check;
    unsigned long error = 0;

    lp_random_bytes(secret, sizeof(secret));
    lp_broadcast_check_init(&check, secret);
    for (int i = 0; i < TRIES && !*ret_seen; i++) {
        error = lp_broadcast_send(&check);
        *ret_seen = read_own(bench, &check);
    }
    return error;
}

/* 0: it is not there any more. */
static unsigned adapter_index(const struct lp_selftest_bench *bench)
{
    IP_ADAPTER_ADDRESSES *list = lp_bench_interfaces();
    const IP_ADAPTER_ADDRESSES *at = list;
    unsigned index;

    while (at != NULL && _stricmp(at->AdapterName, bench->adapter.instance) != 0)
        at = at->Next;
    index = at != NULL ? at->IfIndex : 0;
    free(list);
    return index;
}

void lp_probe_broadcast(void *user, struct lp_selftest_result *ret_result)
{
    const struct lp_selftest_bench *bench = user;
    char why[LP_WHY_LEN];
    unsigned long error;
    bool seen = false;
    WSADATA data;

    if (WSAStartup(MAKEWORD(2, 2), &data) != 0) {
        lp_selftest_say(ret_result, LP_SELFTEST_NOT_TESTED, "Windows gives no sockets");
        return;
    }
    error = send_and_look(bench, &seen);
    if (seen) {
        lp_selftest_say(ret_result, LP_SELFTEST_OK,
                        "a broadcast to 255.255.255.255 left through the adapter");
    } else {
        lp_broadcast_find_cause(error, adapter_index(bench), false, why);
        lp_selftest_say(ret_result, LP_SELFTEST_FAILED, "%s", why);
    }
    WSACleanup();
}
