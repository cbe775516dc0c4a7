/* The window without a window: states, sentences, figures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "apps/gui-win/sample.h"
#include "apps/gui-win/view.h"

#define LINK  "softlan://join?relay=relay.example&room=SATURDAY"
#define OTHER "softlan://join?relay=other.example:8443&room=B"

/* Both are large: on the heap, so that a sanitizer sees an overrun. */
struct bed {
    struct lp_gui_model model;
    struct lp_view view;
    struct lp_gui_form form;
    struct lp_gui_snapshot snapshot;
};

static int set_up(void **state)
{
    struct bed *bed = calloc(1, sizeof(*bed));

    lp_gui_init(&bed->model, NULL);
    *state = bed;
    return 0;
}

static int tear_down(void **state)
{
    free(*state);
    return 0;
}

static const char *text(struct bed *bed, enum lp_element element)
{
    lp_view_make(&bed->model, &bed->view);
    return bed->view.shown[element] ? bed->view.text[element] : "(hidden)";
}

static enum lp_gui_effect link_to(struct bed *bed, const char *link)
{
    return lp_gui_open_link(&bed->model, link, strlen(link));
}

static void connect_to(struct bed *bed, const char *link)
{
    link_to(bed, link);
    assert_int_equal(lp_gui_primary(&bed->model, &bed->form), LP_GUI_START_ENGINE);
}

static enum lp_gui_effect tell(struct bed *bed, enum lp_gui_news news)
{
    bed->snapshot.run = bed->model.run;
    bed->snapshot.news = news;
    return lp_gui_apply(&bed->model, &bed->snapshot);
}

static enum lp_gui_effect type_in(struct bed *bed, const char *link, const char *relay,
                                  const char *room, const char *name)
{
    snprintf(bed->form.link, sizeof(bed->form.link), "%s", link);
    snprintf(bed->form.relay, sizeof(bed->form.relay), "%s", relay);
    snprintf(bed->form.room, sizeof(bed->form.room), "%s", room);
    snprintf(bed->form.name, sizeof(bed->form.name), "%s", name);
    return lp_gui_primary(&bed->model, &bed->form);
}

/* ---- form ---- */

static void test_first_start(void **state)
{
    struct bed *bed = *state;

    assert_string_equal(text(bed, LP_ELEMENT_HEADING), "Join a LAN party");
    assert_string_equal(text(bed, LP_ELEMENT_PRIMARY), "&Connect");
    assert_true(bed->view.shown[LP_ELEMENT_LINK] && bed->view.shown[LP_ELEMENT_RELAY]);
    assert_false(bed->view.shown[LP_ELEMENT_RECENT]);
    assert_false(bed->view.shown[LP_ELEMENT_GRAPH]);
    assert_true(bed->view.has_default && bed->view.can_connect && !bed->view.can_disconnect);
}

static void test_typed(void **state)
{
    static const struct {
        const char *relay;
        const char *host;
        unsigned port;
    } rows[] = {
        {"relay.example", "relay.example", 443},
        {" Relay.Example \r\n", "relay.example", 443},
        {"192.0.2.1:8443", "192.0.2.1", 8443},
        {"[2001:db8::1]:1", "2001:db8::1", 1},
    };

    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct bed *bed = *state;

        lp_gui_init(&bed->model, NULL);
        assert_int_equal(type_in(bed, "", rows[i].relay, " -A.b_9 ", " Anna "),
                         LP_GUI_START_ENGINE);
        assert_string_equal(bed->model.party.host, rows[i].host);
        assert_int_equal(bed->model.party.port, rows[i].port);
        assert_string_equal(bed->model.party.room, "-A.b_9");
        assert_string_equal(bed->model.settings.name, "Anna");
        assert_false(bed->model.party.has_pin);
    }
}

