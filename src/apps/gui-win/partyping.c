#include "apps/gui-win/partyping.h"

#include <stdio.h>
#include <stdlib.h>

#include "platform/platform.h"
#include "platform/windows/win.h"

#include <icmpapi.h>

#define WAIT_MS        900
#define PAYLOAD        8
#define ADAPTERS_SPACE (256 * 1024)

/* The address of the server that gave this adapter its own. */
static bool find_server(const char *adapter, IPAddr *ret_server)
{
    ULONG flags = GAA_FLAG_SKIP_ANYCAST | GAA_FLAG_SKIP_MULTICAST | GAA_FLAG_SKIP_DNS_SERVER;
    ULONG size = ADAPTERS_SPACE;
    IP_ADAPTER_ADDRESSES *all = malloc(size);
    bool found = false;

    if (all == NULL || GetAdaptersAddresses(AF_INET, flags, NULL, all, &size) != NO_ERROR) {
        free(all);
        return false;
    }
    for (const IP_ADAPTER_ADDRESSES *at = all; at != NULL && !found; at = at->Next) {
        const struct sockaddr_in *server = (const void *)at->Dhcpv4Server.lpSockaddr;

        if (_stricmp(at->AdapterName, adapter) != 0 || server == NULL ||
            server->sin_family != AF_INET || server->sin_addr.s_addr == 0 ||
            server->sin_addr.s_addr == INADDR_NONE)
            continue;
        *ret_server = server->sin_addr.s_addr;
        found = true;
    }
    free(all);
    return found;
}

static double ping_once(IPAddr server)
{
    unsigned char payload[PAYLOAD] = {0};
    unsigned char reply[sizeof(ICMP_ECHO_REPLY) + PAYLOAD + 64];
    HANDLE icmp = IcmpCreateFile();
    uint64_t start = lp_clock_now_ns();
    double ms = -1;

    if (icmp == INVALID_HANDLE_VALUE)
        return -1;
    if (IcmpSendEcho(icmp, server, payload, PAYLOAD, NULL, reply, sizeof(reply), WAIT_MS) > 0 &&
        ((const ICMP_ECHO_REPLY *)(const void *)reply)->Status == IP_SUCCESS)
        ms = (double)(lp_clock_now_ns() - start) / 1e6;
    IcmpCloseHandle(icmp);
    return ms;
}

static void on_work(uv_work_t *work)
{
    struct lp_partyping *ping = work->data;
    IPAddr server;

    ping->found_ms = find_server(ping->adapter, &server) ? ping_once(server) : -1;
}

static void on_done(uv_work_t *work, int status)
{
    struct lp_partyping *ping = work->data;

    ping->under_way = false;
    ping->ms = status == 0 ? ping->found_ms : -1;
}

bool lp_partyping_start(struct lp_partyping *ping, uv_loop_t *loop, const char *adapter)
{
    if (ping->under_way)
        return false;
    snprintf(ping->adapter, sizeof(ping->adapter), "%s", adapter);
    ping->work.data = ping;
    ping->under_way = uv_queue_work(loop, &ping->work, on_work, on_done) == 0;
    return ping->under_way;
}
