/*
 * strength: weak keys, each built here by its own failure (case 39).
 *
 * The checks look at numbers, so that p and q below need not be prime; they
 * only must have no small factor, or that would be found first.
 */
#include <string.h>

#include <openssl/bn.h>

#include "ca/base/rand.h"
#include "ca/ssh/key.h"
#include "ca/ssh/mpint.h"
#include "tests/lib/jt.h"

static BN_CTX *ctx;
static uint64_t chance;

static BIGNUM *
word(BN_ULONG v)
{
	BIGNUM *b = BN_new();

	assert_non_null(b);
	assert_int_equal(BN_set_word(b, v), 1);
	return b;
}

/* An odd number of exactly that many bits, its upper two set. */
static BIGNUM *
any(int bits)
{
	struct rng rng = rand_counter(&chance);
	uint8_t b[SSH_RSA_BITS_MAX / 8];
	size_t n = (size_t)(bits + 7) / 8;
	BIGNUM *r;

	JT_OK(rng_fill(&rng, b, n));
	r = BN_bin2bn(b, (int)n, NULL);
	assert_non_null(r);
	(void)BN_mask_bits(r, bits);
	assert_int_equal(BN_set_bit(r, bits - 1), 1);
	assert_int_equal(BN_set_bit(r, bits - 2), 1);
	assert_int_equal(BN_set_bit(r, 0), 1);
	return r;
}

static bool
has_small_factor(const BIGNUM *n)
{
	for (unsigned p = 2; p < 1000; p++)
		if (BN_mod_word(n, p) == 0)
			return true;
	return false;
}

/* Add step to n until it has no small factor. */
static void
without_small(BIGNUM *n, const BIGNUM *step)
{
	while (has_small_factor(n))
		assert_int_equal(BN_add(n, n, step), 1);
}

static BIGNUM *
odd_any(int bits)
{
	BIGNUM *r = any(bits), *two = word(2);

	without_small(r, two);
	BN_free(two);
	return r;
}

static BIGNUM *
product(BIGNUM *p, BIGNUM *q)
{
	BIGNUM *n = BN_new();

	assert_int_equal(BN_mul(n, p, q, ctx), 1);
	BN_free(p);
	BN_free(q);
	return n;
}

/* ---- moduli ---- */

static BIGNUM *
honest(int bits)
{
	return odd_any(bits);
}

static BIGNUM *
times(int small)
{
	BIGNUM *n = odd_any(2048);

	assert_int_equal(BN_mul_word(n, (BN_ULONG)small), 1);
	return n;
}

/* q is the next after p that will do. */
static BIGNUM *
neighbours(int bits)
{
	BIGNUM *p = odd_any(bits / 2), *q = BN_dup(p), *two = word(2);

	assert_int_equal(BN_add(q, q, two), 1);
	without_small(q, two);
	BN_free(two);
	return product(p, q);
}

static BIGNUM *
square(int bits)
{
	BIGNUM *p = odd_any(bits / 2);

	return product(p, BN_dup(p));
}

/* floor(sqrt(n)), bit by bit: not as the code under test does it. */
static BIGNUM *
root(const BIGNUM *n)
{
	BIGNUM *r = word(0), *s = BN_new();

	for (int b = (BN_num_bits(n) + 1) / 2; b >= 0; b--) {
		assert_int_equal(BN_set_bit(r, b), 1);
		assert_int_equal(BN_sqr(s, r, ctx), 1);
		if (BN_cmp(s, n) > 0)
			assert_int_equal(BN_clear_bit(r, b), 1);
	}
	BN_free(s);
	return r;
}

/*
 * n = (a - b)(a + b) that Fermat finds in just that round, the first being
 * ceil(sqrt(n)): b^2 is nearly 2 a (round - 1/2).
 */
static BIGNUM *
found_in_round(int round)
{
	BIGNUM *a = any(1024), *b, *t = BN_dup(a), *p = BN_new();
	BIGNUM *q = BN_new(), *n, *r;

	assert_int_equal(BN_mul_word(t, (BN_ULONG)(2 * round - 1)), 1);
	b = root(t);
	if (BN_is_odd(b))
		assert_int_equal(BN_add_word(b, 1), 1);
	do {
		assert_int_equal(BN_add_word(b, 2), 1);
		assert_int_equal(BN_sub(p, a, b), 1);
		assert_int_equal(BN_add(q, a, b), 1);
	} while (has_small_factor(p) || has_small_factor(q));
	n = product(p, q);
	/* a is ceil(sqrt(n)) + round - 1. */
	r = root(n);
	assert_int_equal(BN_sub(t, a, r), 1);
	assert_true(BN_is_word(t, (BN_ULONG)round));
	BN_free(a);
	BN_free(b);
	BN_free(r);
	BN_free(t);
	return n;
}

