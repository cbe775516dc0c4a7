/* RAND_set_rand_method is deprecated, but the one way to replace the source for every caller.
 */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "determinism.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>
#include <openssl/rand.h>

#include "base/time.h"
#include "prng.h"

#define STREAM_CRYPTO 0x43525950

/* Neither the clock functions nor the random source are given a context: one party runs at a
 * time. */
static uint64_t clock_ns;
static struct sim_prng crypto_prng;

/* ---- clocks
 * ------------------------------------------------------------------------------------- */

void sim_clock_set(uint64_t now_ns)
{
    clock_ns = now_ns;
}

uint64_t sim_real_ns(void)
{
    struct timespec ts;

    if (syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &ts) != 0)
        return 0;
    return (uint64_t)ts.tv_sec * LP_NS_PER_S + (uint64_t)ts.tv_nsec;
}

time_t time(time_t *ret_now)
{
    time_t now = SIM_EPOCH_S + (time_t)(clock_ns / LP_NS_PER_S);

    if (ret_now != NULL)
        *ret_now = now;
    return now;
}

int gettimeofday(struct timeval *restrict ret_now, void *restrict zone)
{
    (void)zone;
    ret_now->tv_sec = time(NULL);
    ret_now->tv_usec = (suseconds_t)(clock_ns % LP_NS_PER_S / LP_NS_PER_US);
    return 0;
}

int clock_gettime(clockid_t clock, struct timespec *ret_now)
{
    (void)clock;
    ret_now->tv_sec = time(NULL);
    ret_now->tv_nsec = (long)(clock_ns % LP_NS_PER_S);
    return 0;
}

/* ---- randomness
 * --------------------------------------------------------------------------------- */

static int crypto_bytes(unsigned char *bytes, int len)
{
    sim_prng_fill(&crypto_prng, bytes, (size_t)len);
    return 1;
}

static int crypto_status(void)
{
    return 1;
}

void sim_crypto_seed(uint64_t seed)
{
    sim_prng_seed(&crypto_prng, seed, STREAM_CRYPTO);
}

void sim_determinism_init(void)
{
    static const RAND_METHOD method = {
        .bytes = crypto_bytes,
        .pseudorand = crypto_bytes,
        .status = crypto_status,
    };

    json_object_seed(1);
    sim_crypto_seed(0);
    if (RAND_set_rand_method(&method) != 1) {
        fputs("sim: OpenSSL does not take the random source\n", stderr);
        abort();
    }
}
