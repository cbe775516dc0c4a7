/*
 * wincfg.h through softlan-svc: one request, one reply, over the service's pipe. The pipe must be the
 * service's own: a program that took its name while the service was down is told nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "platform/settings/svcmsg.h"
#include "platform/settings/values.h"
#include "platform/windows/errno.h"
#include "platform/windows/svcpipe.h"
#include "platform/windows/win.h"
#include "platform/windows/wincfg_internal.h"

/* All instances of the pipe taken: somebody else is being refused. */
#define FREE_WAIT_MS 5000
/* Long enough for an adapter that is restarted twice on a slow machine. */
#define REPLY_WAIT_MS 60000

struct remote {
    struct lp_wincfg cfg;
    HANDLE pipe;
    HANDLE event;
};

static struct remote *remote_of(struct lp_wincfg *cfg)
{
    return (struct remote *)cfg;
}

/* ---- the pipe ---- */

/* The process of the service, 0 when it does not run. Every user may ask that. */
static DWORD service_process(void)
{
    SERVICE_STATUS_PROCESS status = {.dwProcessId = 0};
    SC_HANDLE manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CONNECT);
    SC_HANDLE service = NULL;
    DWORD size = 0;

    if (manager != NULL)
        service = OpenServiceW(manager, LP_SERVICE_NAME, SERVICE_QUERY_STATUS);
    if (service != NULL) {
        if (!QueryServiceStatusEx(service, SC_STATUS_PROCESS_INFO, (BYTE *)&status,
                                  sizeof(status), &size))
            status.dwProcessId = 0;
        CloseServiceHandle(service);
    }
    if (manager != NULL)
        CloseServiceHandle(manager);
    return status.dwProcessId;
}

static int why_no_service(char *why)
{
    return lp_why(LP_ERR_NOTFOUND, why,
                  "the SoftLAN service does not answer: start the service \"SoftLAN\", or "
                  "install SoftLAN again");
}

/* Identification alone: whoever is there cannot act as this user. */
static HANDLE create_file(void)
{
    return CreateFileW(LP_SERVICE_PIPE, LP_SERVICE_PIPE_ACCESS, 0, NULL, OPEN_EXISTING,
                       FILE_FLAG_OVERLAPPED | SECURITY_SQOS_PRESENT | SECURITY_IDENTIFICATION,
                       NULL);
}

static bool is_service(HANDLE pipe)
{
    ULONG server = 0;

    return GetNamedPipeServerProcessId(pipe, &server) && server != 0 &&
           server == service_process();
}

static int open_pipe(HANDLE *ret_pipe, char *why)
{
    char text[LP_WIN_TEXT_LEN];
    DWORD mode = PIPE_READMODE_MESSAGE;
    HANDLE pipe = create_file();
    DWORD number;

    if (pipe == INVALID_HANDLE_VALUE && GetLastError() == ERROR_PIPE_BUSY &&
        WaitNamedPipeW(LP_SERVICE_PIPE, FREE_WAIT_MS))
        pipe = create_file();
    if (pipe == INVALID_HANDLE_VALUE) {
        number = GetLastError();
        if (number == ERROR_FILE_NOT_FOUND)
            return why_no_service(why);
        return lp_why(lp_err_from_win32(number), why,
                      "the SoftLAN service cannot be asked, restart it: %s",
                      lp_win_text(number, text));
    }
    if (!is_service(pipe)) {
        CloseHandle(pipe);
        return lp_why(
            LP_ERR_PERMISSION, why,
            "another program answers in the place of the SoftLAN service: restart the "
            "computer, or install SoftLAN again");
    }
    if (!SetNamedPipeHandleState(pipe, &mode, NULL, NULL)) {
        CloseHandle(pipe);
        return why_no_service(why);
    }
    *ret_pipe = pipe;
    return 0;
}

/* ---- requests ---- */

static int lost(DWORD number, char *why)
{
    if (number == ERROR_TIMEOUT)
        return lp_why(LP_ERR_TIMEOUT, why,
                      "the SoftLAN service does not answer: restart it, or the computer");
    return lp_why(LP_ERR_CLOSED, why,
                  "the SoftLAN service has closed the connection: connect again");
}

static int exchange(struct remote *remote, uint8_t bytes[LP_SVCMSG_MAX], DWORD len,
                    DWORD *ret_len, char *why)
{
    DWORD number =
        lp_svcpipe_write(remote->pipe, remote->event, NULL, bytes, len, REPLY_WAIT_MS);

    if (number == NO_ERROR)
        number = lp_svcpipe_read(remote->pipe, remote->event, NULL, bytes, LP_SVCMSG_MAX,
                                 REPLY_WAIT_MS, ret_len);
    return number == NO_ERROR ? 0 : lost(number, why);
}

