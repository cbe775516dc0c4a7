#include "diag/framelog.h"

#include <assert.h>
#include <stdio.h>

#include "diag/text.h"

#define ROOM_LEN           64     /* octets of a code that are told; a valid one is no longer */
#define ETHERTYPE_SMALLEST 0x0600 /* smaller values are IEEE 802.3 lengths */

static const char *direction_name(enum lp_frame_direction direction)
{
    switch (direction) {
    case LP_FRAME_FROM_PEER:
        return "from_peer";
    case LP_FRAME_FROM_ADAPTER:
        return "from_adapter";
    case LP_FRAME_FROM_TUNNEL:
        break;
    }
    return "from_tunnel";
}

/* The same fields in both forms: key=value, or "key":value. */
struct fields {
    struct lp_text text;
    bool json;
    bool first;
};

static void put_key(struct fields *f, const char *key)
{
    const char *separator = f->json ? "," : " ";

    lp_text_printf(&f->text, f->json ? "%s\"%s\":" : "%s%s=", f->first ? "" : separator, key);
    f->first = false;
}

static void put_text(struct fields *f, const char *key, const char *value)
{
    put_key(f, key);
    if (f->json)
        lp_text_json_string(&f->text, value);
    else
        lp_text_value(&f->text, value);
}

static void put_number(struct fields *f, const char *key, unsigned long long value)
{
    put_key(f, key);
    lp_text_printf(&f->text, "%llu", value);
}

static void put_ethernet(struct fields *f, const struct lp_frame_event *event)
{
    char text[LP_MAC_TEXT_LEN];

    put_text(f, "src", lp_mac_format(&event->src, text));
    put_text(f, "dst", lp_mac_format(&event->dst, text));
    if (event->type_or_len < ETHERTYPE_SMALLEST) {
        put_number(f, "length", event->type_or_len);
    } else {
        snprintf(text, sizeof(text), "0x%04x", event->type_or_len);
        put_text(f, "ethertype", text);
    }
}

size_t lp_framelog_format(const struct lp_frame_event *event, bool json,
                          char line[LP_FRAMELOG_LINE_MAX])
{
    struct fields f = {.json = json, .first = true};
    char room[ROOM_LEN + 1];

    snprintf(room, sizeof(room), "%s", event->room);
    lp_text_init(&f.text, line, LP_FRAMELOG_LINE_MAX);
    if (json)
        lp_text_printf(&f.text, "{");
    put_text(&f, "direction", direction_name(event->direction));
    put_text(&f, "room", room);
    put_number(&f, "peer", event->peer_id);
    if (event->has_ethernet)
        put_ethernet(&f, event);
    put_number(&f, "frame_len", event->frame_len);
    put_text(&f, "action", lp_drop_action(event->reason));
    put_text(&f, "reason", lp_drop_name(event->reason));
    put_number(&f, "targets", event->targets);
    if (json)
        lp_text_printf(&f.text, "}");
    assert(!lp_text_truncated(&f.text));
    return lp_text_len(&f.text);
}
