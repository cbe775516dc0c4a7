#include "apps/gui-win/view.h"

#include <stdio.h>
#include <string.h>

#include "apps/gui-win/shown.h"
#include "diag/text.h"

#define ELLIPSIS  "\xe2\x80\xa6"
#define DASH      "\xe2\x80\x93"
#define NO_FIGURE DASH

enum lp_element_kind lp_element_kind(enum lp_element element)
{
    static const enum lp_element_kind kinds[] = {
#define X(name, kind, font) LP_KIND_##kind,
        LP_ELEMENT_TABLE(X)
#undef X
    };

    return kinds[element];
}

enum lp_font lp_element_font(enum lp_element element)
{
    static const enum lp_font fonts[] = {
#define X(name, kind, font) LP_FONT_##font,
        LP_ELEMENT_TABLE(X)
#undef X
    };

    return fonts[element];
}

/* ---- putting texts ---- */

static void put(struct lp_view *view, enum lp_element element, const char *text)
{
    view->shown[element] = true;
    snprintf(view->text[element], LP_VIEW_TEXT_LEN, "%s", text);
}

static void put_body(struct lp_view *view, const char *heading, const char *body,
                     const char *remedy)
{
    put(view, LP_ELEMENT_HEADING, heading);
    if (body[0] != '\0')
        put(view, LP_ELEMENT_BODY, body);
    if (remedy[0] != '\0')
        put(view, LP_ELEMENT_REMEDY, remedy);
    view->dim[LP_ELEMENT_BODY] = remedy[0] != '\0';
}

static void put_button(struct lp_view *view, enum lp_element element, const char *text)
{
    put(view, element, text);
    view->enabled[element] = true;
}

static void put_fact(struct lp_view *view, unsigned number, const char *label,
                     const char *value)
{
    put(view, LP_ELEMENT_FACT_LABEL_0 + 2 * number, label);
    put(view, LP_ELEMENT_FACT_0 + 2 * number, value);
    view->dim[LP_ELEMENT_FACT_LABEL_0 + 2 * number] = true;
}

/* "relay.example", "[2001:db8::1]:8443": printable ASCII, the parser saw to it. */
static void relay_text(const struct lp_invite *party, char *text, size_t capacity)
{
    bool v6 = strchr(party->host, ':') != NULL;
    struct lp_text t;

    lp_text_init(&t, text, capacity);
    lp_text_printf(&t, v6 ? "[%s]" : "%s", party->host);
    if (party->port != LP_INVITE_PORT_DEFAULT)
        lp_text_printf(&t, ":%u", party->port);
}

static void put_row(struct lp_view *view, const char *first, const char *second)
{
    struct lp_view_row *row = &view->row[view->row_count++];

    snprintf(row->first, sizeof(row->first), "%s", first);
    snprintf(row->second, sizeof(row->second), "%s", second);
}

/* ---- form ---- */

static void show_notice(const struct lp_gui_model *model, struct lp_view *view)
{
    char text[LP_VIEW_TEXT_LEN];

    view->tone = LP_TONE_BAD;
    switch (model->notice) {
    case LP_GUI_NOTICE_BAD_LINK:
        lp_shown(model->notice_text, text, sizeof(text));
        put_body(view, "This invite link is not valid", text,
                 "Ask your host for a new link, or type relay and room.");
        break;
    case LP_GUI_NOTICE_BAD_RELAY:
        put_body(view, "This is no relay address", "A relay is a name or an address.",
                 "Type it as your host gave it, such as relay.example, 192.0.2.1:8443 or "
                 "[2001:db8::1]:443.");
        break;
    case LP_GUI_NOTICE_BAD_ROOM:
        put_body(view, "This is no room code",
                 "A room code has 1 to 64 letters, digits, dots, underscores and hyphens.",
                 "Type it as your host gave it.");
        break;
    case LP_GUI_NOTICE_BAD_NAME:
        put_body(view, "This name cannot be used",
                 "A name has at most 64 characters, fewer when they are not plain letters.",
                 "Choose a shorter one, or leave the field empty.");
        break;
    case LP_GUI_NOTICE_NONE:
        view->tone = LP_TONE_IDLE;
        put_body(view, "Join a LAN party",
                 "Open or paste the invite link that your host sent you.", "");
        break;
    }
}

