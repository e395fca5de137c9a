/*
 * sk_provider - a security key in software, for tests only.
 *
 * A middleware of OpenSSH's SK interface (PROTOCOL.u2f; version 0x000a0000,
 * that of OpenSSH 9.0 to 9.x), loaded by ssh-keygen -w, SSH_SK_PROVIDER or
 * ssh-agent -P.  It makes and uses ed25519-sk and ecdsa-sk keys.  There is no
 * device: the key handle holds the private key, in the clear.
 *
 *	byte[8]  "jitsk1\n\0"
 *	byte     algorithm, SSH_SK_ECDSA or SSH_SK_ED25519
 *	byte     flags at enrolment
 *	byte[32] SHA-256 of the application
 *	byte[32] the private key: Ed25519's seed, or P-256's number
 *
 * Steered by the environment of the program that loads it:
 *
 *	JIT_SK_PIN    the right PIN.  A key made with -O verify-required needs
 *	              it, for making and for signing: missing or wrong is
 *	              SSH_SK_ERR_PIN_REQUIRED
 *	JIT_SK_FLAGS  two hex digits: flags of every signature, instead of
 *	              those asked for (01 touched, 04 verified)
 *	JIT_SK_FAIL   every call fails: "general", "unsupported", "pin",
 *	              "device"
 *
 * The counter of a signature is always 1; there is nothing to count in.  No
 * key is resident.  Built without sanitizers: the program that loads it has
 * none.
 */
#define _DEFAULT_SOURCE
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rand.h>

/* ---- the interface, as PROTOCOL.u2f has it ---- */

#define SK_VERSION 0x000a0000

enum { SK_UP = 0x01, SK_UV = 0x04, SK_RESIDENT = 0x20 };
enum { SK_ECDSA = 0, SK_ED25519 = 1 };
enum {
	ERR_GENERAL = -1, ERR_UNSUPPORTED = -2, ERR_PIN = -3,
	ERR_DEVICE = -4
};

struct sk_enroll_response {
	uint8_t flags;
	uint8_t *public_key;
	size_t public_key_len;
	uint8_t *key_handle;
	size_t key_handle_len;
	uint8_t *signature;
	size_t signature_len;
	uint8_t *attestation_cert;
	size_t attestation_cert_len;
	uint8_t *authdata;
	size_t authdata_len;
};

struct sk_sign_response {
	uint8_t flags;
	uint32_t counter;
	uint8_t *sig_r;
	size_t sig_r_len;
	uint8_t *sig_s;
	size_t sig_s_len;
};

struct sk_resident_key;

struct sk_option {
	char *name;
	char *value;
	uint8_t required;
};

uint32_t sk_api_version(void);
int sk_enroll(uint32_t alg, const uint8_t *challenge, size_t challenge_len,
    const char *application, uint8_t flags, const char *pin,
    struct sk_option **options, struct sk_enroll_response **ret);
int sk_sign(uint32_t alg, const uint8_t *data, size_t data_len,
    const char *application, const uint8_t *key_handle, size_t key_handle_len,
    uint8_t flags, const char *pin, struct sk_option **options,
    struct sk_sign_response **ret);
int sk_load_resident_keys(const char *pin, struct sk_option **options,
    struct sk_resident_key ***ret, size_t *n);

/* ---- the device ---- */

#define MAGIC "jitsk1\n"	/* with its NUL */

struct handle {
	uint8_t magic[8], alg, flags, application[32], key[32];
};

static int
told_to_fail(void)
{
	static const struct { const char *name; int err; } fail[] = {
		{ "general", ERR_GENERAL },
		{ "unsupported", ERR_UNSUPPORTED },
		{ "pin", ERR_PIN }, { "device", ERR_DEVICE },
	};
	const char *s = getenv("JIT_SK_FAIL");

	if (s == NULL)
		return 0;
	for (size_t i = 0; i < sizeof(fail) / sizeof(fail[0]); i++)
		if (strcmp(s, fail[i].name) == 0)
			return fail[i].err;
	return ERR_GENERAL;
}

static int
check_pin(uint8_t flags, const char *pin)
{
	const char *right = getenv("JIT_SK_PIN");

	if (!(flags & SK_UV))
		return 0;
	return right != NULL && pin != NULL && strcmp(pin, right) == 0 ?
	    0 : ERR_PIN;
}

/* "device" and "user" mean nothing here; what is required is not known. */
static int
check_options(struct sk_option **o)
{
	for (; o != NULL && *o != NULL; o++)
		if ((*o)->required)
			return ERR_UNSUPPORTED;
	return 0;
}

static bool
sha256(const void *p, size_t n, uint8_t ret[static 32])
{
	return EVP_Digest(p, n, ret, NULL, EVP_sha256(), NULL) == 1;
}

