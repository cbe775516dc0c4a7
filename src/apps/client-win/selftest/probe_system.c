/* Windows itself, this program's rights, and the service. */
#include "apps/client-win/selftest/bench.h"

#include "base/err.h"
#include "platform/windows/errno.h"
#include "platform/windows/svcpipe.h"
#include "platform/windows/wincfg.h"

#define BUILD_WANTED 19041u
#define BUILD_LEAST  17134u /* 1803: timers of less than a millisecond */

typedef LONG WINAPI rtl_get_version_fn(OSVERSIONINFOW *ret_version);

/* Not GetVersionEx, which tells a program without a manifest of an older Windows. */
static bool read_version(OSVERSIONINFOW *ret_version)
{
    HMODULE ntdll = GetModuleHandleW(L"ntdll.dll");
    rtl_get_version_fn *get =
        ntdll != NULL
            ? (rtl_get_version_fn *)(void (*)(void))GetProcAddress(ntdll, "RtlGetVersion")
            : NULL;

    ret_version->dwOSVersionInfoSize = sizeof(*ret_version);
    return get != NULL && get(ret_version) == 0;
}

void lp_probe_windows(void *user, struct lp_selftest_result *ret_result)
{
    OSVERSIONINFOW version = {0};
    unsigned build;

    (void)user;
    if (!read_version(&version)) {
        lp_selftest_say(ret_result, LP_SELFTEST_WARNING,
                        "Windows does not tell its version: update Windows");
        return;
    }
    build = version.dwBuildNumber;
    if (version.dwMajorVersion < 10 || build < BUILD_LEAST)
        lp_selftest_say(ret_result, LP_SELFTEST_FAILED,
                        "Windows %lu.%lu build %u is too old: update to Windows 10 build %u or "
                        "later",
                        version.dwMajorVersion, version.dwMinorVersion, build, BUILD_WANTED);
    else if (build < BUILD_WANTED)
        lp_selftest_say(ret_result, LP_SELFTEST_WARNING,
                        "build %u has neither per-adapter DNS settings nor fast UDP: update to "
                        "build %u or later",
                        build, BUILD_WANTED);
    else
        lp_selftest_say(ret_result, LP_SELFTEST_OK, "Windows %s build %u",
                        build >= 22000 ? "11" : "10", build);
}

void lp_probe_elevation(void *user, struct lp_selftest_result *ret_result)
{
    TOKEN_ELEVATION elevation = {0};
    HANDLE token;
    DWORD len;

    (void)user;
    if (OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token)) {
        GetTokenInformation(token, TokenElevation, &elevation, sizeof(elevation), &len);
        CloseHandle(token);
    }
    if (elevation.TokenIsElevated != 0) {
        lp_selftest_say(ret_result, LP_SELFTEST_OK,
                        "the program runs with administrator rights");
        return;
    }
    ret_result->withheld = LP_SELFTEST_ADMIN;
    lp_selftest_say(ret_result, LP_SELFTEST_WARNING,
                    "no administrator rights: what changes the adapter is not tested; start it "
                    "again by \"Run as administrator\"");
}

/* ---- the service ---- */

/* A Windows error number; 0 with the state of the service. */
static DWORD query_service(DWORD *ret_state)
{
    SC_HANDLE manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CONNECT);
    SC_HANDLE service =
        manager != NULL ? OpenServiceW(manager, LP_SERVICE_NAME, SERVICE_QUERY_STATUS) : NULL;
    SERVICE_STATUS_PROCESS status;
    DWORD err = NO_ERROR, len;

    if (service == NULL || !QueryServiceStatusEx(service, SC_STATUS_PROCESS_INFO,
                                                 (BYTE *)&status, sizeof(status), &len))
        err = GetLastError();
    else
        *ret_state = status.dwCurrentState;
    if (service != NULL)
        CloseServiceHandle(service);
    if (manager != NULL)
        CloseServiceHandle(manager);
    return err;
}

static void ask_service(struct lp_selftest_result *ret_result)
{
    struct lp_wincfg *cfg = NULL;
    char why[LP_WHY_LEN] = "";
    int err = lp_wincfg_open_service(&cfg, why);

    if (err == LP_ERR_BUSY) {
        lp_selftest_say(ret_result, LP_SELFTEST_WARNING,
                        "the service runs and is at work for another program: disconnect there "
                        "to test everything");
        return;
    }
    if (err < 0) {
        lp_selftest_say(
            ret_result, LP_SELFTEST_FAILED,
            "the service runs and does not answer (%s): restart the service SoftLAN, "
            "or install SoftLAN again",
            why);
        return;
    }
    lp_wincfg_close(cfg, why);
    lp_selftest_say(ret_result, LP_SELFTEST_OK,
                    "the service is installed, runs and answers on its pipe");
}

void lp_probe_service(void *user, struct lp_selftest_result *ret_result)
{
    char text[LP_WIN_TEXT_LEN];
    DWORD state = 0;
    DWORD err = query_service(&state);

    (void)user;
    if (err == ERROR_SERVICE_DOES_NOT_EXIST)
        lp_selftest_say(ret_result, LP_SELFTEST_FAILED,
                        "the service SoftLAN is not installed, and the window cannot connect "
                        "without it: install SoftLAN again");
    else if (err != NO_ERROR)
        lp_selftest_say(ret_result, LP_SELFTEST_FAILED,
                        "the service SoftLAN cannot be asked for (%s): install SoftLAN again",
                        lp_win_text(err, text));
    else if (state != SERVICE_RUNNING)
        lp_selftest_say(ret_result, LP_SELFTEST_FAILED,
                        "the service SoftLAN is installed and does not run: start it in "
                        "\"Services\", or restart Windows");
    else
        ask_service(ret_result);
}
