/*
 * What the window knows: a state machine without any window. What the player does and what the
 * engine reports come in as calls; each returns what the program has to do about it. view.h makes
 * texts of it. The same on every system, so that all of it is tested where there is no Windows.
 *
 * Plain values, no ownership. Times and rates are milliseconds and percent, a sample is one second.
 * Strings of strangers (names, the relay's words) are kept as they came; view.c cleans them.
 */
#ifndef LP_APPS_GUI_WIN_MODEL_H
#define LP_APPS_GUI_WIN_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "apps/gui-win/settings.h"
#include "proto/control.h"
#include "proto/invite.h"

#define LP_GUI_PLAYERS_MAX 64
#define LP_GUI_SAMPLES_MAX 300 /* five minutes */
#define LP_GUI_LOSS_S      30  /* what "loss" looks back on */
#define LP_GUI_LOSS_LEAST  20  /* packets in that time; of fewer nothing is said */
#define LP_GUI_PATIENCE_S  20  /* how long an address may take before a remedy is offered */
#define LP_GUI_TEXT_LEN    512
#define LP_GUI_ADDR_LEN    64
#define LP_GUI_REPORT_LEN  6144

enum lp_gui_phase {
    LP_GUI_START = 0,   /* nothing under way: the form */
    LP_GUI_CONNECTING,  /* model.step says how far */
    LP_GUI_UNREACHABLE, /* no answer from the relay; tried on */
    LP_GUI_CONNECTED,   /* in the room, with or without gateway */
    LP_GUI_LOST,        /* was in the room; tried on */
    LP_GUI_FAILED,      /* the engine has given up */
    LP_GUI_LEAVING,     /* the engine was told to end */
};

/* X(NAME, number, sentence while it lasts) in the order of the start. */
#define LP_GUI_STEP_TABLE(X)                                                                   \
    X(ADAPTER, 1, "Preparing the network adapter")                                             \
    X(LOOKUP, 2, "Looking up the relay's address")                                             \
    X(RELAY, 3, "Contacting the relay")                                                        \
    X(ROOM, 4, "Entering the room")

#define LP_GUI_STEPS 4

enum lp_gui_step {
#define X(name, number, text) LP_GUI_STEP_##name = (number),
    LP_GUI_STEP_TABLE(X)
#undef X
};

enum lp_gui_failure {
    LP_GUI_FAILURE_NONE = 0,
    LP_GUI_FAILURE_REJECTED, /* reject_code */
    LP_GUI_FAILURE_REFUSED,  /* the relay's certificate */
    LP_GUI_FAILURE_ADAPTER,  /* ours is not there */
    LP_GUI_FAILURE_SERVICE,  /* softlan-svc does not answer, or could not do it */
    LP_GUI_FAILURE_LOOKUP,   /* the relay's name */
    LP_GUI_FAILURE_OTHER,    /* text alone */
};

struct lp_gui_player {
    uint32_t peer_id;
    bool gateway;
    bool self;
    char name[LP_NAME_MAX + 1];
};

enum lp_gui_news {
    LP_GUI_NEWS_STEP = 1, /* .step */
    LP_GUI_NEWS_UNANSWERED,
    LP_GUI_NEWS_JOINED, /* in the room, and each second while there */
    LP_GUI_NEWS_LOST,
    LP_GUI_NEWS_ENDED, /* the last of a run; .failure says why, NONE when it was asked to end */
};

/* All that the engine says, each time. */
struct lp_gui_snapshot {
    unsigned run; /* number of the connect that it belongs to */
    enum lp_gui_news news;
    enum lp_gui_step step;
    enum lp_gui_failure failure;
    enum lp_reject_code reject_code;
    char text[LP_GUI_TEXT_LEN]; /* the engine's own sentence of the failure or loss */

    bool sample;     /* a second has passed: the figures below are new */
    double relay_ms; /* below 0: not known */
    double party_ms;
    uint64_t packets_sent; /* of the connection so far */
    uint64_t packets_lost;

    bool gateway_present;
    bool has_address;
    char address[LP_GUI_ADDR_LEN];
    char warning[LP_GUI_TEXT_LEN]; /* something to act on while it works, "" = none */
    struct lp_gui_player player[LP_GUI_PLAYERS_MAX];
    unsigned player_count;          /* in player[] */
    unsigned players_present;       /* in the room, oneself included, the gateway not */
    char report[LP_GUI_REPORT_LEN]; /* diagnostics, lines */
};

