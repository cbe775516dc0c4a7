/* The service in Windows's list of services: made and removed by the installer, as an administrator. */
#ifndef LP_APPS_SVC_WIN_INSTALL_H
#define LP_APPS_SVC_WIN_INSTALL_H

#include "platform/platform.h"

/* Makes or renews the service and starts it. */
int lp_service_install(char why[LP_WHY_LEN]);
/* Stops it, and waits until it has undone its work; fine when there is none. */
int lp_service_stop(char why[LP_WHY_LEN]);
/* Stops it likewise, and removes it. */
int lp_service_remove(char why[LP_WHY_LEN]);

#endif
