/*
 * key: SubjectPublicKeyInfo of openssl (case 48), Wycheproof's keys and
 * signatures through our own functions, signatures in the form of a token.
 */
#include <string.h>

#include <openssl/x509.h>

#include "ca/x509/oid.h"
#include "tests/ca/x509/pki.h"
#include "tests/lib/json.h"

static const struct spki {
	const char *name, *file;
	enum jit_err want;
	enum ssh_type type;
} spkis[] = {
	{ "P-256", "p256", JIT_OK, SSH_ECDSA_P256 },
	{ "P-384", "p384", JIT_OK, SSH_ECDSA_P384 },
	{ "Ed25519", "ed25519", JIT_OK, SSH_ED25519 },
	{ "RSA", "rsa", JIT_OK, SSH_RSA },
	{ "P-521", "p521", JIT_E_KEYTYPE, 0 },
	{ "case 48: explicit parameters", "explicit", JIT_E_KEYTYPE, 0 },
	{ "brainpool", "brainpool", JIT_E_KEYTYPE, 0 },
	{ "secp256k1", "secp256k1", JIT_E_KEYTYPE, 0 },
	{ "Ed448", "ed448", JIT_E_KEYTYPE, 0 },
	{ "X25519", "x25519", JIT_E_KEYTYPE, 0 },
	{ "RSA-PSS", "pss", JIT_E_KEYTYPE, 0 },
	{ "DSA", "dsa", JIT_E_KEYTYPE, 0 },
	{ "a compressed point", "compressed", JIT_E_FORMAT, 0 },
	{ "a hybrid point", "hybrid", JIT_E_FORMAT, 0 },
	{ "RSA of 1024", "rsa1024", JIT_E_WEAKKEY, 0 },
	{ "RSA with e of 3", "rsa-e3", JIT_E_WEAKKEY, 0 },
};

static void
spki(void **state)
{
	const struct spki *r = *state;
	JIT_DONE(buf_done) struct buf der = pki_vector("spki", r->file);
	JIT_SCOPED(ssh_key_free) struct ssh_key *k = NULL;
	JIT_DONE(wr_done) struct wr w = WR_INIT(4096);
	struct jit_why why = { 0 };

	JT_WHY(x509_key_from_spki(BUF_SPAN(der), &k, &why), r->want, &why);
	if (r->want != JIT_OK) {
		assert_true(why.msg[0] != '\0');
		return;
	}
	assert_int_equal(ssh_key_type(k), r->type);
	x509_key_put_spki(&w, k);
	JT_OK(w.err);
	assert_true(span_eq(wr_view(&w), BUF_SPAN(der)));
}

/* ---- bent by hand ---- */

static void
expect(const char *what, struct span s, enum jit_err want)
{
	JIT_SCOPED(ssh_key_free) struct ssh_key *k = NULL;
	enum jit_err e = x509_key_from_spki(s, &k, NULL);

	if (e != want)
		fail_msg("%s: %s", what, jit_err_name(e));
}

static void
bent(void **state)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(4096), t = WR_INIT(4096);
	size_t m;

	(void)state;
	x509_key_put_spki(&w, pki_pub(SSH_ECDSA_P256, 0));
	wr_u8(&w, 0);
	expect("a byte behind", wr_view(&w), JIT_E_FORMAT);
	w.n--;
	w.p[w.n - 1] ^= 1;
	expect("a point off the curve", wr_view(&w), JIT_E_FORMAT);
	w.p[w.n - 1] ^= 1;
	expect("as it was", wr_view(&w), JIT_OK);

	/* Ed25519 with NULL parameters, RSA without, a curve and NULL. */
	m = der_begin(&t, DER_SEQ);
	wr_raw(&t, "\x30\x07\x06\x03\x2b\x65\x70\x05\x00", 9);
	der_put_bits(&t, SPAN(ssh_key_blob(pki_pub(SSH_ED25519, 0)).p + 19,
	    32));
	der_end(&t, m);
	expect("Ed25519 with NULL", wr_view(&t), JIT_E_FORMAT);
	t.n = 0;
	m = der_begin(&t, DER_SEQ);
	wr_raw(&t, "\x30\x15\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a"
	    "\x86\x48\xce\x3d\x03\x01\x07\x05\x00", 23);
	der_put_bits(&t, SPAN(w.p + w.n - 65, 65));
	der_end(&t, m);
	expect("a curve and NULL", wr_view(&t), JIT_E_FORMAT);
	t.n = 0;
	m = der_begin(&t, DER_SEQ);
	wr_raw(&t, "\x30\x0b\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01", 13);
	der_put_bits(&t, SPAN("\x30\x06\x02\x01\x05\x02\x01\x03", 8));
	der_end(&t, m);
	expect("RSA without NULL", wr_view(&t), JIT_E_FORMAT);
	t.n = 0;
	m = der_begin(&t, DER_SEQ);
	wr_raw(&t, "\x30\x09\x06\x07\x2a\x86\x48\xce\x3d\x02\x01", 11);
	der_put_bits(&t, SPAN(w.p + w.n - 65, 65));
	der_end(&t, m);
	expect("no curve", wr_view(&t), JIT_E_FORMAT);
}

