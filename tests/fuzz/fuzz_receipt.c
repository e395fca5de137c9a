/* fuzz_receipt: a list that is taken is written again as the same bytes. */
#include <stdlib.h>

#include "ca/grant/receipt.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	JIT_DONE(receipts_done) struct receipts v = { .n = 0 };
	JIT_DONE(wr_done) struct wr w = WR_INIT(n + 1);
	const struct checkpoint c = { .size = 40 };
	struct rd r = rd_of(SPAN(p, n));
	struct jit_why why = { 0 };

	if (receipts_get(&r, &v, &why) != JIT_OK)
		return 0;
	wr_string(&w, v.note);
	wr_u32(&w, (uint32_t)v.n);
	for (size_t i = 0; i < v.n; i++) {
		if (receipt_check(&v.v[i], &c, &why) == JIT_OK)
			abort();
		receipt_put(&w, &v.v[i]);
	}
	if (w.err != JIT_OK || !span_eq(wr_view(&w), SPAN(p, n)))
		abort();
	return 0;
}