static void show_recent(const struct lp_gui_model *model, struct lp_view *view)
{
    char relay[LP_VIEW_CELL_LEN];

    if (model->settings.party_count == 0)
        return;
    put(view, LP_ELEMENT_RECENT_LABEL, "&Parties you joined (Enter joins again)");
    put(view, LP_ELEMENT_RECENT, "Parties you joined");
    for (unsigned i = 0; i < model->settings.party_count; i++) {
        relay_text(&model->settings.party[i], relay, sizeof(relay));
        put_row(view, model->settings.party[i].room, relay);
    }
}

static void show_form(const struct lp_gui_model *model, struct lp_view *view)
{
    show_notice(model, view);
    put(view, LP_ELEMENT_LINK_LABEL, "&Invite link");
    put(view, LP_ELEMENT_LINK, "");
    put(view, LP_ELEMENT_OR, "or type what your host told you:");
    put(view, LP_ELEMENT_RELAY_LABEL, "&Relay");
    put(view, LP_ELEMENT_RELAY, "");
    put(view, LP_ELEMENT_ROOM_LABEL, "Roo&m");
    put(view, LP_ELEMENT_ROOM, "");
    put(view, LP_ELEMENT_NAME_LABEL, "&Your name, for the other players");
    put(view, LP_ELEMENT_NAME, "");
    view->dim[LP_ELEMENT_OR] = true;
    show_recent(model, view);
    put_button(view, LP_ELEMENT_PRIMARY, "&Connect");
    view->has_default = true;
    view->can_connect = true;
}

/* ---- invite ---- */

static void show_invite(const struct lp_gui_model *model, struct lp_view *view)
{
    char relay[LP_VIEW_TEXT_LEN];

    view->tone = LP_TONE_WARNING;
    put_body(view, "Join this party?",
             lp_gui_is_running(model) ? "You leave the party that you are in now."
                                      : "A link asks to connect this PC to a party.",
             "Say yes only if you know who sent it: everybody in that room is then in one "
             "network with this PC.");
    relay_text(&model->invite, relay, sizeof(relay));
    put_fact(view, 0, "Relay", relay);
    put_fact(view, 1, "Room", model->invite.room);
    if (model->invite.has_pin)
        put_fact(view, 2, "Trust", "only the certificate that the link names");
    else
        put_fact(view, 2, "Trust", "certificates that this PC trusts");
    if (model->invite.server_name[0] != '\0')
        put_fact(view, 3, "Name in the certificate", model->invite.server_name);
    put_button(view, LP_ELEMENT_PRIMARY, "&Connect");
    put_button(view, LP_ELEMENT_SECONDARY, "&Not now");
    view->has_default =
        false; /* a link must not be answered by an Enter on its way elsewhere */
}

/* ---- on the way ---- */

static void put_party(const struct lp_gui_model *model, struct lp_view *view)
{
    char relay[LP_VIEW_TEXT_LEN];

    relay_text(&model->party, relay, sizeof(relay));
    put_fact(view, 0, "Relay", relay);
    put_fact(view, 1, "Room", model->party.room);
}

static void show_connecting(const struct lp_gui_model *model, struct lp_view *view)
{
    char text[LP_VIEW_TEXT_LEN];

    view->tone = model->setback ? LP_TONE_WARNING : LP_TONE_BUSY;
    view->progress = (double)model->step / (LP_GUI_STEPS + 1);
    snprintf(text, sizeof(text), "%s" ELLIPSIS, lp_sentence_of_step(model->step));
    if (model->setback)
        put_body(view, "Connecting", "It did not work yet. SoftLAN keeps trying.",
                 "If it takes long, ask your host whether the relay runs and is of the same "
                 "release as this SoftLAN. The details say what went wrong.");
    else
        put_body(view, "Connecting", text, "");
    put_party(model, view);
    put_button(view, LP_ELEMENT_PRIMARY, "&Cancel");
}

