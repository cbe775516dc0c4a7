#include "apps/common/framelog.h"

bool lp_framelog_print(struct lp_output *output, const struct lp_frame_event *event, bool json)
{
    char line[LP_FRAMELOG_LINE_MAX];
    size_t len = lp_framelog_format(event, json, line);

    return lp_output_line(output, line, len);
}
