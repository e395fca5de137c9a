#include <stdlib.h>

#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "ca/x509/cert_int.h"

JIT_SCOPED_PTR(X509, X509_free);
JIT_SCOPED_PTR(X509_STORE_CTX, X509_STORE_CTX_free);
JIT_SCOPED_PTR(X509_VERIFY_PARAM, X509_VERIFY_PARAM_free);

struct x509_linter {
	struct x509_ca *ca;		/* owned copy of the real one */
	struct x509_ca *twin;		/* owned; signs with key */
	struct ssh_priv *key;		/* owned; certifies nothing */
	STACK_OF(X509) *trusted;	/* owned: the twin alone */
};

void
x509_linter_free(struct x509_linter *l)
{
	if (l == NULL)
		return;
	x509_ca_free(l->ca);
	x509_ca_free(l->twin);
	ssh_priv_free(l->key);
	sk_X509_pop_free(l->trusted, X509_free);
	free(l);
}

const struct x509_ca *
x509_linter_ca(const struct x509_linter *l)
{
	return l->ca;
}

/* ca's certificate byte for byte but for the key and who signs it. */
static enum jit_err
put_twin(struct wr *w, const struct x509_ca *ca, const struct ssh_priv *key)
{
	JIT_DONE(wr_done) struct wr tbs = WR_INIT(2 * X509_CA_MAX);
	JIT_DONE(wr_done) struct wr sig = WR_INIT(SSH_SIG_MAX);
	enum ssh_type t = ssh_key_type(ssh_priv_public(key));
	struct cert_parts p;
	size_t m, v;

	JIT_TRY(cert_parts_read(x509_ca_der(ca), &p, NULL));
	m = der_begin(&tbs, DER_SEQ);
	v = der_begin(&tbs, DER_CTXC(0));
	der_put_small(&tbs, 2);
	der_end(&tbs, v);
	der_put_uint(&tbs, p.serial);
	x509_put_sig_alg(&tbs, t);
	wr_span(&tbs, p.issuer);
	wr_span(&tbs, p.validity);
	wr_span(&tbs, p.subject);
	x509_key_put_spki(&tbs, ssh_priv_public(key));
	wr_span(&tbs, p.exts_whole);
	der_end(&tbs, m);
	JIT_TRY(tbs.err);
	JIT_TRY(x509_sign(key, wr_view(&tbs), &sig));
	signed_put(w, wr_view(&tbs), t, wr_view(&sig));
	return w->err;
}

static X509 *
openssl_cert(struct span der)
{
	const uint8_t *at = der.p;
	X509 *x = d2i_X509(NULL, &at, (long)der.n);

	if (x != NULL && at != der.p + der.n) {
		X509_free(x);
		x = NULL;
	}
	return x;
}

/* Strict verification of x under the twin at a moment; X509_V_OK or why not. */
static enum jit_err
openssl_verify(const struct x509_linter *l, X509 *x, int purpose, utc_s at,
    struct jit_why *why)
{
	JIT_SCOPED(X509_STORE_CTX_free) X509_STORE_CTX *c =
	    X509_STORE_CTX_new();
	X509_VERIFY_PARAM *p;
	int bad;

	if (c == NULL || X509_STORE_CTX_init(c, NULL, x, NULL) != 1)
		return JIT_E_CRYPTO;
	X509_STORE_CTX_set0_trusted_stack(c, l->trusted);
	p = X509_STORE_CTX_get0_param(c);
	/* An issuing CA is trusted here without its root. */
	if (X509_VERIFY_PARAM_set_flags(p, X509_V_FLAG_X509_STRICT |
	    X509_V_FLAG_PARTIAL_CHAIN) != 1 ||
	    (purpose != 0 && X509_VERIFY_PARAM_set_purpose(p, purpose) != 1))
		return JIT_E_CRYPTO;
	X509_VERIFY_PARAM_set_time(p, (time_t)at);
	if (X509_verify_cert(c) == 1)
		return JIT_OK;
	bad = X509_STORE_CTX_get_error(c);
	return jit_fail(why, JIT_E_VERIFY, "OpenSSL's strict verification: %s",
	    X509_verify_cert_error_string(bad));
}

/* -1 too early, 0 valid, 1 expired: OpenSSL's own word at that moment. */
static int
openssl_when(const X509_VERIFY_PARAM *p, const X509 *x)
{
	return X509_cmp_timeframe(p, X509_get0_notBefore(x),
	    X509_get0_notAfter(x));
}

