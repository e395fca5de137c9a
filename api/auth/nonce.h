/*
 * nonce - numbers for one log-in each, that the server need not remember.
 *
 *	nonce = base64url(time u64 ‖ 16 random bytes ‖ HMAC-SHA-256 of both)
 *
 * under a key that lives as long as the process.  Valid for LOGIN_LIFE
 * seconds; only those that were used are remembered, until they would have
 * ended, so that asking for nonces costs nobody memory.
 */
#ifndef JIT_API_AUTH_NONCE_H
#define JIT_API_AUTH_NONCE_H

#include "ca/base/rand.h"
#include "ca/base/utc.h"

#define NONCE_TEXT 76			/* 75 characters and a NUL, at most */

struct nonces;

enum jit_err nonces_new(const struct rng *rng, struct nonces **ret,
    struct jit_why *why);
void nonces_free(struct nonces *n);	/* wipes */
JIT_SCOPED_PTR(struct nonces, nonces_free);

enum jit_err nonce_make(struct nonces *n, const struct rng *rng, utc_s now,
    char ret[static NONCE_TEXT], struct jit_why *why);
/*
 * Use it up.  JIT_E_LOGIN: not one of ours, too old, or used before; the
 * words do not tell which.  JIT_E_BUSY: too many were used within a minute.
 */
enum jit_err nonce_use(struct nonces *n, struct span text, utc_s now,
    struct jit_why *why);

#endif