/* The key identifier is the one of RFC 7093, by OpenSSL's own digest. */
static void
ski(void **state)
{
	(void)state;
	for (size_t i = 0; i < 4; i++) {
		JIT_DONE(wr_done) struct wr w = WR_INIT(4096);
		const struct ssh_key *k = pki_pub(pki_types[i].t, 0);
		uint8_t got[X509_SKI_LEN], want[32];
		const uint8_t *at;
		unsigned n = 0;
		X509_PUBKEY *p;
		int len;

		x509_key_put_spki(&w, k);
		at = w.p;
		assert_non_null(p = d2i_X509_PUBKEY(NULL, &at, (long)w.n));
		X509_PUBKEY_get0_param(NULL, &at, &len, NULL, p);
		assert_int_equal(EVP_Digest(at, (size_t)len, want, &n,
		    EVP_sha256(), NULL), 1);
		JT_OK(x509_key_ski(k, got));
		assert_memory_equal(got, want, X509_SKI_LEN);
		X509_PUBKEY_free(p);
	}
	uint8_t none[X509_SKI_LEN];
	JT_ERR(x509_key_ski(pki_pub(SSH_ECDSA_P521, 0), none), JIT_E_KEYTYPE);
}

/* ---- signatures ---- */

static void
sign(void **state)
{
	const struct pki_type *t = *state;
	const struct ssh_priv *k = pki_key(t->t, 0);
	JIT_DONE(wr_done) struct wr sig = WR_INIT(SSH_SIG_MAX);
	struct span tbs = SPAN("what is signed", 14);

	JT_OK(x509_sign(k, tbs, &sig));
	JT_OK(x509_sig_verify(pki_pub(t->t, 0), tbs, wr_view(&sig)));
	JT_ERR(x509_sig_verify(pki_pub(t->t, 1), tbs, wr_view(&sig)),
	    JIT_E_SIG);
	JT_ERR(x509_sig_verify(pki_pub(t->t, 0), SPAN("what is signeD", 14),
	    wr_view(&sig)), JIT_E_SIG);
	wr_u8(&sig, 0);
	JT_ERR(x509_sig_verify(pki_pub(t->t, 0), tbs, wr_view(&sig)),
	    JIT_E_SIG);
	sig.n -= 2;
	JT_ERR(x509_sig_verify(pki_pub(t->t, 0), tbs, wr_view(&sig)),
	    JIT_E_SIG);
	JT_ERR(x509_sig_verify(pki_pub(t->t, 0), tbs, SPAN_NONE), JIT_E_SIG);
}

static void
no_type(void **state)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(1024);
	struct span s = SPAN("x", 1);

	(void)state;
	JT_ERR(x509_sign(pki_key(SSH_ECDSA_P521, 0), s, &w), JIT_E_KEYTYPE);
	JT_ERR(x509_sig_verify(pki_pub(SSH_ECDSA_P521, 0), s, s),
	    JIT_E_KEYTYPE);
	x509_key_put_spki(&w, pki_pub(SSH_ECDSA_P521, 0));
	JT_ERR(w.err, JIT_E_KEYTYPE);
	assert_false(x509_key_is_type(SSH_SK_ED25519));
}

