#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "ca/base/text.h"
#include "ca/ssh/mpint.h"
#include "ca/ssh/sig.h"
#include "ca/ssh/type.h"

JIT_SCOPED_PTR(EVP_MD_CTX, EVP_MD_CTX_free);
JIT_SCOPED_PTR(EVP_PKEY_CTX, EVP_PKEY_CTX_free);
JIT_SCOPED_PTR(EVP_PKEY, EVP_PKEY_free);
JIT_SCOPED_PTR(ECDSA_SIG, ECDSA_SIG_free);
JIT_SCOPED_PTR(BIGNUM, BN_clear_free);
JIT_SCOPED_PTR(PKCS8_PRIV_KEY_INFO, PKCS8_PRIV_KEY_INFO_free);

struct ssh_priv {
	EVP_PKEY *evp;
	struct ssh_key *pub;
};

void
ssh_priv_free(struct ssh_priv *p)
{
	if (p == NULL)
		return;
	EVP_PKEY_free(p->evp);
	ssh_key_free(p->pub);
	free(p);
}

const struct ssh_key *
ssh_priv_public(const struct ssh_priv *p)
{
	return p->pub;
}

EVP_PKEY *
ssh_priv_evp(const struct ssh_priv *p)
{
	return p->evp;
}

/* A number of the key as magnitude, into a buffer that is wiped. */
static enum jit_err
number(EVP_PKEY *k, const char *name, struct buf *ret)
{
	JIT_SCOPED(BN_clear_free) BIGNUM *b = NULL;
	JIT_DONE(buf_done) struct buf out = { NULL, 0 };
	uint8_t zero[SSH_RSA_BITS_MAX / 8] = { 0 };

	if (EVP_PKEY_get_bn_param(k, name, &b) != 1 ||
	    (size_t)BN_num_bytes(b) > sizeof(zero))
		return JIT_E_CRYPTO;
	JIT_TRY(buf_copy(&out, SPAN(zero, (size_t)BN_num_bytes(b))));
	if (BN_bn2binpad(b, out.p, (int)out.n) < 0)
		return JIT_E_CRYPTO;
	*ret = out;
	out = (struct buf){ NULL, 0 };
	return JIT_OK;
}

static void
put_number(struct wr *w, EVP_PKEY *k, const char *name)
{
	JIT_DONE(buf_done) struct buf b = { NULL, 0 };
	enum jit_err e = number(k, name, &b);

	if (e != JIT_OK)
		wr_fail(w, e);
	else
		wr_mpint(w, BUF_SPAN(b));
}

static void
put_point(struct wr *w, EVP_PKEY *k, const struct ssh_type_row *row)
{
	uint8_t point[160];
	size_t n = 0;

	/* Uncompressed unless the key was loaded otherwise: parsing checks. */
	if (EVP_PKEY_get_octet_string_param(k, OSSL_PKEY_PARAM_PUB_KEY, point,
	    sizeof(point), &n) != 1) {
		wr_fail(w, JIT_E_CRYPTO);
		return;
	}
	wr_cstring(w, row->curve);
	wr_string(w, SPAN(point, n));
}

static void
put_ed25519(struct wr *w, EVP_PKEY *k)
{
	uint8_t pub[32];
	size_t n = sizeof(pub);

	if (EVP_PKEY_get_raw_public_key(k, pub, &n) != 1 || n != sizeof(pub))
		wr_fail(w, JIT_E_CRYPTO);
	else
		wr_string(w, SPAN(pub, n));
}

/* Take evp and make the public half of it. */
static enum jit_err
wrap(enum ssh_type t, EVP_PKEY **evp, struct ssh_priv **ret,
    struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(SSH_BLOB_MAX);
	JIT_SCOPED(ssh_priv_free) struct ssh_priv *p = calloc(1, sizeof(*p));
	const struct ssh_type_row *row = &ssh_types[t];

	if (p == NULL)
		return JIT_E_NOMEM;
	p->evp = *evp;
	*evp = NULL;
	wr_cstring(&w, row->name);
	if (t == SSH_RSA) {
		put_number(&w, p->evp, OSSL_PKEY_PARAM_RSA_E);
		put_number(&w, p->evp, OSSL_PKEY_PARAM_RSA_N);
	} else if (row->curve != NULL) {
		put_point(&w, p->evp, row);
	} else {
		put_ed25519(&w, p->evp);
	}
	JIT_TRY(w.err);
	JIT_TRY(ssh_key_parse(wr_view(&w), &p->pub, why));
	*ret = p;
	p = NULL;
	return JIT_OK;
}

