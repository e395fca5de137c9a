/*
 * csr: a key and the proof of its possession, nothing else (cases 44, 54).
 */
#include <stdlib.h>
#include <string.h>

#include "tests/ca/x509/pki.h"

static const struct row {
	const char *name, *file;
	enum jit_err want;
	const char *says;	/* the message holds it */
} rows[] = {
	{ "P-256", "p256", JIT_OK, NULL },
	{ "P-256 with SHA-384", "p256-sha384", JIT_OK, NULL },
	{ "P-256 with SHA-512", "p256-sha512", JIT_OK, NULL },
	{ "P-384", "p384", JIT_OK, NULL },
	{ "Ed25519", "ed25519", JIT_OK, NULL },
	{ "RSA", "rsa", JIT_OK, NULL },
	{ "RSA with SHA-512", "rsa-sha512", JIT_OK, NULL },
	{ "case 44: CA:TRUE", "ca-true", JIT_E_FORMAT,
	    "extensionRequest for basicConstraints" },
	{ "case 44: keyCertSign", "key-cert-sign", JIT_E_FORMAT, "keyUsage" },
	{ "case 44: SAN", "san", JIT_E_FORMAT, "subjectAltName" },
	{ "case 44: nameConstraints", "constraints", JIT_E_FORMAT,
	    "nameConstraints" },
	{ "case 44: anyExtendedKeyUsage", "any-eku", JIT_E_FORMAT,
	    "extKeyUsage" },
	{ "case 44: an unknown extension", "unknown", JIT_E_FORMAT,
	    "1.2.3.4.5" },
	{ "case 44: challengePassword", "password", JIT_E_FORMAT,
	    "challengePassword" },
	{ "case 54: ECDSA with SHA-1", "p256-sha1", JIT_E_KEYTYPE,
	    "ecdsa-with-SHA1" },
	{ "case 54: ECDSA with SHA-224", "p256-sha224", JIT_E_KEYTYPE,
	    "1.2.840.10045.4.3.1" },
	{ "case 54: RSA with SHA-1", "rsa-sha1", JIT_E_KEYTYPE,
	    "sha1WithRSAEncryption" },
	{ "case 54: RSA with MD5", "rsa-md5", JIT_E_KEYTYPE,
	    "md5WithRSAEncryption" },
	{ "RSA-PSS signature", "rsa-pss", JIT_E_KEYTYPE, "RSASSA-PSS" },
	{ "RSA-PSS key", "pss", JIT_E_KEYTYPE, "RSASSA-PSS" },
	{ "P-521", "p521", JIT_E_KEYTYPE, "P-521" },
	{ "case 48: explicit curve", "explicit", JIT_E_KEYTYPE, "curve" },
	{ "RSA of 1024", "rsa1024", JIT_E_WEAKKEY, "1024" },
	{ "two RDNs", "two-rdn", JIT_E_FORMAT, "subject" },
	{ "one RDN of two", "multi-rdn", JIT_E_FORMAT, "subject" },
	{ "another CN", "other-cn", JIT_E_FORMAT, "subject" },
	{ "a lower-case id", "lower-cn", JIT_E_FORMAT, "subject" },
	{ "O instead of CN", "other-type", JIT_E_FORMAT, "subject" },
	{ "no subject", "no-subject", JIT_E_FORMAT, "subject" },
};

static void
open_row(void **state)
{
	const struct row *r = *state;
	JIT_DONE(buf_done) struct buf der = pki_vector("csr", r->file);
	JIT_DONE(csr_done) struct csr c = { .key = NULL };
	JIT_DONE(csr_done) struct csr again = { .key = NULL };
	struct jit_why why = { 0 };

	JT_WHY(csr_open(BUF_SPAN(der), &c, &why), r->want, &why);
	if (r->want == JIT_OK) {
		assert_true(span_eq_str(c.cn, PKI_ID));
		JT_OK(csr_read(BUF_SPAN(der), &again, NULL));
		assert_true(ssh_key_eq(c.key, again.key));
		return;
	}
	assert_null(c.key);
	if (strstr(why.msg, r->says) == NULL)
		fail_msg("\"%s\" lacks \"%s\"", why.msg, r->says);
}

