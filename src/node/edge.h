/*
 * The edge of a node: where its Ethernet frames come from and go to (a player's TAP, a
 * gateway's packet socket, a TAP in a bridge, the simulator's stand-in). The node hands it
 * plain frames with complete checksums, or super-frames where it takes them; it hands the node
 * super-frames (lp_node_edge_receive).
 */
#ifndef LP_NODE_EDGE_H
#define LP_NODE_EDGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/superframe.h"

struct lp_edge {
    /*
     * Writes one frame, borrowed. 0; LP_ERR_AGAIN when the adapter's queue is full (the frame
     * is dropped, the next may go); another error when the adapter refused it.
     */
    int (*write)(void *user, const uint8_t *frame, size_t len);
    /*
     * Writes one super-frame (gso other than LP_GSO_NONE, needs_csum), as above; LP_ERR_UNSUPPORTED
     * when the adapter does not take this kind: its frames then come one by one, and it is not
     * asked again. NULL: it takes none.
     */
    int (*write_super)(void *user, const struct lp_superframe *super);
    void *user;
};

#endif
