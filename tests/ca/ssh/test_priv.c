/*
 * priv: keys of our own are what ssh-keygen takes them for; both halves
 * belong together; one key serves several threads.
 */
#include <pthread.h>
#include <string.h>

#include "tests/ca/ssh/keygen.h"
#include "tests/lib/run.h"

struct row { const char *name; enum ssh_type type; unsigned bits; };

static const struct row made[] = {
	{ "ed25519", SSH_ED25519, 0 },
	{ "ecdsa-256", SSH_ECDSA_P256, 0 },
	{ "ecdsa-384", SSH_ECDSA_P384, 0 },
	{ "ecdsa-521", SSH_ECDSA_P521, 0 },
	{ "rsa-3072", SSH_RSA, 3072 },
};
#define MADE (sizeof(made) / sizeof(made[0]))
static struct ssh_priv *priv[MADE];

static size_t
index_of(const struct row *r)
{
	return (size_t)(r - made);
}

static void
save_and_load(void **state)
{
	const struct row *r = *state;
	const struct ssh_priv *p = priv[index_of(r)];
	JIT_DONE(secret_done) struct secret s = { NULL, 0, 0 };
	JIT_SCOPED(ssh_priv_free) struct ssh_priv *back = NULL;
	JIT_DONE(wr_done) struct wr w = WR_INIT(SSH_SIG_MAX);

	JT_OK(ssh_priv_save(p, &s));
	if (r->type == SSH_ED25519)
		assert_int_equal(s.n, 32);
	JT_OK(ssh_priv_load(r->type, SPAN(s.p, s.n), &back, NULL));
	assert_true(ssh_key_eq(ssh_priv_public(p), ssh_priv_public(back)));
	JT_OK(ssh_priv_sign(back, span_str("x"), &w));
	JT_OK(ssh_sig_verify(ssh_priv_public(p), span_str("x"), wr_view(&w),
	    NULL, NULL));
	/* As any other type it is refused. */
	for (int t = 0; t < SSH_TYPES; t++) {
		struct ssh_priv *other = NULL;

		if (t != (int)r->type)
			JT_ERR(ssh_priv_load((enum ssh_type)t, SPAN(s.p, s.n),
			    &other, NULL), t >= SSH_SK_ED25519 ?
			    JIT_E_KEYTYPE : JIT_E_FORMAT);
		assert_null(other);
	}
}

/* openssl reads the PKCS#8, and what it writes we read, as the same key. */
static void
pkcs8(void **state)
{
	const struct row *r = *state;
	const struct ssh_priv *p = priv[index_of(r)];
	const char *path = kg_tmp("pkcs8.der"), *back = kg_tmp("back.der");
	const char *const argv[] = { "openssl", "pkcs8", "-topk8", "-nocrypt",
	    "-inform", "DER", "-in", path, "-outform", "DER", "-out", back,
	    NULL };
	JIT_DONE(secret_done) struct secret s = { NULL, 0, 0 };
	JIT_DONE(buf_done) struct buf out = { NULL, 0 }, der = { NULL, 0 };
	JIT_SCOPED(ssh_priv_free) struct ssh_priv *own = NULL, *of = NULL;
	struct ssh_priv *none = NULL;

	JT_OK(ssh_priv_save_pkcs8(p, &s));
	JT_OK(ssh_priv_load_pkcs8(SPAN(s.p, s.n), &own, NULL));
	assert_true(ssh_key_eq(ssh_priv_public(p), ssh_priv_public(own)));
	jt_write(path, SPAN(s.p, s.n));
	assert_int_equal(jt_run(argv, SPAN_NONE, &out), 0);
	der = jt_file(back);
	JT_OK(ssh_priv_load_pkcs8(BUF_SPAN(der), &of, NULL));
	assert_true(ssh_key_eq(ssh_priv_public(p), ssh_priv_public(of)));
	assert_ptr_not_equal(ssh_priv_evp(of), ssh_priv_evp(p));
	JT_ERR(ssh_priv_load_pkcs8(SPAN(s.p, s.n - 1), &none, NULL),
	    JIT_E_FORMAT);
}

