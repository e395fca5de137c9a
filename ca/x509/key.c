#include <string.h>

#include <openssl/ecdsa.h>
#include <openssl/evp.h>

#include "ca/base/digest.h"
#include "ca/x509/der.h"
#include "ca/x509/key.h"
#include "ca/x509/oid.h"

JIT_SCOPED_PTR(EVP_MD_CTX, EVP_MD_CTX_free);

#define RSA_BITS_MIN 2048

/* How each type is written; by enum ssh_type. */
static const struct row {
	enum oid alg, curve, sig;	/* curve: OID_COUNT, none */
	const char *ssh;		/* curve in SSH */
	const char *hash;
	size_t half;			/* bytes of r, and of s */
	bool null;			/* parameters are NULL, not absent */
} rows[SSH_TYPES] = {
	[SSH_ECDSA_P256] = { OID_EC, OID_P256, OID_ECDSA_SHA256, "nistp256",
	    "SHA256", 32, false },
	[SSH_ECDSA_P384] = { OID_EC, OID_P384, OID_ECDSA_SHA384, "nistp384",
	    "SHA384", 48, false },
	[SSH_ED25519] = { OID_ED25519, OID_COUNT, OID_ED25519, NULL, NULL, 0,
	    false },
	[SSH_RSA] = { OID_RSA, OID_COUNT, OID_RSA_SHA256, NULL, "SHA256", 0,
	    true },
};

bool
x509_key_is_type(enum ssh_type t)
{
	return t == SSH_ECDSA_P256 || t == SSH_ECDSA_P384 ||
	    t == SSH_ED25519 || t == SSH_RSA;
}

/* ---- SubjectPublicKeyInfo ---- */

static enum jit_err
refuse_alg(struct span oid, struct jit_why *why)
{
	char shown[OID_SHOWN];

	return jit_fail(why, JIT_E_KEYTYPE, "a key of %s; accepted are P-256, "
	    "P-384, Ed25519, RSA", oid_shown(oid, shown));
}

/* The curve must be named: CVE-2020-0601 was one that was spelled out. */
static enum jit_err
curve_of(struct rd *params, enum ssh_type *ret, struct jit_why *why)
{
	struct span curve;

	if (der_is(params, DER_SEQ))
		return jit_fail(why, JIT_E_KEYTYPE, "the key spells its curve "
		    "out; accepted are the named curves P-256 and P-384");
	curve = der_get(params, DER_OID);
	if (rd_end(params) != JIT_OK)
		return jit_fail(why, JIT_E_FORMAT, "malformed curve");
	switch (oid_find(curve)) {
	case OID_P256:
		*ret = SSH_ECDSA_P256;
		return JIT_OK;
	case OID_P384:
		*ret = SSH_ECDSA_P384;
		return JIT_OK;
	default:
		return refuse_alg(curve, why);
	}
}

static enum jit_err
alg_of(struct rd *alg, enum ssh_type *ret, struct jit_why *why)
{
	struct span oid = der_get(alg, DER_OID);

	if (alg->err != JIT_OK)
		return jit_fail(why, JIT_E_FORMAT, "not a public key in DER");
	switch (oid_find(oid)) {
	case OID_EC:
		return curve_of(alg, ret, why);
	case OID_ED25519:
		*ret = SSH_ED25519;
		break;
	case OID_RSA:
		*ret = SSH_RSA;
		if (der_get(alg, DER_NULL).n != 0)
			rd_fail(alg);
		break;
	default:
		return refuse_alg(oid, why);
	}
	return rd_end(alg) == JIT_OK ? JIT_OK : jit_fail(why, JIT_E_FORMAT,
	    "odd parameters beside the key's algorithm");
}

/* A magnitude as SSH's mpint. */
static void
put_mpint(struct wr *w, struct span m)
{
	size_t mark = wr_string_begin(w);

	if (m.n > 0 && (m.p[0] & 0x80) != 0)
		wr_u8(w, 0);
	wr_span(w, m);
	wr_string_end(w, mark);
}

/* The key's own bits as SSH has them. */
static enum jit_err
put_blob(struct wr *w, enum ssh_type t, struct span bits, struct jit_why *why)
{
	struct rd r = rd_of(bits), in;
	struct span n, e;

	wr_cstring(w, ssh_type_name(t));
	if (t != SSH_RSA) {
		if (rows[t].ssh != NULL)
			wr_cstring(w, rows[t].ssh);
		wr_string(w, bits);
		return w->err;
	}
	in = der_enter(&r, DER_SEQ);
	n = der_get_uint(&in, SSH_RSA_BITS_MAX / 8);
	e = der_get_uint(&in, 8);
	if (rd_end(&in) != JIT_OK || rd_end(&r) != JIT_OK)
		return jit_fail(why, JIT_E_FORMAT, "malformed RSA key, or of "
		    "more than %d bits", SSH_RSA_BITS_MAX);
	put_mpint(w, e);
	put_mpint(w, n);
	return w->err;
}

