#include "apps/gui-win/model.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"

void lp_gui_init(struct lp_gui_model *model, const struct lp_settings *settings)
{
    memset(model, 0, sizeof(*model));
    if (settings != NULL)
        model->settings = *settings;
    snprintf(model->form.name, sizeof(model->form.name), "%s", model->settings.name);
}

bool lp_gui_is_running(const struct lp_gui_model *model)
{
    return model->phase != LP_GUI_START && model->phase != LP_GUI_FAILED;
}

/* ---- engine on and off ---- */

static enum lp_gui_effect start(struct lp_gui_model *model, const struct lp_invite *party)
{
    model->party = *party;
    model->has_party = true;
    model->phase = LP_GUI_CONNECTING;
    model->step = LP_GUI_STEP_ADAPTER;
    model->notice = LP_GUI_NOTICE_NONE;
    model->details = false;
    model->setback = false;
    model->run++;
    model->waiting_s = 0;
    model->sample_count = 0;
    model->last_sent = model->last_lost = 0;
    memset(&model->now, 0, sizeof(model->now));
    lp_settings_remember(&model->settings, party);
    return LP_GUI_START_ENGINE;
}

static enum lp_gui_effect stop(struct lp_gui_model *model)
{
    if (!lp_gui_is_running(model) || model->phase == LP_GUI_LEAVING)
        return LP_GUI_NOTHING;
    model->phase = LP_GUI_LEAVING;
    return LP_GUI_STOP_ENGINE;
}

/* At once, or as soon as the engine has left the party that it is in. */
static enum lp_gui_effect go_to(struct lp_gui_model *model, const struct lp_invite *party)
{
    if (!lp_gui_is_running(model))
        return start(model, party);
    model->switching = true;
    model->next = *party;
    return stop(model);
}

/* ---- links ---- */

enum lp_gui_effect lp_gui_open_link(struct lp_gui_model *model, const char *link, size_t len)
{
    struct lp_invite invite;
    char why[LP_INVITE_WHY_LEN];

    model->details = false;
    if (lp_invite_parse(link, len, &invite, why) == 0) {
        model->asking = true;
        model->invite = invite;
        model->notice = LP_GUI_NOTICE_NONE;
        return LP_GUI_NOTHING;
    }
    model->asking = false;
    model->notice = LP_GUI_NOTICE_BAD_LINK;
    snprintf(model->notice_text, sizeof(model->notice_text), "%s", why);
    return LP_GUI_NOTHING;
}

static enum lp_gui_effect answer_yes(struct lp_gui_model *model)
{
    model->asking = false;
    return go_to(model, &model->invite);
}

/* ---- form ---- */

/* Without the blanks at both ends that pasting brings along. */
static size_t trimmed(const char *text, const char **ret_start)
{
    size_t len;

    text += strspn(text, " \t\r\n");
    len = strlen(text);
    while (len > 0 && strchr(" \t\r\n", text[len - 1]) != NULL)
        len--;
    *ret_start = text;
    return len;
}

/* A relay is typed as it stands in a link, so the same parser reads it. */
static bool read_relay(const char *text, struct lp_invite *invite)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789-.:[]";
    char link[LP_INVITE_LINK_MAX + 1], why[LP_INVITE_WHY_LEN];
    const char *relay;
    size_t len = trimmed(text, &relay);
    int link_len;

    if (len == 0 || strspn(relay, allowed) < len)
        return false;
    link_len =
        snprintf(link, sizeof(link), "softlan://join?relay=%.*s&room=x", (int)len, relay);
    return lp_invite_parse(link, (size_t)link_len, invite, why) == 0;
}

static bool read_word(const char *text, char *word, size_t capacity)
{
    const char *start;
    size_t len = trimmed(text, &start);

    if (len >= capacity)
        return false;
    memcpy(word, start, len);
    word[len] = '\0';
    return true;
}

static enum lp_gui_notice read_form(struct lp_gui_model *model, struct lp_invite *party)
{
    char name[LP_NAME_MAX + 1];

