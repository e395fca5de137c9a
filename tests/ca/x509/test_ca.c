/*
 * ca: authorities of others and our own, on one level and two (cases 43, 47,
 * 48).
 */
#include <string.h>

#include "tests/ca/x509/pki.h"

static const struct row {
	const char *name, *file;
	enum jit_err want;
	bool self;
	int pathlen;
} rows[] = {
	{ "a root", "root", JIT_OK, true, -1 },
	{ "a root, RSA", "root-rsa", JIT_OK, true, -1 },
	{ "a root, Ed25519", "root-ed25519", JIT_OK, true, -1 },
	{ "a root, pathlen 1", "root-pathlen1", JIT_OK, true, 1 },
	{ "issuing", "issuing", JIT_OK, false, 0 },
	{ "issuing, EKU", "issuing-eku", JIT_OK, false, 0 },
	{ "issuing, name constraints", "issuing-nc", JIT_OK, false, 0 },
	{ "issuing, AKI with issuer", "issuing-keyid-issuer", JIT_OK, false,
	    0 },
	{ "case 47: issuing without pathlen", "issuing-no-pathlen",
	    JIT_E_FORMAT, 0, 0 },
	{ "case 47: issuing, pathlen 1", "issuing-pathlen1", JIT_E_FORMAT, 0,
	    0 },
	{ "issuing without AKI", "issuing-no-aki", JIT_E_FORMAT, 0, 0 },
	{ "a root, pathlen 2", "root-pathlen2", JIT_E_FORMAT, 0, 0 },
	{ "a root, P-521", "root-p521", JIT_E_KEYTYPE, 0, 0 },
	{ "case 48: explicit curve", "root-explicit", JIT_E_KEYTYPE, 0, 0 },
	{ "RSA of 1024", "root-rsa1024", JIT_E_WEAKKEY, 0, 0 },
	{ "case 43: CA:FALSE", "ca-false", JIT_E_FORMAT, 0, 0 },
	{ "case 43: no basicConstraints", "no-basic", JIT_E_FORMAT, 0, 0 },
	{ "basicConstraints not critical", "not-critical", JIT_E_FORMAT, 0,
	    0 },
	{ "no keyUsage", "no-usage", JIT_E_FORMAT, 0, 0 },
	{ "keyUsage not critical", "usage-not-critical", JIT_E_FORMAT, 0, 0 },
	{ "more key usage", "more-usage", JIT_E_FORMAT, 0, 0 },
	{ "less key usage", "less-usage", JIT_E_FORMAT, 0, 0 },
	{ "no SKI", "no-ski", JIT_E_FORMAT, 0, 0 },
	{ "EKU for mail", "email-only", JIT_E_FORMAT, 0, 0 },
	{ "EKU for anything", "any-usage", JIT_E_FORMAT, 0, 0 },
	{ "an unknown critical extension", "critical-unknown", JIT_E_FORMAT,
	    0, 0 },
	{ "version 1", "v1", JIT_E_FORMAT, 0, 0 },
};

static void
parse(void **state)
{
	const struct row *r = *state;
	JIT_DONE(buf_done) struct buf der = pki_vector("ca", r->file);
	JIT_SCOPED(x509_ca_free) struct x509_ca *ca = NULL;
	struct jit_why why = { 0 };

	JT_WHY(x509_ca_parse(BUF_SPAN(der), &ca, &why), r->want, &why);
	if (r->want != JIT_OK) {
		assert_true(why.msg[0] != '\0');
		return;
	}
	assert_int_equal(x509_ca_is_self_signed(ca), r->self);
	assert_int_equal(x509_ca_pathlen(ca), r->pathlen);
	assert_true(span_eq(x509_ca_der(ca), BUF_SPAN(der)));
	assert_int_equal(x509_ca_ski(ca).n, 20);
	assert_true(x509_ca_before(ca) - x509_ca_after(ca) ==
	    (r->self ? 36500ll : 36400ll) * 86400 + 1);
	if (r->self)
		JT_OK(x509_ca_verify(ca, ca, &why));
	assert_true(x509_ca_allows(ca, X509_USE_CLIENT));
	assert_int_equal(x509_ca_allows(ca, X509_USE_SERVER),
	    strcmp(r->file, "issuing-eku") != 0);
}