/* The product of the first 126 primes: what 1024-bit primes were made with. */
static BIGNUM *
primorial(void)
{
	BIGNUM *m = word(1);

	for (unsigned p = 2, n = 0; n < 126; p++) {
		unsigned d = 2;

		while (d * d <= p && p % d != 0)
			d++;
		if (d * d <= p)
			continue;
		assert_int_equal(BN_mul_word(m, p), 1);
		n++;
	}
	return m;
}

/* 65537^a mod M and a multiple of M, as CVE-2017-15361's generator did. */
static BIGNUM *
faulty_prime(const BIGNUM *m)
{
	BIGNUM *p = BN_new(), *g = word(65537), *a = any(62), *k = any(53);

	assert_int_equal(BN_mod_exp(p, g, a, m, ctx), 1);
	assert_int_equal(BN_mul(k, k, m, ctx), 1);
	assert_int_equal(BN_add(p, p, k), 1);
	without_small(p, m);
	BN_free(g);
	BN_free(a);
	BN_free(k);
	return p;
}

static BIGNUM *
roca(int unused)
{
	BIGNUM *m = primorial(), *n;

	(void)unused;
	n = product(faulty_prime(m), faulty_prime(m));
	BN_free(m);
	return n;
}

/* The same with one residue, modulo prime, that is no power of 65537. */
static BIGNUM *
all_but(int prime)
{
	BIGNUM *m = primorial(), *n = roca(0);

	/* 2 is no power of 65537 modulo 11 and 37: those are 1, 10 and 1,
	 * 6, 8, 10, 11, 14, 23, 26, 27, 29, 31, 36. */
	assert_int_equal(BN_div_word(m, (BN_ULONG)prime), 0);
	while (BN_mod_word(n, (BN_ULONG)prime) != 2 || has_small_factor(n))
		assert_int_equal(BN_add(n, n, m), 1);
	BN_free(m);
	return n;
}

struct row {
	const char *name;
	BIGNUM *(*make)(int);
	int arg;
	BN_ULONG e;
	unsigned min;
	const char *why;	/* part of the reason; NULL is accepted */
};

static const struct row rows[] = {
	{ "2048 where 2048 will do", honest, 2048, 65537, 2048, NULL },
	{ "2048 where 3072 must be", honest, 2048, 65537, 3072, "2048 bits" },
	{ "2047", honest, 2047, 65537, 2048, "2047 bits" },
	{ "3072", honest, 3072, 65537, 3072, NULL },
	{ "3071", honest, 3071, 65537, 3072, "3071 bits" },
	{ "4096", honest, 4096, 65537, 3072, NULL },
	{ "8192", honest, 8192, 65537, 3072, NULL },
	{ "512", honest, 512, 65537, 2048, "512 bits" },
	{ "e is 1", honest, 2048, 1, 2048, "exponent" },
	{ "e is 3", honest, 2048, 3, 2048, "exponent" },
	{ "e is 17", honest, 2048, 17, 2048, "exponent" },
	{ "e is even", honest, 2048, 65536, 2048, "exponent" },
	{ "e is 65539", honest, 2048, 65539, 2048, "exponent" },
	{ "e is 2^32 + 1", honest, 2048, 0x100000001, 2048, "exponent" },
	{ "even", times, 2, 65537, 2048, "small prime" },
	{ "a factor of 3", times, 3, 65537, 2048, "small prime" },
	{ "a factor of 257", times, 257, 65537, 2048, "small prime" },
	{ "a factor of 751", times, 751, 65537, 2048, "small prime" },
	{ "factors side by side", neighbours, 2048, 65537, 2048, "too close" },
	{ "the same, 3072", neighbours, 3072, 65537, 3072, "too close" },
	{ "a square", square, 2048, 65537, 2048, "too close" },
	{ "Fermat, round 1", found_in_round, 1, 65537, 2048, "too close" },
	{ "Fermat, round 2", found_in_round, 2, 65537, 2048, "too close" },
	{ "Fermat, round 100", found_in_round, 100, 65537, 2048,
	    "too close" },
	{ "Fermat would need 1000", found_in_round, 1000, 65537, 2048, NULL },
	{ "ROCA", roca, 0, 65537, 2048, "ROCA" },
	{ "ROCA but modulo 11", all_but, 11, 65537, 2048, NULL },
	{ "ROCA but modulo 37", all_but, 37, 65537, 2048, NULL },
};

