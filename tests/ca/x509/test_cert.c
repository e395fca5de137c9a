/*
 * cert: leaves, built, linted, read back, compared (cases 43 to 52).
 */
#include <stdlib.h>
#include <string.h>

#include "ca/x509/oid.h"
#include "tests/ca/x509/pki.h"
#include "tests/lib/json.h"

/* ---- there and back ---- */

static void
every_profile(void **state)
{
	const struct pki *p = pki(SSH_ECDSA_P256, true);
	const struct x509_profile *profile;

	(void)state;
	for (size_t i = 0; (profile = x509_profile_at(i)) != NULL; i++) {
		JIT_SCOPED(x509_cert_free) struct x509_cert *c = NULL;
		struct jit_why why = { 0 };
		struct pki_leaf l;

		pki_leaf(&l, profile->name);
		if (i % 2 == 1)
			l.f.crl_url = span_str("https://pki.example.com/c");
		JIT_DONE(buf_done) struct buf der = pki_cert(p, &l,
		    pki_pub(SSH_ED25519, 2));
		JT_WHY(x509_cert_parse(BUF_SPAN(der), &c, &why), JIT_OK, &why);
		JT_WHY(x509_cert_check_is(c, &l.f, pki_pub(SSH_ED25519, 2),
		    p->ca, &why), JIT_OK, &why);
		JT_WHY(x509_cert_verify(c, p->ca, &why), JIT_OK, &why);
		assert_true(ssh_key_eq(x509_cert_subject_key(c),
		    pki_pub(SSH_ED25519, 2)));
		assert_ptr_equal(x509_cert_fields(c)->profile, profile);
		assert_string_equal(x509_cert_fields(c)->request.s, PKI_ID);
		assert_true(span_eq(x509_cert_der(c), BUF_SPAN(der)));
	}
}

/* What openssl prints of one is what was asked for. */
static void
printed(void **state)
{
	const char *const argv[] = { "openssl", "x509", "-noout", "-text",
	    "-nameopt", "RFC2253", "-in", pki_tmp("leaf.pem"), NULL };
	static const char *const wanted[] = {
		"Version: 3", "5a:01:02:03:04:05:06:07:08:09:0a:0b:0c:0d:0e:0f",
		"Signature Algorithm: ecdsa-with-SHA256",
		"Issuer: O=Example,CN=jit-ca", "Nov 24 16:00:00 2025 GMT",
		"Nov 24 16:59:59 2025 GMT",
		"Subject: O=system:masters,O=dba,CN=alice@example.com",
		"X509v3 Basic Constraints: critical", "CA:FALSE",
		"X509v3 Key Usage: critical", "Digital Signature",
		"TLS Web Server Authentication",
		"DNS:db1.example.com, IP Address:127.0.0.1, "
		    "IP Address:2001:DB8:0:0:0:0:0:1, "
		    "URI:urn:jit:grant:" PKI_ID,
		"X509v3 No Revocation Available", X509_GRANT_OID,
	};
	static const char *const never[] = { "CRL Distribution", "CA Issuers",
	    "OCSP", "Key Encipherment", "TLS Web Client" };
	JIT_DONE(buf_done) struct buf out = { NULL, 0 };
	struct pki_leaf l;

	(void)state;
	pki_leaf(&l, "server");
	JIT_DONE(buf_done) struct buf der = pki_cert(pki(SSH_ECDSA_P256, true),
	    &l, pki_pub(SSH_ECDSA_P256, 2));
	(void)pki_file("leaf.pem", "CERTIFICATE", BUF_SPAN(der));
	assert_int_equal(jt_run(argv, SPAN_NONE, &out), 0);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		if (strstr((const char *)out.p, wanted[i]) == NULL)
			fail_msg("no \"%s\" in %s", wanted[i],
			    (const char *)out.p);
	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		assert_null(strstr((const char *)out.p, never[i]));
}

/* ---- what is not written ---- */