/* DER to r || s, as a token gives it, and back. */
static void
raw(void **state)
{
	static const struct { enum ssh_type t; size_t half; } rows[] = {
		{ SSH_ECDSA_P256, 32 }, { SSH_ECDSA_P384, 48 },
	};

	(void)state;
	for (size_t i = 0; i < 200; i++) {
		enum ssh_type t = rows[i % 2].t;
		size_t half = rows[i % 2].half;
		JIT_DONE(wr_done) struct wr sig = WR_INIT(512);
		JIT_DONE(wr_done) struct wr back = WR_INIT(512);
		uint8_t both[96] = { 0 };
		struct rd r, in;
		struct span part[2];

		JT_OK(x509_sign(pki_key(t, 0), SPAN(&i, sizeof(i)), &sig));
		r = rd_of(wr_view(&sig));
		in = der_enter(&r, DER_SEQ);
		for (size_t k = 0; k < 2; k++) {
			part[k] = der_get_uint(&in, half);
			memcpy(both + (k + 1) * half - part[k].n, part[k].p,
			    part[k].n);
		}
		JT_OK(rd_end(&in));
		JT_OK(x509_sig_from_raw(t, SPAN(both, 2 * half), &back));
		assert_true(span_eq(wr_view(&sig), wr_view(&back)));
	}
}

