#include "apps/gui-win/sample.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const char *const names[] = {
#define X(name, text) text,
    LP_SAMPLE_TABLE(X)
#undef X
};

const char *lp_sample_name(enum lp_sample sample)
{
    return names[sample];
}

enum lp_sample lp_sample_find(const char *name)
{
    enum lp_sample at = 0;

    while (at < LP_SAMPLES && strcmp(names[at], name) != 0)
        at++;
    return at;
}

/* ---- pieces ---- */

static const char party_link[] = "softlan://join?relay=relay.example&room=SATURDAY";

static const char pinned_link[] =
    "softlan://join?relay=relay.example:8443&room=SATURDAY&name=lanparty-relay.local&pin="
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0bd822cd15d6c15b0f00a0";

static const char report[] =
    "state: joined, round trip 12.4 ms, gateway, 4 other players anna, ben, chris, dora\n"
    "adapter: SoftLAN up, MTU 1380, 192.168.178.57/24 (DHCP); relay by Ethernet via "
    "192.168.0.1, "
    "pinned\n"
    "traffic: 48211 frames from the party (312 broadcast), 20177 to it (41 broadcast); nothing "
    "dropped\n"
    "\n"
    "12:04:11 joined the room room=SATURDAY peer=4 mtu=1380\n"
    "12:04:12 the adapter is up: MAC 02:4a:1f:33:90:07, MTU 1380\n"
    "12:04:14 address from the party: 192.168.178.57/24\n";

static void open_link(struct lp_gui_model *model, const char *link)
{
    (void)lp_gui_open_link(model, link, strlen(link));
}

static struct lp_gui_snapshot news(const struct lp_gui_model *model, enum lp_gui_news kind)
{
    struct lp_gui_snapshot snapshot = {.run = model->run, .news = kind};

    snapshot.relay_ms = snapshot.party_ms = -1;
    return snapshot;
}

static void start_with(struct lp_gui_model *model, const char *link)
{
    struct lp_gui_form form = {.link = ""};

    open_link(model, link);
    assert(model->asking);
    (void)lp_gui_primary(model, &form);
}

static void start(struct lp_gui_model *model)
{
    start_with(model, party_link);
}

static void step_to(struct lp_gui_model *model, enum lp_gui_step step)
{
    struct lp_gui_snapshot snapshot = news(model, LP_GUI_NEWS_STEP);

    snapshot.step = step;
    (void)lp_gui_apply(model, &snapshot);
}

static void fail(struct lp_gui_model *model, enum lp_gui_failure failure,
                 enum lp_reject_code code, const char *text)
{
    struct lp_gui_snapshot snapshot = news(model, LP_GUI_NEWS_ENDED);

    snapshot.failure = failure;
    snapshot.reject_code = code;
    snprintf(snapshot.text, sizeof(snapshot.text), "%s", text);
    (void)lp_gui_apply(model, &snapshot);
}

static void add_player(struct lp_gui_snapshot *snapshot, const char *name, bool gateway,
                       bool self)
{
    struct lp_gui_player *player = &snapshot->player[snapshot->player_count++];

    player->peer_id = snapshot->player_count;
    player->gateway = gateway;
    player->self = self;
    snprintf(player->name, sizeof(player->name), "%s", name);
    snapshot->players_present += !gateway;
}

static void add_people(struct lp_gui_snapshot *snapshot)
{
    static const char *const people[] = {"anna", "ben", "J\xc3\xbcrgen",
                                         "\xe3\x81\x82\xe3\x82\x84"};

    if (snapshot->gateway_present)
        add_player(snapshot, "old town hall", true, false);
    add_player(snapshot, "mine", false, true);
    for (unsigned i = 0; i < sizeof(people) / sizeof(people[0]); i++)
        add_player(snapshot, people[i], false, false);
}

/* A few minutes in a room: a calm line with a spike and a gap. */
static void stay(struct lp_gui_model *model, struct lp_gui_snapshot *snapshot, unsigned seconds)
{
    snapshot->sample = true;
    snprintf(snapshot->report, sizeof(snapshot->report), "%s", report);
    for (unsigned i = 0; i < seconds; i++) {
        snapshot->relay_ms = 12 + (double)(i * 7 % 5) * 0.4 + (i % 97 == 40 ? 21 : 0);
        snapshot->party_ms = snapshot->gateway_present && i > 30
                                 ? snapshot->relay_ms + 2 + (double)(i * 5 % 7) * 0.3
                                 : -1;
        snapshot->packets_sent += 60;
        snapshot->packets_lost += i % 50 == 0;
        (void)lp_gui_apply(model, snapshot);
    }
}