struct change {
	const char *name;
	void (*fn)(struct pki_leaf *l);
	enum jit_err want;
};

static void
nothing(struct pki_leaf *l)
{
	(void)l;
}

static void
serial_zero(struct pki_leaf *l)
{
	memset(l->f.serial, 0, sizeof(l->f.serial));
}

static void
serial_top(struct pki_leaf *l)
{
	l->f.serial[0] |= 0x80;
}

static void
serial_small(struct pki_leaf *l)
{
	serial_zero(l);
	l->f.serial[15] = 0x80;
}

static void
one_second(struct pki_leaf *l)
{
	l->f.before = l->f.after + 1;
}

static void
two_seconds(struct pki_leaf *l)
{
	l->f.before = l->f.after + 2;
}

static void
no_time(struct pki_leaf *l)
{
	l->f.before = l->f.after;
}

static void
backwards(struct pki_leaf *l)
{
	l->f.before = l->f.after - 3600;
}

static void
ca_start(struct pki_leaf *l)
{
	l->f.after = PKI_FROM - PKI_YEAR;
}

static void
before_ca(struct pki_leaf *l)
{
	l->f.after = PKI_FROM - PKI_YEAR - 1;
}

static void
ca_end(struct pki_leaf *l)
{
	l->f.before = PKI_FROM + 9 * PKI_YEAR;
}

static void
behind_ca(struct pki_leaf *l)
{
	l->f.before = PKI_FROM + 9 * PKI_YEAR + 1;
}

static void
no_grant(struct pki_leaf *l)
{
	l->f.n_sans = 0;
}

static void
other_grant(struct pki_leaf *l)
{
	l->sans[0] = span_str(X509_GRANT_URI "01JDE0V5Y8M3T1K3ZJ6X4N9Q2C");
}

static void
two_grants(struct pki_leaf *l)
{
	l->sans[1] = span_str(X509_GRANT_URI "01JDE0V5Y8M3T1K3ZJ6X4N9Q2C");
	l->f.n_sans = 2;
}

static void
no_request(struct pki_leaf *l)
{
	l->f.request.s[0] = 'x';
}

static void
no_profile(struct pki_leaf *l)
{
	l->f.profile = NULL;
}

static void
dns(struct pki_leaf *l)
{
	l->sans[1] = l->sans[0];
	l->sans[0] = span_str("DNS:db1.example.com");
	l->f.n_sans = 2;
}

static void
bad_subject(struct pki_leaf *l)
{
	l->subject[0] = span_str("CN=alice,O=root");
}

static void
bad_url(struct pki_leaf *l)
{
	l->f.crl_url = span_str("file:///etc/passwd");
}

static void
good_url(struct pki_leaf *l)
{
	l->f.crl_url = span_str("http://pki.example.com/ca.crl");
}

static const struct change changes[] = {
	{ "as it is", nothing, JIT_OK },
	{ "case 50: serial 0", serial_zero, JIT_E_FORMAT },
	{ "case 50: serial of 128 bits", serial_top, JIT_E_FORMAT },
	{ "case 50: a small serial", serial_small, JIT_OK },
	{ "case 52: two seconds", two_seconds, JIT_OK },
	{ "case 52: one second", one_second, JIT_E_WINDOW },
	{ "case 52: none", no_time, JIT_E_WINDOW },
	{ "case 52: backwards", backwards, JIT_E_WINDOW },
	{ "case 52: from the CA's first second", ca_start, JIT_OK },
	{ "case 52: one earlier", before_ca, JIT_E_WINDOW },
	{ "case 52: to the CA's last second", ca_end, JIT_OK },
	{ "case 52: one longer", behind_ca, JIT_E_WINDOW },
	{ "no grant", no_grant, JIT_E_FORMAT },
	{ "another's grant", other_grant, JIT_E_FORMAT },
	{ "two grants", two_grants, JIT_E_FORMAT },
	{ "no request", no_request, JIT_E_FORMAT },
	{ "no profile", no_profile, JIT_E_ARG },
	{ "case 46: a name that the profile has not", dns, JIT_E_FORMAT },
	{ "case 45: a delimiter", bad_subject, JIT_E_FORMAT },
	{ "an odd CRL address", bad_url, JIT_E_FORMAT },
	{ "a CRL address", good_url, JIT_OK },
};