static void test_typed_wrong(void **state)
{
    static const struct {
        const char *relay;
        const char *room;
        const char *name;
        enum lp_gui_notice notice;
    } rows[] = {
        {"", "A", "", LP_GUI_NOTICE_BAD_RELAY},
        {"relay.example&pin=00", "A", "", LP_GUI_NOTICE_BAD_RELAY},
        {"relay.example%2e", "A", "", LP_GUI_NOTICE_BAD_RELAY},
        {"relay example", "A", "", LP_GUI_NOTICE_BAD_RELAY},
        {"relay.example:0", "A", "", LP_GUI_NOTICE_BAD_RELAY},
        {"relay.example:65536", "A", "", LP_GUI_NOTICE_BAD_RELAY},
        {"0.0.0.0", "A", "", LP_GUI_NOTICE_BAD_RELAY},
        {"relay.example", "", "", LP_GUI_NOTICE_BAD_ROOM},
        {"relay.example", "a b", "", LP_GUI_NOTICE_BAD_ROOM},
        {"relay.example", "a/b", "", LP_GUI_NOTICE_BAD_ROOM},
        {"relay.example", "WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW",
         "", LP_GUI_NOTICE_BAD_ROOM},
        {"relay.example", "A", "a\x01", LP_GUI_NOTICE_BAD_NAME},
        {"relay.example", "A",
         "WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW",
         LP_GUI_NOTICE_BAD_NAME},
    };
    struct bed *bed = *state;

    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(type_in(bed, "", rows[i].relay, rows[i].room, rows[i].name),
                         LP_GUI_NOTHING);
        assert_int_equal(bed->model.notice, rows[i].notice);
        assert_int_equal(bed->model.phase, LP_GUI_START);
        assert_true(strlen(text(bed, LP_ELEMENT_REMEDY)) > 10);
        assert_int_equal(bed->view.tone, LP_TONE_BAD);
    }
    lp_gui_secondary(&bed->model);
    assert_string_equal(text(bed, LP_ELEMENT_HEADING), "Join a LAN party");
}

static void test_pasted(void **state)
{
    struct bed *bed = *state;

    assert_int_equal(type_in(bed, "  " LINK "\r\n", "", "", "Anna"), LP_GUI_NOTHING);
    assert_true(bed->model.asking);
    assert_int_equal(lp_gui_primary(&bed->model, &bed->form), LP_GUI_START_ENGINE);
    assert_string_equal(bed->model.settings.name, "Anna");
    assert_string_equal(bed->model.party.room, "SATURDAY");
}

/* ---- links ---- */

static void test_bad_link(void **state)
{
    static const char *const links[] = {
        "",
        "softlan://join?relay=relay.example",
        "softlan://join?relay=relay.example&room=A&tap-metric=1",
        "softlan://quit?relay=relay.example&room=A",
        "http://relay.example/",
        "--demo-state",
        "softlan://join?relay=relay.example&room=A\n",
        "softlan://join?relay=relay.example&room=\xe2\x80\xaeX",
    };
    struct bed *bed = *state;

    for (unsigned i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
        assert_int_equal(link_to(bed, links[i]), LP_GUI_NOTHING);
        assert_false(bed->model.asking);
        assert_string_equal(text(bed, LP_ELEMENT_HEADING), "This invite link is not valid");
        assert_string_equal(text(bed, LP_ELEMENT_REMEDY),
                            "Ask your host for a new link, or type relay and room.");
        assert_true(strlen(text(bed, LP_ELEMENT_BODY)) > 10);
    }
}

static void test_invite_asks(void **state)
{
    struct bed *bed = *state;

    assert_int_equal(link_to(bed, OTHER), LP_GUI_NOTHING);
    assert_string_equal(text(bed, LP_ELEMENT_HEADING), "Join this party?");
    assert_string_equal(text(bed, LP_ELEMENT_FACT_0), "other.example:8443");
    assert_string_equal(text(bed, LP_ELEMENT_FACT_1), "B");
    assert_string_equal(text(bed, LP_ELEMENT_FACT_2), "certificates that this PC trusts");
    assert_string_equal(text(bed, LP_ELEMENT_SECONDARY), "&Not now");
    assert_false(bed->view.has_default);
    assert_int_equal(lp_gui_secondary(&bed->model), LP_GUI_NOTHING);
    assert_false(bed->model.asking);
    assert_int_equal(bed->model.phase, LP_GUI_START);
    assert_int_equal(bed->model.settings.party_count, 0);
}