static void join(struct lp_gui_model *model, bool gateway, bool address, unsigned seconds,
                 const char *warning)
{
    struct lp_gui_snapshot snapshot = news(model, LP_GUI_NEWS_JOINED);

    snapshot.gateway_present = gateway;
    snapshot.has_address = address;
    snprintf(snapshot.address, sizeof(snapshot.address), "192.168.178.57");
    snprintf(snapshot.warning, sizeof(snapshot.warning), "%s", warning);
    add_people(&snapshot);
    stay(model, &snapshot, seconds);
}

static void lose(struct lp_gui_model *model)
{
    struct lp_gui_snapshot snapshot = news(model, LP_GUI_NEWS_LOST);

    join(model, true, true, 60, "");
    (void)lp_gui_apply(model, &snapshot);
}

/* ---- what strangers can do ---- */

static void join_hostile(struct lp_gui_model *model)
{
    struct lp_gui_snapshot snapshot = news(model, LP_GUI_NEWS_JOINED);

    snapshot.gateway_present = snapshot.has_address = true;
    snprintf(snapshot.address, sizeof(snapshot.address), "192.168.178.57");
    add_player(&snapshot,
               "\xe2\x80\xae"
               "gnp.exe",
               true, false);
    add_player(&snapshot, "mine", false, true);
    add_player(&snapshot, "\xe2\x80\x8b\xe2\x80\x8b", false, false);
    add_player(&snapshot, "   ", false, false);
    add_player(&snapshot, "z\xcc\x81\xcc\x82\xcc\x83\xcc\x84\xcc\x85\xcc\x86\xcc\x87lgo", false,
               false);
    add_player(&snapshot, "a & b && <b>\"quoted\"</b> %s%n", false, false);
    add_player(&snapshot, "WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW",
               false, false);
    stay(model, &snapshot, 120);
}

static void repeat(char *text, size_t len, char letter)
{
    memset(text, letter, len);
    text[len] = '\0';
}

/* The longest of everything that others decide on. */
static void long_link(char link[LP_INVITE_LINK_MAX + 1])
{
    char host[LP_INVITE_HOST_MAX + 1], room[LP_ROOM_CODE_MAX + 1];

    repeat(host, LP_INVITE_HOST_MAX, 'w');
    for (size_t i = 63; i < LP_INVITE_HOST_MAX; i += 64)
        host[i] = '.';
    repeat(room, LP_ROOM_CODE_MAX, 'W');
    snprintf(link, LP_INVITE_LINK_MAX + 1, "softlan://join?relay=%s:65535&room=%s&name=%s",
             host, room, host);
}

static void join_long(struct lp_gui_model *model)
{
    struct lp_gui_snapshot snapshot = news(model, LP_GUI_NEWS_JOINED);
    char name[LP_NAME_MAX + 1], warning[LP_GUI_TEXT_LEN];

    repeat(name, LP_NAME_MAX, 'W');
    repeat(warning, 320, 'm');
    for (size_t i = 9; i < 320; i += 10)
        warning[i] = ' ';
    snapshot.gateway_present = snapshot.has_address = true;
    snprintf(snapshot.address, sizeof(snapshot.address),
             "2001:db8:1111:2222:3333:4444:5555:6666");
    snprintf(snapshot.warning, sizeof(snapshot.warning), "%s", warning);
    add_player(&snapshot, name, true, false);
    while (snapshot.player_count < LP_GUI_PLAYERS_MAX)
        add_player(&snapshot, name, false, false);
    snapshot.players_present = 511;
    stay(model, &snapshot, 10);
}

/* ---- the states ---- */

static void add_recent(struct lp_gui_model *model)
{
    static const char text[] = "name mine\n"
                               "party softlan://join?relay=relay.example&room=SATURDAY\n"
                               "party softlan://join?relay=[2001:db8::1]:8443&room=K7QM-42XP\n"
                               "party softlan://join?relay=192.0.2.7&room=attic\n";

    struct lp_settings settings;

    lp_settings_read(text, &settings);
    lp_gui_init(model, &settings);
}

