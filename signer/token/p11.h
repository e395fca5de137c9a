/*
 * p11 - a vendor's PKCS #11 module and one token behind it.
 *
 * The only code of jit-cert that loads a vendor's library, and it runs only
 * in a worker of the token helper (keeper.h).  By PKCS #11 2.40 and what 3.0
 * adds for Ed25519, through the C header of p11-kit; p11-kit itself is not
 * linked, since its proxy loads every module that the machine has.
 *
 * The life: p11_load() -> p11_open() -> p11_find(), p11_sign() ... ->
 * p11_free().  C_Initialize is called in p11_load(): never fork after it.
 *
 * One log-in for one p11_open(), never a second.  A token whose last try it
 * would be, or that is locked, is not tried at all.
 *
 * Errors: JIT_E_TOKEN with the name of the CKR_ code and what was being done;
 * JIT_E_TOKENPIN for all that has to do with the PIN.
 */
#ifndef JIT_SIGNER_TOKEN_P11_H
#define JIT_SIGNER_TOKEN_P11_H

#include "ca/base/rand.h"
#include "ca/base/secret.h"
#include "ca/ssh/key.h"
#include "signer/token/frame.h"
#include "signer/token/uri.h"

struct p11;

/* What a token says of itself: blanks at the end cut off, any bytes. */
struct p11_token {
	char label[33], manufacturer[33], model[17], serial[17];
};

/* Who has the PIN. */
struct p11_pin {
	/* May we log in there, and with what?  *ret is owned by the caller
	 * of get; JIT_E_TOKENPIN: no. */
	enum jit_err (*get)(void *arg, const struct p11_token *t,
	    struct secret *ret, struct jit_why *why);
	/* What became of it: JIT_OK; JIT_E_TOKEN, the token surely did not
	 * look at the PIN; JIT_E_TOKENPIN, it refused it, or may have. */
	void (*said)(void *arg, enum jit_err e);
	void *arg;
};

/*
 * Is this a library that may be loaded?  An absolute path; it and every
 * folder above it belong to root or to us and cannot be changed by others
 * (a folder with the sticky bit is fine).  Symbolic links are followed first.
 *	JIT_E_ARG      not absolute
 *	JIT_E_TOKEN    there is none, or no file
 *	JIT_E_OWNER, JIT_E_MODE, JIT_E_SIZE, JIT_E_IO
 */
enum jit_err p11_check_module(const char *path, char *real, size_t size,
    struct jit_why *why);

/*
 * Check, load and initialise.  *ret is owned.  Errors of p11_check_module();
 * JIT_E_TOKEN: not a PKCS #11 module, or C_Initialize refused; JIT_E_NOMEM.
 */
enum jit_err p11_load(const char *module, struct p11 **ret,
    struct jit_why *why);
/* Logs out and finalises; the library stays loaded (many do not survive
 * being unloaded). */
void p11_free(struct p11 *p);
JIT_SCOPED_PTR(struct p11, p11_free);

/*
 * Find the one token that u names, open a session, log in when the token
 * wants it.
 *	JIT_E_TOKEN     no such token (says which there are), several (says
 *	                which), or the module refuses
 *	JIT_E_TOKENPIN  pin->get refused; the PIN is wrong, locked, or this
 *	                would be the last try
 */
enum jit_err p11_open(struct p11 *p, const struct uri *u,
    const struct p11_pin *pin, struct jit_why *why);

/* A private key on the token, and its public half. */
struct p11_key {
	unsigned long handle;
	struct ssh_key *pub;	/* owned */
};
void p11_key_done(struct p11_key *k);
JIT_SCOPED_OBJ(struct p11_key, p11_key_done);

/*
 * The one key that u names.  JIT_E_TOKEN: none (says which there are) or
 * several (says which); no public half; a key that wants its PIN for each
 * signature.  JIT_E_KEYTYPE: not of a type that we use.
 */
enum jit_err p11_find(struct p11 *p, const struct uri *u,
    struct p11_key *ret, struct jit_why *why);
/*
 * Sign a digest (or with FRAME_H_NONE a message) and append the raw
 * signature to w.  JIT_E_ARG: not a hash for this key.
 */
enum jit_err p11_sign(struct p11 *p, const struct p11_key *k,
    enum frame_hash h, struct span data, struct wr *w, struct jit_why *why);
/*
 * Make a key pair under u's object and id (16 random bytes when it has none):
 * on the token, private, sensitive, never to be extracted, for signing alone;
 * then look whether the token has it so.  u's id is set to what was used.
 *	JIT_E_EXISTS   a key of that label or id is there; nothing was made
 *	JIT_E_ARG      u has no object
 *	JIT_E_KEYTYPE  the token cannot make such keys
 */
enum jit_err p11_generate(struct p11 *p, struct uri *u, enum frame_gen g,
    const struct rng *rng, struct p11_key *ret, struct jit_why *why);
/*
 * Append a line a token that u matches, and two blanks and a line for each
 * key that can be seen on it: its URI and what it is.  Needs no p11_open();
 * what the token hides before a log-in it shows after one.
 */
enum jit_err p11_list(struct p11 *p, const struct uri *u, struct wr *w,
    struct jit_why *why);
/*
 * True when the last error means that session, token or module is gone:
 * nothing works any more until a new process begins anew.
 */
bool p11_is_lost(const struct p11 *p);

#endif
