#include <string.h>

#include <openssl/evp.h>

#include "ca/base/digest.h"
#include "ca/base/scope.h"
#include "ca/base/text.h"

JIT_SCOPED_PTR(EVP_MD_CTX, EVP_MD_CTX_free);

/*
 * Fetched once: EVP_sha256() makes OpenSSL 3.0 look the implementation up
 * on every call, which costs more than hashing a node does.
 */
static const EVP_MD *
sha256_md(void)
{
	static EVP_MD *md;
	EVP_MD *m = __atomic_load_n(&md, __ATOMIC_ACQUIRE), *none = NULL;

	if (m != NULL)
		return m;
	if ((m = EVP_MD_fetch(NULL, "SHA256", NULL)) == NULL)
		return NULL;
	if (!__atomic_compare_exchange_n(&md, &none, m, false,
	    __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
		EVP_MD_free(m);
		return none;
	}
	return m;
}

enum jit_err
digest_sha256v(const struct span *s, size_t n, struct digest *ret)
{
	JIT_SCOPED(EVP_MD_CTX_free) EVP_MD_CTX *c = EVP_MD_CTX_new();
	const EVP_MD *md = sha256_md();

	if (c == NULL || md == NULL || EVP_DigestInit_ex2(c, md, NULL) != 1)
		return JIT_E_CRYPTO;
	for (size_t i = 0; i < n; i++)
		if (EVP_DigestUpdate(c, s[i].p, s[i].n) != 1)
			return JIT_E_CRYPTO;
	return EVP_DigestFinal_ex(c, ret->b, NULL) == 1 ?
	    JIT_OK : JIT_E_CRYPTO;
}

enum jit_err
digest_sha256(struct span s, struct digest *ret)
{
	return digest_sha256v(&s, 1, ret);
}

static enum jit_err
one_shot(struct span s, const EVP_MD *md, uint8_t *ret)
{
	return EVP_Digest(s.p, s.n, ret, NULL, md, NULL) == 1 ?
	    JIT_OK : JIT_E_CRYPTO;
}

enum jit_err
digest_sha384(struct span s, uint8_t ret[static 48])
{
	return one_shot(s, EVP_sha384(), ret);
}

enum jit_err
digest_sha512(struct span s, uint8_t ret[static 64])
{
	return one_shot(s, EVP_sha512(), ret);
}

bool
digest_eq(const struct digest *a, const struct digest *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

void
digest_text(const struct digest *d, char ret[static DIGEST_TEXT])
{
	memcpy(ret, "sha256:", 7);
	hex_text(DIGEST_SPAN(*d), ret + 7);
}

enum jit_err
digest_parse(struct span s, struct digest *ret)
{
	if (s.n != DIGEST_TEXT - 1 || memcmp(s.p, "sha256:", 7) != 0)
		return JIT_E_FORMAT;
	return hex_parse(SPAN(s.p + 7, 64), ret->b, sizeof(ret->b));
}
