#include <stdlib.h>
#include <string.h>

#include "ca/x509/cert_int.h"

void
x509_cert_free(struct x509_cert *c)
{
	if (c == NULL)
		return;
	ssh_key_free(c->key);
	x509_names_done(&c->subject);
	x509_names_done(&c->sans);
	buf_done(&c->der);
	free(c);
}

const struct x509_fields *
x509_cert_fields(const struct x509_cert *c)
{
	return &c->f;
}

const struct ssh_key *
x509_cert_subject_key(const struct x509_cert *c)
{
	return c->key != NULL ? c->key : c->known;
}

struct span
x509_cert_der(const struct x509_cert *c)
{
	return BUF_SPAN(c->der);
}

/* ---- parse ---- */

/* The next extension must be o; its value. */
static struct span
take(struct rd *r, enum oid o, bool critical, enum oid *failed)
{
	struct ext x = { .value = SPAN_NONE };

	if (r->err != JIT_OK)
		return SPAN_NONE;
	if (ext_next(r, &x) && x.critical == critical &&
	    span_eq(x.oid, oid_bytes(o)))
		return x.value;
	rd_fail(r);
	*failed = o;
	return SPAN_NONE;
}

static bool
is_next(struct rd r, enum oid o)
{
	struct ext x;

	return ext_next(&r, &x) && span_eq(x.oid, oid_bytes(o));
}

static bool
is_bytes(struct span s, const char *bytes, size_t n)
{
	return span_eq(s, SPAN(bytes, n));
}

/* SEQUENCE { one OID }; OID_COUNT when it is not that. */
static enum oid
only_usage(struct span value)
{
	struct rd r = rd_of(value), in = der_enter(&r, DER_SEQ);
	struct span oid = der_get(&in, DER_OID);

	return rd_end(&in) == JIT_OK && rd_end(&r) == JIT_OK ?
	    oid_find(oid) : OID_COUNT;
}

/* Request, digest, profile; the profile's use must be the one that is there. */
static bool
read_grant(struct x509_fields *f, struct span value, enum oid use)
{
	struct rd r = rd_of(value), in = der_enter(&r, DER_SEQ);
	struct span id = der_get(&in, DER_UTF8), text, profile;

	text = der_get(&in, DER_OCTETS);
	profile = der_get(&in, DER_UTF8);
	if (rd_end(&in) != JIT_OK || rd_end(&r) != JIT_OK ||
	    text.n != sizeof(f->text.b) ||
	    ulid_parse(id, &f->request) != JIT_OK ||
	    (f->profile = x509_profile_find(profile)) == NULL)
		return false;
	memcpy(f->text.b, text.p, sizeof(f->text.b));
	return use == (f->profile->use == X509_USE_SERVER ? OID_SERVER_AUTH :
	    OID_CLIENT_AUTH);
}

/* The values of the extensions, in the one order that we write. */
struct values {
	struct span aki, ski, basic, usage, ext_usage, san, crl, no_rev, grant;
};

static enum jit_err
take_extensions(struct rd r, struct values *v, struct jit_why *why)
{
	enum oid failed = OID_COUNT;

	v->aki = take(&r, OID_AKI, false, &failed);
	v->ski = take(&r, OID_SKI, false, &failed);
	v->basic = take(&r, OID_BASIC_CONSTRAINTS, true, &failed);
	v->usage = take(&r, OID_KEY_USAGE, true, &failed);
	v->ext_usage = take(&r, OID_EXT_KEY_USAGE, false, &failed);
	v->san = take(&r, OID_SAN, false, &failed);
	if (is_next(r, OID_CRL_POINTS))
		v->crl = take(&r, OID_CRL_POINTS, false, &failed);
	else
		v->no_rev = take(&r, OID_NO_REV_AVAIL, false, &failed);
	v->grant = take(&r, OID_GRANT, false, &failed);
	if (failed != OID_COUNT)
		return jit_fail(why, JIT_E_FORMAT, "the certificate's %s is "
		    "not in its place", oid_name(failed));
	if (rd_end(&r) != JIT_OK)
		return jit_fail(why, JIT_E_FORMAT, "the certificate has more "
		    "extensions than ours");
	return JIT_OK;
}

static enum jit_err
read_values(struct x509_cert *c, const struct values *v, struct jit_why *why)
{
	const char *bad = NULL;

	c->aki = ext_get_aki(v->aki, true);
	if (c->aki.n == 0)
		bad = "authorityKeyIdentifier";
	else if (!is_bytes(v->basic, "\x30\0", 2))
		bad = "basicConstraints";
	else if (!is_bytes(v->usage, "\x03\x02\x07\x80", 4))
		bad = "keyUsage";
	else if (!read_grant(&c->f, v->grant, only_usage(v->ext_usage)))
		bad = "extKeyUsage or grant";
	else if (v->crl.n > 0 &&
	    (c->f.crl_url = ext_get_crl_url(v->crl)).n == 0)
		bad = "cRLDistributionPoints";
	else if (v->crl.n == 0 && !is_bytes(v->no_rev, "\x05\0", 2))
		bad = "noRevAvail";
	if (bad != NULL)
		return jit_fail(why, JIT_E_FORMAT, "the certificate's %s is "
		    "none of ours", bad);
	return JIT_OK;
}

