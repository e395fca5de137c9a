/*
 * fuzz_ssh: keys, certificates, SSHSIG and its armour, signature blobs,
 * options.  What is taken goes out as the same bytes.  The first byte chooses.
 */
#include <stdlib.h>

#include "ca/ssh/cert.h"
#include "ca/ssh/sshsig.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
key(struct span s)
{
	JIT_SCOPED(ssh_key_free) struct ssh_key *k = NULL;

	if (ssh_key_parse(s, &k, NULL) != JIT_OK)
		return;
	if (!span_eq(ssh_key_blob(k), s))
		abort();
	(void)ssh_sig_verify(k, s, s, NULL, NULL);
}

static void
cert(struct span s)
{
	JIT_SCOPED(ssh_cert_free) struct ssh_cert *c = NULL;

	if (ssh_cert_parse(s, &c, NULL) == JIT_OK &&
	    ssh_cert_check_is(c, ssh_cert_fields(c), ssh_cert_subject(c),
	    NULL) != JIT_OK)
		abort();
}

static void
sig(struct span s)
{
	JIT_DONE(sshsig_done) struct sshsig g = { 0 };

	if (sshsig_parse(s, &g, NULL) == JIT_OK)
		(void)sshsig_verify(&g, "a", s, NULL, NULL);
}

static void
text(struct span s)
{
	JIT_DONE(buf_done) struct buf b = { NULL, 0 };
	JIT_SCOPED(ssh_key_free) struct ssh_key *k = NULL;
	struct ssh_opt o, list[4];
	size_t n;

	(void)sshsig_get_armor(s, &b, NULL);
	(void)ssh_key_parse_line(s, &k, NULL, NULL);
	(void)ssh_opt_parse(s, &o, NULL);
	(void)ssh_opts_get(s, true, list, 4, &n, NULL);
	(void)ssh_opts_get(s, false, list, 4, &n, NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static void (*const fn[])(struct span) = { key, cert, sig, text };

	if (n > 0)
		fn[p[0] % 4](SPAN(p + 1, n - 1));
	return 0;
}
