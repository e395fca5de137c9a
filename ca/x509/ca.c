#include <stdlib.h>
#include <string.h>

#include "ca/base/text.h"
#include "ca/x509/ca.h"
#include "ca/x509/tbs.h"

#define USE_BIT(u) (1u << (u))

struct x509_ca {
	struct buf der;			/* owned; p points into it */
	struct cert_parts p;
	struct ssh_key *key;		/* owned */
	struct span ski, aki;
	int pathlen;
	unsigned uses;			/* set of USE_BIT() */
};

void
x509_ca_free(struct x509_ca *ca)
{
	if (ca == NULL)
		return;
	ssh_key_free(ca->key);
	buf_done(&ca->der);
	free(ca);
}

struct span
x509_ca_der(const struct x509_ca *ca)
{
	return BUF_SPAN(ca->der);
}

const struct ssh_key *
x509_ca_key(const struct x509_ca *ca)
{
	return ca->key;
}

struct span
x509_ca_subject(const struct x509_ca *ca)
{
	return ca->p.subject;
}

struct span
x509_ca_ski(const struct x509_ca *ca)
{
	return ca->ski;
}

utc_s
x509_ca_after(const struct x509_ca *ca)
{
	return ca->p.after;
}

utc_s
x509_ca_before(const struct x509_ca *ca)
{
	return ca->p.before;
}

int
x509_ca_pathlen(const struct x509_ca *ca)
{
	return ca->pathlen;
}

bool
x509_ca_is_self_signed(const struct x509_ca *ca)
{
	return span_eq(ca->p.issuer, ca->p.subject) &&
	    (ca->aki.n == 0 || span_eq(ca->aki, ca->ski));
}

bool
x509_ca_allows(const struct x509_ca *ca, enum x509_use use)
{
	return (ca->uses & USE_BIT(use)) != 0;
}

/* ---- parse ---- */

/* CA:TRUE, and a pathlen that is one of ours. */
static bool
read_basic(struct x509_ca *ca, const struct ext *x)
{
	struct rd r = rd_of(x->value), in = der_enter(&r, DER_SEQ);
	bool is_ca = der_get_default_false(&in);
	struct span n;

	if (in.n > 0) {
		n = der_get_uint(&in, 1);
		ca->pathlen = n.n == 0 ? 0 : n.p[0];
	}
	return rd_end(&in) == JIT_OK && rd_end(&r) == JIT_OK && is_ca &&
	    x->critical;
}

static bool
read_usage(struct x509_ca *ca, const struct ext *x)
{
	/* BIT STRING, one unused bit: keyCertSign 5, cRLSign 6. */
	static const uint8_t both[] = { DER_BITS, 2, 1, 0x06 };

	(void)ca;
	return x->critical && span_eq(x->value, SPAN(both, sizeof(both)));
}

static bool
read_ext_usage(struct x509_ca *ca, const struct ext *x)
{
	struct rd r = rd_of(x->value), in = der_enter(&r, DER_SEQ);

	ca->uses = 0;
	while (in.err == JIT_OK && in.n > 0) {
		enum oid o = oid_find(der_get(&in, DER_OID));

		if (o == OID_CLIENT_AUTH)
			ca->uses |= USE_BIT(X509_USE_CLIENT);
		else if (o == OID_SERVER_AUTH)
			ca->uses |= USE_BIT(X509_USE_SERVER);
	}
	return rd_end(&in) == JIT_OK && rd_end(&r) == JIT_OK && ca->uses != 0;
}

static bool
read_ski(struct x509_ca *ca, const struct ext *x)
{
	ca->ski = ext_get_ski(x->value);
	return ca->ski.n > 0 && ca->ski.n <= 64;
}

static bool
read_aki(struct x509_ca *ca, const struct ext *x)
{
	ca->aki = ext_get_aki(x->value, false);
	return ca->aki.n > 0;
}

/* OpenSSL's, at linting, is the judge of these. */
static bool
read_constraints(struct x509_ca *ca, const struct ext *x)
{
	(void)ca;
	(void)x;
	return true;
}