enum jit_err
x509_key_from_spki(struct span spki, struct ssh_key **ret,
    struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr blob = WR_INIT(SSH_BLOB_MAX);
	JIT_SCOPED(ssh_key_free) struct ssh_key *k = NULL;
	struct rd r = rd_of(spki), in = der_enter(&r, DER_SEQ);
	struct rd alg = der_enter(&in, DER_SEQ);
	struct span bits = der_get_bits(&in);
	enum ssh_type t = SSH_TYPES;

	if (rd_end(&in) != JIT_OK || rd_end(&r) != JIT_OK)
		return jit_fail(why, JIT_E_FORMAT, "not a public key in DER");
	JIT_TRY(alg_of(&alg, &t, why));
	JIT_TRY(put_blob(&blob, t, bits, why));
	JIT_TRY(ssh_key_parse(wr_view(&blob), &k, why));
	JIT_TRY(ssh_key_check_strength(k, RSA_BITS_MIN, why));
	*ret = k;
	k = NULL;
	return JIT_OK;
}

/* The fields of k's blob: the content of SPKI's BIT STRING. */
static void
put_bits(struct wr *w, const struct ssh_key *k)
{
	struct rd r = rd_of(ssh_key_blob(k));
	enum ssh_type t = ssh_key_type(k);
	struct span e;
	size_t m;

	(void)rd_string(&r, 64);
	if (t == SSH_RSA) {
		e = rd_string(&r, SSH_BLOB_MAX);
		m = der_begin(w, DER_SEQ);
		der_put_uint(w, rd_string(&r, SSH_BLOB_MAX));
		der_put_uint(w, e);
		der_end(w, m);
	} else {
		if (rows[t].ssh != NULL)
			(void)rd_string(&r, 16);
		wr_span(w, rd_string(&r, 256));
	}
	if (rd_end(&r) != JIT_OK)
		wr_fail(w, JIT_E_FORMAT);
}

void
x509_key_put_spki(struct wr *w, const struct ssh_key *k)
{
	enum ssh_type t = ssh_key_type(k);
	size_t all, m;

	if (!x509_key_is_type(t)) {
		wr_fail(w, JIT_E_KEYTYPE);
		return;
	}
	all = der_begin(w, DER_SEQ);
	m = der_begin(w, DER_SEQ);
	oid_put(w, rows[t].alg);
	if (rows[t].curve != OID_COUNT)
		oid_put(w, rows[t].curve);
	if (rows[t].null)
		der_put(w, DER_NULL, SPAN_NONE);
	der_end(w, m);
	m = der_begin(w, DER_BITS);
	wr_u8(w, 0);
	put_bits(w, k);
	der_end(w, m);
	der_end(w, all);
}

enum jit_err
x509_key_ski(const struct ssh_key *k, uint8_t ret[static X509_SKI_LEN])
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(SSH_BLOB_MAX);
	struct digest d;

	if (!x509_key_is_type(ssh_key_type(k)))
		return JIT_E_KEYTYPE;
	put_bits(&w, k);
	JIT_TRY(w.err);
	JIT_TRY(digest_sha256(wr_view(&w), &d));
	memcpy(ret, d.b, X509_SKI_LEN);
	return JIT_OK;
}

/* ---- signatures ---- */

void
x509_put_sig_alg(struct wr *w, enum ssh_type t)
{
	size_t m;

	if (!x509_key_is_type(t)) {
		wr_fail(w, JIT_E_KEYTYPE);
		return;
	}
	m = der_begin(w, DER_SEQ);
	oid_put(w, rows[t].sig);
	if (rows[t].null)
		der_put(w, DER_NULL, SPAN_NONE);
	der_end(w, m);
}

enum jit_err
x509_sign(const struct ssh_priv *k, struct span tbs, struct wr *sig)
{
	enum ssh_type t = ssh_key_type(ssh_priv_public(k));
	JIT_SCOPED(EVP_MD_CTX_free) EVP_MD_CTX *c = EVP_MD_CTX_new();
	uint8_t out[SSH_RSA_BITS_MAX / 8];
	size_t n = sizeof(out);

	if (!x509_key_is_type(t))
		return JIT_E_KEYTYPE;
	if (c == NULL || EVP_DigestSignInit_ex(c, NULL, rows[t].hash, NULL,
	    NULL, ssh_priv_evp(k), NULL) != 1 ||
	    EVP_DigestSign(c, out, &n, tbs.p, tbs.n) != 1)
		return JIT_E_CRYPTO;
	wr_raw(sig, out, n);
	return sig->err;
}