static struct x509_ca *
vector_ca(const char *name)
{
	JIT_DONE(buf_done) struct buf der = pki_vector("ca", name);
	struct x509_ca *ca = NULL;

	JT_OK(x509_ca_parse(BUF_SPAN(der), &ca, NULL));
	return ca;
}

/* SHA-1 is refused where the signature is looked at. */
static void
others(void **state)
{
	JIT_SCOPED(x509_ca_free) struct x509_ca *root = vector_ca("root");
	JIT_SCOPED(x509_ca_free) struct x509_ca *rsa = vector_ca("root-rsa");
	JIT_SCOPED(x509_ca_free) struct x509_ca *sha1 = vector_ca("root-sha1");
	JIT_SCOPED(x509_ca_free) struct x509_ca *below = vector_ca("issuing");

	(void)state;
	JT_OK(x509_ca_verify(below, root, NULL));
	JT_ERR(x509_ca_verify(below, rsa, NULL), JIT_E_VERIFY);
	JT_ERR(x509_ca_verify(root, below, NULL), JIT_E_VERIFY);
	JT_ERR(x509_ca_verify(below, below, NULL), JIT_E_VERIFY);
	JT_ERR(x509_ca_verify(sha1, sha1, NULL), JIT_E_KEYTYPE);
}

/* Authorities of others lint as well: names and extensions are theirs. */
static void
others_linted(void **state)
{
	static const char *const names[] = { "root", "issuing", "issuing-eku",
	    "issuing-nc", "issuing-keyid-issuer" };
	const struct rng rng = rand_system();

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		JIT_SCOPED(x509_ca_free) struct x509_ca *ca =
		    vector_ca(names[i]);
		JIT_SCOPED(x509_linter_free) struct x509_linter *l = NULL;
		JIT_DONE(wr_done) struct wr tbs = WR_INIT(X509_CERT_MAX);
		struct jit_why why = { 0 };
		struct pki_leaf leaf;

		JT_WHY(x509_linter_new(ca, &rng, &l, &why), JIT_OK, &why);
		pki_leaf(&leaf, "client");
		leaf.f.after = x509_ca_after(ca);
		leaf.f.before = leaf.f.after + 3600;
		JT_WHY(x509_prepare(&tbs, &leaf.f, pki_pub(SSH_ED25519, 2), l,
		    &why), JIT_OK, &why);
		/* Constraints that the names break: OpenSSL says it. */
		pki_leaf(&leaf, "server");
		leaf.f.after = x509_ca_after(ca);
		leaf.f.before = leaf.f.after + 3600;
		JT_WHY(x509_prepare(&tbs, &leaf.f, pki_pub(SSH_ED25519, 2), l,
		    &why), strcmp(names[i], "issuing-eku") == 0 ?
		    JIT_E_VERIFY : JIT_OK, &why);
		leaf.sans[0] = span_str("DNS:db1.example.org");
		JT_WHY(x509_prepare(&tbs, &leaf.f, pki_pub(SSH_ED25519, 2), l,
		    &why), strcmp(names[i], "issuing-eku") == 0 ||
		    strcmp(names[i], "issuing-nc") == 0 ?
		    JIT_E_VERIFY : JIT_OK, &why);
	}
}

/* ---- our own ---- */

static void
ours(void **state)
{
	const struct pki_type *t = *state;

	for (int two = 0; two < 2; two++) {
		const struct pki *p = pki(t->t, two);
		const char *root = pki_file("root.pem", "CERTIFICATE",
		    x509_ca_der(p->root));
		const char *ca = pki_file("ca.pem", "CERTIFICATE",
		    x509_ca_der(p->ca));

		assert_true(ssh_key_eq(x509_ca_key(p->ca), pki_pub(t->t, 0)));
		assert_int_equal(x509_ca_is_self_signed(p->ca), !two);
		assert_int_equal(x509_ca_pathlen(p->ca), 0);
		assert_int_equal(x509_ca_pathlen(p->root), two);
		assert_true(x509_ca_after(p->ca) == PKI_FROM - PKI_YEAR);
		assert_true(x509_ca_before(p->ca) == PKI_FROM + 9 * PKI_YEAR);
		JT_OK(x509_ca_verify(p->root, p->root, NULL));
		JT_OK(x509_ca_verify(p->ca, p->root, NULL));
		assert_true(pki_run(false, "openssl", "verify",
		    "-x509_strict", "-check_ss_sig", "-attime", "1764000000",
		    "-CAfile", root, ca, NULL));
		assert_true(pki_run(false, "certtool", "--certificate-info",
		    "--infile", ca, NULL));
	}
}

