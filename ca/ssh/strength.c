#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "ca/ssh/type.h"

/*
 * Weak keys by their known failures, as Boulder's goodkey does: see
 * CVE-2017-15361 (ROCA), CVE-2022-26320 (Fermat), CVE-2008-0166.
 */

JIT_SCOPED_PTR(BIGNUM, BN_free);
JIT_SCOPED_PTR(BN_CTX, BN_CTX_free);
JIT_SCOPED_PTR(EVP_PKEY_CTX, EVP_PKEY_CTX_free);

#define SMALL_PRIMES_TO 752	/* where Boulder stops */
#define FERMAT_ROUNDS 100

static bool
is_prime(unsigned n)
{
	for (unsigned d = 2; d * d <= n; d++)
		if (n % d == 0)
			return false;
	return n >= 2;
}

static const char *
small_factor(const BIGNUM *n)
{
	for (unsigned p = 2; p < SMALL_PRIMES_TO; p++)
		if (is_prime(p) && BN_mod_word(n, p) == 0)
			return "divisible by a small prime";
	return NULL;
}

/* Is x one of the powers of 65537 modulo the prime p? */
static bool
is_power(unsigned x, unsigned p)
{
	unsigned v = 1;

	for (unsigned i = 0; i < p; i++) {
		if (v == x)
			return true;
		v = v * (65537 % p) % p;
	}
	return false;
}

/*
 * ROCA: primes of the faulty generator are 65537^a mod M with M a product of
 * the first primes, so n is a power of 65537 modulo each of them.  An honest
 * n passes all of these by chance about once in 2^27.
 */
static const char *
roca(const BIGNUM *n)
{
	static const unsigned primes[] = { 11, 13, 17, 19, 37, 53, 61, 71, 73,
	    79, 97, 103, 107, 109, 127, 151, 157 };

	for (size_t i = 0; i < sizeof(primes) / sizeof(primes[0]); i++) {
		BN_ULONG x = BN_mod_word(n, primes[i]);

		if (!is_power((unsigned)x, primes[i]))
			return NULL;
	}
	return "made by the faulty generator of CVE-2017-15361 (ROCA)";
}

/* floor(sqrt(n)) for n > 0, by Newton's method; false when OpenSSL fails. */
static bool
square_root(const BIGNUM *n, BIGNUM *x, BN_CTX *ctx)
{
	JIT_SCOPED(BN_free) BIGNUM *y = BN_new();

	if (y == NULL || !BN_one(x) ||
	    !BN_lshift(x, x, (BN_num_bits(n) + 1) / 2))
		return false;
	for (;;) {
		if (!BN_div(y, NULL, n, x, ctx) || !BN_add(y, y, x) ||
		    !BN_rshift1(y, y))
			return false;
		if (BN_cmp(y, x) >= 0)
			return true;
		if (BN_copy(x, y) == NULL)
			return false;
	}
}

static bool
is_square(const BIGNUM *n, BN_CTX *ctx, bool *ret)
{
	JIT_SCOPED(BN_free) BIGNUM *x = BN_new(), *s = NULL;

	/* Squares are 0, 1, 4 or 9 modulo 16: spares most of the roots. */
	BN_ULONG low = BN_mod_word(n, 16);

	*ret = BN_is_zero(n);
	if (*ret)
		return true;
	if (low != 0 && low != 1 && low != 4 && low != 9)
		return true;
	s = BN_new();
	if (x == NULL || s == NULL || !square_root(n, x, ctx) ||
	    !BN_sqr(s, x, ctx))
		return false;
	*ret = BN_cmp(s, n) == 0;
	return true;
}

/* n = a^2 - b^2 with a near sqrt(n): the factors are too close. */
static const char *
fermat(const BIGNUM *n)
{
	static const char failed[] = "not to be examined: OpenSSL failed";
	JIT_SCOPED(BN_CTX_free) BN_CTX *ctx = BN_CTX_new();
	JIT_SCOPED(BN_free) BIGNUM *a = BN_new();
	JIT_SCOPED(BN_free) BIGNUM *b2 = BN_new();

	if (ctx == NULL || a == NULL || b2 == NULL || !square_root(n, a, ctx))
		return failed;
	/* floor(sqrt(n)) is a round only for a square: <=, not <. */
	for (int i = 0; i <= FERMAT_ROUNDS; i++) {
		bool square;

		if (!BN_sqr(b2, a, ctx) || !BN_sub(b2, b2, n))
			return failed;
		if (!BN_is_negative(b2)) {
			if (!is_square(b2, ctx, &square))
				return failed;
			if (square)
				return "the product of two primes that are "
				    "too close (CVE-2022-26320)";
		}
		if (!BN_add_word(a, 1))
			return failed;
	}
	return NULL;
}