static void test_invite_with_pin_and_name(void **state)
{
    struct bed *bed = *state;

    lp_sample_make(LP_SAMPLE_INVITE, &bed->model);
    assert_string_equal(text(bed, LP_ELEMENT_FACT_2),
                        "only the certificate that the link names");
    assert_string_equal(text(bed, LP_ELEMENT_FACT_3), "lanparty-relay.local");
}

/* Never without an answer, and what ran goes on when it is no. */
static void test_invite_while_connected(void **state)
{
    struct bed *bed = *state;
    unsigned run;

    connect_to(bed, LINK);
    tell(bed, LP_GUI_NEWS_JOINED);
    run = bed->model.run;
    assert_int_equal(link_to(bed, OTHER), LP_GUI_NOTHING);
    assert_string_equal(text(bed, LP_ELEMENT_BODY), "You leave the party that you are in now.");
    lp_gui_secondary(&bed->model);
    assert_int_equal(bed->model.phase, LP_GUI_CONNECTED);
    link_to(bed, OTHER);
    assert_int_equal(lp_gui_primary(&bed->model, &bed->form), LP_GUI_STOP_ENGINE);
    assert_int_equal(bed->model.phase, LP_GUI_LEAVING);
    assert_string_equal(bed->model.party.host, "relay.example");
    assert_int_equal(tell(bed, LP_GUI_NEWS_ENDED), LP_GUI_START_ENGINE);
    assert_string_equal(bed->model.party.host, "other.example");
    assert_int_equal(bed->model.run, run + 1);
}

static void test_bad_link_while_connected(void **state)
{
    struct bed *bed = *state;

    connect_to(bed, LINK);
    tell(bed, LP_GUI_NEWS_JOINED);
    link_to(bed, "softlan://");
    assert_int_equal(bed->model.phase, LP_GUI_CONNECTED);
    assert_non_null(strstr(text(bed, LP_ELEMENT_REMEDY), "invite link"));
}

/* ---- the way in and out ---- */

static void test_connecting(void **state)
{
    static const char *const sentences[] = {"Preparing the network adapter\xe2\x80\xa6",
                                            "Looking up the relay's address\xe2\x80\xa6",
                                            "Contacting the relay\xe2\x80\xa6",
                                            "Entering the room\xe2\x80\xa6"};
    struct bed *bed = *state;
    double progress = 0;

    connect_to(bed, LINK);
    for (unsigned i = 0; i < 4; i++) {
        bed->snapshot.step = (enum lp_gui_step)(i + 1);
        tell(bed, LP_GUI_NEWS_STEP);
        assert_string_equal(text(bed, LP_ELEMENT_BODY), sentences[i]);
        assert_true(bed->view.progress > progress && bed->view.progress < 1);
        progress = bed->view.progress;
    }
    assert_string_equal(text(bed, LP_ELEMENT_PRIMARY), "&Cancel");
    assert_int_equal(lp_gui_primary(&bed->model, &bed->form), LP_GUI_STOP_ENGINE);
    assert_string_equal(text(bed, LP_ELEMENT_HEADING), "Disconnecting");
    assert_false(bed->view.enabled[LP_ELEMENT_PRIMARY]);
    assert_int_equal(lp_gui_primary(&bed->model, &bed->form), LP_GUI_NOTHING);
    assert_int_equal(tell(bed, LP_GUI_NEWS_JOINED), LP_GUI_NOTHING);
    assert_int_equal(bed->model.phase, LP_GUI_LEAVING);
    assert_int_equal(tell(bed, LP_GUI_NEWS_ENDED), LP_GUI_NOTHING);
    assert_int_equal(bed->model.phase, LP_GUI_START);
}

