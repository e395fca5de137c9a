/*
 * key_file - a private key of the signer, encrypted under a passphrase.
 *
 * A text of one form only (64 characters of base64 a line, LF at each end):
 *
 *	-----BEGIN JIT SIGNER KEY-----
 *	...
 *	-----END JIT SIGNER KEY-----
 *
 * and in the base64, integers big-endian, strings as in RFC 4251:
 *
 *	byte[8]  "jitkey1\n"
 *	byte     use, key_use.def
 *	string   type, "ssh-ed25519" ...
 *	string   public key blob, ca/ssh/key.h
 *	uint64   N      of scrypt (RFC 7914): a power of two
 *	uint32   r
 *	uint32   p
 *	byte[32] salt
 *	byte[12] nonce
 *	byte[8]  check: SHA-256("jit-cert key check v1" || the second 32 of the
 *	         64 bytes that scrypt gives), its first 8
 *	string   ssh_priv_save()'s bytes and the tag of ChaCha20-Poly1305
 *	         (RFC 8439) under the first 32; all before them is its AAD
 *	byte[8]  SHA-256 of all before it, its first 8
 *
 * The sum at the end tells a damaged file from a wrong passphrase before any
 * work is done; it holds off accidents, not people.  The check tells a wrong
 * passphrase from a file that somebody changed, which the tag finds: the
 * public half, the use and the cost cannot be exchanged for others.  A guess
 * at the passphrase costs one scrypt with or without the check.
 *
 * The cost is bounded both ways, so that a file can neither eat the machine
 * nor be made with hardly any.  No clock; chance by rng; files only in
 * key_file_load() and key_file_save().  Derive before mlockall(MCL_FUTURE):
 * scrypt's memory does not fit into a usual RLIMIT_MEMLOCK.
 */
#ifndef JIT_SIGNER_KEY_FILE_H
#define JIT_SIGNER_KEY_FILE_H

#include <sys/types.h>

#include "ca/base/rand.h"
#include "ca/base/secret.h"
#include "ca/ssh/sig.h"

#define KEY_FILE_MAX 32768		/* bytes of the text */

enum key_use {
#define X(n, b, s, e) KEY_USE_##n = (b),
#include "signer/key_use.def"
#undef X
};

/* "user-ca"; "unknown" for a value of no row. */
const char *key_use_name(enum key_use u);
/* JIT_E_ARG: no row of that name. */
enum jit_err key_use_parse(const char *name, enum key_use *ret);

/* Work and memory of one guess: 128 * N * r bytes. */
struct key_cost {
	uint64_t n;	/* power of two, KEY_COST_N_MIN at least */
	uint32_t r;	/* KEY_COST_R_MIN .. KEY_COST_R_MAX */
	uint32_t p;	/* 1 .. KEY_COST_P_MAX */
};
#define KEY_COST_DEFAULT ((struct key_cost){ 1u << 15, 8, 1 })
#define KEY_COST_N_MIN (1u << 14)
#define KEY_COST_R_MIN 8
#define KEY_COST_R_MAX 32
#define KEY_COST_P_MAX 4
#define KEY_COST_MEMORY_MAX (128u << 20)	/* bytes of 128 * N * r */

/* JIT_E_ARG: outside of these bounds; why says which. */
enum jit_err key_cost_check(const struct key_cost *c, struct jit_why *why);

/*
 * Encrypt k and append the text to w.
 *	JIT_E_ARG      no passphrase, a cost out of bounds, no such use
 *	JIT_E_KEYTYPE  the use demands another type of key
 *	JIT_E_RANDOM, JIT_E_NOMEM, JIT_E_CRYPTO, or the writer's error
 */
enum jit_err key_file_seal(const struct ssh_priv *k, enum key_use use,
    const struct secret *passphrase, const struct key_cost *cost,
    const struct rng *rng, struct wr *w, struct jit_why *why);

/* What a key file says of itself; true only after key_file_open(). */
struct key_file_claims {
	enum key_use use;
	struct key_cost cost;
	struct ssh_key *pub;	/* owned: key_file_claims_done() */
};

/*
 * Read what needs no passphrase.  JIT_E_FORMAT: not such a file, cut,
 * damaged, or of a cost that is out of bounds; JIT_E_KEYTYPE.
 */
enum jit_err key_file_peek(struct span text, struct key_file_claims *ret,
    struct jit_why *why);
void key_file_claims_done(struct key_file_claims *c);
JIT_SCOPED_OBJ(struct key_file_claims, key_file_claims_done);

/*
 * Decrypt.  *ret is owned.
 *	JIT_E_FORMAT      as key_file_peek; or the tag does not hold: somebody
 *	                  changed the file
 *	JIT_E_ARG         it is a key for another use; no passphrase
 *	JIT_E_PASSPHRASE  the passphrase is wrong
 *	JIT_E_NOMEM       not even for scrypt
 *	JIT_E_KEYTYPE, JIT_E_CRYPTO
 */
enum jit_err key_file_open(struct span text, const struct secret *passphrase,
    enum key_use use, struct ssh_priv **ret, struct jit_why *why);

/*
 * The same of a file: a regular file of one link that belongs to owner and
 * that nobody else can read or write.  Beside the errors of key_file_open:
 * JIT_E_OWNER, JIT_E_MODE, JIT_E_UNKNOWN (there is none), JIT_E_SIZE,
 * JIT_E_IO.  why names the path.
 */
enum jit_err key_file_load(const char *path, uid_t owner,
    const struct secret *passphrase, enum key_use use, struct ssh_priv **ret,
    struct jit_why *why);
/* Seal into a new file of mode 0600.  Also JIT_E_EXISTS, FULL, IO. */
enum jit_err key_file_save(const char *path, const struct ssh_priv *k,
    enum key_use use, const struct secret *passphrase,
    const struct key_cost *cost, const struct rng *rng, struct jit_why *why);

#endif
