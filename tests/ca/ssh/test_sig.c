/*
 * sig: Wycheproof through our own function (case 58), labels that are not
 * the key's (case 29), security keys' flags (case 74).
 */
#include <string.h>

#include <openssl/ecdsa.h>

#include "ca/base/digest.h"
#include "ca/ssh/mpint.h"
#include "ca/ssh/sig.h"
#include "tests/lib/json.h"

struct file {
	const char *name;
	enum ssh_type type;
	const char *alg;
	unsigned at_least;	/* vectors that must have been run */
};

static const struct file files[] = {
	{ "wycheproof/ed25519_test.json", SSH_ED25519, "ssh-ed25519", 140 },
	{ "wycheproof/ecdsa_secp256r1_sha256_test.json", SSH_ECDSA_P256,
	    "ecdsa-sha2-nistp256", 250 },
	{ "wycheproof/ecdsa_secp384r1_sha384_test.json", SSH_ECDSA_P384,
	    "ecdsa-sha2-nistp384", 250 },
	{ "wycheproof/rsa_signature_2048_sha256_test.json", SSH_RSA,
	    "rsa-sha2-256", 200 },
	{ "wycheproof/rsa_signature_2048_sha512_test.json", SSH_RSA,
	    "rsa-sha2-512", 200 },
	{ "wycheproof/rsa_signature_3072_sha512_test.json", SSH_RSA,
	    "rsa-sha2-512", 200 },
};

static struct buf
member(json_t *o, const char *key)
{
	return jt_hex(jt_json_str(o, key));
}

static enum jit_err
key_of(json_t *group, enum ssh_type t, struct ssh_key **ret)
{
	json_t *o = json_object_get(group, "publicKey");
	JIT_DONE(wr_done) struct wr w = WR_INIT(SSH_BLOB_MAX);

	wr_cstring(&w, ssh_type_name(t));
	if (t == SSH_RSA) {
		JIT_DONE(buf_done) struct buf e = member(o, "publicExponent");
		JIT_DONE(buf_done) struct buf n = member(o, "modulus");

		wr_mpint(&w, BUF_SPAN(e));
		wr_mpint(&w, BUF_SPAN(n));
	} else if (t == SSH_ED25519) {
		JIT_DONE(buf_done) struct buf pk = member(o, "pk");

		wr_string(&w, BUF_SPAN(pk));
	} else {
		JIT_DONE(buf_done) struct buf q = member(o, "uncompressed");

		wr_cstring(&w, t == SSH_ECDSA_P256 ? "nistp256" : "nistp384");
		wr_string(&w, BUF_SPAN(q));
	}
	return ssh_key_parse(wr_view(&w), ret, NULL);
}

/*
 * DER as SSH's two mpints.  False when SSH's form cannot say it: DER that is
 * not strict, or numbers that are not positive: tests of DER parsers, which
 * nothing of ours reaches.
 */
static bool
put_two_mpints(struct wr *w, struct span der)
{
	const uint8_t *at = der.p;
	uint8_t *back = NULL, m[256];
	ECDSA_SIG *s = d2i_ECDSA_SIG(NULL, &at, (long)der.n);
	const BIGNUM *half[2] = { NULL, NULL };
	bool strict = false;

	if (s != NULL) {
		int n = i2d_ECDSA_SIG(s, &back);

		strict = at == der.p + der.n && n >= 0 &&
		    span_eq(SPAN(back, (size_t)n), der);
		ECDSA_SIG_get0(s, &half[0], &half[1]);
	}
	for (int i = 0; i < 2 && strict; i++) {
		int n = BN_num_bytes(half[i]);

		if (BN_is_negative(half[i]) || n > (int)sizeof(m)) {
			strict = false;
			break;
		}
		(void)BN_bn2bin(half[i], m);
		wr_mpint(w, SPAN(m, (size_t)n));
	}
	OPENSSL_free(back);
	ECDSA_SIG_free(s);
	return strict;
}

/* One vector; false when it cannot be expressed. */
static bool
run(const struct file *f, const struct ssh_key *k, json_t *t)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(65536), in = WR_INIT(65536);
	JIT_DONE(buf_done) struct buf msg = member(t, "msg");
	JIT_DONE(buf_done) struct buf sig = member(t, "sig");
	const char *want = jt_json_str(t, "result");
	enum jit_err e;

	if (f->type == SSH_ECDSA_P256 || f->type == SSH_ECDSA_P384) {
		if (!put_two_mpints(&in, BUF_SPAN(sig)))
			return false;
	} else {
		wr_span(&in, BUF_SPAN(sig));
	}
	wr_cstring(&w, f->alg);
	wr_string(&w, wr_view(&in));
	e = ssh_sig_verify(k, BUF_SPAN(msg), wr_view(&w), NULL, NULL);
	if (strcmp(want, "acceptable") != 0 &&
	    (e == JIT_OK) != (strcmp(want, "valid") == 0)) {
		print_error("%s tcId %u: want %s, got %s\n", f->name,
		    (unsigned)jt_json_uint(t, "tcId"), want,
		    jit_err_name(e));
		fail();
	}
	return true;
}

static void
wycheproof(void **state)
{
	const struct file *f = *state;
	json_t *root = jt_json(jt_vectors(f->name)), *group, *t;
	unsigned done = 0, inexpressible = 0;
	size_t i, k;

	json_array_foreach(json_object_get(root, "testGroups"), i, group) {
		struct ssh_key *key = NULL;

		JT_OK(key_of(group, f->type, &key));
		json_array_foreach(json_object_get(group, "tests"), k, t) {
			if (run(f, key, t))
				done++;
			else
				inexpressible++;
		}
		ssh_key_free(key);
	}
	json_decref(root);
	print_message("%s: %u run, %u test DER alone\n", f->name, done,
	    inexpressible);
	assert_true(done >= f->at_least);
}