static void
change(void **state)
{
	const struct change *r = *state;
	const struct pki *p = pki(SSH_ECDSA_P256, false);
	JIT_DONE(wr_done) struct wr w = WR_INIT(X509_CERT_MAX);
	JIT_SCOPED(x509_cert_free) struct x509_cert *c = NULL;
	struct jit_why why = { 0 };
	struct pki_leaf l;

	pki_leaf(&l, "client");
	r->fn(&l);
	JT_WHY(x509_make(&w, &l.f, pki_pub(SSH_ECDSA_P384, 2), p->key,
	    p->lint, &why), r->want, &why);
	assert_int_equal(w.n > 0, r->want == JIT_OK);
	if (r->want != JIT_OK)
		return;
	JT_OK(x509_cert_parse(wr_view(&w), &c, NULL));
	JT_OK(x509_cert_check_is(c, &l.f, pki_pub(SSH_ECDSA_P384, 2), p->ca,
	    NULL));
}

/* A list with one bad among many, at every place (case 51). */
static void
one_bad_of_many(void **state)
{
	static const char *const names[16] = { "DNS:a", "DNS:b", "DNS:c",
	    "DNS:d", "DNS:e", "DNS:f", "DNS:g", "DNS:h", "DNS:i", "DNS:j",
	    "DNS:k", "DNS:l", "DNS:m", "DNS:n", "DNS:o",
	    X509_GRANT_URI PKI_ID };
	static const char *const bad[16] = { "DNS:A", "DNS:b*", "DNS:c_",
	    "DNS:d.", "DNS:e..e", "DNS:f-", "DNS:g g", "DNS:h,h", "DNS:i\"",
	    "DNS:j\n", "DNS:k/", "DNS:l:", "DNS:m@", "DNS:n\\", "DNS:o;",
	    "URI:" };
	const struct pki *p = pki(SSH_ECDSA_P256, false);
	struct pki_leaf l;

	(void)state;
	for (size_t i = 0; i <= 16; i++) {
		JIT_DONE(wr_done) struct wr w = WR_INIT(X509_CERT_MAX);

		pki_leaf(&l, "server");
		for (size_t k = 0; k < 16; k++)
			l.sans[k] = span_str(k == i ? bad[k] : names[k]);
		l.f.n_sans = 16;
		JT_ERR(x509_make(&w, &l.f, pki_pub(SSH_ED25519, 2), p->key,
		    p->lint, NULL), i == 16 ? JIT_OK : JIT_E_FORMAT);
	}
}

/* ---- compared ---- */

static void
other_serial(struct pki_leaf *l)
{
	l->f.serial[15] ^= 1;
}

static void
other_cn(struct pki_leaf *l)
{
	l->subject[0] = span_str("CN=alice@example.con");
}

static void
less_o(struct pki_leaf *l)
{
	l->f.n_subject--;
}

static void
other_san(struct pki_leaf *l)
{
	l->sans[1] = span_str("email:alicf@example.com");
}

static void
less_san(struct pki_leaf *l)
{
	l->f.n_sans--;
}

static void
later(struct pki_leaf *l)
{
	l->f.before++;
}

static void
earlier(struct pki_leaf *l)
{
	l->f.after--;
}

static void
other_text(struct pki_leaf *l)
{
	l->f.text.b[31] ^= 1;
}

static void
other_request(struct pki_leaf *l)
{
	l->f.request.s[25] = 'C';
}

static void
other_profile(struct pki_leaf *l)
{
	l->f.profile = x509_profile_find(span_str("mariadb"));
}

