/*
 * cert_int - what cert.c, cert_read.c and lint.c share.  Inside ca/x509 only.
 */
#ifndef JIT_X509_CERT_INT_H
#define JIT_X509_CERT_INT_H

#include "ca/x509/tbs.h"

struct x509_cert {
	struct buf der;			/* owned; the spans point into it */
	struct cert_parts p;
	struct span aki;
	struct x509_fields f;
	struct x509_names subject, sans;
	struct ssh_key *key;		/* owned; NULL when known says it */
	const struct ssh_key *known;	/* borrowed */
};

/*
 * As x509_cert_parse().  A key whose SubjectPublicKeyInfo is byte for byte
 * known's (NULL: none) is not decoded again but taken to be known, since one
 * key has one encoding; known then outlives the certificate.
 */
enum jit_err cert_parse_known(struct span der, const struct ssh_key *known,
    struct x509_cert **ret, struct jit_why *why);

/* JIT_E_WINDOW unless [after, before) is inside the CA's own. */
enum jit_err cert_check_window(utc_s after, utc_s before,
    const struct x509_ca *ca, struct jit_why *why);

/* The rules of struct x509_fields; also read back from a certificate. */
enum jit_err x509_fields_check(const struct x509_fields *f,
    struct jit_why *why);

#endif
