/*
 * name - whom a certificate names: subjects and subject alternative names.
 *
 * Both are lists of spans, exactly as they stand in a signed text.
 *
 * Subject: "CN=value" once and first, then 0 to 8 "O=value", strictly
 * ascending bytewise.  A value is 1 to 64 of [A-Za-z0-9._@:-]: no delimiter
 * of any printing of a name, so that none can be misread (case 45).  In DER
 * one RDN each, in that order, UTF8String.
 *
 * SANs: at most 16, strictly ascending bytewise:
 *
 *	DNS:db1.example.com        lower-case LDH labels (each 1 to 63), at
 *	                           most 253, no wildcard, no trailing dot, and
 *	                           no name that could be read as an address
 *	IP:127.0.0.1  IP:2001:db8::1    as inet_ntop() writes it, no zone; an
 *	                           IPv4-mapped address is refused
 *	URI:spiffe://x/y           a scheme and ':', then printable ASCII
 *	                           without space, quotes, comma, \ < > ^ ` { | }
 *	                           at most 255
 *	email:alice@example.com    [A-Za-z0-9._+-] @ a DNS name, at most 254
 *
 * Pure.
 */
#ifndef JIT_X509_NAME_H
#define JIT_X509_NAME_H

#include "ca/base/bytes.h"

#define X509_SUBJECT_MAX 9	/* CN and eight O */
#define X509_SANS_MAX 16
#define X509_VALUE_MAX 64	/* bytes behind "CN=" or "O=" */
#define X509_SAN_MAX 255	/* bytes behind "URI:" ... */

/* Kinds of SAN, as bits of a set. */
enum x509_san_kind {
	X509_SAN_DNS = 1, X509_SAN_IP = 2, X509_SAN_URI = 4, X509_SAN_EMAIL = 8,
};

/* A list of spans with its own storage.  {0} is empty. */
struct x509_names {
	struct span at[X509_SANS_MAX];	/* into text */
	size_t n;
	struct buf text;		/* owned */
};
void x509_names_done(struct x509_names *l);
JIT_SCOPED_OBJ(struct x509_names, x509_names_done);

/* [A-Za-z0-9._@:-]{1,64} */
bool x509_is_value(struct span s);
/* JIT_E_FORMAT: breaks a rule above, why says which and where. */
enum jit_err x509_subject_check(const struct span *s, size_t n,
    struct jit_why *why);
/* n may be 0.  JIT_E_FORMAT. */
enum jit_err x509_san_check(const struct span *s, size_t n,
    struct jit_why *why);
/* The kind of one SAN that has been checked. */
enum x509_san_kind x509_san_kind(struct span s);

/* Append the Name.  The list has been checked; else w fails. */
void x509_subject_put(struct wr *w, const struct span *s, size_t n);
/* Append the GeneralNames (SEQUENCE).  The list has been checked. */
void x509_san_put(struct wr *w, const struct span *s, size_t n);
/*
 * A whole Name or GeneralNames back to spans, under the same rules and with
 * our encoding only.  Returns owned.  JIT_E_FORMAT, JIT_E_NOMEM.
 */
enum jit_err x509_subject_get(struct span der, struct x509_names *ret,
    struct jit_why *why);
enum jit_err x509_san_get(struct span der, struct x509_names *ret,
    struct jit_why *why);

#endif