static const struct differ {
	const char *name, *says;
	void (*fn)(struct pki_leaf *l);
} differs[] = {
	{ "serial", "serial", other_serial }, { "CN", "subject", other_cn },
	{ "an O less", "subject", less_o }, { "SAN", "SAN", other_san },
	{ "a SAN less", "SAN", less_san },
	{ "case 52: a second longer", "end", later },
	{ "case 52: a second earlier", "start", earlier },
	{ "digest", "digest", other_text },
	{ "request", "request", other_request },
	{ "profile", "profile", other_profile },
	{ "CRL", "CRL", good_url },
};

static void
differ(void **state)
{
	const struct differ *r = *state;
	const struct pki *p = pki(SSH_ECDSA_P256, false);
	const struct ssh_key *k = pki_pub(SSH_ECDSA_P256, 2);
	JIT_SCOPED(x509_cert_free) struct x509_cert *c = NULL;
	struct jit_why why = { 0 };
	struct pki_leaf l, m;

	pki_leaf(&l, "client");
	JIT_DONE(buf_done) struct buf der = pki_cert(p, &l, k);
	JT_OK(x509_cert_parse(BUF_SPAN(der), &c, NULL));
	pki_leaf(&m, "client");
	r->fn(&m);
	JT_WHY(x509_cert_check_is(c, &m.f, k, p->ca, &why), JIT_E_VERIFY,
	    &why);
	assert_non_null(strstr(why.msg, r->says));
}

static void
other_key_or_ca(void **state)
{
	const struct pki *p = pki(SSH_ECDSA_P256, false);
	const struct pki *two = pki(SSH_ECDSA_P256, true);
	const struct pki *rsa = pki(SSH_RSA, false);
	const struct ssh_key *k = pki_pub(SSH_ECDSA_P256, 2);
	JIT_SCOPED(x509_cert_free) struct x509_cert *c = NULL;
	struct jit_why why = { 0 };
	struct pki_leaf l;

	(void)state;
	pki_leaf(&l, "client");
	JIT_DONE(buf_done) struct buf der = pki_cert(p, &l, k);
	JT_OK(x509_cert_parse(BUF_SPAN(der), &c, NULL));
	JT_WHY(x509_cert_check_is(c, &l.f, pki_pub(SSH_ECDSA_P256, 3), p->ca,
	    &why), JIT_E_VERIFY, &why);
	assert_non_null(strstr(why.msg, "subject key"));
	/* The same key and name on two levels: the same issuer. */
	JT_OK(x509_cert_verify(c, two->ca, NULL));
	JT_ERR(x509_cert_verify(c, two->root, NULL), JIT_E_VERIFY);
	JT_ERR(x509_cert_verify(c, rsa->ca, NULL), JIT_E_VERIFY);
}

/* Case 43: a leaf is nobody's issuer, for us and for openssl. */
static void
leaf_as_ca(void **state)
{
	const struct pki *p = pki(SSH_ECDSA_P256, false);
	JIT_SCOPED(x509_ca_free) struct x509_ca *ca = NULL;
	struct jit_why why = { 0 };
	struct pki_leaf l;

	(void)state;
	pki_leaf(&l, "server");
	JIT_DONE(buf_done) struct buf der = pki_cert(p, &l,
	    pki_pub(SSH_ECDSA_P256, 2));
	JT_WHY(x509_ca_parse(BUF_SPAN(der), &ca, &why), JIT_E_FORMAT, &why);

	/* What it would sign, were it asked to, no verifier takes. */
	const char *leaf = pki_file("issuer.pem", "CERTIFICATE",
	    BUF_SPAN(der)), *csr, *key = pki_tmp("leaf.key");
	JIT_DONE(secret_done) struct secret pkcs8 = { NULL, 0, 0 };
	JIT_DONE(wr_done) struct wr w = WR_INIT(X509_CSR_MAX);
	const char *root = pki_file("root.pem", "CERTIFICATE",
	    x509_ca_der(p->root));

	JT_OK(ssh_priv_save_pkcs8(pki_key(SSH_ECDSA_P256, 2), &pkcs8));
	(void)pki_file("leaf.key", "PRIVATE KEY", SPAN(pkcs8.p, pkcs8.n));
	JT_OK(csr_put(&w, pki_key(SSH_ECDSA_P256, 3), span_str(PKI_ID),
	    NULL));
	csr = pki_file("x.csr", "CERTIFICATE REQUEST", wr_view(&w));
	assert_true(pki_run(false, "openssl", "x509", "-req", "-in", csr,
	    "-CA", leaf, "-CAkey", key, "-set_serial", "1", "-out",
	    pki_tmp("forged.pem"), NULL));
	assert_false(pki_run(true, "openssl", "verify", "-no_check_time",
	    "-CAfile", root, "-untrusted", leaf, pki_tmp("forged.pem"),
	    NULL));
	assert_false(pki_run(true, "openssl", "verify", "-no_check_time",
	    "-partial_chain", "-CAfile", leaf, pki_tmp("forged.pem"), NULL));
}