static void show_unreachable(const struct lp_gui_model *model, struct lp_view *view)
{
    view->tone = LP_TONE_BAD;
    put_body(view, "The relay does not answer",
             "UDP may be blocked in this network, or the relay is down. SoftLAN keeps trying.",
             "Try another network, such as a phone's hotspot, or ask your host for a relay on "
             "another port.");
    put_party(model, view);
    put_button(view, LP_ELEMENT_PRIMARY, "&Cancel");
}

static void show_lost(const struct lp_gui_model *model, struct lp_view *view)
{
    view->tone = LP_TONE_WARNING;
    put_body(view, "The connection was lost",
             "SoftLAN connects again by itself and keeps your seat and your address.",
             "If it takes long, check this PC's own network.");
    put_party(model, view);
    put_button(view, LP_ELEMENT_PRIMARY, "&Disconnect");
}

/* Where only the part that failed knows what it was, its own sentence says it. */
static const char *own_sentence(const struct lp_gui_snapshot *now, char text[LP_VIEW_TEXT_LEN])
{
    if ((now->failure != LP_GUI_FAILURE_OTHER && now->failure != LP_GUI_FAILURE_SERVICE) ||
        lp_shown(now->text, text, LP_VIEW_TEXT_LEN - 1) == 0)
        return NULL;
    if (text[0] >= 'a' && text[0] <= 'z')
        text[0] = (char)(text[0] - 'a' + 'A');
    if (text[strlen(text) - 1] != '.')
        strcat(text, ".");
    return text;
}

static void show_failed(const struct lp_gui_model *model, struct lp_view *view)
{
    const struct lp_sentences *sentences = lp_sentences_of_failure(&model->now);
    char text[LP_VIEW_TEXT_LEN];
    const char *own = own_sentence(&model->now, text);

    view->tone = LP_TONE_BAD;
    put_body(view, sentences->heading, own != NULL ? own : sentences->body, sentences->remedy);
    put_party(model, view);
    put_button(view, LP_ELEMENT_PRIMARY, "Try a&gain");
    put_button(view, LP_ELEMENT_SECONDARY, "&Back");
    view->has_default = true;
    view->can_connect = true;
}

/* ---- in the room ---- */

static void milliseconds(double ms, char text[24])
{
    if (ms < 0)
        snprintf(text, 24, NO_FIGURE);
    else
        snprintf(text, 24, ms < 9.95 ? "%.1f ms" : "%.0f ms", ms);
}

static void put_facts(const struct lp_gui_model *model, struct lp_view *view)
{
    const struct lp_gui_snapshot *now = &model->now;
    double loss = lp_gui_loss_percent(model);
    char text[64], ms[24];

    lp_shown(now->address, text, sizeof(text));
    put_fact(view, 0, "Your address", now->has_address ? text : "none yet");
    milliseconds(now->relay_ms, ms);
    put_fact(view, 1, "Round trip to relay", ms);
    milliseconds(now->gateway_present ? now->party_ms : -1, ms);
    put_fact(view, 2, "Round trip to party", ms);
    snprintf(text, sizeof(text), loss < 0 ? NO_FIGURE : "%.1f %%", loss);
    put_fact(view, 3, "Loss", text);
    put_fact(view, 4, "Gateway", now->gateway_present ? "present" : "missing");
    put_fact(view, 5, "Room", model->party.room);
}

/* "relay 12 ms (9.0 ms to 31 ms)"; nothing without a sample. */
static void put_range(struct lp_text *t, const struct lp_gui_model *model, const char *what,
                      bool party)
{
    char least_text[24], most_text[24], last_text[24];
    float least = -1, most = -1, last = -1;

    for (unsigned i = 0; i < model->sample_count; i++) {
        float ms = party ? model->sample[i].party_ms : model->sample[i].relay_ms;

        if (ms < 0)
            continue;
        least = least < 0 || ms < least ? ms : least;
        most = ms > most ? ms : most;
        last = ms;
    }
    if (last < 0)
        return;
    milliseconds((double)least, least_text);
    milliseconds((double)most, most_text);
    milliseconds((double)last, last_text);
    lp_text_printf(t, "%s%s %s (%s to %s)", lp_text_len(t) > 0 ? ", " : "", what, last_text,
                   least_text, most_text);
}