static enum jit_err
refuse_sk(enum ssh_type t, struct jit_why *why)
{
	if ((unsigned)t < SSH_TYPES && !ssh_types[t].sk)
		return JIT_OK;
	return jit_fail(why, JIT_E_KEYTYPE, "a security key's private half is "
	    "in the device");
}

/*
 * An Ed25519 key of its seed, by way of PKCS#8 (RFC 8410 section 7):
 * EVP_PKEY_new_raw_private_key() would put the seed on the common heap also
 * when there is a secure one (seen on OpenSSL 3.0).
 */
static EVP_PKEY *
of_seed(struct span seed)
{
	static const uint8_t head[16] = {
		0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b,
		0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
	};
	JIT_SCOPED(PKCS8_PRIV_KEY_INFO_free) PKCS8_PRIV_KEY_INFO *info = NULL;
	JIT_DONE(secret_done) struct secret der = { NULL, 0, 0 };
	const uint8_t *at;

	if (seed.n != 32 || secret_new(&der, sizeof(head) + 32) != JIT_OK)
		return NULL;
	memcpy(der.p, head, sizeof(head));
	memcpy(der.p + sizeof(head), seed.p, 32);
	at = der.p;
	info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, (long)der.n);
	return info != NULL ? EVP_PKCS82PKEY(info) : NULL;
}

enum jit_err
ssh_priv_generate(enum ssh_type t, unsigned bits, const struct rng *rng,
    struct ssh_priv **ret, struct jit_why *why)
{
	JIT_SCOPED(EVP_PKEY_free) EVP_PKEY *k = NULL;
	JIT_DONE(secret_done) struct secret seed = { NULL, 0, 0 };

	JIT_TRY(refuse_sk(t, why));
	if (t == SSH_ED25519) {
		JIT_TRY(secret_new(&seed, 32));
		JIT_TRY(rng_fill(rng, seed.p, seed.n));
		k = of_seed(SPAN(seed.p, seed.n));
	} else if (t == SSH_RSA) {
		if (bits != 3072 && bits != 4096)
			return jit_fail(why, JIT_E_ARG, "RSA of %u bits, "
			    "accepted are 3072 and 4096", bits);
		k = EVP_RSA_gen(bits);
	} else {
		k = EVP_EC_gen(ssh_types[t].group);
	}
	if (k == NULL)
		return jit_fail(why, JIT_E_CRYPTO, "cannot make a key");
	return wrap(t, &k, ret, why);
}

static enum jit_err
save_pkcs8(EVP_PKEY *k, struct secret *ret)
{
	JIT_SCOPED(PKCS8_PRIV_KEY_INFO_free) PKCS8_PRIV_KEY_INFO *info =
	    EVP_PKEY2PKCS8(k);
	uint8_t *at;
	int n;

	if (info == NULL || (n = i2d_PKCS8_PRIV_KEY_INFO(info, NULL)) <= 0)
		return JIT_E_CRYPTO;
	JIT_TRY(secret_new(ret, (size_t)n));
	at = ret->p;
	if (i2d_PKCS8_PRIV_KEY_INFO(info, &at) == n)
		return JIT_OK;
	secret_done(ret);
	return JIT_E_CRYPTO;
}

enum jit_err
ssh_priv_save(const struct ssh_priv *p, struct secret *ret)
{
	size_t len = 32;

	if (ssh_key_type(p->pub) != SSH_ED25519)
		return save_pkcs8(p->evp, ret);
	JIT_TRY(secret_new(ret, len));
	if (EVP_PKEY_get_raw_private_key(p->evp, ret->p, &len) == 1)
		return JIT_OK;
	secret_done(ret);
	return JIT_E_CRYPTO;
}

enum jit_err
ssh_priv_save_pkcs8(const struct ssh_priv *p, struct secret *ret)
{
	return save_pkcs8(p->evp, ret);
}

