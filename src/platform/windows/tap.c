#include "platform/windows/tap.h"

#include "platform/windows/win.h"

#include <assert.h>
#include <process.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <winioctl.h>

#include "base/err.h"
#include "platform/ring.h"
#include "platform/windows/errno.h"

#define TAP_IOCTL(number)                                                                      \
    CTL_CODE(FILE_DEVICE_UNKNOWN, number, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define TAP_GET_MAC     TAP_IOCTL(1)
#define TAP_GET_VERSION TAP_IOCTL(2)
#define TAP_SET_MEDIA   TAP_IOCTL(6)

/* What a packet of the completion port is about. */
enum key { KEY_DEVICE, KEY_MEDIA, KEY_STOP };

/* How long closing waits for the driver to give the buffers back. */
#define DRAIN_MS 3000

/*
 * A handle in OVERLAPPED with its lowest bit set: the completion sets the event and does not go
 * to the port, so that a write or an ioctl wakes no thread.
 */
#define QUIET_EVENT(event) ((HANDLE)((ULONG_PTR)(event) | 1))

struct operation {
    OVERLAPPED overlapped; /* first: the port gives its address back */
    bool in_flight;
    unsigned media; /* reads: the media's state when it was begun */
    uint8_t frame[LP_TAP_FRAME_MAX];
};

struct lp_tap {
    HANDLE device;
    HANDLE port;
    HANDLE thread;
    HANDLE ioctl_event;
    atomic_uint holders;
    struct lp_mac mac;
    struct lp_tap_version version;

    /* Odd: connected. It counts the changes, see on_aborted. */
    atomic_uint media;
    atomic_bool gone;

    /* ---- the device's thread ---- */
    struct operation read[LP_TAP_READS];
    unsigned reads_in_flight;
    bool stopping;
    SRWLOCK wake_lock; /* `wake` runs under it; NULL when nobody listens any more */
    void (*wake)(void *user);
    void *user;

    /* ---- between the two ---- */
    struct lp_ring ring;
    atomic_uint_least64_t overruns;
    atomic_uint_least64_t failed;

    /* ---- the loop's thread ---- */
    struct operation write[LP_TAP_WRITES];
    unsigned next_write;
    bool lent; /* the oldest frame of the ring is the caller's until the next read */
};

/* ---- driver calls that wait ---- */

static DWORD call_driver(struct lp_tap *tap, DWORD code, void *buffer, DWORD len)
{
    OVERLAPPED overlapped = {.hEvent = QUIET_EVENT(tap->ioctl_event)};
    DWORD got;

    if (DeviceIoControl(tap->device, code, buffer, len, buffer, len, &got, &overlapped))
        return NO_ERROR;
    if (GetLastError() != ERROR_IO_PENDING)
        return GetLastError();
    return GetOverlappedResult(tap->device, &overlapped, &got, TRUE) ? NO_ERROR
                                                                     : GetLastError();
}

static DWORD call_set_media(struct lp_tap *tap, bool connected)
{
    ULONG value = connected;

    return call_driver(tap, TAP_SET_MEDIA, &value, sizeof(value));
}

static DWORD ask_driver(struct lp_tap *tap)
{
    ULONG version[3] = {0};
    DWORD number = call_driver(tap, TAP_GET_MAC, tap->mac.octet, sizeof(tap->mac.octet));

    if (number == NO_ERROR)
        number = call_driver(tap, TAP_GET_VERSION, version, sizeof(version));
    if (number == NO_ERROR)
        number = call_set_media(tap, false);
    tap->version = (struct lp_tap_version){.major = version[0], .minor = version[1]};
    return number;
}

/* ---- memory ---- */

static void free_tap(struct lp_tap *tap)
{
    for (unsigned i = 0; i < LP_TAP_WRITES; i++)
        if (tap->write[i].overlapped.hEvent != NULL)
            CloseHandle((HANDLE)((ULONG_PTR)tap->write[i].overlapped.hEvent & ~(ULONG_PTR)1));
    if (tap->ioctl_event != NULL)
        CloseHandle(tap->ioctl_event);
    if (tap->device != INVALID_HANDLE_VALUE)
        CloseHandle(tap->device);
    if (tap->port != NULL)
        CloseHandle(tap->port);
    lp_ring_deinit(&tap->ring);
    free(tap);
}

static void let_go(struct lp_tap *tap)
{
    if (atomic_fetch_sub(&tap->holders, 1) == 1)
        free_tap(tap);
}

static struct lp_tap *new_tap(void)
{
    struct lp_tap *tap = calloc(1, sizeof(*tap));

    if (tap == NULL)
        return NULL;
    tap->device = INVALID_HANDLE_VALUE;
    InitializeSRWLock(&tap->wake_lock);
    tap->ioctl_event = CreateEventW(NULL, TRUE, FALSE, NULL);
    tap->port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 1);
    if (tap->ioctl_event == NULL || tap->port == NULL ||
        lp_ring_init(&tap->ring, LP_TAP_RING, LP_TAP_FRAME_MAX) < 0) {
        free_tap(tap);
        return NULL;
    }
    for (unsigned i = 0; i < LP_TAP_WRITES; i++) {
        HANDLE event = CreateEventW(NULL, TRUE, FALSE, NULL);

        if (event == NULL) {
            free_tap(tap);
            return NULL;
        }
        tap->write[i].overlapped.hEvent = QUIET_EVENT(event);
    }
    return tap;
}

