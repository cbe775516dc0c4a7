/*
 * output.h on Windows. A console or a file takes all at once; a pipe says how much room it has
 * left only to its server end, so that a reader that stalls stalls the program here.
 */
#include "apps/common/output.h"

#include <errno.h>
#include <fcntl.h>
#include <io.h>
#include <stdlib.h>

void lp_output_init(struct lp_output *output, int fd)
{
    *output = (struct lp_output){.fd = fd};
    _setmode(fd, _O_BINARY); /* lines end as they do everywhere else */
}

void lp_output_deinit(struct lp_output *output)
{
    free(output->rest);
    output->rest = NULL;
    output->rest_len = 0;
}

bool lp_output_takes(int fd)
{
    (void)fd;
    return true;
}

bool lp_output_flush(struct lp_output *output)
{
    return !output->closed;
}

static bool write_all(struct lp_output *output, const char *text, size_t len)
{
    while (len > 0) {
        int written = _write(output->fd, text, (unsigned)len);

        if (written < 0)
            return false;
        text += written;
        len -= (size_t)written;
    }
    return true;
}

bool lp_output_line(struct lp_output *output, const char *text, size_t len)
{
    if (output->closed)
        return false;
    if (write_all(output, text, len) && write_all(output, "\n", 1))
        return true;
    output->lost++;
    /* the reader of a pipe went away: EPIPE, and EINVAL while it goes */
    output->closed = errno == EPIPE || errno == EINVAL;
    return !output->closed;
}
