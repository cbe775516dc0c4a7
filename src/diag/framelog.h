/*
 * The frame log (--log-frames): one line for each judged frame, key=value or JSON. Nothing in a
 * frame, a name or a room code can break or forge a line.
 */
#ifndef LP_DIAG_FRAMELOG_H
#define LP_DIAG_FRAMELOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mac.h"
#include "diag/drop.h"

#define LP_FRAMELOG_LINE_MAX 640

enum lp_frame_direction {
    LP_FRAME_FROM_PEER,    /* relay: a peer's frame was judged */
    LP_FRAME_FROM_ADAPTER, /* client, gateway: on its way into the tunnel */
    LP_FRAME_FROM_TUNNEL,  /* client, gateway: on its way to the adapter */
};

struct lp_frame_event {
    enum lp_frame_direction direction;
    const char *room;  /* code; borrowed */
    uint32_t peer_id;  /* origin; 0 when not known yet */
    bool has_ethernet; /* the three below are valid */
    struct lp_mac src;
    struct lp_mac dst;
    uint16_t type_or_len;
    size_t frame_len;
    enum lp_drop reason;
    unsigned targets;
};

/* Writes the line without its newline, NUL-terminated. Returns its length. */
size_t lp_framelog_format(const struct lp_frame_event *event, bool json,
                          char line[LP_FRAMELOG_LINE_MAX]);

#endif
