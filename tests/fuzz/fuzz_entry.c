/* A leaf that parses is 53 bytes of a known type. */
#include "ca/tlog/entry.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct entry e = { .erased = false };

	if (entry_parse_leaf(SPAN(p, n), &e) == JIT_OK &&
	    (n != ENTRY_LEAF || entry_type_name(e.type) == NULL))
		abort();
	(void)entry_check_body(&e, NULL);
	return 0;
}