/* Do the halves belong together? */
static enum jit_err
check_pair(EVP_PKEY *k)
{
	JIT_SCOPED(EVP_PKEY_CTX_free) EVP_PKEY_CTX *c =
	    EVP_PKEY_CTX_new_from_pkey(NULL, k, NULL);

	return c != NULL && EVP_PKEY_pairwise_check(c) == 1 ?
	    JIT_OK : JIT_E_FORMAT;
}

/* SSH_TYPES: none of ours. */
static enum ssh_type
type_of(EVP_PKEY *k)
{
	char group[32] = "";

	if (EVP_PKEY_is_a(k, "ED25519"))
		return SSH_ED25519;
	if (EVP_PKEY_is_a(k, "RSA"))
		return SSH_RSA;
	if (!EVP_PKEY_is_a(k, "EC") ||
	    EVP_PKEY_get_group_name(k, group, sizeof(group), NULL) != 1)
		return SSH_TYPES;
	for (int t = 0; t < SSH_TYPES; t++)
		if (!ssh_types[t].sk && ssh_types[t].group != NULL &&
		    strcmp(group, ssh_types[t].group) == 0)
			return (enum ssh_type)t;
	return SSH_TYPES;
}

static EVP_PKEY *
of_pkcs8(struct span bytes)
{
	JIT_SCOPED(PKCS8_PRIV_KEY_INFO_free) PKCS8_PRIV_KEY_INFO *info = NULL;
	const uint8_t *at = bytes.p;

	info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, (long)bytes.n);
	return info != NULL && at == bytes.p + bytes.n ?
	    EVP_PKCS82PKEY(info) : NULL;
}

enum jit_err
ssh_priv_load_pkcs8(struct span der, struct ssh_priv **ret,
    struct jit_why *why)
{
	JIT_SCOPED(EVP_PKEY_free) EVP_PKEY *k = of_pkcs8(der);
	enum ssh_type t;

	if (k == NULL)
		return jit_fail(why, JIT_E_FORMAT, "not a private key in DER "
		    "PKCS#8");
	if ((t = type_of(k)) == SSH_TYPES)
		return jit_fail(why, JIT_E_KEYTYPE, "a private key of another "
		    "type; accepted are Ed25519, ECDSA on P-256, -384, -521, "
		    "RSA");
	if (check_pair(k) != JIT_OK)
		return jit_fail(why, JIT_E_FORMAT, "the private key's halves "
		    "do not belong together");
	return wrap(t, &k, ret, why);
}

enum jit_err
ssh_priv_load(enum ssh_type t, struct span bytes, struct ssh_priv **ret,
    struct jit_why *why)
{
	JIT_SCOPED(EVP_PKEY_free) EVP_PKEY *k = NULL;

	JIT_TRY(refuse_sk(t, why));
	k = t == SSH_ED25519 ? of_seed(bytes) : of_pkcs8(bytes);
	if (k == NULL || type_of(k) != t || check_pair(k) != JIT_OK)
		return jit_fail(why, JIT_E_FORMAT, "not a private key of type "
		    "%s", ssh_types[t].name);
	return wrap(t, &k, ret, why);
}

/* DER to "mpint r, mpint s". */
static void
put_ecdsa(struct wr *w, struct span der)
{
	const uint8_t *at = der.p;
	JIT_SCOPED(ECDSA_SIG_free) ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &at,
	    (long)der.n);
	const BIGNUM *half[2];
	uint8_t m[66];

	if (sig == NULL || at != der.p + der.n) {
		wr_fail(w, JIT_E_CRYPTO);
		return;
	}
	ECDSA_SIG_get0(sig, &half[0], &half[1]);
	for (int i = 0; i < 2; i++) {
		int n = BN_bn2binpad(half[i], m, sizeof(m));

		if (n < 0)
			wr_fail(w, JIT_E_CRYPTO);
		else
			wr_mpint(w, SPAN(m, (size_t)n));
	}
}

