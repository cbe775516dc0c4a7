#include "apps/relay/events.h"

#include "apps/common/log.h"

static const struct {
    enum lp_log_level level;
    const char *sentence;
} kinds[] = {
    [LP_RELAY_PEER_JOINED] = {LP_LOG_INFO, "peer joined"},
    [LP_RELAY_PEER_RESUMED] = {LP_LOG_INFO, "peer came back to its seat"},
    [LP_RELAY_PEER_LEFT] = {LP_LOG_INFO, "peer left"},
    [LP_RELAY_PEER_REJECTED] = {LP_LOG_WARNING, "peer rejected"},
    [LP_RELAY_PEER_MALFORMED] = {LP_LOG_WARNING, "malformed datagram"},
    [LP_RELAY_PEER_ERROR] = {LP_LOG_WARNING, "protocol error, peer closed"},
    [LP_RELAY_PEER_STATS] = {LP_LOG_INFO, "peer stats"},
    [LP_RELAY_NOTICE_LOST] = {LP_LOG_WARNING, "a notice could not be sent to a peer"},
    [LP_RELAY_ROOM_CREATED] = {LP_LOG_INFO, "room created"},
    [LP_RELAY_ROOM_REMOVED] = {LP_LOG_INFO, "room removed"},
    [LP_RELAY_SOURCE_REFUSED] = {LP_LOG_WARNING,
                                 "connections refused: too many of one address that have not "
                                 "joined (--max-joining)"},
};

static void add_peer(struct lp_log_line *line, const struct lp_relay_event *event)
{
    char mac[LP_MAC_TEXT_LEN];
    char remote[LP_ADDR_TEXT_LEN];

    if (event->peer_id != 0)
        lp_log_number(line, "peer", event->peer_id);
    if (event->role != 0)
        lp_log_field(line, "role", lp_role_name(event->role));
    if (event->mac != NULL)
        lp_log_field(line, "mac", lp_mac_format(event->mac, mac));
    if (event->name[0] != '\0')
        lp_log_field(line, "name", event->name);
    if (event->remote.family != LP_ADDR_NONE)
        lp_log_field(line, "from", lp_addr_format(&event->remote, remote));
}

static void add_stats(struct lp_log_line *line, const struct lp_stats *stats)
{
    lp_log_number(line, "rtt_us", stats->rtt_us);
    for (unsigned i = 0; i < stats->count; i++) {
        if (stats->counter[i].value != 0)
            lp_log_number(line, stats->counter[i].name, stats->counter[i].value);
    }
}

void lp_relay_log_event(const struct lp_relay_event *event)
{
    struct lp_log_line line;

    lp_log_begin(&line, kinds[event->kind].level, kinds[event->kind].sentence);
    if (event->room[0] != '\0')
        lp_log_field(&line, "room", event->room);
    if (event->kind == LP_RELAY_ROOM_CREATED)
        lp_log_number(&line, "mtu", event->mtu);
    add_peer(&line, event);
    if (event->kind == LP_RELAY_PEER_REJECTED)
        lp_log_field(&line, "code", lp_reject_name(event->reject_code));
    if (event->kind == LP_RELAY_PEER_LEFT)
        lp_log_field(&line, "reason", lp_leave_name(event->leave_reason));
    if (event->kind == LP_RELAY_PEER_MALFORMED) {
        lp_log_field(&line, "drop", lp_drop_name(event->drop));
        lp_log_number(&line, "count", event->count);
        lp_log_number(&line, "threshold", event->threshold);
    }
    if (event->kind == LP_RELAY_SOURCE_REFUSED)
        lp_log_number(&line, "count", event->count);
    if (event->stats != NULL)
        add_stats(&line, event->stats);
    if (event->text[0] != '\0')
        lp_log_field(&line, "detail", event->text);
    lp_log_end(&line);
}