static const enum ssh_type made[] = { SSH_ED25519, SSH_ECDSA_P256,
    SSH_ECDSA_P384, SSH_ECDSA_P521, SSH_RSA };
#define MADE (sizeof(made) / sizeof(made[0]))
static struct ssh_priv *priv[MADE];

struct flip { const struct ssh_key *key; struct span data; };

static void
never(void *arg, struct span s)
{
	const struct flip *f = arg;

	assert_int_not_equal(ssh_sig_verify(f->key, f->data, s, NULL, NULL),
	    JIT_OK);
}

/* Each type signs, no other key's label or key accepts it, no bit flips. */
static void
each_type(void **state)
{
	struct span data = span_str("some data");

	(void)state;
	for (size_t i = 0; i < MADE; i++) {
		JIT_DONE(wr_done) struct wr w = WR_INIT(SSH_SIG_MAX);
		struct flip f = { ssh_priv_public(priv[i]), data };

		JT_OK(ssh_priv_sign(priv[i], data, &w));
		JT_OK(ssh_sig_verify(f.key, data, wr_view(&w), NULL, NULL));
		JT_ERR(ssh_sig_verify(f.key, span_str("some date"),
		    wr_view(&w), NULL, NULL), JIT_E_SIG);
		for (size_t k = 0; k < MADE; k++)
			if (k != i)
				JT_ERR(ssh_sig_verify(ssh_priv_public(priv[k]),
				    data, wr_view(&w), NULL, NULL),
				    JIT_E_KEYTYPE);
		jt_flip_truncate(wr_view(&w), never, &f);
		wr_u8(&w, 0);
		never(&f, wr_view(&w));
	}
}

static void
sha1_is_refused(void **state)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(SSH_SIG_MAX);
	uint8_t zero[384] = { 0 };

	(void)state;
	wr_cstring(&w, "ssh-rsa");
	wr_string(&w, SPAN(zero, sizeof(zero)));
	JT_ERR(ssh_sig_verify(ssh_priv_public(priv[4]), SPAN_NONE,
	    wr_view(&w), NULL, NULL), JIT_E_KEYTYPE);
}

/* A security key by hand, from a plain one: PROTOCOL.u2f. */
static struct ssh_key *
as_sk(size_t i)
{
	struct rd r = rd_of(ssh_key_blob(ssh_priv_public(priv[i])));
	JIT_DONE(wr_done) struct wr w = WR_INIT(SSH_BLOB_MAX);
	struct ssh_key *k = NULL;

	(void)rd_string(&r, 64);
	wr_cstring(&w, ssh_type_name(made[i] == SSH_ED25519 ?
	    SSH_SK_ED25519 : SSH_SK_ECDSA));
	wr_raw(&w, r.p, r.n);
	wr_cstring(&w, "ssh:");
	JT_OK(ssh_key_parse(wr_view(&w), &k, NULL));
	return k;
}

static void
sk_sign(size_t i, uint8_t flags, struct span data, struct wr *w)
{
	JIT_DONE(wr_done) struct wr tbs = WR_INIT(200), sig = WR_INIT(500);
	struct digest app, d;
	struct rd r;

	JT_OK(digest_sha256(span_str("ssh:"), &app));
	JT_OK(digest_sha256(data, &d));
	wr_span(&tbs, DIGEST_SPAN(app));
	wr_u8(&tbs, flags);
	wr_u32(&tbs, 77);
	wr_span(&tbs, DIGEST_SPAN(d));
	JT_OK(ssh_priv_sign(priv[i], wr_view(&tbs), &sig));
	r = rd_of(wr_view(&sig));
	(void)rd_string(&r, 64);
	wr_cstring(w, ssh_type_name(made[i] == SSH_ED25519 ?
	    SSH_SK_ED25519 : SSH_SK_ECDSA));
	wr_string(w, rd_string(&r, 500));
	wr_u8(w, flags);
	wr_u32(w, 77);
}

static void
security_keys(void **state)
{
	static const uint8_t flags[] = { 0, 1, 4, 5 };
	struct span data = span_str("some data");

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		JIT_SCOPED(ssh_key_free) struct ssh_key *k = as_sk(i);

		for (size_t n = 0; n < sizeof(flags); n++) {
			JIT_DONE(wr_done) struct wr w = WR_INIT(SSH_SIG_MAX);
			struct ssh_sig_facts f = { 0, 0 };
			struct flip flip = { k, data };

			sk_sign(i, flags[n], data, &w);
			JT_OK(ssh_sig_verify(k, data, wr_view(&w), &f, NULL));
			assert_int_equal(f.flags, flags[n]);
			assert_int_equal(f.counter, 77);
			/* Flags and counter are under the signature too. */
			jt_flip_truncate(wr_view(&w), never, &flip);
		}
	}
}

int
main(void)
{
	uint64_t n = 1;
	struct rng rng = rand_counter(&n);
	int bad = 0;

	for (size_t i = 0; i < MADE; i++)
		if (ssh_priv_generate(made[i], 3072, &rng, &priv[i], NULL) !=
		    JIT_OK)
			return 1;
	bad += jt_one("each type", each_type) +
	    jt_one("SHA-1 is refused", sha1_is_refused) +
	    jt_one("security keys", security_keys) +
	    JT_ROWS("Wycheproof", wycheproof, files);
	for (size_t i = 0; i < MADE; i++)
		ssh_priv_free(priv[i]);
	return bad;
}
