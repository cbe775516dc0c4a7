/*
 * output.h on Windows. Neither a pipe nor a console (where text is being selected) says that a write
 * would wait, so a thread writes, from a queue that has a bound.
 */
#include "apps/common/output.h"

#include <fcntl.h>
#include <io.h>
#include <stdlib.h>
#include <string.h>

#include "platform/windows/win.h"

#define QUEUE_BYTES (256u * 1024)
#define PART_BYTES  4096u
/* At the end, for what is queued; a reader that has stalled gets no more. */
#define END_MS 500

struct lp_output_writer {
    SRWLOCK lock;
    CONDITION_VARIABLE changed;
    HANDLE thread;
    HANDLE file;
    bool ending;
    bool gone;       /* the reader */
    uint64_t failed; /* lines that were not written, for another reason */
    size_t first;
    size_t len;
    char queue[QUEUE_BYTES];
};

void lp_output_init(struct lp_output *output, int fd)
{
    *output = (struct lp_output){.fd = fd};
    _setmode(fd, _O_BINARY); /* lines end as they do everywhere else */
}

bool lp_output_takes(int fd)
{
    (void)fd;
    return true;
}

/* ---- the thread ---- */

/* Waits for something to write; 0: the end. Takes it out of the queue. */
static size_t take(struct lp_output_writer *writer, char part[PART_BYTES])
{
    size_t len;

    AcquireSRWLockExclusive(&writer->lock);
    while (writer->len == 0 && !writer->ending)
        SleepConditionVariableSRW(&writer->changed, &writer->lock, INFINITE, 0);
    len = writer->len < PART_BYTES ? writer->len : PART_BYTES;
    for (size_t i = 0; i < len; i++)
        part[i] = writer->queue[(writer->first + i) % QUEUE_BYTES];
    writer->first = (writer->first + len) % QUEUE_BYTES;
    writer->len -= len;
    ReleaseSRWLockExclusive(&writer->lock);
    return len;
}

static void note_failure(struct lp_output_writer *writer, const char *part, size_t len)
{
    DWORD error = GetLastError();

    AcquireSRWLockExclusive(&writer->lock);
    writer->gone = error == ERROR_BROKEN_PIPE || error == ERROR_NO_DATA;
    for (size_t i = 0; i < len; i++)
        writer->failed += part[i] == '\n';
    ReleaseSRWLockExclusive(&writer->lock);
}

static DWORD WINAPI write_queue(void *user)
{
    struct lp_output_writer *writer = user;
    char part[PART_BYTES];
    size_t len;

    while ((len = take(writer, part)) > 0) {
        DWORD written = 0;

        for (size_t done = 0; done < len; done += written) {
            if (WriteFile(writer->file, part + done, (DWORD)(len - done), &written, NULL))
                continue;
            note_failure(writer, part + done, len - done);
            break;
        }
    }
    return 0;
}

static struct lp_output_writer *start(int fd)
{
    struct lp_output_writer *writer = calloc(1, sizeof(*writer));

    if (writer == NULL)
        return NULL;
    InitializeSRWLock(&writer->lock);
    InitializeConditionVariable(&writer->changed);
    writer->file = (HANDLE)_get_osfhandle(fd);
    writer->thread = CreateThread(NULL, 0, write_queue, writer, 0, NULL);
    if (writer->thread == NULL) {
        free(writer);
        return NULL;
    }
    return writer;
}

/* A thread that does not come back keeps its memory. */
static void end(struct lp_output_writer *writer)
{
    bool ended;

    AcquireSRWLockExclusive(&writer->lock);
    writer->ending = true;
    WakeConditionVariable(&writer->changed);
    ReleaseSRWLockExclusive(&writer->lock);
    ended = WaitForSingleObject(writer->thread, END_MS) == WAIT_OBJECT_0;
    if (!ended) {
        AcquireSRWLockExclusive(&writer->lock);
        writer->len = 0;
        ReleaseSRWLockExclusive(&writer->lock);
        CancelSynchronousIo(writer->thread);
        ended = WaitForSingleObject(writer->thread, END_MS) == WAIT_OBJECT_0;
    }
    CloseHandle(writer->thread);
    if (ended)
        free(writer);
}

/* ---- the loop ---- */

void lp_output_deinit(struct lp_output *output)
{
    if (output->writer != NULL)
        end(output->writer);
    output->writer = NULL;
}

/* What the thread has found out. */
static void look(struct lp_output *output)
{
    struct lp_output_writer *writer = output->writer;

    if (writer == NULL)
        return;
    AcquireSRWLockExclusive(&writer->lock);
    output->closed = output->closed || writer->gone;
    output->lost += writer->failed;
    writer->failed = 0;
    ReleaseSRWLockExclusive(&writer->lock);
}

bool lp_output_flush(struct lp_output *output)
{
    look(output);
    return !output->closed;
}

static void put(struct lp_output_writer *writer, const char *text, size_t len)
{
    size_t at = (writer->first + writer->len) % QUEUE_BYTES;
    size_t part = len < QUEUE_BYTES - at ? len : QUEUE_BYTES - at;

    memcpy(writer->queue + at, text, part);
    memcpy(writer->queue, text + part, len - part);
    writer->len += len;
}

/* Whole, or not at all. */
static bool queue_line(struct lp_output_writer *writer, const char *text, size_t len)
{
    bool fits;

    AcquireSRWLockExclusive(&writer->lock);
    fits = len < QUEUE_BYTES - writer->len;
    if (fits) {
        put(writer, text, len);
        put(writer, "\n", 1);
        WakeConditionVariable(&writer->changed);
    }
    ReleaseSRWLockExclusive(&writer->lock);
    return fits;
}

bool lp_output_line(struct lp_output *output, const char *text, size_t len)
{
    if (!lp_output_flush(output))
        return false;
    if (output->writer == NULL)
        output->writer = start(output->fd);
    output->lost += output->writer == NULL || !queue_line(output->writer, text, len);
    return true;
}