static const struct known {
	enum oid oid;
	bool needed;
	bool (*read)(struct x509_ca *ca, const struct ext *x);
	const char *rule;
} known[] = {
	{ OID_BASIC_CONSTRAINTS, true, read_basic, "critical CA:TRUE" },
	{ OID_KEY_USAGE, true, read_usage, "critical, keyCertSign and cRLSign "
	    "alone" },
	{ OID_SKI, true, read_ski, "a key id" },
	{ OID_AKI, false, read_aki, "a key id" },
	{ OID_EXT_KEY_USAGE, false, read_ext_usage, "clientAuth, serverAuth" },
	{ OID_NAME_CONSTRAINTS, false, read_constraints, "" },
};
#define KNOWN (sizeof(known) / sizeof(known[0]))

static enum jit_err
read_one(struct x509_ca *ca, const struct ext *x, unsigned *seen,
    struct jit_why *why)
{
	enum oid o = oid_find(x->oid);
	char shown[OID_SHOWN];

	for (size_t i = 0; i < KNOWN; i++) {
		if (known[i].oid != o)
			continue;
		if ((*seen & 1u << i) != 0 || !known[i].read(ca, x))
			return jit_fail(why, JIT_E_FORMAT, "the CA "
			    "certificate's %s; accepted is, once, %s",
			    oid_name(o), known[i].rule);
		*seen |= 1u << i;
		return JIT_OK;
	}
	if (x->critical)
		return jit_fail(why, JIT_E_FORMAT, "the CA certificate has a "
		    "critical extension that we do not know, %s",
		    oid_shown(x->oid, shown));
	return JIT_OK;
}

static enum jit_err
read_extensions(struct x509_ca *ca, struct jit_why *why)
{
	struct rd r = ca->p.exts;
	unsigned seen = 0;
	struct ext x;

	while (ext_next(&r, &x))
		JIT_TRY(read_one(ca, &x, &seen, why));
	if (r.err != JIT_OK)
		return jit_fail(why, JIT_E_FORMAT, "malformed extensions");
	for (size_t i = 0; i < KNOWN; i++)
		if (known[i].needed && (seen & 1u << i) == 0)
			return jit_fail(why, JIT_E_FORMAT, "the CA certificate "
			    "has no %s", oid_name(known[i].oid));
	return JIT_OK;
}

static enum jit_err
check_shape(const struct x509_ca *ca, struct jit_why *why)
{
	bool self = x509_ca_is_self_signed(ca);

	if (!self && ca->aki.n == 0)
		return jit_fail(why, JIT_E_FORMAT, "the CA certificate has no "
		    "authorityKeyIdentifier");
	if (self ? ca->pathlen > 1 : ca->pathlen != 0)
		return jit_fail(why, JIT_E_FORMAT, "the CA certificate's path "
		    "length; accepted is %s", self ? "none, 0 or 1" : "0");
	if (ca->p.subject.n <= 2)
		return jit_fail(why, JIT_E_FORMAT, "the CA certificate names "
		    "no subject");
	return JIT_OK;
}

enum jit_err
x509_ca_parse(struct span der, struct x509_ca **ret, struct jit_why *why)
{
	JIT_SCOPED(x509_ca_free) struct x509_ca *ca = calloc(1, sizeof(*ca));

	if (ca == NULL)
		return JIT_E_NOMEM;
	if (der.n > X509_CA_MAX)
		return jit_fail(why, JIT_E_SIZE, "a CA certificate of %zu "
		    "bytes, accepted are at most %d", der.n, X509_CA_MAX);
	JIT_TRY(buf_copy(&ca->der, der));
	JIT_TRY(cert_parts_read(BUF_SPAN(ca->der), &ca->p, why));
	ca->pathlen = X509_PATHLEN_NONE;
	ca->uses = USE_BIT(X509_USE_CLIENT) | USE_BIT(X509_USE_SERVER);
	JIT_TRY(read_extensions(ca, why));
	JIT_TRY(check_shape(ca, why));
	JIT_TRY(x509_key_from_spki(ca->p.spki, &ca->key, why));
	*ret = ca;
	ca = NULL;
	return JIT_OK;
}

/* ---- verify ---- */