/* The reply on success; an error that the service told is returned with its sentence. */
static int ask(struct remote *remote, const struct lp_svcmsg *request,
               struct lp_svcmsg *ret_reply, char *why)
{
    uint8_t bytes[LP_SVCMSG_MAX];
    struct lp_svcmsg reply;
    DWORD got = 0;
    int len = lp_svcmsg_encode(request, bytes, sizeof(bytes));
    int err;

    if (len < 0)
        return lp_why(LP_ERR_INVALID, why,
                      "\"%s\" cannot be asked of the SoftLAN service with these values: "
                      "connect again with others",
                      lp_svcmsg_name(request->type));
    err = exchange(remote, bytes, (DWORD)len, &got, why);
    if (err < 0)
        return err;
    if (lp_svcmsg_decode(bytes, got, &reply) != 0 || !lp_svc_answers(request->type, reply.type))
        return lp_why(LP_ERR_MALFORMED, why,
                      "the SoftLAN service is of another release than the program: install "
                      "SoftLAN again");
    if (reply.type == LP_SVCMSG_ERROR)
        return lp_why(reply.error.code, why, "%s", reply.error.sentence);
    *ret_reply = reply;
    return 0;
}

static int prepare(struct lp_wincfg *cfg, const char *guid, const struct lp_mac *mac, char *why)
{
    struct lp_svcmsg message = {.type = LP_SVCMSG_PREPARE, .prepare.mac = *mac};

    if (strnlen(guid, LP_ADAPTER_GUID_LEN) == LP_ADAPTER_GUID_LEN)
        return lp_why(LP_ERR_INVALID, why,
                      "this is no adapter's instance id: choose the adapter again");
    memcpy(message.prepare.adapter, guid, strlen(guid) + 1);
    return ask(remote_of(cfg), &message, &message, why);
}

static int pin(struct lp_wincfg *cfg, const struct lp_addr *relay, char *why)
{
    struct lp_svcmsg message = {.type = LP_SVCMSG_PIN, .relay = *relay};
    char text[LP_ADDR_TEXT_LEN];

    if (!lp_addr_is_remote_host(relay) && !lp_addr_is_loopback(relay))
        return lp_why(LP_ERR_INVALID, why,
                      "the relay's address %s is not that of a machine: the SoftLAN service "
                      "takes no such relay",
                      lp_addr_format_ip(relay, text));
    return ask(remote_of(cfg), &message, &message, why);
}

static int configure(struct lp_wincfg *cfg, const struct lp_wincfg_settings *settings,
                     char *why)
{
    struct lp_svcmsg message = {.type = LP_SVCMSG_CONFIGURE, .settings = *settings};

    return ask(remote_of(cfg), &message, &message, why);
}

static int check(struct lp_wincfg *cfg, struct lp_wincfg_status *ret_status, char *why)
{
    struct lp_svcmsg message = {.type = LP_SVCMSG_CHECK};
    int err = ask(remote_of(cfg), &message, &message, why);

    if (err == 0)
        *ret_status = message.status;
    return err;
}

static void free_remote(struct remote *remote)
{
    CloseHandle(remote->pipe);
    if (remote->event != NULL)
        CloseHandle(remote->event);
    free(remote);
}

/* Closing the pipe alone undoes everything too; asking waits until it is done and tells of failures. */
static void close_remote(struct lp_wincfg *cfg, char *why)
{
    struct lp_svcmsg message = {.type = LP_SVCMSG_END};
    int err = ask(remote_of(cfg), &message, &message, why);

    if (err == 0 || err == LP_ERR_CLOSED) /* it undoes everything when it ends, too */
        why[0] = '\0';
    free_remote(remote_of(cfg));
}

static const struct lp_wincfg_ops ops = {.prepare = prepare,
                                         .pin = pin,
                                         .configure = configure,
                                         .check = check,
                                         .close = close_remote};

int lp_wincfg_open_service(struct lp_wincfg **ret_cfg, char why[LP_WHY_LEN])
{
    struct lp_svcmsg hello = {.type = LP_SVCMSG_HELLO, .version = LP_SVCMSG_VERSION};
    struct remote *remote = calloc(1, sizeof(*remote));
    int err;

    if (remote == NULL)
        return lp_why(LP_ERR_NOMEM, why,
                      "out of memory for the settings: close other programs");
    remote->cfg.ops = &ops;
    err = open_pipe(&remote->pipe, why);
    if (err < 0) {
        free(remote);
        return err;
    }
    remote->event = CreateEventW(NULL, TRUE, FALSE, NULL);
    err =
        remote->event != NULL
            ? ask(remote, &hello, &hello, why)
            : lp_why(LP_ERR_NOMEM, why, "out of memory for the settings: close other programs");
    if (err < 0) {
        free_remote(remote);
        return err;
    }
    *ret_cfg = &remote->cfg;
    return 0;
}
