/*
 * oid - the object identifiers that we write and know, as DER has them.
 *
 * Our own arc is 2.25.<UUID as a number> (X.667), which nobody has to be
 * asked for: 6b41807c-d62c-4596-bd00-f411519ce4ba, so
 * 2.25.142567500883795494840902935640142570682.  It names one extension of
 * a leaf (cert.h).  Never change it: it is in certificates that are out.
 */
#ifndef JIT_X509_OID_H
#define JIT_X509_OID_H

#include "ca/base/bytes.h"

#define X509_GRANT_OID "2.25.142567500883795494840902935640142570682"

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