static enum jit_err
check_inside(utc_s after, utc_s before, const struct x509_ca *issuer,
    struct jit_why *why)
{
	char a[UTC_TEXT], b[UTC_TEXT];

	if (after >= issuer->p.after && before <= issuer->p.before)
		return JIT_OK;
	utc_text(issuer->p.after, a);
	utc_text(issuer->p.before - 1, b);
	return jit_fail(why, JIT_E_WINDOW, "validity outside the issuer's own, "
	    "%s to %s", a, b);
}

enum jit_err
x509_ca_verify(const struct x509_ca *ca, const struct x509_ca *issuer,
    struct jit_why *why)
{
	bool self = x509_ca_is_self_signed(ca);

	if (!span_eq(ca->p.issuer, issuer->p.subject) ||
	    (ca->aki.n > 0 && !span_eq(ca->aki, issuer->ski)))
		return jit_fail(why, JIT_E_VERIFY, "the CA certificate names "
		    "another issuer");
	if (!self && issuer->pathlen == 0)
		return jit_fail(why, JIT_E_VERIFY, "the issuer's path length "
		    "allows no CA below it");
	JIT_TRY(check_inside(ca->p.after, ca->p.before, issuer, why));
	return x509_sig_verify_alg(issuer->key, ca->p.s.alg, ca->p.s.tbs,
	    ca->p.s.sig, why);
}

/* ---- make ---- */

static enum jit_err
check_fields(const struct x509_ca_fields *f, const struct ssh_key *subject,
    const struct x509_ca *issuer, enum ssh_type signing, struct jit_why *why)
{
	if (!x509_is_value(f->cn) || (f->o.n > 0 && !x509_is_value(f->o)))
		return jit_fail(why, JIT_E_FORMAT, "the CA's name; accepted "
		    "are 1 to %d of [A-Za-z0-9._@:-]", X509_VALUE_MAX);
	if (!serial_is_ours(f->serial))
		return jit_fail(why, JIT_E_FORMAT, "a serial that is zero or "
		    "of 128 bits");
	if (issuer == NULL ? f->pathlen < X509_PATHLEN_NONE || f->pathlen > 1 :
	    f->pathlen != 0)
		return jit_fail(why, JIT_E_FORMAT, "path length %d; accepted "
		    "is %s", f->pathlen, issuer == NULL ? "none, 0 or 1" :
		    "0");
	if (f->crl_url.n > 0 && (issuer == NULL || !is_crl_url(f->crl_url)))
		return jit_fail(why, JIT_E_FORMAT, issuer == NULL ?
		    "a self-signed CA points to no CRL" :
		    "the CRL's address; accepted is http:// or https://");
	if (f->after < 0 || f->before > UTC_MAX || f->after >= f->before)
		return jit_fail(why, JIT_E_WINDOW, "the CA's validity is empty "
		    "or past the year 9999");
	if (!x509_key_is_type(ssh_key_type(subject)))
		return jit_fail(why, JIT_E_KEYTYPE, "a CA key of type %s; "
		    "accepted are P-256, P-384, Ed25519, RSA",
		    ssh_key_type_name(subject));
	if (signing != ssh_key_type(issuer == NULL ? subject : issuer->key))
		return jit_fail(why, JIT_E_ARG, "the signing key is not of the "
		    "issuer's type");
	return JIT_OK;
}

static void
put_subject(struct wr *w, const struct x509_ca_fields *f)
{
	char cn[X509_VALUE_MAX + 4], o[X509_VALUE_MAX + 4];
	struct span both[2];

	memcpy(cn, "CN=", 3);
	memcpy(cn + 3, f->cn.p, f->cn.n);
	memcpy(o, "O=", 2);
	if (f->o.n > 0)
		memcpy(o + 2, f->o.p, f->o.n);
	both[0] = SPAN(cn, 3 + f->cn.n);
	both[1] = SPAN(o, 2 + f->o.n);
	x509_subject_put(w, both, f->o.n > 0 ? 2 : 1);
}

