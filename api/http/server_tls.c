#include <stdlib.h>
#include <string.h>

#include "api/http/server_int.h"

/*
 * TLS 1.2 and 1.3, forward secrecy only, authenticated encryption only.  No
 * finite-field groups: they cost a server ten times what a curve does.  No
 * tickets: a connection is kept alive instead, and nothing is resumed that a
 * new certificate would not be shown to.
 */
const char pair_priorities[] =
    "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"
    ":-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA"
    ":-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1"
    ":-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305"
    ":-MAC-ALL:+AEAD:%NO_TICKETS";

static gnutls_datum_t
datum(const char *s)
{
	return (gnutls_datum_t){ (unsigned char *)(uintptr_t)s,
	    (unsigned)strlen(s) };
}

static enum jit_err
fail(struct jit_why *why, const char *what, int r)
{
	return jit_fail(why, r == GNUTLS_E_MEMORY_ERROR ? JIT_E_NOMEM :
	    JIT_E_ARG, "%s: %s", what, gnutls_strerror(r));
}

/* GnuTLS compares the two when they are set together. */
static enum jit_err
check_match(const char *cert_pem, const char *key_pem, struct jit_why *why)
{
	gnutls_certificate_credentials_t cred;
	gnutls_datum_t cert = datum(cert_pem), key = datum(key_pem);
	int r = gnutls_certificate_allocate_credentials(&cred);

	if (r < 0)
		return fail(why, "TLS", r);
	r = gnutls_certificate_set_x509_key_mem2(cred, &cert, &key,
	    GNUTLS_X509_FMT_PEM, NULL, 0);
	gnutls_certificate_free_credentials(cred);
	return r < 0 ? fail(why, "the TLS certificate and its key", r) :
	    JIT_OK;
}

enum jit_err
pair_new(const char *cert_pem, const char *key_pem, struct pair **ret,
    struct jit_why *why)
{
	struct pair *p;
	gnutls_datum_t cert, key;
	unsigned n = CHAIN_MAX;
	int r;

	if (cert_pem == NULL || key_pem == NULL)
		return jit_fail(why, JIT_E_ARG,
		    "a TLS certificate and its key go together");
	JIT_TRY(check_match(cert_pem, key_pem, why));
	if ((p = calloc(1, sizeof(*p))) == NULL)
		return JIT_E_NOMEM;
	p->refs = 1;
	cert = datum(cert_pem);
	key = datum(key_pem);
	r = gnutls_pcert_list_import_x509_raw(p->chain, &n, &cert,
	    GNUTLS_X509_FMT_PEM, GNUTLS_X509_CRT_LIST_FAIL_IF_UNSORTED);
	if (r >= 0)
		p->n = n;
	if (r >= 0)
		r = gnutls_privkey_init(&p->key);
	if (r >= 0)
		r = gnutls_privkey_import_x509_raw(p->key, &key,
		    GNUTLS_X509_FMT_PEM, NULL, 0);
	if (r < 0) {
		pair_drop(p);
		return fail(why, "the TLS certificate's chain", r);
	}
	*ret = p;
	return JIT_OK;
}

struct pair *
pair_hold(struct pair *p)
{
	if (p != NULL)
		p->refs++;
	return p;
}

void
pair_drop(struct pair *p)
{
	if (p == NULL || --p->refs > 0)
		return;
	for (unsigned i = 0; i < p->n; i++)
		gnutls_pcert_deinit(&p->chain[i]);
	if (p->key != NULL)
		gnutls_privkey_deinit(p->key);
	free(p);
}

int
pair_show(gnutls_session_t session, const gnutls_datum_t *req_ca,
    int n_req_ca, const gnutls_pk_algorithm_t *algos, int n_algos,
    gnutls_pcert_st **ret, unsigned *n, gnutls_privkey_t *key)
{
	struct conn *c = gnutls_session_get_ptr(session);

	(void)req_ca;
	(void)n_req_ca;
	(void)algos;
	(void)n_algos;
	if (c == NULL || c->pair == NULL)
		return -1;
	*ret = c->pair->chain;
	*n = c->pair->n;
	*key = c->pair->key;
	return 0;
}
