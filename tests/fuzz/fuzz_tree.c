/* fuzz_tree: whatever the bytes are, a tree or a message with a place. */
#include <stdlib.h>
#include <string.h>

#include "ca/base/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	JIT_SCOPED(tree_free) struct tree *t = NULL;
	struct jit_why why = { 0 };

	if (tree_parse("p.yaml", SPAN(p, n), &t, &why) != JIT_OK &&
	    strncmp(why.msg, "p.yaml:", 7) != 0)
		abort();
	return 0;
}
