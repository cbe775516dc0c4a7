#include "apps/svc-win/service.h"

#include "apps/svc-win/log.h"
#include "apps/svc-win/server.h"
#include "base/err.h"
#include "platform/windows/errno.h"
#include "platform/windows/svcpipe.h"
#include "platform/windows/win.h"
#include "platform/windows/wincfg.h"

/* How long the manager waits for a start or a stop before it says that the service hangs. */
#define PENDING_MS 30000

struct service {
    SERVICE_STATUS_HANDLE handle;
    HANDLE stop;
};

static void tell(const struct service *service, DWORD state, DWORD exit_code)
{
    bool pending = state == SERVICE_START_PENDING || state == SERVICE_STOP_PENDING;
    SERVICE_STATUS status = {
        .dwServiceType = SERVICE_WIN32_OWN_PROCESS,
        .dwCurrentState = state,
        .dwControlsAccepted =
            state == SERVICE_RUNNING ? SERVICE_ACCEPT_STOP | SERVICE_ACCEPT_SHUTDOWN : 0,
        .dwWin32ExitCode = exit_code,
        .dwCheckPoint = pending ? 1 : 0,
        .dwWaitHint = pending ? PENDING_MS : 0,
    };

    SetServiceStatus(service->handle, &status);
}

static DWORD WINAPI control(DWORD code, DWORD type, void *data, void *user)
{
    struct service *service = user;

    (void)type;
    (void)data;
    switch (code) {
    case SERVICE_CONTROL_STOP:
    case SERVICE_CONTROL_SHUTDOWN:
        tell(service, SERVICE_STOP_PENDING, NO_ERROR);
        SetEvent(service->stop);
        return NO_ERROR;
    case SERVICE_CONTROL_INTERROGATE:
        return NO_ERROR;
    default:
        return ERROR_CALL_NOT_IMPLEMENTED;
    }
}

/* What a crash or a power cut has left. A client that runs elevated right now holds its own. */
static void recover(struct lp_svc_log *log)
{
    char why[LP_WHY_LEN] = "";
    int undone = lp_wincfg_recover(NULL, why);

    if (undone > 0)
        lp_svc_log(log, "restored %d settings that an earlier run had left", undone);
    if (why[0] != '\0')
        lp_svc_log(log, "%s", why);
}

static void WINAPI service_main(DWORD argc, wchar_t **argv)
{
    struct service service = {.stop = CreateEventW(NULL, TRUE, FALSE, NULL)};
    char why[LP_WHY_LEN] = "out of memory for an event";
    int err = LP_ERR_NOMEM;
    struct lp_svc_log *log;

    (void)argc;
    (void)argv;
    service.handle = RegisterServiceCtrlHandlerExW(LP_SERVICE_NAME, control, &service);
    if (service.handle == NULL)
        return;
    tell(&service, SERVICE_START_PENDING, NO_ERROR);
    log = lp_svc_log_open();
    lp_svc_log(log, "started, version %s", LP_VERSION);
    if (service.stop != NULL) {
        recover(log);
        tell(&service, SERVICE_RUNNING, NO_ERROR);
        err = lp_server_run(service.stop, log, why);
    }
    if (err < 0)
        lp_svc_log(log, "ended by an error: %s", why);
    else
        lp_svc_log(log, "stopped");
    lp_svc_log_close(log);
    /* the event stays: the handler may be called until the process ends, right after this */
    tell(&service, SERVICE_STOPPED, err < 0 ? ERROR_SERVICE_SPECIFIC_ERROR : NO_ERROR);
}

int lp_service_run(char why[LP_WHY_LEN])
{
    const SERVICE_TABLE_ENTRYW table[] = {
        {.lpServiceName = (wchar_t *)LP_SERVICE_NAME, .lpServiceProc = service_main},
        {.lpServiceName = NULL, .lpServiceProc = NULL},
    };
    char text[LP_WIN_TEXT_LEN];
    DWORD number;

    if (StartServiceCtrlDispatcherW(table))
        return 0;
    number = GetLastError();
    if (number == ERROR_FAILED_SERVICE_CONTROLLER_CONNECT)
        return lp_why(LP_ERR_UNSUPPORTED, why,
                      "--run is for Windows's service manager: use --install");
    return lp_why(lp_err_from_win32(number), why, "the service cannot run: %s",
                  lp_win_text(number, text));
}
