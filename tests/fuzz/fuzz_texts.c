/*
 * fuzz_texts: a signed text that is taken renders to the same bytes; so do
 * decisions, acts, recoveries, log-ins, locks, published keys and policy
 * blocks.  The first byte chooses.
 */
#include <stdlib.h>

#include "ca/grant/decision.h"
#include "ca/grant/keys.h"
#include "ca/grant/login.h"
#include "ca/grant/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
same(const struct wr *w, struct span s)
{
	if (w->err != JIT_OK || !span_eq(wr_view(w), s))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	JIT_DONE(wr_done) struct wr w = WR_INIT(16384);
	JIT_SCOPED(block_free) struct block *b = NULL;
	struct span s = n > 0 ? SPAN(p + 1, n - 1) : SPAN_NONE;
	JIT_DONE(ca_keys_done) struct ca_keys keys = { 0 };
	JIT_DONE(wr_done) struct wr many = WR_INIT(2u << 20);
	struct jit_why why = { 0 };
	struct recovery r;
	struct decision d;
	struct request q;
	struct login l;
	struct lock k;
	struct act a;

	switch (n > 0 ? p[0] % 9 : 9) {
	case 0:
		if (request_parse(s, &q, &why) == JIT_OK) {
			request_put(&w, &q);
			same(&w, s);
		}
		break;
	case 1:
		if (decision_parse(s, &d, &why) == JIT_OK) {
			decision_put(&w, &d);
			same(&w, s);
		}
		break;
	case 2:
		if (act_parse(s, ACT_DROP, &a, &why) == JIT_OK) {
			act_put(&w, &a);
			same(&w, s);
		}
		break;
	case 3:
		if (recovery_parse(s, &r, &why) == JIT_OK) {
			recovery_put(&w, &r);
			same(&w, s);
		}
		break;
	case 4:
		(void)block_parse(s, &b, &why);
		break;
	case 5:
		if (login_parse(s, &l, &why) == JIT_OK) {
			login_put(&w, &l);
			same(&w, s);
		}
		break;
	case 6:
		if (lock_parse(s, &k, &why) == JIT_OK) {
			lock_put(&w, &k);
			same(&w, s);
		}
		break;
	case 7:
		if (ca_keys_get(s, &keys, &why) == JIT_OK) {
			ca_keys_put(&many, &keys);
			same(&many, s);
		}
		break;
	case 8:
		if (act_parse(s, ACT_REVOKE, &a, &why) == JIT_OK) {
			act_put(&w, &a);
			same(&w, s);
		}
		break;
	default:
		break;
	}
	return 0;
}