static enum jit_err
check_rsa(const struct ssh_key *k, unsigned min_bits, struct jit_why *why)
{
	JIT_SCOPED(BN_free) BIGNUM *n = NULL;
	JIT_SCOPED(BN_free) BIGNUM *e = NULL;
	unsigned bits = ssh_key_bits(k);
	const char *bad;

	if (bits < min_bits || bits > SSH_RSA_BITS_MAX)
		return jit_fail(why, JIT_E_WEAKKEY, "RSA of %u bits, accepted "
		    "are %u to %d", bits, min_bits, SSH_RSA_BITS_MAX);
	if (EVP_PKEY_get_bn_param(ssh_key_evp(k), OSSL_PKEY_PARAM_RSA_N,
	    &n) != 1 || EVP_PKEY_get_bn_param(ssh_key_evp(k),
	    OSSL_PKEY_PARAM_RSA_E, &e) != 1)
		return JIT_E_CRYPTO;
	if (!BN_is_word(e, 65537))
		return jit_fail(why, JIT_E_WEAKKEY, "RSA with a public "
		    "exponent other than 65537");
	if ((bad = small_factor(n)) != NULL || (bad = roca(n)) != NULL ||
	    (bad = fermat(n)) != NULL)
		return jit_fail(why, JIT_E_WEAKKEY, "RSA modulus is %s", bad);
	return JIT_OK;
}

/*
 * Ed25519 points of small order sign anything: the y coordinates of the
 * eight, and their encodings that are not reduced, without the sign bit.
 */
static enum jit_err
check_ed25519(const struct ssh_key *k, struct jit_why *why)
{
	static const uint8_t order8[2][32] = {
		{ 0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3,
		  0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05,
		  0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
		  0xfc, 0x05 },
		{ 0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c,
		  0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa,
		  0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
		  0x03, 0x7a },
	};
	uint8_t y[32], top;
	bool middle_ff = true, middle_00 = true, bad;

	memcpy(y, ssh_key_point(k), sizeof(y));
	top = y[31] & 0x7f;
	for (int i = 1; i < 31; i++) {
		middle_ff &= y[i] == 0xff;
		middle_00 &= y[i] == 0;
	}
	/* y = 0, 1, and p - 1, p, p + 1 with p = 2^255 - 19. */
	bad = (middle_00 && top == 0 && y[0] <= 1) ||
	    (middle_ff && top == 0x7f && y[0] >= 0xec && y[0] <= 0xee);
	y[31] = top;
	for (int i = 0; i < 2; i++)
		bad |= span_eq(SPAN(y, 32), SPAN(order8[i], 32));
	if (bad)
		return jit_fail(why, JIT_E_WEAKKEY, "an Ed25519 point of "
		    "small order");
	return JIT_OK;
}

static enum jit_err
check_ec(const struct ssh_key *k, struct jit_why *why)
{
	JIT_SCOPED(EVP_PKEY_CTX_free) EVP_PKEY_CTX *c =
	    EVP_PKEY_CTX_new_from_pkey(NULL, ssh_key_evp(k), NULL);

	if (c == NULL || EVP_PKEY_public_check(c) != 1)
		return jit_fail(why, JIT_E_WEAKKEY, "the point is no valid "
		    "public key of its curve");
	return JIT_OK;
}

enum jit_err
ssh_key_check_strength(const struct ssh_key *k, unsigned min_rsa_bits,
    struct jit_why *why)
{
	switch (ssh_key_type(k)) {
	case SSH_RSA:
		return check_rsa(k, min_rsa_bits, why);
	case SSH_ED25519:
	case SSH_SK_ED25519:
		return check_ed25519(k, why);
	default:
		return check_ec(k, why);
	}
}
