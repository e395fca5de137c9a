#include <stdio.h>
#include <string.h>

#include <openssl/asn1.h>
#include <openssl/objects.h>

#include "ca/x509/der.h"
#include "ca/x509/oid.h"

JIT_SCOPED_PTR(ASN1_OBJECT, ASN1_OBJECT_free);

struct row {
	const char *name;
	uint8_t n, b[40];
};
#define COUNT(...) (sizeof((const uint8_t[]){ __VA_ARGS__ }))
static const struct row rows[OID_COUNT] = {
#define X(name, text, ...)						\
	[OID_##name] = { text, COUNT(__VA_ARGS__), { __VA_ARGS__ } },
#include "ca/x509/oid.def"
#undef X
};

struct span
oid_bytes(enum oid o)
{
	return SPAN(rows[o].b, rows[o].n);
}

const char *
oid_name(enum oid o)
{
	return rows[o].name;
}

enum oid
oid_find(struct span bytes)
{
	for (int o = 0; o < OID_COUNT; o++)
		if (span_eq(bytes, oid_bytes((enum oid)o)))
			return (enum oid)o;
	return OID_COUNT;
}

const char *
oid_shown(struct span bytes, char ret[static OID_SHOWN])
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(128);
	JIT_SCOPED(ASN1_OBJECT_free) ASN1_OBJECT *o = NULL;
	enum oid known = oid_find(bytes);
	const uint8_t *at;

	if (known != OID_COUNT)
		return rows[known].name;
	der_put(&w, DER_OID, bytes);
	at = w.p;
	/* Digits and dots only (no_name is 1), cut to the array. */
	if (w.err != JIT_OK ||
	    (o = d2i_ASN1_OBJECT(NULL, &at, (long)w.n)) == NULL ||
	    OBJ_obj2txt(ret, OID_SHOWN, o, 1) <= 0)
		return "an odd object identifier";
	return ret;
}

void
oid_put(struct wr *w, enum oid o)
{
	der_put(w, DER_OID, oid_bytes(o));
}
