/*
 * What makes two runs of one seed the same although libraries take part that know nothing of
 * virtual time: the C library's clocks are replaced in this executable (OpenSSL, linked
 * statically, reads them), OpenSSL's randomness comes from the seed, and so does the hash seed
 * of the JSON library.
 */
#ifndef SIM_DETERMINISM_H
#define SIM_DETERMINISM_H

#include <stdint.h>

/* What the wall clock shows at virtual time 0. */
#define SIM_EPOCH_S 1767225600 /* 2026-01-01 */

/* Once in a process, before any library is used. */
void sim_determinism_init(void);

/* OpenSSL's random source starts over from this seed. */
void sim_crypto_seed(uint64_t seed);

/* The virtual time that every clock shows from now on. */
void sim_clock_set(uint64_t now_ns);

/* The real monotonic clock, for figures about the simulator itself. */
uint64_t sim_real_ns(void);

#endif