/* ---- the lint ---- */

/* TBS that a careless builder might hand in: each must stop at the lint. */
static void
lint(void **state)
{
	const struct pki *p = pki(SSH_ECDSA_P256, true);
	const struct ssh_key *k = pki_pub(SSH_ECDSA_P256, 2);
	JIT_DONE(wr_done) struct wr tbs = WR_INIT(X509_CERT_MAX);
	struct pki_leaf l;
	unsigned taken = 0;

	(void)state;
	pki_leaf(&l, "server");
	JT_OK(x509_put_tbs(&tbs, &l.f, k, p->ca, NULL));
	JT_OK(x509_lint(p->lint, wr_view(&tbs), &l.f, k, NULL));
	for (size_t i = 0; i < tbs.n; i++) {
		tbs.p[i] ^= (uint8_t)(1 << (i % 8));
		if (x509_lint(p->lint, wr_view(&tbs), &l.f, k, NULL) ==
		    JIT_OK)
			taken++;
		tbs.p[i] ^= (uint8_t)(1 << (i % 8));
	}
	assert_int_equal(taken, 0);
}

/* One extension of a leaf made another, left out (no hex), or added. */
static const struct more {
	const char *name;
	enum oid oid;		/* OID_COUNT: added at the end */
	const char *hex;	/* of the whole Extension */
} mores[] = {
	{ "case 44: CA:TRUE", OID_BASIC_CONSTRAINTS,
	    "300f0603551d130101ff040530030101ff" },
	{ "case 44: keyCertSign", OID_KEY_USAGE,
	    "300e0603551d0f0101ff040403020284" },
	{ "keyUsage not critical", OID_KEY_USAGE,
	    "300b0603551d0f040403020780" },
	{ "any extended usage", OID_EXT_KEY_USAGE,
	    "300f0603551d2504083006060455"
	    "1d2500" },
	{ "client and server", OID_EXT_KEY_USAGE,
	    "301d0603551d250416301406082b0601050507030206082b06010505070301" },
	{ "client, not server", OID_EXT_KEY_USAGE,
	    "30130603551d25040c300a06082b06010505070302" },
	{ "another key's SKI", OID_SKI,
	    "301d0603551d0e04160414000102030405060708090a0b0c0d0e0f10111213" },
	{ "another CA's AKI", OID_AKI,
	    "301f0603551d2304183016801400010203040506070809"
	    "0a0b0c0d0e0f10111213" },
	{ "case 46: a wildcard", OID_SAN,
	    "30100603551d110409300782052a2e612e62" },
	{ "no SAN", OID_SAN, "" }, { "no grant", OID_GRANT, "" },
	{ "no SKI", OID_SKI, "" }, { "no AKI", OID_AKI, "" },
	{ "no noRevAvail", OID_NO_REV_AVAIL, "" },
	{ "an odd noRevAvail", OID_NO_REV_AVAIL, "300a0603551d3804030101ff" },
	{ "one more", OID_COUNT, "300a06042a03040504020500" },
	{ "one more, critical", OID_COUNT, "300d06042a0304050101ff04020500" },
	{ "noRevAvail twice", OID_COUNT, "30090603551d3804020500" },
};

