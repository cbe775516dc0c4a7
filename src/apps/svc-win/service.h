/* The life of the service as Windows's service manager sees it. */
#ifndef LP_APPS_SVC_WIN_SERVICE_H
#define LP_APPS_SVC_WIN_SERVICE_H

#include "platform/platform.h"

/* Hands the process to the service manager, which has started it. LP_ERR_UNSUPPORTED: nobody did. */
int lp_service_run(char why[LP_WHY_LEN]);

#endif
