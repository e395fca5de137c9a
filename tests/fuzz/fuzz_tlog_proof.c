/* What parses is written again as the very same bytes. */
#include "ca/tlog/proof.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(n + 1);
	struct merkle_proof proof;
	struct span note;
	uint64_t index;

	if (tlog_proof_parse(SPAN(p, n), &index, &proof, &note, NULL) !=
	    JIT_OK)
		return 0;
	tlog_proof_put(&w, index, &proof, note);
	if (w.err != JIT_OK || !span_eq(wr_view(&w), SPAN(p, n)))
		abort();
	return 0;
}
