/*
 * secret - bytes that must not be seen: passphrases, seeds, key material.
 *
 * A type of its own so that a secret cannot be handed to a function that
 * logs, compares or prints bytes.  Memory is on pages of its own, locked
 * (best effort: RLIMIT_MEMLOCK may forbid it), kept out of core dumps, and
 * wiped when it is freed.  No I/O, no logging.
 */
#ifndef JIT_BASE_SECRET_H
#define JIT_BASE_SECRET_H

#include "ca/base/bytes.h"

struct secret {
	uint8_t *p;	/* on pages of its own; NULL when empty */
	size_t n, cap;	/* bytes used, bytes mapped */
};

/* Room for n bytes (zeros).  Returns owned.  JIT_E_NOMEM; JIT_E_ARG: n is 0. */
enum jit_err secret_new(struct secret *ret, size_t n);
/* Copies s and leaves the source to the caller to wipe. */
enum jit_err secret_copy(struct secret *ret, struct span s);
/* Wipes and unmaps; fine on an empty one. */
void secret_done(struct secret *s);
JIT_SCOPED_OBJ(struct secret, secret_done);
/* Equal, in time that depends on the lengths alone. */
bool secret_equal(struct span a, struct span b);

#endif
