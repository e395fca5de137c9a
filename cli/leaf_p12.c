/* leaf_p12 - certificate, chain and key in one PKCS#12 (RFC 7292). */
#include <string.h>

#include <openssl/pkcs12.h>
#include <openssl/x509.h>

#include "ca/x509/der.h"
#include "cli/leaf.h"

#define ITERATIONS 100000	/* of PBKDF2, and of the MAC's */
#define P12_MAX (256u << 10)

JIT_SCOPED_PTR(X509, X509_free);
JIT_SCOPED_PTR(PKCS12, PKCS12_free);

static void
stack_free(STACK_OF(X509) *s)
{
	sk_X509_pop_free(s, X509_free);
}
JIT_SCOPED_PTR(STACK_OF(X509), stack_free);

static enum jit_err
x509_of(struct span der, X509 **ret, struct jit_why *why)
{
	const unsigned char *p = der.p;

	*ret = d2i_X509(NULL, &p, (long)der.n);
	return *ret != NULL ? JIT_OK : jit_fail(why, JIT_E_CRYPTO, "OpenSSL "
	    "does not read the certificate");
}

/* Every CA above it, the root as well. */
static enum jit_err
chain_of(const struct leaf *l, STACK_OF(X509) *ret, struct jit_why *why)
{
	JIT_DONE(x509_chain_done) struct x509_chain c = { .n = 0 };

	JIT_TRY(x509_pem_chain(BUF_SPAN(l->ca), &c, why));
	for (size_t i = 0; i < c.n; i++) {
		JIT_SCOPED(X509_free) X509 *x = NULL;

		JIT_TRY(x509_of(BUF_SPAN(c.der[i]), &x, why));
		if (sk_X509_push(ret, x) == 0)
			return JIT_E_NOMEM;
		x = NULL;
	}
	return JIT_OK;
}

/* As a C string, which is what OpenSSL takes. */
static enum jit_err
string_of(const struct secret *password, struct secret *ret,
    struct jit_why *why)
{
	if (password->n == 0)
		return jit_fail(why, JIT_E_ARG, "an empty password protects "
		    "nothing");
	if (memchr(password->p, 0, password->n) != NULL)
		return jit_fail(why, JIT_E_ARG, "a password with a NUL in it");
	JIT_TRY(secret_new(ret, password->n + 1));
	memcpy(ret->p, password->p, password->n);
	return JIT_OK;
}

static enum jit_err
key_of(const struct leaf *l, struct ssh_priv **ret, struct jit_why *why)
{
	JIT_DONE(buf_done) struct buf der = { NULL, 0 };

	JIT_TRY(x509_pem_one(SPAN(l->key.p, l->key.n), "PRIVATE KEY", &der,
	    why));
	return ssh_priv_load_pkcs8(BUF_SPAN(der), ret, why);
}

enum jit_err
leaf_pkcs12(const struct leaf *l, const struct secret *password,
    struct buf *ret, struct jit_why *why)
{
	JIT_DONE(secret_done) struct secret pass = { NULL, 0, 0 };
	JIT_SCOPED(ssh_priv_free) struct ssh_priv *key = NULL;
	JIT_SCOPED(X509_free) X509 *cert = NULL;
	JIT_SCOPED(stack_free) STACK_OF(X509) *ca = sk_X509_new_null();
	JIT_SCOPED(PKCS12_free) PKCS12 *p12 = NULL;
	JIT_DONE(wr_done) struct wr w = WR_INIT(P12_MAX);
	unsigned char *der = NULL;
	int n;

	if (ca == NULL)
		return JIT_E_NOMEM;
	JIT_TRY(string_of(password, &pass, why));
	JIT_TRY(key_of(l, &key, why));
	JIT_TRY(x509_of(x509_cert_der(l->cert), &cert, why));
	JIT_TRY(chain_of(l, ca, why));
	/* Zeros are OpenSSL 3's own: AES-256-CBC by PBKDF2, MAC SHA-256. */
	p12 = PKCS12_create((const char *)pass.p, l->id.s, ssh_priv_evp(key),
	    cert, ca, 0, 0, ITERATIONS, ITERATIONS, 0);
	if (p12 == NULL || (n = i2d_PKCS12(p12, &der)) <= 0)
		return jit_fail(why, JIT_E_CRYPTO, "OpenSSL made no PKCS#12");
	wr_raw(&w, der, (size_t)n);
	OPENSSL_free(der);
	return wr_take(&w, ret);
}