/* What we write, openssl verifies and we read. */
static void
ours(void **state)
{
	const struct pki_type *t = *state;
	JIT_DONE(wr_done) struct wr w = WR_INIT(X509_CSR_MAX);
	JIT_DONE(wr_done) struct wr pem = WR_INIT(65536);
	JIT_DONE(buf_done) struct buf der = { NULL, 0 };
	JIT_DONE(csr_done) struct csr c = { .key = NULL };
	const char *path;

	JT_OK(csr_put(&w, pki_key(t->t, 0), span_str(PKI_ID), NULL));
	JT_OK(csr_open(wr_view(&w), &c, NULL));
	assert_true(ssh_key_eq(c.key, pki_pub(t->t, 0)));
	assert_true(span_eq_str(c.cn, PKI_ID));
	path = pki_file("ours.csr", "CERTIFICATE REQUEST", wr_view(&w));
	assert_true(pki_run(false, "openssl", "req", "-in", path, "-verify",
	    "-noout", NULL));
	assert_true(pki_run(false, "certtool", "--crq-info", "--infile", path,
	    NULL));
	x509_put_pem(&pem, "CERTIFICATE REQUEST", wr_view(&w));
	JT_OK(csr_from_pem(wr_view(&pem), &der, NULL));
	assert_true(span_eq(BUF_SPAN(der), wr_view(&w)));
}

static void
put_refused(void **state)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(X509_CSR_MAX);

	(void)state;
	JT_ERR(csr_put(&w, pki_key(SSH_ECDSA_P256, 0), span_str("alice"),
	    NULL), JIT_E_FORMAT);
	JT_ERR(csr_put(&w, pki_key(SSH_ECDSA_P521, 0), span_str(PKI_ID),
	    NULL), JIT_E_KEYTYPE);
	assert_int_equal(w.n, 0);
}

/* ---- possession (case 54) ---- */

/* As csr_put, of one key, signed by another of its type. */
static void
put_crossed(struct wr *w, const struct ssh_key *k, const struct ssh_priv *by)
{
	JIT_DONE(wr_done) struct wr own = WR_INIT(X509_CSR_MAX);
	JIT_DONE(wr_done) struct wr info = WR_INIT(X509_CSR_MAX);
	JIT_DONE(wr_done) struct wr sig = WR_INIT(SSH_SIG_MAX);
	struct rd r, all, in;
	struct span parts[2];
	size_t m;

	JT_OK(csr_put(&own, by, span_str(PKI_ID), NULL));
	r = rd_of(wr_view(&own));
	all = der_enter(&r, DER_SEQ);
	in = der_enter(&all, DER_SEQ);
	parts[0] = der_whole(&in);
	parts[1] = der_whole(&in);
	m = der_begin(&info, DER_SEQ);
	wr_span(&info, parts[0]);
	wr_span(&info, parts[1]);
	x509_key_put_spki(&info, k);
	der_put(&info, DER_CTXC(0), SPAN_NONE);
	der_end(&info, m);
	JT_OK(x509_sign(by, wr_view(&info), &sig));
	x509_join(w, wr_view(&info), ssh_key_type(ssh_priv_public(by)),
	    wr_view(&sig));
}

static void
crossed(void **state)
{
	const struct pki_type *t = *state;
	JIT_DONE(wr_done) struct wr w = WR_INIT(X509_CSR_MAX);
	JIT_DONE(csr_done) struct csr c = { .key = NULL }, d = { .key = NULL };
	struct jit_why why = { 0 };

	put_crossed(&w, pki_pub(t->t, 0), pki_key(t->t, 1));
	JT_WHY(csr_open(wr_view(&w), &c, &why), JIT_E_POSSESS, &why);
	JT_OK(csr_read(wr_view(&w), &d, NULL));
}

static void
flipped(void *arg, struct span s)
{
	struct span valid = *(struct span *)arg;
	JIT_DONE(csr_done) struct csr c = { .key = NULL };
	enum jit_err e = csr_open(s, &c, NULL);

	/* No bit of it may be another: ECDSA's DER is strict, too. */
	if (e == JIT_OK)
		fail_msg("a CSR of %zu bytes with a bit flipped is taken",
		    valid.n);
}

