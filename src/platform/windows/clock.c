/* The clock and the random source of platform.h. */
#include "platform/windows/win.h"

#include <bcrypt.h>
#include <stdlib.h>

#include "platform/platform.h"

/* The counter's frequency is fixed at boot; asking for it is a read of shared memory. */
uint64_t lp_clock_now_ns(void)
{
    LARGE_INTEGER frequency, count;
    uint64_t per_s, ticks;

    if (!QueryPerformanceFrequency(&frequency) || !QueryPerformanceCounter(&count))
        abort();
    per_s = (uint64_t)frequency.QuadPart;
    ticks = (uint64_t)count.QuadPart;
    /* apart, as the product of all ticks since boot would overflow within half an hour */
    return ticks / per_s * LP_NS_PER_S + ticks % per_s * LP_NS_PER_S / per_s;
}

/* FILETIME counts 100 ns since 1601. */
int64_t lp_clock_unix_s(void)
{
    const uint64_t unix_epoch_s = UINT64_C(11644473600);
    FILETIME now;
    uint64_t ticks;

    GetSystemTimePreciseAsFileTime(&now);
    ticks = (uint64_t)now.dwHighDateTime << 32 | now.dwLowDateTime;
    return (int64_t)(ticks / 10000000 - unix_epoch_s);
}

void lp_random_bytes(void *bytes, size_t len)
{
    uint8_t *at = bytes;

    while (len > 0) {
        ULONG part = len > 0x10000 ? 0x10000 : (ULONG)len;

        if (BCryptGenRandom(NULL, at, part, BCRYPT_USE_SYSTEM_PREFERRED_RNG) < 0)
            abort(); /* keys and identities cannot be made without randomness */
        at += part;
        len -= part;
    }
}