static void test_unreachable_and_back(void **state)
{
    struct bed *bed = *state;

    connect_to(bed, LINK);
    tell(bed, LP_GUI_NEWS_UNANSWERED);
    assert_string_equal(text(bed, LP_ELEMENT_HEADING), "The relay does not answer");
    assert_non_null(strstr(text(bed, LP_ELEMENT_BODY), "UDP may be blocked"));
    assert_non_null(strstr(text(bed, LP_ELEMENT_REMEDY), "another network"));
    bed->snapshot.step = LP_GUI_STEP_RELAY;
    tell(bed, LP_GUI_NEWS_STEP);
    assert_int_equal(bed->model.phase, LP_GUI_UNREACHABLE);
    tell(bed, LP_GUI_NEWS_JOINED);
    assert_int_equal(bed->model.phase, LP_GUI_CONNECTED);
}

static void test_connected(void **state)
{
    struct bed *bed = *state;

    lp_sample_make(LP_SAMPLE_CONNECTED, &bed->model);
    assert_string_equal(text(bed, LP_ELEMENT_HEADING), "Connected to the party");
    assert_int_equal(bed->view.tone, LP_TONE_GOOD);
    assert_string_equal(text(bed, LP_ELEMENT_FACT_0), "192.168.178.57");
    assert_string_equal(text(bed, LP_ELEMENT_FACT_1), "13 ms");
    assert_string_equal(text(bed, LP_ELEMENT_FACT_2), "17 ms");
    assert_string_equal(text(bed, LP_ELEMENT_FACT_3), "0.0 %");
    assert_string_equal(text(bed, LP_ELEMENT_FACT_4), "present");
    assert_string_equal(text(bed, LP_ELEMENT_FACT_5), "SATURDAY");
    assert_string_equal(text(bed, LP_ELEMENT_PLAYERS_LABEL),
                        "In the &room: 5 players and the gateway");
    assert_int_equal(bed->view.row_count, 6);
    assert_string_equal(bed->view.row[0].second, "gateway");
    assert_string_equal(bed->view.row[1].second, "you");
    assert_string_equal(bed->view.row[2].first, "anna");
    assert_non_null(strstr(text(bed, LP_ELEMENT_GRAPH), "relay 13 ms (12 ms to 35 ms), party"));
    /* Enter must not disconnect anybody. */
    assert_false(bed->view.has_default);
    assert_true(bed->view.can_disconnect && !bed->view.can_connect);
}

static void test_no_gateway(void **state)
{
    struct bed *bed = *state;

    lp_sample_make(LP_SAMPLE_NO_GATEWAY, &bed->model);
    assert_string_equal(text(bed, LP_ELEMENT_HEADING), "Waiting for the party");
    assert_non_null(strstr(text(bed, LP_ELEMENT_REMEDY), "Ask your host to start the gateway"));
    assert_string_equal(text(bed, LP_ELEMENT_FACT_4), "missing");
    assert_string_equal(text(bed, LP_ELEMENT_FACT_0), "none yet");
    assert_string_equal(text(bed, LP_ELEMENT_FACT_2), "\xe2\x80\x93");
}

/* The remedy comes when it has taken too long, not before. */
static void test_no_address(void **state)
{
    struct bed *bed = *state;

    connect_to(bed, LINK);
    bed->snapshot.sample = bed->snapshot.gateway_present = true;
    for (unsigned i = 1; i < LP_GUI_PATIENCE_S; i++)
        tell(bed, LP_GUI_NEWS_JOINED);
    assert_string_equal(text(bed, LP_ELEMENT_HEADING), "Waiting for an address");
    assert_string_equal(text(bed, LP_ELEMENT_REMEDY), "(hidden)");
    tell(bed, LP_GUI_NEWS_JOINED);
    assert_non_null(strstr(text(bed, LP_ELEMENT_REMEDY), "no DHCP server"));
    bed->snapshot.has_address = true;
    tell(bed, LP_GUI_NEWS_JOINED);
    assert_int_equal(bed->model.waiting_s, 0);
}

