/*
 * cert - leaf certificates: built, linted, read back, checked (RFC 5280).
 *
 * A leaf says what was approved and nothing of the CSR but its key.  v3, our
 * serial, the CA's own signature algorithm (key.h), and these extensions, in
 * this order:
 *
 *	authorityKeyIdentifier   the CA's SKI
 *	subjectKeyIdentifier     key.h
 *	basicConstraints         critical, CA:FALSE
 *	keyUsage                 critical, digitalSignature
 *	extKeyUsage              the profile's one
 *	subjectAltName           always holds URI:urn:jit:grant:<request>
 *	cRLDistributionPoints    one URL; or, without one,
 *	noRevAvail               NULL (RFC 9608)
 *	X509_GRANT_OID (oid.h)   SEQUENCE { UTF8String request id,
 *	                         OCTET STRING SHA-256 of the request's text,
 *	                         UTF8String profile }
 *
 * noRevAvail is unknown to OpenSSL 3.0, which prints and ignores it.
 *
 * Validity is half-open: notAfter = before - 1 s, so that no verifier takes
 * it at before.  OpenSSL takes notAfter itself for expired, others do not:
 * at before - 1 s they differ.  So an interval is at least two seconds.
 *
 * Pure: no clock.  Chance: the linter's throwaway key alone.
 */
#ifndef JIT_X509_CERT_H
#define JIT_X509_CERT_H

#include "ca/base/digest.h"
#include "ca/base/text.h"
#include "ca/x509/ca.h"

#define X509_CERT_MAX 32768	/* bytes of DER */
#define X509_SERIAL_LEN 16
#define X509_SERIAL_TEXT 33	/* 32 lower-case hex digits and NUL */
#define X509_GRANT_URI "URI:urn:jit:grant:"	/* and the request's ULID */

/* What a leaf says.  Everything is borrowed. */
struct x509_fields {
	const struct x509_profile *profile;
	uint8_t serial[X509_SERIAL_LEN]; /* big-endian; top bit clear, not 0 */
	const struct span *subject;	/* name.h */
	size_t n_subject;
	const struct span *sans;	/* name.h; the grant's URI among them */
	size_t n_sans;
	utc_s after, before;		/* [after, before) */
	struct span crl_url;		/* http(s); empty: noRevAvail */
	struct ulid request;
	struct digest text;		/* of the request's text */
};

/* 127 random bits, never zero.  JIT_E_RANDOM. */
enum jit_err x509_serial_make(const struct rng *rng,
    uint8_t ret[static X509_SERIAL_LEN]);
/* "urn:jit:grant:<request>" as a SAN, NUL-terminated. */
#define X509_GRANT_URI_TEXT (sizeof(X509_GRANT_URI) + ULID_LEN)
void x509_grant_uri(const struct ulid *request,
    char ret[static X509_GRANT_URI_TEXT]);

/*
 * Append the TBSCertificate that the CA's key is to sign.
 *	JIT_E_FORMAT   a field breaks a rule, why says which
 *	JIT_E_WINDOW   shorter than two seconds, or not inside the CA's own
 *	JIT_E_VERIFY   the CA's extKeyUsage forbids the profile's
 *	JIT_E_KEYTYPE
 */
enum jit_err x509_put_tbs(struct wr *w, const struct x509_fields *f,
    const struct ssh_key *subject, const struct x509_ca *ca,
    struct jit_why *why);
/*
 * Append SEQUENCE { tbs, the AlgorithmIdentifier of t, BIT STRING sig }.
 * Nothing is checked: x509_finish() does.
 */
void x509_join(struct wr *w, struct span tbs, enum ssh_type t,
    struct span sig);

struct x509_cert;	/* a leaf that was read; immutable */

/*
 * Strict: exactly the shape above, in that order, nothing more.  The
 * signature is not verified.  Copies der.  Returns owned.
 * JIT_E_FORMAT, JIT_E_SIZE, JIT_E_KEYTYPE, JIT_E_WEAKKEY.
 */