/* ---- the device's thread ---- */

static void wake(struct lp_tap *tap)
{
    AcquireSRWLockExclusive(&tap->wake_lock);
    if (tap->wake != NULL)
        tap->wake(tap->user);
    ReleaseSRWLockExclusive(&tap->wake_lock);
}

static void on_gone(struct lp_tap *tap)
{
    atomic_store(&tap->gone, true);
    wake(tap);
}

static void on_read_failed(struct lp_tap *tap, struct operation *read, DWORD number);

static void begin_read(struct lp_tap *tap, struct operation *read)
{
    unsigned media = atomic_load(&tap->media);

    if (media % 2 == 0 || tap->stopping || atomic_load(&tap->gone))
        return;
    memset(&read->overlapped, 0, sizeof(read->overlapped));
    read->media = media;
    read->in_flight = true;
    tap->reads_in_flight++;
    if (ReadFile(tap->device, read->frame, sizeof(read->frame), NULL, &read->overlapped) ||
        GetLastError() == ERROR_IO_PENDING)
        return; /* in both cases the port tells when it is done */
    read->in_flight = false;
    tap->reads_in_flight--;
    on_read_failed(tap, read, GetLastError());
}

static void begin_reads(struct lp_tap *tap)
{
    for (unsigned i = 0; i < LP_TAP_READS; i++)
        if (!tap->read[i].in_flight)
            begin_read(tap, &tap->read[i]);
}

/*
 * The driver aborts reads while the media is disconnected, as it does when the adapter is
 * disabled or restarted. A read that was begun before the last change of the media says nothing:
 * it is begun again if there is media. One that fails with the media connected all the time
 * means that the device is going away.
 */
static void on_read_failed(struct lp_tap *tap, struct operation *read, DWORD number)
{
    if (tap->stopping)
        return;
    if (number == ERROR_MORE_DATA || number == ERROR_INSUFFICIENT_BUFFER) {
        atomic_fetch_add(&tap->failed, 1);
        begin_read(tap, read);
    } else if (number == ERROR_OPERATION_ABORTED && read->media != atomic_load(&tap->media)) {
        begin_read(tap, read);
    } else {
        on_gone(tap);
    }
}

static void on_read(struct lp_tap *tap, struct operation *read)
{
    DWORD len;

    read->in_flight = false;
    tap->reads_in_flight--;
    if (!GetOverlappedResult(tap->device, &read->overlapped, &len, FALSE)) {
        on_read_failed(tap, read, GetLastError());
        return;
    }
    if (!lp_ring_push(&tap->ring, read->frame, len))
        atomic_fetch_add(&tap->overruns, 1);
    begin_read(tap, read);
}

static void on_stop(struct lp_tap *tap)
{
    tap->stopping = true;
    CancelIoEx(tap->device, NULL);
}

static void on_packet(struct lp_tap *tap, const OVERLAPPED_ENTRY *entry)
{
    switch ((enum key)entry->lpCompletionKey) {
    case KEY_DEVICE:
        on_read(tap, (struct operation *)(void *)entry->lpOverlapped);
        break;
    case KEY_MEDIA:
        begin_reads(tap);
        break;
    case KEY_STOP:
        on_stop(tap);
        break;
    }
}

/* The link writes no more when it has asked to stop. */
static void wait_for_writes(struct lp_tap *tap)
{
    for (unsigned i = 0; i < LP_TAP_WRITES; i++) {
        DWORD len;

        if (tap->write[i].in_flight)
            GetOverlappedResult(tap->device, &tap->write[i].overlapped, &len, TRUE);
    }
}

