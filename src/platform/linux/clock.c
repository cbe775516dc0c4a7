/* The clock and the random source of platform.h. */
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "platform/platform.h"

uint64_t lp_clock_now_ns(void)
{
    struct timespec now;

    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0)
        abort();
    return (uint64_t)now.tv_sec * LP_NS_PER_S + (uint64_t)now.tv_nsec;
}

int64_t lp_clock_unix_s(void)
{
    return (int64_t)time(NULL);
}

void lp_random_bytes(void *bytes, size_t len)
{
    uint8_t *at = bytes;

    while (len > 0) {
        ssize_t got = getrandom(at, len, 0);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            abort(); /* keys and identities cannot be made without randomness */
        at += got;
        len -= (size_t)got;
    }
}