static const struct refused {
	const char *name, *cn, *o, *url;
	utc_s after, before;
	int pathlen;
	bool below, zero, high;
	enum jit_err want;
} refused[] = {
	{ "good", "ca", "", "", 1, 100, -1, 0, 0, 0, JIT_OK },
	{ "no name", "", "", "", 1, 100, 0, 0, 0, 0, JIT_E_FORMAT },
	{ "a space", "my ca", "", "", 1, 100, 0, 0, 0, 0, JIT_E_FORMAT },
	{ "a comma in O", "ca", "a,b", "", 1, 100, 0, 0, 0, 0, JIT_E_FORMAT },
	{ "serial 0", "ca", "", "", 1, 100, 0, 0, 1, 0, JIT_E_FORMAT },
	{ "serial of 128 bits", "ca", "", "", 1, 100, 0, 0, 0, 1,
	    JIT_E_FORMAT },
	{ "pathlen 2", "ca", "", "", 1, 100, 2, 0, 0, 0, JIT_E_FORMAT },
	{ "pathlen -2", "ca", "", "", 1, 100, -2, 0, 0, 0, JIT_E_FORMAT },
	{ "a root with a CRL", "ca", "", "http://a/b", 1, 100, 0, 0, 0, 0,
	    JIT_E_FORMAT },
	{ "empty validity", "ca", "", "", 100, 100, 0, 0, 0, 0,
	    JIT_E_WINDOW },
	{ "before 1970", "ca", "", "", -1, 100, 0, 0, 0, 0, JIT_E_WINDOW },
	{ "past 9999", "ca", "", "", 1, UTC_MAX + 1, 0, 0, 0, 0,
	    JIT_E_WINDOW },
	{ "case 47: below, pathlen 1", "ca", "", "", PKI_FROM, PKI_FROM + 9,
	    1, true, 0, 0, JIT_E_FORMAT },
	{ "case 47: below, no pathlen", "ca", "", "", PKI_FROM, PKI_FROM + 9,
	    -1, true, 0, 0, JIT_E_FORMAT },
	{ "below, longer than the issuer", "ca", "", "", PKI_FROM,
	    PKI_FROM + 9 * PKI_YEAR + 1, 0, true, 0, 0, JIT_E_WINDOW },
	{ "below, earlier than the issuer", "ca", "", "",
	    PKI_FROM - PKI_YEAR - 1, PKI_FROM, 0, true, 0, 0, JIT_E_WINDOW },
	{ "below, just inside", "ca", "", "", PKI_FROM - PKI_YEAR,
	    PKI_FROM + 9 * PKI_YEAR, 0, true, 0, 0, JIT_OK },
	{ "below, the issuer's name", "jit-root", "Example", "", PKI_FROM,
	    PKI_FROM + 9, 0, true, 0, 0, JIT_E_FORMAT },
	{ "below, an odd address", "ca", "", "ftp://a/b", PKI_FROM,
	    PKI_FROM + 9, 0, true, 0, 0, JIT_E_FORMAT },
};

static void
refuse(void **state)
{
	const struct refused *r = *state;
	const struct pki *p = pki(SSH_ECDSA_P256, true);
	JIT_DONE(wr_done) struct wr w = WR_INIT(X509_CA_MAX);
	struct x509_ca_fields f = { .cn = span_str(r->cn),
	    .o = span_str(r->o), .crl_url = span_str(r->url),
	    .after = r->after, .before = r->before, .pathlen = r->pathlen,
	    .serial = { r->high ? 0x80 : 0, [15] = !r->zero } };
	struct jit_why why = { 0 };

	JT_WHY(x509_ca_make(&w, &f, pki_pub(SSH_ECDSA_P256,
	    r->below ? 2 : 1), r->below ? p->root : NULL,
	    pki_key(SSH_ECDSA_P256, 1), &why), r->want, &why);
	assert_int_equal(w.n > 0, r->want == JIT_OK);
}

