#include "apps/svc-win/install.h"

#include <wchar.h>

#include "base/err.h"
#include "platform/windows/errno.h"
#include "platform/windows/svcpipe.h"
#include "platform/windows/win.h"

#define DISPLAY_NAME L"SoftLAN adapter settings"
#define DESCRIPTION                                                                            \
    L"Sets up the SoftLAN network adapter while a player is connected, and restores "          \
    L"everything "                                                                             \
    L"afterwards."

/* What restarting a device and asking who calls need; nothing else, should the service be taken over. */
#define PRIVILEGES L"SeChangeNotifyPrivilege\0SeImpersonatePrivilege\0SeLoadDriverPrivilege\0"

#define COMMAND_LEN   (MAX_PATH + 16)
#define STATE_TRIES   300
#define STATE_WAIT_MS 100

static int failed(const char *what, char *why)
{
    DWORD number = GetLastError();
    char text[LP_WIN_TEXT_LEN];

    return lp_why(lp_err_from_win32(number), why, "%s: %s", what, lp_win_text(number, text));
}

/* Quoted: the path has spaces, and "C:\Program.exe" shall not be tried. */
static bool own_command(wchar_t command[COMMAND_LEN])
{
    wchar_t path[MAX_PATH];
    DWORD len = GetModuleFileNameW(NULL, path, MAX_PATH);

    if (len == 0 || len == MAX_PATH)
        return false;
    _snwprintf(command, COMMAND_LEN, L"\"%ls\" --run", path);
    command[COMMAND_LEN - 1] = L'\0';
    return true;
}

static SC_HANDLE create(SC_HANDLE manager, const wchar_t *command)
{
    SC_HANDLE service = CreateServiceW(
        manager, LP_SERVICE_NAME, DISPLAY_NAME, SERVICE_ALL_ACCESS, SERVICE_WIN32_OWN_PROCESS,
        SERVICE_AUTO_START, SERVICE_ERROR_NORMAL, command, NULL, NULL, NULL, NULL, NULL);

    if (service != NULL || GetLastError() != ERROR_SERVICE_EXISTS)
        return service;
    service = OpenServiceW(manager, LP_SERVICE_NAME, SERVICE_ALL_ACCESS);
    if (service == NULL)
        return NULL;
    if (ChangeServiceConfigW(service, SERVICE_WIN32_OWN_PROCESS, SERVICE_AUTO_START,
                             SERVICE_ERROR_NORMAL, command, NULL, NULL, NULL, NULL, NULL,
                             DISPLAY_NAME))
        return service;
    CloseServiceHandle(service);
    return NULL;
}

/* What only describes or hardens the service may be missing on some systems. */
static void describe(SC_HANDLE service)
{
    SERVICE_DESCRIPTIONW description = {.lpDescription = (wchar_t *)DESCRIPTION};
    SC_ACTION restart[] = {{SC_ACTION_RESTART, 1000}, {SC_ACTION_RESTART, 5000}};
    SERVICE_FAILURE_ACTIONSW failure = {
        .dwResetPeriod = 3600, .cActions = 2, .lpsaActions = restart};
    SERVICE_REQUIRED_PRIVILEGES_INFOW privileges = {.pmszRequiredPrivileges =
                                                        (wchar_t *)PRIVILEGES};

    ChangeServiceConfig2W(service, SERVICE_CONFIG_DESCRIPTION, &description);
    ChangeServiceConfig2W(service, SERVICE_CONFIG_FAILURE_ACTIONS, &failure);
    ChangeServiceConfig2W(service, SERVICE_CONFIG_REQUIRED_PRIVILEGES_INFO, &privileges);
}

/* Waits until the service is in the state. */
static bool wait_for(SC_HANDLE service, DWORD state)
{
    SERVICE_STATUS status = {.dwCurrentState = 0};

    for (int i = 0; i < STATE_TRIES; i++) {
        if (!QueryServiceStatus(service, &status))
            return false;
        if (status.dwCurrentState == state)
            return true;
        if (state == SERVICE_RUNNING && status.dwCurrentState == SERVICE_STOPPED) {
            SetLastError(ERROR_SERVICE_NOT_ACTIVE);
            return false;
        }
        Sleep(STATE_WAIT_MS);
    }
    SetLastError(ERROR_SERVICE_REQUEST_TIMEOUT);
    return false;
}

static int start(SC_HANDLE service, char *why)
{
    if (!StartServiceW(service, 0, NULL) && GetLastError() != ERROR_SERVICE_ALREADY_RUNNING)
        return failed("the service could not be started", why);
    if (!wait_for(service, SERVICE_RUNNING))
        return failed("the service does not run", why);
    return 0;
}

int lp_service_install(char why[LP_WHY_LEN])
{
    wchar_t command[COMMAND_LEN];
    SC_HANDLE manager, service;
    int err;

    if (!own_command(command))
        return lp_why(LP_ERR_RANGE, why, "the path of this program is too long for a service");
    manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CREATE_SERVICE);
    if (manager == NULL)
        return failed("services cannot be changed: run as an administrator", why);
    service = create(manager, command);
    if (service == NULL) {
        err = failed("the service could not be made", why);
    } else {
        describe(service);
        err = start(service, why);
        CloseServiceHandle(service);
    }
    CloseServiceHandle(manager);
    return err;
}

static int stop(SC_HANDLE service, char *why)
{
    SERVICE_STATUS status;

    if (!ControlService(service, SERVICE_CONTROL_STOP, &status) &&
        GetLastError() != ERROR_SERVICE_NOT_ACTIVE)
        return failed("the service could not be stopped", why);
    if (!wait_for(service, SERVICE_STOPPED))
        return failed("the service does not stop", why);
    return 0;
}

static int stop_and_delete(SC_HANDLE service, char *why)
{
    int err = stop(service, why);

    if (err == 0 && !DeleteService(service) &&
        GetLastError() != ERROR_SERVICE_MARKED_FOR_DELETE)
        return failed("the service could not be removed", why);
    return err;
}

/* Does it when there is such a service. */
static int with_service(DWORD access, int (*what)(SC_HANDLE service, char *why), char *why)
{
    SC_HANDLE manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CONNECT);
    SC_HANDLE service;
    int err;

    if (manager == NULL)
        return failed("services cannot be changed: run as an administrator", why);
    service = OpenServiceW(manager, LP_SERVICE_NAME, access);
    if (service == NULL && GetLastError() == ERROR_SERVICE_DOES_NOT_EXIST) {
        err = 0;
    } else if (service == NULL) {
        err = failed("the service could not be opened: run as an administrator", why);
    } else {
        err = what(service, why);
        CloseServiceHandle(service);
    }
    CloseServiceHandle(manager);
    return err;
}

int lp_service_stop(char why[LP_WHY_LEN])
{
    return with_service(SERVICE_STOP | SERVICE_QUERY_STATUS, stop, why);
}

int lp_service_remove(char why[LP_WHY_LEN])
{
    return with_service(SERVICE_STOP | SERVICE_QUERY_STATUS | DELETE, stop_and_delete, why);
}