/* A type that we have none of. */
static void
pkcs8_of_others(void **state)
{
	const char *path = kg_tmp("x448.der");
	const char *const argv[] = { "openssl", "genpkey", "-quiet",
	    "-algorithm", "ed448", "-outform", "DER", "-out", path, NULL };
	JIT_DONE(buf_done) struct buf out = { NULL, 0 }, der = { NULL, 0 };
	struct ssh_priv *none = NULL;

	(void)state;
	assert_int_equal(jt_run(argv, SPAN_NONE, &out), 0);
	der = jt_file(path);
	JT_ERR(ssh_priv_load_pkcs8(BUF_SPAN(der), &none, NULL),
	    JIT_E_KEYTYPE);
}

/* A byte more or less, or a public half of another key. */
static void
damaged(void *arg, struct span s)
{
	const struct row *r = arg;
	JIT_SCOPED(ssh_priv_free) struct ssh_priv *p = NULL;
	JIT_DONE(wr_done) struct wr w = WR_INIT(SSH_SIG_MAX);

	if (ssh_priv_load(r->type, s, &p, NULL) != JIT_OK)
		return;
	/* What loads is a whole key: it verifies what it signs. */
	JT_OK(ssh_priv_sign(p, span_str("x"), &w));
	JT_OK(ssh_sig_verify(ssh_priv_public(p), span_str("x"), wr_view(&w),
	    NULL, NULL));
}

static void
halves(void **state)
{
	const struct row *r = *state;
	JIT_DONE(secret_done) struct secret s = { NULL, 0, 0 };
	struct row copy = *r;

	/* The others have the same form, and cost seconds. */
	if (r->type != SSH_ED25519 && r->type != SSH_ECDSA_P256)
		return;
	JT_OK(ssh_priv_save(priv[index_of(r)], &s));
	jt_flip_truncate(SPAN(s.p, s.n), damaged, &copy);
}

/* The private half of one key with the public half of another. */
static void
swapped_halves(void **state)
{
	JIT_DONE(secret_done) struct secret a = { NULL, 0, 0 };
	JIT_SCOPED(ssh_priv_free) struct ssh_priv *other = NULL;
	struct ssh_priv *p = NULL;
	struct span pub;

	(void)state;
	JT_OK(ssh_priv_generate(SSH_ECDSA_P256, 0, NULL, &other, NULL));
	JT_OK(ssh_priv_save(priv[1], &a));
	/* Both forms end with the 65 bytes of the point. */
	pub = ssh_key_blob(ssh_priv_public(other));
	assert_memory_equal(a.p + a.n - 64,
	    ssh_key_blob(ssh_priv_public(priv[1])).p + pub.n - 64, 64);
	memcpy(a.p + a.n - 64, pub.p + pub.n - 64, 64);
	JT_ERR(ssh_priv_load(SSH_ECDSA_P256, SPAN(a.p, a.n), &p, NULL),
	    JIT_E_FORMAT);
}

/* ssh-keygen reads the file, knows its public half, and signs with it. */
static void
file(void **state)
{
	const struct row *r = *state;
	const struct ssh_priv *p = priv[index_of(r)];
	uint64_t n = 5;
	struct rng rng = rand_counter(&n);
	JIT_DONE(wr_done) struct wr w = WR_INIT(16384), line = WR_INIT(4096);
	JIT_DONE(wr_done) struct wr agent = WR_INIT(16384);
	JIT_DONE(buf_done) struct buf out = { NULL, 0 };
	const char *path = kg_tmp("file");

	JT_OK(ssh_priv_put_file(p, "of ours", &rng, &w));
	jt_write(path, wr_view(&w));
	assert_int_equal(kg_run(SPAN_NONE, &out, "-y", "-f", path,
	    (char *)NULL), 0);
	ssh_key_put_line(&line, ssh_priv_public(p), "of ours");
	wr_str(&line, "\n");
	assert_true(span_eq(BUF_SPAN(out), wr_view(&line)));
	/* For the agent: the same fields, of which the file adds e and n. */
	JT_OK(ssh_priv_put_agent(p, &agent));
	assert_true(agent.n > 32);
}

struct refusal {
	const char *name;
	enum ssh_type type;
	unsigned bits;
	enum jit_err want;
};

