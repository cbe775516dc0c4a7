#include "apps/common/output.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void lp_output_init(struct lp_output *output, int fd)
{
    *output = (struct lp_output){.fd = fd};
    signal(SIGPIPE, SIG_IGN);
}

void lp_output_deinit(struct lp_output *output)
{
    free(output->rest);
    output->rest = NULL;
    output->rest_len = 0;
}

bool lp_output_takes(int fd)
{
    struct pollfd poller = {.fd = fd, .events = POLLOUT};

    return poll(&poller, 1, 0) != 0;
}

/*
 * The descriptor may be shared with a shell, so it is not made non-blocking: a pipe that poll
 * calls writable takes PIPE_BUF octets at once.
 */
static bool takes_more(struct lp_output *output)
{
    struct pollfd poller = {.fd = output->fd, .events = POLLOUT};

    if (poll(&poller, 1, 0) <= 0)
        return false;
    if ((poller.revents & (POLLERR | POLLNVAL)) != 0)
        output->closed = true;
    return (poller.revents & POLLOUT) != 0 && !output->closed;
}

/* How much of it went out. An error such as a full disk loses the line and nothing else. */
static size_t write_some(struct lp_output *output, const char *text, size_t len)
{
    size_t done = 0;

    while (done < len && takes_more(output)) {
        size_t part = len - done < PIPE_BUF ? len - done : PIPE_BUF;
        ssize_t written = write(output->fd, text + done, part);

        if (written >= 0) {
            done += (size_t)written;
        } else if (errno == EPIPE) {
            output->closed = true;
        } else if (errno != EINTR && errno != EAGAIN) {
            output->lost++;
            return len;
        } else if (errno == EAGAIN) {
            break;
        }
    }
    return done;
}

bool lp_output_flush(struct lp_output *output)
{
    size_t done;

    if (output->rest_len == 0 || output->closed)
        return !output->closed;
    done = write_some(output, output->rest, output->rest_len);
    memmove(output->rest, output->rest + done, output->rest_len - done);
    output->rest_len -= done;
    return !output->closed;
}

bool lp_output_line(struct lp_output *output, const char *text, size_t len)
{
    char *line;
    size_t done;

    if (!lp_output_flush(output))
        return false;
    line = output->rest_len == 0 ? realloc(output->rest, len + 1) : NULL;
    if (line == NULL) {
        output->lost++;
        return true;
    }
    output->rest = line;
    memcpy(line, text, len);
    line[len] = '\n';
    done = write_some(output, line, len + 1);
    memmove(line, line + done, len + 1 - done);
    /* a line of which nothing went out is lost whole, so that what is read is recent */
    output->rest_len = done > 0 ? len + 1 - done : 0;
    output->lost += done == 0 && !output->closed;
    return !output->closed;
}
