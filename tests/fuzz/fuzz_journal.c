/*
 * fuzz_journal: whatever the bytes are, a batch's entries and a segment's
 * header are read within them.
 */
#include <stdlib.h>

#include "signer/journal_batch.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	uint64_t first = 0;
	struct digest before;
	size_t end = 0, at = 0;
	struct batch b;
	struct entry e;

	if (segment_get_header(SPAN(p, n), "a.log", &first, &before, &end) ==
	    JIT_OK && end > n)
		abort();
	if (batch_get(SPAN(p, n), &b) != JIT_OK)
		return 0;
	if (b.size > n)
		abort();
	for (uint32_t i = 0; i < b.count; i++) {
		if (batch_entry(&b, i, &at, &e) != JIT_OK)
			break;
		(void)batch_time(&b, i);
		(void)batch_settle(&e);
	}
	return 0;
}
