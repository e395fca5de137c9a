/*
 * sig - signature blobs of SSH: verified, and made with a software key.
 *
 * "string algorithm, string signature" (RFC 4253 section 6.6; RFC 5656
 * section 3.1.2; RFC 8332; RFC 8709; OpenSSH PROTOCOL.u2f for sk keys, which
 * add u8 flags and u32 counter).  The algorithm must be the key type's own;
 * RSA is rsa-sha2-256 or rsa-sha2-512, never ssh-rsa (SHA-1); mpints are
 * minimal; an RSA signature is as long as the modulus; nothing behind.
 */
#ifndef JIT_SSH_SIG_H
#define JIT_SSH_SIG_H

#include "ca/base/rand.h"
#include "ca/base/secret.h"
#include "ca/ssh/key.h"

#define SSH_SIG_MAX 2048	/* bytes of a signature blob */

/* What a signature says beside that it holds. */
struct ssh_sig_facts {
	uint8_t flags;		/* sk only: SSH_SK_UP, SSH_SK_UV; else 0 */
	uint32_t counter;	/* sk only */
};
#define SSH_SK_UP 0x01		/* the person touched the key */
#define SSH_SK_UV 0x04		/* the key verified the person (PIN) */

/*
 * Does sig hold for data under k?  facts may be NULL.  Flags are reported,
 * never judged here: a valid signature with flags 0 is JIT_OK.
 *	JIT_E_SIG      it does not verify (one error for all causes)
 *	JIT_E_FORMAT   not a signature blob
 *	JIT_E_KEYTYPE  the algorithm is not this key's, or SHA-1
 */
enum jit_err ssh_sig_verify(const struct ssh_key *k, struct span data,
    struct span sig, struct ssh_sig_facts *facts, struct jit_why *why);

/*
 * What sig says of itself, without verifying it: for signatures that were
 * verified before, by whoever reads them back.  JIT_E_FORMAT, JIT_E_KEYTYPE.
 */
enum jit_err ssh_sig_facts(const struct ssh_key *k, struct span sig,
    struct ssh_sig_facts *ret, struct jit_why *why);

/* ---- private keys that this process holds ---- */

/*
 * A private key and its public half.  Its secret numbers are in OpenSSL's
 * secure heap when the program has set one up before (signer/keyring.h).
 */
struct ssh_priv;

/*
 * A new key.  Ed25519 takes its seed from rng; ECDSA and RSA (bits: 3072 or
 * 4096) can only be made by OpenSSL's generator, which then is the source:
 * call from a main.  JIT_E_KEYTYPE for sk types.
 */
enum jit_err ssh_priv_generate(enum ssh_type t, unsigned bits,
    const struct rng *rng, struct ssh_priv **ret, struct jit_why *why);
/*
 * The private key as bytes and back: Ed25519 the 32-byte seed, others DER
 * PKCS#8.  load checks that the halves belong together.
 */
enum jit_err ssh_priv_save(const struct ssh_priv *p, struct secret *ret);
enum jit_err ssh_priv_load(enum ssh_type t, struct span bytes,
    struct ssh_priv **ret, struct jit_why *why);
void ssh_priv_free(struct ssh_priv *p);
JIT_SCOPED_PTR(struct ssh_priv, ssh_priv_free);
const struct ssh_key *ssh_priv_public(const struct ssh_priv *p); /* borrowed */
/* OpenSSL's handle, for the signatures of X.509; borrowed. */
EVP_PKEY *ssh_priv_evp(const struct ssh_priv *p);
/*
 * The key as DER PKCS#8 (RFC 5958), Ed25519 as well: what TLS programs read.
 * load takes one of a type that ssh_priv_generate() makes and checks it as
 * ssh_priv_load() does.  Secret.  JIT_E_CRYPTO, JIT_E_NOMEM; JIT_E_KEYTYPE,
 * JIT_E_FORMAT.
 */
enum jit_err ssh_priv_save_pkcs8(const struct ssh_priv *p,
    struct secret *ret);
enum jit_err ssh_priv_load_pkcs8(struct span der, struct ssh_priv **ret,
    struct jit_why *why);
/*
 * Append a signature blob over data: Ed25519, ECDSA with its curve's hash,
 * RSA as rsa-sha2-512.  JIT_E_CRYPTO, or the writer's error.
 */
enum jit_err ssh_priv_sign(const struct ssh_priv *p, struct span data,
    struct wr *w);
/*
 * The key's fields as SSH_AGENTC_ADD_IDENTITY wants them behind the
 * certificate blob (OpenSSH PROTOCOL.agent; draft-miller-ssh-agent section
 * 3.2): Ed25519 string pk, string seed||pk; ECDSA mpint d; RSA mpint d,
 * iqmp, p, q.  Secret.
 */
enum jit_err ssh_priv_put_agent(const struct ssh_priv *p, struct wr *w);
/*
 * The file form that ssh reads: unencrypted OPENSSH PRIVATE KEY
 * (PROTOCOL.key).  Secret.
 */
enum jit_err ssh_priv_put_file(const struct ssh_priv *p, const char *comment,
    const struct rng *rng, struct wr *w);

#endif
