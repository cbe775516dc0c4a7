/* The round trip of the last minutes, drawn: relay and party, a line each. */
#ifndef LP_APPS_GUI_WIN_GRAPH_H
#define LP_APPS_GUI_WIN_GRAPH_H

#include "apps/gui-win/model.h"
#include "apps/gui-win/theme.h"

void lp_graph_draw(const struct lp_theme *theme, const struct lp_gui_model *model, HDC target,
                   const RECT *rect);

/* Which line is whose, at the right end of the line above the graph. */
void lp_graph_draw_legend(const struct lp_theme *theme, HDC dc, const RECT *rect);

#endif