/* The subject's key, and the key id that is its own. */
static enum jit_err
read_key(struct x509_cert *c, const struct ssh_key *known, struct span ski,
    struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(SSH_BLOB_MAX);
	uint8_t own[X509_SKI_LEN];

	if (known != NULL)
		x509_key_put_spki(&w, known);
	if (known != NULL && w.err == JIT_OK &&
	    span_eq(wr_view(&w), c->p.spki))
		c->known = known;
	else
		JIT_TRY(x509_key_from_spki(c->p.spki, &c->key, why));
	JIT_TRY(x509_key_ski(x509_cert_subject_key(c), own));
	if (!span_eq(ext_get_ski(ski), SPAN(own, sizeof(own))))
		return jit_fail(why, JIT_E_FORMAT, "the certificate's "
		    "subjectKeyIdentifier is not its key's");
	return JIT_OK;
}

enum jit_err
cert_parse_known(struct span der, const struct ssh_key *known,
    struct x509_cert **ret, struct jit_why *why)
{
	JIT_SCOPED(x509_cert_free) struct x509_cert *c = calloc(1, sizeof(*c));
	struct values v = { .crl = SPAN_NONE };

	if (c == NULL)
		return JIT_E_NOMEM;
	if (der.n > X509_CERT_MAX)
		return jit_fail(why, JIT_E_SIZE, "a certificate of %zu bytes, "
		    "accepted are at most %d", der.n, X509_CERT_MAX);
	JIT_TRY(buf_copy(&c->der, der));
	JIT_TRY(cert_parts_read(BUF_SPAN(c->der), &c->p, why));
	JIT_TRY(take_extensions(c->p.exts, &v, why));
	JIT_TRY(read_values(c, &v, why));
	JIT_TRY(x509_subject_get(c->p.subject, &c->subject, why));
	JIT_TRY(x509_san_get(v.san, &c->sans, why));
	if (!serial_widen(c->p.serial, c->f.serial))
		return jit_fail(why, JIT_E_FORMAT, "a serial that is none of "
		    "ours");
	c->f.subject = c->subject.at;
	c->f.n_subject = c->subject.n;
	c->f.sans = c->sans.at;
	c->f.n_sans = c->sans.n;
	c->f.after = c->p.after;
	c->f.before = c->p.before;
	JIT_TRY(x509_fields_check(&c->f, why));
	JIT_TRY(read_key(c, known, v.ski, why));
	*ret = c;
	c = NULL;
	return JIT_OK;
}

enum jit_err
x509_cert_parse(struct span der, struct x509_cert **ret, struct jit_why *why)
{
	return cert_parse_known(der, NULL, ret, why);
}

/* ---- check ---- */

static enum jit_err
check_issuer(const struct x509_cert *c, const struct x509_ca *ca,
    struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr alg = WR_INIT(64);

	x509_put_sig_alg(&alg, ssh_key_type(x509_ca_key(ca)));
	JIT_TRY(alg.err);
	if (!span_eq(c->p.issuer, x509_ca_subject(ca)) ||
	    !span_eq(c->aki, x509_ca_ski(ca)))
		return jit_fail(why, JIT_E_VERIFY, "the certificate names "
		    "another issuer");
	if (!span_eq(c->p.s.alg, wr_view(&alg)))
		return jit_fail(why, JIT_E_VERIFY, "the signature's algorithm "
		    "is not the CA key's");
	if (!x509_ca_allows(ca, c->f.profile->use))
		return jit_fail(why, JIT_E_VERIFY, "the CA certificate's "
		    "extKeyUsage does not allow profile %s",
		    c->f.profile->name);
	return cert_check_window(c->f.after, c->f.before, ca, why);
}

enum jit_err
x509_cert_verify(const struct x509_cert *c, const struct x509_ca *ca,
    struct jit_why *why)
{
	enum jit_err e;

	JIT_TRY(check_issuer(c, ca, why));
	e = x509_sig_verify(x509_ca_key(ca), c->p.s.tbs, c->p.s.sig);
	return e == JIT_OK ? JIT_OK : jit_fail(why, e, "the CA's signature "
	    "does not hold");
}

static bool
same_list(const struct span *a, size_t n, const struct span *b, size_t m)
{
	if (n != m)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!span_eq(a[i], b[i]))
			return false;
	return true;
}

static const char *
first_difference(const struct x509_fields *a, const struct x509_fields *b)
{
	if (a->profile != b->profile)
		return "profile";
	if (memcmp(a->serial, b->serial, sizeof(a->serial)) != 0)
		return "serial";
	if (!same_list(a->subject, a->n_subject, b->subject, b->n_subject))
		return "subject";
	if (!same_list(a->sans, a->n_sans, b->sans, b->n_sans))
		return "SAN";
	if (a->after != b->after)
		return "start";
	if (a->before != b->before)
		return "end";
	if (!span_eq(a->crl_url, b->crl_url))
		return "CRL address";
	if (memcmp(a->request.s, b->request.s, ULID_LEN) != 0)
		return "request";
	return digest_eq(&a->text, &b->text) ? NULL : "request's digest";
}

enum jit_err
x509_cert_check_is(const struct x509_cert *c, const struct x509_fields *f,
    const struct ssh_key *subject, const struct x509_ca *ca,
    struct jit_why *why)
{
	const char *what = first_difference(&c->f, f);

	if (what == NULL && !ssh_key_eq(x509_cert_subject_key(c), subject))
		what = "subject key";
	if (what != NULL)
		return jit_fail(why, JIT_E_VERIFY, "the certificate's %s is "
		    "not what was approved", what);
	return check_issuer(c, ca, why);
}

bool
x509_cert_names(const struct x509_cert *c, const struct x509_ca *ca)
{
	return check_issuer(c, ca, NULL) == JIT_OK;
}