    if (!read_word(model->form.name, name, sizeof(name)) || !lp_name_valid(name))
        return LP_GUI_NOTICE_BAD_NAME;
    snprintf(model->settings.name, sizeof(model->settings.name), "%s", name);
    if (!read_relay(model->form.relay, party))
        return LP_GUI_NOTICE_BAD_RELAY;
    if (!read_word(model->form.room, party->room, sizeof(party->room)) ||
        !lp_room_code_valid(party->room))
        return LP_GUI_NOTICE_BAD_ROOM;
    return LP_GUI_NOTICE_NONE;
}

static enum lp_gui_effect submit(struct lp_gui_model *model, const struct lp_gui_form *form)
{
    struct lp_invite party;
    const char *link;
    size_t len;

    model->form = *form;
    len = trimmed(model->form.link, &link);
    model->notice = read_form(model, &party);
    if (model->notice == LP_GUI_NOTICE_BAD_NAME)
        return LP_GUI_NOTHING;
    if (len > 0)
        return lp_gui_open_link(model, link, len);
    return model->notice == LP_GUI_NOTICE_NONE ? start(model, &party) : LP_GUI_NOTHING;
}

/* ---- buttons ---- */

enum lp_gui_effect lp_gui_primary(struct lp_gui_model *model, const struct lp_gui_form *form)
{
    if (model->asking)
        return answer_yes(model);
    switch (model->phase) {
    case LP_GUI_START:
        return submit(model, form);
    case LP_GUI_FAILED:
        return start(model, &model->party);
    case LP_GUI_CONNECTING:
    case LP_GUI_UNREACHABLE:
    case LP_GUI_CONNECTED:
    case LP_GUI_LOST:
        return stop(model);
    case LP_GUI_LEAVING:
        break;
    }
    return LP_GUI_NOTHING;
}

/* What was tried stands in the fields, to be put right. */
static enum lp_gui_effect back_to_form(struct lp_gui_model *model)
{
    char port[8] = "";
    bool v6 = strchr(model->party.host, ':') != NULL;

    if (model->party.port != LP_INVITE_PORT_DEFAULT)
        snprintf(port, sizeof(port), ":%u", model->party.port);
    model->phase = LP_GUI_START;
    model->form.link[0] = '\0';
    if (model->party.has_pin || model->party.server_name[0] != '\0')
        (void)lp_invite_format(&model->party, model->form.link, sizeof(model->form.link));
    snprintf(model->form.relay, sizeof(model->form.relay), "%s%s%s%s", v6 ? "[" : "",
             model->party.host, v6 ? "]" : "", port);
    snprintf(model->form.room, sizeof(model->form.room), "%s", model->party.room);
    return LP_GUI_FILL_FORM;
}

enum lp_gui_effect lp_gui_secondary(struct lp_gui_model *model)
{
    if (model->asking) {
        model->asking = false;
        return LP_GUI_NOTHING;
    }
    if (model->details) {
        model->details = false;
        return LP_GUI_NOTHING;
    }
    model->notice = LP_GUI_NOTICE_NONE;
    return model->phase == LP_GUI_FAILED ? back_to_form(model) : LP_GUI_NOTHING;
}

enum lp_gui_effect lp_gui_choose_party(struct lp_gui_model *model, unsigned number)
{
    struct lp_invite party;

    if (model->phase != LP_GUI_START || model->asking || number >= model->settings.party_count)
        return LP_GUI_NOTHING;
    party = model->settings.party[number];
    return start(model, &party);
}

void lp_gui_toggle_details(struct lp_gui_model *model)
{
    model->details = !model->details;
    model->copied = false;
}

enum lp_gui_effect lp_gui_copy_report(struct lp_gui_model *model)
{
    model->copied = true;
    return LP_GUI_COPY_REPORT;
}

enum lp_gui_effect lp_gui_disconnect(struct lp_gui_model *model)
{
    model->switching = false;
    return stop(model);
}

/* ---- engine ---- */

/* A new connection counts from 0 again. */
static uint32_t since(uint64_t now, uint64_t last)
{
    uint64_t more = now >= last ? now - last : now;

    return more > UINT32_MAX ? UINT32_MAX : (uint32_t)more;
}

