/*
 * lanparty-client-win.exe --selftest: does all checks and writes their lines to standard output. Returns the
 * program's exit status. Changes nothing that is not put back.
 */
#ifndef LP_APPS_CLIENT_WIN_SELFTEST_MAIN_H
#define LP_APPS_CLIENT_WIN_SELFTEST_MAIN_H

#include "apps/client-win/options.h"
#include "apps/common/exit.h"

enum lp_exit lp_selftest_main(const struct lp_client_win_options *options);

#endif
