/*
 * CAM refresh: switches forget an address that is silent, and then flood what is for it. A
 * player who only listens would be such an address. Once a minute the gateway sends a short
 * frame from each player's address to its own NIC: it goes no further than the switches on the
 * way, and it says on which port the player is.
 */
#include <string.h>

#include "base/wire.h"
#include "node/internal.h"

void lp_node_refresh_cam(struct lp_node *node)
{
    const struct lp_edge *edge = &node->config.edge;
    uint8_t frame[LP_ETH_FRAME_MIN] = {0};
    const struct lp_room_peer *peer;

    memcpy(frame, node->config.mac.octet, LP_MAC_LEN);
    lp_store_be16(frame + 2 * LP_MAC_LEN, LP_ETHERTYPE_LOCAL_EXP1);
    for (peer = node->room.by_mac; peer != NULL; peer = peer->by_mac.next) {
        memcpy(frame + LP_MAC_LEN, peer->mac.octet, LP_MAC_LEN);
        (void)edge->write(edge->user, frame, sizeof(frame)); /* the next minute tries again */
    }
}
