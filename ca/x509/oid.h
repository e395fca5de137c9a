/*
 * oid - the object identifiers that we write and know, as DER has them.
 *
 * Our own, of one extension of a leaf (cert.h), is made of a UUID, so that
 * nobody has to be asked for it: 6b41807c-d62c-4596-bd00-f411519ce4ba, cut
 * into seven numbers under Microsoft's arc for that purpose.  X.667 has
 * 2.25.<UUID as one number>, but GnuTLS and Go read no certificate with a
 * number of more than 64 and 31 bits in it.  Never change it: it is in
 * certificates that are out.
 */
#ifndef JIT_X509_OID_H
#define JIT_X509_OID_H

#include "ca/base/bytes.h"

#define X509_GRANT_OID							\
	"1.2.840.113556.1.8000.2554.27457.32892.54828.17814.48384."	\
	"15995217.10282170"

enum oid {
#define X(name, text, ...) OID_##name,
#include "ca/x509/oid.def"
#undef X
	OID_COUNT
};

/* The content bytes of an OBJECT IDENTIFIER; static. */
struct span oid_bytes(enum oid o);
/* A name for messages: "basicConstraints". */
const char *oid_name(enum oid o);
/* OID_COUNT when it is none of ours. */
enum oid oid_find(struct span bytes);
/* "basicConstraints", or "1.2.840.…" for one we have no name for. */
#define OID_SHOWN 96
const char *oid_shown(struct span bytes, char ret[static OID_SHOWN]);
void oid_put(struct wr *w, enum oid o);

#endif