static void test_lost(void **state)
{
    struct bed *bed = *state;

    connect_to(bed, LINK);
    tell(bed, LP_GUI_NEWS_JOINED);
    tell(bed, LP_GUI_NEWS_LOST);
    assert_string_equal(text(bed, LP_ELEMENT_HEADING), "The connection was lost");
    tell(bed, LP_GUI_NEWS_UNANSWERED);
    bed->snapshot.step = LP_GUI_STEP_RELAY;
    tell(bed, LP_GUI_NEWS_STEP);
    assert_int_equal(bed->model.phase, LP_GUI_LOST);
    tell(bed, LP_GUI_NEWS_JOINED);
    assert_int_equal(bed->model.phase, LP_GUI_CONNECTED);
}

/* An attempt that fails before the first welcome is no loss; it is said, until one succeeds. */
static void test_loss_while_connecting(void **state)
{
    struct bed *bed = *state;

    connect_to(bed, LINK);
    tell(bed, LP_GUI_NEWS_STEP);
    assert_string_equal(text(bed, LP_ELEMENT_REMEDY), "(hidden)");
    tell(bed, LP_GUI_NEWS_LOST);
    assert_int_equal(bed->model.phase, LP_GUI_CONNECTING);
    assert_string_equal(text(bed, LP_ELEMENT_BODY),
                        "It did not work yet. SoftLAN keeps trying.");
    assert_non_null(strstr(text(bed, LP_ELEMENT_REMEDY), "ask your host"));
    assert_int_equal(bed->view.tone, LP_TONE_WARNING);
    tell(bed, LP_GUI_NEWS_STEP);
    assert_non_null(strstr(text(bed, LP_ELEMENT_REMEDY), "ask your host"));
    lp_gui_primary(&bed->model, &bed->form);
    tell(bed, LP_GUI_NEWS_ENDED);
    connect_to(bed, LINK);
    assert_string_equal(text(bed, LP_ELEMENT_REMEDY), "(hidden)");
}

static void test_old_news(void **state)
{
    struct bed *bed = *state;

    connect_to(bed, LINK);
    bed->snapshot.run = bed->model.run - 1;
    bed->snapshot.news = LP_GUI_NEWS_ENDED;
    bed->snapshot.failure = LP_GUI_FAILURE_OTHER;
    lp_gui_apply(&bed->model, &bed->snapshot);
    assert_int_equal(bed->model.phase, LP_GUI_CONNECTING);
    tell(bed, LP_GUI_NEWS_ENDED);
    assert_int_equal(bed->model.phase, LP_GUI_FAILED);
    tell(bed, LP_GUI_NEWS_JOINED);
    assert_int_equal(bed->model.phase, LP_GUI_FAILED);
}

/* ---- refusals ---- */

static void test_every_reject_code(void **state)
{
    static const enum lp_reject_code codes[] = {
#define X(name, number, wire, text) LP_REJECT_##name,
        LP_REJECT_TABLE(X)
#undef X
    };
    const struct lp_sentences *any = lp_sentences_of_reject(0);

    for (unsigned i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        struct bed *bed = *state;

        lp_gui_init(&bed->model, NULL);
        connect_to(bed, LINK);
        bed->snapshot.failure = LP_GUI_FAILURE_REJECTED;
        bed->snapshot.reject_code = codes[i];
        tell(bed, LP_GUI_NEWS_ENDED);
        assert_ptr_not_equal(lp_sentences_of_reject(codes[i]), any);
        assert_string_not_equal(text(bed, LP_ELEMENT_HEADING), any->heading);
        assert_true(strlen(text(bed, LP_ELEMENT_BODY)) > 20);
        assert_true(strlen(text(bed, LP_ELEMENT_REMEDY)) > 20);
        /* a sentence, and no code for the player to look up */
        assert_null(strstr(text(bed, LP_ELEMENT_BODY), lp_reject_name(codes[i])));
        assert_int_equal(
            bed->view.text[LP_ELEMENT_BODY][strlen(text(bed, LP_ELEMENT_BODY)) - 1], '.');
        assert_string_equal(text(bed, LP_ELEMENT_PRIMARY), "Try a&gain");
        assert_string_equal(text(bed, LP_ELEMENT_SECONDARY), "&Back");
    }
    assert_ptr_equal(lp_sentences_of_reject(99), any);
    assert_ptr_equal(lp_sentences_of_reject((enum lp_reject_code) - 1), any);
}

