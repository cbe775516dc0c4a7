#include "platform/windows/svcpipe.h"

/* Waits for what has been started; cancels it when time is up or it is to stop. */
static DWORD finish(HANDLE pipe, OVERLAPPED *overlapped, HANDLE stop, DWORD timeout_ms,
                    DWORD *ret_len)
{
    HANDLE events[2] = {overlapped->hEvent, stop};
    DWORD waited = WaitForMultipleObjects(stop != NULL ? 2 : 1, events, FALSE, timeout_ms);
    DWORD reason = waited == WAIT_TIMEOUT ? ERROR_TIMEOUT : ERROR_OPERATION_ABORTED;

    if (waited != WAIT_OBJECT_0)
        CancelIoEx(pipe, overlapped);
    /* the buffers are the system's until it says so, cancelled or not */
    if (GetOverlappedResult(pipe, overlapped, ret_len, TRUE))
        return NO_ERROR;
    return GetLastError() == ERROR_OPERATION_ABORTED ? reason : GetLastError();
}

DWORD lp_svcpipe_accept(HANDLE pipe, HANDLE event, HANDLE stop)
{
    OVERLAPPED overlapped = {.hEvent = event};
    DWORD len = 0;

    ResetEvent(event);
    if (ConnectNamedPipe(pipe, &overlapped))
        return NO_ERROR;
    switch (GetLastError()) {
    case ERROR_PIPE_CONNECTED: /* it was faster */
        return NO_ERROR;
    case ERROR_IO_PENDING:
        return finish(pipe, &overlapped, stop, INFINITE, &len);
    default:
        return GetLastError();
    }
}

DWORD lp_svcpipe_read(HANDLE pipe, HANDLE event, HANDLE stop, void *bytes, DWORD capacity,
                      DWORD timeout_ms, DWORD *ret_len)
{
    OVERLAPPED overlapped = {.hEvent = event};

    *ret_len = 0;
    ResetEvent(event);
    if (!ReadFile(pipe, bytes, capacity, NULL, &overlapped) &&
        GetLastError() != ERROR_IO_PENDING && GetLastError() != ERROR_MORE_DATA)
        return GetLastError();
    return finish(pipe, &overlapped, stop, timeout_ms, ret_len);
}

DWORD lp_svcpipe_write(HANDLE pipe, HANDLE event, HANDLE stop, const void *bytes, DWORD len,
                       DWORD timeout_ms)
{
    OVERLAPPED overlapped = {.hEvent = event};
    DWORD written = 0;
    DWORD number;

    ResetEvent(event);
    if (!WriteFile(pipe, bytes, len, NULL, &overlapped) && GetLastError() != ERROR_IO_PENDING)
        return GetLastError();
    number = finish(pipe, &overlapped, stop, timeout_ms, &written);
    return number == NO_ERROR && written != len ? ERROR_BROKEN_PIPE : number;
}
