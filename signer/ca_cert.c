#define _POSIX_C_SOURCE 200809L
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "ca/base/sys.h"
#include "ca/x509/cert.h"
#include "ca/x509/der.h"
#include "signer/ca_cert.h"

#define SLACK 300		/* s that a server's clock may run slow */

/* What a certificate's name may hold, of a log's name. */
static void
put_name(struct wr *w, const char *origin)
{
	size_t n = strlen(origin);

	for (size_t i = 0; i < n && i < X509_VALUE_MAX - 8; i++)
		wr_u8(w, x509_is_value(SPAN(origin + i, 1)) ?
		    (uint8_t)origin[i] : '-');
	wr_str(w, "-x509-ca");
}

enum jit_err
ca_cert_self(struct wr *der, const struct ssh_priv *k, const char *origin,
    utc_s now, const struct rng *rng, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr name = WR_INIT(X509_VALUE_MAX);
	struct x509_ca_fields f = { .after = now - SLACK,
	    .before = now + CA_CERT_LIFE, .pathlen = 0, .eku = true };

	put_name(&name, origin);
	JIT_TRY(name.err);
	f.cn = wr_view(&name);
	JIT_TRY(x509_serial_make(rng, f.serial));
	return x509_ca_make(der, &f, ssh_priv_public(k), NULL, k, why);
}

enum jit_err
ca_cert_write(const char *home, const struct ca_keys *k, struct jit_why *why)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT((size_t)CA_KEYS_MAX *
	    CA_CHAIN_MAX * 2 * X509_CA_MAX);
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/" CA_CERT_FILE, home);

	if (n < 0 || (size_t)n >= sizeof(path))
		return jit_fail(why, JIT_E_SIZE, "%s: the path is too long",
		    home);
	for (size_t i = 0; i < k->n; i++)
		for (size_t c = 0; c < k->v[i].n_chain; c++)
			x509_put_pem(&w, "CERTIFICATE",
			    BUF_SPAN(k->v[i].chain[c]));
	JIT_TRY(w.err);
	return w.n == 0 ? JIT_OK : sys_write_file(path, wr_view(&w), 0644,
	    SYS_REPLACE, why);
}