/*
 * The chain was verified at the first second.  What is left of the clock
 * needs no second verification: the seconds around both ends.  OpenSSL takes
 * notAfter, which is before - 1, for expired.
 */
static enum jit_err
check_ends(const X509 *x, utc_s after, utc_s before, struct jit_why *why)
{
	const struct { utc_s at; int want; } rows[] = {
		{ after - 1, -1 }, { after, 0 }, { before - 2, 0 },
		{ before, 1 },
	};
	JIT_SCOPED(X509_VERIFY_PARAM_free) X509_VERIFY_PARAM *p =
	    X509_VERIFY_PARAM_new();
	char text[UTC_TEXT];

	if (p == NULL)
		return JIT_E_NOMEM;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		X509_VERIFY_PARAM_set_time(p, (time_t)rows[i].at);
		if (openssl_when(p, x) == rows[i].want)
			continue;
		utc_text(rows[i].at, text);
		return jit_fail(why, JIT_E_VERIFY, "OpenSSL differs from us "
		    "whether the certificate is valid at %s", text);
	}
	return JIT_OK;
}

static enum jit_err
make_twin(struct x509_linter *l, const struct rng *rng, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr der = WR_INIT(2 * X509_CA_MAX);
	JIT_SCOPED(X509_free) X509 *x = NULL;
	const struct ssh_key *real = x509_ca_key(l->ca);

	JIT_TRY(ssh_priv_generate(ssh_key_type(real),
	    ssh_key_bits(real) > 3072 ? 4096 : 3072, rng, &l->key, why));
	JIT_TRY(put_twin(&der, l->ca, l->key));
	JIT_TRY(x509_ca_parse(wr_view(&der), &l->twin, why));
	if ((x = openssl_cert(wr_view(&der))) == NULL)
		return jit_fail(why, JIT_E_VERIFY, "OpenSSL does not read the "
		    "CA certificate");
	if ((l->trusted = sk_X509_new_null()) == NULL ||
	    sk_X509_push(l->trusted, x) <= 0)
		return JIT_E_NOMEM;
	x = NULL;
	return JIT_OK;
}

enum jit_err
x509_linter_new(const struct x509_ca *ca, const struct rng *rng,
    struct x509_linter **ret, struct jit_why *why)
{
	JIT_SCOPED(x509_linter_free) struct x509_linter *l =
	    calloc(1, sizeof(*l));
	X509 *twin;

	if (l == NULL)
		return JIT_E_NOMEM;
	JIT_TRY(x509_ca_parse(x509_ca_der(ca), &l->ca, why));
	JIT_TRY(make_twin(l, rng, why));
	twin = sk_X509_value(l->trusted, 0);
	if (X509_check_ca(twin) != 1)
		return jit_fail(why, JIT_E_VERIFY, "OpenSSL does not take the "
		    "CA certificate for one");
	JIT_TRY(openssl_verify(l, twin, 0, x509_ca_after(ca), why));
	*ret = l;
	l = NULL;
	return JIT_OK;
}

/* The twin's signature is verified by OpenSSL, so not once more by us. */
static enum jit_err
own_rules(const struct x509_linter *l, struct span der,
    const struct x509_fields *f, const struct ssh_key *subject,
    struct jit_why *why)
{
	JIT_SCOPED(x509_cert_free) struct x509_cert *c = NULL;

	JIT_TRY(cert_parse_known(der, subject, &c, why));
	return x509_cert_check_is(c, f, subject, l->twin, why);
}

enum jit_err
x509_lint(const struct x509_linter *l, struct span tbs,
    const struct x509_fields *f, const struct ssh_key *subject,
    struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr der = WR_INIT(X509_CERT_MAX);
	JIT_DONE(wr_done) struct wr sig = WR_INIT(SSH_SIG_MAX);
	JIT_SCOPED(X509_free) X509 *x = NULL;

	JIT_TRY(x509_sign(l->key, tbs, &sig));
	x509_join(&der, tbs, ssh_key_type(x509_ca_key(l->twin)),
	    wr_view(&sig));
	JIT_TRY(der.err);
	JIT_TRY(own_rules(l, wr_view(&der), f, subject, why));
	if ((x = openssl_cert(wr_view(&der))) == NULL)
		return jit_fail(why, JIT_E_VERIFY, "OpenSSL does not read the "
		    "certificate");
	JIT_TRY(openssl_verify(l, x, f->profile->use == X509_USE_SERVER ?
	    X509_PURPOSE_SSL_SERVER : X509_PURPOSE_SSL_CLIENT, f->after,
	    why));
	return check_ends(x, f->after, f->before, why);
}
