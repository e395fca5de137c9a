#include <stdio.h>
#include <string.h>

#include "ca/x509/cert_int.h"

enum jit_err
x509_serial_make(const struct rng *rng, uint8_t ret[static X509_SERIAL_LEN])
{
	uint8_t s[X509_SERIAL_LEN];

	/* Zero twice in a row is no chance but a broken source. */
	for (int i = 0; i < 2; i++) {
		JIT_TRY(rng_fill(rng, s, sizeof(s)));
		s[0] &= 0x7f;
		if (!serial_is_ours(s))
			continue;
		memcpy(ret, s, sizeof(s));
		return JIT_OK;
	}
	return JIT_E_RANDOM;
}

void
x509_grant_uri(const struct ulid *request,
    char ret[static X509_GRANT_URI_TEXT])
{
	(void)snprintf(ret, X509_GRANT_URI_TEXT, "%s%.*s", X509_GRANT_URI,
	    ULID_LEN, request->s);
}

/* ---- the rules of the fields ---- */

static enum jit_err
check_grant(const struct x509_fields *f, struct jit_why *why)
{
	size_t prefix = strlen(X509_GRANT_URI), n = 0;
	char want[X509_GRANT_URI_TEXT];
	struct ulid u;

	if (ulid_parse(span_str(f->request.s), &u) != JIT_OK)
		return jit_fail(why, JIT_E_FORMAT, "the request's id is none");
	x509_grant_uri(&f->request, want);
	for (size_t i = 0; i < f->n_sans; i++) {
		if (f->sans[i].n < prefix ||
		    memcmp(f->sans[i].p, X509_GRANT_URI, prefix) != 0)
			continue;
		if (!span_eq_str(f->sans[i], want))
			return jit_fail(why, JIT_E_FORMAT, "a SAN names the "
			    "grant of another request");
		n++;
	}
	return n == 1 ? JIT_OK : jit_fail(why, JIT_E_FORMAT, "the SANs lack "
	    "%s", want);
}

enum jit_err
x509_fields_check(const struct x509_fields *f, struct jit_why *why)
{
	if (f->profile == NULL)
		return jit_fail(why, JIT_E_ARG, "no profile");
	JIT_TRY(x509_profile_check(f->profile, f->subject, f->n_subject,
	    f->sans, f->n_sans, why));
	JIT_TRY(check_grant(f, why));
	if (!serial_is_ours(f->serial))
		return jit_fail(why, JIT_E_FORMAT, "a serial that is zero or "
		    "of 128 bits");
	if (f->crl_url.n > 0 && !is_crl_url(f->crl_url))
		return jit_fail(why, JIT_E_FORMAT, "the CRL's address; "
		    "accepted is http:// or https:// and at most %d "
		    "characters", X509_URL_MAX);
	/* OpenSSL takes notAfter itself, before - 1, for expired. */
	if (f->after < 0 || f->before > UTC_MAX || f->after > f->before - 2)
		return jit_fail(why, JIT_E_WINDOW, "a validity of less than "
		    "two seconds, or past the year 9999");
	return JIT_OK;
}

enum jit_err
cert_check_window(utc_s after, utc_s before, const struct x509_ca *ca,
    struct jit_why *why)
{
	char a[UTC_TEXT], b[UTC_TEXT];

	if (after >= x509_ca_after(ca) && before <= x509_ca_before(ca))
		return JIT_OK;
	utc_text(x509_ca_after(ca), a);
	utc_text(x509_ca_before(ca) - 1, b);
	return jit_fail(why, JIT_E_WINDOW, "validity outside the CA "
	    "certificate's own, %s to %s", a, b);
}

/* ---- encode ---- */

static void
put_usage(struct wr *w, enum x509_use use)
{
	static const uint8_t none[] = { DER_SEQ, 0 };
	/* BIT STRING, seven unused bits: digitalSignature is bit 0. */
	static const uint8_t sign[] = { DER_BITS, 2, 7, 0x80 };
	struct ext_mark m;
	size_t seq;

	ext_put(w, OID_BASIC_CONSTRAINTS, true, SPAN(none, sizeof(none)));
	ext_put(w, OID_KEY_USAGE, true, SPAN(sign, sizeof(sign)));
	m = ext_begin(w, OID_EXT_KEY_USAGE, false);
	seq = der_begin(w, DER_SEQ);
	oid_put(w, use == X509_USE_SERVER ? OID_SERVER_AUTH :
	    OID_CLIENT_AUTH);
	der_end(w, seq);
	ext_end(w, m);
}

