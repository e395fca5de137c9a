/*
 * crl - certificate revocation lists (RFC 5280 section 5): what was taken
 * back, signed by its CA.
 *
 * v2, complete, direct.  Entries are serial and moment, no reason; two
 * extensions, authorityKeyIdentifier and cRLNumber.  Without entries the
 * list itself is absent, and the CRL is valid: a server with revocation
 * checking on needs one from the first day.  Pure.
 */
#ifndef JIT_X509_CRL_H
#define JIT_X509_CRL_H

#include "ca/x509/cert.h"

#define X509_CRL_MAX ((size_t)64 << 20)	/* bytes of DER */

struct crl_entry {
	uint8_t serial[X509_SERIAL_LEN]; /* as in cert.h */
	utc_s at;				/* of revocation */
};

struct crl_fields {
	uint64_t number;			/* grows with each CRL; > 0 */
	utc_s this_update, next_update;		/* this < next */
	const struct crl_entry *entries;	/* strictly ascending by serial */
	size_t n;
};

/*
 * Append the TBSCertList that the CA's key is to sign.
 * JIT_E_FORMAT: number 0, entries out of order, a serial that is no serial
 * of ours; JIT_E_WINDOW: times.
 */
enum jit_err crl_put_tbs(struct wr *w, const struct crl_fields *f,
    const struct x509_ca *ca, struct jit_why *why);
/* Append SEQUENCE { tbs, algorithm of t, BIT STRING sig }; checks nothing. */
void crl_join(struct wr *w, struct span tbs, enum ssh_type t,
    struct span sig);

struct crl;	/* a CRL that was read; immutable */

/* Strict: the shape above and nothing more.  Copies der.  Returns owned. */
enum jit_err crl_parse(struct span der, struct crl **ret,
    struct jit_why *why);
void crl_free(struct crl *c);
JIT_SCOPED_PTR(struct crl, crl_free);
/* Borrowed for as long as c lives. */
const struct crl_fields *crl_fields(const struct crl *c);
struct span crl_der(const struct crl *c);
/* Its entry of that serial, borrowed; NULL: it has none. */
const struct crl_entry *crl_find(const struct crl *c,
    const uint8_t serial[static X509_SERIAL_LEN]);
bool crl_has(const struct crl *c,
    const uint8_t serial[static X509_SERIAL_LEN]);
/* Issued by ca (JIT_E_VERIFY) and its signature holds (JIT_E_SIG). */
enum jit_err crl_verify(const struct crl *c, const struct x509_ca *ca,
    struct jit_why *why);
/* Does c say exactly f?  JIT_E_VERIFY, why names the field. */
enum jit_err crl_check_is(const struct crl *c, const struct crl_fields *f,
    struct jit_why *why);
/* Join, parse again, compare, verify: for a signature made on a token. */
enum jit_err crl_finish(struct wr *w, struct span tbs, struct span sig,
    const struct crl_fields *f, const struct x509_ca *ca,
    struct jit_why *why);
/* The whole way.  Appends DER only when all holds.  JIT_E_ARG: not ca's key. */
enum jit_err crl_make(struct wr *w, const struct crl_fields *f,
    const struct x509_ca *ca, const struct ssh_priv *ca_key,
    struct jit_why *why);

#endif