static void
flip(void **state)
{
	const struct pki_type *t = *state;
	JIT_DONE(wr_done) struct wr w = WR_INIT(X509_CSR_MAX);
	struct span valid;

	JT_OK(csr_put(&w, pki_key(t->t, 0), span_str(PKI_ID), NULL));
	valid = wr_view(&w);
	jt_flip_truncate_max(valid, t->t == SSH_RSA ? 300 : 3000, flipped,
	    &valid);
}

/* The signature value made all ones, zero, empty (RSA's -1 path). */
static void
odd_signatures(void **state)
{
	const struct pki_type *t = *state;
	JIT_DONE(wr_done) struct wr w = WR_INIT(X509_CSR_MAX);
	struct rd r, all;
	struct span info, sig;

	JT_OK(csr_put(&w, pki_key(t->t, 0), span_str(PKI_ID), NULL));
	r = rd_of(wr_view(&w));
	all = der_enter(&r, DER_SEQ);
	info = der_whole(&all);
	(void)der_whole(&all);
	sig = der_get_bits(&all);
	for (int i = 0; i < 4; i++) {
		JIT_DONE(wr_done) struct wr bad = WR_INIT(X509_CSR_MAX);
		JIT_DONE(csr_done) struct csr c = { .key = NULL };
		uint8_t fill[1024];

		memset(fill, i == 0 ? 0xff : 0, sizeof(fill));
		x509_join(&bad, info, t->t, SPAN(fill, i == 2 ? 0 :
		    i == 3 ? 1000 : sig.n));
		JT_ERR(csr_open(wr_view(&bad), &c, NULL), JIT_E_POSSESS);
	}
}

static void
sizes(void **state)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(2 << 20);
	JIT_DONE(csr_done) struct csr c = { .key = NULL };
	JIT_DONE(buf_done) struct buf der = { NULL, 0 };
	uint8_t *mib = calloc(1, 1 << 20);
	size_t m;

	(void)state;
	assert_non_null(mib);
	JT_ERR(csr_open(SPAN(mib, 1 << 20), &c, NULL), JIT_E_SIZE);
	JT_ERR(csr_from_pem(SPAN(mib, 1 << 20), &der, NULL), JIT_E_SIZE);
	m = der_begin(&w, DER_SEQ);
	wr_raw(&w, mib, X509_CSR_MAX - 4);
	der_end(&w, m);
	assert_int_equal(w.n, X509_CSR_MAX);
	JT_ERR(csr_open(wr_view(&w), &c, NULL), JIT_E_FORMAT);
	free(mib);
	JT_OK(csr_put(&w, pki_key(SSH_ECDSA_P256, 0), span_str(PKI_ID),
	    NULL));
	JT_ERR(csr_open(SPAN_NONE, &c, NULL), JIT_E_FORMAT);
}

static void
pem(void **state)
{
	JIT_DONE(buf_done) struct buf text = jt_file(jt_source(
	    "tests/ca/x509/vectors/csr-p256.pem"));
	JIT_DONE(buf_done) struct buf der = { NULL, 0 };
	JIT_DONE(csr_done) struct csr c = { .key = NULL };

	(void)state;
	JT_OK(csr_from_pem(BUF_SPAN(text), &der, NULL));
	JT_OK(csr_open(BUF_SPAN(der), &c, NULL));
	JT_ERR(csr_from_pem(span_str("-----BEGIN CERTIFICATE-----\nAQID\n"
	    "-----END CERTIFICATE-----\n"), &der, NULL), JIT_E_FORMAT);
}

int
main(void)
{
	return JT_ROWS("CSR", open_row, rows) +
	    JT_ROWS("ours", ours, pki_types) +
	    jt_one("refused to write", put_refused) +
	    JT_ROWS("case 54: another key's signature", crossed, pki_types) +
	    JT_ROWS("case 54: a bit flipped", flip, pki_types) +
	    JT_ROWS("case 54: odd signatures", odd_signatures, pki_types) +
	    jt_one("sizes", sizes) + jt_one("PEM", pem);
}