static void test_every_failure(void **state)
{
    struct lp_gui_snapshot snapshot = {.run = 0};

    for (int i = LP_GUI_FAILURE_REFUSED; i <= LP_GUI_FAILURE_OTHER; i++) {
        const struct lp_sentences *sentences;

        snapshot.failure = (enum lp_gui_failure)i;
        sentences = lp_sentences_of_failure(&snapshot);
        assert_true(strlen(sentences->heading) > 10 && strlen(sentences->body) > 20 &&
                    strlen(sentences->remedy) > 20);
    }
}

static void test_try_again_and_back(void **state)
{
    struct bed *bed = *state;

    connect_to(bed, "softlan://join?relay=[2001:db8::1]:8443&room=B");
    bed->snapshot.failure = LP_GUI_FAILURE_LOOKUP;
    tell(bed, LP_GUI_NEWS_ENDED);
    assert_int_equal(lp_gui_primary(&bed->model, &bed->form), LP_GUI_START_ENGINE);
    tell(bed, LP_GUI_NEWS_ENDED);
    assert_int_equal(lp_gui_secondary(&bed->model), LP_GUI_FILL_FORM);
    assert_int_equal(bed->model.phase, LP_GUI_START);
    assert_string_equal(bed->model.form.relay, "[2001:db8::1]:8443");
    assert_string_equal(bed->model.form.room, "B");
    assert_string_equal(bed->model.form.link, "");
}

/* The pin is not lost on the way through the form. */
static void test_back_keeps_pin(void **state)
{
    struct bed *bed = *state;

    lp_sample_make(LP_SAMPLE_INVITE, &bed->model);
    lp_gui_primary(&bed->model, &bed->form);
    bed->snapshot.failure = LP_GUI_FAILURE_REFUSED;
    tell(bed, LP_GUI_NEWS_ENDED);
    lp_gui_secondary(&bed->model);
    assert_non_null(strstr(bed->model.form.link, "pin=9f86d081"));
}

/* ---- figures ---- */

static void test_loss(void **state)
{
    struct bed *bed = *state;

    connect_to(bed, LINK);
    assert_true(lp_gui_loss_percent(&bed->model) < 0);
    bed->snapshot.sample = true;
    bed->snapshot.packets_sent = LP_GUI_LOSS_LEAST - 1;
    tell(bed, LP_GUI_NEWS_JOINED);
    assert_true(lp_gui_loss_percent(&bed->model) < 0);
    bed->snapshot.packets_sent = 200;
    bed->snapshot.packets_lost = 3;
    tell(bed, LP_GUI_NEWS_JOINED);
    assert_string_equal(text(bed, LP_ELEMENT_FACT_3), "1.5 %");
    /* a new connection counts from 0; the old loss is still recent */
    bed->snapshot.packets_sent = 100;
    bed->snapshot.packets_lost = 0;
    tell(bed, LP_GUI_NEWS_JOINED);
    assert_string_equal(text(bed, LP_ELEMENT_FACT_3), "1.0 %");
    /* and is forgotten after a while */
    for (unsigned i = 0; i < LP_GUI_LOSS_S; i++) {
        bed->snapshot.packets_sent += 10;
        tell(bed, LP_GUI_NEWS_JOINED);
    }
    assert_string_equal(text(bed, LP_ELEMENT_FACT_3), "0.0 %");
}

