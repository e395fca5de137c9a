/*
 * keyring - the private keys that the signer holds, and their public halves.
 *
 * In the home directory, beside each other:
 *
 *	user-ca.key   key_file.h, 0600   signs people's certificates
 *	log.key       key_file.h, 0600   signs checkpoints; always Ed25519
 *	user-ca.pub   0644   one line, for sshd's TrustedUserCAKeys
 *	log.vkey      0644   one line, the log's verifier key (checkpoint.h)
 *	x509-ca.key   0600   where there is an X.509 CA
 *	user-ca.2.key, x509-ca.2.key ... 8   keys that came by rotation
 *
 * Which CA key signs is the log's to say (ca/grant/keys.h), not a file's name.
 * The public files are for people to hand on; the signer never reads them.
 * One passphrase opens them all.  The origin is the log's name and comes
 * from the policy; it is in no key file.
 *
 * Where private keys are in memory, after keyring_memory(): their secret
 * numbers in OpenSSL's secure heap; passphrase and file's contents in struct
 * secret while a key is loaded.  Both are pages that are locked where the
 * limit allows it and that no core dump holds; what OpenSSL copies elsewhere
 * is wiped when it is freed.  For a main: no clock; chance by rng, and
 * OpenSSL's own for an ECDSA or RSA key.
 */
#ifndef JIT_SIGNER_KEYRING_H
#define JIT_SIGNER_KEYRING_H

#include "ca/tlog/checkpoint.h"
#include "signer/key_file.h"

#define KEYRING_MAX 8		/* keys of one use */

struct keyring {
	struct ssh_priv *log;		/* owned; keyring_done() */
	struct tlog_vkey vkey;		/* of log, under the origin */
	/* CA keys, owned: those of user-ca, then those of x509-ca. */
	struct ssh_priv *ca[2 * KEYRING_MAX];
	enum key_use use[2 * KEYRING_MAX];
	size_t n;
};

/* The first of that use; NULL: there is none.  Borrowed. */
const struct ssh_priv *keyring_first(const struct keyring *k,
    enum key_use use);

/*
 * Set up OpenSSL's secure heap, and that it wipes what it frees: the first
 * thing in a main, before OpenSSL has allocated anything; again is fine.
 * *locked (NULL is fine): the heap cannot be swapped out either; false where
 * RLIMIT_MEMLOCK is too small.  JIT_E_ARG: too late; JIT_E_NOMEM.
 */
enum jit_err keyring_memory(bool *locked, struct jit_why *why);

/*
 * "ed25519", "ecdsa-p256", "ecdsa-p384", "rsa-3072", "rsa-4096"; "rsa" is
 * rsa-3072.  bits is 0 unless RSA.  JIT_E_ARG, why lists them.
 */
enum jit_err keyring_type_parse(const char *name, enum ssh_type *type,
    unsigned *bits, struct jit_why *why);

/*
 * Load all keys.
 *
 *	home        the directory's path; checked by home_open()
 *	origin      of the log
 *	passphrase  borrowed; wipe it afterwards
 *
 * *ret is owned.  key_file_load()'s errors, each with the path:
 *	JIT_E_PASSPHRASE  wrong
 *	JIT_E_FORMAT      cut, damaged, changed; or not a plain file
 *	JIT_E_MODE        others can read or write it
 *	JIT_E_OWNER       not the own (effective) user's
 *	JIT_E_UNKNOWN     there is none
 *	JIT_E_ARG         a key for another use; no passphrase
 * and JIT_E_FORMAT when origin is not acceptable, JIT_E_SIZE when the path
 * is too long.
 */
enum jit_err keyring_load(const char *home, const char *origin,
    const struct secret *passphrase, struct keyring *ret,
    struct jit_why *why);

/* All of it borrowed. */
struct keyring_new {
	const char *origin;
	enum ssh_type type;		/* of the user CA */
	unsigned bits;			/* RSA: 3072 or 4096 */
	const struct secret *passphrase;
	struct key_cost cost;
	const struct rng *rng;
};
/*
 * Make new keys and write the four files; then load them as keyring_load()
 * would, so that what is returned is what is on disk.  What was made is
 * removed again when something fails; a crash may leave some of the four.
 *	JIT_E_EXISTS   one of the four files is there; nothing was written
 *	JIT_E_ARG      no passphrase, a cost or a size that is not accepted
 *	JIT_E_KEYTYPE  a security key's type
 *	JIT_E_FORMAT   the origin is not acceptable
 *	JIT_E_FULL, IO, RANDOM, NOMEM, CRYPTO, SIZE
 */
enum jit_err keyring_create(const char *home, const struct keyring_new *n,
    struct keyring *ret, struct jit_why *why);

/*
 * Make one more CA key of that use, in a file of its own, and load it into k.
 * n's origin is not looked at.  JIT_E_EXISTS: KEYRING_MAX are there; JIT_E_ARG:
 * no use of a CA; errors as keyring_create.
 */
enum jit_err keyring_add(const char *home, enum key_use use,
    const struct keyring_new *n, struct keyring *k, struct jit_why *why);

void keyring_done(struct keyring *k);
JIT_SCOPED_OBJ(struct keyring, keyring_done);

#endif
