#include <string.h>

#include <openssl/ecdsa.h>
#include <openssl/rsa.h>

#include "ca/base/digest.h"
#include "ca/ssh/mpint.h"
#include "signer/token/form.h"

#define DER_MAX 160		/* of an ECDSA signature, up to P-384 */

JIT_SCOPED_PTR(EVP_MD_CTX, EVP_MD_CTX_free);
JIT_SCOPED_PTR(EVP_PKEY_CTX, EVP_PKEY_CTX_free);
JIT_SCOPED_PTR(ECDSA_SIG, ECDSA_SIG_free);

/* Bytes of r, and of s; 0 unless ECDSA. */
static size_t
scalar(const struct ssh_key *k)
{
	switch (ssh_key_type(k)) {
	case SSH_ECDSA_P256:
		return 32;
	case SSH_ECDSA_P384:
		return 48;
	default:
		return 0;
	}
}

enum jit_err
form_check(const struct ssh_key *k, struct jit_why *why)
{
	switch (ssh_key_type(k)) {
	case SSH_ED25519:
	case SSH_ECDSA_P256:
	case SSH_ECDSA_P384:
	case SSH_RSA:
		return JIT_OK;
	default:
		return jit_fail(why, JIT_E_KEYTYPE, "a key of type %s; "
		    "accepted on a token are Ed25519, P-256, P-384, RSA",
		    ssh_key_type_name(k));
	}
}

enum frame_hash
form_hash(const struct ssh_key *k, enum form f)
{
	switch (ssh_key_type(k)) {
	case SSH_ECDSA_P256:
		return FRAME_H_SHA256;
	case SSH_ECDSA_P384:
		return FRAME_H_SHA384;
	case SSH_RSA:
		return f == FORM_SSH ? FRAME_H_SHA512 : FRAME_H_SHA256;
	default:
		return FRAME_H_NONE;
	}
}

enum jit_err
form_prepare(enum frame_hash h, struct span data, struct wr *w)
{
	uint8_t d[64];
	struct digest d256;

	switch (h) {
	case FRAME_H_SHA256:
		JIT_TRY(digest_sha256(data, &d256));
		wr_span(w, DIGEST_SPAN(d256));
		break;
	case FRAME_H_SHA384:
		JIT_TRY(digest_sha384(data, d));
		wr_raw(w, d, 48);
		break;
	case FRAME_H_SHA512:
		JIT_TRY(digest_sha512(data, d));
		wr_raw(w, d, 64);
		break;
	default:
		wr_span(w, data);
		break;
	}
	return w->err;
}

/* ---- r || s as DER ---- */

static enum jit_err
to_der(struct span raw, uint8_t der[static DER_MAX], size_t *n)
{
	JIT_SCOPED(ECDSA_SIG_free) ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(raw.p, (int)(raw.n / 2), NULL);
	BIGNUM *s = BN_bin2bn(raw.p + raw.n / 2, (int)(raw.n / 2), NULL);
	uint8_t *end = der;
	int len;

	if (sig == NULL || r == NULL || s == NULL ||
	    ECDSA_SIG_set0(sig, r, s) != 1) {
		BN_free(r);
		BN_free(s);
		return JIT_E_NOMEM;
	}
	len = i2d_ECDSA_SIG(sig, NULL);
	if (len <= 0 || len > DER_MAX || i2d_ECDSA_SIG(sig, &end) != len)
		return JIT_E_CRYPTO;
	*n = (size_t)len;
	return JIT_OK;
}

/* ---- verifying ---- */

static bool
holds_message(EVP_PKEY *k, struct span data, struct span sig)
{
	JIT_SCOPED(EVP_MD_CTX_free) EVP_MD_CTX *c = EVP_MD_CTX_new();

	return c != NULL && k != NULL &&
	    EVP_DigestVerifyInit(c, NULL, NULL, NULL, k) == 1 &&
	    EVP_DigestVerify(c, sig.p, sig.n, data.p, data.n) == 1;
}

static bool
holds_digest(EVP_PKEY *k, enum frame_hash h, struct span digest,
    struct span sig)
{
	const EVP_MD *md = h == FRAME_H_SHA256 ? EVP_sha256() :
	    h == FRAME_H_SHA384 ? EVP_sha384() : EVP_sha512();
	JIT_SCOPED(EVP_PKEY_CTX_free) EVP_PKEY_CTX *c =
	    k == NULL ? NULL : EVP_PKEY_CTX_new(k, NULL);

	if (c == NULL || EVP_PKEY_verify_init(c) != 1 ||
	    (EVP_PKEY_is_a(k, "RSA") &&
	    EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PADDING) != 1) ||
	    EVP_PKEY_CTX_set_signature_md(c, md) != 1)
		return false;
	return EVP_PKEY_verify(c, sig.p, sig.n, digest.p, digest.n) == 1;
}

enum jit_err
form_verify(const struct ssh_key *k, enum frame_hash h, struct span prepared,
    struct span raw, struct jit_why *why)
{
	EVP_PKEY *evp = ssh_key_evp(k);
	uint8_t der[DER_MAX];
	bool ok = false;
	size_t n = scalar(k);

	if (n != 0) {
		if (raw.n == 2 * n && to_der(raw, der, &n) == JIT_OK)
			ok = holds_digest(evp, h, prepared, SPAN(der, n));
	} else if (ssh_key_type(k) == SSH_RSA)
		ok = raw.n == (size_t)EVP_PKEY_get_size(evp) &&
		    holds_digest(evp, h, prepared, raw);
	else
		ok = raw.n == 64 && holds_message(evp, prepared, raw);
	return ok ? JIT_OK : jit_fail(why, JIT_E_CRYPTO, "the token lied: its "
	    "signature of %zu bytes does not hold under the key %s", raw.n,
	    ssh_key_type_name(k));
}

/* ---- the forms ---- */

static enum jit_err
put_ssh(const struct ssh_key *k, struct span raw, struct wr *w)
{
	size_t n = scalar(k), mark;

	wr_cstring(w, ssh_key_type(k) == SSH_RSA ? "rsa-sha2-512" :
	    ssh_key_type_name(k));
	if (n == 0) {
		wr_string(w, raw);
		return w->err;
	}
	mark = wr_string_begin(w);
	wr_mpint(w, SPAN(raw.p, n));
	wr_mpint(w, SPAN(raw.p + n, n));
	wr_string_end(w, mark);
	return w->err;
}

enum jit_err
form_put(const struct ssh_key *k, enum form f, struct span raw, struct wr *w)
{
	uint8_t der[DER_MAX];
	size_t n;

	if (f == FORM_SSH)
		return put_ssh(k, raw, w);
	if (scalar(k) == 0) {
		wr_span(w, raw);
		return w->err;
	}
	JIT_TRY(to_der(raw, der, &n));
	wr_raw(w, der, n);
	return w->err;
}