static void test_samples_are_bounded(void **state)
{
    struct bed *bed = *state;

    connect_to(bed, LINK);
    bed->snapshot.sample = true;
    for (unsigned i = 0; i < LP_GUI_SAMPLES_MAX + 7; i++) {
        bed->snapshot.relay_ms = i;
        tell(bed, LP_GUI_NEWS_JOINED);
    }
    assert_int_equal(bed->model.sample_count, LP_GUI_SAMPLES_MAX);
    assert_true(bed->model.sample[0].relay_ms == 7);
    assert_true(bed->model.sample[LP_GUI_SAMPLES_MAX - 1].relay_ms == LP_GUI_SAMPLES_MAX + 6);
}

static void test_graph_top(void **state)
{
    static const double rows[][2] = {{-1, 20}, {20, 20}, {20.1, 50}, {500, 500}, {9999, 5000}};
    struct bed *bed = *state;

    for (unsigned i = 0; i < 5; i++) {
        lp_gui_init(&bed->model, NULL);
        connect_to(bed, LINK);
        bed->snapshot.sample = true;
        bed->snapshot.relay_ms = 1;
        bed->snapshot.party_ms = rows[i][0];
        tell(bed, LP_GUI_NEWS_JOINED);
        assert_true(lp_gui_graph_top_ms(&bed->model) == rows[i][1]);
    }
}

/* ---- names, details, report ---- */

static void test_hostile_names(void **state)
{
    struct bed *bed = *state;

    lp_sample_make(LP_SAMPLE_HOSTILE_NAMES, &bed->model);
    lp_view_make(&bed->model, &bed->view);
    assert_string_equal(bed->view.row[0].first, "\xef\xbf\xbdgnp.exe");
    assert_string_equal(bed->view.row[3].first, "Player 4"); /* blanks alone */
    assert_string_equal(bed->view.row[4].first, "z\xcc\x81\xcc\x82lgo");
    assert_string_equal(bed->view.row[5].first, "a & b && <b>\"quoted\"</b> %s%n");
    for (unsigned i = 0; i < bed->view.row_count; i++) {
        for (const char *c = bed->view.row[i].first; *c != '\0'; c++)
            assert_true((unsigned char)*c >= 0x20 && *c != 0x7f);
    }
}

static void test_more_than_fit(void **state)
{
    struct bed *bed = *state;

    lp_sample_make(LP_SAMPLE_LONG_TEXTS, &bed->model);
    lp_view_make(&bed->model, &bed->view);
    assert_int_equal(bed->view.row_count, LP_GUI_PLAYERS_MAX + 1);
    assert_string_equal(bed->view.row[LP_GUI_PLAYERS_MAX].first, "and 448 more");
}

static void test_recent(void **state)
{
    struct bed *bed = *state;

    lp_sample_make(LP_SAMPLE_RECENT, &bed->model);
    lp_view_make(&bed->model, &bed->view);
    assert_int_equal(bed->view.row_count, 3);
    assert_string_equal(bed->view.row[1].first, "K7QM-42XP");
    assert_string_equal(bed->view.row[1].second, "[2001:db8::1]:8443");
    assert_int_equal(lp_gui_choose_party(&bed->model, 3), LP_GUI_NOTHING);
    assert_int_equal(lp_gui_choose_party(&bed->model, 2), LP_GUI_START_ENGINE);
    assert_string_equal(bed->model.party.room, "attic");
    assert_string_equal(bed->model.settings.party[0].room, "attic");
    assert_int_equal(lp_gui_choose_party(&bed->model, 0), LP_GUI_NOTHING);
}

static void test_details(void **state)
{
    struct bed *bed = *state;

    lp_sample_make(LP_SAMPLE_DETAILS, &bed->model);
    assert_string_equal(text(bed, LP_ELEMENT_COPY), "Co&py report");
    assert_false(bed->view.shown[LP_ELEMENT_PRIMARY]);
    assert_int_equal(bed->view.row_count, 0);
    assert_non_null(strstr(bed->view.details, "State: connected\nRelay: relay.example\n"));
    assert_non_null(strstr(bed->view.details, "traffic: 48211 frames"));
    assert_int_equal(lp_gui_copy_report(&bed->model), LP_GUI_COPY_REPORT);
    assert_string_equal(text(bed, LP_ELEMENT_COPY), "Co&pied");
    lp_gui_secondary(&bed->model);
    assert_string_equal(text(bed, LP_ELEMENT_HEADING), "Connected to the party");
}