static void
raw_refused(void **state)
{
	static const uint8_t zero[96], one[96] = { [31] = 1 };
	static const struct {
		enum ssh_type t;
		const uint8_t *p;
		size_t n;
		enum jit_err want;
	} rows[] = {
		{ SSH_ECDSA_P256, one, 64, JIT_E_FORMAT },	/* s is 0 */
		{ SSH_ECDSA_P256, one + 31, 64, JIT_E_FORMAT },
		{ SSH_ECDSA_P256, zero, 64, JIT_E_FORMAT },
		{ SSH_ECDSA_P256, one, 63, JIT_E_FORMAT },
		{ SSH_ECDSA_P256, one, 65, JIT_E_FORMAT },
		{ SSH_ECDSA_P256, one, 0, JIT_E_FORMAT },
		{ SSH_ECDSA_P384, one, 64, JIT_E_FORMAT },
		{ SSH_ED25519, one, 63, JIT_E_FORMAT },
		{ SSH_ED25519, one, 64, JIT_OK },
		{ SSH_RSA, one, 0, JIT_E_FORMAT },
		{ SSH_SK_ECDSA, one, 64, JIT_E_KEYTYPE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		JIT_DONE(wr_done) struct wr w = WR_INIT(512);
		enum jit_err e = x509_sig_from_raw(rows[i].t,
		    SPAN(rows[i].p, rows[i].n), &w);

		if (e != rows[i].want)
			fail_msg("row %zu: %s", i, jit_err_name(e));
	}
}

/* ---- algorithms that others name ---- */

static const struct alg {
	const char *name;
	enum ssh_type t;
	const char *hex;
	enum jit_err want;
} algs[] = {
	{ "SHA-256 of P-256", SSH_ECDSA_P256, "300a06082a8648ce3d040302",
	    JIT_OK },
	{ "with NULL", SSH_ECDSA_P256, "300c06082a8648ce3d0403020500",
	    JIT_E_FORMAT },
	{ "SHA-384, another hash", SSH_ECDSA_P256, "300a06082a8648ce3d040303",
	    JIT_E_SIG },
	{ "SHA-1", SSH_ECDSA_P256, "300906072a8648ce3d0401", JIT_E_KEYTYPE },
	{ "SHA-224", SSH_ECDSA_P256, "300a06082a8648ce3d040301",
	    JIT_E_KEYTYPE },
	{ "RSA's with P-256", SSH_ECDSA_P256, "300d06092a864886f70d01010b0500",
	    JIT_E_KEYTYPE },
	{ "SHA-256 of RSA", SSH_RSA, "300d06092a864886f70d01010b0500",
	    JIT_OK },
	{ "RSA without NULL", SSH_RSA, "300b06092a864886f70d01010b",
	    JIT_E_FORMAT },
	{ "MD5", SSH_RSA, "300d06092a864886f70d0101040500", JIT_E_KEYTYPE },
	{ "SHA-1 of RSA", SSH_RSA, "300d06092a864886f70d0101050500",
	    JIT_E_KEYTYPE },
	{ "PSS", SSH_RSA, "300d06092a864886f70d01010a3000", JIT_E_KEYTYPE },
	{ "Ed25519", SSH_ED25519, "300506032b6570", JIT_OK },
	{ "Ed25519 with NULL", SSH_ED25519, "300706032b65700500",
	    JIT_E_FORMAT },
	{ "a byte behind", SSH_ED25519, "300506032b657000", JIT_E_FORMAT },
	{ "nothing", SSH_ED25519, "", JIT_E_FORMAT },
};

static void
alg(void **state)
{
	const struct alg *a = *state;
	JIT_DONE(buf_done) struct buf der = jt_hex(a->hex);
	JIT_DONE(wr_done) struct wr sig = WR_INIT(SSH_SIG_MAX);
	struct span tbs = SPAN("tbs", 3);
	struct jit_why why = { 0 };

	JT_OK(x509_sign(pki_key(a->t, 0), tbs, &sig));
	JT_WHY(x509_sig_verify_alg(pki_pub(a->t, 0), BUF_SPAN(der), tbs,
	    wr_view(&sig), &why), a->want, &why);
}

/* ---- Wycheproof ---- */

static const struct file {
	const char *name;
	enum ssh_type type;
	unsigned at_least;
} files[] = {
	{ "wycheproof/ed25519_test.json", SSH_ED25519, 140 },
	{ "wycheproof/ecdsa_secp256r1_sha256_test.json", SSH_ECDSA_P256, 450 },
	{ "wycheproof/ecdsa_secp384r1_sha384_test.json", SSH_ECDSA_P384, 450 },
	{ "wycheproof/rsa_signature_2048_sha256_test.json", SSH_RSA, 200 },
};

static void
one_vector(const struct file *f, const struct ssh_key *k, json_t *t)
{
	JIT_DONE(buf_done) struct buf msg = jt_hex(jt_json_str(t, "msg"));
	JIT_DONE(buf_done) struct buf sig = jt_hex(jt_json_str(t, "sig"));
	const char *result = jt_json_str(t, "result");
	enum jit_err e = x509_sig_verify(k, BUF_SPAN(msg), BUF_SPAN(sig));

	/* "acceptable" (PKCS#1 without NULL) either way. */
	if (strcmp(result, "acceptable") != 0 &&
	    (e == JIT_OK) != (strcmp(result, "valid") == 0))
		fail_msg("%s, test %llu (%s): %s", f->name,
		    (unsigned long long)jt_json_uint(t, "tcId"),
		    jt_json_str(t, "comment"), jit_err_name(e));
}

static void
wycheproof(void **state)
{
	const struct file *f = *state;
	json_t *root = jt_json(jt_vectors(f->name)), *group, *t;
	unsigned ran = 0;
	size_t i, j;

	json_array_foreach(json_object_get(root, "testGroups"), i, group) {
		JIT_DONE(buf_done) struct buf der =
		    jt_hex(jt_json_str(group, "publicKeyDer"));
		JIT_SCOPED(ssh_key_free) struct ssh_key *k = NULL;
		JIT_DONE(wr_done) struct wr back = WR_INIT(4096);
		enum jit_err e = x509_key_from_spki(BUF_SPAN(der), &k, NULL);

		/* RSA with a small exponent is none of ours. */
		if (f->type == SSH_RSA && e == JIT_E_WEAKKEY)
			continue;
		JT_OK(e);
		assert_int_equal(ssh_key_type(k), f->type);
		x509_key_put_spki(&back, k);
		assert_true(span_eq(wr_view(&back), BUF_SPAN(der)));
		json_array_foreach(json_object_get(group, "tests"), j, t) {
			one_vector(f, k, t);
			ran++;
		}
	}
	json_decref(root);
	assert_true(ran >= f->at_least);
}

static void
flipped(void *arg, struct span s)
{
	JIT_SCOPED(ssh_key_free) struct ssh_key *k = NULL;
	JIT_DONE(wr_done) struct wr w = WR_INIT(4096);

	(void)arg;
	if (x509_key_from_spki(s, &k, NULL) != JIT_OK)
		return;
	x509_key_put_spki(&w, k);
	assert_true(span_eq(wr_view(&w), s));
}

static void
flip(void **state)
{
	const struct pki_type *t = *state;
	JIT_DONE(wr_done) struct wr w = WR_INIT(4096);

	x509_key_put_spki(&w, pki_pub(t->t, 0));
	jt_flip_truncate_max(wr_view(&w), t->t == SSH_RSA ? 200 : 2000,
	    flipped, NULL);
}

int
main(void)
{
	return JT_ROWS("SPKI", spki, spkis) + jt_one("bent", bent) +
	    jt_one("key identifier", ski) + JT_ROWS("sign", sign, pki_types) +
	    jt_one("other types", no_type) + jt_one("raw", raw) +
	    jt_one("raw refused", raw_refused) +
	    JT_ROWS("algorithm", alg, algs) +
	    JT_ROWS("Wycheproof", wycheproof, files) +
	    JT_ROWS("flip and truncate", flip, pki_types);
}
