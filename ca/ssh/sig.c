#include <string.h>

#include <openssl/ecdsa.h>
#include <openssl/evp.h>

#include "ca/base/digest.h"
#include "ca/ssh/mpint.h"
#include "ca/ssh/sig.h"
#include "ca/ssh/type.h"

JIT_SCOPED_PTR(EVP_MD_CTX, EVP_MD_CTX_free);
JIT_SCOPED_PTR(ECDSA_SIG, ECDSA_SIG_free);

/* OpenSSL answers 1, 0 or -1, and only 1 is a yes (case 29). */
static enum jit_err
evp_verify(EVP_PKEY *k, const char *hash, struct span data, struct span sig)
{
	JIT_SCOPED(EVP_MD_CTX_free) EVP_MD_CTX *c = EVP_MD_CTX_new();

	if (c == NULL || k == NULL || EVP_DigestVerifyInit_ex(c, NULL, hash, NULL, NULL, k,
	    NULL) != 1)
		return JIT_E_CRYPTO;
	return EVP_DigestVerify(c, sig.p, sig.n, data.p, data.n) == 1 ?
	    JIT_OK : JIT_E_SIG;
}

/* "mpint r, mpint s" to the DER that OpenSSL verifies. */
static enum jit_err
ecdsa_verify(const struct ssh_type_row *row, EVP_PKEY *k, struct span data,
    struct span sig)
{
	struct rd rd = rd_of(sig);
	size_t bytes = (row->bits + 7) / 8;
	struct span r = rd_mpint(&rd, bytes), s = rd_mpint(&rd, bytes);
	JIT_SCOPED(ECDSA_SIG_free) ECDSA_SIG *ec = ECDSA_SIG_new();
	uint8_t der[160], *end = der;
	BIGNUM *br, *bs;
	int n;

	if (rd_end(&rd) != JIT_OK)
		return JIT_E_FORMAT;
	br = BN_bin2bn(r.p, (int)r.n, NULL);
	bs = BN_bin2bn(s.p, (int)s.n, NULL);
	if (ec == NULL || br == NULL || bs == NULL ||
	    ECDSA_SIG_set0(ec, br, bs) != 1) {
		BN_free(br);
		BN_free(bs);
		return JIT_E_CRYPTO;
	}
	n = i2d_ECDSA_SIG(ec, NULL);
	if (n <= 0 || (size_t)n > sizeof(der) ||
	    i2d_ECDSA_SIG(ec, &end) != n)
		return JIT_E_CRYPTO;
	return evp_verify(k, row->hash, data, SPAN(der, (size_t)n));
}

static enum jit_err
rsa_verify(EVP_PKEY *k, const char *hash, struct span data, struct span sig)
{
	if (sig.n != (size_t)EVP_PKEY_get_size(k))
		return JIT_E_SIG;
	return evp_verify(k, hash, data, sig);
}

/* What a security key signs: SHA256(application) flags counter SHA256(data). */
static enum jit_err
put_sk_tbs(struct wr *w, const struct ssh_key *k,
    const struct ssh_sig_facts *f, struct span data)
{
	struct digest app, d;

	JIT_TRY(digest_sha256(span_str(ssh_key_application(k)), &app));
	JIT_TRY(digest_sha256(data, &d));
	wr_span(w, DIGEST_SPAN(app));
	wr_u8(w, f->flags);
	wr_u32(w, f->counter);
	wr_span(w, DIGEST_SPAN(d));
	return w->err;
}

/* The hash that an RSA signature's label names; NULL for any other label. */
static const char *
rsa_hash(struct span alg)
{
	if (span_eq_str(alg, "rsa-sha2-512"))
		return "SHA512";
	return span_eq_str(alg, "rsa-sha2-256") ? "SHA256" : NULL;
}

static enum jit_err
verify_core(const struct ssh_key *k, const char *hash, struct span data,
    struct span sig)
{
	const struct ssh_type_row *row = &ssh_types[ssh_key_type(k)];

	if (ssh_key_type(k) == SSH_RSA)
		return rsa_verify(ssh_key_evp(k), hash, data, sig);
	if (row->curve != NULL)
		return ecdsa_verify(row, ssh_key_evp(k), data, sig);
	return sig.n == 64 ? evp_verify(ssh_key_evp(k), NULL, data, sig) :
	    JIT_E_FORMAT;
}

/* A signature blob in its parts. */
struct parts {
	struct span raw;
	const char *hash;		/* RSA's */
	struct ssh_sig_facts facts;
};

static enum jit_err
take_apart(const struct ssh_key *k, struct span sig, struct parts *ret,
    struct jit_why *why)
{
	struct rd r = rd_of(sig);
	struct span alg = rd_string(&r, 64);
	struct parts p = { .raw = rd_string(&r, SSH_SIG_MAX) };

	if (ssh_key_is_sk(k)) {
		p.facts.flags = rd_u8(&r);
		p.facts.counter = rd_u32(&r);
	}
	if (sig.n > SSH_SIG_MAX || rd_end(&r) != JIT_OK)
		return jit_fail(why, JIT_E_FORMAT, "not a signature blob");
	if (ssh_key_type(k) == SSH_RSA ? (p.hash = rsa_hash(alg)) == NULL :
	    !span_eq_str(alg, ssh_key_type_name(k)))
		return jit_fail(why, JIT_E_KEYTYPE, "the signature's algorithm "
		    "is not one of a %s key", ssh_key_type_name(k));
	*ret = p;
	return JIT_OK;
}

enum jit_err
ssh_sig_facts(const struct ssh_key *k, struct span sig,
    struct ssh_sig_facts *ret, struct jit_why *why)
{
	struct parts p;

	JIT_TRY(take_apart(k, sig, &p, why));
	*ret = p.facts;
	return JIT_OK;
}

enum jit_err
ssh_sig_verify(const struct ssh_key *k, struct span data, struct span sig,
    struct ssh_sig_facts *facts, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr tbs = WR_INIT(128);
	struct parts p;
	enum jit_err e;

	JIT_TRY(take_apart(k, sig, &p, why));
	if (ssh_key_is_sk(k)) {
		JIT_TRY(put_sk_tbs(&tbs, k, &p.facts, data));
		data = wr_view(&tbs);
	}
	if ((e = verify_core(k, p.hash, data, p.raw)) != JIT_OK)
		return jit_fail(why, e, e == JIT_E_FORMAT ?
		    "malformed signature" : "the signature does not hold");
	if (facts != NULL)
		*facts = p.facts;
	return JIT_OK;
}
