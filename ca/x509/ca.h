/*
 * ca - certificates of authorities: made, read, checked (RFC 5280).
 *
 * Either one self-signed CA that issues leaves itself, or a root (which may
 * stay offline) and an issuing CA below it.  What x509_ca_parse() demands:
 *
 *	v3; serial positive, at most 20 bytes
 *	signature with SHA-256, -384, -512 or Ed25519
 *	basicConstraints  critical, CA:TRUE; pathlen 0 (issuing), or none, 0
 *	                  or 1 when self-signed
 *	keyUsage          critical, keyCertSign and cRLSign and nothing else
 *	subjectKeyIdentifier
 *	authorityKeyIdentifier by key id, unless self-signed
 *	a key as key.h accepts it
 *
 * Names and further extensions may be somebody else's, since a root may be;
 * of critical ones only nameConstraints and extKeyUsage are known, and an
 * extKeyUsage must allow clientAuth or serverAuth.  The signature is not
 * verified by parsing.  Pure: no clock.
 */
#ifndef JIT_X509_CA_H
#define JIT_X509_CA_H

#include "ca/base/utc.h"
#include "ca/ssh/sig.h"
#include "ca/x509/profile.h"

#define X509_CA_MAX 16384	/* bytes of DER */
#define X509_URL_MAX 512
#define X509_PATHLEN_NONE (-1)

struct x509_ca;		/* immutable once made; may be shared by threads */

/* Copies der.  Returns owned.  JIT_E_FORMAT, _SIZE, _KEYTYPE, _WEAKKEY. */
enum jit_err x509_ca_parse(struct span der, struct x509_ca **ret,
    struct jit_why *why);
void x509_ca_free(struct x509_ca *ca);
JIT_SCOPED_PTR(struct x509_ca, x509_ca_free);
/* All borrowed for as long as ca lives. */
struct span x509_ca_der(const struct x509_ca *ca);
const struct ssh_key *x509_ca_key(const struct x509_ca *ca);
struct span x509_ca_subject(const struct x509_ca *ca);	/* whole Name */
struct span x509_ca_ski(const struct x509_ca *ca);
utc_s x509_ca_after(const struct x509_ca *ca);		/* [after, before) */
utc_s x509_ca_before(const struct x509_ca *ca);
int x509_ca_pathlen(const struct x509_ca *ca);		/* or PATHLEN_NONE */
/* Issuer and subject are one name, and AKI, if any, is its SKI. */
bool x509_ca_is_self_signed(const struct x509_ca *ca);
/* Its extKeyUsage, if any, allows that use. */
bool x509_ca_allows(const struct x509_ca *ca, enum x509_use use);
/*
 * ca was issued by issuer (ca itself when self-signed): names, key ids,
 * validity inside (JIT_E_WINDOW), path length (JIT_E_VERIFY), signature
 * (JIT_E_SIG).
 */
enum jit_err x509_ca_verify(const struct x509_ca *ca,
    const struct x509_ca *issuer, struct jit_why *why);

/* What a CA certificate that we make says. */
struct x509_ca_fields {
	struct span cn, o;	/* values as in name.h; o may be empty */
	utc_s after, before;	/* half-open: notAfter = before - 1 s */
	int pathlen;		/* 0, 1, or X509_PATHLEN_NONE (root only) */
	bool eku;		/* constrain to clientAuth and serverAuth */
	uint8_t serial[16];	/* top bit clear, never zero */
	struct span crl_url;	/* where the issuer's CRL is; may be empty */
};

/*
 * Append the TBSCertificate for subject.  issuer NULL: self-signed, and
 * signing is subject's type; else signing is the issuer key's type.
 *	JIT_E_ARG      signing does not go with the issuer
 *	JIT_E_FORMAT   a name, serial, URL, pathlen that breaks a rule
 *	JIT_E_WINDOW   empty, past 9999, or not inside the issuer's
 *	JIT_E_KEYTYPE
 */
enum jit_err x509_ca_put_tbs(struct wr *w, const struct x509_ca_fields *f,
    const struct ssh_key *subject, const struct x509_ca *issuer,
    enum ssh_type signing, struct jit_why *why);
/*
 * The whole way: encode, sign with signing (subject's private half when
 * self-signed, else the issuer's), parse again, verify.  Appends DER to w
 * only when all of it holds.
 */
enum jit_err x509_ca_make(struct wr *w, const struct x509_ca_fields *f,
    const struct ssh_key *subject, const struct x509_ca *issuer,
    const struct ssh_priv *signing, struct jit_why *why);
/*
 * The second half, for a key on a token: join tbs (of x509_ca_put_tbs) and
 * sig (of x509_sig_from_raw), parse again, verify.  Appends as above.
 */
enum jit_err x509_ca_finish(struct wr *w, struct span tbs, struct span sig,
    const struct x509_ca *issuer, enum ssh_type signing, struct jit_why *why);

#endif