static uint8_t *
copy(const void *p, size_t n)
{
	uint8_t *c = malloc(n > 0 ? n : 1);

	if (c != NULL)
		memcpy(c, p, n);
	return c;
}

/* P-256 from its number, with the public half that belongs to it. */
static EVP_PKEY *
p256_key(const uint8_t d[static 32], uint8_t pub[static 65])
{
	EC_GROUP *g = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	EC_POINT *q = g != NULL ? EC_POINT_new(g) : NULL;
	BIGNUM *n = BN_bin2bn(d, 32, NULL);
	OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	OSSL_PARAM *p = NULL;
	EVP_PKEY *k = NULL;

	if (q != NULL && n != NULL && b != NULL && c != NULL &&
	    EC_POINT_mul(g, q, n, NULL, NULL, NULL) == 1 &&
	    EC_POINT_point2oct(g, q, POINT_CONVERSION_UNCOMPRESSED, pub, 65,
	    NULL) == 65 &&
	    OSSL_PARAM_BLD_push_utf8_string(b, OSSL_PKEY_PARAM_GROUP_NAME,
	    "P-256", 0) == 1 &&
	    OSSL_PARAM_BLD_push_octet_string(b, OSSL_PKEY_PARAM_PUB_KEY, pub,
	    65) == 1 &&
	    OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_PRIV_KEY, n) == 1 &&
	    (p = OSSL_PARAM_BLD_to_param(b)) != NULL &&
	    EVP_PKEY_fromdata_init(c) == 1 &&
	    EVP_PKEY_fromdata(c, &k, EVP_PKEY_KEYPAIR, p) != 1)
		k = NULL;
	OSSL_PARAM_free(p);
	OSSL_PARAM_BLD_free(b);
	EVP_PKEY_CTX_free(c);
	BN_clear_free(n);
	EC_POINT_free(q);
	EC_GROUP_free(g);
	return k;
}

/* The handle's key; pub gets 32 or 65 bytes, *n says which. */
static EVP_PKEY *
key_of(const struct handle *h, uint8_t pub[static 65], size_t *n)
{
	EVP_PKEY *k;

	*n = h->alg == SK_ED25519 ? 32 : 65;
	if (h->alg == SK_ECDSA)
		return p256_key(h->key, pub);
	k = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, h->key, 32);
	if (k != NULL && EVP_PKEY_get_raw_public_key(k, pub, n) == 1)
		return k;
	EVP_PKEY_free(k);
	return NULL;
}

/* One signature: DER for ECDSA, 64 bytes for Ed25519. */
static bool
sign(EVP_PKEY *k, uint8_t alg, const uint8_t *p, size_t n,
    uint8_t sig[static 80], size_t *len)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	bool ok;

	*len = 80;
	ok = c != NULL && EVP_DigestSignInit(c, NULL,
	    alg == SK_ECDSA ? EVP_sha256() : NULL, NULL, k) == 1 &&
	    EVP_DigestSign(c, sig, len, p, n) == 1;
	EVP_MD_CTX_free(c);
	return ok;
}

/* ---- the calls ---- */

uint32_t
sk_api_version(void)
{
	return SK_VERSION;
}

/* A handle with a key in it; P-256's number is below 2^255, so in range. */
static bool
new_handle(uint32_t alg, const char *application, uint8_t flags,
    struct handle *h)
{
	*h = (struct handle){ .magic = MAGIC, .alg = (uint8_t)alg,
		.flags = flags };
	if (!sha256(application, strlen(application), h->application) ||
	    RAND_bytes(h->key, sizeof(h->key)) != 1)
		return false;
	if (alg == SK_ECDSA)
		h->key[0] &= 0x7f;
	return true;
}

static void
enroll_free(struct sk_enroll_response *r)
{
	if (r == NULL)
		return;
	free(r->public_key);
	free(r->key_handle);
	free(r->signature);
	free(r);
}

int
sk_enroll(uint32_t alg, const uint8_t *challenge, size_t challenge_len,
    const char *application, uint8_t flags, const char *pin,
    struct sk_option **options, struct sk_enroll_response **ret)
{
	struct sk_enroll_response *r = NULL;
	struct handle h;
	EVP_PKEY *k = NULL;
	uint8_t pub[65], sig[80];
	size_t n = 0, len = 0;
	int e;

