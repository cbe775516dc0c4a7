/* The windows of softlan.exe, for the installer: files of a program that runs cannot be replaced. */
#ifndef LP_APPS_SVC_WIN_WINDOWS_H
#define LP_APPS_SVC_WIN_WINDOWS_H

#include "platform/platform.h"

/*
 * Asks each window of this desktop to put back what it changed and to end, as Windows does for an
 * installer (ENDSESSION_CLOSEAPP), and waits for its process. LP_ERR_BUSY: one does not end.
 */
int lp_windows_close(char why[LP_WHY_LEN]);

#endif
