/*
 * key - a struct ssh_key as X.509 writes it (SubjectPublicKeyInfo), and the
 * signatures of X.509.
 *
 * Four types, each with one algorithm of ours (RFC 5480, 5758, 8410, 3279,
 * 4055):
 *
 *	SSH_ECDSA_P256   ecdsa-with-SHA256
 *	SSH_ECDSA_P384   ecdsa-with-SHA384
 *	SSH_ED25519      Ed25519
 *	SSH_RSA          sha256WithRSAEncryption (PKCS#1 v1.5)
 *
 * Strict, since two encodings of one key would be two people: see
 * x509_key_from_spki().  Pure.
 */
#ifndef JIT_X509_KEY_H
#define JIT_X509_KEY_H

#include "ca/ssh/sig.h"

/* Is it one of the four? */
bool x509_key_is_type(enum ssh_type t);

/*
 * spki is the whole SEQUENCE and nothing behind it.  Returns owned.
 *	JIT_E_KEYTYPE  another algorithm or curve (P-521, DSA, RSA-PSS ...),
 *	               or a curve by explicit parameters (CVE-2020-0601)
 *	JIT_E_FORMAT   not DER, odd parameters, a compressed point, a point
 *	               off its curve, bytes behind
 *	JIT_E_WEAKKEY  RSA below 2048 bits, or what ssh_key_check_strength()
 *	               refuses
 */
enum jit_err x509_key_from_spki(struct span spki, struct ssh_key **ret,
    struct jit_why *why);
/* The whole SEQUENCE.  Fails w with JIT_E_KEYTYPE for other types. */
void x509_key_put_spki(struct wr *w, const struct ssh_key *k);
/*
 * The key identifier that we give a key: the first 20 bytes of SHA-256 of
 * the public key's BIT STRING (RFC 7093 section 2, method 1).
 */
#define X509_SKI_LEN 20
enum jit_err x509_key_ski(const struct ssh_key *k,
    uint8_t ret[static X509_SKI_LEN]);

/* Append the AlgorithmIdentifier of a type's signatures. */
void x509_put_sig_alg(struct wr *w, enum ssh_type t);

/*
 * Append the value of the signature BIT STRING over tbs: ECDSA as DER.
 * JIT_E_KEYTYPE, JIT_E_CRYPTO, or the writer's error.
 */
enum jit_err x509_sign(const struct ssh_priv *k, struct span tbs,
    struct wr *sig);
/*
 * What a PKCS#11 token returns, as that value: ECDSA's r || s (each as long
 * as the curve, 32 or 48 bytes) to DER; Ed25519 (64 bytes) and RSA as they
 * are.  JIT_E_FORMAT: another length, r or s is zero; JIT_E_KEYTYPE.
 */
enum jit_err x509_sig_from_raw(enum ssh_type t, struct span raw,
    struct wr *sig);
/*
 * Does sig hold for tbs under key, by the key's own algorithm?  OpenSSL's
 * answer is compared with 1 (case 29).  JIT_E_SIG: no; JIT_E_KEYTYPE.
 */
enum jit_err x509_sig_verify(const struct ssh_key *key, struct span tbs,
    struct span sig);
/*
 * The same for somebody else's signature, whose AlgorithmIdentifier (whole)
 * may name SHA-256, SHA-384 or SHA-512 with an ECDSA or RSA key.
 *	JIT_E_KEYTYPE  SHA-1, MD5, PSS, another key's algorithm
 *	JIT_E_FORMAT   odd parameters
 */
enum jit_err x509_sig_verify_alg(const struct ssh_key *key, struct span alg,
    struct span tbs, struct span sig, struct jit_why *why);

#endif
