/*
 * sshsig - SSHSIG: a person's signature over a text (OpenSSH PROTOCOL.sshsig).
 *
 *	byte[6]  "SSHSIG"             string  namespace
 *	uint32   1                    string  reserved, empty
 *	string   public key           string  hash: sha512 or sha256
 *	                              string  signature blob
 *
 * The signature is over "SSHSIG", namespace, reserved, hash, H(message).
 * Our own strictness, more than ssh-keygen's: reserved empty, no SHA-1, no
 * certificate as key, nothing behind, namespace compared exactly.
 */
#ifndef JIT_SSH_SSHSIG_H
#define JIT_SSH_SSHSIG_H

#include "ca/ssh/key.h"
#include "ca/ssh/sig.h"

#define SSHSIG_MAX 12288	/* bytes of a signature, not armoured */
#define SSHSIG_ARMOR_MAX 20480	/* bytes of one that is */

/* A signature that was read; verified by sshsig_verify only. */
struct sshsig {
	struct ssh_key *key;	/* owned */
	struct span namespace, hash, sig;	/* borrowed from the blob */
};

/* JIT_E_FORMAT, JIT_E_KEYTYPE.  The spans borrow from blob. */
enum jit_err sshsig_parse(struct span blob, struct sshsig *ret,
    struct jit_why *why);
void sshsig_done(struct sshsig *s);
JIT_SCOPED_OBJ(struct sshsig, sshsig_done);

/*
 * Does s hold for message in namespace ns?  facts may be NULL.
 * JIT_E_NAMESPACE: made for another purpose; else as ssh_sig_verify.
 */
enum jit_err sshsig_verify(const struct sshsig *s, const char *ns,
    struct span message, struct ssh_sig_facts *facts, struct jit_why *why);

/* The bytes that the key signs for message (hash sha512). */
enum jit_err sshsig_put_tbs(struct wr *w, const char *ns, struct span message);
/* The blob, from a signature blob over sshsig_put_tbs()'s bytes. */
void sshsig_put(struct wr *w, const struct ssh_key *k, const char *ns,
    struct span sig);
/* Both with a key that this process holds. */
enum jit_err sshsig_make(const struct ssh_priv *p, const char *ns,
    struct span message, struct wr *w);

/* "-----BEGIN SSH SIGNATURE-----", 70 columns, as ssh-keygen writes it. */
void sshsig_put_armor(struct wr *w, struct span blob);
/*
 * Strict: exactly the two lines and base64 between them, LF or CR LF; after
 * the end only spaces and line ends.  JIT_E_FORMAT, JIT_E_SIZE.
 */
enum jit_err sshsig_get_armor(struct span text, struct buf *ret,
    struct jit_why *why);

#endif
