/*
 * rand - chance comes in from outside.
 *
 * A function that needs random bytes takes a const struct rng *.  Only a
 * main owns a real one (rand_system); tests hand in a counter, so that every
 * byte of an answer can be foreseen.
 */
#ifndef JIT_BASE_RAND_H
#define JIT_BASE_RAND_H

#include "ca/base/bytes.h"

struct rng {
	/* Fill n bytes or return an error; never fewer. */
	enum jit_err (*fill)(void *ctx, uint8_t *p, size_t n);
	void *ctx;
};

/* JIT_E_RANDOM when the source fails. */
enum jit_err rng_fill(const struct rng *r, void *p, size_t n);

/*
 * The kernel's source through OpenSSL's DRBG, which reseeds after a fork.
 * To be called by a main only.
 */
struct rng rand_system(void);

/* For tests: bytes of SHA-256(seed, counter).  *state is the counter. */
struct rng rand_counter(uint64_t *state);

#endif
