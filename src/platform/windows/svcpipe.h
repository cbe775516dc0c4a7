/*
 * The named pipe between a player's program and softlan-svc: its name, and messages with a time limit.
 * The handles are overlapped, in message mode. For platform/windows and the service.
 */
#ifndef LP_PLATFORM_WINDOWS_SVCPIPE_H
#define LP_PLATFORM_WINDOWS_SVCPIPE_H

#include "platform/windows/win.h"

#define LP_SERVICE_NAME L"SoftLAN"
#define LP_SERVICE_PIPE L"\\\\.\\pipe\\SoftLAN\\control"

/*
 * What a caller opens it for. Not GENERIC_WRITE: on a pipe that holds the right to make instances, which
 * only the service has.
 */
#define LP_SERVICE_PIPE_ACCESS (GENERIC_READ | FILE_WRITE_DATA | FILE_WRITE_ATTRIBUTES)

/*
 * All return a Windows error number: ERROR_TIMEOUT, ERROR_OPERATION_ABORTED when `stop` (may be NULL)
 * was signalled, ERROR_BROKEN_PIPE and the like. `event` is the caller's own, manual reset. Nothing is
 * under way any more when they return. timeout_ms may be INFINITE.
 */

/* Server: waits for a client. */
DWORD lp_svcpipe_accept(HANDLE pipe, HANDLE event, HANDLE stop);
/* One message; ERROR_MORE_DATA when it is longer than `capacity` (its start is there). */
DWORD lp_svcpipe_read(HANDLE pipe, HANDLE event, HANDLE stop, void *bytes, DWORD capacity,
                      DWORD timeout_ms, DWORD *ret_len);
DWORD lp_svcpipe_write(HANDLE pipe, HANDLE event, HANDLE stop, const void *bytes, DWORD len,
                       DWORD timeout_ms);

#endif
