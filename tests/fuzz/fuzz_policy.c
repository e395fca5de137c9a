/* fuzz_policy: a policy file that is taken is whole; else it says where. */
#include <stdlib.h>
#include <string.h>

#include "ca/grant/policy_yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	JIT_SCOPED(policy_free) struct policy *policy = NULL;
	struct jit_why why = { 0 };

	if (policy_from_yaml("p.yaml", SPAN(p, n), &policy, &why) == JIT_OK) {
		if (policy_check(policy, NULL) != JIT_OK)
			abort();
	} else if (strncmp(why.msg, "p.yaml", 6) != 0) {
		abort();
	}
	return 0;
}
