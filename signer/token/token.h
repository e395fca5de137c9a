/*
 * token - keys behind PKCS #11, as jit-signer sees them.
 *
 * A vendor's module is code that nobody here has read.  It runs in a process
 * of its own:
 *
 *	jit-signer --socketpair--> jit-signer-token --socketpair--> worker
 *	(in its jail)              (keeper: no vendor    (one a token: dlopen,
 *	                           code, deadlines)      C_Sign)
 *
 * token_start() starts the helper, before the jail.  Then only send(), recv()
 * and poll() on the one socket: it works inside.  The helper ends when that
 * socket closes.
 *
 * What may happen, and what then: a worker that crashes or does not answer in
 * time is killed, its requests fail, and the next request starts another one,
 * after a pause that grows.  A token that was pulled fails, and is opened
 * anew by the next request.  A PIN that was refused (or of which nobody knows
 * whether it was) is not tried again before jit-signer is started again.
 * Keys on other tokens go on meanwhile.  No software key ever steps in.
 *
 * Nothing that a token says is believed: a signature is verified under the
 * public key before it is handed on.  So a caller that knows the public key
 * from elsewhere gives it (expect): then another key on the token, or another
 * token of the same name, is found at start or at the first signature.
 *
 * Not for several threads.  No clock: now is sys_mono_ms().
 */
#ifndef JIT_SIGNER_TOKEN_TOKEN_H
#define JIT_SIGNER_TOKEN_TOKEN_H

#include "ca/base/secret.h"
#include "signer/token/form.h"

#define TOKEN_KEYS_MAX FRAME_KEYS_MAX
#define TOKEN_TIMEOUT_MS 10000		/* for one request */
#define TOKEN_BACKOFF_MS 1000		/* first pause after a failure */
#define TOKEN_PENDING_MAX 256		/* requests under way */
#define TOKEN_HIDDEN_MAX 16		/* paths */

/* All of it borrowed, for the call of token_start() alone. */
struct token_key {
	const char *name;	/* for messages: "user-ca" */
	const char *uri;	/* uri.h */
	const char *module;	/* NULL: the URI's module-path */
	const struct secret *pin;	/* NULL: none */
	const struct ssh_key *expect;	/* NULL: whichever it has */
	bool later;		/* not looked for at the start: it is to be
				   made, or this is for token_list_wait() */
};
struct token_config {
	const char *program;	/* of the helper; absolute */
	const struct token_key *keys;
	size_t n;		/* 1 to TOKEN_KEYS_MAX */
	int timeout_ms;		/* 0: TOKEN_TIMEOUT_MS */
	int backoff_ms;		/* 0: TOKEN_BACKOFF_MS */
	/* Absolute paths that modules must not see, though they run as our
	 * user: the home, the file of the passphrase and of PINs.  Not above
	 * what a module needs.  NULL: none. */
	const char *const *hidden;
	size_t n_hidden;	/* at most TOKEN_HIDDEN_MAX */
};

struct token;

/*
 * Check the URIs, start the helper, give it the PINs, and look for each key.
 * Waits until all were found or not, twice the timeout at most.  JIT_OK also
 * when keys were not found: token_check() says so of each.
 *	JIT_E_FORMAT, JIT_E_SIZE  a URI, why names the key
 *	JIT_E_ARG                 no key or too many; no module; two PINs for
 *	                          one token; a PIN that is too long
 *	JIT_E_UNKNOWN             there is no such program
 *	JIT_E_TOKEN               the helper ended at once
 *	JIT_E_IO, JIT_E_NOMEM
 */
enum jit_err token_start(const struct token_config *c, struct token **ret,
    struct jit_why *why);
/* Closes the socket, so the helper ends; outside of the jail also waits for
 * it.  What is under way is forgotten. */
void token_free(struct token *t);
JIT_SCOPED_PTR(struct token, token_free);

/* What is known of key i: JIT_OK, or the last error with its words. */
enum jit_err token_check(const struct token *t, size_t i,
    struct jit_why *why);
/* Its public half, borrowed; NULL: not known (yet). */
const struct ssh_key *token_public(const struct token *t, size_t i);
/* The helper itself has ended: nothing works before a new start. */
bool token_is_gone(const struct token *t);

/* ---- in a loop ---- */

/* To be polled for token_events(); borrowed; -1 once the helper is gone. */
int token_fd(const struct token *t);
short token_events(const struct token *t);
/* ms until token_take() has to be called without an event; -1: no limit. */
int token_wait_ms(const struct token *t, int64_t now);
/* Requests whose answers were not taken yet. */
size_t token_pending(const struct token *t);

/*
 * Ask for a signature of key i over data, in form f.  tag comes back with the
 * answer; any number of the caller's.
 *	JIT_E_BUSY   TOKEN_PENDING_MAX are under way
 *	JIT_E_TOKEN, JIT_E_TOKENPIN  its public half is not known (why says the
 *	             last error; another look at the token has begun), or the
 *	             helper is gone
 *	JIT_E_SIZE   data is over FRAME_DATA_MAX, of an Ed25519 key
 *	JIT_E_ARG    no such key
 * After JIT_OK exactly one answer follows, whatever happens.
 */
enum jit_err token_ask_sign(struct token *t, size_t i, uint64_t tag,
    enum form f, struct span data, int64_t now, struct jit_why *why);

struct token_answer {
	uint64_t tag;
	size_t key;
	enum jit_err err;	/* JIT_E_TOKEN, TOKENPIN, BUSY, NOMEM, or
				   JIT_E_CRYPTO: the token lied */
	struct jit_why why;
	struct buf sig;		/* owned; verified; in the form asked */
};
void token_answer_done(struct token_answer *a);
JIT_SCOPED_OBJ(struct token_answer, token_answer_done);
/*
 * The next answer, without waiting; false: none is here.  To be called until
 * it says so.
 */
bool token_take(struct token *t, int64_t now, struct token_answer *ret);

/* ---- one after the other, for commands ---- */

/*
 * Sign and wait until the moment end.  Appends to w.  Answers to others' asks
 * stay for token_take().  Errors of token_ask_sign() and of the answer;
 * JIT_E_TOKEN: not in time.
 */
enum jit_err token_sign_wait(struct token *t, size_t i, enum form f,
    struct span data, int64_t end, struct wr *w, struct jit_why *why);
/*
 * Make key i on its token (p11_generate() in p11.h says how).  *uri is what
 * names exactly it; token_public() knows it from now on.
 *	JIT_E_EXISTS   a key of that label or id is there; nothing was made
 *	JIT_E_KEYTYPE  the token cannot
 *	JIT_E_TOKEN, JIT_E_TOKENPIN, JIT_E_ARG
 */
enum jit_err token_generate_wait(struct token *t, size_t i,
    enum frame_gen g, int64_t end, struct buf *uri, struct jit_why *why);
/* What can be seen behind key i's module, as lines of text, owned. */
enum jit_err token_list_wait(struct token *t, size_t i, int64_t end,
    struct buf *ret, struct jit_why *why);
/*
 * "ed25519", "ecdsa-p256", "ecdsa-p384", "rsa-3072" ("rsa").  JIT_E_ARG, why
 * lists them.
 */
enum jit_err token_gen_parse(const char *name, enum frame_gen *ret,
    struct jit_why *why);

#endif
