/* strength: keys that failed somebody, and ordinary ones (case 39). */
#include <string.h>

#include <openssl/bn.h>

#include "ca/base/text.h"
#include "ca/ssh/mpint.h"
#include "ca/ssh/sig.h"
#include "tests/lib/json.h"

static struct ssh_key *
rsa(const BIGNUM *n, unsigned e)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(SSH_BLOB_MAX);
	uint8_t m[SSH_RSA_BITS_MAX / 8];
	const uint8_t exp[3] = { (uint8_t)(e >> 16), (uint8_t)(e >> 8),
	    (uint8_t)e };
	struct ssh_key *k = NULL;

	wr_cstring(&w, "ssh-rsa");
	wr_mpint(&w, SPAN(exp, 3));
	wr_mpint(&w, SPAN(m, (size_t)BN_bn2bin(n, m)));
	JT_OK(ssh_key_parse(wr_view(&w), &k, NULL));
	return k;
}

static void
expect_rsa(const BIGNUM *n, unsigned e, unsigned min, const char *says)
{
	JIT_SCOPED(ssh_key_free) struct ssh_key *k = rsa(n, e);
	struct jit_why why = { 0 };
	enum jit_err got = ssh_key_check_strength(k, min, &why);

	JT_WHY(got, says == NULL ? JIT_OK : JIT_E_WEAKKEY, &why);
	if (says != NULL && strstr(why.msg, says) == NULL) {
		print_error("it says: %s\n", why.msg);
		fail();
	}
}

static void
rsa_keys(void **state)
{
	BN_CTX *ctx = BN_CTX_new();
	BIGNUM *p = BN_new(), *q = BN_new(), *n = BN_new(), *m = BN_new();

	(void)state;
	assert_true(BN_generate_prime_ex(p, 1024, 0, NULL, NULL, NULL));
	assert_true(BN_generate_prime_ex(q, 1024, 0, NULL, NULL, NULL));
	assert_true(BN_mul(n, p, q, ctx));
	expect_rsa(n, 65537, 2047, NULL);
	expect_rsa(n, 3, 2047, "exponent");
	expect_rsa(n, 65537, 3072, "accepted are 3072");
	/* A multiple of a small prime. */
	assert_true(BN_copy(m, n) && BN_mul_word(m, 751));
	expect_rsa(m, 65537, 2047, "small prime");
	/* The next prime behind p: Fermat finds it at once. */
	assert_true(BN_copy(q, p));
	do
		assert_true(BN_add_word(q, 2));
	while (BN_check_prime(q, ctx, NULL) != 1);
	assert_true(BN_mul(n, p, q, ctx));
	expect_rsa(n, 65537, 2047, "too close");
	/* ROCA: primes of the form k * M + (65537^a mod M). */
	assert_true(BN_one(m));
	for (unsigned d = 2; d < 170; d++) {
		bool prime = true;

		for (unsigned f = 2; f * f <= d; f++)
			prime &= d % f != 0;
		if (prime)
			assert_true(BN_mul_word(m, d));
	}
	assert_true(BN_set_word(n, 65537) && BN_set_word(p, 1234567) &&
	    BN_mod_exp(p, n, p, m, ctx));
	assert_true(BN_lshift(q, m, 1024 - BN_num_bits(m)) &&
	    BN_nnmod(n, q, m, ctx) && BN_sub(q, q, n) && BN_add(q, q, p));
	for (int i = 0; i < 20000 && BN_check_prime(q, ctx, NULL) != 1; i++)
		assert_true(BN_add(q, q, m));
	assert_true(BN_copy(p, q) && BN_lshift1(n, m));
	do
		assert_true(BN_add(q, q, n) && BN_lshift1(n, n));
	while (BN_check_prime(q, ctx, NULL) != 1);
	assert_true(BN_mul(n, p, q, ctx));
	expect_rsa(n, 65537, 2000, "ROCA");
	BN_free(p);
	BN_free(q);
	BN_free(n);
	BN_free(m);
	BN_CTX_free(ctx);
}

struct row { const char *name, *hex; enum jit_err want; };
/* Encodings of the points of small order; p = 2^255 - 19. */
static const struct row points[] = {
	{ "0", "0000000000000000000000000000000000000000000000000000000000000000",
	    JIT_E_WEAKKEY },
	{ "1", "0100000000000000000000000000000000000000000000000000000000000000",
	    JIT_E_WEAKKEY },
	{ "1 with a sign",
	    "0100000000000000000000000000000000000000000000000000000000000080",
	    JIT_E_WEAKKEY },
	{ "p - 1",
	    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	    JIT_E_WEAKKEY },
	{ "p", "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	    JIT_E_WEAKKEY },
	{ "p + 1",
	    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	    JIT_E_WEAKKEY },
	{ "of order 8",
	    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
	    JIT_E_WEAKKEY },
	{ "of order 8 with a sign",
	    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
	    JIT_E_WEAKKEY },
	{ "the other of order 8",
	    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	    JIT_E_WEAKKEY },
	{ "the base point",
	    "5866666666666666666666666666666666666666666666666666666666666666",
	    JIT_OK },
};

static void
point(void **state)
{
	const struct row *r = *state;
	JIT_DONE(buf_done) struct buf y = jt_hex(r->hex);
	JIT_DONE(wr_done) struct wr w = WR_INIT(SSH_BLOB_MAX);
	JIT_SCOPED(ssh_key_free) struct ssh_key *k = NULL;

	wr_cstring(&w, "ssh-ed25519");
	wr_string(&w, BUF_SPAN(y));
	JT_OK(ssh_key_parse(wr_view(&w), &k, NULL));
	JT_ERR(ssh_key_check_strength(k, 3072, NULL), r->want);
}

static void
ordinary(void **state)
{
	uint64_t n = 1;
	struct rng rng = rand_counter(&n);

	(void)state;
	for (int t = SSH_ED25519; t <= SSH_RSA; t++) {
		JIT_SCOPED(ssh_priv_free) struct ssh_priv *p = NULL;
		struct jit_why why = { 0 };

		JT_OK(ssh_priv_generate((enum ssh_type)t, 3072, &rng, &p,
		    NULL));
		JT_WHY(ssh_key_check_strength(ssh_priv_public(p), 3072, &why),
		    JIT_OK, &why);
	}
}

int
main(void)
{
	return jt_one("RSA", rsa_keys) + JT_ROWS("Ed25519", point, points) +
	    jt_one("ordinary keys", ordinary);
}