static void
put_bn(struct wr *w, const BIGNUM *b)
{
	uint8_t m[SSH_RSA_BITS_MAX / 8 + 8];

	wr_mpint(w, SPAN(m, (size_t)BN_bn2bin(b, m)));
}

static void
rsa(void **state)
{
	const struct row *r = *state;
	JIT_DONE(wr_done) struct wr w = WR_INIT(SSH_BLOB_MAX);
	JIT_SCOPED(ssh_key_free) struct ssh_key *k = NULL;
	struct jit_why why = { JIT_OK, "" };
	BIGNUM *n = r->make(r->arg), *e = word(r->e);

	wr_cstring(&w, "ssh-rsa");
	put_bn(&w, e);
	put_bn(&w, n);
	BN_free(n);
	BN_free(e);
	JT_WHY(ssh_key_parse(wr_view(&w), &k, &why), JIT_OK, &why);
	JT_WHY(ssh_key_check_strength(k, r->min, &why), r->why == NULL ?
	    JIT_OK : JIT_E_WEAKKEY, &why);
	if (r->why != NULL && strstr(why.msg, r->why) == NULL)
		fail_msg("%s", why.msg);
}

/* ---- Ed25519 ---- */

/*
 * The y of the eight points of small order, and the not reduced encodings of
 * 0 and 1: first byte, the bytes between, last byte.  The two of order 8
 * were found as L * P for P on the curve, L the order of its large subgroup.
 */
#define Y8A "\x26\xe8\x95\x8f\xc2\xb2\x27\xb0\x45\xc3\xf4\x89\xf2\xef\x98" \
    "\xf0\xd5\xdf\xac\x05\xd3\xc6\x33\x39\xb1\x38\x02\x88\x6d\x53\xfc\x05"
#define Y8B "\xc7\x17\x6a\x70\x3d\x4d\xd8\x4f\xba\x3c\x0b\x76\x0d\x10\x67" \
    "\x0f\x2a\x20\x53\xfa\x2c\x39\xcc\xc6\x4e\xc7\xfd\x77\x92\xac\x03\x7a"
struct point {
	const char *name;
	uint8_t first, between, last;
	const char *whole;
	enum jit_err want;
};

static const struct point points[] = {
	{ "y = 0, order 4", 0x00, 0x00, 0x00, NULL, JIT_E_WEAKKEY },
	{ "y = 1, the neutral one", 0x01, 0x00, 0x00, NULL, JIT_E_WEAKKEY },
	{ "y = -1, order 2", 0xec, 0xff, 0x7f, NULL, JIT_E_WEAKKEY },
	{ "y = p, which is 0", 0xed, 0xff, 0x7f, NULL, JIT_E_FORMAT },
	{ "y = p + 1, which is 1", 0xee, 0xff, 0x7f, NULL, JIT_E_FORMAT },
	{ "order 8", 0, 0, 0, Y8A, JIT_E_WEAKKEY },
	{ "order 8, the other", 0, 0, 0, Y8B, JIT_E_WEAKKEY },
	{ "the base point", 0x58, 0x66, 0x66, NULL, JIT_OK },
	{ "y = 3", 0x03, 0x00, 0x00, NULL, JIT_OK },
};

static enum jit_err
ed25519(const uint8_t y[static 32], bool sk, struct ssh_key **ret)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(200);

	wr_cstring(&w, sk ? "sk-ssh-ed25519@openssh.com" : "ssh-ed25519");
	wr_string(&w, SPAN(y, 32));
	if (sk)
		wr_cstring(&w, "ssh:");
	return ssh_key_parse(wr_view(&w), ret, NULL);
}

/* With both signs of x, and as a security key. */
static void
small_order(void **state)
{
	const struct point *p = *state;

	for (int i = 0; i < 4; i++) {
		JIT_SCOPED(ssh_key_free) struct ssh_key *k = NULL;
		uint8_t y[32];

		memset(y, p->between, 32);
		y[0] = p->first;
		y[31] = p->last;
		if (p->whole != NULL)
			memcpy(y, p->whole, 32);
		if (i & 1)
			y[31] ^= 0x80;
		/* JIT_E_FORMAT: a second encoding is not even read. */
		if (p->want == JIT_E_FORMAT) {
			JT_ERR(ed25519(y, i & 2, &k), p->want);
			continue;
		}
		JT_OK(ed25519(y, i & 2, &k));
		JT_ERR(ssh_key_check_strength(k, 2048, NULL), p->want);
	}
}

int
main(void)
{
	int bad;

	if ((ctx = BN_CTX_new()) == NULL)
		return 1;
	bad = JT_ROWS("RSA", rsa, rows) +
	    JT_ROWS("Ed25519", small_order, points);
	BN_CTX_free(ctx);
	return bad;
}
