/* Frame log lines (diag/framelog.h). */
#ifndef LP_APPS_COMMON_FRAMELOG_H
#define LP_APPS_COMMON_FRAMELOG_H

#include <stdbool.h>

#include "apps/common/output.h"
#include "diag/framelog.h"

/* False once nobody reads them any more. */
bool lp_framelog_print(struct lp_output *output, const struct lp_frame_event *event, bool json);

#endif