static void
change_ext(struct wr *w, struct span tbs, const struct more *m)
{
	JIT_DONE(buf_done) struct buf with = jt_hex(m->hex);
	struct rd r = rd_of(tbs), in = der_enter(&r, DER_SEQ), ext, exts;
	size_t all = der_begin(w, DER_SEQ), outer, list;
	unsigned hits = 0;

	/* What is put in is DER, so that its meaning is what is refused. */
	ext = rd_of(BUF_SPAN(with));
	assert_int_equal(with.n > 0 ? der_whole(&ext).n : 0, with.n);
	while (in.n > 0 && !der_is(&in, DER_CTXC(3)))
		wr_span(w, der_whole(&in));
	exts = der_enter(&in, DER_CTXC(3));
	exts = der_enter(&exts, DER_SEQ);
	outer = der_begin(w, DER_CTXC(3));
	list = der_begin(w, DER_SEQ);
	while (exts.n > 0) {
		struct span one = der_whole(&exts);

		ext = rd_of(one);
		ext = der_enter(&ext, DER_SEQ);
		if (oid_find(der_get(&ext, DER_OID)) != m->oid) {
			wr_span(w, one);
			continue;
		}
		wr_span(w, BUF_SPAN(with));
		hits++;
	}
	if (m->oid == OID_COUNT)
		wr_span(w, BUF_SPAN(with));
	else
		assert_int_equal(hits, 1);
	der_end(w, list);
	der_end(w, outer);
	der_end(w, all);
	JT_OK(rd_end(&exts));
	JT_OK(w->err);
}

/* Neither linted nor, when the CA has signed it, read or handed out. */
static void
more_than_approved(void **state)
{
	const struct more *m = *state;
	const struct pki *p = pki(SSH_ECDSA_P256, true);
	const struct ssh_key *k = pki_pub(SSH_ECDSA_P256, 2);
	JIT_DONE(wr_done) struct wr tbs = WR_INIT(X509_CERT_MAX);
	JIT_DONE(wr_done) struct wr bad = WR_INIT(X509_CERT_MAX);
	JIT_DONE(wr_done) struct wr sig = WR_INIT(512);
	JIT_DONE(wr_done) struct wr w = WR_INIT(X509_CERT_MAX);
	JIT_SCOPED(x509_cert_free) struct x509_cert *c = NULL;
	enum jit_err want = m->oid == OID_AKI && m->hex[0] != '\0' ?
	    JIT_E_VERIFY : JIT_E_FORMAT;
	struct jit_why why = { 0 };
	struct pki_leaf l;

	pki_leaf(&l, "server");
	JT_OK(x509_put_tbs(&tbs, &l.f, k, p->ca, NULL));
	change_ext(&bad, wr_view(&tbs), m);
	JT_WHY(x509_lint(p->lint, wr_view(&bad), &l.f, k, &why), want, &why);
	JT_OK(x509_sign(p->key, wr_view(&bad), &sig));
	JT_ERR(x509_finish(&w, wr_view(&bad), wr_view(&sig), &l.f, k, p->ca,
	    NULL), want);
	assert_int_equal(w.n, 0);
	x509_join(&w, wr_view(&bad), SSH_ECDSA_P256, wr_view(&sig));
	JT_ERR(x509_cert_parse(wr_view(&w), &c, NULL), want == JIT_E_VERIFY ?
	    JIT_OK : want);
}