struct lp_gui_sample {
    float relay_ms;
    float party_ms;
    uint32_t sent;
    uint32_t lost;
};

/* What the player can have typed. */
struct lp_gui_form {
    char link[LP_INVITE_LINK_MAX + 2]; /* one more than is allowed, so that too long is seen */
    char relay[LP_INVITE_HOST_MAX + 16];
    char room[LP_ROOM_CODE_MAX + 2];
    char name[LP_NAME_MAX + 2];
};

/* What to do after a call; the window is drawn anew in any case. */
enum lp_gui_effect {
    LP_GUI_NOTHING = 0,
    LP_GUI_START_ENGINE, /* with model.party and model.run */
    LP_GUI_STOP_ENGINE,
    LP_GUI_COPY_REPORT,
    LP_GUI_FILL_FORM, /* the edit fields get model.form */
};

enum lp_gui_notice {
    LP_GUI_NOTICE_NONE = 0,
    LP_GUI_NOTICE_BAD_LINK, /* notice_text says why */
    LP_GUI_NOTICE_BAD_RELAY,
    LP_GUI_NOTICE_BAD_ROOM,
    LP_GUI_NOTICE_BAD_NAME,
};

struct lp_gui_model {
    enum lp_gui_phase phase;
    bool asking;  /* an invite waits for yes or no, in front of everything else */
    bool details; /* the details pane instead of the rest */
    bool copied;  /* the report was copied since the pane opened */
    enum lp_gui_notice notice;
    char notice_text[LP_INVITE_WHY_LEN];
    struct lp_gui_form form;
    struct lp_invite invite; /* while asking */
    struct lp_invite party;  /* the one that the engine is told */
    bool has_party;
    bool switching; /* the engine ends, and starts again with `next` */
    struct lp_invite next;
    unsigned run;
    enum lp_gui_step step;
    bool setback;               /* an attempt failed since Connect, another one is under way */
    struct lp_gui_snapshot now; /* the newest; what it says of the room holds while CONNECTED */
    unsigned waiting_s;         /* how long there has been a gateway and no address */
    struct lp_gui_sample sample[LP_GUI_SAMPLES_MAX]; /* the oldest first */
    unsigned sample_count;
    uint64_t last_sent;
    uint64_t last_lost;
    struct lp_settings settings;
};

/* `settings` may be NULL: a first start. */
void lp_gui_init(struct lp_gui_model *model, const struct lp_settings *settings);

/* ---- what the player does ---- */

/* An invite link from the command line, another start of the program, or the clipboard. */
enum lp_gui_effect lp_gui_open_link(struct lp_gui_model *model, const char *link, size_t len);
/* Connect, Try again, Cancel, Disconnect, Yes: what the first button does now. */
enum lp_gui_effect lp_gui_primary(struct lp_gui_model *model, const struct lp_gui_form *form);
/* Not now, Back: what the second button and Esc do now. */
enum lp_gui_effect lp_gui_secondary(struct lp_gui_model *model);
/* One of settings.party; another number does nothing. */
enum lp_gui_effect lp_gui_choose_party(struct lp_gui_model *model, unsigned number);
void lp_gui_toggle_details(struct lp_gui_model *model);
enum lp_gui_effect lp_gui_copy_report(struct lp_gui_model *model);
/* From the tray, whatever is shown. */
enum lp_gui_effect lp_gui_disconnect(struct lp_gui_model *model);

/* ---- what the engine says ---- */

enum lp_gui_effect lp_gui_apply(struct lp_gui_model *model,
                                const struct lp_gui_snapshot *snapshot);

/* ---- what can be asked ---- */

/* The engine runs, or is about to end. */
bool lp_gui_is_running(const struct lp_gui_model *model);
/* Percent of packets lost of late; below 0 when nothing can be said. */
double lp_gui_loss_percent(const struct lp_gui_model *model);
/* The top of the graph, a round number above every sample. */
double lp_gui_graph_top_ms(const struct lp_gui_model *model);

#endif