static unsigned __stdcall serve_device(void *arg)
{
    struct lp_tap *tap = arg;
    OVERLAPPED_ENTRY entries[LP_TAP_READS];
    ULONG count;

    while (!tap->stopping || tap->reads_in_flight > 0) {
        if (!GetQueuedCompletionStatusEx(tap->port, entries, LP_TAP_READS, &count, INFINITE,
                                         FALSE))
            continue;
        for (ULONG i = 0; i < count; i++)
            on_packet(tap, &entries[i]);
        if (!lp_ring_is_empty(&tap->ring))
            wake(tap);
    }
    wait_for_writes(tap);
    CloseHandle(tap->device);
    tap->device = INVALID_HANDLE_VALUE;
    let_go(tap);
    return 0;
}

/* ---- opening and closing ---- */

static int why_not_opened(const struct lp_tap_adapter *adapter, DWORD number, char *why)
{
    char text[LP_WIN_TEXT_LEN];

    switch (number) {
    case ERROR_GEN_FAILURE: /* the driver's answer to a second open */
    case ERROR_SHARING_VIOLATION:
    case ERROR_BUSY:
        return lp_why(LP_ERR_BUSY, why,
                      "adapter '%s' is in use by another program (another SoftLAN, or a VPN): "
                      "stop that one or choose another adapter",
                      adapter->name);
    case ERROR_FILE_NOT_FOUND:
    case ERROR_PATH_NOT_FOUND:
        return lp_why(LP_ERR_NOTFOUND, why,
                      "adapter '%s' does not answer: enable it in the network connections, or "
                      "install the TAP-Windows6 driver again",
                      adapter->name);
    case ERROR_ACCESS_DENIED:
        return lp_why(LP_ERR_PERMISSION, why,
                      "no permission to open adapter '%s': its driver is set up for "
                      "administrators only (AllowNonAdmin); run as administrator",
                      adapter->name);
    default:
        return lp_why(lp_err_from_win32(number), why,
                      "adapter '%s' cannot be opened, disable and enable it in the "
                      "network connections: %s",
                      adapter->name, lp_win_text(number, text));
    }
}

static int open_device(struct lp_tap *tap, const struct lp_tap_adapter *adapter, char *why)
{
    char path[64], text[LP_WIN_TEXT_LEN];
    DWORD number;

    snprintf(path, sizeof(path), "\\\\.\\Global\\%s.tap", adapter->instance);
    tap->device = CreateFileA(path, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING,
                              FILE_ATTRIBUTE_SYSTEM | FILE_FLAG_OVERLAPPED, NULL);
    if (tap->device == INVALID_HANDLE_VALUE)
        return why_not_opened(adapter, GetLastError(), why);
    number = ask_driver(tap);
    if (number != NO_ERROR)
        return lp_why(LP_ERR_IO, why,
                      "the driver of adapter '%s' does not answer, install SoftLAN again: %s",
                      adapter->name, lp_win_text(number, text));
    if (CreateIoCompletionPort(tap->device, tap->port, KEY_DEVICE, 0) == NULL)
        return lp_why(LP_ERR_IO, why,
                      "adapter '%s' cannot be watched, restart the computer: %s", adapter->name,
                      lp_win_text(GetLastError(), text));
    return 0;
}

int lp_tap_open(const struct lp_tap_adapter *adapter, void (*wake_fn)(void *user), void *user,
                struct lp_tap **ret_tap, char why[LP_WHY_LEN])
{
    struct lp_tap *tap = new_tap();
    int err;

    if (tap == NULL)
        return lp_why(LP_ERR_NOMEM, why, "out of memory for the adapter: close other programs");
    tap->wake = wake_fn;
    tap->user = user;
    err = open_device(tap, adapter, why);
    if (err < 0) {
        free_tap(tap);
        return err;
    }
    atomic_store(&tap->holders, 2);
    tap->thread = (HANDLE)_beginthreadex(NULL, 0, serve_device, tap, 0, NULL);
    if (tap->thread == NULL) {
        free_tap(tap);
        return lp_why(LP_ERR_NOMEM, why,
                      "there is no memory for a thread: close other programs");
    }
    SetThreadPriority(tap->thread, THREAD_PRIORITY_ABOVE_NORMAL);
    *ret_tap = tap;
    return 0;
}

