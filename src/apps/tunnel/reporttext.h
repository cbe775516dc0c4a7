/* The diagnostics for people: a few lines of sentences made from the JSON report. Pure. */
#ifndef LP_APPS_TUNNEL_REPORTTEXT_H
#define LP_APPS_TUNNEL_REPORTTEXT_H

#include <jansson.h>

#define LP_REPORT_LINES    3 /* state and people; adapter; traffic */
#define LP_REPORT_LINE_LEN 1000

struct lp_report_text {
    char line[LP_REPORT_LINES][LP_REPORT_LINE_LEN];
};

/* A report of lp_tunnel_report. Names are escaped; a line that is too long is cut. */
void lp_report_text_format(const json_t *report, struct lp_report_text *ret_text);

#endif
