/*
 * profile - what a leaf is for: the one table of kinds of certificate.
 *
 * A profile fixes the extended key usage and what names a certificate may
 * carry; nothing that a CSR says has a part in it.  The rows stand in
 * profile.def.  Pure.
 */
#ifndef JIT_X509_PROFILE_H
#define JIT_X509_PROFILE_H

#include "ca/x509/name.h"

enum x509_use { X509_USE_CLIENT, X509_USE_SERVER };

struct x509_profile {
	const char *name;	/* as in policies and signed texts */
	enum x509_use use;	/* clientAuth or serverAuth, alone */
	unsigned max_o;		/* O values that a subject may have */
	unsigned kinds;		/* set of enum x509_san_kind */
	unsigned need;		/* of these kinds at least one; 0: none */
	const char *what;	/* for a person */
};

/* Borrowed, static.  NULL: there is none. */
const struct x509_profile *x509_profile_find(struct span name);
/* The i-th row; NULL behind the last. */
const struct x509_profile *x509_profile_at(size_t i);
/*
 * Do subject and SANs (both also checked as name.h says) fit the profile?
 * "URI:urn:jit:grant:..." is allowed under every profile and satisfies no
 * need; only cert.c demands it.  JIT_E_FORMAT, why says what does not fit.
 */
enum jit_err x509_profile_check(const struct x509_profile *p,
    const struct span *subject, size_t n_subject,
    const struct span *sans, size_t n_sans, struct jit_why *why);

#endif
