#include <stdio.h>

#include "apps/common/log.h"
#include "apps/tunnel/tunnel.h"

static void log_connecting(const struct lp_tunnel *tunnel)
{
    struct lp_node_view view;
    char addr[LP_ADDR_TEXT_LEN];

    lp_node_view(tunnel->node, &view);
    if (view.attempts > 1)
        return; /* that it is tried again was said when the connection was lost */
    lp_log(LP_LOG_INFO, "connecting to relay %s (%s)", tunnel->relay_name,
           lp_addr_format(&tunnel->relay, addr));
}

static void log_unanswered(void)
{
    lp_log(LP_LOG_WARNING,
           "no answer from the relay for 5 s: UDP may be blocked here, or the relay is "
           "down; try another network or another relay port; trying on");
}

static void log_limits(const struct lp_limits *limits)
{
    if (limits->rate_bytes != 0)
        lp_log(LP_LOG_INFO,
               "the relay lets you send %.1f MiB/s (%.1f MiB at once), %u broadcasts/s",
               (double)limits->rate_bytes / (1 << 20), (double)limits->burst_bytes / (1 << 20),
               limits->broadcast_rate_frames);
    else
        lp_log(LP_LOG_INFO, "the relay does not limit what you send");
}

static void log_joined(const struct lp_tunnel *tunnel, const struct lp_node_event *event)
{
    const struct lp_welcome *welcome = event->welcome;
    struct lp_log_line line;

    lp_log_begin(&line, LP_LOG_INFO,
                 event->resumed ? "back in the room, same seat" : "joined the room");
    lp_log_field(&line, "room", tunnel->options->room);
    lp_log_number(&line, "peer", welcome->peer_id);
    lp_log_number(&line, "mtu", welcome->mtu);
    lp_log_end(&line);
    if (tunnel->role != LP_ROLE_CLIENT || event->resumed)
        return;
    log_limits(&welcome->limits);
    if (!welcome->gateway_connected)
        lp_log(LP_LOG_INFO, "the party's gateway is not there yet: waiting for it");
}

/* Final: the program ends with it. Later on it runs, and what stands in the way may go away. */
static void log_rejected(const struct lp_node_event *event)
{
    char sentence[256];
    struct lp_log_line line;

    snprintf(sentence, sizeof(sentence), "%s%s",
             event->final ? "" : "not let back into the room, trying again: ",
             lp_reject_text(event->reject_code));
    lp_log_begin(&line, event->final ? LP_LOG_ERROR : LP_LOG_WARNING, sentence);
    lp_log_field(&line, "code", lp_reject_name(event->reject_code));
    lp_log_field(&line, "relay_says", event->text);
    lp_log_end(&line);
}

/* Once it was accepted, the options were right: it is the relay that has changed. */
static void log_refused(const struct lp_node_event *event)
{
    static const char first[] = "Is it the right relay? Its operator knows its fingerprint "
                                "(--relay-pin); a certificate "
                                "for another name needs --server-name";
    static const char later[] =
        "Was its certificate changed? Its operator knows; a new fingerprint needs a new start "
        "with --relay-pin";
    char sentence[1024];

    snprintf(sentence, sizeof(sentence), "%.600s. %s", event->text,
             event->final ? first : later);
    if (event->final)
        lp_log_sentence(LP_LOG_ERROR, "the relay is not accepted: ", sentence);
    else
        lp_log_sentence(LP_LOG_WARNING,
                        "the relay is not accepted any more, trying again: ", sentence);
}

/*
 * As many as a full room makes at once, and then a line now and then: a relay that announces people
 * without end fills no disk.
 */
static bool may_log_peer(struct lp_tunnel *tunnel)
{
    if (!lp_bucket_take(&tunnel->peer_lines, 1, lp_driver_now(tunnel->driver))) {
        tunnel->peer_lines_left_out++;
        return false;
    }
    if (tunnel->peer_lines_left_out > 0)
        lp_log(LP_LOG_WARNING,
               "%u lines about players were left out: the relay announced too many at once",
               tunnel->peer_lines_left_out);
    tunnel->peer_lines_left_out = 0;
    return true;
}

static void log_peer(struct lp_tunnel *tunnel, const struct lp_node_event *event,
                     const char *what)
{
    const struct lp_room_peer *peer = event->peer;
    bool gateway = peer->role == LP_ROLE_GATEWAY;
    char sentence[64], mac[LP_MAC_TEXT_LEN];
    struct lp_log_line line;

    if (!may_log_peer(tunnel))
        return;
    snprintf(sentence, sizeof(sentence), "%s %s", gateway ? "the gateway" : "a player", what);
    lp_log_begin(&line, LP_LOG_INFO, sentence);
    lp_log_field(&line, "name", peer->name);
    lp_log_number(&line, "peer", peer->peer_id);
    if (!gateway)
        lp_log_field(&line, "mac", lp_mac_format(&peer->mac, mac));
    if (event->kind == LP_NODE_EVENT_PEER_LEFT)
        lp_log_field(&line, "reason", lp_leave_name(event->leave_reason));
    lp_log_end(&line);
}

void lp_tunnel_log_event(struct lp_tunnel *tunnel, const struct lp_node_event *event)
{
    switch (event->kind) {
    case LP_NODE_EVENT_CONNECTING:
        log_connecting(tunnel);
        break;
    case LP_NODE_EVENT_UNANSWERED:
        log_unanswered();
        break;
    case LP_NODE_EVENT_JOINED:
        log_joined(tunnel, event);
        break;
    case LP_NODE_EVENT_REJECTED:
        log_rejected(event);
        break;
    case LP_NODE_EVENT_REFUSED:
        log_refused(event);
        break;
    case LP_NODE_EVENT_LOST:
        lp_log_sentence(LP_LOG_WARNING, "not connected, trying again: ", event->text);
        break;
    case LP_NODE_EVENT_PROTOCOL:
        lp_log_sentence(LP_LOG_WARNING, "the relay broke the protocol: ", event->text);
        break;
    case LP_NODE_EVENT_PEER_JOINED:
        log_peer(tunnel, event, "is in the room");
        break;
    case LP_NODE_EVENT_PEER_LEFT:
        log_peer(tunnel, event, "left");
        break;
    case LP_NODE_EVENT_GATEWAY_CHANGED: /* said by the peer's own events */
    case LP_NODE_EVENT_FAILED:          /* the event before said why */
        break;
    }
}
