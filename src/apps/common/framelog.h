/* Frame log lines (diag/framelog.h) on standard output. */
#ifndef LP_APPS_COMMON_FRAMELOG_H
#define LP_APPS_COMMON_FRAMELOG_H

#include <stdbool.h>

#include "diag/framelog.h"

void lp_framelog_print(const struct lp_frame_event *event, bool json);

#endif