static const struct refusal refusals[] = {
	{ "sk-ed25519", SSH_SK_ED25519, 0, JIT_E_KEYTYPE },
	{ "sk-ecdsa", SSH_SK_ECDSA, 0, JIT_E_KEYTYPE },
	{ "no type", SSH_TYPES, 0, JIT_E_KEYTYPE },
	{ "RSA of 2048", SSH_RSA, 2048, JIT_E_ARG },
	{ "RSA of 0", SSH_RSA, 0, JIT_E_ARG },
};

static void
refused(void **state)
{
	const struct refusal *r = *state;
	uint64_t n = 1;
	struct rng rng = rand_counter(&n);
	struct ssh_priv *p = NULL;

	JT_ERR(ssh_priv_generate(r->type, r->bits, &rng, &p, NULL), r->want);
	assert_null(p);
}

struct lengths { const char *name; size_t n; };
static const struct lengths lengths[] = {
	{ "empty", 0 }, { "31", 31 }, { "33", 33 }, { "64", 64 },
};

static void
seed_length(void **state)
{
	static const uint8_t zero[64];
	const struct lengths *l = *state;
	struct ssh_priv *p = NULL;

	JT_ERR(ssh_priv_load(SSH_ED25519, SPAN(zero, l->n), &p, NULL),
	    JIT_E_FORMAT);
	JT_ERR(ssh_priv_load(SSH_ECDSA_P256, SPAN(zero, l->n), &p, NULL),
	    JIT_E_FORMAT);
}

static enum jit_err
no_chance(void *ctx, uint8_t *p, size_t n)
{
	(void)ctx;
	(void)p;
	(void)n;
	return JIT_E_IO;
}

/* Case 72: a random source that fails gives no key and no file. */
static void
without_chance(void **state)
{
	struct rng rng = { no_chance, NULL };
	JIT_DONE(wr_done) struct wr w = WR_INIT(16384);
	struct ssh_priv *p = NULL;

	(void)state;
	JT_ERR(ssh_priv_generate(SSH_ED25519, 0, &rng, &p, NULL),
	    JIT_E_RANDOM);
	assert_null(p);
	JT_ERR(ssh_priv_put_file(priv[0], "", &rng, &w), JIT_E_RANDOM);
	assert_int_equal(w.n, 0);
}

/* ---- several threads, one key ---- */

static void *
worker(void *arg)
{
	const struct ssh_priv *p = arg;

	for (int i = 0; i < 30; i++) {
		JIT_DONE(wr_done) struct wr w = WR_INIT(SSH_SIG_MAX);
		struct span data = SPAN(&i, sizeof(i));

		if (ssh_priv_sign(p, data, &w) != JIT_OK ||
		    ssh_sig_verify(ssh_priv_public(p), data, wr_view(&w),
		    NULL, NULL) != JIT_OK)
			return arg;
	}
	return NULL;
}

static void
threads(void **state)
{
	const struct row *r = *state;
	pthread_t t[4];

	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&t[i], NULL, worker,
		    priv[index_of(r)]), 0);
	for (int i = 0; i < 4; i++) {
		void *bad = NULL;

		assert_int_equal(pthread_join(t[i], &bad), 0);
		assert_null(bad);
	}
}

int
main(void)
{
	uint64_t n = 1;
	struct rng rng = rand_counter(&n);
	int bad;

	for (size_t i = 0; i < MADE; i++)
		if (ssh_priv_generate(made[i].type, made[i].bits, &rng,
		    &priv[i], NULL) != JIT_OK)
			return 1;
	bad = JT_ROWS("save and load", save_and_load, made) +
	    JT_ROWS("PKCS#8", pkcs8, made) +
	    jt_one("PKCS#8 of others", pkcs8_of_others) +
	    JT_ROWS("flipped and cut", halves, made) +
	    jt_one("another key's public half", swapped_halves) +
	    JT_ROWS("the file", file, made) +
	    JT_ROWS("refused", refused, refusals) +
	    JT_ROWS("a seed's length", seed_length, lengths) +
	    jt_one("without chance", without_chance) +
	    JT_ROWS("four threads", threads, made);
	for (size_t i = 0; i < MADE; i++)
		ssh_priv_free(priv[i]);
	return bad;
}
