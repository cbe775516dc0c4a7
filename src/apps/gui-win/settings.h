/*
 * What the window remembers between runs: the player's name and the parties that were joined. A
 * text file, a line each: "name NAME", "party LINK" with the newest first. A party is kept as its
 * invite link and read back as strictly as any other link, so that the file gives nobody more than
 * a link would. Lines that are not understood are dropped. Pure: the caller reads and writes the
 * file.
 */
#ifndef LP_APPS_GUI_WIN_SETTINGS_H
#define LP_APPS_GUI_WIN_SETTINGS_H

#include <stddef.h>

#include "proto/control.h"
#include "proto/invite.h"

#define LP_PARTIES_MAX 8
/* Every party with the longest link, and the name. */
#define LP_SETTINGS_LEN (LP_PARTIES_MAX * (LP_INVITE_LINK_MAX + 8) + LP_NAME_MAX + 8)

struct lp_settings {
    char name[LP_NAME_MAX + 1];             /* "" = the PC's */
    struct lp_invite party[LP_PARTIES_MAX]; /* the newest first */
    unsigned party_count;
};

void lp_settings_read(const char *text, struct lp_settings *ret_settings);
/* Returns the length; LP_ERR_NOSPACE. */
int lp_settings_write(const struct lp_settings *settings, char *text, size_t capacity);

/*
 * Puts a party first. The same relay and room are the same party, whatever pin it had; the oldest
 * one goes when there are too many. One that has no link (lp_invite_format) is not kept.
 */
void lp_settings_remember(struct lp_settings *settings, const struct lp_invite *party);

#endif
