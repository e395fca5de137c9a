/*
 * fuzz_x509: leaves, authorities, CRLs, names, keys, PEM chains.  What is
 * taken goes out as the same bytes where it is ours alone.  The first byte
 * chooses.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "ca/x509/crl.h"
#include "ca/x509/der.h"
#include "ca/x509/key.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
need_inside(struct span s, const struct wr *w)
{
	if (w->err != JIT_OK || memmem(s.p, s.n, w->p, w->n) == NULL)
		abort();
}

static void
leaf(struct span s)
{
	JIT_SCOPED(x509_cert_free) struct x509_cert *c = NULL;
	JIT_DONE(wr_done) struct wr name = WR_INIT(X509_CERT_MAX);
	JIT_DONE(wr_done) struct wr sans = WR_INIT(X509_CERT_MAX);
	JIT_DONE(wr_done) struct wr spki = WR_INIT(SSH_BLOB_MAX);
	const struct x509_fields *f;
	struct jit_why why = { 0 };

	if (x509_cert_parse(s, &c, &why) != JIT_OK)
		return;
	f = x509_cert_fields(c);
	x509_subject_put(&name, f->subject, f->n_subject);
	x509_san_put(&sans, f->sans, f->n_sans);
	x509_key_put_spki(&spki, x509_cert_subject_key(c));
	need_inside(s, &name);
	need_inside(s, &sans);
	need_inside(s, &spki);
}

static void
authority(struct span s)
{
	JIT_SCOPED(x509_ca_free) struct x509_ca *ca = NULL;
	struct jit_why why = { 0 };

	if (x509_ca_parse(s, &ca, &why) == JIT_OK)
		(void)x509_ca_verify(ca, ca, &why);
}

static void
list(struct span s)
{
	JIT_SCOPED(crl_free) struct crl *c = NULL;
	struct jit_why why = { 0 };
	const struct crl_fields *f;

	if (crl_parse(s, &c, &why) != JIT_OK)
		return;
	f = crl_fields(c);
	if (crl_check_is(c, f, &why) != JIT_OK)
		abort();
	for (size_t i = 0; i < f->n; i++)
		if (!crl_has(c, f->entries[i].serial))
			abort();
}

static void
small(struct span s)
{
	JIT_DONE(x509_names_done) struct x509_names a = { .n = 0 };
	JIT_DONE(x509_names_done) struct x509_names b = { .n = 0 };
	JIT_SCOPED(ssh_key_free) struct ssh_key *k = NULL;
	JIT_DONE(x509_chain_done) struct x509_chain chain = { .n = 0 };
	JIT_DONE(wr_done) struct wr w = WR_INIT(65536);

	if (x509_subject_get(s, &a, NULL) == JIT_OK)
		x509_subject_put(&w, a.at, a.n);
	else if (x509_san_get(s, &b, NULL) == JIT_OK)
		x509_san_put(&w, b.at, b.n);
	else if (x509_key_from_spki(s, &k, NULL) == JIT_OK)
		x509_key_put_spki(&w, k);
	else {
		(void)x509_pem_chain(s, &chain, NULL);
		return;
	}
	if (w.err != JIT_OK || !span_eq(wr_view(&w), s))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static void (*const fn[])(struct span) = { leaf, authority, list,
	    small };

	if (n > 0)
		fn[p[0] % 4](SPAN(p + 1, n - 1));
	return 0;
}
