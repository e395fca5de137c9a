/*
 * fuzz_uri: what is taken is written in one form, which is read as the same.
 */
#include <stdlib.h>
#include <string.h>

#include "signer/token/uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(8 * URI_TEXT_MAX);
	struct jit_why why = { 0 };
	struct uri u, again;

	if (uri_parse(SPAN(p, n), &u, &why) != JIT_OK)
		return 0;
	(void)uri_check_key(&u, &why);
	uri_put(&w, &u);
	if (w.err != JIT_OK)
		abort();
	/* Escaped throughout it may be too long. */
	if (w.n <= URI_TEXT_MAX && (uri_parse(wr_view(&w), &again, &why) !=
	    JIT_OK || memcmp(&u, &again, sizeof(u)) != 0))
		abort();
	return 0;
}
