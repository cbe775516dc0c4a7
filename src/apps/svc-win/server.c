#include "apps/svc-win/server.h"

#include <process.h>
#include <stdlib.h>

#include "apps/svc-win/session.h"
#include "base/err.h"
#include "platform/settings/svcmsg.h"
#include "platform/windows/errno.h"
#include "platform/windows/svcpipe.h"

#include <sddl.h>

/* One has the session, the others are being told that it is taken. */
#define CALLERS_MAX 4

/* A pipe that cannot be made or connected (out of memory, say) is tried again, but not in a spin. */
#define RETRY_MS 1000

/*
 * SYSTEM and Administrators fully, who works at this computer reads and writes, and nobody makes another
 * instance. Nothing below medium integrity writes: no sandbox.
 */
#define PIPE_SDDL L"D:P(A;;GA;;;SY)(A;;GA;;;BA)(A;;0x12019b;;;IU)S:(ML;;NW;;;ME)"

struct caller {
    struct server *server;
    HANDLE pipe;
    HANDLE thread; /* NULL: the place is free */
};

struct server {
    HANDLE stop;
    struct lp_svc_log *log;
    SECURITY_ATTRIBUTES security;
    struct lp_seat seat;
    struct caller caller[CALLERS_MAX];
};

static HANDLE create_pipe(struct server *server, bool first)
{
    return CreateNamedPipeW(
        LP_SERVICE_PIPE,
        PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED | (first ? FILE_FLAG_FIRST_PIPE_INSTANCE : 0),
        PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE | PIPE_REJECT_REMOTE_CLIENTS, CALLERS_MAX + 1,
        LP_SVCMSG_MAX, LP_SVCMSG_MAX, 0, &server->security);
}

static unsigned __stdcall serve(void *arg)
{
    struct caller *caller = arg;

    lp_session_run(caller->pipe, caller->server->stop, &caller->server->seat,
                   caller->server->log);
    /* whoever is still there must not read what another caller is told */
    DisconnectNamedPipe(caller->pipe);
    CloseHandle(caller->pipe);
    return 0;
}

static void reap(struct server *server, DWORD timeout_ms)
{
    for (unsigned i = 0; i < CALLERS_MAX; i++) {
        struct caller *caller = &server->caller[i];

        if (caller->thread == NULL ||
            WaitForSingleObject(caller->thread, timeout_ms) != WAIT_OBJECT_0)
            continue;
        CloseHandle(caller->thread);
        caller->thread = NULL;
    }
}

/* Consumes the pipe. Without a free place the caller is cut off, and may try again. */
static void start_thread(struct server *server, HANDLE pipe)
{
    struct caller *caller = NULL;

    reap(server, 0);
    for (unsigned i = 0; i < CALLERS_MAX && caller == NULL; i++) {
        if (server->caller[i].thread == NULL)
            caller = &server->caller[i];
    }
    if (caller != NULL) {
        *caller = (struct caller){.server = server, .pipe = pipe};
        caller->thread = (HANDLE)_beginthreadex(NULL, 0, serve, caller, 0, NULL);
        if (caller->thread != NULL)
            return;
    }
    DisconnectNamedPipe(pipe);
    CloseHandle(pipe);
}

/*
 * An instance listens before the one before is handed on: so the name is never free for another program
 * to take.
 */
static void accept_callers(struct server *server, HANDLE pipe, HANDLE event)
{
    while (WaitForSingleObject(server->stop, 0) != WAIT_OBJECT_0) {
        DWORD number = lp_svcpipe_accept(pipe, event, server->stop);
        HANDLE next;

        if (number != NO_ERROR) { /* it came and went; or it is time to stop */
            DisconnectNamedPipe(pipe);
            if (number != ERROR_NO_DATA)
                WaitForSingleObject(server->stop, RETRY_MS);
            continue;
        }
        next = create_pipe(server, false);
        if (next == INVALID_HANDLE_VALUE) {
            DisconnectNamedPipe(pipe);
            WaitForSingleObject(server->stop, RETRY_MS);
            continue;
        }
        start_thread(server, pipe);
        pipe = next;
    }
    CloseHandle(pipe);
}

static int no_pipe(char *why)
{
    DWORD number = GetLastError();
    char text[LP_WIN_TEXT_LEN];

    if (number == ERROR_ACCESS_DENIED)
        return lp_why(LP_ERR_BUSY, why,
                      "the pipe's name is taken by another program: restart the computer");
    return lp_why(lp_err_from_win32(number), why, "the pipe cannot be made: %s",
                  lp_win_text(number, text));
}

static int listen_and_serve(struct server *server, char *why)
{
    HANDLE event = CreateEventW(NULL, TRUE, FALSE, NULL);
    HANDLE pipe;

    if (event == NULL)
        return lp_why(LP_ERR_NOMEM, why, "out of memory for an event");
    pipe = create_pipe(server, true);
    if (pipe == INVALID_HANDLE_VALUE) {
        CloseHandle(event);
        return no_pipe(why);
    }
    accept_callers(server, pipe, event);
    reap(server, INFINITE);
    CloseHandle(event);
    return 0;
}

int lp_server_run(HANDLE stop, struct lp_svc_log *log, char why[LP_WHY_LEN])
{
    struct server server = {.stop = stop, .log = log};
    char text[LP_WIN_TEXT_LEN];
    int err;

    server.security.nLength = sizeof(server.security);
    if (!ConvertStringSecurityDescriptorToSecurityDescriptorW(
            PIPE_SDDL, SDDL_REVISION_1, &server.security.lpSecurityDescriptor, NULL))
        return lp_why(LP_ERR_IO, why, "the pipe's access list cannot be made: %s",
                      lp_win_text(GetLastError(), text));
    lp_seat_init(&server.seat);
    err = listen_and_serve(&server, why);
    lp_seat_deinit(&server.seat);
    LocalFree(server.security.lpSecurityDescriptor);
    return err;
}