static void add_sample(struct lp_gui_model *model, const struct lp_gui_snapshot *snapshot)
{
    struct lp_gui_sample *sample;

    if (model->sample_count == LP_GUI_SAMPLES_MAX) {
        model->sample_count--;
        memmove(&model->sample[0], &model->sample[1],
                model->sample_count * sizeof(model->sample[0]));
    }
    sample = &model->sample[model->sample_count++];
    sample->relay_ms = (float)snapshot->relay_ms;
    sample->party_ms = (float)snapshot->party_ms;
    sample->sent = since(snapshot->packets_sent, model->last_sent);
    sample->lost = since(snapshot->packets_lost, model->last_lost);
    model->last_sent = snapshot->packets_sent;
    model->last_lost = snapshot->packets_lost;
    model->waiting_s =
        snapshot->gateway_present && !snapshot->has_address ? model->waiting_s + 1 : 0;
}

static enum lp_gui_effect ended(struct lp_gui_model *model,
                                const struct lp_gui_snapshot *snapshot)
{
    if (model->switching) {
        model->switching = false;
        return start(model, &model->next);
    }
    /* Who asked it to end has no use for what went wrong meanwhile. */
    if (snapshot->failure == LP_GUI_FAILURE_NONE || model->phase == LP_GUI_LEAVING) {
        model->phase = LP_GUI_START;
        return LP_GUI_NOTHING;
    }
    model->phase = LP_GUI_FAILED;
    return LP_GUI_NOTHING;
}

enum lp_gui_effect lp_gui_apply(struct lp_gui_model *model,
                                const struct lp_gui_snapshot *snapshot)
{
    /* Of an engine that has been replaced, or after its last word. */
    if (snapshot->run != model->run || !lp_gui_is_running(model))
        return LP_GUI_NOTHING;
    model->now = *snapshot;
    if (snapshot->sample)
        add_sample(model, snapshot);
    if (snapshot->news == LP_GUI_NEWS_ENDED)
        return ended(model, snapshot);
    if (model->phase == LP_GUI_LEAVING)
        return LP_GUI_NOTHING;
    switch (snapshot->news) {
    case LP_GUI_NEWS_STEP:
        /* once in the room, a new attempt is still "the connection was lost" */
        if (model->phase == LP_GUI_CONNECTING)
            model->step = snapshot->step;
        break;
    case LP_GUI_NEWS_UNANSWERED:
        model->phase = model->phase == LP_GUI_LOST ? LP_GUI_LOST : LP_GUI_UNREACHABLE;
        break;
    case LP_GUI_NEWS_JOINED:
        model->phase = LP_GUI_CONNECTED;
        break;
    case LP_GUI_NEWS_LOST:
        model->setback = model->phase == LP_GUI_CONNECTING;
        model->phase = model->phase == LP_GUI_CONNECTED ? LP_GUI_LOST : model->phase;
        break;
    case LP_GUI_NEWS_ENDED:
        break;
    }
    return LP_GUI_NOTHING;
}

/* ---- figures ---- */

double lp_gui_loss_percent(const struct lp_gui_model *model)
{
    unsigned count = model->sample_count < LP_GUI_LOSS_S ? model->sample_count : LP_GUI_LOSS_S;
    uint64_t sent = 0, lost = 0;

    for (unsigned i = model->sample_count - count; i < model->sample_count; i++) {
        sent += model->sample[i].sent;
        lost += model->sample[i].lost;
    }
    if (sent < LP_GUI_LOSS_LEAST)
        return -1;
    return lost >= sent ? 100 : 100.0 * (double)lost / (double)sent;
}

double lp_gui_graph_top_ms(const struct lp_gui_model *model)
{
    static const double tops[] = {20, 50, 100, 200, 500, 1000, 2000, 5000};
    unsigned last = sizeof(tops) / sizeof(tops[0]) - 1, at = 0;
    double most = 0;

    for (unsigned i = 0; i < model->sample_count; i++) {
        most = model->sample[i].relay_ms > most ? (double)model->sample[i].relay_ms : most;
        most = model->sample[i].party_ms > most ? (double)model->sample[i].party_ms : most;
    }
    while (at < last && most > tops[at])
        at++;
    return tops[at];
}
