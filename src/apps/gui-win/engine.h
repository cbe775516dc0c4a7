/*
 * The tunnel in a thread of its own, and what it says to the window: snapshots of all that it
 * knows, in a bounded queue whose oldest ones go first, and a message to the window for each.
 * Whatever is lost that way, the newest snapshot is true, and the last of all (ENDED) is never
 * lost. What happens to the connection is said at once, who comes and goes within a twentieth of a
 * second.
 */
#ifndef LP_APPS_GUI_WIN_ENGINE_H
#define LP_APPS_GUI_WIN_ENGINE_H

#include "apps/gui-win/model.h"
#include "platform/windows/win.h"

struct lp_gui_engine;

/* `message` is posted to `window` when there is a snapshot to take. NULL: no thread. */
struct lp_gui_engine *lp_gui_engine_start(const struct lp_invite *party, const char *name,
                                          unsigned run, HWND window, UINT message);
/* Asks it to leave the room, put everything back and end; does not wait. */
void lp_gui_engine_stop(struct lp_gui_engine *engine);
/* Whether it has ended within the time. */
bool lp_gui_engine_wait(struct lp_gui_engine *engine, unsigned ms);

/* The oldest snapshot; false: none is left. */
bool lp_gui_engine_take(struct lp_gui_engine *engine, struct lp_gui_snapshot *ret_snapshot);

/* It has said ENDED. NULL is fine. */
void lp_gui_engine_free(struct lp_gui_engine *engine);

#endif
