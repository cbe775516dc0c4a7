#include "prng.h"

#include <string.h>

static uint64_t splitmix(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static uint64_t rotate(uint64_t x, int by)
{
    return x << by | x >> (64 - by);
}

void sim_prng_seed(struct sim_prng *prng, uint64_t seed, uint64_t stream)
{
    uint64_t state = seed;

    state = splitmix(&state) ^ stream * UINT64_C(0xd1342543de82ef95);
    for (size_t i = 0; i < 4; i++)
        prng->s[i] = splitmix(&state);
}

uint64_t sim_prng_next(struct sim_prng *prng)
{
    uint64_t *s = prng->s;
    uint64_t result = rotate(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

/* The remainder's bias is below 2^-40 for every n that a party asks for. */
uint64_t sim_prng_below(struct sim_prng *prng, uint64_t n)
{
    return sim_prng_next(prng) % n;
}

uint64_t sim_prng_between(struct sim_prng *prng, uint64_t low, uint64_t high)
{
    return low + sim_prng_below(prng, high - low + 1);
}

bool sim_prng_chance(struct sim_prng *prng, uint64_t ppm)
{
    return sim_prng_below(prng, SIM_PPM) < ppm;
}

void sim_prng_fill(struct sim_prng *prng, void *bytes, size_t len)
{
    uint8_t *at = bytes;

    while (len > 0) {
        uint64_t value = sim_prng_next(prng);
        size_t part = len < sizeof(value) ? len : sizeof(value);

        memcpy(at, &value, part);
        at += part;
        len -= part;
    }
}
