/*
 * fuzz_token_frame: what jit-signer, keeper and worker may say to each other;
 * a frame that is taken is written again as the same bytes.
 */
#include <stdlib.h>

#include "ca/base/text.h"
#include "signer/token/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(FRAME_MAX + 4);
	struct jit_why why = { 0 };
	struct frame f;

	if (frame_get(SPAN(p, n), &f, &why) != JIT_OK)
		return 0;
	if (f.n > FRAME_KEYS_MAX || f.words.n > FRAME_WORDS_MAX ||
	    text_check_plain(f.words, NULL) != JIT_OK)
		abort();
	frame_put(&w, &f);
	if (w.err != JIT_OK || !span_eq(SPAN(w.p + 4, w.n - 4), SPAN(p, n)))
		abort();
	return 0;
}