static void put_graph(const struct lp_gui_model *model, struct lp_view *view)
{
    struct lp_text t;

    put(view, LP_ELEMENT_GRAPH_LABEL, "Round trip, last 5 minutes");
    view->shown[LP_ELEMENT_GRAPH] = true;
    lp_text_init(&t, view->text[LP_ELEMENT_GRAPH], LP_VIEW_TEXT_LEN);
    put_range(&t, model, "relay", false);
    put_range(&t, model, "party", true);
    if (lp_text_len(&t) == 0)
        lp_text_printf(&t, "no measurement yet");
}

static void put_player(struct lp_view *view, const struct lp_gui_player *player)
{
    char name[LP_VIEW_CELL_LEN];

    if (lp_shown(player->name, name, sizeof(name)) == 0)
        snprintf(name, sizeof(name), player->gateway ? "Gateway" : "Player %u",
                 (unsigned)player->peer_id);
    put_row(view, name, player->gateway ? "gateway" : player->self ? "you" : "player");
}

static void put_players(const struct lp_gui_model *model, struct lp_view *view)
{
    const struct lp_gui_snapshot *now = &model->now;
    unsigned shown = 0;
    char text[64];

    snprintf(text, sizeof(text), "In the &room: %u %s%s", now->players_present,
             now->players_present == 1 ? "player" : "players",
             now->gateway_present ? " and the gateway" : "");
    put(view, LP_ELEMENT_PLAYERS_LABEL, text);
    put(view, LP_ELEMENT_PLAYERS, "Players in the room");
    for (unsigned i = 0; i < now->player_count; i++) {
        put_player(view, &now->player[i]);
        shown += !now->player[i].gateway;
    }
    if (now->players_present > shown) {
        snprintf(text, sizeof(text), "and %u more", now->players_present - shown);
        put_row(view, text, "");
    }
}

static void show_no_gateway(struct lp_view *view)
{
    view->tone = LP_TONE_WARNING;
    put_body(view, "Waiting for the party", "You are in the room; the host's gateway is not.",
             "Ask your host to start the gateway, and stay: you get an address when it comes.");
}

static void show_waiting(const struct lp_gui_model *model, struct lp_view *view)
{
    bool long_wait = model->waiting_s >= LP_GUI_PATIENCE_S;

    view->tone = long_wait ? LP_TONE_WARNING : LP_TONE_BUSY;
    put_body(view, "Waiting for an address",
             "The party is there; its DHCP server has not answered yet.",
             long_wait
                 ? "The party may have no DHCP server, or admit only devices that it knows: "
                   "ask your host."
                 : "");
}

static void show_connected(const struct lp_gui_model *model, struct lp_view *view)
{
    char warning[LP_VIEW_TEXT_LEN];

    if (!model->now.gateway_present)
        show_no_gateway(view);
    else if (!model->now.has_address)
        show_waiting(model, view);
    else if (lp_shown(model->now.warning, warning, sizeof(warning)) > 0) {
        view->tone = LP_TONE_WARNING;
        put_body(view, "Connected, with a warning", "", warning);
    } else {
        view->tone = LP_TONE_GOOD;
        put_body(view, "Connected to the party",
                 "Games see the party's LAN. Closing the window keeps the connection.", "");
    }
    put_facts(model, view);
    put_graph(model, view);
    put_players(model, view);
    put_button(view, LP_ELEMENT_PRIMARY, "&Disconnect");
}

/* ---- details ---- */

static const char *const phase_names[] = {
    [LP_GUI_START] = "not connected",           [LP_GUI_CONNECTING] = "connecting",
    [LP_GUI_UNREACHABLE] = "relay unreachable", [LP_GUI_CONNECTED] = "connected",
    [LP_GUI_LOST] = "connection lost",          [LP_GUI_FAILED] = "failed",
    [LP_GUI_LEAVING] = "disconnecting",
};

