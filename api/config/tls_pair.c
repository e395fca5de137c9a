#define _POSIX_C_SOURCE 200809L
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "api/config/config.h"
#include "ca/base/sys.h"

#define PAIR_MAX 65536
#define RSA_MIN 2048
#define LIFE_DAYS 3650

JIT_SCOPED_PTR(X509, X509_free);
JIT_SCOPED_PTR(EVP_PKEY, EVP_PKEY_free);
JIT_SCOPED_PTR(BIO, BIO_free_all);
JIT_SCOPED_PTR(X509_EXTENSION, X509_EXTENSION_free);

void
tls_pair_done(struct tls_pair *p)
{
	buf_done(&p->certificate);
	buf_done(&p->key);
	*p = (struct tls_pair){ .key = { NULL, 0 } };
}

/* ---- read ---- */

/* A key under a passphrase is not asked for: nobody sits there. */
static int
no_passphrase(char *buf, int size, int rwflag, void *arg)
{
	(void)buf;
	(void)size;
	(void)rwflag;
	(void)arg;
	return -1;
}

static enum jit_err
spki_digest(X509 *x, struct digest *ret)
{
	unsigned char *der = NULL;
	int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);
	enum jit_err e;

	if (n <= 0)
		return JIT_E_CRYPTO;
	e = digest_sha256(SPAN(der, (size_t)n), ret);
	OPENSSL_free(der);
	return e;
}

static enum jit_err
check_pair(const struct config *c, struct tls_pair *p, struct jit_why *why)
{
	JIT_SCOPED(BIO_free_all) BIO *cert = BIO_new_mem_buf(p->certificate.p,
	    (int)p->certificate.n);
	JIT_SCOPED(BIO_free_all) BIO *key = BIO_new_mem_buf(p->key.p,
	    (int)p->key.n);
	JIT_SCOPED(X509_free) X509 *x = NULL;
	JIT_SCOPED(EVP_PKEY_free) EVP_PKEY *k = NULL;

	if (cert == NULL || key == NULL)
		return JIT_E_NOMEM;
	if ((x = PEM_read_bio_X509(cert, NULL, no_passphrase, NULL)) == NULL)
		return jit_fail(why, JIT_E_FORMAT, "%s: no certificate in PEM",
		    c->certificate);
	if ((k = PEM_read_bio_PrivateKey(key, NULL, no_passphrase, NULL)) ==
	    NULL)
		return jit_fail(why, JIT_E_FORMAT, "%s: no private key in "
		    "PEM, or one under a passphrase", c->key);
	if (X509_check_private_key(x, k) != 1)
		return jit_fail(why, JIT_E_FORMAT, "%s is not the key of %s",
		    c->key, c->certificate);
	if (EVP_PKEY_get_base_id(k) == EVP_PKEY_RSA &&
	    EVP_PKEY_get_bits(k) < RSA_MIN)
		return jit_fail(why, JIT_E_WEAKKEY, "%s: an RSA key of %d "
		    "bits; at least %d", c->key, EVP_PKEY_get_bits(k),
		    RSA_MIN);
	return spki_digest(x, &p->spki);
}

enum jit_err
tls_pair_read(const struct config *c, struct tls_pair *ret,
    struct jit_why *why)
{
	const uid_t owners[] = { 0, geteuid() };
	const struct sys_rule open = { owners, 2, 0022, PAIR_MAX };
	const struct sys_rule ours = { owners, 2, 0077, PAIR_MAX };
	JIT_DONE(tls_pair_done) struct tls_pair p = { .key = { NULL, 0 } };

	JIT_TRY(sys_read_file(c->certificate, &open, &p.certificate, why));
	JIT_TRY(sys_read_file(c->key, &ours, &p.key, why));
	JIT_TRY(check_pair(c, &p, why));
	*ret = p;
	p = (struct tls_pair){ .key = { NULL, 0 } };
	return JIT_OK;
}

/* ---- make ---- */