static void
put_extensions(struct wr *w, const struct x509_ca_fields *f, struct span ski,
    const struct x509_ca *issuer)
{
	static const uint8_t usage[] = { DER_BITS, 2, 1, 0x06 };
	size_t outer = der_begin(w, DER_CTXC(3)), list = der_begin(w, DER_SEQ);
	struct ext_mark m;
	size_t seq;

	if (issuer != NULL)
		ext_put_aki(w, issuer->ski);
	ext_put_ski(w, ski);
	m = ext_begin(w, OID_BASIC_CONSTRAINTS, true);
	seq = der_begin(w, DER_SEQ);
	der_put_true(w);
	if (f->pathlen != X509_PATHLEN_NONE)
		der_put_small(w, (uint8_t)f->pathlen);
	der_end(w, seq);
	ext_end(w, m);
	ext_put(w, OID_KEY_USAGE, true, SPAN(usage, sizeof(usage)));
	if (f->eku) {
		m = ext_begin(w, OID_EXT_KEY_USAGE, false);
		seq = der_begin(w, DER_SEQ);
		oid_put(w, OID_CLIENT_AUTH);
		oid_put(w, OID_SERVER_AUTH);
		der_end(w, seq);
		ext_end(w, m);
	}
	if (f->crl_url.n > 0)
		ext_put_crl_url(w, f->crl_url);
	der_end(w, list);
	der_end(w, outer);
}

enum jit_err
x509_ca_put_tbs(struct wr *w, const struct x509_ca_fields *f,
    const struct ssh_key *subject, const struct x509_ca *issuer,
    enum ssh_type signing, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr name = WR_INIT(1024);
	uint8_t ski[X509_SKI_LEN];
	size_t m;

	JIT_TRY(check_fields(f, subject, issuer, signing, why));
	put_subject(&name, f);
	JIT_TRY(name.err);
	if (issuer != NULL) {
		JIT_TRY(check_inside(f->after, f->before, issuer, why));
		if (span_eq(wr_view(&name), issuer->p.subject))
			return jit_fail(why, JIT_E_FORMAT, "the CA has its "
			    "issuer's name");
		if (issuer->pathlen == 0)
			return jit_fail(why, JIT_E_FORMAT, "the issuer's path "
			    "length allows no CA below it");
	}
	JIT_TRY(x509_key_ski(subject, ski));
	m = der_begin(w, DER_SEQ);
	cert_put_head(w, f->serial, signing, issuer == NULL ? wr_view(&name) :
	    issuer->p.subject, f->after, f->before);
	wr_span(w, wr_view(&name));
	x509_key_put_spki(w, subject);
	put_extensions(w, f, SPAN(ski, sizeof(ski)), issuer);
	der_end(w, m);
	return w->err;
}

enum jit_err
x509_ca_finish(struct wr *w, struct span tbs, struct span sig,
    const struct x509_ca *issuer, enum ssh_type signing, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr der = WR_INIT(X509_CA_MAX);
	JIT_SCOPED(x509_ca_free) struct x509_ca *ca = NULL;

	signed_put(&der, tbs, signing, sig);
	JIT_TRY(der.err);
	JIT_TRY(x509_ca_parse(wr_view(&der), &ca, why));
	JIT_TRY(x509_ca_verify(ca, issuer == NULL ? ca : issuer, why));
	wr_span(w, wr_view(&der));
	return w->err;
}

enum jit_err
x509_ca_make(struct wr *w, const struct x509_ca_fields *f,
    const struct ssh_key *subject, const struct x509_ca *issuer,
    const struct ssh_priv *signing, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr tbs = WR_INIT(X509_CA_MAX);
	JIT_DONE(wr_done) struct wr sig = WR_INIT(SSH_SIG_MAX);
	const struct ssh_key *pub = ssh_priv_public(signing);

	if (!ssh_key_eq(pub, issuer == NULL ? subject : issuer->key))
		return jit_fail(why, JIT_E_ARG, "the signing key is not the "
		    "issuer's");
	JIT_TRY(x509_ca_put_tbs(&tbs, f, subject, issuer, ssh_key_type(pub),
	    why));
	JIT_TRY(x509_sign(signing, wr_view(&tbs), &sig));
	return x509_ca_finish(w, wr_view(&tbs), wr_view(&sig), issuer,
	    ssh_key_type(pub), why);
}
