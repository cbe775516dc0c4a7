/*
 * A machine of settings and a disk with a journal, both in memory, for tests of
 * platform/settings/scope.h. Every call from the scope is a step, and the power can go out at
 * any: before it had an effect or after.
 */
#ifndef TEST_MACHINE_H
#define TEST_MACHINE_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>

#include "platform/settings/scope.h"

enum { MACHINE_SETTINGS = 6 };

struct machine_setting {
    struct lp_setting setting;
    const char *original;
    char value[LP_SETTING_VALUE_LEN];
    bool gone;
    bool touched;   /* a stranger has changed it at some time */
    bool strangers; /* the value now is a stranger's */
    int get_error;  /* 0 or what get gives */
    int set_error;  /* 0 or what set gives */
    bool set_took;  /* it gives set_error, and the value is there all the same */
};

enum machine_cut { CUT_NEVER, CUT_BEFORE, CUT_AFTER };

struct machine {
    struct machine_setting setting[MACHINE_SETTINGS];
    char journal[2 * LP_JOURNAL_TEXT_MAX];
    size_t journal_len;
    int load_error;
    int save_error;
    bool save_took; /* it gives save_error, and the journal is written all the same */
    /* power */
    enum machine_cut cut;
    unsigned cut_step; /* 1 = the first */
    unsigned step;
    bool off;
    bool jumps; /* leaves by longjmp; otherwise every later call fails */
    jmp_buf power_cut;
    /* what happened */
    char log[4096];    /* "set ipv4_mtu 1380;save;..." of what had an effect */
    char report[8192]; /* sentences, a line each */
    struct lp_settings_backend backend;
    struct lp_journal_store store;
};

/* Everything as it was before the first start. */
void machine_init(struct machine *m);
/* Power on again, as a new process meets it: settings and disk as they are. */
void machine_restart(struct machine *m);
/* The power goes out at that step. */
void machine_cut_at(struct machine *m, enum machine_cut cut, unsigned step, bool jumps);
struct machine_setting *machine_find(struct machine *m, enum lp_setting_kind kind);
/* Somebody else changes a setting. */
void machine_meddle(struct machine *m, enum lp_setting_kind kind, const char *value);
/* An lp_scope_report_fn: user is the machine. */
void machine_report(void *user, const char *sentence);
/* Is this text in the journal on the disk? */
bool machine_journal_has(const struct machine *m, const char *text);
/* Writes a journal as the program would, whatever is in the entries. */
void machine_write_journal(struct machine *m, const struct lp_scope_entry entries[],
                           unsigned count);

#endif
