/*
 * nonce - numbers for one log-in each, that the server need not remember.
 *
 *	nonce = base64url(time u64 ‖ 16 random bytes ‖ HMAC-SHA-256 of both)
 *
 * under a key that lives as long as the process.  Valid for LOGIN_LIFE
 * seconds; only those that were used are remembered, until they would have
 * ended, so that asking for nonces costs nobody memory.  A clock that is set
 * back makes all of them worthless (the key is changed) rather than some of
 * them good again.  No clock of its own; not for two threads at once.
 */
#ifndef JIT_API_AUTH_NONCE_H
#define JIT_API_AUTH_NONCE_H

#include "ca/base/rand.h"
#include "ca/base/utc.h"

#define NONCE_TEXT 76			/* 75 characters and a NUL */
#define NONCES_USED 4096		/* remembered of two minutes */

struct nonces;

/* Returns owned.  JIT_E_RANDOM, JIT_E_NOMEM. */
enum jit_err nonces_new(const struct rng *rng, struct nonces **ret,
    struct jit_why *why);
void nonces_free(struct nonces *n);	/* wipes */
JIT_SCOPED_PTR(struct nonces, nonces_free);

/* JIT_E_RANDOM, JIT_E_CRYPTO, JIT_E_ARG: a time before 1970. */
enum jit_err nonce_make(struct nonces *n, const struct rng *rng, utc_s now,
    char ret[static NONCE_TEXT], struct jit_why *why);
/*
 * Use it up.  JIT_E_LOGIN: not one of ours, too old, or used before; the
 * words do not tell which.  JIT_E_BUSY: NONCES_USED were used in about two
 * minutes.  JIT_E_CRYPTO.
 */
enum jit_err nonce_use(struct nonces *n, struct span text, utc_s now,
    struct jit_why *why);

#endif