/* One half of r || s; false when it is zero. */
static bool
put_half(struct wr *w, struct span half)
{
	size_t zeros = 0;

	while (zeros < half.n && half.p[zeros] == 0)
		zeros++;
	der_put_uint(w, half);
	return zeros < half.n;
}

enum jit_err
x509_sig_from_raw(enum ssh_type t, struct span raw, struct wr *sig)
{
	size_t half, m;
	bool r, s;

	if (!x509_key_is_type(t))
		return JIT_E_KEYTYPE;
	if ((half = rows[t].half) == 0) {
		if (raw.n == 0 || (t == SSH_ED25519 && raw.n != 64))
			return JIT_E_FORMAT;
		wr_span(sig, raw);
		return sig->err;
	}
	if (raw.n != 2 * half)
		return JIT_E_FORMAT;
	m = der_begin(sig, DER_SEQ);
	r = put_half(sig, SPAN(raw.p, half));
	s = put_half(sig, SPAN(raw.p + half, half));
	der_end(sig, m);
	if (!r || !s)
		wr_fail(sig, JIT_E_FORMAT);
	return sig->err;
}

static enum jit_err
verify(const struct ssh_key *key, const char *hash, struct span tbs,
    struct span sig)
{
	JIT_SCOPED(EVP_MD_CTX_free) EVP_MD_CTX *c = EVP_MD_CTX_new();
	EVP_PKEY *evp = ssh_key_evp(key);
	bool rsa = ssh_key_type(key) == SSH_RSA;

	if (c == NULL || evp == NULL || EVP_DigestVerifyInit_ex(c, NULL, hash,
	    NULL, NULL, evp, NULL) != 1)
		return JIT_E_CRYPTO;
	if (rsa && sig.n != (size_t)EVP_PKEY_get_size(evp))
		return JIT_E_SIG;
	/* 1, 0 or -1, and only 1 is a yes. */
	return EVP_DigestVerify(c, sig.p, sig.n, tbs.p, tbs.n) == 1 ?
	    JIT_OK : JIT_E_SIG;
}

enum jit_err
x509_sig_verify(const struct ssh_key *key, struct span tbs, struct span sig)
{
	enum ssh_type t = ssh_key_type(key);

	if (!x509_key_is_type(t))
		return JIT_E_KEYTYPE;
	return verify(key, rows[t].hash, tbs, sig);
}

/* What a signature's OID asks for. */
static const struct sig_row {
	enum oid oid, alg;
	const char *hash;
} sig_rows[] = {
	{ OID_ECDSA_SHA256, OID_EC, "SHA256" },
	{ OID_ECDSA_SHA384, OID_EC, "SHA384" },
	{ OID_ECDSA_SHA512, OID_EC, "SHA512" },
	{ OID_RSA_SHA256, OID_RSA, "SHA256" },
	{ OID_RSA_SHA384, OID_RSA, "SHA384" },
	{ OID_RSA_SHA512, OID_RSA, "SHA512" },
	{ OID_ED25519, OID_ED25519, NULL },
};

enum jit_err
x509_sig_verify_alg(const struct ssh_key *key, struct span alg,
    struct span tbs, struct span sig, struct jit_why *why)
{
	struct rd r = rd_of(alg), in = der_enter(&r, DER_SEQ);
	struct span oid = der_get(&in, DER_OID);
	const struct row *row = &rows[ssh_key_type(key)];
	char shown[OID_SHOWN];
	enum jit_err e;

	if (in.err != JIT_OK || !x509_key_is_type(ssh_key_type(key)))
		return jit_fail(why, JIT_E_FORMAT, "malformed algorithm of "
		    "the signature");
	for (size_t i = 0; i < sizeof(sig_rows) / sizeof(sig_rows[0]); i++) {
		if (sig_rows[i].alg != row->alg ||
		    !span_eq(oid, oid_bytes(sig_rows[i].oid)))
			continue;
		if (row->null && der_get(&in, DER_NULL).n != 0)
			rd_fail(&in);
		if (rd_end(&in) != JIT_OK || rd_end(&r) != JIT_OK)
			return jit_fail(why, JIT_E_FORMAT, "odd parameters "
			    "beside the signature's algorithm");
		if ((e = verify(key, sig_rows[i].hash, tbs, sig)) != JIT_OK)
			return jit_fail(why, e, "the signature does not hold");
		return JIT_OK;
	}
	return jit_fail(why, JIT_E_KEYTYPE, "a signature by %s; accepted with "
	    "this %s key is SHA-256, SHA-384, SHA-512 or Ed25519",
	    oid_shown(oid, shown), ssh_key_type_name(key));
}
