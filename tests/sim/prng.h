/*
 * The simulator's random numbers: xoshiro256** (Blackman, Vigna), seeded by splitmix64. Each
 * part of a party draws from a stream of its own, so that one more draw in one does not change
 * the others.
 */
#ifndef SIM_PRNG_H
#define SIM_PRNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIM_PPM 1000000 /* chances are given in parts per million */

struct sim_prng {
    uint64_t s[4];
};

void sim_prng_seed(struct sim_prng *prng, uint64_t seed, uint64_t stream);
uint64_t sim_prng_next(struct sim_prng *prng);
/* 0 <= result < n; n > 0 */
uint64_t sim_prng_below(struct sim_prng *prng, uint64_t n);
/* Both ends included. */
uint64_t sim_prng_between(struct sim_prng *prng, uint64_t low, uint64_t high);
bool sim_prng_chance(struct sim_prng *prng, uint64_t ppm);
void sim_prng_fill(struct sim_prng *prng, void *bytes, size_t len);

#endif
