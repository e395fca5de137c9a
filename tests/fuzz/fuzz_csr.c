/*
 * fuzz_csr: a CSR and its PEM.  The key of one that is taken is in it as we
 * would write it.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "ca/x509/csr.h"
#include "ca/x509/key.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
der(struct span s)
{
	JIT_DONE(csr_done) struct csr c = { .key = NULL }, d = { .key = NULL };
	JIT_DONE(wr_done) struct wr w = WR_INIT(SSH_BLOB_MAX);
	struct jit_why why = { 0 };

	if (csr_read(s, &c, &why) != JIT_OK)
		return;
	x509_key_put_spki(&w, c.key);
	if (w.err != JIT_OK || c.cn.n != 26 ||
	    memmem(s.p, s.n, w.p, w.n) == NULL)
		abort();
	(void)csr_open(s, &d, &why);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	JIT_DONE(buf_done) struct buf b = { NULL, 0 };

	der(SPAN(p, n));
	if (csr_from_pem(SPAN(p, n), &b, NULL) == JIT_OK)
		der(BUF_SPAN(b));
	return 0;
}
