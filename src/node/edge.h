/*
 * The edge of a node: where its Ethernet frames come from and go to (a player's TAP, a
 * gateway's packet socket, a TAP in a bridge, the simulator's stand-in). The node hands it
 * plain frames with complete checksums; it hands the node super-frames (lp_node_edge_receive).
 */
#ifndef LP_NODE_EDGE_H
#define LP_NODE_EDGE_H

#include <stddef.h>
#include <stdint.h>

struct lp_edge {
    /*
     * Writes one frame, borrowed. 0; LP_ERR_AGAIN when the adapter's queue is full (the frame
     * is dropped, the next may go); another error when the adapter refused it.
     */
    int (*write)(void *user, const uint8_t *frame, size_t len);
    void *user;
};

#endif