/* Inside, another algorithm than outside, all of it signed. */
static void
two_algorithms(void **state)
{
	static const uint8_t sha256[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3,
	    2 };
	const struct pki *p = pki(SSH_ECDSA_P256, true);
	JIT_DONE(wr_done) struct wr tbs = WR_INIT(X509_CERT_MAX);
	JIT_DONE(wr_done) struct wr sig = WR_INIT(512);
	JIT_DONE(wr_done) struct wr w = WR_INIT(X509_CERT_MAX);
	JIT_SCOPED(x509_cert_free) struct x509_cert *c = NULL;
	struct pki_leaf l;
	size_t i = 0;

	(void)state;
	pki_leaf(&l, "client");
	JT_OK(x509_put_tbs(&tbs, &l.f, pki_pub(SSH_ED25519, 2), p->ca, NULL));
	while (memcmp(tbs.p + i, sha256, sizeof(sha256)) != 0)
		assert_true(++i < tbs.n - sizeof(sha256));
	tbs.p[i + 7] = 3;
	JT_OK(x509_sign(p->key, wr_view(&tbs), &sig));
	x509_join(&w, wr_view(&tbs), SSH_ECDSA_P256, wr_view(&sig));
	JT_ERR(x509_cert_parse(wr_view(&w), &c, NULL), JIT_E_FORMAT);
}

/* Case 47: a CA with EKU for clients certifies no server. */
static void
eku_constraint(void **state)
{
	const struct rng rng = rand_system();
	JIT_DONE(buf_done) struct buf der = pki_vector("ca", "issuing-eku");
	JIT_SCOPED(x509_ca_free) struct x509_ca *ca = NULL;
	JIT_SCOPED(x509_linter_free) struct x509_linter *l = NULL;
	JIT_DONE(wr_done) struct wr w = WR_INIT(X509_CERT_MAX);
	struct pki_leaf leaf;

	(void)state;
	JT_OK(x509_ca_parse(BUF_SPAN(der), &ca, NULL));
	JT_OK(x509_linter_new(ca, &rng, &l, NULL));
	pki_leaf(&leaf, "server");
	leaf.f.after = x509_ca_after(ca);
	leaf.f.before = leaf.f.after + 60;
	JT_ERR(x509_put_tbs(&w, &leaf.f, pki_pub(SSH_ED25519, 2), ca, NULL),
	    JIT_E_VERIFY);
	assert_true(span_eq(x509_ca_der(x509_linter_ca(l)), x509_ca_der(ca)));
}

/* ---- halves, as with a token ---- */

static void
halves(void **state)
{
	const struct pki_type *t = *state;
	const struct pki *p = pki(t->t, true);
	const struct ssh_key *k = pki_pub(SSH_ECDSA_P256, 2);
	JIT_DONE(wr_done) struct wr tbs = WR_INIT(X509_CERT_MAX);
	JIT_DONE(wr_done) struct wr sig = WR_INIT(SSH_SIG_MAX);
	JIT_DONE(wr_done) struct wr bad = WR_INIT(SSH_SIG_MAX);
	JIT_DONE(wr_done) struct wr w = WR_INIT(X509_CERT_MAX);
	struct pki_leaf l, m;

	pki_leaf(&l, "client");
	JT_OK(x509_prepare(&tbs, &l.f, k, p->lint, NULL));
	JT_OK(x509_sign(p->key, wr_view(&tbs), &sig));
	/* A token that lies: another key's, another text's, nothing. */
	JT_OK(x509_sign(pki_key(t->t, 3), wr_view(&tbs), &bad));
	JT_ERR(x509_finish(&w, wr_view(&tbs), wr_view(&bad), &l.f, k, p->ca,
	    NULL), JIT_E_SIG);
	bad.n = 0;
	JT_OK(x509_sign(p->key, SPAN("x", 1), &bad));
	JT_ERR(x509_finish(&w, wr_view(&tbs), wr_view(&bad), &l.f, k, p->ca,
	    NULL), JIT_E_SIG);
	JT_ERR(x509_finish(&w, wr_view(&tbs), SPAN_NONE, &l.f, k, p->ca,
	    NULL), JIT_E_SIG);
	/* Another TBS than the one approved. */
	m = l;
	m.f.before++;
	JT_ERR(x509_finish(&w, wr_view(&tbs), wr_view(&sig), &m.f, k, p->ca,
	    NULL), JIT_E_VERIFY);
	assert_int_equal(w.n, 0);
	JT_OK(x509_finish(&w, wr_view(&tbs), wr_view(&sig), &l.f, k, p->ca,
	    NULL));
	JT_ERR(x509_make(&w, &l.f, k, pki_key(t->t, 3), p->lint, NULL),
	    JIT_E_ARG);
}