/* No pin and no seat: a report is shown to strangers. */
static void put_details(struct lp_text *t, const struct lp_gui_model *model)
{
    char words[LP_GUI_REPORT_LEN], relay[LP_VIEW_TEXT_LEN];

    lp_text_printf(t, "State: %s", phase_names[model->phase]);
    if (model->phase == LP_GUI_CONNECTING)
        lp_text_printf(t, ", step %d of %d: %s", (int)model->step, LP_GUI_STEPS,
                       lp_sentence_of_step(model->step));
    if (model->phase == LP_GUI_FAILED && model->now.failure == LP_GUI_FAILURE_REJECTED)
        lp_text_printf(t, " (%s)", lp_reject_name(model->now.reject_code));
    if (model->has_party) {
        relay_text(&model->party, relay, sizeof(relay));
        lp_text_printf(t, "\nRelay: %s\nRoom: %s", relay, model->party.room);
    }
    if (lp_shown(model->now.text, words, sizeof(words)) > 0)
        lp_text_printf(t, "\nReason given: %s", words);
    if (lp_shown_lines(model->now.report, words, sizeof(words)) > 0)
        lp_text_printf(t, "\n\n%s", words);
    else
        lp_text_printf(t, "\n\nDiagnostics appear here while SoftLAN is connected.");
    lp_text_printf(t, "\n");
}

static void show_details(const struct lp_gui_model *model, struct lp_view *view)
{
    struct lp_text t;

    put(view, LP_ELEMENT_DETAILS_LABEL, "D&iagnostics");
    put(view, LP_ELEMENT_DETAILS, "Diagnostics");
    lp_text_init(&t, view->details, sizeof(view->details));
    put_details(&t, model);
    put_button(view, LP_ELEMENT_COPY, model->copied ? "Co&pied" : "Co&py report");
    put_button(view, LP_ELEMENT_TOGGLE, "&Back");
}

size_t lp_view_report(const struct lp_gui_model *model, char *text, size_t capacity)
{
    struct lp_text t;

    lp_text_init(&t, text, capacity);
    lp_text_printf(&t, "SoftLAN " LP_VERSION " for Windows\n");
    put_details(&t, model);
    return lp_text_len(&t);
}

/* ---- all together ---- */

static void show_phase(const struct lp_gui_model *model, struct lp_view *view)
{
    switch (model->phase) {
    case LP_GUI_START:
        show_form(model, view);
        break;
    case LP_GUI_CONNECTING:
        show_connecting(model, view);
        break;
    case LP_GUI_UNREACHABLE:
        show_unreachable(model, view);
        break;
    case LP_GUI_CONNECTED:
        show_connected(model, view);
        break;
    case LP_GUI_LOST:
        show_lost(model, view);
        break;
    case LP_GUI_FAILED:
        show_failed(model, view);
        break;
    case LP_GUI_LEAVING:
        view->tone = LP_TONE_BUSY;
        put_body(view, "Disconnecting",
                 "Everything that SoftLAN changed on this PC is put back.", "");
        put_party(model, view);
        put_button(view, LP_ELEMENT_PRIMARY, "&Disconnect");
        view->enabled[LP_ELEMENT_PRIMARY] = false;
        break;
    }
}

/* Only heading and mark stay: the pane needs the room. */
static void hide_behind_details(struct lp_view *view)
{
    for (unsigned i = 0; i < LP_ELEMENTS; i++)
        view->shown[i] = view->shown[i] && i == LP_ELEMENT_HEADING;
    view->row_count = 0;
    view->has_default = false;
    view->progress = -1;
}

void lp_view_make(const struct lp_gui_model *model, struct lp_view *ret_view)
{
    struct lp_view *view = ret_view;

    memset(view, 0, sizeof(*view));
    view->progress = -1;
    if (model->asking) {
        show_invite(model, view);
    } else {
        show_phase(model, view);
        /* elsewhere than in the form, where it has the place of the heading */
        if (model->notice == LP_GUI_NOTICE_BAD_LINK && model->phase != LP_GUI_START)
            put(view, LP_ELEMENT_REMEDY,
                "The invite link that was opened is not valid: ask your host for a new one.");
        put_button(view, LP_ELEMENT_TOGGLE, "D&etails");
    }
    view->can_disconnect = lp_gui_is_running(model) && model->phase != LP_GUI_LEAVING;
    snprintf(view->tip, sizeof(view->tip), "SoftLAN: %s", phase_names[model->phase]);
    if (model->details && !model->asking) {
        hide_behind_details(view);
        show_details(model, view);
    }
}