/* Case 47: an issuing CA issues no CA; keys that are not the issuer's. */
static void
wrong_signers(void **state)
{
	const struct pki *p = pki(SSH_ECDSA_P256, true);
	JIT_DONE(wr_done) struct wr w = WR_INIT(X509_CA_MAX);
	struct x509_ca_fields f = pki_ca_fields("third", 0);
	const struct ssh_key *k = pki_pub(SSH_ECDSA_P256, 2);

	(void)state;
	JT_ERR(x509_ca_make(&w, &f, k, p->ca, p->key, NULL), JIT_E_FORMAT);
	JT_ERR(x509_ca_make(&w, &f, k, p->root, p->key, NULL), JIT_E_ARG);
	JT_ERR(x509_ca_make(&w, &f, k, NULL, p->key, NULL), JIT_E_ARG);
	JT_ERR(x509_ca_put_tbs(&w, &f, k, p->root, SSH_RSA, NULL), JIT_E_ARG);
	JT_ERR(x509_ca_make(&w, &f, pki_pub(SSH_ECDSA_P521, 0), NULL,
	    pki_key(SSH_ECDSA_P521, 0), NULL), JIT_E_KEYTYPE);
	assert_int_equal(w.n, 0);
}

/* Case 47: a root of the same name and key that allows no CA below it. */
static void
pathlen_of_issuer(void **state)
{
	const struct pki *p = pki(SSH_ECDSA_P256, true);
	JIT_DONE(wr_done) struct wr w = WR_INIT(X509_CA_MAX);
	JIT_SCOPED(x509_ca_free) struct x509_ca *root = NULL;
	struct x509_ca_fields f = pki_ca_fields("jit-root", 0);
	struct jit_why why = { 0 };

	(void)state;
	JT_OK(x509_ca_make(&w, &f, pki_pub(SSH_ECDSA_P256, 1), NULL,
	    pki_key(SSH_ECDSA_P256, 1), NULL));
	JT_OK(x509_ca_parse(wr_view(&w), &root, NULL));
	JT_OK(x509_ca_verify(p->ca, p->root, NULL));
	JT_WHY(x509_ca_verify(p->ca, root, &why), JIT_E_VERIFY, &why);
	assert_non_null(strstr(why.msg, "path length"));
}

/* By halves, as with a token: a signature that is not the root's. */
static void
halves(void **state)
{
	const struct pki *p = pki(SSH_ECDSA_P256, true);
	JIT_DONE(wr_done) struct wr tbs = WR_INIT(X509_CA_MAX);
	JIT_DONE(wr_done) struct wr sig = WR_INIT(512), bad = WR_INIT(512);
	JIT_DONE(wr_done) struct wr w = WR_INIT(X509_CA_MAX);
	struct x509_ca_fields f = pki_ca_fields("third", 0);

	(void)state;
	JT_OK(x509_ca_put_tbs(&tbs, &f, pki_pub(SSH_ED25519, 2), p->root,
	    SSH_ECDSA_P256, NULL));
	JT_OK(x509_sign(p->key, wr_view(&tbs), &bad));
	JT_ERR(x509_ca_finish(&w, wr_view(&tbs), wr_view(&bad), p->root,
	    SSH_ECDSA_P256, NULL), JIT_E_SIG);
	assert_int_equal(w.n, 0);
	JT_OK(x509_sign(pki_key(SSH_ECDSA_P256, 1), wr_view(&tbs), &sig));
	JT_OK(x509_ca_finish(&w, wr_view(&tbs), wr_view(&sig), p->root,
	    SSH_ECDSA_P256, NULL));
}

/* Whatever is taken has the same key and bytes; none of it verifies. */
static void
flipped(void *arg, struct span s)
{
	const struct pki *p = arg;
	JIT_SCOPED(x509_ca_free) struct x509_ca *ca = NULL;

	if (x509_ca_parse(s, &ca, NULL) != JIT_OK)
		return;
	assert_true(x509_ca_verify(ca, p->root, NULL) != JIT_OK);
}

static void
flip(void **state)
{
	static struct pki p;

	(void)state;
	p = *pki(SSH_ECDSA_P256, true);
	jt_flip_truncate_max(x509_ca_der(p.ca), 2500, flipped, &p);
}

int
main(void)
{
	return JT_ROWS("of others", parse, rows) +
	    jt_one("verified", others) + jt_one("linted", others_linted) +
	    JT_ROWS("ours", ours, pki_types) +
	    JT_ROWS("refused", refuse, refused) +
	    jt_one("wrong signers", wrong_signers) +
	    jt_one("case 47: pathlen of the issuer", pathlen_of_issuer) +
	    jt_one("halves", halves) + jt_one("flip and truncate", flip);
}