/* ---- what is read ---- */

static void
flipped(void *arg, struct span s)
{
	const struct pki *p = arg;
	JIT_SCOPED(x509_cert_free) struct x509_cert *c = NULL;
	struct jit_why why = { 0 };

	if (x509_cert_parse(s, &c, &why) != JIT_OK) {
		assert_true(why.msg[0] != '\0');
		return;
	}
	assert_true(x509_cert_verify(c, p->ca, NULL) != JIT_OK);
}

static void
flip(void **state)
{
	static struct pki p;
	struct pki_leaf l;

	(void)state;
	p = *pki(SSH_ECDSA_P256, false);
	pki_leaf(&l, "server");
	JIT_DONE(buf_done) struct buf der = pki_cert(&p, &l,
	    pki_pub(SSH_ECDSA_P256, 2));
	jt_flip_truncate_max(BUF_SPAN(der), 6000, flipped, &p);
}

/* No certificate of others is one of ours. */
static void
of_others(void **state)
{
	static const char *const names[] = { "root", "issuing", "ca-false",
	    "v1" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		JIT_DONE(buf_done) struct buf der = pki_vector("ca", names[i]);
		JIT_SCOPED(x509_cert_free) struct x509_cert *c = NULL;

		JT_ERR(x509_cert_parse(BUF_SPAN(der), &c, NULL),
		    JIT_E_FORMAT);
	}
}

/* ---- serials (case 50) ---- */

static enum jit_err
zeros(void *ctx, uint8_t *p, size_t n)
{
	memset(p, *(int *)ctx, n);
	return JIT_OK;
}

static void
serials(void **state)
{
	uint8_t seen[1000][16], all_or[16] = { 0 };
	const struct rng rng = rand_system();
	int fill = 0;
	const struct rng zero = { zeros, &fill };

	(void)state;
	for (size_t i = 0; i < 1000; i++) {
		JT_OK(x509_serial_make(&rng, seen[i]));
		assert_int_equal(seen[i][0] & 0x80, 0);
		for (size_t k = 0; k < i; k++)
			assert_memory_not_equal(seen[i], seen[k], 16);
		for (size_t k = 0; k < 16; k++)
			all_or[k] |= seen[i][k];
	}
	for (size_t k = 0; k < 16; k++)
		assert_int_equal(all_or[k], k == 0 ? 0x7f : 0xff);
	JT_ERR(x509_serial_make(&zero, seen[0]), JIT_E_RANDOM);
	fill = 0xff;
	JT_OK(x509_serial_make(&zero, seen[0]));
	assert_int_equal(seen[0][0], 0x7f);
}

int
main(void)
{
	return jt_one("every profile", every_profile) +
	    jt_one("as openssl prints it", printed) +
	    JT_ROWS("written", change, changes) +
	    jt_one("case 51: one bad among many", one_bad_of_many) +
	    JT_ROWS("differs", differ, differs) +
	    jt_one("another key or CA", other_key_or_ca) +
	    jt_one("case 43: a leaf as CA", leaf_as_ca) +
	    jt_one("lint", lint) +
	    JT_ROWS("more than approved", more_than_approved, mores) +
	    jt_one("two algorithms", two_algorithms) +
	    jt_one("case 47: EKU of the CA", eku_constraint) +
	    JT_ROWS("halves", halves, pki_types) +
	    jt_one("flip and truncate", flip) +
	    jt_one("of others", of_others) +
	    jt_one("case 50: serials", serials);
}