static void make_long(enum lp_sample sample, struct lp_gui_model *model)
{
    char link[LP_INVITE_LINK_MAX + 1];

    long_link(link);
    if (sample == LP_SAMPLE_LONG_INVITE) {
        open_link(model, link);
        return;
    }
    start_with(model, link);
    join_long(model);
}

static void make_room(enum lp_sample sample, struct lp_gui_model *model)
{
    start(model);
    if (sample == LP_SAMPLE_CONNECTED || sample == LP_SAMPLE_DETAILS)
        join(model, true, true, 240, "");
    else if (sample == LP_SAMPLE_HOSTILE_NAMES)
        join_hostile(model);
    else if (sample == LP_SAMPLE_NO_GATEWAY)
        join(model, false, false, 45, "");
    else if (sample == LP_SAMPLE_NO_ADDRESS)
        join(model, true, false, LP_GUI_PATIENCE_S + 5, "");
    else if (sample == LP_SAMPLE_WARNING)
        join(model, true, true, 90,
             "The party's network 192.168.178.0/24 overlaps with that of \"Wi-Fi\" "
             "(192.168.178.0/24): games may look in the wrong place. Disconnect \"Wi-Fi\" or "
             "use a "
             "cable to another network.");
    if (sample == LP_SAMPLE_DETAILS)
        lp_gui_toggle_details(model);
}

static void make_trouble(enum lp_sample sample, struct lp_gui_model *model)
{
    struct lp_gui_snapshot unanswered, lost;

    start(model);
    unanswered = news(model, LP_GUI_NEWS_UNANSWERED);
    lost = news(model, LP_GUI_NEWS_LOST);
    if (sample == LP_SAMPLE_SETBACK) {
        step_to(model, LP_GUI_STEP_RELAY);
        (void)lp_gui_apply(model, &lost);
    } else if (sample == LP_SAMPLE_UNREACHABLE)
        (void)lp_gui_apply(model, &unanswered);
    else if (sample == LP_SAMPLE_REJECTED)
        fail(model, LP_GUI_FAILURE_REJECTED, LP_REJECT_DUPLICATE_MAC, "");
    else if (sample == LP_SAMPLE_REFUSED)
        fail(model, LP_GUI_FAILURE_REFUSED, 0, "the certificate has another fingerprint");
    else if (sample == LP_SAMPLE_NO_ADAPTER)
        fail(model, LP_GUI_FAILURE_ADAPTER, 0, "no TAP-Windows6 adapter");
    else if (sample == LP_SAMPLE_LOST)
        lose(model);
    else if (sample == LP_SAMPLE_LEAVING)
        (void)lp_gui_disconnect(model);
    else
        step_to(model, LP_GUI_STEP_RELAY);
}

void lp_sample_make(enum lp_sample sample, struct lp_gui_model *ret_model)
{
    lp_gui_init(ret_model, NULL);
    switch (sample) {
    case LP_SAMPLE_FIRST_START:
        break;
    case LP_SAMPLE_RECENT:
        add_recent(ret_model);
        break;
    case LP_SAMPLE_BAD_LINK:
        open_link(ret_model, "softlan://join?relay=relay.example");
        break;
    case LP_SAMPLE_INVITE:
        open_link(ret_model, pinned_link);
        break;
    case LP_SAMPLE_CONNECTED:
    case LP_SAMPLE_DETAILS:
    case LP_SAMPLE_HOSTILE_NAMES:
    case LP_SAMPLE_NO_GATEWAY:
    case LP_SAMPLE_NO_ADDRESS:
    case LP_SAMPLE_WARNING:
        make_room(sample, ret_model);
        break;
    case LP_SAMPLE_CONNECTING:
    case LP_SAMPLE_SETBACK:
    case LP_SAMPLE_UNREACHABLE:
    case LP_SAMPLE_REJECTED:
    case LP_SAMPLE_REFUSED:
    case LP_SAMPLE_NO_ADAPTER:
    case LP_SAMPLE_LOST:
    case LP_SAMPLE_LEAVING:
        make_trouble(sample, ret_model);
        break;
    case LP_SAMPLE_LONG_TEXTS:
    case LP_SAMPLE_LONG_INVITE:
        make_long(sample, ret_model);
        break;
    case LP_SAMPLES:
        break;
    }
}