static void
put_grant(struct wr *w, const struct x509_fields *f)
{
	struct ext_mark m = ext_begin(w, OID_GRANT, false);
	size_t seq = der_begin(w, DER_SEQ);

	der_put(w, DER_UTF8, SPAN(f->request.s, ULID_LEN));
	der_put(w, DER_OCTETS, DIGEST_SPAN(f->text));
	der_put(w, DER_UTF8, span_str(f->profile->name));
	der_end(w, seq);
	ext_end(w, m);
}

static void
put_extensions(struct wr *w, const struct x509_fields *f, struct span aki,
    struct span ski)
{
	static const uint8_t null[] = { DER_NULL, 0 };
	size_t outer = der_begin(w, DER_CTXC(3)), list = der_begin(w, DER_SEQ);
	struct ext_mark m;

	ext_put_aki(w, aki);
	ext_put_ski(w, ski);
	put_usage(w, f->profile->use);
	m = ext_begin(w, OID_SAN, false);
	x509_san_put(w, f->sans, f->n_sans);
	ext_end(w, m);
	if (f->crl_url.n > 0)
		ext_put_crl_url(w, f->crl_url);
	else
		ext_put(w, OID_NO_REV_AVAIL, false, SPAN(null, sizeof(null)));
	put_grant(w, f);
	der_end(w, list);
	der_end(w, outer);
}

enum jit_err
x509_put_tbs(struct wr *w, const struct x509_fields *f,
    const struct ssh_key *subject, const struct x509_ca *ca,
    struct jit_why *why)
{
	uint8_t ski[X509_SKI_LEN];
	size_t m;

	JIT_TRY(x509_fields_check(f, why));
	JIT_TRY(cert_check_window(f->after, f->before, ca, why));
	if (!x509_ca_allows(ca, f->profile->use))
		return jit_fail(why, JIT_E_VERIFY, "the CA certificate's "
		    "extKeyUsage does not allow profile %s",
		    f->profile->name);
	if (!x509_key_is_type(ssh_key_type(subject)))
		return jit_fail(why, JIT_E_KEYTYPE, "a %s key; accepted are "
		    "P-256, P-384, Ed25519, RSA", ssh_key_type_name(subject));
	JIT_TRY(x509_key_ski(subject, ski));
	m = der_begin(w, DER_SEQ);
	cert_put_head(w, f->serial, ssh_key_type(x509_ca_key(ca)),
	    x509_ca_subject(ca), f->after, f->before);
	x509_subject_put(w, f->subject, f->n_subject);
	x509_key_put_spki(w, subject);
	put_extensions(w, f, x509_ca_ski(ca), SPAN(ski, sizeof(ski)));
	der_end(w, m);
	return w->err;
}

void
x509_join(struct wr *w, struct span tbs, enum ssh_type t, struct span sig)
{
	signed_put(w, tbs, t, sig);
}

/* ---- the whole way ---- */

enum jit_err
x509_prepare(struct wr *tbs, const struct x509_fields *f,
    const struct ssh_key *subject, const struct x509_linter *l,
    struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(X509_CERT_MAX);

	JIT_TRY(x509_put_tbs(&w, f, subject, x509_linter_ca(l), why));
	JIT_TRY(x509_lint(l, wr_view(&w), f, subject, why));
	wr_span(tbs, wr_view(&w));
	return tbs->err;
}

enum jit_err
x509_finish(struct wr *w, struct span tbs, struct span sig,
    const struct x509_fields *f, const struct ssh_key *subject,
    const struct x509_ca *ca, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr der = WR_INIT(X509_CERT_MAX);
	JIT_SCOPED(x509_cert_free) struct x509_cert *c = NULL;

	x509_join(&der, tbs, ssh_key_type(x509_ca_key(ca)), sig);
	JIT_TRY(der.err);
	JIT_TRY(cert_parse_known(wr_view(&der), subject, &c, why));
	JIT_TRY(x509_cert_check_is(c, f, subject, ca, why));
	JIT_TRY(x509_cert_verify(c, ca, why));
	wr_span(w, wr_view(&der));
	return w->err;
}

enum jit_err
x509_make(struct wr *w, const struct x509_fields *f,
    const struct ssh_key *subject, const struct ssh_priv *ca_key,
    const struct x509_linter *l, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr tbs = WR_INIT(X509_CERT_MAX);
	JIT_DONE(wr_done) struct wr sig = WR_INIT(SSH_SIG_MAX);
	const struct x509_ca *ca = x509_linter_ca(l);

	if (!ssh_key_eq(ssh_priv_public(ca_key), x509_ca_key(ca)))
		return jit_fail(why, JIT_E_ARG, "the signing key is not the "
		    "CA's");
	JIT_TRY(x509_prepare(&tbs, f, subject, l, why));
	JIT_TRY(x509_sign(ca_key, wr_view(&tbs), &sig));
	return x509_finish(w, wr_view(&tbs), wr_view(&sig), f, subject, ca,
	    why);
}
