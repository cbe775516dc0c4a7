/*
 * One window for each session: another start hands its link to the one that runs and ends.
 * The link goes by WM_COPYDATA, which any program of the session can send: it is checked by the
 * receiver as any other link is, and nothing is done before the player says yes.
 */
#ifndef LP_APPS_GUI_WIN_SINGLE_H
#define LP_APPS_GUI_WIN_SINGLE_H

#include <stdbool.h>

#include "platform/windows/win.h"

/* True: this is the first one, until it ends. */
bool lp_single_take(void);

/* Hands `link` ("" = none, just come to the front) to the running one. False: it is not there. */
bool lp_single_hand_over(const wchar_t *window_class, const char *link);

/* Of the right kind and size; its bytes are still anybody's. */
bool lp_single_is_ours(const COPYDATASTRUCT *data);

#endif