void lp_tap_close(struct lp_tap *tap)
{
    if (tap == NULL)
        return;
    if (!atomic_load(&tap->gone))
        lp_tap_set_media(tap, false);
    PostQueuedCompletionStatus(tap->port, 0, KEY_STOP, NULL);
    WaitForSingleObject(tap->thread, DRAIN_MS);
    CloseHandle(tap->thread);
    AcquireSRWLockExclusive(&tap->wake_lock);
    tap->wake = NULL;
    ReleaseSRWLockExclusive(&tap->wake_lock);
    let_go(tap);
}

/* ---- the loop's thread ---- */

void lp_tap_mac(const struct lp_tap *tap, struct lp_mac *ret_mac)
{
    *ret_mac = tap->mac;
}

void lp_tap_version(const struct lp_tap *tap, struct lp_tap_version *ret_version)
{
    *ret_version = tap->version;
}

bool lp_tap_has_media(const struct lp_tap *tap)
{
    return atomic_load(&tap->media) % 2 != 0 && !atomic_load(&tap->gone);
}

bool lp_tap_is_gone(const struct lp_tap *tap)
{
    return atomic_load(&tap->gone);
}

/*
 * The driver is connected before the count says so and disconnected after: a read that is begun
 * and fails under one odd count met a driver that was connected all the time.
 */
int lp_tap_set_media(struct lp_tap *tap, bool connected)
{
    DWORD number;

    if (atomic_load(&tap->gone))
        return LP_ERR_CLOSED;
    if (connected == lp_tap_has_media(tap))
        return 0;
    if (!connected)
        atomic_fetch_add(&tap->media, 1);
    number = call_set_media(tap, connected);
    if (number != NO_ERROR)
        return lp_err_from_win32(number);
    if (!connected)
        return 0;
    atomic_fetch_add(&tap->media, 1);
    PostQueuedCompletionStatus(tap->port, 0, KEY_MEDIA, NULL);
    return 0;
}

bool lp_tap_is_readable(const struct lp_tap *tap)
{
    return !lp_ring_is_empty(&tap->ring) || atomic_load(&tap->gone);
}

int lp_tap_read(struct lp_tap *tap, const uint8_t **ret_frame, size_t *ret_len)
{
    bool gone = atomic_load(&tap->gone); /* before the ring: nothing is pushed after it */

    if (tap->lent)
        lp_ring_drop(&tap->ring);
    *ret_frame = lp_ring_peek(&tap->ring, ret_len);
    tap->lent = *ret_frame != NULL;
    if (tap->lent)
        return 0;
    return gone ? LP_ERR_CLOSED : LP_ERR_AGAIN;
}

static struct operation *free_write(struct lp_tap *tap)
{
    for (unsigned i = 0; i < LP_TAP_WRITES; i++) {
        struct operation *write = &tap->write[(tap->next_write + i) % LP_TAP_WRITES];

        if (write->in_flight && !HasOverlappedIoCompleted(&write->overlapped))
            continue;
        atomic_thread_fence(memory_order_acquire);
        write->in_flight = false;
        tap->next_write = (tap->next_write + i + 1) % LP_TAP_WRITES;
        return write;
    }
    return NULL;
}

int lp_tap_write(struct lp_tap *tap, const uint8_t *frame, size_t len)
{
    struct operation *write;

    if (atomic_load(&tap->gone))
        return LP_ERR_CLOSED;
    if (len > LP_TAP_FRAME_MAX)
        return LP_ERR_RANGE;
    if (!lp_tap_has_media(tap))
        return LP_ERR_AGAIN;
    write = free_write(tap);
    if (write == NULL)
        return LP_ERR_AGAIN;
    memcpy(write->frame, frame, len);
    write->in_flight = true;
    if (WriteFile(tap->device, write->frame, (DWORD)len, NULL, &write->overlapped) ||
        GetLastError() == ERROR_IO_PENDING)
        return 0;
    write->in_flight = false;
    switch (GetLastError()) {
    case ERROR_NOT_ENOUGH_MEMORY:
    case ERROR_NO_SYSTEM_RESOURCES:
    case ERROR_NOT_ENOUGH_QUOTA:
    case ERROR_WORKING_SET_QUOTA:
    case ERROR_OPERATION_ABORTED: /* powered down; when it is more, the reads tell */
        return LP_ERR_AGAIN;
    default:
        return LP_ERR_IO;
    }
}

void lp_tap_lost(const struct lp_tap *tap, uint64_t *ret_overruns, uint64_t *ret_failed)
{
    *ret_overruns = atomic_load(&tap->overruns);
    *ret_failed = atomic_load(&tap->failed);
}