enum jit_err x509_cert_parse(struct span der, struct x509_cert **ret,
    struct jit_why *why);
void x509_cert_free(struct x509_cert *c);
JIT_SCOPED_PTR(struct x509_cert, x509_cert_free);
/* All borrowed for as long as c lives; the fields are complete. */
const struct x509_fields *x509_cert_fields(const struct x509_cert *c);
const struct ssh_key *x509_cert_subject_key(const struct x509_cert *c);
struct span x509_cert_der(const struct x509_cert *c);
/*
 * Issued by ca: name and key id (JIT_E_VERIFY), validity inside the CA's
 * (JIT_E_WINDOW), signature by the CA key's own algorithm (JIT_E_SIG).
 */
enum jit_err x509_cert_verify(const struct x509_cert *c,
    const struct x509_ca *ca, struct jit_why *why);
/* Does c name ca as its issuer, within ca's validity?  No signature. */
bool x509_cert_names(const struct x509_cert *c, const struct x509_ca *ca);
/*
 * Does c say exactly f for subject under ca?  The signature is not verified.
 * JIT_E_VERIFY, why names the field; JIT_E_WINDOW as x509_cert_verify.
 */
enum jit_err x509_cert_check_is(const struct x509_cert *c,
    const struct x509_fields *f, const struct ssh_key *subject,
    const struct x509_ca *ca, struct jit_why *why);

/* ---- lint before signing, as Boulder does ---- */

/*
 * A throwaway key of the CA key's type and a twin of the CA's certificate
 * that differs in its key alone.  Made once for each CA.  May be shared by
 * threads.
 */
struct x509_linter;

/*
 * Copies what it needs of ca.  Returns owned.  An RSA key takes some tenths
 * of a second.  JIT_E_CRYPTO, JIT_E_RANDOM, JIT_E_NOMEM; JIT_E_VERIFY: the CA
 * certificate does not stand OpenSSL's strict verification as an issuer.
 */
enum jit_err x509_linter_new(const struct x509_ca *ca, const struct rng *rng,
    struct x509_linter **ret, struct jit_why *why);
void x509_linter_free(struct x509_linter *l);
JIT_SCOPED_PTR(struct x509_linter, x509_linter_free);
/* The CA that it was made for; borrowed. */
const struct x509_ca *x509_linter_ca(const struct x509_linter *l);
/*
 * Sign tbs with the throwaway key, and hold the whole to our own rules
 * (parse, x509_cert_check_is) and to OpenSSL's: X509_verify_cert under the
 * twin, strict, with the purpose of the profile, at the first second; and its
 * comparison of times there, at before - 2 s (the last second that it takes),
 * and one second outside either end.  JIT_E_VERIFY or the first error found.
 */
enum jit_err x509_lint(const struct x509_linter *l, struct span tbs,
    const struct x509_fields *f, const struct ssh_key *subject,
    struct jit_why *why);

/* ---- the whole way ---- */

/* First half: encode and lint.  Appends the TBS only when it passes. */
enum jit_err x509_prepare(struct wr *tbs, const struct x509_fields *f,
    const struct ssh_key *subject, const struct x509_linter *l,
    struct jit_why *why);
/*
 * Second half: join with the CA's signature over tbs, parse again, compare
 * every field, verify.  Appends DER only when all holds.  JIT_E_SIG: the
 * signature (of a token, perhaps) does not hold.
 */
enum jit_err x509_finish(struct wr *w, struct span tbs, struct span sig,
    const struct x509_fields *f, const struct ssh_key *subject,
    const struct x509_ca *ca, struct jit_why *why);
/*
 * Both, signing with a key of this process between them.  JIT_E_ARG: ca_key
 * is not the CA's.
 */
enum jit_err x509_make(struct wr *w, const struct x509_fields *f,
    const struct ssh_key *subject, const struct ssh_priv *ca_key,
    const struct x509_linter *l, struct jit_why *why);

#endif