enum jit_err
ssh_priv_sign(const struct ssh_priv *p, struct span data, struct wr *w)
{
	const struct ssh_type_row *row = &ssh_types[ssh_key_type(p->pub)];
	bool rsa = ssh_key_type(p->pub) == SSH_RSA;
	JIT_SCOPED(EVP_MD_CTX_free) EVP_MD_CTX *c = EVP_MD_CTX_new();
	uint8_t sig[SSH_RSA_BITS_MAX / 8];
	size_t n = sizeof(sig), mark;

	if (c == NULL || EVP_DigestSignInit_ex(c, NULL,
	    rsa ? "SHA512" : row->hash, NULL, NULL, p->evp, NULL) != 1 ||
	    EVP_DigestSign(c, sig, &n, data.p, data.n) != 1)
		return JIT_E_CRYPTO;
	wr_cstring(w, rsa ? "rsa-sha2-512" : row->name);
	mark = wr_string_begin(w);
	if (row->curve != NULL)
		put_ecdsa(w, SPAN(sig, n));
	else
		wr_raw(w, sig, n);
	wr_string_end(w, mark);
	return w->err;
}

/* Ed25519's private field: seed and public half in one string. */
static void
put_seed(struct wr *w, const struct ssh_priv *p)
{
	JIT_DONE(secret_done) struct secret seed = { NULL, 0, 0 };
	enum jit_err e = ssh_priv_save(p, &seed);
	struct span blob = ssh_key_blob(p->pub);

	if (e != JIT_OK) {
		wr_fail(w, e);
		return;
	}
	/* The blob ends with the 32 bytes of the public half. */
	wr_string(w, SPAN(blob.p + blob.n - 32, 32));
	wr_u32(w, 64);
	wr_raw(w, seed.p, seed.n);
	wr_raw(w, blob.p + blob.n - 32, 32);
}

enum jit_err
ssh_priv_put_agent(const struct ssh_priv *p, struct wr *w)
{
	switch (ssh_key_type(p->pub)) {
	case SSH_ED25519:
		put_seed(w, p);
		break;
	case SSH_RSA:
		put_number(w, p->evp, OSSL_PKEY_PARAM_RSA_D);
		put_number(w, p->evp, OSSL_PKEY_PARAM_RSA_COEFFICIENT1);
		put_number(w, p->evp, OSSL_PKEY_PARAM_RSA_FACTOR1);
		put_number(w, p->evp, OSSL_PKEY_PARAM_RSA_FACTOR2);
		break;
	default:
		put_number(w, p->evp, OSSL_PKEY_PARAM_PRIV_KEY);
		break;
	}
	return w->err;
}

/* The private part of an OPENSSH PRIVATE KEY, padded to the cipher's 8. */
static void
put_private_part(struct wr *w, const struct ssh_priv *p, const char *comment,
    uint32_t check)
{
	const struct ssh_type_row *row = &ssh_types[ssh_key_type(p->pub)];

	wr_u32(w, check);
	wr_u32(w, check);
	wr_cstring(w, row->name);
	if (ssh_key_type(p->pub) == SSH_RSA) {
		put_number(w, p->evp, OSSL_PKEY_PARAM_RSA_N);
		put_number(w, p->evp, OSSL_PKEY_PARAM_RSA_E);
	} else if (row->curve != NULL) {
		put_point(w, p->evp, row);
	}
	(void)ssh_priv_put_agent(p, w);
	wr_cstring(w, comment);
	for (uint8_t i = 1; w->err == JIT_OK && w->n % 8 != 0; i++)
		wr_u8(w, i);
}

enum jit_err
ssh_priv_put_file(const struct ssh_priv *p, const char *comment,
    const struct rng *rng, struct wr *w)
{
	JIT_DONE(wr_done) struct wr in = WR_INIT(16384), out = WR_INIT(32768);
	uint32_t check = 0;

	JIT_TRY(rng_fill(rng, &check, sizeof(check)));
	put_private_part(&in, p, comment, check);
	JIT_TRY(in.err);
	wr_raw(&out, "openssh-key-v1", 15);	/* with its NUL */
	wr_cstring(&out, "none");
	wr_cstring(&out, "none");
	wr_string(&out, SPAN_NONE);
	wr_u32(&out, 1);
	wr_string(&out, ssh_key_blob(p->pub));
	wr_string(&out, wr_view(&in));
	JIT_TRY(out.err);
	wr_str(w, "-----BEGIN OPENSSH PRIVATE KEY-----\n");
	b64_put_lines(w, wr_view(&out), 70);
	wr_str(w, "-----END OPENSSH PRIVATE KEY-----\n");
	return w->err;
}