	if ((e = told_to_fail()) != 0 || (e = check_options(options)) != 0)
		return e;
	if ((alg != SK_ECDSA && alg != SK_ED25519) || (flags & SK_RESIDENT))
		return ERR_UNSUPPORTED;
	if ((e = check_pin(flags, pin)) != 0)
		return e;
	e = ERR_GENERAL;
	if (new_handle(alg, application, flags, &h) &&
	    (k = key_of(&h, pub, &n)) != NULL &&
	    sign(k, h.alg, challenge, challenge_len, sig, &len) &&
	    (r = calloc(1, sizeof(*r))) != NULL) {
		/* It vouches for itself: there is no attestation. */
		*r = (struct sk_enroll_response){ .flags = flags,
			.public_key = copy(pub, n), .public_key_len = n,
			.key_handle = copy(&h, sizeof(h)),
			.key_handle_len = sizeof(h),
			.signature = copy(sig, len), .signature_len = len };
		if (r->public_key != NULL && r->key_handle != NULL &&
		    r->signature != NULL)
			e = 0;
	}
	if (e == 0)
		*ret = r;
	else
		enroll_free(r);
	EVP_PKEY_free(k);
	return e;
}

/* Flags of the signature: what was asked for, or what the test wants. */
static uint8_t
sign_flags(uint8_t asked)
{
	const char *s = getenv("JIT_SK_FLAGS");

	return s != NULL ? (uint8_t)strtoul(s, NULL, 16) :
	    asked & (SK_UP | SK_UV);
}

/* DER to the two numbers. */
static bool
split(const uint8_t *sig, size_t len, struct sk_sign_response *r)
{
	const uint8_t *at = sig;
	ECDSA_SIG *s = d2i_ECDSA_SIG(NULL, &at, (long)len);
	uint8_t n[32];

	if (s == NULL)
		return false;
	r->sig_r_len = (size_t)BN_bn2bin(ECDSA_SIG_get0_r(s), n);
	r->sig_r = copy(n, r->sig_r_len);
	r->sig_s_len = (size_t)BN_bn2bin(ECDSA_SIG_get0_s(s), n);
	r->sig_s = copy(n, r->sig_s_len);
	ECDSA_SIG_free(s);
	return r->sig_r != NULL && r->sig_s != NULL;
}

/* SHA256(application), flags, counter, SHA256(data), signed. */
static bool
sign_data(const struct handle *h, const uint8_t *data, size_t n,
    struct sk_sign_response *r)
{
	uint8_t in[32 + 1 + 4 + 32], pub[65], sig[80];
	size_t len = 0, pub_len;
	EVP_PKEY *k = key_of(h, pub, &pub_len);
	bool ok;

	memcpy(in, h->application, 32);
	in[32] = r->flags;
	for (unsigned i = 0; i < 4; i++)
		in[33 + i] = (uint8_t)(r->counter >> (8 * (3 - i)));
	ok = k != NULL && sha256(data, n, in + 37) &&
	    sign(k, h->alg, in, sizeof(in), sig, &len);
	if (ok && h->alg == SK_ED25519) {
		r->sig_r = copy(sig, len);
		r->sig_r_len = len;
		ok = r->sig_r != NULL;
	} else if (ok) {
		ok = split(sig, len, r);
	}
	EVP_PKEY_free(k);
	return ok;
}

/* A handle of ours, of that algorithm, made for that application. */
static bool
read_handle(uint32_t alg, const char *application, const uint8_t *p, size_t n,
    struct handle *h)
{
	uint8_t app[32];

	if (n != sizeof(*h))
		return false;
	memcpy(h, p, n);
	return memcmp(h->magic, MAGIC, sizeof(h->magic)) == 0 &&
	    h->alg == alg && sha256(application, strlen(application), app) &&
	    memcmp(app, h->application, sizeof(app)) == 0;
}

int
sk_sign(uint32_t alg, const uint8_t *data, size_t data_len,
    const char *application, const uint8_t *key_handle, size_t key_handle_len,
    uint8_t flags, const char *pin, struct sk_option **options,
    struct sk_sign_response **ret)
{
	struct sk_sign_response *r;
	struct handle h;
	int e;

	if ((e = told_to_fail()) != 0 || (e = check_options(options)) != 0)
		return e;
	if (!read_handle(alg, application, key_handle, key_handle_len, &h))
		return ERR_DEVICE;
	/* The device remembers, whatever the caller asks for now. */
	if ((e = check_pin(flags | h.flags, pin)) != 0)
		return e;
	if ((r = calloc(1, sizeof(*r))) == NULL)
		return ERR_GENERAL;
	r->flags = sign_flags(flags | (h.flags & SK_UV));
	r->counter = 1;
	if (!sign_data(&h, data, data_len, r)) {
		free(r->sig_r);
		free(r->sig_s);
		free(r);
		return ERR_GENERAL;
	}
	*ret = r;
	return 0;
}

int
sk_load_resident_keys(const char *pin, struct sk_option **options,
    struct sk_resident_key ***ret, size_t *n)
{
	int e = told_to_fail();

	(void)pin;
	(void)options;
	if (e != 0)
		return e;
	*ret = NULL;
	*n = 0;
	return 0;
}
