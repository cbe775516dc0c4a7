#include "apps/player-win/broadcast.h"

#include <string.h>

#include "platform/windows/win.h"

/* Winsock is started: the tunnel has sockets. */
unsigned long lp_broadcast_send(const struct lp_broadcast_check *check)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(LP_BROADCAST_PORT)};
    SOCKET sock = socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP);
    u_long nonblocking = 1;
    BOOL allowed = TRUE;
    int error = 0;

    if (sock == INVALID_SOCKET)
        return (unsigned long)WSAGetLastError();
    to.sin_addr.s_addr = htonl(INADDR_BROADCAST);
    if (ioctlsocket(sock, (long)FIONBIO, &nonblocking) != 0 ||
        setsockopt(sock, SOL_SOCKET, SO_BROADCAST, (const char *)&allowed, sizeof(allowed)) !=
            0 ||
        sendto(sock, (const char *)check->payload, LP_BROADCAST_PAYLOAD_LEN, 0,
               (const struct sockaddr *)&to, sizeof(to)) < 0)
        error = WSAGetLastError();
    closesocket(sock);
    return (unsigned long)error;
}

void lp_broadcast_find_cause(unsigned long error, unsigned adapter, bool behind,
                             char ret_why[LP_WHY_LEN])
{
    struct lp_addr everybody = {.family = LP_ADDR_IPV4, .ip = {255, 255, 255, 255}};
    struct lp_broadcast_found found = {.behind = behind};
    char text[LP_WIN_TEXT_LEN];
    struct lp_route route;

    if (error != 0) {
        found.send_error = lp_win_text(error, text);
    } else if (lp_route_lookup(&everybody, &route) == 0) {
        found.interface = route.interface;
        found.by_adapter = route.interface_index == adapter;
    }
    lp_broadcast_explain(&found, ret_why);
}
