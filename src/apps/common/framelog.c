#include "apps/common/framelog.h"

#include <stdio.h>

void lp_framelog_print(const struct lp_frame_event *event, bool json)
{
    char line[LP_FRAMELOG_LINE_MAX];

    lp_framelog_format(event, json, line);
    puts(line);
    fflush(stdout); /* whoever reads along sees a frame when it was judged */
}