/* "DNS:jit.example.com,IP:192.0.2.1"; ports are nobody's business here. */
static enum jit_err
alt_names(const struct config *c, struct buf *ret)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(4096);
	unsigned char a[16];

	for (size_t i = 0; i < c->n_names; i++) {
		char host[CONFIG_NAME_MAX + 1];

		(void)snprintf(host, sizeof(host), "%s", c->name[i]);
		*strrchr(host, ':') = '\0';
		if (host[0] == '[') {
			memmove(host, host + 1, strlen(host));
			host[strlen(host) - 1] = '\0';
		}
		wr_fmt(&w, "%s%s:%s", i > 0 ? "," : "",
		    inet_pton(AF_INET, host, a) == 1 ||
		    inet_pton(AF_INET6, host, a) == 1 ? "IP" : "DNS", host);
	}
	return wr_take(&w, ret);
}

static bool
add_extension(X509 *x, int nid, const char *value)
{
	X509V3_CTX ctx;
	JIT_SCOPED(X509_EXTENSION_free) X509_EXTENSION *e = NULL;

	X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	return e != NULL && X509_add_ext(x, e, -1) == 1;
}

static bool
fill_name(X509 *x, const char *name)
{
	X509_NAME *n = X509_get_subject_name(x);
	char host[65];

	(void)snprintf(host, sizeof(host), "%.*s", (int)strcspn(name, ":"),
	    name);
	return X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_ASC,
	    (const unsigned char *)host, -1, -1, 0) == 1 &&
	    X509_set_issuer_name(x, n) == 1;
}

static enum jit_err
self_sign(const struct config *c, EVP_PKEY *k, utc_s now, X509 **ret)
{
	JIT_SCOPED(X509_free) X509 *x = X509_new();
	JIT_DONE(buf_done) struct buf names = { NULL, 0 };
	time_t at = (time_t)now - 3600;

	JIT_TRY(alt_names(c, &names));
	if (x == NULL || X509_set_version(x, X509_VERSION_3) != 1 ||
	    ASN1_INTEGER_set_int64(X509_get_serialNumber(x), now) != 1 ||
	    X509_time_adj_ex(X509_getm_notBefore(x), 0, 0, &at) == NULL ||
	    X509_time_adj_ex(X509_getm_notAfter(x), LIFE_DAYS, 0, &at) ==
	    NULL || !fill_name(x, c->name[0]) || X509_set_pubkey(x, k) != 1 ||
	    !add_extension(x, NID_subject_alt_name, (const char *)names.p) ||
	    !add_extension(x, NID_basic_constraints, "critical,CA:FALSE") ||
	    !add_extension(x, NID_key_usage, "critical,digitalSignature") ||
	    !add_extension(x, NID_ext_key_usage, "serverAuth") ||
	    X509_sign(x, k, EVP_sha256()) <= 0)
		return JIT_E_CRYPTO;
	*ret = x;
	x = NULL;
	return JIT_OK;
}

static enum jit_err
write_pem(BIO *b, const char *path, mode_t mode, struct jit_why *why)
{
	char *p = NULL;
	long n = BIO_get_mem_data(b, &p);

	return sys_write_file(path, SPAN(p, (size_t)n), mode, SYS_NEW, why);
}

enum jit_err
tls_pair_make(const struct config *c, utc_s now, struct jit_why *why)
{
	JIT_SCOPED(EVP_PKEY_free) EVP_PKEY *k = EVP_EC_gen("P-256");
	JIT_SCOPED(X509_free) X509 *x = NULL;
	JIT_SCOPED(BIO_free_all) BIO *cert = BIO_new(BIO_s_mem());
	JIT_SCOPED(BIO_free_all) BIO *key = BIO_new(BIO_s_secmem());

	if (cert == NULL || key == NULL)
		return JIT_E_NOMEM;
	if (k == NULL)
		return JIT_E_CRYPTO;
	JIT_TRY(self_sign(c, k, now, &x));
	if (PEM_write_bio_X509(cert, x) != 1 ||
	    PEM_write_bio_PKCS8PrivateKey(key, k, NULL, NULL, 0, NULL,
	    NULL) != 1)
		return JIT_E_CRYPTO;
	JIT_TRY(write_pem(key, c->key, 0600, why));
	return write_pem(cert, c->certificate, 0644, why);
}