/* A report goes to strangers: it names no pin; the relay's words stay on their line. */
static void test_report(void **state)
{
    struct bed *bed = *state;
    char report[LP_VIEW_DETAILS_LEN];
    size_t len;

    lp_sample_make(LP_SAMPLE_INVITE, &bed->model);
    lp_gui_primary(&bed->model, &bed->form);
    bed->snapshot.failure = LP_GUI_FAILURE_REJECTED;
    bed->snapshot.reject_code = LP_REJECT_REDIRECT;
    snprintf(bed->snapshot.text, sizeof(bed->snapshot.text),
             "go\nState: \xe2\x80\xae"
             "fine");
    tell(bed, LP_GUI_NEWS_ENDED);
    len = lp_view_report(&bed->model, report, sizeof(report));
    assert_int_equal(len, strlen(report));
    assert_int_equal(strncmp(report, "SoftLAN ", 8), 0);
    assert_non_null(strstr(report, "State: failed (redirect)\nRelay: relay.example:8443\n"));
    assert_non_null(strstr(report, "Reason given: go\xef\xbf\xbdState: \xef\xbf\xbd"
                                   "fine\n"));
    assert_null(strstr(report, "9f86"));
}

/* ---- keyboard ---- */

static int access_key(const char *text)
{
    const char *sign = strchr(text, '&');

    return sign == NULL ? 0 : sign[1] | 0x20;
}

/* In each state: no key twice, every button and every label has one. */
static void test_access_keys(void **state)
{
    for (unsigned s = 0; s < LP_SAMPLES; s++) {
        struct bed *bed = *state;
        bool taken[256] = {false};

        lp_sample_make((enum lp_sample)s, &bed->model);
        lp_view_make(&bed->model, &bed->view);
        for (unsigned e = 0; e < LP_ELEMENTS; e++) {
            enum lp_element_kind kind = lp_element_kind((enum lp_element)e);
            int key;

            if (!bed->view.shown[e] || (kind != LP_KIND_BUTTON && kind != LP_KIND_LABEL))
                continue;
            key = access_key(bed->view.text[e]);
            assert_true(key >= 'a' && key <= 'z');
            assert_false(taken[key]);
            taken[key] = true;
        }
    }
}

static void test_sample_names(void **state)
{
    for (unsigned s = 0; s < LP_SAMPLES; s++)
        assert_int_equal(lp_sample_find(lp_sample_name((enum lp_sample)s)), s);
    assert_int_equal(lp_sample_find("none"), LP_SAMPLES);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_first_start),
        TEST(test_typed),
        TEST(test_typed_wrong),
        TEST(test_pasted),
        TEST(test_bad_link),
        TEST(test_invite_asks),
        TEST(test_invite_with_pin_and_name),
        TEST(test_invite_while_connected),
        TEST(test_bad_link_while_connected),
        TEST(test_connecting),
        TEST(test_unreachable_and_back),
        TEST(test_connected),
        TEST(test_no_gateway),
        TEST(test_no_address),
        TEST(test_lost),
        TEST(test_loss_while_connecting),
        TEST(test_old_news),
        TEST(test_every_reject_code),
        TEST(test_every_failure),
        TEST(test_try_again_and_back),
        TEST(test_back_keeps_pin),
        TEST(test_loss),
        TEST(test_samples_are_bounded),
        TEST(test_graph_top),
        TEST(test_hostile_names),
        TEST(test_more_than_fit),
        TEST(test_recent),
        TEST(test_details),
        TEST(test_report),
        TEST(test_access_keys),
        TEST(test_sample_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
