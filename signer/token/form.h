/*
 * form - a token's raw signature, judged and put into the form that is asked.
 *
 * PKCS #11 gives r || s for ECDSA, 64 bytes for Ed25519, the number for RSA.
 *
 *	FORM_SSH   a signature blob of SSH (ca/ssh/sig.h)
 *	FORM_X509  what stands in a BIT STRING of X.509: RFC 8410, RFC 5758
 *	           (DER), RFC 8017
 *
 * Keys: Ed25519, P-256, P-384, RSA.  The hash is the curve's own; for RSA
 * SHA-512 with SSH (rsa-sha2-512) and SHA-256 with X.509
 * (sha256WithRSAEncryption).  Pure.
 */
#ifndef JIT_SIGNER_TOKEN_FORM_H
#define JIT_SIGNER_TOKEN_FORM_H

#include "ca/ssh/key.h"
#include "signer/token/frame.h"

enum form { FORM_SSH, FORM_X509 };

/* JIT_E_KEYTYPE: a key that no token of ours may hold. */
enum jit_err form_check(const struct ssh_key *k, struct jit_why *why);
/* Over what k signs for f; FRAME_H_NONE: the message itself. */
enum frame_hash form_hash(const struct ssh_key *k, enum form f);
/*
 * What goes to the token: data itself, or its digest.  Appends to w.
 * JIT_E_CRYPTO, or the writer's error.
 */
enum jit_err form_prepare(enum frame_hash h, struct span data, struct wr *w);
/*
 * Does the raw signature hold for what was prepared?  JIT_E_CRYPTO, "the
 * token lied": it does not, or has not the shape of one.
 */
enum jit_err form_verify(const struct ssh_key *k, enum frame_hash h,
    struct span prepared, struct span raw, struct jit_why *why);
/* Append it in form f; raw has been verified. */
enum jit_err form_put(const struct ssh_key *k, enum form f, struct span raw,
    struct wr *w);

#endif
