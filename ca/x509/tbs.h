/*
 * tbs - what certificates and CRLs have in common, inside ca/x509 only: the
 * three parts of what is signed, the fields around the extensions, and the
 * extensions (RFC 5280 sections 4.1, 4.2, 5.1).
 */
#ifndef JIT_X509_TBS_H
#define JIT_X509_TBS_H

#include "ca/x509/cert.h"
#include "ca/x509/der.h"
#include "ca/x509/key.h"
#include "ca/x509/oid.h"

/* SEQUENCE { tbs, algorithm, BIT STRING }; all whole and borrowed. */
struct signed_parts {
	struct span tbs, alg, sig;
};
/* JIT_E_FORMAT. */
enum jit_err signed_read(struct span der, struct signed_parts *ret);
void signed_put(struct wr *w, struct span tbs, enum ssh_type t,
    struct span sig);

/* A certificate's fields; all borrowed. */
struct cert_parts {
	struct signed_parts s;
	struct span serial;		/* magnitude */
	struct span issuer, validity, subject, spki;	/* whole */
	utc_s after, before;		/* [after, before) */
	struct span exts_whole;		/* [3] */
	struct rd exts;			/* inside SEQUENCE OF Extension */
};
/*
 * v3, serial 1 to 20 bytes and positive, tbs.signature and the outer
 * algorithm the same bytes, no unique ids, extensions there.  JIT_E_FORMAT.
 */
enum jit_err cert_parts_read(struct span der, struct cert_parts *ret,
    struct jit_why *why);

/* A serial of ours: 1 to 16 bytes as magnitude, into 16.  False: it is none. */
bool serial_widen(struct span magnitude, uint8_t ret[static X509_SERIAL_LEN]);
/* Top bit clear and not zero. */
bool serial_is_ours(const uint8_t s[static X509_SERIAL_LEN]);

/* Version, serial, algorithm, issuer, validity: a TBS up to its subject. */
void cert_put_head(struct wr *w, const uint8_t serial[static X509_SERIAL_LEN],
    enum ssh_type signing, struct span issuer, utc_s after, utc_s before);

/* ---- extensions ---- */
struct ext {
	struct span oid, value;		/* value: inside the OCTET STRING */
	bool critical;
};
/* The next one; false at the end, or when r failed. */
bool ext_next(struct rd *r, struct ext *ret);

/* Two marks for what goes around an extension's value. */
struct ext_mark { size_t ext, octets; };
struct ext_mark ext_begin(struct wr *w, enum oid o, bool critical);
void ext_end(struct wr *w, struct ext_mark m);
void ext_put(struct wr *w, enum oid o, bool critical, struct span value);
void ext_put_aki(struct wr *w, struct span ski);
void ext_put_ski(struct wr *w, struct span ski);
/* One distribution point with one URI. */
void ext_put_crl_url(struct wr *w, struct span url);

/*
 * Values read.  The key id of an AKI (strict: nothing else with it), of a
 * SKI, the URL of one distribution point; empty when it is not that.
 */
struct span ext_get_aki(struct span value, bool strict);
struct span ext_get_ski(struct span value);
struct span ext_get_crl_url(struct span value);

/* http:// or https://, printable ASCII without space, quotes, comma. */
bool is_crl_url(struct span s);

#endif
