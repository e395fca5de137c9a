#include <string.h>

#include "ca/base/text.h"
#include "ca/x509/csr.h"
#include "ca/x509/der.h"
#include "ca/x509/key.h"
#include "ca/x509/oid.h"

void
csr_done(struct csr *c)
{
	ssh_key_free(c->key);
	*c = (struct csr){ .key = NULL };
}

/* A CSR in its parts; all borrowed. */
struct parts {
	struct span info, subject, spki, attributes, alg, sig;
};

static enum jit_err
take_apart(struct span der, struct parts *ret, struct jit_why *why)
{
	struct rd r = rd_of(der), all = der_enter(&r, DER_SEQ), info, head;
	struct parts p = { .info = der_whole(&all) };

	p.alg = der_whole(&all);
	p.sig = der_get_bits(&all);
	head = rd_of(p.info);
	info = der_enter(&head, DER_SEQ);
	/* Version 0: no magnitude. */
	if (der_get_uint(&info, 1).n != 0)
		rd_fail(&info);
	p.subject = der_whole(&info);
	p.spki = der_whole(&info);
	p.attributes = der_get(&info, DER_CTXC(0));
	if (rd_end(&all) != JIT_OK || rd_end(&r) != JIT_OK ||
	    rd_end(&info) != JIT_OK)
		return jit_fail(why, JIT_E_FORMAT, "not a certification "
		    "request (PKCS#10) in DER");
	*ret = p;
	return JIT_OK;
}

/* "subjectAltName, basicConstraints" of an extensionRequest's values. */
static void
list_extensions(struct wr *w, struct rd values)
{
	struct rd exts = der_enter(&values, DER_SEQ);
	char shown[OID_SHOWN];

	for (int i = 0; exts.err == JIT_OK && exts.n > 0 && i < 8; i++) {
		struct rd ext = der_enter(&exts, DER_SEQ);
		struct span oid = der_get(&ext, DER_OID);

		if (ext.err == JIT_OK)
			wr_fmt(w, "%s%s", i == 0 ? " for " : ", ",
			    oid_shown(oid, shown));
	}
}

static enum jit_err
refuse_attributes(struct span attributes, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(1024);
	struct rd r = rd_of(attributes), in = der_enter(&r, DER_SEQ);
	struct span oid = der_get(&in, DER_OID);
	char shown[OID_SHOWN];

	wr_str(&w, in.err == JIT_OK ? oid_shown(oid, shown) : "malformed");
	if (span_eq(oid, oid_bytes(OID_EXTENSION_REQUEST)))
		list_extensions(&w, der_enter(&in, DER_SET));
	wr_u8(&w, '\0');
	return jit_fail(why, JIT_E_FORMAT, "the CSR has an attribute (%s); a "
	    "CSR carries its key alone, the names come from the approved text",
	    w.err == JIT_OK ? (const char *)w.p : "many");
}

static enum jit_err
subject_of(struct span name, struct span *ret, struct jit_why *why)
{
	struct rd r = rd_of(name), seq = der_enter(&r, DER_SEQ);
	struct rd set = der_enter(&seq, DER_SET);
	struct rd pair = der_enter(&set, DER_SEQ);
	struct span oid = der_get(&pair, DER_OID), cn;
	struct ulid id;

	cn = der_get(&pair, der_is(&pair, DER_PRINTABLE) ? DER_PRINTABLE :
	    DER_UTF8);
	if (rd_end(&pair) != JIT_OK || rd_end(&set) != JIT_OK ||
	    rd_end(&seq) != JIT_OK || rd_end(&r) != JIT_OK ||
	    !span_eq(oid, oid_bytes(OID_CN)) || ulid_parse(cn, &id) != JIT_OK)
		return jit_fail(why, JIT_E_FORMAT, "the CSR's subject; "
		    "accepted is CN=<the request's id> alone");
	*ret = cn;
	return JIT_OK;
}

static enum jit_err
read_parts(struct span der, struct parts *p, struct csr *ret,
    struct jit_why *why)
{
	struct csr c = { .key = NULL };

	if (der.n > X509_CSR_MAX)
		return jit_fail(why, JIT_E_SIZE, "a CSR of %zu bytes, accepted "
		    "are at most %d", der.n, X509_CSR_MAX);
	JIT_TRY(take_apart(der, p, why));
	if (p->attributes.n > 0)
		return refuse_attributes(p->attributes, why);
	JIT_TRY(subject_of(p->subject, &c.cn, why));
	JIT_TRY(x509_key_from_spki(p->spki, &c.key, why));
	*ret = c;
	return JIT_OK;
}

enum jit_err
csr_read(struct span der, struct csr *ret, struct jit_why *why)
{
	struct parts p;

	return read_parts(der, &p, ret, why);
}

enum jit_err
csr_open(struct span der, struct csr *ret, struct jit_why *why)
{
	JIT_DONE(csr_done) struct csr c = { .key = NULL };
	struct parts p;
	enum jit_err e;

	JIT_TRY(read_parts(der, &p, &c, why));
	e = x509_sig_verify_alg(c.key, p.alg, p.info, p.sig, why);
	if (e == JIT_E_SIG)
		return jit_fail(why, JIT_E_POSSESS, "the CSR is not signed by "
		    "the key in it");
	JIT_TRY(e);
	*ret = c;
	c = (struct csr){ .key = NULL };
	return JIT_OK;
}

static void
put_info(struct wr *w, const struct ssh_key *k, struct span cn)
{
	size_t info = der_begin(w, DER_SEQ), name, rdn, pair;

	der_put_small(w, 0);
	name = der_begin(w, DER_SEQ);
	rdn = der_begin(w, DER_SET);
	pair = der_begin(w, DER_SEQ);
	oid_put(w, OID_CN);
	der_put(w, DER_UTF8, cn);
	der_end(w, pair);
	der_end(w, rdn);
	der_end(w, name);
	x509_key_put_spki(w, k);
	der_put(w, DER_CTXC(0), SPAN_NONE);
	der_end(w, info);
}

enum jit_err
csr_put(struct wr *w, const struct ssh_priv *key, struct span cn,
    struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr info = WR_INIT(X509_CSR_MAX);
	JIT_DONE(wr_done) struct wr sig = WR_INIT(SSH_SIG_MAX);
	const struct ssh_key *pub = ssh_priv_public(key);
	struct ulid id;
	size_t all;

	if (!x509_key_is_type(ssh_key_type(pub)))
		return jit_fail(why, JIT_E_KEYTYPE, "a CSR for a %s key; "
		    "accepted are P-256, P-384, Ed25519, RSA",
		    ssh_key_type_name(pub));
	if (ulid_parse(cn, &id) != JIT_OK)
		return jit_fail(why, JIT_E_FORMAT, "the CSR's CN is no "
		    "request's id");
	put_info(&info, pub, cn);
	JIT_TRY(info.err);
	JIT_TRY(x509_sign(key, wr_view(&info), &sig));
	all = der_begin(w, DER_SEQ);
	wr_span(w, wr_view(&info));
	x509_put_sig_alg(w, ssh_key_type(pub));
	der_put_bits(w, wr_view(&sig));
	der_end(w, all);
	return w->err;
}

enum jit_err
csr_from_pem(struct span pem, struct buf *der, struct jit_why *why)
{
	/* Base64 is longer than a third more. */
	if (pem.n > 2 * X509_CSR_MAX)
		return jit_fail(why, JIT_E_SIZE, "a CSR of %zu bytes of PEM",
		    pem.n);
	return x509_pem_one(pem, "CERTIFICATE REQUEST", der, why);
}
