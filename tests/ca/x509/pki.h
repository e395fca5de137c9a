/*
 * pki - keys, authorities and a leaf's fields for the tests of ca/x509, and
 * the programs of others that judge what we made.
 */
#ifndef JIT_TESTS_PKI_H
#define JIT_TESTS_PKI_H

#include "ca/x509/cert.h"
#include "ca/x509/crl.h"
#include "ca/x509/csr.h"
#include "ca/x509/der.h"
#include "ca/x509/key.h"
#include "tests/lib/jt.h"
#include "tests/lib/run.h"

#define PKI_FROM ((utc_s)1764000000)	/* 2025-11-24T16:00:00Z */
#define PKI_YEAR ((utc_s)365 * 86400)
#define PKI_ID "01JDE0V5Y8M3T1K3ZJ6X4N9Q2B"

/* The four types, with names for rows. */
extern const struct pki_type { const char *name; enum ssh_type t; }
    pki_types[4];

/* A key of that type; the same for the same i (below 4).  Borrowed. */
const struct ssh_priv *pki_key(enum ssh_type t, unsigned i);
const struct ssh_key *pki_pub(enum ssh_type t, unsigned i);

/* Either one self-signed CA or a root and an issuing CA.  All borrowed. */
struct pki {
	const struct ssh_priv *key;	/* of the issuing CA */
	struct x509_ca *ca, *root;	/* root is ca when there is one */
	struct x509_linter *lint;
};
const struct pki *pki(enum ssh_type t, bool two);

/* Fields that a CA certificate may have; valid for ten years. */
struct x509_ca_fields pki_ca_fields(const char *cn, int pathlen);

/* A leaf's fields, with their own lists. */
struct pki_leaf {
	struct x509_fields f;
	struct span subject[16], sans[20];
};
/* Valid for an hour from PKI_FROM, names that fit the profile. */
void pki_leaf(struct pki_leaf *l, const char *profile);
/* Made the whole way; owned. */
struct buf pki_cert(const struct pki *p, const struct pki_leaf *l,
    const struct ssh_key *subject);

/* vectors/KIND-NAME.der, made by openssl (make.sh there).  Owned. */
struct buf pki_vector(const char *kind, const char *name);

/* Write DER as PEM below the test's folder; the path is static. */
const char *pki_file(const char *name, const char *label, struct span der);
const char *pki_tmp(const char *name);
/* Run a program, its arguments up to NULL; prints what it said if it fails. */
bool pki_run(bool quiet, const char *program, ...) __attribute__((sentinel));
/*
 * Do openssl and certtool take the leaf at that moment?  purpose is
 * "sslclient" or "sslserver"; crl may be NULL.
 */
bool pki_openssl(const struct pki *p, const char *leaf, const char *purpose,
    utc_s at, const char *crl);
bool pki_certtool(const struct pki *p, const char *leaf, const char *purpose,
    utc_s at, const char *crl);

#endif
