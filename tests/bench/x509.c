/*
 * X.509 beside bare P-256 operations of the same run: a CSR opened, a leaf
 * linted, made, read back and verified, a CRL of 10,000.
 */
#define _GNU_SOURCE
#include <string.h>

#include "ca/x509/crl.h"
#include "ca/x509/csr.h"
#include "ca/x509/key.h"
#include "tests/bench/bench.h"

#define ID "01JDE0V5Y8M3T1K3ZJ6X4N9Q2B"
#define ENTRIES 10000

static struct ssh_priv *ca_key, *own;
static struct x509_ca *ca;
static struct x509_linter *lint;
static struct buf request, signature;
static struct crl_entry entries[ENTRIES];

static void
set_up(void)
{
	const struct x509_ca_fields f = { .cn = SPAN("bench", 5),
	    .after = 1, .before = 4000000000, .serial = { 1 } };
	const struct rng rng = rand_system();
	JIT_DONE(wr_done) struct wr der = WR_INIT(X509_CA_MAX);
	JIT_DONE(wr_done) struct wr csr = WR_INIT(X509_CSR_MAX);
	JIT_DONE(wr_done) struct wr sig = WR_INIT(SSH_SIG_MAX);

	NEED(ssh_priv_generate(SSH_ECDSA_P256, 0, &rng, &ca_key, NULL));
	NEED(ssh_priv_generate(SSH_ECDSA_P256, 0, &rng, &own, NULL));
	NEED(x509_ca_make(&der, &f, ssh_priv_public(ca_key), NULL, ca_key,
	    NULL));
	NEED(x509_ca_parse(wr_view(&der), &ca, NULL));
	NEED(x509_linter_new(ca, &rng, &lint, NULL));
	NEED(csr_put(&csr, own, SPAN(ID, 26), NULL));
	NEED(x509_sign(own, wr_view(&csr), &sig));
	NEED(wr_take(&csr, &request));
	NEED(wr_take(&sig, &signature));
	for (size_t i = 0; i < ENTRIES; i++) {
		NEED(rng_fill(&rng, entries[i].serial, 16));
		entries[i].serial[0] = 0x40;
		entries[i].serial[1] = (uint8_t)(i >> 8);
		entries[i].serial[2] = (uint8_t)i;
		entries[i].at = 1000000;
	}
}

static void
bare_sign(void)
{
	JIT_DONE(wr_done) struct wr sig = WR_INIT(SSH_SIG_MAX);

	NEED(x509_sign(own, BUF_SPAN(request), &sig));
}

static void
bare_verify(void)
{
	NEED(x509_sig_verify(ssh_priv_public(own), BUF_SPAN(request),
	    BUF_SPAN(signature)));
}

static void
open_csr(void)
{
	JIT_DONE(csr_done) struct csr c = { .key = NULL };

	NEED(csr_open(BUF_SPAN(request), &c, NULL));
}

static void
make_leaf(void)
{
	static const struct span subject = SPAN("CN=alice@example.com", 20);
	static const struct span san = SPAN(X509_GRANT_URI ID, 44);
	const struct x509_fields f = { .serial = { 0x5a, 1 },
	    .profile = x509_profile_find(SPAN("postgresql", 10)),
	    .subject = &subject, .n_subject = 1, .sans = &san, .n_sans = 1,
	    .after = 1000000, .before = 1003600, .request = { ID } };
	JIT_DONE(wr_done) struct wr w = WR_INIT(X509_CERT_MAX);

	NEED(x509_make(&w, &f, ssh_priv_public(own), ca_key, lint, NULL));
}

static double
one_crl(void)
{
	const struct crl_fields f = { 1, 2000000, 2003600, entries, ENTRIES };
	JIT_DONE(wr_done) struct wr w = WR_INIT(X509_CRL_MAX);
	double from = bench_now(CLOCK_MONOTONIC);

	NEED(crl_make(&w, &f, ca, ca_key, NULL));
	return bench_now(CLOCK_MONOTONIC) - from;
}

void
bench_x509(void)
{
	double sign, verify, leaf, best = 1e9;

	set_up();
	sign = bench_rate("bare P-256 signatures", bare_sign);
	verify = bench_rate("bare P-256 verifications", bare_verify);
	(void)bench_rate("CSR opened and verified", open_csr);
	leaf = bench_rate("X.509 leaf linted, made, read, verified",
	    make_leaf);
	/* The way has two signatures and two verifications in it. */
	(void)printf("%-44s %10.2f of one bare signature, %.2f of all four\n",
	    "  its rate against the bare operations", leaf / sign,
	    leaf * (2 / sign + 2 / verify));
	for (int i = 0; i < 20; i++) {
		double took = one_crl();

		best = took < best ? took : best;
	}
	(void)printf("%-44s %10.2f ms\n",
	    "CRL of 10,000 made, read, compared, verified", best * 1e3);
	x509_linter_free(lint);
	x509_ca_free(ca);
	ssh_priv_free(own);
	ssh_priv_free(ca_key);
	buf_done(&request);
	buf_done(&signature);
}
