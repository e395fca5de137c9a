/*
 * token - what a log-in leaves behind: for reading, never for acting.
 *
 * 32 random bytes as base64url, told once.  The database keeps SHA-256 of
 * that text, with the person, the key that logged in, and the end.  A token
 * is worth nothing once its person or that key is not in the policy in force
 * any more, or the person is locked out: the caller looks (rights.h), and
 * tokens_check() forgets it, so that it stays worth nothing.  Whoever can
 * write the database can read as anybody, as they could from the database
 * itself, and not act.
 */
#ifndef JIT_API_AUTH_TOKEN_H
#define JIT_API_AUTH_TOKEN_H

#include "ca/base/digest.h"
#include "ca/base/rand.h"
#include "ca/grant/policy.h"
#include "api/store/db.h"

#define TOKEN_TEXT 44			/* 43 characters and a NUL */
#define TOKENS_OF_ONE 32	/* live ones of a person; the oldest goes */

struct tokens;

/*
 * Makes its table in d (borrowed) when it is not there.  Returns owned; to be
 * freed before d.  All functions: db.h's errors, JIT_E_NOMEM, JIT_E_CRYPTO.
 */
enum jit_err tokens_new(struct db *d, struct tokens **ret,
    struct jit_why *why);
void tokens_free(struct tokens *t);
JIT_SCOPED_PTR(struct tokens, tokens_free);

/*
 * A transaction of its own.  ret is the caller's to wipe.  JIT_E_RANDOM;
 * JIT_E_ARG: no name of a person, or expires not after now.
 */
enum jit_err token_make(struct tokens *t, const struct rng *rng,
    struct span person, const struct digest *key, utc_s now, utc_s expires,
    char ret[static TOKEN_TEXT], struct jit_why *why);

struct token_owner {
	char person[33];
	struct digest key;		/* SHA-256 of the key's blob */
	utc_s expires;
};
/*
 * Set on success.  JIT_E_LOGIN: none of ours, or over, which is not told
 * apart; JIT_E_VIEW: what the database says of it makes no sense.
 */
enum jit_err token_find(struct tokens *t, struct span text, utc_s now,
    struct token_owner *ret, struct jit_why *why);
/* Log out.  Fine when there is none. */
enum jit_err token_drop(struct tokens *t, struct span text,
    struct jit_why *why);
/* Log a person out everywhere. */
enum jit_err tokens_drop_of(struct tokens *t, struct span person,
    struct jit_why *why);
/*
 * Forget those whose person or key p does not know any more, or has locked
 * out.  Inside of a transaction of the caller's, when there is one.
 */
enum jit_err tokens_check(struct tokens *t, const struct policy *p,
    struct jit_why *why);
/* Forget those that are over. */
enum jit_err tokens_expire(struct tokens *t, utc_s now, struct jit_why *why);

#endif
