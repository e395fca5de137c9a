/*
 * csr - certification requests (PKCS#10, RFC 2986): they carry a key, and
 * the proof that whoever asks has its private half.  Nothing else.
 *
 *	SEQUENCE {
 *	  SEQUENCE { INTEGER 0, Name, SubjectPublicKeyInfo, [0] {} },
 *	  AlgorithmIdentifier, BIT STRING }
 *
 * Refused is whatever could be copied into a certificate by mistake (case
 * 44): any attribute, an extension request among them, and any subject but
 * CN=<26 characters>, the ULID of the access request.  The key is accepted
 * as key.h says, the signature with SHA-256, SHA-384, SHA-512 or Ed25519.
 * Pure.
 */
#ifndef JIT_X509_CSR_H
#define JIT_X509_CSR_H

#include "ca/ssh/sig.h"

#define X509_CSR_MAX 16384	/* bytes of DER */

struct csr {
	struct ssh_key *key;	/* owned */
	struct span cn;		/* 26 characters, borrowed from der */
};
/* Frees the key; fine on {0}. */
void csr_done(struct csr *c);
JIT_SCOPED_OBJ(struct csr, csr_done);

/*
 * Parse and verify.  On success the key is the caller's (csr_done).
 *	JIT_E_SIZE     longer than X509_CSR_MAX
 *	JIT_E_FORMAT   not DER of that shape; an attribute (why names it)
 *	JIT_E_KEYTYPE  the key or the signature's algorithm, SHA-1 among them
 *	JIT_E_WEAKKEY  as key.h; the policy's own floor is the caller's
 *	JIT_E_POSSESS  the key did not sign this
 */
enum jit_err csr_open(struct span der, struct csr *ret, struct jit_why *why);
/* The same without the signature: for what our own log holds. */
enum jit_err csr_read(struct span der, struct csr *ret, struct jit_why *why);
/*
 * Append a CSR's DER: cn is a ULID, the key signs by its own algorithm.
 * JIT_E_FORMAT, JIT_E_KEYTYPE, JIT_E_CRYPTO, or the writer's error.
 */
enum jit_err csr_put(struct wr *w, const struct ssh_priv *key, struct span cn,
    struct jit_why *why);
/* One "CERTIFICATE REQUEST".  Returns owned DER, not parsed.  JIT_E_FORMAT. */
enum jit_err csr_from_pem(struct span pem, struct buf *der,
    struct jit_why *why);

#endif
